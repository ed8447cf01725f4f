import { z } from 'zod';
import type { Sender } from '../../model/message.ts';
import { oneLine } from '../../policy/placeholders.ts';

/**
 * What Telegram delivers, as far as it is meant for the bot. Whoever writes to a bot may write anything, and a server
 * that stands in between may deliver anything: what does not fit is no message, and never an error.
 */
export interface Incoming {
  /** Telegram's number of it. */
  update: number;
  from: Sender;
  text: string;
  /** What it is where it is no plain text. */
  form?: string;
  button?: { id: string; message?: number };
  /** The text of the bot's own message to which it is a reply. */
  replyTo?: string;
}

/** The bot as Telegram knows it. */
export interface Self {
  id: number;
  /** Without the @. */
  name: string;
}

/** Undefined where even the number is missing, by which it could be acknowledged. */
export const numberOf = (update: unknown): number | undefined => Numbered.safeParse(update).data?.update_id;

export const readUpdate = (raw: unknown, self: Self): Incoming | undefined => {
  const update = Update.safeParse(raw);
  if (!update.success) return undefined;
  const { update_id, message, edited_message, callback_query } = update.data;
  if (callback_query) return readPress(update_id, callback_query);
  if (message) return readMessage(update_id, message, self, formOf(message));
  // An edit is no second order; the person is told so.
  return edited_message && readMessage(update_id, edited_message, self, 'edited');
};

const id = z.number().int();
const User = z.object({ id, first_name: z.string().optional(), username: z.string().optional() });
const Chat = z.object({ id, type: z.string() });
const Message = z.looseObject({
  chat: Chat,
  from: User.optional(),
  text: z.string().optional(),
  reply_to_message: z.object({ from: User.optional(), text: z.string().optional() }).optional(),
});
const Press = z.object({
  id: z.string(),
  from: User,
  data: z.string().optional(),
  message: z.object({ message_id: id, chat: Chat }).optional(),
});
const Numbered = z.object({ update_id: id.nonnegative() });
const Update = Numbered.extend({
  message: Message.optional(),
  edited_message: Message.optional(),
  callback_query: Press.optional(),
});

/** A button without a message hangs on something that the bot did not write into a chat. */
const readPress = (update: number, { id: press, from, data, message }: z.infer<typeof Press>): Incoming | undefined =>
  data === undefined || !message
    ? undefined
    : {
        update,
        from: senderOf(message.chat, from),
        text: data,
        button: { id: press, message: message.message_id },
      };

const readMessage = (
  update: number,
  { chat, from, text = '', reply_to_message: replied }: z.infer<typeof Message>,
  self: Self,
  form: string | undefined,
): Incoming | undefined => {
  // Neither words nor anything that a person sends: somebody joined, a message was pinned.
  if (form === undefined && text === '') return undefined;
  const own = replied?.from?.id === self.id;
  const words = chat.type === 'private' || own ? text : meantFor(text, self);
  if (words === undefined) return undefined;
  return {
    update,
    from: senderOf(chat, from),
    text: words,
    ...(form === undefined ? {} : { form }),
    ...(own && replied.text !== undefined ? { replyTo: replied.text } : {}),
  };
};

/** In a group people talk to each other: meant for the bot is a command that names no other one, and what names it. */
const meantFor = (text: string, { name }: Self): string | undefined => {
  if (/^\/\w/.test(text)) return text;
  const mention = new RegExp(`@${name}(?!\\w)`, 'i');
  return mention.test(text) ? text.replace(mention, ' ').trim() : undefined;
};

const FORMS = [
  'photo',
  'voice',
  'video',
  'video_note',
  'audio',
  'sticker',
  'animation',
  'document',
  'location',
  'contact',
  'poll',
  'dice',
  'story',
] as const;

const formOf = (message: object): string | undefined => FORMS.find((form) => Object.hasOwn(message, form));

const NAME_MAX_CHARS = 60;

/** Who writes in the name of a group or a channel has no user. */
const senderOf = (chat: z.infer<typeof Chat>, from: z.infer<typeof User> | undefined): Sender => ({
  chat: String(chat.id),
  user: from ? String(from.id) : '',
  name: oneLine(from?.username ?? from?.first_name ?? '').slice(0, NAME_MAX_CHARS) || `chat ${chat.id}`,
});
