import type { BenchRun, StoredRow, StoredRun } from './stored.ts';

/**
 * Whether a later run is worse than an earlier one, row by row. Ratios are compared, since each has its baseline from the
 * same run and machine; a row without one is compared by its value, and only on the same machine.
 */
export interface Comparison {
  before: BenchRun;
  after: BenchRun;
  /** In which ways the machines differ; empty: the same. */
  otherMachine: readonly string[];
  /** What may also move figures, such as another Node or a busy machine. */
  remarks: readonly string[];
  rows: readonly ComparedRow[];
  fails: boolean;
}

export interface ComparedRow {
  key: string;
  row: string;
  /** What is compared: the ratio, or the value in its unit. */
  of: string;
  before: number | undefined;
  after: number | undefined;
  /** From before to after as a share: 0.5 is half as much again. Absent where it was 0. */
  change: number | undefined;
  tolerance: number | undefined;
  verdict: RowVerdict;
  goal: 'missed' | 'reached' | undefined;
  /** It makes the whole fail. */
  fails: boolean;
}

/**
 * - `unmeasured`: was measured then and could not be now
 * - `open`: there is no number on one side, or no ratio and the machine is another one
 * - `new`, `gone`: only one of the runs has it
 */
export type RowVerdict = 'better' | 'same' | 'worse' | 'unmeasured' | 'open' | 'new' | 'gone';

export const compareRuns = (then: StoredRun, now: StoredRun): Comparison => {
  const otherMachine = machineDifferences(then.run, now.run);
  const isSame = otherMachine.length === 0;
  const known = new Map(then.rows.map((row) => [row.key, row]));
  const still = new Set(now.rows.map(({ key }) => key));
  const rows = now.rows.map((row) => {
    const old = known.get(row.key);
    // What an earlier part of a run did not hold is nothing new.
    if (!old) return alone(row, then.run.only === undefined ? 'new' : 'open');
    return compareRows(old, row, isSame);
  });
  // Of a part of a run nobody expects the rest.
  const gone = now.run.only === undefined ? then.rows.filter(({ key }) => !still.has(key)) : [];
  const all = [...rows, ...gone.map((row) => alone(row, 'gone'))];
  return {
    ...{ before: then.run, after: now.run, otherMachine, remarks: remarksOn(then.run, now.run) },
    rows: all,
    fails: all.some(({ fails }) => fails),
  };
};

const compareRows = (then: StoredRow, now: StoredRow, isSameMachine: boolean): ComparedRow => {
  const goal =
    then.met === true && now.met === false ? 'missed' : then.met === false && now.met ? 'reached' : undefined;
  const numbers = numbersOf(then, now, isSameMachine);
  const verdict = numbers === undefined ? withoutNumbers(then, now) : verdictOf(numbers, now);
  return {
    ...{ key: now.key, row: now.row, of: numbers?.of ?? now.unit, before: numbers?.before, after: numbers?.after },
    change: numbers === undefined || numbers.before === 0 ? undefined : numbers.after / numbers.before - 1,
    tolerance: now.tolerance,
    verdict,
    goal,
    // That another machine lacks what a row needs is no fault of the code.
    fails: verdict === 'worse' || goal === 'missed' || (verdict === 'unmeasured' && isSameMachine),
  };
};

interface Numbers {
  of: string;
  before: number;
  after: number;
}

const numbersOf = (then: StoredRow, now: StoredRow, isSameMachine: boolean): Numbers | undefined => {
  if (then.better !== now.better || then.unit !== now.unit) return undefined;
  if (then.ratio !== undefined && now.ratio !== undefined) return { of: RATIO, before: then.ratio, after: now.ratio };
  if (!isSameMachine || then.value === undefined || now.value === undefined) return undefined;
  // A ratio on one side alone: its baseline was 0 then or is now.
  return { of: now.unit, before: then.value, after: now.value };
};

const RATIO = 'ratio';

const withoutNumbers = (then: StoredRow, now: StoredRow): RowVerdict =>
  then.value !== undefined && now.value === undefined ? 'unmeasured' : 'open';

const verdictOf = ({ of, before, after }: Numbers, { better, tolerance }: StoredRow): RowVerdict => {
  const [less, more] = before < after ? [before, after] : [after, before];
  // By factor, so that there and back again weigh the same: twice and half are equally far.
  const isSame = of === RATIO ? more <= less * (1 + tolerance) * SLACK : more - less <= tolerance * SLACK;
  if (isSame) return 'same';
  return after < before === (better === 'less') ? 'better' : 'worse';
};

/** What was divided twice in another order is the same all the same. */
const SLACK = 1 + 1e-9;

const alone = (row: StoredRow, verdict: 'new' | 'gone' | 'open'): ComparedRow => {
  const side = verdict === 'gone' ? 'before' : 'after';
  return {
    ...{
      key: row.key,
      row: row.row,
      of: row.ratio === undefined ? row.unit : RATIO,
      before: undefined,
      after: undefined,
    },
    [side]: row.ratio ?? row.value,
    ...{ change: undefined, tolerance: undefined, verdict, goal: undefined, fails: false },
  };
};

const machineDifferences = (then: BenchRun, now: BenchRun): string[] => [
  ...(then.processor === now.processor ? [] : [`${then.processor} then, ${now.processor} now`]),
  ...(then.cores === now.cores ? [] : [`${then.cores} cores then, ${now.cores} now`]),
  ...(then.memoryGb === now.memoryGb ? [] : [`${then.memoryGb} GB then, ${now.memoryGb} GB now`]),
];

const remarksOn = (then: BenchRun, now: BenchRun): string[] => [
  ...(then.node === now.node ? [] : [`Node ${then.node} then, ${now.node} now`]),
  ...(then.kernel === now.kernel ? [] : [`${then.kernel} then, ${now.kernel} now`]),
  ...(['then', 'now'] as const).flatMap((name) => {
    const run = name === 'then' ? then : now;
    return run.loadBefore <= run.cores * QUIET_SHARE
      ? []
      : [`the machine was busy ${name}: load ${run.loadBefore.toFixed(1)} on ${run.cores} cores before it began`];
  }),
];

/** Of its cores: what else a machine may do before it counts as busy. */
const QUIET_SHARE = 0.25;
