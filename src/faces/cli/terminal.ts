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
  /** Aborts when the reader of the output has left, as `| head` does: what only prints need not go on. */
  left: AbortSignal;
  /** Why the output could not be written; undefined also when the reader left, which is its right. */
  fault: () => string | undefined;
}

export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | 'bold';

/** Used where the terminal does not say: the width of most, and of printed logs. */
const WIDTH_DEFAULT = 100;

interface Output {
  write: (text: string) => unknown;
  on: (event: 'error', listener: (error: NodeJS.ErrnoException) => void) => unknown;
}

/** What a process has to print with. */
export interface Screen {
  stdout: Output & { isTTY?: boolean; columns?: number };
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
}

export const processTerminal = ({ stdout, stderr, env }: Screen = process): Terminal => {
  const interactive = stdout.isTTY === true;
  const colour = interactive && !env.NO_COLOR && env.TERM !== 'dumb';
  const left = new AbortController();
  let fault: string | undefined;
  // A lost output is no reason to die: `winnow up` goes on working when whoever read its lines has gone.
  stdout.on('error', (error) => {
    left.abort();
    if (error.code !== 'EPIPE') fault ??= error.message;
  });
  stderr.on('error', () => {});
  // A terminal without a size, e.g. on a serial line, says 0.
  const width = stdout.columns || WIDTH_DEFAULT;
  return {
    out: (text) => {
      if (!left.signal.aborted) stdout.write(`${text}\n`);
    },
    note: (text) => void stderr.write(`${text}\n`),
    // Decided above: node would look at the process's own streams.
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    width,
    lineWidth: interactive ? width : Number.POSITIVE_INFINITY,
    interactive,
    left: left.signal,
    fault: () => fault,
  };
};
