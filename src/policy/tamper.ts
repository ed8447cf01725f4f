import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import picomatch from 'picomatch';
import type { Finding, FindingKind } from '../model/verdict.ts';
import { type PatchFile, type PatchHunk, type PatchLine, readPatch } from './patch.ts';
import {
  acceptsAnything,
  bearsTestName,
  declarationIn,
  isAssertion,
  isStrong,
  isTautology,
  isTestFile,
  isWeak,
  type Language,
  languageOf,
  type Silencer,
  silencersIn,
  titleIn,
} from './test-code.ts';

export { isTestFile } from './test-code.ts';

/** What a change does to a file, as git's raw diff tells it: exact for every name. */
export interface ChangedFile {
  path: string;
  /** Former path of a rename. */
  from?: string;
  status: string;
  oldMode: string;
  newMode: string;
}

export interface TamperInput {
  diff: { files: readonly ChangedFile[] };
  /** The same change as a unified diff. One that was cut off hides what follows: do not judge by it alone. */
  patch: string;
  /** Globs of paths that nobody may touch. */
  protect: readonly string[];
  /** Globs of files that configure the checks. */
  checkConfig: readonly string[];
  actions: Partial<Record<FindingKind, 'refuse' | 'report'>>;
  /** The text of package.json on both sides. */
  scripts?: { before?: string | undefined; after?: string | undefined };
  /** Where symbolic links point; the patch tells it too, except of links that were only renamed. */
  symlinks?: readonly { path: string; target: string }[];
}

/**
 * Finds in a diff what weakens the evaluator: a change must not be able to make itself look good. What is refused
 * outright is what an honest change has no need of; the rest is shown to the reviewer.
 */
export const findTampering = (input: TamperInput): Finding[] => {
  const found = createFindings(input.actions);
  const hunks = summarize(input.patch);
  const files = withPatchFiles(input.diff.files, hunks.files);
  findTouchedPaths(files, input, found);
  findScripts(input, files, hunks, found);
  findLinks(files, input.symlinks ?? [], hunks, found);
  findDeletedTests(files, hunks, found);
  findSilencers(hunks, found);
  findWeakened(hunks, found);
  return found.list();
};

export const DEFAULT_ACTIONS: Readonly<Record<FindingKind, 'refuse' | 'report'>> = {
  'protected-path': 'refuse',
  secret: 'refuse',
  'check-config': 'refuse',
  'test-deleted': 'refuse',
  'test-skipped': 'refuse',
  'assertion-weakened': 'report',
  'assertion-changed': 'report',
  'type-suppression': 'report',
  'lint-suppression': 'report',
  submodule: 'refuse',
  'symlink-outside': 'refuse',
};

/** Files that decide what the checks look at. Without a slash they match in any directory. */
export const DEFAULT_CHECK_CONFIG: readonly string[] = [
  'tsconfig*.json',
  'jsconfig.json',
  '{vitest,vite}.{config,workspace}*.{js,ts,mjs,mts,cjs,cts,json}',
  'vitest.{config,workspace}.*.{js,ts,mjs,mts,cjs,cts}',
  'jest.{config,preset,setup}*.{js,ts,mjs,mts,cjs,cts,json}',
  '{eslint,babel,ava,playwright,cypress,stylelint}.config.{js,ts,mjs,mts,cjs,cts,json}',
  '.{eslintrc,babelrc,mocharc,taprc,nycrc,c8rc,swcrc,oxlintrc,stylelintrc}{,.*}',
  '.eslintignore',
  'karma.conf.*',
  'biome.{json,jsonc}',
  'oxlint.json',
  'pytest.ini',
  '.pytest.ini',
  'setup.cfg',
  'tox.ini',
  '{,.}mypy.ini',
  '{,.}ruff.toml',
  '.flake8',
  '.pylintrc',
  '.coveragerc',
  '{,.}clippy.toml',
  '.golangci.{yml,yaml,toml,json}',
];

/** Nobody reads more of one kind, and a patch can hold a million. */
const FINDINGS_PER_KIND_MAX = 50;
const EVIDENCE_LENGTH_MAX = 160;

