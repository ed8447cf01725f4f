import fs from 'node:fs';
import { FailureError, failure } from '../model/failure.ts';
import { checksum, LINE_MAX_BYTES, type Line } from './line.ts';

/**
 * Reads the file line by line from a place in it, again and again as it grows, in bounded memory. A last line without
 * its newline waits: its writer may be inside the write. When the file is rotated away, replaced or cut short, the
 * rest of the old one is read and then the new one from its start.
 */

/** A longer line is not held: only its end, in which an entry may be glued to it. */
const LINE_READ_MAX_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** Bytes that tell one journal from another: its first line up to this length. */
const HEAD_BYTES = 4096;
/** Bytes before an offset that tell whether it is still the same file up to there. */
const TAIL_BYTES = 256;
const NEWLINE = 0x0a;

/** A place in the file by which it is known again after a restart. */
export interface Place {
  ino: number;
  /** Checksum of the first line. */
  head: string;
  /** Where a line begins. */
  offset: number;
  /** Checksum of the last bytes before the offset. */
  tail: string;
}

export interface LineReader {
  /** Visits the whole lines of one chunk, in order; the bytes are only lent. True when there may be more at once. */
  step(visit: (line: Line) => void): boolean;
  /** Where the next line begins. */
  offset(): number;
  /** Counts the files that were found in place of the first. */
  generation(): number;
  /** What tells this journal from another; undefined before there is a first line. */
  head(): string | undefined;
  /** The place of an offset at which a line of the current file begins. */
  place(offset?: number): Place | undefined;
  close(): void;
}

export interface LineReaderOptions {
  file: string;
  /** A place that is not known again, or an offset beyond the end, is the start; one inside a line is its begin. */
  from?: Place | number | undefined;
  /** Only lines that hold one of these are visited. */
  needles?: readonly Buffer[] | undefined;
  chunkBytes?: number;
}

export const createLineReader = ({ file, from, needles, chunkBytes = CHUNK_BYTES }: LineReaderOptions): LineReader => {
  let fd: number | undefined;
  let ino = 0;
  let knownHead: string | undefined;
  let generation = 0;
  let offset = 0;
  /** Bytes of the unfinished line: those at the begin of the buffer, and those before them that were let go. */
  let held = 0;
  let dropped = 0;
  let buffer = Buffer.alloc(0);

  const open = (): boolean => {
    fd = openToRead(file);
    if (fd === undefined) return false;
    ino = fs.fstatSync(fd).ino;
    knownHead = undefined;
    offset = held = dropped = 0;
    return true;
  };
  const close = () => {
    if (fd !== undefined) fs.closeSync(fd);
    fd = undefined;
  };
  const head = () => {
    if (fd !== undefined) knownHead ??= headOf(fd);
    return knownHead;
  };

  const step = (visit: (line: Line) => void): boolean => {
    if (fd === undefined && !open()) return false;
    const current = fd as number;
    const named = fs.statSync(file, { throwIfNoEntry: false });
    const same = named?.ino === ino;
    const size = same ? named.size : fs.fstatSync(current).size;
    if (size < offset) return restart();
    // Somebody cut off the unfinished line alone: nothing that was read is gone.
    if (size < offset + dropped + held) held = dropped = 0;
    if (size > offset + dropped + held) {
      fill(current, visit);
      return !same || size > offset + dropped + held;
    }
    if (same || named === undefined) return false;
    if (dropped + held > 0) visit({ bytes: buffer.subarray(0, held), offset, length: dropped + held });
    close();
    generation += 1;
    return open();
  };

  const restart = (): boolean => {
    generation += 1;
    knownHead = undefined;
    offset = held = dropped = 0;
    return true;
  };

  const fill = (current: number, visit: (line: Line) => void) => {
    if (buffer.length === 0) buffer = Buffer.allocUnsafe(chunkBytes);
    const count = read(current);
    const filled = held + count;
    const last = buffer.subarray(held, filled).lastIndexOf(NEWLINE);
    if (last === -1) {
      held = filled;
      if (held === buffer.length) makeRoom();
      return;
    }
    const end = held + last + 1;
    const [lineOffset, lost] = [offset, dropped];
    offset += dropped + end;
    dropped = 0;
    held = filled - end;
    try {
      visitLines({ region: buffer.subarray(0, end), offset: lineOffset, lost, needles }, visit);
    } finally {
      buffer.copyWithin(0, end, filled);
    }
  };

  const read = (current: number): number => {
    try {
      return fs.readSync(current, buffer, held, buffer.length - held, offset + dropped + held);
    } catch (error) {
      throw readFailure(file, error);
    }
  };

  const makeRoom = () => {
    if (buffer.length < LINE_READ_MAX_BYTES) {
      const larger = Buffer.allocUnsafe(Math.min(LINE_READ_MAX_BYTES, buffer.length * 2));
      buffer.copy(larger, 0, 0, held);
      buffer = larger;
      return;
    }
    buffer.copyWithin(0, held - LINE_MAX_BYTES, held);
    dropped += held - LINE_MAX_BYTES;
    held = LINE_MAX_BYTES;
  };

  const place = (at = offset): Place | undefined => {
    const name = head();
    if (fd === undefined || name === undefined) return undefined;
    return { ino, head: name, offset: at, tail: tailOf(fd, at) };
  };

  const seek = (to: Place | number) => {
    if (!open()) return;
    const current = fd as number;
    const size = fs.fstatSync(current).size;
    if (typeof to === 'number') offset = to > size ? 0 : lineStart(current, to);
    else if (to.offset <= size && to.ino === ino && to.head === head() && to.tail === tailOf(current, to.offset))
      offset = to.offset;
  };

  if (from !== undefined) seek(from);
  return { step, offset: () => offset, generation: () => generation, head, place, close };
};

