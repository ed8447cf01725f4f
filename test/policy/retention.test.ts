import { describe, expect, it } from 'vitest';
import type { BranchStatus, QueuedBranch, State } from '../../src/model/state.ts';
import { groupsOf, type Item, judgeItem, planRetention } from '../../src/policy/retention.ts';
import { at, configOf, NOW, runningOf, stateOf } from './situations.ts';

const DAY = 86_400_000;
const REVIEWED = { review: 'r', by: 'person', name: 'ada', reason: 'no', at: at(0) } as const;
const COMMIT = 'c'.repeat(40);
const BRANCH = 'brl/alpha/20260101-000000';
const CYCLE = '01KKN3V8ZC0000000000000000';

const queued = (status: BranchStatus, more: Partial<QueuedBranch> = {}): QueuedBranch => ({
  ...{ branch: BRANCH, commit: COMMIT, base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: CYCLE },
  ...{ title: '', kind: 'change', at: at(0), changedAt: at(0), status },
  ...more,
});

const judged = (item: Partial<Item> & Pick<Item, 'kind'>, change?: (state: State) => void) =>
  judgeItem(
    { name: item.name ?? 'x', bytes: 1, usedMs: NOW - 1000 * DAY, ...item },
    { state: stateOf(change), projects: ['api'], retention: configOf().retention, now: NOW },
  );

const inQueue =
  (status: BranchStatus, more: Partial<QueuedBranch> = {}) =>
  (state: State): void => {
    state.queue[BRANCH] = queued(status, more);
  };
const inCycle = (state: State): void => {
  state.running[CYCLE] = { ...runningOf('alpha'), cycle: CYCLE, session: 'alpha' };
};
const isTaken = (state: State): void => {
  const taken = { cycle: 'c9', by: 'mia', pid: 1, start: '1', at: '2026-03-14T09:00:00.000Z' };
  state.sessions.alpha = { name: 'alpha', project: 'api', failuresInARow: 0, counts: {}, costUsd: 0, taken };
};
const rejected: BranchStatus = { state: 'rejected', ...REVIEWED };
const OPEN: BranchStatus[] = [
  { state: 'pending', note: '' },
  { state: 'needs-human', ...REVIEWED },
  { state: 'approved', ...REVIEWED },
];

type Row = [what: string, item: Partial<Item> & Pick<Item, 'kind'>, change: ((state: State) => void) | undefined];

describe('what goes', () => {
  it.each<[...Row, why: string]>([
    ['an old transcript', { kind: 'transcripts', cycle: CYCLE }, undefined, 'older than 30d'],
    ['a conversation of a session at rest', { kind: 'conversations', session: 'alpha' }, undefined, 'older than 30d'],
    ['an old report', { kind: 'reports', cycle: CYCLE }, undefined, 'older than 90d'],
    ['the baseline of a tree of the past', { kind: 'reports', tree: 'old' }, undefined, 'older than 90d'],
    ['a result that nothing asks for', { kind: 'checks' }, undefined, 'unused for 30d'],
    ['a checkout', { kind: 'checkouts', project: 'api' }, undefined, 'unused for 7d'],
    ['the home of checks of a project of the past', { kind: 'homes', project: 'gone' }, undefined, 'unused for 7d'],
    [
      'a workspace at rest',
      { kind: 'workspaces', session: 'alpha' },
      undefined,
      'unused for 7d; unsaved work becomes a patch first',
    ],
    [
      'a kept commit of a branch that was rejected and deleted',
      { kind: 'commits', branch: BRANCH, commit: COMMIT, session: 'alpha' },
      inQueue(rejected, { deleted: true }),
      'closed 30d ago; a patch is kept',
    ],
    ['a half-written file', { kind: 'leftovers' }, undefined, 'half-written by a process that died'],
    [
      'a home that is too large, however young',
      { kind: 'homes', session: 'alpha', usedMs: NOW, bytes: 3 * 1024 ** 3 },
      undefined,
      'larger than retention.homeSize',
    ],
  ])('%s', (_, item, change, why) => {
    expect(judged(item, change)).toMatchObject({ goes: true, why });
  });
});

