import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BranchStatus, ProjectState, QueuedBranch } from '../../src/model/state.ts';
import { type NextStep, nextStep, type PrefixResult, ridersOf } from '../../src/policy/train.ts';
import { howMany } from '../thoroughness.ts';
import { at, stateOf, taskOf } from './situations.ts';

const RESULTS = ['green', 'red', 'unevaluated'] as const;

describe('nextStep', () => {
  const G = 'green';
  const R = 'red';
  const U = 'unevaluated';
  it.each<[what: string, count: number, known: [number, PrefixResult][], step: NextStep]>([
    ['nothing is known: the whole stack', 1, [], { do: 'test', length: 1 }],
    ['nothing is known: the whole stack', 5, [], { do: 'test', length: 5 }],
    ['all of it is green: it lands', 5, [[5, G]], { do: 'land', length: 5 }],
    ['it is red: the first half', 5, [[5, R]], { do: 'test', length: 2 }],
    ['it gives no result: the first half as well', 5, [[5, U]], { do: 'test', length: 2 }],
    [
      'both are red: the first',
      5,
      [
        [5, R],
        [2, R],
      ],
      { do: 'test', length: 1 },
    ],
    [
      'the half is green: it lands at once',
      5,
      [
        [5, R],
        [2, G],
      ],
      { do: 'land', length: 2 },
    ],
    [
      'two prefixes are green: the longer one lands',
      5,
      [
        [1, G],
        [3, G],
      ],
      { do: 'land', length: 3 },
    ],
    [
      'a red one lies before a green one: what is green lands, it mended the other',
      3,
      [
        [1, R],
        [2, G],
      ],
      { do: 'land', length: 2 },
    ],
    [
      'the first alone is red: it is dropped',
      3,
      [
        [3, R],
        [1, R],
      ],
      { do: 'drop' },
    ],
    ['the first alone is red, by a search that was cut off: it is dropped', 3, [[1, R]], { do: 'drop' }],
    [
      'the first alone gives no result: nobody is blamed',
      3,
      [
        [3, R],
        [1, U],
      ],
      { do: 'defer' },
    ],
    ['a red one is known from before: only what is shorter is tested', 8, [[5, R]], { do: 'test', length: 2 }],
    [
      'no result and red: the shorter bounds the search',
      8,
      [
        [4, U],
        [6, R],
      ],
      { do: 'test', length: 2 },
    ],
  ])('%s (%i branches)', (_, count, known, step) => {
    expect(nextStep(count, new Map(known))).toEqual(step);
  });

  it('of anything that may be known lands the longest green one, else blames the first alone or tests something new and shorter', () => {
    let shapes = 0;
    for (let count = 1; count <= 6; count += 1) {
      for (const row of sequences([undefined, ...RESULTS], count)) {
        const known = new Map(row.flatMap((result, n): [number, PrefixResult][] => (result ? [[n + 1, result]] : [])));
        const step = nextStep(count, known);
        const green = row.lastIndexOf('green') + 1;
        const bad = row.findIndex((result) => result !== undefined) + 1;
        if (green > 0) expect(step).toEqual({ do: 'land', length: green });
        else if (bad === 0) expect(step).toEqual({ do: 'test', length: count });
        else if (bad === 1) expect(step).toEqual({ do: row[0] === 'red' ? 'drop' : 'defer' });
        else {
          const length = step.do === 'test' ? step.length : Number.NaN;
          expect(Number.isInteger(length) && length >= 1 && length < bad && !known.has(length)).toBe(true);
        }
        shapes += 1;
      }
    }
    expect(shapes).toBe(4 + 16 + 64 + 256 + 1024 + 4096);
  });
});

const sequences = <T>(letters: readonly T[], length: number): T[][] =>
  length === 0 ? [[]] : sequences(letters, length - 1).flatMap((rest) => letters.map((letter) => [letter, ...rest]));

/** What the checks say of the tip with these branches on it, in this order, after `landed`. */
type Checks = (branches: readonly number[]) => PrefixResult;

interface Ride {
  landed: number[];
  dropped: number[];
  deferred: number[];
  /** Trees that the checks ran on: the branches in each. */
  tests: number[][];
}

/**
 * The train without git: a tree is the branches that are in it. A round ends with each landing, drop and deferral, as
 * in flow/train.ts; green and red are kept by tree across rounds, what gave no result is forgotten with its round.
 * By plain assertions, since there are hundreds of thousands.
 */
