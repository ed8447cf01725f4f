import { stat } from 'node:fs/promises';
import path from 'node:path';
import { ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import type { Git } from './git.ts';
import type { Kept } from './mirror.ts';
import { type Standing, standingWorkspaces } from './workspaces.ts';

/** What the mirror keeps for Winnow, and how it forgets what nobody refers to any more. */

export const listKept = async ({ git, gitDir }: { git: Git; gitDir: string }): Promise<Result<Kept[], Failure>> => {
  const refs = await git.ask(gitDir, ['for-each-ref', '--format=%(refname) %(objectname)', REFS]);
  if (!refs.ok) return refs;
  const kept: Kept[] = [];
  for (const row of refs.value.split('\n')) {
    const [ref = '', commit = ''] = row.split(' ');
    if (ref !== '') kept.push({ name: ref.slice(REFS.length), commit, atMs: await writtenMs(gitDir, ref) });
  }
  return ok(kept.sort((a, b) => a.atMs - b.atMs));
};

const REFS = 'refs/winnow/';

/**
 * By the kernel's time of the file that is the ref: a commit bears whatever date its maker likes. Somebody may have
 * packed the refs; then it is no younger than the pack, and rather stays too long than goes too soon.
 */
const writtenMs = async (gitDir: string, ref: string): Promise<number> => {
  for (const file of [ref, 'packed-refs']) {
    const seen = await stat(path.join(gitDir, file)).catch(() => undefined);
    if (seen?.isFile()) return seen.ctimeMs;
  }
  return Number.POSITIVE_INFINITY;
};

/** Where two histories parted; undefined when they have nothing in common or one is unknown. */
export const mergeBase = async (
  { git, gitDir }: { git: Git; gitDir: string },
  one: string,
  other: string,
): Promise<string | undefined> => {
  const found = await git.run({ gitDir, args: ['merge-base', one, other] });
  return found.exitCode === 0 ? found.stdout.toString('utf8').trim() : undefined;
};

/**
 * Nothing that anybody may still come back to goes, though no ref of the mirror may say so:
 * - Workspaces borrow the mirror's objects. What each was made from gets a ref for as long as it stands. And an agent's
 *   git that finds an object in the mirror does not write it again but renews its date, so nothing renewed since the
 *   oldest of them was made goes.
 * - What the journal speaks of gets such a ref too: a tip that is known to be good, the base of a branch that is open.
 * - Where a branch stood before its remote rewrote it is told by the reflogs, for as long as unreferred objects stay.
 * - All else (trees that are being tested, commits not yet kept) is younger than two weeks; and a commit that is made
 *   or brought anew becomes young again.
 */
export const prune = async ({
  git,
  gitDir,
  home,
  spoken,
  nowMs,
}: {
  git: Git;
  gitDir: string;
  /** Directory of the factory, with the workspaces that borrow. */
  home: string;
  /** Commits that stay although no ref says so. */
  spoken: readonly string[];
  nowMs: number;
}): Promise<Result<{ freedBytes: number }, Failure>> => {
  const before = await sizeOf(git, gitDir);
  if (!before.ok) return before;
  const standing = await standingWorkspaces(home);
  const borrowed = await referToBorrowed(git, gitDir, [
    ...standing,
    ...spoken.map((commit) => ({ name: commit, base: commit })),
  ]);
  if (!borrowed.ok) return borrowed;
  const oldestMs = Math.min(nowMs - UNREFERRED_MIN_AGE_MS, ...standing.map(({ sinceMs }) => sinceMs - SAME_TIME_MS));
  const cutoff = `@${Math.floor(oldestMs / 1000)} +0000`;
  const expire = ['reflog', 'expire', `--expire=${cutoff}`, `--expire-unreachable=${cutoff}`, '--all'];
  const expired = await git.done({ gitDir, args: expire });
  if (!expired.ok) return expired;
  // A cruft pack remembers the age of each object; in an ordinary one each is as young as the pack.
  const repack = ['repack', '--quiet', '-d', '--cruft', `--cruft-expiration=${cutoff}`];
  const packed = await git.done({ gitDir, args: repack, timeoutMs: REPACK_TIMEOUT_MS });
  if (!packed.ok) return packed;
  const loose = await git.done({ gitDir, args: ['prune', `--expire=${cutoff}`], timeoutMs: REPACK_TIMEOUT_MS });
  if (!loose.ok) return loose;
  const after = await sizeOf(git, gitDir);
  return after.ok ? ok({ freedBytes: Math.max(0, before.value - after.value) }) : after;
};

const UNREFERRED_MIN_AGE_MS = 14 * 24 * 60 * 60_000;
/** git dates by whole seconds, and a file system may date otherwise than the clock. */
const SAME_TIME_MS = 60 * 60_000;
const REPACK_TIMEOUT_MS = 30 * 60_000;
const OID = /^[0-9a-f]{40,64}$/;
const BORROWED = 'refs/borrowed/';

const referToBorrowed = async (
  git: Git,
  gitDir: string,
  standing: readonly Pick<Standing, 'name' | 'base'>[],
): Promise<Result<void, Failure>> => {
  const format = '--format=%(refname)';
  const there = await git.ask(gitDir, ['for-each-ref', format, BORROWED]);
  if (!there.ok) return there;
  const wanted = new Set<string>();
  for (const { name, base } of standing) {
    if (!OID.test(base)) continue;
    // A workspace of another project is made from a commit that this mirror does not have.
    if ((await git.run({ gitDir, args: ['cat-file', '-e', `${base}^{commit}`] })).exitCode !== 0) continue;
    wanted.add(`${BORROWED}${name}`);
    const referred = await git.done({ gitDir, args: ['update-ref', `${BORROWED}${name}`, base] });
    if (!referred.ok) return referred;
  }
  for (const ref of there.value.split('\n')) {
    if (ref !== '' && !wanted.has(ref)) await git.run({ gitDir, args: ['update-ref', '-d', ref] });
  }
  return ok(undefined);
};

const sizeOf = async (git: Git, gitDir: string): Promise<Result<number, Failure>> => {
  const counted = await git.ask(gitDir, ['count-objects', '-v']);
  if (!counted.ok) return counted;
  const kib = [...counted.value.matchAll(/^(?:size|size-pack|size-garbage): (\d+)$/gm)];
  return ok(kib.reduce((sum, [, figure]) => sum + Number(figure) * 1024, 0));
};
