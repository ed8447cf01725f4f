import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckConfig } from '../../../src/model/config.ts';
import { type CheckKeyInput, checkKey, createCheckCache } from '../../../src/ports/checks/cache.ts';
import { KEY, reportOf } from './reports.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-cache-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const files = (): string[] =>
  fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('the cache', () => {
  it('gives back what was put, also to another process’s cache of the same directory', () => {
    const cache = createCheckCache({ dir });
    expect(cache.get(KEY)).toBeUndefined();
    cache.put(KEY, reportOf('first'), 42);
    expect(cache.get(KEY)).toEqual({ report: reportOf('first'), at: 42 });
    expect(createCheckCache({ dir }).get(KEY)).toEqual({ report: reportOf('first'), at: 42 });
    cache.put(KEY, reportOf('second'), 43);
    expect(cache.get(KEY)).toEqual({ report: reportOf('second'), at: 43 });
  });

  it('keeps results that say nothing, with their reason, for whoever waited for that execution', () => {
    const cache = createCheckCache({ dir });
    const report = { state: 'unevaluated', check: 'tests', reason: 'timeout', message: 'm', durationMs: 1 } as const;
    cache.put(KEY, report, 42);
    expect(cache.get(KEY)).toEqual({ report, at: 42 });
  });

  it.each<[what: string, content: string]>([
    ['empty', ''],
    ['cut in half', JSON.stringify({ at: 1, report: reportOf('x') }).slice(0, 90)],
    ['no JSON', 'once upon a time'],
    ['null', 'null'],
    ['a list', '[]'],
    ['without its time', JSON.stringify({ report: reportOf('x') })],
    ['with a time that is none', JSON.stringify({ at: 'now', report: reportOf('x') })],
    ['without its report', JSON.stringify({ at: 1 })],
    ['a report of another shape', JSON.stringify({ at: 1, report: { ...reportOf('x'), tests: 'all' } })],
    ['a report in a state there is not', JSON.stringify({ at: 1, report: { ...reportOf('x'), state: 'green' } })],
    ['full of zeros, as after a power loss', '\0'.repeat(500)],
  ])('takes a file that is %s for a result that was never measured, and replaces it', (_, content) => {
    const cache = createCheckCache({ dir });
    cache.put(KEY, reportOf('x'), 1);
    const [file] = files();
    fs.writeFileSync(file!, content);
    expect(cache.get(KEY)).toBeUndefined();
    cache.put(KEY, reportOf('x'), 2);
    expect(cache.get(KEY)?.at).toBe(2);
  });

  it('notes the use of a result at most once a day, so that what is in use never looks unused', () => {
    const dayMs = 86_400_000;
    let nowMs = Date.now();
    const cache = createCheckCache({ dir, now: () => nowMs });
    cache.put(KEY, reportOf('x'), 1);
    const [file] = files();
    const used = () => Math.round(fs.statSync(file!).mtimeMs);
    const written = used();
    nowMs = written + dayMs - 1000;
    expect(cache.get(KEY)?.at).toBe(1);
    expect(used()).toBe(written);
    nowMs = written + 20 * dayMs;
    expect(cache.get(KEY)?.at).toBe(1);
    expect(used()).toBe(nowMs);
    expect(cache.get(KEY)).toEqual({ report: reportOf('x'), at: 1 });
  });

  it('does not fail the check whose result it cannot keep', () => {
    const cache = createCheckCache({ dir: join(dir, 'file', 'below') });
    fs.writeFileSync(join(dir, 'file'), 'in the way');
    cache.put(KEY, reportOf('x'), 1);
    expect(cache.get(KEY)).toBeUndefined();
    expect(fs.readFileSync(join(dir, 'file'), 'utf8')).toBe('in the way');
  });

  it('gives a whole report at every moment while two processes write it, and after both were killed', async () => {
    const script = fileURLToPath(new URL('fixtures/putter.ts', import.meta.url));
    const cwd = join(dirname(script), '../../../..');
    const writers = ['one', 'two'].map((name) =>
      spawn(process.execPath, ['--import', 'tsx', script, dir, name], { cwd, stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const counts = writers.map((writer) => {
      const count = { puts: 0 };
      writer.stdout.on('data', (chunk: Buffer) => {
        count.puts += chunk.length;
      });
      return count;
    });
    const cache = createCheckCache({ dir });
    const seen = new Set<string>();
    const isWhole = () => {
      const found = cache.get(KEY);
      if (found === undefined) return seen.size === 0;
      if (found.report.state !== 'evaluated') return false;
      const names = new Set(found.report.tests.map(({ name }) => name));
      for (const name of names) seen.add(name.slice(0, 3));
      return names.size === 1 && found.report.tests.length === 2000;
    };
    while (counts.some(({ puts }) => puts < 30) || seen.size < 2) {
      expect(isWhole()).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const writer of writers) {
      const gone = once(writer, 'exit');
      writer.kill('SIGKILL');
      await gone;
    }
    expect(isWhole()).toBe(true);
  });
});

describe('the key', () => {
  const written = { name: 'tests', run: 'npm test', parse: 'tap' };
  const check = CheckConfig.parse({ ...written, report: 'out.tap' });
  const base: CheckKeyInput = { tree: 't1', check, dependencies: 'd1', env: { A: '1', B: '2' }, wall: 'none' };

  it.each<[what: string, other: CheckKeyInput]>([
    ['tree', { ...base, tree: 't2' }],
    ['wall around the check', { ...base, wall: 'bwrap none' }],
    ['command', { ...base, check: { ...check, run: 'npm run test' } }],
    ['name of the check', { ...base, check: { ...check, name: 'unit' } }],
    ['parser', { ...base, check: { ...check, parse: 'exit' } }],
    ['file of the report', { ...base, check: { ...check, report: 'other.tap' } }],
    ['absence of a file of the report', { ...base, check: CheckConfig.parse(written) }],
    ['dependencies', { ...base, dependencies: 'd2' }],
    ['value of a variable', { ...base, env: { A: '1', B: '3' } }],
    ['name of a variable', { ...base, env: { A: '1', C: '2' } }],
    ['lack of a variable', { ...base, env: { A: '1' } }],
    ['place of a boundary between two parts', { ...base, tree: 't', dependencies: '1d1' }],
  ])('changes with the %s', (_, other) => {
    expect(checkKey(other)).not.toBe(checkKey(base));
    expect(checkKey(other)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not change with what cannot change the result', () => {
    expect(checkKey({ ...base, env: { B: '2', A: '1' } })).toBe(checkKey(base));
    expect(checkKey({ ...base, check: { ...check, timeout: 5, slot: 'x', rerun: 'y' } })).toBe(checkKey(base));
  });
});
