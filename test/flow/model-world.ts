import { ok } from '../../src/base/result.ts';
import type { Judged, Stacked, TrainWorld } from '../../src/flow/train-world.ts';
import { foldEntry, illegalEntry } from '../../src/journal/fold.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryOf, type EntryType, type NewEntryOf } from '../../src/model/entry.ts';
import { FailureError, failed, failure } from '../../src/model/failure.ts';
import type { Decision, ReviewedBy } from '../../src/model/review.ts';
import { emptyState, type QueuedBranch } from '../../src/model/state.ts';

/**
 * A world for the train that lives in memory: git as far as the train can tell, checks as a function of what is in a
 * tree, and the real fold with the real rules of what may follow what. A tree is a set of changes; merging is the
 * three-way merge of sets. It keeps what happened as facts, to be judged afterwards without asking the train.
 */
export interface Nature {
  /** Whether two changes touch the same lines. */
  conflict(a: string, b: string): boolean;
  /** Identities that fail in a tree with these changes. */
  failing(changes: ReadonlySet<string>): string[];
  /** Tests that are gone or skipped in it. */
  lost(changes: ReadonlySet<string>): string[];
  /** Why the checks give no result on it this time. */
  mute?(changes: ReadonlySet<string>): string | undefined;
  /** Why git cannot merge it. */
  unmergeable?(changes: ReadonlySet<string>): string | undefined;
  /** Whether it works where it is deployed. */
  deploys?(changes: ReadonlySet<string>): boolean;
}

export interface ModelOptions {
  nature: Nature;
  style: TrainWorld['style'];
  batchMax: number;
  verify: boolean;
  /** Called before and after the effect of each call; what it throws ends the process that runs the train. */
  around?: { before(call: string): void; after(call: string): void };
  /** The checks run on a tree; resolves when they are through. */
  execute?: () => Promise<void>;
}

export interface Commit {
  id: string;
  parents: string[];
  tree: string;
  /** Distance from the root: what is older has a smaller one. */
  depth: number;
  /** The branch and the commit of it that the train put here. */
  from?: { branch: string; commit: string };
}

/** What happened, in order. */
export type Fact =
  | { what: 'entry'; entry: Entry; main: string; tick: number }
  | { what: 'refused'; type: string; why: string }
  /** `riders`: how many branches were approved at that moment; none where main itself is looked at. */
  | { what: 'executed'; tree: string; result: boolean; riders: number; tick: number }
  | { what: 'moved'; from: string; to: string; wrong: string[] }
  | { what: 'deleted'; branch: string; commit: string; isKept: boolean }
  | { what: 'outside'; event: string; tick: number };

export type ModelWorld = ReturnType<typeof createModelWorld>;

export const PROJECT = 'api';
const START_MS = Date.parse('2026-03-14T10:00:00.000Z');
const ROOT = 'c0';

