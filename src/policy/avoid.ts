import type { Plan } from '../model/plan.ts';
import type { SessionState } from '../model/state.ts';
import { normalise } from './claim.ts';
import { similarity } from './words.ts';

/** A session that went in circles has to turn to something else: what its next plan must not be about. */
export type Avoid = NonNullable<SessionState['avoid']>;

/** As in policy/tried.ts, and a little wider: here the same aim in other words is meant as well. */
const SIMILAR_MIN = 0.6;
/** A plan may touch a file in passing; with half of its files there it is about them. */
const FILES_SHARE_MIN = 0.5;

/** What is still to be left alone: nobody is kept from a matter for longer than what happened there counts. */
export const avoidNow = (avoid: Avoid | undefined, windowMs: number, now: number): Avoid | undefined =>
  avoid && Date.parse(avoid.at) + windowMs > now ? avoid : undefined;

/** Why the plan is once more about what the session has to leave alone; undefined: it is about something else. */
export const avoidedBy = (plan: Pick<Plan, 'title' | 'files'>, avoid: Avoid): string | undefined => {
  const again = `is to be left alone for now (${avoid.reason}): plan something else`;
  const title = avoid.titles.find((tried) => similarity(plan.title, tried) >= SIMILAR_MIN);
  if (title !== undefined) return `“${title}” ${again}`;
  const left = new Set(avoid.files.map(normalise));
  const shared = plan.files.filter((file) => left.has(normalise(file)));
  if (shared.length === 0 || shared.length < plan.files.length * FILES_SHARE_MIN) return undefined;
  return `${shared.join(', ')} ${again}`;
};
