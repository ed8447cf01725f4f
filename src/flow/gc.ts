import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { EntryData } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import { RETAINED } from '../model/retention.ts';
import {
  fileNameOf,
  type Item,
  judgeItem,
  planRetention,
  queuedOf,
  type RetentionPlan,
  type RetentionWorld,
} from '../policy/retention.ts';
import { removeTree } from '../ports/git/files.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import { LEFT_OUT } from '../ports/git/workspaces.ts';
import { isFile, isWithin } from '../ports/home/footprint.ts';
import type { SlotLease } from '../ports/machine/slots.ts';
import { authorOf } from './agent.ts';
import { lookAgain, projectOf, takeInventory } from './inventory.ts';
import { keepPatch } from './keep.ts';
import type { Workshop } from './workshop.ts';

/**
 * Removes what has had its time, one thing after the other. Right before each the question is asked anew under the
 * lock of whoever could be using it, and work that only this thing holds becomes a patch first.
 */
export interface Collection extends Omit<EntryData<'collected'>, 'by' | 'failed'> {
  /** What was to go and stays, since something changed meanwhile. */
  kept: { name: string; why: string }[];
  failed: { name: string; why: string }[];
}

export interface GcPlan extends RetentionPlan {
  /** What could not be looked at. */
  notes: string[];
}

export const planGc = async (shop: Workshop): Promise<GcPlan> => {
  const { items, notes } = await takeInventory(shop);
  return { ...planRetention(items, worldOf(shop)), notes };
};

export const collect = async (
  shop: Workshop,
  by: EntryData<'collected'>['by'],
): Promise<Result<Collection, Failure>> => {
  const lease = await shop.slots.tryAcquire('gc', 1, `pid ${process.pid}`);
  if (!lease) return failed('already-running', 'another process is collecting in this home');
  try {
    const plan = await planGc(shop);
    const done: Collection = { items: [], patches: [], kept: [], failed: [] };
    const swept = plan.goes.filter(({ item }) => item.kind === 'dependencies');
    if (swept.length > 0) await shop.dependencies.sweep(shop.config().retention.dependencies);
    for (const { item } of plan.goes) note(done, item, await removeOne(shop, item));
    if (done.items.length > 0) {
      const { items, patches } = done;
      shop.journal.append<'collected'>({ type: 'collected', data: { by, items, patches, failed: done.failed.length } });
    }
    return ok(done);
  } finally {
    lease.release();
  }
};

const worldOf = (shop: Workshop): RetentionWorld => ({
  state: shop.journal.state(),
  projects: shop.config().projects.map(({ name }) => name),
  retention: shop.config().retention,
  now: shop.clock.now(),
});

type Removal =
  | { end: 'removed'; patch?: string | undefined }
  /** Somebody else was quicker. */
  | { end: 'vanished' }
  | { end: 'kept'; why: string }
  | { end: 'failed'; why: string };

const note = (done: Collection, { kind, name, bytes }: Item, removal: Removal): void => {
  switch (removal.end) {
    case 'removed': {
      if (removal.patch) done.patches.push(removal.patch);
      const known = done.items.find((one) => one.kind === kind);
      if (known) {
        known.count += 1;
        known.bytes += bytes;
      } else {
        done.items.push({ kind, count: 1, bytes });
        done.items.sort((a, b) => RETAINED.indexOf(a.kind) - RETAINED.indexOf(b.kind));
      }
      return;
    }
    case 'kept':
      done.kept.push({ name, why: removal.why });
      return;
    case 'failed':
      done.failed.push({ name, why: removal.why });
      return;
    case 'vanished':
      return;
    default:
      removal satisfies never;
  }
};

const removeOne = async (shop: Workshop, item: Item): Promise<Removal> => {
  const lock = lockOf(item);
  const lease = lock ? await shop.slots.tryAcquire(lock, 1, `pid ${process.pid}`) : undefined;
  if (lock && !lease) return { end: 'kept', why: 'somebody is using it' };
  try {
    const now = await lookAgain(shop, item);
    if (!now) return { end: item.kind === 'dependencies' ? 'removed' : 'vanished' };
    const judged = judgeItem(now, worldOf(shop));
    if (!judged.goes) return { end: 'kept', why: judged.why };
    return await remove(shop, now);
  } finally {
    release(lease);
  }
};

const release = (lease: SlotLease | undefined): void => lease?.release();

/** Under which name its user holds it: as in a cycle, and as in the execution of a check. */
const lockOf = ({ kind, name, session, project }: Item): string | undefined => {
  switch (kind) {
    case 'workspaces':
    case 'homes':
    case 'conversations':
    case 'tmp':
    case 'commits':
      return session === undefined ? undefined : `session:${session}`;
    case 'checkouts':
      return `checkout:${project}:${name.slice(name.lastIndexOf('/') + 1)}`;
    case 'transcripts':
    case 'reports':
    case 'patches':
    case 'reviews':
    case 'checks':
    case 'dependencies':
    case 'branches':
    case 'mirrors':
    case 'leftovers':
      return undefined;
    default:
      return kind satisfies never;
  }
};

const remove = async (shop: Workshop, item: Item): Promise<Removal> => {
  switch (item.kind) {
    case 'workspaces':
      return removeWorkspace(shop, item);
    case 'commits':
      return removeCommit(shop, item);
    case 'checkouts': {
      const removed = await removePath(shop, item);
      // Without its index the directory is made from nothing the next time.
      if (removed.end === 'removed') await removePath(shop, { ...item, name: `${item.name}.index` });
      return removed;
    }
    case 'dependencies':
      return { end: 'kept', why: 'it is used again' };
    case 'branches':
      // Never planned: the train deletes them, by an intent.
      return { end: 'kept', why: 'a remote branch is the train’s' };
    case 'transcripts':
    case 'conversations':
    case 'reports':
    case 'patches':
    case 'reviews':
    case 'checks':
    case 'homes':
    case 'tmp':
    case 'leftovers':
    case 'mirrors':
      return removePath(shop, item);
    default:
      return item.kind satisfies never;
  }
};

