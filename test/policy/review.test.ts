import { describe, expect, it } from 'vitest';
import type { BranchStatus, QueuedBranch } from '../../src/model/state.ts';
import {
  type Change,
  DIFF_BY_FILE_MAX_CHARS,
  DIFF_IN_PROMPT_MAX_CHARS,
  LINE_READ_MAX_CHARS,
  needsHuman,
  RENAMES_MAX,
  reviewsDue,
  splitPatch,
} from '../../src/policy/review.ts';
import { stateOf } from './situations.ts';

const queued = (branch: string, status: BranchStatus, more: Partial<QueuedBranch> = {}): QueuedBranch => ({
  ...{ branch, commit: 'c', base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: 'x', title: '' },
  kind: 'change',
  at: '2026-03-14T10:00:00.000Z',
  changedAt: '2026-03-14T10:00:00.000Z',
  status,
  ...more,
});

const word = { review: 'r', by: 'reviewer' as const, name: 'reviewer', reason: 'good', at: '2026-03-14T10:00:00.000Z' };
const waits: BranchStatus = { state: 'pending', note: '' };

const due = (why: 'woken' | 'sweep', branches: QueuedBranch[]): string[] =>
  reviewsDue(
    stateOf((state) => {
      for (const branch of branches) state.queue[branch.branch] = branch;
    }),
    why,
  ).map(({ branch }) => branch);

describe('what is reviewed now', () => {
  it('is what waits and nothing else, the oldest push first', () => {
    const branches = [
      queued('later', waits, { at: '2026-03-14T11:00:00.000Z' }),
      queued('first', waits),
      queued('approved', { state: 'approved', ...word }),
      queued('human', { state: 'needs-human', ...word }),
      queued('rejected', { state: 'rejected', ...word }),
      queued('dropped', { state: 'dropped', why: 'red', reason: '' }),
      queued('gone', { state: 'gone', reason: '' }),
    ];
    expect(due('woken', branches)).toEqual(['first', 'later']);
  });

  it('is no revert, which whoever asked for it approves', () => {
    expect(due('sweep', [queued('revert', waits, { kind: 'revert' })])).toEqual([]);
  });

  it('is what failed before only when the sweep comes', () => {
    const branches = [queued('failed', { ...waits, failures: 1 })];
    expect(due('woken', branches)).toEqual([]);
    expect(due('sweep', branches)).toEqual(['failed']);
  });
});

const plain: Change = {
  branch: 'brl/alpha/1',
  added: 10,
  removed: 5,
  patch: { text: 'diff --git a/a b/a\n', truncated: false },
  findings: [],
  traits: { renames: 0, submodules: [], lfsPointers: [], binaries: [] },
  linesMax: 15,
};
const traits = (more: Partial<Change['traits']>) => ({ traits: { ...plain.traits, ...more } });
const text = (length: number) => ({ patch: { text: 'abcdefg\n'.repeat(Math.ceil(length / 8)), truncated: false } });
const finding = { kind: 'protected-path', action: 'refuse', file: 'ci.yml', evidence: 'is protected' } as const;

describe('a change that a person has to judge', () => {
  it.each<[string, Partial<Change>, string, string]>([
    ['has more lines than merge.maxDiffLines', { added: 11 }, 'too-large', '16 lines; merge.maxDiffLines is 15'],
    ['has a diff that was cut off', { patch: { text: '', truncated: true } }, 'too-large', '400,000 characters'],
    ['has a diff too long to read', text(DIFF_BY_FILE_MAX_CHARS + 8), 'too-large', '400,000 characters'],
    ['has binary files', traits({ binaries: ['a.png', 'b.png'] }), 'binary', 'binary files (a.png, b.png)'],
    ['has a submodule', traits({ submodules: ['vendor'] }), 'submodule', 'a submodule (vendor)'],
    ['has an LFS pointer', traits({ lfsPointers: ['big.iso'] }), 'lfs-pointer', 'Git LFS keeps elsewhere (big.iso)'],
    ['renames very many files', traits({ renames: RENAMES_MAX + 1 }), 'rename-storm', 'renames 21 files'],
    ['holds what is refused', { findings: [finding] }, 'refused', 'protected-path in ci.yml: is protected'],
    [
      'is by file and has lines that no tool shows whole',
      {
        patch: {
          text: `${text(DIFF_IN_PROMPT_MAX_CHARS).patch.text}${'x'.repeat(LINE_READ_MAX_CHARS + 1)}\n`,
          truncated: false,
        },
      },
      'unreadable',
      'more than 2,000 characters',
    ],
  ])('%s', (_, more, rule, words) => {
    const human = needsHuman({ ...plain, ...more });
    expect(human?.rule).toBe(rule);
    expect(human?.reason).toContain(words);
    expect(human?.reason).toMatch(
      / Look .*\. `winnow approve brl\/alpha\/1` lands it, `winnow reject brl\/alpha\/1 -m REASON` ends it\.$/,
    );
  });

  it.each<[string, Partial<Change>]>([
    ['is small', {}],
    ['has exactly as many lines as are allowed', { added: 10, removed: 5 }],
    ['renames a few files', traits({ renames: RENAMES_MAX })],
    ['has findings that are only reported', { findings: [{ ...finding, action: 'report' }] }],
    [
      'has a long line in a diff that stands in the message whole',
      { patch: { text: 'x'.repeat(10_000), truncated: false } },
    ],
    ['is read by file', text(DIFF_IN_PROMPT_MAX_CHARS + 8)],
  ])('is none that %s', (_, more) => {
    expect(needsHuman({ ...plain, ...more })).toBeUndefined();
  });

  it('names a few of many paths and counts the rest', () => {
    const binaries = Array.from({ length: 7 }, (_, n) => `${n}.png`);
    expect(needsHuman({ ...plain, ...traits({ binaries }) })?.reason).toContain(
      '0.png, 1.png, 2.png, 3.png, 4.png and 2 more',
    );
  });
});

describe('a diff by file', () => {
  it('is the whole diff, whatever the lines look like', () => {
    const inner = ['+diff --git a/x b/x', ' diff --git a/y b/y', '-@@ -1 +1 @@'];
    const one = ['diff --git a/a.md b/a.md', '--- a/a.md', '+++ b/a.md', '@@ -1,2 +1,2 @@', ...inner, ''].join('\n');
    const two = 'diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n';
    const parts = splitPatch(one + two);
    expect(parts.map(({ path, lines }) => [path, lines])).toEqual([
      ['a.md', 7],
      ['new', 4],
    ]);
    expect(parts.map((part) => part.text).join('')).toBe(one + two);
  });
});
