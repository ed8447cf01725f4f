import {
  BATCH,
  type BatchCost,
  type Days,
  entropyBound,
  gateBatches,
  rivalDays,
  type Workload,
  winnowBatches,
  winnowDays,
} from './landing-day.ts';
import { borsGate, type Gate, gastownGate, keyedSerialGate, serialGate } from './landing-gates.ts';
import { type BenchRow, benchRow, median, quantile } from './row.ts';

/**
 * What it takes to bring changes to main: runs of the full check set per landed change, and the time from push to
 * landing, in simulated days. The others go through the same days with the same candidates.
 */
export const landingRows = async (): Promise<BenchRow[]> => [
  ...(await ordinaryRows(3)),
  ...(await ordinaryRows(8)),
  await loadedRow(),
  ...(await batchRows()),
];

const MINUTE_MS = 60_000;
const SEEDS = 10;
const ORDINARY: Omit<Workload, 'seed' | 'checkMs'> = {
  candidatesPerDay: 60,
  days: 20,
  approvedShare: 0.35,
  badShare: 0.05,
  slots: 2,
  workMs: 20 * MINUTE_MS,
  reviewMs: 2 * MINUTE_MS,
};

/** Reviews and gate come round by the clock, and nothing that was measured is remembered. */
const LITERAL = { gate: serialGate, measuresBaseline: true, cronMs: 120 * MINUTE_MS };
const atOnce = (gate: Gate) => ({ gate, measuresBaseline: false });

const ordinaryRows = async (checkMinutes: number): Promise<BenchRow[]> => {
  const load = { ...ORDINARY, checkMs: checkMinutes * MINUTE_MS };
  const winnow = await overSeeds(load, SEEDS, winnowDays);
  const rivals = {
    'literal serial gate': await overSeeds(load, SEEDS, (one) => rivalDays(one, LITERAL)),
    'serial gate with results by tree': await overSeeds(load, SEEDS, (one) => rivalDays(one, atOnce(keyedSerialGate))),
    [`bors-ng ${BATCH}`]: await overSeeds(load, SEEDS, (one) => rivalDays(one, atOnce(borsGate(BATCH)))),
    'gastown 5': await overSeeds(load, SEEDS, (one) => rivalDays(one, atOnce(gastownGate(5)))),
  };
  const all = sumOf(winnow);
  const perDay = (count: number) => count / (load.days * SEEDS);
  const others = Object.entries(rivals).map(([name, days]): [string, Days] => [name, sumOf(days)]);
  const ratio = all.runs / boundOf(all);
  const ofSeeds = winnow.map((days) => days.runs / boundOf(days));
  const [p50, p95] = [0.5, 0.95].map((share) => quantile(all.pushToLandingMs, share)) as [number, number];
  const isGoal = checkMinutes === 3;
  const workload = `${load.candidatesPerDay} candidates a day, ${checkMinutes}-minute check`;
  return [
    benchRow({
      key: `landing.runs-${checkMinutes}`,
      row: `landing: runs of the checks, ${workload}`,
      figure: `${perLanded(all)} per landed change, ${perDay(all.runs).toFixed(1)} a day`,
      baseline:
        `${others.map(([name, days]) => `${name} ${perLanded(days)}`).join('; ')}; lower bound ` +
        `${(boundOf(all) / all.landed).toFixed(2)} (the evaluations alone: ${(all.evaluations / all.landed).toFixed(2)}, ` +
        `of which it is ${(all.runs / all.evaluations).toFixed(3)})`,
      value: all.runs / all.landed,
      baselineValue: boundOf(all) / all.landed,
      unit: 'runs per landed change',
      tolerance: 0,
      goal: 'at most 1.05 of the lower bound',
      met: ratio <= 1.05,
      method:
        `the product’s trainTick on the world in memory of its property test, in simulated time: ${SEEDS} seeds of ` +
        `${load.days} days, ratio ${range(ofSeeds)} among them; 35 % approved, of them 5 % red on every tree but the ` +
        'one evaluated, 2 slots in the order of asking, work 20 min, review 2 min; the same candidates for all; lower ' +
        'bound: each evaluation, and each tree that became main’s without being one; ' +
        `${all.landed - all.untestedMains} of ${all.landed} landings took no run; ${all.dropped} dropped. Not in it: ` +
        `second looks at what failed (one before each drop), attempts that are mended, pushes by others, time of git`,
    }),
    benchRow({
      key: `landing.time-${checkMinutes}`,
      row: `landing: from push to main, ${workload}`,
      figure: minutes(p50, p95),
      baseline: others.map(([name, days]) => `${name} ${minutesOf(days)}`).join('; '),
      value: p50,
      baselineValue: median(others[0]![1].pushToLandingMs),
      unit: 'ms',
      tolerance: 0,
      goal: isGoal ? 'p50 under 3 minutes' : 'none set',
      met: isGoal ? p50 < 3 * MINUTE_MS : undefined,
      method:
        `the same days; the push follows the evaluation; 2 minutes of it are the review; the literal gate comes round ` +
        'every 2 hours; the ratio is to it',
    }),
  ];
};

const LOADED: Omit<Workload, 'seed'> = {
  ...ORDINARY,
  candidatesPerDay: 2860,
  days: 1,
  checkMs: 3 * MINUTE_MS,
  slots: 12,
};
const LOADED_SEEDS = 3;

