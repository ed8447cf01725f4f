import { boardView } from '../../src/desk/board.ts';
import type { Counter } from '../../src/desk/counter.ts';
import { statusView } from '../../src/desk/status.ts';
import type { Sight } from '../../src/faces/tui/sight.ts';
import { startUi, type Ui } from '../../src/faces/tui/ui.ts';
import type { Entry, EntryData, EntryType, Outcome, Phase } from '../../src/model/entry.ts';
import type { Figures } from '../../src/model/report.ts';
import type { BranchStatus, QueuedBranch, SessionState, State } from '../../src/model/state.ts';
import { DATA } from '../model/examples.ts';
import { at, configOf, GIB, knownOf, NOW, roomy, runningOf, sessionOf, stateOf, taskOf } from '../policy/situations.ts';

/**
 * What the pictures of the documentation show: a factory of two repositories in the middle of an ordinary day, the same
 * each time. Figures come from a generator with a seed.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** mulberry32 */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
};

interface Worker {
  name: string;
  project: 'api' | 'web';
  focus: string;
  /** Of a hundred cycles as many are kept. */
  keeps: number;
  works?: { phase: Phase; forMs: number; on?: string };
  last: string;
  more?: Partial<SessionState>;
}

const WORKERS: Worker[] = [
  {
    ...{ name: 'fixer', project: 'api', focus: 'failing tests', keeps: 55 },
    works: { phase: 'hack', forMs: 131_000, on: 'Sort numerically in median' },
    last: 'Return 0 for the mean of nothing',
  },
  {
    ...{ name: 'tester', project: 'api', focus: 'what no test touches', keeps: 34 },
    works: { phase: 'evaluate', forMs: 42_000, on: 'Test the reader with files that end without a newline' },
    last: 'Test that retries stop at the limit',
  },
  {
    ...{ name: 'typist', project: 'api', focus: 'compiler errors', keeps: 48 },
    works: { phase: 'plan', forMs: 19_000 },
    last: 'Say which options may be undefined',
  },
  {
    ...{ name: 'speedy', project: 'api', focus: 'what takes long', keeps: 21 },
    works: { phase: 'hack', forMs: 412_000, on: 'Read the index once for all queries of a request' },
    last: 'Keep compiled patterns between calls',
  },
  {
    ...{
      name: 'tidier',
      project: 'api',
      focus: 'code nobody calls',
      keeps: 27,
      last: 'Remove the second parser of dates',
    },
    more: {
      lastOutcome: 'failed',
      parked: { until: at(9 * MINUTE), reason: 'the service is overloaded', failure: 'overloaded' },
    },
  },
  {
    ...{ name: 'scribe', project: 'api', focus: 'documentation', keeps: 62, last: 'Say what a cursor is' },
    more: { pausedBy: 'mia' },
  },
  {
    ...{ name: 'painter', project: 'web', focus: 'layout on small screens', keeps: 41 },
    works: { phase: 'hack', forMs: 77_000, on: 'Keep the toolbar in reach on phones' },
    last: 'Wrap long names in the list of members',
  },
  {
    ...{ name: 'reader', project: 'web', focus: 'accessibility', keeps: 51 },
    works: { phase: 'analyze', forMs: 6_000 },
    last: 'Name every button for screen readers',
  },
  {
    ...{ name: 'courier', project: 'web', focus: 'requests that fail', keeps: 38 },
    works: { phase: 'evaluate', forMs: 93_000, on: 'Try a lost request once more, with the same key' },
    last: 'Show which request failed',
  },
  {
    ...{
      name: 'weaver',
      project: 'web',
      focus: 'types of the API',
      keeps: 44,
      last: 'Make the client of the description',
    },
  },
  {
    ...{ name: 'scout', project: 'web', focus: 'outdated dependencies', keeps: 30, last: 'Upgrade the router' },
    more: { lastOutcome: 'discarded' },
  },
  {
    ...{ name: 'keeper', project: 'web', focus: 'bundle size', keeps: 25, last: 'Load the editor when it is opened' },
  },
];

const figures = (problems: number, failed: number, passed: number): Figures => ({
  problems,
  failed,
  passed,
  skipped: 2,
});

const OTHERS: [Outcome, number][] = [
  ['discarded', 0.72],
  ['empty', 0.9],
  ['failed', 0.97],
  ['interrupted', 1],
];

const outcomeOf = (random: () => number, keeps: number): Outcome => {
  if (random() * 100 < keeps) return 'pushed';
  const lot = random();
  return OTHERS.find(([, upTo]) => lot < upTo)![0];
};

