import { stripVTControlCharacters } from 'node:util';
import type { Parsed } from '../../../model/report.ts';
import { numberProblems, type ProblemDraft } from '../../../policy/identity.ts';
import { excerpt, incomplete, insteadOfReport, type Source } from './source.ts';

/**
 * Errors of the TypeScript compiler, plain (`file(1,2): error TS2322: ...`) and pretty (`file:1:2 - error TS2322: ...`),
 * as versions 5, 6 and 7 write them. Exit codes differ between versions (1 or 2), so only zero means anything.
 */
export const parseTsc = (source: Source): Parsed => {
  // A shell gives 126 and above for what could not run or was killed: errors named until then are not all of them.
  if (source.exitCode >= SHELL_FAILURE_MIN) {
    return incomplete(`tsc did not finish (exit code ${source.exitCode}): ${insteadOfReport(source)}.`);
  }
  const read = readErrors(`${stripVTControlCharacters(source.text)}\n${stripVTControlCharacters(source.stderr)}`);
  if (read.errors.length === 0 && source.exitCode !== 0) {
    return incomplete(
      `tsc ended with exit code ${source.exitCode} without naming an error: ${insteadOfReport(source)}.`,
    );
  }
  const cut = cutOff(read, source.text);
  if (cut !== undefined) return incomplete(cut);

  const drafts = read.errors.map((error): ProblemDraft => {
    const message = excerpt([error.message, ...error.more].join('\n'), source.places);
    const file = error.file === '' ? '' : source.places.file(error.file);
    return { file, line: error.line, code: error.code, message };
  });
  return { complete: true, problems: numberProblems(drafts), tests: [] };
};

const SHELL_FAILURE_MIN = 126;

interface TscError {
  file: string;
  line: number | undefined;
  code: string;
  message: string;
  /** Indented lines that follow and explain. */
  more: string[];
  pretty: boolean;
}

interface Read {
  errors: TscError[];
  /** What the pretty form counts at its end, summed over several runs; undefined when it says nothing. */
  counted: number | undefined;
}

const readErrors = (text: string): Read => {
  const errors: TscError[] = [];
  let counted: number | undefined;
  let open: TscError | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (open !== undefined && isIndented(line)) {
      open.more.push(line);
      continue;
    }
    open = headOf(line);
    if (open !== undefined) errors.push(open);
    const total = line.startsWith('Found ') ? /^Found (\d{1,9}) errors?\b/.exec(line) : null;
    if (total) counted = (counted ?? 0) + Number(total[1]);
  }
  return { errors, counted };
};

const isIndented = (line: string): boolean => (line[0] === ' ' || line[0] === '\t') && line.trim() !== '';

/** Searched from the mark outwards: a file name may hold anything, and a line may be a megabyte long. */
const headOf = (line: string): TscError | undefined => {
  const at = line.indexOf('error TS');
  if (at === -1) return undefined;
  const body = /^error (TS\d{1,6}):\s?(.*)$/.exec(line.slice(at));
  if (!body) return undefined;
  const error = { code: body[1] as string, message: body[2] as string, more: [] };
  const place = line.slice(0, at);
  if (place === '') return { ...error, file: '', line: undefined, pretty: false };
  // The tail suffices for the position, and keeps the search short.
  const position = /(?:\((\d{1,9}),\d{1,9}\): |:(\d{1,9}):\d{1,9} - )$/.exec(place.slice(-30));
  if (!position || /^\s/.test(place)) return undefined;
  const file = place.slice(0, place.length - position[0].length);
  return { ...error, file, line: Number(position[1] ?? position[2]), pretty: position[2] !== undefined };
};

/** Only the pretty form says at its end how many errors there were; the plain one shows a cut only in its last line. */
const cutOff = ({ errors, counted }: Read, text: string): string | undefined => {
  const pretty = errors.filter((error) => error.pretty).length;
  if (pretty > 0 && counted === undefined) {
    return `The output of tsc is cut off after ${errors.length} errors: its closing count is missing.`;
  }
  // Other tools count in the same words, so the count means something only beside the pretty form.
  if (pretty > 0 && counted !== undefined && (errors.length < counted || pretty > counted)) {
    return `The output of tsc is cut off: it counts ${counted} errors and shows ${errors.length}.`;
  }
  const lastLine = stripVTControlCharacters(text.slice(-4096)).split('\n').at(-1) ?? '';
  const begun = /\(\d{0,9}(?:,\d{0,9}(?:\):?(?: e[a-zA-Z0-9: ]{0,15})?)?)?$/.test(lastLine.slice(-40));
  return begun && !/^\s/.test(lastLine) && headOf(lastLine) === undefined
    ? `The output of tsc is cut off in the middle of an error: ${lastLine.slice(0, 200)}`
    : undefined;
};
