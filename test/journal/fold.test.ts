import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createIds } from '../../src/base/ids.ts';
import { FOLD_VERSION, foldDamage, foldEntry, foldIllegal, illegalEntry } from '../../src/journal/fold.ts';
import { openJournal } from '../../src/journal/open.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryData, type EntryType } from '../../src/model/entry.ts';
import {
  BOT_SKILLS_KNOWN_MAX,
  CLOSED_BRANCHES_MAX,
  CLOSED_TASKS_MAX,
  DAMAGE_MAX,
  DAYS_MAX,
  emptyState,
  FLAKY_MAX,
  PROCESSES_MAX,
  RECENT_CYCLES_MAX,
  type State,
  TASK_CYCLES_MAX,
} from '../../src/model/state.ts';
import { TASK_ATTEMPTS_MAX, type Task } from '../../src/model/task.ts';
import { anyExampleOf, CYCLE, DATA, exampleOf, TYPES } from '../model/examples.ts';
import { howMany } from '../thoroughness.ts';

interface Where {
  project?: string;
  session?: string;
  cycle?: string;
  ts?: string;
  id?: string;
}

/** A state and one way to change it: the way of the journal, which asks whether an entry is legal before it folds it. */
const newStory = (state: State = emptyState()) => {
  let now = Date.parse('2026-03-14T09:00:00.000Z');
  let count = state.entries;
  const refusals: string[] = [];
  const tell = <T extends EntryType>(type: T, data: EntryData<T>, where: Where = {}): string => {
    count += 1;
    now += 1000;
    const id = `E${String(count).padStart(8, '0')}`;
    const entry = { id, ts: new Date(now).toISOString(), type, ...where, data } as unknown as Entry;
    expect(ENTRY_SCHEMAS[type].safeParse(data).error).toBeUndefined();
    const why = illegalEntry(state, entry);
    if (why === undefined) foldEntry(state, entry);
    else {
      refusals.push(why);
      foldIllegal(state, entry, why);
    }
    return entry.id;
  };
  return { state, tell, refusals };
};

const alpha = { project: 'api', session: 'alpha', cycle: 'c1' };
const started = DATA.cycle_started;

describe('a cycle', () => {
  it('is told from its start to its end', () => {
    const { state, tell, refusals } = newStory();
    tell('cycle_started', { ...started, task: 't1' }, alpha);
    expect(state.running.c1).toMatchObject({ session: 'alpha', phase: 'read', pid: 4242, task: 't1', claim: [] });
    expect(state.sessions.alpha).toMatchObject({ project: 'api', running: 'c1', lastCycleAt: state.lastTs });
    tell('cycle_phase', { phase: 'plan' }, alpha);
    expect(state.running.c1).toMatchObject({ phase: 'plan', phaseAt: state.lastTs });
    tell('agent_ran', { ...DATA.agent_ran, costUsd: 0.2, conversation: 'talk' }, alpha);
    tell('plan_made', DATA.plan_made, alpha);
    tell('claim_taken', { title: 'A', files: ['src/a.ts'] }, alpha);
    tell('evaluated', { ...DATA.evaluated, iteration: 2 }, alpha);
    expect(state.running.c1).toMatchObject({
      costUsd: 0.2,
      conversation: 'talk',
      planTitle: DATA.plan_made.plan.title,
      claim: ['src/a.ts'],
      claimTitle: 'A',
      iterations: 2,
    });
    tell('claim_released', {}, alpha);
    expect(state.running.c1).toMatchObject({ claim: [] });
    expect(state.running.c1).not.toHaveProperty('claimTitle');
    tell('ralph_cycle', CYCLE, alpha);
    expect(state.running).toEqual({});
    expect(state.sessions.alpha).not.toHaveProperty('running');
    expect(state.sessions.alpha).toMatchObject({
      lastOutcome: 'pushed',
      lastReason: CYCLE.reason,
      lastTitle: CYCLE.plan?.title,
      lastBranch: CYCLE.branch,
      counts: { pushed: 1 },
      costUsd: 0.2,
      memoryBytes: CYCLE.memoryPeakBytes,
    });
    expect(state.projects.api?.recent).toMatchObject([
      { cycle: 'c1', session: 'alpha', outcome: 'pushed', title: CYCLE.plan?.title, files: ['src/search.ts'] },
    ]);
    expect(state.days['2026-03-14']).toMatchObject({
      costUsd: 0.2,
      bySession: { alpha: 0.2 },
      byProject: { api: 0.2 },
      counts: { pushed: 1 },
    });
    expect(refusals).toEqual([]);
  });

  it('ends once: a second end is refused and counted, and changes nothing', () => {
    const { state, tell } = newStory();
    tell('cycle_started', started, alpha);
    tell('ralph_cycle', CYCLE, alpha);
    tell('ralph_cycle', { ...CYCLE, outcome: 'interrupted' }, alpha);
    expect(state.illegal).toEqual({ count: 1, last: 'ralph_cycle E00000003: cycle c1 is not running' });
    expect(state.sessions.alpha?.counts).toEqual({ pushed: 1 });
  });

  it.each<[what: string, type: EntryType, where: Where, why: string]>([
    ['a session has one at a time', 'cycle_started', { ...alpha, cycle: 'c2' }, 'alpha is already in cycle c1'],
    ['an id is used once', 'cycle_started', { ...alpha, session: 'beta' }, 'cycle c1 is running already'],
    [
      'it belongs to a session',
      'cycle_started',
      { project: 'api', cycle: 'c2' },
      'it names no session, project or cycle',
    ],
    ['another session cannot end it', 'ralph_cycle', { ...alpha, session: 'beta' }, 'cycle c1 is one of alpha'],
    ['a phase needs it', 'cycle_phase', { ...alpha, cycle: 'c9' }, 'cycle c9 is not running'],
    ['a claim needs it', 'claim_taken', { ...alpha, cycle: 'c9' }, 'cycle c9 is not running'],
  ])('%s', (_, type, where, why) => {
    const { tell, refusals, state } = newStory();
    tell('cycle_started', started, alpha);
    const before = JSON.stringify(state.running);
    tell(type, DATA[type], where);
    expect(refusals).toEqual([why]);
    expect(JSON.stringify(state.running)).toBe(before);
  });

  it('leaves nothing of the cycle before it that it did not have itself', () => {
    const { state, tell } = newStory();
    tell('cycle_started', started, alpha);
    tell('ralph_cycle', CYCLE, alpha);
    const { plan: _, branch: __, ...bare } = CYCLE;
    tell('cycle_started', started, { ...alpha, cycle: 'c2' });
    tell('ralph_cycle', { ...bare, outcome: 'failed', reason: 'no network' }, { ...alpha, cycle: 'c2' });
    expect(state.sessions.alpha).toMatchObject({ lastOutcome: 'failed', lastReason: 'no network' });
    expect(state.sessions.alpha).not.toHaveProperty('lastTitle');
    expect(state.sessions.alpha).not.toHaveProperty('lastBranch');
  });

  it('counts in a row what failed or could not be judged, which anything else but an interruption ends', () => {
    const { state, tell } = newStory();
    const rows = (['failed', 'unevaluated', 'interrupted', 'failed', 'empty', 'unevaluated'] as const).map(
      (outcome, n) => {
        const where = { ...alpha, cycle: `c${n}` };
        tell('cycle_started', started, where);
        tell('ralph_cycle', { ...CYCLE, outcome }, where);
        return state.sessions.alpha?.failuresInARow;
      },
    );
    expect(rows).toEqual([1, 2, 2, 3, 0, 1]);
  });

  it('is remembered with the most memory it held, which is forgotten by a quarter each time', () => {
    const { state, tell } = newStory();
    const seen = [1000, 100, 900, undefined].map((memoryPeakBytes, n) => {
      const where = { ...alpha, cycle: `c${n}` };
      const { memoryPeakBytes: _, ...rest } = CYCLE;
      tell('cycle_started', started, where);
      tell('ralph_cycle', memoryPeakBytes === undefined ? rest : { ...rest, memoryPeakBytes }, where);
      return state.sessions.alpha?.memoryBytes;
    });
    expect(seen).toEqual([1000, 750, 900, 900]);
  });
});

