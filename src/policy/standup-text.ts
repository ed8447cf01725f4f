import type { Attendance } from '../model/standup.ts';
import type { State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { validClaims } from './claim.ts';
import { queuedTasks } from './schedule.ts';
import { titleOf } from './standup.ts';

/**
 * What the sessions and the chair are told of each other: the words of models, so data in every prompt. Each one has
 * the same share of a bounded page, however many they are.
 */

/** 6,000 tokens: what everybody hears of everybody in one round. */
const ROUND_MAX_CHARS = 24_000;
/** The chair hears all rounds. */
const CHAIR_MAX_CHARS = 48_000;
/** Of a session that is one of very many a sentence is left. */
const SHARE_MIN_CHARS = 200;

/** Round two: what the others reported, those of the own project first. */
export const reportsText = (attendance: readonly Attendance[], own: Attendance): string =>
  page(others(attendance, own), ROUND_MAX_CHARS, ({ report }) => [
    ...list('did', report?.did),
    ...list('stuck', report?.stuck),
    ...list('needs', report?.needs),
  ]);

/** Round three: what the others answered. */
export const answersText = (attendance: readonly Attendance[], own: Attendance): string =>
  page(others(attendance, own), ROUND_MAX_CHARS, ({ answer }) => [
    ...list('offers', answer?.offers),
    ...list('meets as well', answer?.sharedErrors),
    ...list('warns', answer?.fileWarnings.map(warningText)),
  ]);

/** For the chair: everything. */
export const proceedingsText = (attendance: readonly Attendance[]): string =>
  page(attendance, CHAIR_MAX_CHARS, ({ report, answer, commit }) => [
    ...list('did', report?.did),
    ...list('stuck', report?.stuck),
    ...list('needs', report?.needs),
    ...list('offers', answer?.offers),
    ...list('meets as well', answer?.sharedErrors),
    ...list('warns', answer?.fileWarnings.map(warningText)),
    ...list('commits to', commit && [commit.commitment.title]),
    ...list('proposes', commit && commit.proposal !== '' ? [commit.proposal] : []),
  ]);

const others = (attendance: readonly Attendance[], own: Attendance): Attendance[] =>
  attendance
    .filter(({ session }) => session !== own.session)
    .sort((a, b) => Number(b.project === own.project) - Number(a.project === own.project));

const page = (
  attendance: readonly Attendance[],
  maxChars: number,
  linesOf: (member: Attendance) => string[],
): string => {
  const share = Math.max(SHARE_MIN_CHARS, Math.floor(maxChars / Math.max(1, attendance.length)));
  const parts = attendance.map((member) => {
    const lines = linesOf(member);
    const away = member.absence === undefined ? [] : [`absent: ${member.absence}`];
    const head = `${member.session} (project ${member.project}):`;
    return clip([head, ...(lines.length + away.length === 0 ? ['nothing'] : [...lines, ...away])].join('\n'), share);
  });
  return parts.length === 0 ? 'There is nobody else.' : clip(parts.join('\n\n'), maxChars);
};

const list = (what: string, lines: readonly string[] | undefined): string[] =>
  (lines ?? []).map((line) => `- ${what}: ${line}`);

const warningText = ({ files, sessions, why }: { files: string[]; sessions: string[]; why: string }): string =>
  `${files.join(', ')} (${sessions.join(', ')}): ${why}`;

const clip = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 2).replace(/[\ud800-\udbff]$/, '')} …` : text;

/** What became of what the session committed to last. */
export const lastCommitmentText = (state: Readonly<State>, session: string, project: string): string => {
  const mine = Object.values(state.tasks)
    .filter((task) => task.origin === 'standup' && task.session === session && task.project === project)
    .sort((a, b) => b.queuedAt.localeCompare(a.queuedAt));
  const last = mine.find(isOpen) ?? mine[0];
  if (!last) return 'You have committed to nothing yet.';
  const tries = last.attempts === 0 ? '' : `, ${last.attempts} failed ${last.attempts === 1 ? 'attempt' : 'attempts'}`;
  const where = isOpen(last) ? `still open: ${last.state}${tries}` : last.state;
  return `“${titleOf(last)}”: ${where}${last.reason === '' ? '' : `: ${last.reason}`}`;
};

const isOpen = (task: Task): boolean => task.state === 'queued' || task.state === 'assigned';

/** Files that others of the project work on, or hold since the last meeting. */
export const heldText = (
  state: Readonly<State>,
  { session, project, now }: { session: string; project: string; now: number },
): string => {
  const running = Object.values(state.running)
    .filter((cycle) => cycle.project === project && cycle.session !== session && cycle.claim.length > 0)
    .map((cycle) => `- ${cycle.session} works on ${cycle.claim.join(', ')} (“${cycle.claimTitle ?? 'its plan'}”)`);
  const held = validClaims(state, { session, project, now }).map(
    (claim) => `- ${claim.session} holds ${claim.files.join(', ')} for “${claim.title}”`,
  );
  return [...running, ...held].join('\n') || 'Nothing.';
};

const TASKS_SHOWN_MAX = 20;

/** What else is asked for: so that the chair does not put first what is queued already. */
export const queueText = (state: Readonly<State>): string => {
  const queued = queuedTasks(state);
  const lines = queued.slice(0, TASKS_SHOWN_MAX).map(({ priority, project, session, text }) => {
    const title = clip(text.split('\n')[0] ?? '', 200);
    return `- ${priority}, ${project}${session ? `, ${session}` : ''}: ${title}`;
  });
  const more = queued.length - lines.length;
  return [...lines, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n') || 'Nothing is queued.';
};
