import type { Config } from '../model/config.ts';
import { UNTIL_RESUMED } from '../model/crew.ts';
import type { GateName } from '../model/entry.ts';
import { PRIORITIES } from '../model/priority.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { avoidNow } from './avoid.ts';
import { isSpent } from './cents.ts';
import { dayKey, type GateReading, type MachineFacts, readGates, startOfNextDay } from './gates.ts';

/**
 * What the scheduler does next, decided from the state, the configuration, the machine and the hour: health first,
 * then assignment of what is queued, then the sessions whose time has come. The same decision, shown and not carried
 * out, is what `winnow status` tells about the near future.
 */
export interface Decision {
  close: GateReading[];
  open: GateName[];
  unpark: { session: string; reason: string }[];
  start: { session: string; task?: string }[];
  /** Why each of the others does not start, and until when if that is known. */
  wait: { session: string; why: string; untilMs?: number }[];
}

/** What an agent and its checks are taken to need until a session's own use is known. */
export const MEMORY_PREDICTED_BYTES = 600 * 1024 ** 2;

export interface ScheduleInput {
  state: Readonly<State>;
  config: Config;
  sessions: readonly Session[];
  facts: MachineFacts;
  now: number;
}

export const decide = (input: ScheduleInput): Decision => {
  const { state, config, facts, now } = input;
  const readings = readGates(state, config, facts, now);
  const decision: Decision = {
    close: readings.filter((reading) => reading.closed && !state.gates[reading.gate]),
    open: readings.filter((reading) => !reading.closed && state.gates[reading.gate]).map((reading) => reading.gate),
    unpark: [],
    start: [],
    wait: [],
  };
  const free = freeSessions(input, decision);
  const admit = createAdmission(
    input,
    readings.find((reading) => reading.closed),
  );
  const started = new Set<string>();
  /** Why a session that has something to do does not do it: the reason met first, which is the most urgent work's. */
  const refused = new Map<string, Refusal>();
  const offer = (session: Session, task?: Task): boolean => {
    const refusal = redRefusal(state, session, task) ?? admit(session);
    if (refusal) {
      if (!refused.has(session.name)) refused.set(session.name, refusal);
      return false;
    }
    started.add(session.name);
    decision.start.push({ session: session.name, ...(task ? { task: task.id } : {}) });
    return true;
  };
  // Work that somebody asked for goes before work that only the clock asks for.
  for (const task of queuedTasks(state)) {
    free.find(
      (session) =>
        !started.has(session.name) && fits(task, session) && !avoids(input, session, task) && offer(session, task),
    );
  }
  for (const session of free) {
    if (started.has(session.name)) continue;
    const dueMs = dueAt(session, state, config, now);
    if (dueMs <= now && offer(session)) continue;
    const { why, untilMs } = refused.get(session.name) ?? { why: 'waits for its next cycle', untilMs: dueMs };
    decision.wait.push({ session: session.name, why, ...(untilMs === undefined ? {} : { untilMs }) });
  }
  return decision;
};

/** While main is red by somebody else's push, only work that mends it goes on. */
const redRefusal = (state: Readonly<State>, { project }: Session, task: Task | undefined): Refusal | undefined => {
  const red = state.projects[project]?.red;
  if (!red || task?.origin === 'main-red') return undefined;
  return { why: `main of ${project} is red since ${red.commit.slice(0, 10)}: only work that mends it goes on` };
};

/** The sessions that nothing of their own holds back, who has waited longest first; the others are told why they wait. */
const freeSessions = (input: ScheduleInput, decision: Decision): Session[] =>
  inOrder(input.sessions, input.state).filter((session) => {
    const held = holdOf(session, input);
    if (held?.do === 'wait') decision.wait.push({ session: session.name, ...held.wait });
    if (held?.do === 'unpark') decision.unpark.push({ session: session.name, reason: held.reason });
    return held?.do !== 'wait';
  });

interface Refusal {
  why: string;
  untilMs?: number;
}