const rideAll = (branches: readonly number[], checks: Checks, batch = branches.length): Ride => {
  const ride: Ride = { landed: [], dropped: [], deferred: [], tests: [] };
  const kept = new Map<string, PrefixResult>();
  let waiting = [...branches];
  for (let rounds = 0; waiting.length > 0; rounds += 1) {
    // Every round takes at least one branch off.
    ok(rounds < branches.length);
    const stack = waiting.slice(0, batch);
    const tree = (length: number): number[] => [...ride.landed, ...stack.slice(0, length)];
    const known = new Map<number, PrefixResult>();
    for (const n of stack.keys()) {
      const result = kept.get(tree(n + 1).join());
      if (result) known.set(n + 1, result);
    }
    let step = nextStep(stack.length, known);
    while (step.do === 'test') {
      ok(!known.has(step.length));
      const tested = tree(step.length);
      const result = checks(tested);
      ride.tests.push(tested);
      known.set(step.length, result);
      if (result !== 'unevaluated') kept.set(tested.join(), result);
      step = nextStep(stack.length, known);
    }
    switch (step.do) {
      case 'land':
        // Main is never red: exactly this tree was tested.
        deepStrictEqual(kept.get(tree(step.length).join()), 'green');
        ride.landed.push(...stack.slice(0, step.length));
        break;
      case 'drop':
        // Nobody is blamed for what others did: on the tip, alone, it is red.
        deepStrictEqual(kept.get(tree(1).join()), 'red');
        ride.dropped.push(stack[0]!);
        break;
      case 'defer':
        deepStrictEqual(checks(tree(1)), 'unevaluated');
        ride.deferred.push(stack[0]!);
        break;
      default:
        step satisfies never;
    }
    const gone = new Set([...ride.landed, ...ride.dropped, ...ride.deferred]);
    waiting = waiting.filter((branch) => !gone.has(branch));
  }
  return ride;
};

const numbersOf = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
/** Runs of a search for one bad branch among so many: the whole stack, then halves. */
const searchMax = (count: number): number => 1 + Math.ceil(Math.log2(Math.max(1, count)));

describe('the loop over nextStep', () => {
  const patterns = numbersOf(9)
    .slice(1)
    .flatMap((count) => sequences(RESULTS, count));
  const of = (pattern: readonly PrefixResult[], kind: PrefixResult): number[] =>
    numbersOf(pattern.length).filter((n) => pattern[n] === kind);

  // A red test beside one without a result may come out either way.
  it.each([
    ['unevaluated', 'red'],
    ['red', 'unevaluated'],
  ] as const)(
    'lands the good, drops the red and sets aside what gives no result, in every pattern of up to eight branches, when a stack of both kinds is %s',
    (first, second) => {
      expect(patterns).toHaveLength(9840);
      for (const pattern of patterns) {
        const checks: Checks = (tree) =>
          [first, second].find((kind) => tree.some((n) => pattern[n] === kind)) ?? 'green';
        for (const batch of new Set([pattern.length, 3, 1])) {
          const ride = rideAll(numbersOf(pattern.length), checks, batch);
          deepStrictEqual(
            [ride.landed, ride.dropped, ride.deferred],
            [of(pattern, 'green'), of(pattern, 'red'), of(pattern, 'unevaluated')],
          );
        }
      }
    },
  );

  it('finds each bad branch with no more runs than one and the halvings of its stack, and tests no tree twice', () => {
    for (const pattern of patterns.filter((each) => !each.includes('unevaluated'))) {
      const checks: Checks = (tree) => (tree.some((n) => pattern[n] === 'red') ? 'red' : 'green');
      const { dropped, tests } = rideAll(numbersOf(pattern.length), checks);
      // What is left after the last bad one is green in one run.
      const last = pattern.at(-1) === 'green' ? 1 : 0;
      expect(tests.length).toBeLessThanOrEqual(dropped.length * searchMax(pattern.length) + last);
      expect(new Set(tests.map((tree) => tree.join())).size).toBe(tests.length);
    }
  });

  it('needs one run for a stack that is green, whatever its length', () => {
    for (const count of [1, 2, 8, 64, 500]) expect(rideAll(numbersOf(count), () => 'green').tests).toHaveLength(1);
  });

  it('finds the one bad branch of a long stack wherever it is', () => {
    for (const count of [9, 33, 100]) {
      for (const bad of numbersOf(count)) {
        const { landed, dropped, tests } = rideAll(numbersOf(count), (tree) => (tree.includes(bad) ? 'red' : 'green'));
        expect(dropped).toEqual([bad]);
        expect(landed).toHaveLength(count - 1);
        expect(tests.length).toBeLessThanOrEqual(searchMax(count) + 1);
      }
    }
  });

  it('drops the later of two that are only bad together, at every pair of places', () => {
    for (let count = 2; count <= 8; count += 1) {
      for (const one of numbersOf(count)) {
        for (const other of numbersOf(count).slice(one + 1)) {
          const checks: Checks = (tree) => (tree.includes(one) && tree.includes(other) ? 'red' : 'green');
          expect(rideAll(numbersOf(count), checks).dropped).toEqual([other]);
        }
      }
    }
  });

  // The assertions are those within the ride: only tested trees land, only what is red alone is dropped.
  it('ends with every branch in one of three heaps, whatever the checks say of each tree', () => {
    const anyStack = fc.integer({ min: 1, max: 8 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        batch: fc.integer({ min: 1, max: count }),
        says: fc.func(fc.constantFrom(...RESULTS)),
      }),
    );
    fc.assert(
      fc.property(anyStack, ({ count, batch, says }) => {
        const ride = rideAll(numbersOf(count), (tree) => says(tree.join()), batch);
        expect([...ride.landed, ...ride.dropped, ...ride.deferred].sort()).toEqual(numbersOf(count));
      }),
      { numRuns: howMany(500, 5_000) },
    );
  });
});

