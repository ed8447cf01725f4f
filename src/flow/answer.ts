import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../base/hash.ts';
import { err, ok, type Result } from '../base/result.ts';
import { actionShape, BOT_ACTIONS, BotAction, type Intent } from '../model/bot.ts';
import type { Config } from '../model/config.ts';
import { type Failure, failure } from '../model/failure.ts';
import type { State } from '../model/state.ts';
import { RUN_BUDGET_MIN_USD, wholeCents } from '../policy/cents.ts';
import { dayKey } from '../policy/gates.ts';
import { AnswerWord, intentFrom, mustConfirm } from '../policy/ground.ts';
import { BOT_VIEWS, type Hearing } from '../policy/hearing.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { sweep } from '../ports/machine/processes.ts';
import { type Asker, ask } from './agent.ts';
import type { Workshop } from './workshop.ts';

/**
 * One cheap question to a model about a message that nothing else understood. Its answer is an action that there is, or
 * words; what changes anything has to be confirmed by the person, since a guess is no order.
 */
export interface Answer {
  /** Undefined: the model has not understood it either. */
  intent: Intent | undefined;
  /** It changes something or costs money: the person is asked before it is done. */
  confirm: boolean;
  costUsd: number;
}

/** Why no model is asked: a person who waits for an answer is not let wait for a gate. */
export const whyNotAsked = (state: Readonly<State>, config: Config, now: number): string | undefined => {
  if (!config.telegram) return 'no bot is configured';
  const { account, ...gates } = state.gates;
  if (account) return `the account does not answer: ${account.reason}`;
  const until = gates['usage-limit']?.until;
  if (until !== undefined && Date.parse(until) > now)
    return `the usage limit is reached until ${until.slice(0, 16)} UTC`;
  const day = state.days[dayKey(now)];
  if ((day?.costUsd ?? 0) >= config.gates.budgetPerDayUsd) return 'the budget of the day is used up';
  if (botLeftUsd(state, config, now) < RUN_BUDGET_MIN_USD)
    return `the bot’s budget of the day ($${config.telegram.budgetPerDayUsd.toFixed(2)}) is used up`;
  return undefined;
};

/** What may still be spent today on understanding messages. */
export const botLeftUsd = (state: Readonly<State>, config: Config, now: number, reservedUsd = 0): number =>
  wholeCents((config.telegram?.budgetPerDayUsd ?? 0) - (state.days[dayKey(now)]?.botUsd ?? 0) - reservedUsd);

/** A person looks at the phone for so long; a model that answers later answers nobody. */
const ANSWER_MAX_MS = 60_000;
/** Ten times what such an answer costs. */
const ANSWER_MAX_USD = 0.1;
const MESSAGE_MAX_CHARS = 2_000;
const NAMES_MAX_CHARS = 6_000;
const STATE_MAX_CHARS = 4_000;

export const askModel = async (
  shop: Workshop,
  { text, hearing, signal }: { text: string; hearing: Hearing; signal: AbortSignal },
): Promise<Result<Answer, Failure>> => {
  const prompt = fillPrompt(shop.prompts()['bot-answer'], {
    actions: actionsText(BotAction.options),
    names: asData('names', shop.redact(namesText(hearing)), NAMES_MAX_CHARS),
    state: asData('state', shop.redact(stateText(hearing)), STATE_MAX_CHARS),
    message: asData('message', shop.redact(text), MESSAGE_MAX_CHARS),
  });
  const told = await askBot(shop, {
    ...{ purpose: 'answer', prompt, schema: AnswerWord, signal },
    ...{ maxTurns: 1, maxUsd: ANSWER_MAX_USD, maxMs: ANSWER_MAX_MS, model: shop.config().telegram?.model },
  });
  if (!told.ok) return told;
  const { word, costUsd } = told.value;
  const intent = word && intentFrom(word, hearing, shop.redact);
  return ok({ intent, confirm: intent !== undefined && 'action' in intent && mustConfirm(intent.action), costUsd });
};

/** Each action as a model chooses it: "- log [session] [count]: what happened last". */
export const actionsText = (actions: readonly BotAction[]): string =>
  actions
    .map((action) => {
      const args = Object.entries(actionShape(action).args).filter(([name]) => name !== 'commit');
      const names = args.map(([name, { needed, says }]) => `${needed ? name : `[${name}]`} (${says})`);
      return `- ${action}: ${BOT_ACTIONS[action].says}${names.length === 0 ? '' : `; args: ${names.join(', ')}`}`;
    })
    .join('\n');

/** The newest are spoken of. */
const NAMES_MAX = 40;

