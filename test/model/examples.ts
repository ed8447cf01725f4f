import type { Entry, EntryData, EntryOf, EntryType, RalphCycle } from '../../src/model/entry.ts';

/** One believable entry of every type: what a journal holds after some hours of work. */

export const FIGURES = { problems: 3, passed: 120, failed: 1, skipped: 2 };
const PLAN = {
  title: 'Return an empty list when nothing matches',
  why: 'search.test.ts > finds nothing fails: the function returns undefined',
  kind: 'fix',
  files: ['src/search.ts'],
  expects: 'search.test.ts > finds nothing passes',
};
const TOKENS = { input: 1200, output: 800, cacheRead: 30_000, cacheWrite: 4000 };
const COMMIT = '4f2a9c1e8b7d6a5f4e3d2c1b0a9f8e7d6c5b4a39';
const TREE = 'b6589fc6ab0dc82cf12099d1c2d40ab994e8410c';
const BRANCH = 'brl/alpha/20260314-091500';

export const CYCLE: RalphCycle = {
  outcome: 'pushed',
  reason: 'better: 1 failing test fixed, nothing broken',
  trigger: 'schedule',
  plan: PLAN,
  base: COMMIT,
  branch: BRANCH,
  commit: COMMIT,
  tree: TREE,
  verdict: 'better',
  before: FIGURES,
  after: { ...FIGURES, passed: 121, failed: 0 },
  fixed: ['tests: search.test.ts > finds nothing'],
  broken: [],
  findings: [],
  diff: { files: 1, added: 2, removed: 1 },
  files: ['src/search.ts'],
  iterations: 1,
  costUsd: 0.42,
  tokens: TOKENS,
  checks: { ran: 2, reused: 2 },
  times: { read: 300, analyze: 1200, plan: 20_000, hack: 90_000, evaluate: 15_000, total: 126_500 },
  transcript: 'logs/transcripts/01KKN3V8ZC0000000000000000',
  skills: [],
  memoryPeakBytes: 734_003_200,
};

