import { link, lstat, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';

/**
 * git killed at a bad moment leaves `x.lock` behind, and everything after it fails. Such a lock is removed, a live one
 * never: whoever holds it was alive when we first saw it, so it is abandoned once every git process of that moment
 * that has to do with the directory is gone and the very same file is still there. No wall clock is asked.
 */
export interface LockWatch {
  /** True when the lock is gone: removed here, or by its owner. Only processes that name `what` can be its owner. */
  removeIfAbandoned(lock: string, what: string): Promise<boolean>;
}

/** Shortest time between seeing a lock and removing it: a process may be between fork and exec. */
const WATCH_MS = 2_000;
/** Without a process table to look at, only age tells; no command of Winnow's takes that long. */
const BLIND_WATCH_MS = 15_000;

/** The lock file that git's message names, as an absolute path. */
export const lockInTheWay = (stderr: string, cwd: string): string | undefined => {
  const name = /Unable to create '([^'\n]+\.lock)': File exists/.exec(stderr)?.[1];
  return name === undefined ? undefined : path.resolve(cwd, name);
};

export const createLockWatch = ({ clock, log }: { clock: Clock; log?: (message: string) => void }): LockWatch => {
  const seen = new Map<string, { identity: string; atMs: number; suspects: Set<string> | undefined }>();
  return {
    removeIfAbandoned: async (lock, what) => {
      const identity = await identityOf(lock);
      if (identity === undefined) return true;
      const first = seen.get(lock);
      if (first?.identity !== identity) {
        seen.set(lock, { identity, atMs: clock.monotonic(), suspects: await gitProcessesOf(what) });
        return false;
      }
      const watchedMs = clock.monotonic() - first.atMs;
      if (watchedMs < (first.suspects ? WATCH_MS : BLIND_WATCH_MS)) return false;
      if (first.suspects) {
        const alive = (await gitProcessesOf(what)) ?? first.suspects;
        for (const suspect of first.suspects) if (alive.has(suspect)) return false;
      }
      const removed = await removeExactly(lock, identity);
      if (removed) log?.(`removed ${lock}: the git process that made it is dead`);
      return removed;
    },
  };
};

const identityOf = async (file: string): Promise<string | undefined> => {
  const stat = await lstat(file, { bigint: true }).catch(() => undefined);
  return stat && `${stat.dev}:${stat.ino}:${stat.mtimeNs}`;
};

/** Moves it away first and looks again: between look and removal somebody else may have taken the lock anew. */
const removeExactly = async (lock: string, identity: string): Promise<boolean> => {
  const aside = `${lock}.abandoned-${process.pid}`;
  try {
    await rename(lock, aside);
  } catch {
    return true;
  }
  const same = (await identityOf(aside)) === identity;
  if (!same) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
  return same;
};

/** Live git processes that name a directory or an index file, as `pid:start`; undefined where there is no process table. */
const gitProcessesOf = async (what: string): Promise<Set<string> | undefined> => {
  const pids = await readdir('/proc').catch(() => undefined);
  if (!pids?.includes('self')) return undefined;
  const found = new Set<string>();
  for (const pid of pids) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = /^\d+ \((git[^)]*)\) (\S) (.*)$/s.exec(stat);
    if (!fields || fields[2] === 'Z' || fields[2] === 'X') continue;
    if (await names(pid, what)) found.add(`${pid}:${fields[3]?.split(' ')[18]}`);
  }
  return found;
};

const names = async (pid: string, what: string): Promise<boolean> => {
  try {
    const [args, env, cwd] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
    ]);
    return args.includes(what) || env.includes(what) || cwd.startsWith(what);
  } catch (error) {
    // Another user's process keeps its secrets: it may be the one. A process that is gone is not.
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
};
