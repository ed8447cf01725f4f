import { idOf } from '../base/ids.ts';
import type { EntryData } from '../model/entry.ts';
import { FailureError } from '../model/failure.ts';
import { type Button, type ChannelName, type InMessage, MESSAGE_MAX_CHARS, type Sender } from '../model/message.ts';
import type { Request } from '../model/request.ts';
import { STRANGERS_MAX } from '../model/state.ts';
import { splitText } from '../policy/split-text.ts';
import type { Counter } from './counter.ts';

/**
 * Where what people write to Winnow is taken in, and what is answered is laid out for the post: both in the journal
 * before anybody is told of it. A message is handled once, also when the process dies in between.
 */
export interface Mailbox {
  /** Whether this sender may speak to Winnow. */
  knows(from: Sender): boolean;
  /** Notes once a day for each chat that a stranger spoke; nothing of what was said is kept. */
  refuse(from: Sender): void;
  /** Durable when it resolves; what was delivered before is passed over. Throws FailureError. */
  receive(message: Received): Promise<void>;
  /** Received and not handled, the oldest first. */
  open(): InMessage[];
  /** Its answer was laid out by a process that died before it could say so. */
  wasAnswered(message: InMessage): boolean;
  /** Lays out the answers and closes the message; durable when it resolves. Throws FailureError. */
  settle(message: InMessage, answers: readonly Draft[], handling: Handled): Promise<void>;
  /**
   * One more word to each message that asked for this request, once, with what came of it; false where none is known
   * to have asked. Throws FailureError.
   */
  tellAskers(request: Request, answer: Draft): Promise<boolean>;
}

export type Received = Omit<InMessage, 'id' | 'at' | 'channel'>;
type Handled = Omit<EntryData<'message_handled'>, 'message'>;

/** What is said to somebody, before it is a message. */
export interface Draft {
  text: string;
  buttons?: Button[][];
  /** What is written in reply is meant as its answer. */
  asks?: boolean;
}

/** Of one answer; what is longer is cut, and says so. */
const ANSWER_MAX_CHARS = 16_000;
/** A part is one message of the channel, so that none is sent again because a later one was not taken. */
const PART_MAX_CHARS = 4_000;
/** Between hearing a message and asking at the desk. */
const ASKING_MAX_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** An answer, or who asked for a request, is looked for among so many of their kind. */
const LOOKED_THROUGH_MAX = 2_000;

export const createMailbox = (
  { journal, clock, ids, config }: Counter,
  { channel, redact }: { channel: Extract<ChannelName, 'telegram'>; redact: (text: string) => string },
): Mailbox => {
  const hasSeen = (update: number): boolean => journal.state().inbox.seen[channel]?.includes(update) ?? false;

  const queue = (id: string, to: string, message: string, { text, buttons, asks }: Draft): void => {
    // Another process, or this one before it died, has laid it out.
    if (journal.state().outbox[id]) return;
    journal.append<'message_queued'>({
      type: 'message_queued',
      data: {
        ...{ message: id, channel, to, text, about: { kind: 'answer', message } },
        ...(buttons && buttons.length > 0 ? { buttons } : {}),
        ...(asks ? { asks } : {}),
      },
    });
  };

  /** The buttons hang on the last part, which is what one sees. */
  const layOut = (matter: string, to: string, message: string, draft: Draft): void => {
    const parts = splitText(cutAnswer(redact(draft.text)), PART_MAX_CHARS);
    for (const [n, text] of parts.entries()) {
      const { buttons: _, asks: __, ...bare } = draft;
      queue(idOf(`${matter} ${n}`), to, message, { ...(n === parts.length - 1 ? draft : bare), text });
    }
  };

  return {
    knows: ({ chat, user }) => {
      const { chats = [], users } = config().telegram ?? {};
      const named = (list: readonly (string | number)[], id: string) => list.some((each) => String(each) === id);
      return named(chats, chat) && (users === undefined || named(users, user));
    },
    refuse: ({ chat, user }) => {
      const { strangers } = journal.state();
      const isFresh = ({ at }: { at: string }) => clock.now() - Date.parse(at) < DAY_MS;
      const before = strangers[`${channel}:${chat}`];
      if (before && isFresh(before)) return;
      // More strangers than can be remembered on one day are a crowd, and a crowd fills no journal.
      if (Object.values(strangers).filter(isFresh).length >= STRANGERS_MAX) return;
      journal.append<'stranger_refused'>({ type: 'stranger_refused', data: { channel, chat, user } });
    },
    receive: async ({ text, ...message }) => {
      if (hasSeen(message.update)) return;
      const clean = redact(text);
      const cut = clean.length > MESSAGE_MAX_CHARS;
      try {
        await journal.appendDurable<'message_received'>({
          type: 'message_received',
          data: {
            ...{ message: ids(clock.now()), channel, ...message },
            text: cut ? clean.slice(0, MESSAGE_MAX_CHARS).replace(/[\ud800-\udbff]$/, '') : clean,
            ...(cut ? { cut } : {}),
          },
        });
      } catch (error) {
        // Another process of this home was quicker.
        if (error instanceof FailureError && hasSeen(message.update)) return;
        throw error;
      }
    },
    open: () =>
      Object.values(journal.state().inbox.open)
        .filter((message) => message.channel === channel)
        .sort((a, b) => a.at.localeCompare(b.at)),
    wasAnswered: ({ id, at }) =>
      journal
        .tail(LOOKED_THROUGH_MAX, { types: ['message_queued'], sinceMs: Date.parse(at) })
        .some(
          (entry) =>
            entry.type === 'message_queued' && entry.data.about.kind === 'answer' && entry.data.about.message === id,
        ),
    settle: async ({ id, from }, answers, handling) => {
      for (const [n, answer] of answers.entries()) layOut(`answer ${id} ${n}`, from.chat, id, answer);
      await journal.appendDurable<'message_handled'>({
        type: 'message_handled',
        data: { message: id, ...handling, note: redact(handling.note) },
      });
    },
    tellAskers: async (request, answer) => {
      // Whoever joined a request asked after it was made, and was heard a moment before.
      const since = { sinceMs: Date.parse(request.at) - ASKING_MAX_MS };
      const told = new Set(
        journal
          .tail(LOOKED_THROUGH_MAX, { types: ['message_queued'], ...since })
          .map((entry) => (entry.type === 'message_queued' ? entry.data.message : '')),
      );
      const askers = journal
        .tail(LOOKED_THROUGH_MAX, { types: ['message_handled'], ...since })
        .flatMap((entry) =>
          entry.type === 'message_handled' && entry.data.note.includes(request.id) ? [entry.data.message] : [],
        );
      for (const entry of journal.tail(LOOKED_THROUGH_MAX, { types: ['message_received'], ...since })) {
        if (entry.type !== 'message_received' || !askers.includes(entry.data.message)) continue;
        const { message, from } = entry.data;
        const matter = `settled ${request.id} ${message}`;
        if (!told.has(idOf(`${matter} 0`))) layOut(matter, from.chat, message, answer);
      }
      await journal.sync();
      return askers.length > 0;
    },
  };
};

const cutAnswer = (text: string): string =>
  text.length <= ANSWER_MAX_CHARS ? text : `${text.slice(0, ANSWER_MAX_CHARS).replace(/[\ud800-\udbff]$/, '')}\n…`;
