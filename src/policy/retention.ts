import ms from 'ms';
import type { Config } from '../model/config.ts';
import type { Retained } from '../model/retention.ts';
import { RESERVED_SESSION_NAMES } from '../model/session.ts';
import type { QueuedBranch, State } from '../model/state.ts';
import { isOpen } from './queue.ts';

/**
 * What may be removed from a home, and why the rest stays. It is asked twice about everything that goes: for the plan,
 * and again right before the removal, since a cycle may have begun in between.
 */

type Retention = Config['retention'];

/** Something that a home has gathered. */
export interface Item {
  kind: Retained;
  /** Path relative to the home, or the name of the branch. */
  name: string;
  bytes: number;
  /** When it was last written or used; milliseconds since the epoch. */
  usedMs: number;
  project?: string;
  session?: string;
  cycle?: string;
  branch?: string;
  commit?: string;
  /** The tree that a baseline is of. */
  tree?: string;
  /** Why it must not be removed, where only a look at the thing itself could tell. */
  unsafe?: string;
}

export interface RetentionWorld {
  state: Readonly<State>;
  /** Names of the configured projects. */
  projects: readonly string[];
  retention: Retention;
  now: number;
}

export interface Judged {
  item: Item;
  goes: boolean;
  /** Had its time, whether or not it may go. */
  old: boolean;
  why: string;
}

export interface RetentionPlan {
  goes: Judged[];
  /** What had its time and stays all the same. */
  stays: Judged[];
}

export const planRetention = (items: readonly Item[], world: RetentionWorld): RetentionPlan => {
  const judged = items.map((item) => judgeItem(item, world));
  return {
    goes: judged.filter(({ goes }) => goes),
    stays: judged.filter(({ goes, old }) => old && !goes),
  };
};

export const judgeItem = (item: Item, world: RetentionWorld): Judged => {
  const { retention, now } = world;
  const limitMs = LIMIT_MS[item.kind](retention);
  const tooLarge = item.kind === 'homes' && item.bytes > retention.homeSize;
  if (!tooLarge && now - item.usedMs < limitMs)
    return { item, goes: false, old: false, why: 'it has not had its time' };
  const hold = item.unsafe ?? holdOf(item, world);
  if (hold !== undefined) return { item, goes: false, old: true, why: hold };
  return { item, goes: true, old: true, why: tooLarge ? 'larger than retention.homeSize' : reasonOf(item, limitMs) };
};

/** Half-written files are nobody's when their writer had a whole day. */
const LEFTOVER_MS = 86_400_000;

const LIMIT_MS: Record<Retained, (retention: Retention) => number> = {
  transcripts: ({ transcripts }) => transcripts,
  conversations: ({ transcripts }) => transcripts,
  reports: ({ reports }) => reports,
  patches: ({ patches }) => patches,
  reviews: ({ reviews }) => reviews,
  checks: ({ checks }) => checks,
  workspaces: ({ workspaces }) => workspaces,
  checkouts: ({ workspaces }) => workspaces,
  homes: ({ workspaces }) => workspaces,
  tmp: ({ tmp }) => tmp,
  dependencies: ({ dependencies }) => dependencies,
  commits: ({ branches }) => branches,
  branches: () => 0,
  mirrors: ({ branches }) => branches,
  leftovers: () => LEFTOVER_MS,
};

const holdOf = (item: Item, world: RetentionWorld): string | undefined => {
  const { state, projects } = world;
  switch (item.kind) {
    case 'transcripts':
    case 'reports':
    case 'patches':
      return cycleHold(item, state) ?? baselineHold(item, state);
    case 'reviews': {
      const open = Object.values(state.queue).find(
        (queued) => isOpen(queued) && fileNameOf(queued.branch) === item.branch,
      );
      return open && `${open.branch} is open`;
    }
    case 'conversations':
    case 'tmp':
      return sessionHold(item, state);
    case 'workspaces':
    case 'homes':
      if (item.kind === 'homes' && item.project !== undefined && projects.includes(item.project))
        return `the checks of ${item.project} use it`;
      return roleHold(item) ?? sessionHold(item, state);
    case 'commits':
      return commitHold(item, state);
    case 'branches':
      return remoteHold(item, state);
    case 'mirrors':
      return 'only a person can tell whether what it holds is still wanted';
    case 'checks':
    case 'checkouts':
    case 'dependencies':
    case 'leftovers':
      return undefined;
    default:
      return item.kind satisfies never;
  }
};

const cycleHold = ({ name, cycle }: Item, state: Readonly<State>): string | undefined => {
  if (cycle !== undefined && Object.hasOwn(state.running, cycle)) return 'its cycle is running';
  for (const queued of Object.values(state.queue)) {
    if ((queued.cycle === cycle || queued.patch === name) && isOpen(queued)) return `${queued.branch} is open`;
  }
  return undefined;
};

