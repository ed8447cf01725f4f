import type { Entry } from '../model/entry.ts';
import { type Damage, type Line, readLine } from './line.ts';
import { createLineReader, type Place } from './reader.ts';
import { loadSnapshot, saveSnapshot } from './snapshot.ts';

/**
 * The state: a fold of the file, brought up to its end whenever somebody asks. It starts from the snapshot where there
 * is one of this very file, and writes a new one as it goes on.
 */
export interface Folded<S> {
  /** The state at the end of the file now. */
  state(): S;
  /** Where the next entry to fold begins. */
  offset(): number;
  snapshot(): void;
  close(): void;
}

export interface FoldedOptions<S> {
  file: string;
  snapshotFile: string;
  foldVersion: number;
  empty: () => S;
  fold: (state: S, entry: Entry) => void;
  damaged?: ((state: S, damage: Damage) => void) | undefined;
  legal?: ((state: Readonly<S>, entry: Entry) => string | undefined) | undefined;
  illegal?: ((state: S, entry: Entry, why: string) => void) | undefined;
}

/** What may have to be folded again at a start: some milliseconds of work. */
const SNAPSHOT_AFTER_ENTRIES = 1000;
const SNAPSHOT_AFTER_BYTES = 1024 * 1024;
/** A whole journal is folded at the first start: large chunks are read faster. */
const CHUNK_BYTES = 256 * 1024;

export const createFolded = <S>(options: FoldedOptions<S>): Folded<S> => {
  const { file, snapshotFile, foldVersion, empty, fold, damaged, legal, illegal } = options;
  const start = resume<S>(file, snapshotFile, foldVersion);
  const { reader } = start;
  let state = start.state ?? empty();
  let lastId = start.lastId;
  let generation = reader.generation();
  /** The journal of which the state is the fold, by its first line. */
  let head = start.state === undefined ? undefined : reader.head();
  /** The state holds more than the file does: its former content was rotated away. */
  let carried = false;
  const since = { entries: 0, bytes: 0 };

  const visit = (line: Line) => {
    if (head === undefined || reader.generation() !== generation) beginFile();
    since.bytes += line.length + 1;
    const reading = readLine(line);
    if (reading.kind === 'skipped') return;
    if (reading.kind === 'entry') return accept(reading.entry);
    for (const damage of reading.damages) damaged?.(state, damage);
    for (const entry of reading.entries) accept(entry);
  };

  /** Another file in place of the one that was read: an edited copy is folded afresh, a new journal goes on. */
  const beginFile = () => {
    generation = reader.generation();
    const formerHead = head;
    head = reader.head();
    if (formerHead === undefined) return;
    carried = formerHead !== head;
    if (!carried) state = empty();
  };

  const accept = (entry: Entry) => {
    since.entries += 1;
    lastId = entry.id;
    try {
      const why = legal?.(state, entry);
      if (why === undefined) fold(state, entry);
      else illegal?.(state, entry, why);
    } catch (error) {
      // One poisoned entry must not end every start of the factory; it is reported like an illegal one.
      illegal?.(state, entry, `the fold failed: ${(error as Error).message}`);
    }
  };

  const catchUp = () => {
    while (reader.step(visit));
    if (since.entries >= SNAPSHOT_AFTER_ENTRIES || since.bytes >= SNAPSHOT_AFTER_BYTES) save();
  };

  const save = () => {
    since.entries = since.bytes = 0;
    const place = reader.place();
    if (carried || place === undefined) return;
    try {
      saveSnapshot(snapshotFile, foldVersion, { place, lastId, state });
    } catch {
      // A full or read-only disk: the snapshot only saves time, and the next thousand entries try again.
    }
  };

  catchUp();
  return {
    state: () => {
      catchUp();
      return state;
    },
    offset: reader.offset,
    // Catching up writes it when it is due.
    snapshot: catchUp,
    close: reader.close,
  };
};

const resume = <S>(file: string, snapshotFile: string, foldVersion: number) => {
  const snapshot = loadSnapshot<S>(snapshotFile, foldVersion);
  const from: Place | undefined = snapshot?.place;
  const reader = createLineReader({ file, from, chunkBytes: CHUNK_BYTES });
  if (snapshot !== undefined && from !== undefined && from.offset > 0 && reader.offset() === from.offset) {
    return { reader, state: snapshot.state, lastId: snapshot.lastId };
  }
  return { reader, state: undefined, lastId: '' };
};
