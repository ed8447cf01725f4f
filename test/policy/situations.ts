import fc from 'fast-check';
import { Config } from '../../src/model/config.ts';
import { GATES, PHASES } from '../../src/model/entry.ts';
import { PRIORITIES } from '../../src/model/priority.ts';
import type { Session } from '../../src/model/session.ts';
import { emptyState, type RunningCycle, type SessionState, type State } from '../../src/model/state.ts';
import type { Task } from '../../src/model/task.ts';
import type { MachineFacts } from '../../src/policy/gates.ts';
import type { ScheduleInput } from '../../src/policy/schedule.ts';

/** Situations for the policies: quiet ones to change by hand, and any at all for properties. */

export const NOW = Date.parse('2026-03-14T10:00:00.000Z');
export const GIB = 1024 ** 3;
export const at = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString();

type Gates = Partial<Config['gates']>;

const checks = [{ name: 'tests', run: 'npm test', parse: 'exit' }];
const DEFAULTS = Config.parse({
  projects: [
    { name: 'api', repo: '.', checks },
    { name: 'web', repo: '.', checks },
  ],
});

export const configOf = ({ gates = {}, agent = {} }: { gates?: Gates; agent?: Partial<Config['agent']> } = {}) => ({
  ...DEFAULTS,
  gates: { ...DEFAULTS.gates, ...gates },
  agent: { ...DEFAULTS.agent, ...agent },
});

export const sessionOf = (name: string, more: Partial<Session> = {}): Session => ({
  name,
  project: 'api',
  focus: 'mend what is red',
  everyMs: undefined,
  model: undefined,
  paused: false,
  instructions: '',
  file: `sessions/${name}.md`,
  ...more,
});

export const knownOf = (name: string, more: Partial<SessionState> = {}): SessionState => ({
  name,
  project: 'api',
  failuresInARow: 0,
  counts: {},
  costUsd: 0,
  ...more,
});

export const taskOf = (id: string, more: Partial<Task> = {}): Task => ({
  id,
  text: `do ${id}`,
  project: 'api',
  priority: 'normal',
  origin: 'person',
  state: 'queued',
  reason: '',
  cycles: [],
  attempts: 0,
  queuedAt: at(-60_000),
  changedAt: at(-60_000),
  ...more,
});

export const runningOf = (session: string, more: Partial<RunningCycle> = {}): RunningCycle => ({
  cycle: `cycle-${session}`,
  session,
  project: 'api',
  pid: 1,
  start: '1',
  trigger: 'schedule',
  workspace: '/w',
  phase: 'hack',
  startedAt: at(-60_000),
  phaseAt: at(-30_000),
  claim: [],
  costUsd: 0,
  iterations: 0,
  ...more,
});

/** A machine with plenty of everything. */
export const roomy: MachineFacts = {
  memoryUsedShare: 0.2,
  memoryTotalBytes: 64 * GIB,
  memoryAvailableBytes: 51 * GIB,
  diskFreeBytes: 100 * GIB,
  stopFile: false,
};

export const stateOf = (change: (state: State) => void = () => {}): State => {
  const state = emptyState();
  change(state);
  return state;
};

export const withRunning = (state: State, ...cycles: RunningCycle[]): void => {
  for (const cycle of cycles) {
    state.running[cycle.cycle] = cycle;
    state.sessions[cycle.session] = knownOf(cycle.session, { running: cycle.cycle, lastCycleAt: cycle.startedAt });
  }
};

export const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta'];
const project = fc.constantFrom('api', 'web');
const moment = fc.integer({ min: -3_600_000, max: 3_600_000 }).map(at);
const dollars = fc.double({ min: 0, max: 30, noNaN: true });

const anyKnown = (name: string) =>
  fc.record(
    {
      name: fc.constant(name),
      project,
      failuresInARow: fc.nat(5),
      counts: fc.constant({}),
      costUsd: dollars,
      lastCycleAt: moment,
      parked: fc.record({ until: moment, reason: fc.constant('it failed'), failure: fc.constant('crashed') }),
      pausedBy: fc.constant('someone'),
      memoryBytes: fc.integer({ min: 1, max: 8 * GIB }),
      /** Of a cycle that ended in another process's view. */
      running: fc.constant(`gone-${name}`),
    },
    { requiredKeys: ['name', 'project', 'failuresInARow', 'counts', 'costUsd'] },
  );

