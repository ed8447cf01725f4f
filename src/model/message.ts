import { z } from 'zod';
import { Notice } from './notice.ts';

/**
 * What Winnow and people say to each other outside of a terminal. Out: a message waits in the journal until its channel
 * has taken it. In: it is in the journal before anything is done about it.
 *
 *   out:  queued -> sending -> sent;   sending -> queued again after a fault, until it is given up
 *   in:   received -> handled, with what was done about it
 */

export const ChannelName = z.enum(['telegram', 'discord', 'webhook']);
export type ChannelName = z.infer<typeof ChannelName>;

/** What a press on it does: a command of the bot with its arguments; at most 64 bytes, which is Telegram's limit. */
export const Button = z.object({ label: z.string().min(1).max(60), data: z.string().min(1).max(64) });
export type Button = z.infer<typeof Button>;

/** Characters of one message: what is longer was cut by whoever made it, with the place where the rest stands. */
export const MESSAGE_MAX_CHARS = 20_000;

/** Why it was said: `notice` and `digest` may wait for the morning, an answer is awaited now. */
export const MessageAbout = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('notice'),
    notice: z.string(),
    state: z.enum(['raised', 'cleared']),
    /** As it was told: a program on the other side wants its parts, also when the matter has changed since. */
    matter: Notice.pick({ kind: true, severity: true, text: true, mend: true }).optional(),
  }),
  /** A standup, a doctor's letter, the day: `entry` is the id of what it tells. */
  z.object({ kind: z.literal('digest'), entry: z.string() }),
  z.object({ kind: z.literal('answer'), message: z.string() }),
]);
export type MessageAbout = z.infer<typeof MessageAbout>;

/** A message on its way out. */
export interface OutMessage {
  id: string;
  at: string;
  channel: ChannelName;
  /** telegram: id of the chat; discord and webhook: name in the configuration. */
  to: string;
  text: string;
  buttons: Button[][];
  about: MessageAbout;
  /** Makes no sound. */
  silent: boolean;
  /** It is a question, and what is written in reply to it its answer. */
  asks?: boolean;
  /** Not before this moment: quiet hours, or what the other side asked for. */
  notBefore?: string;
  attempts: number;
  /** A process was handing it over: if it died there, nobody knows whether it arrived. */
  sending?: { at: string; pid: number; start: string };
  /** Why the last attempt failed. */
  reason?: string;
}

export const Sender = z.object({ chat: z.string(), user: z.string(), name: z.string() });
export type Sender = z.infer<typeof Sender>;

/** A message that came in and is not handled yet. */
export interface InMessage {
  id: string;
  at: string;
  channel: ChannelName;
  /** The channel's own number of it: the same one twice is one message. */
  update: number;
  from: Sender;
  text: string;
  /** A press on a button; `text` is its data. */
  button?: { id: string; message?: number | undefined };
  /** What it is where it is no plain text: `photo`, `edited`, … */
  form?: string;
  /** It is the reply to a question of Winnow's: the command that waits for these words. */
  answers?: string;
}

/** By what it was understood; `none`: by nothing, which is what upkeep learns from. */
export const Handling = z.enum(['command', 'button', 'rule', 'skill', 'model', 'none']);
export type Handling = z.infer<typeof Handling>;
