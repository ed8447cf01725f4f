import { stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failed, failure } from '../../model/failure.ts';
import { type Git, type GitOutput, gitFailure, gitsWords } from './git.ts';
import { withoutCredentials } from './redact.ts';
import { isBranchName } from './ref-name.ts';

/**
 * The project's repository, wherever it is: a URL, a bare repository, or a checkout whose files are never touched.
 * Its owner's configuration and credentials are used here and nowhere else; what goes wrong is told apart, because
 * a person mends a wrong path, an empty repository, a wrong branch and a dead network in four different ways.
 */
export interface Source {
  /** What git is given. */
  url: string;
  /** Absolute path, when it is on this machine. */
  path?: string;
  /** For messages: without credentials. */
  name: string;
}

export interface Remote {
  /** Fetches a branch that must be there; its tip. */
  fetch(branch: string, signal?: AbortSignal): Promise<Result<string, Failure>>;
  /** Fetches a branch if it is there; undefined: it is not, and the mirror forgets where it was. */
  find(branch: string, signal?: AbortSignal): Promise<Result<string | undefined, Failure>>;
  /** What is there: branches with their commits, and the default branch. */
  look(signal?: AbortSignal): Promise<Result<RemoteRefs, Failure>>;
  push(branch: string, commit: string): Promise<Result<void, Failure>>;
  branch(branch: string): Promise<Result<string | undefined, Failure>>;
  remove(branch: string, commit: string): Promise<Result<void, Failure>>;
  /** Moves a branch forward if it is still at `from`; the remote's words when it would not, for whatever reason. */
  advance(branch: string, from: string, to: string): Promise<Result<{ refusal?: string; detail?: string }, Failure>>;
}

export interface RemoteRefs {
  branches: Map<string, string>;
  defaultBranch: string | undefined;
}

/** The first fetch of a large project over a slow line. */
const FETCH_TIMEOUT_MS = 20 * 60_000;
const PUSH_TIMEOUT_MS = 5 * 60_000;
const LOOK_TIMEOUT_MS = 60_000;
/** Sessions fetch and push side by side: somebody else's lock on a ref lasts milliseconds. */
const CONTENTION_TRIES_MAX = 6;
const CONTENTION_DELAY_MS = 60;
/** Branches named in a message; the rest is counted. */
const BRANCHES_NAMED_MAX = 8;

/** `repo:` of the configuration: a URL as git takes it, or a path relative to the home. */
export const sourceOf = async (repo: string, home: string): Promise<Source> => {
  const text = repo.trim();
  const local = path.resolve(home, text.replace(/^~(?=\/|$)/, os.homedir()));
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || (/^[^/\\]+:/.test(text) && !(await exists(local)));
  const file = /^file:\/\//i.test(text) ? pathOfUrl(text) : undefined;
  if (isUrl) return { url: text, name: withoutCredentials(text), ...(file === undefined ? {} : { path: file }) };
  return { url: local, path: local, name: local };
};

const pathOfUrl = (url: string): string | undefined => {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
};

