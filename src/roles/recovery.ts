import { ok, type Result } from '../base/result.ts';
import { rescueWork } from '../flow/evaluate.ts';
import { captureWork } from '../flow/hack.ts';
import { keepPatch } from '../flow/keep.ts';
import { journalPush, settle } from '../flow/publish.ts';
import { type Cycle, newSum, type Workshop } from '../flow/workshop.ts';
import type { ProjectConfig } from '../model/config.ts';
import type { Tokens } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import type { RunningCycle, State, Taken } from '../model/state.ts';
import { isAlive, sweep } from '../ports/machine/processes.ts';
import type { SlotLease } from '../ports/machine/slots.ts';

/**
 * After a crash: what the journal says is under way is compared with the world (processes, git), and completed or
 * closed. Doing it twice does no harm; a cycle that is really under way, which its lock says, is left alone.
 */
export interface Recovered {
  cycles: { cycle: string; session: string; outcome: 'pushed' | 'interrupted' }[];
  /** Processes of dead cycles that were still alive. */
  killed: number;
  /** Intents that could not be settled now, e.g. since the remote cannot be reached; they are tried again. */
  open: number;
}

export const recover = async (shop: Workshop, sessions: readonly Session[]): Promise<Recovered> => {
  const result: Recovered = { cycles: [], killed: 0, open: 0 };
  const lock = await shop.slots.acquire('recovery', 1, { who: `pid ${process.pid}`, waitMs: 60_000 });
  if (!lock.ok) return result;
  try {
    for (const [pid, seen] of Object.entries(shop.journal.state().processes)) {
      if (isAlive({ pid: Number(pid), start: seen.start })) continue;
      shop.journal.append<'process_stopped'>({
        type: 'process_stopped',
        data: { pid: Number(pid), reason: 'found dead', crashed: true },
      });
    }
    for (const running of Object.values(shop.journal.state().running)) {
      const alive = isAlive({ pid: running.pid, start: running.start });
      const held = alive ? await abandoned(shop, running) : undefined;
      if (alive && !held) continue;
      try {
        const killed = await sweep(running.cycle, 'prefix');
        if (killed > 0) {
          shop.journal.append<'swept'>({ type: 'swept', ...whereOf(running), data: { marker: running.cycle, killed } });
          result.killed += killed;
        }
        const outcome = await closeCycle(shop, running, sessions, alive);
        if (outcome === undefined) result.open += 1;
        else result.cycles.push({ cycle: running.cycle, session: running.session, outcome });
      } finally {
        held?.release();
      }
    }
    result.open += await takeBack(shop, sessions);
    await settleOrphanedTasks(shop);
    result.open += await settleOrphans(shop);
  } finally {
    lock.value.release();
  }
  return result;
};

/**
 * A cycle whose process lives and whose lock is free ended without its entry, since the disk was full at that moment.
 * The lock, when it is so: held while the cycle is closed.
 */
const abandoned = async (shop: Workshop, running: RunningCycle): Promise<SlotLease | undefined> => {
  const held = await shop.slots.tryAcquire(`session:${running.session}`, 1, `pid ${process.pid}`);
  if (held && shop.journal.state().running[running.cycle]) return held;
  held?.release();
  return undefined;
};

/**
 * Sessions whose taker is dead: killed, or gone with the terminal. What the person did becomes a patch, unless a cycle has
 * judged it. Returns how many have to wait, since what lies there cannot be read now.
 */
const takeBack = async (shop: Workshop, sessions: readonly Session[]): Promise<number> => {
  let open = 0;
  for (const { name } of Object.values(shop.journal.state().sessions)) {
    const dead = shop.journal.state().sessions[name]?.taken;
    if (!dead || isAlive(dead)) continue;
    const held = await shop.slots.tryAcquire(`session:${name}`, 1, `pid ${process.pid}`);
    if (!held) continue;
    try {
      const { taken, project = '' } = shop.journal.state().sessions[name] ?? {};
      if (taken?.cycle !== dead.cycle) continue;
      if (shop.journal.state().running[taken.cycle]) {
        // Its push could not be settled yet.
        open += 1;
        continue;
      }
      await sweep(taken.cycle, 'prefix');
      const kept = await keepOfTaken(shop, taken, sessions, name);
      if (!kept.ok) {
        open += 1;
        continue;
      }
      const what = kept.value === undefined ? '' : `; the work is kept in ${kept.value}`;
      await shop.journal.appendDurable<'session_given_back'>({
        type: 'session_given_back',
        ...{ project, session: name, cycle: taken.cycle },
        data: {
          by: taken.by,
          note: `the process that had it died${what}`,
          ...(kept.value === undefined ? {} : { patch: kept.value }),
        },
      });
    } finally {
      held.release();
    }
  }
  return open;
};

