import fs from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { hash53 } from '../base/hash.ts';
import type { IdFactory } from '../base/ids.ts';
import type { Entry } from '../model/entry.ts';
import { passes } from './filter.ts';
import type { EntryFilter, Found, SearchQuery } from './journal.ts';
import { entriesOf, LINE_MAX_BYTES, type Line } from './line.ts';
import { createLineReader, type LineReader, openToRead } from './reader.ts';
import {
  letGo,
  loadManifest,
  type ManifestFile,
  NO_MANIFEST,
  partFile,
  removeUnnamed,
  saveManifest,
  savePart,
} from './search-manifest.ts';
import { PagesError } from './search-pages.ts';
import {
  type Gathering,
  gatherPart,
  type List,
  mergeParts,
  type OpenPart,
  openPart,
  type Part,
  type Row,
} from './search-part.ts';
import { isSearched, termsOf } from './search-terms.ts';

/**
 * Finds entries of the whole journal by what they are about. The index lies in files that are worth nothing by
 * themselves: it goes on from where it ends whenever somebody searches, in slices, and whatever is odd about it, it is
 * made anew. What has not been written to it yet, a quarter of a megabyte of the journal, is held in memory.
 */
export interface Search {
  search(query: SearchQuery): Promise<Found>;
  close(): void;
}

export interface SearchOptions {
  file: string;
  /** Disposable. */
  dir: string;
  clock: Clock;
  ids: IdFactory;
}

/** More terms make a search no better and every search slower. */
const TERMS_MAX = 256;
/** What a process that has just started has to read before it can search: some milliseconds. */
const WRITTEN_AFTER_BYTES = 256 * 1024;
/** While the index is far behind: what a killed process loses. Memory: about 20 MB of terms. */
const WRITTEN_AFTER_ENTRIES = 4096;
const WRITTEN_WHILE_BEHIND_BYTES = 64 * 1024 * 1024;
/** Merging holds a part twice; one of so many entries takes some 10 MB. */
const PART_ENTRIES_MAX = 65_536;
/** Entries that are weighed for one search: a few milliseconds. */
export const LISTED_MAX = 30_000;
/** As long as the event loop may be held up. */
const SLICE_MS = 5;
/** Entries are many times dearer to index than to read: a chunk is a few milliseconds of work. */
const CHUNK_BYTES = 16 * 1024;
/** A disk that is full or may not be written to is tried again after that time. */
const RETRY_AFTER_MS = 30_000;
/** An index that is found damaged again and again is not read any more in this search. */
const RESTARTS_MAX = 2;

