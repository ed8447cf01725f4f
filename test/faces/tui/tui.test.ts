import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { createHome, type TestHome } from './home.ts';

/** The compiled program in a real pseudo-terminal, on a real home. */

const WAIT = { timeout: 120_000, interval: 50 };

let home: TestHome;
let started: Dashboard[];
beforeEach(() => {
  home = createHome();
  started = [];
});
afterEach(async () => {
  for (const dashboard of started) dashboard.close();
  await home.close();
});

const start = (columns: number, rows: number): Dashboard => {
  const dashboard = startDashboard(home.home, columns, rows);
  started.push(dashboard);
  return dashboard;
};

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('winnow tui in a terminal', () => {
  it('draws, follows keys and size, acts, and gives the screen back', async () => {
    const tui = start(100, 30);
    await expect.poll(tui.shown, WAIT).toMatch(/NOT RUNNING[\s\S]*alpha +waiting[\s\S]*\? help/);
    expect(tui.isAlternate()).toBe(true);
    tui.pty.write('3');
    await expect.poll(tui.shown, WAIT).toContain('nothing was asked for: `n` adds a task');
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

  it('leaves no process when its terminal vanishes', async () => {
    const tui = start(80, 24);
    await expect.poll(tui.shown, WAIT).toContain('alpha');
    tui.vanish();
    await expect.poll(() => isGone(tui.pty.pid), WAIT).toBe(true);
  });

  it('says on a tiny terminal what it needs, and draws when it gets it', async () => {
    const tui = start(20, 5);
    await expect.poll(tui.shown, WAIT).toMatch(/Winnow needs 40x10,\s+this is 20x5/);
    tui.resize(80, 24);
    await expect.poll(tui.shown, WAIT).toContain('alpha');
    tui.pty.write('q');
    expect(await tui.exited).toBe(0);
  });

  it('shows after a stop what happened meanwhile, and what was typed', async () => {
    const tui = start(80, 24);
    await expect.poll(tui.shown, WAIT).toContain('alpha');
    process.kill(tui.pty.pid, 'SIGSTOP');
    home.open().journal.append<'paused'>({ type: 'paused', data: { by: 'mia', reason: 'lunch' } });
    tui.pty.write('3');
    process.kill(tui.pty.pid, 'SIGCONT');
    await expect.poll(tui.shown, WAIT).toContain('nothing was asked for');
    tui.pty.write('1');
    await expect.poll(tui.shown, WAIT).toContain('paused by mia');
  });
});
