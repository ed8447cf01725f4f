import { findHome, homePaths } from '../ports/home/home.ts';
import { createProcessLog } from '../ports/home/process-log.ts';

/** The configuration, which says how much is kept, could not be read. */
const LIMITS = { maxBytes: 10 * 1024 ** 2, files: 5 };

/**
 * Why a factory did not start, in the log of its home: what watches over it restarts it out of sight, and keeps nothing
 * of what it said on standard error.
 */
export const logRefusal = (named: string | undefined, text: string): void => {
  const home = findHome(named, process.env, process.cwd());
  if (!home.ok) return;
  try {
    createProcessLog({ file: homePaths(home.value).processLog, limits: () => LIMITS }).info(text);
  } catch {
    // A home that may not be written: standard error has said it.
  }
};
