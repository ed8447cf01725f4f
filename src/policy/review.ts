import type { State } from '../model/state.ts';
import type { Finding } from '../model/verdict.ts';
import { readPatch } from './patch.ts';
import type { OpenBranch } from './queue.ts';
import { openBranches } from './queue.ts';

/** Which branches are reviewed now, and which of them only a person can judge: decided without asking anybody. */

/** Reviews of one commit that came to no word; then a person is asked, since money alone does not help. */
export const REVIEW_FAILURES_MAX = 3;

/**
 * The branches to review, the oldest push first. What failed before waits for the sweep: whatever woke the reviewer
 * says nothing about it. A revert is approved by whoever asked for it and is not judged again.
 */
export const reviewsDue = (state: Readonly<State>, why: 'woken' | 'sweep'): OpenBranch[] =>
  openBranches(state).filter(
    ({ kind, status }) =>
      kind === 'change' && status.state === 'pending' && (why === 'sweep' || (status.failures ?? 0) === 0),
  );

/** What is known of a change before anybody reads it. */
export interface Change {
  branch: string;
  added: number;
  removed: number;
  /** The unified diff, and whether it had to be cut off. */
  patch: { text: string; truncated: boolean };
  findings: readonly Finding[];
  /** Paths of what no diff shows, and how many files were renamed. */
  traits: { renames: number; submodules: string[]; lfsPointers: string[]; binaries: string[] };
  /** `merge.maxDiffLines` */
  linesMax: number;
}

export const RULES = [
  'refused',
  'submodule',
  'lfs-pointer',
  'binary',
  'too-large',
  'rename-storm',
  'unreadable',
] as const;
export type Rule = (typeof RULES)[number];

/** Moves of files above this hide what changes between them; a person knows whether the move was meant. */
export const RENAMES_MAX = 20;
/** A diff up to this stands in the prompt whole: about 15,000 tokens. */
export const DIFF_IN_PROMPT_MAX_CHARS = 60_000;
/** Above it each file has a patch of its own to read, up to this altogether: about 100,000 tokens. */
export const DIFF_BY_FILE_MAX_CHARS = 400_000;
/** Claude Code’s tool that reads files cuts longer lines off, and nobody would know. */
export const LINE_READ_MAX_CHARS = 2_000;
const NAMED_MAX = 5;

/** Why a change needs a person, which rule says so, and what decides; undefined: the reviewer can judge it. */
export const needsHuman = (change: Change): { rule: Rule; reason: string } | undefined => {
  for (const rule of RULES) {
    const reason = BY_RULE[rule](change);
    if (reason !== undefined) return { rule, reason: `${reason} ${decides(change.branch)}` };
  }
  return undefined;
};

/** The commands by which a person decides. */
export const decides = (branch: string): string =>
  `\`winnow approve ${branch}\` lands it, \`winnow reject ${branch} -m REASON\` ends it.`;

const BY_RULE: Record<Rule, (change: Change) => string | undefined> = {
  refused: ({ findings }) => {
    const [first, ...more] = findings.filter((finding) => finding.action === 'refuse');
    if (!first) return undefined;
    const others = more.length > 0 ? ` (and ${more.length} more)` : '';
    return `It holds what is refused of a session: ${first.kind} in ${first.file}${others}: ${first.evidence}. Look whether it is meant.`;
  },
  submodule: ({ traits: { submodules } }) =>
    submodules.length === 0
      ? undefined
      : `It changes a submodule (${few(submodules)}), whose content is in another repository. Look at what it points to.`,
  'lfs-pointer': ({ traits: { lfsPointers } }) =>
    lfsPointers.length === 0
      ? undefined
      : `It changes what Git LFS keeps elsewhere (${few(lfsPointers)}); the diff shows pointers only. Look at the files themselves.`,
  binary: ({ traits: { binaries } }) =>
    binaries.length === 0
      ? undefined
      : `It changes binary files (${few(binaries)}), which no diff shows. Look at them.`,
  'too-large': ({ added, removed, linesMax, patch }) => {
    const lines = added + removed;
    if (lines > linesMax)
      return `It changes ${count(lines)} lines; merge.maxDiffLines is ${count(linesMax)}. Look at whether it is one thing.`;
    if (!patch.truncated && patch.text.length <= DIFF_BY_FILE_MAX_CHARS) return undefined;
    return `Its diff has more than ${count(DIFF_BY_FILE_MAX_CHARS)} characters, more than a reviewer reads. Look at its long lines.`;
  },
  'rename-storm': ({ traits: { renames } }) =>
    renames <= RENAMES_MAX
      ? undefined
      : `It renames ${count(renames)} files; above ${RENAMES_MAX} a person says whether the move is meant. Look at what changed beside the names.`,
  unreadable: ({ patch }) => {
    if (patch.text.length <= DIFF_IN_PROMPT_MAX_CHARS || !longLine.test(patch.text)) return undefined;
    return `Its diff is too large for one message and has lines of more than ${count(LINE_READ_MAX_CHARS)} characters, which cannot be read by file. Look at those.`;
  },
};

const longLine = new RegExp(`[^\\n]{${LINE_READ_MAX_CHARS + 1}}`);

const count = (n: number): string => n.toLocaleString('en-US');

const few = (paths: readonly string[]): string => {
  const more = paths.length > NAMED_MAX ? ` and ${paths.length - NAMED_MAX} more` : '';
  return paths.slice(0, NAMED_MAX).join(', ') + more;
};

/** One patch for each file, in the order of the diff; together they are the whole of it. */
export const splitPatch = (patch: string): { path: string; text: string; lines: number }[] =>
  // Every line of content begins with its side, so that only a heading begins so.
  patch
    .split(/^(?=diff --git )/m)
    .filter((text) => text.startsWith('diff --git '))
    .map((text) => {
      const [hunk] = readPatch(text);
      const path = hunk?.file.newPath ?? hunk?.file.oldPath ?? '';
      return { path, text, lines: text.split('\n').length - 1 };
    });
