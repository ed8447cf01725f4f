import { setMaxListeners } from 'node:events';
import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Entry } from '../model/entry.ts';
import type { Changes } from './changes.ts';
import { needlesOf, passes } from './filter.ts';
import type { EntryFilter } from './journal.ts';
import { entriesOf, type Line } from './line.ts';
import { createLineReader, type LineReader, lineStart, openToRead } from './reader.ts';
import { offsetSince } from './tail.ts';

/** Reading the journal from front to back: to its end, or for ever. */

/** Entries up to where the file ends when the reading begins. */
export async function* readEntries(
  file: string,
  filter: (EntryFilter & { fromOffset?: number }) | undefined,
): AsyncGenerator<Entry> {
  const end = endOf(file);
  const from = filter?.fromOffset ?? (filter?.sinceMs === undefined ? 0 : offsetSince(file, filter.sinceMs));
  const reader = createLineReader({ file, from, needles: needlesOf(filter) });
  try {
    for (let more = true; more && reader.generation() === 0 && reader.offset() < end; ) {
      const entries: Entry[] = [];
      more = reader.step((line) => {
        if (line.offset < end) collect(line, filter, entries);
      });
      yield* entries;
      await setImmediate();
    }
  } finally {
    reader.close();
  }
}

export interface FollowOptions {
  from: 'start' | 'end' | { offset: number };
  signal: AbortSignal;
  filter?: EntryFilter | undefined;
}

/** Entries from a place on, then new ones as any process writes them, until the signal aborts or the journal closes. */
export const followEntries = (
  deps: { file: string; changes: Changes; closed: () => boolean },
  { from, signal, filter }: FollowOptions,
): AsyncGenerator<Entry> => {
  // Taken now and not at the first `next`: what is appended from here on is new to the caller.
  const offset = from === 'start' ? 0 : from === 'end' ? endOf(deps.file) : from.offset;
  return (async function* () {
    const reader = createLineReader({ file: deps.file, from: offset, needles: needlesOf(filter) });
    const entries: Entry[] = [];
    const stopped = () => signal.aborted || deps.closed();
    try {
      for await (const _ of steps(reader, deps, signal, (line) => collect(line, filter, entries))) {
        for (const entry of entries) {
          if (stopped()) return;
          yield entry;
        }
        entries.length = 0;
      }
    } finally {
      reader.close();
    }
  })();
};

/** Steps a reader for ever: yields after each chunk, and waits for a change at the end of the file. */
export async function* steps(
  reader: LineReader,
  { changes, closed }: { changes: Changes; closed: () => boolean },
  signal: AbortSignal,
  visit: (line: Line) => void,
): AsyncGenerator<{ more: boolean }> {
  let changed = false;
  let wake = () => {};
  const onChange = () => {
    changed = true;
    wake();
  };
  const onAbort = () => wake();
  const stopped = () => signal.aborted || closed();
  if (stopped()) return;
  const unsubscribe = changes.subscribe(onChange);
  // One signal stops any number of followers; more than ten of them are no leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', onAbort);
  try {
    while (!stopped()) {
      changed = false;
      const more = reader.step(visit);
      yield { more };
      if (more) await setImmediate();
      else if (!changed && !stopped()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}

const collect = (line: Line, filter: EntryFilter | undefined, into: Entry[]) => {
  for (const entry of entriesOf(line)) if (passes(entry, filter)) into.push(entry);
};

/** Where the next whole line will begin. */
const endOf = (file: string): number => {
  const fd = openToRead(file);
  if (fd === undefined) return 0;
  try {
    return lineStart(fd, fs.fstatSync(fd).size);
  } finally {
    fs.closeSync(fd);
  }
};
