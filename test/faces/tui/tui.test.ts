import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import headless from '@xterm/headless';
import { spawn } from 'node-pty';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHome, type TestHome } from './home.ts';

/** The compiled program in a real pseudo-terminal, on a real home. */

const MAIN = join(import.meta.dirname, '../../../dist/main.js');
const WAIT = { timeout: 120_000, interval: 50 };

let home: TestHome;
let children: number[];
beforeEach(() => {
  home = createHome();
  children = [];
});
afterEach(async () => {
  for (const pid of children) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  await home.close();
});

const start = (columns: number, rows: number) => {
  const xterm = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const { NO_COLOR: _, ...env } = process.env;
  const pty = spawn(process.execPath, [MAIN, 'tui', '--home', home.home], {
    ...{ cols: columns, rows, name: 'xterm-256color', cwd: home.home },
    env: { ...env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' } as Record<string, string>,
  });
  children.push(pty.pid);
  // On Node 20 a pseudo-terminal may lose the last words of its program, unless somebody else holds it open.
  const held = openSync((pty as unknown as { ptsName: string }).ptsName, constants.O_RDWR | constants.O_NOCTTY);
  let bytes = '';
  pty.onData((data) => {
    bytes += data;
    xterm.write(data);
  });
  const exited = new Promise<number>((resolve) =>
    pty.onExit(({ exitCode }) => {
      closeSync(held);
      resolve(exitCode);
    }),
  );
  const shown = async () => {
    await new Promise<void>((resolve) => xterm.write('', resolve));
    return Array.from({ length: xterm.rows }, (_unused, n) =>
      xterm.buffer.active.getLine(n)?.translateToString().trimEnd(),
    ).join('\n');
  };
  return {
    ...{ pty, exited, shown, bytes: () => bytes },
    isAlternate: () => xterm.buffer.active.type === 'alternate',
    resize: (width: number, height: number) => {
      xterm.resize(width, height);
      pty.resize(width, height);
    },
  };
};

describe('winnow tui in a terminal', () => {
  it('draws, follows keys and size, acts, and gives the screen back', async () => {
    const tui = start(100, 30);
    await expect.poll(tui.shown, WAIT).toMatch(/NOT RUNNING[\s\S]*alpha +waiting[\s\S]*\? help/);
    expect(tui.isAlternate()).toBe(true);
    tui.pty.write('3');
    await expect.poll(tui.shown, WAIT).toContain('no task: `n` adds one');
    tui.resize(60, 16);
    await expect.poll(async () => (await tui.shown()).split('\n').length, WAIT).toBe(16);
    await expect.poll(async () => (await tui.shown()).split('\n')[15], WAIT).toContain('cancel task');
    for (const key of ['n', ...'mend it', '\r']) tui.pty.write(key);
    await expect.poll(tui.shown, WAIT).toContain('is queued: mend it');
    tui.pty.write('q');
    expect(await tui.exited).toBe(0);
    await expect.poll(tui.isAlternate, WAIT).toBe(false);
    expect(tui.bytes()).toContain('\x1b[?25h');
    expect(tui.bytes()).toContain('\x1b[?2004l');
    expect(Object.values(home.open().journal.state().tasks)).toMatchObject([{ text: 'mend it', state: 'queued' }]);
  });

  it.each([
    ['SIGHUP', 129],
    ['SIGTERM', 143],
  ])('gives the screen back on %s', async (signal, code) => {
    const tui = start(80, 24);
    await expect.poll(tui.shown, WAIT).toContain('alpha');
    process.kill(tui.pty.pid, signal);
    expect(await tui.exited).toBe(code);
    await expect.poll(tui.isAlternate, WAIT).toBe(false);
    expect(tui.bytes()).toContain('\x1b[?25h');
  });
});