export const createRemote = ({
  git,
  clock,
  gitDir,
  source,
}: {
  git: Git;
  clock: Clock;
  gitDir: string;
  source: Source;
}): Remote => {
  const call = (args: string[], timeoutMs: number, signal?: AbortSignal) =>
    git.run({ gitDir, as: 'owner', config: PUSH_ONE_REF, args, timeoutMs, signal });

  /** Repeats what met somebody else's lock. */
  const patiently = async (attempt: () => Promise<GitOutput>, signal?: AbortSignal): Promise<GitOutput> => {
    for (let tries = 1; ; tries += 1) {
      const output = await attempt();
      const contention = CONTENTION.test(textOf(output)) && !IN_THE_WAY.test(output.stderr);
      if (output.exitCode === 0 || tries >= CONTENTION_TRIES_MAX || !contention) return output;
      await clock.sleep(CONTENTION_DELAY_MS * tries * (1 + Math.random()), signal);
    }
  };

  const look = async (signal?: AbortSignal): Promise<Result<RemoteRefs, Failure>> => {
    const output = await call(['ls-remote', '--symref', 'origin', 'HEAD', 'refs/heads/*'], LOOK_TIMEOUT_MS, signal);
    if (output.exitCode !== 0) return err(await remoteFailure(source, 'ls-remote', output));
    const refs: RemoteRefs = { branches: new Map(), defaultBranch: undefined };
    for (const line of output.stdout.toString('utf8').split('\n')) {
      const [left = '', right = ''] = line.split('\t');
      if (left.startsWith('ref: refs/heads/')) refs.defaultBranch = left.slice('ref: refs/heads/'.length);
      else if (right.startsWith('refs/heads/')) refs.branches.set(right.slice('refs/heads/'.length), left);
    }
    return ok(refs);
  };

  const bring = async (branch: string, signal?: AbortSignal): Promise<Result<string | undefined, Failure>> => {
    if (!isBranchName(branch)) return failed('argument-invalid', `"${branch}" cannot name a branch`);
    const tracking = `refs/remotes/origin/${branch}`;
    // A shallow source makes a shallow mirror instead of none.
    const args = [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--update-shallow',
    ];
    args.push('--no-recurse-submodules', 'origin', `+refs/heads/${branch}:${tracking}`);
    const attempt = () => patiently(() => call(args, FETCH_TIMEOUT_MS, signal), signal);
    let output = await attempt();
    if (output.exitCode !== 0 && IN_THE_WAY.test(output.stderr)) {
      // A branch followed earlier ('a') stands where the new one ('a/b') needs a directory.
      await dropTrackingRefsInTheWay(git, gitDir, tracking);
      output = await attempt();
    }
    if (output.exitCode === 0) return git.ask(gitDir, ['rev-parse', '--verify', `${tracking}^{commit}`]);
    if (/couldn't find remote ref/i.test(output.stderr)) return ok(undefined);
    return err(await remoteFailure(source, 'fetch', output));
  };

  const find = async (branch: string, signal?: AbortSignal): Promise<Result<string | undefined, Failure>> => {
    const found = await bring(branch, signal);
    if (found.ok && found.value === undefined) await forget(branch);
    return found;
  };

  /** Where the remote had it: such a ref for every branch that ever was would hold all their commits for good. */
  const forget = async (branch: string): Promise<void> => {
    await git.run({ gitDir, args: ['update-ref', '-d', `refs/remotes/origin/${branch}`] });
  };

  const fetch = async (branch: string, signal?: AbortSignal): Promise<Result<string, Failure>> => {
    const found = await bring(branch, signal);
    if (!found.ok) return found;
    if (found.value !== undefined) return ok(found.value);
    const refs = await look(signal);
    return refs.ok ? err(missingBranch(source, branch, refs.value)) : refs;
  };

  const branchAt = async (branch: string): Promise<Result<string | undefined, Failure>> => {
    const ref = `refs/heads/${branch}`;
    const output = await call(['ls-remote', 'origin', ref], LOOK_TIMEOUT_MS);
    if (output.exitCode !== 0) return err(await remoteFailure(source, 'ls-remote', output));
    const line = output.stdout
      .toString('utf8')
      .split('\n')
      .find((l) => l.endsWith(`\t${ref}`));
    return ok(line?.split('\t')[0]);
  };

  /** One ref, and only if the remote has it at `expected` ('' for not at all): a compare-and-swap, never a force. */
  const pushRef = (spec: string, ref: string, expected: string): Promise<GitOutput> =>
    patiently(() =>
      call(
        ['push', '--porcelain', '--no-verify', `--force-with-lease=${ref}:${expected}`, 'origin', spec],
        PUSH_TIMEOUT_MS,
      ),
    );

  return {
    fetch,
    find,
    look,
    branch: branchAt,
    push: async (branch, commit) => {
      const ref = `refs/heads/${branch}`;
      const output = await pushRef(`${commit}:${ref}`, ref, '');
      if (output.exitCode === 0) return ok(undefined);
      const refusal = refusalIn(output);
      if (refusal === undefined) return err(await remoteFailure(source, 'push', output));
      const there = await branchAt(branch);
      if (there.ok && there.value === commit) return ok(undefined);
      const why = there.ok && there.value ? `it is there already at ${there.value.slice(0, 12)}` : refusal;
      return failed('push-refused', `${source.name} did not take the branch ${branch}: ${why}`, output.stderr);
    },
    remove: async (branch, commit) => {
      const ref = `refs/heads/${branch}`;
      const output = await pushRef(`:${ref}`, ref, commit);
      if (output.exitCode === 0) return ok(await forget(branch));
      const refusal = refusalIn(output);
      if (refusal === undefined) return err(await remoteFailure(source, 'push', output));
      const there = await branchAt(branch);
      if (there.ok && there.value === undefined) return ok(await forget(branch));
      const why = there.ok && there.value !== commit ? `it has moved to ${there.value?.slice(0, 12)}` : refusal;
      return failed('push-refused', `${source.name} did not delete the branch ${branch}: ${why}`, output.stderr);
    },
    advance: async (branch, from, to) => {
      const ref = `refs/heads/${branch}`;
      const output = await pushRef(`${to}:${ref}`, ref, from);
      if (output.exitCode === 0) return ok({});
      const refusal = refusalIn(output);
      if (refusal === undefined) return err(await remoteFailure(source, 'push', output));
      return ok({ refusal, detail: output.stderr });
    },
  };
};

/** The owner's habits (tags that follow, submodules) must not ride along. */
const PUSH_ONE_REF = ['push.followTags=false', 'push.recurseSubmodules=no'];

const CONTENTION =
  /cannot lock ref|Unable to create '[^']*\.lock': File exists|shallow file has changed|failed to lock|incorrect old value provided/;

/** A ref whose name is a directory to another's. */
const IN_THE_WAY = /exists; cannot create/;

const textOf = (output: GitOutput): string => `${output.stderr}\n${output.stdout.toString('utf8')}`;

