import type { Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';

/** Who a commit is by. */
export interface Author {
  name: string;
  email: string;
}

export interface DiffFile {
  path: string;
  /** Former path of a rename. */
  from?: string;
  status: 'added' | 'modified' | 'deleted' | 'renamed' | 'type-changed';
  added: number;
  removed: number;
  binary: boolean;
  oldMode: string;
  newMode: string;
}

export interface Diff {
  files: DiffFile[];
  added: number;
  removed: number;
}

export interface Change {
  onto: string;
  /** The tip of what is to come. */
  commit: string;
  style: 'squash' | 'merge' | 'rebase';
  /** Of the one commit that squash and merge make; rebase keeps the messages there are. */
  message: string;
  /** Last in every commit made; lines of the same keys that stood in the message are forged and go. */
  trailers: [string, string][];
  author: Author;
  at: number;
}

export type Stacked =
  /** `merged` is `onto` itself when the change adds nothing to it. `note`: why the style is not the one asked for. */
  | { state: 'stacked'; merged: string; tree: string; note?: string }
  /** `text`: git's words and the conflicting lines, at most CONFLICT_TEXT_MAX_BYTES, for who redoes the change. */
  | { state: 'conflict'; files: string[]; text: string }
  /** A submodule, an unreadable object, no common history: it cannot be merged by anybody here, and why. */
  | { state: 'unusable'; reason: string };

export interface CommitLine {
  commit: string;
  /** As `name <address>`. */
  author: string;
  subject: string;
}

/** A commit whose trailer names the session that made it. */
export interface SessionCommit {
  commit: string;
  session: string;
  subject: string;
  /** When the commit says that it was made. */
  atMs: number;
}

export interface Traits {
  files: number;
  renames: number;
  /** Paths that are a submodule before or after. */
  submodules: string[];
  /** Paths whose new content is a pointer to a file kept elsewhere (Git LFS). */
  lfsPointers: string[];
  binaries: string[];
}

export interface Kept {
  /** As given to `keep`. */
  name: string;
  commit: string;
  /** When the name was given to it, by the time of this machine; the commit's own date is its maker's. */
  atMs: number;
}

/** Winnow's own bare copy of a project's repository; the only git directory its own commands ever work in. */
export interface Mirror {
  dir: string;
  /** Fetches the branch; the tip of it. Kinds: repo-missing, repo-empty, branch-missing, repo-unreachable. */
  fetch(signal?: AbortSignal): Promise<Result<{ tip: string }, Failure>>;
  treeOf(commitish: string): Promise<Result<string, Failure>>;
  /** Commits in `to` that are not in `from`. */
  countCommits(from: string, to: string): Promise<number>;
  isAncestor(ancestor: string, of: string): Promise<boolean>;
  /** The tree of merging `theirs` into `ours`, without a checkout; or the paths that conflict. */
  mergeTree(ours: string, theirs: string): Promise<Result<{ tree: string } | { conflicts: string[] }, Failure>>;
  /** By `git diff --raw --numstat -z -M`: exact for spaces, renames, binary and non-ASCII names. */
  diff(from: string, to: string): Promise<Result<Diff, Failure>>;
  /** Unified diff as text; binary files in git's binary form. At most `maxBytes`. */
  patch(from: string, to: string, maxBytes: number): Promise<Result<{ text: string; truncated: boolean }, Failure>>;
  /** What a push of `to` would publish beyond `from`: messages, names and added lines of every commit between. */
  history(from: string, to: string, maxBytes: number): Promise<Result<{ text: string; truncated: boolean }, Failure>>;
  /** Writes the whole binary-safe patch to a file, atomically; streamed, of any size. */
  writePatch(from: string, to: string, file: string): Promise<Result<void, Failure>>;
  /** Content of a file at a commit or tree; undefined when there is none or it is larger than `maxBytes`. */
  readFile(treeish: string, path: string, maxBytes: number): Promise<string | undefined>;
  /** Paths of a tree; `limit` at most. */
  listFiles(treeish: string, limit: number): Promise<string[]>;
  /** Creates a commit object from a tree. */
  commitTree(input: {
    tree: string;
    parents: string[];
    message: string;
    author: Author;
    at: number;
  }): Promise<Result<string, Failure>>;
  /** Keeps a commit reachable in the mirror under refs/winnow/<name>. */
  keep(name: string, commit: string): Promise<Result<void, Failure>>;
  /** Given a commit, only if the name still stands for that one. */
  unkeep(name: string, commit?: string): Promise<void>;
  /** Where two histories parted; undefined when they have nothing in common or one is unknown. */
  mergeBase(one: string, other: string): Promise<string | undefined>;
  /** Pushes a commit to the remote as a new branch; never forces. Idempotent when it is already there at that commit. */
  pushBranch(branch: string, commit: string): Promise<Result<void, Failure>>;
  /** What the remote has under this branch now; undefined: no such branch. */
  remoteBranch(branch: string): Promise<Result<string | undefined, Failure>>;
  /** Every branch of the remote with its commit. */
  remoteBranches(): Promise<Result<Map<string, string>, Failure>>;
  /** Deletes a remote branch if it is still at this commit. */
  deleteRemoteBranch(branch: string, commit: string): Promise<Result<void, Failure>>;
  /** What the remote has under this name now, fetched so that it can be merged; undefined: no such branch. */
  fetchBranch(branch: string, signal?: AbortSignal): Promise<Result<string | undefined, Failure>>;
  /**
   * Moves the branch forward in the remote if it is still at `from`; a checkout of it on this machine follows.
   * `moved`: the branch holds `to`, whoever asked first. `lost`: somebody else moved it before.
   * Kinds: push-refused, checkout-dirty (nothing was moved or touched), repo-unreachable and those of `fetch`.
   */
  moveMain(from: string, to: string): Promise<Result<'moved' | 'lost', Failure>>;
  /** Puts a change on top of a commit without a checkout. The same input makes the same commits, wherever and when. */
  stack(change: Change): Promise<Result<Stacked, Failure>>;
  /** Commits in `to` that are not in `from`, the newest first; none when one of them is unknown. */
  commits(from: string, to: string, limit: number): Promise<CommitLine[]>;
  /** Those of the last `limit` commits up to `tip` that sessions made, the newest first; none when it is unknown. */
  commitsOfSessions(tip: string, limit: number): Promise<SessionCommit[]>;
  parentOf(commit: string): Promise<string | undefined>;
  /** The commit that takes back what lies between two: merging it into whatever came later takes it back there. */
  revertOf(
    range: { from: string; to: string },
    message: string,
    author: Author,
    at: number,
  ): Promise<Result<{ commit: string; tree: string }, Failure>>;
  /**
   * The commit a person means: by the first 4 or more digits of its name, by a branch kept here or followed in the
   * remote, or by a whole ref. Undefined when there is none, or more than one. Nothing else of git's syntax is taken.
   */
  resolve(name: string): Promise<string | undefined>;
  /** What a review must know of a change beside its lines. */
  traits(from: string, to: string): Promise<Result<Traits, Failure>>;
  /** What `keep` holds, the oldest first. */
  kept(): Promise<Result<Kept[], Failure>>;
  /**
   * Deletes the objects that nothing has referred to for two weeks, save those of the commits `spoken` of; see
   * retention.ts for why that is safe.
   */
  prune(spoken?: readonly string[]): Promise<Result<{ freedBytes: number }, Failure>>;
  /**
   * Packs what has piled up, so that the ten thousandth cycle is as quick as the first; for a quiet hour.
   * Deletes no object: kept commits and the workspaces that borrow them lose nothing.
   */
  tidy(): Promise<Result<void, Failure>>;
}

/** The isolated checkout in which a cycle works: own git directory, borrowed objects, no remote, no hooks. */
export interface Workspace {
  dir: string;
  branch: string;
  base: string;
}

export interface Captured {
  /** The commit that stands for all of the session's work: its own commits and what it left uncommitted. */
  commit: string;
  tree: string;
  /** Nothing differs from the base. */
  empty: boolean;
  /** True when Winnow committed leftovers, or had to rebuild the commit since the agent's .git was unusable. */
  leftovers: boolean;
  /** Sentences about what could not be taken along as it was: pipes, unreadable or huge files, unusable commits. */
  notes: string[];
}

export interface Workspaces {
  /** A clean workspace at `base` on a new branch; an existing directory of that name is reused when that is safe. */
  prepare(input: {
    mirror: Mirror;
    name: string;
    base: string;
    branch: string;
    exclude: string[];
  }): Promise<Result<Workspace, Failure>>;
  /** Brings the session's work into the mirror without running anything the agent configured. */
  capture(input: {
    mirror: Mirror;
    workspace: Workspace;
    author: Author;
    message: string;
    at: number;
  }): Promise<Result<Captured, Failure>>;
  /** A clean checkout of a tree for checks; reused from a pool of directories that no two processes hold at once. */
  checkout(input: { mirror: Mirror; tree: string; dir: string; exclude: string[] }): Promise<Result<void, Failure>>;
  remove(name: string): Promise<void>;
  /** What `prepare` last made under this name, if the directory is still there: for the rescue after a crash. */
  left(name: string): Workspace | undefined;
}
