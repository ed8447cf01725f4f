import type { Draft } from '../../desk/mailbox.ts';
import type { Intent } from '../../model/bot.ts';
import type { Handling, InMessage } from '../../model/message.ts';
import { type Order, readButton, readCommand } from '../../policy/bot-command.ts';
import { visible } from '../../policy/placeholders.ts';
import { carryOut, type HandlerDeps } from './deeds.ts';
import { EMPTY_TEXT, formText, guessText, NOT_UNDERSTOOD, NOTHING_DONE, OLD_BUTTON, wrongText } from './words.ts';

/** One message of a person, from what it means to what is answered. It changes nothing but through the desk. */
export interface Handled {
  answers: Draft[];
  by: Handling;
  action?: string;
  skill?: string;
  /** One line for the journal. */
  note: string;
  costUsd?: number;
  /** The buttons of the message that was pressed have had their use. */
  used?: boolean;
}

export const NO = 'no';

export const handle = (deps: HandlerDeps, message: InMessage): Promise<Handled> => {
  if (message.button) return handlePress(deps, message);
  if (message.form !== undefined) return said('none', formText(message.form), `no text: ${message.form}`);
  const text = visible(message.text).trim();
  if (text === '') return said('none', EMPTY_TEXT, 'no words');
  const question = message.answers === undefined ? undefined : readButton(message.answers);
  const read = readCommand(text, deps.self());
  switch (read.kind) {
    case 'order':
      return obey(deps, message, read.order, 'command');
    case 'wrong':
      return said('command', wrongText(read.why, read.meant), `no such command: ${text.slice(0, NOTE_MAX_CHARS)}`);
    case 'other':
      return Promise.resolve({ answers: [], by: 'none', note: 'for another bot' });
    case 'words':
      // Our question said what waits for a reason; everything else needs to be said in full.
      if (question?.action === 'reject' && question.args.commit !== undefined)
        return obey(deps, message, { ...question, args: { ...question.args, reason: text }, sure: true }, 'command');
      return handleWords(deps, message, text);
    default:
      return read satisfies never;
  }
};

const NOTE_MAX_CHARS = 80;

const said = async (by: Handling, text: string, note: string): Promise<Handled> => ({ answers: [{ text }], by, note });

const handlePress = async (deps: HandlerDeps, message: InMessage): Promise<Handled> => {
  if (message.text === NO) return { ...(await said('button', NOTHING_DONE, 'no')), used: true };
  const order = readButton(message.text);
  if (!order) return { ...(await said('button', OLD_BUTTON, 'a button that nobody knows')), used: true };
  return { ...(await obey(deps, message, order, 'button')), used: order.sure };
};

const handleWords = async (deps: HandlerDeps, message: InMessage, text: string): Promise<Handled> => {
  const { ears, signal } = deps;
  const understood = ears?.understand(text);
  if (understood) {
    const { by, skill, intent } = understood;
    return { ...(await follow(deps, message, intent, by)), ...(skill === undefined ? {} : { skill }) };
  }
  const asked = await ears?.ask(text, signal);
  const cost = asked?.ok && asked.value.costUsd > 0 ? { costUsd: asked.value.costUsd } : {};
  if (asked?.ok && asked.value.intent) {
    const { intent, confirm } = asked.value;
    return { ...(await follow(deps, message, intent, 'model', confirm)), ...cost };
  }
  const why = asked && !asked.ok ? `not understood, and no model was asked: ${asked.error.message}` : 'not understood';
  return { ...(await said('none', NOT_UNDERSTOOD, why)), ...cost };
};

const follow = (
  deps: HandlerDeps,
  message: InMessage,
  intent: Intent,
  by: 'rule' | 'skill' | 'model',
  isGuess = false,
): Promise<Handled> =>
  'reply' in intent
    ? said(by, visible(intent.reply), 'replied')
    : obey(deps, message, { ...intent, sure: false }, by, isGuess);

const obey = async (
  deps: HandlerDeps,
  message: InMessage,
  order: Order,
  by: Exclude<Handling, 'none'>,
  isGuess = false,
): Promise<Handled> => {
  const { answers, note } = await carryOut(deps, message, order, { by, isGuess });
  // A model may have meant something else than the person: it says what it took it for.
  const [first, ...others] = answers;
  const heard =
    by === 'model' && first ? [{ ...first, text: `${guessText(order.action)}\n\n${first.text}` }, ...others] : answers;
  return { answers: heard, by, action: order.action, note };
};
