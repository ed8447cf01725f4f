import type { EntryOf, Outcome } from '../model/entry.ts';
import type { Plan } from '../model/plan.ts';
import type { TreeReport } from '../model/report.ts';
import { normalise } from './claim.ts';
import { entryOf } from './compare.ts';
import { meaningOf } from './words.ts';

/** Whether a plan repeats what was tried and not kept, and whether anything is new since. */

/** A past cycle with a plan, as far as it says whether something was tried. */
export interface Attempt {
  cycle: string;
  session: string;
  /** ISO 8601. */
  at: string;
  outcome: Outcome;
  reason: string;
  title: string;
  why: string;
  expects: string;
  files: string[];
  /** What it broke, as `<check>: <identity>`. */
  broken: string[];
  /** It was judged on what it did, and not lost to a conflict. */
  judged: boolean;
  branch?: string;
  patch?: string;
  /** What became of its branch after it was pushed, where it was not kept. */
  fate?: Fate;
}

/** A branch that was pushed and did not land. */
export interface Fate {
  state: 'rejected' | 'dropped';
  reason: string;
  /** Dropped because it no longer fitted, which says nothing about the idea. */
  conflicted: boolean;
  patch?: string;
}

export interface Tried {
  cycle: string;
  reason: string;
}

/** The tests that pass now, and everything that is wrong now: each as `<check>: <identity>`. */
export interface Present {
  passing: ReadonlySet<string>;
  wrong: ReadonlySet<string>;
}

/**
 * The attempt that a plan repeats: the same matter on an overlapping set of files, not kept, and nothing new since.
 * The newest such attempt, or undefined. New is a kept change to these files, or a main on which all that the attempt
 * broke is gone or wrong anyway; a plan that goes about it in other words is another attempt.
 */
export const triedBefore = (plan: Plan, past: readonly Attempt[], present: Present): Tried | undefined => {
  const newest = past.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  const repeated = newest.find(
    (attempt) =>
      isThrownAway(attempt) &&
      sharesFile(plan.files, attempt.files) &&
      isSameMatter(plan, attempt) &&
      !newest.some((other) => isKept(other) && other.at > attempt.at && reaches(other, [plan, attempt])) &&
      !isObstacleGone(attempt, present),
  );
  return repeated && { cycle: repeated.cycle, reason: reasonOf(repeated) };
};

/** What the journal tells of a cycle; undefined when it made no plan. */
export const attemptOf = ({ ts, session, cycle, data }: EntryOf<'ralph_cycle'>, fate?: Fate): Attempt | undefined => {
  const { plan, findings = [] } = data;
  if (plan === undefined || plan.nothing || cycle === undefined) return undefined;
  const patch = data.patch ?? fate?.patch;
  return {
    cycle,
    session: session ?? 'somebody',
    at: ts,
    outcome: data.outcome,
    reason: data.reason,
    ...{ title: plan.title, why: plan.why, expects: plan.expects },
    files: [...new Set([...(data.files ?? []), ...plan.files])],
    broken: data.broken ?? [],
    judged: data.verdict !== undefined || findings.some(({ action }) => action === 'refuse'),
    ...(data.branch ? { branch: data.branch } : {}),
    ...(patch ? { patch } : {}),
    ...(fate ? { fate } : {}),
  };
};

/** Discarded for what it did, or pushed and then refused. */
export const isThrownAway = ({ outcome, judged, fate }: Attempt): boolean =>
  outcome === 'discarded' ? judged : outcome === 'pushed' && fate !== undefined && !fate.conflicted;

const isKept = ({ outcome, fate }: Attempt): boolean => outcome === 'pushed' && fate === undefined;

export const presentOf = (baseline: TreeReport): Present => {
  const [passing, wrong] = [new Set<string>(), new Set<string>()];
  for (const check of baseline.checks) {
    if (check.state === 'unevaluated') continue;
    for (const { id } of check.problems) wrong.add(entryOf(check.check, id));
    for (const { id, status } of check.tests) {
      if (status === 'passed') passing.add(entryOf(check.check, id));
      if (status === 'failed') wrong.add(entryOf(check.check, id));
    }
  }
  return { passing, wrong };
};

