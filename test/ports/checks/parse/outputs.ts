import { readFileSync } from 'node:fs';
import type { Parsed, ParserName } from '../../../../src/model/report.ts';
import { type CheckOutput, parseOutput } from '../../../../src/ports/checks/parse/parse.ts';

/** Where the recorded outputs were made; nothing exists there. */
export const CHECKOUT = '/home/me/checkout';

export const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');

export const output = (stdout: string, more: Partial<CheckOutput> = {}): CheckOutput => ({
  stdout,
  stderr: '',
  exitCode: 0,
  checkout: CHECKOUT,
  ...more,
});

export const parse = (parser: ParserName, stdout: string, more: Partial<CheckOutput> = {}): Parsed =>
  parseOutput(parser, output(stdout, more));

/** The report as lines a person can compare; an incomplete one as its reason. */
export const lines = (parsed: Parsed): string[] =>
  parsed.complete
    ? [
        ...parsed.problems.map((problem) => `problem ${problem.id}`),
        ...parsed.tests.map((test) => `${test.status} ${test.id}`),
      ]
    : [`incomplete: ${parsed.reason}`];

export const reasonOf = (parsed: Parsed): string => (parsed.complete ? 'complete' : parsed.reason);
