import { realpathSync } from 'node:fs';
import type { Parsed, ParserName } from '../../../model/report.ts';
import { numberProblems } from '../../../policy/identity.ts';
import { parseEslintJson } from './eslint-json.ts';
import { parseExit } from './exit.ts';
import { parseJestJson } from './jest-json.ts';
import { parseJunit } from './junit.ts';
import { createPlaces } from './places.ts';
import { runFailed, type Source } from './source.ts';
import { parseTap } from './tap.ts';
import { parseTsc } from './tsc.ts';
import { parseVitestJson } from './vitest-json.ts';

/** What a check left behind. */
export interface CheckOutput {
  stdout: string;
  stderr: string;
  exitCode: number;
  /** Content of the report file, where one is configured; it is then the only place to look for the report. */
  report?: string;
  /** Absolute directory in which the check ran: what lies below it is named relative to it. */
  checkout: string;
}

/** Turns the output of a check into problems and tests by identity, or says why it is not the whole of a report. */
export const parseOutput = (parser: ParserName, output: CheckOutput): Parsed => {
  const source: Source = {
    text: withoutMark(output.report ?? output.stdout),
    stdout: output.stdout,
    stderr: output.stderr,
    exitCode: output.exitCode,
    places: createPlaces(rootsOf(output.checkout)),
  };
  const parsed = parseWith(parser, source);
  return parsed.complete && parser !== 'tsc' && parser !== 'exit' ? withRunFailure(parsed, parser, source) : parsed;
};

const parseWith = (parser: ParserName, source: Source): Parsed => {
  switch (parser) {
    case 'tsc':
      return parseTsc(source);
    case 'vitest-json':
      return parseVitestJson(source);
    case 'jest-json':
      return parseJestJson(source);
    case 'junit':
      return parseJunit(source);
    case 'tap':
      return parseTap(source);
    case 'eslint-json':
      return parseEslintJson(source);
    case 'exit':
      return parseExit(source);
  }
};

/**
 * A run that ends red while its report names nothing red (an unhandled rejection, a coverage threshold, too many
 * warnings) must not look green, nor like any other red.
 */
const withRunFailure = (parsed: Extract<Parsed, { complete: true }>, parser: ParserName, source: Source): Parsed => {
  const failing = parsed.problems.length > 0 || parsed.tests.some((test) => test.status === 'failed');
  if (source.exitCode === 0 || failing) return parsed;
  const message = `The run ended with exit code ${source.exitCode} although its ${parser} report names no failure.`;
  return { ...parsed, problems: numberProblems([runFailed(message, source)]) };
};

/** Tools that ask the kernel where they are name the real path, others the one that they were given. */
const rootsOf = (checkout: string): string[] => {
  try {
    return [checkout, realpathSync(checkout)];
  } catch {
    return [checkout];
  }
};

/** A byte order mark is no part of a report. */
const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text);