export const createModelWorld = ({ nature, style, batchMax, verify, around, execute }: ModelOptions) => {
  const state = emptyState();
  const facts: Fact[] = [];
  const commits = new Map<string, Commit>();
  const trees = new Map<string, ReadonlySet<string>>();
  const remote = { main: ROOT, branches: new Map<string, string>() };
  const trouble = {
    unreachable: false,
    refuses: false,
    dirty: false,
    keeps: false,
    diskFull: false,
    losesAnswer: false,
  };
  /** Trees on which the checks gave a result. */
  const measured = new Set<string>();
  /** Trees that main had at some time. */
  const mains = new Set<string>();
  const patches = new Set<string>();
  /** What was approved, by the word of those who approved it. */
  const approved = new Map<string, string>();
  /** When the remote's branch last changed by others, and when the train last began to look, in calls. */
  const changedAt = new Map<string, number>();
  let lookedAt = 0;
  let calls = 0;
  let tick = 0;
  let nowMs = START_MS;
  let ids = 0;

  const treeOf = (changes: ReadonlySet<string>): string => {
    const name = nameOf(changes);
    if (!trees.has(name)) trees.set(name, changes);
    return name;
  };
  const commit = (parents: string[], tree: string, from?: Commit['from']): Commit => {
    const depth = 1 + Math.max(-1, ...parents.map((id) => commits.get(id)!.depth));
    const made: Commit = { id: `c${commits.size}`, parents, tree, depth, ...(from ? { from } : {}) };
    commits.set(made.id, made);
    return made;
  };
  const root = commit([], treeOf(new Set()));
  const at = (id: string): Commit => commits.get(id)!;
  const changesOf = (tree: string): ReadonlySet<string> => trees.get(tree)!;

  const isAncestor = (ancestor: string, of: string): boolean => {
    const oldest = commits.get(ancestor)?.depth;
    if (oldest === undefined) return false;
    const seen = new Set<string>();
    const open = [of];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (id === ancestor) return true;
      const known = commits.get(id);
      if (seen.has(id) || !known || known.depth <= oldest) continue;
      seen.add(id);
      open.push(...known.parents);
    }
    return false;
  };

  /** The nearest commit of a branch that is also part of the other: nobody merges main into a branch here. */
  const forkOf = (branch: string, onto: string): Commit => {
    let fork = at(branch);
    while (!isAncestor(fork.id, onto)) fork = at(fork.parents[0]!);
    return fork;
  };

  type Merge = { tree: string } | { files: string[] };
  const merge = (base: string, ours: string, theirs: string): Merge => {
    const [from, mine, other] = [changesOf(base), changesOf(ours), changesOf(theirs)];
    const others = differences(from, other).filter((change) => mine.has(change) !== other.has(change));
    const files = others.flatMap((a) =>
      differences(from, mine).flatMap((b) => (a !== b && nature.conflict(a, b) ? [`${a}-${b}.ts`] : [])),
    );
    if (files.length > 0) return { files };
    const merged = new Set(mine);
    for (const change of others) if (!merged.delete(change)) merged.add(change);
    return { tree: treeOf(merged) };
  };

  const stack = (onto: string, { branch, commit: tip }: Pick<QueuedBranch, 'branch' | 'commit'>): Stacked => {
    const fork = forkOf(tip, onto);
    const reason = nature.unmergeable?.(changesOf(at(tip).tree));
    if (reason !== undefined) return { state: 'unusable', reason };
    const from = { branch, commit: tip };
    if (style !== 'rebase') {
      const merged = merge(fork.tree, at(onto).tree, at(tip).tree);
      if ('files' in merged) return conflict(merged.files);
      const parents = style === 'merge' ? [onto, tip] : [onto];
      return { state: 'stacked', merged: commit(parents, merged.tree, from).id, tree: merged.tree };
    }
    const steps: Commit[] = [];
    for (let step = at(tip); step !== fork; step = at(step.parents[0]!)) steps.unshift(step);
    let top = at(onto);
    for (const step of steps) {
      const merged = merge(at(step.parents[0]!).tree, top.tree, step.tree);
      if ('files' in merged) return conflict(merged.files);
      if (merged.tree !== top.tree) top = commit([top.id], merged.tree, from);
    }
    return { state: 'stacked', merged: top.id, tree: top.tree };
  };

  /** Whether the checks gave a result. */
  const measure = async (tree: string): Promise<string | undefined> => {
    if (measured.has(tree)) return undefined;
    await execute?.();
    const mute = nature.mute?.(changesOf(tree));
    const approvals = Object.values(state.queue).filter(({ status }) => status.state === 'approved');
    const riders = mains.has(tree) ? 0 : approvals.length;
    facts.push({ what: 'executed', tree, result: mute === undefined, riders, tick });
    if (mute === undefined) measured.add(tree);
    return mute;
  };

  /** Whether the checks never gave a result on anything that holds this commit. */
  const isStuck = (tip: string): boolean =>
    !measured.has(at(tip).tree) && nature.mute?.(changesOf(at(tip).tree)) !== undefined;

  const brokenBy = (tree: string, base: string): { failing: string[]; lost: string[] } => ({
    failing: without(nature.failing(changesOf(tree)), nature.failing(changesOf(base))),
    lost: without(nature.lost(changesOf(tree)), nature.lost(changesOf(base))),
  });

  const judge = async (tree: string, base: string): Promise<Judged> => {
    const known = [tree, base].filter((one) => measured.has(one)).length;
    const mute = (await measure(base)) ?? (await measure(tree));
    const checks = { ran: 2 - known, reused: known };
    const figures = { problems: 0, passed: 1, failed: 0, skipped: 0 };
    if (mute !== undefined) return { state: 'unevaluated', reason: mute, failing: [], lost: [], figures, checks };
    const broken = brokenBy(tree, base);
    const all = [...broken.failing, ...broken.lost];
    const reason = all.length === 0 ? 'as good as before' : `worse by ${all.join(', ')}`;
    return { state: all.length === 0 ? 'green' : 'red', reason, ...broken, figures, checks };
  };

  const write = <T extends EntryType>(given: NewEntryOf<T>): EntryOf<T> => {
    const data = ENTRY_SCHEMAS[given.type].safeParse(given.data);
    nowMs += 1;
    ids += 1;
    const entry = { ...given, id: `E${String(ids).padStart(7, '0')}`, ts: new Date(nowMs).toISOString() } as EntryOf<T>;
    const why = data.success ? illegalEntry(state, entry as unknown as Entry) : data.error.message;
    if (why !== undefined) {
      facts.push({ what: 'refused', type: given.type, why });
      throw new FailureError(failure('entry-illegal', `The entry ${given.type} is refused: ${why}`));
    }
    foldEntry(state, entry as unknown as Entry);
    facts.push({ what: 'entry', entry: entry as unknown as Entry, main: remote.main, tick });
    return entry;
  };

  /** Between the train and the world: everything may happen before a call, and the process may end on either side. */
  const call = async <T>(name: string, effect: () => T | Promise<T>): Promise<T> => {
    around?.before(name);
    calls += 1;
    const answer = await effect();
    around?.after(name);
    return answer;
  };
  const append = <T extends EntryType>(entry: NewEntryOf<T>): EntryOf<T> => {
    const mark = facts.length;
    around?.before(entry.type);
    calls += 1;
    // Others may write a line between the train's look and its own word; then the refusal is the journal doing its work.
    const isRace = facts.slice(mark).some(({ what }) => what === 'outside');
    const written = isRace ? say(entry) : write(entry);
    if (!written) throw new FailureError(failure('entry-illegal', `The entry ${entry.type} came too late.`));
    if (written.type === 'cto_review') ownWord(written as unknown as EntryOf<'cto_review'>);
    around?.after(entry.type);
    return written;
  };

  /** The train may approve nothing but the revert of a landing that failed its verification. */
  const ownWord = ({ data: { branch, commit: tip, by } }: EntryOf<'cto_review'>): void => {
    const landings = state.projects[PROJECT]?.landings ?? [];
    const isOwed = landings.some(({ revertedBy, verification }) => revertedBy === branch && verification === 'failed');
    if (by === 'verify' && isOwed) approved.set(branch, tip);
    else facts.push({ what: 'refused', type: 'cto_review', why: `the train approved ${branch} by itself` });
  };

  const setMain = (tip: string): void => {
    remote.main = tip;
    mains.add(at(tip).tree);
  };
  const unreachable = () => failed('repo-unreachable', 'The remote does not answer.');
  const moveMain = (from: string, to: string): 'moved' | 'lost' => {
    if (remote.main !== from) return 'lost';
    facts.push({ what: 'moved', from, to, wrong: wrongWith(from, to) });
    setMain(to);
    return 'moved';
  };

  /** What is wrong with this move of main, by what the world itself knows at this moment. */
  const wrongWith = (from: string, to: string): string[] => {
    const wrong: string[] = [];
    const { failing, lost } = brokenBy(at(to).tree, at(from).tree);
    if (failing.length + lost.length > 0) wrong.push(`main is broken: ${[...failing, ...lost].join(', ')}`);
    if (!measured.has(at(to).tree) || !measured.has(at(from).tree)) wrong.push('this tree was never tested');
    if (!isAncestor(from, to)) wrong.push('what was there is lost');
    const intents = Object.values(state.intents).filter(
      ({ data }) => data.effect === 'move-main' && data.merge.from === from && data.merge.to === to,
    );
    if (intents.length !== 1) wrong.push('no intent says so');
    for (const { branch, commit: tip } of landedBetween(from, to)) {
      if (approved.get(branch) !== tip) wrong.push(`${branch} was not approved at ${tip}`);
      const moved = changedAt.get(branch);
      const isElsewhere = remote.branches.get(branch) !== tip && !state.queue[branch]?.deleted;
      if (moved !== undefined && moved <= lookedAt && isElsewhere) wrong.push(`${branch} had moved before`);
    }
    const { red, good } = state.projects[PROJECT] ?? {};
    if (good) {
      const before = brokenBy(at(from).tree, good.tree).failing.length;
      if (before > 0 && !red) wrong.push('main was red and nobody said so');
      if (red && brokenBy(at(to).tree, good.tree).failing.length >= before)
        wrong.push('main is red and this mends nothing');
    }
    return wrong;
  };

  /** Each branch once, the newest first. */
  const landedBetween = (from: string, to: string): { branch: string; commit: string }[] => {
    const found: { branch: string; commit: string }[] = [];
    for (let step = at(to); step.id !== from; step = at(step.parents[0]!)) {
      if (step.from && found.at(-1)?.branch !== step.from.branch) found.push(step.from);
      if (step.parents.length === 0) break;
    }
    return found;
  };

  const world: TrainWorld = {
    project: PROJECT,
    main: 'main',
    style,
    batchMax,
    now: () => nowMs,
    state: () => state,
    append,
    appendDurable: async (entry) => append(entry),
    redact: (text) => text,
    fetchTip: () =>
      call('fetchTip', () => {
        if (trouble.unreachable) return unreachable();
        lookedAt = calls;
        const { tip } = state.projects[PROJECT] ?? {};
        if (tip !== remote.main)
          write<'main_moved'>({
            type: 'main_moved',
            project: PROJECT,
            data: { branch: 'main', ...(tip ? { from: tip } : {}), to: remote.main, commits: 1 },
          });
        return ok({ commit: remote.main, tree: at(remote.main).tree });
      }),
    fetchBranch: (branch) =>
      call('fetchBranch', () => (trouble.unreachable ? unreachable() : ok(remote.branches.get(branch)))),
    isAncestor: (ancestor, of) => call('isAncestor', () => isAncestor(ancestor, of)),
    stack: (onto, branch) => call('stack', () => ok(stack(onto, branch))),
    isJudged: (tree, base) => call('isJudged', () => measured.has(tree) && measured.has(base)),
    treeOf: (commit) => call('treeOf', () => ok(at(commit).tree)),
    judge: (tree, base) => call('judge', async () => ok(await judge(tree, base))),
    suspects: (from, to) =>
      call('suspects', () => {
        const found: { commit: string; author: string; subject: string }[] = [];
        for (let step = at(to); step.id !== from && step.parents.length > 0; step = at(step.parents[0]!))
          found.push({ commit: step.id, author: step.from ? 'winnow' : 'somebody', subject: step.tree });
        return found;
      }),
    moveMain: (from, to) =>
      call('moveMain', () => {
        if (trouble.unreachable) return unreachable();
        if (trouble.dirty) return failed('checkout-dirty', 'The checkout of main has changes.');
        if (trouble.refuses) return failed('push-refused', 'A hook of the remote says no.');
        const moved = moveMain(from, to);
        if (!trouble.losesAnswer) return ok(moved);
        trouble.losesAnswer = false;
        return unreachable();
      }),
    keepPatch: (branch) =>
      call('keepPatch', () => {
        if (trouble.diskFull) return failed('disk-full', 'The disk is full.');
        patches.add(branch.commit);
        return ok(`logs/patches/${branch.commit}.patch`);
      }),
    deleteBranch: (branch, tip) =>
      call('deleteBranch', () => {
        if (trouble.unreachable) return unreachable();
        if (trouble.keeps) return failed('push-refused', 'The remote keeps its branches.');
        const there = remote.branches.get(branch);
        if (there === undefined) return ok(undefined);
        if (there !== tip) return failed('push-refused', 'The branch has moved.');
        const isKept = patches.has(tip) || isAncestor(tip, remote.main);
        facts.push({ what: 'deleted', branch, commit: tip, isKept });
        remote.branches.delete(branch);
        if (!trouble.losesAnswer) return ok(undefined);
        trouble.losesAnswer = false;
        return unreachable();
      }),
    verify: verify
      ? ({ commit: main, tree }) =>
          call('verify', () => {
            const works = nature.deploys?.(changesOf(tree)) ?? true;
            return ok({ main, ok: works, exitCode: works ? 0 : 1, message: works ? '' : 'it is down', durationMs: 1 });
          })
      : undefined,
    makeRevert: (_branch, range) =>
      call('makeRevert', () => {
        const made = commit([range.to], at(range.from).tree);
        return ok({ commit: made.id, tree: made.tree });
      }),
  };

  /** What others do. False when the rules of the journal do not allow it now. */
  const say = <T extends EntryType>(entry: NewEntryOf<T>): EntryOf<T> | undefined => {
    const mark = facts.length;
    try {
      return write(entry);
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      facts.splice(mark);
      return undefined;
    }
  };
  const outside = (event: string): void => {
    facts.push({ what: 'outside', event, tick });
  };

  const others = {
    /** A session's cycle: one commit per change, on the tip of main as it is. */
    pushBranch: (branch: string, changes: readonly string[], task?: string): void => {
      outside(`${branch} is pushed`);
      const base = at(remote.main);
      const tip = changes.reduce(
        (on, change) => commit([on.id], treeOf(new Set([...changesOf(on.tree), change]))),
        base,
      );
      const session = branch.split('/')[1]!;
      const names = { project: PROJECT, session, cycle: `cycle of ${session}` };
      const started = { pid: 1, start: '1', trigger: 'schedule', workspace: 'w', ...(task ? { task } : {}) } as const;
      say<'cycle_started'>({ type: 'cycle_started', ...names, data: started });
      const data = { branch, commit: tip.id, base: base.id, tree: tip.tree };
      if (say<'branch_pushed'>({ type: 'branch_pushed', ...names, data })) remote.branches.set(branch, tip.id);
    },
    /** What is merged with main, as a cycle evaluates it. */
    evaluate: (branch: string): Promise<Judged> => {
      const on = stack(remote.main, { branch, commit: remote.branches.get(branch)! });
      if (on.state !== 'stacked') throw new Error(`${branch} cannot be merged`);
      return judge(on.tree, at(remote.main).tree);
    },
    pushMain: (event: string, change: (changes: Set<string>) => void): void => {
      const changes = new Set(changesOf(at(remote.main).tree));
      change(changes);
      outside(event);
      setMain(commit([remote.main], treeOf(changes)).id);
    },
    /** Another commit under the name, on the same base; undefined: it is deleted. */
    moveBranch: (branch: string, change: string | undefined): void => {
      const tip = remote.branches.get(branch);
      if (tip === undefined) return;
      outside(`${branch} ${change === undefined ? 'vanishes' : 'moves'}`);
      calls += 1;
      changedAt.set(branch, calls);
      if (change === undefined) remote.branches.delete(branch);
      else {
        const base = at(at(tip).parents[0]!);
        const moved = commit([base.id], treeOf(new Set([...changesOf(base.tree), change])));
        remote.branches.set(branch, moved.id);
      }
    },
    review: (branch: string, decision: Decision, by: ReviewedBy): boolean => {
      const tip = state.queue[branch]?.commit;
      if (tip === undefined) return false;
      const data = { branch, commit: tip, decision, by, name: by, reasons: ['so it is'], comments: [] };
      if (!say<'cto_review'>({ type: 'cto_review', project: PROJECT, data })) return false;
      outside(`${decision} ${branch}`);
      if (decision === 'approve') approved.set(branch, tip);
      else approved.delete(branch);
      return true;
    },
    tell: outside,
    wait: (ms: number): void => {
      nowMs += ms;
    },
    beginTick: (): void => {
      tick += 1;
    },
  };

  mains.add(root.tree);
  return {
    ...{ world, others, trouble, facts, state, remote, patches },
    ...{ at, changesOf, isAncestor, brokenBy, stack, landedBetween, isStuck },
  };
};

const conflict = (files: string[]): Stacked => ({ state: 'conflict', files, text: `<<<<<<< ${files.join(' ')}` });

const without = (all: readonly string[], some: readonly string[]): string[] => all.filter((one) => !some.includes(one));

const differences = (a: ReadonlySet<string>, b: ReadonlySet<string>): string[] => [
  ...[...a].filter((one) => !b.has(one)),
  ...[...b].filter((one) => !a.has(one)),
];

/** The same for the same set whatever the order; main may hold thousands, so they are not sorted. */
const nameOf = (changes: ReadonlySet<string>): string => {
  let [low, high] = [0, 0];
  for (const change of changes) {
    let [a, b] = [2_166_136_261, 5_381];
    for (let n = 0; n < change.length; n += 1) {
      const code = change.charCodeAt(n);
      a = Math.imul(a ^ code, 16_777_619);
      b = Math.imul(b, 33) ^ code;
    }
    low = (low + Math.imul(a ^ (a >>> 15), 2_246_822_519)) | 0;
    high = (high + Math.imul(b ^ (b >>> 13), 3_266_489_917)) | 0;
  }
  return `t${(low >>> 0).toString(16)}${(high >>> 0).toString(16)}-${changes.size}`;
};