const addProjects = (state: State, random: () => number): void => {
  for (const [name, tip, begin, passed] of [
    ['api', '762642cb5f1a90d3e8b7c6a5f4e3d2c1b0a9f8e7', [41, 12], 318],
    ['web', 'b81d04f7aa52c39e61f00d7be2c4a6958d3c1b0e', [23, 5], 204],
  ] as const) {
    const workers = WORKERS.filter(({ project }) => project === name);
    let [problems, failed]: number[] = [...begin];
    const recent = Array.from({ length: 60 }, (_, n) => {
      const worker = workers[n % workers.length]!;
      const outcome = outcomeOf(random, worker.keeps);
      const before = figures(problems!, failed!, passed + n);
      if (outcome === 'pushed') {
        problems = Math.max(name === 'api' ? 2 : 0, problems! - Math.floor(random() * 4));
        failed = Math.max(name === 'api' ? 1 : 0, failed! - (random() < 0.55 ? 1 : 0));
      }
      return {
        ...{ cycle: `${worker.name}-${n}`, session: worker.name, project: name, outcome, reason: '', files: [] },
        ...{ at: at(-(60 - n) * 11 * MINUTE), before, costUsd: 0.1 + random() * 0.3 },
      };
    });
    const baseline = { commit: tip, tree: 't', figures: figures(problems!, failed!, passed + 61) };
    state.projects[name] = { name, tip, baseline, flaky: {}, landings: [], recent };
  }
};

const addSessions = (state: State, random: () => number): void => {
  const bySession: Record<string, number> = {};
  for (const { name, project, keeps, works, last, more } of WORKERS) {
    const cycles = 30 + Math.floor(random() * 40);
    const pushed = Math.round((cycles * keeps) / 100);
    bySession[name] = Math.round((0.3 + random() * 0.9) * 100) / 100;
    const known = knownOf(name, {
      ...{ project, costUsd: cycles * 0.11, lastCycleAt: at(-Math.floor(4 + random() * 50) * MINUTE) },
      counts: { pushed, discarded: cycles - pushed - 3, empty: 2, failed: 1 },
      ...{ lastOutcome: 'pushed' as const, lastReason: 'better', lastTitle: last },
      ...more,
    });
    if (works) {
      const { phase, forMs, on } = works;
      const cycle = runningOf(name, {
        ...{ project, pid: 4121, phase, phaseAt: at(-forMs), startedAt: at(-forMs - 2 * MINUTE) },
        ...(on ? { planTitle: on } : {}),
      });
      state.running[cycle.cycle] = cycle;
      known.running = cycle.cycle;
    }
    state.sessions[name] = known;
  }
  for (let n = 0; n < 14; n += 1) {
    const counts = { pushed: 24 + Math.floor(random() * 26), discarded: 22 + Math.floor(random() * 26), empty: 4 };
    const costUsd = n === 0 ? Object.values(bySession).reduce((sum, cost) => sum + cost, 0) : 9 + random() * 9;
    state.days[at(-n * DAY).slice(0, 10)] = { costUsd, bySession: n === 0 ? bySession : {}, byProject: {}, counts };
  }
};

const BRANCH = {
  mine: 'brl/courier/20260314-091207',
  waiting: 'brl/fixer/20260314-094306',
};