/** A gate that lands one change per check would need two days for what is approved in one. */
const loadedRow = async (): Promise<BenchRow> => {
  const go = async (days: (load: Workload) => Promise<Days>) => sumOf(await overSeeds(LOADED, LOADED_SEEDS, days));
  const winnow = await go(winnowDays);
  const others: [string, Days][] = [
    ['serial gate with results by tree', await go((load) => rivalDays(load, atOnce(keyedSerialGate)))],
    [`bors-ng ${BATCH}`, await go((load) => rivalDays(load, atOnce(borsGate(BATCH))))],
    ['gastown 5', await go((load) => rivalDays(load, atOnce(gastownGate(5))))],
  ];
  const ofGate = ({ runs, evaluations, landed }: Days) => ((runs - evaluations) / landed).toFixed(2);
  const show = (days: Days) => `${ofGate(days)} runs per landed change beyond the evaluations, ${minutesOf(days)}`;
  return benchRow({
    key: 'landing.loaded',
    row: 'landing: 1,000 approved a day, more than a serial gate can serve',
    figure: show(winnow),
    baseline: others.map(([name, days]) => `${name}: ${show(days)}`).join('; '),
    value: winnow.runs / winnow.landed,
    baselineValue: boundOf(winnow) / winnow.landed,
    unit: 'runs per landed change',
    tolerance: 0,
    goal: 'none set; the lower bound is 1',
    met: undefined,
    method:
      `as above with ${LOADED.candidatesPerDay} candidates a day, 12 slots, a 3-minute check; ${LOADED_SEEDS} seeds of ` +
      `one day each, and as long as it takes until all has landed: the waits of a serial gate grow with every further ` +
      `day; the ratio is to the lower bound; ${winnow.runs - winnow.evaluations} runs, and ${winnow.dropped} ` +
      'second looks before a drop, which are not counted; reviews are not held up here, where the product makes two at once',
  });
};

const BATCH_SEEDS = 16;
const BATCH_CHANGES = 400;

const batchRows = async (): Promise<BenchRow[]> => {
  const rows: BenchRow[] = [];
  for (const badShare of [0, 0.02, 0.05, 0.1, 0.2]) rows.push(await batchRow(badShare));
  return rows;
};

const batchRow = async (badShare: number): Promise<BenchRow> => {
  const inputs = seedsOf(BATCH_SEEDS).map((seed) => ({ changes: BATCH_CHANGES, badShare, seed }));
  const costs: BatchCost[] = [];
  for (const input of inputs) costs.push(await winnowBatches(input));
  const costOf = async (gate: Gate): Promise<number> => {
    const all = await Promise.all(inputs.map((input) => gateBatches(input, gate)));
    return sum(all, ({ runs }) => runs) / sum(all, ({ landed }) => landed);
  };
  const others: [string, number][] = [
    ['bors-ng 4', await costOf(borsGate(4))],
    [`bors-ng ${BATCH}`, await costOf(borsGate(BATCH))],
    ['gastown 5', await costOf(gastownGate(5))],
    [`gastown ${BATCH}`, await costOf(gastownGate(BATCH))],
    ['serial', await costOf(serialGate)],
  ];
  const [runs, landed, dropped] = [
    sum(costs, (cost) => cost.runs),
    sum(costs, (cost) => cost.landed),
    sum(costs, (cost) => cost.dropped),
  ];
  // Of the changes as they came out, so that luck with the seeds helps nobody.
  const bound = Math.max(entropyBound(dropped / (landed + dropped)), 1 / BATCH);
  const cost = runs / landed;
  const again = dropped / landed;
  return benchRow({
    key: `landing.batches-${Math.round(badShare * 100)}`,
    row: `landing: batches of ${BATCH}, ${Math.round(badShare * 100)} % bad`,
    figure: `${cost.toFixed(2)} runs per landed change (${(cost + again).toFixed(2)} where a second look is a whole run)`,
    baseline: `${others.map(([name, value]) => `${name} ${value.toFixed(2)}`).join('; ')}; bound ${bound.toFixed(2)}`,
    value: cost,
    baselineValue: bound,
    unit: 'runs per landed change',
    tolerance: 0,
    goal: 'none set; below the others',
    met: undefined,
    method:
      `${BATCH_SEEDS} seeds of ${BATCH_CHANGES} changes, the same for all, ${dropped} bad by themselves; the queue is ` +
      `never short and nothing in it was evaluated; cost of single seeds ${range(costs.map((one) => one.runs / one.landed))}; ` +
      'bound: entropy of good and bad per landed change, at least one run per batch; gastown’s retry of the whole is ' +
      'counted as it is there, Winnow’s second look before a drop (the failed files alone, where `rerun` is set) in brackets',
  });
};

const overSeeds = async (
  load: Omit<Workload, 'seed'>,
  seeds: number,
  days: (load: Workload) => Promise<Days>,
): Promise<Days[]> => {
  const all: Days[] = [];
  for (const seed of seedsOf(seeds)) all.push(await days({ ...load, seed }));
  return all;
};

const seedsOf = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

const sumOf = (all: readonly Days[]): Days => ({
  runs: sum(all, ({ runs }) => runs),
  evaluations: sum(all, ({ evaluations }) => evaluations),
  untestedMains: sum(all, ({ untestedMains }) => untestedMains),
  landed: sum(all, ({ landed }) => landed),
  dropped: sum(all, ({ dropped }) => dropped),
  pushToLandingMs: all.flatMap(({ pushToLandingMs }) => pushToLandingMs),
});

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);

const boundOf = ({ evaluations, untestedMains }: Days): number => evaluations + untestedMains;

const perLanded = ({ runs, landed }: Days): string => (runs / landed).toFixed(2);

const minutes = (p50: number, p95: number): string =>
  `p50 ${(p50 / MINUTE_MS).toFixed(1)} min, p95 ${(p95 / MINUTE_MS).toFixed(1)} min`;

const minutesOf = ({ pushToLandingMs }: Days): string =>
  minutes(quantile(pushToLandingMs, 0.5), quantile(pushToLandingMs, 0.95));

const range = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`;
