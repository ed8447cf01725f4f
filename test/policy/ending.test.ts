import { describe, expect, it } from 'vitest';
import { type Ending, errorOf, isOutside } from '../../src/policy/ending.ts';

const failed = (reason: string, failure = 'crashed'): Ending => ({ outcome: 'failed', reason, failure });

describe('what went wrong with a cycle', () => {
  it.each<[what: string, one: string, other: string]>([
    ['figures', 'out of memory after 1841 ms', 'out of memory after 9 ms'],
    ['hours and days', 'tried on 2026-03-14 10:10 again', 'tried on 2026-11-02 23:59 again'],
    ['moments', 'until 2026-03-14T13:00:00.000Z', 'until 2026-03-15T01:30:00Z'],
    ['commits', 'main is at 3f2b1c9', 'main is at 90aa17be4c0d4e5f60718293a4b5c6d7e8f90a1b'],
    ['addresses', 'fault at 0x7f3a91c2', 'fault at 0x7fee0142'],
    ['ids of cycles', 'cycle 01KKN3V8ZC6H0Q9T5W2X4Y8Z1A', 'cycle 01KKN4AAAA6H0Q9T5W2X4Y8Z1B'],
    ['request ids', 'request req_011CSHoEeqs5C35K2UUqR7Fy', 'request req_011CXXoEeqs5C35K2UUqR7Aa'],
    ['temporary places', "open '/tmp/run-a81f4c2b/out/report.xml'", "open '/tmp/run-77c0/out/report.xml'"],
    ['quoted words', 'plan “Round up” was refused', 'plan “Do not round at all” was refused'],
    ['branches', 'brl/alpha/20260314-091500 moved', 'brl/beta/20260315-101010 moved'],
  ])('is the same for other %s', (_, one, other) => {
    expect(errorOf(failed(one))).toBe(errorOf(failed(other)));
  });

  it.each<[what: string, one: string, other: string]>([
    ['names of tests', 'tests: sum.test.ts > adds', 'tests: sum.test.ts > subtracts'],
    ['files', 'adds 1 error: a.ts TS2322', 'adds 1 error: b.ts TS2322'],
    ['words', 'the agent changed nothing', 'main already holds this change'],
  ])('is another one for other %s', (_, one, other) => {
    expect(errorOf(failed(one))).not.toBe(errorOf(failed(other)));
  });

  it('names what was broken and not the sentence about it, in any order', () => {
    const broken = ['tests: a > works', 'tests: b > works'];
    const one = errorOf({ outcome: 'discarded', reason: 'breaks 2 tests', broken });
    expect(one).toBe('breaks: tests: a > works, tests: b > works');
    expect(errorOf({ outcome: 'discarded', reason: 'worse', broken: broken.toReversed() })).toBe(one);
  });

  it.each<[Ending]>([
    [{ outcome: 'pushed', reason: 'better' }],
    [{ outcome: 'interrupted', reason: 'stopped' }],
    [{ outcome: 'empty', reason: 'nothing worth doing was found: all is well', nothing: true }],
    [{ outcome: 'empty', reason: 'the budget of the day is used up ($0.00 left)' }],
    [failed('overloaded', 'overloaded')],
    [failed('no network', 'repo-unreachable')],
  ])('is nothing where nothing of its own went wrong: %o', (ending) => {
    expect(errorOf(ending)).toBeUndefined();
  });

  it('counts the budget of a cycle as the session’s own, and that of a day as everybody’s', () => {
    const empty = (scope: string): Ending => ({
      outcome: 'empty',
      reason: `the budget of the ${scope} is used up ($0.00 left)`,
    });
    expect(
      ['run', 'cycle', 'day', 'session alpha today', 'project api today'].map((scope) => isOutside(empty(scope))),
    ).toEqual([false, false, true, true, true]);
  });

  it('is bounded and quick on a page of noise', () => {
    const noise = '/a'.repeat(500_000) + '“'.repeat(500_000) + 'f0'.repeat(500_000);
    expect(errorOf(failed(noise))!.length).toBeLessThanOrEqual(200);
  });
});