const addBranches = (state: State): void => {
  const reviewed = (reason: string) =>
    ({ review: 'r', by: 'reviewer', name: 'reviewer', at: at(-HOUR), reason }) as const;
  const add = (
    branch: string,
    project: string,
    title: string,
    minutes: number,
    status: BranchStatus,
    more: Partial<QueuedBranch> = {},
  ): void => {
    const moment = at(-minutes * MINUTE);
    state.queue[branch] = {
      ...{ branch, commit: 'c0ffee', base: 'b', tree: 't', project, session: branch.split('/')[1]!, cycle: 'c' },
      ...{ kind: 'change', title, at: moment, changedAt: moment, status, ...more },
    };
  };
  add(BRANCH.mine, 'web', 'Try a lost request once more', 48, {
    ...{ state: 'needs-human' },
    ...reviewed('it repeats requests that may have been carried out: whether that is safe is for a person to say'),
  });
  add(BRANCH.waiting, 'api', 'Return 0 for the mean of nothing', 17, { state: 'pending', note: '' });
  add('brl/painter/20260314-093911', 'web', 'Wrap long names in the list of members', 21, {
    state: 'pending',
    note: '',
  });
  add('brl/tester/20260314-092740', 'api', 'Test that retries stop at the limit', 32, {
    ...{ state: 'approved' },
    ...reviewed('it tests what it says'),
  });
  const landed = { state: 'landed', main: 'm', merged: '762642cb5f1a', review: 'r' } as const;
  add('brl/scribe/20260314-085512', 'api', 'Say what a cursor is', 65, landed);
  add('brl/weaver/20260314-083350', 'web', 'Make the client of the description', 86, landed);
  add('brl/typist/20260314-081004', 'api', 'Say which options may be undefined', 110, landed);
  add('brl/speedy/20260314-074418', 'api', 'Keep results of all queries', 136, {
    ...{ state: 'rejected' },
    ...reviewed('what is kept is never given up: memory grows with every query'),
  });
  add('brl/scout/20260314-072255', 'web', 'Upgrade the router', 157, {
    ...{ state: 'dropped', why: 'red' },
    reason: 'with main as it is now `pages.test.ts > goes back` fails',
  });
  add('brl/reader/20260314-070131', 'web', 'Name every button for screen readers', 179, landed);
};

const addRest = (state: State): void => {
  state.processes['4121'] = {
    pid: 4121,
    start: '1',
    at: at(-76 * HOUR),
    roles: ['scheduler', 'session', 'train', 'http'],
  };
  for (const task of [
    taskOf('01KTASK00000000000000CSVX2', {
      ...{ text: 'The parser loses the last line of a file without a newline', priority: 'urgent', session: 'tester' },
      ...{ state: 'assigned', attempts: 1, queuedAt: at(-22 * MINUTE) },
    }),
    taskOf('01KTASK0000000000000004K7Q', {
      ...{ text: 'Show how long a build took', project: 'web', priority: 'high', queuedAt: at(-51 * MINUTE) },
    }),
    taskOf('01KTASK000000000000000M2PD', { text: 'Say in the log who asked', queuedAt: at(-3 * HOUR) }),
    taskOf('01KTASK000000000000000N8RT', {
      ...{ text: 'Move the clock into a port', priority: 'low', queuedAt: at(-5 * HOUR) },
    }),
    taskOf('01KTASK000000000000000W4HF', {
      ...{ text: 'Upgrade the parser of dates', state: 'failed', attempts: 3, queuedAt: at(-7 * HOUR) },
      reason: 'three attempts were discarded: each broke `dates.test.ts > reads leap seconds`',
    }),
    taskOf('01KTASK000000000000000B1ZC', {
      ...{ text: 'Add a favicon', project: 'web', state: 'done', session: 'painter', queuedAt: at(-9 * HOUR) },
    }),
  ])
    state.tasks[task.id] = task;
  state.requests['01KREQUEST000000000000V5TN'] = {
    ...{ id: '01KREQUEST000000000000V5TN', what: 'review', args: {}, by: { face: 'http', name: 'ci' }, joined: [] },
    ...{ at: at(-90_000), taken: { pid: 4121, start: '1', at: at(-80_000), times: 1 } },
  };
  state.requests['01KREQUEST000000000000H3WD'] = {
    ...{ id: '01KREQUEST000000000000H3WD', what: 'standup', args: { short: true }, by: { face: 'tui', name: 'mia' } },
    ...{ joined: [], at: at(-2 * HOUR), settled: { done: true, note: '12 of 12 sessions', at: at(-118 * MINUTE) } },
  };
  state.doctor = {
    ...{ id: 'd', at: at(-40 * MINUTE), file: 'logs/doctor/2026-03-14T09-20.md' },
    classes: {
      ...{ fixer: 'productive', tester: 'productive', typist: 'productive', speedy: 'stuck', scribe: 'productive' },
      ...{
        painter: 'productive',
        reader: 'productive',
        courier: 'productive',
        weaver: 'idle',
        tidier: 'error-looping',
      },
    },
  };
  const skill = (name: string, description: string, kept: number, without: number, by: 'doctor' | 'person') => {
    state.skills[name] = {
      ...{ name, description, by, hash: 'h', writtenAt: at(-3 * DAY), evidence: ['01KCYCLE00000000000000B7QM'] },
      ...{ with: { kept, ended: 40 }, without: { kept: without, ended: 21 } },
    };
  };
  skill('run-one-test', 'How a single test of this repository is run, and how its output is read', 23, 7, 'doctor');
  skill('fixtures', 'Where fixtures live and how a new one is made', 19, 8, 'person');
  skill('no-snapshots', 'Why snapshots of whole pages are not wanted', 14, 9, 'doctor');
  state.proposals.p = {
    ...{ id: '01KPROPOSAL0000000000T6GXB', at: at(-40 * MINUTE), session: 'speedy' },
    evidence: ['01KCYCLE00000000000000B7QM', '01KCYCLE00000000000000F2VA', '01KCYCLE00000000000000K9SD'],
    status: { state: 'open' },
    change: {
      file: 'sessions/speedy.md',
      find: 'Make it faster.',
      replace: 'Measure first, with `npm run bench`. Make one thing faster, and say by how much.',
      why: 'three cycles in a row made something faster that nobody waits for',
    },
  };
};

