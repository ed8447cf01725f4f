import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createProcessLog } from '../../../src/ports/home/process-log.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-log-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const opened = (maxBytes: number, files = 3) =>
  createProcessLog({ file: join(dir, 'winnow.log'), limits: () => ({ maxBytes, files }) });
const linesOf = (name: string): string[] =>
  fs
    .readFileSync(join(dir, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

it('is put aside by size, in the order of time, and only so many files are kept', () => {
  const log = opened(1);
  for (let n = 1; n <= 6; n += 1) log.info(`line ${n}`);
  expect(fs.readdirSync(dir).sort()).toEqual(['winnow.log', 'winnow.log.1', 'winnow.log.2', 'winnow.log.3']);
  expect(['winnow.log', 'winnow.log.1', 'winnow.log.2', 'winnow.log.3'].flatMap(linesOf)).toEqual([
    'line 6',
    'line 5',
    'line 4',
    'line 3',
  ]);
});

it('loses no line when several processes write and one of them puts it aside', () => {
  const [one, other] = [opened(400, 100), opened(400, 100)];
  for (let n = 0; n < 60; n += 1) (n % 2 === 0 ? one : other).info(`line ${n}`);
  const names = fs.readdirSync(dir).sort((a, b) => Number(b.split('.')[2] ?? 0) - Number(a.split('.')[2] ?? 0));
  expect(names.length).toBeGreaterThan(5);
  expect(names.flatMap(linesOf)).toEqual(Array.from({ length: 60 }, (_, n) => `line ${n}`));
  for (const name of names) expect(fs.statSync(join(dir, name)).size).toBeLessThan(600);
});

it('goes on in a new file when somebody removed the old one', () => {
  const log = opened(1_000_000);
  log.info('before');
  fs.rmSync(join(dir, 'winnow.log'));
  log.info('after');
  expect(linesOf('winnow.log')).toEqual(['after']);
});