describe('ridersOf', () => {
  const approvedAt = (offsetMs: number, more: { by?: 'reviewer' | 'person' | 'verify'; review?: string } = {}) => ({
    state: 'approved' as const,
    ...{ review: 'r', by: 'reviewer' as const, name: 'someone', reason: 'fine', at: at(offsetMs) },
    ...more,
  });
  const queued = (branch: string, status: BranchStatus, more: Partial<QueuedBranch> = {}): QueuedBranch => ({
    ...{ branch, commit: 'c', base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: 'c', title: 'title' },
    ...{ kind: 'change', at: at(-1), changedAt: at(-1), status },
    ...more,
  });
  const order = (
    branches: readonly QueuedBranch[],
    { red, free = [] }: { red?: NonNullable<ProjectState['red']>; free?: string[] } = {},
  ): string[] => {
    const state = stateOf((world) => {
      for (const branch of branches) world.queue[branch.branch] = branch;
      world.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], ...(red ? { red } : {}) };
      for (const origin of ['main-red', 'conflict', 'person'] as const)
        world.tasks[origin] = taskOf(origin, { origin });
    });
    return ridersOf(state, 'api', (branch) => free.includes(branch)).map(({ branch }) => branch);
  };

  it('are the approved branches of the project and no others', () => {
    const word = { review: 'r', by: 'reviewer' as const, name: 'someone', reason: 'so', at: at(-1) };
    const statuses: BranchStatus[] = [
      { state: 'pending', note: '' },
      { state: 'needs-human', ...word },
      { state: 'rejected', ...word },
      { state: 'landed', main: 'm', merged: 'm', review: 'r' },
      { state: 'dropped', why: 'red', reason: 'red' },
      { state: 'gone', reason: 'gone' },
    ];
    const others = statuses.map((status) => queued(status.state, status));
    const elsewhere = queued('elsewhere', approvedAt(-9), { project: 'web' });
    expect(order([...others, elsewhere, queued('approved', approvedAt(-1))])).toEqual(['approved']);
  });

  it('ride in the order of their approval, not of their push or their name', () => {
    const branches = [
      queued('a', approvedAt(-1), { at: at(-9) }),
      queued('b', approvedAt(-3), { at: at(-2) }),
      queued('c', approvedAt(-2), { at: at(-5) }),
    ];
    expect(order(branches)).toEqual(['b', 'c', 'a']);
    expect(order(branches.toReversed())).toEqual(['b', 'c', 'a']);
  });

  it('of one millisecond ride in the order of their reviews', () => {
    const branches = [queued('a', approvedAt(-1, { review: '02' })), queued('b', approvedAt(-1, { review: '01' }))];
    expect(order(branches)).toEqual(['b', 'a']);
  });

  it('begin with the reverts, then those whose result is known', () => {
    const branches = [
      queued('first', approvedAt(-9)),
      queued('known', approvedAt(-5)),
      queued('revert', approvedAt(-1), { kind: 'revert' }),
      queued('known-revert', approvedAt(0), { kind: 'revert' }),
    ];
    const free = ['known', 'known-revert'];
    expect(order(branches)).toEqual(['revert', 'known-revert', 'first', 'known']);
    expect(order(branches, { free })).toEqual(['known-revert', 'revert', 'known', 'first']);
  });

  const red: NonNullable<ProjectState['red']> = {
    ...{ commit: 'c', tree: 't', green: 'g', broken: ['test a'], suspects: [], task: 'main-red', at: at(-100) },
  };
  it.each<[rides: boolean, what: string, branch: QueuedBranch]>([
    [true, 'a revert', queued('x', approvedAt(-200), { kind: 'revert' })],
    [true, 'the work of the task that was made for it', queued('x', approvedAt(-50), { task: 'main-red' })],
    [true, 'what a person approved since', queued('x', approvedAt(-50, { by: 'person' }))],
    [true, 'what a person approved in the same moment', queued('x', approvedAt(-100, { by: 'person' }))],
    [false, 'what a person approved before', queued('x', approvedAt(-101, { by: 'person' }))],
    [false, 'what the reviewer approved since', queued('x', approvedAt(-50))],
    [false, 'what the reviewer approved of another task', queued('x', approvedAt(-50), { task: 'conflict' })],
    [false, 'the work of a task that is not known any more', queued('x', approvedAt(-50), { task: 'forgotten' })],
  ])('while main is red: %s for %s', (rides, _, branch) => {
    expect(order([branch], { red })).toEqual(rides ? ['x'] : []);
    expect(order([branch])).toEqual(['x']);
  });
});
