import { stripVTControlCharacters } from 'node:util';
import type { Parsed } from '../../../model/report.ts';
import type { ProblemDraft } from '../../../policy/identity.ts';
import type { Places } from './places.ts';

/** What all parsers share: what they get, and how they speak of what they found. */

/** Pure data, and the way to name places. */
export interface Source {
  /** Where the report is. */
  text: string;
  stdout: string;
  stderr: string;
  exitCode: number;
  places: Places;
}

/** Its identity is the bare fact: the tail of a log never says the same thing twice. */
export const runFailed = (message: string, source: Pick<Source, 'stderr' | 'places'>): ProblemDraft => ({
  file: '',
  code: 'run-failed',
  message: excerpt([message, lastLines(source.stderr, 5)].filter(Boolean).join('\n'), source.places),
  identity: 'run-failed',
});

/** A test file or a suite that failed as a whole, outside of any of its tests: by its place alone, for the same reason. */
export const suiteFailed = (file: string, suite: readonly string[], message: string): ProblemDraft => ({
  file,
  code: 'suite-failed',
  message: message === '' ? 'The suite failed outside of its tests.' : message,
  identity: [...(file === '' ? [] : [file]), ...suite, 'suite-failed'].join(': '),
});

export const incomplete = (reason: string): Parsed => ({ complete: false, reason });

/** What the agent that has to mend a failure is shown: enough to begin with, little enough for a hundred of them. */
const EXCERPT_LINES_MAX = 20;
const EXCERPT_LENGTH_MAX = 1500;

/** The first lines of a failure, without colours and without the place of the checkout. */
export const excerpt = (text: string, places: Places): string => {
  if (text.length <= EXCERPT_LENGTH_MAX && !/[^ -~]|^ | $/.test(text)) return places.inText(text);
  // Cut generously first: a failure can quote megabytes.
  const head = stripVTControlCharacters(text.slice(0, EXCERPT_LENGTH_MAX * 4));
  const lines = places.inText(head).trim().split(/\r?\n/);
  const cut = lines.slice(0, EXCERPT_LINES_MAX).join('\n');
  return cut.length <= EXCERPT_LENGTH_MAX ? cut : `${cut.slice(0, EXCERPT_LENGTH_MAX - 1).replace(/\p{Cs}/gu, '')}…`;
};

/** The last lines with anything on them, for a sentence that has to say why there is no report. */
export const lastLines = (text: string, count: number): string =>
  stripVTControlCharacters(text.slice(-4096))
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count)
    .map((line) => (line.length <= 300 ? line : `${line.slice(0, 299)}…`))
    .join('\n');

/** For a reason: what the output says instead of a report. */
export const insteadOfReport = (source: Pick<Source, 'text' | 'stderr'>): string => {
  const tail = lastLines(source.stderr, 2) || lastLines(source.text, 2);
  return tail === '' ? 'the output is empty' : `the output ends with: ${tail.replaceAll('\n', ' / ')}`;
};
