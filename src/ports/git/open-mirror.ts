import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Clock } from '../../base/clock.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, FailureError, failed } from '../../model/failure.ts';
import { createCommits } from './commits.ts';
import type { Git } from './git.ts';
import type { Mirror } from './mirror.ts';
import { createMoveMain } from './move-main.ts';
import { createObjects } from './objects.ts';
import { createOwnerCheckouts } from './owner-checkouts.ts';
import { createRemote, missingBranch, type Source, sourceOf } from './remote.ts';
import { listKept, mergeBase, prune } from './retention.ts';
import { createStack } from './stack.ts';
import { traitsOf } from './traits.ts';

/**
 * Opens the mirror of a project, `.winnow/mirrors/<project>.git`, and makes it when there is none: prepared under
 * another name and moved into place whole, so that neither a kill nor a second process ever meets half of one.
 * Its configuration is a pure function of Winnow's own, rewritten when that changed and never by git.
 */
export const openMirror = async ({ git, clock, home, project, repo, branch, signal }: MirrorOptions) => {
  const usable = await git.usable();
  if (!usable.ok) return usable;
  if (/[\0\r\n]/.test(repo)) return failed('repo-missing', `the repository of ${project} has a line break in its name`);
  const source = await sourceOf(repo, home);
  const dir = path.join(path.resolve(home), '.winnow', 'mirrors', `${project}.git`);
  const ready = (await isMirror(dir)) ? ok(undefined) : await make({ git, clock, dir, source, branch, signal });
  if (!ready.ok) return ready;
  await configure(dir, source);
  return ok(createMirror({ git, clock, home, dir, source, branch }));
};

export interface MirrorOptions {
  git: Git;
  clock: Clock;
  /** Directory of the factory. */
  home: string;
  /** Name of the project, fit for a file name. */
  project: string;
  /** URL or path, as in the configuration. */
  repo: string;
  branch: string;
  signal?: AbortSignal | undefined;
}

/** Beside every mirror that is being made there may be the remains of one whose maker died. */
const REMAINS_MAX_AGE_MS = 60 * 60_000;

const createMirror = ({
  git,
  clock,
  home,
  dir,
  source,
  branch,
}: {
  git: Git;
  clock: Clock;
  home: string;
  dir: string;
  source: Source;
  branch: string;
}): Mirror => {
  const remote = createRemote({ git, clock, gitDir: dir, source });
  const objects = createObjects({ git, gitDir: dir });
  const place = { git, gitDir: dir };
  const fetch: Mirror['fetch'] = async (signal) => {
    const fetched = await remote.fetch(branch, signal);
    return fetched.ok ? ok({ tip: fetched.value }) : fetched;
  };
  const isAncestor: Mirror['isAncestor'] = async (ancestor, of) =>
    (await git.run({ gitDir: dir, args: ['merge-base', '--is-ancestor', ancestor, of] })).exitCode === 0;
  return {
    dir,
    ...objects,
    ...createCommits({ ...place, objects }),
    fetch,
    isAncestor,
    fetchBranch: remote.find,
    moveMain: createMoveMain({
      remote,
      checkouts:
        source.path === undefined ? undefined : createOwnerCheckouts({ git, mirrorDir: dir, repo: source.path }),
      source,
      branch,
      mirror: { fetch, isAncestor },
    }),
    stack: createStack({ ...place, names: { onto: branch, commit: 'the change' } }),
    traits: (from, to) => traitsOf({ ...place, diff: objects.diff }, from, to),
    kept: () => listKept(place),
    mergeBase: (one, other) => mergeBase(place, one, other),
    prune: (spoken = []) => prune({ ...place, home, spoken, nowMs: clock.now() }),
    countCommits: async (from, to) => {
      const count = await git.ask(dir, ['rev-list', '--count', '--end-of-options', `${from}..${to}`]);
      if (!count.ok) throw new FailureError(count.error);
      return Number(count.value);
    },
    keep: async (name, commit) => {
      const kept = await git.done({ gitDir: dir, args: ['update-ref', `refs/winnow/${name}`, commit] });
      return kept.ok ? ok(undefined) : kept;
    },
    unkeep: async (name, commit) => {
      const only = commit === undefined ? [] : [commit];
      await git.run({ gitDir: dir, args: ['update-ref', '-d', `refs/winnow/${name}`, ...only] });
    },
    pushBranch: remote.push,
    remoteBranch: remote.branch,
    remoteBranches: async () => {
      const refs = await remote.look();
      return refs.ok ? ok(refs.value.branches) : refs;
    },
    deleteRemoteBranch: remote.remove,
    tidy: () => tidy(git, dir, clock.now()),
  };
};

/** git's own threshold for loose objects, and a tenth of where its look-ups over packs are felt. */
const LOOSE_MAX = 6_700;
const PACKS_MAX = 50;
const REPACK_TIMEOUT_MS = 30 * 60_000;
/** What a killed git or import leaves is nobody's after a day. */
const LITTER_MAX_AGE_MS = 24 * 60 * 60_000;