export const createSearch = ({ file, dir, clock, ids }: SearchOptions): Search => {
  let parts: NamedPart[] = [];
  let tail: Gathering = gatherPart();
  /** Where the tail begins. */
  let written = 0;
  let reader: LineReader = createLineReader({ file, chunkBytes: CHUNK_BYTES });
  let generation = reader.generation();
  let known: ManifestFile = NO_MANIFEST;
  let retryAtMs = 0;
  let growing: Promise<void> | undefined;
  let closed = false;
  /** Counts how often everything was forgotten: what was begun before then is of no use. */
  let epoch = 0;

  /** The index as somebody wrote it; from here on this process goes on with it. */
  const adopt = (found: ManifestFile) => {
    const { manifest } = found;
    beginAnew();
    known = found;
    if (manifest === undefined) return;
    reader.close();
    reader = createLineReader({ file, from: manifest.place, chunkBytes: CHUNK_BYTES });
    generation = reader.generation();
    // Of another journal, or of one that was longer.
    if (reader.offset() !== manifest.place.offset) return;
    written = manifest.place.offset;
    for (const { name, size } of manifest.parts) {
      const part = openPart(partFile(dir, name));
      parts.push({ name, part });
      if (part.size !== size) throw new PagesError(`${name} has not as many entries as it should`);
    }
  };

  const beginAnew = () => {
    for (const { part } of parts) part.close();
    parts = [];
    tail = gatherPart();
    reader.close();
    reader = createLineReader({ file, chunkBytes: CHUNK_BYTES });
    generation = reader.generation();
    written = 0;
    epoch += 1;
  };

  const grow = async (): Promise<void> => {
    for (let restarts = 0; !closed; restarts += 1) {
      try {
        const found = loadManifest(dir);
        if (found.mark !== known.mark) adopt(found);
        return await goOn();
      } catch (error) {
        if (closed) return;
        beginAnew();
        if (!(error instanceof PagesError)) throw error;
        if (restarts === RESTARTS_MAX) return;
      }
    }
  };

  const goOn = async (): Promise<void> => {
    while (!closed) {
      const more = slice();
      if (isDue(more)) {
        const isWritten = clock.monotonic() >= retryAtMs && (await write());
        // What cannot be written stays in memory, as far as there is room.
        if (!isWritten && (!more || tail.size >= WRITTEN_AFTER_ENTRIES)) return;
      } else if (!more) return;
      await setImmediate();
    }
  };

  /** Reads for a few milliseconds. */
  const slice = (): boolean => {
    const beganMs = clock.monotonic();
    let more = true;
    while (more && clock.monotonic() - beganMs < SLICE_MS && tail.size < WRITTEN_AFTER_ENTRIES) {
      more = reader.step(gather);
      if (reader.generation() !== generation) {
        // Another file in place of the one that was read.
        generation = reader.generation();
        for (const { part } of parts.splice(0)) part.close();
        tail = gatherPart();
        written = 0;
      }
    }
    return more;
  };

  const gather = (line: Line) => {
    if (line.length > LINE_MAX_BYTES || isSkipped(line)) return;
    for (const [ordinal, entry] of entriesOf(line).entries()) {
      if (isSearched(entry.type)) tail.add(rowOf(line, ordinal, entry), [...termsOf(entry)].map(hash53));
    }
  };

  const isDue = (more: boolean): boolean => {
    const behind = reader.offset() - written;
    return tail.size >= WRITTEN_AFTER_ENTRIES || behind >= (more ? WRITTEN_WHILE_BEHIND_BYTES : WRITTEN_AFTER_BYTES);
  };

  /** Makes a part of the tail. False: it could not be written, and stays in memory, or there is no more to be done. */
  const write = async (): Promise<boolean> => {
    const found = loadManifest(dir);
    // Another process has been at it: its work is as good.
    if (found.mark !== known.mark) {
      adopt(found);
      return true;
    }
    const began = epoch;
    const isOver = () => closed || epoch !== began;
    try {
      const place = reader.place();
      if (place === undefined) return false;
      const name = `${ids(clock.now())}.part`;
      const bytes = await inSlices(mergeParts([tail]), isOver);
      if (!isOver()) await savePart(dir, name, bytes);
      if (isOver()) return !closed;
      parts.push({ name, part: openPart(partFile(dir, name)) });
      tail = gatherPart();
      written = place.offset;
      const merged = await mergeLast(isOver);
      if (isOver()) return !closed;
      const manifest = { place, parts: parts.map(({ name: named, part }) => ({ name: named, size: part.size })) };
      known = await saveManifest(dir, manifest);
      letGo(dir, merged, clock.now());
      removeUnnamed(dir, manifest, clock.now());
      return true;
    } catch (error) {
      if (error instanceof PagesError) throw error;
      retryAtMs = clock.monotonic() + RETRY_AFTER_MS;
      return false;
    }
  };

  const inSlices = async (work: Generator<undefined, Buffer>, isOver: () => boolean): Promise<Buffer> => {
    let beganMs = clock.monotonic();
    for (;;) {
      const step = isOver() ? { done: true as const, value: Buffer.alloc(0) } : work.next();
      if (step.done) return step.value;
      if (clock.monotonic() - beganMs < SLICE_MS) continue;
      await setImmediate();
      beganMs = clock.monotonic();
    }
  };

  /** Small parts at the end become one, so that there are few; returns the names of those that it replaces. */
  const mergeLast = async (isOver: () => boolean): Promise<string[]> => {
    let [from, size] = [parts.length - 1, parts.at(-1)?.part.size ?? 0];
    for (; from > 0; from -= 1) {
      const before = parts[from - 1]?.part.size ?? 0;
      if (before > size || before + size > PART_ENTRIES_MAX) break;
      size += before;
    }
    const small = parts.slice(from);
    if (small.length < 2) return [];
    const name = `${ids(clock.now())}.part`;
    const bytes = await inSlices(mergeParts(small.map(({ part }) => part)), isOver);
    if (!isOver()) await savePart(dir, name, bytes);
    if (isOver()) return [];
    parts.splice(from, small.length, { name, part: openPart(partFile(dir, name)) });
    for (const { part } of small) part.close();
    return small.map((each) => each.name);
  };

  const unsearchedBytes = (): number => {
    const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const left = Math.max(0, size - reader.offset());
    // An unfinished line is none yet.
    return left > LINE_MAX_BYTES ? left : 0;
  };

  /** Resolves when the index is at the end of the journal, or the time is over. */
  const grown = async (waitMs: number): Promise<void> => {
    growing ??= grow().finally(() => {
      growing = undefined;
    });
    // What goes wrong after nobody waits any more is met again by the next search.
    growing.catch(() => {});
    const waiting = new AbortController();
    const late = setTimeout(waitMs, undefined, { signal: waiting.signal }).catch(() => {});
    try {
      await Promise.race([growing, late]);
    } finally {
      waiting.abort();
    }
  };

  return {
    search: async (query) => {
      for (let turn = 0; ; turn += 1) {
        await grown(query.waitMs);
        // Without a journal there is nothing, whatever is remembered of it.
        if (closed || !fs.existsSync(file)) return { hits: [], count: 0, unsearchedBytes: 0 };
        try {
          return { ...find([...parts.map(({ part }) => part), tail], file, query), unsearchedBytes: unsearchedBytes() };
        } catch (error) {
          if (!(error instanceof PagesError)) throw error;
          // Damaged in a place that this search is the first to read.
          beginAnew();
          if (turn === RESTARTS_MAX) return { hits: [], count: 0, unsearchedBytes: unsearchedBytes() };
        }
      }
    },
    close: () => {
      closed = true;
      for (const { part } of parts) part.close();
      reader.close();
    },
  };
};

