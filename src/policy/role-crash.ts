import { type Backoff, backoffMs } from '../base/backoff.ts';
import type { RoleState } from '../model/state.ts';

/**
 * What becomes of a role that failed, or whose process died: it begins again, each time later, and when it goes on
 * failing it rests until a person says otherwise. A night of restarts costs money, fills logs and mends nothing.
 */

/** A passing fault is over after four; the fifth within the window is a loop. */
export const ROLE_FAILURES_BEFORE_PARK = 5;

/**
 * Longer than five rounds of a process that lives a minute or two between two crashes, and than the back-off of PM2 and
 * of systemd; so short that one crash a day is never a loop.
 */
export const ROLE_FAILURE_WINDOW_MS = 15 * 60_000;

/** Within a process: 2, 4, 8, 16 s, half a minute in all until it parks; what lasts shorter than that parks nothing. */
const RESTART: Backoff = { baseMs: 2_000, maxMs: 60_000, jitter: 0 };

export type RoleNext =
  /** Again in so many milliseconds; none where it has not failed of late. */
  | { next: 'begin'; afterMs: number }
  /** It failed so often within the window, last for this reason. */
  | { next: 'park'; failures: number; reason: string }
  /** It is parked, and only a person ends that. */
  | { next: 'rest'; reason: string };

export const nextOfRole = (role: RoleState | undefined, now: number): RoleNext => {
  if (role?.parked) return { next: 'rest', reason: role.parked.reason };
  const recent = recentFailures(role, now);
  const last = recent.at(-1);
  if (!last) return { next: 'begin', afterMs: 0 };
  if (recent.length >= ROLE_FAILURES_BEFORE_PARK) return { next: 'park', failures: recent.length, reason: last.reason };
  return { next: 'begin', afterMs: backoffMs(recent.length, RESTART, 0) };
};

/** Those within the window, on either side of now: a clock that was set back makes no loop that lasts for ever. */
export const recentFailures = (role: RoleState | undefined, now: number): RoleState['failures'] =>
  (role?.failures ?? []).filter(({ at }) => Math.abs(now - Date.parse(at)) < ROLE_FAILURE_WINDOW_MS);

/** What is refused for a reason that may pass, such as a taken address, is tried again; it counts as no failure. */
export const refusedRetryMs = (attempt: number): number => backoffMs(attempt, RESTART, 0);
