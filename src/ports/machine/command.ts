import type { Clock } from '../../base/clock.ts';

/** One command, from spawn to the death of its last descendant. */
export interface CommandRequest {
  /** A shell command line when `args` is absent (run by /bin/sh -c), else the file to execute. */
  command: string;
  args?: string[];
  cwd: string;
  /** The whole environment: nothing is inherited. */
  env: Record<string, string>;
  timeoutMs: number;
  /** Bytes kept of standard output; above it the command is killed and `outputExceeded` is set. */
  outputMaxBytes: number;
  /** Unique value put into the environment as WINNOW_RUN, by which survivors are found. */
  marker: string;
  input?: string;
  signal?: AbortSignal;
}

export interface CommandResult {
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  aborted: boolean;
  outputExceeded: boolean;
  stdout: string;
  /** The last 64 KiB. */
  stderr: string;
  durationMs: number;
  /** User and system time of the tree, where the kernel told it. */
  cpuMs: number | undefined;
  survivorsKilled: number;
  /** ENOENT, EACCES, ... when nothing was started at all. */
  spawnError: string | undefined;
}

export interface Commands {
  run(request: CommandRequest): Promise<CommandResult>;
}

export type CreateCommands = (deps: { clock: Clock }) => Commands;
