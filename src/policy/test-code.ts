/**
 * What lines of source text mean to an evaluator: which files hold tests, which lines declare a test, assert, skip or
 * silence. Only by looking at lines, for several languages at once; what is missed here is found by identity when the
 * checks run. Every repetition in a pattern is bounded, since lines come from strangers and may be a megabyte long.
 */

/** Whether a path is by its name a file of tests or of what tests share. */
export const isTestFile = (path: string): boolean => {
  if (bearsTestName(path)) return true;
  const steps = path.toLowerCase().split('/');
  const dirs = steps.slice(0, -1);
  return (
    SOURCE.test(path) &&
    dirs.some((dir) => TEST_DIRS.has(dir)) &&
    !dirs.some((dir) => TEST_DATA_DIRS.has(dir)) &&
    !path.endsWith('.d.ts')
  );
};

/** The name itself says test, wherever the file lies. */
export const bearsTestName = (path: string): boolean => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!SOURCE.test(name)) return false;
  return (
    /[._-](?:test|tests|spec|cy|e2e|test-d|spec-d)\.[^.]{1,10}$/i.test(name) ||
    /^(?:test_[^.]*\.pyi?|[^.]*_tests?\.[^.]{1,10}|[^.]*_spec\.[^.]{1,10})$/i.test(name) ||
    /(?:^|[a-z\d])(?:Tests?|IT|Spec)\.(?:java|kt|kts|scala|groovy|cs|php|swift)$/.test(name)
  );
};

const SOURCE = /\.(?:[cm]?[jt]sx?|vue|svelte|py|pyi|go|rs|java|kts?|scala|groovy|rb|php|cs|swift|ex|exs|c|cc|cpp)$/i;
const TEST_DIRS: ReadonlySet<string> = new Set(['test', 'tests', '__tests__', 'spec', 'specs', 'e2e', 'testing']);
const TEST_DATA_DIRS: ReadonlySet<string> = new Set([
  'fixtures',
  '__fixtures__',
  '__snapshots__',
  '__mocks__',
  'testdata',
  'node_modules',
]);

/** Programming language by extension, as far as lines are read differently. */
export type Language = 'js' | 'python' | 'rust' | 'go' | 'java' | 'prose' | 'other';

export const languageOf = (path: string): Language => {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  if (/^(?:[cm]?[jt]sx?|vue|svelte|astro)$/.test(extension)) return 'js';
  if (extension === 'py' || extension === 'pyi') return 'python';
  if (extension === 'rs') return 'rust';
  if (extension === 'go') return 'go';
  if (/^(?:java|kts?|scala|groovy)$/.test(extension)) return 'java';
  if (/^(?:md|mdx|markdown|rst|txt|adoc|html?)$/.test(extension)) return 'prose';
  return 'other';
};

/** A whole line of comment: what stands in it does not run. */
export const isComment = (text: string, language: Language): boolean => {
  const line = text.trimStart();
  if (language === 'python') return line.startsWith('#');
  if (line.startsWith('//')) return true;
  if (!line.startsWith('/*') && !line.startsWith('*')) return false;
  // Code may follow a comment that ends on its line.
  const end = line.indexOf('*/');
  return end === -1 || line.slice(end + 2).trim() === '';
};

/** A test or suite that a line declares. */
export interface Declaration {
  /** What it is called; undefined when the name stands on one of the next lines. */
  title: string | undefined;
}

