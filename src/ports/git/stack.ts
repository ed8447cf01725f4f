import { err, ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import { conflictText } from './conflict-text.ts';
import { type Git, type GitOutput, gitFailure, gitsWords } from './git.ts';
import type { Change, Mirror, Stacked } from './mirror.ts';
import { dateOf, type Signature, writeCommit } from './objects.ts';
import { withTrailers } from './trailers.ts';

/**
 * A change on top of a commit, as the project wants it: one commit, a merge, or commit by commit. The tree is always
 * that of the whole merge, since it is the tree that was reviewed and will be tested; the style only decides how its
 * history tells it, and one that cannot be had for this change gives way to one commit.
 */
export const createStack = ({ git, gitDir, names }: StackDeps): Mirror['stack'] => {
  const place = { git, gitDir };

  return async (change) => {
    const { onto, commit, author, at } = change;
    const below = await git.ask(gitDir, ['rev-parse', '--verify', '--end-of-options', `${onto}^{tree}`]);
    if (!below.ok) return below;
    const merge = await mergeTrees(place, onto, commit);
    if (!merge.ok) return merge;
    if ('unusable' in merge.value) return ok({ state: 'unusable', reason: merge.value.unusable });
    const { tree, conflicts, messages } = merge.value;
    const submodule = conflicts.find(({ mode }) => mode === GITLINK);
    if (submodule) {
      const reason = `the submodule ${submodule.path} was moved on both sides, and what lies in it is not known here`;
      return ok({ state: 'unusable', reason });
    }
    if (conflicts.length > 0) {
      const files = [...new Set(conflicts.map(({ path }) => path))];
      const text = await conflictText(place, { tree, files, messages, onto, commit, names });
      return ok({ state: 'conflict', files, text });
    }
    if (tree === below.value) return ok({ state: 'stacked', merged: onto, tree });

    const by: Signature = { ...author, date: dateOf(at) };
    const one = async (parents: string[], note?: string): Promise<Result<Stacked, Failure>> => {
      const message = await withTrailers(place, change.message, change.trailers);
      if (!message.ok) return message;
      const made = await writeCommit(place, { tree, parents, message: message.value, author: by, committer: by });
      if (!made.ok) return made;
      return ok({ state: 'stacked', merged: made.value, tree, ...(note === undefined ? {} : { note }) });
    };
    switch (change.style) {
      case 'squash':
        return one([onto]);
      case 'merge':
        return one([onto, commit]);
      case 'rebase': {
        const replayed = await replay(place, change, by, tree);
        if (!replayed.ok) return replayed;
        if ('note' in replayed.value) return one([onto], replayed.value.note);
        return ok({ state: 'stacked', merged: replayed.value.commit, tree });
      }
      default:
        return change.style satisfies never;
    }
  };
};

export interface StackDeps {
  git: Git;
  gitDir: string;
  /** What the two sides are called in the text of a conflict. */
  names: { onto: string; commit: string };
}

const GITLINK = '160000';
/** Replayed one by one up to here; nobody reads a longer story, and each costs a few processes. */
const REPLAYED_MAX = 100;

interface Merge {
  tree: string;
  conflicts: { mode: string; path: string }[];
  /** What git says about it, one a line. */
  messages: string[];
}

/** Merges by git's own strategy; `unusable` when the change is at fault and nothing here. */
const mergeTrees = async (
  { git, gitDir }: { git: Git; gitDir: string },
  ours: string,
  theirs: string,
): Promise<Result<Merge | { unusable: string }, Failure>> => {
  const call = { gitDir, args: ['merge-tree', '--write-tree', '-z', '--messages', ours, theirs] };
  const output = await git.run(call);
  if (output.exitCode === 0 || output.exitCode === 1) {
    const merge = parseMerge(output.stdout.toString('utf8'));
    if (merge) return ok(merge);
  }
  const why = unusableBy(output);
  return why === undefined ? err(gitFailure(call, output)) : ok({ unusable: why });
};

/** `-z`: the tree, a record for every side of every conflict, an empty one, then the messages. */
const parseMerge = (text: string): Merge | undefined => {
  const [tree = '', ...fields] = text.split('\0');
  if (!/^[0-9a-f]{40,64}$/.test(tree)) return undefined;
  const end = fields.indexOf('');
  const conflicts = fields.slice(0, end).map((field) => {
    const tab = field.indexOf('\t');
    return { mode: field.slice(0, 6), path: field.slice(tab + 1) };
  });
  const messages: string[] = [];
  // Each: the number of paths, the paths, a kind, a sentence.
  for (let at = end + 1; at < fields.length; ) {
    const count = Number(fields[at]);
    if (fields[at] === '' || !Number.isInteger(count)) break;
    const sentence = fields[at + count + 2]?.trim();
    if (sentence) messages.push(sentence);
    at += count + 3;
  }
  return { tree, conflicts, messages };
};

const unusableBy = ({ stderr, exitCode, timedOut, aborted, spawnError }: GitOutput): string | undefined => {
  if (exitCode === undefined || timedOut || aborted || spawnError !== undefined) return undefined;
  if (/unrelated histories/.test(stderr)) return 'it has no commit in common with the branch it should go to';
  if (UNREADABLE.test(stderr)) return `git cannot read all of it: ${gitsWords(stderr)}`;
  return undefined;
};

const UNREADABLE =
  /not something we can merge|unable to read|could not read|could not parse|failed to read|bad (?:object|tree|file)|missing (?:blob|tree|commit)|corrupt|malformed|unable to (?:parse|unpack)|collecting merge info failed|not a valid object|is missing/i;

/** Makes the commits of a change anew, one on top of the other; `note` says why that is not possible. */
const replay = async (
  place: { git: Git; gitDir: string },
  { onto, commit, trailers }: Change,
  committer: Signature,
  wanted: string,
): Promise<Result<{ commit: string } | { note: string }, Failure>> => {
  const { git, gitDir } = place;
  const args = ['rev-list', '--reverse', '--topo-order', '--parents', `--max-count=${REPLAYED_MAX + 1}`];
  const listed = await git.ask(gitDir, [...args, '--end-of-options', `${onto}..${commit}`]);
  if (!listed.ok) return listed;
  const steps = listed.value.split('\n').map((line) => line.split(' '));
  if (steps.length > REPLAYED_MAX) return instead(`it has more than ${REPLAYED_MAX} commits`);
  if (steps.some((step) => step.length !== 2)) return instead('it holds merges');
  let at = { commit: onto, tree: '' };
  for (const [name = '', parent = ''] of steps) {
    const next = await replayOne(place, { name, parent, at: at.commit, trailers, committer });
    if (!next.ok) return next;
    if (next.value === undefined) return instead(`its commit ${name.slice(0, 12)} alone conflicts`);
    at = next.value;
  }
  if (at.tree !== wanted) return instead('its commits one by one make another tree than all together');
  return ok({ commit: at.commit });
};

const instead = (why: string): Result<{ note: string }, Failure> =>
  ok({ note: `made into one commit instead of being rebased: ${why}` });

/** A commit on another one, by the author and on the day it was made; undefined when it conflicts there. */
const replayOne = async (
  place: { git: Git; gitDir: string },
  step: { name: string; parent: string; at: string; trailers: Change['trailers']; committer: Signature },
): Promise<Result<{ commit: string; tree: string } | undefined, Failure>> => {
  const { git, gitDir } = place;
  const trees = await git.ask(gitDir, [
    'rev-parse',
    `${step.name}^{tree}`,
    `${step.parent}^{tree}`,
    `${step.at}^{tree}`,
  ]);
  if (!trees.ok) return trees;
  const [theirs = '', base = '', ours = ''] = trees.value.split('\n');
  const merged = ours === base ? ok(theirs) : await mergeOn(place, { base, ours, theirs, by: step.committer });
  if (!merged.ok) return merged;
  if (merged.value === undefined) return ok(undefined);
  // What it did is there already.
  if (merged.value === ours) return ok({ commit: step.at, tree: ours });
  const format = '--format=%an%x00%ae%x00%ad%x00%B';
  const args = ['log', '-1', '--encoding=UTF-8', '--date=raw', '--no-show-signature', '--no-notes', format];
  const told = await git.done({ gitDir, args: [...args, '--end-of-options', step.name] });
  if (!told.ok) return told;
  const [name = '', email = '', date = '', text = ''] = told.value.split('\0');
  const message = await withTrailers(place, text, step.trailers);
  if (!message.ok) return message;
  const author = { name, email, date: /^\d+ [+-]\d{4}$/.test(date) ? `@${date}` : step.committer.date };
  const made = await writeCommit(place, {
    tree: merged.value,
    parents: [step.at],
    message: message.value,
    author,
    committer: step.committer,
  });
  return made.ok ? ok({ commit: made.value, tree: merged.value }) : made;
};

/** Merges trees over a base that is theirs alone: older gits take commits only, so three are made for it. */
const mergeOn = async (
  place: { git: Git; gitDir: string },
  { base, ours, theirs, by }: { base: string; ours: string; theirs: string; by: Signature },
): Promise<Result<string | undefined, Failure>> => {
  const stand = { message: 'stands for a tree', author: by, committer: by };
  const root = await writeCommit(place, { ...stand, tree: base, parents: [] });
  if (!root.ok) return root;
  const sides: string[] = [];
  for (const tree of [ours, theirs]) {
    const side = await writeCommit(place, { ...stand, tree, parents: [root.value] });
    if (!side.ok) return side;
    sides.push(side.value);
  }
  const merge = await mergeTrees(place, sides[0] ?? '', sides[1] ?? '');
  if (!merge.ok) return merge;
  return ok('tree' in merge.value && merge.value.conflicts.length === 0 ? merge.value.tree : undefined);
};
