import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  CheckReport,
  EvaluatedReport,
  Problem,
  TestResult,
  TestStatus,
  TreeReport,
} from '../../src/model/report.ts';
import { compareReports, mergeRerun, suspectedFlaky } from '../../src/policy/compare.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 10_000;

const test = (id: string, status: TestStatus): TestResult => ({
  id: `a.test.ts > ${id}`,
  file: 'a.test.ts',
  name: id,
  status,
});
const tests = (passed: string[], failed: string[] = [], skipped: string[] = []): TestResult[] => [
  ...passed.map((id) => test(id, 'passed')),
  ...failed.map((id) => test(id, 'failed')),
  ...skipped.map((id) => test(id, 'skipped')),
];
const problem = (id: string): Problem => ({ id, file: 'a.ts', code: 'TS1', message: id });
const check = (
  check: string,
  tests: TestResult[],
  problems: string[] = [],
  more: Partial<EvaluatedReport> = {},
): EvaluatedReport => {
  const green = problems.length === 0 && tests.every((t) => t.status !== 'failed');
  return {
    state: 'evaluated',
    check,
    green,
    exitCode: green ? 0 : 1,
    problems: problems.map(problem),
    tests,
    durationMs: 1,
    ...more,
  };
};
const mute = (name: string): CheckReport => ({
  state: 'unevaluated',
  check: name,
  reason: 'timeout',
  message: 'killed after 600 s',
  durationMs: 1,
});
const tree = (...checks: CheckReport[]): TreeReport => ({ tree: 't', checks });
const report = (...args: Parameters<typeof tests>): TreeReport => tree(check('tests', tests(...args)));

describe('a test run that fails as a whole', () => {
  const broken = (...more: CheckReport[]): TreeReport =>
    tree(
      check('tests', [], [], {
        green: false,
        exitCode: 2,
        problems: [{ id: 'run-failed', file: '', code: 'run-failed', message: 'No module named x\nmore' }],
      }),
      ...more,
    );

  it('before and after says nothing, whatever the other checks say', () => {
    const compared = compareReports(broken(check('lint', [], ['a'])), broken(check('lint', [])));
    expect(compared).toMatchObject({ verdict: 'unevaluated', fixed: ['lint: a'] });
    expect(compared.reason).toBe(
      'tests runs no test, before the change or after it, so nothing shows that it keeps the behaviour: No module named x',
    );
  });

  it('is mended by a change after which tests run, and does not hide what another check finds', () => {
    expect(compareReports(broken(), report(['a'])).verdict).toBe('better');
    expect(compareReports(broken(check('lint', [])), broken(check('lint', [], ['a']))).verdict).toBe('worse');
    expect(compareReports(report(['a']), broken()).verdict).toBe('worse');
  });
});

