import { existsSync } from 'node:fs';
import type { Entry, Outcome } from '../model/entry.ts';
import { type Failure, failure } from '../model/failure.ts';
import type { Figures } from '../model/report.ts';
import type { Request } from '../model/request.ts';
import type { Proposal, QueuedBranch, SkillState, State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { dayKey, type GateReading, type MachineFacts, readGates } from '../policy/gates.ts';
import { listRequests, openRequests } from '../policy/requests.ts';
import { isAlive } from '../ports/machine/processes.ts';
import { createSlots } from '../ports/machine/slots.ts';
import type { Counter } from './counter.ts';
import { failureOf, type OpenCounter } from './doors.ts';
import { createLive } from './live.ts';
import { machineFacts } from './machine.ts';
import { listBranches } from './queue.ts';
import { type SessionView, type StatusView, statusView } from './status.ts';
import { listTasks } from './tasks.ts';

/**
 * Everything that a dashboard shows, as one view: plain data, made of the state and of a look at the machine. It is
 * read by a process of its own, so that it works, and says so, when no factory runs.
 */
export interface BoardView {
  status: StatusView;
  sessions: BoardSession[];
  /** Open ones first, the oldest push first; then what is over, the newest first. */
  branches: QueuedBranch[];
  tasks: Task[];
  /** What was asked of roles: open ones first, then those that were settled last. */
  requests: Request[];
  gates: GateReading[];
  machine: MachineFacts;
  doctor: State['doctor'];
  standup: State['standup'];
  skills: SkillState[];
  proposals: Proposal[];
  /** By day, oldest first, without gaps, today last. */
  days: { day: string; costUsd: number; kept: number; discarded: number }[];
  /** What main had before each of the last cycles, oldest first, by project. */
  figures: Record<string, { at: string; figures: Figures }[]>;
  /** Why what is shown may not be how things are now: a file of the home is broken, or the home is gone. */
  trouble: Failure | undefined;
}

export interface BoardSession extends SessionView {
  /** How its last cycles ended, newest last. */
  ends: Outcome[];
  /** The cycle whose transcript is worth looking at: the running one, else the last. */
  cycle: string | undefined;
  costTodayUsd: number;
}

/** A fortnight of bars fits beside everything else. */
export const DAYS_SHOWN = 14;
/** Endings in a row that one looks at. */
const ENDS_MAX = 10;
/** The machine and the slots are asked no oftener: they are asked while somebody only looks. */
const MACHINE_AGE_MAX_MS = 5000;

/** Of what was settled nobody looks further back here; the journal has the rest. */
const SETTLED_SHOWN_MAX = 10;

/** The newest entries kept: as far back as anybody pages. */
const ENTRIES_MAX = 500;

export interface Board {
  look(): Promise<BoardView>;
  /** The newest entries, newest last; another array when there are more. */
  entries(): readonly Entry[];
  /** What the agent of this cycle says and does; the same array as long as there is nothing new. */
  live(cycle: string | undefined): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Calls back soon after anything happened; sessions and configuration are those of the files as they are. */
export const createBoard = (counter: OpenCounter, onChange: () => void): Board => {
  const { paths, clock, journal } = counter;
  const ending = new AbortController();
  const live = createLive(paths);
  // Taken before the past is read: what is appended meanwhile is in both.
  const from = { offset: journal.offset() };
  let entries: readonly Entry[] = journal.tail(ENTRIES_MAX);
  const known = new Set(entries.map(({ id }) => id));
  const follow = async (): Promise<void> => {
    for await (const entry of journal.follow({ from, signal: ending.signal })) {
      if (known.has(entry.id)) continue;
      entries = [...entries, entry].slice(-ENTRIES_MAX);
      onChange();
    }
  };
  const following = follow();
  // A look never makes this process the server of the slots.
  const slots = createSlots({ dir: paths.disposable, who: `tui ${process.pid}`, clock, mayServe: false });
  let seen: { atMs: number; facts: MachineFacts; slots: Awaited<ReturnType<typeof slots.view>> } | undefined;
  const machine = async () => {
    if (seen && clock.now() - seen.atMs < MACHINE_AGE_MAX_MS) return seen;
    const [facts, taken] = await Promise.all([machineFacts(paths), slots.view()]);
    seen = { atMs: clock.now(), facts, slots: taken };
    return seen;
  };
  let broken: Failure | undefined;
  let view: BoardView | undefined;
  const reload = async (): Promise<void> => {
    const read = await counter.reload();
    broken = read.ok ? undefined : failureOf(read.error);
    onChange();
  };
  counter.watch(() => void reload(), ending.signal);
  /** As it was left: of a home that is gone nothing can be read, and it may come back. */
  const left = (): BoardView | undefined =>
    view && !existsSync(paths.home)
      ? { ...view, trouble: failure('home-missing', `${paths.home} is gone; this is how it was`) }
      : undefined;
  const fresh = async (): Promise<BoardView> => {
    const { facts, slots: taken } = await machine();
    const status = statusView({
      home: paths.home,
      state: journal.state(),
      config: counter.config(),
      sessions: counter.sessions(),
      facts,
      now: clock.now(),
      isAlive: askedOnce(isAlive),
      slots: taken,
    });
    return { ...boardView(counter, status, facts), trouble: broken };
  };
  return {
    look: async () => {
      const gone = left();
      if (gone) return gone;
      try {
        view = await fresh();
        return view;
      } catch (error) {
        const meanwhile = left();
        if (meanwhile) return meanwhile;
        throw error;
      }
    },
    entries: () => entries,
    live: (cycle) => live.read(cycle),
    close: async () => {
      ending.abort();
      await Promise.all([following, live.close(), slots.close()]);
    },
  };
};

/** Of many sessions the process is one: within a look each is asked about once. */
const askedOnce = (ask: (process: { pid: number; start: string }) => boolean) => {
  const answers = new Map<string, boolean>();
  return ({ pid, start }: { pid: number; start: string }): boolean => {
    const key = `${pid} ${start}`;
    const answer = answers.get(key) ?? ask({ pid, start });
    answers.set(key, answer);
    return answer;
  };
};

/** Pure but for the journal's state. */
export const boardView = (counter: Counter, status: StatusView, machine: MachineFacts): Omit<BoardView, 'trouble'> => {
  const state = counter.journal.state();
  const now = Date.parse(status.at);
  const recent = Object.values(state.projects).flatMap((project) => project.recent);
  const today = state.days[dayKey(now)];
  return {
    status,
    sessions: status.sessions.map((session) => {
      const own = recent.filter((cycle) => cycle.session === session.name);
      return {
        ...session,
        ends: own.slice(-ENDS_MAX).map(({ outcome }) => outcome),
        cycle: state.sessions[session.name]?.running ?? own.at(-1)?.cycle,
        costTodayUsd: today?.bySession[session.name] ?? 0,
      };
    }),
    branches: listBranches(counter, true),
    tasks: listTasks(counter, true),
    requests: shownRequests(state),
    gates: readGates(state, counter.config(), machine, now),
    machine,
    doctor: state.doctor,
    standup: state.standup,
    skills: Object.values(state.skills).sort((a, b) => b.with.ended - a.with.ended || a.name.localeCompare(b.name)),
    proposals: Object.values(state.proposals).sort((a, b) => b.at.localeCompare(a.at)),
    days: Array.from({ length: DAYS_SHOWN }, (_, n) => {
      const day = dayKey(now - (DAYS_SHOWN - 1 - n) * DAY_MS);
      const spent = state.days[day];
      const { pushed = 0, discarded = 0 } = spent?.counts ?? {};
      return { day, costUsd: spent?.costUsd ?? 0, kept: pushed, discarded };
    }),
    figures: Object.fromEntries(
      Object.values(state.projects).map(({ name, recent: cycles, baseline }) => [
        name,
        [
          ...cycles.flatMap(({ at, before }) => (before ? [{ at, figures: before }] : [])),
          ...(baseline ? [{ at: status.at, figures: baseline.figures }] : []),
        ],
      ]),
    ),
  };
};

const shownRequests = (state: Readonly<State>): Request[] => {
  const open = openRequests(state).length;
  return listRequests(state, true).slice(0, open + SETTLED_SHOWN_MAX);
};

const DAY_MS = 86_400_000;
