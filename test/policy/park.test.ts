import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAILURES_BEFORE_PARK, parkUntil } from '../../src/policy/park.ts';
import { NOW } from './situations.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('parkUntil', () => {
  it.each<[outcome: string, failures: number, restMs: number | undefined]>([
    ['failed', 1, undefined],
    ['failed', 2, undefined],
    ['failed', 3, 5 * MINUTE],
    ['failed', 4, 10 * MINUTE],
    ['failed', 9, 320 * MINUTE],
    ['failed', 10, 6 * HOUR],
    ['failed', 1_000_000, 6 * HOUR],
    ['unevaluated', 2, undefined],
    ['unevaluated', 3, 5 * MINUTE],
    ['unevaluated', 10, 6 * HOUR],
    ['discarded', 10, undefined],
    ['interrupted', 10, undefined],
    ['pushed', 10, undefined],
  ])('a cycle that ended %s after %d failures in a row rests for %s ms', (outcome, failures, restMs) => {
    const until = parkUntil({ end: { outcome }, failures, now: NOW });
    expect(until === undefined ? undefined : until - NOW).toBe(restMs);
  });

  it('obeys the failure that says until when', () => {
    const end = { outcome: 'failed', parkUntilMs: NOW + 42 };
    expect(parkUntil({ end, failures: 1, now: NOW })).toBe(NOW + 42);
    expect(parkUntil({ end, failures: 50, now: NOW })).toBe(NOW + 42);
  });

  it('rests longer with every failure and never longer than six hours', () => {
    const rest = (failures: number) => parkUntil({ end: { outcome: 'failed' }, failures, now: NOW })! - NOW;
    fc.assert(
      fc.property(fc.integer({ min: FAILURES_BEFORE_PARK, max: 10_000 }), (failures) => {
        expect(rest(failures + 1)).toBeGreaterThanOrEqual(rest(failures));
        expect(rest(failures)).toBeLessThanOrEqual(6 * HOUR);
        expect(rest(failures)).toBeGreaterThan(0);
      }),
    );
  });
});
