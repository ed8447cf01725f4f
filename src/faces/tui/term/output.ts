import type { EventEmitter } from 'node:events';

/**
 * What goes to the terminal: whole frames, each shown at once, and none while the last one has not left. A terminal
 * that stalls (a sleeping laptop, a paused pane) costs frames and never a wait.
 */
export interface TermOutput extends EventEmitter {
  write(text: string): boolean;
  columns?: number;
  rows?: number;
  writableLength: number;
}

export interface FrameWriter {
  /** The terminal still has to read the last frame. */
  isBusy(): boolean;
  frame(bytes: string): void;
}

/** Synchronized output: a terminal that knows it draws the frame in one go, another one ignores it. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';

export const createFrameWriter = (output: TermOutput): FrameWriter => ({
  isBusy: () => output.writableLength > 0,
  frame: (bytes) => {
    // Nothing changed: nothing is said.
    if (bytes !== '') output.write(BEGIN + bytes + END);
  },
});

/** Node writes to a terminal and waits until it is read, which would stop the whole process with it. */
export const unblock = (output: object): void => {
  const handle = (output as { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle;
  handle?.setBlocking?.(false);
};
