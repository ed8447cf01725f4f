import { randomFillSync } from 'node:crypto';
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
