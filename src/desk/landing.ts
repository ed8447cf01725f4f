import { err, ok, type Result } from '../base/result.ts';
import { proposeRevert } from '../flow/train.ts';
import type { ProjectConfig } from '../model/config.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { PastLanding } from '../model/state.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import { trainWorld } from '../roles/train.ts';
import type { Factory } from './doors.ts';
import { decide } from './queue.ts';

export type { TrainTick } from '../flow/train.ts';

/** What a person asks of main: to take back what landed. */
export interface Reverted {
  /** The branch that takes it back; it rides the train. */
  branch: string;
  title: string;
  project: ProjectConfig;
}

/** By the name of a branch that landed, or an unambiguous end of it, or by a commit of main. */
export const revert = async (
  factory: Factory,
  what: string,
  options: { project?: string | undefined; reason: string; by: string; signal: AbortSignal },
): Promise<Result<Reverted, Failure>> => {
  try {
    const found = await findLanded(factory, what, options.project);
    if (!found.ok) return found;
    const { project, mirror, range, landings } = found.value;
    const world = trainWorld(factory.shop, project, mirror, options.signal);
    const proposed = await proposeRevert(world, { range, landings, reason: options.reason, redo: false });
    if (!proposed.ok) return proposed;
    const queued = factory.journal.state().queue[proposed.value]!;
    if (queued.status.state === 'landed') return failed('argument-invalid', `${queued.branch} has landed already`);
    if (queued.status.state !== 'approved') decide(factory, queued, { decision: 'approve', ...options });
    return ok({ branch: queued.branch, title: queued.title, project });
  } catch (error) {
    if (error instanceof FailureError) return err(error.failure);
    throw error;
  }
};

interface Landed {
  project: ProjectConfig;
  mirror: Mirror;
  range: { from: string; to: string };
  landings: PastLanding[];
}

const findLanded = async (
  factory: Factory,
  what: string,
  named: string | undefined,
): Promise<Result<Landed, Failure>> => {
  const projects = factory.config().projects.filter(({ name }) => named === undefined || name === named);
  if (projects.length === 0) {
    const names = factory.config().projects.map(({ name }) => name);
    return failed('not-found', `there is no project ${named}; there are ${names.join(', ')}`);
  }
  const landed = projects.flatMap((project) => landingsOf(factory, project, what));
  const [first, second] = landed;
  if (first && second) return failed('argument-invalid', `${landed.length} landed branches end in ${what}`);
  if (first) {
    const mirror = await factory.shop.mirrorOf(first.project);
    return mirror.ok ? ok({ ...first, mirror: mirror.value }) : mirror;
  }
  for (const project of projects) {
    const byCommit = await commitOf(factory, project, what);
    if (!byCommit.ok) return byCommit;
    if (byCommit.value) return ok(byCommit.value);
  }
  return failed('not-found', `nothing that landed is called ${JSON.stringify(what.slice(0, NAME_SHOWN_MAX))}`);
};

const NAME_SHOWN_MAX = 80;

/** Of several branches that landed together, each has its own part of the way from the old tip to the new one. */
const landingsOf = (factory: Factory, project: ProjectConfig, what: string) => {
  const landings = factory.journal.state().projects[project.name]?.landings ?? [];
  return landings.flatMap((landing) =>
    landing.branches.flatMap((landed, n) => {
      if (landed.branch !== what && !landed.branch.endsWith(`/${what}`)) return [];
      const range = { from: landing.branches[n - 1]?.merged ?? landing.from, to: landed.merged };
      return [{ project, range, landings: [{ ...landing, ...range, branches: [landed] }] }];
    }),
  );
};

const commitOf = async (
  factory: Factory,
  project: ProjectConfig,
  what: string,
): Promise<Result<Landed | undefined, Failure>> => {
  const mirror = await factory.shop.mirrorOf(project);
  if (!mirror.ok) return mirror;
  const tip = await mirror.value.fetch();
  if (!tip.ok) return tip;
  const to = await mirror.value.resolve(what);
  if (to === undefined || !(await mirror.value.isAncestor(to, tip.value.tip))) return ok(undefined);
  const from = await mirror.value.parentOf(to);
  if (from === undefined)
    return failed(
      'argument-invalid',
      `${to.slice(0, 12)} is the first commit of ${project.name}: nothing was before it`,
    );
  const landings = factory.journal.state().projects[project.name]?.landings ?? [];
  return ok({
    project,
    mirror: mirror.value,
    range: { from, to },
    landings: landings.filter((l) => l.to === to && l.from === from),
  });
};
