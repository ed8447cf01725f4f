import { err, ok } from '../../base/result.ts';
import type { OutMessage } from '../../model/message.ts';
import type { Channel } from './channel.ts';
import { jsonOf, sendJson } from './send.ts';

/** Messages to a Discord channel through its webhook: one call each, so that a message arrives whole or not at all. */
export const createDiscord = ({ url }: { url: () => string | undefined }): Channel => ({
  name: 'discord',
  deliver: async (message, signal) => {
    const address = url();
    if (address === undefined) return err({ outcome: 'never', reason: 'no Discord webhook is configured' });
    const sent = await sendJson(
      { whom: 'Discord', url: withWait(address), body: JSON.stringify(discordBody(message)) },
      signal,
    );
    if (!sent.ok) return sent;
    const id = jsonOf(sent.value.text)?.id;
    return ok(typeof id === 'string' ? { reference: id.slice(0, REFERENCE_MAX_CHARS) } : {});
  },
});

const REFERENCE_MAX_CHARS = 100;

/** Then Discord answers when the message is stored, with its id. */
const withWait = (address: string): string => {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.searchParams.set('wait', 'true');
  return url.href;
};

/** Limits of Discord, in characters. */
const CONTENT_MAX_CHARS = 2_000;
const EMBED_MAX_CHARS = 4_000;
/** Makes no sound; and no previews of what is linked. */
const SUPPRESS_NOTIFICATIONS = 1 << 12;
const SUPPRESS_EMBEDS = 1 << 2;

export interface DiscordBody {
  content: string;
  embeds?: { description: string }[];
  /** Nobody is mentioned, whatever a branch or an author is called. */
  allowed_mentions: { parse: [] };
  flags: number;
}

/** What does not fit into a message stands in an embed below it; what does not fit there either is cut, and says so. */
export const discordBody = ({ text, silent }: Pick<OutMessage, 'text' | 'silent'>): DiscordBody => {
  const [content, rest] = splitAtLine(escapeMarkdown(text), CONTENT_MAX_CHARS);
  const [description, lost] = splitAtLine(rest, EMBED_MAX_CHARS - CUT.length);
  return {
    content,
    ...(description === '' ? {} : { embeds: [{ description: lost === '' ? description : `${description}${CUT}` }] }),
    allowed_mentions: { parse: [] },
    flags: (silent ? SUPPRESS_NOTIFICATIONS : 0) | (description === '' ? SUPPRESS_EMBEDS : 0),
  };
};

const CUT = '\n… the rest stands in the journal: `winnow log`';

/** At the last end of a line that fits, or where there is none at the last space, or anywhere. */
const splitAtLine = (text: string, max: number): [string, string] => {
  if (text.length <= max) return [text, ''];
  const head = text.slice(0, max);
  const at = [head.lastIndexOf('\n'), head.lastIndexOf(' ')].find((place) => place > max / 2) ?? safeEnd(head);
  return [text.slice(0, at).trimEnd(), text.slice(at).trimStart()];
};

/** Not between the halves of one character, nor behind a backslash. */
const safeEnd = (head: string): number => (/[\uD800-\uDBFF\\]$/.test(head) ? head.length - 1 : head.length);

/** Signs that Discord would take for its own; `code` stays code, since our commands are written so. */
export const escapeMarkdown = (text: string): string =>
  text
    .split(/(`[^`\n]+`)/)
    .map((part, n) => (n % 2 === 1 ? part : part.replace(/[\\`*_~|<>[\]#]/g, '\\$&')))
    .join('');
