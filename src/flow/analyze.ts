import { err, ok, type Result } from '../base/result.ts';
import { failure } from '../model/failure.ts';
import { figuresOf, type TreeReport } from '../model/report.ts';
import type { Workspace } from '../ports/git/mirror.ts';
import { handedOver, isStopped } from './hand-over.ts';
import { writeReport } from './keep.ts';
import { ensureDependencies, measureTree, unevaluatedOf } from './measure.ts';
import type { Reading } from './read.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, type Workshop } from './workshop.ts';

/** The second phase: a clean workspace at the tip of main, and the baseline that every verdict compares with. */
export interface Analysis {
  workspace: Workspace;
  baseline: TreeReport;
  /** Name of the dependencies that the workspace was lent. */
  dependencies: string;
}

export const analyzePhase = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
): Promise<Result<Analysis, CycleEnd>> => {
  const baseline = await baselineOf(shop, cycle, reading);
  if (!baseline.ok) return baseline;
  const workspace = await prepareWorkspace(shop, cycle, reading);
  if (!workspace.ok) return workspace;
  return ok({ ...workspace.value, baseline: baseline.value });
};

/** What the checks say of the tip: of every check, or the cycle ends here. */
export const baselineOf = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Pick<Reading, 'mirror' | 'tip' | 'tree'>,
): Promise<Result<TreeReport, CycleEnd>> => {
  const baseline = await measureBaseline(shop, cycle, reading, reading.tip, reading.tree);
  if (!baseline.ok) return baseline;
  const gap = unevaluatedOf(baseline.value);
  // Before the workspace is made anew: what lies in it is what the person wants to see.
  const taken = handedOver(cycle);
  if (taken) return err(taken);
  if (gap?.state !== 'unevaluated') return baseline;
  // Without a baseline nothing can be judged, so no model is asked.
  return err({
    outcome: gap.reason === 'interrupted' && isStopped(cycle) ? 'interrupted' : 'unevaluated',
    reason: `no baseline: ${gap.message}`,
    countsAsAttempt: false,
  });
};

export const measureBaseline = async (
  shop: Workshop,
  cycle: Cycle,
  { mirror }: Pick<Reading, 'mirror'>,
  commit: string,
  tree: string,
): Promise<Result<TreeReport, CycleEnd>> => {
  const measured = await measureTree(shop, {
    project: cycle.project,
    mirror,
    tree,
    envelope: envelopeOf(cycle),
    signal: cycle.signal,
    waiting: cycle.handOver?.signal,
    marker: cycle.id,
    doubt: true,
  });
  if (!measured.ok) {
    const interrupted = cycle.signal.aborted;
    const { error } = measured;
    return err({
      ...endBy(error, interrupted ? 'interrupted' : 'failed'),
      projectUnready: !interrupted && error.kind === 'install-failed',
    });
  }
  cycle.sum.checks.ran += measured.value.ran;
  cycle.sum.checks.reused += measured.value.reused;
  const { report } = measured.value;
  const known = shop.journal.state().projects[cycle.project.name]?.baseline;
  if (unevaluatedOf(report) === undefined && known?.tree !== tree) {
    shop.journal.append<'baseline_measured'>({
      type: 'baseline_measured',
      ...envelopeOf(cycle),
      data: { commit, tree, figures: figuresOf(report), report: writeReport(shop, `baseline-${tree}`, report) },
    });
  }
  return ok(report);
};

/** Where Claude Code notes what a person allowed in a directory once and for all. */
const ALLOWED_HERE = '.claude/settings.local.json';

export const prepareWorkspace = async (
  shop: Workshop,
  cycle: Pick<Cycle, 'project' | 'session' | 'signal' | 'branch'>,
  reading: Pick<Reading, 'mirror' | 'tip'>,
): Promise<Result<Pick<Analysis, 'workspace' | 'dependencies'>, CycleEnd>> => {
  const { project, session } = cycle;
  const { signal } = cycle;
  const installed = await ensureDependencies(shop, { project, mirror: reading.mirror, signal }, reading.tip);
  if (!installed.ok) return err({ ...endBy(installed.error), projectUnready: true });
  // What the checks leave beside the sources, when the agent runs them itself, is no part of its change.
  const reports = project.checks.flatMap((check) => (check.report === undefined ? [] : [check.report]));
  const exclude = [...(await shop.dependencies.excluded(installed.value.key)), ...reports, ALLOWED_HERE];
  const prepared = await shop.workspaces.prepare({
    mirror: reading.mirror,
    name: session.name,
    base: reading.tip,
    branch: cycle.branch,
    exclude,
  });
  if (!prepared.ok) return err(endBy(prepared.error));
  const linked = await shop.dependencies.link(installed.value.key, prepared.value.dir);
  if (!linked.ok) return err(endBy(failure('install-failed', linked.error.message, linked.error.detail)));
  return ok({ workspace: prepared.value, dependencies: installed.value.key });
};
