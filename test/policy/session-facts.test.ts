import { describe, expect, it } from 'vitest';
import type { Entry, EntryData, EntryOf, EntryType, RalphCycle } from '../../src/model/entry.ts';
import type { QueuedBranch, State } from '../../src/model/state.ts';
import { createFacts, factsText, type SessionFacts } from '../../src/policy/session-facts.ts';
import { CYCLE } from '../model/examples.ts';
import { at, knownOf, NOW, runningOf, sessionOf, stateOf, taskOf, withRunning } from './situations.ts';

const HOUR = 3_600_000;
const SINCE = NOW - 2 * HOUR;
let entries = 0;

const entryOf = <T extends EntryType>(type: T, data: EntryData<T>, more: Partial<EntryOf<T>> = {}): Entry => {
  entries += 1;
  const where = { project: 'api', session: 'alpha', cycle: `C${entries}` };
  return { id: `E${entries}`, ts: at(-HOUR + entries * 1000), type, ...where, data, ...more } as unknown as Entry;
};

const cycle = (more: Partial<RalphCycle>): RalphCycle => {
  const { broken: _, failure: __, ...rest } = CYCLE as RalphCycle;
  return { ...rest, ...more };
};

const run = (more: Partial<EntryData<'agent_ran'>> = {}): EntryData<'agent_ran'> => ({
  ...{ run: 'R', purpose: 'hack', model: 'm', ok: true, attempt: 1, exitCode: 0, turns: 3, costUsd: 0.1 },
  tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
  ...{ durationMs: 1, transcript: 'logs/transcripts/C/C-1.jsonl', survivorsKilled: 0 },
  ...more,
});

const gather = (given: Entry[], change: (state: State) => void = () => {}): SessionFacts => {
  const fold = createFacts({
    sessions: [sessionOf('alpha'), sessionOf('beta')],
    state: stateOf(change),
    sinceMs: SINCE,
  });
  for (const entry of given) fold.add(entry);
  return fold.facts()[0]!;
};

const queued = (more: Partial<QueuedBranch> = {}): QueuedBranch => ({
  ...{ branch: 'brl/alpha/1', commit: 'c1', base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: 'C' },
  ...{
    title: 'Sort the list',
    kind: 'change',
    at: at(-HOUR),
    changedAt: at(-HOUR),
    status: { state: 'pending', note: '' },
  },
  ...more,
});