interface Findings {
  add(finding: { kind: FindingKind; file: string; line?: number; evidence: string; reportOnly?: boolean }): void;
  list(): Finding[];
}

const createFindings = (actions: TamperInput['actions']): Findings => {
  const kept: Finding[] = [];
  const groups = new Map<string, { kind: FindingKind; action: 'refuse' | 'report'; size: number }>();
  const seen = new Set<string>();
  const actionOf = (kind: FindingKind): 'refuse' | 'report' =>
    kind === 'protected-path' ? 'refuse' : (actions[kind] ?? DEFAULT_ACTIONS[kind]);
  return {
    add: ({ kind, file, line, evidence, reportOnly }) => {
      // A line may show the same thing several times.
      const action = reportOnly ? 'report' : actionOf(kind);
      const key = `${kind} ${action}\n${file}\n${line}\n${evidence}`;
      if (seen.has(key)) return;
      const group = groups.get(`${kind} ${action}`) ?? { kind, action, size: 0 };
      groups.set(`${kind} ${action}`, group);
      group.size += 1;
      if (group.size > FINDINGS_PER_KIND_MAX) return;
      seen.add(key);
      kept.push({ kind, action, file, ...(line === undefined ? {} : { line }), evidence: oneLine(evidence) });
    },
    list: () => {
      const more = [...groups.values()].flatMap(({ kind, action, size }): Finding[] => {
        const rest = size - FINDINGS_PER_KIND_MAX;
        return rest > 0 ? [{ kind, action, file: '', evidence: `and ${rest} more of this kind` }] : [];
      });
      return [...kept, ...more].sort((a, b) => Number(b.action === 'refuse') - Number(a.action === 'refuse'));
    },
  };
};

/** Evidence is shown on terminals and phones: nothing in it may move, hide or reverse text. */
const oneLine = (text: string): string => {
  const plain = text
    .slice(0, EVIDENCE_LENGTH_MAX * 8)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .trim();
  return plain.length <= EVIDENCE_LENGTH_MAX
    ? plain
    : `${plain.slice(0, EVIDENCE_LENGTH_MAX - 1).replace(/\p{Cs}/gu, '')}…`;
};

/** One added or removed line that means something to the evaluator. */
interface Mark<T> {
  file: string;
  line: number;
  text: string;
  what: T;
}

/** Everything of a patch that matters here, gathered in one pass. */
interface Summary {
  files: PatchFile[];
  /** New content of symbolic links by path. */
  linkTargets: Map<string, string>;
  declarationsRemoved: Mark<string>[];
  declarationsAdded: Map<string, number>;
  silencersAdded: Mark<Silencer>[];
  silencersRemoved: Map<string, number>;
  weakened: Mark<string>[];
  reworded: Mark<string>[];
  scriptLines: Mark<string>[];
}

const SYMLINK_MODE = '120000';
const GITLINK_MODE = '160000';

const summarize = (patch: string): Summary => {
  const summary: Summary = {
    files: [],
    linkTargets: new Map(),
    declarationsRemoved: [],
    declarationsAdded: new Map(),
    silencersAdded: [],
    silencersRemoved: new Map(),
    weakened: [],
    reworded: [],
    scriptLines: [],
  };
  let last: PatchFile | undefined;
  for (const hunk of readPatch(patch)) {
    if (hunk.file !== last) summary.files.push(hunk.file);
    last = hunk.file;
    const path = hunk.file.newPath ?? hunk.file.oldPath ?? '';
    if (hunk.file.newMode === SYMLINK_MODE) {
      summary.linkTargets.set(path, hunk.lines.flatMap((line) => (line.side === '-' ? [] : line.text)).join('\n'));
      continue;
    }
    const context: HunkContext = { path, language: languageOf(path), inTest: isTestHunk(hunk), summary };
    readDeclarations(hunk, context);
    readSilencers(hunk, context);
    if (context.inTest && hunk.file.newPath !== undefined) readAssertions(hunk, context);
    if (posix.basename(path) === 'package.json') readScriptLines(hunk, context);
  }
  return summary;
};

interface HunkContext {
  path: string;
  language: Language;
  inTest: boolean;
  summary: Summary;
}

