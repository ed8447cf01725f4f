import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import headless from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';

/** The compiled `winnow tui` in a real pseudo-terminal. */
export interface Dashboard {
  pty: IPty;
  exited: Promise<number>;
  /** The screen, without the spaces at the ends of its lines. */
  shown: () => Promise<string>;
  /** Everything that came over the wire. */
  bytes: () => string;
  isAlternate: () => boolean;
  resize: (columns: number, rows: number) => void;
  /** Takes the terminal away, as a lost connection does. */
  vanish: () => void;
  close: () => void;
}

const MAIN = join(import.meta.dirname, '../../../dist/main.js');

export const startDashboard = (home: string, columns: number, rows: number): Dashboard => {
  const xterm = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const { NO_COLOR: _, ...env } = process.env;
  const pty = spawn(process.execPath, [MAIN, 'tui', '--home', home], {
    ...{ cols: columns, rows, name: 'xterm-256color', cwd: '/' },
    env: { ...env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' } as Record<string, string>,
  });
  // On Node 20 a pseudo-terminal may lose the last words of its program, unless somebody else holds it open.
  let held: number | undefined = openSync(
    (pty as unknown as { ptsName: string }).ptsName,
    constants.O_RDWR | constants.O_NOCTTY,
  );
  const release = () => {
    if (held !== undefined) closeSync(held);
    held = undefined;
  };
  let bytes = '';
  pty.onData((data) => {
    bytes += data;
    xterm.write(data);
  });
  let code: number | undefined;
  const exited = new Promise<number>((resolve) =>
    pty.onExit(({ exitCode }) => {
      release();
      code = exitCode;
      resolve(exitCode);
    }),
  );
  return {
    ...{ pty, exited, bytes: () => bytes },
    shown: async () => {
      await new Promise<void>((resolve) => xterm.write('', resolve));
      return Array.from({ length: xterm.rows }, (_unused, n) =>
        xterm.buffer.active.getLine(n)?.translateToString().trimEnd(),
      ).join('\n');
    },
    isAlternate: () => xterm.buffer.active.type === 'alternate',
    resize: (width, height) => {
      xterm.resize(width, height);
      pty.resize(width, height);
    },
    vanish: () => {
      release();
      (pty as unknown as { destroy: () => void }).destroy();
    },
    close: () => {
      if (code === undefined) process.kill(pty.pid, 'SIGKILL');
    },
  };
};
