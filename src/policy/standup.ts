import { posix } from 'node:path';
import { Cron } from 'croner';
import { idOf } from '../base/ids.ts';
import type { Config } from '../model/config.ts';
import type { Commitment, FileWarning } from '../model/crew.ts';
import type { EntryData } from '../model/entry.ts';
import type { Session } from '../model/session.ts';
import type { Attendance, StandupWord } from '../model/standup.ts';
import type { StandupState, State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { RUN_BUDGET_MIN_USD, wholeCents } from './cents.ts';
import { normalise, overlaps } from './claim.ts';
import { dayKey } from './gates.ts';
import { oneLine } from './placeholders.ts';

/**
 * The standup, decided: when it is due, who comes, in which form it can be paid, and what of all that is said there
 * becomes a task or a claim. Nothing else of it has an effect.
 */

// ---- when and who --------------------------------------------------------------------------------------------------

/** Why no meeting is due by schedule; undefined: one is. Missed meetings are made up for by one. */
export const notDue = (state: Readonly<State>, config: Config, now: number): string | undefined => {
  const last = state.standup?.at;
  const cron = cronOf(config);
  const [planned] = cron.previousRuns(1, new Date(now + CRON_STEP_MS));
  // A clock that was set back since must not silence the meeting until that moment comes again.
  const heldMs = last === undefined || Date.parse(last) > now ? 0 : Date.parse(last);
  // One that lies ahead within the same turn was held in it, and a clock that goes back and forth meets each turn again.
  const nextMs = cron.nextRun(new Date(now))?.getTime() ?? Number.POSITIVE_INFINITY;
  const isInTurn = (at: string) =>
    planned !== undefined && Date.parse(at) >= planned.getTime() && Date.parse(at) < nextMs;
  if (state.standup?.heldAt.some(isInTurn)) return 'the last one was held at its time';
  const cycles = Object.values(state.projects).flatMap(({ recent }) => recent.slice(-1));
  if (!cycles.some(({ at }) => Date.parse(at) > heldMs)) return 'no cycle has ended since the last one';
  return undefined;
};

/** Milliseconds since the epoch; undefined when there is none. */
export const nextMeeting = (config: Config, now: number): number | undefined =>
  cronOf(config).nextRun(new Date(now))?.getTime();

/** A moment of the plan lies at a whole second, and the one of now counts. */
const CRON_STEP_MS = 1000;

const cronOf = ({ schedule }: Config): Cron => new Cron(schedule.standup, { paused: true, utcOffset: 0 });

/**
 * Those that are not paused. A parked session comes: what holds it up is what the others should hear of, and they may
 * know help; its commitment waits until its rest is over.
 */
export const attendees = (sessions: readonly Session[], state: Readonly<State>): Session[] =>
  sessions.filter((session) => pausedBy(session, state) === undefined);

export const pausedBy = ({ name, paused, file }: Session, state: Readonly<State>): string | undefined =>
  paused ? file : state.sessions[name]?.pausedBy;

/** What a meeting speaks of happened after this: the last one, or a day. */
export const factsSince = (state: Readonly<State>, now: number): number => {
  const last = state.standup === undefined ? undefined : Date.parse(state.standup.at);
  return Math.max(last === undefined || last > now ? 0 : last, now - FACTS_MAX_MS);
};
const FACTS_MAX_MS = 24 * 3_600_000;

// ---- in which form -------------------------------------------------------------------------------------------------

export type MeetingForm =
  | { form: 'full' | 'short'; why?: string /** What one word may cost. */; wordUsd: number }
  | { form: 'none'; why: string };

/** A first word reads some 8,000 tokens and says 300: about four cents with the default model. */
const WORD_DEFAULT_USD = 0.05;
/** Plan, hack, and mostly one repair. */
const RUNS_PER_CYCLE = 3;

export interface FormInput {
  state: Readonly<State>;
  config: Config;
  sessions: readonly Pick<Session, 'name' | 'project'>[];
  /** Granted to runs that are under way. */
  reservedUsd: number;
  /** A person wants it short. */
  short: boolean;
  now: number;
}

/** All three rounds if every budget can pay for them; else the last round and the chair; else nothing. */
export const meetingForm = (input: FormInput): MeetingForm => {
  const { state, config, sessions, short } = input;
  const word = wordEstimate(state);
  const budgets = budgetsOf(input);
  const day = budgets[0]!;
  const full = budgets.find(({ leftUsd, speakers, chair }) => word * (3 * speakers + chair) > leftUsd);
  const form = short || full ? 'short' : 'full';
  const runs = (form === 'full' ? 3 : 1) * sessions.length + 1;
  const wordUsd = Math.min(config.agent.maxBudgetUsd, wholeCents(day.leftUsd / runs));
  if (wordUsd < RUN_BUDGET_MIN_USD)
    return {
      form: 'none',
      why: `${dollars(day.leftUsd)} of the budget of ${day.of} are left, too little for ${runs} runs`,
    };
  if (form === 'full') return { form, wordUsd };
  const why = full
    ? `three rounds would cost about ${dollars(word * (3 * full.speakers + full.chair))}, and ${dollars(full.leftUsd)} of the budget of ${full.of} are left`
    : 'as asked for';
  return { form, why, wordUsd };
};

/** What a word cost at the last meeting; before the first one, what a run of a cycle costs. */
const wordEstimate = (state: Readonly<State>): number => {
  const last = state.standup;
  if (last && last.runs > 0) return Math.max(last.costUsd / last.runs, WORD_MIN_USD);
  const recent = Object.values(state.projects).flatMap((project) => project.recent.slice(-RECENT_MAX));
  const costs = recent.map(({ costUsd }) => costUsd).filter((usd) => usd > 0);
  if (costs.length === 0) return WORD_DEFAULT_USD;
  return Math.max(costs.reduce((sum, usd) => sum + usd, 0) / costs.length / RUNS_PER_CYCLE, WORD_MIN_USD);
};

/** Nothing is taken to be free: a meeting that failed at once cost nothing and says nothing. */
const WORD_MIN_USD = 0.005;
const RECENT_MAX = 20;

interface Budget {
  of: string;
  leftUsd: number;
  speakers: number;
  chair: 0 | 1;
}

/** The day's first; of a project or a session only while something is left: who has nothing is absent, not all. */
const budgetsOf = ({ state, config, sessions, reservedUsd, now }: FormInput): Budget[] => {
  const {
    budgetPerDayUsd,
    budgetPerProjectPerDayUsd: perProject,
    budgetPerSessionPerDayUsd: perSession,
  } = config.gates;
  const day = state.days[dayKey(now)];
  const leftUsd = Math.max(0, budgetPerDayUsd - (day?.costUsd ?? 0) - reservedUsd);
  const budgets: Budget[] = [{ of: 'the day', leftUsd, speakers: sessions.length, chair: 1 }];
  const partly = (of: string, left: number, speakers: number) => {
    if (left >= RUN_BUDGET_MIN_USD) budgets.push({ of, leftUsd: left, speakers, chair: 0 });
  };
  if (perProject !== undefined) {
    for (const project of new Set(sessions.map((session) => session.project))) {
      const speakers = sessions.filter((session) => session.project === project).length;
      partly(`project ${project} today`, perProject - (day?.byProject[project] ?? 0), speakers);
    }
  }
  if (perSession !== undefined) {
    for (const { name } of sessions) partly(`session ${name} today`, perSession - (day?.bySession[name] ?? 0), 1);
  }
  return budgets;
};

const dollars = (usd: number): string => `$${Math.max(0, usd).toFixed(2)}`;

// ---- what counts as an answer ---------------------------------------------------------------------------------------

export const ROUNDS = ['report', 'answer', 'commit'] as const;
export type Round = (typeof ROUNDS)[number];

/** Takes from an answer what the round asked for; a sentence when that is not there. */
export const takeWord = (
  round: Round,
  word: StandupWord,
  plainly: (text: string) => string,
): { ok: true; said: Partial<Attendance> } | { ok: false; why: string } => {
  const lines = (list: string[], max = SAID_MAX_CHARS) =>
    list.map((text) => clip(plainly(text), max)).filter((text) => text !== '');
  switch (round) {
    case 'report': {
      const report = { did: lines(word.did), stuck: lines(word.stuck), needs: lines(word.needs) };
      const silent = Object.values(report).every((list) => list.length === 0);
      return silent ? { ok: false, why: 'its report was empty' } : { ok: true, said: { report } };
    }
    case 'answer':
      return {
        ok: true,
        said: {
          answer: {
            offers: lines(word.offers),
            sharedErrors: lines(word.sharedErrors),
            fileWarnings: word.fileWarnings.map(({ files, sessions, why }) => ({
              files: lines(files),
              sessions: lines(sessions),
              why: clip(plainly(why), SAID_MAX_CHARS),
            })),
          },
        },
      };
    case 'commit': {
      const { title, text, files } = word.commitment;
      const commitment = {
        title: clip(plainly(title), TITLE_MAX_CHARS),
        text: clip(plainly(text), TEXT_MAX_CHARS),
        files: files.map(plainly),
      };
      if (commitment.title === '') return { ok: false, why: 'it committed to nothing' };
      return { ok: true, said: { commit: { commitment, proposal: clip(plainly(word.proposal), SAID_MAX_CHARS) } } };
    }
    default:
      return round satisfies never;
  }
};

/** One or two spoken sentences. */
const SAID_MAX_CHARS = 400;
/** The subject line of a commit, and some more. */
const TITLE_MAX_CHARS = 120;
const TEXT_MAX_CHARS = 2_000;

const clip = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;

// ---- what becomes of it ---------------------------------------------------------------------------------------------

/** Claims end with the next meeting, and after this at the latest: who forgot them must not hold up others for a day. */
const CLAIM_MAX_MS = 6 * 3_600_000;
const CLAIM_MIN_MS = 15 * 60_000;

export const claimsUntil = (config: Config, now: number): number => {
  const next = nextMeeting(config, now) ?? now + CLAIM_MAX_MS;
  return Math.min(Math.max(next, now + CLAIM_MIN_MS), now + CLAIM_MAX_MS);
};

export interface SettleInput {
  /** Id of the meeting. */
  meeting: string;
  attendance: readonly Attendance[];
  state: Readonly<State>;
  /** Directories of each project at its tip: a claim on a whole directory would keep everybody out. */
  directories: (project: string) => ReadonlySet<string>;
  untilMs: number;
  now: number;
}

type Settled = EntryData<'team_standup'>['sessions'][number];

/** The sessions' part of the entry. Who comes first in the list has a file that two want. */
export const settle = (input: SettleInput): Settled[] => {
  const limits = limitsFor(input.attendance.length);
  const taken: { project: string; file: string }[] = [];
  return input.attendance.map((member) => {
    const { session, project, absence, commit } = member;
    const said = {
      ...{ session, project, present: absence === undefined },
      ...(absence === undefined ? {} : { absence: clip(absence, limits.proposal) }),
    };
    if (!commit) return said;
    const free = claimable(input, member).filter(
      (file) => !taken.some((other) => other.project === project && overlaps(file, other.file)),
    );
    const files = within(free, limits.files);
    taken.push(...files.map((file) => ({ project, file })));
    const open = openCommitment(input.state, session, project);
    const { title, text } = commit.commitment;
    const commitment: Commitment = {
      title: clip(open ? titleOf(open) : title, limits.title),
      task: open?.id ?? idOf(`standup ${input.meeting} ${session}`),
      files,
      until: new Date(input.untilMs).toISOString(),
      ...(open ? { renewed: true } : {}),
    };
    const proposal = clip(commit.proposal, limits.proposal);
    return {
      ...{ ...said, commitment },
      ...(open ? {} : { text: clip(text, limits.text) }),
      ...(proposal === '' ? {} : { proposal }),
    };
  });
};

/** In characters. The entry has to fit into one line of the journal; the minutes hold everything. */
const limitsFor = (sessions: number): { title: number; text: number; files: number; proposal: number } => {
  const share = Math.floor(ENTRY_SHARE_CHARS / Math.max(1, sessions));
  return {
    title: Math.min(TITLE_MAX_CHARS, Math.max(80, Math.floor(share / 5))),
    text: Math.min(TEXT_MAX_CHARS, Math.floor(share * 0.4)),
    files: Math.max(PATH_MAX_CHARS, Math.floor(share * 0.35)),
    proposal: Math.min(SAID_MAX_CHARS, Math.max(80, Math.floor(share * 0.15))),
  };
};
const ENTRY_SHARE_CHARS = 28_000;

/** The first of them, as many as have room. */
const within = (files: readonly string[], chars: number): string[] => {
  let left = chars;
  return files.slice(0, FILES_MAX).filter((file) => {
    left -= file.length;
    return left >= 0;
  });
};
/** What is done in one cycle touches fewer. */
const FILES_MAX = 10;

/** Its commitment of an earlier meeting that is not done yet. */
export const openCommitment = (state: Readonly<State>, session: string, project: string): Task | undefined =>
  Object.values(state.tasks).find(
    (task) =>
      task.origin === 'standup' &&
      task.session === session &&
      task.project === project &&
      (task.state === 'queued' || task.state === 'assigned'),
  );

/** The first line of its text is the title, behind what it is. */
export const titleOf = (task: Pick<Task, 'text'>): string =>
  clip((task.text.split('\n')[0] ?? '').replace(TASK_BEGIN, ''), TITLE_MAX_CHARS);

const TASK_BEGIN = 'Your commitment of the standup: ';

/** What the session is asked to do in its next cycle. */
export const taskText = ({ title, text, files }: StandupState['owed'][number], priorities: readonly string[]): string =>
  [
    `${TASK_BEGIN}${title}`,
    ...(text === '' ? [] : ['', text]),
    ...(files.length === 0 ? [] : ['', `Files that are yours for it: ${files.join(', ')}`]),
    ...(priorities.length === 0
      ? []
      : ['', 'What matters most to the team now:', ...priorities.map((priority) => `- ${priority}`)]),
  ].join('\n');

/** Files, not directories; inside the repository; and only of who can begin before the claims end. */
const claimable = (input: SettleInput, { session, project, commit }: Attendance): string[] => {
  const parked = input.state.sessions[session]?.parked;
  if (parked && Date.parse(parked.until) >= input.untilMs) return [];
  const directories = input.directories(project);
  const files = (commit?.commitment.files ?? []).map(normalise).filter((file) => isInside(file));
  return [...new Set(files)].filter((file) => !directories.has(file));
};

const PATH_MAX_CHARS = 200;
const isInside = (file: string): boolean =>
  file !== '' && file.length <= PATH_MAX_CHARS && !file.startsWith('../') && file !== '..' && !/[*?{}]/.test(file);

/** Of the paths of a tree: every directory that holds something. */
export const directoriesOf = (paths: readonly string[]): Set<string> => {
  const found = new Set<string>();
  for (const path of paths) {
    for (let dir = posix.dirname(path); dir !== '.' && !found.has(dir); dir = posix.dirname(dir)) found.add(dir);
  }
  return found;
};

const WARNINGS_MAX = 8;
const WARNING_FILES_MAX = 5;
const WARNING_CHARS = 300;

/** Warnings that name sessions of the meeting and files; of several about the same, the first. */
export const warningsOf = (attendance: readonly Attendance[]): FileWarning[] => {
  const names = new Set(attendance.map(({ session }) => session));
  const found = new Map<string, FileWarning>();
  for (const { answer } of attendance) {
    for (const warning of answer?.fileWarnings ?? []) {
      const files = [...new Set(warning.files.map(normalise).filter(isInside))].sort().slice(0, WARNING_FILES_MAX);
      const sessions = [...new Set(warning.sessions)].filter((name) => names.has(name)).sort();
      const key = JSON.stringify([files, sessions]);
      if (files.length === 0 || sessions.length < 2 || found.has(key)) continue;
      found.set(key, { files: within(files, WARNING_CHARS), sessions, why: clip(warning.why, WARNING_CHARS) });
    }
  }
  return [...found.values()].slice(0, WARNINGS_MAX);
};

/** What a meeting says of itself when its chair said nothing. */
export const withoutChair = (
  attendance: readonly Attendance[],
  why: string,
): { summary: string; priorities: string[]; blockers: string[] } => {
  const present = attendance.filter(({ absence }) => absence === undefined);
  const blockers = attendance.flatMap(({ session, report }) =>
    (report?.stuck ?? []).map((line) => `${session}: ${line}`),
  );
  return {
    summary: `The chair gave no summary (${oneLine(why)}); ${present.length} of ${attendance.length} sessions committed to something.`,
    priorities: [],
    blockers: blockers.slice(0, BLOCKERS_MAX),
  };
};
const BLOCKERS_MAX = 8;
