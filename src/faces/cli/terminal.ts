import { styleText } from 'node:util';

/** Where a command prints: results on standard output, progress and errors on standard error. */
export interface Terminal {
  out: (text: string) => void;
  note: (text: string) => void;
  /** Colour where a person looks, nothing where a program reads. */
  paint: (style: Style, text: string) => string;
  width: number;
  /** Where a line is cut: at the edge of a screen, nowhere in a pipe. */
  lineWidth: number;
  interactive: boolean;
}

export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | 'bold';

/** Used where the terminal does not say: the width of most, and of printed logs. */
const WIDTH_DEFAULT = 100;

export const processTerminal = (): Terminal => {
  const interactive = process.stdout.isTTY === true;
  const colour = interactive && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    paint: (style, text) => (colour ? styleText(style, text) : text),
    width: process.stdout.columns ?? WIDTH_DEFAULT,
    lineWidth: interactive ? (process.stdout.columns ?? WIDTH_DEFAULT) : Number.POSITIVE_INFINITY,
    interactive,
  };
};