describe('the facts of a session', () => {
  it('are its cycles, counted by outcome and with their cost', () => {
    const facts = gather([
      entryOf('ralph_cycle', cycle({ outcome: 'pushed', reason: 'better' })),
      entryOf('ralph_cycle', cycle({ outcome: 'empty', reason: 'nothing' }), { session: 'beta' }),
      entryOf('ralph_cycle', cycle({ outcome: 'discarded', reason: 'worse' })),
      entryOf('agent_ran', run()),
      entryOf('agent_ran', run({ purpose: 'standup', transcript: 'no work' })),
    ]);
    expect(facts.cycles.map(({ outcome }) => outcome)).toEqual(['pushed', 'discarded']);
    expect(facts.counts).toEqual({ pushed: 1, discarded: 1 });
    expect(facts.costUsd).toBeCloseTo(0.2);
    expect(facts.lastRun).toMatchObject({ transcript: 'logs/transcripts/C/C-1.jsonl', ok: true });
  });

  it('begin where they are asked to', () => {
    const old = entryOf('ralph_cycle', cycle({ outcome: 'pushed' }), { ts: new Date(SINCE - 1).toISOString() });
    const first = entryOf('ralph_cycle', cycle({ outcome: 'pushed' }), { ts: new Date(SINCE).toISOString() });
    expect(gather([old, first]).counts).toEqual({ pushed: 1 });
  });

  it('count an error once for each cycle that met it, under a name that lasts', () => {
    const failing = (n: number) => [
      entryOf('agent_ran', run({ ok: false, failure: 'overtime', message: `not done after ${n} s` }), {
        cycle: `X${n}`,
      }),
      entryOf('ralph_cycle', cycle({ outcome: 'failed', failure: 'overtime', reason: `not done after ${n} s` }), {
        cycle: `X${n}`,
      }),
    ];
    const broken = ['tests: a.test.ts > adds'];
    const facts = gather([
      ...failing(1),
      ...failing(2),
      ...failing(3),
      entryOf('ralph_cycle', cycle({ outcome: 'discarded', reason: 'worse', broken })),
      entryOf('ralph_cycle', cycle({ outcome: 'unevaluated', reason: 'tests timed out' })),
      entryOf('ralph_cycle', cycle({ outcome: 'interrupted', reason: 'stopped' })),
      entryOf('plan_refused', { title: 'T', why: 'tried', reason: 'beta tried it' }),
    ]);
    expect(facts.errors.map(({ signature, times, cycles }) => [signature, times, cycles.length])).toEqual([
      ['overtime: not done after N s', 3, 3],
      ['plan refused (tried): beta tried it', 1, 1],
      ['unevaluated: tests timed out', 1, 1],
      ['broke: tests: a.test.ts > adds', 1, 1],
    ]);
  });

  it('stay bounded, whatever happened', () => {
    const facts = gather(
      Array.from({ length: 500 }, (_, n) =>
        entryOf(
          'ralph_cycle',
          cycle({
            outcome: 'failed',
            failure: 'crashed',
            reason: `${'abcdefghij'[n % 10]}${'klmnopqrstuvw'[n % 13]} ${'x'.repeat(9_000)}`,
          }),
        ),
      ),
    );
    expect(facts.counts).toEqual({ failed: 500 });
    expect(facts.cycles.length).toBe(40);
    expect(facts.errors.length).toBeLessThanOrEqual(40);
    expect(factsText(facts).length).toBeLessThan(20_000);
  });

  it('hold its open branches, and those that were closed meanwhile with what was said of them', () => {
    const rejected = {
      state: 'rejected' as const,
      review: 'V',
      by: 'reviewer' as const,
      name: 'reviewer',
      reason: 'No test',
      at: at(0),
    };
    const said = entryOf('cto_review', {
      ...{ branch: 'brl/alpha/1', commit: 'c1', decision: 'reject', by: 'reviewer', name: 'reviewer' },
      ...{ reasons: ['No test.', 'Too broad.'], comments: [{ file: 'a.ts', line: 3, text: 'Unused.' }] },
    });
    const facts = gather([said], (s) => {
      s.queue.a = queued({ status: rejected, changedAt: at(-HOUR / 2) });
      s.queue.b = queued({ branch: 'brl/alpha/2', at: at(-50 * HOUR), changedAt: at(-50 * HOUR) });
      s.queue.c = queued({ branch: 'brl/alpha/3', status: rejected, changedAt: at(-50 * HOUR) });
      s.queue.d = queued({ branch: 'brl/beta/1', session: 'beta' });
    });
    expect(facts.branches).toMatchObject([
      { branch: 'brl/alpha/2', state: 'pending' },
      { branch: 'brl/alpha/1', state: 'rejected', reasons: ['No test.', 'Too broad.'], comments: ['a.ts:3: Unused.'] },
    ]);
  });

  it('say what holds it and what waits for it', () => {
    const facts = gather([], (s) => {
      withRunning(s, runningOf('alpha', { planTitle: 'Sort the list' }));
      s.sessions.alpha = knownOf('alpha', {
        ...{ running: 'cycle-alpha', pausedBy: 'mia' },
        parked: { until: at(HOUR), reason: 'it failed', failure: 'crashed' },
      });
      s.tasks.A = taskOf('A', { session: 'alpha', origin: 'standup', attempts: 2 });
      s.tasks.B = taskOf('B', { session: 'beta' });
      s.tasks.C = taskOf('C');
    });
    expect(facts.standing).toMatchObject({
      ...{ running: { title: 'Sort the list', phase: 'hack' }, pausedBy: 'mia' },
      parked: { until: at(HOUR) },
      tasks: [{ id: 'A', attempts: 2 }],
    });
  });

  it('are a page that a person can read', () => {
    const facts: SessionFacts = {
      ...gather(
        [
          entryOf(
            'ralph_cycle',
            cycle({
              outcome: 'discarded',
              reason: 'breaks 1 test',
              broken: ['tests: a.test.ts > adds'],
              costUsd: 0.21,
            }),
            { ts: at(-HOUR) },
          ),
          entryOf('agent_ran', run({ costUsd: 0.21 }), { ts: at(-HOUR) }),
        ],
        (s) => {
          s.queue.a = queued({
            status: {
              state: 'approved',
              review: 'V',
              by: 'reviewer',
              name: 'reviewer',
              reason: 'It sorts.',
              at: at(0),
            },
          });
          s.tasks.A = taskOf('A', { session: 'alpha', origin: 'standup', attempts: 2 });
        },
      ),
      landed: [{ commit: '0123456789abcdef', subject: 'Add instead of subtracting', at: at(-HOUR) }],
    };
    const tail = ['> Bash npm test', '  ! expected 2 to be 2.5'];
    expect(factsText({ ...facts, lastRun: { ...facts.lastRun!, tail } })).toMatchInlineSnapshot(`
      "Session alpha of project api, since 2026-03-14 08:00 UTC.
      Now: no cycle is running.
      It ended 1 cycle (1 discarded); its runs cost $0.21.

      Cycles, the newest last:
      - 2026-03-14 09:00 discarded: Return an empty list when nothing matches [src/search.ts]: breaks 1 test ($0.21)

      Branches:
      - brl/alpha/1 (“Sort the list”) is approved by reviewer: It sorts.

      In main, the newest first:
      - 2026-03-14 09:00 0123456789 Add instead of subtracting

      Errors it met:
      - once, last 2026-03-14 09:00: broke: tests: a.test.ts > adds

      Tasks for it:
      - queued, from standup, 2 failed attempts: do A

      Its last run (hack, 2026-03-14 09:00), the end of its terminal:
      > Bash npm test
        ! expected 2 to be 2.5"
    `);
    expect(factsText(gather([]))).toMatchInlineSnapshot(`
      "Session alpha of project api, since 2026-03-14 08:00 UTC.
      Now: no cycle is running.
      It ended no cycle; its runs cost $0.00.

      It ran nothing in this time."
    `);
  });
});
