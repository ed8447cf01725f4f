import type { Config } from '../model/config.ts';
import type { GateName, Outcome, Phase } from '../model/entry.ts';
import type { Figures } from '../model/report.ts';
import { ROLES, type RoleName } from '../model/role.ts';
import type { Session } from '../model/session.ts';
import type { ProjectState, RoleState, State } from '../model/state.ts';
import { dayKey, type MachineFacts } from '../policy/gates.ts';
import { type OpenState, openBranches } from '../policy/queue.ts';
import { recentFailures } from '../policy/role-crash.ts';
import { decide } from '../policy/schedule.ts';
import type { SlotView } from '../ports/machine/slots.ts';

/** The whole factory at a glance: one read model for the terminal, for scripts, and later for every other face. */
export interface StatusView {
  home: string;
  at: string;
  /** Processes that run the factory; empty: nothing runs. */
  processes: { pid: number; since: string; roles: string[] }[];
  roles: RoleView[];
  paused: string | undefined;
  projects: {
    name: string;
    repo: string;
    branch: string;
    tip: string | undefined;
    baseline: Figures | undefined;
    unready: { message: string; mend: string } | undefined;
    /** Somebody else's push broke it; how many things, and who is suspected. */
    red: { commit: string; since: string; broken: number; suspects: string[] } | undefined;
    /** Why approved branches cannot land. */
    blocked: { reason: string; mend: string; since: string } | undefined;
  }[];
  sessions: SessionView[];
  gates: { gate: GateName; reason: string; since: string; until: string | undefined }[];
  /** Who holds a slot and who waits for one. */
  slots: { name: string; capacity: number; held: string[]; waiting: string[] }[];
  /** Branches that are pushed and have not landed, in the order of their pushes. */
  queue: { branch: string; session: string; project: string; at: string; state: OpenState; title: string }[];
  tasks: { queued: number; assigned: number; failed: number };
  today: { costUsd: number; budgetUsd: number; counts: Partial<Record<Outcome, number>> };
  journal: { entries: number; damaged: number; illegal: number };
}

/** Each role of a factory: in which process it is at work, or why in none. */
export interface RoleView {
  role: RoleName;
  state: 'working' | 'parked' | 'missing';
  pid: number | undefined;
  /** Of a park. */
  since: string | undefined;
  /** Why it is parked, or what it failed of lately. */
  reason: string | undefined;
}

export interface SessionView {
  name: string;
  project: string;
  state: 'working' | 'taken' | 'waiting' | 'paused' | 'parked';
  phase: Phase | undefined;
  /** Since when it is in this phase or state. */
  since: string | undefined;
  /** What it works on, or why it waits. */
  doing: string;
  /** When it goes on by itself. */
  until: string | undefined;
  costUsd: number;
  last: { outcome: Outcome; reason: string; at: string | undefined; title: string | undefined } | undefined;
  counts: Partial<Record<Outcome, number>>;
}

export interface StatusInput {
  home: string;
  state: Readonly<State>;
  config: Config;
  sessions: readonly Session[];
  facts: MachineFacts;
  now: number;
  isAlive: (process: { pid: number; start: string }) => boolean;
  /** As the lock server of the home tells; empty when nothing runs. */
  slots: SlotView[];
}

