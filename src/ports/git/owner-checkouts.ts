import { lstat, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import { type Git, type GitCall, gitFailure } from './git.ts';

/**
 * The checkouts of a repository on this machine, seen before and after its branch moves. git's own `updateInstead`
 * moves branch and files together and refuses over unsaved work, but it overwrites ignored files, does not mind a
 * merge or rebase that was begun, and lets all but one of several checkouts of a branch fall behind. So these are
 * looked for first. Nothing here writes but `takeBack`.
 */
export interface OwnerCheckouts {
  /** Why the checkouts of the branch cannot follow from one commit to the other; undefined when they can. */
  inTheWay(move: Move): Promise<Result<string | undefined, Failure>>;
  /** Puts a checkout right that a push filled with `to` and died, or lost, before it moved the branch. */
  takeBack(move: Move): Promise<void>;
}

export interface Move {
  branch: string;
  from: string;
  to: string;
}

/** Paths named in a message; the rest is counted. */
const NAMED_MAX = 5;

export const createOwnerCheckouts = ({
  git,
  mirrorDir,
  repo,
}: {
  git: Git;
  mirrorDir: string;
  /** Path of the repository, as its owner names it. */
  repo: string;
}): OwnerCheckouts => {
  const holders = async (branch: string): Promise<Result<Checkout[], Failure>> => {
    const gitDir = await gitDirOf(repo);
    // The push will say what is wrong with it.
    if (gitDir === undefined) return ok([]);
    const all = await checkoutsOf(git, gitDir);
    return all.ok ? ok(all.value.filter((checkout) => checkout.branch === branch)) : all;
  };

  const one = async (checkout: Checkout, move: Move): Promise<Result<string | undefined, Failure>> => {
    const { dir, gitDir } = checkout;
    if (checkout.apart) {
      const why = `a repository that lies apart from its files in ${dir}: git cannot move those along`;
      return ok(`${repo} has ${move.branch} checked out and is ${why}; check out another branch there`);
    }
    if (gitDir === undefined) {
      return ok(`${dir}, a worktree that has ${move.branch} checked out, is gone; \`git worktree prune\` forgets it`);
    }
    const begun = await begunIn(gitDir);
    if (begun !== undefined) return ok(`in ${dir}, which has ${move.branch} checked out, ${begun} is not finished`);
    const dirty = await dirtyIn(git, { dir, gitDir });
    if (!dirty.ok) return dirty;
    const covered = dirty.value.length > 0 ? ok([]) : await coveredIn({ git, mirrorDir }, { dir, gitDir }, move);
    if (!covered.ok) return covered;
    const names = [...dirty.value, ...covered.value];
    if (names.length === 0) return ok(undefined);
    return ok(`${dir}, which has ${move.branch} checked out, holds work that is not committed: ${few(names)}`);
  };

  return {
    inTheWay: async (move) => {
      const found = await holders(move.branch);
      if (!found.ok) return found;
      if (found.value.length > 1) {
        const dirs = found.value.map(({ dir }) => dir).join(' and ');
        return ok(`${dirs} both have ${move.branch} checked out, and git can move only one along`);
      }
      return found.value[0] === undefined ? ok(undefined) : one(found.value[0], move);
    },

    takeBack: async ({ branch, to }) => {
      const found = await holders(branch);
      for (const { dir, gitDir, apart } of found.ok ? found.value : []) {
        if (gitDir === undefined || apart) continue;
        const place = { git, dir, gitDir };
        if (!(await holdsExactly(place, to)) || (await holdsExactly(place, 'HEAD'))) continue;
        // With two trees git keeps all that is in neither, and stops over what was changed since.
        await git.run(on({ dir, gitDir }, ['read-tree', '-m', '-u', to, 'HEAD']));
      }
    },
  };
};

interface Checkout {
  dir: string;
  /** The git directory of this checkout alone; undefined when the checkout is gone. */
  gitDir: string | undefined;
  /** The branch that is checked out, or that a rebase or bisect begun here comes back to. */
  branch: string | undefined;
  /** Its git directory does not lie in it (a submodule, `--separate-git-dir`), so nobody told us where it is. */
  apart: boolean;
}

/** As the owner, since his filters decide what is a change; his index is not rewritten by looking. */
const on = ({ dir, gitDir }: { dir: string; gitDir: string }, args: string[]): GitCall => ({
  as: 'owner',
  gitDir,
  workTree: dir,
  args,
  env: { GIT_OPTIONAL_LOCKS: '0' },
});

/** Where git would find the repository at this path, in the order in which it looks. */
const gitDirOf = async (repo: string): Promise<string | undefined> => {
  for (const suffix of ['/.git', '', '.git/.git', '.git']) {
    const found = await gitDirAt(`${repo}${suffix}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

const gitDirAt = async (place: string): Promise<string | undefined> => {
  const there = await stat(place).catch(() => undefined);
  if (there?.isDirectory()) return (await isThere(path.join(place, 'HEAD'))) ? place : undefined;
  if (!there?.isFile() || there.size > POINTER_MAX_BYTES) return undefined;
  const target = /^gitdir: (.+)$/m.exec(await readFile(place, 'utf8').catch(() => ''))?.[1];
  return target === undefined ? undefined : gitDirAt(path.resolve(path.dirname(place), target));
};

/** A file that points to a git directory holds one path. */
const POINTER_MAX_BYTES = 8 * 1024;

const checkoutsOf = async (git: Git, gitDir: string): Promise<Result<Checkout[], Failure>> => {
  const call: GitCall = { as: 'owner', gitDir, args: ['worktree', 'list', '--porcelain', '-z'] };
  const listed = await git.run(call);
  if (listed.exitCode !== 0) {
    // Whatever it is, the push meets it too and has the better words.
    return /dubious ownership|not a git repository/.test(listed.stderr) ? ok([]) : err(gitFailure(call, listed));
  }
  const checkouts: Checkout[] = [];
  for (const [at, record] of listed.stdout.toString('utf8').split('\0\0').entries()) {
    const fields = record.split('\0').filter((field) => field !== '');
    const listedDir = attribute(fields, 'worktree');
    if (listedDir === undefined || fields.includes('bare')) continue;
    const beside = await gitDirAt(path.join(listedDir, '.git'));
    // The first is the repository's own; where its files lie somewhere else, git names the git directory instead.
    const apart = at === 0 && beside === undefined;
    const own = apart ? await gitDirAt(listedDir) : beside;
    const branch = attribute(fields, 'branch')?.replace(/^refs\/heads\//, '') ?? (own && (await comesBackTo(own)));
    checkouts.push({ dir: listedDir, gitDir: own, branch, apart });
  }
  return ok(checkouts);
};

const attribute = (fields: string[], key: string): string | undefined =>
  fields.find((field) => field.startsWith(`${key} `))?.slice(key.length + 1);

/** git takes a branch for checked out while it is being rebased or bisected, though HEAD is on none. */
const comesBackTo = async (gitDir: string): Promise<string | undefined> => {
  for (const file of ['rebase-merge/head-name', 'rebase-apply/head-name', 'BISECT_START']) {
    const text = await readFile(path.join(gitDir, file), 'utf8').catch(() => undefined);
    if (text !== undefined) return text.trim().replace(/^refs\/heads\//, '');
  }
  return undefined;
};

const BEGUN: readonly [file: string, what: string][] = [
  ['MERGE_HEAD', 'a merge'],
  ['rebase-merge', 'a rebase'],
  ['rebase-apply', 'a rebase'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick'],
  ['REVERT_HEAD', 'a revert'],
  ['BISECT_START', 'a bisect'],
];

const begunIn = async (gitDir: string): Promise<string | undefined> => {
  for (const [file, what] of BEGUN) if (await isThere(path.join(gitDir, file))) return what;
  return undefined;
};

/** What is staged or changed. Submodules left where they were are not: no landing touches them. */
const dirtyIn = async (git: Git, place: { dir: string; gitDir: string }): Promise<Result<string[], Failure>> => {
  const status = ['status', '--porcelain=v2', '-z', '--untracked-files=no', '--no-renames', '--ignore-submodules=all'];
  const changed = await git.done(on(place, status));
  if (!changed.ok) return changed;
  const cached = ['diff-index', '--cached', '--name-only', '-z', '--no-renames', '--ignore-submodules=none', 'HEAD'];
  const staged = await git.done(on(place, cached));
  if (!staged.ok) return staged;
  const names = new Set(staged.value.split('\0').filter((name) => name !== ''));
  const unstaged: string[] = [];
  for (const line of changed.value.split('\0')) {
    const fields = line.split(' ');
    if (fields[0] === 'u') unstaged.push(`${fields.slice(10).join(' ')} (in conflict)`);
    const name = fields.slice(8).join(' ');
    if (fields[0] === '1' && !names.has(name)) unstaged.push(name);
  }
  const inConflict = new Set(unstaged.map((name) => name.replace(/ \(in conflict\)$/, '')));
  return ok([...[...names].filter((name) => !inConflict.has(name)).map((name) => `${name} (staged)`), ...unstaged]);
};

/** Files that git does not know, ignored ones too, where the change brings some. */
const coveredIn = async (
  { git, mirrorDir }: { git: Git; mirrorDir: string },
  place: { dir: string; gitDir: string },
  { from, to }: Move,
): Promise<Result<string[], Failure>> => {
  const args = ['diff-tree', '-r', '-z', '--name-status', '--no-renames', from, to];
  const listed = await git.done({ gitDir: mirrorDir, args });
  if (!listed.ok) return listed;
  const fields = listed.value.split('\0');
  const at = (letter: string) => fields.filter((_, index) => index % 2 === 1 && fields[index - 1] === letter);
  // Where the file system does not tell a from A, the file of a changed spelling stands where the new one goes.
  const leaving = new Set(at('D').map((name) => name.toLowerCase()));
  const covered = new Set<string>();
  const seen = new Set<string>();
  for (const name of at('A')) {
    const steps = name.split('/');
    for (let depth = 1; depth <= steps.length; depth += 1) {
      const part = steps.slice(0, depth).join('/');
      if (seen.has(part)) continue;
      seen.add(part);
      const there = await lstat(path.join(place.dir, part)).catch(() => undefined);
      if (there === undefined) break;
      const last = depth === steps.length;
      if (!there.isDirectory() && !leaving.has(part.toLowerCase())) covered.add(part);
      if (there.isDirectory() && last) {
        const inside = await git.done(on(place, ['ls-files', '--others', '-z', '--', part]));
        if (!inside.ok) return inside;
        if (inside.value !== '') covered.add(part);
      }
    }
  }
  return ok([...covered].map((name) => `${name} (not known to git)`));
};

/** Whether index and files are exactly those of a commit. */
const holdsExactly = async (place: { git: Git; dir: string; gitDir: string }, commit: string): Promise<boolean> => {
  const { git } = place;
  const staged = ['diff-index', '--cached', '--quiet', '--ignore-submodules=none', commit, '--'];
  if ((await git.run(on(place, staged))).exitCode !== 0) return false;
  const status = ['status', '--porcelain', '-z', '--untracked-files=no', '--no-renames', '--ignore-submodules=all'];
  const changed = await git.done(on(place, status));
  // The second letter of each record tells the files from the index.
  return changed.ok && changed.value.split('\0').every((line) => line === '' || line[1] === ' ');
};

const isThere = async (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const few = (names: string[]): string => {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
  return (
    names
      .slice(0, NAMED_MAX)
      .map((name) => name.replace(/\p{Cc}/gu, '?'))
      .join(', ') + more
  );
};
