import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RoleState } from '../../src/model/state.ts';
import {
  nextOfRole,
  ROLE_FAILURE_WINDOW_MS,
  ROLE_FAILURES_BEFORE_PARK,
  recentFailures,
  refusedRetryMs,
} from '../../src/policy/role-crash.ts';
import { NOW } from './situations.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Failed so many milliseconds ago, each time. */
const failedAgo = (...agoMs: number[]): RoleState => ({
  failures: agoMs.map((ms, n) => ({ at: new Date(NOW - ms).toISOString(), reason: `reason ${n + 1}` })),
});

describe('a role', () => {
  it.each<[what: string, role: RoleState | undefined, next: ReturnType<typeof nextOfRole>]>([
    ['of which nothing is known begins', undefined, { next: 'begin', afterMs: 0 }],
    ['that never failed begins', { failures: [] }, { next: 'begin', afterMs: 0 }],
    ['that has just failed begins after two seconds', failedAgo(0), { next: 'begin', afterMs: 2 * SECOND }],
    ['that failed twice waits twice as long', failedAgo(10 * SECOND, 0), { next: 'begin', afterMs: 4 * SECOND }],
    [
      'that failed four times within the window begins once more',
      failedAgo(14 * MINUTE, 9 * MINUTE, 4 * MINUTE, 0),
      { next: 'begin', afterMs: 16 * SECOND },
    ],
    [
      'that failed five times within the window parks, with the last reason',
      failedAgo(14 * MINUTE, 9 * MINUTE, 4 * MINUTE, 2 * MINUTE, 0),
      { next: 'park', failures: 5, reason: 'reason 5' },
    ],
    [
      'whose first of five failures is a window old begins',
      failedAgo(15 * MINUTE, 9 * MINUTE, 4 * MINUTE, 2 * MINUTE, 0),
      { next: 'begin', afterMs: 16 * SECOND },
    ],
    [
      'that crashes once an hour begins at once',
      failedAgo(300 * MINUTE, 240 * MINUTE, 180 * MINUTE, 120 * MINUTE, 60 * MINUTE),
      { next: 'begin', afterMs: 0 },
    ],
    [
      'whose failures are of a clock that was ahead is not judged by them',
      failedAgo(-60 * MINUTE, -61 * MINUTE, -62 * MINUTE, -63 * MINUTE, -64 * MINUTE),
      { next: 'begin', afterMs: 0 },
    ],
    [
      'that is parked rests, however long ago',
      { failures: [], parked: { at: new Date(NOW - 900 * MINUTE).toISOString(), reason: 'no disk', failures: 5 } },
      { next: 'rest', reason: 'no disk' },
    ],
  ])('%s', (_, role, next) => {
    expect(nextOfRole(role, NOW)).toEqual(next);
  });

  it('never begins once it has failed as often as makes it park, wherever in the window', () => {
    const ago = fc.integer({ min: 0, max: ROLE_FAILURE_WINDOW_MS - 1 });
    fc.assert(
      fc.property(fc.array(ago, { maxLength: 10 }), (agoMs) => {
        const next = nextOfRole(failedAgo(...agoMs.toSorted((a, b) => b - a)), NOW);
        expect(next.next).toBe(agoMs.length >= ROLE_FAILURES_BEFORE_PARK ? 'park' : 'begin');
      }),
    );
  });
});

it('of the failures those of late are told, the others are not', () => {
  const { failures } = failedAgo(20 * MINUTE, MINUTE);
  expect(recentFailures({ failures }, NOW)).toEqual(failures.slice(1));
});

it('what is refused is tried again ever more slowly, and once a minute in the end', () => {
  expect([1, 2, 3, 6, 1000].map(refusedRetryMs)).toEqual([2, 4, 8, 60, 60].map((s) => s * SECOND));
});
