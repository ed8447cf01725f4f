import { type Letter, letterLines } from '../../policy/letter.ts';
import { plainLine } from './plain.ts';
import { wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Longer lines are hard to read as prose, however wide the screen is. */
const LINE_MAX = 100;
const INDENT = '  ';

/** The doctor's letter on a screen. Pure: the letter and the width in, text out. */
export const renderLetter = (letter: Letter, { width, paint }: Pick<Terminal, 'width' | 'paint'>): string => {
  const columns = Math.min(width, LINE_MAX);
  const flowing = (words: string, first: string, rest: string): string[] =>
    wrap(plainLine(words), columns - rest.length).map((line, n) => `${n === 0 ? first : rest}${line}`);
  return letterLines(letter)
    .flatMap((line): string[] => {
      switch (line.is) {
        case 'gap':
          return [''];
        case 'title':
        case 'head':
          return wrap(plainLine(line.text), columns).map((words) => paint('bold', words));
        case 'part':
          return [`${INDENT}${paint('cyan', line.text)}`];
        case 'text':
          return flowing(line.text, INDENT + INDENT, INDENT + INDENT);
        case 'item':
          return flowing(line.text, `${INDENT}- `, INDENT + INDENT);
        case 'command':
          // Never broken: it is there to be copied.
          return [`${INDENT.repeat(3)}${plainLine(line.text)}`];
        default:
          return line satisfies never;
      }
    })
    .join('\n');
};
