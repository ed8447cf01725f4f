import { setMaxListeners } from 'node:events';
import { relative } from 'node:path';
import { ok, type Result } from '../base/result.ts';
import { type Analysis, analyzePhase } from '../flow/analyze.ts';
import { evaluatePhase, rescueWork } from '../flow/evaluate.ts';
import { hackPhase } from '../flow/hack.ts';
import { handedOver, watchHandOver } from '../flow/hand-over.ts';
import { parkLooping } from '../flow/park.ts';
import { type Planned, planPhase } from '../flow/plan.ts';
import { publish } from '../flow/publish.ts';
import { journalPhase, type Reading, readPhase } from '../flow/read.ts';
import { type Cycle, type CycleEnd, envelopeOf, newSum, type Workshop } from '../flow/workshop.ts';
import type { EntryOf, Phase, RalphCycle, Trigger } from '../model/entry.ts';
import { type Failure, FailureError, failed, failure } from '../model/failure.ts';
import { figuresOf } from '../model/report.ts';
import type { Session } from '../model/session.ts';
import type { SessionState } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { parkUntil } from '../policy/park.ts';
import { afterCycle } from '../policy/treat.ts';
import type { Mirror, Workspace } from '../ports/git/mirror.ts';
import { selfIdentity } from '../ports/machine/processes.ts';

/** One pass of a session through read, analyze, plan, hack, evaluate; exactly one `ralph_cycle` whatever happens. */
export interface CycleInput {
  session: Session;
  trigger: Trigger;
  task?: Task;
  signal: AbortSignal;
}

export const runCycle = async (shop: Workshop, input: CycleInput): Promise<Result<EntryOf<'ralph_cycle'>, Failure>> => {
  const { session } = input;
  const project = shop.config().projects.find((p) => p.name === session.project);
  if (!project)
    return failed('not-found', `session ${session.name} names project ${session.project}, which does not exist`);
  const lock = await shop.slots.tryAcquire(`session:${session.name}`, 1, `pid ${process.pid}`);
  if (!lock) return failed('already-running', `session ${session.name} is in a cycle of another process`);
  const taken = shop.journal.state().sessions[session.name]?.taken;
  if (taken) {
    lock.release();
    return failed('taken', `session ${session.name} is taken by ${taken.by}`);
  }
  const now = shop.clock.now();
  const handOver = watchHandOver(shop, session.name);
  const cycle: Cycle = {
    id: shop.ids(now),
    session,
    project,
    trigger: input.trigger,
    task: input.task,
    branch: branchName(session.name, now, Object.keys(shop.journal.state().queue)),
    startedMs: shop.clock.monotonic(),
    signal: ownSignal(input.signal),
    handOver,
    sum: newSum(),
  };
  try {
    begin(shop, cycle);
    return ok(await throughThePhases(shop, cycle, phases));
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  } finally {
    handOver.end();
    lock.release();
  }
};

/** Every wait and every process of a cycle listens for its end; that many listeners are no leak. */
const LISTENERS_MAX = 100;

export const ownSignal = (signal: AbortSignal): AbortSignal => {
  const own = AbortSignal.any([signal]);
  setMaxListeners(LISTENERS_MAX, own);
  return own;
};

export const begin = (shop: Workshop, cycle: Cycle): void => {
  const self = selfIdentity();
  shop.journal.append<'cycle_started'>({
    type: 'cycle_started',
    ...envelopeOf(cycle),
    data: {
      pid: self.pid,
      start: self.start,
      trigger: cycle.trigger,
      ...(cycle.task ? { task: cycle.task.id } : {}),
      workspace: shop.paths.workspace(cycle.session.name),
    },
  });
  if (cycle.task) {
    shop.journal.append<'task_assigned'>({
      type: 'task_assigned',
      ...envelopeOf(cycle),
      data: { task: cycle.task.id },
    });
  }
};

/** What is there so far, for the end to rescue. */
export interface Progress {
  mirror?: Mirror;
  tip?: string;
  workspace?: Workspace;
}

