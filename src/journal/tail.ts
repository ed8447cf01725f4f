import fs from 'node:fs';
import type { Entry } from '../model/entry.ts';
import { needlesOf, passes } from './filter.ts';
import type { EntryFilter } from './journal.ts';
import { entriesOf } from './line.ts';
import { lineStart, openToRead, visitLines } from './reader.ts';

/** The newest entries, read from the end of the file: what it costs does not depend on how long the journal is. */

const BLOCK_BYTES = 128 * 1024;
/** A single line may be of any length, and memory is not. */
const REGION_MAX_BYTES = 4 * 1024 * 1024;
/**
 * Entries of several processes stand in the order of their writes and a clock may be set back: only a block whose
 * entries are all older than this says that nothing newer stands before it.
 */
const SINCE_SLACK_MS = 24 * 3_600_000;
/** The time is the second field of a line. */
const TS_WITHIN_BYTES = 120;

export const readTail = (file: string, limit: number, filter?: EntryFilter): Entry[] => {
  const fd = openToRead(file);
  if (fd === undefined) return [];
  try {
    return collect(fd, limit, filter);
  } finally {
    fs.closeSync(fd);
  }
};

/** Where the line begins that holds the entry; undefined where it is not within the last `maxBytes`. */
export const locateEntry = (file: string, id: string, maxBytes: number): number | undefined => {
  if (!/^[\w.-]+$/.test(id)) return undefined;
  const fd = openToRead(file);
  if (fd === undefined) return undefined;
  const needles = [Buffer.from(`"${id}"`)];
  try {
    let seen = 0;
    for (const { region, start, end, lost } of blocksFromEnd(fd)) {
      let found: number | undefined;
      visitLines({ region, offset: start, lost, needles }, (line) => {
        // Other entries may name it.
        if (entriesOf(line).some((entry) => entry.id === id)) found ??= line.offset;
      });
      if (found !== undefined) return found;
      seen += end - start;
      if (seen >= maxBytes) return undefined;
    }
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
};

/** An offset with nothing younger than `sinceMs` before it, as far as the clocks of the writers can be trusted. */
export const offsetSince = (file: string, sinceMs: number): number => {
  const fd = openToRead(file);
  if (fd === undefined) return 0;
  try {
    for (const { region, end } of blocksFromEnd(fd)) {
      if (isOlder(region, sinceMs - SINCE_SLACK_MS)) return end;
    }
    return 0;
  } finally {
    fs.closeSync(fd);
  }
};

const collect = (fd: number, limit: number, filter: EntryFilter | undefined): Entry[] => {
  const needles = needlesOf(filter);
  const blocks: Entry[][] = [];
  let missing = limit;
  for (const { region, start, lost } of blocksFromEnd(fd)) {
    if (missing <= 0) break;
    const found: Entry[] = [];
    visitLines({ region, offset: start, lost, needles }, (line) => {
      for (const entry of entriesOf(line)) if (passes(entry, filter)) found.push(entry);
    });
    const kept = found.slice(-missing);
    blocks.push(kept);
    missing -= kept.length;
    if (found.length === 0 && filter?.sinceMs !== undefined && isOlder(region, filter.sinceMs - SINCE_SLACK_MS)) break;
  }
  return blocks.reverse().flat();
};

interface Block {
  region: Buffer;
  start: number;
  end: number;
  /** Bytes of the first line that stand before the region. */
  lost: number;
}

/** The file in pieces of whole lines, the last one first. */
function* blocksFromEnd(fd: number): Generator<Block> {
  // A last line without its newline waits: its writer may be inside the write.
  for (let end = lineStart(fd, fs.fstatSync(fd).size); end > 0; ) {
    const start = lineStart(fd, Math.max(0, end - BLOCK_BYTES));
    // Of a line of any length only the end is held.
    const lost = Math.max(0, end - start - REGION_MAX_BYTES);
    yield { region: readRegion(fd, start + lost, end), start, end, lost };
    end = start;
  }
}

const readRegion = (fd: number, start: number, end: number): Buffer => {
  const region = Buffer.allocUnsafe(end - start);
  const count = fs.readSync(fd, region, 0, region.length, start);
  // Cut short by somebody meanwhile: what is left of it ends at its last newline.
  return count === region.length ? region : region.subarray(0, region.subarray(0, count).lastIndexOf(0x0a) + 1);
};

const isOlder = (region: Buffer, thanMs: number): boolean => {
  const times: number[] = [];
  visitLines({ region, offset: 0, lost: 0 }, (line) => {
    const ts = /"ts":\s*"([^"]+)"/.exec(line.bytes.toString('latin1', 0, TS_WITHIN_BYTES))?.[1];
    if (ts !== undefined) times.push(Date.parse(ts));
  });
  return times.length > 0 && times.every((time) => time < thanMs);
};
