import { availableParallelism, loadavg } from 'node:os';
import { pause } from '../chaos/world.ts';
import type { Entry, GateName } from '../src/model/entry.ts';
import { branchesOpen, cyclesAtOnce, endsOf, gatesHeld, type Limit, landedIn, spentUsd, turnsOf } from './reckon.ts';
import { type Look, processesOf, watchProcess } from './watch.ts';
import { createWorld, PROJECTS, SLOTS, type World } from './world.ts';

/**
 * Many sessions on one machine: few at once, all at once, gates that close, a stop and a death with every run under
 * way. What comes of it are rows: what must hold, what was seen, and whether it does.
 */
export interface CrowdOptions {
  sessions: number;
  /** Cycles at once while there is not room for all. */
  few: number;
  /** Turns of each session while few may run, and again while all may. */
  turns: number;
  /** All may run at least so long. */
  busyMs: number;
  /** All are held so long while Winnow itself is measured. */
  heldMs: number;
  seed: number;
  /** Only these; each needs those before it but for `all at once` and `gates`. */
  stages?: readonly StageName[];
  /** Somebody will not wait for the end: what was made is taken away. */
  signal?: AbortSignal;
}

export interface Row {
  what: string;
  figure: string;
  limit: string;
  /** Undefined: told, and not judged. */
  holds: boolean | undefined;
  /** Of this machine and its load as much as of Winnow. */
  isMeasured?: true;
  evidence?: string[];
}

