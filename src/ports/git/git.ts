import { existsSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { type SimpleGit, simpleGit } from 'simple-git';
import type { Clock } from '../../base/clock.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failed, failure } from '../../model/failure.ts';
import { createLockWatch, lockInTheWay } from './locks.ts';
import { withoutCredentials } from './redact.ts';

/**
 * The one way to git: every call of the factory is made here, so that none forgets the walls.
 *
 * Two libraries, each where it is good. simple-git answers questions whose answer is text and whose non-zero exit is
 * simply a failure (`ask`); by itself it takes a silent non-zero exit for success, so its `errors` plugin is set.
 * Whatever needs the exit code as an answer, bytes, standard input, an index file, a work tree, a whole process group
 * to kill, or patience with a lock goes through execa (`run`).
 */
export interface Git {
  /** Runs git and reports however it ended; never throws for what git says. */
  run(call: GitCall): Promise<GitOutput>;
  /** Runs git where only exit 0 is a success; its standard output. */
  done(call: GitCall): Promise<Result<string, Failure>>;
  /** A question to a git directory of Winnow's own, by simple-git; the answer without the last line end. */
  ask(gitDir: string, args: string[]): Promise<Result<string, Failure>>;
  /** Whether the git on PATH can do what Winnow needs; kinds command-missing, git-failed. */
  usable(): Promise<Result<void, Failure>>;
}

export interface GitCall {
  args: string[];
  /** The git directory, always named: git must never go looking for one among an agent's files. */
  gitDir: string;
  workTree?: string;
  indexFile?: string;
  /** Directories to read objects from beside the git directory's own. */
  alternates?: string[];
  /**
   * 'own': nobody's configuration, no filters, no hooks; for all that touches work trees and agents' files.
   * 'owner': the configuration, credentials and agent of the person whose repository it is; for the remote only.
   */
  as?: 'own' | 'owner';
  config?: string[];
  env?: Record<string, string>;
  input?: string;
  inputFile?: string;
  /** Standard output goes into this file instead of the result. */
  outputFile?: string;
  /** Standard output above this kills git and sets `cut`. */
  outputMaxBytes?: number;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface GitOutput {
  exitCode: number | undefined;
  stdout: Buffer;
  /** Without credentials. */
  stderr: string;
  timedOut: boolean;
  aborted: boolean;
  /** More output than `outputMaxBytes`; what came before is there. */
  cut: boolean;
  spawnError: string | undefined;
  timeoutMs: number;
}

export interface GitDeps {
  clock: Clock;
  /** Winnow's own environment: PATH for every call, all of it for calls to the remote. */
  env?: NodeJS.ProcessEnv;
  /** Called when a lock was found abandoned and removed. */
  log?: (message: string) => void;
}

/** `git merge-tree --write-tree` with conflicts by name. */
const GIT_MINIMUM = [2, 38] as const;
/** Local work on a large repository takes seconds; what takes longer hangs, on a planted pipe for instance. */
const LOCAL_TIMEOUT_MS = 5 * 60_000;
/** A tree of a million paths is 100 MB; nothing else that is read whole comes near. */
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024;
/** Time for git to take back its own locks before it is killed outright. */
const TERM_GRACE_MS = 2_000;
/** After git's exit a background child (an ssh master) may hold the pipes open; nothing more will come from it. */
const PIPE_GRACE_MS = 1_000;
/** Longest wait for a lock that somebody holds. */
const LOCK_WAIT_MS = 20_000;
const LOCK_POLL_MS = 50;

/** For every call: nothing of the repository's runs, nothing starts by itself, names arrive as they are. */
const WALLS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.ext.allow=never',
  'core.quotePath=false',
  // Objects and refs reach the disk before they are spoken of; the default leaves loose objects to luck.
  'core.fsync=committed,loose-object,reference',
  'core.fsyncMethod=batch',
];

/** Besides, for work among an agent's files: nothing there may steer how they are read. */
const OWN_CONFIG = ['core.multiPackIndex=false', 'core.untrackedCache=false', 'advice.addEmbeddedRepo=false'];

/** Variables that would point git elsewhere than the call says. */
const MISLEADING =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|CONFIG|CONFIG_PARAMETERS|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|QUARANTINE_PATH|TRACE.*|CURL_VERBOSE|LITERAL_PATHSPECS|GLOB_PATHSPECS|ICASE_PATHSPECS|EDITOR|CEILING_DIRECTORIES)$/;

