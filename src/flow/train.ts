import { idOf } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { EntryData, Merged } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import type { PastLanding, ProjectState, QueuedBranch } from '../model/state.ts';
import { asData, oneLine } from '../policy/placeholders.ts';
import {
  BLOCKED_RETRY_MS,
  DELETION_RETRY_MS,
  DIRTY_RETRY_MS,
  nextStep,
  type PrefixResult,
  type Riding,
  ridersOf,
  UNEVALUATED_MAX,
} from '../policy/train.ts';
import type { JudgeExtent } from './judge.ts';
import type { Judged, Stacked, TrainWorld } from './train-world.ts';

/**
 * The train of one project: approved branches are put together on the tip of main, that exact tree is tested, and only
 * then does main move. A tick may be cut off anywhere and run again: what is under way stands in the journal as an
 * intent, what was measured belongs to its tree, and everything else is looked at anew.
 */
export interface TrainTick {
  landed: string[];
  dropped: string[];
  /** Why the rest does not move, and when it is worth another look; undefined: there is nothing left to do. */
  waits?: { reason: string; untilMs?: number };
}

/** Each round lands, drops or defers at least one branch; more in one tick than this means a fault. */
const ROUNDS_MAX = 500;

export const trainTick = async (world: TrainWorld, signal?: AbortSignal): Promise<TrainTick> => {
  const tick: TrainTick = { landed: [], dropped: [] };
  const deferred = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX && !signal?.aborted; round += 1) {
    const went = await oneRound(world, tick, deferred);
    if (!went.ok) {
      const untilMs = block(world, went.error);
      tick.waits = { reason: went.error.message, untilMs };
      break;
    }
    if (went.value.do === 'again') continue;
    if (went.value.waits) tick.waits = { reason: went.value.waits };
    else unblock(world);
    break;
  }
  await deleteClosed(world);
  return tick;
};

type Round = { do: 'again' } | { do: 'end'; waits?: string };
const AGAIN: Result<Round, never> = ok({ do: 'again' });

const oneRound = async (world: TrainWorld, tick: TrainTick, deferred: Set<string>): Promise<Result<Round, Failure>> => {
  const settled = await settleMoves(world, tick);
  if (!settled.ok) return settled;
  await settleDeletions(world);
  const tip = await world.fetchTip();
  if (!tip.ok) return tip;
  const known = await lookAtMain(world, tip.value);
  if (!known.ok) return known;
  if (known.value !== undefined) return ok({ do: 'end', waits: known.value });
  const verified = await verifyLanding(world, tip.value.commit);
  if (!verified.ok) return verified;
  const lapsed = await lapseMoved(world);
  if (!lapsed.ok) return lapsed;
  const stack = await formStack(world, tick, tip.value, deferred);
  if (!stack.ok) return stack;
  if (stack.value === 'changed') return AGAIN;
  if (stack.value.length === 0) {
    const waiting = ridersOf(world.state(), world.project);
    return ok({ do: 'end', ...(waiting.length > 0 ? { waits: waitsText(world, waiting) } : {}) });
  }
  return ride(world, tick, tip.value, stack.value, deferred);
};

const waitsText = (world: TrainWorld, waiting: readonly Riding[]): string => {
  const names = waiting.map(({ branch }) => branch).join(', ');
  return projectOf(world)?.red
    ? `main is red and these do not mend it: ${names}`
    : `the checks gave no result on ${names}; they are run again at the next look`;
};

interface Tip {
  commit: string;
  tree: string;
}

/** A branch on the stack: the tree of main with it and all before it. */
interface Car {
  rider: Riding;
  merged: string;
  tree: string;
  note?: string;
}

const carOf = (rider: Riding, { merged, tree, note }: Extract<Stacked, { state: 'stacked' }>): Car => ({
  ...{ rider, merged, tree },
  ...(note === undefined ? {} : { note }),
});

const projectOf = (world: TrainWorld): ProjectState | undefined => world.state().projects[world.project];

