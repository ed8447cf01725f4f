import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOutput } from '../../../../src/ports/checks/parse/parse.ts';
import { howMany } from '../../../thoroughness.ts';
import { fixture, lines, parse, reasonOf } from './outputs.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 10_000;
const MANY = howMany(20_000, 100_000);

describe('the TAP parser', () => {
  it.each(['node-20.tap', 'node-24.tap'])('reads node:test: %s', (name) => {
    const parsed = parse('tap', fixture(name), { exitCode: 1 });
    expect(lines(parsed)).toEqual([
      'problem parent: suite-failed',
      'problem nt/broken.test.mjs: suite-failed',
      'passed math > adds',
      'failed math > fails',
      'skipped math > skipped',
      'skipped math > later',
      'passed math > deep > x # y',
      'passed parent > child',
      'passed parent > child #2',
      'passed nt/script.test.mjs > nt/script.test.mjs',
    ]);
    const failed = parsed.complete ? parsed.tests.find((test) => test.status === 'failed') : undefined;
    expect(failed?.file).toBe('nt/a.test.mjs');
    expect(failed?.message).toContain("error: '2 == 3'");
  });

  it('reads vitest: buffered subtests, hooks that fail, a file that does not load', () => {
    expect(lines(parse('tap', fixture('vitest-4.tap'), { exitCode: 1 }))).toEqual([
      'problem test/broken.test.ts: suite-failed',
      'problem test/hook.test.ts: group: suite-failed',
      'problem test/tophook.test.ts: suite-failed',
      'passed test/hook.test.ts > group > passes',
      'passed test/math.test.ts > math > adds',
      'failed test/math.test.ts > math > fails',
      'skipped test/math.test.ts > math > skipped',
      'skipped test/math.test.ts > math > later',
      'passed test/math.test.ts > math > each 1',
      'passed test/math.test.ts > math > each 1 #2',
      'passed test/math.test.ts > math > deep > er > x',
      'passed test/math.test.ts > top',
      'passed test/tophook.test.ts > passes',
      'passed test/unhandled.test.ts > passes but leaves a rejection',
    ]);
  });

  it('reads the names of pytest', () => {
    const text =
      '1..3\nok 1 tests/test_a.py::TestMath::test_adds\nnot ok 2 tests/test_a.py::test_x[a b]\n# why\nok 3 plain\n';
    expect(lines(parse('tap', text, { exitCode: 1 }))).toEqual([
      'passed tests/test_a.py > TestMath > test_adds',
      'failed tests/test_a.py > test_x[a b]',
      'passed plain',
    ]);
  });

  it.each([
    ['1..1\nok 1 - a # SKIP no database\n', 'skipped a'],
    ['1..1\nnot ok 1 - a # TODO\n', 'skipped a'],
    ['1..1\nok 1 - a # todo soon\n', 'skipped a'],
    ['1..1\nok 1 - a # time=3ms\n', 'passed a'],
    ['1..1\nok 1 - a \\# b\n', 'passed a # b'],
    ['1..1\r\nok 1 - a\r\n', 'passed a'],
    ['1..1\nok\n', 'passed '],
    ['noise ok 1\n1..1\nmore { noise\nok 1 - a\nnoise\n', 'passed a'],
  ])('reads %j', (text, expected) => {
    expect(lines(parse('tap', text))).toEqual([expected]);
  });

  it('reads several runs one after the other, and a run without tests', () => {
    const one = 'TAP version 14\n1..1\nok 1 - a\n';
    expect(lines(parse('tap', one + one))).toEqual(['passed a', 'passed a #2']);
    expect(lines(parse('tap', 'TAP version 13\n1..0 # no tests\n'))).toEqual([]);
  });

  it('gives a test the same identity whether it passes or fails', () => {
    const text = fixture('node-20.tap');
    const mended = text.replace('not ok 2 - fails', 'ok 2 - fails').replace('not ok 1 - math', 'ok 1 - math');
    const ids = (t: string) => lines(parse('tap', t, { exitCode: 1 })).map((line) => line.replace(/^\w+ /, ''));
    expect(ids(mended)).toEqual(ids(text));
  });

  it('is red when the run is, though no test failed', () => {
    expect(lines(parse('tap', '1..1\nok 1 - a\n', { exitCode: 1 }))[0]).toBe('problem run-failed');
  });

  it.each([
    ['', 'the output is empty'],
    ['Segmentation fault', 'There is no TAP output'],
    ['TAP version 13\n', 'There is no TAP output'],
    ['TAP version 13\nok 1 - a\n', 'its plan is missing'],
    ['1..3\nok 1 - a\nok 2 - b\n', 'the run planned 3 tests and reported 2'],
    ['ok 1 - a\nok 2 - b\n1..1\n', 'the run planned 1 tests and reported 2'],
    ['1..2\nok 1 - a\nBail out! database gone\n', 'bailed out: database gone'],
    ['# Subtest: s\n    ok 1 - a\n    1..2\nok 1 - s\n1..1\n', 'a subtest planned 2 tests and reported 1'],
  ])('says what is wrong with %j', (text, said) => {
    expect(reasonOf(parse('tap', text, { exitCode: 1 }))).toContain(said);
  });

  it.each(['node-24.tap', 'vitest-4.tap'])('calls %s incomplete when it was cut off before its last test', (name) => {
    const text = fixture(name);
    const end = name === 'node-24.tap' ? text.indexOf('\n1..4') : text.indexOf('\nok 8');
    for (let length = 0; length < end; length += 17) {
      expect(parse('tap', text.slice(0, length), { exitCode: 1 }).complete).toBe(false);
    }
  });

  it('never reads the YAML that tests can write', () => {
    const bomb = Array.from({ length: 30 }, (_, i) => `  a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).join('\n');
    const text = `1..2\nnot ok 1 - a\n  ---\n${bomb}\n  b: !!js/function 'x'\n  ...\nok 2 - b\n  ---\n  never closed\n`;
    const startedAt = performance.now();
    expect(lines(parse('tap', text, { exitCode: 1 }))).toEqual(['failed a', 'passed b']);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('refuses nesting that would exhaust the stack', () => {
    let text = '';
    for (let depth = 0; depth < 5000; depth += 1) text += `${' '.repeat(4 * depth)}# Subtest: s\n`;
    expect(reasonOf(parse('tap', `${text}1..1\nok 1 - s\n`))).toContain('nests deeper');
    const braces = Array.from({ length: 5000 }, (_, d) => `${' '.repeat(4 * d)}ok 1 - s {\n`).join('');
    expect(reasonOf(parse('tap', `1..1\n${braces}`))).toContain('nests deeper');
  });

  it('takes hostile names for names', () => {
    const text = `1..3\nok 1 - __proto__\nok 2 - \ufffd\u001b[31m\nok 3 - ${'x'.repeat(1_000_000)}\n`;
    const parsed = parse('tap', text);
    expect(lines(parsed).slice(0, 2)).toEqual(['passed __proto__', 'passed \ufffd [31m']);
    expect(lines(parsed)).toHaveLength(3);
  });

  it('reads very many tests without stalling, failed ones too', () => {
    const point = (i: number) =>
      `${i % 2 ? '' : 'not '}ok ${i} - test ${i}\n  ---\n  duration_ms: 1.5\n  error: no\n  ...\n`;
    const text = `TAP version 13\n${Array.from({ length: MANY }, (_, i) => point(i + 1)).join('')}1..${MANY}\n`;
    const startedAt = performance.now();
    expect(lines(parse('tap', text, { exitCode: 1 }))).toHaveLength(MANY);
    expect(lines(parse('tap', 'ok 1\n  ---\n'.repeat(MANY), { exitCode: 1 }))).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('reads what the real runner says', async () => {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'winnow-tap-')));
    try {
      await writeFile(
        join(dir, 'a.test.mjs'),
        `import test from 'node:test';
         test('s', async (t) => { await t.test('passes', () => {}); await t.test('fails', () => { throw new Error('no'); }); });
         test('later', { todo: true }, () => { throw new Error('not yet'); });`,
      );
      await writeFile(join(dir, 'b.test.mjs'), `import './missing.mjs';`);
      const ran = await new Promise<{ stdout: string; stderr: string; exitCode: number }>((done) => {
        const args = ['--test', '--test-reporter=tap', 'a.test.mjs', 'b.test.mjs'];
        // A runner that finds itself inside another one changes how it reports.
        const env = { PATH: process.env.PATH };
        execFile(process.execPath, args, { cwd: dir, env }, (error, stdout, stderr) =>
          done({ stdout, stderr, exitCode: typeof error?.code === 'number' ? error.code : 0 }),
        );
      });
      expect(lines(parseOutput('tap', { ...ran, checkout: dir }))).toEqual([
        'problem b.test.mjs: suite-failed',
        'passed s > passes',
        'failed s > fails',
        'skipped later',
      ]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
