import type { Entry, EntryOf, EntryType } from '../model/entry.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { PastCycle, SessionHistory } from '../policy/classify.ts';
import type { MachineFacts } from '../policy/gates.ts';
import { heldBack } from '../policy/schedule.ts';
import { isAlive } from '../ports/machine/processes.ts';
import type { Workshop } from './workshop.ts';

/**
 * What lies behind the sessions, for the rules that classify them: their cycles within the window and what held or
 * freed them. Read backwards from the end of the journal, bounded by the window and by a count: the state knows the
 * last cycles of a project but neither what ended them by kind nor what they broke.
 */
export interface Past {
  history: SessionHistory;
  /** When it was last told to turn to something else; 0: never. */
  redirectedMs: number;
  /** The ends of its cycles, as the journal has them. */
  ends: EntryOf<'ralph_cycle'>[];
}

/** Eight sessions in cycles of a quarter of an hour end 400 within twelve hours; of more the newest count. */
const CYCLES_READ_MAX = 2_000;
/** Gates and pauses are rarer than cycles. */
const FREEING_READ_MAX = 500;
/** What may let a session go on; so few types are searched for on bytes. */
const FREEING: readonly EntryType[] = [
  'gate_opened',
  'resumed',
  'session_unparked',
  'session_redirected',
  'project_ready',
  'main_green',
  'process_started',
  'config_loaded',
];

export const historiesOf = (shop: Workshop, sessions: readonly Session[], facts: MachineFacts): Past[] => {
  const now = shop.clock.now();
  const sinceMs = now - shop.config().doctor.window;
  const ends = shop.journal.tail(CYCLES_READ_MAX, { types: ['ralph_cycle'], sinceMs }).filter(isEnd);
  const freeing = shop.journal.tail(FREEING_READ_MAX, { types: FREEING, sinceMs });
  const state = shop.journal.state();
  const runs = factoryRuns(state);
  const input = { state, config: shop.config(), sessions, facts, now };
  return sessions.map((session) => {
    const own = ends.filter((end) => end.session === session.name && end.project === session.project);
    const known = state.sessions[session.name];
    const running = known?.running === undefined ? undefined : state.running[known.running];
    const held = heldBack(session, input) ?? (runs ? undefined : 'no factory runs here: `winnow up` starts it');
    const fresh = newest(freeing, ({ type, session: of }) => type === 'resumed' && of === session.name);
    return {
      ends: own,
      redirectedMs: newest(freeing, ({ type, session: of }) => type === 'session_redirected' && of === session.name),
      history: {
        session: session.name,
        everyMs: session.everyMs ?? shop.config().schedule.cycle,
        cycles: own.map((end) => pastOf(state, end)),
        freeSinceMs: Math.max(
          sinceMs,
          newest(freeing, (entry) => frees(entry, session)),
        ),
        freshSinceMs: fresh,
        ...(held === undefined ? {} : { held }),
        ...(running ? { running: { sinceMs: Date.parse(running.startedAt), phase: running.phase } } : {}),
      },
    };
  });
};

const isEnd = (entry: Entry): entry is EntryOf<'ralph_cycle'> => entry.type === 'ralph_cycle';

const newest = (entries: readonly Entry[], is: (entry: Entry) => boolean): number => {
  const found = entries.findLast(is);
  return found ? Date.parse(found.ts) : 0;
};

const frees = ({ type, session, project }: Entry, of: Session): boolean =>
  type !== 'session_redirected' &&
  (session === undefined || session === of.name) &&
  (project === undefined || project === of.project);

const factoryRuns = (state: Readonly<State>): boolean =>
  Object.values(state.processes).some((process) => process.roles.includes('scheduler') && isAlive(process));

const pastOf = (state: Readonly<State>, { cycle = '', ts, project = '', data }: EntryOf<'ralph_cycle'>): PastCycle => {
  const flaky = state.projects[project]?.flaky ?? {};
  const broken = data.broken ?? [];
  const lasting = broken.filter((identity) => flaky[identity] === undefined);
  const endedMs = Date.parse(ts);
  const task = data.task === undefined ? undefined : state.tasks[data.task];
  const fate = data.outcome === 'pushed' ? fateOf(state, data.branch) : undefined;
  return {
    cycle,
    endedMs,
    startedMs: endedMs - (data.times.total ?? 0),
    outcome: data.outcome,
    reason: data.reason,
    failure: data.failure,
    nothing: data.plan?.nothing ?? false,
    files: data.files ?? data.plan?.files ?? [],
    broken: lasting,
    flaky: broken.length - lasting.length,
    ...(data.plan ? { title: data.plan.title } : {}),
    ...(fate ? { fate } : {}),
    ...(data.task === undefined
      ? {}
      : {
          task: { id: data.task, closed: task === undefined || task.state === 'failed' || task.state === 'cancelled' },
        }),
  };
};

/** A conflict goes back to its session as a task: that work is not lost. */
const fateOf = (state: Readonly<State>, branch: string | undefined): NonNullable<PastCycle['fate']> => {
  const status = branch === undefined ? undefined : state.queue[branch]?.status;
  switch (status?.state) {
    case 'landed':
      return 'landed';
    case 'rejected':
    case 'gone':
      return 'lost';
    case 'dropped':
      return status.why === 'conflict' ? 'waits' : 'lost';
    default:
      return 'waits';
  }
};
