import type { ServerResponse } from 'node:http';
import type { Desk } from '../../desk/desk.ts';
import type { Entry, EntryType } from '../../model/entry.ts';
import { GAP_TEXT } from './words.ts';

/**
 * The journal as server-sent events. The journal itself is the backlog: each client is sent what it can take, at its
 * own pace, so nothing is held for it in memory; one that takes nothing for a while is cut off and comes back with the
 * id of what it saw last.
 */
export interface EventsInput {
  desk: Desk;
  /** Taken over from the framework: nobody else writes to it. */
  response: ServerResponse;
  after: string | undefined;
  filter: { types?: EntryType[]; session?: string; project?: string };
  signal: AbortSignal;
  clean: (text: string) => string;
}

/** Proxies close what says nothing for a minute; some after half of one. */
const HEARTBEAT_MS = 15_000;
/** Who takes nothing for so long is gone, or as good as gone. */
const STALLED_MAX_MS = 10_000;
/** A browser's own patience before it comes back. */
const RETRY_MS = 2_000;

export const sendEvents = async ({ desk, response, after, filter, signal, clean }: EventsInput): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.once('error', () => gone.abort());
  const ended = AbortSignal.any([signal, gone.signal]);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx holds back what it takes for a page.
    'x-accel-buffering': 'no',
  });
  // Before the first word, so that what happens after it is not missed.
  const resumed = desk.follow({ after, signal: ended, filter });
  const from = resumed.ok ? resumed : desk.follow({ signal: ended, filter });
  response.write(`retry: ${RETRY_MS}\n\n`);
  if (!resumed.ok) response.write(`event: gap\ndata: ${JSON.stringify({ message: GAP_TEXT })}\n\n`);
  const heart = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, HEARTBEAT_MS);
  try {
    if (!from.ok) return;
    for await (const entry of from.value) {
      if (ended.aborted) return;
      if (!response.write(clean(eventText(entry))) && !(await drained(response, ended))) return;
    }
  } finally {
    clearInterval(heart);
    if (signal.aborted) response.end();
    else response.destroy();
  }
};

/** Line ends are escaped in JSON, so an event is one line of data. */
export const eventText = (entry: Entry): string =>
  `id: ${entry.id}\nevent: ${entry.type}\ndata: ${JSON.stringify(entry)}\n\n`;

/** False when it did not come in time, or there is nobody any more. */
const drained = (response: ServerResponse, ended: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (came: boolean) => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      ended.removeEventListener('abort', onEnd);
      resolve(came);
    };
    const onDrain = () => settle(true);
    const onEnd = () => settle(false);
    const timer = setTimeout(onEnd, STALLED_MAX_MS);
    response.once('drain', onDrain);
    ended.addEventListener('abort', onEnd, { once: true });
    if (ended.aborted) settle(false);
  });
