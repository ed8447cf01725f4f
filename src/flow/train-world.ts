import type { Result } from '../base/result.ts';
import type { EntryData, EntryOf, EntryType, NewEntryOf } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import type { Figures } from '../model/report.ts';
import type { QueuedBranch, State } from '../model/state.ts';
import type { JudgeExtent } from './judge.ts';

/**
 * What the train needs of the world, for one project: git, checks and the journal behind plain questions. The role
 * answers them with the ports; the property test answers them from a model, and kills the train between any two.
 */
export interface TrainWorld {
  project: string;
  /** Name of the project's branch. */
  main: string;
  style: 'squash' | 'merge' | 'rebase';
  batchMax: number;
  now(): number;
  state(): Readonly<State>;
  append<T extends EntryType>(entry: NewEntryOf<T>): EntryOf<T>;
  /** Resolves when the entry is on the disk. */
  appendDurable<T extends EntryType>(entry: NewEntryOf<T>): Promise<EntryOf<T>>;
  redact(text: string): string;

  /** Fetches main and journals a move by others. Kinds: repo-unreachable, branch-missing, … */
  fetchTip(): Promise<Result<{ commit: string; tree: string }, Failure>>;
  /** What the remote has under this name now; fetched, so that it can be merged. */
  fetchBranch(branch: string): Promise<Result<string | undefined, Failure>>;
  /** Whether `ancestor` is part of `of`; false also when one is unknown. */
  isAncestor(ancestor: string, of: string): Promise<boolean>;
  /** Puts a branch on top of a commit in the project's style, without a checkout. */
  stack(onto: string, branch: QueuedBranch): Promise<Result<Stacked, Failure>>;
  /** Whether the result of this tree against that one is known already, so that `judge` would execute nothing. */
  isJudged(tree: string, base: string, extent?: JudgeExtent): Promise<boolean>;
  /**
   * Runs the checks on a tree, unless known, and compares with the base by identity; a failing test is looked at twice.
   * `once`: without the second look, for a stack of which nobody is blamed yet. `whole`: also what can no longer change
   * the answer is looked at, so that everything that fails is named.
   */
  judge(tree: string, base: string, extent?: JudgeExtent): Promise<Result<Judged, Failure>>;
  /** The tree of a commit that main had. */
  treeOf(commit: string): Promise<Result<string, Failure>>;
  /** Who did what between two tips, the newest first. */
  suspects(from: string, to: string): Promise<EntryData<'main_red'>['suspects']>;
  /** Compare-and-swap of main in the remote. */
  moveMain(from: string, to: string): Promise<Result<MoveMain, Failure>>;
  /** Writes the change as a file under logs/patches/; relative to the home. */
  keepPatch(branch: QueuedBranch): Promise<Result<string, Failure>>;
  deleteBranch(branch: string, commit: string): Promise<Result<void, Failure>>;
  /** Runs the command that verifies a landing; undefined where none is configured. */
  verify:
    | ((landing: { commit: string; tree: string }) => Promise<Result<EntryData<'landing_verified'>, Failure>>)
    | undefined;
  /** Makes the commit that takes back what lies between two commits; kept in the mirror under the name. */
  makeRevert(
    branch: string,
    range: { from: string; to: string },
    title: string,
  ): Promise<Result<{ commit: string; tree: string }, Failure>>;
}

export type Stacked =
  /**
   * The commit to land and its tree; `merged` differs from the branch's own commit except by accident.
   * `note`: why the style is not the one asked for.
   */
  | { state: 'stacked'; merged: string; tree: string; note?: string }
  /** `text`: what git says, with the hunks. */
  | { state: 'conflict'; files: string[]; text: string }
  /** A submodule, an unreadable object: it cannot be merged, and why. */
  | { state: 'unusable'; reason: string };

export interface Judged {
  state: 'green' | 'red' | 'unevaluated';
  reason: string;
  /** Identities that fail and did not in the base. */
  failing: string[];
  /** Tests of the base that are gone or skipped: in a change they count as failed. */
  lost: string[];
  figures: Figures;
  checks: { ran: number; reused: number };
}

/** `moved`: main is at `to`. `lost`: somebody else was first. A refusal by a rule of the remote is a failure. */
export type MoveMain = 'moved' | 'lost';
