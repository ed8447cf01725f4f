import stringWidth from 'string-width';
import { plainLine } from './plain.ts';

/**
 * A table without frames: what people read and what `awk` splits. Pure: cells in, text out. Where it is wider than the
 * screen, cells go on in the next line: nothing is cut away. The last `prose` columns are sentences; on a narrow
 * screen they stand below each other.
 */
export const renderTable = (head: string[], rows: string[][], width: number, prose = 0): string => {
  const cells = [head, ...rows.map((row) => row.map(plainLine))];
  const natural = head.map((_, column) => Math.max(0, ...cells.map((row) => stringWidth(row[column] ?? ''))));
  if (sum(natural) + gaps(head.length) <= width) return layOut(cells, natural);
  const short = head.length - prose;
  const room = width - sum(natural.slice(0, short)) - gaps(head.length);
  if (prose < 2 || room >= prose * PROSE_BESIDE_MIN) return layOut(cells, shrink(natural, width, short));
  return layOut(
    cells.map((row, n) => [
      ...row.slice(0, short),
      n === 0 ? (row[short] ?? '') : row.slice(short).map((cell, m) => below(head[short + m] ?? '', cell, m)),
    ]),
    shrink([...natural.slice(0, short), Math.max(...natural.slice(short))], width, short),
  );
};

/** Narrower sentences side by side are read like a crossword. */
const PROSE_BESIDE_MIN = 40;
/** Sentences get so much before names do. */
const PROSE_MIN = 24;
/** No column becomes narrower than this. */
const COLUMN_MIN = 8;
const GAP = '  ';
/** A task may be told in pages; what a table shows of one is its begin. */
const CELL_LINES_MAX = 6;

/** The second sentence of a row and those after it say what they are, since their heads are gone. */
const below = (head: string, cell: string, place: number): string =>
  place === 0 || cell === '' ? cell : `${head.toLowerCase()} ${cell}`;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const gaps = (columns: number): number => Math.max(0, columns - 1) * GAP.length;

/** Takes width from the widest columns: from sentences first, down to what they need, and then from all. */
const shrink = (natural: readonly number[], width: number, short: number): number[] => {
  const widths = [...natural];
  const least = (column: number): number => (column < short ? COLUMN_MIN : PROSE_MIN);
  const isWide = (column: number): boolean => widths[column]! > least(column);
  while (sum(widths) + gaps(widths.length) > width) {
    const columns = widths.map((_, column) => column).filter(isWide);
    const prose = columns.filter((column) => column >= short);
    const from = prose.length > 0 ? prose : columns;
    if (from.length === 0) break;
    widths[from.reduce((a, b) => (widths[a]! >= widths[b]! ? a : b))]! -= 1;
  }
  return widths;
};

/** A cell is a text, or several of which each begins a line. */
const layOut = (rows: (string | string[])[][], widths: readonly number[]): string =>
  rows
    .flatMap((row) => {
      const columns = row.map((cell, column) =>
        [cell]
          .flat()
          .flatMap((text) => (text === '' && cell !== '' ? [] : wrap(text, widths[column]!, CELL_LINES_MAX))),
      );
      const height = Math.max(1, ...columns.map((lines) => lines.length));
      return Array.from({ length: height }, (_, n) =>
        columns
          .map((lines, column) => pad(lines[n] ?? '', widths[column]!))
          .join(GAP)
          .trimEnd(),
      );
    })
    .join('\n');

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)));

/** Cuts to a width in columns, by graphemes, with an ellipsis; one line. */
export const fit = (text: string, width: number): string => {
  const line = text.replace(/\s*\n\s*/g, ' ');
  if (stringWidth(line) <= width) return line;
  return width < 2 ? '…' : `${headOf(line, width - 1)}…`;
};

/** Lines of at most so many columns, broken between words; what is more than the lines allow ends in an ellipsis. */
export const wrap = (text: string, width: number, linesMax: number = Number.POSITIVE_INFINITY): string[] => {
  if (stringWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (stringWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    // A word without end (a path, a hash) is broken where the line ends.
    for (line = word; stringWidth(line) > width && lines.length <= linesMax; ) {
      const begin = headOf(line, width);
      lines.push(begin);
      line = line.slice(begin.length);
    }
    if (lines.length > linesMax) break;
  }
  if (line !== '') lines.push(line);
  if (lines.length <= linesMax) return lines;
  const kept = lines.slice(0, linesMax - 1);
  const end = kept.reduce((from, one) => text.indexOf(one, from) + one.length, 0);
  return [...kept, fit(text.slice(end).trimStart(), width)];
};

/** As much of the begin as fits into the width; at least one grapheme, so that every step gets on. */
const headOf = (text: string, width: number): string => {
  let head = '';
  let columns = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    columns += stringWidth(segment);
    if (head !== '' && columns > width) break;
    head += segment;
  }
  return head;
};
