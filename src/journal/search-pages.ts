import fs from 'node:fs';
import { crc32 } from 'node:zlib';

/**
 * A file of pages, each with its checksum: whatever is read of it is known to be what was written, without the whole
 * of it being read first. Nothing of it is held but the pages that were read last.
 */
export interface Pages {
  /** The bytes are only lent. Throws PagesError when they are not what was written. */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** The file is torn, was changed, or is gone: what it was made from makes it anew. */
export class PagesError extends Error {}

/** Rows and records of 16 and 32 bytes do not straddle pages. */
const PAYLOAD_BYTES = 16 * 1024;
const CRC_BYTES = 4;
const PAGE_BYTES = PAYLOAD_BYTES + CRC_BYTES;
/** A megabyte for each open file. */
const PAGES_HELD_MAX = 64;

/** The bytes of the file that holds these pieces one after the other. */
export const paged = (pieces: readonly Buffer[]): Buffer => {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const count = Math.ceil(length / PAYLOAD_BYTES);
  const file = Buffer.alloc(count * PAGE_BYTES);
  let at = 0;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const [page, within] = [Math.floor(at / PAYLOAD_BYTES), at % PAYLOAD_BYTES];
      const copied = piece.copy(file, page * PAGE_BYTES + within, done, done + PAYLOAD_BYTES - within);
      done += copied;
      at += copied;
    }
  }
  for (let page = 0; page < count; page += 1) {
    const begin = page * PAGE_BYTES;
    const end = begin + PAYLOAD_BYTES;
    file.writeUInt32LE(sumOf(file.subarray(begin, end), page), end);
  }
  return file;
};

export const openPages = (file: string): Pages => {
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    throw new PagesError(`${file} cannot be opened`, { cause: error });
  }
  const held = new Map<number, Buffer>();

  const load = (page: number): Buffer => {
    const known = held.get(page);
    if (known !== undefined) return known;
    const bytes = Buffer.allocUnsafe(PAGE_BYTES);
    if (readWhole(fd, bytes, page * PAGE_BYTES) !== PAGE_BYTES) throw new PagesError(`${file} has no page ${page}`);
    const payload = bytes.subarray(0, PAYLOAD_BYTES);
    if (bytes.readUInt32LE(PAYLOAD_BYTES) !== sumOf(payload, page))
      throw new PagesError(`page ${page} of ${file} is not what was written`);
    if (held.size >= PAGES_HELD_MAX) held.delete(held.keys().next().value as number);
    held.set(page, payload);
    return payload;
  };

  return {
    read: (offset, length) => {
      const page = Math.floor(offset / PAYLOAD_BYTES);
      const begin = offset - page * PAYLOAD_BYTES;
      if (begin + length <= PAYLOAD_BYTES) return load(page).subarray(begin, begin + length);
      const parts: Buffer[] = [];
      for (let at = offset, left = length; left > 0; ) {
        const from = at % PAYLOAD_BYTES;
        const count = Math.min(left, PAYLOAD_BYTES - from);
        parts.push(load(Math.floor(at / PAYLOAD_BYTES)).subarray(from, from + count));
        at += count;
        left -= count;
      }
      return Buffer.concat(parts);
    },
    close: () => fs.closeSync(fd),
  };
};

const readWhole = (fd: number, into: Buffer, at: number): number => {
  try {
    return fs.readSync(fd, into, 0, into.length, at);
  } catch (error) {
    throw new PagesError('the file cannot be read', { cause: error });
  }
};

/** The number of the page is part of it: a page in the place of another is none. */
const sumOf = (payload: Buffer, page: number): number => crc32(payload, page);