/**
 * Lets sessions in while gates are open and there is room; what is let in takes its part of the room. Who needs more
 * than is free may be overtaken by those that need less, but not for ever: who has missed a whole turn is waited for.
 */
const createAdmission = (
  input: ScheduleInput,
  shut: GateReading | undefined,
): ((session: Session) => Refusal | undefined) => {
  const { state, config } = input;
  let cycles = Object.keys(state.running).length;
  let freeBytes = freeMemory(input);
  let keptFor: string | undefined;
  return (session) => {
    const { name } = session;
    if (shut) {
      const until = shut.until === undefined ? {} : { untilMs: Date.parse(shut.until) };
      return { why: `gate ${shut.gate} closed: ${shut.reason}`, ...until };
    }
    const { maxSessions } = config.gates;
    if (cycles >= maxSessions) return { why: `${cyclesAre(maxSessions)} running, which is the most allowed` };
    if (keptFor !== undefined && keptFor !== name)
      return { why: `memory: what becomes free is kept for ${keptFor}, which has waited for a whole turn` };
    const needed = predictedBytes(name, state);
    // The gate itself is open: one cycle alone may try, or a machine that is always near the gate would never work.
    if (needed > freeBytes && cycles > 0) {
      if (hasMissedTurn(session, input)) keptFor ??= name;
      return {
        why: `memory: it is expected to need ${mib(needed)}, ${mib(Math.max(0, freeBytes))} are free below the gate`,
      };
    }
    cycles += 1;
    freeBytes -= needed;
    return undefined;
  };
};

const cyclesAre = (count: number): string => (count === 1 ? 'one cycle is' : `${count} cycles are`);

/** Queued tasks, by priority and then by age. */
export const queuedTasks = (state: Readonly<State>): Task[] =>
  Object.values(state.tasks)
    .filter((task) => task.state === 'queued')
    .sort(
      (a, b) =>
        PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) ||
        a.queuedAt.localeCompare(b.queuedAt) ||
        a.id.localeCompare(b.id),
    );

export const fits = (task: Task, session: Session): boolean =>
  task.project === session.project && (task.session === undefined || task.session === session.name);

/** It could not do it and has been told to do something else: others may. */
const avoids = ({ state, config, now }: ScheduleInput, { name }: Session, task: Task): boolean =>
  avoidNow(state.sessions[name]?.avoid, config.doctor.window, now)?.tasks.includes(task.id) ?? false;

/** The moment the session's next cycle is due by schedule, in milliseconds since the epoch; 0 when it never ran. */
export const dueAt = (session: Session, state: Readonly<State>, config: Config, now: number): number => {
  const last = state.sessions[session.name]?.lastCycleAt;
  if (last === undefined || isAhead(last, now)) return 0;
  return Date.parse(last) + (session.everyMs ?? config.schedule.cycle);
};

/** Whoever never ran has waited for as long as anybody can tell. */
const hasMissedTurn = (session: Session, { state, config, now }: ScheduleInput): boolean =>
  dueAt(session, state, config, now) + (session.everyMs ?? config.schedule.cycle) <= now;

/** The machine's clock was set back since: waiting for that moment to come again could take years. */
const isAhead = (at: string, now: number): boolean => Date.parse(at) > now;

type Hold = { do: 'unpark'; reason: string } | { do: 'wait'; wait: { why: string; untilMs?: number } };

