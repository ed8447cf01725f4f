/** Runs Claude Code: one process in its own terminal, watched until its last descendant is dead. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, type FailureKind, failure } from '../../model/failure.ts';
import { judgeRun, type RunFailure, type StopReason } from '../../policy/run-failure.ts';
import { type Enclosure, programPlaces, type Room, type Walls } from '../machine/sandbox.ts';
import type { Claude, InteractionRequest, RunRequest, RunResult, RunUsage } from './claude.ts';
import { openInteraction } from './interact.ts';
import { argumentsOf, environmentOf, type RunFiles, settingsOf, tooLong } from './invocation.ts';
import { type Ledger, ledgerDifference, readLedger } from './ledger.ts';
import { locate, probe } from './locate.ts';
import { createReading, type Reading } from './messages.ts';
import { createRates } from './rates.ts';
import { createTail } from './tail.ts';
import { type Exit, openTerminal, type Terminal } from './terminal.ts';
import { cleanText, cleanTranscript } from './withheld.ts';

/** One look at every run; progress on a screen needs no more, and it costs one read of nothing per run. */
const POLL_MS = 200;
/** Between the steps of a stop: an interrupted run still writes its result and its conversation. */
const STOP_GRACE_MS = 3_000;
/** When somebody waits for the stop. */
const ABORT_GRACE_MS = 2_000;
/** After SIGKILL only the kernel can delay an end; what hangs there is left to it. */
const KILL_GRACE_MS = 1_000;
/** A run that has answered may still write its conversation, but has no work left. */
const RESULT_GRACE_MS = 10_000;

export const createClaude = ({
  command,
  clock,
  reaperPrefix = [],
  walls,
  sweep,
  fallbackPath,
  clean,
}: {
  /** A name on PATH, or a path. */
  command: string;
  clock: Clock;
  /** A command that runs another and leaves nothing of it behind, e.g. `unshare --pid --fork --kill-child …`. */
  reaperPrefix?: string[];
  /** Puts a wall around each run; its own reaper takes the place of the prefix. */
  walls?: Pick<Walls, 'around'>;
  /** Kills every process that carries this marker in WINNOW_RUN; how many there were. */
  sweep: (marker: string) => Promise<number>;
  fallbackPath?: string;
  /** Takes secrets out of a text: what a run leaves for people to read passes it. */
  clean?: (text: string) => string;
}): Claude => {
  const rates = createRates();
  const poll = createPoll();

  const around = async (
    request: Inhabitant,
    files: Pick<RunFiles, 'settings' | 'system'>,
    program: string,
  ): Promise<Result<Around, Failure>> =>
    walls ? walls.around(roomFor(request, files, program)) : ok({ prefix: reaperPrefix, leave: async () => [] });

  const run = async (request: RunRequest): Promise<RunResult> => {
    const startedAt = clock.monotonic();
    const found = await locate(command, fallbackPath);
    if (!found.ok) return unstarted(request, found.error);
    const files = await writeFiles(request);
    if ('failure' in files) return unstarted(request, files.failure);
    const args = argumentsOf(request, files);
    const long = tooLong(args);
    if (long)
      return unstarted(request, plain('crashed', `An argument is too long (${long.bytes} bytes): ${long.start}`));
    if (request.signal?.aborted) return unstarted(request, plain('interrupted', 'The run was interrupted.'));

    const enclosed = await around(request, files, found.value);
    if (!enclosed.ok) return unstarted(request, enclosed.error);
    let refused: string[] = [];
    let ran: RunResult;
    try {
      ran = await runIn(request, { program: found.value, args, files, prefix: enclosed.value.prefix, startedAt });
    } finally {
      refused = await enclosed.value.leave();
    }
    return { ...ran, refused };
  };

  const runIn = async (
    request: RunRequest,
    { program, args, files, prefix, startedAt }: Readied,
  ): Promise<RunResult> => {
    const before = 'resume' in request.conversation ? await readLedger(request, request.conversation.resume) : NOTHING;
    const reading = createReading({
      cwd: request.cwd,
      model: request.model,
      rates,
      onProgress: (line) => request.onProgress?.({ line, costUsd: reading.usage().costUsd, at: clock.now() }),
    });
    const tail = createTail(files.output, reading.line);
    const opened = openTerminal({
      wrapper: prefix,
      command: program,
      args,
      cwd: request.cwd,
      env: environmentOf(request),
      input: files.prompt,
      output: files.output,
      copy: copyOf(request),
    });
    if (!opened.ok) return unstarted(request, plain('crashed', `No terminal could be opened: ${opened.error}`));

    const terminal = opened.value;
    const stopper = createStopper(terminal, clock);
    let heardAt = clock.monotonic();
    const read = async () => {
      if (await tail.read()) heardAt = clock.monotonic();
    };
    const judge = () => {
      const quietMs = clock.monotonic() - heardAt;
      const runMs = clock.monotonic() - startedAt;
      if (tail.full()) stopper.stop('flood', runMs, STOP_GRACE_MS);
      else if (reading.answered() && quietMs > RESULT_GRACE_MS) stopper.stop('result-hang', quietMs, STOP_GRACE_MS);
      else if (quietMs > request.silenceMs) stopper.stop('silence', quietMs, STOP_GRACE_MS);
      else if (runMs > request.timeoutMs) stopper.stop('overtime', runMs, STOP_GRACE_MS);
    };
    const abort = () => stopper.stop('abort', clock.monotonic() - startedAt, ABORT_GRACE_MS);
    request.signal?.addEventListener('abort', abort, { once: true });
    if (request.signal?.aborted) abort();
    const unwatch = poll.watch({ read, judge });

    const exit = await stopper.ended;
    unwatch();
    request.signal?.removeEventListener('abort', abort);
    const survivorsKilled = await sweep(request.run);
    await tail.finish();
    await terminal.flushed();
    if (clean) {
      await cleanTranscript(files.output, clean);
      await cleanText(copyOf(request), clean);
    }

    const judgement = judgeRun({
      ...reading.facts(),
      schemaDemanded: request.schema !== undefined,
      ...exit,
      stopped: stopper.stopped(),
      stderrTail: terminal.tail(),
    });
    return {
      ok: judgement.ok,
      ...(judgement.ok ? {} : { failure: judgement.failure }),
      text: reading.facts().result?.text ?? '',
      structured: reading.structured(),
      conversation: reading.conversation() ?? conversationOf(request),
      usage: reading.answered() ? reading.usage() : await usageWithoutResult(request, reading, before),
      exitCode: exit.exitCode,
      durationMs: clock.monotonic() - startedAt,
      transcript: files.output,
      survivorsKilled,
      denied: reading.denied(),
      refused: [],
    };
  };

  const interact = (request: InteractionRequest) =>
    openInteraction(request, {
      ...{ command, fallbackPath, clock, sweep },
      around: (program, settings) => around({ ...request, access: 'edit' }, { settings, system: undefined }, program),
    });
  return { run, interact, probe: () => probe(command, fallbackPath) };
};

