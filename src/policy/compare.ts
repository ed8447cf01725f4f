import type { CheckReport, EvaluatedReport, Problem, TestResult, TreeReport } from '../model/report.ts';
import type { Comparison } from '../model/verdict.ts';

/**
 * Whether a change made things better or worse, decided by identity: which problems and which tests, never how many.
 * A test that vanished or is skipped counts as failed, so that deleting a red test is never a way to green.
 */
export const compareReports = (
  base: TreeReport,
  result: TreeReport,
  known: { flaky?: ReadonlySet<string>; edited?: ReadonlySet<string> } = {},
): Comparison => {
  const mute = muteReason(base, result);
  if (mute !== undefined) return { verdict: 'unevaluated', reason: mute, ...NO_DIFFERENCES };

  const { flaky = NONE, edited = NONE } = known;
  const changes = emptyChanges();
  const before = byName(base);
  const after = byName(result);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    compareCheck(name, before.get(name), after.get(name), { flaky, edited }, changes);
  }
  const verdict = verdictOf(changes);
  const blind = verdict === 'worse' ? undefined : blindReason(before, after);
  return {
    verdict: blind === undefined ? verdict : 'unevaluated',
    reason: blind ?? reasonOf(changes),
    fixed: [...changes.problemsFixed, ...changes.testsFixed].map((change) => change.entry),
    broken: [...changes.problemsNew, ...changes.testsBroken, ...changes.checksBroken].map((change) => change.entry),
    vanished: changes.vanished.map((change) => change.entry),
    skipped: changes.skipped.map((change) => change.entry),
    added: changes.added.map((change) => change.entry),
    ...(changes.unproven.length > 0 ? { unproven: changes.unproven.map((change) => change.entry) } : {}),
  };
};