/** The file with what the person did; undefined: nothing, or it is safe. */
const keepOfTaken = async (
  shop: Workshop,
  { cycle: id, handedOver, judged }: Taken,
  sessions: readonly Session[],
  name: string,
): Promise<Result<string | undefined, Failure>> => {
  const session = sessions.find((s) => s.name === name);
  const project = shop.config().projects.find((p) => p.name === session?.project);
  const left = shop.workspaces.left(name);
  // A session that is no more keeps its workspace until `winnow gc` makes a patch of it.
  if (!handedOver || judged || !session || !project || left?.base !== handedOver.base) return ok(undefined);
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return mirror;
  const cycle = closedCycle(session, project, { id, trigger: 'person', branch: handedOver.branch });
  const caught = await captureWork(shop, cycle, { mirror: mirror.value }, { ...left, branch: cycle.branch }, undefined);
  if (!caught.ok) return failed(caught.error.failure?.kind ?? 'git-failed', caught.error.reason);
  const { commit, tree } = caught.value;
  const patch =
    tree === handedOver.tree
      ? undefined
      : await keepPatch(shop, mirror.value, { name: id, from: left.base, to: commit });
  if (patch !== undefined || tree === handedOver.tree) await mirror.value.unkeep(cycle.branch);
  return ok(patch);
};

/** Tasks of cycles that have ended: the disk became full, or the process died, between the two lines. */
const settleOrphanedTasks = async (shop: Workshop): Promise<void> => {
  for (const { id, project, cycles, state: seen } of Object.values(shop.journal.state().tasks)) {
    const cycle = cycles.at(-1);
    if (seen !== 'assigned' || cycle === undefined || shop.journal.state().running[cycle]) continue;
    const past = shop.journal.state().projects[project]?.recent.find((recent) => recent.cycle === cycle);
    // A session between its two lines still has its lock.
    const held = past ? await shop.slots.tryAcquire(`session:${past.session}`, 1, `pid ${process.pid}`) : undefined;
    if (past && !held) continue;
    try {
      const task = shop.journal.state().tasks[id];
      if (task?.state !== 'assigned' || task.cycles.at(-1) !== cycle) continue;
      const where = { project, cycle, ...(past ? { session: past.session } : {}) };
      if (past?.outcome === 'pushed') {
        shop.journal.append<'task_done'>({
          type: 'task_done',
          ...where,
          data: { task: id, reason: 'waits for review' },
        });
      } else {
        const reason = 'its cycle ended without settling it';
        shop.journal.append<'task_returned'>({
          type: 'task_returned',
          ...where,
          data: { task: id, reason, counted: false },
        });
      }
    } finally {
      held?.release();
    }
  }
};

const whereOf = ({ project, session, cycle }: RunningCycle) => ({ project, session, cycle });

/** Undefined: the remote could not be asked, so nothing is decided yet. */
const closeCycle = async (
  shop: Workshop,
  running: RunningCycle,
  sessions: readonly Session[],
  alive: boolean,
): Promise<'pushed' | 'interrupted' | undefined> => {
  const where = whereOf(running);
  const pushed = alreadyPushed(shop.journal.state(), running);
  if (pushed) return endPushed(shop, running, pushed);
  const intent = Object.values(shop.journal.state().intents).find((i) => i.cycle === running.cycle);
  if (intent?.data.effect === 'push-branch') {
    const done = await completePush(shop, where, intent.id, intent.data);
    if (done === undefined) return undefined;
    if (done) {
      shop.journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data: intent.data.cycle });
      settleTask(shop, running, true);
      return 'pushed';
    }
  }
  const patch = await rescue(shop, running, sessions);
  const { tokens, ran } = await workedUp(shop, running);
  shop.journal.append<'ralph_cycle'>({
    type: 'ralph_cycle',
    ...where,
    data: {
      outcome: 'interrupted',
      reason: alive
        ? `nothing could be written to the journal in phase ${running.phase}`
        : `the process died in phase ${running.phase}`,
      failure: 'interrupted',
      trigger: running.trigger,
      ...(running.task ? { task: running.task } : {}),
      iterations: running.iterations,
      costUsd: running.costUsd,
      tokens,
      // What it found measured already is in no entry.
      checks: { ran, reused: 0 },
      times: {},
      skills: [],
      ...(patch ? { patch } : {}),
    },
  });
  settleTask(shop, running, false);
  return 'interrupted';
};

/** What its runs and checks came to: only the process that died had added them up. */
const workedUp = async (shop: Workshop, running: RunningCycle): Promise<{ tokens: Tokens; ran: number }> => {
  const tokens: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  let ran = 0;
  const types = ['agent_ran', 'check_ran'] as const;
  const sinceMs = Date.parse(running.startedAt) - CLOCK_BACK_MAX_MS;
  for await (const entry of shop.journal.read({ types, cycle: running.cycle, sinceMs })) {
    if (entry.type === 'check_ran') ran += 1;
    if (entry.type !== 'agent_ran') continue;
    for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite'] as const) tokens[kind] += entry.data.tokens[kind];
  }
  return { tokens, ran };
};

/** How far the clock may have been set back amid the cycle, in milliseconds: entries of so long before it are looked at. */
const CLOCK_BACK_MAX_MS = 24 * 3_600_000;

