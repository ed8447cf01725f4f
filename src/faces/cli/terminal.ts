import { styleText } from 'node:util';

/** Where a command prints: results on standard output, progress and errors on standard error. */
export interface Terminal {
  out: (text: string) => void;
  note: (text: string) => void;
  /** Colour where a person looks, nothing where a program reads. */
  paint: (style: Style, text: string) => string;
  /** Columns of the screen; in a pipe those of a usual one. */
  width: number;
  /** Where a line is cut: at the edge of a screen, nowhere in a pipe. */
  lineWidth: number;
  interactive: boolean;
}

export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | 'bold';

/** Used where the terminal does not say: the width of most, and of printed logs. */
const WIDTH_DEFAULT = 100;

/** What a process has to print with. */
export interface Screen {
  stdout: { write: (text: string) => unknown; isTTY?: boolean; columns?: number };
  stderr: { write: (text: string) => unknown };
  env: Readonly<Record<string, string | undefined>>;
}

export const processTerminal = ({ stdout, stderr, env }: Screen = process): Terminal => {
  const interactive = stdout.isTTY === true;
  const colour = interactive && !env.NO_COLOR && env.TERM !== 'dumb';
  // Some terminals say that they are 0 columns wide.
  const width = stdout.columns || WIDTH_DEFAULT;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    // Decided above: node would look at the process's own streams.
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    width,
    lineWidth: interactive ? width : Number.POSITIVE_INFINITY,
    interactive,
  };
};
