import { describe, expect, it } from 'vitest';
import { createSimulatedClock, createSimulatedSlots } from '../../bench/landing-clock.ts';
import {
  BATCH,
  entropyBound,
  gateBatches,
  randomOf,
  rivalDays,
  type Workload,
  winnowBatches,
  winnowDays,
} from '../../bench/landing-day.ts';
import { borsGate, type Gate, gastownGate, keyedSerialGate, serialGate } from '../../bench/landing-gates.ts';
import { firstOf } from '../thoroughness.ts';

/** A mistake here would not fail, it would flatter: so what can be known without the simulation is known here. */

const MINUTE_MS = 60_000;
const CHANGES = 400;
/** So many changes so many times: the chance error of an average is below one in two hundred. */
const LONG = 2_000;
const SEEDS = 200;

const perLanded = ({ runs, landed }: { runs: number; landed: number }): number => runs / landed;

const averageOf = async (badShare: number, gate: Gate): Promise<{ perLanded: number; perChange: number }> => {
  let [runs, landed] = [0, 0];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const cost = await gateBatches({ changes: LONG, badShare, seed }, gate);
    runs += cost.runs;
    landed += cost.landed;
  }
  return { perLanded: runs / landed, perChange: runs / (LONG * SEEDS) };
};

/** What bors-ng costs on average: a batch, and both halves unless all of it is good. */
const borsExpected = (size: number, good: number): number =>
  size === 1 ? 1 : 1 + 2 * borsExpected(size / 2, good) - 2 * good ** size;

/** The longest green prefix by halving, with nothing tested twice: written down apart from the train. */
const prefixRuns = (isBad: readonly boolean[]): number => {
  let [from, runs] = [0, 0];
  /** Ends of prefixes known to be red. */
  let red: number[] = [];
  while (from < isBad.length) {
    const start = from;
    const nearest = Math.min(...red.filter((end) => end > start));
    const bound = Math.min(nearest, start + BATCH);
    const end =
      Number.isFinite(nearest) && bound === nearest
        ? start + Math.floor((nearest - start) / 2)
        : Math.min(start + BATCH, isBad.length);
    if (nearest === start + 1) {
      from += 1;
      // Without the one that is dropped, nothing is known of what lies behind it.
      red = [];
      continue;
    }
    runs += 1;
    if (isBad.slice(start, end).some(Boolean)) red.push(end);
    else from = end;
  }
  return runs;
};

const badOnes = (badShare: number, seed: number, changes: number): boolean[] => {
  const random = randomOf(seed);
  return Array.from({ length: changes }, () => random() < badShare);
};

const gastownRuns = async (changes: readonly { isBad: boolean }[]): Promise<number> => {
  let waiting = [...changes];
  let runs = 0;
  await gastownGate(5)<{ isBad: boolean }>({
    waiting: () => waiting,
    test: async (some) => {
      runs += 1;
      return !some.some(({ isBad }) => isBad);
    },
    isKnownGreen: () => false,
    land: (some) => {
      waiting = waiting.filter((one) => !some.includes(one));
    },
    drop: (one) => {
      waiting = waiting.filter((other) => other !== one);
    },
    pause: () => Promise.resolve(),
  });
  return runs;
};

