import { ok, type Result } from '../base/result.ts';
import { authorOf } from '../flow/agent.ts';
import { isJudged, judgeTree } from '../flow/judge.ts';
import { keepBranch } from '../flow/keep.ts';
import { type MeasureInput, measureTree, unevaluatedOf } from '../flow/measure.ts';
import { clearUp, type TrainTick, trainTick } from '../flow/train.ts';
import type { Judged, TrainWorld } from '../flow/train-world.ts';
import { verifyLanded } from '../flow/verify.ts';
import type { Workshop } from '../flow/workshop.ts';
import type { ProjectConfig } from '../model/config.ts';
import { type Failure, failed } from '../model/failure.ts';
import { figuresOf, type TreeReport } from '../model/report.ts';
import type { QueuedBranch } from '../model/state.ts';
import type { MachineFacts } from '../policy/gates.ts';
import type { Mirror } from '../ports/git/mirror.ts';

/** Moves main: one train per project and home, whoever runs it. */
export const runTrain = async (
  shop: Workshop,
  project: ProjectConfig,
  signal: AbortSignal,
): Promise<Result<TrainTick, Failure>> => {
  const lock = await shop.slots.tryAcquire(`train:${project.name}`, 1, `pid ${process.pid}`);
  if (!lock) return failed('already-running', `the train of ${project.name} is under way in another process`);
  try {
    const mirror = await shop.mirrorOf(project);
    if (!mirror.ok) return mirror;
    return ok(await trainTick(trainWorld(shop, project, mirror.value, signal), signal));
  } finally {
    lock.release();
  }
};

/**
 * What was rejected or dropped leaves the remote at once, also where no factory runs. While the train itself is under
 * way nothing is done: it clears up as well.
 */
export const clearUpProject = async (shop: Workshop, name: string, signal: AbortSignal): Promise<void> => {
  const project = shop.config().projects.find((p) => p.name === name);
  const lock = project && (await shop.slots.tryAcquire(`train:${name}`, 1, `pid ${process.pid}`));
  if (!lock) return;
  try {
    const mirror = await shop.mirrorOf(project);
    if (mirror.ok) await clearUp(trainWorld(shop, project, mirror.value, signal));
  } finally {
    lock.release();
  }
};

export interface TrainsDeps {
  shop: Workshop;
  facts: () => Promise<MachineFacts>;
  signal: AbortSignal;
  tell: (line: string) => void;
  /** Called with the moment at which another look at a project is worth it. */
  onDue: (project: string, atMs: number) => void;
}

export interface Trains {
  /** Looks at every project; one that is looked at already is looked at once more afterwards. */
  tick(): void;
  /** Resolves when no train of this process is under way. */
  idle(): Promise<void>;
}

