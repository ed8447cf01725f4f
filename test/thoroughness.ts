/**
 * How much of a proof that gets no better by its size but surer: kills at random moments, floods, crowds, further
 * kinds of the same thing. `npm test` tries each with what takes moments; `npm run test:thorough` sets this and tries them at
 * full size.
 */
export const THOROUGH = process.env.WINNOW_TEST_THOROUGH === '1';

/** So many in `npm test`, so many in `npm run test:thorough`. */
export const howMany = (usually: number, thoroughly: number): number => (THOROUGH ? thoroughly : usually);

/** The first so many cases of a kind in `npm test`, all of them in `npm run test:thorough`: the telling ones come first. */
export const firstOf = <T>(usually: number, cases: readonly T[]): readonly T[] =>
  THOROUGH ? cases : cases.slice(0, usually);
