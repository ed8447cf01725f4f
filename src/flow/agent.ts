import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { sha256 } from '../base/hash.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { EntryData, Tokens } from '../model/entry.ts';
import { FailureError, failure } from '../model/failure.ts';
import { grantBudget } from '../policy/budget.ts';
import { agentReach } from '../policy/hosts.ts';
import { policyFor } from '../policy/run-failure.ts';
import type { RunRequest, RunResult } from '../ports/claude/claude.ts';
import { lendAsPlugin, lendSkills } from '../ports/home/skills.ts';
import { handedOver } from './hand-over.ts';
import { readShelf } from './skills.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, type HandOver, type Workshop } from './workshop.ts';

/**
 * One question to the model, through everything that stands between: gates, budget, retries with back-off, the pause
 * of all at a usage limit. Each run, also a failed one, becomes an entry with its cost.
 */
export interface Question {
  purpose: EntryData<'agent_ran'>['purpose'];
  cwd: string;
  prompt: string;
  /** Appended to the system prompt; undefined: nothing is. */
  system: string | undefined;
  tools: string[];
  access: 'read' | 'edit';
  schema?: Record<string, unknown>;
  /** Undefined: a new conversation. */
  conversation: string | undefined;
  shims: string | undefined;
  /** Beside what every run gets. */
  env?: Record<string, string>;
  /** What one run of it may cost, where that is less than the budgets allow. */
  maxBudgetUsd?: number;
  /** Replies of the model; default: agent.maxTurns. */
  maxTurns?: number;
}

/** On whose behalf a question is asked: a session within its cycle, or a role. */
export interface Asker {
  /** Begins the marker of every process of its runs, and names the directory of their transcripts. */
  id: string;
  /** Whose home and configuration directory the runs have, and `{session}` in `agent.env`: a session, else the role. */
  name: string;
  /** `{role}` in `agent.env`. */
  role: 'session' | 'reviewer' | 'standup' | 'chair' | 'doctor' | 'bot';
  envelope: { project?: string; session?: string; cycle?: string };
  /** Whose budgets the runs are within; an empty project for a question about none. */
  owner: { session: string; project: string };
  /** Undefined: agent.model. */
  model: string | undefined;
  /** Whether the home's skills are lent to its runs. */
  lendsSkills: boolean;
  signal: AbortSignal;
  /** A session’s: no run is begun when a person has taken it. */
  handOver?: HandOver;
  sum: AskerSum;
}

/** What the runs of an asker add up to. */
export interface AskerSum {
  costUsd: number;
  tokens: Tokens;
  runs: number;
  /** Names of the skills that its runs are lent; those that are gone by then are taken out. */
  skills: string[];
}

export const newAskerSum = (): AskerSum => ({
  costUsd: 0,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  runs: 0,
  skills: [],
});

/** Begins the id of every asker of a role in one home: what a dead process left behind is found by it. */
export const askerMarker = (shop: Workshop, role: string, ...of: string[]): string =>
  `${role}-${sha256(shop.paths.home, ...of).slice(0, MARKER_CHARS)}`;
/** 48 bits: two homes or branches of one machine never share one. */
const MARKER_CHARS = 12;

export const askerOf = (cycle: Cycle): Asker => ({
  id: cycle.id,
  name: cycle.session.name,
  role: 'session',
  envelope: envelopeOf(cycle),
  owner: { session: cycle.session.name, project: cycle.project.name },
  model: cycle.session.model,
  lendsSkills: true,
  signal: cycle.signal,
  ...(cycle.handOver ? { handOver: cycle.handOver } : {}),
  sum: cycle.sum,
});

/** Said to a conversation that was cut off in the middle of its work. */
const CONTINUE =
  'The connection to the service was interrupted. Go on where you were; what you did so far is still in place.';

/** How often a closed gate is looked at while a run waits for it. */
const GATE_POLL_MS = 1000;

