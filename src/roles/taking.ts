import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { lendsAsPlugin, placeOf } from '../flow/agent.ts';
import { baselineOf, prepareWorkspace } from '../flow/analyze.ts';
import { captureWork, EDIT_TOOLS } from '../flow/hack.ts';
import { ensureDependencies } from '../flow/measure.ts';
import { fetchTip } from '../flow/read.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, newSum, type Workshop } from '../flow/workshop.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Plan } from '../model/plan.ts';
import { figuresOf } from '../model/report.ts';
import type { Session } from '../model/session.ts';
import { oneLine } from '../policy/placeholders.ts';
import type { Interaction, InteractionEnd } from '../ports/claude/claude.ts';
import { conversationFile } from '../ports/claude/ledger.ts';
import type { Mirror, Workspace } from '../ports/git/mirror.ts';
import { selfIdentity } from '../ports/machine/processes.ts';
import type { SlotLease } from '../ports/machine/slots.ts';
import { recover } from './recovery.ts';
import { begin, branchName, judgeAndPublish, ownSignal, throughThePhases, timed } from './session.ts';

/**
 * A person takes a session: its loop ends at the next boundary and leaves everything where it is, the person goes on
 * with the same conversation in the same workspace, and what they changed is judged like any other work.
 *
 *   session_taken -> (lock) -> session_handed_over -> a person works -> judged, or nothing changed -> session_given_back
 */
export interface Taking {
  /** Whose cycle the person’s work becomes; its id is that of the taking. */
  cycle: Cycle;
  mirror: Mirror;
  workspace: Workspace;
  /** Of what lay there at first. */
  tree: string;
  conversation: { resume: string } | { start: string };
  /** Why it is a new conversation. */
  fresh: string | undefined;
  lock: SlotLease;
  by: string;
}

export interface TakeInput {
  session: Session;
  sessions: readonly Session[];
  by: string;
  /** The person gives up waiting. */
  signal: AbortSignal;
}

/** A cycle may have a run and several checks before it, each with its own limit; nobody waits longer than this. */
const WAIT_MAX_MS = 24 * 3_600_000;

export const takeSession = async (shop: Workshop, input: TakeInput): Promise<Result<Taking, Failure>> => {
  const { session, by } = input;
  const project = shop.config().projects.find((p) => p.name === session.project);
  if (!project)
    return failed('not-found', `session ${session.name} names project ${session.project}, which does not exist`);
  // Whoever had it before may be dead.
  await recover(shop, input.sessions);
  const now = shop.clock.now();
  const cycle: Cycle = {
    ...{ id: shop.ids(now), session, project, trigger: 'person', task: undefined },
    branch: branchName(session.name, now, Object.keys(shop.journal.state().queue)),
    ...{ startedMs: shop.clock.monotonic(), signal: ownSignal(input.signal), sum: newSum() },
  };
  const asked = await ask(shop, cycle, by);
  if (!asked.ok) return asked;
  const lock = await shop.slots.acquire(`session:${session.name}`, 1, {
    ...{ who: `${by} (pid ${process.pid})`, waitMs: WAIT_MAX_MS, signal: input.signal },
  });
  if (!lock.ok) {
    await giveBack(shop, { cycle, by }, 'gave up waiting');
    return lock;
  }
  try {
    // Its process died on the way to the boundary.
    if (shop.journal.state().sessions[session.name]?.running) await recover(shop, input.sessions);
    const taking = await handOver(shop, cycle, by, lock.value);
    if (taking.ok) return taking;
    await giveBack(shop, { cycle, by }, `it could not be handed over: ${taking.error.message}`);
    lock.value.release();
    return taking;
  } catch (error) {
    lock.value.release();
    throw error;
  }
};

/** Of two who ask at one moment the first line counts. */
const ask = async (shop: Workshop, cycle: Cycle, by: string): Promise<Result<void, Failure>> => {
  const name = cycle.session.name;
  const takenBy = () => {
    const { taken } = shop.journal.state().sessions[name] ?? {};
    if (!taken || taken.cycle === cycle.id) return undefined;
    return failed(
      'taken',
      `session ${name} is taken by ${taken.by} since ${taken.at.slice(0, 16)}Z (pid ${taken.pid})`,
    );
  };
  const before = takenBy();
  if (before) return before;
  try {
    await shop.journal.appendDurable<'session_taken'>({
      type: 'session_taken',
      ...envelopeOf(cycle),
      data: { by, ...selfIdentity() },
    });
  } catch (error) {
    const meanwhile = error instanceof FailureError && error.failure.kind === 'entry-illegal' ? takenBy() : undefined;
    if (meanwhile) return meanwhile;
    throw error;
  }
  return takenBy() ?? ok(undefined);
};

