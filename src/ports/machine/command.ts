import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { ok } from '../../base/result.ts';
import type { Reach } from '../../policy/hosts.ts';
import { MARKER_VARIABLE, sweep } from './processes.ts';
import type { Enclosure, Room, Walls } from './sandbox.ts';
import { findOnPath, firstInside, isExecutableFile, type Reaper, SWEEP_ONLY } from './walls.ts';

/** One command, from spawn to the death of its last descendant. */
export interface CommandRequest {
  /** A shell command line when `args` is absent (run by /bin/sh -c), else the file to execute. */
  command: string;
  args?: string[];
  cwd: string;
  /**
   * The whole environment: nothing is inherited. As in every shell, a variable whose name is no identifier does not
   * reach the command.
   */
  env: Record<string, string>;
  timeoutMs: number;
  /** Bytes kept of standard output; above it the command is killed and `outputExceeded` is set. */
  outputMaxBytes: number;
  /** Unique value put into the environment as WINNOW_RUN, by which survivors are found. */
  marker: string;
  /** The owner's own command: where Winnow runs as root it keeps root's power to write anywhere. */
  trusted?: boolean;
  /** What it can reach behind a wall that holds back the network; default: everything. */
  network?: Reach;
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
  /** Found by their marker after the end and killed; 0 behind a wall, where the kernel kills them uncounted. */
  survivorsKilled: number;
  /** ENOENT, EACCES, ..., or `wall-missing`, when nothing was started at all. */
  spawnError: string | undefined;
  /** Hosts, with their ports, that it asked for in vain where its network is a list. */
  refused: string[];
}

export interface Commands {
  run(request: CommandRequest): Promise<CommandResult>;
}

export type CreateCommands = (deps: { clock: Clock; reaper?: Reaper; walls?: Walls }) => Commands;

/**
 * On node:child_process rather than execa: execa settles when the pipes end, which a grandchild can put off for ever,
 * its timeout signals one process of the tree, and it decodes and joins what here must stay bounded.
 */
export const createCommands: CreateCommands = ({ clock, reaper: own = SWEEP_ONLY, walls }) => ({
  run: async (request) => {
    const startedMs = clock.monotonic();
    const unstarted = (how: Partial<CommandResult>): CommandResult => ({
      exitCode: null,
      signal: null,
      timedOut: false,
      aborted: false,
      outputExceeded: false,
      stdout: '',
      stderr: '',
      durationMs: clock.monotonic() - startedMs,
      cpuMs: undefined,
      survivorsKilled: 0,
      spawnError: undefined,
      refused: [],
      ...how,
    });
    if (request.signal?.aborted) return unstarted({ aborted: true });
    const program = programOf(request);
    if ('spawnError' in program) return unstarted(program);
    const enclosed = walls && walls.kind() !== 'none' ? await walls.around(roomFor(request)) : ok(bare(own, request));
    if (!enclosed.ok) return unstarted({ spawnError: enclosed.error.kind, stderr: enclosed.error.message });
    let refused: string[] = [];
    let ran: CommandResult;
    try {
      ran = await runBehind(enclosed.value, request, program.argv, { clock, startedMs, unstarted });
    } finally {
      refused = await enclosed.value.leave();
    }
    return { ...ran, refused };
  },
});

