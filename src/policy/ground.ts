import { z } from 'zod';
import { actionShape, type BotAction, Intent } from '../model/bot.ts';
import type { Hearing } from './hearing.ts';
import { branchNamed, sessionAt } from './pattern.ts';
import { visible } from './placeholders.ts';
import { foldWord } from './sentence.ts';

/** What an intent may speak of, whoever had it. */

/** What changes nothing but what is seen: a wrong guess costs a glance. */
export const isView = (action: BotAction): boolean => VIEWS.has(action);

const VIEWS: ReadonlySet<BotAction> = new Set([
  ...(['status', 'queue', 'show', 'diff', 'tasks', 'session', 'log', 'cost', 'skills', 'help'] as const),
]);

/**
 * An intent that a model or a file gives, with its names in full; undefined when it speaks of what is not there. A
 * `commit` is only ever given by a button, which knows what was looked at.
 */
export const groundIntent = (intent: Intent, hearing: Hearing): Intent | undefined => {
  if ('reply' in intent) return intent;
  const { action, args } = intent;
  const grounded: Record<string, string> = {};
  for (const [name, value] of Object.entries(args)) {
    const full = groundArg(name, value, hearing);
    if (full === undefined) return undefined;
    grounded[name] = full;
  }
  return { action, args: grounded };
};

const groundArg = (name: string, value: string, hearing: Hearing): string | undefined => {
  switch (name) {
    case 'session':
      return sessionAt(hearing, foldWord(value));
    case 'branch':
      return branchNamed([...hearing.branches.map(({ branch }) => branch), ...hearing.closed], value.toLowerCase());
    case 'task': {
      const found = hearing.tasks.filter(({ task }) => task.toLowerCase().endsWith(value.toLowerCase()));
      return found.length === 1 ? found[0]!.task : undefined;
    }
    case 'skill':
      return hearing.skills.find((skill) => skill === value);
    case 'count':
      return /^[1-9]\d{0,2}$/.test(value) ? value : undefined;
    case 'short':
      return 'short';
    case 'rules':
      return 'rules';
    case 'commit':
      return undefined;
    default:
      return value;
  }
};

/** What a model says of a message. */
export const AnswerWord = z.object({
  understood: z.boolean(),
  action: z.string().optional(),
  args: z.record(z.string(), z.string()).optional(),
  reply: z.string().optional(),
});
export type AnswerWord = z.infer<typeof AnswerWord>;

/** What is not by the rules, or speaks of what is not there, was not understood. */
export const intentFrom = (
  { understood, action, args = {}, reply }: AnswerWord,
  hearing: Hearing,
  redact: (text: string) => string,
): Intent | undefined => {
  if (!understood || (action === undefined) === (reply === undefined)) return undefined;
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value.trim() !== ''));
  const said = reply === undefined ? { action, args: given } : { reply: redact(visible(reply)).trim() };
  const intent = Intent.safeParse(said);
  return intent.success ? groundIntent(intent.data, hearing) : undefined;
};

/** A model’s word for it is a guess: what changes something, or begins what costs money, the person has to want. */
export const mustConfirm = (action: BotAction): boolean => actionShape(action).confirm || !isView(action);
