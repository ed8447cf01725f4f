import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import type { RecentCycle } from '../../src/model/state.ts';
import { similarity, triedBefore } from '../../src/policy/tried.ts';

const plan = (title: string, ...files: string[]): Plan => ({ title, why: 'w', kind: 'fix', files, expects: 'e' });
const past = (cycle: string, more: Partial<RecentCycle> = {}): RecentCycle => ({
  cycle,
  session: 'beta',
  project: 'api',
  at: '2026-03-14T09:30:00.000Z',
  outcome: 'discarded',
  reason: 'breaks 1 test: adds',
  title: 'Sort the list by name',
  files: ['src/list.ts'],
  costUsd: 0.1,
  ...more,
});
const again = plan('Sort the list by name', 'src/list.ts');

describe('triedBefore', () => {
  it('names the cycle, who tried, when and why it was thrown away', () => {
    expect(triedBefore(again, [past('c1')])).toEqual({
      cycle: 'c1',
      reason: 'beta tried “Sort the list by name” on 2026-03-14 09:30 and it was discarded: breaks 1 test: adds',
    });
  });

  it.each<[what: string, plan: Plan, recent: RecentCycle[], cycle: string | undefined]>([
    ['nothing was tried', again, [], undefined],
    ['the words are the same in another order', plan('By name sort the list', 'src/list.ts'), [past('c1')], 'c1'],
    ['the spelling of the file differs', plan('Sort the list by name', './src/list.ts'), [past('c1')], 'c1'],
    ['it is another idea for the same file', plan('Cache the length', 'src/list.ts'), [past('c1')], undefined],
    ['it is the same idea for another file', plan('Sort the list by name', 'src/x.ts'), [past('c1')], undefined],
    ['it names no file at all', plan('Sort the list by name'), [past('c1')], 'c1'],
    ['it was kept', again, [past('c1', { outcome: 'pushed' })], undefined],
    ['it ended without a judgement', again, [past('c1', { outcome: 'unevaluated' })], undefined],
    ['the service failed', again, [past('c1', { outcome: 'failed' })], undefined],
    [
      'these files changed since',
      again,
      [past('c1'), past('c2', { outcome: 'pushed', title: 'Another matter' })],
      undefined,
    ],
    [
      'only other files changed since',
      again,
      [past('c1'), past('c2', { outcome: 'pushed', files: ['src/x.ts'] })],
      'c1',
    ],
    ['it was tried twice', again, [past('c1'), past('c2')], 'c2'],
  ])('when %s', (_, wanted, recent, cycle) => {
    expect(triedBefore(wanted, recent)?.cycle).toBe(cycle);
  });

  it('does not stumble over a past cycle without a plan', () => {
    const { title: _, ...untitled } = past('c1');
    expect(triedBefore(again, [untitled])).toBeUndefined();
  });
});

describe('similarity', () => {
  it.each<[a: string, b: string, share: number]>([
    ['Sort the list', 'sort THE list!', 1],
    ['Sort the list', 'Count words', 0],
    ['a b c', 'a b d', 0.5],
    ['Список отсортировать', 'отсортировать список', 1],
    ['', '', 1],
    ['', 'a', 0],
  ])('of %j and %j is %d', (a, b, share) => {
    expect(similarity(a, b)).toBe(share);
  });

  it('lies between 0 and 1, is the same both ways, and 1 with itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const share = similarity(a, b);
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
        expect(similarity(b, a)).toBe(share);
        expect(similarity(a, a)).toBe(1);
      }),
    );
  });
});
