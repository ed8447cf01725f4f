import { type Backoff, backoffMs } from '../base/backoff.ts';

/** A session that fails again and again, or cannot be judged, rests, each time longer; a park asked for by the failure itself wins. */
export const FAILURES_BEFORE_PARK = 3;

/** From five minutes to six hours: short enough for a passing fault, long enough to cost nothing when it is not. */
const PARK: Backoff = { baseMs: 5 * 60_000, maxMs: 6 * 3_600_000, jitter: 0 };

export interface ParkInput {
  end: { outcome: string; parkUntilMs?: number };
  /** Cycles in a row that failed or could not be judged, this one included. */
  failures: number;
  now: number;
}

/** Milliseconds since the epoch until which the session rests, or undefined. */
export const parkUntil = ({ end, failures, now }: ParkInput): number | undefined => {
  if (end.parkUntilMs !== undefined) return end.parkUntilMs;
  const isFruitless = end.outcome === 'failed' || end.outcome === 'unevaluated';
  if (!isFruitless || failures < FAILURES_BEFORE_PARK) return undefined;
  return now + backoffMs(failures - FAILURES_BEFORE_PARK + 1, PARK, 0);
};
