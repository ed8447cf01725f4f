import { boardView } from '../../../src/desk/board.ts';
import type { Counter } from '../../../src/desk/counter.ts';
import { statusView } from '../../../src/desk/status.ts';
import { BINDINGS } from '../../../src/faces/tui/bindings.ts';
import { textOf } from '../../../src/faces/tui/cells.ts';
import { drawFrame } from '../../../src/faces/tui/frame.ts';
import type { Sight } from '../../../src/faces/tui/sight.ts';
import { startUi, type Ui } from '../../../src/faces/tui/ui.ts';
import type { Entry, Outcome } from '../../../src/model/entry.ts';
import type { QueuedBranch, State } from '../../../src/model/state.ts';
import {
  at,
  configOf,
  GIB,
  knownOf,
  NOW,
  roomy,
  runningOf,
  sessionOf,
  stateOf,
  taskOf,
} from '../../policy/situations.ts';

/** A factory in the middle of its work, always the same: every screen has something of every kind. */

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];

const figures = (problems: number, failed: number) => ({ problems, failed, passed: 120, skipped: 2 });

const fill = (state: State): void => {
  state.processes['42'] = { pid: 42, start: '1', at: at(-3 * HOUR), roles: ['scheduler', 'session'] };
  const ends: Outcome[] = ['pushed', 'discarded', 'discarded', 'pushed', 'failed', 'empty', 'pushed'];
  state.projects.api = {
    name: 'api',
    tip: '4f2a9c1e8b7d6a5f4e3d2c1b0a9f8e7d6c5b4a39',
    baseline: { commit: 'c', tree: 't', figures: figures(3, 1) },
    flaky: {},
    landings: [],
    recent: ends.flatMap((outcome, n) =>
      ['alpha', 'beta'].map((session) => ({
        ...{
          cycle: `${session}-${n}`,
          session,
          project: 'api',
          at: at(-(8 - n) * HOUR),
          outcome,
          reason: '',
          files: [],
        },
        ...{ before: figures(12 - n, 7 - n), costUsd: 0.3 },
      })),
    ),
  };
  const last = {
    ...{ lastCycleAt: at(-10 * MINUTE), lastOutcome: 'pushed' as const, lastReason: 'better: 1 mended' },
    lastTitle: 'Return an empty list when nothing matches',
  };
  const counts = { pushed: 3, discarded: 8, empty: 1 };
  for (const [name, more] of [
    ['alpha', { phase: 'hack', phaseAt: at(-130_000), planTitle: 'Split the parser of queries from its printer' }],
    ['beta', { phase: 'analyze', phaseAt: at(-4000) }],
    [
      'gamma',
      {
        phase: 'evaluate',
        phaseAt: at(-7_300_000),
        planTitle: '日本語の列を正しく切る: cut columns of Japanese right',
      },
    ],
  ] as const) {
    const cycle = runningOf(name, { pid: 42, ...more });
    state.running[cycle.cycle] = cycle;
    state.sessions[name] = knownOf(name, { ...last, counts, costUsd: 4.2, running: cycle.cycle });
  }
  const parked = { until: at(20 * MINUTE), reason: 'claude exited with 1 three times in a row', failure: 'crashed' };
  state.sessions.delta = knownOf('delta', { ...last, counts, costUsd: 1.5, lastOutcome: 'failed', parked });
  state.sessions.epsilon = knownOf('epsilon', { ...last, counts, pausedBy: 'mia' });
  state.sessions.zeta = knownOf('zeta', { ...last, counts, lastOutcome: 'discarded' });
  for (let n = 0; n < 12; n += 1)
    state.days[at(-n * DAY).slice(0, 10)] = {
      ...{ costUsd: 12.345 + ((n * 7) % 9) - 4, bySession: { alpha: 2.5 }, byProject: {} },
      counts: { pushed: 3 + ((n * 5) % 7), discarded: 8 - (n % 6), empty: 1 },
    };
  const reviewed = { review: 'r', by: 'reviewer', name: 'reviewer', at: at(-HOUR) } as const;
  const branch = (name: string, more: Partial<QueuedBranch>): void => {
    state.queue[name] = {
      ...{ branch: name, commit: 'c0ffee', base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: 'c' },
      ...{ kind: 'change', title: '', at: at(-2 * HOUR), changedAt: at(-HOUR), status: { state: 'pending', note: '' } },
      ...more,
    };
  };
  branch('brl/alpha/20260314-091500', { title: 'Return an empty list when nothing matches' });
  branch('brl/beta/20260314-083000', {
    ...{ session: 'beta', title: 'Check the length before the copy' },
    status: { state: 'needs-human', ...reviewed, reason: 'it changes how a check is configured' },
  });
  branch('brl/gamma/20260313-220000', {
    ...{ session: 'gamma', title: 'Cache the length', at: at(-DAY), changedAt: at(-DAY) },
    status: { state: 'landed', main: 'm', merged: 'm', review: 'r' },
  });
  branch('brl/zeta/20260313-210000', {
    ...{ session: 'zeta', title: 'Rename all the things', at: at(-DAY), changedAt: at(-DAY) },
    status: { state: 'rejected', ...reviewed, reason: 'nothing of it helps' },
  });
  for (const task of [
    taskOf('01KTASK0000000000000000A1B', { text: 'Make the import of CSV files twice as fast', priority: 'urgent' }),
    taskOf('01KTASK0000000000000000C2D', { text: 'Say how to test', state: 'assigned', session: 'alpha' }),
    taskOf('01KTASK0000000000000000E3F', {
      ...{ text: 'Upgrade the parser', state: 'failed', attempts: 3, reason: 'three attempts were discarded' },
    }),
  ])
    state.tasks[task.id] = task;
  state.gates.memory = { reason: '86% of 64 GiB used', at: at(-5 * MINUTE), figures: {} };
  state.doctor = {
    ...{ id: 'd', at: at(-40 * MINUTE), file: 'logs/doctor/d.md' },
    classes: { alpha: 'productive', beta: 'stuck', gamma: 'idle', delta: 'error-looping' },
  };
  state.skills.tests = {
    ...{ name: 'tests', description: 'How the tests of this repository are run and read', by: 'doctor', hash: 'h' },
    ...{ writtenAt: at(-2 * DAY), evidence: [], with: { kept: 7, ended: 10 }, without: { kept: 3, ended: 9 } },
  };
  const why = 'it takes on too much at once';
  state.proposals.p = {
    ...{ id: '01KPROPOSAL0000000000ABCDE', at: at(-HOUR), session: 'beta', evidence: [], status: { state: 'open' } },
    change: { file: 'sessions/beta.md', find: 'Mend everything.', replace: 'Mend one thing at a time.', why },
  };
};

