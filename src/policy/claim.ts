import { posix } from 'node:path';
import type { Plan } from '../model/plan.ts';
import type { RunningCycle } from '../model/state.ts';

export interface Clash {
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

/** A path as a model writes it, as git writes it: `./src//a.ts` is `src/a.ts`; the whole repository is ''. */
export const normalise = (file: string): string => {
  const path = posix.normalize(file.trim()).replace(/^\/+|\/+$/g, '');
  return path === '.' ? '' : path;
};

const overlaps = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