/** An entry that has much to tell. */
export const DISCARDED = '01KENTRY000000000000000007';

const entries = (): Entry[] => {
  const told: Entry[] = [];
  const say = <T extends EntryType>(
    type: T,
    minutes: number,
    session: string | undefined,
    data: Partial<EntryData<T>>,
  ) =>
    told.push({
      ...{ id: `01KENTRY${String(told.length).padStart(18, '0')}`, ts: at(-minutes * MINUTE), type },
      ...(session ? { session, project: WORKERS.find(({ name }) => name === session)?.project ?? 'api' } : {}),
      data: { ...DATA[type], ...data },
    } as Entry);
  const plan = (title: string) => ({ ...DATA.plan_made.plan, title });
  say('alert', 71, 'tidier', {
    message: 'tidier: claude exited three times in a row because the service is overloaded',
    mend: 'Nothing to do: it rests for a while, then it is tried again.',
  });
  const { note: _, ...landing } = DATA.merged.landings[0]!;
  say('merged', 65, undefined, {
    landings: [{ ...landing, branch: 'brl/scribe/20260314-085512' }],
  });
  say('branch_pushed', 48, 'courier', { branch: BRANCH.mine });
  say('gate_closed', 41, undefined, { gate: 'memory', reason: '87% of 64 GiB used, the limit is 85%', figures: {} });
  const [looping] = DATA.doctor_analysis.sessions;
  say('doctor_analysis', 40, undefined, {
    sessions: [
      { ...looping!, session: 'tidier' },
      { ...looping!, session: 'speedy', class: 'stuck', effect: 'redirected' },
    ],
    file: 'logs/doctor/2026-03-14T09-20.md',
  });
  say('gate_opened', 38, undefined, { gate: 'memory', closedMs: 180_000 });
  say('ralph_cycle', 32, 'tester', { plan: plan('Test that retries stop at the limit') });
  say('ralph_cycle', 27, 'scout', {
    ...{ outcome: 'discarded', reason: 'worse: `pages.test.ts > goes back` fails', branch: undefined },
    plan: {
      ...{ ...plan('Upgrade the router'), why: 'it is two major versions behind', kind: 'chore' },
      ...{ files: ['src/router.ts', 'package.json'], expects: 'all pages open as before' },
    },
    ...{ verdict: 'worse', fixed: [], broken: ['tests: pages.test.ts > goes back'] },
  });
  say('branch_pushed', 21, 'painter', { branch: 'brl/painter/20260314-093911' });
  say('branch_pushed', 17, 'fixer', { branch: BRANCH.waiting });
  say('plan_made', 8, 'speedy', { plan: plan('Read the index once for all queries of a request'), attempt: 1 });
  say('plan_made', 4, 'fixer', { plan: plan('Sort numerically in median'), attempt: 1 });
  say('evaluated', 1.2, 'courier', { verdict: 'better', reason: '1 test mended, nothing broken', findings: [] });
  say('cycle_phase', 0.7, 'tester', { phase: 'evaluate' });
  say('cycle_phase', 0.1, 'reader', { phase: 'analyze' });
  return told;
};

const LIVE = [
  'The failing test is `median.test.ts > of numbers with different digits`: the array is sorted as text.',
  '> Read src/stats/median.ts',
  '  | 12  export const median = (values: number[]): number => {',
  '  | 13    const sorted = values.sort();',
  '  | 14    const middle = Math.floor(sorted.length / 2);',
  '`sort()` without a comparison sorts by the text of each number, and it changes the array of the caller.',
  '> Edit src/stats/median.ts',
  '  | - const sorted = values.sort();',
  '  | + const sorted = values.toSorted((a, b) => a - b);',
  '> Bash npm test -- median',
  '  | ✓ median.test.ts (6 tests) 41ms',
  'All six pass. I look whether somebody relied on the array being sorted afterwards.',
  '> Grep median\\( src',
  '  | src/report/summary.ts:31: const middle = median(durations);',
  '  | src/report/summary.ts:32: const slowest = durations.at(-1);',
  '  ! summary.ts took the last element as the largest: that was true only by accident',
  'I take the maximum there instead, and add a test for it.',
  '> Edit src/report/summary.ts',
];