const entry = (n: number, type: string, data: object, more: object = {}): Entry =>
  ({
    ...{ id: `01KENTRY${String(n).padStart(18, '0')}`, ts: at(-(40 - n) * MINUTE), type, project: 'api', data },
    ...more,
  }) as Entry;

const PLAN = { nothing: false, title: 'Split the parser of queries from its printer', why: '', files: [] };
const JUDGED = { iteration: 1, commit: 'c', tree: 't', verdict: 'better', fixed: 1, broken: 0, findings: [] };
const ENTRIES: Entry[] = [
  entry(1, 'cycle_phase', { phase: 'plan' }, { session: 'alpha', cycle: 'cycle-alpha' }),
  entry(2, 'plan_made', { plan: PLAN, attempt: 1 }, { session: 'alpha' }),
  entry(3, 'evaluated', { ...JUDGED, reason: '1 test mended, nothing broken' }, { session: 'beta' }),
  entry(
    4,
    'branch_pushed',
    { branch: 'brl/alpha/20260314-091500', commit: 'c', base: 'b', tree: 't' },
    { session: 'alpha' },
  ),
  entry(
    5,
    'alert',
    { message: 'delta crashed three times in a row', mend: 'Read the transcript.' },
    { session: 'delta' },
  ),
  entry(6, 'gate_closed', { gate: 'memory', reason: '86% of 64 GiB used', figures: {} }, { project: undefined }),
];

const LIVE = [
  'I will look at the parser first.',
  '> Read src/parse.ts',
  '  | export const parse = (text) => {',
  '> Bash npm test -- parse',
  '  ! 1 failing: prints an empty list',
  'The printer is called inside the loop; I move it out. ✅ 日本語',
  '> Edit src/parse.ts',
  '  | The file src/parse.ts has been updated.',
];

export const scene = (more: { ui?: Partial<Ui>; change?: (state: State) => void; alive?: boolean } = {}): Sight => {
  const state = stateOf((made) => {
    fill(made);
    more.change?.(made);
  });
  const config = { ...configOf(), projects: configOf().projects.slice(0, 1), slots: { test: 2 } };
  const sessions = NAMES.map((name) => sessionOf(name));
  const facts = { ...roomy, memoryUsedShare: 0.86, memoryAvailableBytes: 9 * GIB };
  const holds = (who: string) => [{ who, pid: 42, sinceMs: NOW }];
  const status = statusView({
    ...{ home: '/home/me/winnow', state, config, facts, now: NOW, sessions, isAlive: () => more.alive ?? true },
    slots: [{ name: 'test', capacity: 2, held: holds('alpha'), waiting: holds('beta') }],
  });
  // Of a counter the view reads these three.
  const counter = { journal: { state: () => state }, config: () => config, sessions: () => sessions };
  return {
    view: { ...boardView(counter as unknown as Counter, status, facts), trouble: undefined },
    entries: ENTRIES,
    live: { cycle: 'cycle-beta', lines: LIVE },
    branch: undefined,
    memory: Array.from({ length: 30 }, (_, n) => 0.5 + n / 85),
    ui: { ...startUi(), ...more.ui },
    now: NOW,
  };
};

/** A screen as text, without the spaces at the ends of its lines. */
export const shown = (sight: Sight, width: number, height: number): string =>
  drawFrame(sight, { width, height }, BINDINGS)
    .map((line) => textOf(line).trimEnd())
    .join('\n');