export const statusView = (input: StatusInput): StatusView => {
  const { state, config, now } = input;
  const decision = decide(input);
  const tasks = Object.values(state.tasks);
  const day = state.days[dayKey(now)];
  const processes = Object.values(state.processes).filter(input.isAlive);
  return {
    home: input.home,
    at: new Date(now).toISOString(),
    processes: processes.map(({ pid, at, roles }) => ({ pid, since: at, roles })),
    roles: ROLES.map((role) => roleView(role, state.roles[role], processes, now)),
    paused: state.paused ? `by ${state.paused.by}: ${state.paused.reason}` : undefined,
    projects: config.projects.map((project) => {
      const known = state.projects[project.name];
      return {
        name: project.name,
        repo: project.repo,
        branch: project.branch,
        tip: known?.tip,
        baseline: known?.baseline?.figures,
        unready: known?.unready && { message: known.unready.message, mend: known.unready.mend },
        red: known?.red && redView(known.red),
        blocked: known?.blocked && {
          reason: known.blocked.reason,
          mend: known.blocked.mend,
          since: known.blocked.at,
        },
      };
    }),
    sessions: input.sessions.map((session) => sessionView(input, session, decision)),
    gates: [
      ...Object.entries(state.gates).map(([gate, closed]) => ({
        gate: gate as GateName,
        reason: closed.reason,
        since: closed.at,
        until: closed.until,
      })),
    ],
    slots: Object.entries(config.slots).map(([name, capacity]) => {
      const seen = input.slots.find((slot) => slot.name === name);
      return {
        name,
        capacity,
        held: seen?.held.map(({ who }) => who) ?? [],
        waiting: seen?.waiting.map(({ who }) => who) ?? [],
      };
    }),
    queue: openBranches(state).map(({ branch, session, project, at, status, title }) => ({
      ...{ branch, session, project, at, title },
      state: status.state,
    })),
    tasks: {
      queued: tasks.filter((task) => task.state === 'queued').length,
      assigned: tasks.filter((task) => task.state === 'assigned').length,
      failed: tasks.filter((task) => task.state === 'failed').length,
    },
    today: { costUsd: day?.costUsd ?? 0, budgetUsd: config.gates.budgetPerDayUsd, counts: day?.counts ?? {} },
    journal: { entries: state.entries, damaged: state.damage.count, illegal: state.illegal.count },
  };
};

const roleView = (
  role: RoleName,
  known: RoleState | undefined,
  processes: readonly { pid: number; roles: string[] }[],
  now: number,
): RoleView => {
  const { parked } = known ?? {};
  if (parked) return { role, state: 'parked', pid: undefined, since: parked.at, reason: parked.reason };
  const process = processes.find(({ roles }) => roles.includes(role));
  const reason = recentFailures(known, now).at(-1)?.reason;
  if (process) return { role, state: 'working', pid: process.pid, since: undefined, reason: undefined };
  return { role, state: 'missing', pid: undefined, since: undefined, reason };
};

const redView = ({ commit, at, broken, suspects }: NonNullable<ProjectState['red']>) => ({
  commit,
  since: at,
  broken: broken.length,
  suspects: suspects.map(({ commit: suspect, author, subject }) => `${suspect.slice(0, 10)} “${subject}” of ${author}`),
});

/** Whether anybody would start a cycle. */
const isScheduled = ({ state, isAlive }: StatusInput): boolean =>
  Object.values(state.processes).some((process) => process.roles.includes('scheduler') && isAlive(process));

const sessionView = (input: StatusInput, session: Session, decision: ReturnType<typeof decide>): SessionView => {
  const { state } = input;
  const known = state.sessions[session.name];
  const running = known?.running ? state.running[known.running] : undefined;
  const base = {
    name: session.name,
    project: session.project,
    costUsd: known?.costUsd ?? 0,
    last: known?.lastOutcome && {
      outcome: known.lastOutcome,
      reason: known.lastReason ?? '',
      at: known.lastCycleAt,
      title: known.lastTitle,
    },
    counts: known?.counts ?? {},
  };
  const taken = known?.taken;
  if (running && taken?.handedOver === undefined) {
    const dead = !input.isAlive(running);
    const doing = dead
      ? 'its process died; the next start closes this cycle'
      : taken
        ? `taken by ${taken.by}: ends after what runs now`
        : (running.planTitle ?? 'looking for something to do');
    return { ...base, state: 'working', phase: running.phase, since: running.phaseAt, doing, until: undefined };
  }
  if (taken) {
    const doing = !input.isAlive(taken)
      ? `taken by ${taken.by}, whose process died; the next start gives it back`
      : `taken by ${taken.by}${running ? ', whose work is being judged' : ''}`;
    return { ...base, state: 'taken', phase: undefined, since: taken.at, doing, until: undefined };
  }
  const waiting = decision.wait.find((wait) => wait.session === session.name);
  const kind = session.paused || known?.pausedBy || state.paused ? 'paused' : known?.parked ? 'parked' : 'waiting';
  return {
    ...base,
    state: kind,
    phase: undefined,
    since: undefined,
    doing: waiting?.why ?? (isScheduled(input) ? 'starts with the next tick' : 'ready: starts with `winnow up`'),
    until: waiting?.untilMs === undefined ? undefined : new Date(waiting.untilMs).toISOString(),
  };
};