describe('compareReports', () => {
  it.each<[what: string, base: TreeReport, result: TreeReport, verdict: string, reason: string]>([
    ['nothing changed', report(['a']), report(['a']), 'same', 'nothing fixed, nothing broken'],
    ['red stays the same red', report(['a'], ['b']), report(['a'], ['b']), 'same', 'nothing fixed, nothing broken'],
    [
      'a failing test passes',
      report(['a'], ['b']),
      report(['a', 'b']),
      'better',
      '1 failing test fixed, nothing broken',
    ],
    ['a new test passes', report(['a']), report(['a', 'n']), 'better', '1 new test passes, nothing broken'],
    [
      'a skipped test runs and passes',
      report(['a'], [], ['s']),
      report(['a', 's']),
      'better',
      '1 new test passes, nothing broken',
    ],
    ['a skipped test goes away', report(['a'], [], ['s']), report(['a']), 'same', 'nothing fixed, nothing broken'],
    ['a new test is skipped', report(['a']), report(['a'], [], ['s']), 'same', 'nothing fixed, nothing broken'],
    ['a passing test fails', report(['a', 'b']), report(['a'], ['b']), 'worse', 'breaks 1 test: b'],
    ['a new test fails', report(['a']), report(['a'], ['n']), 'worse', 'breaks 1 test: n'],
    ['a skipped test runs and fails', report(['a'], [], ['s']), report(['a'], ['s']), 'worse', 'breaks 1 test: s'],
    ['a passing test vanishes', report(['a', 'b']), report(['a']), 'worse', '1 test vanished: b'],
    ['a failing test vanishes', report(['a'], ['b']), report(['a']), 'worse', '1 test vanished: b'],
    ['a passing test is skipped', report(['a', 'b']), report(['a'], [], ['b']), 'worse', '1 test newly skipped: b'],
    ['a failing test is skipped', report(['a'], ['b']), report(['a'], [], ['b']), 'worse', '1 test newly skipped: b'],
    ['one test fixed and one broken', report(['a'], ['b']), report(['b'], ['a']), 'worse', 'breaks 1 test: a'],
    [
      'one error traded for another',
      tree(check('tsc', [], ['old'])),
      tree(check('tsc', [], ['new'])),
      'worse',
      'adds 1 error: new',
    ],
    [
      'errors and a test fixed',
      tree(check('tsc', [], ['x', 'y', 'z']), check('tests', tests([], ['b']))),
      tree(check('tsc', [], ['z']), check('tests', tests(['b']))),
      'better',
      '2 errors and 1 failing test fixed, nothing broken',
    ],
    [
      'a check is missing',
      tree(check('tsc', []), check('tests', [])),
      tree(check('tsc', [])),
      'worse',
      'the check tests is missing',
    ],
    [
      'a check is red without saying why',
      tree(check('tsc', [])),
      tree(check('tsc', [], [], { green: false })),
      'worse',
      'tsc is not green any more',
    ],
    [
      'a check that was red without saying why stays so',
      tree(check('tsc', [], [], { green: false })),
      tree(check('tsc', [], [], { green: false })),
      'same',
      'nothing fixed, nothing broken',
    ],
    ['no checks at all', tree(), tree(), 'same', 'nothing fixed, nothing broken'],
  ])('%s', (_, base, result, verdict, reason) => {
    expect(compareReports(base, result)).toMatchObject({ verdict, reason });
  });

  it('does not count a test as mended that passes since the change edited its file', () => {
    const edited = new Set(['a.test.ts']);
    expect(compareReports(report(['a'], ['b', 'c']), report(['a', 'b', 'c']), { edited })).toMatchObject({
      verdict: 'same',
      reason:
        'nothing fixed, nothing broken; 2 failing tests pass in files that the change edits itself, which proves nothing',
      fixed: [],
      unproven: ['tests: a.test.ts > b', 'tests: a.test.ts > c'],
    });
    const elsewhere = new Set(['other.test.ts']);
    expect(compareReports(report([], ['b']), report(['b']), { edited: elsewhere }).verdict).toBe('better');
    expect(compareReports(report(['a'], ['b']), report(['b'], ['a']), { edited }).verdict).toBe('worse');
    expect(compareReports(report([], ['b']), report(['b', 'new']), { edited })).toMatchObject({ verdict: 'better' });
  });

  it('takes a test of no known file for one of any file that was edited', () => {
    const nameless = (names: string[], failing: string[]) =>
      tree(
        check(
          'tests',
          tests(names, failing).map((test) => ({ ...test, file: '' })),
        ),
      );
    const edited = new Set(['other.test.ts']);
    expect(compareReports(nameless([], ['b']), nameless(['b'], []), { edited }).verdict).toBe('same');
    expect(compareReports(nameless([], ['b']), nameless(['b'], []), { edited: new Set() }).verdict).toBe('better');
  });

  it('names each difference by check and identity', () => {
    const base = tree(check('tsc', [], ['old']), check('tests', tests(['a', 'b', 'c'], ['d', 'e'])));
    const result = tree(check('tsc', [], ['new']), check('tests', tests(['a', 'd', 'n'], ['b'], ['e'])));
    expect(compareReports(base, result)).toEqual({
      verdict: 'worse',
      reason: 'breaks 1 test: b; adds 1 error: new; 1 test vanished: c; 1 test newly skipped: e',
      fixed: ['tsc: old', 'tests: a.test.ts > d'],
      broken: ['tsc: new', 'tests: a.test.ts > b'],
      vanished: ['tests: a.test.ts > c'],
      skipped: ['tests: a.test.ts > e'],
      added: ['tests: a.test.ts > n'],
    });
  });

  it('names at most three and counts the rest', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    expect(compareReports(report(names), report([])).reason).toBe('7 tests vanished: a, b, c and 4 more');
  });

  it('keeps the sentence readable when a name is a page long', () => {
    expect(compareReports(report(['x'.repeat(5000)]), report([])).reason.length).toBeLessThan(200);
  });

  it('says nothing when a check could not run, and names the result first', () => {
    const fine = tree(check('tests', tests(['a'])));
    expect(compareReports(fine, tree(mute('tests')))).toEqual({
      verdict: 'unevaluated',
      reason: 'tests says nothing about the result (timeout): killed after 600 s',
      fixed: [],
      broken: [],
      vanished: [],
      skipped: [],
      added: [],
    });
    expect(compareReports(tree(mute('tests')), fine).reason).toMatch(/^tests says nothing about the baseline/);
    expect(compareReports(tree(mute('tests')), tree(mute('tests'))).reason).toMatch(
      /about the result.*about the baseline/,
    );
  });

  it('does not call a change worse that cannot be judged in full', () => {
    const base = tree(check('tests', tests(['a'])), check('tsc', []));
    expect(compareReports(base, tree(check('tests', tests([], ['a'])), mute('tsc'))).verdict).toBe('unevaluated');
  });

  it('ignores the failing of a test that is known to be flaky, and nothing else about it', () => {
    const flaky = new Set(['tests: a.test.ts > f']);
    expect(compareReports(report(['a', 'f']), report(['a'], ['f']), { flaky }).verdict).toBe('same');
    expect(compareReports(report(['a'], ['f']), report(['a', 'f']), { flaky }).verdict).toBe('same');
    expect(compareReports(report(['a']), report(['a'], ['f']), { flaky }).verdict).toBe('same');
    expect(compareReports(report(['a', 'f']), report(['a']), { flaky }).verdict).toBe('worse');
    expect(compareReports(report(['a', 'f']), report(['a'], [], ['f']), { flaky }).verdict).toBe('worse');
    expect(compareReports(report(['a', 'f']), report([], ['a', 'f']), { flaky }).verdict).toBe('worse');
  });

  it('judges a hundred thousand tests without stalling', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `test ${i}`);
    const startedAt = performance.now();
    expect(compareReports(report(many), report(many)).verdict).toBe('same');
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });
});