const runBehind = async (
  { prefix, reaper: kind, takeBack }: Enclosure,
  request: CommandRequest,
  argv: string[],
  {
    clock,
    startedMs,
    unstarted,
  }: { clock: Clock; startedMs: number; unstarted: (how: Partial<CommandResult>) => CommandResult },
): Promise<CommandResult> => {
  const reaper = { kind };
  const spawned = await start([...prefix, '/bin/sh', '-c', WATCH, 'sh', ...argv], request);
  if ('spawnError' in spawned) return unstarted(spawned);
  const { child, exited } = spawned;
  const stdout = createHead(Math.min(request.outputMaxBytes, OUTPUT_BYTES_MAX));
  const stderr = createTail(STDERR_BYTES_MAX);
  const report = createHead(REPORT_BYTES_MAX);

  let cause: 'timedOut' | 'aborted' | 'outputExceeded' | undefined;
  const stop = async (why: typeof cause) => {
    if (cause) return;
    cause = why;
    // A flood is not asked politely: every moment of it costs this process memory and time.
    if (why !== 'outputExceeded') {
      signalGroup(child, 'SIGTERM');
      await clock.sleep(TERM_GRACE_MS, exited.signal);
    }
    await killHard(child, reaper, clock, exited.signal);
  };
  const pipes = [
    drain(child.stdout, (chunk) => {
      if (!stdout.add(chunk)) void stop('outputExceeded');
    }),
    drain(child.stderr, (chunk) => stderr.add(chunk)),
    drain(child.stdio[REPORT_FD] as Readable, (chunk) => report.add(chunk)),
  ];
  const onAbort = () => void stop('aborted');
  request.signal?.addEventListener('abort', onAbort, { once: true });
  void clock.sleep(Math.min(request.timeoutMs, TIMER_MS_MAX), exited.signal).then(() => {
    if (!exited.signal.aborted) void stop('timedOut');
  });
  feed(child, request.input);

  const end = await exited.end;
  request.signal?.removeEventListener('abort', onAbort);
  const survivorsKilled = await reap(child, reaper, request.marker, cause !== undefined);
  await remainder(pipes, clock);
  if (request.trusted) await takeBack();
  const watched = parseReport(report.text());
  if (!watched.begun && cause === undefined) {
    // The wall could not be built this time (no memory, too many namespaces), so the command never began.
    return unstarted({ spawnError: 'EAGAIN', stderr: stderr.text() });
  }
  return {
    ...endOf(end, watched, reaper),
    timedOut: cause === 'timedOut',
    aborted: cause === 'aborted',
    outputExceeded: cause === 'outputExceeded',
    stdout: stdout.text(),
    stderr: stderr.text(),
    durationMs: clock.monotonic() - startedMs,
    cpuMs: watched.cpuMs,
    survivorsKilled,
    spawnError: undefined,
    refused: [],
  };
};

/** Without a wall around its files: only what it starts is held together. */
const bare = ({ prefix, humble, kind }: Reaper, { trusted }: CommandRequest): Enclosure => ({
  prefix: [...prefix, ...(trusted ? [] : humble)],
  reaper: kind,
  takeBack: async () => {},
  leave: async () => [],
});

/** It works where it stands, and has its home and its place for what is temporary. */
const roomFor = ({ cwd, env, network = 'open' }: CommandRequest): Room => ({
  cwd,
  writable: [cwd, env.HOME, env.TMPDIR].filter((place) => place !== undefined),
  readable: [],
  network,
});

/**
 * The shell that watches over the command. It outlives a polite signal to the group, so that it can tell what the
 * command used; behind a wall it is the first process, which reaps orphans and is spared by signals without a handler,
 * so that the command, which is not first, answers to them as usual. Descriptor 3 is its report: that the command
 * began, what the shell says of one killed by a signal, the times, the exit code. The command sees neither 3 nor 4.
 */
const WATCH =
  'trap : HUP INT TERM; exec 4>&2 2>&3; echo begun >&3; (exec "$@" 2>&4 3>&- 4>&-); ' +
  'c=$?; times >&3; echo "ended $c" >&3; exit $c';
const REPORT_FD = 3;

/** Between the polite signal and the last one: claude and test runners need under two seconds to put things away. */
const TERM_GRACE_MS = 2_000;

/** How long the first process behind the wall may take to die of SIGKILL before its guard is killed as well. */
const KILL_GRACE_MS = 1_000;

/** What was written before the end is in the pipe already; longer than this somebody else holds it open. */
const REMAINDER_MS = 200;

const STDERR_BYTES_MAX = 64 * 1024;

/** Names of a few signals and the times: far less than this. */
const REPORT_BYTES_MAX = 16 * 1024;