/** What was begun and not settled, by a crash or an answer that got lost: the remote itself says whether it happened. */
const settleMoves = async (world: TrainWorld, tick: TrainTick): Promise<Result<void, Failure>> => {
  for (const { id, project, data } of Object.values(world.state().intents)) {
    if (project !== world.project || data.effect !== 'move-main') continue;
    const tip = await world.fetchTip();
    if (!tip.ok) return tip;
    const { to } = data.merge;
    if (to === tip.value.commit || (await world.isAncestor(to, tip.value.commit)))
      recordLanding(world, tick, id, data.merge, 'found done');
    else settle(world, id, false, 'it did not happen');
  }
  return ok(undefined);
};

const settle = (world: TrainWorld, intent: string, done: boolean, note: string): void => {
  world.append<'intent_settled'>({
    type: 'intent_settled',
    project: world.project,
    data: { intent, done, note: world.redact(note) },
  });
};

const recordLanding = (world: TrainWorld, tick: TrainTick, intent: string, merge: Merged, note: string): void => {
  // A crash may have come between this line and the settlement.
  const isTold = projectOf(world)?.landings.some(({ to }) => to === merge.to);
  if (!isTold) world.append<'merged'>({ type: 'merged', project: world.project, data: merge });
  settle(world, intent, true, note);
  tick.landed.push(...merge.landings.map(({ branch }) => branch));
};

/**
 * Main as others left it: measured once, compared with the last tip that was good. A reason when nothing can be said
 * of it yet, since nothing may be put on top of the unknown.
 */
const lookAtMain = async (world: TrainWorld, tip: Tip): Promise<Result<string | undefined, Failure>> => {
  const project = projectOf(world);
  if (project?.red) return lookWhileRed(world, project.red, tip);
  const { good } = project ?? {};
  if (good?.commit === tip.commit) return ok(undefined);
  if (good?.tree !== tip.tree) {
    // The first tip ever seen has nothing before it; but a tip without a result would be blamed on whoever rides on it.
    const judged = await world.judge(tip.tree, good?.tree ?? tip.tree);
    if (!judged.ok) return judged;
    if (judged.value.state === 'unevaluated') return ok(`the new tip of main gave no result: ${judged.value.reason}`);
    // A test that somebody took out is that person's decision; what fails is what makes main red.
    if (good && judged.value.failing.length > 0) {
      await tellRed(world, tip, good.commit, judged.value);
      return ok(undefined);
    }
  }
  world.append<'main_judged'>({ type: 'main_judged', project: world.project, data: tip });
  return ok(undefined);
};

const lookWhileRed = async (
  world: TrainWorld,
  red: NonNullable<ProjectState['red']>,
  tip: Tip,
): Promise<Result<undefined, Failure>> => {
  if (tip.tree === red.tree) return ok(undefined);
  const failing = await failingSinceGood(world, tip.tree);
  if (!failing.ok) return failing;
  if (failing.value === undefined || failing.value.length > 0) return ok(undefined);
  const redMs = Math.max(0, world.now() - Date.parse(red.at));
  world.append<'main_green'>({ type: 'main_green', project: world.project, data: { ...tip, redMs } });
  return ok(undefined);
};

/** What fails in a tree and did not when main was last good; undefined when the checks gave no result. */
const failingSinceGood = async (world: TrainWorld, tree: string): Promise<Result<string[] | undefined, Failure>> => {
  const good = projectOf(world)?.good;
  if (!good) return ok([]);
  const judged = await world.judge(tree, good.tree);
  if (!judged.ok) return judged;
  return ok(judged.value.state === 'unevaluated' ? undefined : judged.value.failing);
};

/** Of all that broke, so much is named: the first failures are enough to find the rest. */
const BROKEN_NAMED_MAX = 50;