describe('batches', () => {
  it('cost what can be told beforehand when nothing is bad', async () => {
    const input = { changes: CHANGES, badShare: 0, seed: 1 };
    expect(perLanded(await gateBatches(input, serialGate))).toBe(1);
    expect(perLanded(await gateBatches(input, borsGate(8)))).toBe(1 / 8);
    expect(perLanded(await gateBatches(input, borsGate(4)))).toBe(1 / 4);
    expect(perLanded(await gateBatches(input, gastownGate(5)))).toBe(1 / 5);
    expect(perLanded(await winnowBatches(input))).toBe(1 / 8);
  });

  it('cost a serial gate one run per change, whatever is bad', async () => {
    const { runs, landed, dropped } = await gateBatches({ changes: CHANGES, badShare: 0.2, seed: 2 }, serialGate);
    expect([runs, landed + dropped]).toEqual([CHANGES, CHANGES]);
  });

  it.each(firstOf(1, [0.05, 0.02, 0.1, 0.2]))('cost bors-ng what the formula says, at %d', async (badShare) => {
    for (const size of [4, 8]) {
      const { perChange } = await averageOf(badShare, borsGate(size));
      const expected = borsExpected(size, 1 - badShare) / size;
      expect(Math.abs(perChange - expected) / expected).toBeLessThan(0.02);
    }
  });

  it('cost gastown a retry, its bisection and another look at the good ones', async () => {
    // Of two with one bad: the whole, again, the left one, the rest, and what is good; of two good ones the whole alone.
    const [first, second] = [{ isBad: true }, { isBad: false }];
    expect(await gastownRuns([first, second])).toBe(5);
    expect(await gastownRuns([second, first])).toBe(4);
    expect(await gastownRuns([second, { isBad: false }])).toBe(1);
    expect(await gastownRuns([first])).toBe(1);
    // As a model of its own had it: 0.48.
    const { perLanded: average } = await averageOf(0.05, gastownGate(5));
    expect(average).toBeGreaterThan(0.46);
    expect(average).toBeLessThan(0.5);
  });

  it.each(firstOf(1, [0.05, 0.4, 0.02, 0.1, 0.2]))(
    'cost the train exactly a search that tests nothing twice, at %d',
    async (badShare) => {
      for (const seed of [1, 2, 3]) {
        const { runs, landed, dropped } = await winnowBatches({ changes: CHANGES, badShare, seed });
        const isBad = badOnes(badShare, seed, CHANGES);
        expect(dropped).toBe(isBad.filter(Boolean).length);
        expect(landed + dropped).toBe(CHANGES);
        expect(runs).toBe(prefixRuns(isBad));
      }
    },
  );

  it('never cost less than telling good from bad takes', async () => {
    for (const badShare of firstOf(1, [0.1, 0.02, 0.05, 0.2])) {
      const bound = entropyBound(badShare);
      for (const gate of [borsGate(4), borsGate(8), gastownGate(5), gastownGate(8), serialGate])
        expect((await averageOf(badShare, gate)).perLanded).toBeGreaterThan(bound);
      const isBad = badOnes(badShare, 1, LONG * SEEDS);
      expect(prefixRuns(isBad) / isBad.filter((one) => !one).length).toBeGreaterThan(bound);
    }
    expect([0.05, 0.1, 0.2].map((share) => entropyBound(share).toFixed(2))).toEqual(['0.30', '0.52', '0.90']);
  });
});

const LOAD: Workload = {
  ...{ candidatesPerDay: 60, days: 4, approvedShare: 0.35, badShare: 0.05, slots: 2, seed: 4 },
  ...{ checkMs: 3 * MINUTE_MS, workMs: 20 * MINUTE_MS, reviewMs: 2 * MINUTE_MS },
};
const atOnce = { measuresBaseline: false };