const handOver = async (
  shop: Workshop,
  cycle: Cycle,
  by: string,
  lock: SlotLease,
): Promise<Result<Taking, Failure>> => {
  const { session } = cycle;
  const opened = await shop.mirrorOf(cycle.project);
  if (!opened.ok) return opened;
  const mirror = opened.value;
  const left = shop.workspaces.left(session.name);
  const found = left ? ok(left) : await makeWorkspace(shop, cycle, mirror);
  if (!found.ok) return found;
  // Whatever the last cycle called its work, the person's is called anew.
  const workspace = { ...found.value, branch: cycle.branch };
  const caught = await captureWork(shop, cycle, { mirror }, workspace, undefined);
  if (!caught.ok) return { ok: false, error: caught.error.failure! };
  const { conversation, fresh } = await conversationOf(shop, session);
  shop.journal.append<'session_handed_over'>({
    type: 'session_handed_over',
    ...envelopeOf(cycle),
    data: {
      conversation: 'resume' in conversation ? conversation.resume : conversation.start,
      ...(fresh === undefined ? {} : { fresh }),
      ...{ base: workspace.base, tree: caught.value.tree, branch: cycle.branch },
    },
  });
  return ok({ cycle, mirror, workspace, tree: caught.value.tree, conversation, fresh, lock, by });
};

/** A session that never had a cycle has none, and one that rested for long has none any more. */
const makeWorkspace = async (shop: Workshop, cycle: Cycle, mirror: Mirror): Promise<Result<Workspace, Failure>> => {
  const tip = await fetchTip(shop, cycle, mirror);
  if (!tip.ok) return tip;
  const made = await prepareWorkspace(shop, cycle, { mirror, tip: tip.value });
  return made.ok ? ok(made.value.workspace) : { ok: false, error: made.error.failure! };
};

const conversationOf = async (shop: Workshop, session: Session): Promise<Pick<Taking, 'conversation' | 'fresh'>> => {
  const last = shop.journal.state().sessions[session.name]?.conversation;
  if (last === undefined) return { conversation: { start: randomUUID() }, fresh: 'it had none yet' };
  const place = placeOf(shop, agentOf(session, ''), { cwd: shop.paths.workspace(session.name), shims: undefined });
  if ((await conversationFile(place, last)) !== undefined) return { conversation: { resume: last }, fresh: undefined };
  return { conversation: { start: randomUUID() }, fresh: 'its last one is gone, since it had had its time' };
};

const agentOf = (session: Session, id: string) => ({
  ...{ id, name: session.name, role: 'session' as const, lendsSkills: true },
  owner: { session: session.name, project: session.project },
});

/** Opens the conversation, with all that the session's own agent has around it and nothing more. */
export const openConversation = (
  shop: Workshop,
  { cycle, workspace, conversation }: Taking,
  terminal: { size: { columns: number; rows: number }; screen: Record<string, string> },
): Promise<Result<Interaction, Failure>> => {
  const { session, id } = cycle;
  const run = runOf(cycle);
  const { pluginDir, ...place } = placeOf(shop, agentOf(session, id), { cwd: workspace.dir, shims: shop.paths.shims });
  return shop.claude.interact({
    ...{ run, conversation, cwd: workspace.dir, tools: EDIT_TOOLS, ...terminal },
    model: session.model ?? shop.config().agent.model,
    ...place,
    // Made by the first run that is lent something.
    ...(pluginDir !== undefined && existsSync(pluginDir) ? { pluginDir } : {}),
    // The owner's own directory is the owner's.
    ownsConfigDir: !lendsAsPlugin(shop, session.name),
    tmpDir: join(shop.paths.tmp, run),
    transcriptDir: shop.paths.transcript(id),
  });
};

/** The marker of its processes and the name of its transcript, as of the first run of a cycle. */
const runOf = ({ id }: Cycle): string => `${id}-1`;

export interface Returned {
  /** The cycle that judged what was changed; undefined: nothing was. */
  judged: EntryOf<'ralph_cycle'> | undefined;
  /** What came of it, in one sentence. */
  note: string;
}

/**
 * Gives the session back: what was changed is judged by a cycle of its own, where nothing was there is none. What cannot
 * be read now stays taken, and in its place, until recovery can.
 */
export const returnSession = async (
  shop: Workshop,
  taking: Taking,
  { ended, title, signal }: { ended: InteractionEnd | undefined; title: string | undefined; signal: AbortSignal },
): Promise<Result<Returned, Failure>> => {
  const cycle: Cycle = { ...taking.cycle, signal: ownSignal(signal), startedMs: shop.clock.monotonic() };
  try {
    if (ended) noteRun(shop, cycle, ended);
    const caught = await captureWork(shop, cycle, taking, taking.workspace, undefined);
    if (!caught.ok) return { ok: false, error: caught.error.failure! };
    if (caught.value.tree === taking.tree) {
      await taking.mirror.unkeep(cycle.branch);
      const note = 'nothing was changed';
      await giveBack(shop, taking, note);
      return ok({ judged: undefined, note });
    }
    begin(shop, cycle);
    const { mirror, workspace } = taking;
    const deed = () => phases(shop, cycle, taking, { commit: caught.value.commit, title });
    const judged = await throughThePhases(shop, cycle, deed, { mirror, tip: workspace.base, workspace });
    const note = `${judged.data.outcome}: ${judged.data.reason}`;
    await giveBack(shop, taking, note);
    return ok({ judged, note });
  } catch (error) {
    if (error instanceof FailureError) return err(error.failure);
    throw error;
  } finally {
    taking.lock.release();
  }
};

