/**
 * Claude Code in a terminal of its own for a person who goes on with a conversation: the same program, home and walls as
 * a run has, without its protocol. What the person does costs money too; the conversation's own file says how much.
 */
import { closeSync, constants, createReadStream, createWriteStream, openSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { spawn } from 'node-pty';
import type { Clock } from '../../base/clock.ts';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import type { Enclosure } from '../machine/sandbox.ts';
import type { Interaction, InteractionEnd, InteractionRequest } from './claude.ts';
import { answerFirstStart } from './first-start.ts';
import { interactiveArgumentsOf, interactiveEnvironmentOf, settingsOf } from './invocation.ts';
import { conversationFile, type Ledger, ledgerDifference, projectsOf, readLedgerIn } from './ledger.ts';
import { locate } from './locate.ts';
import { insideOf } from './terminal.ts';

/** It writes its conversation and gives the terminal back; what takes longer is killed. */
const END_GRACE_MS = 3_000;
/** Before anybody listens: the first screen at the most. */
const EARLY_MAX_CHARS = 64 * 1024;
/** What a person says in a day is far below; a copy of more is of no use. */
const COPY_MAX_BYTES = 64 * 1024 * 1024;

type Pty = ReturnType<typeof spawn>;

export interface InteractionDeps {
  command: string;
  fallbackPath: string | undefined;
  clock: Clock;
  /** Puts the same wall around it as around a run. */
  around: (program: string, settings: string) => Promise<Result<Pick<Enclosure, 'prefix' | 'leave'>, Failure>>;
  sweep: (marker: string) => Promise<number>;
}

export const openInteraction = async (
  request: InteractionRequest,
  deps: InteractionDeps,
): Promise<Result<Interaction, Failure>> => {
  const found = await locate(deps.command, deps.fallbackPath);
  if (!found.ok) return found;
  // Another user may be behind the wall, who cannot enter logs/.
  const settings = join(request.tmpDir, `${request.run}.settings.json`);
  try {
    await mkdir(request.transcriptDir, { recursive: true });
    await mkdir(request.tmpDir, { recursive: true });
    await writeFile(settings, JSON.stringify(settingsOf()));
    if (request.ownsConfigDir && request.configDir !== undefined) await answerFirstStart(request.configDir, request);
  } catch (error) {
    return failed('crashed', `the files of the conversation could not be written: ${(error as Error).message}`);
  }
  const before = await standOf(request);
  const startedAt = deps.clock.monotonic();
  const enclosed = await deps.around(found.value, settings);
  if (!enclosed.ok) return enclosed;
  const { prefix, leave } = enclosed.value;
  const [program, ...args] = [...prefix, found.value, ...interactiveArgumentsOf(request, settings)];
  let pty: Pty;
  try {
    pty = spawn(program!, args, {
      ...{ cwd: request.cwd, env: interactiveEnvironmentOf(request), name: request.screen.TERM ?? 'xterm' },
      ...{ cols: request.size.columns, rows: request.size.rows },
    });
  } catch (error) {
    await leave();
    return failed('crashed', `no terminal could be opened: ${(error as Error).message}`);
  }
  return ok(
    connect(pty, prefix, deps.clock, async (exitCode) => {
      const survivorsKilled = await deps.sweep(request.run);
      const end = { exitCode, survivorsKilled, refused: await leave(), durationMs: deps.clock.monotonic() - startedAt };
      const told = await toldSince(request, before);
      await rm(request.tmpDir, { recursive: true, force: true });
      return { ...end, ...told };
    }),
  );
};

/** Wires the terminal to whoever shows it. */
const connect = (
  pty: Pty,
  prefix: readonly string[],
  clock: Clock,
  finish: (exitCode: number | null) => Promise<InteractionEnd>,
): Interaction => {
  let listener: ((data: string) => void) | undefined;
  let early = '';
  let isOver = false;
  const gone = new AbortController();
  pty.onData((data) => {
    if (listener) listener(data);
    else early = (early + data).slice(-EARLY_MAX_CHARS);
  });
  const held = holdOpen(pty);
  const over = new Promise<number | null>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      isOver = true;
      gone.abort();
      if (held !== undefined) closeSync(held);
      resolve(signal ? null : exitCode);
    });
  }).then(finish);
  /** On a terminal that has just ended every call throws. */
  const attempt = (deed: () => void) => {
    if (isOver) return;
    try {
      deed();
    } catch {
      // It ended at this moment.
    }
  };
  const end = async () => {
    // The wall's own process ignores it: it is meant for the one behind.
    const inner = await insideOf(pty.pid, prefix);
    attempt(() => process.kill(inner, 'SIGTERM'));
    await clock.sleep(END_GRACE_MS, gone.signal);
    attempt(() => pty.kill('SIGKILL'));
  };
  return {
    onData: (given) => {
      listener = given;
      if (early !== '') given(early);
      early = '';
    },
    write: (data) => attempt(() => pty.write(data)),
    resize: ({ columns, rows }) => attempt(() => pty.resize(columns, rows)),
    pause: () => attempt(() => pty.pause()),
    resume: () => attempt(() => pty.resume()),
    end: () => void end(),
    over,
  };
};

