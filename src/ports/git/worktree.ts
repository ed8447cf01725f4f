import { lstat, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { findBelow, isDirectory, removeTree, SPECIAL_FILES } from './files.ts';
import type { Git, GitCall } from './git.ts';

/**
 * A directory with exactly the files of a tree. Winnow's git directory and an index file outside do the work, so that
 * no git ever runs on what an agent or a check left in there; that same index makes the next use of the directory
 * cost only what differs. The result is proven, not assumed; whatever is odd costs the directory and not the cycle.
 */
export interface Worktree {
  git: Git;
  /** The mirror. */
  gitDir: string;
  dir: string;
  /** The index file; not inside `dir`. */
  index: string;
  /** Directories in it that are not the tree's and may stay: linked dependencies. */
  exclude: string[];
}

/** Makes `dir` hold the tree (its full name) and nothing else but what is excluded. */
export const materialise = async (worktree: Worktree, tree: string): Promise<Result<void, Failure>> => {
  const { dir, index } = worktree;
  if (await reusable(worktree)) {
    const reset = await resetTo(worktree, tree);
    if (reset.ok || reset.error.kind === 'disk-full') return reset;
  }
  for (const remains of [dir, index, `${index}.lock`]) {
    const removed = await removeTree(remains);
    if (!removed.ok) return removed;
  }
  await mkdir(dir, { recursive: true });
  return resetTo(worktree, tree);
};

/** How git is called on the worktree. */
export const on = ({ gitDir, dir, index }: Worktree): Pick<GitCall, 'gitDir' | 'workTree' | 'indexFile'> => ({
  gitDir,
  workTree: dir,
  indexFile: index,
});

const reusable = async ({ dir, index, exclude }: Worktree): Promise<boolean> => {
  if (!(await isDirectory(dir))) return false;
  const stat = await lstat(index).catch(() => undefined);
  if (stat?.isFile() !== true || stat.size === 0) return false;
  // These git's own clean passes by: whatever is named .git, at the top or beside tracked files, and special files.
  for (const name of await findBelow(dir, exclude, ['-name', '.git', '-o', ...SPECIAL_FILES])) {
    if (!(await removeTree(path.join(dir, name))).ok) return false;
  }
  return true;
};

const resetTo = async (worktree: Worktree, tree: string): Promise<Result<void, Failure>> => {
  const { git, dir, exclude } = worktree;
  const read = await git.done({ ...on(worktree), args: ['read-tree', '--reset', '-u', tree] });
  if (!read.ok) return read;
  const spare = exclude.map((name) => `--exclude=${asPattern(name)}`);
  const [cleaned, written] = await Promise.all([
    git.done({ ...on(worktree), args: ['clean', '-ffdxq', ...spare] }),
    git.done({ ...on(worktree), args: ['write-tree'] }),
  ]);
  if (!cleaned.ok) return cleaned;
  if (!written.ok) return written;
  if (written.value.trim() !== tree) return failed('git-failed', `${dir} holds ${written.value.trim()}, not ${tree}`);
  return prove(worktree, spare);
};

/** The index says the tree; here the directory says the index. */
const prove = async (worktree: Worktree, spare: string[]): Promise<Result<void, Failure>> => {
  const args = ['ls-files', '-z', '-t', '--stage', '--modified', '--deleted', '--others', ...spare];
  const listed = await worktree.git.done({ ...on(worktree), args });
  if (!listed.ok) return listed;
  const links: string[] = [];
  const odd = new Map<string, string>();
  for (const line of listed.value.split('\0')) {
    if (line.startsWith('H 160000 ')) links.push(line.slice(line.indexOf('\t') + 1));
    else if (line.startsWith('? ')) odd.set(line.slice(2), '');
    else if (line !== '' && !line.startsWith('H '))
      odd.set(line.slice(line.indexOf('\t') + 1), line.split(' ')[2] ?? '');
  }
  const emptied = await emptySubmodules(worktree, links);
  if (!emptied.ok) return emptied;
  const touched = odd.size === 0 ? new Set<string>() : await touchedAmong(worktree, odd);
  if (touched.size === 0) return ok(undefined);
  return failed('git-failed', `${worktree.dir} is not clean: ${[...touched].slice(0, 5).join(', ')}`);
};

/** Files compared one by one below this count; above it something is wrong altogether. */
const COMPARED_MAX = 2_000;
const COMPARED_AT_ONCE = 4;
/** The attributes by which git writes a file otherwise than it keeps it. */
const CONVERTING = ['text', 'eol', 'crlf', 'ident', 'working-tree-encoding'];

/**
 * Of these paths, with their blobs, those whose bytes are not what a checkout writes. A repository whose line ends
 * contradict its own .gitattributes shows files as modified that nobody has touched; only the bytes tell.
 */
export const touchedAmong = async (worktree: Worktree, blobs: Map<string, string>): Promise<Set<string>> => {
  const { git, dir } = worktree;
  const touched = new Set(blobs.keys());
  const names: string[] = [];
  for (const name of blobs.keys()) {
    if (!name.includes('\n') && (await lstat(path.join(dir, name)).catch(() => undefined))?.isFile()) names.push(name);
  }
  if (names.length === 0) return touched;
  const input = `${names.join('\n')}\n`;
  const hashes = await git.run({ ...on(worktree), args: ['hash-object', '--no-filters', '--stdin-paths'], input });
  const oids = hashes.stdout.toString('utf8').split('\n');
  const others = names.filter((name, at) => oids[at] !== blobs.get(name) || !touched.delete(name));
  if (hashes.exitCode !== 0 || others.length === 0) return touched;

  const args = ['check-attr', '-z', '--stdin', ...CONVERTING];
  const attributes = await git.run({ ...on(worktree), args, input: others.map((name) => `${name}\0`).join('') });
  const fields = attributes.stdout.toString('utf8').split('\0');
  const converted = new Set(fields.filter((_, at) => at % 3 === 0 && fields[at + 2] !== 'unspecified'));
  const limit = pLimit(COMPARED_AT_ONCE);
  const compare = async (name: string): Promise<void> => {
    const wanted = await git.run({
      ...on(worktree),
      args: ['cat-file', '--filters', `--path=${name}`, blobs.get(name) ?? ''],
    });
    const present = await readFile(path.join(dir, name)).catch(() => undefined);
    if (wanted.exitCode === 0 && present?.equals(wanted.stdout)) touched.delete(name);
  };
  const doubtful = others.filter((name) => converted.has(name));
  if (doubtful.length <= COMPARED_MAX) await Promise.all(doubtful.map((name) => limit(() => compare(name))));
  return touched;
};

/** Submodules in the index: path -> commit. */
export const gitlinks = async (worktree: Worktree): Promise<Result<Map<string, string>, Failure>> => {
  const listed = await worktree.git.done({ ...on(worktree), args: ['ls-files', '--stage', '-z'] });
  if (!listed.ok) return listed;
  const found = new Map<string, string>();
  for (const line of listed.value.split('\0')) {
    if (!line.startsWith('160000 ')) continue;
    found.set(line.slice(line.indexOf('\t') + 1), line.split(' ')[1] ?? '');
  }
  return ok(found);
};

/** git looks into a submodule's directory as little as we do: what lies there would survive every clean. */
const emptySubmodules = async ({ dir }: Worktree, links: string[]): Promise<Result<void, Failure>> => {
  for (const name of links) {
    // Only below real directories: a link on the way leads out of the worktree, and the reset removes it.
    if (!(await isPlainPath(dir, name.split('/').slice(0, -1)))) continue;
    const removed = await removeTree(path.join(dir, name));
    if (!removed.ok) return removed;
    await mkdir(path.join(dir, name));
  }
  return ok(undefined);
};

/** True when every step from `dir` on is a directory and none a link. */
export const isPlainPath = async (dir: string, steps: string[]): Promise<boolean> => {
  let at = dir;
  for (const step of steps) {
    at = path.join(at, step);
    if (!(await isDirectory(at))) return false;
  }
  return true;
};

/** A path as a pattern of .gitignore that means exactly it. */
export const asPattern = (name: string): string => `/${name.replace(/[\\*?[\]!# ]/g, '\\$&')}`;

export const removeWorktree = async (dir: string, index: string): Promise<Result<void, Failure>> => {
  await rm(index, { force: true });
  await rm(`${index}.lock`, { force: true });
  const removed = await removeTree(dir);
  return removed.ok ? ok(undefined) : err(removed.error);
};
