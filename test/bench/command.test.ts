import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASELINE } from '../../bench/options.ts';
import { parseStored, readStored, renderStored, type StoredRun } from '../../bench/stored.ts';

/** The command itself, on stored runs: nothing is measured here. */

let dir = '';
const file = (name: string): string => join(dir, name);
const bench = (...words: string[]) =>
  execa(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...words], {
    cwd: join(import.meta.dirname, '../..'),
    reject: false,
    stdin: 'ignore',
  });

/** The kept run, with one row of which the ratio is that many times what it was. */
const withRow = (key: string, factor: number): StoredRun => {
  const { run, rows, format } = baseline();
  return {
    ...{ format, run },
    rows: rows.map((row) =>
      row.key === key ? { ...row, ratio: row.ratio! * factor, value: row.value! * factor } : row,
    ),
  };
};

const baseline = (): StoredRun => {
  const stored = readStored(BASELINE);
  if (!stored.ok) throw new Error(stored.error);
  return stored.value;
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-test-bench-'));
  writeFileSync(file('same.json'), renderStored(baseline()));
  writeFileSync(file('worse.json'), renderStored(withRow('cli.help', 3)));
  writeFileSync(file('better.json'), renderStored(withRow('cli.help', 1 / 3)));
  writeFileSync(file('garbage.json'), 'no run');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('npm run bench -- --from FILE --compare', () => {
  it.each([
    ['same.json', 0, /nothing got worse/],
    ['better.json', 0, /^better .*cli\.help /m],
    ['worse.json', 1, /^worse .*cli\.help .*\+200 %/m],
  ])('%s ends with %i', async (name, code, said) => {
    const { exitCode, stdout } = await bench('--from', file(name), '--compare');
    expect(stdout).toMatch(said);
    expect(exitCode).toBe(code);
  });

  it('compares with the file that is named', async () => {
    const { exitCode, stdout } = await bench('--from', file('same.json'), '--compare', file('better.json'));
    expect(stdout).toMatch(/^worse .*cli\.help /m);
    expect(exitCode).toBe(1);
  });

  it('looks only at the rows that are asked for', async () => {
    const { exitCode, stdout } = await bench('--from', file('worse.json'), '--compare', '--only', 'landing');
    expect(stdout).not.toContain('cli.help');
    expect(stdout).toContain('landing.runs-3');
    expect(exitCode).toBe(0);
  });

  it('says it as JSON, which is a run itself, and as a page', async () => {
    const json = await bench('--from', file('worse.json'), '--compare', '--json');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      comparison: {
        fails: true,
        rows: expect.arrayContaining([expect.objectContaining({ key: 'cli.help', verdict: 'worse' })]),
      },
    });
    expect(parseStored(json.stdout)).toEqual({ ok: true, value: withRow('cli.help', 3) });
    const page = await bench('--from', file('worse.json'), '--compare', '--markdown');
    expect(page.exitCode).toBe(1);
    expect(page.stdout).toMatch(/^\| CLI: winnow --help \| `cli\.help` \|.*\| worse/m);
  });
});

describe('npm run bench ends with 2', () => {
  it.each<[what: string, words: (file: (name: string) => string) => string[], said: RegExp]>([
    ['for a file that is missing', (at) => ['--from', at('none.json')], /none\.json: there is no such file/],
    ['for garbage', (at) => ['--from', at('garbage.json')], /garbage\.json: no run of the benchmark/],
    ['for garbage to compare with', (at) => ['--compare', at('garbage.json')], /garbage\.json: no run/],
    ['for rows that nobody measures', () => ['--only', 'nonsense'], /--only nonsense/],
    ['for a word that it does not know', () => ['--colour'], /--colour[\s\S]*--compare \[FILE\]/],
  ])('%s, before anything is measured', async (_, words, said) => {
    const { exitCode, stdout, stderr } = await bench(...words(file));
    expect(stderr).toMatch(said);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });
});

it('npm run bench -- --help and --list tell without measuring', async () => {
  const [help, list] = [await bench('--help'), await bench('--list')];
  expect([help.exitCode, list.exitCode]).toEqual([0, 0]);
  expect(help.stdout).toContain('Exit codes: 0; 1 with --compare');
  expect(list.stdout).toContain('command line\n  cli.help\n');
});
