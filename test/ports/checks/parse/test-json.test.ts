import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOutput } from '../../../../src/ports/checks/parse/parse.ts';
import { howMany } from '../../../thoroughness.ts';
import { CHECKOUT, fixture, lines, parse, reasonOf } from './outputs.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 10_000;
const MANY = howMany(20_000, 100_000);

type Case = { title: unknown; status: unknown; ancestorTitles?: unknown; failureMessages?: unknown };
const testCase = (title: string, status = 'passed'): Case => ({
  ancestorTitles: ['s'],
  title,
  status,
  failureMessages: [],
});
const file = (name: string, assertionResults: unknown, more: object = {}) => ({
  name: `${CHECKOUT}/${name}`,
  status: 'passed',
  message: '',
  assertionResults,
  ...more,
});
const report = (testResults: unknown, more: object = {}): string =>
  JSON.stringify({ numTotalTests: 1, success: true, testResults, ...more });

describe('the vitest parser', () => {
  it('reads tests, files that fail as a whole, and hooks that fail', () => {
    expect(lines(parse('vitest-json', fixture('vitest-4.json'), { exitCode: 1 }))).toEqual([
      'problem test/broken.test.ts: suite-failed',
      'problem test/hook.test.ts: suite-failed',
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

  it('keeps the message of a failure short and free of the checkout', () => {
    const parsed = parse('vitest-json', fixture('vitest-4.json'), { exitCode: 1 });
    const failed = parsed.complete ? parsed.tests.find((test) => test.status === 'failed') : undefined;
    expect(failed?.message).toMatch(/^AssertionError: expected 2 to be 3 .*\n {4}at test\/math\.test\.ts:4:37\n/);
    expect(parsed.complete && parsed.problems[0]?.message).toBe(
      "Cannot find module './not-there' imported from test/broken.test.ts",
    );
  });

  it('is red when the run is, though no test failed', () => {
    const [problem, ...rest] = lines(parse('vitest-json', fixture('vitest-4-unhandled.json'), { exitCode: 1 }));
    expect(problem).toBe('problem run-failed');
    expect(rest).toEqual(['passed test/unhandled.test.ts > passes but leaves a rejection']);
    expect(lines(parse('vitest-json', fixture('vitest-4-unhandled.json')))).toEqual(rest);
  });

  it('is red when the report calls the run failed, though the exit code is 0 and no test failed', () => {
    const text = report([file('a.test.ts', [testCase('a')])], { success: false });
    expect(lines(parse('vitest-json', text))).toEqual(['problem run-failed', 'passed a.test.ts > s > a']);
  });

  it('sees the file that did not load even where the report calls it passed', () => {
    const text = report([file('a.test.ts', []), file('b.test.ts', [testCase('b')])], { success: false });
    expect(lines(parse('vitest-json', text, { exitCode: 1 }))).toEqual([
      'problem a.test.ts: suite-failed',
      'passed b.test.ts > s > b',
    ]);
    expect(lines(parse('vitest-json', report([file('a.test.ts', [])])))).toEqual([]);
  });

  it('sees a file that failed besides its failed tests', () => {
    const failing = file('a.test.ts', [testCase('a', 'failed')], { status: 'failed', message: 'teardown broke' });
    expect(lines(parse('vitest-json', report([failing]), { exitCode: 1 }))).toEqual([
      'problem a.test.ts: suite-failed',
      'failed a.test.ts > s > a',
    ]);
  });

  it.each(['skipped', 'pending', 'todo', 'disabled'])('counts %s as skipped', (status) => {
    const text = report([file('a.test.ts', [testCase('a', status)])]);
    expect(lines(parse('vitest-json', text))).toEqual(['skipped a.test.ts > s > a']);
  });

  it('finds the report in what tests print around it, and takes the last', () => {
    const old = report([file('a.test.ts', [testCase('old', 'failed')])]);
    const real = report([file('a.test.ts', [testCase('real')])]);
    const noise = '{"numTotalTests": noise }{"success": "{ [ \\" unbalanced\n{"level":30,"success":true}\n';
    for (const text of [`${noise}${real}`, `${real}\n${noise}`, `${noise}${old}\n${noise}${real}${noise}`]) {
      expect(lines(parse('vitest-json', text))).toEqual(['passed a.test.ts > s > real']);
    }
  });

  it('reads a report that was printed with indentation, or begins with a byte order mark', () => {
    const text = JSON.stringify(JSON.parse(report([file('a.test.ts', [testCase('a')])])), null, 2);
    expect(lines(parse('vitest-json', `hello\n${text}\nbye`))).toEqual(['passed a.test.ts > s > a']);
    expect(lines(parse('vitest-json', `\ufeff${text}`))).toEqual(['passed a.test.ts > s > a']);
  });

  it('is not taken in by a report that a test hides inside the report', () => {
    const fake = JSON.parse(report([file('a.test.ts', [testCase('fake')])])) as object;
    const real = report([file('a.test.ts', [{ ...testCase('real', 'failed'), meta: fake }])], { success: false });
    expect(lines(parse('vitest-json', `log\n${real}\n`, { exitCode: 1 }))).toEqual(['failed a.test.ts > s > real']);
  });

  it('looks only into the report file where there is one', () => {
    const real = report([file('a.test.ts', [testCase('real')])]);
    const fake = report([file('a.test.ts', [testCase('fake')])]);
    expect(lines(parse('vitest-json', fake, { report: real }))).toEqual(['passed a.test.ts > s > real']);
    expect(parse('vitest-json', fake, { report: '' }).complete).toBe(false);
  });

  it('calls a report that was cut off anywhere incomplete', () => {
    const text = fixture('vitest-4.json').trimEnd();
    for (let length = 0; length < text.length; length += 37) {
      expect(parse('vitest-json', text.slice(0, length), { exitCode: 1 }).complete).toBe(false);
    }
    expect(reasonOf(parse('vitest-json', text.slice(0, -1), { exitCode: 1 }))).toBe(
      'The vitest JSON report is cut off: it begins at character 0 and has no end.',
    );
  });

  it.each([
    ['', 'the output is empty'],
    ['Error: no config', 'the output ends with: Error: no config'],
    ['null', 'There is no vitest JSON report'],
    ['[]', 'There is no vitest JSON report'],
    ['"testResults"', 'There is no vitest JSON report'],
    [report(null), 'malformed at testResults'],
    [report({}), 'malformed at testResults'],
    [report([null]), 'malformed at testResults.0'],
    [report([{ name: 'a.ts' }]), 'malformed at testResults.0.assertionResults'],
    [report([file('a.ts', 'x')]), 'malformed at testResults.0.assertionResults'],
    [report([file('a.ts', [{ title: 7, status: 'passed' }])]), 'malformed at testResults.0.assertionResults.0.title'],
    [report([file('a.ts', [{ title: 'x', status: 'green' }])]), 'malformed at testResults.0.assertionResults.0.status'],
    [report([{ ...file('a.ts', []), name: 1 }]), 'malformed at testResults.0.name'],
  ])('says what is wrong with %j', (text, said) => {
    expect(reasonOf(parse('vitest-json', text, { exitCode: 1 }))).toContain(said);
  });

  it('takes names of object properties, replacement characters and lone surrogates for titles', () => {
    const names = ['__proto__', 'constructor', 'toString', '\ufffd\ufffd', '\ud800'];
    const text = report([
      file(
        '__proto__',
        names.map((name) => testCase(name)),
      ),
    ]).replace('"success"', '"__proto__":{"polluted":true},"success"');
    const parsed = parse('vitest-json', text);
    expect(parsed.complete && parsed.tests.map((test) => test.file)).toEqual(names.map(() => '__proto__'));
    expect(lines(parsed)[0]).toBe('passed __proto__ > s > __proto__');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('survives nesting a million deep, inside the report and around it', () => {
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    const real = `{"numTotalTests":1,"meta":${deep},"testResults":[],"success":true}`;
    expect(lines(parse('vitest-json', `${deep}\n${real}`))).toEqual([]);
    expect(parse('vitest-json', `{"numTotalTests":${'['.repeat(1_000_000)}`, { exitCode: 1 }).complete).toBe(false);
  });

  it('does not lose itself in an output full of false starts', () => {
    const startedAt = performance.now();
    expect(parse('vitest-json', '{"numTotalTests":'.repeat(200_000), { exitCode: 1 }).complete).toBe(false);
    expect(parse('vitest-json', '{"success":true}\n'.repeat(200_000), { exitCode: 1 }).complete).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('reads very many tests without stalling', () => {
    const many = Array.from({ length: MANY }, (_, i) => testCase(`test ${i}`, i % 3 === 0 ? 'failed' : 'passed'));
    const text = `noise\n${report([file('a.test.ts', many)])}`;
    const startedAt = performance.now();
    expect(lines(parse('vitest-json', text, { exitCode: 1 }))).toHaveLength(MANY);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('names files relative to the checkout, also when the checkout is reached through a link', async () => {
    const parent = await realpath(await mkdtemp(join(tmpdir(), 'winnow-vitest-')));
    try {
      const dir = join(parent, 'real');
      await mkdir(dir);
      await symlink(join(import.meta.dirname, '../../../../node_modules'), join(dir, 'node_modules'));
      await symlink(dir, join(parent, 'link'));
      await writeFile(
        join(dir, 'a.test.ts'),
        `import { expect, it } from 'vitest';
         it('works in ' + process.cwd() + '/x', () => {});
         it('prints', () => { process.stdout.write('{"numTotalTests": '); expect(1).toBe(2); });`,
      );
      const ran = await new Promise<{ stdout: string; stderr: string; exitCode: number }>((done) => {
        const args = ['run', '--reporter=json', '--no-cache'];
        const env = { PATH: process.env.PATH, CI: '1' };
        execFile(join(dir, 'node_modules/.bin/vitest'), args, { cwd: dir, env }, (error, stdout, stderr) =>
          done({ stdout, stderr, exitCode: typeof error?.code === 'number' ? error.code : 0 }),
        );
      });
      expect(lines(parseOutput('vitest-json', { ...ran, checkout: join(parent, 'link') }))).toEqual([
        'passed a.test.ts > works in x',
        'failed a.test.ts > prints',
      ]);
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
});

describe('the jest parser', () => {
  it('reads tests, files that fail as a whole, and hooks that fail, behind what a test printed', () => {
    expect(lines(parse('jest-json', fixture('jest-30.txt'), { exitCode: 1 }))).toEqual([
      'problem t/hook2.test.js: suite-failed',
      'problem t/hook.test.js: suite-failed',
      'problem t/broken.test.js: suite-failed',
      'problem t/empty.test.js: suite-failed',
      'passed t/math.test.js > math > adds',
      'failed t/math.test.js > math > fails',
      'skipped t/math.test.js > math > skipped',
      'skipped t/math.test.js > math > later',
      'passed t/math.test.js > math > each 1',
      'passed t/math.test.js > math > each 1 #2',
      'passed t/math.test.js > top',
      'passed t/hook2.test.js > g > passes',
      'passed t/hook.test.js > passes',
    ]);
  });

  it('does not take the summary of failed tests for a failure of the file', () => {
    const failing = file('a.test.ts', [testCase('a', 'failed')], { status: 'failed', message: '  ● s › a\n\n    no' });
    expect(lines(parse('jest-json', report([failing]), { exitCode: 1 }))).toEqual(['failed a.test.ts > s > a']);
    const both = { ...failing, message: '  ● Test suite failed to run\n\n  ● s › a' };
    expect(lines(parse('jest-json', report([both]), { exitCode: 1 }))).toContain('problem a.test.ts: suite-failed');
  });

  it('calls an interrupted run incomplete', () => {
    const text = report([file('a.test.ts', [testCase('a')])], { wasInterrupted: true });
    expect(reasonOf(parse('jest-json', text))).toContain('interrupted');
  });

  it('is red when a coverage threshold is missed', () => {
    const text = report([file('a.test.ts', [testCase('a')])]);
    const parsed = parse('jest-json', text, {
      exitCode: 1,
      stderr: 'Jest: "global" coverage threshold for lines (100%) not met: 71%\n',
    });
    expect(lines(parsed)[0]).toBe('problem run-failed');
    expect(parsed.complete && parsed.problems[0]?.message).toContain('coverage threshold for lines (100%) not met');
  });
});
