import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { EntryData, EntryOf, Tokens, Trigger } from '../model/entry.ts';
import { FailureError } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import { type Attendance, ChairWord, StandupWord } from '../model/standup.ts';
import { renderMinutes } from '../policy/minutes.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { factsText, type SessionFacts } from '../policy/session-facts.ts';
import {
  claimsUntil,
  directoriesOf,
  factsSince,
  ROUNDS,
  type Round,
  settle,
  takeWord,
  taskText,
  warningsOf,
  withoutChair,
} from '../policy/standup.ts';
import {
  answersText,
  heldText,
  lastCommitmentText,
  proceedingsText,
  queueText,
  reportsText,
} from '../policy/standup-text.ts';
import { sweep } from '../ports/machine/processes.ts';
import { type Asker, type AskerSum, ask, askerMarker, newAskerSum } from './agent.ts';
import { gatherFacts } from './session-facts.ts';
import type { Workshop } from './workshop.ts';

/**
 * The meeting: each session speaks in a conversation of its own, round after round, and the chair sums up. Who does not
 * answer is absent and the others go on. Its effects are the minutes, one entry, and the tasks that the entry names, in
 * this order: a meeting that is cut off before the entry never was.
 */
export interface MeetingInput {
  sessions: readonly Session[];
  form: 'full' | 'short';
  /** Why it is held in short form. */
  why: string | undefined;
  /** What one word may cost. */
  wordUsd: number;
  trigger: Trigger;
  signal: AbortSignal;
  /** Why nobody can be asked now: looked at before each word. */
  shut: () => Promise<string | undefined>;
  tell: (line: string) => void;
}

export type Meeting =
  | { state: 'held'; entry: EntryOf<'team_standup'> }
  /** Nothing of it counts but its cost. */
  | { state: 'interrupted'; reason: string };

export const holdStandup = async (shop: Workshop, input: MeetingInput): Promise<Meeting> => {
  const { sessions, form, signal, tell } = input;
  const startedMs = shop.clock.monotonic();
  const at = shop.clock.now();
  await sweep(`${askerMarker(shop, 'standup')}-`, 'prefix');
  const meeting = `${askerMarker(shop, 'standup')}-${shop.ids(at)}`;
  const facts = await gatherFacts(shop, sessions, factsSince(shop.journal.state(), at));
  const members = sessions.map((session, n) => memberOf(meeting, session, facts[n]!));
  const rounds: readonly Round[] = form === 'full' ? ROUNDS : ['commit'];
  for (const [n, round] of rounds.entries()) {
    const speakers = members.filter(({ said }) => said.absence === undefined);
    tell(`round ${n + 1} of ${rounds.length} (${WHAT[round]}): ${speakers.length} of ${members.length} sessions`);
    await holdRound(shop, input, round, members, speakers);
    if (signal.aborted) return interrupted(`in round ${n + 1} of ${rounds.length}`);
  }
  const attendance = members.map(({ said }) => said);
  const chair = await hearChair(shop, input, meeting, attendance);
  if (signal.aborted) return interrupted('while the chair summed up');
  const sums = [...members.map(({ sum }) => sum), chair.sum];
  const durationMs = Math.round(shop.clock.monotonic() - startedMs);
  return { state: 'held', entry: await conclude(shop, input, { meeting, at, durationMs, attendance, chair, sums }) };
};

const interrupted = (where: string): Meeting => ({
  state: 'interrupted',
  reason: `the standup was interrupted ${where}; nothing of it counts`,
});

const WHAT: Record<Round, string> = { report: 'reports', answer: 'answers', commit: 'commitments' };

interface Member {
  session: Session;
  facts: SessionFacts;
  /** Names its conversation's directory and transcripts. */
  id: string;
  said: Attendance;
  conversation: string | undefined;
  sum: AskerSum;
}

const memberOf = (meeting: string, session: Session, facts: SessionFacts): Member => ({
  ...{ session, facts, id: `${meeting}-${session.name}`, conversation: undefined, sum: newAskerSum() },
  said: { session: session.name, project: session.project },
});

// ---- a round -------------------------------------------------------------------------------------------------------

/** Starting Claude Code needs a core and 200 MB each, and cycles go on meanwhile. */
const WORDS_AT_ONCE = 4;