const OWN_ENV = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
};

export const createGit = ({ clock, env = process.env, log }: GitDeps): Git => {
  const questions = new Map<string, SimpleGit>();

  const envOf = (call: GitCall): Record<string, string> => {
    const base =
      call.as === 'owner'
        ? {
            ...Object.fromEntries(
              Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined && !MISLEADING.test(e[0])),
            ),
            GIT_TERMINAL_PROMPT: '0',
            LC_ALL: 'C',
          }
        : { PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin', ...OWN_ENV };
    return {
      ...base,
      GIT_DIR: call.gitDir,
      ...(call.workTree === undefined ? {} : { GIT_WORK_TREE: call.workTree }),
      ...(call.indexFile === undefined ? {} : { GIT_INDEX_FILE: call.indexFile }),
      ...(call.alternates === undefined
        ? {}
        : { GIT_ALTERNATE_OBJECT_DIRECTORIES: call.alternates.map(quotedPath).join(path.delimiter) }),
      ...call.env,
    };
  };

  const once = async (call: GitCall): Promise<GitOutput> => {
    const timeoutMs = call.timeoutMs ?? LOCAL_TIMEOUT_MS;
    const config = [...WALLS, ...(call.as === 'owner' ? [] : OWN_CONFIG), ...(call.config ?? [])];
    const output: GitOutput = {
      exitCode: undefined,
      stdout: Buffer.alloc(0),
      stderr: '',
      timedOut: false,
      aborted: call.signal?.aborted ?? false,
      cut: false,
      spawnError: undefined,
      timeoutMs,
    };
    if (output.aborted) return output;

    const child = execa('git', [...config.flatMap((c) => ['-c', c]), ...call.args], {
      cwd: call.workTree ?? call.gitDir,
      env: envOf(call),
      extendEnv: false,
      reject: false,
      // A group of its own, so that a helper (ssh, git-remote-https) dies with it and Ctrl-C does not tear an index.
      detached: true,
      cleanup: false,
      encoding: 'buffer',
      stripFinalNewline: false,
      maxBuffer: { stdout: call.outputMaxBytes ?? OUTPUT_MAX_BYTES, stderr: 4 * 1024 * 1024 },
      ...(call.input === undefined ? {} : { input: call.input }),
      ...(call.inputFile === undefined ? {} : { inputFile: call.inputFile }),
      ...(call.input === undefined && call.inputFile === undefined ? { stdin: 'ignore' as const } : {}),
      ...(call.outputFile === undefined ? {} : { stdout: { file: call.outputFile } }),
    });

    const timers: NodeJS.Timeout[] = [];
    const stop = () => {
      killGroup(child.pid, 'SIGTERM');
      timers.push(setTimeout(() => killGroup(child.pid, 'SIGKILL'), TERM_GRACE_MS));
    };
    timers.push(
      setTimeout(() => {
        output.timedOut = true;
        stop();
      }, timeoutMs),
    );
    const onAbort = () => {
      output.aborted = true;
      stop();
    };
    call.signal?.addEventListener('abort', onAbort, { once: true });
    child.once('exit', () => {
      timers.push(
        setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, PIPE_GRACE_MS),
      );
    });

    const result = await child;
    for (const timer of timers) clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
    output.exitCode = result.exitCode;
    output.stdout = bytesOf(result.stdout);
    output.stderr = withoutCredentials(bytesOf(result.stderr).toString('utf8'));
    output.cut = result.isMaxBuffer;
    if (child.pid === undefined) output.spawnError = result.code ?? 'unknown';
    return output;
  };

  const run = async (call: GitCall): Promise<GitOutput> => {
    const deadlineMs = clock.monotonic() + LOCK_WAIT_MS;
    const watch = createLockWatch({ clock, ...(log === undefined ? {} : { log }) });
    for (;;) {
      const output = await once(call);
      if (output.exitCode === 0 || output.timedOut || output.aborted) return output;
      const lock = lockInTheWay(output.stderr, call.workTree ?? call.gitDir);
      // Locks of other people's repositories, the remote's for instance, are theirs to mend.
      const ofIndex = lock !== undefined && lock === `${call.indexFile}.lock`;
      if (lock === undefined || !(ofIndex || inside(lock, call.gitDir))) return output;
      if (clock.monotonic() > deadlineMs) return output;
      const what = ofIndex ? (call.indexFile ?? '') : call.gitDir;
      if (!(await watch.removeIfAbandoned(lock, what))) await clock.sleep(LOCK_POLL_MS, call.signal);
    }
  };

  const done = async (call: GitCall): Promise<Result<string, Failure>> => {
    const output = await run(call);
    return output.exitCode === 0 && !output.cut ? ok(output.stdout.toString('utf8')) : err(gitFailure(call, output));
  };

  const ask = async (gitDir: string, args: string[]): Promise<Result<string, Failure>> => {
    let question = questions.get(gitDir);
    if (!question) {
      question = createQuestion(gitDir, env);
      questions.set(gitDir, question);
    }
    try {
      return ok((await question.raw(args)).replace(/\n$/, ''));
    } catch (error) {
      const text = withoutCredentials(error instanceof Error ? error.message : String(error));
      if (/spawn git ENOENT/.test(text)) return err(gitMissing());
      return failed('git-failed', `git ${args[0]} failed: ${gitsWords(text)}`, text);
    }
  };

  const usable = async (): Promise<Result<void, Failure>> => {
    const call: GitCall = { args: ['version'], gitDir: '/' };
    const answer = await done(call);
    if (!answer.ok) return answer;
    const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(answer.value)?.slice(1) ?? []).map(Number);
    if (major > GIT_MINIMUM[0] || (major === GIT_MINIMUM[0] && minor >= GIT_MINIMUM[1])) return ok(undefined);
    return failed(
      'git-failed',
      `${answer.value.trim()} is too old: Winnow needs git ${GIT_MINIMUM.join('.')} or newer`,
    );
  };

  return { run, done, ask, usable };
};

