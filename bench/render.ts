import type { BenchRow } from './row.ts';

/** The table of a run, for a terminal and for a page. */
export interface BenchRun {
  date: string;
  cores: number;
  processor: string;
  memoryGb: number;
  kernel: string;
  node: string;
  /** Processes that wanted to run, over the last minute. */
  loadBefore: number;
  loadAfter: number;
  seconds: number;
}

export const renderTable = (run: BenchRun, rows: readonly BenchRow[]): string => {
  const lines = rows.flatMap((row) => [
    `${verdictOf(row).padEnd(7)} ${row.row}`,
    `          figure    ${row.figure}`,
    `          baseline  ${row.baseline}`,
    `          ratio     ${ratioOf(row)}   goal: ${row.goal}`,
    `          method    ${row.method}`,
    '',
  ]);
  return [machineOf(run), '', ...lines, totalOf(rows), ''].join('\n');
};

export const renderMarkdown = (run: BenchRun, rows: readonly BenchRow[]): string => {
  const cells = (row: BenchRow) => [row.row, row.figure, row.baseline, ratioOf(row), row.goal, verdictOf(row)];
  const line = (values: string[]) => `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    machineOf(run),
    '',
    line(['row', 'figure', 'baseline of the same run', 'ratio', 'goal', '']),
    line(['---', '---', '---', '---:', '---', '---']),
    ...rows.map((row) => line(cells(row))),
    '',
    totalOf(rows),
    '',
    '## How each row is measured',
    '',
    ...rows.map((row) => `- **${row.row}**: ${row.method}`),
    '',
  ].join('\n');
};

const machineOf = (run: BenchRun): string =>
  `${run.date.slice(0, 16).replace('T', ' ')} UTC, ${run.cores} cores (${run.processor}), ${run.memoryGb} GB, ` +
  `${run.kernel}, Node ${run.node}; load ${run.loadBefore.toFixed(1)} before and ${run.loadAfter.toFixed(1)} after; ` +
  `${Math.round(run.seconds)} s`;

const ratioOf = ({ ratio }: BenchRow): string => (ratio === undefined ? '–' : ratio.toPrecision(3));

const verdictOf = ({ met }: BenchRow): string => (met === undefined ? 'open' : met ? 'met' : 'missed');

const totalOf = (rows: readonly BenchRow[]): string => {
  const count = (met: boolean | undefined) => rows.filter((row) => row.met === met).length;
  return `${count(true)} met, ${count(false)} missed, ${count(undefined)} without a verdict`;
};