/** What counts less than it seems: tests known to fail by chance, and test files that the change itself edits. */
interface Doubts {
  flaky: ReadonlySet<string>;
  edited: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

const NO_DIFFERENCES = { fixed: [], broken: [], vanished: [], skipped: [], added: [] } satisfies Partial<Comparison>;

/** `<check>: <identity>`: how a comparison, the list of flaky tests and the journal name a test or a problem. */
export const entryOf = (check: string, id: string): string => `${check}: ${id}`;

/** One difference, with what a person calls it. */
interface Change {
  entry: string;
  label: string;
}

type Changes = Record<
  | 'problemsFixed'
  | 'problemsNew'
  | 'testsFixed'
  | 'testsBroken'
  | 'checksBroken'
  | 'vanished'
  | 'skipped'
  | 'added'
  | 'unproven',
  Change[]
>;

const emptyChanges = (): Changes => ({
  problemsFixed: [],
  problemsNew: [],
  testsFixed: [],
  testsBroken: [],
  checksBroken: [],
  vanished: [],
  skipped: [],
  added: [],
  unproven: [],
});

const compareCheck = (
  name: string,
  base: EvaluatedReport | undefined,
  result: EvaluatedReport | undefined,
  doubts: Doubts,
  changes: Changes,
): void => {
  if (result === undefined) {
    changes.checksBroken.push({ entry: entryOf(name, 'missing'), label: `the check ${name} is missing` });
    return;
  }
  compareProblems(name, base?.problems ?? [], result.problems, changes);
  compareTests(name, base?.tests ?? [], result.tests, doubts, changes);
  const explained = result.problems.length > 0 || result.tests.some((test) => test.status === 'failed');
  if (base?.green !== false && !result.green && !explained) {
    changes.checksBroken.push({ entry: entryOf(name, 'not green'), label: `${name} is not green any more` });
  }
};

const compareProblems = (
  check: string,
  base: readonly Problem[],
  result: readonly Problem[],
  changes: Changes,
): void => {
  const before = new Set(base.map((problem) => problem.id));
  const after = new Set(result.map((problem) => problem.id));
  for (const problem of result) if (!before.has(problem.id)) changes.problemsNew.push(problemChange(check, problem));
  for (const problem of base) if (!after.has(problem.id)) changes.problemsFixed.push(problemChange(check, problem));
};

const compareTests = (
  check: string,
  base: readonly TestResult[],
  result: readonly TestResult[],
  { flaky, edited }: Doubts,
  changes: Changes,
): void => {
  const before = new Map(base.map((test) => [test.id, test]));
  const after = new Map(result.map((test) => [test.id, test]));
  for (const was of base) {
    // A skipped test that goes away proves nothing either way.
    if (was.status === 'skipped') continue;
    const is = after.get(was.id);
    if (is === undefined) changes.vanished.push(testChange(check, was));
    else if (is.status === 'skipped') changes.skipped.push(testChange(check, was));
  }
  for (const is of result) {
    const change = testChange(check, is);
    const was = before.get(is.id)?.status;
    // What is known to fail by chance says nothing by failing, here or in the baseline.
    if (flaky.has(change.entry) && (is.status === 'failed' || was === 'failed')) continue;
    if (is.status === 'failed' && was !== 'failed') changes.testsBroken.push(change);
    if (is.status === 'passed' && was === 'failed') {
      (isEdited(is, edited) ? changes.unproven : changes.testsFixed).push(change);
    }
    if (is.status === 'passed' && (was === undefined || was === 'skipped')) changes.added.push(change);
  }
};

/** Of a test whose tool names no file any edited one may be it. */
const isEdited = ({ file }: TestResult, edited: ReadonlySet<string>): boolean =>
  file === '' ? edited.size > 0 : edited.has(file);

const verdictOf = (changes: Changes): 'better' | 'same' | 'worse' => {
  const { problemsNew, testsBroken, checksBroken, vanished, skipped } = changes;
  if ([problemsNew, testsBroken, checksBroken, vanished, skipped].some((list) => list.length > 0)) return 'worse';
  return changes.problemsFixed.length + changes.testsFixed.length + changes.added.length > 0 ? 'better' : 'same';
};

const reasonOf = (changes: Changes): string => {
  const { problemsNew, testsBroken, vanished, skipped } = changes;
  const bad = [
    ...changes.checksBroken.map((change) => change.label),
    ...(testsBroken.length > 0 ? [`breaks ${counted(testsBroken.length, 'test')}: ${named(testsBroken)}`] : []),
    ...(problemsNew.length > 0 ? [`adds ${counted(problemsNew.length, 'error')}: ${named(problemsNew)}`] : []),
    ...(vanished.length > 0 ? [`${counted(vanished.length, 'test')} vanished: ${named(vanished)}`] : []),
    ...(skipped.length > 0 ? [`${counted(skipped.length, 'test')} newly skipped: ${named(skipped)}`] : []),
  ];
  if (bad.length > 0) return bad.join('; ');
  const fixed = [
    ...(changes.problemsFixed.length > 0 ? [counted(changes.problemsFixed.length, 'error')] : []),
    ...(changes.testsFixed.length > 0 ? [counted(changes.testsFixed.length, 'failing test')] : []),
  ].join(' and ');
  const good = [
    ...(fixed === '' ? [] : [`${fixed} fixed`]),
    ...(changes.added.length > 0
      ? [`${counted(changes.added.length, 'new test')} ${changes.added.length === 1 ? 'passes' : 'pass'}`]
      : []),
  ];
  const { length } = changes.unproven;
  const unproven =
    length === 0
      ? ''
      : `; ${counted(length, 'failing test')} ${length === 1 ? 'passes' : 'pass'} in files that the change edits itself, which proves nothing`;
  return `${good.length === 0 ? 'nothing fixed' : good.join(', ')}, nothing broken${unproven}`;
};

/** A sentence for a phone: names help, a list of forty does not. */
const NAMES_MAX = 3;
const NAME_LENGTH_MAX = 100;

const named = (changes: readonly Change[]): string => {
  const names = changes.slice(0, NAMES_MAX).map(({ label }) => shortened(label));
  const rest = changes.length - names.length;
  return names.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
};

const shortened = (text: string): string =>
  text.length <= NAME_LENGTH_MAX ? text : `${text.slice(0, NAME_LENGTH_MAX - 1).replace(/\p{Cs}/gu, '')}…`;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const testChange = (check: string, test: TestResult): Change => ({ entry: entryOf(check, test.id), label: test.name });

const problemChange = (check: string, problem: Problem): Change => ({
  entry: entryOf(check, problem.id),
  // A command of which only the exit code is known has no words of its own.
  label: problem.code.startsWith('exit-') ? `${check} ends with exit code ${problem.code.slice(5)}` : problem.id,
});

/** The result is named first: that the baseline could not run either is the smaller news. */
const muteReason = (base: TreeReport, result: TreeReport): string | undefined => {
  const mute = [
    ...result.checks.flatMap((check) => muteSentence(check, 'the result')),
    ...base.checks.flatMap((check) => muteSentence(check, 'the baseline')),
  ];
  return mute.length === 0 ? undefined : mute.join('; ');
};

const muteSentence = (check: CheckReport, side: string): string[] =>
  check.state === 'unevaluated'
    ? [`${check.check} says nothing about ${side} (${check.reason}): ${check.message}`]
    : [];

/**
 * A test run that fails as a whole, before and after, and runs not one test: it would call every change the same, also
 * one that breaks everything. What ends the failure itself is seen, since then there are tests.
 */
const blindReason = (
  before: ReadonlyMap<string, EvaluatedReport>,
  after: ReadonlyMap<string, EvaluatedReport>,
): string | undefined => {
  const blind = [...after.values()].find((result) => {
    const base = before.get(result.check);
    return base !== undefined && ranNothing(base) && ranNothing(result);
  });
  if (blind === undefined) return undefined;
  const [first = ''] = (blind.problems[0]?.message ?? '').split('\n', 1);
  return `${blind.check} runs no test, before the change or after it, so nothing shows that it keeps the behaviour: ${shortened(first)}`;
};

const ranNothing = ({ tests, problems }: EvaluatedReport): boolean =>
  tests.length === 0 && problems.length > 0 && problems.every(({ code }) => WHOLE_RUN_CODES.has(code));

/** How the parsers call what failed outside of any test. */
const WHOLE_RUN_CODES: ReadonlySet<string> = new Set(['run-failed', 'suite-failed']);

const byName = (report: TreeReport): Map<string, EvaluatedReport> =>
  new Map(report.checks.flatMap((check) => (check.state === 'evaluated' ? [[check.check, check] as const] : [])));

/** Tests of one check that deserve a second look before they count as broken. */
export interface Suspects {
  check: string;
  tests: TestResult[];
  /** Their files, each once; a test whose tool names no file adds none. */
  files: string[];
}

/** What passed in the baseline and fails now: run once more before it is believed. */
export const suspectedFlaky = (base: TreeReport, result: TreeReport): Suspects[] => {
  const before = byName(base);
  return result.checks.flatMap((check) => {
    if (check.state === 'unevaluated') return [];
    const passed = new Set(before.get(check.check)?.tests.flatMap((test) => (test.status === 'passed' ? test.id : [])));
    const tests = check.tests.filter((test) => test.status === 'failed' && !test.confirmed && passed.has(test.id));
    if (tests.length === 0) return [];
    return [{ check: check.check, tests, files: [...new Set(tests.map((test) => test.file))].filter(Boolean) }];
  });
};

/**
 * Believes the second look where it is kinder: a suspect that passes in it counts as passed and is named in `flaky`,
 * as an entry. What the second look finds wrong beside the tests (a coverage threshold, say, that the failing test
 * had hidden) is taken over, so that a flaky test cannot cover for it.
 */
export const mergeRerun = (
  first: EvaluatedReport,
  rerun: CheckReport,
  suspects: Pick<Suspects, 'tests'>,
): { report: EvaluatedReport; flaky: string[] } => {
  if (rerun.state === 'unevaluated') return { report: first, flaky: [] };
  const suspected = new Set(suspects.tests.map((test) => test.id));
  const passedNow = new Set(
    rerun.tests.flatMap((test) => (test.status === 'passed' && suspected.has(test.id) ? test.id : [])),
  );
  const failedNow = new Set(rerun.tests.flatMap((test) => (test.status === 'failed' ? test.id : [])));
  const flaky: string[] = [];
  const tests = first.tests.map((test): TestResult => {
    if (test.status !== 'failed' || !suspected.has(test.id)) return test;
    if (failedNow.has(test.id)) return { ...test, confirmed: true };
    if (!passedNow.has(test.id)) return test;
    flaky.push(entryOf(first.check, test.id));
    return { id: test.id, file: test.file, name: test.name, status: 'passed' };
  });
  if (flaky.length === 0) return { report: { ...first, tests }, flaky };

  const known = new Set(first.problems.map((problem) => problem.id));
  const problems = [...first.problems, ...rerun.problems.filter((problem) => !known.has(problem.id))];
  const green = problems.length === 0 && tests.every((test) => test.status !== 'failed');
  return {
    report: {
      ...first,
      green,
      exitCode: green ? 0 : first.exitCode,
      problems,
      tests,
      durationMs: first.durationMs + rerun.durationMs,
      ...(first.cpuMs === undefined && rerun.cpuMs === undefined
        ? {}
        : { cpuMs: (first.cpuMs ?? 0) + (rerun.cpuMs ?? 0) }),
    },
    flaky,
  };
};