type Around = Pick<Enclosure, 'prefix' | 'leave'>;

/** All that is ready when the program begins. */
interface Readied {
  program: string;
  args: string[];
  files: RunFiles;
  prefix: string[];
  startedAt: number;
}

const NOTHING: Ledger = { costUsd: 0, tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };

/** From the conversation's own file; after SIGKILL only what the messages told, at the price learned from others. */
const usageWithoutResult = async (
  request: RunRequest,
  reading: Reading,
  before: Ledger | undefined,
): Promise<RunUsage> => {
  const estimated = reading.usage();
  const after = before && (await readLedger(request, conversationOf(request)));
  if (!before || !after || after.costUsd - before.costUsd <= estimated.costUsd) return estimated;
  return { ...ledgerDifference(after, before), turns: estimated.turns };
};

// ---- stopping -----------------------------------------------------------------------------------------------------

interface Stopper {
  /** The first reason counts; what comes later changes nothing. */
  stop(reason: StopReason, afterMs: number, graceMs: number): void;
  stopped(): { reason: StopReason; afterMs: number } | undefined;
  ended: Promise<Exit>;
}

/**
 * SIGINT makes the run write its result and close its conversation, SIGTERM makes it end its own tools, SIGKILL leaves
 * them behind: so in this order, with a bounded wait after each.
 */