const giveBack = (shop: Workshop, { cycle, by }: Pick<Taking, 'cycle' | 'by'>, note: string) =>
  shop.journal.appendDurable<'session_given_back'>({
    type: 'session_given_back',
    ...envelopeOf(cycle),
    data: { by, note: shop.redact(oneLine(note)) },
  });

/** As a run of the agent: it has cost what the conversation says, and where that says nothing no figure is made up. */
const noteRun = (shop: Workshop, cycle: Cycle, ended: InteractionEnd): void => {
  const { cost, conversation, exitCode } = ended;
  const nothing = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  cycle.sum.runs = 1;
  cycle.sum.costUsd = cost?.costUsd ?? 0;
  cycle.sum.tokens = cost?.tokens ?? nothing;
  cycle.sum.times.hack = Math.round(ended.durationMs);
  const isBroken = exitCode !== null && exitCode !== 0 && exitCode < EXIT_BY_SIGNAL;
  shop.journal.append<'agent_ran'>({
    type: 'agent_ran',
    ...envelopeOf(cycle),
    data: {
      ...{ run: runOf(cycle), purpose: 'person', model: cycle.session.model ?? shop.config().agent.model },
      ...(conversation === undefined ? {} : { conversation }),
      ...(isBroken ? { ok: false, message: `Claude Code ended with exit ${exitCode}` } : { ok: true }),
      ...{ attempt: 1, exitCode, turns: ended.turns },
      costUsd: cost?.costUsd ?? 0,
      ...(cost ? {} : { costUnknown: true as const }),
      tokens: cost?.tokens ?? nothing,
      ...{ durationMs: Math.round(ended.durationMs), survivorsKilled: ended.survivorsKilled },
      ...(ended.refused.length === 0 ? {} : { refused: ended.refused }),
      transcript: relative(shop.paths.home, ended.transcript),
    },
  });
};

/** From here on a shell tells a signal: the way in which Winnow itself ends it. */
const EXIT_BY_SIGNAL = 128;

/** What a cycle does when the plan and its carrying out were a person’s. */
const phases = async (
  shop: Workshop,
  cycle: Cycle,
  { mirror, workspace, by, conversation }: Taking,
  { commit, title }: { commit: string; title: string | undefined },
): Promise<CycleEnd> => {
  const tip = workspace.base;
  cycle.sum.known.base = tip;
  const tree = await mirror.treeOf(tip);
  if (!tree.ok) return endBy(tree.error);
  const diff = await mirror.diff(tip, commit);
  if (!diff.ok) return endBy(diff.error);
  const plan = planOf(
    by,
    title,
    diff.value.files.map(({ path }) => path),
  );
  cycle.sum.known.plan = plan;
  shop.journal.append<'plan_made'>({ type: 'plan_made', ...envelopeOf(cycle), data: { plan, attempt: 1 } });

  const reading = { mirror, tip, tree: tree.value, context: '', recent: '', claims: '' };
  const analysis = await timed(shop, cycle, 'analyze', async () => {
    const baseline = await baselineOf(shop, cycle, reading);
    if (!baseline.ok) return baseline;
    const { project, signal } = cycle;
    const installed = await ensureDependencies(shop, { project, mirror, signal }, tip);
    if (!installed.ok) return err(endBy(installed.error));
    return ok({ workspace, baseline: baseline.value, dependencies: installed.value.key });
  });
  if (!analysis.ok) return analysis.error;
  cycle.sum.known.before = figuresOf(analysis.value.baseline);
  const talk = 'resume' in conversation ? conversation.resume : conversation.start;
  return judgeAndPublish(shop, cycle, reading, analysis.value, { plan, conversation: talk });
};

const TITLE_MAX_CHARS = 120;
const FILES_MAX = 20;

const planOf = (by: string, title: string | undefined, files: string[]): Plan => {
  const [first = 'files'] = files;
  const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
  const plainly = (text: string) => oneLine(text).slice(0, TITLE_MAX_CHARS);
  return {
    title: plainly(title ?? `Change ${first}${more} by hand`),
    why: `${oneLine(by)} took the session over`,
    kind: 'by hand',
    files: files.slice(0, FILES_MAX).map((file) => oneLine(file)),
    expects: 'what the checks say of it',
  };
};
