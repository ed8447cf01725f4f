/** One row of the benchmark table: a figure beside a baseline that was measured in the same run. */
export interface BenchRow {
  row: string;
  /** What was measured, with its unit. */
  figure: string;
  /** What it is compared with, measured in the same run. */
  baseline: string;
  /** Figure over baseline, where both are of one unit. */
  ratio: number | undefined;
  goal: string;
  /** Undefined: could not be measured here. */
  met: boolean | undefined;
  /** How, with how many rounds, and how far the rounds lie apart. */
  method: string;
}

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
