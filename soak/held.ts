import type { Life } from './world.ts';

/** What processes hold after hours of the same work: a trend is a loss. */

/** Beyond these a process that did the same hour after hour holds on to something; what its caches may still take. */
const HEAP_GROWTH_MAX = 1.35;
const FILES_GROWTH_MAX = 12;
const TIMERS_GROWTH_MAX = 20;
/** A shorter life shows no trend. */
const TREND_MIN_MS = 4 * 3_600_000;

export const heldLosses = (lives: readonly Life[]): string[] =>
  lives.flatMap(({ pid, held }) => {
    const [first, last] = [held[0], held.at(-1)];
    if (!first || !last || last.atMs - first.atMs < TREND_MIN_MS) return [];
    return [
      ...(last.heapBytes > first.heapBytes * HEAP_GROWTH_MAX
        ? [
            `process ${pid} holds ${megabytes(last.heapBytes)} of heap, ${megabytes(first.heapBytes)} after its first hour`,
          ]
        : []),
      ...(last.files > first.files + FILES_GROWTH_MAX
        ? [`process ${pid} holds ${last.files} files open, ${first.files} after its first hour`]
        : []),
      ...(last.timers > first.timers + TIMERS_GROWTH_MAX
        ? [`process ${pid} has ${last.timers} timers, ${first.timers} after its first hour`]
        : []),
    ];
  });

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
