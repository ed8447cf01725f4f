import { existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { BRANCH_NAME, importHead, writeAgentRepository } from './agent-repository.ts';
import { findBelow, isDirectory, removeTree, SPECIAL_FILES } from './files.ts';
import { type Git, gitFailure, gitsWords } from './git.ts';
import type { Author, Captured, Mirror, Workspaces } from './mirror.ts';
import {
  asPattern,
  gitlinks,
  isPlainPath,
  materialise,
  on,
  removeWorktree,
  touchedAmong,
  type Worktree,
} from './worktree.ts';

/**
 * The isolated checkouts: `.winnow/workspaces/<name>/` with a git directory of its own for the agent, and beside it,
 * out of the agent's way, the index by which Winnow fills the directory and reads it back.
 */
export const createWorkspaces = ({ git, home, authorOf = sessionAuthor }: WorkspacesDeps): Workspaces => {
  const placeOf = (name: string) => {
    const dir = path.join(path.resolve(home), '.winnow', 'workspaces', name);
    return { dir, index: `${dir}.index`, exclude: `${dir}.exclude` };
  };

  return {
    prepare: async ({ mirror, name, base, branch, exclude }) => {
      if (!WORKSPACE_NAME.test(name)) return failed('argument-invalid', `"${name}" cannot name a workspace`);
      if (!BRANCH_NAME.test(branch)) return failed('argument-invalid', `"${branch}" cannot name a branch`);
      const place = placeOf(name);
      await mkdir(path.dirname(place.dir), { recursive: true });
      const known = await names(git, mirror, `${base}^{commit}`, `${base}^{tree}`);
      if (!known.ok) return known;
      const [commit = '', tree = ''] = known.value;
      // Gone first: a workspace that was not made to the end must not look like one.
      if (await isDirectory(place.dir)) {
        const old = await removeTree(path.join(place.dir, '.git'));
        if (!old.ok) return old;
      }
      const filled = await materialise({ git, gitDir: mirror.dir, ...place, exclude }, tree);
      if (!filled.ok) return filled;
      await writeFileAtomic(place.exclude, JSON.stringify({ exclude, branch, base: commit }));
      const own = { dir: place.dir, mirrorDir: mirror.dir, index: place.index, branch, base: commit, exclude };
      await writeAgentRepository({ ...own, author: authorOf(name) });
      return ok({ dir: place.dir, branch, base: commit });
    },

    capture: async ({ mirror, workspace, author, message, at }) => {
      const { dir, base, branch } = workspace;
      if (!(await isDirectory(dir))) return failed('git-failed', `the workspace ${dir} is gone or no directory`);
      const exclude = readNote(`${dir}.exclude`)?.exclude ?? [];
      const worktree: Worktree = { git, gitDir: mirror.dir, dir, index: `${dir}.index`, exclude };
      const taken = await snapshot(worktree, base);
      if (!taken.ok) return taken;
      const { tree, notes } = taken.value;
      const head = await importHead({ git, mirrorDir: mirror.dir, dir, base });
      if ('unusable' in head) notes.push(`the session's own commits were made into one: ${head.unusable}`);
      const parent = 'commit' in head ? head.commit : base;
      const known = await names(git, mirror, `${parent}^{tree}`, `${base}^{tree}`);
      if (!known.ok) return known;
      const [parentTree, baseTree] = known.value;
      const leftovers = parentTree !== tree;
      const commit = leftovers ? await mirror.commitTree({ tree, parents: [parent], message, author, at }) : ok(parent);
      if (!commit.ok) return commit;
      const kept = await mirror.keep(branch, commit.value);
      if (!kept.ok) return kept;
      return ok({ commit: commit.value, tree, empty: tree === baseTree, leftovers, notes } satisfies Captured);
    },

    checkout: async ({ mirror, tree, dir, exclude }) => {
      await mkdir(path.dirname(path.resolve(dir)), { recursive: true });
      const place = path.resolve(dir);
      // Without the tree nothing must be thrown away for it.
      const known = await names(git, mirror, `${tree}^{tree}`);
      if (!known.ok) return known;
      return materialise(
        { git, gitDir: mirror.dir, dir: place, index: `${place}.index`, exclude },
        known.value[0] ?? tree,
      );
    },

    left: (name) => {
      const place = placeOf(name);
      const note = WORKSPACE_NAME.test(name) && existsSync(place.dir) ? readNote(place.exclude) : undefined;
      return note?.branch && note.base ? { dir: place.dir, branch: note.branch, base: note.base } : undefined;
    },

    remove: async (name) => {
      if (!WORKSPACE_NAME.test(name)) return;
      const { dir, index, exclude } = placeOf(name);
      await removeWorktree(dir, index);
      await removeTree(exclude);
    },
  };
};

export interface WorkspacesDeps {
  git: Git;
  /** Directory of the factory. */
  home: string;
  /** Whose name the agent's own commits carry, by workspace. */
  authorOf?: (name: string) => Author;
}

/** A workspace that borrows objects of a mirror. */
export interface Standing {
  name: string;
  base: string;
  /** When it was made. */
  sinceMs: number;
}

export const standingWorkspaces = async (home: string): Promise<Standing[]> => {
  const parent = path.join(path.resolve(home), '.winnow', 'workspaces');
  const standing: Standing[] = [];
  for (const file of await readdir(parent).catch(() => [])) {
    const name = file.endsWith('.exclude') ? file.slice(0, -'.exclude'.length) : '';
    const base = WORKSPACE_NAME.test(name) ? readNote(path.join(parent, file))?.base : undefined;
    const made = await lstat(path.join(parent, file)).catch(() => undefined);
    if (base === undefined || !made || !(await isDirectory(path.join(parent, name)))) continue;
    standing.push({ name, base, sinceMs: made.mtimeMs });
  }
  return standing;
};

/** No dots: `<name>.index` and `<name>.exclude` lie beside it. */
const WORKSPACE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const sessionAuthor = (name: string): Author => ({ name: `${name} (Winnow)`, email: `${name}@winnow.invalid` });

/** Forges refuse larger files, and no change that a person would review has one. */
const FILE_MAX_BYTES = 100 * 1024 * 1024;
/** Notes of one kind that are spelt out. */
const NAMED_MAX = 5;

/** The full names of objects in the mirror, in one call. */
const names = async (git: Git, mirror: Mirror, ...revisions: string[]): Promise<Result<string[], Failure>> => {
  const answer = await git.ask(mirror.dir, ['rev-parse', '--end-of-options', ...revisions]);
  if (!answer.ok) return answer;
  // rev-parse echoes its own option.
  return ok(answer.value.split('\n').filter((line) => !line.startsWith('--')));
};

/** The tree of what lies in the directory now, under the rules of .gitignore. */
const snapshot = async (
  worktree: Worktree,
  base: string,
): Promise<Result<{ tree: string; notes: string[] }, Failure>> => {
  const { git, exclude } = worktree;
  const notes: string[] = [];
  const { special, large } = await oddFiles(worktree);
  // Nothing of the run is alive any more that could use them, and a pipe named .gitignore is waited for without end.
  for (const name of special) await unlink(path.join(worktree.dir, name)).catch(() => undefined);
  if (special.length > 0) notes.push(`removed, as git knows no such files: ${few(special)}`);
  const links = await forgetSubmodules(worktree);
  if (!links.ok) return links;

  const excludeFile = `${worktree.dir}.add-exclude`;
  const huge = await freshAmong(worktree, large);
  await writeFileAtomic(excludeFile, [...exclude, ...huge].map((name) => `${asPattern(name)}\n`).join(''));
  if (huge.length > 0) notes.push(`left out, as larger than 100 MB: ${few(huge)}`);
  const call = {
    ...on(worktree),
    args: ['add', '--all', '--ignore-errors', '--', '.'],
    config: [`core.excludesFile=${excludeFile}`],
  };
  const added = await git.run(call);
  // With --ignore-errors exit 1 means that single files could not be read; the message names them.
  if (added.exitCode !== 0 && added.exitCode !== 1) return err(gitFailure(call, added));
  if (added.exitCode === 1) notes.push(`left out: ${few(errorsIn(added.stderr))}`);

  const settled = await settleIndex(worktree, base, links.value);
  if (!settled.ok) return settled;
  const tree = await git.done({ ...on(worktree), args: ['write-tree'] });
  return tree.ok ? ok({ tree: tree.value.trim(), notes }) : tree;
};

/**
 * Takes submodules out of the index before `git add` sees them: for an entry that is one, add runs `git status` inside
 * the directory, with the configuration that lies there.
 */
const forgetSubmodules = async (worktree: Worktree): Promise<Result<Map<string, string>, Failure>> => {
  const links = await gitlinks(worktree);
  if (!links.ok || links.value.size === 0) return links;
  const forgotten = await forget(worktree, [...links.value.keys()]);
  return forgotten.ok ? links : forgotten;
};

const forget = (worktree: Worktree, names: string[]): Promise<Result<string, Failure>> =>
  worktree.git.done({
    ...on(worktree),
    args: ['update-index', '--force-remove', '-z', '--stdin'],
    input: names.map((name) => `${name}\0`).join(''),
  });

/** After `git add`: what it could not know. */
const settleIndex = async (worktree: Worktree, base: string, links: Map<string, string>) => {
  const { git, dir, exclude } = worktree;
  const inBase = await submodulesOf(worktree, base, links);
  // A submodule that nobody filled is an empty directory, and git add takes that for its deletion.
  const untouched = [];
  for (const [name, oid] of inBase) {
    if ((await isPlainPath(dir, name.split('/'))) && (await isEmpty(path.join(dir, name)))) {
      untouched.push(`160000 ${oid}\t${name}\0`);
    }
  }
  if (untouched.length > 0) {
    const args = ['update-index', '-z', '--index-info'];
    const restored = await git.done({ ...on(worktree), args, input: untouched.join('') });
    if (!restored.ok) return restored;
  }
  const args = ['diff-index', '--cached', '-z', '--no-renames', base];
  const changed = await git.done({ ...on(worktree), args });
  if (!changed.ok) return changed;
  const linked: string[] = [];
  const blobs = new Map<string, string>();
  const entries = new Map<string, string>();
  const fields = changed.value.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = '', newMode, oldOid = '', , status] = fields[at]!.slice(1).split(' ');
    const name = fields[at + 1]!;
    // A project's own .gitignore can take back what we exclude ("!node_modules"); a commit never holds our links.
    if (status === 'A' && exclude.some((dir) => name === dir || name.startsWith(`${dir}/`))) linked.push(name);
    if (status !== 'M' || oldMode !== newMode) continue;
    blobs.set(name, oldOid);
    entries.set(name, `${oldMode} ${oldOid}\t${name}\0`);
  }
  if (linked.length > 0) {
    const forgotten = await forget(worktree, linked);
    if (!forgotten.ok) return forgotten;
  }
  // And some differ only because git would write their line ends otherwise than the base has them.
  const touched = await touchedAmong(worktree, blobs);
  const input = [...entries].filter(([name]) => !touched.has(name)).map(([, entry]) => entry);
  if (input.length === 0) return changed;
  return git.done({ ...on(worktree), args: ['update-index', '-z', '--index-info'], input: input.join('') });
};

