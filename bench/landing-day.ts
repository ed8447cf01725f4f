import { trainTick } from '../src/flow/train.ts';
import { createModelWorld, type ModelWorld } from '../test/flow/model-world.ts';
import { createSimulatedClock, createSimulatedSlots, type SimulatedClock } from './landing-clock.ts';
import type { Gate, Yard } from './landing-gates.ts';

/**
 * Days of a project in simulated time: candidates come at random moments, are worked on, evaluated, approved, and brought
 * to main. Winnow's way is the product's own: `trainTick` on the world in memory of its property test, which merges
 * trees, keeps results by tree and asks the real journal rules. The others are gates on a world of the same candidates.
 */
export interface Workload {
  candidatesPerDay: number;
  days: number;
  /** Of the candidates. */
  approvedShare: number;
  /** Of the approved: red on every tree but the one that their evaluation tested. */
  badShare: number;
  checkMs: number;
  slots: number;
  workMs: number;
  reviewMs: number;
  seed: number;
}

interface Candidate {
  n: number;
  startsMs: number;
  isApproved: boolean;
  isBad: boolean;
}

export interface Days {
  /** Runs of the full check set: baselines, evaluations, and what main needed. */
  runs: number;
  evaluations: number;
  /** Trees that became main's and were not the tree of an evaluation: nobody can land those without a run. */
  untestedMains: number;
  landed: number;
  /** Each after a second look at what failed, which is not among the runs. */
  dropped: number;
  pushToLandingMs: number[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** mulberry32: small, and the same everywhere. */
export const randomOf = (seed: number): (() => number) => {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const candidatesOf = (load: Workload): Candidate[] => {
  const random = randomOf(load.seed);
  const candidates: Candidate[] = [];
  const meanGapMs = DAY_MS / load.candidatesPerDay;
  for (let at = 0; ; ) {
    at -= Math.log(1 - random()) * meanGapMs;
    if (at >= load.days * DAY_MS) return candidates;
    const isApproved = random() < load.approvedShare;
    candidates.push({ n: candidates.length, startsMs: at, isApproved, isBad: random() < load.badShare });
  }
};

/** The product's own train, woken by each approval as `winnow up` wakes it. */
export const winnowDays = async (load: Workload): Promise<Days> => {
  const clock = createSimulatedClock();
  const slots = createSimulatedSlots(clock, load.slots, load.checkMs);
  const badSizes = new Map<string, number>();
  let isBegun = false;
  const model = createModelWorld({
    nature: {
      conflict: () => false,
      // A tree of that size is the one that was evaluated, since main only grows; what has landed was found good.
      failing: (changes) =>
        [...badSizes]
          .filter(([bad, size]) => changes.has(bad) && changes.size !== size && !mainOf(model).has(bad))
          .map(([bad]) => bad),
      lost: () => [],
    },
    ...{ style: 'squash', batchMax: BATCH, verify: false },
    execute: async () => {
      if (!isBegun) return;
      await slots.run();
      toTime(model, clock);
    },
  });
  // The very first main has its result: that is one run in the life of a project.
  await trainTick(model.world);
  isBegun = true;
  const begunMs = model.world.now();
  const toTime = ({ world, others }: ModelWorld, { now }: SimulatedClock): void =>
    others.wait(Math.max(0, begunMs + now() - world.now()));

  const pushedMs = new Map<string, number>();
  const look = createLook(() => trainTick(model.world));
  let evaluations = 0;
  const live = async ({ n, startsMs, isApproved, isBad }: Candidate): Promise<void> => {
    await clock.sleepUntil(startsMs + load.workMs);
    evaluations += 1;
    if (!isApproved) return slots.run();
    toTime(model, clock);
    const [branch, change] = [`brl/s${n}/work`, `c${n}`];
    // Nobody but its evaluation sees the branch before it is approved, so it may as well lie in the remote already.
    model.others.pushBranch(branch, [change]);
    if (isBad) badSizes.set(change, mainOf(model).size + 1);
    await model.others.evaluate(branch);
    pushedMs.set(branch, clock.now());
    await clock.sleepUntil(clock.now() + load.reviewMs);
    toTime(model, clock);
    if (!model.others.review(branch, 'approve', 'reviewer')) throw new Error(`${branch} cannot be approved`);
    await look();
    return undefined;
  };
  const lives = Promise.all(candidatesOf(load).map(live));
  await clock.run();
  await lives;

  const days: Days = { ...emptyDays(), runs: slots.runs(), evaluations };
  const testedByTrain = new Set<string>();
  for (const fact of model.facts) {
    if (fact.what !== 'entry') continue;
    const { entry } = fact;
    if (entry.type === 'train_tested' && entry.data.checks.ran > 0) {
      testedByTrain.add(entry.data.tree);
    }
    if (entry.type === 'branch_dropped') days.dropped += 1;
    if (entry.type !== 'merged') continue;
    if (testedByTrain.has(entry.data.tree)) days.untestedMains += 1;
    for (const { branch } of entry.data.landings) {
      days.landed += 1;
      days.pushToLandingMs.push(Date.parse(entry.ts) - begunMs - pushedMs.get(branch)!);
    }
  }
  return days;
};

/** As the product comes configured: `merge.batch`. */
export const BATCH = 8;

const mainOf = ({ at, remote, changesOf }: Pick<ModelWorld, 'at' | 'remote' | 'changesOf'>): ReadonlySet<string> =>
  changesOf(at(remote.main).tree);

const emptyDays = (): Days => ({
  ...{ runs: 0, evaluations: 0, untestedMains: 0, landed: 0, dropped: 0 },
  pushToLandingMs: [],
});

/** One look at a time; who asks meanwhile is looked at once more afterwards. */
const createLook = (once: () => Promise<unknown>): (() => Promise<void>) => {
  let isWanted = false;
  let underWay: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    while (isWanted) {
      isWanted = false;
      await once();
    }
    underWay = undefined;
  };
  return () => {
    isWanted = true;
    underWay ??= look();
    return underWay;
  };
};

/** How others go about the same days. */
export interface Rival {
  gate: Gate;
  /** Each cycle begins with a run of its own on main, as it found it. */
  measuresBaseline: boolean;
  /** Reviews and the gate come round so often; undefined: as soon as there is something to do. */
  cronMs?: number;
}

type Change = Candidate & { mainWas: number; pushedMs: number };

export const rivalDays = async (load: Workload, rival: Rival): Promise<Days> => {
  const clock = createSimulatedClock();
  const slots = createSimulatedSlots(clock, load.slots, load.checkMs);
  const days = emptyDays();
  const waiting: Change[] = [];
  /** How often main has moved. */
  let main = 0;
  const take = (changes: readonly Change[]): void => {
    for (const change of changes) waiting.splice(waiting.indexOf(change), 1);
  };
  const isEvaluated = (changes: readonly Change[]): boolean => changes.length === 1 && changes[0]!.mainWas === main;
  const yard: Yard<Change> = {
    waiting: () => [...waiting],
    test: async (changes) => {
      await slots.run();
      return isEvaluated(changes) || !changes.some(({ isBad }) => isBad);
    },
    isKnownGreen: (change) => isEvaluated([change]),
    land: (changes) => {
      if (!isEvaluated(changes)) days.untestedMains += 1;
      main += 1;
      take(changes);
      days.landed += changes.length;
      for (const { pushedMs } of changes) days.pushToLandingMs.push(clock.now() - pushedMs);
    },
    drop: (change) => {
      take([change]);
      days.dropped += 1;
    },
    pause: (ms) => clock.sleepUntil(clock.now() + ms),
  };
  const look = createLook(() => rival.gate(yard));
  const { cronMs } = rival;
  const live = async (candidate: Candidate): Promise<void> => {
    await clock.sleepUntil(candidate.startsMs);
    if (rival.measuresBaseline) await slots.run();
    await clock.sleepUntil(clock.now() + load.workMs);
    days.evaluations += 1;
    const mainWas = main;
    await slots.run();
    if (!candidate.isApproved) return;
    const pushedMs = clock.now();
    const seenMs = cronMs === undefined ? pushedMs : Math.ceil(pushedMs / cronMs) * cronMs;
    await clock.sleepUntil(seenMs + load.reviewMs);
    waiting.push({ ...candidate, mainWas, pushedMs });
    await look();
  };
  const lives = Promise.all(candidatesOf(load).map(live));
  await clock.run();
  await lives;
  return { ...days, runs: slots.runs() };
};

export interface BatchCost {
  runs: number;
  landed: number;
  dropped: number;
}

/** A queue that is never empty, and nothing of it evaluated: what the search for the bad ones alone costs. */
export const winnowBatches = async (input: { changes: number; badShare: number; seed: number }): Promise<BatchCost> => {
  const isBad = badOnesOf(input);
  let isBegun = false;
  let pushed = 0;
  const cost: BatchCost = { runs: 0, landed: 0, dropped: 0 };
  const model = createModelWorld({
    nature: {
      conflict: () => false,
      failing: (changes) => [...changes].filter((change) => isBad[Number(change.slice(1))]),
      lost: () => [],
    },
    ...{ style: 'squash', batchMax: BATCH, verify: false },
    execute: async () => {
      if (!isBegun) return;
      cost.runs += 1;
      fillUp();
    },
  });
  const fillUp = (): void => {
    const { landed, dropped } = countsOf(model);
    for (; pushed < input.changes && pushed - landed - dropped < 2 * BATCH; pushed += 1) {
      const branch = `brl/s${pushed}/work`;
      model.others.pushBranch(branch, [`c${pushed}`]);
      if (!model.others.review(branch, 'approve', 'reviewer')) throw new Error(`${branch} cannot be approved`);
    }
  };
  await trainTick(model.world);
  isBegun = true;
  for (fillUp(); countsOf(model).landed + countsOf(model).dropped < input.changes; fillUp())
    await trainTick(model.world);
  return { ...cost, ...countsOf(model) };
};

const countsOf = ({ state }: ModelWorld): { landed: number; dropped: number } => {
  const states = Object.values(state.queue).map(({ status }) => status.state);
  const count = (wanted: string) => states.filter((one) => one === wanted).length;
  return { landed: count('landed'), dropped: count('dropped') };
};

const badOnesOf = ({ changes, badShare, seed }: { changes: number; badShare: number; seed: number }): boolean[] => {
  const random = randomOf(seed);
  return Array.from({ length: changes }, () => random() < badShare);
};

export const gateBatches = async (
  input: { changes: number; badShare: number; seed: number },
  gate: Gate,
): Promise<BatchCost> => {
  const waiting = badOnesOf(input).map((isBad) => ({ isBad }));
  const cost: BatchCost = { runs: 0, landed: 0, dropped: 0 };
  const take = (change: { isBad: boolean }) => waiting.splice(waiting.indexOf(change), 1);
  await gate<{ isBad: boolean }>({
    waiting: () => waiting,
    test: async (changes) => {
      const isRed = changes.some(({ isBad }) => isBad);
      cost.runs += 1;
      return !isRed;
    },
    isKnownGreen: () => false,
    land: (changes) => {
      if (changes.some(({ isBad }) => isBad)) throw new Error('a bad change landed');
      cost.landed += changes.length;
      for (const change of [...changes]) take(change);
    },
    drop: (change) => {
      if (!change.isBad) throw new Error('a good change was dropped');
      cost.dropped += 1;
      take(change);
    },
    pause: () => Promise.resolve(),
  });
  return cost;
};

/** Each answer of the checks is one bit: fewer runs per landed change cannot tell good from bad. */
export const entropyBound = (badShare: number): number => {
  if (badShare === 0) return 0;
  const bits = -badShare * Math.log2(badShare) - (1 - badShare) * Math.log2(1 - badShare);
  return bits / (1 - badShare);
};
