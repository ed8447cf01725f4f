import type { Config } from '../model/config.ts';
import type { GateName } from '../model/entry.ts';
import { PRIORITIES } from '../model/priority.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { dayKey, type GateReading, type MachineFacts, readGates } from './gates.ts';

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
  const { state, config, sessions, facts, now } = input;
  const readings = readGates(state, config, facts, now);
  const decision: Decision = {
    close: readings.filter((reading) => reading.closed && !state.gates[reading.gate]),
    open: readings.filter((reading) => !reading.closed && state.gates[reading.gate]).map((reading) => reading.gate),
    unpark: [],
    start: [],
    wait: [],
  };
  const shut = readings.find((reading) => reading.closed);
  const tasks = queuedTasks(state);
  const taken = new Set<string>();
  const room = { cycles: config.gates.maxSessions - Object.keys(state.running).length, bytes: freeMemory(input) };

  for (const session of inOrder(sessions, state)) {
    const held = holdOf(session, input);
    if (held) {
      if (held.do === 'wait') {
        decision.wait.push({ session: session.name, ...held.wait });
        continue;
      }
      decision.unpark.push({ session: session.name, reason: held.reason });
    }
    const task = tasks.find((t) => !taken.has(t.id) && fits(t, session));
    const dueMs = dueAt(session, state, config);
    if (!task && dueMs > now) {
      decision.wait.push({ session: session.name, why: 'next cycle by schedule', untilMs: dueMs });
      continue;
    }
    const blocked = shut
      ? { why: `gate ${shut.gate} closed: ${shut.reason}`, ...(shut.until ? { untilMs: Date.parse(shut.until) } : {}) }
      : roomFor(session, state, room, config);
    if (blocked) {
      decision.wait.push({ session: session.name, ...blocked });
      continue;
    }
    room.cycles -= 1;
    room.bytes -= predictedBytes(session.name, state);
    if (task) taken.add(task.id);
    decision.start.push({ session: session.name, ...(task ? { task: task.id } : {}) });
  }
  return decision;
};

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

/** The moment the session's next cycle is due by schedule, in milliseconds since the epoch; 0 when it never ran. */
export const dueAt = (session: Session, state: Readonly<State>, config: Config): number => {
  const last = state.sessions[session.name]?.lastCycleAt;
  return last === undefined ? 0 : Date.parse(last) + (session.everyMs ?? config.schedule.cycle);
};

type Hold = { do: 'unpark'; reason: string } | { do: 'wait'; wait: { why: string; untilMs?: number } };

const holdOf = (session: Session, { state, config, now }: ScheduleInput): Hold | undefined => {
  const known = state.sessions[session.name];
  if (known?.running && state.running[known.running]) return { do: 'wait', wait: { why: 'a cycle is running' } };
  if (session.paused) return { do: 'wait', wait: { why: `paused in ${session.file}` } };
  if (state.paused) return { do: 'wait', wait: { why: `everything is paused by ${state.paused.by}` } };
  if (known?.pausedBy) return { do: 'wait', wait: { why: `paused by ${known.pausedBy}` } };
  const unready = state.projects[session.project]?.unready;
  // A project that could not be read is tried again, but not at every tick.
  if (unready) {
    const untilMs = Date.parse(unready.at) + UNREADY_RETRY_MS;
    if (untilMs > now) return { do: 'wait', wait: { why: `${session.project}: ${unready.message}`, untilMs } };
  }
  const day = state.days[dayKey(now)];
  const { budgetPerSessionPerDayUsd: perSession, budgetPerProjectPerDayUsd: perProject } = config.gates;
  if (perSession !== undefined && (day?.bySession[session.name] ?? 0) >= perSession) {
    return { do: 'wait', wait: { why: `its budget of $${perSession.toFixed(2)} for today is spent` } };
  }
  if (perProject !== undefined && (day?.byProject[session.project] ?? 0) >= perProject) {
    return {
      do: 'wait',
      wait: { why: `the budget of ${session.project} for today ($${perProject.toFixed(2)}) is spent` },
    };
  }
  if (!known?.parked) return undefined;
  const untilMs = Date.parse(known.parked.until);
  if (untilMs > now) return { do: 'wait', wait: { why: `parked: ${known.parked.reason}`, untilMs } };
  return { do: 'unpark', reason: 'the time it was parked for is over' };
};

/** How long a project that could not be fetched or installed is left alone. */
export const UNREADY_RETRY_MS = 5 * 60_000;

const roomFor = (
  session: Session,
  state: Readonly<State>,
  room: { cycles: number; bytes: number },
  config: Config,
): { why: string } | undefined => {
  if (room.cycles <= 0) return { why: `${config.gates.maxSessions} cycles are running, which is the most allowed` };
  const needed = predictedBytes(session.name, state);
  if (needed > room.bytes && Object.keys(state.running).length > 0) {
    return {
      why: `memory: it is expected to need ${mib(needed)}, ${mib(Math.max(0, room.bytes))} are free below the gate`,
    };
  }
  return undefined;
};

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
