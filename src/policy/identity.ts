import { sha256 } from '../base/hash.ts';
import type { Problem, TestResult, TestStatus } from '../model/report.ts';

/**
 * Names by which the same problem and the same test are recognised in two reports. Counts cannot do that: one new
 * error hides behind one mended. So an identity leaves out what moves without meaning (line numbers, figures, the
 * place of the checkout) and keeps everything else.
 */

export interface ProblemDraft {
  file: string;
  code: string;
  message: string;
  line?: number | undefined;
  /** The whole identity, where the message says nothing that lasts: an exit code, a stack, the tail of a log. */
  identity?: string;
}

export interface TestDraft {
  file: string;
  suite: readonly string[];
  title: string;
  status: TestStatus;
  message?: string | undefined;
  /** File as far as it belongs to the identity, for tools that name the file of a test only when it fails. */
  fileInId?: string;
}

/** Gives each problem its identity, in the order in which the tool named them. */
export const numberProblems = (drafts: readonly ProblemDraft[]): Problem[] => {
  const ordinalOf = countEquals();
  return drafts.map((draft) => ({
    id: withOrdinal(...ordinalOf(draft.identity ?? problemText(draft))),
    file: draft.file,
    ...(draft.line === undefined ? {} : { line: draft.line }),
    code: draft.code,
    message: draft.message,
  }));
};

/** Gives each test its identity, in the order in which the tool named them. */
export const numberTests = (drafts: readonly TestDraft[]): TestResult[] => {
  const ordinalOf = countEquals();
  return drafts.map((draft) => {
    const name = testName(draft);
    const test: TestResult = {
      id: withOrdinal(...ordinalOf(testText(draft.fileInId ?? draft.file, name))),
      file: draft.file,
      name,
      status: draft.status,
    };
    if (draft.message !== undefined) test.message = draft.message;
    return test;
  });
};

export const problemId = (problem: Pick<ProblemDraft, 'file' | 'code' | 'message'>, ordinal = 1): string =>
  withOrdinal(problemText(problem), ordinal);

export const testId = (test: Pick<TestDraft, 'file' | 'suite' | 'title'>, ordinal = 1): string =>
  withOrdinal(testText(test.file, testName(test)), ordinal);

/** What a person calls the test: suite path and title. */
export const testName = (test: Pick<TestDraft, 'suite' | 'title'>): string =>
  [...test.suite, test.title].map(plainText).join(' > ');

const problemText = ({ file, code, message }: Pick<ProblemDraft, 'file' | 'code' | 'message'>): string =>
  bounded([file, code, withoutNumbers(message)].map(plainText).filter(Boolean).join(': '));

const testText = (file: string, name: string): string => {
  const lasting = withoutMoments(name);
  return bounded(file === '' ? lasting : `${plainText(file)} > ${lasting}`);
};

/**
 * A title made of a value can hold the moment at which it was made, or a random id, and then never comes twice. Other
 * figures stay: they are what tells the rows of a table of tests apart.
 */
const withoutMoments = (title: string): string =>
  /\d{2}:\d{2}:\d{2}|[\da-f]{8}-[\da-f]{4}-/i.test(title) ? title.replace(MOMENTS, '<T>') : title;

/** 2026-11-21T10:49:56.636Z; Sat Nov 21 2026 10:49:56 GMT+0000 (…); a UUID. */
const MOMENTS = new RegExp(
  [
    '\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:Z|[+-]\\d{2}:?\\d{2})?',
    '\\w{3} \\w{3} \\d{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT[+-]\\d{4}(?: \\([^)]*\\))?',
    '[\\da-f]{8}-[\\da-f]{4}-[\\da-f]{4}-[\\da-f]{4}-[\\da-f]{12}',
  ].join('|'),
  'gi',
);

/**
 * Figures in a message (lines, counts, sizes, addresses) change when unrelated code moves. A digit inside a name stays:
 * `x1` and `x2` are two things.
 */
export const withoutNumbers = (message: string): string =>
  message.replace(/(?<![\w$])(?:0x[\da-f]+|\d+(?:[.,:]\d+)*(?:ms|s|kb|mb|px)?)(?![\w$])/gi, 'N');

/** One line without control characters, so that an identity can stand in a journal line and on a terminal. */
const plainText = (text: string): string => {
  // Most titles are plain already, and reports have a hundred thousand of them.
  if (!/[^\x20-\x7e]| {2}|^ | $/.test(text)) return text;
  return text
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
};

/** Identities stand in journal lines by the hundred: what is longer is cut and told apart by its hash. */
export const IDENTITY_LENGTH_MAX = 300;

const bounded = (text: string): string => {
  if (text.length <= IDENTITY_LENGTH_MAX) return text;
  // The cut may fall between the halves of a character outside the basic plane.
  const head = text.slice(0, IDENTITY_LENGTH_MAX - 18).replace(/\p{Cs}/gu, '');
  return `${head}… (${sha256(text).slice(0, 12)})`;
};

/**
 * The first of its kind needs no number, unless its text already ends like one: without that exception a test titled
 * 'adds #2' and the second test titled 'adds' would be one.
 */
const withOrdinal = (text: string, ordinal: number): string =>
  ordinal === 1 && !/ #\d+$/.test(text) ? text : `${text} #${ordinal}`;

const countEquals = (): ((text: string) => [text: string, ordinal: number]) => {
  const seen = new Map<string, number>();
  return (text) => {
    const ordinal = (seen.get(text) ?? 0) + 1;
    seen.set(text, ordinal);
    return [text, ordinal];
  };
};
