import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tally } from '../../src/model/crew.ts';
import { efficacyOf } from '../../src/policy/efficacy.ts';

const AFTER = 20;
const tally = (kept: number, ended: number): Tally => ({ kept, ended });
const of = (treated: [number, number], control: [number, number], after = AFTER) =>
  efficacyOf({ with: tally(...treated), without: tally(...control), after });

/** Probability that Beta(a, b) is above Beta(c, d), for whole a: the sum of Cook (2005). */
const cook = (a: number, b: number, c: number, d: number): number => {
  const beta = (x: number, y: number) => logFactorial(x - 1) + logFactorial(y - 1) - logFactorial(x + y - 1);
  let sum = 0;
  for (let i = 0; i < a; i += 1) sum += Math.exp(beta(c + i, d + b) - Math.log(b + i) - beta(1 + i, b) - beta(c, d));
  return sum;
};
const logFactorial = (n: number): number => (n < 2 ? 0 : Math.log(n) + logFactorial(n - 1));

describe('the effect of a skill', () => {
  it.each<[why: string, treated: [number, number], control: [number, number], verdict: string]>([
    ['nothing is known', [0, 0], [0, 0], 'measuring'],
    ['one use too few', [0, 19], [9, 9], 'measuring'],
    ['nobody went without', [0, 200], [0, 0], 'measuring'],
    ['hardly anybody went without', [0, 20], [1, 1], 'measuring'],
    ['nothing is kept with it, most without', [0, 20], [5, 6], 'harms'],
    ['somewhat less is kept with it, few cycles', [5, 20], [2, 5], 'unclear'],
    ['somewhat more is kept with it, few cycles', [9, 20], [1, 5], 'unclear'],
    ['nothing is kept either way', [0, 20], [0, 5], 'unclear'],
    ['nothing is kept either way, for long', [0, 200], [0, 50], 'no-help'],
    ['all is kept either way, for long', [200, 200], [50, 50], 'no-help'],
    ['the same either way, for very long', [700, 2000], [175, 500], 'no-help'],
    ['a little better, for very long', [1680, 4800], [408, 1200], 'no-help'],
    ['clearly better', [100, 200], [17, 50], 'helps'],
    ['clearly worse', [40, 200], [18, 50], 'harms'],
  ])('%s', (_, treated, control, verdict) => {
    expect(of(treated, control).verdict).toBe(verdict);
  });

  it('is given in points, with the probability that it helps', () => {
    expect(of([0, 0], [0, 0])).toEqual({ effect: undefined, confidence: expect.closeTo(0.5, 6), verdict: 'measuring' });
    expect(of([10, 20], [1, 5])).toMatchObject({ effect: expect.closeTo(0.3, 10) });
  });

  it('is that of the closed form, where there is one', () => {
    // Both begin at 20 cycles of the common rate: with 49 of 98 and 49 of 98 that is Beta(59, 59) on both sides, and
    // with 69 of 99 and 29 of 99 Beta(79, 40) and Beta(39, 80), within the third of a cycle that the rate itself begins at.
    expect(of([49, 98], [49, 98]).confidence).toBeCloseTo(0.5, 6);
    expect(of([60, 98], [38, 98]).confidence).toBeCloseTo(cook(70, 48, 48, 70), 3);
    expect(of([52, 98], [46, 98]).confidence).toBeCloseTo(cook(62, 56, 56, 62), 3);
  });

  const side = fc
    .integer({ min: 0, max: 400 })
    .chain((ended) => fc.tuple(fc.integer({ min: 0, max: ended }), fc.constant(ended)));

  it('is a probability, and that of the opposite is its complement', () => {
    fc.assert(
      fc.property(side, side, (a, b) => {
        const { confidence } = of(a, b);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1 + 1e-9);
        expect(confidence + of(b, a).confidence).toBeCloseTo(1, 6);
      }),
    );
  });

  it('looks no worse when one more of its cycles is kept', () => {
    fc.assert(
      fc.property(side, side, (treated, control) => {
        // With next to nothing on the other side there is nothing to look better than.
        fc.pre(treated[0] < treated[1] && treated[1] >= AFTER && control[1] >= AFTER);
        const more = of([treated[0] + 1, treated[1]], control).confidence;
        expect(more).toBeGreaterThanOrEqual(of(treated, control).confidence - 1e-9);
      }),
    );
  });

  it('is never judged before the cycles that the configuration asks for', () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 5, max: 1000 }), (treated, control, after) => {
        fc.pre(treated[1] < after);
        expect(of(treated, control, after).verdict).toBe('measuring');
      }),
    );
  });
});