describe('a task', () => {
  const task = 't1';
  const queue = (story: ReturnType<typeof newStory>) =>
    story.tell('task_queued', { ...DATA.task_queued, task }, { project: 'api' });

  it('goes from the queue through a session to its end', () => {
    const story = newStory();
    const { state, tell, refusals } = story;
    story.tell('task_queued', { ...DATA.task_queued, task, for: 'alpha' }, { project: 'api', session: 'chair' });
    expect(state.tasks.t1).toMatchObject({
      state: 'queued',
      project: 'api',
      session: 'alpha',
      attempts: 0,
      cycles: [],
    });
    tell('task_assigned', { task }, alpha);
    expect(state.tasks.t1).toMatchObject({ state: 'assigned', reason: 'with alpha', cycles: ['c1'] });
    tell('task_done', { task, reason: 'it waits for review' }, alpha);
    expect(state.tasks.t1).toMatchObject({ state: 'done', reason: 'it waits for review', changedAt: state.lastTs });
    expect(refusals).toEqual([]);
  });

  it('that failed three times waits for a human', () => {
    const story = newStory();
    queue(story);
    for (let attempt = 1; attempt <= TASK_ATTEMPTS_MAX; attempt += 1) {
      expect(story.state.tasks.t1?.state).toBe('queued');
      story.tell('task_assigned', { task }, { ...alpha, cycle: `c${attempt}` });
      story.tell('task_returned', { task, reason: `worse (${attempt})`, counted: true }, alpha);
    }
    expect(story.state.tasks.t1).toMatchObject({
      state: 'failed',
      reason: '3 attempts failed, the last: worse (3)',
      attempts: 3,
      cycles: ['c1', 'c2', 'c3'],
    });
    story.tell('task_assigned', { task }, alpha);
    expect(story.refusals).toEqual(['task t1 is failed, not queued']);
  });

  it('that comes back through no fault of its own goes on for ever, and remembers its newest cycles', () => {
    const story = newStory();
    queue(story);
    for (let n = 1; n <= 2 * TASK_CYCLES_MAX; n += 1) {
      story.tell('task_assigned', { task }, { ...alpha, cycle: `c${n}` });
      story.tell('task_returned', { task, reason: 'the usage limit', counted: false }, alpha);
    }
    expect(story.state.tasks.t1).toMatchObject({ state: 'queued', attempts: 0 });
    expect(story.state.tasks.t1?.cycles).toHaveLength(TASK_CYCLES_MAX);
    expect(story.state.tasks.t1?.cycles.at(-1)).toBe(`c${2 * TASK_CYCLES_MAX}`);
  });

  it('can be cancelled while it is open, and a failed one queued anew', () => {
    const story = newStory();
    queue(story);
    story.tell('task_cancelled', { task, reason: 'no' }, { project: 'api' });
    expect(story.state.tasks.t1?.state).toBe('cancelled');
    story.tell('task_queued', { ...DATA.task_queued, task: 't2' }, { project: 'api' });
    story.tell('task_assigned', { task: 't2' }, alpha);
    story.tell('task_failed', { task: 't2', reason: 'impossible' }, alpha);
    expect(story.state.tasks.t2).toMatchObject({ state: 'failed', attempts: 1 });
    story.tell('task_queued', { ...DATA.task_queued, task: 't2' }, { project: 'api' });
    expect(story.state.tasks.t2).toMatchObject({ state: 'queued', attempts: 0 });
    expect(story.refusals).toEqual([]);
  });

  it.each<[what: string, before: EntryType[], type: EntryType, why: string]>([
    ['cannot be queued twice', [], 'task_queued', 'task t1 is already queued'],
    [
      'cannot be queued again when it is done',
      ['task_assigned', 'task_done'],
      'task_queued',
      'task t1 is already done',
    ],
    ['cannot be done before somebody has it', [], 'task_done', 'task t1 is queued, not assigned'],
    ['cannot be returned by nobody', [], 'task_returned', 'task t1 is queued, not assigned'],
    ['cannot be assigned twice', ['task_assigned'], 'task_assigned', 'task t1 is assigned, not queued'],
    ['cannot be done after it was cancelled', ['task_cancelled'], 'task_done', 'task t1 is cancelled, not assigned'],
    [
      'cannot be cancelled when it is over',
      ['task_assigned', 'task_done'],
      'task_cancelled',
      'task t1 is done, not queued or assigned',
    ],
  ])('%s', (_, before, type, why) => {
    const story = newStory();
    queue(story);
    const told = (each: EntryType) => story.tell(each, { ...DATA[each], task } as EntryData<EntryType>, alpha);
    for (const each of before) told(each);
    const kept = JSON.stringify(story.state.tasks);
    told(type);
    expect(story.refusals).toEqual([why]);
    expect(JSON.stringify(story.state.tasks)).toBe(kept);
  });

  it('that nobody queued is unknown', () => {
    const { tell, refusals } = newStory();
    tell('task_done', { task: 't9', reason: 'so' }, alpha);
    expect(refusals).toEqual(['task t9 is unknown']);
  });
});

