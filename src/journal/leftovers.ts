import fs from 'node:fs';
import { join } from 'node:path';

/** Removes the half-written files that a killed process leaves behind beside what it was replacing. */

/** What is younger may be in the middle of being written. */
const LEFTOVER_AFTER_MS = 60_000;
const LEFTOVER = /\.json\.\d+$/;

export const removeLeftovers = (directory: string, nowMs: number): void => {
  try {
    for (const name of fs.readdirSync(directory)) {
      if (!LEFTOVER.test(name)) continue;
      const path = join(directory, name);
      if (fs.statSync(path).mtimeMs < nowMs - LEFTOVER_AFTER_MS) fs.unlinkSync(path);
    }
  } catch {
    // No such directory, or another process was quicker, or it may only be read: then they stay.
  }
};
