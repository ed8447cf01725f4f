import { z } from 'zod';
import type { Parsed, TestStatus } from '../../../model/report.ts';
import { numberProblems, numberTests, type ProblemDraft, type TestDraft } from '../../../policy/identity.ts';
import { findJson } from './json-in-noise.ts';
import { excerpt, incomplete, insteadOfReport, runFailed, type Source, suiteFailed } from './source.ts';

/** The JSON report that jest defined and vitest took over; what differs between the two is passed in. */
export interface TestJsonDialect {
  tool: 'vitest' | 'jest';
  /** Says of a file with failed tests whether it failed outside of them too. */
  failedBesides(file: TestFile): boolean;
}

export const parseTestJson = (source: Source, dialect: TestJsonDialect): Parsed => {
  const found = lastReport(source, dialect.tool);
  if (!found.ok) return incomplete(found.reason);
  const report = found.report;
  if (report.wasInterrupted === true) return incomplete(`${dialect.tool} was interrupted before all tests had run.`);

  const problems: ProblemDraft[] = [];
  const tests: TestDraft[] = [];
  for (const suite of report.testResults) {
    const file = source.places.file(suite.name);
    for (const test of suite.assertionResults) tests.push(testDraft(file, test, source));
    if (failedAsWhole(suite, report, dialect, source)) {
      problems.push(suiteFailed(file, [], excerpt(suite.message ?? '', source.places)));
    }
  }
  // With a failure on record the flag says nothing new.
  if (report.success === false && problems.length === 0 && !tests.some((test) => test.status === 'failed')) {
    const silent =
      tests.length === 0
        ? `${dialect.tool} ran no test at all and its JSON report does not say why; run it without that reporter.`
        : `${dialect.tool} calls the run failed although none of its tests failed.`;
    problems.push(runFailed(silent, source));
  }
  return { complete: true, problems: numberProblems(problems), tests: numberTests(tests) };
};

const TestCase = z.object({
  ancestorTitles: z.array(z.string()).nullish(),
  title: z.string(),
  status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
  failureMessages: z.array(z.unknown()).nullish(),
});
type TestCase = z.infer<typeof TestCase>;

const TestFile = z.object({
  name: z.string(),
  status: z.string().nullish(),
  message: z.string().nullish(),
  assertionResults: z.array(TestCase),
});
export type TestFile = z.infer<typeof TestFile>;

const TestJson = z.object({
  success: z.boolean().nullish(),
  wasInterrupted: z.boolean().nullish(),
  testResults: z.array(TestFile),
});
type TestJson = z.infer<typeof TestJson>;

/** Keys with which either tool begins its report, in any order of keys. */
const STARTS = /\{\s*"(?:num[A-Z]\w{1,40}|testResults|success)"\s*:/g;

const lastReport = (source: Source, tool: string): { ok: true; report: TestJson } | { ok: false; reason: string } => {
  const { values, unfinishedAt } = findJson(source.text, STARTS);
  const candidates = values.filter((value) => typeof value === 'object' && value !== null && 'testResults' in value);
  if (candidates.length === 0) {
    return {
      ok: false,
      reason:
        unfinishedAt === undefined
          ? `There is no ${tool} JSON report: ${insteadOfReport(source)}.`
          : `The ${tool} JSON report is cut off: it begins at character ${unfinishedAt} and has no end.`,
    };
  }
  let reason = '';
  for (const candidate of candidates.reverse()) {
    const read = TestJson.safeParse(candidate);
    if (read.success) return { ok: true, report: read.data };
    const issue = read.error.issues[0];
    reason ||= `The ${tool} JSON report is malformed at ${issue?.path.join('.')}: ${issue?.message}.`;
  }
  return { ok: false, reason };
};

const STATUS: Record<TestCase['status'], TestStatus> = {
  passed: 'passed',
  failed: 'failed',
  skipped: 'skipped',
  pending: 'skipped',
  todo: 'skipped',
  disabled: 'skipped',
};

const testDraft = (file: string, test: TestCase, { places }: Source): TestDraft => {
  const status = STATUS[test.status];
  const messages = (test.failureMessages ?? []).filter((message) => typeof message === 'string');
  return {
    file,
    // Old versions of vitest put an empty title for the file in front.
    suite: (test.ancestorTitles ?? []).filter((title) => title !== '').map(places.inText),
    title: places.inText(test.title),
    status,
    ...(status === 'failed' ? { message: excerpt(messages.join('\n'), places) } : {}),
  };
};

/**
 * A file that does not load has no tests at all, so no test fails: the most dangerous green there is. Some versions
 * even call such a file passed; then the failure of the run gives it away.
 */
const failedAsWhole = (file: TestFile, report: TestJson, dialect: TestJsonDialect, source: Source): boolean => {
  if (file.assertionResults.some((test) => test.status === 'failed')) return dialect.failedBesides(file);
  if (file.status === 'failed') return true;
  if (file.assertionResults.length > 0) return false;
  return Boolean(file.message?.trim()) || report.success === false || source.exitCode !== 0;
};
