import { z } from 'zod';

/**
 * What a check found, by identity. Counts lie: a test file that fails to load makes its failures vanish,
 * and one new error may hide behind one mended.
 */
export const PARSERS = ['tsc', 'vitest-json', 'jest-json', 'junit', 'tap', 'eslint-json', 'exit'] as const;
export const ParserName = z.enum(PARSERS);
export type ParserName = z.infer<typeof ParserName>;

export const Problem = z.object({
  /** file + code + message without numbers + ordinal among equals: stable when lines move. */
  id: z.string(),
  /** Relative to the checkout, with forward slashes; empty for a problem that belongs to no file. */
  file: z.string(),
  line: z.number().int().nonnegative().optional(),
  code: z.string(),
  message: z.string(),
});
export type Problem = z.infer<typeof Problem>;

export const TestStatus = z.enum(['passed', 'failed', 'skipped']);
export type TestStatus = z.infer<typeof TestStatus>;

export const TestResult = z.object({
  /** file + suite path + title + ordinal among equals. */
  id: z.string(),
  file: z.string(),
  /** Suite path and title, joined for people with ' > '. */
  name: z.string(),
  status: TestStatus,
  /** First lines of the failure, for the agent that has to mend it. */
  message: z.string().optional(),
  /** It failed twice on this tree: a third look would tell nothing new. */
  confirmed: z.literal(true).optional(),
});
export type TestResult = z.infer<typeof TestResult>;

/** What a parser makes of the output; pure. `incomplete` when the output is not the whole of a report. */
export type Parsed = { complete: true; problems: Problem[]; tests: TestResult[] } | { complete: false; reason: string };

/** Why a check says nothing: neither red nor green. */
export const UnevaluatedReason = z.enum([
  'timeout',
  'command-not-found', // exit 127
  'not-executable', // exit 126
  'killed', // by a signal, out of memory among them
  'output-too-large',
  'report-missing', // the parser's report is not in the output
  'install-failed',
  'interrupted',
]);
export type UnevaluatedReason = z.infer<typeof UnevaluatedReason>;

export const CheckReport = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('evaluated'),
    check: z.string(),
    /** Exit 0 and nothing failed. */
    green: z.boolean(),
    exitCode: z.number().int(),
    problems: z.array(Problem),
    tests: z.array(TestResult),
    durationMs: z.number(),
    cpuMs: z.number().optional(),
    /** The report was whole but the process had to be killed. */
    hungAfterReport: z.boolean().optional(),
  }),
  z.object({
    state: z.literal('unevaluated'),
    check: z.string(),
    reason: UnevaluatedReason,
    /** One sentence with figures and the last lines of output. */
    message: z.string(),
    durationMs: z.number(),
  }),
]);
export type CheckReport = z.infer<typeof CheckReport>;
export type EvaluatedReport = Extract<CheckReport, { state: 'evaluated' }>;

/** The reports of all checks of a project on one tree, in the order of the configuration. */
export const TreeReport = z.object({ tree: z.string(), checks: z.array(CheckReport) });
export type TreeReport = z.infer<typeof TreeReport>;

/** What people see of a report: how many, beside the identities that decide. */
export const Figures = z.object({
  problems: z.number().int(),
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
});
export type Figures = z.infer<typeof Figures>;

export const figuresOf = (report: TreeReport): Figures => {
  const figures = { problems: 0, passed: 0, failed: 0, skipped: 0 };
  for (const check of report.checks) {
    if (check.state === 'unevaluated') continue;
    figures.problems += check.problems.length;
    for (const test of check.tests) figures[test.status] += 1;
  }
  return figures;
};