interface NamedPart {
  name: string;
  part: OpenPart;
}

/** The place of the type in a line that Winnow wrote; another program's lines are parsed. */
const TYPE = /^\{"id":"[^"\\]*","ts":"[^"\\]*","type":"(\w+)"/;
const TYPE_WITHIN_BYTES = 160;
const ENTRY_BEGINS = Buffer.from('{"id":"');

/** Most lines are of types that nobody searches: they are known by their first bytes, unless another is glued to them. */
const isSkipped = ({ bytes }: Line): boolean => {
  const type = TYPE.exec(bytes.toString('latin1', 0, TYPE_WITHIN_BYTES))?.[1];
  return type !== undefined && !isSearched(type) && bytes.indexOf(ENTRY_BEGINS, 1) === -1;
};

/** 32 bits of a name; the empty one stands for none. */
const nameHash = (name: string | undefined): number => hash53(name ?? '') % 2 ** 32;

const rowOf = ({ offset, length }: Line, ordinal: number, entry: Entry): Row => ({
  offset,
  length,
  ordinal,
  atMs: Date.parse(entry.ts),
  type: nameHash(entry.type),
  project: nameHash(entry.project),
  session: nameHash(entry.session),
});

const find = (parts: readonly Part[], file: string, query: SearchQuery): Pick<Found, 'hits' | 'count'> => {
  const all = (query.all ?? []).slice(0, TERMS_MAX).map(hash53);
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const any = telling(
    (query.any ?? []).slice(0, TERMS_MAX).map(({ term, weight }) => {
      const hash = hash53(term);
      const count = parts.reduce((sum, part) => sum + part.count(hash), 0);
      return { hash, count, weight: weight * Math.log(1 + total / Math.max(1, count)) };
    }),
  );
  const fits = rowFilter(query.filter);
  const best = createBest(query.limit);
  let count = 0;
  // The newest first: of equals those that came first stay.
  for (const part of parts.toReversed()) {
    const { scores, fitting } = all.length > 0 ? haveAll(part, all, any, query.any !== undefined) : haveAny(part, any);
    for (let n = fitting.length - 1; n >= 0; n -= 1) {
      const index = fitting[n] as number;
      const score = scores[index] as number;
      const rank = query.order === 'best' ? score : 0;
      if (all.length === 0 && !best.takes(rank)) continue;
      const row = part.row(index);
      if (!fits(row)) continue;
      count += 1;
      if (best.takes(rank)) best.add({ rank, score, row });
    }
  }
  return { hits: readHits(file, best.found(), query), count: all.length > 0 ? count : 0 };
};

interface Weighed {
  hash: number;
  /** How many entries have it. */
  count: number;
  weight: number;
}

/** The rarest come first; what is left out, more than so many entries have, and it tells few of them apart. */
const telling = (terms: readonly Weighed[]): Weighed[] => {
  let listed = 0;
  return terms
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => a.count - b.count)
    .filter(({ count }) => {
      listed += count;
      return listed <= LISTED_MAX || listed === count;
    });
};