describe('gates, parks, pauses and intents', () => {
  it('a gate that closes again with other figures is closed since the first time', () => {
    const { state, tell } = newStory();
    tell('gate_closed', { gate: 'usage-limit', reason: 'limit', figures: {}, until: '2026-03-14T10:00:00.000Z' });
    const since = state.lastTs;
    tell('gate_closed', { gate: 'usage-limit', reason: 'still', figures: { n: 1 }, until: '2026-03-14T11:00:00.000Z' });
    expect(state.gates['usage-limit']).toEqual({
      reason: 'still',
      figures: { n: 1 },
      until: '2026-03-14T11:00:00.000Z',
      at: since,
    });
    tell('gate_opened', { gate: 'usage-limit', closedMs: 1 });
    tell('gate_opened', { gate: 'usage-limit', closedMs: 1 });
    expect(state.gates).toEqual({});
  });

  it('a parked session is unparked by time or by a person, who also forgives its failures', () => {
    const { state, tell } = newStory();
    tell('session_parked', DATA.session_parked, alpha);
    expect(state.sessions.alpha?.parked).toEqual(DATA.session_parked);
    tell('session_unparked', DATA.session_unparked, alpha);
    expect(state.sessions.alpha).not.toHaveProperty('parked');
    tell('session_parked', DATA.session_parked, alpha);
    state.sessions.alpha!.failuresInARow = 7;
    tell('resumed', { by: 'mia' }, { session: 'alpha' });
    expect(state.sessions.alpha).toMatchObject({ failuresInARow: 0 });
    expect(state.sessions.alpha).not.toHaveProperty('parked');
  });

  it('a session is taken by one person at a time, and no cycle but theirs begins until it is given back', () => {
    const { state, tell, refusals } = newStory();
    const theirs = { ...alpha, cycle: 'c9' };
    tell('cycle_started', started, alpha);
    tell('agent_ran', { ...DATA.agent_ran, conversation: 'talk' }, alpha);
    tell('session_taken', DATA.session_taken, theirs);
    const { by, pid, start } = DATA.session_taken;
    expect(state.sessions.alpha?.taken).toEqual({ cycle: 'c9', by, pid, start, at: state.lastTs });
    tell('session_taken', { ...DATA.session_taken, by: 'Leo' }, { ...alpha, cycle: 'c10' });
    tell('ralph_cycle', { ...CYCLE, outcome: 'interrupted' }, alpha);
    expect(state.sessions.alpha).toMatchObject({ conversation: 'talk', taken: { by } });
    tell('session_handed_over', DATA.session_handed_over, theirs);
    const { conversation, base, tree, branch } = DATA.session_handed_over;
    expect(state.sessions.alpha?.taken?.handedOver).toEqual({ at: state.lastTs, conversation, base, tree, branch });
    tell('cycle_started', started, { ...alpha, cycle: 'c2' });
    expect(refusals).toEqual([`alpha is taken by ${by}`, `alpha is taken by ${by}`]);
    tell('agent_ran', { ...DATA.agent_ran, purpose: 'person', conversation: 'theirs' }, theirs);
    tell('cycle_started', { ...started, trigger: 'person' }, theirs);
    expect(state.sessions.alpha?.taken).not.toHaveProperty('judged');
    tell('ralph_cycle', { ...CYCLE, trigger: 'person' }, theirs);
    expect(state.sessions.alpha).toMatchObject({ conversation: 'theirs', taken: { judged: true } });
    tell('session_given_back', DATA.session_given_back, { ...alpha, cycle: 'c10' });
    expect(refusals.at(-1)).toBe('alpha is not taken by this');
    tell('session_given_back', DATA.session_given_back, theirs);
    expect(state.sessions.alpha).not.toHaveProperty('taken');
    tell('cycle_started', started, { ...alpha, cycle: 'c2' });
    expect(state.running).toHaveProperty('c2');
  });

  it('what a session says outside of its cycles is no conversation to go on with', () => {
    const { state, tell } = newStory();
    tell('agent_ran', { ...DATA.agent_ran, purpose: 'standup', conversation: 'meeting' }, { session: 'alpha' });
    expect(state.sessions.alpha).not.toHaveProperty('conversation');
  });

  it('a pause of one is no pause of all, and the other way round', () => {
    const { state, tell } = newStory();
    tell('paused', { by: 'mia', reason: 'lunch' }, { session: 'alpha' });
    expect(state.paused).toBeUndefined();
    tell('paused', { by: 'leo', reason: 'release' });
    expect(state.paused).toEqual({ by: 'leo', reason: 'release', at: state.lastTs });
    tell('resumed', { by: 'leo' });
    expect(state.paused).toBeUndefined();
    expect(state.sessions.alpha?.pausedBy).toBe('mia');
    tell('resumed', { by: 'mia' }, { session: 'alpha' });
    expect(state.sessions.alpha).not.toHaveProperty('pausedBy');
  });

  it('an intent is open until it is settled, once', () => {
    const { state, tell, refusals } = newStory();
    const intent = tell('intent', DATA.intent, alpha);
    expect(state.intents[intent]).toEqual({ id: intent, at: state.lastTs, ...alpha, data: DATA.intent });
    tell('branch_pushed', DATA.branch_pushed, alpha);
    tell('intent_settled', { intent, done: true, note: 'pushed' }, alpha);
    expect(state.intents).toEqual({});
    expect(state.queue[DATA.branch_pushed.branch]).toMatchObject({ ...alpha, commit: DATA.branch_pushed.commit });
    tell('intent_settled', { intent, done: true, note: 'pushed' }, alpha);
    expect(refusals).toEqual([`intent ${intent} is not open`]);
    tell('branch_deleted', DATA.branch_deleted, alpha);
    expect(state.queue[DATA.branch_pushed.branch]).toMatchObject({ deleted: true, patch: DATA.branch_deleted.patch });
  });

  it('a branch goes through the queue: pushed, approved, landed', () => {
    const { state, tell, refusals } = newStory();
    const { branch, commit } = DATA.branch_pushed;
    tell('cycle_started', { ...started, task: 't1' }, alpha);
    tell('plan_made', DATA.plan_made, alpha);
    tell('branch_pushed', DATA.branch_pushed, alpha);
    expect(state.queue[branch]).toMatchObject({
      title: DATA.plan_made.plan.title,
      task: 't1',
      kind: 'change',
      status: { state: 'pending' },
    });
    tell('branch_pushed', DATA.branch_pushed, alpha);
    expect(refusals.splice(0)).toEqual([`branch ${branch} is in the queue already`]);
    const review = tell('cto_review', { ...DATA.cto_review, branch, commit }, { project: 'api' });
    expect(state.queue[branch]?.status).toMatchObject({ state: 'approved', review, by: 'reviewer' });
    const landing = { ...DATA.merged.landings[0]!, branch, commit, review };
    tell('merged', { ...DATA.merged, landings: [landing] }, { project: 'api' });
    expect(state.queue[branch]?.status).toMatchObject({ state: 'landed', merged: landing.merged, review });
    expect(state.projects.api).toMatchObject({
      tip: DATA.merged.to,
      good: { commit: DATA.merged.to, tree: DATA.merged.tree },
      baseline: { commit: DATA.merged.to, tree: DATA.merged.tree, figures: DATA.merged.figures },
      landings: [{ from: DATA.merged.from, to: DATA.merged.to, branches: [{ branch, merged: landing.merged }] }],
    });
    tell('cto_review', { ...DATA.cto_review, branch, commit, by: 'person', decision: 'reject' }, { project: 'api' });
    expect(refusals).toEqual([`branch ${branch} is landed`]);
  });

  it('nothing lands that is not approved at exactly that commit', () => {
    const { state, tell, refusals } = newStory();
    const { branch, commit } = DATA.branch_pushed;
    const land = (review: string, at = commit) => {
      const merge = { ...DATA.merged, landings: [{ ...DATA.merged.landings[0]!, branch, commit: at, review }] };
      tell('intent', { effect: 'move-main', merge }, { project: 'api' });
      tell('merged', merge, { project: 'api' });
      return refusals.splice(0);
    };
    expect(land('r')).toEqual([`branch ${branch} is unknown`, `branch ${branch} is unknown`]);
    tell('branch_pushed', DATA.branch_pushed, alpha);
    expect(land('r')).toEqual([`branch ${branch} is pending`, `branch ${branch} is pending`]);
    const review = tell('cto_review', { ...DATA.cto_review, branch, commit }, { project: 'api' });
    expect(land('other')[0]).toBe(`branch ${branch} was approved by ${review}`);
    expect(land(review, 'other')[0]).toBe(`branch ${branch} is approved at ${commit}, not at other`);
    tell('branch_moved', { branch, from: commit, to: 'new' }, { project: 'api' });
    expect(state.queue[branch]).toMatchObject({ commit: 'new', status: { state: 'pending' } });
    expect(land(review, 'new')).toEqual([`branch ${branch} is pending`, `branch ${branch} is pending`]);
    tell('branch_moved', { branch, from: 'new' }, { project: 'api' });
    expect(state.queue[branch]).toMatchObject({ deleted: true, status: { state: 'gone' } });
    expect(Object.keys(state.projects)).toEqual([]);
  });

  it('a human decides anew, and the reviewer never after a human', () => {
    const { state, tell, refusals } = newStory();
    const { branch, commit } = DATA.branch_pushed;
    const review = (over: Partial<EntryData<'cto_review'>>) =>
      tell('cto_review', { ...DATA.cto_review, branch, commit, ...over }, { project: 'api' });
    tell('branch_pushed', DATA.branch_pushed, alpha);
    review({ decision: 'reject' });
    review({ decision: 'approve', by: 'person', name: 'mia' });
    expect(state.queue[branch]?.status).toMatchObject({ state: 'approved', name: 'mia' });
    review({ decision: 'reject' });
    expect(refusals).toEqual([`branch ${branch} is approved; only a person decides anew`]);
    review({ decision: 'needs-human', by: 'person', name: 'mia' });
    expect(state.queue[branch]?.status).toMatchObject({ state: 'needs-human' });
    tell('branch_dropped', { ...DATA.branch_dropped, branch, commit }, { project: 'api' });
    expect(state.queue[branch]).toMatchObject({
      status: { state: 'dropped', why: 'red' },
      patch: DATA.branch_dropped.patch,
    });
    tell('branch_dropped', { ...DATA.branch_dropped, branch, commit }, { project: 'api' });
    expect(refusals[1]).toBe(`branch ${branch} is dropped`);
  });

  it('main is red until it is green, and a landing in between proves nothing', () => {
    const { state, tell } = newStory();
    const { branch, commit } = DATA.branch_pushed;
    tell('main_judged', DATA.main_judged, { project: 'api' });
    tell('main_red', DATA.main_red, { project: 'api' });
    expect(state.projects.api).toMatchObject({ good: DATA.main_judged, red: { broken: DATA.main_red.broken } });
    tell('branch_pushed', DATA.branch_pushed, alpha);
    const review = tell('cto_review', { ...DATA.cto_review, branch, commit }, { project: 'api' });
    const landings = [{ ...DATA.merged.landings[0]!, branch, commit, review }];
    tell('merged', { ...DATA.merged, to: 'next', landings }, { project: 'api' });
    expect(state.projects.api).toMatchObject({ tip: 'next', good: DATA.main_judged });
    tell('landing_verified', { ...DATA.landing_verified, main: 'next' }, { project: 'api' });
    expect(state.projects.api?.landings.at(-1)).toMatchObject({ to: 'next', verification: 'failed' });
    tell('main_green', { commit: 'next', tree: 't', redMs: 1 }, { project: 'api' });
    expect(state.projects.api).not.toHaveProperty('red');
    expect(state.projects.api?.good).toEqual({ commit: 'next', tree: 't' });
  });

  it('keeps so many closed branches and no more, but none that the remote still has', () => {
    const { state, tell } = newStory();
    const { commit } = DATA.branch_pushed;
    for (let n = 0; n < CLOSED_BRANCHES_MAX + 20; n += 1) {
      const branch = `brl/a/${n}`;
      tell('branch_pushed', { ...DATA.branch_pushed, branch }, alpha);
      tell('cto_review', { ...DATA.cto_review, branch, commit, decision: 'reject' }, { project: 'api' });
      if (n !== 3) tell('branch_deleted', { ...DATA.branch_deleted, branch }, { project: 'api' });
    }
    expect(Object.keys(state.queue).length).toBeLessThanOrEqual(CLOSED_BRANCHES_MAX + 2);
    expect(state.queue).toHaveProperty(['brl/a/3']);
    expect(state.queue).not.toHaveProperty(['brl/a/0']);
  });

  it('a project is unready until it is ready, and has its tip and its baseline', () => {
    const { state, tell } = newStory();
    tell('project_unready', DATA.project_unready, { project: 'api' });
    expect(state.projects.api?.unready).toEqual({ ...DATA.project_unready, at: state.lastTs });
    tell('project_ready', {}, { project: 'api' });
    expect(state.projects.api).not.toHaveProperty('unready');
    tell('main_moved', DATA.main_moved, { project: 'api' });
    tell('baseline_measured', DATA.baseline_measured, { project: 'api' });
    const { commit, tree, figures } = DATA.baseline_measured;
    expect(state.projects.api).toMatchObject({ tip: DATA.main_moved.to, baseline: { commit, tree, figures } });
  });

  it.each<[type: EntryType, where: Where, why: string]>([
    ['session_parked', { project: 'api' }, 'it names no session'],
    ['session_unparked', {}, 'it names no session'],
    ['main_moved', { session: 'alpha' }, 'it names no project'],
    ['baseline_measured', {}, 'it names no project'],
    ['project_unready', {}, 'it names no project'],
    ['project_ready', {}, 'it names no project'],
    ['test_flaky', {}, 'it names no project'],
  ])('%s says whose it is', (type, where, why) => {
    const { tell, refusals } = newStory();
    tell(type, DATA[type], where);
    expect(refusals).toEqual([why]);
  });

  it('processes are those that started and did not stop', () => {
    const { state, tell } = newStory();
    tell('process_started', { ...DATA.process_started, pid: 1 });
    tell('process_started', { ...DATA.process_started, pid: 2 });
    tell('process_stopped', { pid: 1, reason: 'found dead' });
    expect(Object.keys(state.processes)).toEqual(['2']);
  });

  it('damage is counted whole and kept by its newest places', () => {
    const state = emptyState();
    for (let offset = 0; offset < DAMAGE_MAX + 5; offset += 1) foldDamage(state, { offset, bytes: 1, what: 'torn' });
    expect(state.damage.count).toBe(DAMAGE_MAX + 5);
    expect(state.damage.places).toHaveLength(DAMAGE_MAX);
    expect(state.damage.places.at(-1)?.offset).toBe(DAMAGE_MAX + 4);
  });
});