const baselineHold = ({ tree }: Item, state: Readonly<State>): string | undefined => {
  if (tree === undefined) return undefined;
  const project = Object.values(state.projects).find(
    ({ baseline, good }) => baseline?.tree === tree || good?.tree === tree,
  );
  return project && `it is the baseline of ${project.name}`;
};

const sessionHold = ({ session }: Item, state: Readonly<State>): string | undefined => {
  if (session === undefined) return undefined;
  const taken = state.sessions[session]?.taken;
  if (taken) return `${session} is taken by ${taken.by}`;
  const running = Object.values(state.running).some((cycle) => cycle.session === session);
  return running ? `${session} is in a cycle` : undefined;
};

/** A role has no cycles by which one could see whether it is at work. */
const roleHold = ({ session = '' }: Item): string | undefined =>
  (RESERVED_SESSION_NAMES as readonly string[]).includes(session) ? `the ${session} may be using it` : undefined;

/** A commit under refs/winnow/ is what a person's second thought and a push that is still owed need. */
const commitHold = (item: Item, state: Readonly<State>): string | undefined => {
  const { branch = '', commit } = item;
  const owed = Object.values(state.intents).some(({ data }) =>
    data.effect === 'move-main'
      ? data.merge.landings.some((landing) => landing.branch === branch)
      : data.branch === branch,
  );
  if (owed) return 'what was to be done with it is not settled yet';
  const queued = queuedOf(state, branch);
  if (!queued) return item.session === undefined ? 'a role keeps it for itself' : sessionHold(item, state);
  if (isOpen(queued)) return `${branch} is open`;
  if (queued.commit !== commit) return undefined;
  return queued.deleted ? undefined : 'the branch in the remote is deleted first';
};

/** The train deletes what is closed, by an intent and at its next round; here it is only told. */
const remoteHold = ({ branch = '', commit }: Item, state: Readonly<State>): string => {
  const queued = queuedOf(state, branch);
  if (!queued) return 'the journal does not know it: a person may have pushed it';
  if (isOpen(queued)) return 'it is open';
  if (queued.commit !== commit) return 'somebody moved it';
  return 'it is closed: the train deletes it at its next round';
};

/** Longest part of a span that is worth saying: "30d", "2w" becomes "14d". */
const spanText = (limitMs: number): string => ms(limitMs);

const reasonOf = ({ kind }: Item, limitMs: number): string => {
  switch (kind) {
    case 'transcripts':
    case 'conversations':
    case 'reports':
    case 'patches':
    case 'reviews':
      return `older than ${spanText(limitMs)}`;
    case 'checks':
    case 'checkouts':
    case 'homes':
    case 'dependencies':
      return `unused for ${spanText(limitMs)}`;
    case 'workspaces':
      return `unused for ${spanText(limitMs)}; unsaved work becomes a patch first`;
    case 'tmp':
      return `left there ${spanText(limitMs)} ago`;
    case 'commits':
      return `closed ${spanText(limitMs)} ago; a patch is kept`;
    case 'branches':
    case 'mirrors':
    case 'leftovers':
      return 'half-written by a process that died';
    default:
      return kind satisfies never;
  }
};

/** The names come from directories and remotes, and some are answered by every object. */
export const queuedOf = ({ queue }: Readonly<State>, branch: string): QueuedBranch | undefined =>
  Object.hasOwn(queue, branch) ? queue[branch] : undefined;

/** What a branch is called where a slash would be a directory. */
export const fileNameOf = (branch: QueuedBranch['branch']): string => branch.replace(/[^\w.-]+/g, '-');

/** The session that a branch is of, as its name says; undefined for what is none of Winnow's. */
export const sessionOfBranch = (branch: string): string | undefined => /^brl\/([a-z][a-z0-9-]*)\//.exec(branch)?.[1];

export interface RetentionGroup {
  kind: Retained;
  why: string;
  count: number;
  bytes: number;
  /** The first few by name. */
  names: string[];
}

const NAMES_MAX = 3;

/** What is told together: the same kind for the same reason. */
export const groupsOf = (judged: readonly Judged[]): RetentionGroup[] => {
  const groups = new Map<string, RetentionGroup>();
  for (const { item, why } of judged) {
    const key = `${item.kind} ${why}`;
    const group = groups.get(key) ?? { kind: item.kind, why, count: 0, bytes: 0, names: [] };
    group.count += 1;
    group.bytes += item.bytes;
    if (group.names.length < NAMES_MAX) group.names.push(item.name);
    groups.set(key, group);
  }
  return [...groups.values()];
};
