import { lstat, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';

/** The file system below a directory that a stranger has written: nothing is followed, nothing is waited for. */

/** Removes whatever stands there, a link itself and not what it points to, also from directories without permission. */
export const removeTree = async (target: string): Promise<Result<void, Failure>> => {
  // rm(1) is several times faster than node's own on tens of thousands of files, and off this thread.
  const first = await execa('rm', ['-rf', '--', target], { reject: false, stdin: 'ignore' });
  if (first.exitCode === 0) return ok(undefined);
  if (await isDirectory(target)) {
    await execa('chmod', ['-R', 'u+rwX', '--', target], { reject: false, stdin: 'ignore' });
  }
  const second = await execa('rm', ['-rf', '--', target], { reject: false, stdin: 'ignore' });
  if (second.exitCode === 0) return ok(undefined);
  return failed('git-failed', `${target} cannot be removed: ${second.stderr.split('\n')[0]}`, second.stderr);
};

/** A directory in itself, not a link to one. */
export const isDirectory = async (target: string): Promise<boolean> =>
  (await lstat(target).catch(() => undefined))?.isDirectory() ?? false;

/** Content of a regular file of bounded size; a pipe would be waited for without end, so it is not opened. */
export const readSmallFile = async (file: string, maxBytes: number): Promise<string | undefined> => {
  const stat = await lstat(file).catch(() => undefined);
  if (!stat?.isFile() || stat.size > maxBytes) return undefined;
  return readFile(file, 'utf8').catch(() => undefined);
};