describe('days', () => {
  it('are the same for the same seed, and others for another', async () => {
    expect(await winnowDays(LOAD)).toEqual(await winnowDays(LOAD));
    expect(await winnowDays(LOAD)).not.toEqual(await winnowDays({ ...LOAD, seed: 5 }));
  });

  it('bring every approved candidate to an end, the same ones for everybody', async () => {
    const winnow = await winnowDays(LOAD);
    const gates = [serialGate, keyedSerialGate, borsGate(8), gastownGate(5)];
    for (const gate of gates) {
      const rival = await rivalDays(LOAD, { gate, ...atOnce });
      expect(rival.evaluations).toBe(winnow.evaluations);
      expect(rival.landed + rival.dropped).toBe(winnow.landed + winnow.dropped);
      expect(rival.pushToLandingMs).toHaveLength(rival.landed);
    }
  });

  it('cost nobody less than the lower bound', async () => {
    for (const load of [LOAD, { ...LOAD, candidatesPerDay: 1_200, days: 1, slots: 6 }]) {
      const all = [
        await winnowDays(load),
        ...(await Promise.all(
          [serialGate, keyedSerialGate, borsGate(8), gastownGate(5)].map((gate) =>
            rivalDays(load, { gate, ...atOnce }),
          ),
        )),
      ];
      for (const { runs, evaluations, untestedMains } of all)
        expect(runs).toBeGreaterThanOrEqual(evaluations + untestedMains);
    }
  });

  it('cost a gate without memory a baseline, an evaluation and a run for each approved', async () => {
    const cron = { gate: serialGate, measuresBaseline: true, cronMs: 120 * MINUTE_MS };
    const { runs, evaluations, landed, dropped } = await rivalDays(LOAD, cron);
    expect(runs).toBe(2 * evaluations + landed + dropped);
  });

  it('let a change land without a run only while main is where its evaluation found it', async () => {
    // All are bad, which shows as soon as anything lands between the evaluation and the landing.
    const bad = { ...LOAD, approvedShare: 1, badShare: 1, slots: 12 };
    const alone = await winnowDays({ ...bad, candidatesPerDay: 2, days: 20 });
    const load = { ...bad, candidatesPerDay: 400, days: 0.25 };
    const crowded = await winnowDays(load);
    expect(alone.landed).toBeGreaterThan(30);
    expect(alone.dropped).toBe(alone.runs - alone.evaluations);
    expect(crowded.landed).toBeGreaterThan(0);
    expect(crowded.dropped).toBeGreaterThan(crowded.landed);
    expect(alone.untestedMains + crowded.untestedMains).toBe(0);
    const keyed = await rivalDays(load, { gate: keyedSerialGate, ...atOnce });
    expect(keyed.dropped).toBeGreaterThan(keyed.landed);
    expect(keyed.untestedMains).toBe(0);
  });

  it('hold nobody up for longer than the review when a tree is known, and never for less', async () => {
    const { pushToLandingMs } = await winnowDays({ ...LOAD, badShare: 0 });
    expect(Math.min(...pushToLandingMs)).toBeGreaterThanOrEqual(LOAD.reviewMs);
    expect(pushToLandingMs.filter((ms) => ms < LOAD.reviewMs + 1_000).length).toBeGreaterThan(
      pushToLandingMs.length / 2,
    );
  });
});

describe('the simulated clock', () => {
  it('wakes by time, then by order of asking', async () => {
    const clock = createSimulatedClock();
    const woken: string[] = [];
    const at = async (ms: number, name: string) => {
      await clock.sleepUntil(ms);
      woken.push(`${name} ${clock.now()}`);
    };
    const random = randomOf(1);
    const others = Array.from({ length: 50 }, () => 100 + Math.floor(random() * 100));
    const sleepers = [at(30, 'c'), at(10, 'a'), at(10, 'b'), ...others.map((ms) => at(ms, 'x'))];
    await clock.run();
    await Promise.all(sleepers);
    const sorted = [...others].sort((a, b) => a - b).map((ms) => `x ${ms}`);
    expect(woken).toEqual(['a 10', 'b 10', 'c 30', ...sorted]);
  });

  it('gives slots in the order of asking, and no more than there are', async () => {
    const clock = createSimulatedClock();
    const slots = createSimulatedSlots(clock, 2, 100);
    const ended: string[] = [];
    const runs = ['a', 'b', 'c', 'd', 'e'].map(async (name) => {
      await slots.run();
      ended.push(`${name} ${clock.now()}`);
    });
    await clock.run();
    await Promise.all(runs);
    expect(ended).toEqual(['a 100', 'b 100', 'c 200', 'd 200', 'e 300']);
    expect(slots.runs()).toBe(5);
  });
});