const holdRound = async (
  shop: Workshop,
  input: MeetingInput,
  round: Round,
  members: readonly Member[],
  speakers: readonly Member[],
): Promise<void> => {
  const limit = pLimit(WORDS_AT_ONCE);
  // As it stood before the round: who speaks later hears no more than who spoke first.
  const attendance = members.map(({ said }) => ({ ...said }));
  await Promise.all(
    speakers.map((member) =>
      limit(async () => {
        const absence = await hear(shop, input, round, member, promptFor(shop, input, round, member, attendance));
        if (absence === undefined || input.signal.aborted) return;
        member.said.absence = `${absence} (in the round of ${WHAT[round]})`;
        input.tell(`${member.session.name} is absent: ${member.said.absence}`);
      }),
    ),
  );
};

/** Why there is no answer; undefined when there is one, which is then in `said`. */
const hear = async (
  shop: Workshop,
  input: MeetingInput,
  round: Round,
  member: Member,
  prompt: string,
): Promise<string | undefined> => {
  const { session } = member;
  const heard = await hearWord(shop, input, {
    asker: {
      id: member.id,
      ...{ name: session.name, role: 'standup' },
      envelope: { project: session.project, session: session.name },
      owner: { session: session.name, project: session.project },
      model: shop.config().standup.model ?? session.model,
      sum: member.sum,
    },
    purpose: 'standup',
    schema: StandupWord,
    conversation: member.conversation,
    prompt,
  });
  if (!heard.ok) return heard.why;
  member.conversation = heard.conversation;
  const taken = takeWord(round, heard.word, (text) => shop.redact(oneLine(text)));
  if (!taken.ok) return taken.why;
  Object.assign(member.said, taken.said);
  return undefined;
};

interface Word<T> {
  asker: Omit<Asker, 'signal' | 'lendsSkills'>;
  purpose: 'standup' | 'chair';
  schema: z.ZodType<T>;
  conversation: string | undefined;
  prompt: string;
}

type Heard<T> = { ok: true; word: T; conversation: string } | { ok: false; why: string };

/** One word of one of them, by its schema and within its time, or the reason why there is none. */
const hearWord = async <T>(shop: Workshop, input: MeetingInput, word: Word<T>): Promise<Heard<T>> => {
  const shut = await input.shut();
  if (shut !== undefined) return { ok: false, why: shut };
  const { timeout } = shop.config().standup;
  const over = new AbortController();
  const late = new AbortController();
  void shop.clock.sleep(timeout, over.signal).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  // The same at every meeting, or Claude Code would keep a directory of each; and no file is in its sight.
  const cwd = join(shop.paths.tmp, 'standup', word.asker.name);
  try {
    await mkdir(cwd, { recursive: true });
    const signal = AbortSignal.any([input.signal, late.signal]);
    const run = await ask(
      shop,
      { ...word.asker, lendsSkills: false, signal },
      {
        ...{ purpose: word.purpose, cwd, prompt: word.prompt, system: undefined, tools: [], access: 'read' },
        schema: z.toJSONSchema(word.schema, { target: 'draft-7' }) as Record<string, unknown>,
        conversation: word.conversation,
        shims: undefined,
        maxBudgetUsd: input.wordUsd,
        env: { GIT_CEILING_DIRECTORIES: dirname(cwd) },
      },
    );
    if (late.signal.aborted && !run.ok) return { ok: false, why: `no answer within ${Math.round(timeout / 1000)} s` };
    if (!run.ok) return { ok: false, why: shop.redact(oneLine(run.error.reason)) };
    const parsed = word.schema.safeParse(run.value.structured);
    if (parsed.success) return { ok: true, word: parsed.data, conversation: run.value.conversation };
    return { ok: false, why: `an answer that is not by the schema: ${oneLine(z.prettifyError(parsed.error))}` };
  } finally {
    over.abort();
    await rm(cwd, { recursive: true, force: true });
  }
};

// ---- the questions -------------------------------------------------------------------------------------------------

const FACTS_MAX_CHARS = 12_000;
const PAGE_MAX_CHARS = 60_000;
const SMALL_MAX_CHARS = 4_000;
const NAMED_MAX = 30;

