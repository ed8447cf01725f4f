import { type Line, type Segment, type Style, span, widthOf } from './cells.ts';

/** Plots of signs: pure, and right at any size. Values are never negative. */

const EIGHTHS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** One row of blocks; what is more than zero is seen. */
export const sparkline = (values: readonly number[], width: number, most = Math.max(...values, 0)): string =>
  sample(values, width)
    .map((value) => (value === undefined ? ' ' : value <= 0 || most <= 0 ? '▁' : blockOf(value / most)))
    .join('');

const blockOf = (share: number): string => EIGHTHS[Math.max(1, Math.min(8, Math.round(share * 8)))]!;

/** The newest values, one a cell; where there are more than cells, the largest of each stretch stands for it. */
const sample = (values: readonly number[], width: number): (number | undefined)[] => {
  if (values.length <= width) return [...Array<undefined>(width - values.length).fill(undefined), ...values];
  return Array.from({ length: width }, (_, n) => {
    const from = Math.floor((n * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((n + 1) * values.length) / width));
    return Math.max(...values.slice(from, to));
  });
};

export interface Series {
  style: Style;
  /** What fills a whole cell: without colours it is what tells one series from the other. */
  fill: '█' | '▒';
  values: readonly number[];
}

export interface Bars {
  /** Stacked upwards in this order; each has one value a column. */
  series: readonly Series[];
  labels: readonly string[];
  width: number;
  height: number;
  /** A line drawn across, such as a budget. */
  limit?: number;
  format: (value: number) => string;
}

/** Columns with eighths of a cell, a scale at the left, and as many labels below as there is room for. */
export const bars = ({ series, labels, width, height, limit, format }: Bars): Line[] => {
  const totals = labels.map((_, n) => series.reduce((sum, { values }) => sum + (values[n] ?? 0), 0));
  const most = Math.max(...totals, limit ?? 0);
  const scale = [format(most), format(0)];
  const left = Math.max(...scale.map(widthOf)) + 1;
  const count = labels.length;
  const each = Math.max(1, Math.floor((width - left) / Math.max(1, count)));
  const shown = Math.min(count, Math.floor((width - left) / each));
  const first = count - shown;
  const rows = Math.max(1, height - 1);
  const lines: Line[] = [];
  for (let row = rows - 1; row >= 0; row -= 1) {
    const label = row === rows - 1 ? scale[0]! : row === 0 ? scale[1]! : '';
    const isLimit = limit !== undefined && most > 0 && Math.min(rows - 1, Math.floor((limit / most) * rows)) === row;
    const parts: Segment[] = [span(label.padStart(left - 1), 'dim'), span(row === 0 ? '└' : '│', 'border')];
    for (let n = first; n < count; n += 1) parts.push(...cellOf(series, n, row, rows, most, each, isLimit));
    lines.push(parts);
  }
  return [...lines, [span(' '.repeat(left)), span(labelsOf(labels.slice(first), each, width - left), 'dim')]];
};

/** What of a column stands in one row: one colour a cell, that of the series which fills most of it. */
const cellOf = (
  series: readonly Series[],
  column: number,
  row: number,
  rows: number,
  most: number,
  each: number,
  isLimit: boolean,
): Segment[] => {
  const gap = each > 1 ? 1 : 0;
  const back = isLimit ? '·' : ' ';
  let below = 0;
  let filled = 0;
  let largest = 0;
  let largestOne: Series | undefined;
  for (const one of series) {
    const size = most === 0 ? 0 : ((one.values[column] ?? 0) / most) * rows;
    const inside = Math.max(0, Math.min(row + 1, below + size) - Math.max(row, below));
    if (inside > largest) {
      largestOne = one;
      largest = inside;
    }
    filled += inside;
    below += size;
  }
  const isFloor = row === 0 && below > 0;
  if (!largestOne || (filled < 1 / 16 && !isFloor)) return [{ text: back.repeat(each), style: 'warn' }];
  // Shaded cells have no eighths: they are there or not.
  const block = largestOne.fill === '█' || isFloor ? blockOf(filled) : filled >= 0.5 ? largestOne.fill : back;
  const full = filled > 15 / 16 ? largestOne.fill : block;
  return [
    span(full.repeat(each - gap), largestOne.style),
    ...(gap === 0 ? [] : [{ text: back, style: 'warn' as const }]),
  ];
};

/** As many as there is room for, counted from the newest; the newest itself may begin a little before its column. */
const labelsOf = (labels: readonly string[], each: number, room: number): string => {
  const longest = Math.max(...labels.map(widthOf), 1);
  const step = Math.max(1, Math.ceil((longest + 1) / each));
  return labels
    .map((label, n) => ((labels.length - 1 - n) % step === 0 ? label : ''))
    .reduce((text, label, n) => {
      const at = Math.min(n * each, room - widthOf(label));
      return label === '' || at < text.length ? text : text.padEnd(at) + label;
    }, '');
};

/** `[████····] 40 %` */
export const gauge = (share: number, width: number): string => {
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
};
