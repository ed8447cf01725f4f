import type { ComparedRow, Comparison } from './compare.ts';
import type { BenchRun, StoredRow, StoredRun } from './stored.ts';

/** The table of a run and of a comparison, for a terminal and for a page. */

export const renderTable = ({ run, rows }: StoredRun): string => {
  const lines = rows.flatMap((row) => [
    `${verdictOf(row).padEnd(7)} ${row.row}`,
    `          key       ${row.key}`,
    `          figure    ${row.figure}`,
    `          baseline  ${row.baseline}`,
    `          ratio     ${ratioOf(row)}   goal: ${row.goal}`,
    `          method    ${row.method}`,
    '',
  ]);
  return [machineOf(run), '', ...lines, totalOf(rows), ''].join('\n');
};

export const renderMarkdown = ({ run, rows }: StoredRun): string =>
  [
    machineOf(run),
    '',
    ...tableOf(
      ['row', 'figure', 'baseline of the same run', 'ratio', 'goal', ''],
      ['---', '---', '---', '---:', '---', '---'],
      rows.map((row) => [row.row, row.figure, row.baseline, ratioOf(row), row.goal, verdictOf(row)]),
    ),
    '',
    totalOf(rows),
    '',
  ].join('\n');

export const renderComparison = (comparison: Comparison): string => {
  const cells = comparison.rows.map((row) => [saidOf(row), row.key, ...numbersOf(row)]);
  const heads = ['', '', 'then', 'now', 'change', 'moves by itself'];
  const widths = heads.map((head, at) =>
    Math.max(...[head, ...cells.map((row) => row[at]!)].map((cell) => cell.length)),
  );
  // Words to the left, numbers to the right.
  const line = (row: string[]) =>
    row
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd();
  return [...runsOf(comparison), '', line(heads), ...cells.map(line), '', sumOf(comparison), ''].join('\n');
};

export const renderComparisonMarkdown = (comparison: Comparison): string =>
  [
    ...runsOf(comparison).flatMap((line) => [line, '']),
    ...tableOf(
      ['row', 'key', 'then', 'now', 'change', 'moves by itself', ''],
      ['---', '---', '---:', '---:', '---:', '---:', '---'],
      comparison.rows.map((row) => [row.row, `\`${row.key}\``, ...numbersOf(row), saidOf(row)]),
    ),
    '',
    sumOf(comparison),
    '',
  ].join('\n');

const tableOf = (heads: string[], rule: string[], rows: string[][]): string[] => {
  const line = (values: string[]) => `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(rule), ...rows.map(line)];
};

const machineOf = (run: BenchRun): string =>
  `${run.date.slice(0, 16).replace('T', ' ')} UTC, ${run.cores} cores (${run.processor}), ${run.memoryGb} GB, ` +
  `${run.kernel}, Node ${run.node}; load ${run.loadBefore.toFixed(1)} before and ${run.loadAfter.toFixed(1)} after; ` +
  `${Math.round(run.seconds)} s${run.only === undefined ? '' : `; only ${run.only}`}`;

const ratioOf = ({ ratio }: StoredRow): string => (ratio === undefined ? '–' : shortOf(ratio));

const verdictOf = ({ met }: StoredRow): string => (met === undefined ? 'open' : met ? 'met' : 'missed');

const totalOf = (rows: readonly StoredRow[]): string => {
  const count = (met: boolean | undefined) => rows.filter((row) => row.met === met).length;
  return `${count(true)} met, ${count(false)} missed, ${count(undefined)} without a verdict`;
};

const runsOf = ({ before, after, otherMachine, remarks }: Comparison): string[] => [
  `then: ${machineOf(before)}`,
  `now:  ${machineOf(after)}`,
  ...(otherMachine.length === 0
    ? []
    : [`ANOTHER MACHINE: ${otherMachine.join('; ')}. Only ratios are compared, and they too depend on the machine.`]),
  ...remarks.map((remark) => `note: ${remark}`),
];

const saidOf = ({ verdict, goal }: ComparedRow): string => (goal === undefined ? verdict : `${verdict}, goal ${goal}`);

const numbersOf = ({ of, before, after, change, tolerance }: ComparedRow): [string, string, string, string] => {
  const unit = of === 'ratio' ? '' : ` ${of}`;
  const show = (number: number | undefined) => (number === undefined ? '–' : `${shortOf(number)}${unit}`);
  const moves = of === 'ratio' ? `${Math.round((tolerance ?? 0) * 100)} %` : `${shortOf(tolerance ?? 0)}${unit}`;
  return [show(before), show(after), changeOf(change), tolerance === undefined ? '–' : moves];
};

const changeOf = (change: number | undefined): string => {
  if (change === undefined) return '–';
  const percent = Math.round(change * 100);
  return `${percent > 0 ? '+' : ''}${percent} %`;
};

/** Three digits that matter, and no more zeros than they need. */
const shortOf = (number: number): string => {
  if (number === 0) return '0';
  return Math.abs(number) >= 1000 ? Math.round(number).toLocaleString('en') : number.toPrecision(3);
};

const sumOf = ({ rows, fails }: Comparison): string => {
  const count = (name: string) => rows.filter(({ verdict }) => verdict === name).length;
  const verdicts = ['better', 'same', 'worse', 'unmeasured', 'open', 'new', 'gone'] as const;
  const counted = verdicts.flatMap((name) => (count(name) === 0 ? [] : [`${count(name)} ${name}`]));
  const missed = rows.filter(({ goal }) => goal === 'missed').length;
  const goals = missed === 0 ? [] : [`${missed} with a goal that was met and is missed`];
  return `${[...counted, ...goals].join(', ')}: ${fails ? 'worse than it was' : 'nothing got worse'}`;
};
