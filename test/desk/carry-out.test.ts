import { describe, expect, it } from 'vitest';
import { cyclesOf, reviewsOf, roundsOf, standupsOf } from '../../src/desk/carry-out.ts';
import type { Factory } from '../../src/desk/doors.ts';
import type { Request } from '../../src/model/request.ts';
import { emptyState, type State } from '../../src/model/state.ts';
import type { Doctor } from '../../src/roles/doctor.ts';
import type { Reviewer } from '../../src/roles/reviewer.ts';
import type { Standup } from '../../src/roles/standup.ts';

/** What a request becomes for the roles; the roles themselves are tried elsewhere. */
const NOW = Date.parse('2026-03-14T09:00:00Z');
const { signal } = new AbortController();

const asked: unknown[] = [];
const roles = {
  reviewer: {
    tick: async (...given: unknown[]) => {
      asked.push(given);
      return [
        { branch: 'brl/alpha/1', state: 'decided' },
        { branch: 'brl/alpha/2', state: 'waits', reason: 'no' },
      ];
    },
  } as unknown as Reviewer,
  standup: { tick: async () => ({ state: 'waits', reason: 'everything is paused by mia' }) } as unknown as Standup,
  doctor: {
    tick: async (...given: unknown[]) => {
      asked.push(given);
      return { state: 'held', entry: { data: { file: 'logs/doctor/x.md' } } };
    },
  } as unknown as Doctor,
};

const home = (change: (state: State) => void = () => {}): Factory => {
  const state = emptyState();
  change(state);
  return {
    journal: { state: () => state },
    clock: { now: () => NOW },
    sessions: () => [{ name: 'alpha', project: 'api' }],
    config: () => ({ gates: { maxSessions: 1, memory: 0.85, disk: 1, budgetPerDayUsd: 20 } }),
    facts: async () => ({ memoryTotalBytes: 100, memoryUsedShare: 0.1, diskFreeBytes: 100, stopFile: true }),
  } as unknown as Factory;
};

const request = (part: Partial<Request>): Request => ({
  ...{ id: 'r1', args: {}, by: { face: 'http', name: 'phone' }, at: '2026-03-14T09:00:00.000Z', joined: [] },
  what: 'review',
  ...part,
});

describe('a request', () => {
  it('for a review reviews the branches it names, and says how many had a word', async () => {
    asked.splice(0);
    const { review } = reviewsOf(roles.reviewer);
    expect(await review(request({ args: { branches: ['brl/alpha/1'] } }))).toEqual({
      ok: true,
      value: '1 of 2 branches reviewed',
    });
    expect(asked).toEqual([['sweep', new Set(['brl/alpha/1'])]]);
  });

  it('for the doctor hands on whom and how, and names the letter', async () => {
    asked.splice(0);
    const { doctor } = roundsOf(roles.doctor);
    const done = await doctor(request({ what: 'doctor', args: { sessions: ['alpha'], rulesOnly: true } }));
    expect(done).toEqual({ ok: true, value: 'letter in logs/doctor/x.md' });
    expect(asked).toEqual([['manual', { rulesOnly: true, only: new Set(['alpha']) }]]);
  });

  it('for a standup that cannot be held says why', async () => {
    const { standup } = standupsOf(roles.standup);
    const done = await standup(request({ what: 'standup' }));
    expect(done).toMatchObject({ ok: false, error: { message: 'everything is paused by mia' } });
  });

  it.each<[string, string, (state: State) => void, string]>([
    ['a session that is not there', 'nobody', () => {}, 'there is no session nobody'],
    [
      'a paused home',
      'alpha',
      (state) => {
        state.paused = { by: 'mia', reason: 'holiday', at: '2026-03-14T08:00:00.000Z' };
      },
      'everything is paused by mia',
    ],
    [
      'a home with as many cycles as it may have',
      'alpha',
      (state) => {
        state.running.c1 = {} as State['running'][string];
      },
      '1 cycles are running, the most allowed',
    ],
    ['a closed gate', 'alpha', () => {}, 'gate stop-file is closed'],
  ])('for a cycle is refused for %s', async (_, name, change, why) => {
    const { cycle } = cyclesOf(home(change));
    const done = await cycle(request({ what: 'cycle', args: { sessions: [name] } }), signal);
    expect(done).toMatchObject({ ok: false, error: { message: expect.stringContaining(why) } });
  });
});