const createStopper = (terminal: Terminal, clock: Clock): Stopper => {
  let stopped: { reason: StopReason; afterMs: number } | undefined;
  let giveUp: (exit: Exit) => void = () => {};
  const gone = new AbortController();
  const lost = new Promise<Exit>((done) => {
    giveUp = done;
  });
  const ended = Promise.race([terminal.exited, lost]).finally(() => gone.abort());

  const walk = async (graceMs: number) => {
    for (const [signal, waitMs] of [
      ['SIGINT', graceMs],
      ['SIGTERM', graceMs],
      ['SIGKILL', KILL_GRACE_MS],
    ] as const) {
      if (gone.signal.aborted) return;
      await terminal.signal(signal);
      await clock.sleep(waitMs, gone.signal);
    }
    giveUp({ exitCode: null, signal: 9 });
  };

  return {
    stop: (reason, afterMs, graceMs) => {
      if (stopped) return;
      stopped = { reason, afterMs };
      void walk(graceMs);
    },
    stopped: () => stopped,
    ended,
  };
};

// ---- watching -----------------------------------------------------------------------------------------------------

/** One timer for all runs, which stands still while there are none. */
const createPoll = () => {
  const looks = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  return {
    watch: ({ read, judge }: { read: () => Promise<void>; judge: () => void }): (() => void) => {
      let busy = false;
      const guarded = () => {
        // A run that writes faster than it can be read must not outlive its time by that.
        if (busy) return judge();
        busy = true;
        // A failing read is met again at the end of the run; until then the clocks of the run go on.
        read()
          .catch(() => {})
          .finally(() => {
            busy = false;
            judge();
          });
      };
      looks.add(guarded);
      timer ??= setInterval(() => {
        for (const each of looks) each();
      }, POLL_MS);
      return () => {
        looks.delete(guarded);
        if (looks.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
};

// ---- before the start ---------------------------------------------------------------------------------------------

const writeFiles = async (request: RunRequest): Promise<RunFiles | { failure: RunFailure }> => {
  const path = (suffix: string) => join(request.transcriptDir, `${request.run}.${suffix}`);
  const files: RunFiles = {
    prompt: path('prompt.md'),
    output: path('jsonl'),
    // Where also another user may read, who must not come to the transcripts.
    settings: join(request.tmpDir, 'settings.json'),
    system: request.system === undefined ? undefined : join(request.tmpDir, 'system.md'),
  };
  try {
    await mkdir(request.transcriptDir, { recursive: true });
    await mkdir(request.tmpDir, { recursive: true });
    await writeFile(files.prompt, request.prompt);
    await writeFile(files.settings, JSON.stringify(settingsOf()));
    if (files.system !== undefined) {
      await writeFile(files.system, request.system ?? '');
      await writeFile(path('system.md'), request.system ?? '');
    }
    // An older transcript under this name would be read as if it were this run's.
    await writeFile(files.output, '');
    return files;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'crashed';
    return { failure: plain(kind, `The files of the run could not be written: ${message}`) };
  }
};

/** Whoever works in a room: a run, or a person in its place. */
type Inhabitant = Pick<
  RunRequest,
  'cwd' | 'access' | 'env' | 'configDir' | 'tmpDir' | 'pluginDir' | 'readable' | 'network'
>;

/** A run that only reads can write nothing in its workspace either; Claude Code itself keeps its own notes. */
const roomFor = (request: Inhabitant, files: Pick<RunFiles, 'settings' | 'system'>, program: string): Room => {
  const { cwd, access, env, configDir, tmpDir, pluginDir } = request;
  const own = [access === 'edit' ? cwd : undefined, env.HOME, env.TMPDIR, configDir, tmpDir];
  const lent = [cwd, files.settings, files.system, pluginDir, ...(request.readable ?? [])];
  return {
    cwd,
    writable: own.filter((place) => place !== undefined),
    readable: [...lent.filter((place) => place !== undefined), ...programPlaces(program)],
    network: request.network ?? 'open',
  };
};

/** What the run wrote on its terminal. */
const copyOf = ({ transcriptDir, run }: RunRequest): string => join(transcriptDir, `${run}.tty`);

const unstarted = (request: RunRequest, reason: RunFailure): RunResult => ({
  ok: false,
  failure: reason,
  text: '',
  structured: undefined,
  conversation: conversationOf(request),
  usage: { ...NOTHING, turns: 0 },
  exitCode: null,
  durationMs: 0,
  transcript: join(request.transcriptDir, `${request.run}.jsonl`),
  survivorsKilled: 0,
  denied: [],
  refused: [],
});

const plain = (kind: FailureKind, message: string): RunFailure => failure(kind, message);

const conversationOf = ({ conversation }: RunRequest): string =>
  'start' in conversation ? conversation.start : conversation.resume;
