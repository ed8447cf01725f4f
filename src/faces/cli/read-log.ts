import type { Doors } from '../../desk/doors.ts';
import type { EntryFilter } from '../../journal/journal.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryType } from '../../model/entry.ts';
import { renderEntry } from './log.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** `winnow log`: the journal for people, filtered, followed, or passed through. */
export interface LogOptions extends Homed {
  type?: string[];
  session?: string;
  project?: string;
  cycle?: string;
  since?: string;
  limit?: number;
  follow?: boolean;
  json?: boolean;
}

/** Shown when nothing is asked for. */
const LIMIT_DEFAULT = 50;

export const logCommand = async (doors: Doors, terminal: Terminal, options: LogOptions): Promise<number> => {
  const unknown = (options.type ?? []).filter((type) => !Object.hasOwn(ENTRY_SCHEMAS, type));
  if (unknown.length > 0) {
    terminal.note(
      `winnow: there is no entry type ${unknown.join(', ')}; there are ${Object.keys(ENTRY_SCHEMAS).sort().join(', ')}`,
    );
    return 2;
  }
  const sinceMs = options.since === undefined ? undefined : parseSince(options.since, Date.now());
  if (options.since !== undefined && sinceMs === undefined) {
    terminal.note(
      `winnow: --since ${options.since}: expected a time span such as 2h or 3d, or a date such as 2026-01-31`,
    );
    return 2;
  }
  const opened = await doors.openJournal(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const { journal, close } = opened.value;
  const filter: EntryFilter = {
    ...(options.type ? { types: options.type as EntryType[] } : {}),
    ...(options.session ? { session: options.session } : {}),
    ...(options.project ? { project: options.project } : {}),
    ...(options.cycle ? { cycle: options.cycle } : {}),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  const print = (entry: Entry) =>
    terminal.out(options.json ? JSON.stringify(entry) : renderEntry(entry, terminal, Date.now()));
  const stop = stopSignal();
  const signal = AbortSignal.any([stop.signal, terminal.left]);
  try {
    // `--json` alone passes everything through; a person is shown the newest.
    const everything = options.json === true && options.limit === undefined && !options.follow;
    if (everything || (sinceMs !== undefined && options.limit === undefined)) {
      for await (const entry of journal.read(filter)) {
        if (signal.aborted) break;
        print(entry);
      }
    } else {
      for (const entry of journal.tail(options.limit ?? LIMIT_DEFAULT, filter)) print(entry);
    }
    const { count } = journal.state().damage;
    if (count > 0)
      terminal.note(
        `winnow: ${count} damaged line${count === 1 ? '' : 's'} in the journal skipped; nothing else is affected`,
      );
    if (options.follow) {
      for await (const entry of journal.follow({ from: 'end', signal, filter })) print(entry);
    }
    return 0;
  } finally {
    stop.end();
    close();
  }
};

/** Milliseconds since the epoch: "2h" back from now, or a date. */
export const parseSince = (text: string, now: number): number | undefined => {
  const span = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/.exec(text.trim());
  if (span) return now - Number(span[1]) * { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 }[span[2] as 's'];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date;
};