const tellRed = async (world: TrainWorld, tip: Tip, green: string, judged: Judged): Promise<void> => {
  const suspects = await world.suspects(green, tip.commit);
  const broken = judged.failing.slice(0, BROKEN_NAMED_MAX);
  // Asked for before it is told, under a name that a second try would give it too.
  const task = queueTask(world, `main-red ${tip.commit}`, {
    origin: 'main-red',
    priority: 'urgent',
    text: [
      `The branch ${world.main} is red since ${tip.commit.slice(0, 12)}, which did not come from here. Mend it.`,
      asData('broken', broken.join('\n'), 8_000),
      asData('commits since it was green', suspects.map(suspectLine).join('\n') || '(none)', 4_000),
      'Find out which of them broke it and why; keep what they meant to do, and make the checks pass again.',
    ].join('\n\n'),
  });
  world.append<'main_red'>({
    type: 'main_red',
    project: world.project,
    data: { ...tip, green, broken, suspects, task },
  });
};

const suspectLine = ({ commit, author, subject }: EntryData<'main_red'>['suspects'][number]): string =>
  `${commit.slice(0, 12)} ${author}: ${subject}`;

type NewTask = Pick<EntryData<'task_queued'>, 'origin' | 'priority' | 'text' | 'for'>;
type Telling = Pick<TrainWorld, 'project' | 'state' | 'append' | 'redact'>;

/** Once for each matter, however often a crash makes the train come here. */
const queueTask = (world: Telling, matter: string, data: NewTask): string => {
  const task = idOf(`${world.project} ${matter}`);
  if (world.state().tasks[task]) return task;
  world.append<'task_queued'>({
    type: 'task_queued',
    project: world.project,
    data: { task, ...data, text: world.redact(data.text).slice(0, TASK_TEXT_MAX) },
  });
  return task;
};

/** As the schema of a task allows. */
const TASK_TEXT_MAX = 20_000;

/** An approval is for one commit: a branch that others moved is reviewed again, one that they deleted is gone. */
const lapseMoved = async (world: TrainWorld): Promise<Result<void, Failure>> => {
  for (const { branch, commit, deleted } of ridersOf(world.state(), world.project)) {
    if (deleted) continue;
    const there = await world.fetchBranch(branch);
    if (!there.ok) return there;
    const queued = world.state().queue[branch];
    if (there.value === commit || queued?.status.state !== 'approved' || queued.commit !== commit) continue;
    world.append<'branch_moved'>({
      type: 'branch_moved',
      project: world.project,
      data: { branch, from: commit, ...(there.value === undefined ? {} : { to: there.value }) },
    });
  }
  return ok(undefined);
};

/**
 * The approved branches on top of each other, at most a batch of them. What cannot be put on main itself is dropped, one
 * a round; what only conflicts with a branch before it waits for the next round.
 */
const formStack = async (
  world: TrainWorld,
  tick: TrainTick,
  tip: Tip,
  deferred: ReadonlySet<string>,
): Promise<Result<Car[] | 'changed', Failure>> => {
  const free = new Set<string>();
  const alone = new Map<string, Car>();
  for (const rider of ridersOf(world.state(), world.project)) {
    const on = await world.stack(tip.commit, rider);
    if (!on.ok) return on;
    if (on.value.state !== 'stacked' || on.value.tree === tip.tree) {
      const why = on.value.state === 'stacked' ? whyEmpty(world) : whyUnmergeable(world, rider, on.value);
      await drop(world, tick, tip, rider, why);
      return ok('changed');
    }
    alone.set(rider.branch, carOf(rider, on.value));
    if (await world.isJudged(on.value.tree, tip.tree)) free.add(rider.branch);
  }
  const cars: Car[] = [];
  for (const rider of ridersOf(world.state(), world.project, (branch) => free.has(branch))) {
    const single = alone.get(rider.branch);
    if (cars.length >= sizeOf(world, cars)) break;
    if (!single || deferred.has(rider.branch)) continue;
    const last = cars.at(-1);
    if (!last) {
      cars.push(single);
      continue;
    }
    const on = await world.stack(last.merged, rider);
    if (!on.ok) return on;
    if (on.value.state !== 'stacked' || on.value.tree === last.tree) continue;
    cars.push(carOf(rider, on.value));
  }
  return ok(cars);
};

/**
 * While main is red each must show by itself that it mends something; and what a revert may bring back is not held
 * against it, so that nobody else may ride with one.
 */