/** What the remote said against the one ref that was pushed; undefined when it never came to that. */
const refusalIn = (output: GitOutput): string | undefined => {
  const summary = /^!\t[^\t]*\t(.*)$/m.exec(output.stdout.toString('utf8'))?.[1];
  if (summary === undefined) return undefined;
  const said = [...output.stderr.matchAll(/^remote: (.*\S)\s*$/gm)].map((match) => match[1]);
  return withoutCredentials([summary, ...said].join('; ')).slice(0, 1_000);
};

export const missingBranch = (source: Source, branch: string, refs: RemoteRefs): Failure => {
  const names = [...refs.branches.keys()].sort();
  if (names.length === 0) return failure('repo-empty', `${source.name} has no commits yet`);
  const listed = names.slice(0, BRANCHES_NAMED_MAX).join(', ');
  const more = names.length > BRANCHES_NAMED_MAX ? ` and ${names.length - BRANCHES_NAMED_MAX} more` : '';
  const likely = refs.defaultBranch ?? ['main', 'master', 'trunk', 'develop'].find((name) => refs.branches.has(name));
  const hint = likely !== undefined && refs.branches.has(likely) ? `; its default branch is ${likely}` : '';
  return failure('branch-missing', `${source.name} has no branch ${branch}; it has ${listed}${more}${hint}`);
};

/** Why the remote could not be used, by git's words and by a look at the path. */
const remoteFailure = async (source: Source, verb: string, output: GitOutput): Promise<Failure> => {
  const { stderr } = output;
  const general = gitFailure({ args: [verb], gitDir: '' }, output);
  if (output.spawnError !== undefined || output.aborted || general.kind === 'disk-full') return general;
  if (output.timedOut) {
    const seconds = Math.round(output.timeoutMs / 1000);
    return failure('repo-unreachable', `${source.name} gave no answer to git ${verb} within ${seconds} s`, stderr);
  }
  if (source.path !== undefined) {
    if (!(await exists(source.path))) return failure('repo-missing', `there is nothing at ${source.path}`, stderr);
    if (/dubious ownership/.test(stderr)) {
      const mend = `git config --global --add safe.directory ${source.path}`;
      const why = `git refuses ${source.path} because another user owns it; \`${mend}\` allows it`;
      return failure('repo-unreachable', why, stderr);
    }
    if (NO_REPOSITORY.test(stderr)) return failure('repo-missing', `${source.path} is not a git repository`, stderr);
  }
  if (/mismatched algorithms/.test(stderr)) {
    const why = `${source.name} names its objects otherwise (SHA-1, SHA-256) than the mirror that was made of it`;
    return failure('git-failed', `${why}: move the mirror away and it is made anew`, stderr);
  }
  if (/did not send all necessary objects|lazy fetching|promisor|missing blob|pack-objects died/i.test(stderr)) {
    return failure('git-failed', `${source.name} does not hold all its objects (a partial clone?)`, stderr);
  }
  if (NO_REPOSITORY.test(stderr)) return failure('repo-missing', `${source.name} is not a git repository`, stderr);
  if (NOT_LET_IN.test(stderr)) {
    const to = verb === 'push' ? 'push' : 'read';
    const why = `${source.name} refused the credentials (expired, missing or without the right to ${to})`;
    return failure('repo-unreachable', `${why}: ${reason(stderr)}`, stderr);
  }
  return failure('repo-unreachable', `${source.name} cannot be reached: ${reason(stderr)}`, stderr);
};

/** How ssh, curl and the forges say that they know the asker not, or not any more. */
const NOT_LET_IN =
  /Authentication failed|could not read (?:Username|Password)|returned error: 40[13]\b|Permission denied \(|Permission to \S+ denied|Invalid username or (?:password|token)|HTTP Basic: Access denied|Write access to repository not granted|marked as read only|token .*expired|Unauthorized/i;

const NO_REPOSITORY =
  /does not appear to be a git repository|not a git repository|invalid gitfile format|repository '[^']*' not found|Repository not found|repository not exported|access denied or repository not exported/i;

/** What ssh or curl said is the reason; git's own last line only says that there was one. */
const reason = (stderr: string): string => {
  const lines = stderr.split('\n').map((line) => line.trim());
  const cause = lines.find((line) => /^(ssh:|kex_|Host key|.*Permission denied|curl|remote:)/i.test(line));
  return (cause ?? gitsWords(stderr)).slice(0, 500) || 'git gave no reason';
};

const dropTrackingRefsInTheWay = async (git: Git, gitDir: string, wanted: string): Promise<void> => {
  const refs = await git.ask(gitDir, ['for-each-ref', '--format=%(refname)', 'refs/remotes/origin']);
  if (!refs.ok) return;
  for (const ref of refs.value.split('\n')) {
    if (!ref.startsWith(`${wanted}/`) && !wanted.startsWith(`${ref}/`)) continue;
    await git.run({ gitDir, args: ['update-ref', '-d', ref] });
  }
};

const exists = async (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
