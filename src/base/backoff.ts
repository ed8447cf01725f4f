export interface Backoff {
  baseMs: number;
  maxMs: number;
  /** Share of the delay that is drawn at random, 0 to 1: many waiters must not come back together. */
  jitter: number;
}

/**
 * Exponential back-off with bounded jitter: base * 2^(attempt-1), at most max.
 * @param attempt 1 for the first retry
 * @param random a number in [0, 1), given so that the decision stays pure
 */
export const backoffMs = (attempt: number, { baseMs, maxMs, jitter }: Backoff, random: number): number => {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(30, Math.max(0, attempt - 1)));
  return Math.round(full * (1 - jitter) + full * jitter * random);
};