export const namesText = ({ sessions, projects, branches, tasks, skills }: Hearing): string =>
  [
    `sessions: ${sessions.join(', ') || 'none'}`,
    `projects: ${projects.join(', ') || 'none'}`,
    `bot skills: ${skills.join(', ') || 'none'}`,
    ...branches
      .slice(-NAMES_MAX)
      .map(({ branch, state, title }) => `branch ${branch}, ${state}: ${oneLine(title).slice(0, 100)}`),
    ...tasks.slice(-NAMES_MAX).map(({ task, text }) => `task ${task}: ${oneLine(text).slice(0, 100)}`),
  ].join('\n');

const stateText = ({ views }: Hearing): string =>
  (Object.keys(BOT_VIEWS) as (keyof typeof BOT_VIEWS)[]).map((name) => `${BOT_VIEWS[name]}: ${views[name]}`).join('\n');

// ---- a question of the bot ------------------------------------------------------------------------------------------

export interface BotQuestion<T> {
  purpose: 'answer' | 'upkeep';
  prompt: string;
  schema: z.ZodType<T>;
  signal: AbortSignal;
  maxTurns: number;
  maxUsd: number;
  maxMs: number;
  /** Undefined: agent.model. */
  model: string | undefined;
}

/** The answer by its schema, undefined when there is none that can be read; an error when nobody could be asked. */
export const askBot = async <T>(
  shop: Workshop,
  { purpose, prompt, schema, signal, maxTurns, maxUsd, maxMs, model }: BotQuestion<T>,
): Promise<Result<{ word: T | undefined; costUsd: number; runs: number }, Failure>> => {
  const shut = whyNotAsked(shop.journal.state(), shop.config(), shop.clock.now());
  if (shut !== undefined) return err(failure('bot-closed', shut));
  const owner = { session: 'bot', project: '' };
  const reserved = shop.purse.reserved(owner).session;
  const leftUsd = botLeftUsd(shop.journal.state(), shop.config(), shop.clock.now(), reserved);
  if (leftUsd < RUN_BUDGET_MIN_USD)
    return err(failure('bot-closed', 'what is left of the bot’s budget is promised to other messages'));
  const over = new AbortController();
  const late = new AbortController();
  void shop.clock.sleep(maxMs, over.signal).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  const asker: Asker = {
    id: `${markerOf(shop, purpose)}-${shop.ids(shop.clock.now())}`,
    ...{ name: 'bot', role: 'bot', envelope: {}, owner, model, lendsSkills: false },
    signal: AbortSignal.any([signal, late.signal]),
    sum: { costUsd: 0, tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, runs: 0, skills: [] },
  };
  // A place of its own with nothing in it: all that there is to know stands in the prompt.
  const cwd = join(shop.paths.tmp, `${asker.id}-desk`);
  mkdirSync(cwd, { recursive: true });
  try {
    const run = await ask(shop, asker, {
      ...{ purpose, cwd, prompt, system: undefined, tools: [], access: 'read', conversation: undefined },
      schema: z.toJSONSchema(schema, { target: 'draft-7' }) as Record<string, unknown>,
      shims: undefined,
      maxTurns,
      maxBudgetUsd: Math.min(maxUsd, leftUsd),
      env: { GIT_CEILING_DIRECTORIES: shop.paths.tmp },
    });
    const { costUsd, runs } = asker.sum;
    if (run.ok) return ok({ word: schema.safeParse(run.value.structured).data, costUsd, runs });
    const fault = run.error.failure;
    // Asked and answered, though not by the schema: that is an answer, too, and it has cost something.
    if (fault?.kind === 'no-answer' || (runs > 0 && costUsd > 0)) return ok({ word: undefined, costUsd, runs });
    if (late.signal.aborted) return err(failure('bot-closed', `no answer within ${Math.round(maxMs / 1000)} s`));
    return err(fault ?? failure('bot-closed', shop.redact(oneLine(run.error.reason))));
  } finally {
    over.abort();
    rmSync(cwd, { recursive: true, force: true });
  }
};

const MARKER_CHARS = 12;

/** Begins the marker of every process of such a question in this home. */
const markerOf = (shop: Workshop, purpose: BotQuestion<unknown>['purpose']): string =>
  `bot-${purpose}-${sha256(shop.paths.home).slice(0, MARKER_CHARS)}`;

/** What a dead process left running of its question; for whoever holds the lock of that work. */
export const sweepQuestions = (shop: Workshop, purpose: 'upkeep'): Promise<number> =>
  sweep(`${markerOf(shop, purpose)}-`, 'prefix');