const promptFor = (
  shop: Workshop,
  input: MeetingInput,
  round: Round,
  { session, facts, said }: Member,
  attendance: readonly Attendance[],
): string => {
  const prompts = shop.prompts();
  const state = shop.journal.state();
  const { name, project } = session;
  const known = asData('facts', shop.redact(factsText(facts)), FACTS_MAX_CHARS);
  const commitment = asData('commitment', shop.redact(lastCommitmentText(state, name, project)), SMALL_MAX_CHARS);
  switch (round) {
    case 'report':
      return fillPrompt(prompts['standup-report'], {
        ...{ session: name, project, facts: known, commitment },
        sessions: namesText(attendance, name),
      });
    case 'answer':
      return fillPrompt(prompts['standup-answer'], {
        session: name,
        reports: asData('reports', reportsText(attendance, said), PAGE_MAX_CHARS),
      });
    case 'commit': {
      const now = shop.clock.now();
      return fillPrompt(prompts['standup-commit'], {
        ...{ session: name, project, commitment },
        before:
          input.form === 'full'
            ? 'What you reported and what the others said stands above.'
            : `This standup is held in short form: nobody reported. What Winnow knows of you, which is data as well:\n${known}`,
        answers: asData('answers', answersText(attendance, said), PAGE_MAX_CHARS),
        claims: asData('claims', shop.redact(heldText(state, { session: name, project, now })), SMALL_MAX_CHARS),
        until: `${new Date(claimsUntil(shop.config(), now)).toISOString().slice(11, 16)} UTC`,
      });
    }
    default:
      return round satisfies never;
  }
};

const namesText = (attendance: readonly Attendance[], own: string): string => {
  const names = attendance
    .filter(({ session }) => session !== own)
    .map(({ session, project }) => `${session} (${project})`);
  const more = names.length - NAMED_MAX;
  const shown = names.slice(0, NAMED_MAX).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown || 'nobody';
};

// ---- the chair -----------------------------------------------------------------------------------------------------

interface Chair {
  word: ChairWord;
  /** Why it said nothing; the word is then made by code. */
  absence?: string;
  /** Names its transcripts. */
  id: string;
  sum: AskerSum;
}

const hearChair = async (
  shop: Workshop,
  input: MeetingInput,
  meeting: string,
  attendance: readonly Attendance[],
): Promise<Chair> => {
  const id = `${meeting}-chair`;
  const sum = newAskerSum();
  const without = (absence: string): Chair => ({ ...{ id, sum, absence }, word: withoutChair(attendance, absence) });
  if (attendance.every(({ report, commit }) => !report && !commit)) return without('nobody had anything to say');
  input.tell('the chair sums up');
  const heard = await hearWord(shop, input, {
    asker: {
      ...{ id, name: 'chair', role: 'chair', envelope: {}, sum },
      owner: { session: 'chair', project: '' },
      model: shop.config().standup.model,
    },
    purpose: 'chair',
    schema: ChairWord,
    conversation: undefined,
    prompt: chairPrompt(shop, input, attendance),
  });
  if (!heard.ok) return without(heard.why);
  const plainly = (text: string) => shop.redact(oneLine(text));
  const { summary, priorities, blockers } = heard.word;
  const lines = (list: string[]) => list.map(plainly).filter((line) => line !== '');
  const word = { summary: plainly(summary), priorities: lines(priorities), blockers: lines(blockers) };
  return word.summary === '' ? without('its summary was empty') : { id, sum, word };
};

const chairPrompt = (shop: Workshop, input: MeetingInput, attendance: readonly Attendance[]): string => {
  const state = shop.journal.state();
  const absent = attendance.flatMap(({ session, absence }) =>
    absence === undefined ? [] : [`- ${session}: ${absence}`],
  );
  const priorities = (state.standup?.priorities ?? []).map((line) => `- ${line}`);
  return fillPrompt(shop.prompts().chair, {
    sessions: String(attendance.length),
    form: input.form,
    proceedings: asData('proceedings', proceedingsText(attendance), PAGE_MAX_CHARS),
    absent: asData('absent', absent.join('\n') || 'Nobody.', SMALL_MAX_CHARS),
    queue: asData('queue', shop.redact(queueText(state)), SMALL_MAX_CHARS),
    priorities: asData('priorities', priorities.join('\n') || 'Nothing yet.', SMALL_MAX_CHARS),
  });
};