describe('compareReports, whatever the reports are', () => {
  const status = fc.constantFrom<TestStatus>('passed', 'failed', 'skipped');
  const someTests = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...'abcdefgh'), status), { selector: ([id]) => id, maxLength: 8 })
    .map((list) => list.map(([id, s]) => test(id, s)));
  const someProblems = fc.uniqueArray(fc.constantFrom('p', 'q', 'r', 's'), { maxLength: 4 });
  const someCheck = (name: string) => fc.tuple(someTests, someProblems).map(([t, p]) => check(name, t, p));
  const someTree = fc.tuple(someCheck('tsc'), someCheck('tests')).map((checks) => tree(...checks));
  const perhapsMute = fc
    .tuple(someCheck('tsc'), someCheck('tests'), fc.boolean())
    .map(([a, b, muted]) => tree(a, muted ? mute('tests') : b));

  it('a report compared with itself is the same, or unevaluated', () => {
    fc.assert(
      fc.property(perhapsMute, (x) => {
        const { verdict } = compareReports(x, x);
        expect(verdict).toBe(x.checks.some((c) => c.state === 'unevaluated') ? 'unevaluated' : 'same');
      }),
    );
  });

  it('the order of checks, tests and problems does not matter', () => {
    const reversed = (x: TreeReport): TreeReport => ({
      ...x,
      checks: [...x.checks]
        .reverse()
        .map((c) =>
          c.state === 'unevaluated' ? c : { ...c, tests: [...c.tests].reverse(), problems: [...c.problems].reverse() },
        ),
    });
    const sorted = (x: ReturnType<typeof compareReports>) => ({
      verdict: x.verdict,
      lists: [x.fixed, x.broken, x.vanished, x.skipped, x.added].map((list) => [...list].sort()),
    });
    fc.assert(
      fc.property(someTree, someTree, (base, result) => {
        expect(sorted(compareReports(reversed(base), reversed(result)))).toEqual(sorted(compareReports(base, result)));
      }),
    );
  });

  it('any regression makes any result worse, however much it mends', () => {
    const regressions: ((c: EvaluatedReport) => EvaluatedReport)[] = [
      (c) => ({ ...c, green: false, problems: [...c.problems, problem('never seen')] }),
      (c) => ({ ...c, green: false, tests: [...c.tests, test('never seen', 'failed')] }),
    ];
    const onKept: ((t: TestResult) => TestResult[])[] = [
      () => [],
      (t) => [{ ...t, status: 'failed' }],
      (t) => [{ ...t, status: 'skipped' }],
    ];
    fc.assert(
      fc.property(someTree, someTree, fc.nat(1), fc.nat(1), (base, result, which, where) => {
        const checks = result.checks.map((c, i) => (i === where ? regressions[which]?.(c as EvaluatedReport) : c));
        expect(compareReports(base, tree(...(checks as CheckReport[]))).verdict).toBe('worse');
      }),
    );
    fc.assert(
      fc.property(someTree, someTree, fc.nat(2), (base, result, which) => {
        const kept = test('kept', 'passed');
        const withKept = (x: TreeReport, add: TestResult[]) =>
          tree(...x.checks.map((c) => (c.state === 'evaluated' ? { ...c, tests: [...c.tests, ...add] } : c)));
        const worse = compareReports(withKept(base, [kept]), withKept(result, onKept[which]?.(kept) ?? []));
        expect(worse.verdict).toBe('worse');
      }),
    );
  });

  it('better both ways is impossible', () => {
    fc.assert(
      fc.property(someTree, someTree, (a, b) => {
        const both = [compareReports(a, b).verdict, compareReports(b, a).verdict];
        expect(both).not.toEqual(['better', 'better']);
      }),
    );
  });
});