export const runCrowd = async (options: CrowdOptions, say: (line: string) => void): Promise<Row[]> => {
  const [loadBefore] = loadavg();
  const world = await createWorld({ ...options, maxSessions: options.few });
  const rows: Row[] = [];
  const crowd = createCrowd(world, options, rows);
  try {
    for (const name of options.stages ?? STAGE_NAMES) {
      const begunMs = performance.now();
      await STAGES[name](crowd);
      say(`${name}: ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
    }
  } catch (error) {
    const [figure = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    const evidence = world.journal
      .read()
      .slice(-EVIDENCE_ENTRIES)
      .map((entry) => JSON.stringify(entry).slice(0, 300));
    rows.push({ what: 'every stage comes to its end', figure, limit: 'all of them', holds: false, evidence });
  } finally {
    rows.push(...overall(crowd), loadRow(loadBefore));
    crowd.stopWatching();
    await world.close();
  }
  return rows;
};

const EVIDENCE_ENTRIES = 30;

/** What the stages hand on. */
interface Crowd {
  world: World;
  options: CrowdOptions;
  rows: Row[];
  limits: Limit[];
  up: ReturnType<World['start']>;
  start(): void;
  looks(): readonly Look[];
  stopWatching(): void;
  /** How often Winnow was killed: each may leave one line torn. */
  kills: number;
  tasks: string[];
}

const createCrowd = (world: World, options: CrowdOptions, rows: Row[]): Crowd => {
  const watches: ReturnType<typeof watchProcess>[] = [];
  const crowd: Crowd = {
    ...{ world, options, rows, kills: 0, tasks: [] },
    limits: [{ from: 0, max: options.few }],
    up: undefined as never,
    start: () => {
      crowd.up = world.start();
      watches.push(watchProcess(crowd.up.pid, world.bench.dir));
    },
    looks: () => watches.at(-1)?.looks() ?? [],
    stopWatching: () => {
      for (const watch of watches) watch.stop();
    },
  };
  return crowd;
};

/** Nothing here takes that long, whatever else the machine does. */
const STAGE_MAX_MS = 600_000;
const LOOK_MS = 100;

const until = async ({ options }: Crowd, isSo: () => boolean, what: string): Promise<void> => {
  const deadline = performance.now() + STAGE_MAX_MS;
  while (!isSo()) {
    if (options.signal?.aborted) throw new Error(`stopped while it waited for ${what}`);
    if (performance.now() > deadline) throw new Error(`never came: ${what}`);
    await pause(LOOK_MS);
  }
};

const allow = ({ world, limits }: Crowd, max: number): void => {
  limits.push({ from: world.journal.read().length, max });
  world.configure({ maxSessions: max });
};

// ---- stages -------------------------------------------------------------------------------------------------------

type Stage = (crowd: Crowd) => Promise<void>;

/** More sessions than may run: whoever waits longest comes next, and what people asked for before that. */
const fewAtOnce: Stage = async (crowd) => {
  const { world, options, rows } = crowd;
  crowd.start();
  // The low ones first: by age alone they would be done first.
  crowd.tasks.push(...(await world.addTasks(['low', 'urgent'])));
  const from = world.journal.read().length;
  const since = () => world.journal.read().slice(from);
  const turns = () => turnsOf(since(), world.sessions);
  await until(crowd, () => least(turns().counts) >= options.turns, `turn ${options.turns} of every session`);
  const { counts, waitsMs } = turns();
  const [longest, middle] = [Math.max(...waitsMs), median(waitsMs)];
  rows.push(
    {
      what: `turns of each session, ${options.few} of ${options.sessions} at once`,
      figure: `${least(counts)} to ${most(counts)}`,
      limit: 'most less least: 2',
      holds: most(counts) - least(counts) <= 2,
      evidence: [...counts].map(([name, count]) => `${name}: ${count}`),
    },
    {
      what: 'wait for the next turn: longest, median',
      figure: `${seconds(longest)}, ${seconds(middle)}`,
      limit: 'longest: 3 times the median',
      holds: longest <= 3 * middle,
      isMeasured: true,
    },
    flat(crowd),
  );
  const open = () => tasksOpen(world.journal.read(), crowd.tasks);
  await until(crowd, () => open().length === 0, 'the end of every task, half of them of low priority');
  rows.push({
    what: 'tasks that were queued, half of them of low priority',
    figure: `${crowd.tasks.length - open().length} of ${crowd.tasks.length} done`,
    limit: 'all',
    holds: open().length === 0,
  });
};

/** Room for all, told by the configuration while Winnow runs. */
const allAtOnce: Stage = async (crowd) => {
  const { world, options, rows } = crowd;
  const from = world.journal.read().length;
  const [cpuMs, begunMs] = [crowd.looks().at(-1)?.cpuMs ?? 0, performance.now()];
  await world.metrics();
  allow(crowd, options.sessions);
  const since = () => world.journal.read().slice(from);
  await until(
    crowd,
    () => least(turnsOf(since(), world.sessions).counts) >= options.turns,
    'turns of all, all at once',
  );
  while (performance.now() - begunMs < options.busyMs) await pause(LOOK_MS);
  const landings = () => Object.keys(PROJECTS).map((project) => landedIn(since(), project));
  // With every session at work reviewer and trains get their turn as well.
  await until(crowd, () => Math.min(...landings()) > 0, 'a landing in each project, all at once');
  const delay = loopDelay(await world.metrics());
  const cycles = since().filter(({ type }) => type === 'ralph_cycle').length;
  const spentMs = (crowd.looks().at(-1)?.cpuMs ?? 0) - cpuMs;
  const landed = landings();
  rows.push(
    {
      what: 'landings of each project meanwhile',
      figure: landed.join(', '),
      limit: 'some in each',
      holds: landed.every((count) => count > 0),
    },
    {
      what: `cycles that ended, ${options.sessions} at once`,
      figure: `${cycles} in ${seconds(performance.now() - begunMs)}`,
      limit: '',
      holds: undefined,
      isMeasured: true,
    },
    {
      what: 'processor time of Winnow itself for each cycle',
      figure: `${(spentMs / cycles).toFixed(0)} ms`,
      limit: '',
      holds: undefined,
      isMeasured: true,
    },
    {
      what: 'event loop while all of them work: p99, largest',
      figure: `${delay.p99Ms.toFixed(1)} ms, ${delay.maxMs.toFixed(0)} ms`,
      limit: '',
      holds: undefined,
      isMeasured: true,
    },
  );
};

/** Each gate is closed from outside, and opened again when nothing runs any more. */
const closeGates: Stage = async (crowd) => {
  const { world, options } = crowd;
  allow(crowd, options.few);
  for (const { gate, close } of GATES) {
    const from = world.journal.read().length;
    const since = () => world.journal.read().slice(from);
    const open = await close(crowd);
    const said = (type: Entry['type']) =>
      since().some((e) => e.type === type && (e.data as { gate?: string }).gate === gate);
    await until(crowd, () => said('gate_closed'), `the closing of ${gate}`);
    await until(
      crowd,
      () => endsOf(world.journal.read()).open.length === 0,
      `the end of all cycles while ${gate} is closed`,
    );
    await open();
    await until(crowd, () => said('gate_opened'), `the opening of ${gate}`);
    const opened = world.journal.read().length;
    const begins = () =>
      world.journal
        .read()
        .slice(opened)
        .some(({ type }) => type === 'cycle_started');
    await until(crowd, begins, `a cycle after ${gate} was opened`);
  }
};

interface GateTrial {
  gate: GateName;
  /** Resolves with what opens it again. */
  close(crowd: Crowd): Promise<() => Promise<void>>;
}

const GATES: readonly GateTrial[] = [
  { gate: 'stop-file', close: async ({ world }) => world.stopFile() },
  {
    gate: 'memory',
    close: ({ world }) => (world.ground.isLimited ? world.ground.fillMemory() : byConfig(world, { memory: '0.1%' })),
  },
  {
    gate: 'disk',
    close: ({ world }) => (world.ground.isSmallDisk ? world.ground.fillDisk() : byConfig(world, { disk: '1000TB' })),
  },
  {
    gate: 'budget',
    close: ({ world }) => byConfig(world, { budgetPerDayUsd: spentUsd(world.journal.read()) + BUDGET_LEFT_USD }),
  },
];

/** A few runs are paid from it, and then it is spent. */
const BUDGET_LEFT_USD = 0.05;

const byConfig = async (world: World, gates: Partial<ReturnType<World['gates']>>): Promise<() => Promise<void>> => {
  const before = world.gates();
  world.configure(gates);
  return async () => world.configure(before);
};

/** Every session is in a run that waits: what Winnow itself needs is seen, and what was pushed before comes to its end. */
const holdAll: Stage = async (crowd) => {
  const { world, options, rows } = crowd;
  world.hold();
  allow(crowd, options.sessions);
  await until(crowd, () => world.held() === options.sessions, 'a run that waits of every session');
  await until(crowd, () => branchesOpen(world.journal.read()).length === 0, 'the end of every branch');
  rows.push({
    what: 'branches that were pushed and wait, with every session in a run',
    figure: '0',
    limit: '0',
    holds: true,
  });
  await pause(SETTLE_MS);
  await world.metrics();
  const before = crowd.looks().at(-1);
  await pause(options.heldMs);
  const delay = loopDelay(await world.metrics());
  const after = crowd.looks().at(-1);
  if (!before || !after) throw new Error('Winnow ended while it was looked at');
  const share = (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
  const agents = `${options.sessions} runs`;
  rows.push(
    {
      what: `sessions with a living run, by the process table`,
      figure: String(after.runs),
      limit: String(options.sessions),
      holds: after.runs === options.sessions,
    },
    {
      what: `memory of Winnow with ${agents}`,
      figure: `${after.memoryMb.toFixed(0)} MB`,
      limit: '200 MB',
      holds: after.memoryMb < 200,
      isMeasured: true,
    },
    {
      what: `processor with ${agents}`,
      figure: `${(100 * share).toFixed(1)} % of a core`,
      limit: '15 %',
      holds: share < 0.15,
      isMeasured: true,
    },
    {
      what: `event loop with ${agents}: p99, largest`,
      figure: `${delay.p99Ms.toFixed(1)} ms, ${delay.maxMs.toFixed(0)} ms`,
      limit: 'p99: 20 ms',
      holds: delay.p99Ms < 20,
      isMeasured: true,
    },
    {
      what: `descriptors, processes of the home with ${agents}`,
      figure: `${after.descriptors}, ${after.processes}`,
      limit: '',
      holds: undefined,
      isMeasured: true,
    },
  );
};

/** What was needed to start the last run may be given back. */
const SETTLE_MS = 3_000;

/** Told to stop with every run under way. */
const stopAll: Stage = async (crowd) => {
  const { world, options, rows, up } = crowd;
  const begunMs = performance.now();
  up.child.kill('SIGTERM');
  const { code } = await up.done;
  const tookMs = performance.now() - begunMs;
  const left = processesOf(world.bench.dir);
  const { open } = endsOf(world.journal.read());
  rows.push(
    {
      what: `stop with ${options.sessions} runs`,
      figure: `${seconds(tookMs)}, code ${code}`,
      limit: '10 s, code 0',
      holds: tookMs < 10_000 && code === 0,
      isMeasured: true,
    },
    {
      what: 'processes left by it',
      figure: String(left.length),
      limit: '0',
      holds: left.length === 0,
      evidence: left.map(({ pid, command }) => `${pid} ${command}`),
    },
    {
      what: 'cycles that it had no time to end, for the next start to close',
      figure: `${open.length} of ${options.sessions}`,
      limit: '',
      holds: undefined,
      isMeasured: true,
    },
  );
};

/** Killed with every run under way, and started again. */
const killAll: Stage = async (crowd) => {
  const { world, options, rows } = crowd;
  world.release();
  world.hold();
  crowd.start();
  await until(crowd, () => world.held() === options.sessions, 'a run that waits of every session, after a stop');
  const { open: running } = endsOf(world.journal.read());
  crowd.kills += 1;
  crowd.up.child.kill('SIGKILL');
  await crowd.up.done;
  world.release();
  const killedMs = performance.now();
  const from = world.journal.read().length;
  crowd.start();
  const since = () => world.journal.read().slice(from);
  const isOver = (id: string) => since().some((entry) => entry.type === 'ralph_cycle' && entry.cycle === id);
  await until(crowd, () => running.every(isOver), 'the end of every cycle that was killed');
  rows.push({
    what: `cycles that a SIGKILL left open, closed after the next start`,
    figure: `${running.length} in ${seconds(performance.now() - killedMs)}`,
    limit: `${options.sessions}`,
    holds: running.length === options.sessions,
  });
  await until(crowd, () => least(turnsOf(since(), world.sessions).counts) >= 1, 'a turn of every session after that');
  await until(crowd, () => since().some(({ type }) => type === 'merged'), 'a landing after that');
  crowd.up.child.kill('SIGTERM');
  const { code } = await crowd.up.done;
  const left = processesOf(world.bench.dir);
  rows.push({
    what: 'every session has had a turn since, and a branch has landed; then a stop: code, processes left',
    figure: `${code}, ${left.length}`,
    limit: '0, 0',
    holds: code === 0 && left.length === 0,
    evidence: left.map(({ pid, command }) => `${pid} ${command}`),
  });
};

const STAGES = {
  'few at once': fewAtOnce,
  'all at once': allAtOnce,
  gates: closeGates,
  'all held': holdAll,
  'a stop': stopAll,
  'a death': killAll,
} satisfies Record<string, Stage>;
type StageName = keyof typeof STAGES;
const STAGE_NAMES = Object.keys(STAGES) as StageName[];

// ---- what holds over the whole ------------------------------------------------------------------------------------

const overall = ({ world, options, limits, kills }: Crowd): Row[] => {
  const entries = world.journal.read();
  const atOnce = cyclesAtOnce(entries, limits);
  const gates = gatesHeld(entries);
  const trials = (options.stages ?? STAGE_NAMES).includes('gates') ? GATES : [];
  const told = (gate: GateName): boolean => (gates.closed[gate] ?? 0) > 0;
  const ends = endsOf(entries);
  const places = Object.keys(SLOTS).map((slot) => {
    const noted = world.holders().filter((holder) => holder.slot === slot);
    return { slot, size: SLOTS[slot]!, most: Math.max(0, ...noted.map(({ place }) => place)), checks: noted.length };
  });
  const { budgetPerDayUsd } = world.gates();
  const spent = spentUsd(entries);
  return [
    {
      what: 'cycles at once, by the journal',
      figure: `at most ${atOnce.most}`,
      limit: `gates.maxSessions: ${limits.map(({ max }) => max).join(', then ')}`,
      holds: atOnce.broken.length === 0,
      evidence: atOnce.broken,
    },
    ...places.map(({ slot, size, most, checks }) => ({
      what: `holders of slot ${slot} at once, by a lock of their own`,
      figure: `at most ${most} in ${checks} checks`,
      limit: String(size),
      holds: most <= size && checks > 0,
    })),
    {
      what: 'gates: closed and opened, no cycle begun meanwhile, each told once with figures',
      figure: GATES.map(({ gate }) => `${gate} ${gates.closed[gate] ?? 0}/${gates.opened[gate] ?? 0}`).join(', '),
      limit: 'each as often',
      holds:
        gates.broken.length === 0 &&
        trials.every(({ gate }) => told(gate) && gates.closed[gate] === gates.opened[gate]),
      evidence: gates.broken,
    },
    {
      what: 'cycles that ended more than once, or never',
      figure: `${ends.twice.length}, ${ends.open.length} of ${entries.filter(({ type }) => type === 'cycle_started').length}`,
      limit: '0, 0',
      holds: ends.twice.length + ends.open.length === 0,
      evidence: [...ends.twice, ...ends.open],
    },
    {
      what: 'damaged lines of the journal',
      figure: `${world.journal.torn()} of ${entries.length}`,
      limit: `${kills}, one for each SIGKILL`,
      holds: world.journal.torn() <= kills,
    },
    {
      what: 'spent',
      figure: `$${spent.toFixed(2)}`,
      limit: `$${budgetPerDayUsd.toFixed(2)}`,
      holds: spent <= budgetPerDayUsd,
    },
  ];
};

/** How many processes wanted a processor before the crowd began, and now: what others do makes every figure worse. */
const loadRow = (before: number | undefined): Row => ({
  what: 'load of the machine before, and at the end',
  figure: `${before?.toFixed(1)}, ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`,
  limit: '',
  holds: undefined,
  isMeasured: true,
});

const tasksOpen = (entries: readonly Entry[], tasks: readonly string[]): string[] => {
  const done = new Set(entries.flatMap((entry) => (entry.type === 'task_done' ? [entry.data.task] : [])));
  return tasks.filter((task) => !done.has(task));
};

/** Memory and descriptors of the first and of the last third of a stage in which the same goes on all the time. */
const flat = (crowd: Crowd): Row => {
  const looks = crowd.looks();
  const third = Math.floor(looks.length / 3);
  const [early, late] = [looks.slice(third, 2 * third), looks.slice(2 * third)];
  const of = (part: readonly Look[], what: (look: Look) => number) => median(part.map(what));
  const [memory, descriptors] = [(look: Look) => look.memoryMb, (look: Look) => look.descriptors];
  const grown = of(late, memory) - of(early, memory);
  return {
    what: 'memory of Winnow, descriptors: second third of that time, last third',
    figure:
      `${of(early, memory).toFixed(0)} and ${of(late, memory).toFixed(0)} MB, ` +
      `${of(early, descriptors)} and ${of(late, descriptors)}`,
    limit: '20 MB more, 10 more',
    holds: grown <= 20 && of(late, descriptors) - of(early, descriptors) <= 10,
    isMeasured: true,
  };
};

const loopDelay = (metrics: string): { p99Ms: number; maxMs: number } => {
  const of = (quantile: string) =>
    Number(
      new RegExp(`^winnow_http_event_loop_delay_seconds\\{quantile="${quantile}"\\} (\\S+)$`, 'm').exec(metrics)?.[1],
    ) * 1000;
  return { p99Ms: of('0.99'), maxMs: of('1') };
};

const least = (counts: ReadonlyMap<string, number>): number => Math.min(...counts.values());
const most = (counts: ReadonlyMap<string, number>): number => Math.max(...counts.values());
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
