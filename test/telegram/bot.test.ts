import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { FailureError, failure } from '../../src/model/failure.ts';
import type { OutMessage } from '../../src/model/message.ts';
import { createTelegramBot, type Standing } from '../../src/ports/telegram/bot.ts';
import type { Incoming } from '../../src/ports/telegram/update.ts';
import { until } from '../journal/workbench.ts';
import { ADA, BOT, type BotApi, startBotApi } from './bot-api.ts';
import { createHandClock } from './clock.ts';

const apis: BotApi[] = [];
const stops: AbortController[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  for (const api of apis.splice(0)) await api.close();
});

const open = async (token?: string) => {
  const api = await startBotApi();
  apis.push(api);
  const clock = createHandClock();
  const settings = { token: token ?? api.token, apiRoot: api.url };
  const bot = createTelegramBot({ settings: () => settings, clock, random: () => 0 });
  return { api, clock, settings, bot };
};

const listen = (bot: ReturnType<typeof createTelegramBot>, received?: (message: Incoming) => Promise<void>) => {
  const stop = new AbortController();
  stops.push(stop);
  const heard: Incoming[] = [];
  const met: Standing[] = [];
  const menu = [{ command: 'status', description: 'what everybody is doing' }];
  const ended = bot.listen({
    received: async (message) => {
      await received?.(message);
      heard.push(message);
    },
    met: (standing) => void met.push(standing),
    menu,
    signal: stop.signal,
  });
  const faults = () => met.flatMap((standing) => (standing.state === 'fault' ? [standing] : []));
  return { heard, met, faults, stop, ended };
};

const messageOf = (text: string, more: Partial<OutMessage> = {}): OutMessage => ({
  ...{ id: 'm1', at: '2026-03-14T10:00:00.000Z', channel: 'telegram', to: String(ADA), text, buttons: [] },
  ...{ about: { kind: 'answer', message: 'm0' }, silent: false, attempts: 0 },
  ...more,
});

const NEVER = new AbortController().signal;

