import { Parser } from 'tap-parser';
import type { Parsed } from '../../../model/report.ts';
import { numberProblems, numberTests, type ProblemDraft, type TestDraft } from '../../../policy/identity.ts';
import { looksLikeFile } from './places.ts';
import { excerpt, incomplete, insteadOfReport, type Source, suiteFailed } from './source.ts';

/**
 * TAP with nested subtests, as node:test, tape, node-tap, vitest and pytest-tap write it. Only leaves are tests: a
 * parent repeats what its children say, unless it failed by itself.
 */
export const parseTap = (source: Source): Parsed => {
  const streams = streamsIn(source.text.replaceAll('\r\n', '\n'));
  if (streams.length === 0) return incomplete(`There is no TAP output: ${insteadOfReport(source)}.`);

  const problems: ProblemDraft[] = [];
  const tests: TestDraft[] = [];
  for (const stream of streams) {
    const { lines, diagnostics, tooDeep } = withoutDiagnostics(stream);
    if (tooDeep) return incomplete(`The TAP output nests deeper than ${DEPTH_MAX} subtests.`);
    const tree = readTree(lines, diagnostics);
    if (tree.fault !== undefined) return incomplete(tree.fault);
    for (const point of tree.points) readPoint(point, { file: '', suite: [] }, { problems, tests, source });
  }
  return { complete: true, problems: numberProblems(problems), tests: numberTests(tests) };
};

/** Several runs may follow one another; what has neither a test point nor a plan is no TAP. */
const streamsIn = (text: string): string[] =>
  text.split(/^TAP version \d+[^\n]*$/m).filter((stream) => /^(?:(?:not )?ok\b|1\.\.\d|Bail out!)/m.test(stream));

interface Point {
  name: string;
  ok: boolean;
  /** Skipped or still to do: not expected to pass. */
  excused: boolean;
  children: Point[];
  diagnostic: string;
}

interface Context {
  problems: ProblemDraft[];
  tests: TestDraft[];
  source: Source;
}

/** Returns whether anything in or below the point failed. */
const readPoint = (point: Point, place: { file: string; suite: string[] }, context: Context): boolean => {
  const { places } = context.source;
  const title = places.inText(point.name);
  const path = places.file(title);
  // A file stands at the top; below it the same words are a title.
  const isFile = place.file === '' && place.suite.length === 0 && looksLikeFile(path);

  if (point.children.length > 0) {
    const inner = isFile ? { file: path, suite: [] } : { file: place.file, suite: [...place.suite, title] };
    const failed = point.children.map((child) => readPoint(child, inner, context)).includes(true);
    if (failed || point.ok || point.excused) return failed;
    context.problems.push(suiteFailed(inner.file, inner.suite, excerpt(point.diagnostic, places)));
    return true;
  }
  const failed = !point.ok && !point.excused;
  if (failed && isFile) {
    context.problems.push(suiteFailed(path, [], excerpt(point.diagnostic, places)));
    return true;
  }
  context.tests.push(testDraft(point, isFile ? { file: path, suite: [], title: path } : { ...place, title }, context));
  return failed;
};

const testDraft = (
  point: Point,
  named: { file: string; suite: string[]; title: string },
  { source }: Context,
): TestDraft => {
  const status = point.excused ? 'skipped' : point.ok ? 'passed' : 'failed';
  const place = named.file === '' ? nodeId(named) : named;
  return {
    ...place,
    // node:test names the file of a failed test only: good to know, but no part of what the test is called.
    file: place.file || locationIn(point.diagnostic, source),
    fileInId: place.file,
    status,
    ...(status === 'failed' ? { message: excerpt(point.diagnostic, source.places) } : {}),
  };
};

/** pytest writes `tests/test_a.py::TestMath::test_adds`. */
const nodeId = (named: { file: string; suite: string[]; title: string }) => {
  const [file = '', ...rest] = named.title.split('::');
  if (rest.length === 0 || named.suite.length > 0 || !looksLikeFile(file)) return named;
  return { file, suite: rest.slice(0, -1), title: rest.at(-1) as string };
};

const locationIn = (diagnostic: string, { places }: Source): string => {
  const match = /^\s*(?:location|at): ['"]?([^\n'"]{1,4096}?)(?::\d{1,9}){0,2}['"]?$/m.exec(diagnostic);
  const file = match === null ? '' : places.file(match[1] as string);
  return looksLikeFile(file) && !file.startsWith('/') && !file.startsWith('../') ? file : '';
};

interface Tree {
  points: Point[];
  fault: string | undefined;
}