/** Whatever is asked for, a string must be made of it: half of the longest V8 can hold. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Longer timers fire at once in Node. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What is to be executed; found here, since a shell in between turns what is missing into exit code 127. */
const programOf = ({ command, args, cwd, env }: CommandRequest): { argv: string[] } | { spawnError: string } => {
  try {
    if (!statSync(cwd).isDirectory()) return { spawnError: 'ENOTDIR' };
  } catch (error) {
    return { spawnError: (error as NodeJS.ErrnoException).code ?? 'ENOENT' };
  }
  if (!args) return { argv: ['/bin/sh', '-c', command] };
  const file = command.includes('/') ? resolve(cwd, command) : findOnPath(command, env.PATH ?? DEFAULT_PATH);
  if (file === undefined) return { spawnError: 'ENOENT' };
  if (isExecutableFile(file)) return { argv: [file, ...args] };
  try {
    statSync(file);
    return { spawnError: 'EACCES' };
  } catch (error) {
    return { spawnError: (error as NodeJS.ErrnoException).code ?? 'ENOENT' };
  }
};

/** What execvp searches when there is no PATH. */
const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
}

interface Exited {
  end: Promise<End>;
  /** Aborts at the exit: what waits for the command wakes up. */
  signal: AbortSignal;
}

const start = (
  argv: string[],
  { cwd, env, marker, input }: CommandRequest,
): Promise<{ child: ChildProcess; exited: Exited } | { spawnError: string }> =>
  new Promise((settle) => {
    const gone = new AbortController();
    try {
      const child = spawn(argv[0] as string, argv.slice(1), {
        cwd,
        env: { ...env, [MARKER_VARIABLE]: marker },
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
        // A group of its own, so that one signal reaches all that stay in it.
        detached: true,
      });
      const end = new Promise<End>((ended) => {
        child.once('exit', (code, signal) => {
          gone.abort();
          ended({ code, signal });
        });
      });
      child.on('error', (error: NodeJS.ErrnoException) => settle({ spawnError: error.code ?? 'UNKNOWN' }));
      if (child.pid !== undefined) settle({ child, exited: { end, signal: gone.signal } });
    } catch (error) {
      settle({ spawnError: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' });
    }
  });

const feed = (child: ChildProcess, input: string | undefined): void => {
  if (!child.stdin || input === undefined) return;
  // EPIPE: the command did not want all of its input, which is its right.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
};

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody is left in the group.
  }
};

/**
 * Behind a wall its first process is killed and the guard left to see the end of the namespace, so that its exit means
 * that nothing lives; without one the whole group is killed.
 */
const killHard = async (
  child: ChildProcess,
  reaper: Pick<Reaper, 'kind'>,
  clock: Clock,
  exited: AbortSignal,
): Promise<void> => {
  if (exited.aborted || child.pid === undefined) return;
  const inside = reaper.kind === 'sweep' ? undefined : firstInside(child.pid);
  if (inside !== undefined) {
    try {
      process.kill(inside, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    await clock.sleep(KILL_GRACE_MS, exited);
    if (exited.aborted) return;
  }
  signalGroup(child, 'SIGKILL');
};

const reap = async (
  child: ChildProcess,
  reaper: Pick<Reaper, 'kind'>,
  marker: string,
  stopped: boolean,
): Promise<number> => {
  // The kernel lets the first process behind a wall end only after everything in it is gone.
  if (reaper.kind !== 'sweep' && !stopped) return 0;
  const killed = await sweep(marker);
  signalGroup(child, 'SIGKILL');
  return killed;
};

interface Pipe {
  ended: Promise<void>;
  bytes(): number;
  close(): void;
}

const drain = (stream: Readable | null, take: (chunk: Buffer) => void): Pipe => {
  if (!stream) return { ended: Promise.resolve(), bytes: () => 0, close: () => {} };
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    take(chunk);
  });
  const ended = new Promise<void>((resolve) => {
    stream.once('close', resolve);
    stream.once('end', resolve);
    stream.on('error', () => resolve());
  });
  return { ended, bytes: () => bytes, close: () => stream.destroy() };
};

