import { basename } from 'node:path';
import type { OutMessage } from '../model/message.ts';
import { TEST_TEXT } from '../policy/notice-text.ts';
import { type Target, targetsOf } from '../policy/post.ts';
import type { Channel, Undelivered } from '../ports/post/channel.ts';
import { createDiscord } from '../ports/post/discord.ts';
import { createWebhooks, TEST_ENTRY } from '../ports/post/webhook.ts';
import { createTelegramBot } from '../ports/telegram/bot.ts';
import type { Factory } from './doors.ts';

/** The ways to people that this factory has; each reads the configuration in force when it is used. */
export const channelsOf = ({ config, paths, clock, shop }: Factory): Channel[] => [
  createTelegramBot({ settings: () => config().telegram, clock, random: shop.random }),
  createDiscord({ url: () => config().notify.discord }),
  createWebhooks({ webhooks: () => config().notify.webhooks, home: basename(paths.home), now: () => clock.now() }),
];

export interface Tested extends Target {
  ok: boolean;
  /** What the other side said. */
  said: string;
}

/** One message to every end that is configured, at once and past the outbox: whoever asks wants to know now. */
export const testChannels = (
  factory: Factory,
  signal: AbortSignal,
  channels: readonly Channel[] = channelsOf(factory),
): Promise<Tested[]> =>
  Promise.all(
    targetsOf(factory.config()).map(async (target): Promise<Tested> => {
      const channel = channels.find(({ name }) => name === target.channel);
      if (!channel) return { ...target, ok: false, said: 'this Winnow has no way to it' };
      const sent = await channel.deliver(testMessage(factory, target), signal);
      if (!sent.ok) return { ...target, ok: false, said: `${sent.error.reason}${OUTCOMES[sent.error.outcome]}` };
      const { reference } = sent.value;
      return { ...target, ok: true, said: `took it${reference === undefined ? '' : ` as ${reference}`}` };
    }),
  );

const OUTCOMES: Record<Undelivered['outcome'], string> = {
  later: '; a notice would be sent again',
  never: '; a notice would be given up',
  unknown: '; it may have arrived, and a notice would be sent again',
};

const testMessage = ({ clock, ids }: Factory, target: Target): OutMessage => ({
  ...target,
  id: ids(clock.now()),
  at: new Date(clock.now()).toISOString(),
  text: TEST_TEXT,
  buttons: [],
  about: { kind: 'digest', entry: TEST_ENTRY },
  silent: false,
  attempts: 0,
});