const isTestHunk = ({ file }: PatchHunk): boolean => isTestFile(file.newPath ?? '') || isTestFile(file.oldPath ?? '');

/** Names on following lines: an attribute may stand between `#[test]` and its function. */
const TITLE_DISTANCE_MAX: Partial<Record<Language, number>> = { js: 1, rust: 4, java: 4 };

const readDeclarations = (hunk: PatchHunk, context: HunkContext): void => {
  // JavaScript knows no test from another call; Rust, Python and the rest name it unmistakably.
  if (context.language === 'js' && !context.inTest) return;
  readDeclarationsOf('-', hunk.lines, context);
  readDeclarationsOf('+', hunk.lines, context);
};

/** One side of a hunk is a text of its own: a title may stand on an unchanged line below. */
const readDeclarationsOf = (side: '-' | '+', lines: readonly PatchLine[], context: HunkContext): void => {
  const { path, language, summary } = context;
  let pending: { line: PatchLine; distance: number } | undefined;
  const settle = (line: PatchLine, key: string): void => {
    if (line.side !== side) return;
    if (side === '+') summary.declarationsAdded.set(key, (summary.declarationsAdded.get(key) ?? 0) + 1);
    else summary.declarationsRemoved.push({ file: path, line: line.oldLine, text: line.text, what: key });
  };
  for (const line of lines) {
    if (line.side !== side && line.side !== ' ') continue;
    if (pending !== undefined) {
      const title = titleIn(line.text, language);
      pending.distance += 1;
      if (title !== undefined) settle(pending.line, `title ${title}`);
      else if (pending.distance < (TITLE_DISTANCE_MAX[language] ?? 1)) continue;
      else settle(pending.line, `line ${pending.line.text.trim()}`);
      pending = undefined;
      if (title !== undefined) continue;
    }
    const declaration = declarationIn(line.text, language);
    if (declaration === undefined) continue;
    if (declaration.title === undefined) pending = { line, distance: 0 };
    else settle(line, `title ${declaration.title}`);
  }
  if (pending !== undefined) settle(pending.line, `line ${pending.line.text.trim()}`);
};

/** An edited line keeps its sign: within one block of changes, what stood there before is no news. */
const readSilencers = (hunk: PatchHunk, { path, language, inTest, summary }: HunkContext): void => {
  for (const block of blocksOf(hunk.lines)) {
    const before = new Map<string, Mark<Silencer>[]>();
    const after: Mark<Silencer>[] = [];
    for (const line of block) {
      for (const what of silencersIn(line.text, language, inTest)) {
        const mark = { file: path, line: line.side === '-' ? line.oldLine : line.newLine, text: line.text, what };
        if (line.side === '+') after.push(mark);
        else if (before.get(what.token)?.push(mark) === undefined) before.set(what.token, [mark]);
      }
    }
    for (const mark of after) if (before.get(mark.what.token)?.pop() === undefined) summary.silencersAdded.push(mark);
    for (const mark of [...before.values()].flat()) {
      const key = silencerKey(mark);
      summary.silencersRemoved.set(key, (summary.silencersRemoved.get(key) ?? 0) + 1);
    }
  }
};

const silencerKey = (mark: Mark<Silencer>): string => `${mark.what.token}\n${mark.text.trim()}`;

/** Runs of changed lines, without the unchanged ones between them. */
const blocksOf = (lines: readonly PatchLine[]): PatchLine[][] => {
  const blocks: PatchLine[][] = [];
  let open = false;
  for (const line of lines) {
    if (line.side === ' ') open = false;
    else if (open) blocks.at(-1)?.push(line);
    else {
      blocks.push([line]);
      open = true;
    }
  }
  return blocks;
};

