import type { Clock } from '../base/clock.ts';
import type { Result } from '../base/result.ts';
import type { Journal } from '../journal/journal.ts';
import type { Config } from '../model/config.ts';
import type { Entry } from '../model/entry.ts';
import { FailureError } from '../model/failure.ts';
import type { Button, MessageAbout, OutMessage } from '../model/message.ts';
import type { StandingNotice } from '../model/notice.ts';
import type { Session } from '../model/session.ts';
import { OUTBOX_MAX, type State } from '../model/state.ts';
import { DAY_TYPES, dayOf, dayText, digestDue, isEmptyDay } from '../policy/day.ts';
import { clearedText, raisedText, standupText } from '../policy/notice-text.ts';
import { decideNotices, type Matter, mattersOf } from '../policy/notices.ts';
import {
  askedMs,
  GIVE_UP_MS,
  isUntold,
  messageId,
  type NextBatch,
  nextBatch,
  retryMs,
  type Target,
  targetsOf,
  targetText,
} from '../policy/post.ts';
import { selfIdentity } from '../ports/machine/processes.ts';
import type { SlotLease, Slots } from '../ports/machine/slots.ts';
import type { Channel, Delivered, Undelivered } from '../ports/post/channel.ts';
import { createPostNews, type PostNews } from './post-news.ts';

/**
 * Tells people what they should know of: writes down which matters stand, puts messages into the outbox, and hands
 * over what waits there, channel by channel and in order. One process of a home does it. A tick may come twice and may
 * be cut off anywhere: each message has an id made of what it tells, and is in the journal before anybody is called.
 */
export interface PostDeps {
  journal: Journal<State>;
  slots: Slots;
  clock: Clock;
  config: () => Config;
  sessions: () => readonly Session[];
  channels: readonly Channel[];
  /** What is wrong with the files of the home as they are now; asked for only after an edit was refused. */
  problems: () => readonly string[];
  /** Makes values that must not leave the machine unreadable in a text. */
  redact: (text: string) => string;
  random: () => number;
  /** Nothing new is handed over; what is under way has STOP_GRACE_MS. */
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Post {
  /** Looks, and hands over what is due. Resolves with the moment at which it should look again, in milliseconds. */
  tick(): Promise<number | undefined>;
  /** Resolves when nothing is under way; then another process may go on with it. */
  close(): Promise<void>;
}

/** Within the time that a stop has: an answer that comes later leaves the message as one that may have arrived. */
const STOP_GRACE_MS = 5_000;

export const createPost = (deps: PostDeps): Post => {
  const { journal, slots, clock, config, channels, signal, tell } = deps;
  const news = createPostNews(journal);
  const workers = new Map<string, Promise<number | undefined>>();
  /** Until when a channel asked to be left alone. */
  const shutUntil = new Map<string, number>();
  const stopping = gracefully(signal);
  let lock: SlotLease | undefined;
  let settling: Promise<number | undefined> = Promise.resolve(undefined);
  let digestMs: number | undefined;

  const settle = async (): Promise<number | undefined> => {
    if (signal.aborted) return undefined;
    lock ??= (await slots.tryAcquire('role:post', 1, `pid ${process.pid}`)) ?? undefined;
    if (!lock) return undefined;
    const now = clock.now();
    await news.read(now);
    const nextMs = settleNotices(deps, news, now);
    queueStandup(deps, news, now);
    const due = digestDue(config().notify.digest, now);
    if (due !== undefined && due !== digestMs) {
      await queueDigest(deps, news, due, now);
      digestMs = due;
    }
    await journal.sync();
    return nextMs;
  };

  /** Hands over what is due on one channel until nothing is; with when it is due next. */
  const work = async (channel: Channel): Promise<number | undefined> => {
    for (;;) {
      const now = clock.now();
      const shut = shutUntil.get(channel.name) ?? 0;
      if (shut > now) return shut;
      const waiting = Object.values(journal.state().outbox).filter((message) => message.channel === channel.name);
      const next = signal.aborted ? ({ do: 'nothing' } as const) : nextBatch(waiting, config(), now);
      if (next.do !== 'send') return next.do === 'wait' ? next.untilMs : undefined;
      const retryAfterMs = await handOver(deps, news, channel, next, stopping.signal);
      if (retryAfterMs !== undefined) shutUntil.set(channel.name, clock.now() + retryAfterMs);
    }
  };

  const begin = (channel: Channel): Promise<number | undefined> => {
    const known = workers.get(channel.name);
    if (known) return known;
    const worker = work(channel)
      .catch((error: unknown) => {
        // The disk is full: what is not written down is not said to be sent, and the next tick goes on.
        tell(`post: ${error instanceof FailureError ? error.failure.message : String(error)}`);
        if (!(error instanceof FailureError)) throw error;
        return undefined;
      })
      .finally(() => workers.delete(channel.name));
    workers.set(channel.name, worker);
    return worker;
  };

  return {
    tick: async () => {
      const settled = settling.catch(() => undefined).then(settle);
      settling = settled;
      const nexts = [await settled];
      if (lock && !signal.aborted) nexts.push(...(await Promise.all(channels.map(begin))));
      const known = nexts.filter((ms) => ms !== undefined);
      return known.length === 0 ? undefined : Math.min(...known);
    },
    close: async () => {
      await settling.catch(() => undefined);
      await Promise.allSettled(workers.values());
      stopping.end();
      lock?.release();
      lock = undefined;
    },
  };
};

const gracefully = (signal: AbortSignal): { signal: AbortSignal; end: () => void } => {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => late.abort(), STOP_GRACE_MS);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', begin);
    },
  };
};

