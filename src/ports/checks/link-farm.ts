import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { execa } from 'execa';
import { removeTree } from '../git/files.ts';
import { isPlainPath } from '../git/worktree.ts';

/**
 * Real node_modules directories whose entries are links into the store: what tools write beside the packages
 * (caches, temporary files) stays in the checkout, and what they would write into a package meets a read-only store.
 * The plan is made once per installation; laying it out compares and mends, so that a second time changes nothing and
 * whatever somebody put there in between is gone.
 */
export type FarmEntry = { link: string } | { file: string } | { dir: Record<string, FarmEntry> };

export interface Farm {
  /** By path of the node_modules directory, relative to the checkout. */
  dirs: Record<string, Record<string, FarmEntry>>;
}

/** Dot directories that packages are resolved into; every other (.cache, .vite) is a tool's own desk. */
const RESOLVED_INTO = new Set(['.pnpm', '.store', '.bun', '.prisma']);
/** Dot files are small records of the package manager; something larger is no such thing. */
const RECORD_MAX_BYTES = 32 * 1024 * 1024;
/** Links made or compared before other work gets its turn: about 2 ms. */
const TURN = 200;

/** What `link` makes for an installation in `tree`. */
export const planFarm = async (tree: string, vendored: ReadonlySet<string>): Promise<Farm> => {
  const args = ['.', '-name', '.git', '-prune', '-o', '-type', 'd', '-name', 'node_modules', '-prune', '-print0'];
  const found = await execa('find', args, { cwd: tree, stdin: 'ignore', stripFinalNewline: false });
  const names = found.stdout
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^\.\//, ''))
    .filter((name) => !vendored.has(name))
    .sort();
  const farm: Farm = { dirs: {} };
  for (const name of names) farm.dirs[name] = await planDir(tree, path.join(tree, name));
  return farm;
};

const planDir = async (tree: string, dir: string): Promise<Record<string, FarmEntry>> => {
  const entries: Record<string, FarmEntry> = {};
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isSymbolicLink()) entries[entry.name] = { link: await planLink(tree, file) };
    else if (entry.name === '.bin' && entry.isDirectory()) entries['.bin'] = { dir: await planBin(tree, file) };
    else if (entry.name.startsWith('.') && !RESOLVED_INTO.has(entry.name)) {
      if (entry.isFile() && (await stat(file)).size <= RECORD_MAX_BYTES) entries[entry.name] = { file };
    } else if (entry.name.startsWith('@') && entry.isDirectory()) {
      entries[entry.name] = { dir: await planDir(tree, file) };
    } else if (entry.isDirectory() || entry.isFile()) entries[entry.name] = { link: file };
  }
  return entries;
};

const planBin = async (tree: string, dir: string): Promise<Record<string, FarmEntry>> => {
  const entries: Record<string, FarmEntry> = {};
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    entries[entry.name] = { link: entry.isSymbolicLink() ? await planLink(tree, file) : file };
  }
  return entries;
};

/** A link within the checkout is kept as a relative one, so that a workspace package is the checkout's own. */
const planLink = async (tree: string, file: string): Promise<string> => {
  const target = await readlink(file);
  const absolute = path.resolve(path.dirname(file), target);
  if (!absolute.startsWith(`${tree}${path.sep}`)) return absolute;
  return path.isAbsolute(target) ? path.relative(path.dirname(file), absolute) : target;
};

/** Makes `dir` have exactly the farm's node_modules directories where their parents are. */
export const layFarm = async (farm: Farm, dir: string): Promise<void> => {
  const turn = { left: TURN };
  for (const [name, entries] of Object.entries(farm.dirs)) {
    // A package that this tree does not have gets no directory, and one behind a link is not in this checkout.
    if (!(await isPlainPath(dir, name.split('/').slice(0, -1)))) continue;
    await layDir(path.join(dir, name), entries, turn);
  }
};

const layDir = async (dir: string, entries: Record<string, FarmEntry>, turn: { left: number }): Promise<void> => {
  if (!lstatSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    await removed(dir);
    mkdirSync(dir);
  }
  const present = new Map(readdirSync(dir, { withFileTypes: true }).map((entry) => [entry.name, entry]));
  for (const name of present.keys()) if (!Object.hasOwn(entries, name)) await removed(path.join(dir, name));
  for (const [name, entry] of Object.entries(entries)) {
    const file = path.join(dir, name);
    const there = present.get(name);
    if (turn.left-- <= 0) {
      turn.left = TURN;
      await setImmediate();
    }
    if ('dir' in entry) await layDir(file, entry.dir, turn);
    else if ('link' in entry) {
      if (there?.isSymbolicLink() && readlinkSync(file) === entry.link) continue;
      if (there) await removed(file);
      symlinkSync(entry.link, file);
    } else {
      const content = readFileSync(entry.file);
      if (there?.isFile() && readFileSync(file).equals(content)) continue;
      if (there) await removed(file);
      writeFileSync(file, content);
    }
  }
};

const removed = async (file: string): Promise<void> => {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) return unlinkSync(file);
  const result = await removeTree(file);
  if (!result.ok) throw new Error(result.error.message);
};