const readTree = (text: string, diagnostics: readonly string[]): Tree => {
  const tree: Tree = { points: [], fault: undefined };
  const collect = (parser: Parser, points: Point[], level: string): void => {
    let children: Point[] = [];
    let planned: number | undefined;
    parser.on('child', (child: Parser) => {
      children = [];
      collect(child, children, 'a subtest');
    });
    parser.on('plan', (plan: { start: number; end: number }) => {
      planned = Math.max(0, plan.end - plan.start + 1);
    });
    parser.on('assert', (result: Assertion) => {
      points.push(pointOf(result, children, diagnostics));
      children = [];
    });
    parser.on('bailout', (reason: string) => {
      tree.fault ??= `The run bailed out${reason ? `: ${reason.slice(0, 300)}` : ''}.`;
    });
    parser.on('complete', () => {
      if (planned === undefined && level === 'the run')
        tree.fault ??= 'The TAP output is cut off: its plan is missing.';
      // The numbers of test points are not compared: node:test gives some of them twice.
      if (planned !== undefined && planned !== points.length) {
        tree.fault ??= `The TAP output is cut off: ${level} planned ${planned} tests and reported ${points.length}.`;
      }
    });
  };
  const parser = new Parser();
  collect(parser, tree.points, 'the run');
  parser.end(text);
  return tree;
};

interface Assertion {
  ok: boolean;
  name: string;
  skip: string | boolean;
  todo: string | boolean;
  diag: { n?: unknown } | null;
}

const pointOf = (result: Assertion, children: Point[], diagnostics: readonly string[]): Point => {
  const n = result.diag?.n;
  return {
    name: result.name,
    ok: result.ok,
    excused: result.skip !== false || result.todo !== false,
    children,
    diagnostic: typeof n === 'number' ? (diagnostics[n] ?? '') : '',
  };
};

/** Each level is a parser in a parser; real suites nest a handful. */
const DEPTH_MAX = 50;
/** Diagnostics kept: nobody reads more, and reading each costs as much as a hundred test points. */
const DIAGNOSTICS_MAX = 1000;
/** Longer lines are output of tests, never test points that a person wrote. */
const LINE_LENGTH_MAX = 10_000;

/**
 * Takes the YAML blocks out and leaves their numbers: reading YAML takes most of the time, and some of it is written
 * by the tests themselves.
 */
const withoutDiagnostics = (stream: string): { lines: string; diagnostics: string[]; tooDeep: boolean } => {
  const kept: string[] = [];
  const diagnostics: string[] = [];
  const lines = stream.split('\n');
  for (let i = 0; i < lines.length; i += 1) {
    const line = (lines[i] as string).slice(0, LINE_LENGTH_MAX);
    const point = /^ *(not )?ok\b/.exec(line);
    const indent = indentOf(line);
    if (indent > 4 * DEPTH_MAX && (point !== null || line.startsWith('# Subtest', indent))) {
      return { lines: '', diagnostics, tooDeep: true };
    }
    if (point === null) {
      if (line.trim() !== '---') kept.push(line);
      continue;
    }
    kept.push(line);
    const end = endOfDiagnostic(lines, i + 1, indent);
    if (end === undefined) continue;
    if (point[1] !== undefined && diagnostics.length < DIAGNOSTICS_MAX) {
      const margin = ' '.repeat(indent + 2);
      kept.push(`${margin}---`, `${margin}n: ${diagnostics.length}`, `${margin}...`);
      diagnostics.push(undented(lines.slice(i + 2, end)));
    }
    i = end;
  }
  return { lines: `${kept.join('\n')}\n`, diagnostics, tooDeep: false };
};

/** Index of the last line of the block that begins at `start`; undefined when none does. */
const endOfDiagnostic = (lines: readonly string[], start: number, indent: number): number | undefined => {
  const opening = lines[start];
  if (opening === undefined || opening.trim() !== '---' || indentOf(opening) <= indent) return undefined;
  const margin = indentOf(opening);
  for (let i = start + 1; i < lines.length; i += 1) {
    const line = lines[i] as string;
    if (line.trim() === '') continue;
    if (indentOf(line) < margin) return i - 1;
    if (indentOf(line) === margin && line.trim() === '...') return i;
  }
  return lines.length - 1;
};

const indentOf = (line: string): number => {
  let indent = 0;
  while (line[indent] === ' ') indent += 1;
  return indent;
};

const undented = (lines: readonly string[]): string => {
  const margin = indentOf(lines[0] ?? '');
  return lines
    .filter((line) => !/^\s*(?:\.\.\.$|duration_ms:)/.test(line))
    .map((line) => line.slice(Math.min(margin, indentOf(line))).trimEnd())
    .join('\n');
};