describe('a standup', () => {
  const commitment = { title: 'Test the search', task: 'T1', files: ['src/a.ts'], until: '2026-03-14T11:00:00.000Z' };
  const attending = { session: 'alpha', project: 'api', present: true, commitment, text: 'Until it is green.' };
  const others = [
    {
      session: 'beta',
      project: 'api',
      present: true,
      commitment: { ...commitment, task: 'T2', files: [], renewed: true },
    },
    { session: 'gamma', project: 'api', present: false, absence: 'it crashed' },
  ];
  const held = { ...DATA.team_standup, sessions: [attending, ...others] };
  const queue = { text: 'Do it', priority: 'normal', origin: 'standup' } as const;

  it('owes the tasks that it decided until each is queued, and claims files until its cycle is over', () => {
    const { state, tell, refusals } = newStory();
    const id = tell('team_standup', held);
    const { title, files } = commitment;
    expect(state.standup).toMatchObject({
      ...{ id, form: held.form, runs: held.runs, costUsd: held.costUsd, priorities: held.priorities },
      owed: [{ session: 'alpha', project: 'api', task: 'T1', title, files, text: 'Until it is green.' }],
      claims: [{ session: 'alpha', project: 'api', task: 'T1', title, files, until: commitment.until }],
    });
    tell('task_queued', { ...queue, task: 'T1', for: 'alpha' }, { project: 'api', session: 'alpha' });
    expect(state.standup?.owed).toEqual([]);
    for (const [session, cycle] of [
      ['beta', 'c1'],
      ['alpha', 'c2'],
    ] as const) {
      expect(state.standup?.claims.length).toBe(1);
      tell('cycle_started', { ...started, task: 'T1' }, { project: 'api', session, cycle });
      tell('ralph_cycle', { ...CYCLE, task: 'T1' }, { project: 'api', session, cycle });
    }
    expect(state.standup?.claims).toEqual([]);
    expect(refusals).toEqual([]);
  });

  it('gives files back when a person takes the task away', () => {
    const { state, tell } = newStory();
    tell('team_standup', held);
    tell('task_queued', { ...queue, task: 'T1' }, { project: 'api' });
    tell('task_cancelled', { task: 'T1', reason: 'no' });
    expect(state.standup?.claims).toEqual([]);
  });
});

