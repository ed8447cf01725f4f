import { createTelegramBot, type TelegramBot } from '../ports/telegram/bot.ts';
import { type BotEars, createBotEars } from './bot-ears.ts';
import { createDesk, type Desk } from './desk.ts';
import type { Factory } from './doors.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';

export type { Slots } from '../ports/machine/slots.ts';
export type { Fault, Standing, TelegramBot } from '../ports/telegram/bot.ts';
export type { Incoming } from '../ports/telegram/update.ts';

/** What stands between a factory and the people who write to its bot. */
export interface TelegramLine {
  desk: Desk;
  mailbox: Mailbox;
  bot: TelegramBot;
  ears: BotEars;
}

export const telegramLine = (factory: Factory): TelegramLine => ({
  desk: createDesk(factory),
  mailbox: createMailbox(factory, { channel: 'telegram', redact: factory.shop.redact }),
  bot: telegramBot(factory),
  ears: createBotEars(factory),
});

/** By the configuration in force at each moment; without a token it waits for one. */
export const telegramBot = ({ config, clock, shop }: Factory): TelegramBot =>
  createTelegramBot({ settings: () => config().telegram, clock, random: shop.random });
