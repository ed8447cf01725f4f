import { lstat, readFile, unlink } from 'node:fs/promises';
import { execa } from 'execa';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';

/** The file system below a directory that a stranger has written: nothing is followed, nothing is waited for. */

/** Removes whatever stands there, a link itself and not what it points to, also from directories without permission. */
export const removeTree = async (target: string): Promise<Result<void, Failure>> => {
  const stat = await lstat(target).catch(() => undefined);
  if (!stat) return ok(undefined);
  if (!stat.isDirectory()) {
    const gone = await unlink(target).then(
      () => true,
      () => false,
    );
    if (gone) return ok(undefined);
  }
  // rm(1) is several times faster than node's own on tens of thousands of files, and off this thread.
  const first = await execa('rm', ['-rf', '--', target], { reject: false, stdin: 'ignore' });
  if (first.exitCode === 0) return ok(undefined);
  if (stat.isDirectory()) await execa('chmod', ['-R', 'u+rwX', '--', target], { reject: false, stdin: 'ignore' });
  const second = await execa('rm', ['-rf', '--', target], { reject: false, stdin: 'ignore' });
  if (second.exitCode === 0) return ok(undefined);
  return failed('git-failed', `${target} cannot be removed: ${second.stderr.split('\n')[0]}`, second.stderr);
};

/** Paths below `dir` that pass find(1)'s test, but for the excluded directories; directories found are not entered. */
export const findBelow = async (dir: string, exclude: string[], test: string[]): Promise<string[]> => {
  const pruned = exclude.flatMap((name) => ['-path', `./${name.replace(/[\\*?[\]]/g, '\\$&')}`, '-prune', '-o']);
  const args = ['.', '-xdev', '-mindepth', '1', ...pruned, '(', ...test, ')', '-print0', '-prune'];
  const found = await execa('find', args, { cwd: dir, reject: false, stdin: 'ignore', stripFinalNewline: false });
  return found.stdout
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^\.\//, ''));
};

/** What git neither keeps nor sees: pipes, sockets, devices. As arguments of find(1). */
export const SPECIAL_FILES = ['-type', 'p', '-o', '-type', 's', '-o', '-type', 'b', '-o', '-type', 'c'];

/** A directory in itself, not a link to one. */
export const isDirectory = async (target: string): Promise<boolean> =>
  (await lstat(target).catch(() => undefined))?.isDirectory() ?? false;

/** Content of a regular file of bounded size; a pipe would be waited for without end, so it is not opened. */
export const readSmallFile = async (file: string, maxBytes: number): Promise<string | undefined> => {
  const stat = await lstat(file).catch(() => undefined);
  if (!stat?.isFile() || stat.size > maxBytes) return undefined;
  return readFile(file, 'utf8').catch(() => undefined);
};
