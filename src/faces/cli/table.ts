import CliTable from 'cli-table3';
import stringWidth from 'string-width';
import { plain } from './plain.ts';

/** A table without frames: what people read and what `awk` splits. Pure: cells in, text out. */
export const renderTable = (head: string[], cells: string[][], width: number): string => {
  const rows = cells.map((row) => row.map(plain));
  const widths = columnWidths([head, ...rows], width);
  const table = new CliTable({
    head,
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell, column) => fit(cell, widths[column] ?? 0)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
};

const FRAMELESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** No column is cut below this; the widest gives way first. */
const COLUMN_MIN = 8;

const columnWidths = (rows: string[][], width: number): number[] => {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, c) =>
    Math.max(0, ...rows.map((row) => stringWidth(row[c] ?? ''))),
  );
  const gaps = Math.max(0, columns - 1) * FRAMELESS.middle.length;
  while (widths.reduce((a, b) => a + b, 0) + gaps > width) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_MIN) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
};

/** Cuts to a width in columns, by graphemes, with an ellipsis; one line. */
export const fit = (text: string, width: number): string => {
  const line = text.replace(/\s*\n\s*/g, ' ');
  if (stringWidth(line) <= width) return line;
  let cut = '';
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (stringWidth(cut + segment) > width - 1) break;
    cut += segment;
  }
  return `${cut}…`;
};
