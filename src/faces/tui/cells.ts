import stringWidth from 'string-width';
import { plainLine } from '../cli/plain.ts';

/** Lines of a screen: pieces of text with a style, whose width is known to the cell. */

export type Style =
  | 'plain'
  | 'dim'
  | 'title'
  | 'good'
  | 'warn'
  | 'bad'
  | 'info'
  | 'accent'
  | 'border'
  /** The row of a list that keys act on, and the name of the screen that is shown. */
  | 'selected'
  | 'tab';

export interface Segment {
  text: string;
  style: Style;
}

export type Line = readonly Segment[];

export const span = (text: string, style: Style = 'plain'): Segment => ({ text: tidy(text), style });
export const line = (...parts: (Segment | string)[]): Line =>
  parts.map((part) => (typeof part === 'string' ? span(part) : part));

export const widthOf = (text: string): number => (NARROW.test(text) ? text.length : stringWidth(text));
export const lineWidth = (segments: Line): number => segments.reduce((sum, { text }) => sum + widthOf(text), 0);

/**
 * Signs that take one cell in every terminal and are one code unit: letters of Europe, punctuation, arrows, lines, blocks
 * and Braille. Nearly every piece of a screen is of them, and needs no look at each sign.
 */
const NARROW =
  /^[ -~\u00a1-\u00ac\u00ae-\u02af\u2010-\u2027\u2190-\u2193\u2500-\u25a9\u25ac-\u25b5\u25b7-\u25bf\u25c1-\u25fa\u2713\u2717\u2800-\u28ff]*$/;

/**
 * Text as every terminal draws it: one line, and no sign about whose width terminals disagree. Pictures, signs put
 * together of several and those that change their neighbours stand as a small square each.
 */
export const tidy = (text: string): string => {
  if (NARROW.test(text)) return text;
  const flat = plainLine(text.normalize('NFC')).replaceAll('\t', '  ');
  if (!ODD.test(flat)) return flat;
  let tidied = '';
  for (const { segment } of GRAPHEMES.segment(flat)) {
    tidied += ODD.test(segment) || [...segment].length > 1 ? (isLetter(segment) ? [...segment][0]! : SQUARE) : segment;
  }
  return tidied;
};

const GRAPHEMES = new Intl.Segmenter();
const SQUARE = '▪';
/** What has no agreed width: pictures, joiners, selectors, combining marks, signs without a shape or beyond the planes. */
const ODD =
  /(?![#*\d©®‼⁉™ℹ↔-↙⌨▪▫▶◀☀-☄☎☑☘☝☠☢☣☦☪☮☯☸-☺♀♂♟♠♣♥♦♨♻♾⚒⚔-⚗⚙⚛⚜⚠⚧⚰⚱⛈⛏⛑⛓⛩⛰⛱⛴⛷-⛹✂✈✉✌✍✏✒✔✖✝✡✳✴❄❇❣❤➡⤴⤵⬅-⬇〰〽㊗㊙])\p{Extended_Pictographic}|\p{M}|\p{Cf}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}|\p{Co}|\p{Cn}|[\u{1f000}-\u{1ffff}]/u;
const isLetter = (grapheme: string): boolean => /^\p{L}\p{M}*$/u.test(grapheme) && !/^\p{M}/u.test(grapheme);

/** Exactly so many cells: cut with an ellipsis, or filled up. */
export const fitText = (text: string, width: number): string => {
  if (width <= 0) return '';
  const own = widthOf(text);
  if (own <= width) return text + ' '.repeat(width - own);
  const head = headOf(text, width - 1);
  return `${head}…${' '.repeat(Math.max(0, width - 1 - widthOf(head)))}`;
};

/** As much of the begin as so many cells hold. */
const headOf = (text: string, width: number): string => {
  if (NARROW.test(text)) return text.slice(0, Math.max(0, width));
  let head = '';
  let cells = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    cells += widthOf(segment);
    if (cells > width) break;
    head += segment;
  }
  return head;
};

/** A line of exactly so many cells. */
export const fitLine = (segments: Line, width: number): Line => {
  const fitted: Segment[] = [];
  let left = width;
  for (const [n, { text, style }] of segments.entries()) {
    if (left <= 0) break;
    const own = widthOf(text);
    const isLast = segments.slice(n + 1).every((next) => next.text === '');
    // The ellipsis stands where something is cut, be it the next piece.
    const shown =
      own < left || (own === left && isLast) ? text : fitText(isLast ? text : `${text} `.padEnd(left + 1), left);
    fitted.push({ text: shown, style });
    left -= widthOf(shown);
  }
  return left > 0 ? [...fitted, { text: ' '.repeat(left), style: 'plain' }] : fitted;
};

/** Text to the left, text to the right; on a narrow screen the right one gives way. */
export const spread = (left: Line, right: Line, width: number): Line => {
  const gap = width - lineWidth(left) - lineWidth(right);
  return gap < 1 ? fitLine(left, width) : [...left, span(' '.repeat(gap)), ...right];
};

/** Broken between words to lines of at most so many cells. */
export const wrapText = (text: string, width: number, linesMax = Number.POSITIVE_INFINITY): string[] => {
  const tidied = tidy(text);
  if (widthOf(tidied) <= width) return [tidied];
  // What is set in goes on set in: the result of a call stays below the call.
  const indent = tidied.length - tidied.trimStart().length;
  if (indent > 0 && indent < width / 2)
    return wrapText(tidied.slice(indent), width - indent, linesMax).map((part) => ' '.repeat(indent) + part);
  const lines: string[] = [];
  let current = '';
  for (const word of tidied.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (widthOf(longer) <= width) {
      current = longer;
      continue;
    }
    if (current !== '') lines.push(current);
    for (current = word; widthOf(current) > width && lines.length <= linesMax; ) {
      const head = headOf(current, width) || current.slice(0, 1);
      lines.push(head);
      current = current.slice(head.length);
    }
    if (lines.length > linesMax) break;
  }
  if (current !== '' || lines.length === 0) lines.push(current);
  return lines.length <= linesMax
    ? lines
    : [...lines.slice(0, linesMax - 1), fitText(`${lines[linesMax - 1]}…`, width)];
};

/** Exactly so many lines of exactly so many cells. */
export const fitBlock = (lines: readonly Line[], width: number, height: number): Line[] =>
  Array.from({ length: Math.max(0, height) }, (_, n) => fitLine(lines[n] ?? [], width));

/** Two blocks side by side with a line between them. */
export const beside = (left: readonly Line[], right: readonly Line[], wall: Segment): Line[] =>
  left.map((one, n) => [...one, wall, ...(right[n] ?? [])]);

export const selected = (segments: Line): Line => [
  { text: segments.map(({ text }) => text).join(''), style: 'selected' },
];

export const textOf = (segments: Line): string => segments.map(({ text }) => text).join('');
