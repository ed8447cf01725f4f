import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ok, type Result } from '../base/result.ts';
import type { EntryData } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { QueuedBranch, State } from '../model/state.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import { keepPatch } from './keep.ts';
import { settle } from './publish.ts';
import type { Workshop } from './workshop.ts';

/**
 * The end of a branch in the remote. Nothing is deleted that would be lost by it: its commits are part of main, or its
 * patch lies in logs/; and the commit stays in the mirror, so that a person may still think otherwise.
 */
export interface Deletion {
  branch: string;
  commit: string;
  reason: string;
  /** File with the change, relative to the home; made here when it is needed and there is none. */
  patch?: string | undefined;
}

type Where = { project: string; session?: string; cycle?: string };

/** Kinds beside those of the remote: already-running (another process is at it), not-found (the project is gone). */
export const deleteBranch = async (shop: Workshop, where: Where, deletion: Deletion): Promise<Result<void, Failure>> =>
  alone(shop, deletion.branch, async () => {
    const { branch, commit, reason } = deletion;
    const mirror = await mirrorFor(shop, where);
    if (!mirror.ok) return mirror;
    const patch = await secured(shop, mirror.value, where, deletion);
    if (!patch.ok) return patch;
    const data = { branch, commit, reason, ...(patch.value === undefined ? {} : { patch: patch.value }) };
    const intent = await shop.journal.appendDurable<'intent'>({
      type: 'intent',
      ...where,
      data: { effect: 'delete-branch', ...data },
    });
    return carryOut(shop, mirror.value, where, intent.id, data);
  });

/** An intent that a crash left open is carried out again: what is gone already counts as deleted. Undefined: not now. */
export const completeDeletion = async (
  shop: Workshop,
  { id, project = '', session, cycle, data }: State['intents'][string],
): Promise<boolean | undefined> => {
  if (data.effect !== 'delete-branch') return true;
  const where = { project, ...(session ? { session } : {}), ...(cycle ? { cycle } : {}) };
  const done = await alone(shop, data.branch, async () => {
    // Whoever held the lock until now has settled it.
    if (!shop.journal.state().intents[id]) return ok(undefined);
    const mirror = await mirrorFor(shop, where);
    if (!mirror.ok && mirror.error.kind === 'not-found') {
      settle(shop, where, id, false, mirror.error.message);
      return ok(undefined);
    }
    return mirror.ok ? carryOut(shop, mirror.value, where, id, data) : mirror;
  });
  return shop.journal.state().intents[id] ? undefined : done.ok;
};

/** Branches that are over and that the remote still has: what could not be deleted at the time is tried again. */
export const deletionsDue = (state: Readonly<State>): QueuedBranch[] => {
  const underWay = new Set(Object.values(state.intents).map(({ data }) => ('branch' in data ? data.branch : '')));
  return Object.values(state.queue).filter(
    ({ branch, status, deleted }) => !deleted && OVER.has(status.state) && !underWay.has(branch),
  );
};

const OVER: ReadonlySet<QueuedBranch['status']['state']> = new Set(['rejected', 'dropped', 'landed'] as const);

type DeletionIntent = Extract<EntryData<'intent'>, { effect: 'delete-branch' }>;

/** Deletes what is there at that commit; what the remote refuses, or cannot hear, is tried again by the next sweep. */
const carryOut = async (
  shop: Workshop,
  mirror: Mirror,
  where: Where,
  id: string,
  { branch, commit, patch, reason }: Omit<DeletionIntent, 'effect'>,
): Promise<Result<void, Failure>> => {
  const deleted = await mirror.deleteRemoteBranch(branch, commit);
  if (!deleted.ok) {
    settle(shop, where, id, false, deleted.error.message);
    return deleted;
  }
  shop.journal.append<'branch_deleted'>({
    type: 'branch_deleted',
    ...where,
    data: { branch, commit, reason, ...(patch ? { patch } : {}) },
  });
  settle(shop, where, id, true, 'deleted');
  return ok(undefined);
};

const alone = async (
  shop: Workshop,
  branch: string,
  deed: () => Promise<Result<void, Failure>>,
): Promise<Result<void, Failure>> => {
  const lock = await shop.slots.tryAcquire(`delete:${branch}`, 1, `pid ${process.pid}`);
  if (!lock) return failed('already-running', `branch ${branch} is being deleted by another process`);
  try {
    return await deed();
  } finally {
    lock.release();
  }
};

const mirrorFor = async (shop: Workshop, { project: name }: Where): Promise<Result<Mirror, Failure>> => {
  const project = shop.config().projects.find((p) => p.name === name);
  return project ? shop.mirrorOf(project) : failed('not-found', `project ${name} is no longer configured`);
};

/** The patch, where the commits alone do not say it all; undefined: they are part of main. */
const secured = async (
  shop: Workshop,
  mirror: Mirror,
  { project }: Where,
  { branch, commit, patch }: Deletion,
): Promise<Result<string | undefined, Failure>> => {
  const kept = await mirror.keep(branch, commit);
  if (!kept.ok) return kept;
  if (patch !== undefined && existsSync(join(shop.paths.home, patch))) return ok(patch);
  const state = shop.journal.state();
  const tip = state.projects[project]?.tip;
  if (tip !== undefined && (await mirror.isAncestor(commit, tip))) return ok(undefined);
  return keepBranchPatch(shop, mirror, { branch, commit, base: state.queue[branch]?.base ?? tip ?? '' });
};

/** The branch's own change as a file under logs/patches/. */
export const keepBranchPatch = async (
  shop: Workshop,
  mirror: Mirror,
  { branch, commit, base }: { branch: string; commit: string; base: string },
): Promise<Result<string, Failure>> => {
  const from = (await mirror.mergeBase(base, commit)) ?? base;
  const patch = await keepPatch(shop, mirror, { name: fileNameOf(branch), from, to: commit });
  return patch === undefined ? failed('git-failed', `the patch of ${branch} could not be written`) : ok(patch);
};

/** A branch's name as a path below a directory: what is no plain part of one cannot lead out of it. */
export const fileNameOf = (branch: string): string =>
  branch
    .split('/')
    .map((part) => part.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_'))
    .join('/');
