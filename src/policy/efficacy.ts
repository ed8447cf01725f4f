import type { Tally } from '../model/crew.ts';

/**
 * What a skill does, told from cycles that had it and cycles that it would have fitted and that went without it by lot:
 * a randomised comparison, since nothing but the lot tells the two apart.
 *
 * Each side is a Beta-binomial that begins at the kept rate of both together, so that few cycles say "no difference".
 * The probability that one rate is above the other is that of Cook, "Exact calculation of beta inequalities" (2005),
 * here summed over a grid so that a margin may stand between them. The rule looks again and again, so its errors are not
 * the posterior's: they are those of the simulation in bench/skills.ts, by which its constants were chosen.
 */
export interface Efficacy {
  /** Kept rate with it less the one without, in points of 1; undefined while one side is empty. */
  effect: number | undefined;
  /** Probability that it helps at all, 0 to 1. */
  confidence: number;
  /** `measuring`: too few cycles to say anything; `unclear`: enough to look, not to tell. */
  verdict: 'measuring' | 'unclear' | 'helps' | 'no-help' | 'harms';
}

export interface EfficacyInput {
  with: Tally;
  without: Tally;
  /** Cycles with a skill before its effect is judged. */
  after: number;
}

export const efficacyOf = (input: EfficacyInput): Efficacy => {
  const { after } = input;
  const mean = (input.with.kept + input.without.kept + 1) / (input.with.ended + input.without.ended + 3);
  const treated = density(input.with, mean);
  const control = density(input.without, mean);
  const confidence = above(treated, control, 0);
  const effect =
    input.with.ended === 0 || input.without.ended === 0
      ? undefined
      : input.with.kept / input.with.ended - input.without.kept / input.without.ended;
  const verdict = (): Efficacy['verdict'] => {
    if (input.with.ended < after || input.without.ended < after * CONTROL_SHARE) return 'measuring';
    if (confidence <= HARM_MAX) return 'harms';
    if (input.with.ended >= after * PATIENCE && above(treated, control, MARGIN) <= USELESS_MAX) return 'no-help';
    return confidence >= HELPS_MIN ? 'helps' : 'unclear';
  };
  return { effect, confidence, verdict: verdict() };
};

/** Whether the rule puts it aside. */
export const isUseless = ({ verdict }: Efficacy): boolean => verdict === 'harms' || verdict === 'no-help';

/** A tenth as many cycles without it: fewer say nothing about what would have been. */
const CONTROL_SHARE = 0.1;
/** So unlikely that it helps: it harms. */
const HARM_MAX = 0.1;
/** So many times the cycles of a first look before what is merely of no use goes. */
const PATIENCE = 3;
/** What it should be worth: less than this is not worth its place in every prompt. */
const MARGIN = 0.05;
const USELESS_MAX = 0.05;
const HELPS_MIN = 0.95;
/** Cycles that the common kept rate counts for on each side. */
const PRIOR_CYCLES = 20;

/** Steps of 1/400: fine enough for a thousand cycles a side, and the margin is a whole number of them. */
const CELLS = 400;

const LOGS = Float64Array.from({ length: CELLS }, (_, cell) => Math.log((cell + 0.5) / CELLS));
const LOGS_OF_REST = Float64Array.from({ length: CELLS }, (_, cell) => Math.log1p(-(cell + 0.5) / CELLS));

/** Posterior of a kept rate over the cells, summing to 1. */
const density = ({ kept, ended }: Tally, mean: number): Float64Array => {
  const a = kept + PRIOR_CYCLES * mean - 1;
  const b = ended - kept + PRIOR_CYCLES * (1 - mean) - 1;
  const cells = new Float64Array(CELLS);
  // Where the density is highest, so that its logarithms stay small.
  const mode = Math.min(1 - 0.5 / CELLS, Math.max(0.5 / CELLS, a + b > 0 ? a / (a + b) : mean));
  const top = a * Math.log(mode) + b * Math.log1p(-mode);
  let sum = 0;
  for (let cell = 0; cell < CELLS; cell += 1) {
    const value = Math.exp(a * LOGS[cell]! + b * LOGS_OF_REST[cell]! - top);
    cells[cell] = value;
    sum += value;
  }
  for (let cell = 0; cell < CELLS; cell += 1) cells[cell]! /= sum;
  return cells;
};

/** Probability that the first rate is above the second by more than the margin. */
const above = (first: Float64Array, second: Float64Array, margin: number): number => {
  const shift = Math.round(margin * CELLS);
  let below = 0;
  let probability = 0;
  for (let cell = 0; cell < CELLS; cell += 1) {
    const facing = second[cell - shift] ?? 0;
    probability += first[cell]! * (below + facing / 2);
    below += facing;
  }
  return probability;
};