const anyTask = fc.record(
  {
    id: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom(...'ABCDEF') }),
    project,
    session: fc.constantFrom(...NAMES),
    priority: fc.constantFrom(...PRIORITIES),
    state: fc.constantFrom<Task['state']>('queued', 'queued', 'queued', 'assigned', 'done', 'failed', 'cancelled'),
    queuedAt: moment,
  },
  { requiredKeys: ['id', 'project', 'priority', 'state', 'queuedAt'] },
);

const anyGate = fc.record(
  { reason: fc.constant('so'), at: moment, figures: fc.constant({}), until: moment },
  { requiredKeys: ['reason', 'at', 'figures'] },
);

const anyDay = fc.record({
  costUsd: dollars,
  bySession: fc.dictionary(fc.constantFrom(...NAMES), dollars),
  byProject: fc.dictionary(project, dollars),
  counts: fc.constant({}),
});

const anyState = fc
  .record({
    known: fc.subarray(NAMES).chain((names) => fc.tuple(...names.map(anyKnown))),
    running: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...PHASES), { maxKeys: 5 }),
    tasks: fc.array(anyTask, { maxLength: 10 }),
    gates: fc.dictionary(fc.constantFrom(...GATES), anyGate, { maxKeys: 2 }),
    day: fc.option(anyDay),
    unready: fc.option(moment),
    paused: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  })
  .map(({ known, running, tasks, gates, day, unready, paused }) =>
    stateOf((state) => {
      for (const session of known) state.sessions[session.name] = session;
      withRunning(state, ...Object.entries(running).map(([name, phase]) => runningOf(name, { phase })));
      for (const task of tasks) state.tasks[task.id] = taskOf(task.id, task);
      state.gates = gates;
      if (day) state.days['2026-03-14'] = day;
      if (paused) state.paused = { by: 'someone', reason: 'why not', at: at(-1) };
      if (unready) {
        const said = { failure: 'repo-unreachable', message: 'no network', mend: 'Wait.', at: unready };
        state.projects.web = { name: 'web', flaky: {}, recent: [], landings: [], unready: said };
      }
    }),
  );

const anySession = (name: string) =>
  fc.record({
    name: fc.constant(name),
    project,
    everyMs: fc.option(fc.integer({ min: 1, max: 7_200_000 }), { nil: undefined }),
    paused: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });

const anyFacts = fc.record({
  memoryUsedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  memoryTotalBytes: fc.integer({ min: GIB, max: 64 * GIB }),
  memoryAvailableBytes: fc.constant(GIB),
  diskFreeBytes: fc.oneof(fc.constant(100 * GIB), fc.integer({ min: 0, max: 4 * GIB })),
  stopFile: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

/** Anything that may be true when the scheduler looks; all gates are open in about half of the situations. */
export const anySituation: fc.Arbitrary<ScheduleInput> = fc
  .record({
    state: anyState,
    gates: fc.record(
      {
        maxSessions: fc.integer({ min: 1, max: 8 }),
        budgetPerDayUsd: fc.double({ min: 1, max: 40, noNaN: true }),
        budgetPerSessionPerDayUsd: fc.double({ min: 1, max: 40, noNaN: true }),
        budgetPerProjectPerDayUsd: fc.double({ min: 1, max: 40, noNaN: true }),
      },
      { requiredKeys: ['maxSessions'] },
    ),
    sessions: fc.shuffledSubarray(NAMES).chain((names) => fc.tuple(...names.map(anySession))),
    facts: anyFacts,
    quiet: fc.boolean(),
  })
  .map(({ state, gates, sessions, facts, quiet }) => ({
    state: quiet ? { ...state, gates: {}, days: {} } : state,
    config: configOf({ gates }),
    sessions: sessions.map((session) => sessionOf(session.name, session)),
    facts: quiet ? { ...roomy, memoryTotalBytes: facts.memoryTotalBytes } : facts,
    now: NOW,
  }));