const sizeOf = (world: TrainWorld, cars: readonly Car[]): number =>
  projectOf(world)?.red || cars[0]?.rider.kind === 'revert' ? 1 : world.batchMax;

/** One step of the search on this stack, and what follows from it. */
const ride = async (
  world: TrainWorld,
  tick: TrainTick,
  tip: Tip,
  cars: readonly Car[],
  deferred: Set<string>,
): Promise<Result<Round, Failure>> => {
  const results = new Map<number, Judged>();
  for (const [n, car] of cars.entries()) {
    const extent = extentOf(car, n + 1);
    if (!(await world.isJudged(car.tree, tip.tree, extent))) continue;
    const judged = await judgeCar(world, tip, car, extent);
    if (!judged.ok) return judged;
    if (judged.value.state !== 'unevaluated') results.set(n + 1, judged.value);
  }
  for (;;) {
    const known = new Map([...results].map(([length, { state }]): [number, PrefixResult] => [length, state]));
    const step = nextStep(cars.length, known);
    switch (step.do) {
      case 'test': {
        const judged = await testPrefix(world, tip, cars.slice(0, step.length));
        if (!judged.ok) return judged;
        results.set(step.length, judged.value);
        break;
      }
      case 'land':
        return land(world, tick, tip, cars.slice(0, step.length), results.get(step.length)!, deferred);
      case 'drop':
        await drop(world, tick, tip, cars[0]!.rider, await whyRed(world, cars[0]!.rider, results.get(1)!));
        return AGAIN;
      case 'defer': {
        const { rider } = cars[0]!;
        deferred.add(rider.branch);
        const times = world.state().queue[rider.branch]?.unevaluated ?? 0;
        if (times >= UNEVALUATED_MAX) await drop(world, tick, tip, rider, whyUnevaluated(world, results.get(1)!));
        return AGAIN;
      }
      default:
        step satisfies never;
    }
  }
};

/**
 * A red stack blames nobody, it only halves the search: what failed there is looked at twice when it fails again for the
 * one branch that would be dropped for it.
 */
const extentOf = ({ rider }: Car, length: number): JudgeExtent =>
  rider.kind === 'revert' ? 'whole' : length > 1 ? 'once' : 'decided';

/**
 * What a landing had mended fails again when it is taken back, and the tests that it brought are gone: that is what was
 * asked for, and no reason to refuse a revert. Whatever else breaks is; so is what others had made red and the landing
 * mended, for nobody ever accepted that.
 */
const judgeCar = async (
  world: TrainWorld,
  tip: Tip,
  { rider, tree }: Car,
  extent: JudgeExtent,
): Promise<Result<Judged, Failure>> => {
  const judged = await world.judge(tree, tip.tree, extent);
  if (rider.kind !== 'revert' || !judged.ok || judged.value.state !== 'red') return judged;
  const taken = projectOf(world)?.landings.filter(({ revertedBy }) => revertedBy === rider.branch) ?? [];
  if (taken.some(({ red }) => red)) return judged;
  const landed = await world.treeOf(rider.base);
  if (!landed.ok) return landed;
  const back = await world.judge(rider.tree, landed.value, 'whole');
  if (!back.ok) return back;
  const expected = new Set([...back.value.failing, ...back.value.lost]);
  const failing = judged.value.failing.filter((identity) => !expected.has(identity));
  const lost = judged.value.lost.filter((identity) => !expected.has(identity));
  if (failing.length + lost.length > 0) return ok({ ...judged.value, failing, lost });
  return ok({ ...judged.value, state: 'green', reason: 'as before what it takes back', failing, lost });
};

const testPrefix = async (world: TrainWorld, tip: Tip, cars: readonly Car[]): Promise<Result<Judged, Failure>> => {
  const last = cars.at(-1)!;
  const { tree } = last;
  const judged = await judgeCar(world, tip, last, extentOf(last, cars.length));
  if (!judged.ok) return judged;
  const { state, reason, failing, lost, checks } = judged.value;
  world.append<'train_tested'>({
    type: 'train_tested',
    project: world.project,
    data: {
      base: tip.commit,
      tree,
      branches: cars.map(({ rider }) => rider.branch),
      state,
      reason: world.redact(reason),
      broken: [...failing, ...lost].slice(0, BROKEN_NAMED_MAX),
      checks,
    },
  });
  return judged;
};

