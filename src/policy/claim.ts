import { posix } from 'node:path';
import type { Plan } from '../model/plan.ts';
import type { RunningCycle, StandupState, State } from '../model/state.ts';
import type { Task } from '../model/task.ts';

export interface Clash {
  /** The cycle that holds the claim, or the standup that gave it. */
  cycle: string;
  session: string;
  reason: string;
}

/** Another session's claim that a plan would trample on: the same file, or a directory that holds it. */
export const clashOf = (
  plan: Plan,
  own: string,
  running: Readonly<Record<string, RunningCycle>>,
  project: string,
): Clash | undefined => {
  const wanted = plan.files.map(normalise).filter((file) => file !== '');
  for (const other of Object.values(running)) {
    if (other.cycle === own || other.project !== project) continue;
    const shared = wanted.find((file) => other.claim.some((claimed) => overlaps(file, normalise(claimed))));
    if (shared === undefined) continue;
    return {
      cycle: other.cycle,
      session: other.session,
      reason: `${other.session} is working on ${shared} right now (“${other.claimTitle ?? other.planTitle ?? 'its plan'}”)`,
    };
  }
  return undefined;
};

type Held = StandupState['claims'][number];

/** What others of the project hold since the last standup, as long as it lasts. */
export const validClaims = (
  { standup }: Readonly<State>,
  { session, project, now }: { session: string; project: string; now: number },
): Held[] =>
  (standup?.claims ?? []).filter(
    (claim) => claim.project === project && claim.session !== session && Date.parse(claim.until) > now,
  );

/** Work that does not wait for what a meeting agreed on: a person asked for it, or main is red. */
const UNHINDERED: ReadonlySet<Task['origin']> = new Set(['person', 'import', 'main-red'] as const);

/** A file that another session holds by the standup. */
export const standupClash = (
  plan: Plan,
  state: Readonly<State>,
  own: { session: string; project: string; task: Task | undefined; now: number },
): Clash | undefined => {
  if (own.task && UNHINDERED.has(own.task.origin)) return undefined;
  const wanted = plan.files.map(normalise).filter((file) => file !== '');
  for (const { session, title, files, until } of validClaims(state, own)) {
    const shared = wanted.find((file) => files.some((held) => overlaps(file, normalise(held))));
    if (shared === undefined) continue;
    const time = `${until.slice(11, 16)} UTC`;
    return {
      cycle: state.standup?.id ?? '',
      session,
      reason: `${session} holds ${shared} since the standup, until ${time}, for its commitment “${title}”`,
    };
  }
  return undefined;
};

/** A path as a model writes it, as git writes it: `./src//a.ts` is `src/a.ts`; the whole repository is ''. */
export const normalise = (file: string): string => {
  const path = posix.normalize(file.trim()).replace(/^\/+|\/+$/g, '');
  return path === '.' ? '' : path;
};

export const overlaps = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