export const throughThePhases = async (
  shop: Workshop,
  cycle: Cycle,
  deed: (shop: Workshop, cycle: Cycle, progress: Progress) => Promise<CycleEnd>,
  progress: Progress = {},
): Promise<EntryOf<'ralph_cycle'>> => {
  const memory = shop.memory.watch(cycle.id);
  let end: CycleEnd;
  try {
    end = await deed(shop, cycle, progress);
  } catch (error) {
    // A journal that cannot be written ends the cycle without its entry; recovery writes it when there is space.
    if (error instanceof FailureError && (error.failure.kind === 'disk-full' || error.failure.kind === 'journal-write'))
      throw error;
    const message = error instanceof Error ? error.message : String(error);
    end = {
      outcome: 'failed',
      reason: `defect in Winnow: ${message}`,
      failure: failure('crashed', message, error instanceof Error ? error.stack : undefined),
      countsAsAttempt: false,
    };
  } finally {
    cycle.sum.memoryPeakBytes = memory.peakBytes();
    memory.end();
  }
  if (end.outcome !== 'pushed' && cycle.sum.known.patch === undefined) await rescue(shop, cycle, progress);
  const safe = end.outcome === 'pushed' || cycle.sum.known.patch !== undefined || cycle.sum.known.commit === undefined;
  if (safe) await progress.mirror?.unkeep(cycle.branch);
  return finish(shop, cycle, end);
};

const phases = async (shop: Workshop, cycle: Cycle, progress: Progress): Promise<CycleEnd> => {
  const reading = await timed(shop, cycle, 'read', () => readPhase(shop, cycle));
  if (!reading.ok) return reading.error;
  progress.mirror = reading.value.mirror;
  progress.tip = reading.value.tip;
  cycle.sum.known.base = reading.value.tip;
  readyAgain(shop, cycle);
  const taken = handedOver(cycle);
  if (taken) return taken;

  const analysis = await timed(shop, cycle, 'analyze', () => analyzePhase(shop, cycle, reading.value));
  if (!analysis.ok) return analysis.error;
  progress.workspace = analysis.value.workspace;
  cycle.sum.known.before = figuresOf(analysis.value.baseline);

  const planned = await timed(shop, cycle, 'plan', () => planPhase(shop, cycle, reading.value, analysis.value));
  if (!planned.ok) return planned.error;

  const hacked = await timed(shop, cycle, 'hack', () =>
    hackPhase(shop, cycle, analysis.value.workspace, planned.value),
  );
  if (!hacked.ok) return hacked.error;
  const takenNow = handedOver(cycle);
  if (takenNow) return takenNow;

  return judgeAndPublish(shop, cycle, reading.value, analysis.value, planned.value);
};

/** The last phase: what is better is pushed. */
export const judgeAndPublish = (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  analysis: Analysis,
  planned: Planned,
): Promise<CycleEnd> =>
  timed(shop, cycle, 'evaluate', async () => {
    const evaluated = await evaluatePhase(shop, cycle, reading, analysis, planned);
    if (!evaluated.ok) return evaluated.error;
    if (cycle.signal.aborted)
      return { outcome: 'interrupted', reason: 'stopped before the push', countsAsAttempt: false };
    const reason = pushReason(cycle, evaluated.value.reason);
    const summary = summaryOf(shop, cycle, { outcome: 'pushed', reason, countsAsAttempt: true });
    const published = await publish(shop, cycle, reading.mirror, evaluated.value, summary);
    if (!published.ok)
      return { outcome: 'failed', reason: published.error.message, failure: published.error, countsAsAttempt: false };
    return { outcome: 'pushed', reason, countsAsAttempt: true };
  });

export const timed = async <T>(shop: Workshop, cycle: Cycle, phase: Phase, deed: () => Promise<T>): Promise<T> => {
  if (phase !== 'read') journalPhase(shop, cycle, phase);
  const startedMs = shop.clock.monotonic();
  try {
    return await deed();
  } finally {
    cycle.sum.times[phase] = Math.round(shop.clock.monotonic() - startedMs);
  }
};

const pushReason = (cycle: Cycle, compared: string): string => `${cycle.sum.known.verdict}: ${compared}`;

/** A project that was unready and could be read is ready again. */
const readyAgain = (shop: Workshop, cycle: Cycle): void => {
  const unready = shop.journal.state().projects[cycle.project.name]?.unready;
  if (unready && unready.failure !== 'install-failed') {
    shop.journal.append<'project_ready'>({ type: 'project_ready', project: cycle.project.name, data: {} });
  }
};

/** Whatever the agent left is kept as a patch before the workspace is used again. */
const rescue = async (shop: Workshop, cycle: Cycle, { mirror, tip, workspace }: Progress): Promise<void> => {
  if (!mirror || !tip || !workspace) return;
  const patch = await rescueWork(shop, cycle, { mirror, tip }, workspace);
  if (patch) cycle.sum.known.patch = patch;
};