/** A descriptor to read the file; undefined when there is none. */
export const openToRead = (file: string): number | undefined => {
  try {
    return fs.openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw readFailure(file, error);
  }
};

const readFailure = (file: string, cause: unknown): FailureError =>
  new FailureError(failure('journal-write', `${file} cannot be read: ${(cause as Error).message}`), { cause });

/** Where the line begins to which the byte at `offset` belongs; `offset` itself when a line begins there. */
export const lineStart = (fd: number, offset: number): number => {
  const block = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let end = offset; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const count = fs.readSync(fd, block, 0, end - start, start);
    const last = block.subarray(0, count).lastIndexOf(NEWLINE);
    if (last !== -1) return start + last + 1;
    end = start;
  }
  return 0;
};

/** Visits the lines of a region that ends in a newline; the first of them may have lost bytes before the region. */
export const visitLines = (
  {
    region,
    offset,
    lost,
    needles,
  }: { region: Buffer; offset: number; lost: number; needles?: readonly Buffer[] | undefined },
  visit: (line: Line) => void,
): void => {
  const lineTo = (start: number): number => {
    const end = region.indexOf(NEWLINE, start);
    if (start > 0 || lost === 0) {
      visit({ bytes: region.subarray(start, end), offset: offset + lost + start, length: end - start });
    } else {
      // How much is still held depends on the size of the chunks: what is made of it must not.
      visit({ bytes: region.subarray(Math.max(0, end - LINE_MAX_BYTES), end), offset, length: lost + end });
    }
    return end + 1;
  };
  if (needles === undefined) {
    for (let start = 0; start < region.length; ) start = lineTo(start);
    return;
  }
  const next = needles.map(() => -1);
  for (let start = lost === 0 ? 0 : lineTo(0); start < region.length; ) {
    let nearest = region.length;
    for (const [index, needle] of needles.entries()) {
      let at = next[index] as number;
      if (at < start) {
        at = region.indexOf(needle, start);
        if (at === -1) at = region.length;
        next[index] = at;
      }
      nearest = Math.min(nearest, at);
    }
    if (nearest === region.length) return;
    start = lineTo(region.lastIndexOf(NEWLINE, nearest) + 1);
  }
};

const headOf = (fd: number): string | undefined => {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES);
  const count = fs.readSync(fd, bytes, 0, HEAD_BYTES, 0);
  const end = bytes.subarray(0, count).indexOf(NEWLINE);
  if (end === -1 && count < HEAD_BYTES) return undefined;
  return checksum(bytes.subarray(0, end === -1 ? count : end));
};

const tailOf = (fd: number, offset: number): string => {
  const bytes = Buffer.alloc(Math.min(TAIL_BYTES, offset));
  fs.readSync(fd, bytes, 0, bytes.length, offset - bytes.length);
  return checksum(bytes);
};
