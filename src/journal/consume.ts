import fs from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Clock } from '../base/clock.ts';
import type { Entry } from '../model/entry.ts';
import type { Changes } from './changes.ts';
import { steps } from './follow.ts';
import { entriesOf, type Line } from './line.ts';
import { createLineReader, type Place } from './reader.ts';

/**
 * A durable subscription. The cursor is moved only after the handler has resolved, so a consumer that dies sees the
 * entries since the last move again, and never misses one.
 */
export interface Cursor extends Place {
  /** The last entry handled, for people who look into the file. */
  id: string;
}

/** While entries keep coming the cursor is written so often; each time costs a sync of the disk. */
const MOVE_EVERY_MS = 250;
const NAME = /^[\w.-]{1,100}$/;

export const consumeEntries = async (
  deps: { file: string; cursorDir: string; changes: Changes; closed: () => boolean; clock: Clock },
  name: string,
  handler: (entry: Entry) => Promise<void> | void,
  signal: AbortSignal,
): Promise<void> => {
  if (!NAME.test(name)) throw new Error(`A consumer is named with letters, digits, dots and dashes, not "${name}".`);
  const cursorFile = join(deps.cursorDir, `${name}.json`);
  const reader = createLineReader({ file: deps.file, from: loadCursor(cursorFile) });
  /** Where the cursor may move to, in the file that was read then. */
  let moved: { offset: number; id: string; generation: number } | undefined;
  let movedAt = deps.clock.monotonic();

  const move = async () => {
    if (moved === undefined || moved.generation !== reader.generation()) return;
    const place = reader.place(moved.offset);
    if (place === undefined) return;
    const cursor: Cursor = { ...place, id: moved.id };
    moved = undefined;
    await saveCursor(cursorFile, cursor);
    movedAt = deps.clock.monotonic();
  };

  /** The entries of a chunk, and where each line ends: the cursor cannot stand inside a line. */
  const arrived: { entries: Entry[]; end: number; generation: number }[] = [];
  const visit = (line: Line) =>
    arrived.push({
      entries: entriesOf(line),
      end: line.offset + line.length + 1,
      generation: reader.generation(),
    });
  try {
    for await (const { more } of steps(reader, deps, signal, visit)) {
      for (const { entries, end, generation } of arrived.splice(0)) {
        for (const entry of entries) {
          if (signal.aborted || deps.closed()) return;
          await handler(entry);
        }
        const last = entries.at(-1);
        if (last !== undefined) moved = { offset: end, id: last.id, generation };
        if (deps.clock.monotonic() - movedAt >= MOVE_EVERY_MS) await move();
      }
      if (!more) await move();
    }
  } finally {
    await move();
    reader.close();
  }
};

const loadCursor = (file: string): Place | undefined => {
  try {
    const { ino, head, offset, tail } = JSON.parse(fs.readFileSync(file, 'utf8')) as Cursor;
    if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
    return { ino, head, offset, tail };
  } catch {
    return undefined;
  }
};

const saveCursor = async (file: string, cursor: Cursor): Promise<void> => {
  try {
    fs.mkdirSync(dirname(file), { recursive: true });
    await writeFileAtomic(file, `${JSON.stringify(cursor)}\n`);
  } catch {
    // The old cursor stays: entries are handed over again after a restart, which handlers are made for.
  }
};
