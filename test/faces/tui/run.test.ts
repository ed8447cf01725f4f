import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Board, createBoard } from '../../../src/desk/board.ts';
import { createDesk } from '../../../src/desk/desk.ts';
import { type Ended, runTui, type TuiDeps } from '../../../src/faces/tui/run.ts';
import { exampleOf } from '../../model/examples.ts';
import { howMany } from '../../thoroughness.ts';
import { createHome, type TestHome } from './home.ts';
import { createHeadless } from './term/headless.ts';

/** Entries that come while the dashboard is shown. */
const MANY = howMany(20_000, 100_000);

/** The dashboard on a real home, before a terminal without a pty. */

let home: TestHome;
let stop: AbortController;
let running: Promise<Ended>[];
beforeEach(() => {
  home = createHome();
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.allSettled(running);
  await home.close();
});

const WAIT = { timeout: 60_000, interval: 20 };

const start = (more: Partial<TuiDeps> = {}) => {
  const screen = createHeadless(120, 32);
  const counter = home.open();
  const looks: Promise<unknown>[] = [];
  const suspended: boolean[] = [];
  const ended = runTui({
    board: (onChange) => {
      const board = createBoard(counter, onChange);
      const look: Board['look'] = () => {
        const looked = board.look();
        looks.push(looked);
        return looked;
      };
      return { ...board, look };
    },
    desk: createDesk(counter),
    ...{ input: screen.input, output: screen.output, theme: { colours: '256', light: false, ascii: false } },
    ...{ themeIsGiven: false, mouse: true, name: Promise.resolve('mia'), now: Date.now, signal: stop.signal },
    suspend: () => suspended.push(screen.input.raw),
    ...more,
  });
  running.push(ended);
  return { screen, counter, looks, suspended, ended };
};

type Running = ReturnType<typeof start>;
const until = ({ screen }: Running, text: string | RegExp) =>
  expect
    .poll(() => screen.shown(), WAIT)
    .toMatch(typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text);
const type = async (tui: Running, keys: string[]) => {
  for (const key of keys) tui.screen.input.write(key);
};

const beginCycle = (name: string, cycle: string) => {
  const journal = home.open().journal;
  const mine = { session: name, project: 'small', cycle };
  const data = { pid: process.pid, start: '1', trigger: 'schedule', workspace: '/w' } as const;
  journal.append<'cycle_started'>({ type: 'cycle_started', ...mine, data });
};

