/** A clock that jumps from one moment at which something happens to the next, and the slots in which checks run. */
export interface SimulatedClock {
  now(): number;
  sleepUntil(ms: number): Promise<void>;
  /** Lets time pass until nobody waits for any moment. */
  run(): Promise<void>;
}

export const createSimulatedClock = (): SimulatedClock => {
  let nowMs = 0;
  /** A heap by time, then by order of asking: the same asking gives the same day. */
  const heap: Alarm[] = [];
  let asked = 0;
  return {
    now: () => nowMs,
    sleepUntil: (ms) =>
      new Promise((wake) => {
        push(heap, { atMs: Math.max(ms, nowMs), turn: asked, wake });
        asked += 1;
      }),
    run: async () => {
      await allSettled();
      for (let next = pop(heap); next; next = pop(heap)) {
        nowMs = next.atMs;
        next.wake();
        await allSettled();
      }
    },
  };
};

interface Alarm {
  atMs: number;
  turn: number;
  wake: () => void;
}

/** Whatever follows at once has happened: nothing in a simulated world waits for anything but promises. */
const allSettled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const isSooner = (a: Alarm, b: Alarm): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.turn < b.turn);

const push = (heap: Alarm[], alarm: Alarm): void => {
  let n = heap.push(alarm) - 1;
  for (let up = (n - 1) >> 1; n > 0 && isSooner(alarm, heap[up]!); up = (n - 1) >> 1) {
    heap[n] = heap[up]!;
    n = up;
  }
  heap[n] = alarm;
};

const pop = (heap: Alarm[]): Alarm | undefined => {
  const first = heap[0];
  const last = heap.pop();
  if (!last || heap.length === 0) return first;
  let n = 0;
  for (;;) {
    let down = 2 * n + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && isSooner(heap[down + 1]!, heap[down]!)) down += 1;
    if (!isSooner(heap[down]!, last)) break;
    heap[n] = heap[down]!;
    n = down;
  }
  heap[n] = last;
  return first;
};

/** Runs of one length in a number of slots, in the order of asking. */
export const createSimulatedSlots = (clock: SimulatedClock, count: number, lengthMs: number) => {
  let free = count;
  let runs = 0;
  const waiting: (() => void)[] = [];
  return {
    runs: () => runs,
    run: async (): Promise<void> => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      runs += 1;
      await clock.sleepUntil(clock.now() + lengthMs);
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
};
