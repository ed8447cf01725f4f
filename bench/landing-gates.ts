/**
 * How others bring approved changes to main, as far as it decides how many runs of the checks they need. Each gate works
 * off what waits, and may ask the yard only for what it could see in the world.
 */
export interface Yard<C> {
  /** Approved and neither landed nor dropped, the oldest approval first. */
  waiting(): C[];
  /** Executes the checks on main with these on it; true: green. */
  test(changes: readonly C[]): Promise<boolean>;
  /** Whether this very tree was found green before, by an evaluation. */
  isKnownGreen(change: C): boolean;
  /** Main moves to what was tested. */
  land(changes: readonly C[]): void;
  drop(change: C): void;
  pause(ms: number): Promise<void>;
}

export type Gate = <C>(yard: Yard<C>) => Promise<void>;

/** One after the other, each tested on main as it is then. */
export const serialGate: Gate = async (yard) => {
  for (let [first] = yard.waiting(); first; [first] = yard.waiting()) {
    if (await yard.test([first])) yard.land([first]);
    else yard.drop(first);
  }
};

/** The same, but a tree that an evaluation found green is not tested again. */
export const keyedSerialGate: Gate = async (yard) => {
  for (let [first] = yard.waiting(); first; [first] = yard.waiting()) {
    if (yard.isKnownGreen(first) || (await yard.test([first]))) yard.land([first]);
    else yard.drop(first);
  }
};

const BORS_DELAY_MS = 10_000;

/** bors-ng, lib/worker/batcher/divider.ex: a red batch is split, both halves are batches of their own. */
export const borsGate =
  (max: number): Gate =>
  async <C>(yard: Yard<C>) => {
    const halves: C[][] = [];
    for (;;) {
      if (halves.length === 0 && yard.waiting().length > 0) await yard.pause(BORS_DELAY_MS);
      const batch = halves.shift() ?? yard.waiting().slice(0, max);
      if (batch.length === 0) return;
      const middle = Math.floor(batch.length / 2);
      if (await yard.test(batch)) yard.land(batch);
      else if (batch.length === 1) yard.drop(batch[0]!);
      else halves.unshift(batch.slice(0, middle), batch.slice(middle));
    }
  };

const GASTOWN_WAIT_MS = 30_000;

/** gastown, internal/refinery/batch.go: one retry of the whole, a cumulative bisection, the good ones verified again. */
export const gastownGate =
  (max: number): Gate =>
  async (yard) => {
    for (;;) {
      if (yard.waiting().length > 0) await yard.pause(GASTOWN_WAIT_MS);
      const batch = yard.waiting().slice(0, max);
      if (batch.length === 0) return;
      if (await yard.test(batch)) {
        yard.land(batch);
        continue;
      }
      if (batch.length > 1 && (await yard.test(batch))) {
        yard.land(batch);
        continue;
      }
      const good = batch.length > 1 ? await goodOnes(yard, [], batch) : [];
      for (const change of batch) if (!good.includes(change)) yard.drop(change);
      if (good.length === 0) continue;
      if (await yard.test(good)) yard.land(good);
      else for (const change of good) yard.drop(change);
    }
  };

/** Which of these, known to be red on top of the good ones, are good themselves: bisectBatch and bisectRight in one. */
const goodOnes = async <C>(yard: Yard<C>, below: readonly C[], red: readonly C[]): Promise<C[]> => {
  if (red.length <= 1) return [];
  const middle = Math.floor(red.length / 2);
  const [left, right] = [red.slice(0, middle), red.slice(middle)];
  // Green on the left leaves the blame on the right.
  if (await yard.test([...below, ...left])) return [...left, ...(await goodOnes(yard, [...below, ...left], right))];
  const good = await goodOnes(yard, below, left);
  const under = [...below, ...good];
  if (await yard.test([...under, ...right])) return [...good, ...right];
  return [...good, ...(await goodOnes(yard, under, right))];
};
