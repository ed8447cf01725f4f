import { nearest } from '../base/nearest.ts';
import { actionShape, BotAction } from '../model/bot.ts';

/**
 * What a person types or presses, read as an action of the bot. A button carries the line of a command, without its
 * slash, so that both mean the same; the mark at its end says that the person was asked and means it.
 */
export type Order = { action: BotAction; args: Record<string, string>; sure: boolean };

export type Reading =
  | { kind: 'order'; order: Order }
  /** It is a command, and wrong: what is wrong with it. */
  | { kind: 'wrong'; why: string; meant: BotAction | undefined }
  /** To another bot of the same group. */
  | { kind: 'other' }
  /** No command at all. */
  | { kind: 'words' };

/** @param self name of the bot, without the @ */
export const readCommand = (text: string, self: string): Reading => {
  const [, name, to, rest = ''] = /^\/(\w{1,64})(?:@(\w+))?(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? [];
  if (name === undefined) return { kind: 'words' };
  if (to !== undefined && to.toLowerCase() !== self.toLowerCase()) return { kind: 'other' };
  return readLine(name.toLowerCase(), rest.trim());
};

const SURE = ' !';

/** The line of a button; undefined where it is none that Winnow writes. */
export const readButton = (data: string): Order | undefined => {
  const sure = data.endsWith(SURE);
  const line = sure ? data.slice(0, -SURE.length) : data;
  const [, name = '', rest = ''] = /^([a-z]+)(?: (.*))?$/s.exec(line) ?? [];
  const read = readLine(name, rest);
  return read.kind === 'order' ? { ...read.order, sure } : undefined;
};

/** Undefined where it does not fit into the 64 bytes of a button. */
export const buttonLine = (action: BotAction, args: readonly string[], sure = false): string | undefined => {
  const line = `${[action, ...args].join(' ')}${sure ? SURE : ''}`;
  return Buffer.byteLength(line) <= BUTTON_MAX_BYTES ? line : undefined;
};

const BUTTON_MAX_BYTES = 64;

/** As people are used to write them. */
const ALSO: Readonly<Record<string, BotAction>> = { start: 'help', commands: 'help', budget: 'cost' };

const readLine = (name: string, rest: string): Reading => {
  if (name === 'task') return readTask(rest);
  const action = BotAction.safeParse(Object.hasOwn(ALSO, name) ? ALSO[name] : name).data;
  if (action === undefined) {
    const meant = BotAction.safeParse(nearest(name, BotAction.options)).data;
    return { kind: 'wrong', why: `There is no /${name}.`, meant };
  }
  return readArgs(action, rest);
};

/** `task list` and `task cancel` are written on the command line, so they are written here. */
const readTask = (rest: string): Reading => {
  const [, verb = '', what = ''] = /^(\w+)(?:\s+([\s\S]*))?$/.exec(rest) ?? [];
  if (verb === 'list' && what === '') return readArgs('tasks', '');
  if (verb === 'cancel' && /^\w+$/.test(what)) return readArgs('cancel', what);
  return readArgs('task', verb === 'add' ? what : rest);
};

const COMMIT = /^[0-9a-f]{7,40}$/;
const COUNT = /^\d{1,4}$/;

const readArgs = (action: BotAction, rest: string): Reading => {
  const words = rest === '' ? [] : rest.split(/\s+/);
  const [first = '', second = ''] = words;
  const after = (count: number) => rest.replace(new RegExp(`^(?:\\S+\\s*){${count}}`), '');
  const order = (args: Record<string, string>): Reading => {
    const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== ''));
    const lacking = Object.entries(actionShape(action).args).find(([key, { needed }]) => needed && !(key in given));
    if (lacking)
      return { kind: 'wrong', why: `/${action} needs its ${lacking[0]}: ${lacking[1].says}.`, meant: action };
    return { kind: 'order', order: { action, args: given, sure: false } };
  };
  const only = (word: string, key: string): Reading =>
    rest === '' || rest === word
      ? order({ [key]: rest })
      : { kind: 'wrong', why: `/${action} takes nothing, or the word ${word}.`, meant: action };
  switch (action) {
    case 'status':
    case 'queue':
    case 'tasks':
    case 'cost':
    case 'skills':
    case 'help':
      return order({});
    case 'show':
    case 'diff':
    case 'review':
      return order({ branch: first });
    case 'approve':
    case 'reject': {
      const commit = COMMIT.test(second) ? second : '';
      return order({ branch: first, commit, reason: after(commit === '' ? 1 : 2) });
    }
    case 'standup':
      return only('short', 'short');
    case 'doctor':
      return only('rules', 'rules');
    case 'task':
      return order({ text: rest });
    case 'cancel':
      return order({ task: first });
    case 'pause':
      return order({ session: first, reason: after(1) });
    case 'resume':
    case 'session':
      return order({ session: first });
    case 'log':
      return order({
        session: words.find((word) => !COUNT.test(word)) ?? '',
        count: words.find((word) => COUNT.test(word)) ?? '',
      });
    case 'undo':
      return order({ skill: first });
    default:
      return action satisfies never;
  }
};
