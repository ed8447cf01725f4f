import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * A disk in memory that can be filled without harm to anybody else.
 *
 * @param size as mount takes it: bytes, or with a k, m or g
 * @returns where it is mounted; undefined where nothing may be mounted
 */
export const mountSmall = async (size: string): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'winnow-disk-'));
  const mounted = await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { reject: false });
  if (mounted.exitCode === 0) return dir;
  await rm(dir, { recursive: true, force: true });
  return undefined;
};

export const unmountSmall = async (dir: string): Promise<void> => {
  await execa('umount', ['--lazy', dir], { reject: false });
  await rm(dir, { recursive: true, force: true });
};

/** A home is made where the temporary directory is at that moment. */
export const inDir = async <T>(dir: string | undefined, make: () => Promise<T>): Promise<T> => {
  if (dir === undefined) return make();
  const before = process.env.TMPDIR;
  process.env.TMPDIR = dir;
  const made = make();
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  return made;
};
