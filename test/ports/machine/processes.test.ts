import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import {
  childrenOf,
  findMarked,
  identityOf,
  isAlive,
  killExactly,
  parseStat,
  selfIdentity,
  sweep,
} from '../../../src/ports/machine/processes.ts';

const started: ChildProcess[] = [];
const marker = () => `test-processes-${process.pid}-${Math.random()}`;

/** Runs a shell line with a marker; resolves when it has said something. */
const launch = async (line: string, mark: string): Promise<ChildProcess & { pid: number }> => {
  const child = spawn('/bin/sh', ['-c', line], {
    env: { PATH: process.env.PATH, FIRST: 'x', WINNOW_RUN: mark, LAST: 'y' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  started.push(child);
  await once(child.stdout as NodeJS.EventEmitter, 'data');
  return child as ChildProcess & { pid: number };
};

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await systemClock.sleep(2);
};

afterEach(() => {
  for (const child of started.splice(0)) {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // Gone already, as most tests want it.
    }
  }
});

describe('the identity of a process', () => {
  it('is its own, alive, and stays the same', () => {
    expect(isAlive(selfIdentity())).toBe(true);
    expect(selfIdentity()).toEqual(selfIdentity());
    expect(selfIdentity().pid).toBe(process.pid);
  });

  it('is not shared by another process under the same pid', () => {
    const { pid, start } = selfIdentity();
    expect(isAlive({ pid, start: `${Number.parseInt(start, 10) + 1}${start.slice(start.indexOf('@'))}` })).toBe(false);
    expect(isAlive({ pid, start: `${start.split('@')[0]}@00000000` })).toBe(false);
    expect(isAlive({ pid, start: '' })).toBe(false);
  });

  it.each([-1, 0, 2 ** 31, Number.NaN, 1.5])('%d names nobody', (pid) => {
    expect(identityOf(pid)).toBeUndefined();
    expect(killExactly({ pid, start: '1@1' }, 'SIGKILL')).toBe(false);
  });

  it('ends with the process though a zombie still answers to signals', async () => {
    // The shell starts a child, becomes a program that never waits, and so keeps the child's zombie.
    const holder = await launch('sleep 0.05 & echo $!; exec sleep 60', marker());
    const [zombie] = childrenOf(holder.pid);
    const identity = identityOf(zombie as number);
    expect(identity && isAlive(identity)).toBe(true);
    await until(() => / Z /.test(readFileSync(`/proc/${zombie}/stat`, 'latin1')));
    expect(process.kill(zombie as number, 0)).toBe(true);
    expect(identity && isAlive(identity)).toBe(false);
  });
});

describe('/proc/PID/stat', () => {
  const rest = 'S 42 1 1 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 1 0 98765 1000 10';
  it.each([
    ['a plain name', `7 (node) ${rest}`],
    ['blanks and parentheses', `7 (a) S 1 (b) (c) ${rest}`],
    ['a line feed', `7 (a\nb) ${rest}\n`],
    ['an empty name', `7 () ${rest}`],
  ])('is understood with %s', (_what, text) => {
    expect(parseStat(text)).toEqual({ state: 'S', parent: 42, startTicks: '98765' });
  });

  it.each(['', '7', '7 (node', '7 (node)', '7 (node) S 1 2', `7 (node) ${rest.replace('98765', 'x')}`])(
    '%j is nothing',
    (text) => expect(parseStat(text)).toBeUndefined(),
  );
});

describe('processes with a marker', () => {
  it('are found with all their descendants, by the whole marker or by its beginning', async () => {
    const home = marker();
    const one = await launch('sleep 60 & echo; wait', `${home}/one`);
    const two = await launch('setsid sleep 60 & echo; wait', `${home}/two`);
    await until(async () => (await findMarked(home, 'prefix')).length === 4);
    const found = await findMarked(`${home}/one`);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual({ ...identityOf(one.pid), marker: `${home}/one` });
    expect((await findMarked(home, 'prefix')).map((p) => p.marker).sort()).toEqual(
      ['one', 'one', 'two', 'two'].map((name) => `${home}/${name}`),
    );
    expect(await findMarked(home)).toEqual([]);
    expect(await findMarked(`${home}/on`)).toEqual([]);
    expect(two.pid).toBeGreaterThan(0);
    expect(await sweep(home, 'prefix')).toBe(4);
  });

  it('are not mistaken for ones that merely mention it', async () => {
    const mark = marker();
    const child = spawn('sleep', ['60'], { env: { OTHER: `WINNOW_RUN=${mark}`, XWINNOW_RUN: mark } });
    started.push(child);
    await once(child, 'spawn');
    expect(await findMarked(mark)).toEqual([]);
    child.kill('SIGKILL');
  });

  it('are found behind an environment of a megabyte', async () => {
    const mark = marker();
    const child = spawn('sleep', ['60'], {
      detached: true,
      env: {
        ...Object.fromEntries(Array.from({ length: 10 }, (_unused, i) => [`BIG${i}`, 'x'.repeat(100_000)])),
        WINNOW_RUN: mark,
      },
    });
    started.push(child);
    await until(async () => (await findMarked(mark)).length === 1);
    expect(await sweep(mark)).toBe(1);
  });

  it('are swept away to the last, also those that ignore every polite signal or keep forking', async () => {
    const mark = marker();
    const line = `trap '' TERM INT HUP; spawn() { setsid sh -c 'while :; do sleep 0.01; done' & }; spawn; spawn; echo; while :; do spawn; sleep 0.02; done`;
    await launch(line, mark);
    expect(await sweep(mark)).toBeGreaterThan(2);
    expect(await findMarked(mark)).toEqual([]);
    expect(await sweep(mark)).toBe(0);
  });

  it('do not include the sweeping process itself', async () => {
    const mark = marker();
    const script = `
      import { findMarked, sweep } from ${JSON.stringify(new URL('../../../src/ports/machine/processes.ts', import.meta.url).href)};
      console.log((await findMarked(${JSON.stringify(mark)})).length, await sweep(${JSON.stringify(mark)}));`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      env: { PATH: process.env.PATH, WINNOW_RUN: mark },
    });
    started.push(child);
    const [said] = await once(child.stdout, 'data');
    const [code] = await once(child, 'exit');
    expect(Number(String(said).split(' ')[0])).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it('are not killed when the pid belongs to somebody else by now', async () => {
    const child = await launch('echo; exec sleep 60', marker());
    const meant = identityOf(child.pid) as { pid: number; start: string };
    expect(killExactly({ ...meant, start: `1${meant.start}` }, 'SIGKILL')).toBe(false);
    expect(isAlive(meant)).toBe(true);
    expect(killExactly(meant, 'SIGKILL')).toBe(true);
  });

  it('are looked for without stalling the event loop', async () => {
    const mark = marker();
    await launch('i=0; while [ $i -lt 600 ]; do sleep 60 & i=$((i+1)); done; echo; wait', mark);
    await until(async () => (await findMarked(mark)).length === 601);
    let turns = 0;
    let searching = true;
    const turn = () => {
      turns += 1;
      if (searching) setImmediate(turn);
    };
    setImmediate(turn);
    await findMarked('none such');
    searching = false;
    // Others had their turn again and again before all of them were looked at.
    expect(turns).toBeGreaterThan(5);
    expect(await sweep(mark)).toBe(601);
  });
});
