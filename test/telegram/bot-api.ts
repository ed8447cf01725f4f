import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/**
 * Telegram’s Bot API over real HTTP, as https://core.telegram.org/bots/api describes it: an update is there until a
 * later one is asked for, one asker at a time, errors with their bodies. It records what arrived.
 */
export interface BotApi {
  url: string;
  token: string;
  /** Every call, in the order of arrival, without those for updates. */
  calls: Call[];
  /** Messages that were taken, in order. */
  sent: Sent[];
  /** Offsets that were asked for. */
  offsets: (number | undefined)[];
  /** Numbers of the updates that are not acknowledged. */
  pending: () => number[];
  /** Somebody writes; returns the number of the update. */
  say: (text: string, more?: Saying) => number;
  /** Somebody presses a button of a message that was sent. */
  press: (data: string, more?: Saying & { message?: number }) => number;
  /** Any update, whatever it is. */
  put: (update: object) => number;
  /** The next calls of this method get these answers, one each. */
  fail: (method: string, ...faults: Fault[]) => void;
  /** Every call gets this until it is given undefined. */
  outage: (fault: Fault | undefined) => void;
  /** Somebody holds a question for updates open. */
  waiting: () => boolean;
  /** Calls that are not answered yet, without a question for updates that is held open. */
  busy: () => number;
  webhook: string | undefined;
  close: () => Promise<void>;
  /** Listens again on the same port after a close. */
  reopen: () => Promise<void>;
}

export interface Call {
  method: string;
  body: Record<string, unknown>;
}

export interface Sent {
  message_id: number;
  chat: string;
  text: string;
  silent: boolean;
  buttons: { text: string; callback_data: string }[][];
  asks: boolean;
  entities: { type: string; offset: number; length: number }[];
}

export interface Saying {
  chat?: number;
  user?: number;
  name?: string;
  type?: 'private' | 'group';
  /** Fields of the message beside its text. */
  message_?: object;
}

/** `hang`: no answer; `drop`: the connection ends; `taken`: it is carried out, and then the connection ends. */
export type Fault =
  | { status: number; description?: string; retry_after?: number; body?: string }
  | 'hang'
  | 'drop'
  | 'taken';

export const BOT = { id: 4200, is_bot: true, first_name: 'Winnow', username: 'winnow_bot' };
export const TOKEN = '123456789:AAF-test-token-of-the-double-0000001';
export const ADA = 4711;