export const ask = async (shop: Workshop, asker: Asker, question: Question): Promise<Result<RunResult, CycleEnd>> => {
  let conversation = question.conversation;
  let prompt = question.prompt;
  for (let attempt = 1; ; attempt += 1) {
    const promised = await promise(shop, asker, question);
    if (!promised.ok) return promised;
    const run = await runOnce(shop, asker, { ...question, prompt, conversation }, { ...promised.value, attempt });
    if (run.ok) return ok(run);
    const fault: NonNullable<RunResult['failure']> =
      run.failure ?? failure('claude-unknown', 'the run failed without saying why');
    if (asker.signal.aborted)
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
          ...asker.envelope,
          data: { run: `${asker.id}-${asker.sum.runs}`, failure: fault.kind, attempt, delayMs: decision.delayMs },
        });
        await shop.clock.sleep(decision.delayMs, waitingSignal(asker));
        break;
      case 'pause-all':
        closeGate(shop, asker, 'usage-limit', decision.reason, decision.untilMs);
        break;
      case 'stop-all':
        closeGate(shop, asker, 'account', `${fault.message}. ${fault.mend}`);
        alertOnce(shop, asker, fault.message, fault.mend);
        return err({ ...endBy(fault), stopAll: true });
      case 'park':
        return err({ ...endBy(fault), parkUntilMs: decision.untilMs });
      case 'give-up':
        return err({ ...endBy(fault), countsAsAttempt: true, conversation: run.conversation });
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

/** Dollars that a run may spend: taken as spent until they are given back. */
interface Promised {
  usd: number;
  release: () => void;
}

/** Of these each waits for what others were promised: a turn that is lost comes again only much later. */
const PATIENT: readonly Asker['role'][] = ['session', 'reviewer'];

/** Before money is spent: open gates, and a part of the budgets. */
const promise = async (shop: Workshop, asker: Asker, question: Question): Promise<Result<Promised, CycleEnd>> => {
  const { owner } = asker;
  for (;;) {
    const open = await waitForGates(shop, asker);
    if (!open.ok) return open;
    const grant = grantBudget(shop.journal.state(), shop.config(), {
      ...owner,
      cycleSpentUsd: asker.sum.costUsd,
      reserved: shop.purse.reserved(owner),
      now: shop.clock.now(),
    });
    if (grant.granted) {
      const usd = Math.min(grant.usd, question.maxBudgetUsd ?? grant.usd);
      // At once: whoever asks next has to find it taken.
      return ok({ usd, release: shop.purse.reserve(owner, usd).release });
    }
    if (!grant.passing || !PATIENT.includes(asker.role))
      return err({ outcome: 'empty', reason: grant.reason, countsAsAttempt: false });
    await shop.purse.freed(waitingSignal(asker));
  }
};

const runOnce = async (
  shop: Workshop,
  asker: Asker,
  question: Question,
  { usd, release, attempt }: Promised & { attempt: number },
): Promise<RunResult> => {
  asker.sum.runs += 1;
  const run = `${asker.id}-${asker.sum.runs}`;
  try {
    if (asker.lendsSkills && asker.sum.runs === 1) lend(shop, asker);
    const result = await shop.claude.run(requestOf(shop, asker, question, run, usd));
    asker.sum.costUsd += result.usage.costUsd;
    for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite'] as const) {
      asker.sum.tokens[kind] += result.usage.tokens[kind];
    }
    shop.journal.append<'agent_ran'>({
      type: 'agent_ran',
      ...asker.envelope,
      data: {
        run,
        purpose: question.purpose,
        model: asker.model ?? shop.config().agent.model,
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
        ...(result.refused.length === 0 ? {} : { refused: result.refused }),
      },
    });
    return result;
  } finally {
    release();
    await rm(join(shop.paths.tmp, run), { recursive: true, force: true });
  }
};

/** The owner's own directory is the owner's: nothing is put there, and what is lent comes as a plugin of the run. */
const lend = (shop: Workshop, asker: Asker): void => {
  const lent = readShelf(shop).skills.filter(({ name }) => asker.sum.skills.includes(name));
  asker.sum.skills = asker.sum.skills.filter((name) => lent.some((skill) => skill.name === name));
  const { dir, own } = configDirOf(shop, asker.name);
  if (own) lendSkills(lent, dir);
  else lendAsPlugin(lent, shop.paths.lent(asker.name));
};

/** Whether skills have the plugin's name before their own. */
export const lendsAsPlugin = (shop: Workshop, session: string): boolean => !configDirOf(shop, session).own;

/** A stored login lives in the owner's own directory; with a token in the environment each session has its own. */
const configDirOf = (shop: Workshop, session: string): { dir: string; own: boolean } => {
  const own = shop.environments.hasAgentCredential || hasCredential(shop.config().agent.env);
  return { dir: own ? shop.paths.claude(session) : shop.ownerClaudeConfig, own };
};

