import { Agent as PlainAgent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { Telegram, TelegramError } from 'telegraf';
import { type Backoff, backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { FailureError } from '../../model/failure.ts';
import type { Button, OutMessage } from '../../model/message.ts';
import { splitText } from '../../policy/split-text.ts';
import type { Channel, Delivered, Undelivered } from '../post/channel.ts';
import { markUp } from './markup.ts';
import { type Incoming, numberOf, readUpdate, type Self } from './update.ts';

/**
 * The Telegram Bot API, by telegraf’s client; no other file knows telegraf. The loop that asks for updates is our own:
 * telegraf’s acknowledges what its handlers have not dealt with yet when it is stopped or a handler fails, and ends for
 * good at the first conflict.
 *
 *   off (no token) -> greeting (who am I) -> listening -> a fault, waiting -> listening -> …
 *
 * An update is acknowledged by asking for the next one, so not before `received` has resolved for it.
 */
export interface TelegramBot extends Channel {
  name: 'telegram';
  /** Hands over what people write, in order, one at a time, until the signal aborts. Ends in no other way. */
  listen(input: ListenInput): Promise<void>;
  /** Ends the waiting of a pressed button, with a few words on the screen; nothing depends on whether it arrives. */
  acknowledge(press: string, words: string | undefined, signal: AbortSignal): Promise<void>;
  /** Takes the buttons from a message of the bot’s; nothing depends on whether it arrives. */
  takeButtons(chat: string, message: number, signal: AbortSignal): Promise<void>;
}

export interface ListenInput {
  /** What it throws as a FailureError leaves the update where it is; it is delivered again. */
  received: (message: Incoming) => Promise<void>;
  /** How it stands with the connection, each time that it changes. */
  met: (standing: Standing) => void;
  /** What the chat shows as a menu. */
  menu: readonly { command: string; description: string }[];
  signal: AbortSignal;
}

export type Standing =
  | { state: 'off' }
  | { state: 'listening'; self: Self }
  | { state: 'fault'; fault: Fault; waitMs: number };

/** Why a call came to nothing. */
export interface Fault {
  /**
   * token: it is not a bot’s.  conflict: somebody else asks for the same bot’s updates.  webhook: a webhook is set.
   * busy: too many calls.  server: an error of Telegram’s.  network: it cannot be reached.  silent: no answer in time.
   * refused: not this call.  odd: what came is no answer of the Bot API.  ours: the message could not be written down.
   */
  kind:
    | 'token'
    | 'conflict'
    | 'webhook'
    | 'busy'
    | 'server'
    | 'network'
    | 'silent'
    | 'refused'
    | 'odd'
    | 'ours'
    | 'stopped';
  /** One sentence, without the token. */
  reason: string;
  /** The call may have been carried out all the same. */
  uncertain: boolean;
  retryAfterMs?: number;
}

export interface TelegramDeps {
  /** As it is now: a mended token counts with the next call. */
  settings: () => { token?: string | undefined; apiRoot: string } | undefined;
  clock: Clock;
  /** A number in [0, 1). */
  random: () => number;
}

/** Telegram holds a question for updates open so long; a connection that nobody uses is not kept by many networks for more. */
const POLL_S = 50;
/** Beyond what the other side may take by agreement. */
const PATIENCE_MS = 20_000;
/** In one answer; each is journalled before the next. */
const UPDATES_MAX = 50;
const TEXT_MAX_CHARS = 4096;

const TRYING: Backoff = { baseMs: 1000, maxMs: 60_000, jitter: 0.2 };
/** Each time that one asks the other is cut off, so asking often helps neither. */
const CONFLICT: Backoff = { baseMs: 15_000, maxMs: 120_000, jitter: 0.5 };
/** In a row: then the other one has gone. */
const CALM_ANSWERS = 5;
/** Nothing mends a token but a person; the configuration is looked at again after it. */
const TOKEN_WAIT_MS = 30_000;
/** As long as nobody has configured a bot. */
const OFF_WAIT_MS = 5000;

export const createTelegramBot = (deps: TelegramDeps): TelegramBot => {
  const { clock, random } = deps;
  const caller = createCaller(deps);
  /** Parts of a long message that have arrived: they are not sent again when a later part has to be. */
  const arrived = new Map<string, number>();

  const poll = async (
    { received, signal }: ListenInput,
    self: Self,
    settled: () => void,
  ): Promise<Fault | undefined> => {
    const key = caller.key();
    let offset: number | undefined;
    // The first question is answered at once: then one knows that it works.
    let timeout = 0;
    while (!signal.aborted && caller.key() === key) {
      const asked = {
        timeout,
        limit: UPDATES_MAX,
        allowed_updates: ALLOWED,
        ...(offset === undefined ? {} : { offset }),
      };
      const got = await caller.call('getUpdates', asked, signal, timeout * 1000 + PATIENCE_MS);
      if (!got.ok) return got.error;
      if (!Array.isArray(got.value)) return oddFault('its list of updates is none');
      settled();
      timeout = POLL_S;
      for (const update of got.value as unknown[]) {
        const number = numberOf(update);
        if (number === undefined) return oddFault('an update has no number');
        const message = readUpdate(update, self);
        if (message && !signal.aborted) await received(message);
        if (signal.aborted) return undefined;
        offset = number + 1;
      }
    }
    return undefined;
  };

  const greet = async ({ menu, signal }: ListenInput): Promise<Result<Self, Fault>> => {
    const me = await caller.call('getMe', {}, signal);
    if (!me.ok) return me;
    // A menu is a convenience: without it everything works as well.
    await caller.call('setMyCommands', { commands: menu }, signal);
    const { id, username = '' } = me.value as { id: number; username?: string };
    return ok({ id, name: username });
  };

  const listen = async (input: ListenInput): Promise<void> => {
    const { signal, met } = input;
    let self: Self | undefined;
    let key: string | undefined;
    let attempt = 0;
    let cutOff = false;
    let calm = 0;
    while (!signal.aborted) {
      if (caller.key() === undefined) {
        met({ state: 'off' });
        await clock.sleep(OFF_WAIT_MS, signal);
        continue;
      }
      if (caller.key() !== key) {
        key = caller.key();
        self = undefined;
        attempt = 0;
      }
      const fault = await orFailure(async () => {
        if (!self) {
          const greeted = await greet(input);
          if (!greeted.ok) return greeted.error;
          self = greeted.value;
        }
        const who = self;
        return poll(input, who, () => {
          calm += 1;
          // Two that take turns cut each other off each time that one asks: a single answer is no peace.
          if (!cutOff || calm >= CALM_ANSWERS) attempt = 0;
          met({ state: 'listening', self: who });
        });
      });
      if (!fault || signal.aborted) continue;
      attempt += 1;
      calm = 0;
      cutOff = fault.kind === 'conflict';
      // Whoever set it wants no webhook any more: a bot has one way to its messages, and this is ours.
      if (fault.kind === 'webhook' && attempt === 1) {
        await caller.call('deleteWebhook', {}, signal);
        continue;
      }
      const waitMs = waitAfter(fault, attempt, random());
      met({ state: 'fault', fault, waitMs });
      await clock.sleep(waitMs, signal);
    }
  };

  const deliver = async (message: OutMessage, signal: AbortSignal): Promise<Result<Delivered, Undelivered>> => {
    const parts = splitText(message.text, TEXT_MAX_CHARS).map(markUp);
    const visible = parts.filter(({ text }) => text.trim() !== '');
    if (visible.length === 0) return err({ outcome: 'never', reason: 'there is nothing to read in it' });
    let reference: string | undefined;
    for (const [n, { text, entities }] of visible.entries()) {
      if (n < (arrived.get(message.id) ?? 0)) continue;
      const last = n === visible.length - 1;
      const sent = await caller.call(
        'sendMessage',
        {
          chat_id: message.to,
          text,
          entities,
          link_preview_options: { is_disabled: true },
          disable_notification: message.silent || n > 0,
          ...(last ? replyMarkup(message) : {}),
        },
        signal,
      );
      if (!sent.ok) return err(undelivered(sent.error));
      remember(arrived, message.id, n + 1);
      reference = String((sent.value as { message_id?: unknown }).message_id);
    }
    arrived.delete(message.id);
    return ok(reference === undefined ? {} : { reference });
  };

  return {
    name: 'telegram',
    listen,
    deliver,
    acknowledge: async (press, words, signal) => {
      const text = words === undefined ? {} : { text: words.slice(0, TOAST_MAX_CHARS) };
      await caller.call('answerCallbackQuery', { callback_query_id: press, ...text }, signal);
    },
    takeButtons: async (chat, message, signal) => {
      const none = { chat_id: chat, message_id: message, reply_markup: { inline_keyboard: [] } };
      await caller.call('editMessageReplyMarkup', none, signal);
    },
  };
};

const ALLOWED = ['message', 'edited_message', 'callback_query'];
const TOAST_MAX_CHARS = 200;

/** Of messages that never came to their end; each is a number. */
const ARRIVED_MAX = 1000;

const remember = (arrived: Map<string, number>, message: string, parts: number): void => {
  arrived.delete(message);
  arrived.set(message, parts);
  if (arrived.size > ARRIVED_MAX) arrived.delete(arrived.keys().next().value!);
};

const orFailure = async (deed: () => Promise<Fault | undefined>): Promise<Fault | undefined> => {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return { kind: 'ours', reason: error.failure.message, uncertain: false };
  }
};

const waitAfter = ({ kind, retryAfterMs = 0 }: Fault, attempt: number, random: number): number => {
  if (kind === 'token') return TOKEN_WAIT_MS;
  const own = backoffMs(attempt, kind === 'conflict' || kind === 'webhook' ? CONFLICT : TRYING, random);
  return Math.max(own, retryAfterMs);
};

const replyMarkup = ({ buttons, asks }: OutMessage): object => {
  if (buttons.length > 0) {
    const key = ({ label, data }: Button) => ({ text: label, callback_data: data });
    return { reply_markup: { inline_keyboard: buttons.map((row) => row.map(key)) } };
  }
  return asks ? { reply_markup: { force_reply: true } } : {};
};

const undelivered = ({ kind, reason, uncertain, retryAfterMs }: Fault): Undelivered => ({
  reason,
  // With a wrong token nothing arrives, but the next one may be right.
  outcome: uncertain ? 'unknown' : kind === 'refused' ? 'never' : 'later',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

interface Caller {
  /** Changes with the settings; undefined when there are none. */
  key(): string | undefined;
  call(method: string, payload: object, signal: AbortSignal, patienceMs?: number): Promise<Result<unknown, Fault>>;
}

const createCaller = ({ settings, clock }: TelegramDeps): Caller => {
  let client: { key: string; token: string; telegram: Telegram } | undefined;
  // A connection of its own for each call: one that was kept may be dead already, and then nobody knows whether what
  // was sent over it has arrived.
  const agents = { http: new PlainAgent({ keepAlive: false }), https: new SecureAgent({ keepAlive: false }) };
  const key = (): string | undefined => {
    const now = settings();
    return now?.token === undefined ? undefined : `${now.apiRoot} ${now.token}`;
  };
  const current = async (): Promise<typeof client> => {
    const now = settings();
    const wanted = key();
    if (now?.token === undefined || wanted === undefined) return undefined;
    if (client?.key !== wanted) {
      const agent = now.apiRoot.startsWith('https:') ? agents.https : agents.http;
      // Loaded by the first who needs it: most homes have no bot.
      const telegraf = await import('telegraf');
      const telegram = new telegraf.Telegram(now.token, { apiRoot: now.apiRoot, agent });
      client = { key: wanted, token: now.token, telegram };
    }
    return client;
  };
  return {
    key,
    call: async (method, payload, signal, patienceMs = PATIENCE_MS) => {
      const now = await current();
      if (!now) return err({ kind: 'token', reason: 'there is no token of a Telegram bot', uncertain: false });
      const bound = bounded(clock, signal, patienceMs);
      try {
        const { telegram } = now as { telegram: { callApi: UntypedCall } };
        return ok(await telegram.callApi(method, payload, { signal: bound.signal }));
      } catch (error) {
        const fault = faultOf(error, bound.isLate(), signal.aborted);
        return err({ ...fault, reason: fault.reason.replaceAll(now.token, '[withheld]') });
      } finally {
        bound.end();
      }
    },
  };
};

/** By the name of the method: telegraf’s types ask for a shape for each, and what comes is checked where it is read. */
type UntypedCall = (method: string, payload: object, options: { signal: AbortSignal }) => Promise<unknown>;

/** Aborts with the outer signal or when the time is over, and holds on to neither afterwards. */
const bounded = (clock: Clock, outer: AbortSignal, ms: number) => {
  const own = new AbortController();
  const over = new AbortController();
  let late = false;
  const stop = () => own.abort();
  if (outer.aborted) stop();
  outer.addEventListener('abort', stop, { once: true });
  void clock.sleep(ms, over.signal).then(() => {
    if (over.signal.aborted) return;
    late = true;
    stop();
  });
  return {
    signal: own.signal,
    isLate: () => late,
    end: () => {
      over.abort();
      outer.removeEventListener('abort', stop);
    },
  };
};

const oddFault = (what: string): Fault => ({
  kind: 'odd',
  reason: `what answers there is not the Bot API of Telegram: ${what}`,
  uncertain: false,
});

const faultOf = (error: unknown, late: boolean, stopped: boolean): Fault => {
  if (isRefusal(error)) return refusalOf(error);
  if (late) return { kind: 'silent', reason: 'Telegram did not answer in time', uncertain: true };
  if (stopped) return { kind: 'stopped', reason: 'it was stopped while it was being sent', uncertain: true };
  const { type, code = '', message } = error as { type?: string; code?: string; message: string };
  if (type === 'invalid-json') return oddFault('it sends no JSON');
  if (NEVER_CONNECTED.includes(code))
    return { kind: 'network', reason: `Telegram cannot be reached (${code})`, uncertain: false };
  return { kind: 'network', reason: `the connection to Telegram broke (${code || message})`, uncertain: true };
};

/** Nothing of the call has left this machine, or nobody was there to take it. */
const NEVER_CONNECTED = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

const isRefusal = (error: unknown): error is TelegramError =>
  typeof (error as { response?: { error_code?: unknown } }).response?.error_code === 'number';

/** https://core.telegram.org/api/errors, and what the Bot API says of its own. */
const refusalOf = ({ code, description, parameters }: TelegramError): Fault => {
  const says = `Telegram answers ${code}: ${description}`;
  const certain = { reason: says, uncertain: false };
  if (code === 401 || code === 404)
    return { kind: 'token', reason: `Telegram does not know this token (${code})`, uncertain: false };
  if (code === 409) return { kind: description.includes('webhook') ? 'webhook' : 'conflict', ...certain };
  if (code === 429) {
    const seconds = parameters?.retry_after;
    return { kind: 'busy', ...certain, ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }) };
  }
  // A gateway that lost its patience does not know what became of the call behind it.
  if (code >= 500) return { kind: 'server', reason: says, uncertain: code === 504 };
  const moved = parameters?.migrate_to_chat_id;
  const hint = moved === undefined ? '' : `; the group is chat ${moved} now: put that into telegram.chats`;
  return { kind: 'refused', reason: `${says}${hint}`, uncertain: false };
};
