import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { EntryData } from '../model/entry.ts';
import { FailureError, failure } from '../model/failure.ts';
import { grantBudget } from '../policy/budget.ts';
import { policyFor } from '../policy/run-failure.ts';
import type { RunRequest, RunResult } from '../ports/claude/claude.ts';
import { lendSkills } from '../ports/home/skills.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, type Workshop } from './workshop.ts';

/**
 * One question to the model within a cycle, through everything that stands between: gates, budget, retries with
 * back-off, the pause of all at a usage limit. Each run, also a failed one, becomes an entry with its cost.
 */
export interface Question {
  purpose: EntryData<'agent_ran'>['purpose'];
  cwd: string;
  prompt: string;
  system: string;
  tools: string[];
  access: 'read' | 'edit';
  schema?: Record<string, unknown>;
  /** Undefined: a new conversation. */
  conversation: string | undefined;
  shims: string | undefined;
}

/** Said to a conversation that was cut off in the middle of its work. */
const CONTINUE =
  'The connection to the service was interrupted. Go on where you were; what you did so far is still in place.';

/** How often a closed gate is looked at while a run waits for it. */
const GATE_POLL_MS = 1000;

export const ask = async (shop: Workshop, cycle: Cycle, question: Question): Promise<Result<RunResult, CycleEnd>> => {
  let conversation = question.conversation;
  let prompt = question.prompt;
  for (let attempt = 1; ; attempt += 1) {
    const open = await waitForGates(shop, cycle);
    if (!open.ok) return open;
    const result = await runOnce(shop, cycle, { ...question, prompt, conversation }, attempt);
    if (!result.ok) return result;
    const run = result.value;
    if (run.ok) return ok(run);
    const fault: NonNullable<RunResult['failure']> =
      run.failure ?? failure('claude-unknown', 'the run failed without saying why');
    if (cycle.signal.aborted)
      return err({ ...endBy(failure('interrupted', 'stopped while the agent worked')), outcome: 'interrupted' });
    const decision = policyFor(fault.kind, {
      attempt,
      retriesMax: shop.config().agent.retries,
      now: shop.clock.now(),
      resetsAtMs: fault.resetsAtMs,
      retryAfterMs: fault.retryAfterMs,
      random: shop.random(),
    });
    switch (decision.do) {
      case 'retry':
        shop.journal.append<'run_retry_planned'>({
          type: 'run_retry_planned',
          ...envelopeOf(cycle),
          data: { run: `${cycle.id}-${cycle.sum.runs}`, failure: fault.kind, attempt, delayMs: decision.delayMs },
        });
        await shop.clock.sleep(decision.delayMs, cycle.signal);
        break;
      case 'pause-all':
        closeGate(shop, cycle, 'usage-limit', decision.reason, decision.untilMs);
        break;
      case 'stop-all':
        closeGate(shop, cycle, 'account', `${fault.message}. ${fault.mend}`);
        alertOnce(shop, cycle, fault.message, fault.mend);
        return err({ ...endBy(fault), stopAll: true });
      case 'park':
        return err({ ...endBy(fault), parkUntilMs: decision.untilMs });
      case 'give-up':
        return err({ ...endBy(fault), countsAsAttempt: true });
      default:
        decision satisfies never;
    }
    // A conversation that already did something is gone on with; one that said nothing is simply asked anew.
    if (fault.kind === 'conversation-lost') conversation = undefined;
    else if (run.usage.turns > 0 && conversation === undefined) {
      conversation = run.conversation;
      prompt = CONTINUE;
    }
  }
};

const runOnce = async (
  shop: Workshop,
  cycle: Cycle,
  question: Question,
  attempt: number,
): Promise<Result<RunResult, CycleEnd>> => {
  const config = shop.config();
  const owner = { session: cycle.session.name, project: cycle.project.name };
  const grant = grantBudget(shop.journal.state(), config, {
    ...owner,
    cycleSpentUsd: cycle.sum.costUsd,
    reserved: shop.purse.reserved(owner),
    now: shop.clock.now(),
  });
  if (!grant.granted) return err({ outcome: 'discarded', reason: grant.reason, countsAsAttempt: false });
  const reservation = shop.purse.reserve(owner, grant.usd);
  const { dir, own } = configDirOf(shop, cycle.session.name);
  // The owner's own directory is the owner's: nothing is put there.
  if (own && cycle.sum.runs === 0) cycle.sum.skills = lendSkills(shop.paths.skills, dir);
  cycle.sum.runs += 1;
  const run = `${cycle.id}-${cycle.sum.runs}`;
  try {
    const result = await shop.claude.run(requestOf(shop, cycle, question, run, grant.usd));
    cycle.sum.costUsd += result.usage.costUsd;
    for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite'] as const) {
      cycle.sum.tokens[kind] += result.usage.tokens[kind];
    }
    shop.journal.append<'agent_ran'>({
      type: 'agent_ran',
      ...envelopeOf(cycle),
      data: {
        run,
        purpose: question.purpose,
        model: cycle.session.model ?? config.agent.model,
        ...(result.conversation ? { conversation: result.conversation } : {}),
        ok: result.ok,
        ...(result.failure ? { failure: result.failure.kind, message: shop.redact(result.failure.message) } : {}),
        attempt,
        exitCode: result.exitCode,
        turns: result.usage.turns,
        costUsd: result.usage.costUsd,
        tokens: result.usage.tokens,
        durationMs: Math.round(result.durationMs),
        transcript: relative(shop.paths.home, result.transcript),
        survivorsKilled: result.survivorsKilled,
      },
    });
    return ok(result);
  } finally {
    reservation.release();
    await rm(join(shop.paths.tmp, run), { recursive: true, force: true });
  }
};