// ---- what comes of it ----------------------------------------------------------------------------------------------

interface Proceedings {
  meeting: string;
  at: number;
  durationMs: number;
  attendance: Attendance[];
  chair: Chair;
  sums: AskerSum[];
}

const conclude = async (
  shop: Workshop,
  input: MeetingInput,
  { meeting, at, durationMs, attendance, chair, sums }: Proceedings,
): Promise<EntryOf<'team_standup'>> => {
  const state = shop.journal.state();
  const now = shop.clock.now();
  const directories = await directoriesByProject(shop, attendance);
  const sessions = settle({
    ...{ meeting, attendance, state, now },
    directories: (project) => directories.get(project) ?? new Set(),
    untilMs: claimsUntil(shop.config(), now),
  });
  const data = {
    form: input.form,
    ...(input.why === undefined ? {} : { why: input.why }),
    trigger: input.trigger,
    ...(state.standup ? { since: state.standup.at } : {}),
    sessions,
    warnings: warningsOf(attendance),
    ...chair.word,
    runs: sums.reduce((total, { runs }) => total + runs, 0),
    costUsd: sums.reduce((total, { costUsd }) => total + costUsd, 0),
    tokens: sums.map(({ tokens }) => tokens).reduce(plus),
    durationMs,
  };
  const file = minutesFile(shop, at);
  const page = renderMinutes({
    ...data,
    ...{ at, attendance },
    ...(chair.absence === undefined ? {} : { chairAbsence: chair.absence }),
    transcripts: `${relative(shop.paths.home, shop.paths.transcripts)}/${meeting}-*`,
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic.sync(file, shop.redact(page));
  const entry = await shop.journal.appendDurable<'team_standup'>({
    type: 'team_standup',
    data: { ...data, file: relative(shop.paths.home, file) },
  });
  queueOwed(shop);
  return entry;
};

const plus = (a: Tokens, b: Tokens): Tokens => ({
  input: a.input + b.input,
  output: a.output + b.output,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
});

/** logs/standups/2026-03-14T09-15-00.md, in UTC; a second one of the same second has a number. */
const minutesFile = (shop: Workshop, at: number): string => {
  const stamp = new Date(at).toISOString().slice(0, 19).replaceAll(':', '-');
  for (let n = 1; ; n += 1) {
    const file = join(shop.paths.standups, n === 1 ? `${stamp}.md` : `${stamp}-${n}.md`);
    if (!existsSync(file)) return file;
  }
};

/** More than nearly any repository has; of a larger one some directory may be taken for a file. */
const FILES_READ_MAX = 100_000;

const directoriesByProject = async (
  shop: Workshop,
  attendance: readonly Attendance[],
): Promise<Map<string, Set<string>>> => {
  const found = new Map<string, Set<string>>();
  const names = new Set(attendance.map(({ project }) => project));
  for (const project of shop.config().projects.filter(({ name }) => names.has(name))) {
    const tip = shop.journal.state().projects[project.name]?.tip;
    const mirror = tip === undefined ? undefined : await shop.mirrorOf(project);
    if (tip === undefined || !mirror?.ok) continue;
    found.set(project.name, directoriesOf(await mirror.value.listFiles(tip, FILES_READ_MAX)));
  }
  return found;
};

/** Queues what a meeting decided and nobody queued: at its end, and after a crash between the entry and the tasks. */
export const queueOwed = (shop: Workshop): void => {
  const { standup } = shop.journal.state();
  for (const owed of [...(standup?.owed ?? [])]) {
    const { session, project, task } = owed;
    const text = taskText(owed, standup?.priorities ?? []);
    const data: EntryData<'task_queued'> = { task, text, priority: 'normal', origin: 'standup', for: session };
    try {
      shop.journal.append<'task_queued'>({ type: 'task_queued', project, session, data });
    } catch (error) {
      // Another process was quicker.
      if (!(error instanceof FailureError && error.failure.kind === 'entry-illegal')) throw error;
    }
  }
};
