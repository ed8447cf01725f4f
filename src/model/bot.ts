import { z } from 'zod';

/**
 * What a person can have of Winnow from a chat. A command, a button, a rule, a bot skill and a model all come down to
 * one of these, so that nobody can have more by asking in other words.
 */
interface ActionShape {
  /** In the menu of the chat, and for a model that chooses one. */
  says: string;
  /** In the order in which they are written behind the command; the last takes the rest of the line. */
  args: Readonly<Record<string, { needed: boolean; says: string }>>;
  /** Not done on a guess: who asked in free words, or pressed a button, is asked once more. */
  confirm: boolean;
}

const shape = <A extends string>(says: string, args: Record<A, string>, confirm = false) => ({
  says,
  confirm,
  args: Object.fromEntries(
    Object.entries<string>(args).map(([name, text]) => [
      name.replace('?', ''),
      { needed: !name.endsWith('?'), says: text },
    ]),
  ),
});

/** A `?` behind the name of an argument: it may be absent. */
export const BOT_ACTIONS = {
  status: shape('what everybody is doing', {}),
  queue: shape('branches that wait, with buttons', {}),
  show: shape('one branch: figures, review, what it changes', { branch: 'name or end of the name of a branch' }),
  diff: shape('the patch of a branch', { branch: 'name or end of the name of a branch' }),
  approve: shape(
    'let a branch land',
    {
      branch: 'name or end of the name of a branch',
      'commit?': 'the commit that was looked at',
      'reason?': 'why',
    },
    true,
  ),
  reject: shape(
    'end a branch; its patch is kept',
    {
      branch: 'name or end of the name of a branch',
      'commit?': 'the commit that was looked at',
      'reason?': 'why; without it the person is asked',
    },
    true,
  ),
  review: shape('let the reviewer look at what waits', { 'branch?': 'only this branch' }),
  standup: shape('hold a standup', { 'short?': 'the word short: only the last round' }),
  doctor: shape('let the doctor look at the sessions', { 'rules?': 'the word rules: without a model' }),
  task: shape('queue work', { text: 'what is to be done; may begin with @session or #project' }),
  tasks: shape('work that is queued', {}),
  cancel: shape('take work out of the queue', { task: 'id or end of the id of a task' }, true),
  pause: shape('start no new cycles', { 'session?': 'only this session; default all', 'reason?': 'why' }, true),
  resume: shape('let it go on', { 'session?': 'only this session; default all' }),
  session: shape('one session: what it does and did', { session: 'name of a session' }),
  log: shape('what happened last', { 'session?': 'only of this session', 'count?': 'how many lines' }),
  cost: shape('what was spent', {}),
  skills: shape('what the crew and the bot learned', {}),
  undo: shape('forget a bot skill', { skill: 'name of a bot skill' }, true),
  help: shape('what can be asked for', {}),
} as const satisfies Record<string, ActionShape>;

export const BotAction = z.enum(Object.keys(BOT_ACTIONS) as [BotActionName, ...BotActionName[]]);
type BotActionName = keyof typeof BOT_ACTIONS;
export type BotAction = BotActionName;

/** The same for all, so that whoever walks through them need not know which it is. */
export const actionShape = (action: BotAction): ActionShape => BOT_ACTIONS[action];

/** Characters: a task may be long, a reply is read on a phone. */
const ARG_MAX_CHARS = 4_000;
const REPLY_MAX_CHARS = 2_000;

/** What a message asks for: an action with its arguments, or nothing but these words in reply. */
export const Intent = z.union([
  z
    .strictObject({ action: BotAction, args: z.record(z.string(), z.string().min(1).max(ARG_MAX_CHARS)) })
    .superRefine(({ action, args }, context) => {
      const { args: known } = actionShape(action);
      for (const name of Object.keys(args))
        if (!Object.hasOwn(known, name)) context.addIssue({ code: 'custom', message: `${action} takes no ${name}` });
      for (const [name, { needed }] of Object.entries(known))
        if (needed && !Object.hasOwn(args, name))
          context.addIssue({ code: 'custom', message: `${action} needs its ${name}` });
    }),
  z.strictObject({ reply: z.string().min(1).max(REPLY_MAX_CHARS) }),
]);
export type Intent = { action: BotAction; args: Record<string, string> } | { reply: string };
