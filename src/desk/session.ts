import { nearest } from '../base/nearest.ts';
import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { QueuedBranch, RecentCycle, RunningCycle } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { openBranches } from '../policy/queue.ts';
import { queuedTasks } from '../policy/schedule.ts';
import type { Counter } from './counter.ts';
import type { Factory } from './doors.ts';
import { look } from './look.ts';
import type { SessionView } from './status.ts';

/** Everything about one session. */
export interface SessionDetail extends SessionView {
  focus: string;
  /** Milliseconds between its cycles. */
  everyMs: number;
  model: string;
  running: Omit<RunningCycle, 'pid' | 'start' | 'workspace'> | undefined;
  /** The newest first. */
  recent: RecentCycle[];
  /** Its branches that have not landed. */
  branches: QueuedBranch[];
  /** What it works on or is meant to do next. */
  tasks: Task[];
  /** What the doctor last said of it. */
  class: string | undefined;
}

const RECENT_SHOWN_MAX = 20;

export const showSession = async (place: Counter | Factory, name: string): Promise<Result<SessionDetail, Failure>> => {
  const session = place.sessions().find((s) => s.name === name);
  if (!session) return noSession(place, name);
  const status = await look(place);
  const state = place.journal.state();
  const config = place.config();
  const running = Object.values(state.running).find((cycle) => cycle.session === name);
  const assigned = Object.values(state.tasks).filter((task) => task.id === running?.task);
  return ok({
    ...status.sessions.find((view) => view.name === name)!,
    focus: session.focus,
    everyMs: session.everyMs ?? config.schedule.cycle,
    model: session.model ?? config.agent.model,
    running: running && withoutProcess(running),
    recent: (state.projects[session.project]?.recent ?? [])
      .filter((cycle) => cycle.session === name)
      .slice(-RECENT_SHOWN_MAX)
      .reverse(),
    branches: openBranches(state).filter((branch) => branch.session === name),
    tasks: [...assigned, ...queuedTasks(state).filter((task) => task.session === name)],
    class: state.doctor?.classes[name],
  });
};

/** What was typed may be anything. */
const NAME_SHOWN_MAX_CHARS = 40;

export const noSession = (place: Counter, name: string): { ok: false; error: Failure } => {
  const names = place.sessions().map((session) => session.name);
  const shown = JSON.stringify(name.slice(0, NAME_SHOWN_MAX_CHARS));
  const meant = nearest(name, names);
  const guess = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return failed('not-found', `there is no session ${shown}${guess}; there are ${names.join(', ') || 'none'}`);
};

const withoutProcess = (running: RunningCycle): SessionDetail['running'] => {
  const { pid: _, start: __, workspace: ___, ...cycle } = running;
  return cycle;
};
