import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A process whose time leaps over what is only waited for. */

const LEAP = resolve(import.meta.dirname, '../../soak/leap.mjs');
const DAY_MS = 24 * 3_600_000;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-leap-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a program that may leap for a day, and gives what it printed, by line. */
const run = async (program: string, aheadMs = 0): Promise<string[]> => {
  const clock = join(dir, 'clock');
  writeFileSync(clock, String(aheadMs));
  const child = spawn(process.execPath, ['--import', LEAP, '--eval', program], {
    ...{ stdio: ['ignore', 'pipe', 'inherit', 'ipc'], env: { ...process.env, SOAK_CLOCK: clock } },
  });
  let out = '';
  child.stdout!.on('data', (data) => {
    out += data;
  });
  child.send({ until: Date.now() + aheadMs + DAY_MS });
  await once(child, 'close');
  return out.trim().split('\n');
};

describe('a clock that leaps', () => {
  it('lets hours pass in which nothing happens, and rings every alarm in its order', async () => {
    const lines = await run(`
      const began = [Date.now(), performance.now()];
      const hours = () => [Date.now() - began[0], performance.now() - began[1]].map((ms) => Math.round(ms / 3_600_000));
      setTimeout(() => console.log('second', ...hours()), 3 * 3_600_000);
      setTimeout(() => console.log('first', ...hours()), 3_600_000);
      clearTimeout(setTimeout(() => console.log('never'), 2 * 3_600_000));
    `);
    expect(lines).toEqual(['first 1 1', 'second 3 3']);
  });

  it('leaps nowhere while a process of its own is at work', async () => {
    const lines = await run(`
      const began = Date.now();
      const child = require('node:child_process').spawn('sleep', ['0.5']);
      const alarm = setTimeout(() => console.log('too soon'), 3_600_000);
      child.once('exit', () => {
        clearTimeout(alarm);
        console.log(Date.now() - began < 3_600_000 ? 'waited for' : 'leapt over');
      });
    `);
    expect(lines).toEqual(['waited for']);
  });

  it('goes on in the next process where the last one was', async () => {
    const aheadMs = 5 * DAY_MS;
    const [line] = await run('console.log(Date.now())', aheadMs);
    expect(Math.round((Number(line) - Date.now()) / DAY_MS)).toBe(5);
    expect(Number(readFileSync(join(dir, 'clock'), 'utf8'))).toBeGreaterThanOrEqual(aheadMs);
  });
});