describe('a bot skill', () => {
  const written = DATA.bot_skill_written;
  const queued = DATA.message_queued;

  it('is known with its uses and with who was told of it, until it is removed', () => {
    const { state, tell, refusals } = newStory();
    const entry = tell('bot_skill_written', written);
    for (const to of ['4711', '4712'])
      tell('message_queued', { ...queued, message: `m${to}`, to, about: { kind: 'digest', entry } });
    tell('message_queued', { ...queued, message: 'other', about: { kind: 'digest', entry: 'E0' } });
    tell('message_received', DATA.message_received);
    tell('message_handled', { ...DATA.message_handled, by: 'skill', skill: written.skill });
    expect(state.botSkills[written.skill]).toMatchObject({ entry, told: ['4711', '4712'], used: 1, by: 'upkeep' });
    tell('bot_skill_removed', { skill: written.skill, by: 'ada', reason: 'undone' });
    expect(state.botSkills[written.skill]?.removed).toMatchObject({ by: 'ada', reason: 'undone' });
    expect(refusals).toEqual([]);
    tell('bot_skill_removed', { skill: written.skill, by: 'ada', reason: 'undone' });
    tell('bot_skill_removed', { skill: 'nobody', by: 'ada', reason: 'undone' });
    tell('bot_skill_written', { ...written, skill: '__proto__' });
    expect(refusals).toEqual([
      `bot skill ${written.skill} is removed already`,
      'bot skill nobody is unknown',
      '__proto__ cannot be a name',
    ]);
    // A person brought it back, and it is another text.
    tell('bot_skill_written', { ...written, by: 'person', hash: 'beef' });
    expect(state.botSkills[written.skill]).toMatchObject({ by: 'person', hash: 'beef', told: [], used: 1 });
    expect(state.botSkills[written.skill]).not.toHaveProperty('removed');
  });

  it('is one of a bounded number, of which the removed ones are forgotten first', () => {
    const { state, tell } = newStory();
    tell('bot_skill_written', { ...written, skill: 'first' });
    tell('bot_skill_written', { ...written, skill: 'gone' });
    tell('bot_skill_removed', { skill: 'gone', by: 'ada', reason: 'undone' });
    for (let n = 2; n < BOT_SKILLS_KNOWN_MAX + 1; n += 1) tell('bot_skill_written', { ...written, skill: `s${n}` });
    expect(Object.keys(state.botSkills)).toHaveLength(BOT_SKILLS_KNOWN_MAX);
    expect(state.botSkills).not.toHaveProperty('gone');
    expect(state.botSkills).toHaveProperty('first');
  });

  it('is looked for as far as upkeep has read: what comes meanwhile, or could not be asked about, is left', () => {
    const { state, tell } = newStory();
    const gap = (n: number) => {
      tell('message_received', { ...DATA.message_received, message: `g${n}`, update: 1_000 + n });
      return tell('message_handled', { message: `g${n}`, by: n % 2 ? 'none' : 'model', note: '' });
    };
    gap(1);
    const second = gap(2);
    expect(state.upkeep).toEqual({ gap: second, gaps: 2 });
    const { through: _, ...unread } = DATA.bot_upkeep;
    tell('bot_upkeep', unread);
    expect(state.upkeep).toMatchObject({ gap: second, gaps: 2, at: state.lastTs });
    tell('bot_upkeep', { ...unread, through: second });
    const third = gap(3);
    expect(state.upkeep).toMatchObject({ through: second, gap: third, gaps: 1 });
  });

  it('costs what is spent on the bot, by day', () => {
    const { state, tell } = newStory();
    for (const purpose of ['answer', 'upkeep', 'hack'] as const)
      tell('agent_ran', { ...DATA.agent_ran, purpose, costUsd: 0.25 });
    expect(Object.values(state.days)).toMatchObject([{ costUsd: 0.75, botUsd: 0.5 }]);
  });
});

