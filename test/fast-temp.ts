import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a place. */
const IN_MEMORY = '/dev/shm';
/** All homes of two workers at their largest, twice. */
const ROOM_MIN_BYTES = 4 * 1024 ** 3;

/**
 * Where tests make their homes: thousands of small repositories cost half the time in memory. Nothing that is tried
 * goes by the disk being one; what needs a disk of its own mounts it.
 */
export const fastTemp = (): string => {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    if (bavail * bsize < ROOM_MIN_BYTES) return tmpdir();
    // Some systems let nothing be run from there.
    const dir = mkdtempSync(join(IN_MEMORY, 'winnow-test-'));
    try {
      writeFileSync(join(dir, 'try'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      execFileSync(join(dir, 'try'));
    } finally {
      rmSync(dir, { recursive: true });
    }
    return IN_MEMORY;
  } catch {
    return tmpdir();
  }
};