/** Assertions are weighed within a hunk: further apart, an added one does not replace a removed one. */
const readAssertions = (hunk: PatchHunk, { path, language, summary }: HunkContext): void => {
  const sides = { '-': [] as PatchLine[], '+': [] as PatchLine[] };
  for (const line of hunk.lines) {
    if (line.side !== ' ' && isAssertion(line.text, language)) sides[line.side].push(line);
  }
  const weaken = (line: PatchLine, why: string): void => {
    const number = line.side === '-' ? line.oldLine : line.newLine;
    summary.weakened.push({ file: path, line: number, text: line.text, what: why });
  };
  for (const line of sides['+']) if (isTautology(line.text)) weaken(line, 'always true');

  const removed = withoutMoved(sides['-'], sides['+']);
  const added = withoutMoved(sides['+'], sides['-']);
  const lost = removed.length - added.length;
  if (lost > 0) for (const line of removed.slice(0, lost)) weaken(line, 'removed');
  if (removed.length === 0) return;
  const gained = (test: (text: string) => boolean): number => count(added, test) - count(removed, test);
  const vague = gained(acceptsAnything) > 0 || (gained(isWeak) > 0 && gained(isStrong) < 0);
  if (vague) for (const line of added) if (isWeak(line.text)) weaken(line, 'accepts more than before');
  // As strong as before, and yet another claim: whether the code or the test was wrong, the text does not tell.
  if (vague || lost > 0) return;
  for (const [index, line] of added.slice(0, removed.length).entries()) {
    if (isWeak(removed[index]?.text ?? '') && isStrong(line.text)) continue;
    const what = `${removed[index]?.text.trim()} becomes ${line.text.trim()}`;
    summary.reworded.push({ file: path, line: line.newLine, text: line.text, what });
  }
};

const count = (lines: readonly PatchLine[], test: (text: string) => boolean): number =>
  lines.filter((line) => test(line.text)).length;

const withoutMoved = (lines: readonly PatchLine[], others: readonly PatchLine[]): PatchLine[] => {
  const left = new Map<string, number>();
  for (const { text } of others) left.set(text.trim(), (left.get(text.trim()) ?? 0) + 1);
  return lines.filter(({ text }) => {
    const equal = left.get(text.trim()) ?? 0;
    if (equal > 0) left.set(text.trim(), equal - 1);
    return equal === 0;
  });
};

const readScriptLines = (hunk: PatchHunk, { path, summary }: HunkContext): void => {
  for (const line of hunk.lines) {
    if (line.side === ' ' || !SCRIPT_LINE.test(line.text)) continue;
    const number = line.side === '-' ? line.oldLine : line.newLine;
    summary.scriptLines.push({ file: path, line: number, text: line.text, what: line.side });
  }
};

/** A hunk does not show in which object a key stands; these names hardly occur outside of scripts. */
const SCRIPT_LINE =
  /^\s{0,99}"(?:(?:pre|post)?(?:test|lint|check|types?|typecheck|tsc)(?:[:_-][^"]{0,99})?|jest|vitest|eslintConfig)"\s{0,9}:/;

/** The raw diff is exact; a file that only the patch shows is believed too. */
const withPatchFiles = (files: readonly ChangedFile[], inPatch: readonly PatchFile[]): ChangedFile[] => {
  const known = new Set(files.flatMap((file) => [file.path, ...(file.from === undefined ? [] : [file.from])]));
  const others = inPatch.flatMap((file): ChangedFile[] => {
    const path = file.newPath ?? file.oldPath;
    if (path === undefined || known.has(path)) return [];
    const renamed = file.oldPath !== undefined && file.newPath !== undefined && file.oldPath !== file.newPath;
    return [
      {
        path,
        ...(renamed ? { from: file.oldPath as string } : {}),
        status: file.newPath === undefined ? 'deleted' : file.oldPath === undefined ? 'added' : 'modified',
        oldMode: file.oldMode ?? '',
        newMode: file.newMode ?? '',
      },
    ];
  });
  return [...files, ...others];
};

const findTouchedPaths = (files: readonly ChangedFile[], input: TamperInput, found: Findings): void => {
  const isProtected = createPathMatcher(input.protect);
  const isConfig = createPathMatcher(input.checkConfig);
  for (const file of files) {
    for (const path of new Set([file.path, ...(file.from === undefined ? [] : [file.from])])) {
      const protectedBy = isProtected(path);
      const configuredBy = isConfig(path);
      if (protectedBy !== undefined) {
        found.add({ kind: 'protected-path', file: path, evidence: `${file.status}; protected by ${protectedBy}` });
      }
      if (configuredBy !== undefined) {
        found.add({ kind: 'check-config', file: path, evidence: `${file.status}; matches ${configuredBy}` });
      }
    }
  }
};