const removePath = async (shop: Workshop, { name }: Item): Promise<Removal> => {
  const path = join(shop.paths.home, name);
  if (!(await isOwn(shop, path))) return { end: 'kept', why: 'a link leads out of the home on the way to it' };
  const removed = await removeTree(path);
  return removed.ok ? { end: 'removed' } : { end: 'failed', why: removed.error.message };
};

/** logs/ and .winnow/ may themselves be links, of the owner's making; nothing below them may. */
const isOwn = async ({ paths }: Workshop, path: string): Promise<boolean> =>
  (await isWithin(paths.logs, path)) || (await isWithin(paths.disposable, path));

const removeWorkspace = async (shop: Workshop, item: Item): Promise<Removal> => {
  const { session = '' } = item;
  if (!(await isOwn(shop, join(shop.paths.home, item.name))))
    return { end: 'kept', why: 'a link leads out of the home on the way to it' };
  const saved = await saveWorkspace(shop, session);
  if (!saved.ok) return { end: 'kept', why: saved.error };
  await shop.workspaces.remove(session);
  if (await lookAgain(shop, item)) return { end: 'failed', why: `${item.name} cannot be removed` };
  return { end: 'removed', patch: saved.value };
};

/** The patch, if there was anything to save; else why it could not be. */
const saveWorkspace = async (shop: Workshop, session: string): Promise<Result<string | undefined, string>> => {
  const project = projectOf(shop, session);
  const left = shop.workspaces.left(session);
  if (!project || !left) return err('what lies in it cannot be saved');
  const opened = await shop.mirrorOf(project);
  if (!opened.ok) return err(opened.error.message);
  const mirror = opened.value;
  // Under a name of its own: the branch's name stands for the commit that was reviewed.
  const name = `brl/${session}/workspace`;
  const caught = await shop.workspaces.capture({
    mirror,
    workspace: { ...left, branch: name },
    author: authorOf(session),
    message: `Unfinished work\n\nWinnow-Session: ${session}\n`,
    at: shop.clock.now(),
  });
  if (!caught.ok) return err(caught.error.message);
  const { commit, tree, empty, notes } = caught.value;
  const lost = notes.find((text) => text.startsWith(LEFT_OUT));
  const kept = empty || (await isSaved(shop, mirror, left.branch, tree));
  const patch = kept
    ? undefined
    : await keepPatch(shop, mirror, { name: patchName(name, tree), from: left.base, to: commit });
  if (!kept && !patch) return err('no patch of it could be written');
  await mirror.unkeep(name, commit);
  return lost === undefined ? ok(patch) : err(lost);
};

/** Whether the branch that the workspace was made for was pushed with exactly this content and is in safe hands. */
const isSaved = async (shop: Workshop, mirror: Mirror, branch: string, tree: string): Promise<boolean> => {
  const queued = queuedOf(shop.journal.state(), branch);
  if (!queued) return false;
  const pushed = await mirror.treeOf(queued.commit);
  if (!pushed.ok || pushed.value !== tree) return false;
  if (queued.patch !== undefined && (await isFile(join(shop.paths.home, queued.patch)))) return true;
  const there = await mirror.remoteBranch(branch);
  return there.ok && there.value === queued.commit;
};

const removeCommit = async (shop: Workshop, item: Item): Promise<Removal> => {
  const { branch = '', commit = '', project: name } = item;
  const project = shop.config().projects.find((one) => one.name === name);
  const opened = project && (await shop.mirrorOf(project));
  if (!project || !opened?.ok) return { end: 'kept', why: 'its mirror cannot be opened' };
  const mirror = opened.value;
  const saved = await saveCommit(shop, mirror, { branch, commit, main: project.branch });
  if (!saved.ok) return { end: 'failed', why: saved.error };
  await mirror.unkeep(branch, commit);
  return { end: 'removed', patch: saved.value };
};

/** The patch that had to be made; none where main has the commit or its patch is there. */
const saveCommit = async (
  shop: Workshop,
  mirror: Mirror,
  { branch, commit, main }: { branch: string; commit: string; main: string },
): Promise<Result<string | undefined, string>> => {
  const tip = `refs/remotes/origin/${main}`;
  if (await mirror.isAncestor(commit, tip)) return ok(undefined);
  const queued = queuedOf(shop.journal.state(), branch);
  const isQueued = queued?.commit === commit;
  if (isQueued && queued.patch !== undefined && (await isFile(join(shop.paths.home, queued.patch))))
    return ok(undefined);
  const name = patchName(branch, commit);
  if (await isFile(join(shop.paths.patches, `${name}.patch`))) return ok(undefined);
  const from = (isQueued && queued.base) || (await mirror.mergeBase(commit, tip));
  const [before, after] = await Promise.all([mirror.treeOf(from ?? ''), mirror.treeOf(commit)]);
  if (before.ok && after.ok && before.value === after.value) return ok(undefined);
  if (!from) return err('it has nothing in common with main, so no patch can be made of it');
  const patch = await keepPatch(shop, mirror, { name, from, to: commit });
  return patch ? ok(patch) : err('no patch of it could be written');
};

/** Named by its content, a commit or a tree: where the file is, exactly this is kept, and a second time adds no file. */
const patchName = (branch: string, object: string): string => `${fileNameOf(branch)}-${object.slice(0, 12)}`;