describe('every type of entry', () => {
  it('has an example that its schema accepts', () => {
    expect([...TYPES].sort()).toEqual(Object.keys(ENTRY_SCHEMAS).sort());
    for (const type of TYPES) expect(ENTRY_SCHEMAS[type].safeParse(DATA[type]).error, type).toBeUndefined();
  });

  it('changes what it is about and nothing else', () => {
    const changes = TYPES.map((type) => {
      const { state, tell } = newStory();
      // A world in which every entry is legal.
      tell('task_queued', { ...DATA.task_queued, task: 'queued' }, { project: 'api' });
      tell('task_queued', { ...DATA.task_queued, task: 'assigned' }, { project: 'api' });
      tell('task_assigned', { task: 'assigned' }, alpha);
      if (type !== 'cycle_started') tell('cycle_started', started, alpha);
      const intent = tell('intent', DATA.intent, alpha);
      tell('branch_pushed', DATA.branch_pushed, alpha);
      tell('process_started', DATA.process_started);
      tell('gate_closed', DATA.gate_closed);
      tell('project_unready', DATA.project_unready, alpha);
      tell('session_parked', DATA.session_parked, alpha);
      const before = structuredClone(state);
      const task = ['task_assigned', 'task_cancelled'].includes(type) ? 'queued' : 'assigned';
      const own = type === 'task_queued' ? { task: 'new' } : { task, intent };
      const data = { ...DATA[type] } as Record<string, unknown>;
      for (const [key, value] of Object.entries(own)) if (key in data && type !== 'ralph_cycle') data[key] = value;
      if (type === 'gate_closed') data.gate = 'disk';
      if (type === 'session_parked') data.reason = 'it crashed again';
      if (type === 'branch_pushed') data.branch = 'brl/beta/1';
      if (type === 'process_started') data.pid = 1;
      tell(type, data as EntryData<EntryType>, alpha);
      const keys = (Object.keys({ ...before, ...state }) as (keyof State)[]).filter(
        (key) => JSON.stringify(before[key]) !== JSON.stringify(state[key]),
      );
      return `${type}: ${keys.filter((key) => !['entries', 'lastId', 'lastTs'].includes(key)).join(', ') || '-'}`;
    });
    expect(changes).toMatchInlineSnapshot(`
      [
        "process_started: processes",
        "process_stopped: processes",
        "role_started: processes",
        "role_failed: roles",
        "role_parked: roles",
        "role_unparked: illegal",
        "config_loaded: config",
        "config_rejected: -",
        "cycle_started: sessions, running",
        "cycle_phase: running",
        "ralph_cycle: sessions, projects, running, days",
        "main_moved: projects",
        "baseline_measured: projects",
        "project_unready: projects",
        "project_ready: projects",
        "install_ran: -",
        "dependencies_damaged: -",
        "check_ran: checks",
        "test_flaky: projects",
        "plan_made: running",
        "plan_refused: -",
        "claim_taken: running",
        "claim_released: -",
        "agent_ran: sessions, running, days",
        "run_retry_planned: -",
        "evaluated: running",
        "intent: intents",
        "intent_settled: intents",
        "branch_pushed: queue",
        "branch_deleted: queue",
        "cto_review: queue",
        "review_failed: queue",
        "review_commented: -",
        "branch_moved: queue",
        "train_tested: -",
        "branch_dropped: queue",
        "merged: illegal",
        "train_blocked: projects",
        "train_unblocked: -",
        "landing_verified: -",
        "revert_proposed: queue",
        "main_judged: projects",
        "main_red: projects",
        "main_green: projects",
        "gate_closed: gates",
        "gate_opened: gates",
        "session_taken: sessions",
        "session_handed_over: illegal",
        "session_given_back: illegal",
        "session_parked: sessions",
        "session_unparked: sessions",
        "paused: sessions",
        "resumed: sessions",
        "task_queued: tasks",
        "task_assigned: tasks",
        "task_returned: tasks",
        "task_done: tasks",
        "task_failed: tasks",
        "task_cancelled: tasks",
        "requested: requests, keys",
        "request_taken: illegal",
        "request_settled: illegal",
        "notice_raised: notices",
        "notice_cleared: illegal",
        "message_queued: outbox",
        "message_sending: illegal",
        "message_sent: illegal",
        "message_failed: illegal",
        "message_received: inbox",
        "message_handled: illegal",
        "bot_skill_written: botSkills",
        "bot_skill_removed: illegal",
        "bot_upkeep: upkeep",
        "stranger_refused: strangers",
        "session_redirected: sessions",
        "team_standup: standup",
        "doctor_analysis: doctor",
        "prompt_proposed: proposals",
        "prompt_applied: illegal",
        "prompt_dismissed: illegal",
        "skill_written: skills",
        "skill_refused: skillRefusals",
        "skill_retired: illegal",
        "skill_restored: illegal",
        "alert: -",
        "journal_damaged: -",
        "swept: -",
        "collected: -",
      ]
    `);
  });
});

