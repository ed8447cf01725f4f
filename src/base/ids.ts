import { createHash, randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** Makes ULIDs: 26 characters, sortable by time, strictly increasing within one process. */
export type IdFactory = (nowMs: number) => string;

export const createIds = (): IdFactory => {
  const next = monotonicFactory(createRandom());
  return (nowMs) => next(nowMs);
};

/** The factory draws a number per character; asking the system for each would cost more than the write of a line. */
const POOL_BYTES = 4096;

const createRandom = (): (() => number) => {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used] ?? 0;
    used += 1;
    // 256 values over 32 characters: every character is equally likely.
    return byte / 256;
  };
};

/**
 * The id that always belongs to this matter: what is asked for twice, since a crash came between, is asked for under
 * one name. It has the form of a ULID, of a time before all others.
 */
export const idOf = (matter: string): string => {
  const bytes = createHash('sha256').update(matter).digest();
  return Array.from(bytes.subarray(0, 26), (byte, n) => (n === 0 ? '0' : ALPHABET[byte % 32])).join('');
};

/** Crockford's base 32, as in a ULID. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
