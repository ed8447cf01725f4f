/** What of a budget pays for a run: money is counted in cents here, since the smallest answer costs about one. */

/** A run below this could not even read its prompt; the smallest answer costs about a cent. */
export const RUN_BUDGET_MIN_USD = 0.02;

/** Rounded down to cents; what is a millionth short of a cent is the noise of sums of fractions and no less than it. */
export const wholeCents = (usd: number): number => Math.floor(Math.round(usd * 1e6) / 1e4) / 100;

/** What is left pays for no run: whoever began work all the same would only find that out. */
export const isSpent = (limitUsd: number, spentUsd: number): boolean =>
  wholeCents(limitUsd - spentUsd) < RUN_BUDGET_MIN_USD;
