import type { SessionClass } from '../model/crew.ts';
import type { Phase, RalphCycle } from '../model/entry.ts';
import { type Ending, errorOf, isOutside } from './ending.ts';

/**
 * What the last hours say about a session, by rule. A class is a finding about the session itself: what held it back
 * from outside, what every session met, what chance and restarts did is set aside first.
 */
export interface SessionHistory {
  session: string;
  /** From one cycle to the next, by its own file or the schedule. */
  everyMs: number;
  /** Oldest first, in the order of the journal: a clock may have been set back. */
  cycles: PastCycle[];
  /** Nothing has held it back since; absent: since before anything is known. */
  freeSinceMs?: number;
  /** A person let it go on: what was before is forgiven. */
  freshSinceMs?: number;
  /** Why it may not begin a cycle now, for people: "paused by mia". */
  held?: string;
  running?: { sinceMs: number; phase: Phase };
}

export interface PastCycle extends Ending {
  cycle: string;
  startedMs: number;
  endedMs: number;
  outcome: RalphCycle['outcome'];
  title?: string;
  files: string[];
  /** Without what is known to be flaky. */
  broken: string[];
  /** How much of what it broke is known to be flaky. */
  flaky: number;
  /** Of a pushed branch: what became of it; lost is rejected, dropped, or deleted by somebody. */
  fate?: 'waits' | 'landed' | 'lost';
  /** `closed`: the queue gives it to nobody any more. */
  task?: { id: string; closed: boolean };
}

/** Thresholds in milliseconds and cycles; their reasons stand in the configuration. */
export interface DoctorRules {
  window: number;
  idleAfter: number;
  stuckAfter: number;
  loopAfter: number;
}

export type Rule =
  | 'silent'
  | 'nothing-to-do'
  | 'loop'
  | 'unkept'
  | 'circles'
  | 'kept'
  | 'working'
  | 'held'
  | 'nothing-against';

export interface Finding {
  session: string;
  class: SessionClass;
  rule: Rule;
  /** The rule and what it saw, one line each. */
  evidence: string[];
  held?: string;
  /** Of a loop. */
  signature?: string;
  /** The cycles that it is about, oldest first. */
  about: PastCycle[];
}

/** So many sessions, and at least half of all that ran: an error that they share is not theirs. */
const SHARED_MIN = 3;
/** There and back, twice. */
const CIRCLE_CYCLES = 4;

/** In the order of the histories. */
export const classifyCrew = (crew: readonly SessionHistory[], rules: DoctorRules, now: number): Finding[] => {
  const recent = crew.map((history) => ({ ...history, cycles: within(history, rules.window, now) }));
  const shared = sharedErrors(recent);
  return recent.map((history) => classify(history, rules, now, shared));
};

/** Errors that most sessions met: what to do about them is nobody's of the crew. */
export const sharedErrors = (crew: readonly SessionHistory[]): ReadonlySet<string> => {
  const ran = crew.filter(({ cycles }) => cycles.length > 0).length;
  const met = new Map<string, number>();
  for (const { cycles } of crew) {
    const own = new Set(cycles.map(errorOf).filter((signature) => signature !== undefined));
    for (const signature of own) met.set(signature, (met.get(signature) ?? 0) + 1);
  }
  return new Set(
    [...met].filter(([, count]) => count >= SHARED_MIN && count * 2 >= ran).map(([signature]) => signature),
  );
};

const within = ({ cycles, freshSinceMs = 0 }: SessionHistory, windowMs: number, now: number): PastCycle[] =>
  cycles.filter(({ endedMs }) => endedMs >= now - windowMs && endedMs > freshSinceMs);

const classify = (history: SessionHistory, rules: DoctorRules, now: number, shared: ReadonlySet<string>): Finding => {
  const { cycles } = history;
  const telling = withoutClosedTasks(cycles.filter((cycle) => asideOf(cycle, shared) === undefined));
  const say = (
    is: SessionClass,
    rule: Rule,
    evidence: string[],
    about: PastCycle[] = [],
    signature?: string,
  ): Finding => ({
    session: history.session,
    class: is,
    rule,
    evidence: [...evidence, ...besides(history, telling, now, shared)],
    ...(history.held ? { held: history.held } : {}),
    ...(signature === undefined ? {} : { signature }),
    about,
  });

  const quietMs = overdueMs(history, now);
  if (quietMs >= rules.idleAfter) {
    const last = cycles.at(-1);
    const since = last ? `its last cycle ended ${spanText(now - last.endedMs)} ago` : 'it has not run at all';
    return say('idle', 'silent', [
      `silent: due for ${spanText(quietMs)} and nothing holds it back (idle from ${spanText(rules.idleAfter)}); ${since}`,
    ]);
  }
  const latest = telling.slice(-rules.loopAfter);
  const enough = latest.length === rules.loopAfter;
  if (enough && latest.every(({ nothing }) => nothing)) {
    const found = countBack(telling, ({ nothing }) => nothing === true);
    const text = `nothing to do: ${found} cycles in a row found nothing worth doing (idle from ${rules.loopAfter})`;
    return say('idle', 'nothing-to-do', [text], telling.slice(-found));
  }
  const error = latest.at(-1) && errorOf(latest.at(-1)!);
  if (enough && error !== undefined && latest.every((cycle) => errorOf(cycle) === error)) {
    const length = countBack(telling, (cycle) => errorOf(cycle) === error);
    const text = `loop: the same error ${length} times in a row (a loop from ${rules.loopAfter}): ${error}`;
    return say('error-looping', 'loop', [text], telling.slice(-length), error);
  }
  const unkept = telling.slice(telling.findLastIndex(isKept) + 1).filter(({ nothing }) => !nothing);
  if (unkept.length >= rules.stuckAfter) {
    const text = `unkept: ${unkept.length} cycles in a row without anything kept (stuck from ${rules.stuckAfter}): ${tallyText(unkept)}`;
    return say('stuck', 'unkept', [text], unkept);
  }
  if (turnsInCircles(unkept)) {
    const [one, other] = unkept.slice(-2).map(nameOf);
    const text = `circles: two misses by turns, ${unkept.length} cycles long: ${one}; ${other}`;
    return say('stuck', 'circles', [text], unkept);
  }
  const kept = cycles.filter(isKept);
  if (kept.length > 0) {
    return say('productive', 'kept', [`kept: ${kept.length} of ${telling.length} cycles: ${tallyText(telling)}`], kept);
  }
  if (history.running) {
    return say('productive', 'working', ['working: a long cycle is no fault; the limits of its runs end it']);
  }
  if (history.held) return say('productive', 'held', ['held: its quiet says nothing about it']);
  const text = `nothing against it: ${unkept.length} not kept in a row (stuck from ${rules.stuckAfter})`;
  return say('productive', 'nothing-against', [text]);
};