describe('listening', () => {
  it('hands over what people write, in order, and shows them its menu', async () => {
    const { api, bot } = await open();
    api.say('first');
    const { heard, met } = listen(bot);
    await until(() => heard.length === 1 && api.waiting(), 'the first');
    api.say('second', { name: 'grace', user: 7 });
    await until(() => heard.length === 2, 'the second');
    expect(heard.map(({ text }) => text)).toEqual(['first', 'second']);
    expect(heard[1]!.from).toEqual({ chat: String(ADA), user: '7', name: 'grace' });
    expect(met[0]).toEqual({ state: 'listening', self: { id: BOT.id, name: 'winnow_bot' } });
    expect(api.calls.find(({ method }) => method === 'setMyCommands')?.body).toEqual({
      commands: [{ command: 'status', description: 'what everybody is doing' }],
    });
  });

  it('acknowledges an update only after it was taken in', async () => {
    const { api, bot, clock } = await open();
    const [one, two] = [api.say('one'), api.say('two')];
    let full = true;
    const { heard, faults } = listen(bot, async ({ text }) => {
      if (full && text === 'two') throw new FailureError(failure('disk-full', 'the disk is full'));
    });
    await until(() => faults().length === 1, 'the full disk');
    expect(faults()[0]).toMatchObject({ fault: { kind: 'ours', reason: 'the disk is full' } });
    expect(api.pending()).toEqual([one, two]);
    full = false;
    clock.advance(1000);
    await until(() => heard.length === 3, 'both again');
    await until(() => api.pending().length === 0, 'the acknowledgement');
    // What had been taken in comes again: whoever takes it in knows its number.
    expect(heard.map(({ update }) => update)).toEqual([one, one, two]);
  });

  it.each([
    [{ status: 500, description: 'Internal Server Error' }, 'server'],
    [{ status: 502, body: '<html>Bad Gateway</html>' }, 'server'],
    [{ status: 429, description: 'Too Many Requests: retry after 35', retry_after: 35 }, 'busy'],
    ['drop', 'network'],
    [{ status: 200, body: '<html>Welcome to the hotel</html>' }, 'odd'],
    [{ status: 200, body: '{"ok":true,"result":{"no":"list"}}' }, 'odd'],
    [{ status: 200, body: '{"ok":true,"result":[{"no":"number"}]}' }, 'odd'],
  ] as const)('goes on after %j', async (fault, kind) => {
    const { api, bot, clock } = await open();
    api.fail('getUpdates', fault);
    const { heard, faults } = listen(bot);
    await until(() => faults().length === 1, 'the fault');
    const { waitMs, fault: met } = faults()[0]!;
    expect(met.kind).toBe(kind);
    expect(waitMs).toBe(kind === 'busy' ? 35_000 : 800);
    api.say('after it');
    clock.advance(waitMs);
    await until(() => heard.length === 1, 'the message');
  });

  it('goes on when nobody is there at the start, and asks less and less often', async () => {
    const { api, bot, clock } = await open();
    await api.close();
    const { heard, faults } = listen(bot);
    const waits: number[] = [];
    for (let n = 1; n <= 9; n += 1) {
      await until(() => faults().length === n && clock.sleeping() > 0, `attempt ${n}`);
      waits.push(faults()[n - 1]!.waitMs);
      expect(faults()[n - 1]!.fault.reason).toBe('Telegram cannot be reached (ECONNREFUSED)');
      if (n < 9) clock.advance(60_000);
    }
    expect(waits).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 48_000, 48_000, 48_000]);
    await api.reopen();
    api.say('at last');
    clock.advance(60_000);
    await until(() => heard.length === 1, 'the message');
  });

  it('gives up a question that is never answered, and asks anew', async () => {
    const { api, bot, clock } = await open();
    api.fail('getUpdates', 'hang');
    const { heard, faults, met } = listen(bot);
    await until(() => api.offsets.length === 1, 'the question');
    expect(met).toEqual([]);
    clock.advance(70_000);
    await until(() => faults().length === 1, 'its end');
    expect(faults()[0]!.fault).toMatchObject({ kind: 'silent', reason: 'Telegram did not answer in time' });
    api.say('still here');
    clock.advance(1000);
    await until(() => heard.length === 1, 'the message');
  });

  it('gives way to another program at the same bot for a while, and loses nothing of what it gets', async () => {
    const { api, bot, clock } = await open();
    const { heard, faults } = listen(bot);
    await until(() => api.waiting(), 'the question');
    const other = await fetch(`${api.url}/bot${api.token}/getUpdates`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ timeout: 0 }),
    });
    expect(await other.json()).toEqual({ ok: true, result: [] });
    await until(() => faults().length === 1, 'the conflict');
    expect(faults()[0]).toMatchObject({ fault: { kind: 'conflict' }, waitMs: 7500 });
    api.say('later');
    clock.advance(7500);
    await until(() => heard.length === 1, 'the message');
  });

  it('takes a webhook away that keeps it from its messages', async () => {
    const { api, bot } = await open();
    api.webhook = 'https://example.com/hook';
    api.say('hello');
    const { heard, faults } = listen(bot);
    await until(() => heard.length === 1, 'the message');
    expect(faults()).toEqual([]);
    expect(api.calls.map(({ method }) => method)).toEqual(['getMe', 'setMyCommands', 'deleteWebhook']);
  });

  it('says that a token is wrong, never which, and takes the mended one without a restart', async () => {
    const wrong = '987654321:AAF-this-one-is-of-no-bot-000000001';
    const { api, bot, clock, settings } = await open(wrong);
    const { heard, faults } = listen(bot);
    await until(() => faults().length === 1, 'the refusal');
    expect(faults()[0]!.fault).toMatchObject({ kind: 'token', reason: 'Telegram does not know this token (401)' });
    settings.apiRoot = 'http://127.0.0.1:9';
    clock.advance(30_000);
    await until(() => faults().length === 2, 'nobody there');
    expect(JSON.stringify(faults())).not.toContain(wrong);
    Object.assign(settings, { token: api.token, apiRoot: api.url });
    api.say('now');
    clock.advance(30_000);
    await until(() => heard.length === 1, 'the message');
  });

  it('passes over what is not meant for it, and acknowledges it', async () => {
    const { api, bot } = await open();
    const group = { chat: -100, type: 'group' } as const;
    const { heard } = listen(bot);
    api.put({ message: 'nonsense' });
    api.put({ channel_post: { message_id: 1, chat: { id: -5, type: 'channel' }, text: 'news' } });
    api.put({ message: { message_id: 1, chat: { id: ADA, type: 'private' }, from: { id: 'seven' }, text: 'odd' } });
    api.put({ callback_query: { id: '1', from: { id: ADA }, data: 'status' } });
    api.put({ callback_query: { id: '1', from: { id: ADA }, game_short_name: 'chess', message: {} } });
    api.put({ message: { message_id: 1, chat: { id: ADA, type: 'private' }, new_chat_members: [] } });
    api.put({});
    api.say('how are you all?', group);
    api.say('@winnow_botany is nice', group);
    api.say('/status', group);
    api.say('hey @Winnow_Bot how is it going?', group);
    api.say('and me?', { ...group, message_: { reply_to_message: { from: BOT, text: 'Why?\n\n↩ reject a b' } } });
    api.say('and I?', { ...group, message_: { reply_to_message: { from: { id: 9 }, text: 'Why?\n\n↩ reject a b' } } });
    api.say('', { message_: { voice: { file_id: 'x' }, text: undefined } });
    api.put({
      edited_message: { message_id: 1, chat: { id: ADA, type: 'private' }, from: { id: ADA }, text: 'edited' },
    });
    await until(() => api.pending().length === 0, 'all of it');
    expect(heard.map(({ text, form, replyTo }) => [text, form, replyTo])).toEqual([
      ['/status', undefined, undefined],
      ['hey   how is it going?', undefined, undefined],
      ['and me?', undefined, 'Why?\n\n↩ reject a b'],
      ['', 'voice', undefined],
      ['edited', 'edited', undefined],
    ]);
  });
});

