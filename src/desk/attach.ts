import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../base/result.ts';
import type { Entry } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import type { Interaction } from '../ports/claude/claude.ts';
import { createRendering } from '../ports/claude/render.ts';
import { createTail, type Tail } from '../ports/claude/tail.ts';
import type { HomePaths } from '../ports/home/home.ts';
import { openConversation, type Returned, returnSession, takeSession } from '../roles/taking.ts';
import type { Counter } from './counter.ts';
import type { Factory } from './doors.ts';
import { noSession } from './session.ts';

export type { Interaction } from '../ports/claude/claude.ts';

/** What a session says and does, from cycle to cycle, for somebody who looks on; and the session itself, for a person. */
export type Seen =
  /** Of the conversation, rendered. */
  | { kind: 'said'; lines: string[] }
  /** What happened between, such as a phase, a verdict, an end. */
  | { kind: 'happened'; entry: Entry };

/** Of what was said before somebody looks: as much as a screen shows. */
const BACK_LINES_MAX = 40;
/** Of a conversation as it goes on; oftener nobody reads. */
const POLL_MS = 200;

/** Goes on until the signal aborts; works from the files, whether anything runs or not. */
export async function* watchSession(counter: Counter, name: string, signal: AbortSignal): AsyncGenerator<Seen> {
  const { journal, paths, clock } = counter;
  const state = journal.state();
  const from = { offset: journal.offset() };
  const recent = Object.values(state.projects).flatMap((project) => project.recent);
  const last = state.sessions[name]?.running ?? recent.findLast(({ session }) => session === name)?.cycle;
  const talk = createTalk(paths);
  const news: Entry[] = [];
  const listening = new AbortController();
  const stop = AbortSignal.any([signal, listening.signal]);
  const listen = async () => {
    for await (const entry of journal.follow({ from, signal: stop, filter: { session: name } })) news.push(entry);
  };
  const heard = listen();
  try {
    if (last !== undefined) {
      const lines = (await talk.of(last)).slice(-BACK_LINES_MAX);
      if (lines.length > 0) yield { kind: 'said', lines };
    }
    while (!signal.aborted) {
      for (let entry = news.shift(); entry && !signal.aborted; entry = news.shift()) {
        // What was said before it happened is shown before it.
        yield* saidOf(talk, entry.cycle);
        yield { kind: 'happened', entry };
      }
      yield* saidOf(talk, undefined);
      await clock.sleep(POLL_MS, signal);
    }
  } finally {
    listening.abort();
    await Promise.all([heard, talk.close()]);
  }
}

async function* saidOf(talk: Talk, cycle: string | undefined): AsyncGenerator<Seen> {
  const lines = await talk.of(cycle);
  if (lines.length > 0) yield { kind: 'said', lines };
}

/** The runs of a cycle one after the other, each once and whole. */
interface Talk {
  /** What is new of the cycle, or of the one that was read last; of a former one the rest comes first. */
  of(cycle: string | undefined): Promise<string[]>;
  close(): Promise<void>;
}

const createTalk = (paths: Pick<HomePaths, 'transcript'>): Talk => {
  let fresh: string[] = [];
  let current: { cycle: string; runs: number; tail: Tail | undefined } | undefined;

  const open = (file: string): Tail => {
    const rendering = createRendering();
    return createTail(file, (line) => fresh.push(...rendering.line(line)));
  };

  /** Each run begins when the one before it has ended. */
  const readOn = async (): Promise<void> => {
    if (!current) return;
    for (;;) {
      await current.tail?.read();
      const next = await runIn(paths.transcript(current.cycle), current.runs + 1);
      if (next === undefined) return;
      await current.tail?.finish();
      current = { ...current, runs: current.runs + 1, tail: open(next) };
    }
  };

  return {
    of: async (cycle) => {
      await readOn();
      if (cycle !== undefined && cycle !== current?.cycle) {
        await current?.tail?.finish();
        current = { cycle, runs: 0, tail: undefined };
        await readOn();
      }
      const lines = fresh;
      fresh = [];
      return lines;
    },
    close: async () => current?.tail?.finish(),
  };
};

/** Runs are numbered from one. */
const runIn = async (dir: string, number: number): Promise<string | undefined> => {
  const names = await readdir(dir).catch(() => []);
  const found = names.find((name) => name.endsWith(`-${number}.jsonl`));
  return found && join(dir, found);
};

/** A person’s own terminal, for as long as they have the session. */
export interface TakeInput {
  session: string;
  by: string;
  /** What the work is called; undefined: by the files that were changed. */
  title: string | undefined;
  /** The person gives up waiting. */
  giveUp: AbortSignal;
  /** The person does not wait for the verdict: the work is kept as a patch. */
  stop: AbortSignal;
  /** What the terminal says of itself, at the moment of the opening. */
  terminal: () => { size: { columns: number; rows: number }; screen: Record<string, string> };
  /** Said before the conversation opens. */
  onHandedOver: (taken: { fresh: string | undefined; dir: string }) => void;
  /** Connects it with the terminal; resolves when the terminal is the person’s again. */
  converse: (interaction: Interaction) => Promise<void>;
  /** What happens while the work is judged. */
  onJudging: (entry: Entry) => void;
}

/** From the asking to the verdict; whatever happens between, the session is given back. */
export const takeOver = async (factory: Factory, input: TakeInput): Promise<Result<Returned, Failure>> => {
  const { shop, sessions } = factory;
  const { by, giveUp, stop, title } = input;
  const session = sessions().find((one) => one.name === input.session);
  if (!session) return noSession(factory, input.session);
  const taken = await takeSession(shop, { session, sessions: sessions(), by, signal: giveUp });
  if (!taken.ok) return taken;
  const back = (ended: Awaited<Interaction['over']> | undefined) =>
    returnSession(shop, taken.value, { ended, title, signal: stop });
  input.onHandedOver({ fresh: taken.value.fresh, dir: taken.value.workspace.dir });
  const opened = await openConversation(shop, taken.value, input.terminal());
  if (!opened.ok) {
    await back(undefined);
    return opened;
  }
  try {
    await input.converse(opened.value);
  } finally {
    // On a fault in between, too: nothing may work on in the workspace.
    opened.value.end();
  }
  const ended = await opened.value.over;
  const telling = new AbortController();
  void tellJudging(factory, taken.value.cycle.id, input.onJudging, telling.signal);
  try {
    return await back(ended);
  } finally {
    telling.abort();
  }
};

const tellJudging = async (
  { journal }: Factory,
  cycle: string,
  tell: (entry: Entry) => void,
  signal: AbortSignal,
): Promise<void> => {
  for await (const entry of journal.follow({ from: 'end', signal, filter: { cycle } })) {
    if (entry.type !== 'ralph_cycle') tell(entry);
  }
};