/** Writes down what stands and what is over, each with its messages before it; with when the next one would be told. */
const settleNotices = (deps: PostDeps, news: PostNews, now: number): number | undefined => {
  const { journal, config, sessions, problems, redact } = deps;
  const refused = news.refused();
  const input = {
    state: journal.state(),
    config: config(),
    sessions: sessions().map(({ name }) => name),
    news: {
      alerts: news.alerts(),
      told: news.told(),
      // It may have been put right by undoing it, which loads nothing new.
      rejected: refused && problems().length > 0 ? { at: refused.ts, problems: refused.data.problems } : undefined,
    },
    now,
  };
  const matters = mattersOf(input).map((matter) => ({
    ...matter,
    text: redact(matter.text),
    mend: redact(matter.mend),
  }));
  const decision = decideNotices(input, matters);
  for (const matter of decision.raise) raise(deps, news, matter);
  for (const standing of decision.clear) clear(deps, news, standing, now);
  dropStale(deps);
  return decision.nextMs;
};

/**
 * The messages come first: a process that dies in between raises the matter once more and finds them there, under the
 * ids that it would give them.
 */
const raise = (deps: PostDeps, news: PostNews, matter: Matter): void => {
  const { journal, config } = deps;
  const { notice, kind, severity, text, mend, hash } = matter;
  const before = String(news.told()[notice]?.at(-1) ?? journal.state().notices[notice]?.at ?? '');
  for (const target of targetsOf(config())) {
    const id = messageId([notice, 'raised', hash, before], target);
    for (const message of waitingAbout(journal.state(), notice, target)) {
      if (message.id !== id && isUntold(message)) drop(deps, message, 'it changed before it was told');
    }
    queue(deps, target, {
      id,
      text: raisedText(matter),
      about: { kind: 'notice', notice, state: 'raised', matter: { kind, severity, text, mend } },
      silent: severity === 'info',
      buttons: buttonsOf(matter, target),
    });
  }
  journal.append<'notice_raised'>({
    type: 'notice_raised',
    data: { notice, kind, severity, text, mend, hash },
  });
};

/** That it is over is told quietly, and only where it was told that it stands. */
const clear = (deps: PostDeps, news: PostNews, standing: StandingNotice, now: number): void => {
  const { journal, config } = deps;
  const { notice, kind, at } = standing;
  const forMs = Math.max(0, now - Date.parse(at));
  for (const target of targetsOf(config())) {
    const waiting = waitingAbout(journal.state(), notice, target);
    for (const message of waiting.filter(isUntold)) drop(deps, message, 'it was over before it was told');
    const isHeard = news.heard(notice, target, Date.parse(at)) || waiting.some((message) => !isUntold(message));
    if (!isHeard || kind === 'alert') continue;
    queue(deps, target, {
      id: messageId([notice, 'cleared', at], target),
      text: clearedText(standing, forMs),
      about: {
        kind: 'notice',
        notice,
        state: 'cleared',
        matter: { kind, severity: 'info', text: standing.text, mend: '' },
      },
      silent: true,
    });
  }
  journal.append<'notice_cleared'>({ type: 'notice_cleared', data: { notice, forMs } });
};