/** Why a cycle says nothing about the session, in words that follow "set aside: 3"; undefined: it does. */
const asideOf = (cycle: PastCycle, shared: ReadonlySet<string>): string | undefined => {
  if (cycle.outcome === 'interrupted') return 'interrupted';
  if (isOutside(cycle)) return 'ended from outside';
  if (cycle.flaky > 0 && cycle.broken.length === 0) return 'with flaky tests alone';
  const signature = errorOf(cycle);
  return signature !== undefined && shared.has(signature) ? 'with an error that most of the crew met' : undefined;
};

/** The attempts at a task that the queue has put aside count once: what went wrong with it has been dealt with. */
const withoutClosedTasks = (cycles: readonly PastCycle[]): PastCycle[] =>
  cycles.filter(
    ({ task, outcome }, n) =>
      !task?.closed || outcome === 'pushed' || !cycles.slice(n + 1).some((later) => later.task?.id === task.id),
  );

const isKept = ({ outcome, fate }: PastCycle): boolean => outcome === 'pushed' && fate !== 'lost';

/**
 * How long it could have run and did not; below zero when it is not due, also after the clock was set back: a last
 * cycle that lies ahead says nothing of how long it has been quiet.
 */
const overdueMs = (
  { held, running, cycles, everyMs, freeSinceMs, freshSinceMs = 0 }: SessionHistory,
  now: number,
): number => {
  const last = cycles.at(-1);
  if (held || running) return 0;
  if (!last && freeSinceMs === undefined) return 0;
  const due = last ? Math.max(last.startedMs + everyMs, last.endedMs) : 0;
  return now - Math.max(due, freeSinceMs ?? 0, freshSinceMs);
};

const turnsInCircles = (unkept: readonly PastCycle[]): boolean => {
  if (unkept.length < CIRCLE_CYCLES) return false;
  const [a, b, c, d] = unkept.slice(-CIRCLE_CYCLES).map(nameOf);
  return a === c && b === d && a !== b;
};

const nameOf = (cycle: PastCycle): string => errorOf(cycle) ?? cycle.outcome;

const countBack = (cycles: readonly PastCycle[], is: (cycle: PastCycle) => boolean): number =>
  cycles.length - 1 - cycles.findLastIndex((cycle) => !is(cycle));

/** What was set aside, and what holds it. */
const besides = (
  { cycles, held, running }: SessionHistory,
  telling: readonly PastCycle[],
  now: number,
  shared: ReadonlySet<string>,
): string[] => {
  const aside = cycles
    .filter((cycle) => !telling.includes(cycle))
    .map((cycle) => asideOf(cycle, shared) ?? 'for a task that was put aside');
  const common = [...new Set(cycles.map(errorOf))].filter((one) => one !== undefined && shared.has(one));
  return [
    ...(aside.length === 0 ? [] : [`set aside: ${countedText(aside)}`]),
    ...common.map((error) => `most of the crew met: ${error}`),
    ...(held ? [`held back: ${held}`] : []),
    ...(running ? [`a cycle is under way for ${spanText(now - running.sinceMs)}, phase ${running.phase}`] : []),
  ];
};

const tallyText = (cycles: readonly PastCycle[]): string =>
  countedText(
    cycles.map(({ outcome, fate, nothing }) => {
      if (outcome === 'pushed') return FATES[fate ?? 'waits'];
      return nothing ? 'with nothing to do' : outcome;
    }),
  );

/** "2 landed, 1 rejected or dropped, 3 discarded" */
const countedText = (words: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
};

const FATES = { waits: 'waiting to land', landed: 'landed', lost: 'rejected or dropped' } as const;

/** "45 min", "3 h 05 min", "2 d 4 h" */
export const spanText = (ms: number): string => {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
};
