import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOutput } from '../../../../src/ports/checks/parse/parse.ts';
import { howMany } from '../../../thoroughness.ts';
import { fixture, lines, parse, reasonOf } from './outputs.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 10_000;
const MANY = howMany(20_000, 100_000);

describe('the tsc parser', () => {
  const six = [
    "problem src/a.ts: TS2322: Type 'string' is not assignable to type 'number'.",
    "problem src/a.ts: TS2322: Type 'string' is not assignable to type 'number'. #2",
    "problem src/a.ts: TS2322: Type 'number' is not assignable to type 'string'.",
    'problem src/a.ts: TS2769: No overload matches this call. The last overload gave the following error. ' +
      "Argument of type 'boolean' is not assignable to parameter of type 'number'.",
    "problem src/with (paren).ts: TS2307: Cannot find module './missing.js' or its corresponding type declarations.",
    "problem src/with (paren).ts: TS2552: Cannot find name 'undefinedName'. Did you mean 'undefined'?",
  ];

  it('reads the plain form of version 7', () => {
    const parsed = parse('tsc', fixture('tsc-7-plain.txt'), { exitCode: 1 });
    expect(lines(parsed)).toEqual(six);
    expect(parsed.complete && parsed.problems[3]).toEqual({
      id: six[3]?.slice('problem '.length),
      file: 'src/a.ts',
      line: 10,
      code: 'TS2769',
      message:
        'No overload matches this call.\n  The last overload gave the following error.\n' +
        "    Argument of type 'boolean' is not assignable to parameter of type 'number'.",
    });
  });

  it.each(['5.9', '7'])('reads the same from the plain and the coloured form of version %s', (version) => {
    const plain = parse('tsc', fixture(`tsc-${version}-plain.txt`), { exitCode: 2 });
    const pretty = parse('tsc', fixture(`tsc-${version}-pretty.txt`), { exitCode: 2 });
    expect(pretty).toEqual(plain);
    expect(lines(plain)).toHaveLength(6);
  });

  it('reads an error that belongs to no file, without the place of the checkout', () => {
    const parsed = parse('tsc', fixture('tsc-7-no-inputs.txt'), { exitCode: 2 });
    expect(lines(parsed)[0]).toMatch(/^problem TS18003: No inputs were found in config file 'empty\/tsconfig.json'/);
    expect(parsed.complete && parsed.problems[0]?.file).toBe('');
  });

  it('gives the same identities when lines move', () => {
    const moved = fixture('tsc-7-plain.txt').replaceAll(/\((\d+),/g, (_, line) => `(${Number(line) + 40},`);
    expect(lines(parse('tsc', moved, { exitCode: 1 }))).toEqual(six);
  });

  it('reads line ends of Windows, errors on standard error and what npm prints around them', () => {
    const text = fixture('tsc-7-plain.txt').replaceAll('\n', '\r\n');
    expect(lines(parse('tsc', `\r\n> api@1.0.0 types\r\n> tsc\r\n\r\n${text}`, { exitCode: 1 }))).toEqual(six);
    expect(lines(parse('tsc', '', { stderr: text, exitCode: 1 }))).toEqual(six);
  });

  it('takes warnings and messages for no errors', () => {
    const text = 'src/a.ts(1,2): warning TS1: odd\nsrc/a.ts(1,2): message TS2: by the way\nlog: error TSLint is old\n';
    expect(lines(parse('tsc', text))).toEqual([]);
  });

  it('is content with silence when the exit code is 0', () => {
    expect(parse('tsc', '')).toEqual({ complete: true, problems: [], tests: [] });
  });

  it.each([
    ['a missing compiler', '', 'sh: 1: tsc: not found\n', 127, 'exit code 127'],
    ['a crash', 'fatal error: all goroutines are asleep\n', '', 2, 'all goroutines are asleep'],
    ['silence with a red exit', '', '', 1, 'the output is empty'],
    ['a kill after some errors', 'src/a.ts(1,1): error TS1: no\n', 'Killed\n', 137, 'did not finish'],
  ])('calls %s incomplete and says why', (_, stdout, stderr, exitCode, said) => {
    expect(reasonOf(parse('tsc', stdout, { stderr, exitCode }))).toContain(said);
  });

  it('notices a coloured output that was cut off at any line', () => {
    const all = fixture('tsc-7-pretty.txt').split('\n');
    const total = all.findIndex((line) => line.includes('Found 6 errors'));
    for (let count = 1; count < total; count += 1) {
      expect(parse('tsc', all.slice(0, count).join('\n'), { exitCode: 1 }).complete).toBe(false);
    }
  });

  it('notices a plain output that was cut off within the head of an error', () => {
    for (const tail of [
      'src/b.ts(',
      'src/b.ts(12',
      'src/b.ts(12,3',
      'src/b.ts(12,3)',
      'src/b.ts(12,3): err',
      'b.ts(1,2): error TS23',
    ]) {
      const text = `src/a.ts(1,14): error TS2322: no\n${tail}`;
      expect(reasonOf(parse('tsc', text, { exitCode: 1 }))).toContain('cut off in the middle');
    }
  });

  it('does not take the count of another tool for its own', () => {
    const text = `Checked 12 files.\nFound 3 errors.\n${fixture('tsc-7-plain.txt')}`;
    expect(lines(parse('tsc', text, { exitCode: 1 }))).toEqual(six);
  });

  it('adds up the counts of several runs', () => {
    const twice = fixture('tsc-7-pretty.txt').repeat(2);
    expect(lines(parse('tsc', twice, { exitCode: 1 }))).toHaveLength(12);
  });

  it('keeps what is hostile as text', () => {
    const text = [
      '__proto__(1,1): error TS1: __proto__\u0000',
      '/home/me/checkout/src/x.ts(2,1): error TS2: \ufffd\ufffd',
      '../outside.ts(3,1): error TS3: x',
      `${'('.repeat(100_000)}a.ts(4,1): error TS4: ${'y'.repeat(1_000_000)}`,
      `${'(1'.repeat(500_000)}`,
      'error TS',
      'error TS1',
      '',
    ].join('\n');
    const startedAt = performance.now();
    const parsed = parse('tsc', text, { exitCode: 1 });
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
    expect(parsed.complete && parsed.problems.map((problem) => problem.file).slice(0, 3)).toEqual([
      '__proto__',
      'src/x.ts',
      '../outside.ts',
    ]);
    expect(parsed.complete && parsed.problems.every((problem) => problem.message.length < 2000)).toBe(true);
  });

  it('reads very many errors without stalling', () => {
    const text = Array.from({ length: MANY }, (_, i) => `src/f${i % 100}.ts(${i},1): error TS2322: no ${i}\n`).join('');
    const startedAt = performance.now();
    expect(lines(parse('tsc', text, { exitCode: 1 }))).toHaveLength(MANY);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('reads what the real compiler says', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'winnow-tsc-'));
    try {
      await mkdir(join(dir, 'src'));
      await writeFile(join(dir, 'tsconfig.json'), '{"compilerOptions":{"noEmit":true,"strict":true,"types":[]}}');
      await writeFile(join(dir, 'src', 'ünï.ts'), 'export const n: number = "one";\n');
      const tsc = join(import.meta.dirname, '../../../../node_modules/.bin/tsc');
      const ran = await new Promise<{ stdout: string; stderr: string; exitCode: number }>((done) => {
        execFile(tsc, ['-p', dir], { cwd: dir }, (error, stdout, stderr) =>
          done({ stdout, stderr, exitCode: typeof error?.code === 'number' ? error.code : 0 }),
        );
      });
      expect(lines(parseOutput('tsc', { ...ran, checkout: dir }))).toEqual([
        "problem src/ünï.ts: TS2322: Type 'string' is not assignable to type 'number'.",
      ]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
