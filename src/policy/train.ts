import type { ProjectState, QueuedBranch, State } from '../model/state.ts';

/**
 * Which approved branches ride together, and how the longest green prefix of a stack is found with the fewest runs of
 * the checks: the whole stack is tested first; if it is red the prefixes are halved. What is green lands at once, its
 * tree was tested; what is red alone on the tip of main is dropped. Results belong to trees, so a search that was cut
 * off by a crash goes on where it was, at no cost.
 */
export type Riding = QueuedBranch & { status: { state: 'approved' } };

/** What is known of a prefix: that of length n is the tip of main with the first n branches on it. */
export type PrefixResult = 'green' | 'red' | 'unevaluated';

export type NextStep =
  | { do: 'test'; length: number }
  /** The prefix of this length is green. */
  | { do: 'land'; length: number }
  /** The first branch alone is red. */
  | { do: 'drop' }
  /** The first branch alone gives no result now. */
  | { do: 'defer' };

export const nextStep = (count: number, known: ReadonlyMap<number, PrefixResult>): NextStep => {
  const lengths = Array.from({ length: count }, (_, n) => n + 1);
  const green = lengths.findLast((length) => known.get(length) === 'green');
  // At once, also in the middle of a search: the branches behind it go on with the same trees on the new tip.
  if (green !== undefined) return { do: 'land', length: green };
  // What gave no result bounds the search as a red one does, but nobody is blamed for it.
  const bad = lengths.find((length) => known.has(length));
  if (bad === undefined) return { do: 'test', length: count };
  if (bad === 1) return { do: known.get(bad) === 'red' ? 'drop' : 'defer' };
  return { do: 'test', length: Math.floor(bad / 2) };
};

/**
 * The approved branches of a project in the order of the train: reverts, then those whose result on this tip is known
 * (they land at no cost), then by the time of their approval.
 */
export const ridersOf = (
  state: Readonly<State>,
  project: string,
  isFree: (branch: string) => boolean = () => false,
): Riding[] =>
  Object.values(state.queue)
    .filter((branch): branch is Riding => branch.project === project && branch.status.state === 'approved')
    .filter((branch) => mayRide(branch, state.projects[project], state))
    .sort(
      (a, b) =>
        Number(b.kind === 'revert') - Number(a.kind === 'revert') ||
        Number(isFree(b.branch)) - Number(isFree(a.branch)) ||
        a.status.at.localeCompare(b.status.at) ||
        // Within one millisecond the ids of the reviews are in order.
        a.status.review.localeCompare(b.status.review) ||
        a.branch.localeCompare(b.branch),
    );

/**
 * While main is red by somebody else's push only what is meant to mend it rides: a revert, the work of the task that
 * was made for it, and what a person approved since then.
 */
const mayRide = (branch: Riding, project: ProjectState | undefined, state: Readonly<State>): boolean => {
  if (!project?.red || branch.kind === 'revert') return true;
  if (branch.task !== undefined && state.tasks[branch.task]?.origin === 'main-red') return true;
  return branch.status.by === 'person' && branch.status.at >= project.red.at;
};

/** A branch that gave no result so often, alone on main, waits for a person. */
export const UNEVALUATED_MAX = 3;

/** How long the train leaves a remote alone that refused main, or could not be reached. */
export const BLOCKED_RETRY_MS = 5 * 60_000;
/** A checkout is made clean by a person who then looks at the screen. */
export const DIRTY_RETRY_MS = 30_000;
/** A remote that keeps a closed branch is asked again so much later. */
export const DELETION_RETRY_MS = 6 * 3_600_000;
