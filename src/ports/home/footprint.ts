import { lstat, opendir, realpath } from 'node:fs/promises';
import path from 'node:path';

/** What lies in a home, looked at without following any link: agents and checks write there. */
export interface Footprint {
  type: 'file' | 'directory' | 'link' | 'other';
  bytes: number;
  /** The newest write anywhere in it; milliseconds since the epoch. */
  usedMs: number;
}

/** Size and last use of a file or of a directory with everything below it; undefined when there is none. */
export const footprint = async (target: string, nowMs: number): Promise<Footprint | undefined> => {
  const stat = await lstat(target).catch(() => undefined);
  if (!stat) return undefined;
  const type = stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : 'other';
  // Anybody can date a file to the future, and then it would never be old; the kernel's own time cannot be set.
  const print: Footprint = { type, bytes: stat.size, usedMs: stat.mtimeMs > nowMs ? stat.ctimeMs : stat.mtimeMs };
  if (type !== 'directory') return print;
  const pending = [target];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    const below: string[] = [];
    try {
      for await (const entry of await opendir(dir)) below.push(path.join(dir, entry.name));
    } catch {
      // It may not be read, or vanished meanwhile: what can be seen has to do.
    }
    for (let at = 0; at < below.length; at += LOOKED_AT_AT_ONCE) {
      const names = below.slice(at, at + LOOKED_AT_AT_ONCE);
      const stats = await Promise.all(names.map((name) => lstat(name).catch(() => undefined)));
      for (const [n, inner] of stats.entries()) {
        if (!inner) continue;
        print.bytes += inner.size;
        print.usedMs = Math.max(print.usedMs, inner.mtimeMs > nowMs ? inner.ctimeMs : inner.mtimeMs);
        // What is mounted there is somebody else's.
        if (inner.isDirectory() && inner.dev === stat.dev) pending.push(names[n] as string);
      }
    }
  }
  return print;
};

const LOOKED_AT_AT_ONCE = 64;

/** Names in a directory, a link to one not followed; empty when there is none or it may not be read. */
export const namesIn = async (dir: string): Promise<string[]> => {
  if (!(await lstat(dir).catch(() => undefined))?.isDirectory()) return [];
  const names: string[] = [];
  try {
    for await (const entry of await opendir(dir)) names.push(entry.name);
  } catch {
    // As above.
  }
  return names.sort();
};

/** Whether every step from `root` down to the directory that holds `target` is a directory and none a link. */
export const isWithin = async (root: string, target: string): Promise<boolean> => {
  const parent = path.dirname(path.resolve(target));
  const inner = path.relative(path.resolve(root), parent);
  if (inner === '..' || inner.startsWith(`..${path.sep}`) || path.isAbsolute(inner)) return false;
  const real = await Promise.all([realpath(root), realpath(parent)]).catch(() => undefined);
  return real !== undefined && path.join(real[0], inner) === real[1];
};

/** A file that holds something, and no link to one. */
export const isFile = async (target: string): Promise<boolean> => {
  const stat = await lstat(target).catch(() => undefined);
  return stat?.isFile() === true && stat.size > 0;
};