/**
 * Which pattern matches a path. As in .gitignore, a pattern without a slash matches in any directory, one that names
 * a directory holds for all that is in it, and `!` takes paths out again.
 */
export const createPathMatcher = (patterns: readonly string[]): ((path: string) => string | undefined) => {
  const isNegation = (pattern: string): boolean => pattern.startsWith('!') && !pattern.startsWith('!(');
  const given = patterns.map((pattern) => pattern.trim()).filter((pattern) => /[^!/.]/.test(pattern));
  const ignore = given.filter(isNegation).flatMap((pattern) => globsOf(pattern.slice(1)));
  const matchers = given
    .filter((pattern) => !isNegation(pattern))
    .map((pattern) => ({ pattern, matches: picomatch(globsOf(pattern), { dot: true, ignore }) }));
  return (path) => matchers.find(({ matches }) => matches(path))?.pattern;
};

const globsOf = (pattern: string): string[] => {
  const trimmed = pattern.replace(/\/+$/, '').replace(/^\.\//, '');
  const anchored = trimmed.includes('/') ? trimmed.replace(/^\//, '') : `**/${trimmed}`;
  return [anchored, `${anchored}/**`];
};

/** Keys of package.json that decide what a check runs and how. */
const SCRIPT_KEYS = ['scripts', 'jest', 'vitest', 'mocha', 'ava', 'tap', 'c8', 'nyc', 'babel', 'eslintConfig', 'xo'];

const findScripts = (
  { scripts }: TamperInput,
  files: readonly ChangedFile[],
  summary: Summary,
  found: Findings,
): void => {
  if (scripts !== undefined) comparePackages(scripts, found);
  // Of other packages, and of the first where its text is not given, only the patch tells.
  const lines = new Set(summary.scriptLines.map((mark) => mark.what + scriptEntry(mark)));
  for (const mark of summary.scriptLines) {
    if (mark.file === 'package.json' && scripts !== undefined) continue;
    const moved = lines.has((mark.what === '+' ? '-' : '+') + scriptEntry(mark));
    if (moved || !files.some((file) => file.path === mark.file)) continue;
    found.add({ kind: 'check-config', file: mark.file, line: mark.line, evidence: mark.text });
  }
};

/** A comma at the end comes and goes with the neighbours. */
const scriptEntry = (mark: Mark<string>): string => `${mark.file}\n${mark.text.trim().replace(/,$/, '')}`;

const comparePackages = (scripts: NonNullable<TamperInput['scripts']>, found: Findings): void => {
  const before = packageOf(scripts.before);
  const after = packageOf(scripts.after);
  if (after === undefined) {
    if (!isDeepStrictEqual(scripts.before, scripts.after)) {
      found.add({ kind: 'check-config', file: 'package.json', evidence: 'package.json is no JSON object any more' });
    }
    return;
  }
  for (const key of SCRIPT_KEYS) {
    const was = entryOf(before ?? {}, key);
    const is = entryOf(after, key);
    if (isDeepStrictEqual(was, is)) continue;
    for (const change of changesOf(key, was, is))
      found.add({ kind: 'check-config', file: 'package.json', evidence: change });
  }
};

/** A missing file is an empty one; undefined when the text is no JSON object. */
const packageOf = (text: string | undefined): object | undefined => {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const entryOf = (object: object, key: string): unknown =>
  Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;

const changesOf = (key: string, was: unknown, is: unknown): string[] => {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  if (!isObject(was ?? {}) || !isObject(is ?? {})) return [`${key}: ${shown(was)} -> ${shown(is)}`];
  const [a, b] = [(was ?? {}) as object, (is ?? {}) as object];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => !isDeepStrictEqual(entryOf(a, name), entryOf(b, name)))
    .map((name) => `${key}.${name}: ${shown(entryOf(a, name))} -> ${shown(entryOf(b, name))}`);
};

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200));

