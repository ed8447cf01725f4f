import { PassThrough, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import type { TermOutput } from '../../../../src/faces/tui/term/output.ts';

/** A terminal without a pty: what is written is drawn by xterm, and what it counts as wide is what terminals count. */
export interface Headless {
  input: PassThrough & { raw: boolean; setRawMode: (raw: boolean) => void };
  output: TermOutput & Writable;
  /** Everything that was written so far. */
  bytes: () => string;
  /** The screen, without the spaces at the ends of its lines. */
  shown: () => Promise<string>;
  /** Cells of a line, each with its width and its look. */
  cells: (line: number) => Cell[];
  isAlternate: () => boolean;
  resize: (columns: number, rows: number) => void;
  /** Stops reading; what is written then waits. */
  stall: () => void;
  go: () => void;
}

export interface Cell {
  text: string;
  /** 0: the second half of a wide sign. */
  width: number;
  /** Of the 256 colours; undefined: the terminal's own. */
  fg?: number | undefined;
  bg?: number | undefined;
  bold: boolean;
  inverse: boolean;
}

export const createHeadless = (columns = 80, rows = 24): Headless => {
  const xterm = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  xterm.loadAddon(new Unicode11Addon() as never);
  xterm.unicode.activeVersion = '11';
  let written = '';
  let held: (() => void) | undefined;
  let isStalled = false;
  const output = Object.assign(
    new Writable({
      highWaterMark: 1,
      write: (chunk, _, done) => {
        written += String(chunk);
        const read = () => xterm.write(String(chunk), done);
        if (isStalled) held = read;
        else read();
      },
    }),
    { columns, rows },
  );
  const input = Object.assign(new PassThrough(), {
    raw: false,
    setRawMode: (raw: boolean) => {
      input.raw = raw;
    },
  });
  const lineAt = (n: number) => xterm.buffer.active.getLine(xterm.buffer.active.baseY + n);
  return {
    ...{ input, output, bytes: () => written },
    shown: async () => {
      while (output.writableLength > 0 && !isStalled) await setImmediate();
      await new Promise<void>((resolve) => xterm.write('', resolve));
      return Array.from({ length: xterm.rows }, (_, n) => lineAt(n)?.translateToString().trimEnd() ?? '').join('\n');
    },
    cells: (n) =>
      Array.from({ length: xterm.cols }, (_, x) => {
        const cell = lineAt(n)?.getCell(x);
        return {
          ...{ text: cell?.getChars() ?? '', width: cell?.getWidth() ?? 1 },
          fg: cell?.isFgPalette() ? cell.getFgColor() : undefined,
          bg: cell?.isBgPalette() ? cell.getBgColor() : undefined,
          ...{ bold: (cell?.isBold() ?? 0) !== 0, inverse: (cell?.isInverse() ?? 0) !== 0 },
        };
      }),
    isAlternate: () => xterm.buffer.active.type === 'alternate',
    resize: (width, height) => {
      xterm.resize(width, height);
      Object.assign(output, { columns: width, rows: height });
      output.emit('resize');
    },
    stall: () => {
      isStalled = true;
    },
    go: () => {
      isStalled = false;
      held?.();
      held = undefined;
    },
  };
};