/** Which of these paths are submodules in the base, and at which commit. */
const submodulesOf = async (worktree: Worktree, base: string, links: Map<string, string>) => {
  const found = new Map<string, string>();
  for (const name of links.keys()) {
    const args = ['ls-tree', '-z', base, '--', name];
    const listed = await worktree.git.run({ gitDir: worktree.gitDir, args });
    const [, oid] = /^160000 commit ([0-9a-f]+)\t/.exec(listed.stdout.toString('utf8')) ?? [];
    if (oid !== undefined) found.set(name, oid);
  }
  return found;
};

/** What git add must not meet: files that are none, and files that are too large for a repository. */
const oddFiles = async ({ dir, exclude }: Worktree): Promise<{ special: string[]; large: string[] }> => {
  const test = [...SPECIAL_FILES, '-o', '-type', 'f', '-size', `+${FILE_MAX_BYTES}c`];
  const odd = { special: [] as string[], large: [] as string[] };
  for (const name of await findBelow(dir, ['.git', ...exclude], test)) {
    const stat = await lstat(path.join(dir, name)).catch(() => undefined);
    if (stat) odd[stat.isFile() ? 'large' : 'special'].push(name);
  }
  return odd;
};

/** Of these, the new ones: neither ignored nor known to git already. */
const freshAmong = async (worktree: Worktree, names: string[]): Promise<string[]> => {
  if (names.length === 0) return [];
  const args = ['ls-files', '--others', '--exclude-standard', '-z', '--', ...names];
  const fresh = await worktree.git.run({ ...on(worktree), args });
  return fresh.stdout
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');
};

/** What `prepare` noted beside the workspace, where no agent looks for it; a damaged note is none. */
interface Note {
  exclude: string[];
  branch?: string;
  base?: string;
}

const readNote = (file: string): Note | undefined => {
  try {
    const parsed = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<keyof Note, unknown>> | null;
    const exclude = Array.isArray(parsed?.exclude) ? parsed.exclude.filter((name) => typeof name === 'string') : [];
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    const [branch, base] = [text(parsed?.branch), text(parsed?.base)];
    return { exclude, ...(branch ? { branch } : {}), ...(base ? { base } : {}) };
  } catch {
    return undefined;
  }
};

const isEmpty = async (dir: string): Promise<boolean> => (await readdir(dir).catch(() => ['?'])).length === 0;

const errorsIn = (stderr: string): string[] => {
  const lines = stderr.split('\n').filter((line) => line.startsWith('error: '));
  return lines.length > 0 ? lines.map((line) => line.slice('error: '.length)) : [gitsWords(stderr)];
};

const few = (names: string[]): string => {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
  return names.slice(0, NAMED_MAX).join(', ') + more;
};