/** The crash came after `branch_pushed` or the settlement and before the summary: the journal itself has all of it. */
const alreadyPushed = (state: Readonly<State>, running: RunningCycle) =>
  Object.values(state.queue).find((branch) => branch.cycle === running.cycle);

const endPushed = (shop: Workshop, running: RunningCycle, pushed: { branch: string; commit: string }): 'pushed' => {
  const where = whereOf(running);
  const intents = shop.journal.tail(1, { types: ['intent'], cycle: running.cycle });
  const last = intents[0];
  const open = Object.values(shop.journal.state().intents).find((i) => i.cycle === running.cycle);
  if (open) settle(shop, where, open.id, true, 'found pushed after a crash');
  if (last?.type === 'intent' && last.data.effect === 'push-branch') {
    shop.journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data: last.data.cycle });
  } else {
    throw new Error(`branch ${pushed.branch} was pushed without an intent`);
  }
  settleTask(shop, running, true);
  return 'pushed';
};

type PushIntent = Extract<State['intents'][string]['data'], { effect: 'push-branch' }>;

/** Looks at the remote; what was meant and did not happen is done now if the commit is still here. */
const completePush = async (
  shop: Workshop,
  where: { project: string; session: string; cycle: string },
  id: string,
  intent: PushIntent,
): Promise<boolean | undefined> => {
  const project = shop.config().projects.find((p) => p.name === where.project);
  if (!project) {
    settle(shop, where, id, false, `project ${where.project} is no longer configured`);
    return false;
  }
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return undefined;
  const there = await mirror.value.remoteBranch(intent.branch);
  if (!there.ok) return undefined;
  if (there.value !== intent.commit) {
    const pushed = await mirror.value.pushBranch(intent.branch, intent.commit);
    if (!pushed.ok) {
      if (pushed.error.kind === 'repo-unreachable') return undefined;
      settle(shop, where, id, false, pushed.error.message);
      return false;
    }
  }
  journalPush(shop, where, {
    branch: intent.branch,
    commit: intent.commit,
    base: intent.cycle.base ?? '',
    tree: intent.cycle.tree ?? '',
  });
  settle(shop, where, id, true, 'completed after a crash');
  return true;
};

/** Open intents whose cycle has ended: only what a later role or a crash between two lines can leave. */
const settleOrphans = async (shop: Workshop): Promise<number> => {
  let open = 0;
  const state = shop.journal.state();
  for (const intent of Object.values(state.intents)) {
    if (intent.cycle && state.running[intent.cycle]) continue;
    if (intent.data.effect !== 'push-branch') continue;
    const { project = '', session = '', cycle = '' } = intent;
    const done = await completePush(shop, { project, session, cycle }, intent.id, intent.data);
    if (done === undefined) open += 1;
  }
  return open;
};

const settleTask = (shop: Workshop, running: RunningCycle, pushed: boolean): void => {
  if (!running.task || shop.journal.state().tasks[running.task]?.state !== 'assigned') return;
  const where = whereOf(running);
  if (pushed)
    shop.journal.append<'task_done'>({
      type: 'task_done',
      ...where,
      data: { task: running.task, reason: 'waits for review' },
    });
  else {
    shop.journal.append<'task_returned'>({
      type: 'task_returned',
      ...where,
      data: { task: running.task, reason: 'the process died while it was worked on', counted: false },
    });
  }
};

/** What the dead cycle left in its workspace becomes a patch before the workspace is made clean. */
const rescue = async (
  shop: Workshop,
  running: RunningCycle,
  sessions: readonly Session[],
): Promise<string | undefined> => {
  const project = shop.config().projects.find((p) => p.name === running.project);
  const session = sessions.find((s) => s.name === running.session);
  const left = shop.workspaces.left(running.session);
  // Until then there is what the cycle before it left; a person's cycle begins with the person's work.
  const isEarly = running.phase === 'read' || running.phase === 'analyze';
  if (!project || !session || !left || (isEarly && running.trigger !== 'person')) return undefined;
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return undefined;
  const { cycle: id, trigger } = running;
  // The workspace still has the name of the cycle before: that branch is another matter.
  const { handedOver } = shop.journal.state().sessions[running.session]?.taken ?? {};
  const branch = trigger === 'person' && handedOver ? handedOver.branch : left.branch;
  const cycle = closedCycle(session, project, { id, trigger, branch });
  try {
    const patch = await rescueWork(shop, cycle, { mirror: mirror.value, tip: left.base }, { ...left, branch });
    if (patch) await mirror.value.unkeep(branch);
    return patch;
  } catch (error) {
    if (error instanceof FailureError) throw error;
    // A workspace that died half-made holds nothing that could be kept.
    return undefined;
  }
};

/** As much of a cycle as is needed to keep what it left. */
const closedCycle = (
  session: Session,
  project: ProjectConfig,
  own: Pick<Cycle, 'id' | 'trigger' | 'branch'>,
): Cycle => ({
  ...{ ...own, session, project, task: undefined, startedMs: 0 },
  ...{ signal: new AbortController().signal, sum: newSum() },
});
