import { describe, expect, it } from 'vitest';
import { howMany } from '../../../thoroughness.ts';
import { CHECKOUT, fixture, lines, parse, reasonOf } from './outputs.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 10_000;
const MANY = howMany(20_000, 100_000);

const suite = (content: string): string =>
  `<?xml version="1.0"?><testsuites><testsuite name="s">${content}</testsuite></testsuites>`;

describe('the JUnit parser', () => {
  it('reads vitest: the file is the class, hooks that fail are suites', () => {
    expect(lines(parse('junit', fixture('vitest-4.junit.xml'), { exitCode: 1 }))).toEqual([
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

  it('names the tests of vitest as its JSON report does', () => {
    const tests = (text: string[]) => text.filter((line) => !line.startsWith('problem'));
    const xml = lines(parse('junit', fixture('vitest-4.junit.xml'), { exitCode: 1 }));
    const json = lines(parse('vitest-json', fixture('vitest-4.json'), { exitCode: 1 }));
    expect(tests(xml)).toEqual(tests(json));
  });

  it('reads node:test: nested suites, todo that fails, a file that does not load', () => {
    expect(lines(parse('junit', fixture('node-24.junit.xml'), { exitCode: 1 }))).toEqual([
      'problem nt/broken.test.mjs: test: suite-failed',
      'passed nt/a.test.mjs > math > adds',
      'failed nt/a.test.mjs > math > fails',
      'skipped nt/a.test.mjs > math > skipped',
      'skipped nt/a.test.mjs > math > later',
      'passed nt/a.test.mjs > math > deep > math.deep > x # y',
      'passed nt/a.test.mjs > parent > child',
      'passed nt/a.test.mjs > parent > child #2',
      'passed nt/script.test.mjs > test > nt/script.test.mjs',
    ]);
    expect(lines(parse('junit', fixture('node-20.junit.xml'), { exitCode: 1 }))).toHaveLength(9);
  });

  it('reads pytest: collection errors, setup and teardown, xfail, parameters', () => {
    expect(lines(parse('junit', fixture('pytest-9.junit.xml'), { exitCode: 1 }))).toEqual([
      'problem pytest: tests.test_broken: suite-failed',
      'passed pytest > tests.test_a.TestMath > test_adds',
      'failed pytest > tests.test_a.TestMath > test_fails',
      'skipped pytest > tests.test_a > test_skipped',
      'skipped pytest > tests.test_a > test_xfail',
      'passed pytest > tests.test_a > test_each[1]',
      'passed pytest > tests.test_a > test_each[2]',
      'failed pytest > tests.test_a > test_teardown',
      'failed pytest > tests.test_a > test_setup',
      'failed pytest > tests.test_a > test_both',
      'failed pytest > tests.test_a > test_both #2',
    ]);
  });

  it('shows what failed, decoded and without the checkout', () => {
    const xml = suite(
      `<testcase name="a &lt;b&gt; &#x41;&#66; &unknown;"><failure message="x &quot;y&quot;">at ${CHECKOUT}/src/a.ts:1 &lt;-<![CDATA[<!DOCTYPE html> <b>]]></failure></testcase>`,
    );
    const parsed = parse('junit', xml, { exitCode: 1 });
    expect(parsed.complete && parsed.tests).toEqual([
      {
        id: 's > a <b> AB &unknown;',
        file: '',
        name: 's > a <b> AB &unknown;',
        status: 'failed',
        message: 'x "y"\nat src/a.ts:1 <-<!DOCTYPE html> <b>',
      },
    ]);
  });

  it.each([
    ['<testcase name="a"><error/></testcase>', 'failed s > a'],
    ['<testcase name="a"><skipped/><failure/></testcase>', 'skipped s > a'],
    ['<testcase name="a" status="notrun"/>', 'skipped s > a'],
    ['<testcase name="a" status="run"/>', 'passed s > a'],
    ['<testcase name="a"><system-out>failure</system-out></testcase>', 'passed s > a'],
    ['<testcase name="a" file="src/a.rs" classname="m"/>', 'passed src/a.rs > s > m > a'],
    [`<testcase name="a" file="${CHECKOUT}/b.py"/>`, 'passed b.py > s > a'],
    ['<testsuite name="t" file="c.js"><testcase name="a"/></testsuite>', 'passed c.js > s > t > a'],
    ['<testcase/>', 'passed s > '],
    ['<error message="the database is gone"/>', 'problem s: suite-failed'],
    ['<properties><property name="x" value="y"/></properties>', undefined],
  ])('reads %s', (content, expected) => {
    expect(lines(parse('junit', suite(content)))).toEqual(expected === undefined ? [] : [expected]);
  });

  it('reads a lone suite, one test and many, and what a runner prints around the document', () => {
    expect(lines(parse('junit', '<testsuite><testcase name="a"/></testsuite>'))).toEqual(['passed a']);
    expect(lines(parse('junit', `collected 1 item\n${suite('<testcase name="a"/>')}\ndone in 3 s\n`))).toEqual([
      'passed s > a',
    ]);
    expect(lines(parse('junit', '<testsuites/>'))).toEqual([]);
  });

  it('is red when the run is, though no test failed', () => {
    expect(lines(parse('junit', suite('<testcase name="a"/>'), { exitCode: 3 }))[0]).toBe('problem run-failed');
  });

  it('refuses document types and entities, wherever they stand', () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>';
    const external = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>';
    for (const evil of [bomb, external, '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">', '<!doctype x>']) {
      for (const text of [
        `${evil}${suite('<testcase name="&e;"/>')}`,
        `<?xml version="1.0"?>${evil}<testsuites/>`,
        suite(evil),
      ]) {
        expect(reasonOf(parse('junit', text))).toContain('refused');
      }
    }
  });

  it('calls a report that was cut off anywhere incomplete', () => {
    const text = fixture('vitest-4.junit.xml').trimEnd();
    for (let length = 0; length < text.length; length += 31) {
      expect(parse('junit', text.slice(0, length), { exitCode: 1 }).complete).toBe(false);
    }
    expect(reasonOf(parse('junit', text.slice(0, -3), { exitCode: 1 }))).toContain('cut off');
  });

  it.each([
    ['', 'the output is empty'],
    ['no tests found', 'There is no JUnit report'],
    ['<html><body>502</body></html>', 'There is no JUnit report'],
    ['<testsuites><testsuite></testsuites>', 'closes nothing'],
    ['</testsuites><testsuites>', 'There is no JUnit report|cut off'],
    ['<testsuites><a b="></testsuites>', 'cut off'],
    ['<testsuites><__proto__ x="1"/></testsuites>', 'no valid XML'],
  ])('says what is wrong with %j', (text, said) => {
    expect(reasonOf(parse('junit', text, { exitCode: 1 }))).toMatch(new RegExp(said));
  });

  it('refuses nesting that would exhaust the stack', () => {
    const deep = `${'<testsuite name="x">'.repeat(100_000)}${'</testsuite>'.repeat(100_000)}`;
    expect(reasonOf(parse('junit', `<testsuites>${deep}</testsuites>`))).toContain('nests deeper');
  });

  it('takes the names of object properties for titles', () => {
    const text = suite('<testcase name="__proto__" classname="constructor" __proto__="x"/><testcase name="toString"/>');
    expect(lines(parse('junit', text))).toEqual(['passed s > constructor > __proto__', 'passed s > toString']);
  });

  it('reads very many tests without stalling, and very many entities', () => {
    const many = Array.from({ length: MANY }, (_, i) => `<testcase classname="a.test.ts" name="m &gt; ${i}"/>\n`);
    const startedAt = performance.now();
    expect(lines(parse('junit', suite(many.join(''))))).toHaveLength(MANY);
    const quoting = suite(`<testcase name="a"><failure>${'&lt;'.repeat(MANY)}</failure></testcase>`);
    expect(lines(parse('junit', quoting, { exitCode: 1 }))).toEqual(['failed s > a']);
    expect(parse('junit', `<testsuites>${'<a '.repeat(300_000)}`).complete).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });
});
