import { type Backoff, backoffMs } from '../base/backoff.ts';
import { idOf } from '../base/ids.ts';
import type { Config } from '../model/config.ts';
import type { ChannelName, OutMessage } from '../model/message.ts';
import { REPETITION, togetherText } from './notice-text.ts';
import { quietUntil } from './quiet-hours.ts';

/**
 * Who is told, and which message goes out next. A message waits in the outbox; quiet hours are looked at when it would
 * go, not when it was written, so that a changed configuration and a channel that was down count as they are then.
 */
export interface Target {
  channel: ChannelName;
  /** telegram: id of the chat; discord: `discord`; webhook: its name. */
  to: string;
}

export const targetsOf = ({ telegram, notify }: Config): Target[] => [
  ...(telegram?.token ? telegram.chats.map((chat) => ({ channel: 'telegram' as const, to: String(chat) })) : []),
  ...(notify.discord ? [{ channel: 'discord' as const, to: 'discord' }] : []),
  ...notify.webhooks.map(({ name }) => ({ channel: 'webhook' as const, to: name })),
];

/** As people are told of it: never by its address. */
export const targetText = ({ channel, to }: Target): string => (channel === 'discord' ? 'discord' : `${channel} ${to}`);

/** One matter, or one change of it, to one target has one id, whoever writes it and however often. */
export const messageId = (about: readonly string[], { channel, to }: Target): string =>
  idOf(['message', channel, to, ...about].join('\0'));

/** Still waits although nobody has it: never tried, or refused. One that may have arrived is told. */
export const isUntold = ({ sending }: OutMessage): boolean => sending === undefined;

/** Until when quiet hours keep it back; an answer is awaited, and what is urgent breaks through. */
export const heldUntil = ({ about }: OutMessage, { notify }: Config, now: number): number | undefined => {
  if (about.kind === 'answer') return undefined;
  if (about.kind === 'notice' && about.state === 'raised' && about.matter?.severity === 'urgent') return undefined;
  return quietUntil(notify.quiet, now);
};

/**
 * When it may be tried, in milliseconds. An attempt whose end is not known is made again like one that failed: for a
 * process that died nobody else says it.
 */
export const dueMs = ({ sending, attempts, notBefore }: OutMessage, now: number): number => {
  const ms = sending
    ? Date.parse(sending.at) + retryMs(attempts, 0)
    : notBefore === undefined
      ? 0
      : Date.parse(notBefore);
  // Nobody waits for longer: the clock was set back since, and that moment could take years to come again.
  return ms > now + RETRY_AFTER_MAX_MS ? now : ms;
};

/** From five seconds to ten minutes: a channel that comes back after an hour is met within ten minutes. */
const RETRY: Backoff = { baseMs: 5_000, maxMs: 600_000, jitter: 0.2 };
/** Some two hours in, it will not be a matter of minutes: once an hour spares the journal thousands of lines. */
const LONG_OUT_ATTEMPTS = 20;
const LONG_OUT_MS = 3_600_000;

/** @param random in [0, 1) */
export const retryMs = (attempts: number, random: number): number =>
  attempts > LONG_OUT_ATTEMPTS ? LONG_OUT_MS : backoffMs(attempts, RETRY, random);

/** What the other side asks for at the longest; more is a mistake of theirs, and a day without a word is worse. */
const RETRY_AFTER_MAX_MS = 6 * 3_600_000;

/** And at the least: who says "at once" and refuses again would be asked without a pause. */
const RETRY_AFTER_MIN_MS = 1_000;

/** When a channel that asked to be left alone is tried again, in milliseconds from now. */
export const askedMs = (retryAfterMs: number): number =>
  Math.min(RETRY_AFTER_MAX_MS, Math.max(RETRY_AFTER_MIN_MS, retryAfterMs));

/** Long enough for a weekend without network; what is older is no news, and the journal has it. */
export const GIVE_UP_MS = 3 * 86_400_000;

export type NextBatch =
  /** To be handed over as one; with more than one, `message` is all of them. */
  | { do: 'send'; batch: readonly OutMessage[]; message: OutMessage }
  | { do: 'wait'; untilMs: number }
  | { do: 'nothing' };

/** What a channel sends next, in order within each of its ends; an answer goes before what may wait. */
export const nextBatch = (waiting: readonly OutMessage[], config: Config, now: number): NextBatch => {
  const lanes = new Map<string, OutMessage[]>();
  for (const message of waiting) {
    const key = `${message.about.kind === 'answer' ? 0 : 1} ${message.to}`;
    lanes.set(key, [...(lanes.get(key) ?? []), message]);
  }
  const untils: number[] = [];
  for (const key of [...lanes.keys()].sort()) {
    const held = new Map(lanes.get(key)!.map((message) => [message, heldUntil(message, config, now)]));
    const free = inOrder(lanes.get(key)!).filter((message) => held.get(message) === undefined);
    untils.push(...[...held.values()].filter((ms) => ms !== undefined));
    const [head] = free;
    if (!head) continue;
    // What came first goes first: the others wait with it.
    if (dueMs(head, now) > now) {
      untils.push(dueMs(head, now));
      continue;
    }
    const batch = isTogether(head)
      ? free.filter((one) => isTogether(one) && dueMs(one, now) <= now && isLike(one, head))
      : [head];
    return { do: 'send', batch, message: asOne(batch, config, now) };
  }
  return untils.length === 0 ? { do: 'nothing' } : { do: 'wait', untilMs: Math.min(...untils) };
};

const inOrder = (messages: readonly OutMessage[]): OutMessage[] =>
  [...messages].sort((a, b) => a.at.localeCompare(b.at));

/** A program takes each matter by itself, and so does whoever awaits an answer. */
const isTogether = ({ channel, about }: OutMessage): boolean => channel !== 'webhook' && about.kind !== 'answer';

/** What may have arrived is not mixed with what has not. */
const isLike = (a: OutMessage, b: OutMessage): boolean => (a.sending === undefined) === (b.sending === undefined);

/** Rows below one message; with more nobody finds the right one. */
const BUTTON_ROWS_MAX = 6;

const asOne = (batch: readonly OutMessage[], config: Config, now: number): OutMessage => {
  const [first] = batch as [OutMessage];
  const zone = config.notify.quiet?.timezone ?? 'UTC';
  const text = batch.length === 1 ? first.text : togetherText(batch, zone, now);
  return {
    ...first,
    text: first.sending && first.channel !== 'webhook' ? `${text}\n${REPETITION}` : text,
    buttons: batch.flatMap(({ buttons }) => buttons).slice(0, BUTTON_ROWS_MAX),
    silent: batch.every(({ silent }) => silent),
    about: batch.length === 1 ? first.about : { kind: 'digest', entry: first.id },
  };
};
