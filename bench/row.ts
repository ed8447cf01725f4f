/** One row of the benchmark table: a figure beside a baseline that was measured in the same run. */
export interface BenchRow {
  /** Stays when the words change: by it runs are compared, and bench/README.md explains the row. */
  key: string;
  row: string;
  /** What was measured, with its unit. */
  figure: string;
  /** What it is compared with, measured in the same run. */
  baseline: string;
  /** The one number of the figure by which runs are compared, in `unit`. Undefined: could not be measured here. */
  value: number | undefined;
  unit: Unit;
  /** The baseline's, in the same unit; undefined where they are of different kinds. */
  baselineValue: number | undefined;
  /** Value over baseline value: what a figure is on another machine too. */
  ratio: number | undefined;
  /** Which way is better. */
  better: 'less' | 'more';
  /**
   * How far it moves from run to run of the same code on the same machine: a share of the ratio, or, where there is no
   * ratio, an amount of the unit. What is simulated moves not at all.
   */
  tolerance: number;
  goal: string;
  /** Undefined: there is no goal, or it could not be measured here. */
  met: boolean | undefined;
  /** How, with how many rounds, and how far the rounds lie apart. */
  method: string;
}

export type Unit =
  | 'ms'
  | 'MB'
  | 'MB/s'
  | 'bytes'
  | 'bytes/s'
  | 'cores'
  | 'share'
  | 'runs'
  | 'runs per landed change'
  | 'a second'
  | 'entries'
  | 'overtakes per request';

/** A row with the ratio of its two numbers; less is better unless it says otherwise. */
export const benchRow = ({
  better = 'less',
  baselineValue,
  ...row
}: Omit<BenchRow, 'ratio' | 'better' | 'baselineValue'> &
  Partial<Pick<BenchRow, 'better' | 'baselineValue'>>): BenchRow => ({
  ...row,
  baselineValue,
  better,
  ratio: row.value === undefined || !baselineValue ? undefined : row.value / baselineValue,
});

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** @param share 0 to 1 */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** "12 µs", "3.4 ms", "1.2 s". */
export const renderMs = (ms: number): string => {
  if (ms < 0.1) return `${(ms * 1000).toPrecision(2)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
};

/** How far rounds lie apart: "±8 %" is half the distance of the quartiles, over the median. */
export const renderSpread = (values: readonly number[]): string =>
  `±${Math.round((50 * (quantile(values, 0.75) - quantile(values, 0.25))) / median(values))} %`;
