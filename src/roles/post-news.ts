import type { Journal } from '../journal/journal.ts';
import type { Entry, EntryOf, EntryType } from '../model/entry.ts';
import type { State } from '../model/state.ts';
import { ALERT_STANDS_MS } from '../policy/notices.ts';
import type { Target } from '../policy/post.ts';

/**
 * What whoever posts has to know of the last days and the state does not keep: read once from the journal, and from
 * then on what is new.
 */
export interface PostNews {
  /** Up to the end of the journal as it is now. */
  read(now: number): Promise<void>;
  alerts(): readonly EntryOf<'alert'>[];
  /** When each matter was told, in milliseconds, the oldest first. */
  told(): Readonly<Record<string, readonly number[]>>;
  /** The last edit of the configuration was refused. */
  refused(): EntryOf<'config_rejected'> | undefined;
  /** A message of this id was queued. */
  wasQueued(id: string): boolean;
  /** The target has heard that the matter stands, and not that it is over. */
  heard(notice: string, target: Target, sinceMs: number): boolean;
}

const TYPES = [
  'alert',
  'config_loaded',
  'config_rejected',
  'notice_raised',
  'message_queued',
  'message_sent',
] as const satisfies readonly EntryType[];

/** Messages and matters that are remembered, the newest: far more than three days hold. */
const REMEMBERED_MAX = 2_000;
/** Times of one matter that are remembered: more within a day do not make it wait longer. */
const TOLD_MAX = 10;

export const createPostNews = (journal: Journal<State>): PostNews => {
  const seen = new Set<string>();
  const queued = new Map<string, EntryOf<'message_queued'>['data']>();
  const heard = new Map<string, boolean>();
  const told = new Map<string, number[]>();
  let alerts: EntryOf<'alert'>[] = [];
  let refused: EntryOf<'config_rejected'> | undefined;
  let offset: number | undefined;
  let beganMs = 0;

  const take = (entry: Entry): void => {
    switch (entry.type) {
      case 'alert':
        alerts.push(entry);
        break;
      case 'config_loaded':
        refused = undefined;
        break;
      case 'config_rejected':
        refused = entry;
        break;
      case 'notice_raised': {
        const { notice } = entry.data;
        const times = told.get(notice) ?? [];
        // Behind the others: what was told last is forgotten last.
        told.delete(notice);
        told.set(notice, [...times, Date.parse(entry.ts)].slice(-TOLD_MAX));
        break;
      }
      case 'message_queued':
        queued.set(entry.data.message, entry.data);
        break;
      case 'message_sent': {
        const message = queued.get(entry.data.message);
        if (message?.about.kind !== 'notice') break;
        heard.set(keyOf(message.about.notice, message), message.about.state === 'raised');
        break;
      }
      default:
    }
  };

  return {
    read: async (now) => {
      const from = offset === undefined ? { sinceMs: now - ALERT_STANDS_MS } : { fromOffset: offset };
      if (offset === undefined) beganMs = now - ALERT_STANDS_MS;
      // Where the state ends; what is written meanwhile is read now or the next time, and counts once.
      journal.state();
      const end = journal.offset();
      const fresh: string[] = [];
      for await (const entry of journal.read({ types: TYPES, ...from })) {
        fresh.push(entry.id);
        if (!seen.has(entry.id)) take(entry);
      }
      seen.clear();
      for (const id of fresh) seen.add(id);
      offset = end;
      forgetOldest(queued);
      forgetOldest(heard);
      forgetOldest(told);
      alerts = alerts.filter(({ ts }) => Date.parse(ts) > now - ALERT_STANDS_MS);
    },
    alerts: () => alerts,
    told: () => Object.fromEntries(told),
    refused: () => refused,
    wasQueued: (id) => queued.has(id),
    // Of what was told before the memory begins it is taken that it was heard.
    heard: (notice, target, sinceMs) => heard.get(keyOf(notice, target)) ?? sinceMs < beganMs,
  };
};

const forgetOldest = (memory: Map<string, unknown>): void => {
  for (const key of memory.keys()) {
    if (memory.size <= REMEMBERED_MAX) return;
    memory.delete(key);
  }
};

const keyOf = (notice: string, { channel, to }: Target): string => [notice, channel, to].join('\0');
