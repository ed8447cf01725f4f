import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { BotEars } from '../../src/desk/bot-ears.ts';
import { createDesk, type Desk } from '../../src/desk/desk.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { createMailbox, type Mailbox } from '../../src/desk/mailbox.ts';
import { startBot } from '../../src/faces/telegram/start.ts';
import { Config } from '../../src/model/config.ts';
import { createTelegramBot, type TelegramBot } from '../../src/ports/telegram/bot.ts';
import { createPost } from '../../src/roles/post.ts';
import { openPlace, type Place } from '../desk/place.ts';
import { until } from '../journal/workbench.ts';
import { ADA, type BotApi, type Sent, startBotApi } from './bot-api.ts';

/** The bot with its post in front of a real journal, against the Bot API over HTTP. */
export interface Bench {
  place: Place;
  api: BotApi;
  desk: Desk;
  mailbox: Mailbox;
  bot: TelegramBot;
  told: string[];
  /** Starts the bot, as a new process would. */
  start: () => void;
  /** Ends it as a signal does. */
  stop: () => Promise<void>;
  /** What is answered to the last message, once it is handled and delivered. */
  answers: (number: number) => Promise<Sent[]>;
  /** Says something and waits for what comes back, as one text. */
  ask: (text: string) => Promise<string>;
  /** Presses a button of this label on the last message that has one. */
  press: (label: string) => Promise<string>;
  close: () => Promise<void>;
}

export interface BenchOptions {
  clock?: Clock;
  telegram?: Partial<NonNullable<Config['telegram']>>;
  ears?: BotEars;
  /** In front of a whole factory rather than of a counter. */
  factory?: Factory;
  place?: Place;
  api?: BotApi;
  /** Before everything that it lays out is delivered. */
  withoutPost?: boolean;
}

export const telegramConfig = (api: BotApi, more: BenchOptions['telegram'] = {}) => ({
  ...Config.shape.telegram.unwrap().parse({ token: api.token, chats: [ADA], apiRoot: api.url }),
  ...more,
});

export const openBench = async (options: BenchOptions = {}): Promise<Bench> => {
  const { clock = systemClock } = options;
  const place = options.place ?? openPlace();
  const api = options.api ?? (await startBotApi());
  place.config.telegram = telegramConfig(api, options.telegram);
  const counter = { ...place.counter, clock };
  const desk = createDesk(options.factory ?? counter);
  const { journal, config, sessions } = counter;
  const redact = (text: string) => text.replaceAll('hunter2-hunter2', '[withheld]');
  const mailbox = createMailbox(counter, { channel: 'telegram', redact });
  const random = () => 0.5;
  const bot = createTelegramBot({ settings: () => place.config.telegram, clock, random });
  const told: string[] = [];
  const tell = (line: string) => void told.push(line);
  let stopping: AbortController | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  const deliver = async (signal: AbortSignal): Promise<void> => {
    const post = createPost({
      ...{ journal, clock, config, sessions, redact, random, signal, tell },
      slots: place.slots,
      channels: [bot],
      problems: () => [],
    });
    while (!signal.aborted) {
      await post.tick();
      await new Promise((next) => setTimeout(next, 5));
    }
    await post.close();
  };

  const bench: Bench = {
    ...{ place, api, desk, mailbox, bot, told },
    start: () => {
      stopping = new AbortController();
      const { signal } = stopping;
      const { ears } = options;
      const running = startBot({ desk, mailbox, bot, ears, slots: place.slots, clock, tell, signal });
      ended = Promise.all([running.ended, options.withoutPost ? undefined : deliver(signal)]);
    },
    stop: async () => {
      stopping?.abort();
      await ended;
    },
    answers: async (number) => {
      let message: string | undefined;
      await until(() => {
        message = place.ofType('message_received').find(({ data }) => data.update === number)?.data.message;
        return place.ofType('message_handled').some(({ data }) => data.message === message);
      }, `update ${number} to be handled`);
      const queued = place
        .ofType('message_queued')
        .filter(({ data: { about } }) => about.kind === 'answer' && about.message === message);
      const references = () =>
        place
          .ofType('message_sent')
          .flatMap(({ data }) => (queued.some((one) => one.data.message === data.message) ? [data.reference] : []));
      await until(() => references().length === queued.length, `the answers to update ${number}`);
      return api.sent.filter(({ message_id }) => references().includes(String(message_id)));
    },
    ask: async (text) => (await bench.answers(api.say(text))).map((sent) => sent.text).join('\n----\n'),
    press: async (label) => {
      const on = api.sent.findLast(({ buttons }) => buttons.flat().some(({ text }) => text === label));
      const data = on?.buttons.flat().find(({ text }) => text === label)?.callback_data;
      if (!on || data === undefined) throw new Error(`there is no button ${label}`);
      return (await bench.answers(api.press(data, { message: on.message_id })))
        .map((sent) => sent.text)
        .join('\n----\n');
    },
    close: async () => {
      await bench.stop();
      await api.close();
      if (!options.place) await place.close();
    },
  };
  return bench;
};