describe('the dashboard', () => {
  it('works when the factory is down, and says so', async () => {
    const tui = start();
    await until(tui, /Winnow NOT RUNNING: start it with `winnow up`[\s\S]*alpha +waiting/);
  });

  it('says nothing to the terminal while nothing changes', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await tui.screen.shown();
    const before = tui.screen.bytes();
    const { length } = tui.looks;
    await expect.poll(() => tui.looks.length, WAIT).toBeGreaterThan(length + 4);
    expect(tui.screen.bytes()).toBe(before);
  });

  it('shows what another process does, soon after', async () => {
    const tui = start();
    await until(tui, 'alpha');
    home.open().journal.append<'paused'>({ type: 'paused', data: { by: 'mia', reason: 'lunch' } });
    await until(tui, /epsilon|PAUSED|paused by mia/);
  });

  it('shows what the agent of the chosen session says, while it says it', async () => {
    const tui = start();
    beginCycle('beta', '01KCYCLE000000000000000001');
    home.say('01KCYCLE000000000000000001', 'I read the parser.');
    await until(tui, 'I read the parser.');
    home.say('01KCYCLE000000000000000001', 'Now I mend 日本語.');
    await until(tui, 'Now I mend 日本語.');
  });

  it('adds a task that is typed, with its receipt, and the journal has who asked', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, ['3', 'n', ...'write it', '\r']);
    await until(tui, /✓ task \w{6} is queued: write it/);
    const task = Object.values(tui.counter.journal.state().tasks)[0]!;
    expect(task).toMatchObject({ text: 'write it', state: 'queued', project: 'small' });
    const [entry] = tui.counter.journal.tail(1, { types: ['task_queued'] });
    expect(JSON.stringify(entry)).toContain('mia');
  });

  it('says of what cannot be done why, and what to do about it', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, [':', ...'cycle nobody', '\r']);
    await until(tui, /▲ there is no session "nobody"; there are alpha, beta\. See `winnow status`/);
    await type(tui, ['@']);
    await until(tui, /the newest first[\s\S]*there is no session/);
  });

  it('asks for a cycle that waits until the factory runs, and says that it waits', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, ['r']);
    await until(tui, /cycle \w{6} is asked for; it begins when the factory runs/);
  });

  it('shows what was asked of the factory, and what came of it', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, ['r', '3']);
    await until(tui, /○ asked +now +cycle of alpha[\s\S]*asked .* by mia/);
    const { journal } = home.open();
    const [request] = Object.keys(journal.state().requests);
    const data = { request: request!, done: false, note: 'the budget of today is spent' };
    journal.append<'request_settled'>({ type: 'request_settled', data });
    await until(tui, /▲ not done[^\n]+cycle of alpha: the budget/);
  });

  it('changes a prompt as it was proposed, once that is confirmed', async () => {
    const file = join(home.home, 'sessions/alpha.md');
    const change = { file: 'sessions/alpha.md', find: 'Mend it.', replace: 'Mend one thing.', why: 'too much at once' };
    home.open().journal.append<'prompt_proposed'>({
      type: 'prompt_proposed',
      ...{ session: 'alpha', project: 'small' },
      data: { proposal: '01KPROPOSAL0000000000ABCDE', change, evidence: [] },
    });
    const tui = start();
    await until(tui, '8 Alerts (2)');
    await type(tui, ['5']);
    await until(tui, /◆ needs you +too much at once[\s\S]*\+ Mend one thing\./);
    await type(tui, ['A']);
    await until(tui, 'Change sessions/alpha.md as it is proposed?');
    expect(readFileSync(file, 'utf8')).toContain('Mend it.');
    await type(tui, ['y']);
    await until(tui, /✓ sessions\/alpha\.md changed by mia/);
    expect(readFileSync(file, 'utf8')).toContain('Mend one thing.');
  });

  it('shows a session that comes and one that goes, and a configuration that changes', async () => {
    const tui = start();
    await until(tui, /of \$50\.00[\s\S]*alpha/);
    writeFileSync(join(home.home, 'sessions/gamma.md'), '---\nproject: small\nfocus: speed\n---\nMake it fast.\n');
    await until(tui, /gamma +waiting/);
    rmSync(join(home.home, 'sessions/beta.md'));
    await expect.poll(() => tui.screen.shown(), WAIT).not.toContain('beta');
    const config = join(home.home, 'winnow.config.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('budgetPerDayUsd: 50', 'budgetPerDayUsd: 70'));
    await until(tui, 'of $70.00');
  });

  it('says that the configuration is broken while it goes on with the last good one, until it is mended', async () => {
    const tui = start();
    await until(tui, 'alpha');
    const config = join(home.home, 'winnow.config.yaml');
    const good = readFileSync(config, 'utf8');
    writeFileSync(config, good.replace('budgetPerDayUsd: 50', 'budgetPerDayUsd: much'));
    await type(tui, ['8']);
    await until(tui, /▲ +winnow\.config\.yaml:\d+ +gates\.budgetPerDayUsd/);
    expect(await tui.screen.shown()).toContain('of $50.00');
    writeFileSync(config, good);
    await expect.poll(() => tui.screen.shown(), WAIT).not.toContain('budgetPerDayUsd');
  });

  it('says that the home is gone, shows how it was, and goes on when it is back', async () => {
    const tui = start();
    await until(tui, 'alpha');
    const aside = `${home.home}-aside`;
    renameSync(home.home, aside);
    await type(tui, ['8']);
    await until(tui, /▲ +\S+ is gone; this is how it was/);
    await type(tui, ['1']);
    await until(tui, 'alpha');
    rmSync(home.home, { recursive: true, force: true });
    renameSync(aside, home.home);
    await expect.poll(() => tui.screen.shown(), WAIT).not.toContain('is gone');
    home.open().journal.append<'paused'>({ type: 'paused', data: { by: 'mia', reason: 'lunch' } });
    await until(tui, 'paused by mia');
  });

  it('ends well where the home is gone', async () => {
    const tui = start();
    await until(tui, 'alpha');
    rmSync(home.home, { recursive: true, force: true });
    await until(tui, '8 Alerts (2)');
    await type(tui, ['q']);
    expect(await tui.ended).toEqual({ how: 'quit' });
  });

  it('stays at the end of a journal that grows by very many entries, and answers keys meanwhile', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, ['4']);
    const { journal } = home.open();
    const line = (n: number) =>
      `${JSON.stringify({ ...exampleOf('alert', { id: ulid() }), data: { message: `line ${n} of many`, mend: 'None.' } })}\n`;
    for (let n = 0; n < MANY; n += 1_000)
      appendFileSync(tui.counter.paths.journal, Array.from({ length: 1_000 }, (_, m) => line(n + m)).join(''));
    await type(tui, ['3']);
    await until(tui, 'nothing was asked for');
    await type(tui, ['4']);
    await until(tui, `line ${MANY - 1} of many`);
    expect(journal.state().entries).toBe(MANY);
  });

  it('follows the size of the terminal, down to one that is too small', async () => {
    const tui = start();
    await until(tui, 'alpha');
    tui.screen.resize(80, 24);
    await expect.poll(async () => (await tui.screen.shown()).split('\n')[23], WAIT).toContain('? help');
    tui.screen.resize(20, 5);
    await until(tui, /Winnow needs 40x10,\s+this is 20x5/);
  });

  it('takes the colours that fit the background that the terminal tells', async () => {
    const tui = start();
    await until(tui, 'alpha');
    expect(tui.screen.bytes()).toContain('38;5;245');
    tui.screen.input.write('\x1b]11;rgb:ffff/ffff/ffff\x07');
    await expect.poll(() => tui.screen.bytes(), WAIT).toContain('38;5;243');
  });

  it('goes on when its terminal stalls, and shows how things are once it reads again', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await tui.screen.shown();
    tui.screen.stall();
    await type(tui, ['3']);
    const { journal } = home.open();
    for (let n = 0; n < 50; n += 1)
      journal.append<'task_queued'>({
        type: 'task_queued',
        project: 'small',
        data: { task: `01KTASK00000000000000000${10 + n}`, text: `task ${n}`, priority: 'normal', origin: 'person' },
      });
    const { length } = tui.looks;
    await expect.poll(() => tui.looks.length, WAIT).toBeGreaterThan(length + 3);
    const stalled = tui.screen.bytes().length;
    expect(tui.screen.output.writableLength).toBeLessThan(20_000);
    tui.screen.go();
    await until(tui, '3 Tasks (50)');
    expect(tui.screen.bytes().length - stalled).toBeLessThan(20_000);
  });

  it('gives the terminal to the shell and takes it again', async () => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, ['\x1a']);
    await expect.poll(() => tui.suspended, WAIT).toEqual([false]);
    await until(tui, 'alpha');
    expect(tui.screen.input.raw).toBe(true);
  });

  it('gives the terminal to a conversation, and says what came of it', async () => {
    const attached: string[] = [];
    const tui = start({
      attach: async (session) => {
        attached.push(session, tui.screen.input.raw ? 'raw' : 'as it was');
        return { text: `${session} goes on by itself`, good: true };
      },
    });
    await until(tui, 'alpha');
    await type(tui, ['a']);
    await until(tui, '✓ alpha goes on by itself');
    expect(attached).toEqual(['alpha', 'as it was']);
  });

  it.each([
    ['q', 'quit'],
    ['\x03', 'quit'],
  ])('ends by %j and gives the terminal back', async (key, how) => {
    const tui = start();
    await until(tui, 'alpha');
    await type(tui, [key]);
    expect(await tui.ended).toEqual({ how });
    await tui.screen.shown();
    expect({ alternate: tui.screen.isAlternate(), raw: tui.screen.input.raw }).toEqual({
      alternate: false,
      raw: false,
    });
  });

  it('ends when its terminal is gone', async () => {
    const tui = start();
    await until(tui, 'alpha');
    tui.screen.input.end();
    expect(await tui.ended).toEqual({ how: 'lost' });
  });

  it('ends with what broke, after it gave the terminal back', async () => {
    const tui = start({
      board: () => ({
        look: () => Promise.reject(new Error('broken')),
        entries: () => [],
        live: async () => [],
        close: async () => {},
      }),
    });
    await expect(tui.ended).rejects.toThrow('broken');
    expect(tui.screen.input.raw).toBe(false);
  });
});