/** Waits for the ends of the pipes, but not for whoever holds them open without writing. */
const remainder = async (pipes: Pipe[], clock: Clock): Promise<void> => {
  const allEnded = new AbortController();
  void Promise.all(pipes.map((pipe) => pipe.ended)).then(() => allEnded.abort());
  await clock.sleep(REMAINDER_MS, allEnded.signal);
  // After a stall of the event loop the time is up before anything could be read: go on while a turn brings data.
  const total = () => pipes.reduce((sum, pipe) => sum + pipe.bytes(), 0);
  for (let turn = 0, before = -1; turn < REMAINDER_TURNS && total() !== before && !allEnded.signal.aborted; turn++) {
    before = total();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  for (const pipe of pipes) pipe.close();
};

/** A pipe holds at most a few hundred kilobytes and a turn reads 64 KiB of each. */
const REMAINDER_TURNS = 64;

interface Report {
  begun: boolean;
  /** Undefined when the shell itself was killed before it could tell. */
  exitCode: number | undefined;
  /** The shell named a signal that killed the command. */
  killed: boolean;
  cpuMs: number | undefined;
}

/** Reads what the watching shell wrote: "begun", perhaps "Killed" or the like, the two lines of `times`, "ended n". */
export const parseReport = (text: string): Report => {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const times = lines.flatMap((line) => {
    const match = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/.exec(line);
    if (!match) return [];
    const [, userMin, userS, systemMin, systemS] = match.map(Number) as [number, number, number, number, number];
    return [Math.round((userMin * 60 + userS + systemMin * 60 + systemS) * 1000)];
  });
  const ended = /^ended (\d+)$/.exec(lines.at(-1) ?? '')?.[1];
  return {
    begun: lines[0] === 'begun',
    exitCode: ended === undefined ? undefined : Number(ended),
    killed: ended !== undefined && lines.length > 2 + times.length,
    // The first line is the shell's own time, which is Winnow's and not the command's.
    cpuMs: times.length === 2 ? times[1] : undefined,
  };
};

/**
 * How the command ended, in the terms of wait(2): the shell's 128+n becomes the signal again where the shell said that
 * it was one and not a program's own number. A shell that could not tell was killed itself; the guard of a wall then
 * ends with some code of its own, which says nothing.
 */
const endOf = (end: End, report: Report, reaper: Pick<Reaper, 'kind'>): Pick<CommandResult, 'exitCode' | 'signal'> => {
  const { exitCode, killed } = report;
  if (exitCode === undefined) {
    return { exitCode: null, signal: end.signal ?? (reaper.kind === 'sweep' ? null : 'SIGKILL') };
  }
  const name = Object.entries(constants.signals).find(([, number]) => killed && number === exitCode - 128)?.[0];
  return name ? { exitCode: null, signal: name } : { exitCode, signal: null };
};

interface Collector {
  /** False when the chunk did not fit. */
  add(chunk: Buffer): boolean;
  text(): string;
}

/** Keeps the first bytes, in one buffer that grows: a million tiny chunks must not become a million objects. */
const createHead = (maxBytes: number): Collector => {
  let kept = Buffer.allocUnsafe(Math.min(maxBytes, 16 * 1024));
  let length = 0;
  return {
    add: (chunk) => {
      const wanted = Math.min(maxBytes, length + chunk.length);
      if (wanted > kept.length) {
        const grown = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(wanted, kept.length * 2)));
        kept.copy(grown, 0, 0, length);
        kept = grown;
      }
      const fits = wanted - length === chunk.length;
      chunk.copy(kept, length, 0, wanted - length);
      length = wanted;
      return fits;
    },
    // Decoded once and whole, so that no character is split between chunks; what is no UTF-8 becomes U+FFFD.
    text: () => kept.toString('utf8', 0, length),
  };
};

/** Keeps the last bytes. */
const createTail = (maxBytes: number): Collector => {
  const kept = Buffer.allocUnsafe(maxBytes * 2);
  let length = 0;
  let cut = false;
  return {
    add: (chunk) => {
      const piece = chunk.length > maxBytes ? chunk.subarray(chunk.length - maxBytes) : chunk;
      if (length + piece.length > kept.length) {
        kept.copy(kept, 0, length - maxBytes, length);
        length = maxBytes;
        cut = true;
      }
      cut ||= piece !== chunk;
      piece.copy(kept, length);
      length += piece.length;
      return true;
    },
    text: () => {
      let from = Math.max(0, length - maxBytes);
      // The cut may have fallen into a character: its continuation bytes say nothing.
      if (cut || from > 0) while (from < length && ((kept[from] as number) & 0xc0) === 0x80) from++;
      return kept.toString('utf8', from, length);
    },
  };
};