export const startBotApi = async (token = TOKEN): Promise<BotApi> => {
  let updates: { update_id: number }[] = [];
  let lastUpdate = 870;
  let lastMessage = 30;
  const faults = new Map<string, Fault[]>();
  let general: Fault | undefined;
  let asker: { response: ServerResponse; end: (status: number, body: object) => void } | undefined;
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => void answer(request, response));
  server.keepAliveTimeout = 100;

  const api: BotApi = {
    url: '',
    token,
    calls: [],
    sent: [],
    offsets: [],
    webhook: undefined,
    pending: () => updates.map(({ update_id }) => update_id),
    put: (update) => {
      const given = (update as { update_id?: number }).update_id;
      lastUpdate = given ?? lastUpdate + 1;
      updates.push({ update_id: lastUpdate, ...update });
      hand();
      return lastUpdate;
    },
    say: (text, more = {}) => {
      lastMessage += 1;
      return api.put({ message: { message_id: lastMessage, date: 1, ...placeOf(more), text, ...more.message_ } });
    },
    press: (data, { message, ...more } = {}) => {
      const { chat, from } = placeOf(more);
      const on = { message_id: message ?? api.sent.at(-1)?.message_id ?? 1, date: 1, chat, from: BOT };
      return api.put({
        callback_query: { id: `press-${lastUpdate + 1}`, from, chat_instance: '1', message: on, data },
      });
    },
    fail: (method, ...given) => void faults.set(method, [...(faults.get(method) ?? []), ...given]),
    outage: (fault) => {
      general = fault;
    },
    waiting: () => asker !== undefined,
    busy: () => open.size - (asker ? 1 : 0),
    close: async () => {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
    },
    reopen: async () => {
      server.listen(Number(new URL(api.url).port), '127.0.0.1');
      await once(server, 'listening');
    },
  };

  /** Whoever waits gets what is there. */
  const hand = (): void => {
    if (!asker || updates.length === 0) return;
    asker.end(200, { ok: true, result: updates });
    asker = undefined;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open.add(response);
    response.once('close', () => open.delete(response));
    const [, given, method = ''] = /^\/bot([^/]*)\/(\w+)$/.exec(request.url ?? '') ?? [];
    const body = (await json(request).catch(() => ({}))) as Record<string, unknown>;
    const end = (status: number, content: object | string): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof content === 'string' ? content : JSON.stringify(content));
    };
    const refuse = (status: number, description: string, parameters?: object): void =>
      end(status, { ok: false, error_code: status, description, ...(parameters ? { parameters } : {}) });
    if (method === 'getUpdates') api.offsets.push(body.offset as number | undefined);
    else api.calls.push({ method, body });
    if (given !== token) return refuse(401, 'Unauthorized');
    const fault = general ?? faults.get(method)?.shift();
    if (fault === 'hang') return;
    if (fault === 'drop') return void response.destroy();
    if (fault === 'taken') {
      act(method, body);
      return void response.destroy();
    }
    if (fault) {
      const { status, description = 'as asked', retry_after, body: text } = fault;
      if (text !== undefined) return end(status, text);
      return refuse(status, description, retry_after === undefined ? undefined : { retry_after });
    }
    const wrong = method === 'sendMessage' ? wrongWith(body) : undefined;
    if (wrong !== undefined) return refuse(400, `Bad Request: ${wrong}`);
    if (method !== 'getUpdates') {
      const done = act(method, body);
      return done === undefined ? refuse(404, 'Not Found') : end(200, { ok: true, result: done });
    }
    const { offset, timeout = 0 } = body as { offset?: number; timeout?: number };
    if (api.webhook !== undefined)
      return refuse(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it",
      );
    if (asker)
      asker.end(409, {
        ok: false,
        error_code: 409,
        description:
          'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      });
    asker = undefined;
    if (offset !== undefined) updates = updates.filter(({ update_id }) => update_id >= offset);
    if (updates.length > 0 || timeout === 0) return end(200, { ok: true, result: updates });
    const mine = { response, end };
    asker = mine;
    const over = setTimeout(() => {
      if (asker !== mine) return;
      asker = undefined;
      end(200, { ok: true, result: [] });
    }, timeout * 1000);
    response.once('close', () => {
      clearTimeout(over);
      if (asker === mine) asker = undefined;
    });
  };

  const act = (method: string, body: Record<string, unknown>): unknown => {
    switch (method) {
      case 'getMe':
        return BOT;
      case 'sendMessage':
        return take(body);
      case 'deleteWebhook':
        api.webhook = undefined;
        return true;
      case 'setMyCommands':
      case 'answerCallbackQuery':
      case 'editMessageReplyMarkup':
        return true;
      default:
        return undefined;
    }
  };

  const take = (body: Record<string, unknown>): object => {
    lastMessage += 1;
    const markup = (body.reply_markup ?? {}) as { inline_keyboard?: Sent['buttons']; force_reply?: boolean };
    const message: Sent = {
      message_id: lastMessage,
      chat: String(body.chat_id),
      text: String(body.text),
      silent: body.disable_notification === true,
      buttons: markup.inline_keyboard ?? [],
      asks: markup.force_reply === true,
      entities: (body.entities ?? []) as Sent['entities'],
    };
    api.sent.push(message);
    return { message_id: lastMessage, date: 1, chat: { id: Number(body.chat_id), type: 'private' }, text: body.text };
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
};

/** What the real one refuses. */
const wrongWith = ({ chat_id, text, reply_markup, entities }: Record<string, unknown>): string | undefined => {
  if (!/^-?\d+$/.test(String(chat_id))) return 'chat not found';
  if (typeof text !== 'string' || text.trim() === '') return 'message text is empty';
  if (text.length > 4096) return 'message is too long';
  if (/\p{Surrogate}/u.test(text)) return 'strings must be encoded in UTF-8';
  const buttons = ((reply_markup as { inline_keyboard?: Sent['buttons'] })?.inline_keyboard ?? []).flat();
  if (buttons.some(({ callback_data }) => Buffer.byteLength(callback_data) > 64)) return 'BUTTON_DATA_INVALID';
  const marks = (entities ?? []) as Sent['entities'];
  return marks.some(({ offset, length }) => offset + length > text.length) ? 'ENTITY_BOUNDS_INVALID' : undefined;
};

const placeOf = ({ chat = ADA, user = ADA, name = 'ada', type = 'private' }: Saying) => ({
  chat: { id: chat, type },
  from: { id: user, is_bot: false, first_name: name, username: name },
});