/** Names that every object answers to without being given them. */
const HOSTILE = Object.getOwnPropertyNames(Object.prototype);

const fingerprint = (): string =>
  JSON.stringify(
    [Object.prototype, Object, Function.prototype, Array.prototype].map((each) => Reflect.ownKeys(each).map(String)),
  );

describe('hostile names', () => {
  it('pollute nothing and break nothing, wherever they stand in whatever entry', () => {
    const clean = fingerprint();
    let refused = 0;
    for (const name of HOSTILE) {
      for (const type of TYPES) {
        const places: ((entry: Record<string, unknown>, data: Record<string, unknown>) => void)[] = [
          (entry) => Object.assign(entry, { id: name }),
          (entry) => Object.assign(entry, { project: name }),
          (entry) => Object.assign(entry, { session: name }),
          (entry) => Object.assign(entry, { cycle: name }),
          ...['task', 'branch', 'intent', 'for', 'test', 'check', 'marker', 'conversation'].map(
            (key) => (_: Record<string, unknown>, data: Record<string, unknown>) => {
              if (key in data) data[key] = name;
            },
          ),
        ];
        const { state, tell } = newStory();
        tell('task_queued', { ...DATA.task_queued, task: name }, { project: name });
        tell('cycle_started', started, alpha);
        for (const place of places) {
          const entry = anyExampleOf(type) as unknown as Record<string, unknown>;
          entry.cycle = 'c1';
          place(entry, entry.data as Record<string, unknown>);
          const why = illegalEntry(state, entry as unknown as Entry);
          if (why === undefined) foldEntry(state, entry as unknown as Entry);
          else {
            refused += 1;
            foldIllegal(state, entry as unknown as Entry, why);
          }
          expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
        }
        expect(fingerprint()).toBe(clean);
      }
    }
    expect(refused).toBeGreaterThan(HOSTILE.length * TYPES.length);
    expect(({} as Record<string, unknown>).running).toBeUndefined();
  });

  it('are counted as tests, which may be called anything', () => {
    const { state, tell } = newStory();
    tell('test_flaky', { check: 'tests', test: '__proto__', tree: 'x' }, alpha);
    tell('test_flaky', { check: 'tests', test: '__proto__', tree: 'x' }, alpha);
    expect(state.projects.api?.flaky).toEqual({ 'tests: __proto__': 2 });
  });

  it('in a journal that somebody wrote by hand are passed over, and the rest is read', () => {
    const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-fold-'));
    const clean = fingerprint();
    try {
      const file = join(dir, 'logs', 'experiment-log.jsonl');
      fs.mkdirSync(join(dir, 'logs'));
      const lines = HOSTILE.flatMap((name) =>
        (['cycle_started', 'paused', 'agent_ran', 'branch_pushed'] as const).map((type) =>
          JSON.stringify({ ...exampleOf(type), session: name, project: name }),
        ),
      );
      const last = JSON.stringify(exampleOf('paused'));
      fs.writeFileSync(file, `${[...lines, last].join('\n')}\n`);
      const journal = openJournal<State>({
        file,
        stateDir: join(dir, '.winnow'),
        overflowDir: join(dir, 'logs', 'overflow'),
        empty: emptyState,
        fold: foldEntry,
        damaged: foldDamage,
        legal: illegalEntry,
        illegal: foldIllegal,
        foldVersion: FOLD_VERSION,
        clock: systemClock,
        ids: createIds(),
      });
      const state = journal.state();
      expect(state.illegal).toMatchObject({ count: lines.length });
      expect(Object.keys(state.sessions)).toEqual(['alpha']);
      journal.close();
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
    expect(fingerprint()).toBe(clean);
  });
});

/** Mulberry32, a small generator of numbers with a seed: the same story every time. */
const createRandom = (seed: number) => {
  let a = seed;
  return (below: number): number => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

const isOpen = (task: Task): boolean => task.state === 'queued' || task.state === 'assigned';

/** Months of work: what a factory may write, at random but with regard to what is going on, as a writer has. */
const writeAtRandom = (state: State, count: number, seed: number): void => {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let now = Date.parse('2026-01-01T00:00:00.000Z');
  let illegal = 0;
  for (let written = 0; written < count; ) {
    now += random(300_000);
    const type = pick(TYPES);
    const project = `p${random(3)}`;
    const session = `s${random(12)}`;
    const running = pick([undefined, ...Object.values(state.running)]);
    const open = type.startsWith('task_') ? Object.values(state.tasks).filter(isOpen) : [];
    const known = state.sessions[session];
    const where =
      (type === 'session_handed_over' || type === 'session_given_back') && known?.taken
        ? { project: known.project, session, cycle: known.taken.cycle }
        : running && type !== 'cycle_started'
          ? running
          : { project, session, cycle: `c${written}` };
    const data = { ...DATA[type] } as Record<string, unknown>;
    if (type === 'task_queued') data.task = `t${written}`;
    else if ('task' in data) data.task = pick([...open.slice(0, 20).map(({ id }) => id), 'none']);
    if ('intent' in data) data.intent = pick([...Object.keys(state.intents), 'none']);
    if ('branch' in data && type !== 'main_moved') data.branch = `brl/${session}/${random(50)}`;
    if ('pid' in data) data.pid = random(4_000_000);
    if ('test' in data) data.test = `test ${random(1_000_000)}`;
    if ('gate' in data) data.gate = pick(['memory', 'disk', 'budget', 'usage-limit'] as const);
    // Work is not asked for faster than it is done, nor meant without being settled.
    if (type === 'task_queued' && open.length > 30) continue;
    if (type === 'intent' && Object.keys(state.intents).length > 10) continue;
    const entry = {
      id: `E${written}`,
      ts: new Date(now).toISOString(),
      type,
      project: where.project,
      session: where.session,
      cycle: where.cycle,
      data,
    } as unknown as Entry;
    if (illegalEntry(state, entry) !== undefined) {
      illegal += 1;
      continue;
    }
    foldEntry(state, entry);
    written += 1;
  }
  // The generator itself would be of no use if it wrote hardly anything that is legal, or never tried anything else.
  expect(illegal).toBeGreaterThan(count / 100);
};

describe('the crew', () => {
  const end = (data: Partial<EntryData<'ralph_cycle'>> = {}) => ({ ...CYCLE, ...data });

  it('holds the files of a commitment until its task has had its cycle', () => {
    const { state, tell } = newStory();
    tell('team_standup', DATA.team_standup);
    const { commitment } = DATA.team_standup.sessions[0]!;
    expect(state.standup?.claims).toEqual([{ session: 'alpha', project: 'api', ...commitment }]);
    tell('cycle_started', started, alpha);
    tell('ralph_cycle', end(), alpha);
    expect(state.standup?.claims).toHaveLength(1);
    tell('cycle_started', started, { ...alpha, cycle: 'c2' });
    tell('ralph_cycle', end({ task: commitment!.task }), { ...alpha, cycle: 'c2' });
    expect(state.standup?.claims).toEqual([]);
  });

  it('lets one cycle show whether what parked a session is gone', () => {
    const { state, tell } = newStory();
    const parked = { ...DATA.session_parked, signature: 'TS2322 in src/a.ts' };
    tell('session_parked', parked, alpha);
    expect(state.sessions.alpha).toMatchObject({ parked, parks: [{ signature: parked.signature }] });
    tell('session_unparked', { reason: 'its rest is over' }, alpha);
    expect(state.sessions.alpha?.probation).toEqual({ signature: parked.signature });
    tell('cycle_started', started, alpha);
    tell('ralph_cycle', end({ outcome: 'interrupted' }), alpha);
    expect(state.sessions.alpha?.probation).toBeDefined();
    tell('cycle_started', started, { ...alpha, cycle: 'c2' });
    tell('ralph_cycle', end({ outcome: 'discarded' }), { ...alpha, cycle: 'c2' });
    expect(state.sessions.alpha?.probation).toBeUndefined();
    tell('session_parked', { ...DATA.session_parked }, alpha);
    expect(state.sessions.alpha?.parks).toHaveLength(1);
    tell('resumed', { by: 'mia' }, alpha);
    expect(state.sessions.alpha).not.toHaveProperty('parks');
  });

  it('turns a session away from what it could not do, until something is kept, and lets others have its tasks', () => {
    const { state, tell } = newStory();
    const [task = ''] = DATA.session_redirected.tasks;
    tell('task_queued', { ...DATA.task_queued, task, for: 'alpha' }, { project: 'api' });
    tell('session_redirected', DATA.session_redirected, alpha);
    expect(state.sessions.alpha?.avoid).toMatchObject({ ...DATA.session_redirected, at: expect.any(String) });
    expect(state.tasks[task]).not.toHaveProperty('session');
    tell('cycle_started', started, alpha);
    tell('ralph_cycle', end(), alpha);
    expect(state.sessions.alpha?.avoid).toBeUndefined();
  });

  it('closes a proposal once', () => {
    const { state, tell, refusals } = newStory();
    const { proposal } = DATA.prompt_proposed;
    tell('prompt_applied', DATA.prompt_applied);
    tell('prompt_proposed', DATA.prompt_proposed, alpha);
    tell('prompt_proposed', DATA.prompt_proposed, alpha);
    tell('prompt_applied', DATA.prompt_applied);
    tell('prompt_dismissed', DATA.prompt_dismissed);
    expect(refusals).toEqual([
      `proposal ${proposal} is unknown`,
      `proposal ${proposal} is there already`,
      `proposal ${proposal} is applied`,
    ]);
    expect(state.proposals[proposal]).toMatchObject({ session: 'alpha', status: { state: 'applied', by: 'mia' } });
  });

  it('counts for a skill only cycles that came to a verdict', () => {
    const { state, tell, refusals } = newStory();
    const { skill } = DATA.skill_written;
    tell('skill_written', DATA.skill_written);
    const outcomes = ['pushed', 'discarded', 'empty', 'failed', 'interrupted', 'unevaluated'] as const;
    for (const [n, outcome] of outcomes.entries()) {
      for (const data of [{ skills: [skill] }, { skills: [], withheld: [skill] }]) {
        const cycle = `c${n}${data.withheld ? 'w' : ''}`;
        tell('cycle_started', started, { ...alpha, cycle });
        tell('ralph_cycle', end({ outcome, ...data }), { ...alpha, cycle });
      }
    }
    const tally = { kept: 1, ended: 3 };
    expect(state.skills[skill]).toMatchObject({ with: tally, without: tally });
    tell('skill_restored', DATA.skill_restored);
    tell('skill_retired', DATA.skill_retired);
    tell('skill_retired', DATA.skill_retired);
    expect(refusals).toEqual([`skill ${skill} is not retired`, `skill ${skill} is retired already`]);
    tell('skill_restored', DATA.skill_restored);
    expect(state.skills[skill]).toMatchObject({ with: { kept: 0, ended: 0 }, without: { kept: 0, ended: 0 } });
    expect(state.skills[skill]).not.toHaveProperty('retired');
  });
});

describe('very many entries', () => {
  it('leave a state that is no larger than most of them did, and within every limit', () => {
    // Of each type so many that every limit is reached.
    const most = howMany(100_000, 200_000);
    const more = most / 2;
    const state = emptyState();
    writeAtRandom(state, most, 1);
    const size = JSON.stringify(state).length;
    writeAtRandom(state, more, 2);
    const text = JSON.stringify(state);
    expect(state.entries).toBe(most + more);
    expect(text.length).toBeLessThan(size * 1.2);
    expect(JSON.parse(text)).toStrictEqual(state);
    const closed = Object.values(state.tasks).filter((task) => !isOpen(task));
    expect(closed.length).toBeLessThanOrEqual(CLOSED_TASKS_MAX);
    expect(Object.keys(state.days)).toHaveLength(DAYS_MAX);
    expect(Object.keys(state.processes)).toHaveLength(PROCESSES_MAX);
    for (const project of Object.values(state.projects)) {
      expect(project.recent).toHaveLength(RECENT_CYCLES_MAX);
      expect(Object.keys(project.flaky)).toHaveLength(FLAKY_MAX);
    }
    for (const task of Object.values(state.tasks)) expect(task.cycles.length).toBeLessThanOrEqual(TASK_CYCLES_MAX);
    expect(Object.keys(state.running).length).toBeLessThanOrEqual(12);
  });

  it('are folded to the same when a snapshot was written in between', () => {
    const straight = emptyState();
    writeAtRandom(straight, 2000, 3);
    const resumed = JSON.parse(JSON.stringify(straight)) as State;
    writeAtRandom(straight, 2000, 4);
    writeAtRandom(resumed, 2000, 4);
    expect(resumed).toStrictEqual(straight);
    expect(JSON.stringify(resumed)).toBe(JSON.stringify(straight));
  });
});