/** simple-git, with the same walls and with an `errors` plugin so that a silent non-zero exit is no success. */
const createQuestion = (gitDir: string, env: NodeJS.ProcessEnv): SimpleGit =>
  simpleGit({
    baseDir: gitDir,
    config: [...WALLS, ...OWN_CONFIG],
    allowEnvironment: [...Object.keys(OWN_ENV), 'GIT_DIR'],
    unsafe: {
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeConfigPaths: true,
    },
    timeout: { block: LOCAL_TIMEOUT_MS },
    errors: (error, { exitCode, stdErr }) =>
      error ?? (exitCode === 0 ? undefined : Buffer.from(Buffer.concat(stdErr).toString('utf8') || `exit ${exitCode}`)),
  }).env({ PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin', ...OWN_ENV, GIT_DIR: gitDir });

/** What a person reads when a local git command failed. */
export const gitFailure = (call: GitCall, output: GitOutput): Failure => {
  const name = `git ${call.args[0]}`;
  // A directory that is gone and a program that is missing are the same error to who starts a process.
  const place = call.workTree ?? call.gitDir;
  if (output.spawnError === 'ENOENT' && place !== '' && !existsSync(place))
    return failure('git-failed', `${place} is gone`);
  if (output.spawnError === 'ENOENT') return gitMissing();
  if (output.spawnError !== undefined) return failure('git-failed', `${name} could not start: ${output.spawnError}`);
  if (output.aborted) return failure('interrupted', `${name} was stopped`);
  if (output.timedOut) {
    return failure('git-failed', `${name} was killed after ${Math.round(output.timeoutMs / 1000)} s`, output.stderr);
  }
  if (output.cut) return failure('git-failed', `${name} printed more than was allowed`, output.stderr);
  if (/No space left on device|Disk quota exceeded/i.test(output.stderr)) {
    return failure('disk-full', `${name} found no space left on the disk`, output.stderr);
  }
  const words = gitsWords(output.stderr) || `exit ${output.exitCode ?? 'by a signal'}`;
  return failure('git-failed', `${name} failed: ${words}`, output.stderr);
};

/** The line of git's standard error that says what is wrong. */
export const gitsWords = (stderr: string): string => {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return (lines.find((line) => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? '').slice(0, 500);
};

const gitMissing = (): Failure => failure('command-missing', 'git is not on PATH');

const killGroup = (pid: number | undefined, signal: NodeJS.Signals): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
};

const bytesOf = (value: unknown): Buffer => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0));

const inside = (file: string, dir: string): boolean => file.startsWith(dir.endsWith(path.sep) ? dir : dir + path.sep);

/** In a list of directories a name that holds the separator must stand in quotes. */
const quotedPath = (dir: string): string =>
  /[:"\\]/.test(dir) ? `"${dir.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"` : dir;