describe('a second look', () => {
  const base = report(['a', 'b'], ['c']);
  const first = check('tests', tests([], ['a', 'b', 'c', 'n']));
  const [suspects] = suspectedFlaky(base, tree(first));

  it('is taken at what passed in the baseline and fails now', () => {
    expect(suspects?.tests.map((t) => t.name)).toEqual(['a', 'b']);
    expect(suspects?.files).toEqual(['a.test.ts']);
    expect(suspectedFlaky(base, base)).toEqual([]);
    expect(suspectedFlaky(tree(mute('tests')), tree(first))).toEqual([]);
    expect(suspectedFlaky(base, tree(mute('tests')))).toEqual([]);
  });

  it('names no file for tests whose tool names none', () => {
    const without = check('tests', [{ id: 'x', file: '', name: 'x', status: 'failed' }]);
    const was = check('tests', [{ id: 'x', file: '', name: 'x', status: 'passed' }]);
    expect(suspectedFlaky(tree(was), tree(without))[0]?.files).toEqual([]);
  });

  it('believes a suspect that passes, and only suspects', () => {
    const rerun = check('tests', tests(['a', 'c', 'n'], ['b']));
    const { report: merged, flaky } = mergeRerun(first, rerun, suspects!);
    expect(flaky).toEqual(['tests: a.test.ts > a']);
    expect(merged.tests.map((t) => `${t.name} ${t.status}`)).toEqual(['a passed', 'b failed', 'c failed', 'n failed']);
    expect(merged.green).toBe(false);
    expect(merged.durationMs).toBe(2);
  });

  it('makes the check green when nothing else was wrong', () => {
    const red = check('tests', tests(['b'], ['a']));
    const { report: merged } = mergeRerun(red, check('tests', tests(['a'])), { tests: [test('a', 'failed')] });
    expect(merged).toMatchObject({ green: true, exitCode: 0 });
    expect(compareReports(report(['a', 'b']), tree(merged)).verdict).toBe('same');
  });

  it('confirms what fails again, so that nobody looks a third time', () => {
    const { report, flaky } = mergeRerun(first, check('tests', tests([], ['a', 'b', 'n'])), suspects!);
    expect(flaky).toEqual([]);
    expect(report.tests.map((t) => t.confirmed)).toEqual([true, true, undefined, undefined]);
    expect(suspectedFlaky(base, tree(report))).toEqual([]);
  });

  it('changes nothing when it runs nothing or cannot run', () => {
    for (const rerun of [check('tests', []), mute('tests')]) {
      expect(mergeRerun(first, rerun, suspects!)).toEqual({ report: first, flaky: [] });
    }
  });

  it('brings to light what the failing test had hidden', () => {
    const red = check('tests', tests([], ['a']));
    const rerun = check('tests', tests(['a']), ['run-failed']);
    const { report: merged } = mergeRerun(red, rerun, { tests: [test('a', 'failed')] });
    expect(merged).toMatchObject({ green: false, exitCode: 1 });
    expect(compareReports(report(['a']), tree(merged))).toMatchObject({
      verdict: 'worse',
      broken: ['tests: run-failed'],
    });
  });
});