/** Main moves to what was tested, if it is still where it was and everything on the stack is still approved. */
const land = async (
  world: TrainWorld,
  tick: TrainTick,
  tip: Tip,
  cars: readonly Car[],
  judged: Judged,
  deferred: Set<string>,
): Promise<Result<Round, Failure>> => {
  const { merged: to, tree } = cars.at(-1)!;
  if (projectOf(world)?.red) {
    const mends = await mendsSomething(world, tip, tree);
    if (!mends.ok) return mends;
    if (!mends.value) {
      for (const { rider } of cars) deferred.add(rider.branch);
      return AGAIN;
    }
  }
  // The checks took their time: somebody may have decided anew.
  if (!cars.every(({ rider }) => isStillApproved(world, rider))) return AGAIN;
  const merge: Merged = {
    main: world.main,
    from: tip.commit,
    to,
    tree,
    style: world.style,
    landings: cars.map(({ rider, merged, note }) => ({
      branch: rider.branch,
      commit: rider.commit,
      merged,
      session: rider.session,
      cycle: rider.cycle,
      review: rider.status.review,
      ...(note === undefined ? {} : { note: world.redact(note) }),
    })),
    figures: judged.figures,
    verify: world.verify !== undefined,
  };
  const intent = await world.appendDurable<'intent'>({
    type: 'intent',
    project: world.project,
    data: { effect: 'move-main', merge },
  });
  const moved = await world.moveMain(tip.commit, to);
  if (!moved.ok) return refused(world, tick, intent.id, merge, moved.error);
  if (moved.value === 'lost')
    settle(world, intent.id, false, `${world.main} moved meanwhile; tested again on its new tip`);
  else recordLanding(world, tick, intent.id, merge, 'moved');
  return AGAIN;
};

const mendsSomething = async (world: TrainWorld, tip: Tip, tree: string): Promise<Result<boolean, Failure>> => {
  const before = await failingSinceGood(world, tip.tree);
  if (!before.ok) return before;
  const after = await failingSinceGood(world, tree);
  if (!after.ok) return after;
  return ok(before.value !== undefined && after.value !== undefined && after.value.length < before.value.length);
};

const isStillApproved = (world: TrainWorld, rider: Riding): boolean => {
  const now = world.state().queue[rider.branch];
  return now?.status.state === 'approved' && now.status.review === rider.status.review && now.commit === rider.commit;
};

/** The answer was no, or got lost on its way: only main itself says which. */
const refused = async (
  world: TrainWorld,
  tick: TrainTick,
  intent: string,
  merge: Merged,
  failure: Failure,
): Promise<Result<Round, Failure>> => {
  const tip = await world.fetchTip();
  // Nobody knows: the intent stays open, and the next look settles it.
  if (!tip.ok) return err(failure);
  if (tip.value.commit === merge.to || (await world.isAncestor(merge.to, tip.value.commit))) {
    recordLanding(world, tick, intent, merge, 'moved, though the answer was lost');
    return AGAIN;
  }
  settle(world, intent, false, failure.message);
  return err(failure);
};

/** Told once for each reason. When it is worth another look, in milliseconds since the epoch. */
const block = (world: TrainWorld, { kind, message, mend }: Failure): number => {
  const untilMs = world.now() + (kind === 'checkout-dirty' ? DIRTY_RETRY_MS : BLOCKED_RETRY_MS);
  const reason = world.redact(message);
  const known = projectOf(world)?.blocked;
  if (kind === 'interrupted' || (known?.failure === kind && known.reason === reason)) return untilMs;
  world.append<'train_blocked'>({
    type: 'train_blocked',
    project: world.project,
    data: { failure: kind, reason, mend, until: new Date(untilMs).toISOString() },
  });
  return untilMs;
};

const unblock = (world: TrainWorld): void => {
  const known = projectOf(world)?.blocked;
  if (!known) return;
  const blockedMs = Math.max(0, world.now() - Date.parse(known.at));
  world.append<'train_unblocked'>({ type: 'train_unblocked', project: world.project, data: { blockedMs } });
};

