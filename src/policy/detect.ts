import { type FileListing, listing, type RepositoryFiles } from './detect-files.ts';
import { detectLanguages } from './detect-languages.ts';
import { detectNode } from './detect-node.ts';
import type { DetectedCheck, Machine, PackageManager } from './detect-part.ts';

/** What a repository shows of itself, turned into a first configuration. A proposal: a person reads it before it runs. */
export interface Detected {
  /** 'node', 'python', 'rust', ...; empty when nothing was recognised. */
  kinds: string[];
  packageManager: PackageManager | undefined;
  install: string | undefined;
  checks: DetectedCheck[];
  protect: string[];
  context: string[];
  /** Environment of install and checks. */
  env: Record<string, string>;
  /** What a person should know or decide, a sentence each. */
  notes: string[];
}

export const detectProject = (files: RepositoryFiles, machine?: Machine): Detected => {
  const repository = listing(files);
  const parts = [detectNode(repository, machine), ...detectLanguages(repository, machine)].filter(
    (part) => part !== undefined,
  );
  const checks = parts.flatMap((part) => part.checks);
  const notes = parts.flatMap((part) => part.notes);
  const coarse = checks.filter(({ parse }) => parse === 'exit').map(({ name }) => name);
  if (coarse.length > 0) {
    notes.push(
      `Judged by the exit code alone: ${coarse.join(', ')}. While such a check is red, one more failure behind it cannot be seen.`,
    );
  }
  if (checks.length === 0) checks.push(...fallback(repository));
  if (!checks.some(({ name }) => TEST_CHECKS.has(name))) {
    notes.push(
      'No tests were found: nothing can show that a change keeps the behaviour. Begin with a session that writes tests, and add a check that runs them.',
    );
  }
  return {
    kinds: parts.map(({ kind }) => kind),
    packageManager: parts.find((part) => part.packageManager !== undefined)?.packageManager,
    install: parts.find((part) => part.install !== undefined)?.install,
    checks,
    protect: [...new Set([...ALWAYS_PROTECTED, ...parts.flatMap((part) => part.protect)])],
    context: contextFiles(repository),
    env: Object.assign({}, ...parts.map((part) => part.env)) as Record<string, string>,
    notes,
  };
};

/** Checks that show behaviour; the names that the detectors give them. */
const TEST_CHECKS = new Set(['tests', 'pytest', 'unittest', 'cargo-test', 'go-test', 'make-test']);

/** Files with power over what runs, what is ignored and what is trusted; and the reports that checks leave. */
const ALWAYS_PROTECTED = ['.github/**', '**/.gitattributes', '.gitmodules', '.claude/**', '.mcp.json', '.winnow-*'];

/** The least that can honestly be said of any tree of text. */
const fallback = (repository: FileListing): DetectedCheck[] => {
  if (repository.some(/^[^/]+\.py$|\/[^/]+\.py$/)) {
    return [{ name: 'syntax', run: 'python3 -m compileall -q .', parse: 'exit' }];
  }
  if (repository.some(/\.[cm]?js$/)) {
    const find = "find . -name node_modules -prune -o \\( -name '*.js' -o -name '*.cjs' -o -name '*.mjs' \\) -print0";
    return [{ name: 'syntax', run: `${find} | xargs -0 -r -n 1 node --check`, parse: 'exit' }];
  }
  if (repository.some(/\.(ba)?sh$/)) {
    const find = "find . -name .git -prune -o \\( -name '*.sh' -o -name '*.bash' \\) -print0";
    return [{ name: 'syntax', run: `${find} | xargs -0 -r -n 1 bash -n`, parse: 'exit' }];
  }
  const run = "! grep -rInE --exclude-dir=.git --exclude-dir=node_modules '^(<<<<<<<|>>>>>>>) ' .";
  return [{ name: 'conflict-markers', run, parse: 'exit' }];
};

const CONTEXT_FILES = [/^CLAUDE\.md$/, /^AGENTS\.md$/, /^README(\.(md|rst|txt|adoc|org))?$/i, /^CONTRIBUTING\.md$/i];

const contextFiles = (repository: FileListing): string[] =>
  CONTEXT_FILES.flatMap((pattern) => repository.matching(pattern).slice(0, 1));