interface Scored {
  /** By index. */
  scores: Float32Array;
  /** Indices, ascending. */
  fitting: List;
}

const haveAny = (part: Part, any: readonly Weighed[]): Scored => {
  const scores = new Float32Array(part.size);
  const fitting: number[] = [];
  for (const { hash, weight } of any) {
    const list = part.list(hash);
    // Of a term that stands alone, since so many have it, the newest are as good as the others.
    for (let n = Math.max(0, list.length - LISTED_MAX); n < list.length; n += 1) {
      const index = list[n] as number;
      const before = scores[index] as number;
      if (before === 0) fitting.push(index);
      scores[index] = before + weight;
    }
  }
  return { scores, fitting: Uint32Array.from(fitting).sort() };
};

const haveAll = (part: Part, all: readonly number[], any: readonly Weighed[], needsAny: boolean): Scored => {
  const { scores } = haveAny(part, any);
  const [rarest = 0, ...others] = all.toSorted((a, b) => part.count(a) - part.count(b));
  let fitting = part.list(rarest);
  for (const hash of others) {
    if (fitting.length === 0) break;
    fitting = common(fitting, part.list(hash));
  }
  return { scores, fitting: needsAny ? fitting.filter((index) => scores[index] !== 0) : fitting };
};

/** What stands in both lists. */
const common = (a: List, b: List): List => {
  const both: number[] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length; ) {
    const difference = (a[i] as number) - (b[j] as number);
    if (difference === 0) both.push(a[i] as number);
    if (difference <= 0) i += 1;
    if (difference >= 0) j += 1;
  }
  return both;
};

const rowFilter = (filter: EntryFilter | undefined): ((row: Row) => boolean) => {
  if (filter === undefined) return () => true;
  const types = filter.types && new Set(filter.types.map(nameHash));
  const project = filter.project === undefined ? undefined : nameHash(filter.project);
  const session = filter.session === undefined ? undefined : nameHash(filter.session);
  return (row) =>
    (types === undefined || types.has(row.type)) &&
    (project === undefined || row.project === project) &&
    (session === undefined || row.session === session) &&
    (filter.sinceMs === undefined || row.atMs >= filter.sinceMs);
};

interface Candidate {
  rank: number;
  score: number;
  row: Row;
}

/** The so many best of what is added, best first. */
const createBest = (limit: number) => {
  const found: Candidate[] = [];
  return {
    takes: (rank: number): boolean => limit > 0 && (found.length < limit || rank > (found.at(-1)?.rank ?? 0)),
    add: (candidate: Candidate): void => {
      let at = found.length;
      while (at > 0 && (found[at - 1]?.rank ?? 0) < candidate.rank) at -= 1;
      found.splice(at, 0, candidate);
      if (found.length > limit) found.pop();
    },
    found: (): readonly Candidate[] => found,
  };
};

/** The entries themselves, as the journal has them; what only shares a hash with the query is left out. */
const readHits = (file: string, candidates: readonly Candidate[], query: SearchQuery): Found['hits'] => {
  const fd = candidates.length === 0 ? undefined : openToRead(file);
  if (fd === undefined) return [];
  try {
    return candidates.flatMap(({ row, score }) => {
      const bytes = Buffer.allocUnsafe(row.length);
      const length = fs.readSync(fd, bytes, 0, row.length, row.offset);
      const line = { bytes: bytes.subarray(0, length), offset: row.offset, length };
      const entry = entriesOf(line)[row.ordinal];
      return entry !== undefined && passes(entry, query.filter) && hasTerms(entry, query) ? [{ entry, score }] : [];
    });
  } finally {
    fs.closeSync(fd);
  }
};

/** Whether an entry is what a query looks for, without any index. */
export const hasTerms = (entry: Entry, { all = [], any }: Pick<SearchQuery, 'all' | 'any'>): boolean => {
  const terms = termsOf(entry);
  return all.every((term) => terms.has(term)) && (any === undefined || any.some(({ term }) => terms.has(term)));
};