type Drop = Pick<EntryData<'branch_dropped'>, 'why' | 'reason'> &
  Partial<Pick<EntryData<'branch_dropped'>, 'broken' | 'below' | 'files' | 'task'>>;

const whyRed = async (world: TrainWorld, rider: Riding, judged: Judged): Promise<Drop> => {
  const below = await landedSince(world, rider.base);
  const together = below.length > 0 ? `, together with what landed since it was made (${below.join(', ')})` : '';
  return {
    why: 'red',
    reason: `red on the tip of ${world.main}${together}: ${judged.reason}`,
    broken: [...judged.failing, ...judged.lost].slice(0, BROKEN_NAMED_MAX),
    below,
  };
};

/** Branches that landed since this commit was made, the oldest first: with whom a branch may be bad together. */
const landedSince = async (world: TrainWorld, base: string): Promise<string[]> => {
  const since: string[] = [];
  for (const { to, branches } of (projectOf(world)?.landings ?? []).toReversed()) {
    if (await world.isAncestor(to, base)) break;
    since.unshift(...branches.map(({ branch }) => branch));
  }
  return since;
};

const whyUnevaluated = (world: TrainWorld, { reason }: Judged): Drop => ({
  why: 'unusable',
  reason: `on the tip of ${world.main} the checks gave no result ${UNEVALUATED_MAX} times, the last: ${reason}`,
});

const whyEmpty = (world: TrainWorld): Drop => ({ why: 'empty', reason: `${world.main} already holds this change` });

const whyUnmergeable = (world: TrainWorld, rider: Riding, on: Exclude<Stacked, { state: 'stacked' }>): Drop => {
  if (on.state === 'unusable') return { why: 'unusable', reason: on.reason };
  const files = on.files.slice(0, BROKEN_NAMED_MAX);
  const where = `conflicts with ${world.main} in ${files.slice(0, 5).join(', ')}`;
  if (rider.kind === 'revert' || isRedone(world, rider)) {
    const again = rider.kind === 'revert' ? '' : ', and it was redone for a conflict before';
    return { why: 'conflict', reason: `${where}${again}; it waits for you`, files };
  }
  const task = queueTask(world, `conflict ${rider.branch} ${rider.commit}`, {
    origin: 'conflict',
    priority: 'high',
    ...(rider.session ? { for: rider.session } : {}),
    text: [
      `This change was approved but ${where}, which has moved since. Do it again on the tip of ${world.main} as it is now: keep what it was for, and what others did meanwhile. If that makes it needless, say so in the plan.`,
      asData('change', oneLine(rider.title) || rider.branch, 300),
      asData('conflict', on.text, 12_000),
    ].join('\n\n'),
  });
  return { why: 'conflict', reason: `${where}; its session does it again`, files, task };
};

/** It already is the second try after a conflict: a third would cost and teach nothing new. */
const isRedone = (world: TrainWorld, { task }: Riding): boolean =>
  task !== undefined && world.state().tasks[task]?.origin === 'conflict';

const drop = async (world: TrainWorld, tick: TrainTick, tip: Tip, rider: Riding, why: Drop): Promise<void> => {
  const patch = await world.keepPatch(rider);
  // Decided anew while the checks ran: then it is not dropped, and the next round looks at it again.
  if (!isStillApproved(world, rider)) return;
  world.append<'branch_dropped'>({
    type: 'branch_dropped',
    project: world.project,
    ...(rider.session ? { session: rider.session } : {}),
    data: {
      ...{ branch: rider.branch, commit: rider.commit, main: tip.commit },
      ...{ broken: [], below: [], files: [], ...why },
      reason: world.redact(why.reason),
      ...(patch.ok ? { patch: patch.value } : {}),
    },
  });
  tick.dropped.push(rider.branch);
};

/** Without a move of main: what a crash left half done, and what is over. */
export const clearUp = async (world: TrainWorld): Promise<void> => {
  await settleDeletions(world);
  await deleteClosed(world);
};