const findLinks = (
  files: readonly ChangedFile[],
  symlinks: readonly { path: string; target: string }[],
  summary: Summary,
  found: Findings,
): void => {
  const targets = new Map([...summary.linkTargets, ...symlinks.map(({ path, target }) => [path, target] as const)]);
  for (const file of files) {
    if (file.newMode === GITLINK_MODE) {
      found.add({ kind: 'submodule', file: file.path, evidence: 'a nested repository (mode 160000)' });
    }
    if (posix.basename(file.path) === '.gitmodules') {
      found.add({ kind: 'submodule', file: file.path, evidence: `${file.status}: names nested repositories` });
    }
    if (file.newMode !== SYMLINK_MODE) continue;
    const target = targets.get(file.path);
    if (target === undefined) {
      found.add({
        kind: 'symlink-outside',
        file: file.path,
        evidence: 'a symbolic link whose target the diff does not show',
      });
    } else if (leavesTree(file.path, target)) {
      found.add({ kind: 'symlink-outside', file: file.path, evidence: `-> ${target}` });
    }
  }
};

/** Also into git's own directory, which belongs to no tree. */
const leavesTree = (path: string, target: string): boolean => {
  const resolved = posix.join(posix.dirname(path), target);
  return (
    posix.isAbsolute(target) ||
    resolved === '..' ||
    resolved.startsWith('../') ||
    resolved.split('/').some((step) => step.toLowerCase() === '.git')
  );
};

const findDeletedTests = (files: readonly ChangedFile[], summary: Summary, found: Findings): void => {
  const lost = summary.declarationsRemoved.filter(({ what }) => {
    const added = summary.declarationsAdded.get(what) ?? 0;
    if (added > 0) summary.declarationsAdded.set(what, added - 1);
    return added === 0;
  });
  const declaring = new Set(summary.declarationsRemoved.map((mark) => mark.file));
  const gone = new Set<string>();
  for (const file of files) {
    // In a directory of tests also lie things that test nothing.
    const wasTest = (path: string): boolean => bearsTestName(path) || (isTestFile(path) && declaring.has(path));
    if (file.status === 'deleted' && wasTest(file.path)) {
      gone.add(file.path);
      found.add({ kind: 'test-deleted', file: file.path, evidence: 'the test file is deleted' });
    }
    if (file.from !== undefined && isTestFile(file.from) && !isTestFile(file.path)) {
      const evidence = `the test file becomes ${file.path}, which is none`;
      found.add({ kind: 'test-deleted', file: file.from, evidence });
    }
  }
  for (const mark of lost) {
    if (gone.has(mark.file)) continue;
    found.add({ kind: 'test-deleted', file: mark.file, line: mark.line, evidence: mark.text });
  }
};

const findSilencers = (summary: Summary, found: Findings): void => {
  for (const mark of summary.silencersAdded) {
    const key = silencerKey(mark);
    const moved = summary.silencersRemoved.get(key) ?? 0;
    if (moved > 0) summary.silencersRemoved.set(key, moved - 1);
    else {
      const { kind, reportOnly } = mark.what;
      found.add({ kind, file: mark.file, line: mark.line, evidence: mark.text, reportOnly });
    }
  }
};

const findWeakened = (summary: Summary, found: Findings): void => {
  for (const mark of summary.weakened) {
    const evidence = `${mark.what}: ${mark.text.trim()}`;
    found.add({ kind: 'assertion-weakened', file: mark.file, line: mark.line, evidence });
  }
  for (const { file, line, what } of summary.reworded) {
    found.add({ kind: 'assertion-changed', file, line, evidence: what });
  }
};

/**
 * Test files and recorded snapshots that were there before and are another text now. That a test passes which failed
 * before proves nothing when its own file was edited.
 */
export const editedTests = (files: readonly ChangedFile[]): ReadonlySet<string> =>
  new Set(
    files
      .filter(({ status }) => status !== 'added')
      .flatMap(({ path, from }) => [path, ...(from === undefined ? [] : [from])])
      .map((path) => testOfSnapshot(path) ?? path)
      .filter(isTestFile),
  );

/** Where vitest and jest keep what a test expects: `__snapshots__/a.test.ts.snap` beside `a.test.ts`. */
const testOfSnapshot = (path: string): string | undefined => {
  const found = /^(.*?)__snapshots__\/([^/]+)\.snap$/.exec(path);
  return found ? `${found[1]}${found[2]}` : undefined;
};