const finish = (shop: Workshop, cycle: Cycle, end: CycleEnd): EntryOf<'ralph_cycle'> => {
  const where = envelopeOf(cycle);
  const before = structuredClone(shop.journal.state().sessions[cycle.session.name]);
  const entry = shop.journal.append<'ralph_cycle'>({
    type: 'ralph_cycle',
    ...where,
    data: summaryOf(shop, cycle, end),
  });
  if (cycle.task) settleTask(shop, cycle, cycle.task, end);
  if (end.projectUnready && end.failure) {
    const { kind, message, mend } = end.failure;
    shop.journal.append<'project_unready'>({
      type: 'project_unready',
      project: cycle.project.name,
      data: { failure: kind, message: shop.redact(message), mend },
    });
  } else if (end.outcome !== 'failed' && shop.journal.state().projects[cycle.project.name]?.unready) {
    shop.journal.append<'project_ready'>({ type: 'project_ready', project: cycle.project.name, data: {} });
  }
  // What a person makes says nothing about how the session does by itself.
  if (cycle.trigger === 'person') return entry;
  if (afterRest(shop, cycle, before, entry)) return entry;
  const failures = shop.journal.state().sessions[cycle.session.name]?.failuresInARow ?? 0;
  const until = end.stopAll || end.projectUnready ? undefined : parkUntil({ end, failures, now: shop.clock.now() });
  if (until !== undefined) {
    shop.journal.append<'session_parked'>({
      type: 'session_parked',
      ...where,
      data: {
        failure: end.failure?.kind ?? 'failed',
        reason: shop.redact(end.reason),
        until: new Date(until).toISOString(),
      },
    });
  }
  return entry;
};

/** A park because of a loop is half open once its time is over: this cycle was its probe. Whether it rests again. */
const afterRest = (
  shop: Workshop,
  cycle: Cycle,
  before: SessionState | undefined,
  { data }: EntryOf<'ralph_cycle'>,
): boolean => {
  const { parksPerDay } = shop.config().doctor;
  const told = afterCycle(before, { ...data, nothing: data.plan?.nothing }, { parksPerDay, now: shop.clock.now() });
  if (told?.do === 'park') parkLooping(shop, envelopeOf(cycle), told);
  if (told?.do === 'unpark') {
    const reason = told.reason;
    shop.journal.append<'session_unparked'>({ type: 'session_unparked', ...envelopeOf(cycle), data: { reason } });
  }
  return told?.do === 'park';
};

const settleTask = (shop: Workshop, cycle: Cycle, task: Task, end: CycleEnd): void => {
  const where = envelopeOf(cycle);
  // Cancelled by a person meanwhile: nothing to settle.
  if (shop.journal.state().tasks[task.id]?.state !== 'assigned') return;
  if (end.outcome === 'pushed') {
    shop.journal.append<'task_done'>({
      type: 'task_done',
      ...where,
      data: { task: task.id, reason: `${cycle.branch} waits for review` },
    });
    return;
  }
  shop.journal.append<'task_returned'>({
    type: 'task_returned',
    ...where,
    data: { task: task.id, reason: `${end.outcome}: ${shop.redact(end.reason)}`, counted: end.countsAsAttempt },
  });
};

const summaryOf = (shop: Workshop, cycle: Cycle, end: CycleEnd): RalphCycle => {
  const { sum } = cycle;
  return {
    ...sum.known,
    outcome: end.outcome,
    reason: shop.redact(end.reason),
    ...(end.failure ? { failure: end.failure.kind } : {}),
    trigger: cycle.trigger,
    ...(cycle.task ? { task: cycle.task.id } : {}),
    iterations: sum.iterations,
    costUsd: sum.costUsd,
    tokens: sum.tokens,
    checks: sum.checks,
    times: { ...sum.times, total: Math.round(shop.clock.monotonic() - cycle.startedMs) },
    ...(sum.runs > 0 ? { transcript: relative(shop.paths.home, shop.paths.transcript(cycle.id)) } : {}),
    skills: sum.skills,
    ...(sum.withheld.length > 0 ? { withheld: sum.withheld } : {}),
    ...(sum.memoryPeakBytes > 0 ? { memoryPeakBytes: sum.memoryPeakBytes } : {}),
  };
};

/** brl/<session>/<YYYYMMDD-HHMMSS> in UTC; a second cycle within one second gets a suffix. */
export const branchName = (session: string, now: number, taken: readonly string[]): string => {
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-');
  const name = `brl/${session}/${stamp}`;
  for (let n = 2; ; n += 1) {
    const candidate = n === 2 ? name : `${name}-${n - 1}`;
    if (!taken.includes(candidate)) return candidate;
  }
};