/**
 * Branches that are through, either way, leave the remote: only when their commits are in main or their patch lies in
 * logs/. A remote that will not let go of one is asked again hours later.
 */
const deleteClosed = async (world: TrainWorld): Promise<void> => {
  for (const queued of Object.values(world.state().queue)) {
    if (queued.project !== world.project || queued.deleted || !isClosed(queued)) continue;
    const refusedAt = queued.deletionRefusedAt;
    if (refusedAt !== undefined && Date.parse(refusedAt) + DELETION_RETRY_MS > world.now()) continue;
    await deleteBranch(world, queued);
  }
};

type Deletion = Extract<EntryData<'intent'>, { effect: 'delete-branch' }>;

const settleDeletions = async (world: TrainWorld): Promise<void> => {
  for (const { id, project, data } of Object.values(world.state().intents)) {
    if (project === world.project && data.effect === 'delete-branch') await settleDeletion(world, id, data);
  }
};

/** A crash came between the intent and its settlement; or a person approved after all what was about to be deleted. */
const settleDeletion = async (world: TrainWorld, intent: string, data: Deletion): Promise<void> => {
  const queued = world.state().queue[data.branch];
  if (!queued || queued.deleted) return settle(world, intent, true, 'found deleted');
  const there = await world.fetchBranch(data.branch);
  if (!there.ok) return;
  if (there.value === undefined) {
    tellDeleted(world, data);
    return settle(world, intent, true, 'found deleted');
  }
  if (!isClosed(queued)) settle(world, intent, false, `it is ${queued.status.state} again`);
};

const tellDeleted = (world: TrainWorld, { branch, commit, patch, reason }: Omit<Deletion, 'effect'>): void => {
  world.append<'branch_deleted'>({
    type: 'branch_deleted',
    project: world.project,
    data: { branch, commit, ...(patch ? { patch } : {}), reason },
  });
};

const isClosed = ({ status }: QueuedBranch): boolean =>
  status.state === 'landed' || status.state === 'rejected' || status.state === 'dropped';

const deleteBranch = async (world: TrainWorld, queued: QueuedBranch): Promise<void> => {
  const { branch, commit, status } = queued;
  const open = Object.values(world.state().intents).find(
    ({ data }) => data.effect === 'delete-branch' && data.branch === branch,
  );
  const isInMain = status.state === 'landed' && (await world.isAncestor(commit, status.main));
  const kept = queued.patch === undefined && !isInMain ? await world.keepPatch(queued) : ok(queued.patch);
  if (!kept.ok) return;
  const patch = kept.value === undefined ? {} : { patch: kept.value };
  const reason = status.state === 'landed' ? 'it has landed' : `it was ${status.state}`;
  const intent =
    open ??
    (await world.appendDurable<'intent'>({
      type: 'intent',
      project: world.project,
      data: { effect: 'delete-branch', branch, commit, ...patch, reason },
    }));
  const done = await world.deleteBranch(branch, commit);
  if (done.ok) tellDeleted(world, { branch, commit, ...patch, reason });
  settle(world, intent.id, done.ok, done.ok ? 'deleted' : done.error.message);
};

/**
 * The command that looks whether main also works where it is deployed runs after each landing; when it fails, what had
 * landed since the last good one is taken back by a commit that rides the train like any other.
 */
const verifyLanding = async (world: TrainWorld, tip: string): Promise<Result<void, Failure>> => {
  const owed = projectOf(world)?.landings.filter(({ verification }) => verification === 'owed') ?? [];
  const last = owed.at(-1);
  if (last && world.verify) {
    const ran = await world.verify({ commit: last.to, tree: last.tree });
    if (!ran.ok) return ran;
    world.append<'landing_verified'>({ type: 'landing_verified', project: world.project, data: ran.value });
    if (!ran.value.ok && last.revert) tellFailedRevert(world, ran.value);
  }
  const failed = projectOf(world)?.landings.filter(
    ({ verification, revert, revertedBy }) => verification === 'failed' && !revert && revertedBy === undefined,
  );
  const bad = failed?.at(-1);
  if (failed && bad) {
    const landings = inOneRow(failed);
    const range = { from: landings[0]!.from, to: bad.to };
    const reason = 'the verification after its landing failed';
    const proposed = await proposeRevert(world, { range, landings, reason, redo: true });
    if (!proposed.ok) return proposed;
  }
  approveOwnReverts(world, tip);
  return ok(undefined);
};