const tidy = async (git: Git, dir: string, nowMs: number): Promise<Result<void, Failure>> => {
  await removeOld(dir, /^winnow-import-/, LITTER_MAX_AGE_MS, nowMs);
  await removeOld(path.join(dir, 'objects', 'pack'), /^tmp_/, LITTER_MAX_AGE_MS, nowMs);
  const counted = await git.ask(dir, ['count-objects', '-v']);
  if (!counted.ok) return counted;
  const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counted.value)?.[1] ?? 0);
  if (figure('count') < LOOSE_MAX && figure('packs') < PACKS_MAX) return ok(undefined);
  // Geometric repacking takes loose objects in whether anything refers to them or not.
  const args = ['repack', '--quiet', '-d', '--geometric=2'];
  const packed = await git.done({ gitDir: dir, args, timeoutMs: REPACK_TIMEOUT_MS });
  return packed.ok ? ok(undefined) : packed;
};

/** Whether what stands there can be used as a mirror; an agent of the same user can remove it at any time. */
export const isMirror = async (dir: string): Promise<boolean> => {
  const head = await readFile(path.join(dir, 'HEAD'), 'utf8').catch(() => '');
  const parts = await Promise.all(['objects', 'refs'].map((name) => stat(path.join(dir, name)).catch(() => undefined)));
  return head.trim() !== '' && parts.every((part) => part?.isDirectory());
};

const make = async ({
  git,
  clock,
  dir,
  source,
  branch,
  signal,
}: {
  git: Git;
  clock: Clock;
  dir: string;
  source: Source;
  branch: string;
  signal?: AbortSignal | undefined;
}): Promise<Result<void, Failure>> => {
  const parent = path.dirname(dir);
  await mkdir(parent, { recursive: true });
  await removeOld(parent, /^\.making-/, REMAINS_MAX_AGE_MS, clock.now());
  const draft = await mkdtemp(path.join(parent, '.making-'));
  try {
    const first = await initialise(git, draft, 'sha1', source);
    if (!first.ok) return first;
    const refs = await createRemote({ git, clock, gitDir: draft, source }).look(signal);
    if (!refs.ok) return refs;
    if (!refs.value.branches.has(branch)) return err(missingBranch(source, branch, refs.value));
    const name = refs.value.branches.get(branch) ?? '';
    if (name.length === 64) {
      await rm(draft, { recursive: true, force: true });
      const second = await initialise(git, draft, 'sha256', source);
      if (!second.ok) return second;
    }
    // What stands there and is no mirror (a disk that lost power) is kept aside: it may hold commits.
    if (await stat(dir).catch(() => undefined)) {
      if (await isMirror(dir)) return ok(undefined);
      await rename(dir, `${dir}.broken-${clock.now()}`).catch(() => undefined);
    }
    try {
      await rename(draft, dir);
    } catch (error) {
      if (!(await isMirror(dir))) return failed('git-failed', `${dir} cannot be made: ${(error as Error).message}`);
    }
    return ok(undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
};

const initialise = async (
  git: Git,
  dir: string,
  format: 'sha1' | 'sha256',
  source: Source,
): Promise<Result<void, Failure>> => {
  await mkdir(dir, { recursive: true });
  const args = [
    'init',
    '--quiet',
    '--bare',
    '--template=',
    `--object-format=${format}`,
    '--initial-branch=winnow',
    '.',
  ];
  const made = await git.done({ gitDir: dir, args });
  if (!made.ok) return made;
  await configure(dir, source, format);
  return ok(undefined);
};

/** Writes the configuration whole, by rename, when it is not as it should be. */
const configure = async (dir: string, source: Source, format?: 'sha1' | 'sha256'): Promise<void> => {
  const file = path.join(dir, 'config');
  const current = await readFile(file, 'utf8').catch(() => '');
  const wanted = configText(source, format ?? (/^\s*objectformat = sha256$/im.test(current) ? 'sha256' : 'sha1'));
  if (current !== wanted) await writeFileAtomic(file, wanted);
};

const configText = (source: Source, format: 'sha1' | 'sha256'): string =>
  [
    '# Written by Winnow; changes are overwritten.',
    '[core]',
    `\trepositoryformatversion = ${format === 'sha256' ? 1 : 0}`,
    '\tfilemode = true',
    '\tbare = true',
    // Where a branch stood before its remote rewrote it; see retention.ts.
    '\tlogallrefupdates = true',
    '[gc]',
    '\tauto = 0',
    ...(format === 'sha256' ? ['[extensions]', '\tobjectformat = sha256'] : []),
    '[remote "origin"]',
    `\turl = "${source.url.replace(/["\\]/g, '\\$&').replace(/\t/g, '\\t')}"`,
    // Eight sessions that push at once must not set off eight clean-ups in a repository on this machine.
    // And a checkout of the branch that moves follows it, by git itself, or the branch does not move.
    ...(source.path === undefined
      ? []
      : [
          '\treceivepack = git -c gc.auto=0 -c receive.autogc=false -c receive.denyCurrentBranch=updateInstead receive-pack',
        ]),
    '',
  ].join('\n');

const removeOld = async (parent: string, names: RegExp, maxAgeMs: number, nowMs: number): Promise<void> => {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!names.test(name)) continue;
    const file = path.join(parent, name);
    const made = await stat(file).catch(() => undefined);
    if (made && nowMs - made.mtimeMs > maxAgeMs) await rm(file, { recursive: true, force: true });
  }
};