describe('delivering', () => {
  it('sends a text as it is, with what it shows marked beside it', async () => {
    const { api, bot } = await open();
    const text = '<b>*bold*</b> [link](http://x) _a_ `b` &amp;\n```\n+ new\n- old\n```\nend\u202e';
    const sent = await bot.deliver(
      messageOf(text, { buttons: [[{ label: 'Go', data: 'status' }]], silent: true }),
      NEVER,
    );
    expect(sent).toEqual({ ok: true, value: { reference: '31' } });
    const [message] = api.sent;
    expect(message).toMatchObject({
      text: '<b>*bold*</b> [link](http://x) _a_ `b` &amp;\n+ new\n- old\nend',
      silent: true,
      buttons: [[{ text: 'Go', callback_data: 'status' }]],
      entities: [{ type: 'pre', offset: 45, length: 11 }],
    });
    expect(message!.text.slice(45, 56)).toBe('+ new\n- old');
    expect(api.calls[0]!.body).not.toHaveProperty('parse_mode');
  });

  it('asks in a way that opens the reply', async () => {
    const { api, bot } = await open();
    await bot.deliver(messageOf('Why?', { asks: true }), NEVER);
    expect(api.sent[0]!.asks).toBe(true);
  });

  it('splits what is too long, and after a fault goes on with the part that did not arrive', async () => {
    const { api, bot } = await open();
    const paragraph = (n: number) => `${n} ${'word '.repeat(400)}`.trim();
    const text = [1, 2, 3, 4, 5, 6].map(paragraph).join('\n\n');
    const message = messageOf(text, { buttons: [[{ label: 'Go', data: 'status' }]] });
    api.fail('sendMessage', { status: 429, retry_after: 3 });
    expect(await bot.deliver(message, NEVER)).toMatchObject({
      ok: false,
      error: { outcome: 'later', retryAfterMs: 3000 },
    });
    expect(await bot.deliver(message, NEVER)).toMatchObject({ ok: true });
    expect(api.sent.length).toBeGreaterThan(2);
    expect(api.sent.map((part) => part.text).join('\n\n')).toBe(text);
    expect(api.sent.map(({ buttons }) => buttons.length)).toEqual([...api.sent.slice(1).map(() => 0), 1]);
    const before = api.sent.length;
    const later = { ...message, id: 'm2' };
    api.fail('sendMessage', 'taken');
    expect(await bot.deliver(later, NEVER)).toMatchObject({ ok: false, error: { outcome: 'unknown' } });
    expect(api.sent).toHaveLength(before + 1);
  });

  it.each([
    [
      { status: 400, description: 'Bad Request: chat not found' },
      'never',
      'Telegram answers 400: Bad Request: chat not found',
    ],
    [
      { status: 403, description: 'Forbidden: bot was blocked by the user' },
      'never',
      'Telegram answers 403: Forbidden: bot was blocked by the user',
    ],
    [{ status: 401, description: 'Unauthorized' }, 'later', 'Telegram does not know this token (401)'],
    [{ status: 500, description: 'x' }, 'later', 'Telegram answers 500: Internal Server Error'],
    [{ status: 502, body: '<html>' }, 'later', 'Telegram answers 502: Bad Gateway'],
    [{ status: 504, body: '<html>' }, 'unknown', 'Telegram answers 504: Gateway Timeout'],
    ['drop', 'unknown', 'the connection to Telegram broke (ECONNRESET)'],
    ['taken', 'unknown', 'the connection to Telegram broke (ECONNRESET)'],
  ] as const)('says of %j whether to try again', async (fault, outcome, reason) => {
    const { api, bot } = await open();
    api.fail('sendMessage', fault);
    expect(await bot.deliver(messageOf('x'), NEVER)).toEqual({ ok: false, error: { outcome, reason } });
  });

  it('names the chat to which a group has moved', async () => {
    const { api, bot } = await open();
    const body = JSON.stringify({
      ok: false,
      error_code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: -1001 },
    });
    api.fail('sendMessage', { status: 400, body });
    expect(await bot.deliver(messageOf('x'), NEVER)).toMatchObject({
      ok: false,
      error: {
        outcome: 'never',
        reason: expect.stringContaining('the group is chat -1001 now: put that into telegram.chats'),
      },
    });
  });

  it('does not wait for ever, nor beyond its stop', async () => {
    const { api, bot, clock } = await open();
    api.fail('sendMessage', 'hang', 'hang');
    const slow = bot.deliver(messageOf('x'), NEVER);
    await until(() => api.calls.length === 1, 'the call');
    clock.advance(20_000);
    expect(await slow).toMatchObject({
      ok: false,
      error: { outcome: 'unknown', reason: 'Telegram did not answer in time' },
    });
    const stop = new AbortController();
    const stopped = bot.deliver(messageOf('x'), stop.signal);
    await until(() => api.calls.length === 2, 'the call');
    stop.abort();
    expect(await stopped).toMatchObject({ ok: false, error: { outcome: 'unknown' } });
    expect(clock.sleeping()).toBe(0);
  });

  it('sends nothing that nobody could read', async () => {
    const { api, bot } = await open();
    expect(await bot.deliver(messageOf('\u200b\u202e \n'), NEVER)).toMatchObject({
      ok: false,
      error: { outcome: 'never' },
    });
    expect(api.calls).toEqual([]);
  });

  it('needs a token for it', async () => {
    const bot = createTelegramBot({ settings: () => undefined, clock: systemClock, random: () => 0 });
    expect(await bot.deliver(messageOf('x'), NEVER)).toMatchObject({
      ok: false,
      error: { outcome: 'later', reason: 'there is no token of a Telegram bot' },
    });
  });
});

it('is the only file that knows telegraf', () => {
  const source = (file: string) => readFileSync(join(import.meta.dirname, '../../src/ports/telegram', file), 'utf8');
  expect(source('bot.ts')).toContain("import('telegraf')");
  expect(source('update.ts') + source('markup.ts')).not.toContain("'telegraf'");
});
