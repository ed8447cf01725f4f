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
  /** Aborts when the reader of the output has left, as `| head` does: what only prints need not go on. */
  left: AbortSignal;
  /** Why the output could not be written; undefined also when the reader left, which is its right. */
  fault: () => string | undefined;
}

export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | 'bold';

/** Used where the terminal does not say: the width of most, and of printed logs. */
const WIDTH_DEFAULT = 100;

export const processTerminal = (): Terminal => {
  const interactive = process.stdout.isTTY === true;
  const colour = interactive && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const left = new AbortController();
  let fault: string | undefined;
  // A lost output is no reason to die: `winnow up` goes on working when whoever read its lines has gone.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    left.abort();
    if (error.code !== 'EPIPE') fault ??= error.message;
  });
  process.stderr.on('error', () => {});
  // A terminal without a size, e.g. on a serial line, says 0.
  const width = process.stdout.columns || WIDTH_DEFAULT;
  return {
    out: (text) => {
      if (!left.signal.aborted) process.stdout.write(`${text}\n`);
    },
    note: (text) => void process.stderr.write(`${text}\n`),
    paint: (style, text) => (colour ? styleText(style, text) : text),
    width,
    lineWidth: interactive ? width : Number.POSITIVE_INFINITY,
    interactive,
    left: left.signal,
    fault: () => fault,
  };
};
