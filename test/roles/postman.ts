import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Config } from '../../src/model/config.ts';
import type { Entry, EntryOf, EntryType } from '../../src/model/entry.ts';
import type { Button, OutMessage } from '../../src/model/message.ts';
import type { State } from '../../src/model/state.ts';
import { createSlots } from '../../src/ports/machine/slots.ts';
import type { Channel } from '../../src/ports/post/channel.ts';
import { createDiscord } from '../../src/ports/post/discord.ts';
import { createWebhooks } from '../../src/ports/post/webhook.ts';
import { createPost, type Post, type PostDeps } from '../../src/roles/post.ts';
import { openHomeJournal } from '../flow/home-journal.ts';
import { configOf, NOW, sessionOf } from '../policy/situations.ts';
import type { End } from '../ports/post/end.ts';

/** A home with a journal, a clock that is turned by hand, and whoever posts in it. */
export interface Postman {
  dir: string;
  journal: Journal<State>;
  config: Config;
  clock: { now: number };
  told: string[];
  problems: string[];
  post: Post;
  stop: AbortController;
  deps: PostDeps;
  /** Turns the clock and looks. */
  later(ms: number): Promise<number | undefined>;
  /** Another one at the same place, as after a restart. */
  another(): Promise<Postman>;
  ofType<T extends EntryType>(type: T): EntryOf<T>[];
  close(): Promise<void>;
}

export interface Ends {
  discord?: End;
  webhooks?: Record<string, End>;
  /** Chats of a channel that keeps what it is given. */
  chats?: string[];
  notify?: Partial<Config['notify']>;
}

/** A chat that only listens: stands for the bot, whose own tests talk to it. */
export const createChats = (): Channel & { heard: { to: string; text: string; buttons: Button[][] }[] } => {
  const heard: { to: string; text: string; buttons: Button[][] }[] = [];
  return {
    heard,
    name: 'telegram',
    deliver: async ({ to, text, buttons }: OutMessage) => {
      heard.push({ to, text, buttons });
      return { ok: true, value: { reference: String(heard.length) } };
    },
  };
};

export const openPostman = async (
  ends: Ends = {},
  place?: { dir: string; clock: { now: number } },
  extra: Channel[] = [],
): Promise<Postman> => {
  const dir = place?.dir ?? mkdtempSync(join(tmpdir(), 'winnow-post-'));
  const hand = place?.clock ?? { now: NOW };
  const clock: Clock = { ...systemClock, now: () => hand.now };
  const { journal } = openHomeJournal(dir, clock);
  const slots = createSlots({ dir: join(dir, '.winnow'), who: 'test', clock: systemClock });
  const config: Config = configOf();
  config.notify = {
    ...config.notify,
    ...(ends.discord ? { discord: ends.discord.url } : {}),
    webhooks: Object.entries(ends.webhooks ?? {}).map(([name, { url }]) => ({
      name,
      url,
      secret: `secret-of-${name}`,
    })),
    ...ends.notify,
  };
  if (ends.chats) {
    config.telegram = {
      token: 'unused',
      chats: ends.chats,
      model: 'haiku',
      budgetPerDayUsd: 0,
      apiRoot: 'https://api.telegram.org',
    };
  }
  const told: string[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  const channels = [
    createDiscord({ url: () => config.notify.discord }),
    createWebhooks({ webhooks: () => config.notify.webhooks, home: 'home', now: () => hand.now }),
    ...extra,
  ];
  const deps: PostDeps = {
    ...{ journal, slots, clock, channels },
    config: () => config,
    sessions: () => [sessionOf('alpha'), sessionOf('beta')],
    problems: () => problems,
    redact: (text) => text.replaceAll('hunter2', '[withheld]'),
    random: () => 0,
    signal: stop.signal,
    tell: (line) => void told.push(line),
  };
  const post = createPost(deps);
  const postman: Postman = {
    ...{ dir, journal, config, clock: hand, told, problems, post, stop, deps },
    later: (ms) => {
      hand.now += ms;
      return post.tick();
    },
    another: () => openPostman(ends, { dir, clock: hand }, extra),
    ofType: <T extends EntryType>(type: T) => journal.tail(10_000, { types: [type] }) as EntryOf<T>[],
    close: async () => {
      stop.abort();
      await post.close();
      await slots.close();
      journal.close();
      if (!place) rmSync(dir, { recursive: true, force: true });
    },
  };
  return postman;
};

/** Something a person should know of. */
export const park = (
  { journal }: Pick<Postman, 'journal'>,
  session: string,
  until: string,
  reason = 'it failed',
): Entry =>
  journal.append<'session_parked'>({ type: 'session_parked', session, data: { failure: 'crashed', reason, until } });

export const unpark = ({ journal }: Pick<Postman, 'journal'>, session: string): Entry =>
  journal.append<'session_unparked'>({ type: 'session_unparked', session, data: { reason: 'over' } });