/** What it was thrown away for is no reason any more; of other reasons nothing can be said. */
const isObstacleGone = ({ broken }: Attempt, { passing, wrong }: Present): boolean =>
  broken.length > 0 &&
  broken.every((identity) => wrong.has(identity) || (isTest(identity) && !passing.has(identity) && passing.size > 0));

/** An identity of a test has its file and its name; that of an error may not be wrong now and stand all the same. */
const isTest = (identity: string): boolean => identity.includes(' > ');

const reaches = (kept: Attempt, [plan, attempt]: [Plan, Attempt]): boolean =>
  [...plan.files, ...attempt.files].some((file) => kept.files.some((other) => overlaps(file, other)));

/** Nothing named is anything. */
const sharesFile = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === 0 || b.length === 0 || a.some((file) => b.some((other) => overlaps(file, other)));

const overlaps = (a: string, b: string): boolean => {
  const [one, other] = [normalise(a), normalise(b)];
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
};

/** Two titles are of one matter when so large a share of their stems is common. */
const TITLE_MIN = 0.7;
/** A title in other words is of one matter when the reasons and the expectations are the same as well. */
const TITLE_OTHER_WORDS_MIN = 0.55;
const BODY_MIN = 0.5;
const WORDS_MAX = 300;

const isSameMatter = (plan: Plan, attempt: Attempt): boolean => {
  const [left, right] = [meaningOf(plan.title, WORDS_MAX), meaningOf(attempt.title, WORDS_MAX)];
  if (left.size === 0 || right.size === 0) return sameText(plan.title, attempt.title);
  if (isOpposite(left, right)) return false;
  const titles = shareOf(left, right);
  return titles >= TITLE_MIN || (titles >= TITLE_OTHER_WORDS_MIN && shareOf(bodyOf(plan), bodyOf(attempt)) >= BODY_MIN);
};

const bodyOf = ({ why, expects }: Pick<Plan, 'why' | 'expects'>): Set<string> =>
  meaningOf(`${why}\n${expects}`, WORDS_MAX);

const sameText = (a: string, b: string): boolean => a.normalize('NFKC').trim() === b.normalize('NFKC').trim();

/** Words by stem that turn a title into its contrary. */
const CONTRARIES = [
  ['add', 'remov'],
  ['enabl', 'disabl'],
  ['increas', 'decreas'],
  ['inlin', 'extract'],
  ['split', 'join'],
  ['allow', 'forbid'],
  ['rais', 'lower'],
] as const;
const DENIALS = ['not', 'without', 'never', 'revert', 'undo'];

const isOpposite = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  DENIALS.some((word) => a.has(word) !== b.has(word)) ||
  CONTRARIES.some(([one, other]) => says(a, one, other) && says(b, other, one)) ||
  CONTRARIES.some(([one, other]) => says(b, one, other) && says(a, other, one));

const says = (words: ReadonlySet<string>, word: string, contrary: string): boolean =>
  words.has(word) && !words.has(contrary);

/** Jaccard index: what is common to both of all that is in either; 1 for two that are empty. */
export const shareOf = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  if (a.size === 0 && b.size === 0) return 1;
  let common = 0;
  for (const word of a) if (b.has(word)) common += 1;
  return common / (a.size + b.size - common);
};

const reasonOf = (attempt: Attempt): string => {
  const { session, title, at, cycle, patch } = attempt;
  const where = patch === undefined ? `cycle ${cycle}` : `cycle ${cycle}, patch ${patch}`;
  return `${session} tried “${title}” on ${at.slice(0, 16).replace('T', ' ')} and it was ${endOf(attempt)} (${where}); nothing that it touches has changed since`;
};

/** How an attempt ended, and why. */
export const endOf = ({ outcome, reason, fate }: Attempt): string =>
  fate === undefined ? `${outcome}: ${reason}` : `${fate.state}: ${fate.reason}`;