/** A stored login lives in the owner's own directory; with a token in the environment each session has its own. */
const configDirOf = (shop: Workshop, session: string): { dir: string; own: boolean } => {
  const own = shop.environments.hasAgentCredential || hasCredential(shop.config().agent.env);
  return { dir: own ? shop.paths.claude(session) : shop.ownerClaudeConfig, own };
};

const requestOf = (shop: Workshop, cycle: Cycle, question: Question, run: string, budgetUsd: number): RunRequest => {
  const { agent } = shop.config();
  const session = cycle.session.name;
  const fill = (value: string) =>
    value
      .replaceAll('{session}', session)
      .replaceAll('{role}', 'session')
      .replaceAll('{project}', cycle.project.name)
      .replaceAll('{cycle}', cycle.id);
  return {
    run,
    cwd: question.cwd,
    prompt: question.prompt,
    system: question.system,
    model: cycle.session.model ?? agent.model,
    conversation: question.conversation === undefined ? { start: randomUUID() } : { resume: question.conversation },
    tools: question.tools,
    access: question.access,
    ...(question.schema ? { schema: question.schema } : {}),
    maxBudgetUsd: budgetUsd,
    maxTurns: agent.maxTurns,
    timeoutMs: agent.timeout,
    silenceMs: agent.silence,
    env: shop.environments.forAgent({
      dir: question.cwd,
      session,
      shims: question.shims,
      extra: {
        ...gitIdentity(session),
        ...Object.fromEntries(Object.entries(agent.env).map(([name, value]) => [name, fill(value)])),
      },
    }),
    configDir: configDirOf(shop, session).dir,
    // Its own: behind a wall every run is process 1, and names in a shared place would collide.
    tmpDir: join(shop.paths.tmp, run),
    transcriptDir: shop.paths.transcript(cycle.id),
    signal: cycle.signal,
    onProgress: (progress) => shop.onProgress(cycle.id, progress),
  };
};

const hasCredential = (env: Record<string, string>): boolean =>
  ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'].some((name) => env[name]);

/** Commits of an agent carry the session's name; the address belongs to nobody (RFC 2606). */
export const authorOf = (session: string) => ({ name: `${session} (Winnow)`, email: `${session}@winnow.invalid` });

const gitIdentity = (session: string): Record<string, string> => {
  const { name, email } = authorOf(session);
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
};

/** Before money is spent: the usage limit is waited for here, so that a session resumes where it was. */
const waitForGates = async (shop: Workshop, cycle: Cycle): Promise<Result<void, CycleEnd>> => {
  for (;;) {
    if (cycle.signal.aborted)
      return err({ ...endBy(failure('interrupted', 'stopped while it waited')), outcome: 'interrupted' });
    const { gates } = shop.journal.state();
    if (gates.account) return err({ ...endBy(failure('auth', gates.account.reason)), stopAll: true });
    const until = gates['usage-limit']?.until;
    if (until === undefined || Date.parse(until) <= shop.clock.now()) return ok(undefined);
    await shop.clock.sleep(Math.min(GATE_POLL_MS, Date.parse(until) - shop.clock.now()), cycle.signal);
  }
};

const closeGate = (
  shop: Workshop,
  cycle: Cycle,
  gate: 'usage-limit' | 'account',
  reason: string,
  untilMs?: number,
): void => {
  const known = shop.journal.state().gates[gate];
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  if (known && known.until === until) return;
  shop.journal.append<'gate_closed'>({
    type: 'gate_closed',
    ...envelopeOf(cycle),
    data: { gate, reason, figures: {}, ...(until ? { until } : {}) },
  });
};

const alertOnce = (shop: Workshop, cycle: Cycle, message: string, mend: string): void => {
  try {
    shop.journal.append<'alert'>({ type: 'alert', ...envelopeOf(cycle), data: { message, mend } });
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
  }
};
