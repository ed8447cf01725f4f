import type { Clock } from '../../src/base/clock.ts';

/** A clock that is turned by hand: whoever sleeps wakes when it has been turned far enough. */
export interface HandClock extends Clock {
  advance: (ms: number) => void;
  /** How many sleep now for at least so long. */
  sleeping: (atLeastMs?: number) => number;
}

export const createHandClock = (startMs = Date.parse('2026-03-14T10:00:00.000Z')): HandClock => {
  let now = startMs;
  const sleepers = new Set<{ dueMs: number; ms: number; wake: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = {
          ...{ dueMs: now + ms, ms },
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    advance: (ms) => {
      now += ms;
      for (const sleeper of [...sleepers]) if (sleeper.dueMs <= now) sleeper.wake();
    },
    sleeping: (atLeastMs = 0) => [...sleepers].filter(({ ms }) => ms >= atLeastMs).length,
  };
};
