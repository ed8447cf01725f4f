import { z } from 'zod';
import { BotAction } from './bot.ts';

/**
 * What the bot understands beside its rules: phrases, and an action that there is already or a reply from a closed list
 * of views. Data and never code, so that a wrong one answers wrongly and can do nothing else.
 */
export interface BotSkill extends BotSkillDraft {
  /** SHA-256 of the file, hexadecimal. */
  hash: string;
  /** Relative to the home. */
  file: string;
  /** The file is exactly as Winnow wrote it; another one is a person's, or was edited by one. */
  sealed: boolean;
}

export interface BotSkillDraft {
  name: string;
  /** For people: when it is of use. */
  description: string;
  /** Words with slots such as {session}; a message that says one of them is meant. */
  phrases: readonly string[];
  does: BotSkillDeed;
  /** Ids of the messages that it was learned from. */
  messages: readonly string[];
}

export type BotSkillDeed =
  /** Values may hold the slots of the phrases. */
  | { action: BotAction; args: Readonly<Record<string, string>> }
  /** May hold slots, and views such as {cost.today}. */
  | { reply: string };

/** What lies in the directory and answers nobody. */
export interface RefusedBotSkill {
  name: string;
  file: string;
  /** With line and column where there are any. */
  reason: string;
  /** The last good one of this name stays in force. */
  kept: boolean;
}

/** A button `undo <name>` holds 64 bytes. */
export const BOT_SKILL_NAME_MAX = 40;
export const BOT_PHRASES_MAX = 30;
export const BOT_PHRASE_MAX_CHARS = 120;
export const BOT_REPLY_MAX_CHARS = 600;
export const BOT_SKILL_MESSAGES_MAX = 50;

const text = (max: number) => z.string('text').max(max, `text of at most ${max} characters`);

/** As it stands in skills/bot/<name>.yaml. */
export const BotSkillFile = z.strictObject({
  description: text(300).optional(),
  phrases: z
    .array(text(BOT_PHRASE_MAX_CHARS).min(1))
    .min(1, 'at least one phrase')
    .max(BOT_PHRASES_MAX, `at most ${BOT_PHRASES_MAX} phrases`),
  action: BotAction.optional(),
  args: z.record(z.string().max(40), text(200)).optional(),
  reply: text(BOT_REPLY_MAX_CHARS).min(1).optional(),
  messages: z.array(text(60)).max(BOT_SKILL_MESSAGES_MAX).optional(),
  seal: text(64).optional(),
});
export type BotSkillFile = z.infer<typeof BotSkillFile>;