/** On Node 20 a pseudo-terminal may lose the last words of its program, unless somebody else holds it open. */
const holdOpen = (pty: Pty): number | undefined => {
  const { ptsName } = pty as unknown as { ptsName?: string };
  try {
    return ptsName === undefined ? undefined : openSync(ptsName, constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
};

// ---- what it was about and what it cost ---------------------------------------------------------------------------

/** The conversations of the workspace as they stood: a person may begin another one, or go back to an older. */
type Stand = Map<string, { bytes: number; ledger: Ledger | undefined }>;

const NOTHING: Ledger = { costUsd: 0, tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };

const idOf = ({ conversation }: InteractionRequest): string =>
  'start' in conversation ? conversation.start : conversation.resume;

const standOf = async (request: InteractionRequest): Promise<Stand> => {
  const stand: Stand = new Map();
  for (const file of await conversationsOf(request)) {
    const found = await stat(file).catch(() => undefined);
    if (found) stand.set(file, { bytes: found.size, ledger: await readLedgerIn(file) });
  }
  return stand;
};

/** The one that was asked for, wherever it began, and those beside it. */
const conversationsOf = async (request: InteractionRequest): Promise<string[]> => {
  const own = await conversationFile(request, idOf(request));
  const dirs = new Set([join(projectsOf(request), nameOfDirectory(request.cwd)), ...(own ? [dirname(own)] : [])]);
  const files: string[] = [];
  for (const dir of dirs) {
    for (const name of await readdir(dir).catch(() => [])) if (name.endsWith('.jsonl')) files.push(join(dir, name));
  }
  return files;
};

/** As Claude Code names the place of a directory's conversations. */
const nameOfDirectory = (dir: string): string => dir.replace(/[^A-Za-z0-9]/g, '-');

/** What the conversations have gained since: kept as the transcript, counted, and read for its cost. */
const toldSince = async (
  request: InteractionRequest,
  before: Stand,
): Promise<Pick<InteractionEnd, 'conversation' | 'cost' | 'turns' | 'transcript'>> => {
  const transcript = join(request.transcriptDir, `${request.run}.jsonl`);
  await writeFile(transcript, '');
  let told = { conversation: undefined as string | undefined, atMs: 0, turns: 0 };
  let cost: Ledger | undefined = NOTHING;
  for (const file of await conversationsOf(request)) {
    const was = before.get(file) ?? { bytes: 0, ledger: NOTHING };
    const { size, mtimeMs } = await stat(file);
    if (size <= was.bytes) continue;
    const part = { start: was.bytes, end: was.bytes + COPY_MAX_BYTES };
    await pipeline(createReadStream(file, part), createWriteStream(transcript, { flags: 'a' }));
    const turns = (await countReplies(transcript)) - told.turns;
    if (turns === 0) continue;
    const last = mtimeMs >= told.atMs ? basename(file, '.jsonl') : told.conversation;
    told = { conversation: last, atMs: Math.max(told.atMs, mtimeMs), turns: told.turns + turns };
    cost = cost && added(cost, was.ledger, await readLedgerIn(file));
  }
  return { transcript, turns: told.turns, conversation: told.conversation, cost };
};

/** Undefined where any of it is unknown, or was priced by a guess. */
const added = (sum: Ledger, before: Ledger | undefined, after: Ledger | undefined): Ledger | undefined => {
  if (!before || !after || after.guessed) return undefined;
  const { costUsd, tokens } = ledgerDifference(after, before);
  return {
    costUsd: sum.costUsd + costUsd,
    tokens: {
      input: sum.tokens.input + tokens.input,
      output: sum.tokens.output + tokens.output,
      cacheRead: sum.tokens.cacheRead + tokens.cacheRead,
      cacheWrite: sum.tokens.cacheWrite + tokens.cacheWrite,
    },
  };
};

/** A reply may stand there in several lines, one for each of its blocks. */
const countReplies = async (transcript: string): Promise<number> => {
  const replies = new Set<string>();
  for await (const line of createInterface({
    input: createReadStream(transcript),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (!line.includes('"type":"assistant"')) continue;
    try {
      const { type, message } = JSON.parse(line) as { type?: unknown; message?: { id?: unknown } };
      if (type === 'assistant' && typeof message?.id === 'string') replies.add(message.id);
    } catch {
      // The last line of a conversation that was killed.
    }
  }
  return replies.size;
};