describe('what stays, though it is old', () => {
  const commit = { kind: 'commits', branch: BRANCH, commit: COMMIT, session: 'alpha' } as const;
  it.each<[...Row, why: string]>([
    ['the transcript of a running cycle', { kind: 'transcripts', cycle: CYCLE }, inCycle, 'its cycle is running'],
    ['a workspace in use', { kind: 'workspaces', session: 'alpha' }, inCycle, 'alpha is in a cycle'],
    ['a conversation that goes on', { kind: 'conversations', session: 'alpha' }, inCycle, 'alpha is in a cycle'],
    ['a home in use', { kind: 'homes', session: 'alpha' }, inCycle, 'alpha is in a cycle'],
    ['the home of a role', { kind: 'homes', session: 'reviewer' }, undefined, 'the reviewer may be using it'],
    ['the home of checks', { kind: 'homes', project: 'api' }, undefined, 'the checks of api use it'],
    ['a temporary file of a running session', { kind: 'tmp', session: 'alpha' }, inCycle, 'alpha is in a cycle'],
    ['a workspace that a person has', { kind: 'workspaces', session: 'alpha' }, isTaken, 'alpha is taken by mia'],
    ['a commit that a running session holds', commit, inCycle, 'alpha is in a cycle'],
    [
      'a commit whose branch the remote still has',
      commit,
      inQueue(rejected),
      'the branch in the remote is deleted first',
    ],
    [
      'a commit whose push is not settled',
      commit,
      (state: State) => {
        const data = { effect: 'delete-branch', branch: BRANCH, commit: COMMIT, reason: 'rejected' } as const;
        state.queue[BRANCH] = queued(rejected, { deleted: true });
        state.intents.i = { id: 'i', at: at(0), data };
      },
      'what was to be done with it is not settled yet',
    ],
    [
      'a commit under a name of no session',
      { kind: 'commits', branch: 'train/1', commit: COMMIT },
      undefined,
      'a role keeps it for itself',
    ],
    [
      'a remote branch that the journal does not know',
      { kind: 'branches', branch: 'brl/mine', commit: COMMIT },
      undefined,
      'the journal does not know it: a person may have pushed it',
    ],
    [
      'a remote branch that was rejected, which is the train’s',
      { kind: 'branches', branch: BRANCH, commit: COMMIT, usedMs: NOW },
      inQueue(rejected),
      'it is closed: the train deletes it at its next round',
    ],
    [
      'a closed remote branch that somebody moved',
      { kind: 'branches', branch: BRANCH, commit: 'd' },
      inQueue(rejected),
      'somebody moved it',
    ],
    [
      'the mirror of a project of the past',
      { kind: 'mirrors' },
      undefined,
      'only a person can tell whether what it holds is still wanted',
    ],
    [
      'what is a link',
      { kind: 'checks', unsafe: 'it is a link to somewhere else' },
      undefined,
      'it is a link to somewhere else',
    ],
    [
      'the baseline of main',
      { kind: 'reports', tree: 't1' },
      (state: State) => {
        const baseline = { commit: 'c', tree: 't1', figures: { problems: 0, passed: 0, failed: 0, skipped: 0 } };
        state.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], baseline };
      },
      'it is the baseline of api',
    ],
    ...OPEN.flatMap((status): [...Row, why: string][] => [
      [
        `the transcript of a branch that is ${status.state}`,
        { kind: 'transcripts', cycle: CYCLE },
        inQueue(status),
        `${BRANCH} is open`,
      ],
      [
        `the report of a branch that is ${status.state}`,
        { kind: 'reports', cycle: CYCLE },
        inQueue(status),
        `${BRANCH} is open`,
      ],
      [`the commit of a branch that is ${status.state}`, commit, inQueue(status), `${BRANCH} is open`],
      [
        `the remote branch that is ${status.state}`,
        { kind: 'branches', branch: BRANCH, commit: COMMIT },
        inQueue(status),
        'it is open',
      ],
    ]),
  ])('%s', (_, item, change, why) => {
    expect(judged(item, change)).toMatchObject({ goes: false, old: true, why });
  });

  it('the review and the patch of an open branch, when these are not kept for ever', () => {
    const retention = { ...configOf().retention, patches: DAY, reviews: DAY };
    const state = stateOf(inQueue({ state: 'pending', note: '' }, { patch: 'logs/patches/p.patch' }));
    const items: Item[] = [
      { kind: 'patches', name: 'logs/patches/p.patch', bytes: 1, usedMs: 0 },
      { kind: 'reviews', name: 'r', branch: 'brl-alpha-20260101-000000', bytes: 1, usedMs: 0 },
      { kind: 'reviews', name: 's', branch: 'brl-beta-1', bytes: 1, usedMs: 0 },
    ];
    const plan = planRetention(items, { state, projects: [], retention, now: NOW });
    expect(plan.goes.map(({ item }) => item.name)).toEqual(['s']);
    expect(plan.stays.map(({ why }) => why)).toEqual([`${BRANCH} is open`, `${BRANCH} is open`]);
  });
});

it('neither lists nor removes what has not had its time, to the millisecond', () => {
  const world = { state: stateOf(), projects: [], retention: configOf().retention, now: NOW };
  const items = [30 * DAY - 1, 30 * DAY].map(
    (age): Item => ({ kind: 'checks', name: `${age}`, bytes: 1, usedMs: NOW - age }),
  );
  const plan = planRetention(items, world);
  expect(plan.goes.map(({ item }) => item.name)).toEqual([`${30 * DAY}`]);
  expect(plan.stays).toEqual([]);
});

it('keeps patches and reviews for ever unless the configuration says otherwise', () => {
  expect(judged({ kind: 'patches', usedMs: 0 })).toMatchObject({ goes: false, old: false });
  expect(judged({ kind: 'reviews', usedMs: 0 })).toMatchObject({ goes: false, old: false });
});

it('takes names that every object answers to for names', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    expect(judged({ kind: 'transcripts', cycle: name }).goes).toBe(true);
    expect(judged({ kind: 'commits', branch: name, commit: COMMIT }).why).toBe('a role keeps it for itself');
    expect(judged({ kind: 'branches', branch: name, commit: COMMIT }).goes).toBe(false);
  }
});

it('tells together what goes for the same reason, with the first few names', () => {
  const plan = planRetention(
    ['a', 'b', 'c', 'd'].map((name): Item => ({ kind: 'checks', name, bytes: 10, usedMs: 0 })),
    { state: stateOf(), projects: [], retention: configOf().retention, now: NOW },
  );
  expect(groupsOf(plan.goes)).toEqual([
    { kind: 'checks', why: 'unused for 30d', count: 4, bytes: 40, names: ['a', 'b', 'c'] },
  ]);
});