const waitingAbout = (state: Readonly<State>, notice: string, { channel, to }: Target): OutMessage[] =>
  Object.values(state.outbox).filter(
    ({ about, ...message }) =>
      about.kind === 'notice' && about.notice === notice && message.channel === channel && message.to === to,
  );

/** What would be wrong by now, or has nobody to go to. */
const dropStale = (deps: PostDeps): void => {
  const { journal, config } = deps;
  const state = journal.state();
  const targets = new Set(targetsOf(config()).map(targetText));
  for (const message of Object.values(state.outbox)) {
    const { about } = message;
    if (about.kind === 'answer' || !isUntold(message)) continue;
    if (!targets.has(targetText(message))) drop(deps, message, `${targetText(message)} is not configured any more`);
    else if (about.kind === 'notice' && about.state === 'raised' && !state.notices[about.notice]) {
      drop(deps, message, 'it was over before it was told');
    }
  }
};

const drop = ({ journal }: PostDeps, { id }: OutMessage, reason: string): void => {
  journal.append<'message_failed'>({ type: 'message_failed', data: { message: id, reason } });
};

interface Draft {
  id: string;
  text: string;
  about: MessageAbout;
  silent: boolean;
  buttons?: Button[][];
}

/** Notices leave room for answers: somebody waits for those. */
const NOTICES_IN_OUTBOX_MAX = OUTBOX_MAX - 100;

const queue = ({ journal, tell }: PostDeps, target: Target, { id, text, about, silent, buttons = [] }: Draft): void => {
  const { outbox } = journal.state();
  if (outbox[id]) return;
  if (Object.keys(outbox).length >= NOTICES_IN_OUTBOX_MAX) {
    return tell(
      `post: ${targetText(target)} is not told, since too many messages wait already: ${text.split('\n')[0]}`,
    );
  }
  journal.append<'message_queued'>({
    type: 'message_queued',
    data: {
      ...{ message: id, ...target, text, about },
      ...(buttons.length > 0 ? { buttons } : {}),
      ...(silent ? { silent } : {}),
    },
  });
};

/** Telegram's limit of what a button says back. */
const BUTTON_DATA_MAX_BYTES = 64;

/** One press for what is mostly done about it. */
const buttonsOf = ({ kind, notice, severity }: Matter, { channel }: Target): Button[][] => {
  if (channel !== 'telegram') return [];
  const button = (label: string, data: string): Button[][] =>
    Buffer.byteLength(data) <= BUTTON_DATA_MAX_BYTES ? [[{ label, data }]] : [];
  if (kind === 'needs-human') return button('Show the queue', 'queue');
  if (kind === 'session-parked' && severity === 'act') {
    const session = notice.slice('session-parked:'.length);
    return button(`Resume ${session}`.slice(0, 60), `resume ${session}`);
  }
  return [];
};

/** A meeting whose minutes are older is told by the next one. */
const STANDUP_FRESH_MS = 2 * 3_600_000;

const queueStandup = (deps: PostDeps, news: PostNews, now: number): void => {
  const { journal, config, redact } = deps;
  const { standup } = journal.state();
  if (!standup || !config().notify.standup || Date.parse(standup.at) < now - STANDUP_FRESH_MS) return;
  for (const target of targetsOf(config())) {
    const id = messageId(['standup', standup.id], target);
    if (news.wasQueued(id)) continue;
    queue(deps, target, {
      ...{ id, silent: true, text: redact(standupText(standup)) },
      about: { kind: 'digest', entry: standup.id },
    });
  }
};

const DAY_MS = 86_400_000;