export const DATA: { [T in EntryType]: EntryData<T> } = {
  process_started: { pid: 4242, start: '998877', version: '0.1.0', node: 'v22.1.0', roles: ['scheduler', 'session'] },
  process_stopped: { pid: 4242, reason: 'stopped' },
  config_loaded: { hash: 'c0ffee', projects: ['api'], sessions: ['alpha', 'beta'] },
  config_rejected: {
    problems: ['winnow.config.yaml:14  projects[0].checks[1].parse: found "tscc", expected one of tsc, vitest-json'],
  },
  cycle_started: { pid: 4242, start: '998877', trigger: 'schedule', workspace: '/home/me/w/.winnow/workspaces/alpha' },
  cycle_phase: { phase: 'analyze' },
  ralph_cycle: CYCLE,
  main_moved: { branch: 'main', from: TREE, to: COMMIT, commits: 2 },
  baseline_measured: { commit: COMMIT, tree: TREE, figures: FIGURES, report: `logs/reports/baseline-${TREE}.json` },
  project_unready: {
    failure: 'repo-unreachable',
    message: 'git@example.com:me/api.git does not answer',
    mend: 'Check the network and the credentials with `git ls-remote` on the same URL.',
  },
  project_ready: {},
  install_ran: { key: 'a1b2', command: 'npm ci', ok: true, durationMs: 34_000, message: '' },
  dependencies_damaged: { key: 'abc', by: 'agent', what: 'alpha' },
  check_ran: {
    check: 'tests',
    tree: TREE,
    key: 'd4e5f6',
    state: 'evaluated',
    green: false,
    exitCode: 1,
    figures: FIGURES,
    durationMs: 12_345,
    cpuMs: 20_000,
    waitedMs: 0,
  },
  test_flaky: { check: 'tests', test: 'clock.test.ts > ticks', tree: TREE },
  plan_made: { plan: PLAN, attempt: 1 },
  plan_refused: {
    title: PLAN.title,
    why: 'claim',
    reason: 'beta is working on src/search.ts right now (“Split the parser”)',
    reference: '01KKN3V8ZC0000000000000001',
  },
  claim_taken: { title: PLAN.title, files: PLAN.files },
  claim_released: {},
  agent_ran: {
    run: '01KKN3V8ZC0000000000000000-1',
    purpose: 'hack',
    model: 'sonnet',
    conversation: '0b1c2d3e-0000-4000-8000-000000000000',
    ok: true,
    attempt: 1,
    exitCode: 0,
    turns: 14,
    costUsd: 0.31,
    tokens: TOKENS,
    durationMs: 88_000,
    transcript: 'logs/transcripts/01KKN3V8ZC0000000000000000/1.jsonl',
    survivorsKilled: 0,
  },
  run_retry_planned: { run: '01KKN3V8ZC0000000000000000-1', failure: 'overloaded', attempt: 1, delayMs: 8000 },
  evaluated: {
    iteration: 1,
    commit: COMMIT,
    tree: TREE,
    verdict: 'better',
    reason: '1 failing test fixed, nothing broken',
    fixed: 1,
    broken: 0,
    findings: [],
  },
  intent: { effect: 'push-branch', branch: BRANCH, commit: COMMIT, cycle: CYCLE },
  intent_settled: { intent: '01KKN3V8ZC0000000000000009', done: true, note: 'pushed' },
  branch_pushed: { branch: BRANCH, commit: COMMIT, base: COMMIT, tree: TREE },
  branch_deleted: {
    branch: BRANCH,
    commit: COMMIT,
    patch: 'logs/patches/01KKN3V8ZC0000000000000000.patch',
    reason: 'breaks 1 test: search.test.ts > finds all',
  },
  gate_closed: {
    gate: 'memory',
    reason: '92 % of 16.0 GB used; opens at 80 %',
    figures: { usedShare: 0.92, limit: 0.85 },
  },
  gate_opened: { gate: 'memory', closedMs: 754_000 },
  session_parked: { failure: 'crashed', reason: 'claude exited with 1', until: '2026-03-14T10:30:00.000Z' },
  session_unparked: { reason: 'the time it was parked for is over' },
  paused: { by: 'mia', reason: 'release day' },
  resumed: { by: 'mia' },
  task_queued: {
    task: '01KKN3V8ZC00000000000TASK1',
    text: 'Make the search ignore accents',
    priority: 'high',
    origin: 'person',
  },
  task_assigned: { task: '01KKN3V8ZC00000000000TASK1' },
  task_returned: { task: '01KKN3V8ZC00000000000TASK1', reason: 'discarded: breaks 1 test: adds', counted: true },
  task_done: { task: '01KKN3V8ZC00000000000TASK1', reason: `${BRANCH} waits for review` },
  task_failed: { task: '01KKN3V8ZC00000000000TASK1', reason: 'the file it names does not exist' },
  task_cancelled: { task: '01KKN3V8ZC00000000000TASK1', reason: 'no longer wanted' },
  alert: {
    message: 'Claude Code is not logged in',
    mend: 'Log in with `claude` then /login, or put ANTHROPIC_API_KEY into .env.',
  },
  journal_damaged: { offset: 81_920, bytes: 310, what: 'the checksum does not fit' },
  swept: { marker: '01KKN3V8ZC0000000000000000', killed: 3 },
};

export const TYPES = Object.keys(DATA) as EntryType[];

/** The entry of a type, as it stands in the journal; by a session of the project `api`. */
export const exampleOf = <T extends EntryType>(type: T, more: Partial<EntryOf<T>> = {}): EntryOf<T> =>
  ({
    id: '01KKN3V8ZC0000000000000010',
    ts: '2026-03-14T09:15:00.000Z',
    type,
    project: 'api',
    session: 'alpha',
    cycle: '01KKN3V8ZC0000000000000000',
    data: structuredClone(DATA[type]),
    ...more,
  }) as EntryOf<T>;

export const anyExampleOf = (type: EntryType): Entry => exampleOf(type) as Entry;