const PATCH = `diff --git a/src/request.ts b/src/request.ts
--- a/src/request.ts
+++ b/src/request.ts
@@ -18,7 +18,15 @@ export const send = async (call: Call): Promise<Answer> => {
-  return await transport(call);
+  const key = call.key ?? crypto.randomUUID();
+  try {
+    return await transport({ ...call, key });
+  } catch (error) {
+    if (!isLost(error)) throw error;
+    // The same key: what was carried out already is answered and not done again.
+    return await transport({ ...call, key });
+  }
 };
diff --git a/test/request.test.ts b/test/request.test.ts
--- a/test/request.test.ts
+++ b/test/request.test.ts
@@ -40,3 +40,10 @@ describe('a request', () => {
+  it('that is lost is sent once more, under the same key', async () => {
+    const sent = lossy({ first: 'lost' });
+    await send(call);
+    expect(sent.map(({ key }) => key)).toEqual([sent[0].key, sent[0].key]);
+  });
`;

const branchView = (state: State): Extract<Sight['branch'], { state: 'read' }> => ({
  ...{ name: BRANCH.mine, state: 'read' },
  view: {
    branch: state.queue[BRANCH.mine]!,
    ...{ before: figures(4, 2, 231), after: figures(4, 1, 233) },
    comparison: {
      ...{ verdict: 'better', reason: '1 test mended, 1 added, nothing broken', vanished: [], skipped: [] },
      ...{ fixed: ['tests: request.test.ts > survives a lost answer'], broken: [], added: [] },
    },
    findings: [],
    review: {
      ...{ id: 'r', ts: at(-45 * MINUTE), type: 'cto_review', project: 'web' },
      data: {
        ...DATA.cto_review,
        ...{ branch: BRANCH.mine, decision: 'needs-human', risk: 'medium', comments: [] },
        reasons: [
          'It does what it says, and the test fails without it.',
          'It repeats requests that may have been carried out: is every route idempotent?',
        ],
      },
    } as never,
    comments: [],
    diff: {
      stat: ' src/request.ts       | 10 +++++++++-\n test/request.test.ts |  5 +++++\n 2 files changed, 14 insertions(+), 1 deletion(-)',
      patch: PATCH,
      truncated: false,
    },
  },
});

/** What somebody sees who looks at it in this way. */
export const feed = (ui: Partial<Ui> = {}): Sight => {
  const state = stateOf((made) => {
    const random = seeded(20_260_314);
    addProjects(made, random);
    addSessions(made, random);
    addBranches(made);
    addRest(made);
  });
  const config = { ...configOf({ gates: { budgetPerDayUsd: 20 } }), slots: { tsc: 2, test: 2 } };
  const sessions = WORKERS.map(({ name, project, focus }) => sessionOf(name, { project, focus }));
  const facts = { ...roomy, memoryUsedShare: 0.61, memoryAvailableBytes: 25 * GIB };
  const holds = (who: string) => ({ who, pid: 4121, sinceMs: NOW });
  const status = statusView({
    ...{ home: '/srv/factory', state, config, facts, now: NOW, sessions, isAlive: () => true },
    slots: [
      { name: 'tsc', capacity: 2, held: [holds('tester')], waiting: [] },
      { name: 'test', capacity: 2, held: [holds('courier'), holds('tester')], waiting: [holds('reader')] },
    ],
  });
  // Of a counter the view reads these three.
  const counter = { journal: { state: () => state }, config: () => config, sessions: () => sessions };
  const random = seeded(7);
  return {
    view: { ...boardView(counter as unknown as Counter, status, facts), trouble: undefined },
    entries: entries(),
    live: { cycle: 'cycle-fixer', lines: LIVE },
    branch: branchView(state),
    memory: Array.from({ length: 120 }, (_, n) => 0.48 + Math.sin(n / 17) * 0.09 + random() * 0.05 + n / 1500),
    ui: { ...startUi(), ...ui },
    now: NOW,
  };
};