const queueDigest = async (deps: PostDeps, news: PostNews, dueMs: number, now: number): Promise<void> => {
  const { journal, config, redact } = deps;
  const day = new Date(dueMs).toISOString();
  const targets = targetsOf(config()).filter((target) => !news.wasQueued(messageId(['day', day], target)));
  if (targets.length === 0) return;
  const entries: Entry[] = [];
  for await (const entry of journal.read({ types: DAY_TYPES, sinceMs: dueMs - DAY_MS })) entries.push(entry);
  const summary = dayOf(entries, journal.state(), dueMs - DAY_MS, Math.min(dueMs, now));
  if (isEmptyDay(summary)) return;
  for (const target of targets) {
    queue(deps, target, {
      ...{ id: messageId(['day', day], target), silent: false, text: redact(dayText(summary)) },
      about: { kind: 'digest', entry: `day:${day}` },
    });
  }
};

/** Hands over one message, or several as one; with how long the channel asked to be left alone. */
const handOver = async (
  deps: PostDeps,
  news: PostNews,
  channel: Channel,
  { batch, message }: Extract<NextBatch, { do: 'send' }>,
  stop: AbortSignal,
): Promise<number | undefined> => {
  const { journal } = deps;
  const self = selfIdentity();
  const attempts = Math.max(...batch.map((each) => each.attempts)) + 1;
  await Promise.all(
    batch.map(({ id }) =>
      journal.appendDurable<'message_sending'>({ type: 'message_sending', data: { message: id, ...self } }),
    ),
  );
  const result = await channel.deliver(message, stop);
  return settleDelivery(deps, news, { batch, attempts }, result);
};

const settleDelivery = async (
  deps: PostDeps,
  news: PostNews,
  { batch, attempts }: { batch: readonly OutMessage[]; attempts: number },
  result: Result<Delivered, Undelivered>,
): Promise<number | undefined> => {
  const { journal, clock, tell } = deps;
  const [first] = batch as [OutMessage];
  const fail = (messages: readonly OutMessage[], reason: string, retryAt?: string) =>
    Promise.all(
      messages.map(({ id }) =>
        journal.appendDurable<'message_failed'>({
          type: 'message_failed',
          data: { message: id, reason, ...(retryAt === undefined ? {} : { retryAt }) },
        }),
      ),
    );
  if (result.ok) {
    const { reference } = result.value;
    await Promise.all(
      batch.map(({ id }) =>
        journal.appendDurable<'message_sent'>({
          type: 'message_sent',
          data: { message: id, ...(reference === undefined ? {} : { reference }) },
        }),
      ),
    );
    return undefined;
  }
  const now = clock.now();
  const reason = deps.redact(result.error.reason);
  const { outcome, retryAfterMs } = result.error;
  if (outcome === 'never') {
    await fail(batch, reason);
    alertOnce(deps, news, `${targetText(first)} takes no messages: ${reason}`, CHANNEL_MENDS[first.channel]);
    return undefined;
  }
  const old = batch.filter(({ at }) => Date.parse(at) < now - GIVE_UP_MS);
  if (old.length > 0) {
    await fail(old, `${reason}; given up after ${GIVE_UP_MS / DAY_MS} days`);
    const what = `${targetText(first)} could not be told for ${GIVE_UP_MS / DAY_MS} days: ${reason}`;
    alertOnce(deps, news, what, CHANNEL_MENDS[first.channel]);
  }
  if (attempts === 1) tell(`post: ${targetText(first)}: ${reason}; tried again`);
  // It may have arrived: it stays as it is, which says so, and is repeated as such when its time has come.
  if (outcome === 'unknown') return undefined;
  const asked = retryAfterMs === undefined ? undefined : askedMs(retryAfterMs);
  const retryAt = new Date(now + (asked ?? retryMs(attempts, deps.random()))).toISOString();
  await fail(
    batch.filter((message) => !old.includes(message)),
    reason,
    retryAt,
  );
  return asked;
};

const CHANNEL_MENDS: Record<OutMessage['channel'], string> = {
  telegram: 'Let the bot into that chat again, or take it out of `telegram.chats` in winnow.config.yaml.',
  discord: 'Make a new webhook in Discord and put its URL where `notify.discord` reads it; see docs/notices.md.',
  webhook: 'Look at what listens there, or change it under `notify.webhooks` in winnow.config.yaml.',
};

const alertOnce = ({ journal, tell }: PostDeps, news: PostNews, message: string, mend: string): void => {
  if (news.alerts().some(({ data }) => data.message === message)) return;
  tell(`post: ${message}`);
  journal.append<'alert'>({ type: 'alert', data: { message, mend } });
};