export const createTrains = (deps: TrainsDeps): Trains => {
  const underWay = new Map<string, Promise<void>>();
  const wanted = new Set<string>();

  const look = async (name: string): Promise<void> => {
    while (wanted.delete(name) && !deps.signal.aborted) await lookOnce(deps, name);
  };
  return {
    tick: () => {
      for (const { name } of deps.shop.config().projects) {
        wanted.add(name);
        if (underWay.has(name)) continue;
        const looking = look(name)
          .catch((error: unknown) => deps.tell(`train of ${name}: ${messageIn(error)}`))
          .finally(() => underWay.delete(name));
        underWay.set(name, looking);
      }
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
};

const messageIn = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const lookOnce = async ({ shop, facts, signal, tell, onDue }: TrainsDeps, name: string): Promise<void> => {
  const project = shop.config().projects.find((p) => p.name === name);
  const state = shop.journal.state();
  // A project that cannot be read is looked at by its sessions; paused and frozen mean that main does not move either.
  if (!project || state.paused || state.projects[name]?.unready || (await facts()).stopFile) return;
  const ran = await runTrain(shop, project, signal);
  if (!ran.ok) {
    if (ran.error.kind !== 'already-running' && ran.error.kind !== 'interrupted') tell(`${name}: ${ran.error.message}`);
    return;
  }
  const until = ran.value.waits?.untilMs;
  if (until !== undefined) onDue(name, until);
};

export const trainWorld = (shop: Workshop, project: ProjectConfig, mirror: Mirror, signal: AbortSignal): TrainWorld => {
  const { journal } = shop;
  const measuring = (tree: string): MeasureInput => ({
    ...{ project, mirror, tree, signal },
    envelope: { project: project.name },
    marker: `train-${project.name}`,
  });
  const baseOf = async (tree: string): Promise<Result<TreeReport, Failure>> => {
    const measured = await measureTree(shop, { ...measuring(tree), doubt: true });
    return measured.ok ? ok(measured.value.report) : measured;
  };
  return {
    project: project.name,
    main: project.branch,
    style: project.merge.style,
    batchMax: project.merge.batch,
    now: () => shop.clock.now(),
    state: () => journal.state(),
    append: (entry) => journal.append(entry),
    appendDurable: (entry) => journal.appendDurable(entry),
    redact: shop.redact,

    fetchTip: async () => {
      const fetched = await mirror.fetch(signal);
      if (!fetched.ok) return fetched;
      const { tip: commit } = fetched.value;
      await tellMoved(shop, project, mirror, commit);
      const tree = await mirror.treeOf(commit);
      return tree.ok ? ok({ commit, tree: tree.value }) : tree;
    },
    fetchBranch: (branch) => mirror.fetchBranch(branch),
    isAncestor: (ancestor, of) => mirror.isAncestor(ancestor, of),
    stack: (onto, branch) =>
      mirror.stack({
        onto,
        commit: branch.commit,
        style: branch.kind === 'revert' ? 'squash' : project.merge.style,
        message: messageOf(shop, branch),
        trailers: trailersOf(branch),
        author: authorOf(branch.session || 'winnow'),
        // Not now: the same stack is the same commits, however often it is built.
        at: Date.parse(branch.changedAt),
      }),
    isJudged: async (tree, base, extent) => {
      const below = await baseOf(base);
      return below.ok && isJudged(shop, measuring(tree), below.value, extent);
    },
    treeOf: (commit) => mirror.treeOf(commit),
    judge: async (tree, base, extent) => {
      const below = await baseOf(base);
      if (!below.ok) return below;
      const judged = await judgeTree(shop, measuring(tree), below.value, extent);
      if (!judged.ok) return judged;
      if (signal.aborted) return failed('interrupted', 'stopped while the train tested');
      const { comparison, result, ran, reused } = judged.value;
      const gap = unevaluatedOf(result);
      return ok({
        state: STATE_BY_VERDICT[comparison.verdict],
        reason: gap?.state === 'unevaluated' ? gap.message : comparison.reason,
        failing: comparison.broken,
        lost: [...comparison.vanished, ...comparison.skipped],
        figures: figuresOf(result),
        checks: { ran, reused },
      } satisfies Judged);
    },
    suspects: (from, to) => mirror.commits(from, to, SUSPECTS_MAX),
    moveMain: (from, to) => mirror.moveMain(from, to),
    keepPatch: (branch) => keepBranch(shop, mirror, branch),
    deleteBranch: (branch, commit) => mirror.deleteRemoteBranch(branch, commit),
    verify: project.merge.verify === undefined ? undefined : (landing) => verifyLanded(shop, measuring(''), landing),
    makeRevert: async (branch, range, title) => {
      const author = authorOf('winnow');
      const made = await mirror.revertOf(range, `${title}\n`, author, shop.clock.now());
      if (!made.ok) return made;
      const kept = await mirror.keep(branch, made.value.commit);
      return kept.ok ? made : kept;
    },
  };
};

/** Who broke main is among the newest; more than a person reads is no help. */
const SUSPECTS_MAX = 20;

const STATE_BY_VERDICT = { better: 'green', same: 'green', worse: 'red', unevaluated: 'unevaluated' } as const;

/** A tip that is not known is news, unless it is the train's own move, which a crash kept from being told. */
const tellMoved = async (shop: Workshop, project: ProjectConfig, mirror: Mirror, to: string): Promise<void> => {
  const state = shop.journal.state();
  const from = state.projects[project.name]?.tip;
  const isOwn = Object.values(state.intents).some(({ data }) => data.effect === 'move-main' && data.merge.to === to);
  if (from === to || isOwn) return;
  shop.journal.append<'main_moved'>({
    type: 'main_moved',
    project: project.name,
    data: {
      branch: project.branch,
      ...(from ? { from } : {}),
      to,
      commits: from ? await mirror.countCommits(from, to) : 0,
    },
  });
};

/** What it is about, and what the checks said of it. */
const messageOf = (shop: Workshop, { title, branch, project, cycle }: QueuedBranch): string => {
  const past = shop.journal.state().projects[project]?.recent.find((recent) => recent.cycle === cycle);
  return past ? `${title || branch}\n\n${past.reason}` : title || branch;
};

const trailersOf = ({ branch, session, cycle, status }: QueuedBranch): [string, string][] => [
  ['Winnow-Branch', branch],
  ...(session ? [['Winnow-Session', session] as [string, string]] : []),
  ...(cycle ? [['Winnow-Cycle', cycle] as [string, string]] : []),
  ...(status.state === 'approved' ? [['Winnow-Review', status.review] as [string, string]] : []),
];