/** The declaration that begins on a line, if one does. */
export const declarationIn = (text: string, language: Language): Declaration | undefined => {
  const line = text.trimStart();
  if (isComment(line, language)) return undefined;
  if (language === 'js') return jsDeclaration(line);
  const title =
    language === 'python'
      ? /^(?:async\s{1,9})?def\s{1,9}(test\w{0,200})/.exec(line)?.[1]
      : language === 'go'
        ? /^func\s{1,9}((?:Test|Fuzz|Example)\w{0,200})\s{0,9}\(/.exec(line)?.[1]
        : undefined;
  if (title !== undefined) return { title };
  if (language === 'rust' && /^#\[(?:\w{1,50}::){0,3}(?:test|rstest|test_case|quickcheck)\b/.test(line))
    return { title: undefined };
  if (language === 'java' && /^@(?:Test|ParameterizedTest|RepeatedTest)\b/.test(line)) return { title: undefined };
  return undefined;
};

const jsDeclaration = (line: string): Declaration | undefined => {
  const head =
    /^(?:(?:await|return|void|export)\s{1,9})?(?:it|test|describe|suite|specify|context|bench|scenario|[xf]it|[xf]?describe|xtest)(?:\.\w{1,40}){0,5}\s{0,9}[(`<]/.exec(
      line,
    );
  if (head === null) return undefined;
  const rest = line.slice(head[0].length);
  // `each` has its table in front of the title: on one line the title follows the bracket that closes it.
  const table = head[0].includes('.each') ? rest.lastIndexOf(')(') : -1;
  return { title: titleAt(table === -1 ? rest : rest.slice(table + 2)) };
};

/** The name that a later line gives to a declaration begun before. */
export const titleIn = (text: string, language: Language): string | undefined => {
  const line = text.trimStart();
  if (language === 'rust') return /\bfn\s{1,9}(\w{1,200})/.exec(line.slice(0, LINE_HEAD_MAX))?.[1];
  if (language === 'java')
    return /(\w{1,200})\s{0,9}\(/.exec(line.startsWith('@') ? '' : line.slice(0, LINE_HEAD_MAX))?.[1];
  return titleAt(line);
};

/** Names stand at the head of a line; searching on would only find other things. */
const LINE_HEAD_MAX = 500;

const titleAt = (text: string): string | undefined => {
  const match = /^\s{0,99}(?:'((?:[^'\\]|\\.){0,2000})'|"((?:[^"\\]|\\.){0,2000})"|`((?:[^`\\]|\\.){0,2000})`)/.exec(
    text,
  );
  return match === null ? undefined : (match[1] ?? match[2] ?? match[3]);
};

/** A line that can fail a test. */
export const isAssertion = (text: string, language: Language): boolean => {
  const line = text.trimStart();
  if (isComment(line, language)) return false;
  return ASSERTIONS.some((pattern) => pattern.test(line));
};

const ASSERTIONS = [
  /(?<![\w$])(?:expect|expectTypeOf|assertType|assert)(?:\.\w{1,40}){0,5}\s{0,9}[(<]/,
  /\.should[.(]|(?<![\w$.])t\.(?:is|not|like|deepEqual|equal|same|ok|match|throws\w{0,20}|rejects|truthy|falsy|strictSame)\(/,
  /^assert\s|\bself\.(?:assert\w{1,40}|fail)\(|\bpytest\.(?:raises|warns)\(/,
  /\b(?:debug_)?assert\w{0,20}!|\bpanic!/,
  /\bt\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require)\.[A-Z]\w{0,40}\(/,
  /(?<![\w$.])assert[A-Z]\w{0,40}\(/,
];

/** Assertions that say what a value is, and those that are content with almost any. */
export const isStrong = (text: string): boolean =>
  /\.(?:toBe|toEqual|toStrictEqual|toMatchObject|toBeCloseTo|toHaveBeenCalledWith|toHaveBeenNthCalledWith|toMatch\w{0,20}Snapshot|toHaveLength|toContainEqual)\(/.test(
    text,
  ) ||
  /\bassert\.(?:strictEqual|deepStrictEqual|equal|deepEqual)\(|\bassertEquals?\(|\bassert_eq!|^\s{0,200}assert\s.{0,500}==/.test(
    text,
  );

export const isWeak = (text: string): boolean =>
  /\.(?:toBeDefined|toBeTruthy|toBeFalsy|toHaveBeenCalled|not\.toBeNull|not\.toBeUndefined|not\.toThrow)\(/.test(
    text,
  ) ||
  /\bassert(?:\.ok)?\(|\bassert(?:IsNotNone|True|NotNull)\(|\bassert!\(|\.is_(?:ok|some)\(\)/.test(text) ||
  /^\s{0,200}assert\s(?!.{0,500}==)/.test(text) ||
  acceptsAnything(text);

/** A value in an expectation that every value meets. */
export const acceptsAnything = (text: string): boolean => /\bexpect\.(?:anything|any)\(|\bmock\.ANY\b/.test(text);

/** True of every program. */
export const isTautology = (text: string): boolean =>
  /\bexpect\(\s{0,9}([\w.'"]{1,60})\s{0,9}\)\.(?:toBe|toEqual|toStrictEqual)\(\s{0,9}\1\s{0,9}\)/.test(text) ||
  /\bexpect\(\s{0,9}(?:true|1)\s{0,9}\)\.toBeTruthy\(|\bassert(?:\.ok)?\(\s{0,9}(?:true|1)\s{0,9}[,)]/.test(text) ||
  /\bassertTrue\(\s{0,9}[Tt]rue\s{0,9}[,)]|\bassert!\(\s{0,9}true\s{0,9}[,)]|^\s{0,200}assert\s{1,9}True\b/.test(
    text,
  ) ||
  /\bassert_eq!\(\s{0,9}(\w{1,60})\s{0,9},\s{0,9}\1\s{0,9}[,)]|\bassert\.(?:equal|strictEqual)\(\s{0,9}(\w{1,60})\s{0,9},\s{0,9}\2\s{0,9}[,)]/.test(
    text,
  );

/** A sign that switches something off, by which kind it is reported. */
export interface Silencer {
  kind: 'test-skipped' | 'type-suppression' | 'lint-suppression';
  /** The sign itself, so that the same sign on both sides of an edit is no news. */
  token: string;
  /** Too common in honest code to refuse. */
  reportOnly: boolean;
}

/** All signs on a line, each as often as it stands there. */
export const silencersIn = (text: string, language: Language, inTest: boolean): Silencer[] => {
  // Nearly all lines of a patch end here.
  if (language === 'prose' || !ANY_SILENCER.test(text)) return [];
  const comment = isComment(text, language);
  const silencers: Silencer[] = [];
  for (const rule of SILENCERS) {
    if (rule.languages !== undefined && !rule.languages.includes(language)) continue;
    if ((rule.inTests && !inTest) || (rule.inCode && comment)) continue;
    for (const sign of text.match(rule.pattern)?.slice(0, SIGNS_PER_LINE_MAX) ?? []) {
      silencers.push({ kind: rule.kind, token: sign.replace(/\s+/g, ''), reportOnly: rule.reportOnly ?? false });
    }
  }
  return silencers;
};

/** One finding a line is made of them; more only matter where some stood there before. */
const SIGNS_PER_LINE_MAX = 20;

const ANY_SILENCER =
  /skip|only|todo|fail|runif|[xf](?:it|test|describe|context|specify)\b|ignore|@ts-|\bany\b|unknown|-disable|:disable|noqa|nolint|nosec|pragma|#!?\[|suppress|@disabled|passwithnotests/i;

interface SilencerRule {
  kind: Silencer['kind'];
  pattern: RegExp;
  languages?: readonly Language[];
  /** Counts in files of tests only: `skip` and `only` are everyday words elsewhere. */
  inTests?: boolean;
  /** Has no effect in a comment. */
  inCode?: boolean;
  reportOnly?: boolean;
}

const SILENCERS: readonly SilencerRule[] = [
  {
    kind: 'test-skipped',
    languages: ['js'],
    inTests: true,
    inCode: true,
    pattern:
      /(?<![\w$.])(?:it|test|describe|suite|specify|context|bench|t|ctx|this|task)(?:\.\w{1,40}){0,4}?\.(?:skip|only|todo|failing|fails|skipIf|runIf)(?![\w$])/g,
  },
  {
    kind: 'test-skipped',
    languages: ['js'],
    inTests: true,
    inCode: true,
    pattern: /(?<![\w$.])(?:x(?:it|test|describe|context|specify)|f(?:it|describe))(?=(?:\.\w{1,40}){0,3}\s{0,9}\()/g,
  },
  {
    kind: 'test-skipped',
    languages: ['js'],
    inTests: true,
    inCode: true,
    pattern: /(?<![\w$.])(?:skip|todo|only|fails)\s{0,9}:\s{0,9}(?:true|['"`!\w])/g,
  },
  { kind: 'test-skipped', pattern: /--pass-?with-?no-?tests|passWithNoTests['"]?\s{0,9}:\s{0,9}true/gi },
  {
    kind: 'test-skipped',
    languages: ['python'],
    inCode: true,
    pattern:
      /\bpytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bself\.skipTest\(/g,
  },
  { kind: 'test-skipped', languages: ['rust'], inCode: true, pattern: /#\[\s{0,9}ignore\b/g },
  {
    kind: 'test-skipped',
    languages: ['go'],
    inTests: true,
    inCode: true,
    pattern: /\b[a-z]\w{0,3}\.Skip(?:Now|f)?\(/g,
  },
  { kind: 'test-skipped', languages: ['java'], inCode: true, pattern: /@(?:Disabled|Ignore)\b/g },
  { kind: 'type-suppression', languages: ['js'], pattern: /@ts-(?:ignore|nocheck|expect-error)\b/g },
  {
    kind: 'type-suppression',
    languages: ['js'],
    inCode: true,
    // Followed by a word it is prose: "as any other".
    pattern: /(?<![\w$])as\s{1,9}any\b(?!\s{1,9}(?!(?:as|satisfies|in|of|instanceof)\b)[a-zA-Z])/g,
  },
  { kind: 'type-suppression', languages: ['js'], inCode: true, pattern: /(?<![\w$])as\s{1,9}unknown\s{1,9}as\b/g },
  {
    kind: 'type-suppression',
    languages: ['js'],
    inCode: true,
    reportOnly: true,
    pattern: /[:<,|&]\s{0,9}any\b(?=\s{0,9}(?:[),;=>\]|&{}[]|$))/g,
  },
  {
    kind: 'type-suppression',
    languages: ['python'],
    pattern: /#\s{0,9}(?:type:\s{0,9}ignore|pyright:\s{0,9}ignore|mypy:\s{0,9}ignore)/g,
  },
  {
    kind: 'lint-suppression',
    pattern:
      /\b(?:eslint|oxlint|stylelint|rubocop|pylint|tslint|swiftlint)[-:]\s{0,9}disable\b|\bbiome-ignore\b|\b(?:istanbul|c8|v8|node:coverage)\s{1,9}(?:ignore|disable)\b|@SuppressWarnings\b|@Suppress\(/g,
  },
  {
    kind: 'lint-suppression',
    languages: ['python'],
    pattern: /#\s{0,9}(?:noqa\b|nosec\b|ruff:\s{0,9}noqa|pragma:\s{0,9}no\s?cover)/gi,
  },
  { kind: 'lint-suppression', languages: ['rust'], inCode: true, pattern: /#!?\[\s{0,9}(?:allow|expect)\(/g },
  { kind: 'lint-suppression', languages: ['go'], pattern: /\/\/\s?nolint\b/g },
];
