import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../journal/workbench.ts';
import { ADA, type BotApi, startBotApi } from '../telegram/bot-api.ts';
import { howMany } from '../thoroughness.ts';
import { createWorkbench, type Workbench } from './workbench.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const create = async (telegram: object = {}, token?: string): Promise<{ bench: Workbench; api: BotApi }> => {
  const api = await startBotApi();
  closing.push(api.close);
  const bench = await createWorkbench({
    sessions: ['alpha'],
    config: { telegram: { token: 'env:TELEGRAM_BOT_TOKEN', chats: [ADA], apiRoot: api.url, ...telegram } },
    homeFiles: { '.env': `TELEGRAM_BOT_TOKEN=${token ?? api.token}\n` },
  });
  closing.push(bench.close);
  return { bench, api };
};

const heard = (child: ChildProcess): (() => string) => {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      text += data;
    });
  return () => text;
};

describe('winnow bot', () => {
  it('answers while the factory is down, each message once, however often it is killed', async () => {
    const { bench, api } = await create();
    const asked: number[] = [];
    for (let round = 0; round < howMany(2, 4); round += 1) {
      const { child } = bench.start('bot');
      const text = heard(child);
      await until(() => text().includes('listens'), 'the bot');
      for (let n = 0; n < 5; n += 1) asked.push(api.say(`/task @alpha number ${asked.length}`));
      // Somewhere within its work.
      await until(() => bench.ofType('message_received').length > round * 5 + round, 'some of it');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const { child, done } = bench.start('bot');
    await until(() => bench.ofType('message_sent').length >= asked.length && api.pending().length === 0, 'all of it');
    child.kill('SIGTERM');
    expect((await done).code).toBe(0);
    const received = bench.ofType('message_received').map(({ data }) => data.update);
    expect(received).toEqual(asked);
    const handled = bench.ofType('message_handled').map(({ data }) => data.message);
    expect(new Set(handled).size).toBe(asked.length);
    expect(handled).toHaveLength(asked.length);
    const tasks = bench.ofType('task_queued').map(({ data }) => data.text);
    expect(tasks).toEqual(asked.map((_, n) => `number ${n}`));
    const answers = api.sent.filter(({ text }) => text.startsWith('Task '));
    const certain = answers.filter(({ text }) => !text.includes('\n'));
    // What may have arrived when a process died is sent once more, and says so.
    expect(new Set(answers.map(({ text }) => text.split('\n')[0])).size).toBe(asked.length);
    expect(certain.length).toBeLessThanOrEqual(asked.length);
    expect(JSON.stringify(bench.entries())).not.toContain(api.token);
  });

  it('says what is missing where there is no token', async () => {
    const { bench } = await create({ token: undefined });
    const { code, out, err } = await bench.start('bot').done;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('there is no Telegram bot: put its token into .env as TELEGRAM_BOT_TOKEN');
  });
});

describe('winnow up', () => {
  it('has the bot among its roles: it answers, and what is decided there counts here', async () => {
    const { bench, api } = await create();
    const { child, done } = bench.start('up');
    const answer = async (text: string, part: string): Promise<void> => {
      api.say(text);
      await until(() => api.sent.some((sent) => sent.text.includes(part)), part);
    };
    await bench.until((entry) => entry.type === 'process_started', 'the start');
    await answer('/status', 'Winnow is running');
    await answer('/pause alpha', 'alpha is paused');
    expect(bench.ofType('paused').map(({ session, data }) => [session, data.by])).toEqual([
      ['alpha', expect.stringContaining('telegram')],
    ]);
    expect(bench.ofType('process_started')[0]?.data.roles).toContain('bot');
    child.kill('SIGTERM');
    expect((await done).code).toBe(0);
  });
});

describe('winnow bot setup', () => {
  it('prints who wrote, and the lines that let them in; the message is answered afterwards', async () => {
    const { bench, api } = await create({ chats: [] });
    const { child, done } = bench.start('bot', 'setup');
    const text = heard(child);
    await until(() => text().includes('write to @winnow_bot now'), 'the invitation');
    api.say('/start', { chat: -100, type: 'group', user: 7, name: 'grace' });
    const { code, out } = await done;
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'grace wrote in chat -100, as user 7. This lets them in, in winnow.config.yaml:',
        '',
        'telegram:',
        '  token: env:TELEGRAM_BOT_TOKEN',
        '  chats: [-100]',
        '  users: [7]',
        '',
      ].join('\n'),
    );
    expect(api.pending()).toHaveLength(1);
    expect(bench.ofType('message_received')).toEqual([]);
  });

  it('says that a token is of no bot, without it', async () => {
    const wrong = '987654321:AAF-this-one-is-of-no-bot-000000001';
    const { bench } = await create({}, wrong);
    const { code, out, err } = await bench.start('bot', 'setup').done;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('Telegram does not know this token (401). Take the token from @BotFather into .env');
    expect(err).not.toContain(wrong);
  });

  it('leaves a bot that listens alone, and tells whom it has refused', async () => {
    const { bench, api } = await create();
    const { child, done } = bench.start('bot');
    api.say('/start', { chat: 666, user: 666 });
    await until(() => bench.ofType('stranger_refused').length === 1, 'the refusal');
    const { code, err } = await bench.start('bot', 'setup').done;
    expect(code).toBe(1);
    expect(err).toContain('the bot of this home listens already; it has refused the chats 666');
    child.kill('SIGTERM');
    await done;
  });
});