const holdOf = (session: Session, { state, config, now }: ScheduleInput): Hold | undefined => {
  const known = state.sessions[session.name];
  if (known?.taken) return { do: 'wait', wait: { why: `taken by ${known.taken.by}` } };
  if (known?.running && state.running[known.running]) return { do: 'wait', wait: { why: 'a cycle is running' } };
  if (session.paused) return { do: 'wait', wait: { why: `paused in ${session.file}` } };
  if (state.paused) return { do: 'wait', wait: { why: `everything is paused by ${state.paused.by}` } };
  if (known?.pausedBy) return { do: 'wait', wait: { why: `paused by ${known.pausedBy}` } };
  const unready = state.projects[session.project]?.unready;
  // A project that could not be read is tried again, but not at every tick.
  if (unready && !isAhead(unready.at, now)) {
    const untilMs = Date.parse(unready.at) + UNREADY_RETRY_MS;
    if (untilMs > now) return { do: 'wait', wait: { why: `${session.project}: ${unready.message}`, untilMs } };
  }
  const day = state.days[dayKey(now)];
  const { budgetPerSessionPerDayUsd: perSession, budgetPerProjectPerDayUsd: perProject } = config.gates;
  if (perSession !== undefined && isSpent(perSession, day?.bySession[session.name] ?? 0)) {
    const why = `its budget of $${perSession.toFixed(2)} for today is spent`;
    return { do: 'wait', wait: { why, untilMs: startOfNextDay(now) } };
  }
  if (perProject !== undefined && isSpent(perProject, day?.byProject[session.project] ?? 0)) {
    const why = `the budget of ${session.project} for today ($${perProject.toFixed(2)}) is spent`;
    return { do: 'wait', wait: { why, untilMs: startOfNextDay(now) } };
  }
  if (!known?.parked) return undefined;
  const untilMs = Date.parse(known.parked.until);
  if (known.parked.until === UNTIL_RESUMED) return { do: 'wait', wait: { why: `parked: ${known.parked.reason}` } };
  // What it was parked for took minutes then; by the clock of now it may be years.
  if (known.lastCycleAt !== undefined && isAhead(known.lastCycleAt, now))
    return { do: 'unpark', reason: 'the clock was set back since it was parked' };
  if (untilMs > now) return { do: 'wait', wait: { why: `parked: ${known.parked.reason}`, untilMs } };
  return { do: 'unpark', reason: 'the time it was parked for is over' };
};

/**
 * What keeps a session from beginning a cycle although it may be due, but for its own cycle under way: a person, a
 * park, its project, a gate, a budget, the others. Undefined: nothing.
 */
export const heldBack = (session: Session, input: ScheduleInput): string | undefined => {
  const { state, config, facts, now } = input;
  const running = state.sessions[session.name]?.running;
  const own = running === undefined ? holdOf(session, input) : undefined;
  if (own?.do === 'wait') return own.wait.why;
  const red = redRefusal(state, session, undefined);
  if (red) return red.why;
  const shut = readGates(state, config, facts, now).find(({ closed }) => closed);
  if (shut) return `gate ${shut.gate} closed: ${shut.reason}`;
  const cycles = Object.keys(state.running).length;
  const { maxSessions } = config.gates;
  return running === undefined && cycles >= maxSessions
    ? `${cyclesAre(maxSessions)} running, which is the most allowed`
    : undefined;
};

/** How long a project that could not be fetched or installed is left alone. */
export const UNREADY_RETRY_MS = 5 * 60_000;

/**
 * Bytes left below the memory gate after what running cycles are expected to grow to. A cycle's share that is
 * already in use is counted once: of the reservation only the part that the machine does not show as used yet.
 */
const freeMemory = ({ state, config, facts }: ScheduleInput): number => {
  const ceiling = config.gates.memory * facts.memoryTotalBytes;
  const used = facts.memoryUsedShare * facts.memoryTotalBytes;
  const young = Object.values(state.running).filter((cycle) => cycle.phase === 'read' || cycle.phase === 'analyze');
  const reserved = young.reduce((sum, cycle) => sum + predictedBytes(cycle.session, state), 0);
  return ceiling - used - reserved;
};

const predictedBytes = (session: string, state: Readonly<State>): number =>
  state.sessions[session]?.memoryBytes ?? MEMORY_PREDICTED_BYTES;

/** Who has waited longest comes first; those that never ran by name, so that the order is always the same. */
const inOrder = (sessions: readonly Session[], state: Readonly<State>): Session[] =>
  [...sessions].sort((a, b) => {
    const left = state.sessions[a.name]?.lastCycleAt ?? '';
    const right = state.sessions[b.name]?.lastCycleAt ?? '';
    return left.localeCompare(right) || a.name.localeCompare(b.name);
  });

const mib = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;