/** The last of these and those that directly led to it: what others pushed in between is not taken back with them. */
const inOneRow = (landings: readonly PastLanding[]): PastLanding[] => {
  let first = landings.length - 1;
  while (first > 0 && landings[first - 1]!.to === landings[first]!.from) first -= 1;
  return landings.slice(first);
};

const tellFailedRevert = (world: TrainWorld, { message }: EntryData<'landing_verified'>): void => {
  world.append<'alert'>({
    type: 'alert',
    project: world.project,
    data: {
      message: world.redact(`the verification fails also after the revert: ${message}`),
      mend: 'Look at what the verify command measures: the landings of Winnow are taken back, and it fails without them.',
    },
  });
};

/** Names the revert of a landing: the same, however often it is asked for. */
export const revertBranchOf = (to: string): string => `brl/winnow/revert-${to.slice(0, 10)}`;

/** Makes the commit that takes back what landed between the two, and puts it into the queue; approval is another step. */
export const proposeRevert = async (
  world: Telling & Pick<TrainWorld, 'main' | 'makeRevert'>,
  input: {
    range: { from: string; to: string };
    /** Those within the range. */
    landings: readonly PastLanding[];
    reason: string;
    /** Whether a session is asked to do it again. */
    redo: boolean;
  },
): Promise<Result<string, Failure>> => {
  const { range, landings, reason } = input;
  const branch = revertBranchOf(range.to);
  if (world.state().queue[branch]) return ok(branch);
  const branches = landings.flatMap((landing) => landing.branches.map((landed) => landed.branch));
  const titles = branches.map((name) => world.state().queue[name]?.title || name);
  const what = titles.length === 0 ? range.to.slice(0, 12) : titles.map((title) => `“${title}”`).join(', ');
  const title = oneLine(`Revert ${what}`).slice(0, 300);
  const made = await world.makeRevert(branch, range, title);
  if (!made.ok) return made;
  const task = input.redo ? { task: askToRedo(world, range.to, branches, titles, reason) } : {};
  world.append<'revert_proposed'>({
    type: 'revert_proposed',
    project: world.project,
    data: { branch, ...made.value, base: range.to, title, ...range, branches, reason: world.redact(reason), ...task },
  });
  return ok(branch);
};

const askToRedo = (
  world: Telling & Pick<TrainWorld, 'main'>,
  to: string,
  branches: readonly string[],
  titles: readonly string[],
  reason: string,
): string => {
  const sessions = [...new Set(branches.flatMap((name) => world.state().queue[name]?.session || []))];
  const [only] = sessions;
  return queueTask(world, `revert ${to}`, {
    origin: 'revert',
    priority: 'high',
    ...(sessions.length === 1 && only ? { for: only } : {}),
    text: [
      `What landed as ${to.slice(0, 12)} on ${world.main} is taken back: ${reason}. Find out why, and do it again so that it holds.`,
      asData('taken back', titles.join('\n') || to, 4_000),
    ].join('\n\n'),
  });
};

/** A failed verification needs nobody's word to be taken back; a crash may have come before it was given. */
const approveOwnReverts = (world: TrainWorld, main: string): void => {
  const failed = projectOf(world)?.landings.filter(({ verification }) => verification === 'failed') ?? [];
  for (const branch of new Set(failed.flatMap(({ revertedBy }) => revertedBy ?? []))) {
    const queued = world.state().queue[branch];
    if (queued?.status.state !== 'pending') continue;
    world.append<'cto_review'>({
      type: 'cto_review',
      project: world.project,
      data: {
        branch,
        commit: queued.commit,
        main,
        decision: 'approve',
        by: 'verify',
        name: 'verify',
        reasons: [queued.status.note],
        comments: [],
      },
    });
  }
};