const requestOf = (shop: Workshop, asker: Asker, question: Question, run: string, budgetUsd: number): RunRequest => {
  const { agent } = shop.config();
  const { env, ...place } = placeOf(shop, asker, question);
  return {
    run,
    cwd: question.cwd,
    // Whatever was put together on the way: the service, the transcript and the agent get it without secrets.
    prompt: shop.redact(question.prompt),
    ...(question.system === undefined ? {} : { system: shop.redact(question.system) }),
    model: asker.model ?? agent.model,
    conversation: question.conversation === undefined ? { start: randomUUID() } : { resume: question.conversation },
    tools: question.tools,
    access: question.access,
    ...(question.schema ? { schema: question.schema } : {}),
    maxBudgetUsd: budgetUsd,
    maxTurns: question.maxTurns ?? agent.maxTurns,
    timeoutMs: agent.timeout,
    silenceMs: agent.silence,
    env: { ...env, ...question.env },
    ...place,
    // Its own: behind a wall every run is process 1, and names in a shared place would collide.
    tmpDir: join(shop.paths.tmp, run),
    transcriptDir: shop.paths.transcript(asker.id),
    signal: asker.signal,
    onProgress: (progress) => shop.onProgress(asker.id, { ...progress, line: shop.redact(progress.line) }),
  };
};

/** What an agent has around it: the environment, the configuration, the skills that it is lent. */
export const placeOf = (
  shop: Workshop,
  asker: Pick<Asker, 'id' | 'name' | 'role' | 'owner' | 'lendsSkills'>,
  { cwd, shims }: Pick<Question, 'cwd' | 'shims'>,
): Pick<RunRequest, 'env' | 'configDir' | 'readable' | 'pluginDir' | 'network'> => {
  const session = asker.name;
  const fill = (value: string) =>
    value
      .replaceAll('{session}', session)
      .replaceAll('{role}', asker.role)
      .replaceAll('{project}', asker.owner.project)
      .replaceAll('{cycle}', asker.id);
  const configured = Object.entries(shop.config().agent.env).map(([name, value]) => [name, fill(value)]);
  const env = shop.environments.forAgent({
    ...{ dir: cwd, session, shims },
    extra: { ...gitIdentity(session), ...Object.fromEntries(configured) },
  });
  return {
    env,
    network: agentReach(shop.config().agent, env),
    configDir: configDirOf(shop, session).dir,
    // The repository of a workspace borrows the objects of the mirror.
    ...(asker.owner.project === '' ? {} : { readable: [join(shop.paths.mirror(asker.owner.project), 'objects')] }),
    ...(asker.lendsSkills && lendsAsPlugin(shop, session) ? { pluginDir: shop.paths.lent(session) } : {}),
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
const waitForGates = async (shop: Workshop, asker: Asker): Promise<Result<void, CycleEnd>> => {
  for (;;) {
    if (asker.signal.aborted)
      return err({ ...endBy(failure('interrupted', 'stopped while it waited')), outcome: 'interrupted' });
    const taken = handedOver(asker);
    if (taken) return err(taken);
    const { gates } = shop.journal.state();
    if (gates.account) return err({ ...endBy(failure('auth', gates.account.reason)), stopAll: true });
    const until = gates['usage-limit']?.until;
    if (until === undefined || Date.parse(until) <= shop.clock.now()) return ok(undefined);
    await shop.clock.sleep(Math.min(GATE_POLL_MS, Date.parse(until) - shop.clock.now()), asker.signal);
  }
};

const waitingSignal = ({ signal, handOver }: Asker): AbortSignal =>
  handOver ? AbortSignal.any([signal, handOver.signal]) : signal;

const closeGate = (
  shop: Workshop,
  asker: Asker,
  gate: 'usage-limit' | 'account',
  reason: string,
  untilMs?: number,
): void => {
  const known = shop.journal.state().gates[gate];
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  if (known && known.until === until) return;
  shop.journal.append<'gate_closed'>({
    type: 'gate_closed',
    ...asker.envelope,
    data: { gate, reason, figures: {}, ...(until ? { until } : {}) },
  });
};

const alertOnce = (shop: Workshop, asker: Asker, message: string, mend: string): void => {
  try {
    shop.journal.append<'alert'>({ type: 'alert', ...asker.envelope, data: { message, mend } });
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
  }
};
