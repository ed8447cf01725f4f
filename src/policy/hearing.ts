import type { Config } from '../model/config.ts';
import type { Outcome } from '../model/entry.ts';
import type { State } from '../model/state.ts';
import { dayKey, startOfNextDay } from './gates.ts';
import { oneLine } from './placeholders.ts';
import { isOpen, openBranches } from './queue.ts';

/** What the bot knows while it listens: the names that may be spoken of, and what a reply may tell. */
export interface Hearing {
  sessions: readonly string[];
  projects: readonly string[];
  /** Those that are open, the oldest push first. */
  branches: readonly { branch: string; session: string; state: string; title: string }[];
  /** Names of those that are over: they can still be looked at. */
  closed: readonly string[];
  /** Open ones, the oldest first. */
  tasks: readonly { task: string; text: string }[];
  /** Bot skills that are loaded. */
  skills: readonly string[];
  views: Readonly<Record<BotView, string>>;
}

/** What a reply may hold in braces, and what stands there then: one line each, none of them a secret. */
export const BOT_VIEWS = {
  'status.line': 'how many sessions work, and on what',
  'sessions.names': 'the names of the sessions',
  'queue.line': 'how many branches wait, and for whom',
  'tasks.line': 'how many tasks are queued',
  'cost.today': 'what was spent today, in dollars',
  'cost.left': 'what is left of the budget of today, in dollars',
  'kept.today': 'how the cycles of today ended',
  'main.line': 'whether main is green',
  'gates.line': 'what holds back new work',
  'standup.line': 'what the last standup said',
  'doctor.line': 'what the doctor found last',
  'day.ends': 'when the budget of the day begins anew',
} as const;
export type BotView = keyof typeof BOT_VIEWS;

/** A view is read on a phone within a sentence. */
const VIEW_MAX_CHARS = 500;
const NAMED_MAX = 10;

export const hearingOf = (
  state: Readonly<State>,
  home: { config: Config; sessions: readonly { name: string }[]; skills: readonly string[]; now: number },
): Hearing => ({
  sessions: home.sessions.map(({ name }) => name),
  projects: home.config.projects.map(({ name }) => name),
  branches: openBranches(state).map(({ branch, session, title, status }) => ({
    ...{ branch, session, title },
    state: status.state,
  })),
  closed: Object.values(state.queue)
    .filter((branch) => !isOpen(branch))
    .map(({ branch }) => branch),
  tasks: Object.values(state.tasks)
    .filter((task) => task.state === 'queued' || task.state === 'assigned')
    .sort((a, b) => a.queuedAt.localeCompare(b.queuedAt))
    .map(({ id, text }) => ({ task: id, text })),
  skills: home.skills,
  views: viewsOf(state, home),
});

const viewsOf = (
  state: Readonly<State>,
  { config, sessions, now }: { config: Config; sessions: readonly { name: string }[]; now: number },
): Hearing['views'] => {
  const day = state.days[dayKey(now)];
  const spent = day?.costUsd ?? 0;
  const waiting = Object.values(state.tasks).filter((task) => task.state === 'queued').length;
  const views: Record<BotView, string> = {
    'status.line': statusLine(state, sessions.length),
    'sessions.names': list(sessions.map(({ name }) => name)) || 'nobody',
    'queue.line': queueLine(state),
    'tasks.line': waiting === 0 ? 'no task is queued' : `${many(waiting, 'task')} queued`,
    'cost.today': usd(spent),
    'cost.left': usd(Math.max(0, config.gates.budgetPerDayUsd - spent)),
    'kept.today': countsLine(day?.counts ?? {}),
    'main.line': mainLine(state),
    'gates.line': gatesLine(state),
    'standup.line': state.standup ? state.standup.summary : 'no standup was held yet',
    'doctor.line': doctorLine(state),
    'day.ends': `${new Date(startOfNextDay(now)).toISOString().slice(11, 16)} UTC`,
  };
  return Object.fromEntries(
    Object.entries(views).map(([name, line]) => [name, cut(oneLine(line))]),
  ) as unknown as Hearing['views'];
};

const statusLine = (state: Readonly<State>, sessions: number): string => {
  if (state.paused) return `everything is paused by ${state.paused.by}`;
  const running = Object.values(state.running);
  if (running.length === 0) return `none of ${many(sessions, 'session')} works at this moment`;
  const doing = running.map(({ session, phase, planTitle }) => `${session} (${planTitle ?? phase})`);
  return `${running.length} of ${many(sessions, 'session')} at work: ${list(doing)}`;
};

const queueLine = (state: Readonly<State>): string => {
  const open = openBranches(state);
  if (open.length === 0) return 'no branch waits';
  const human = open.filter(({ status }) => status.state === 'needs-human').length;
  const approved = open.filter(({ status }) => status.state === 'approved').length;
  return `${many(open.length, 'branch', 'branches')} open: ${human} for a person, ${open.length - human - approved} for the reviewer, ${approved} for the train`;
};

const countsLine = (counts: Partial<Record<Outcome, number>>): string =>
  Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ') || 'no cycle has ended today';

const mainLine = (state: Readonly<State>): string => {
  const known = Object.values(state.projects);
  if (known.length === 0) return 'nobody has looked at main yet';
  const red = known.filter((project) => project.red);
  return red.length === 0 ? 'main is not known to be red' : `main of ${list(red.map(({ name }) => name))} is red`;
};

const gatesLine = (state: Readonly<State>): string => {
  const closed = Object.entries(state.gates).map(([name, gate]) => `${name} (${gate.reason})`);
  return closed.length === 0 ? 'no gate is closed' : `closed: ${list(closed)}`;
};

const doctorLine = (state: Readonly<State>): string =>
  list(Object.entries(state.doctor?.classes ?? {}).map(([session, found]) => `${session} is ${found}`)) ||
  'the doctor has not looked yet';

const list = (names: readonly string[]): string => {
  const more = names.length - NAMED_MAX;
  return more > 0 ? `${names.slice(0, NAMED_MAX).join(', ')} and ${more} more` : names.join(', ');
};

const many = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;
const usd = (amount: number): string => `$${amount.toFixed(2)}`;
const cut = (text: string): string => (text.length > VIEW_MAX_CHARS ? `${text.slice(0, VIEW_MAX_CHARS - 1)}…` : text);
