import { afterEach, describe, expect, it } from 'vitest';
import { startBot } from '../../src/faces/telegram/start.ts';
import { createTelegramBot } from '../../src/ports/telegram/bot.ts';
import { until } from '../journal/workbench.ts';
import { type Bench, type BenchOptions, openBench } from './bench.ts';
import { ADA } from './bot-api.ts';
import { createHandClock } from './clock.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const open = async (options: BenchOptions = {}): Promise<Bench> => {
  const bench = await openBench(options);
  closing.push(bench.close);
  return bench;
};

const from = { chat: String(ADA), user: String(ADA), name: 'ada' };

/** As a process leaves it that died after it had written the message down. */
const leaveOpen = ({ place }: Bench, update: number, text: string, id = place.counter.ids(Date.now())) =>
  place.counter.journal.append<'message_received'>({
    type: 'message_received',
    data: { message: id, channel: 'telegram', update, from, text },
  });

const texts = ({ api }: Bench) => api.sent.map(({ text }) => text);

describe('a message', () => {
  it('that a process took in before it died is handled by the next one, once, although it comes again', async () => {
    const bench = await open();
    const update = bench.api.say('/pause alpha');
    leaveOpen(bench, update, '/pause alpha');
    bench.start();
    await bench.answers(update);
    await until(() => bench.api.pending().length === 0, 'the acknowledgement');
    await bench.stop();
    bench.start();
    await bench.ask('/cost');
    expect(bench.place.ofType('paused')).toHaveLength(1);
    expect(bench.place.ofType('message_received')).toHaveLength(2);
    expect(texts(bench)).toEqual([
      'alpha is paused; running cycles go on to their end.',
      expect.stringContaining('Today'),
    ]);
  });

  it('whose task was queued by a process that died before it could say so makes no second task', async () => {
    const bench = await open();
    leaveOpen(bench, 881, '/task @alpha once');
    const asker = { face: 'telegram', name: 'ada' } as const;
    await bench.desk.do({ command: 'add-task', text: 'once', session: 'alpha' }, { asker, key: 'telegram-881' });
    bench.start();
    await bench.answers(881);
    expect(bench.place.ofType('task_queued')).toHaveLength(1);
    expect(texts(bench)).toEqual([expect.stringMatching(/^Task \w{6} is queued for alpha/)]);
  });

  it('whose answer was laid out before its process died is not answered twice', async () => {
    const bench = await open();
    leaveOpen(bench, 881, '/cost', 'm881');
    bench.place.counter.journal.append<'message_queued'>({
      type: 'message_queued',
      data: {
        ...{ message: 'a881', channel: 'telegram', to: String(ADA), text: 'the answer' },
        about: { kind: 'answer', message: 'm881' },
      },
    });
    bench.start();
    await until(() => bench.place.ofType('message_handled').length === 1, 'its end');
    await bench.ask('/tasks');
    expect(texts(bench)).toEqual(['the answer', expect.stringContaining('No task waits')]);
  });

  it('that is delivered twice is one message', async () => {
    const bench = await open();
    bench.start();
    await bench.ask('/cost');
    const { data } = bench.place.ofType('message_received')[0]!;
    bench.api.put({
      update_id: data.update,
      message: { message_id: 31, chat: { id: ADA, type: 'private' }, from: { id: ADA }, text: '/cost' },
    });
    bench.api.put({
      update_id: data.update + 1,
      message: { message_id: 32, chat: { id: ADA, type: 'private' }, from: { id: ADA }, text: '/tasks' },
    });
    await bench.answers(data.update + 1);
    expect(texts(bench)).toEqual([expect.stringContaining('Today'), expect.stringContaining('No task')]);
  });

  it('of a bot that counts from elsewhere is heard all the same', async () => {
    const bench = await open();
    bench.start();
    await bench.ask('/cost');
    await bench.answers(
      bench.api.put({
        update_id: 7,
        message: { message_id: 1, chat: { id: ADA, type: 'private' }, from: { id: ADA }, text: '/tasks' },
      }),
    );
    expect(texts(bench)).toHaveLength(2);
  });

  it('waits in Telegram while too many wait here, and is lost neither there nor here', async () => {
    const bench = await open();
    for (let n = 0; n < 200; n += 1) leaveOpen(bench, n, `/log ${n}`);
    const { journal } = bench.place.counter;
    expect(Object.keys(journal.state().inbox.open)).toHaveLength(200);
    await expect(bench.mailbox.receive({ update: 900, from, text: 'one more' })).rejects.toThrow(
      'too many messages wait for an answer',
    );
    bench.start();
    expect(await bench.ask('/cost')).toContain('Today');
    expect(bench.place.ofType('message_handled')).toHaveLength(201);
  });
});

describe('Telegram', () => {
  it('is down for an hour: nothing is lost, nothing comes twice, and the order is kept', async () => {
    const clock = createHandClock(Date.now());
    const bench = await open({ clock });
    bench.start();
    await bench.answers(bench.api.say('/cost'));
    bench.api.outage({ status: 502, body: '<html>Bad Gateway</html>' });
    // Told before it went down, answered while it is down.
    leaveOpen(bench, 881, '/tasks');
    const later = ['/task @alpha one', '/task @alpha two', '/task @alpha three'].map((text) => bench.api.say(text));
    const began = clock.now();
    /** Time passes while nobody waits for an answer. */
    const pass = (): void => {
      if (bench.api.busy() === 0) clock.advance(1000);
    };
    await until(() => {
      pass();
      return clock.now() - began >= 3_600_000;
    }, 'an hour');
    expect(bench.api.sent).toHaveLength(1);
    expect(bench.told.filter((line) => line.startsWith('Telegram answers 502'))).toEqual([
      'Telegram answers 502: Bad Gateway. It is tried again by itself; nothing is lost meanwhile.',
    ]);
    bench.api.outage(undefined);
    await until(() => {
      pass();
      return bench.api.sent.length >= 5;
    }, 'all of it');
    await bench.answers(later.at(-1)!);
    const tasks = bench.place.ofType('task_queued').map(({ data }) => data.text);
    expect(tasks).toEqual(['one', 'two', 'three']);
    expect(texts(bench)).toEqual([
      expect.stringContaining('Today'),
      expect.stringContaining('No task waits'),
      ...tasks.map(() => expect.stringMatching(/^Task \w{6} is queued/)),
    ]);
    expect(bench.told.at(-1)).toBe('Telegram: @winnow_bot listens again; what was written meanwhile is there');
  });

  it('has another program at the same bot: it is said once, with what to do, however often they take turns', async () => {
    const clock = createHandClock(Date.now());
    const bench = await open({ clock });
    bench.start();
    await bench.ask('/cost');
    for (let turn = 0; turn < 6; turn += 1) {
      await until(() => {
        if (bench.api.busy() === 0 && !bench.api.waiting()) clock.advance(1000);
        return bench.api.waiting();
      }, 'its turn');
      await fetch(`${bench.api.url}/bot${bench.api.token}/getUpdates`, { method: 'POST', body: '{"timeout":0}' });
      await until(() => !bench.api.waiting(), 'the end of its turn');
    }
    const last = bench.api.say('/tasks');
    await until(() => {
      if (bench.api.busy() === 0 && !bench.api.waiting()) clock.advance(1000);
      return bench.place.ofType('message_handled').length === 2;
    }, 'what was written meanwhile');
    expect((await bench.answers(last))[0]!.text).toContain('No task');
    expect(bench.told).toEqual([
      'Telegram: @winnow_bot listens',
      'Telegram answers 409: Conflict: terminated by other getUpdates request; make sure that only one bot instance is running. Another program listens to this bot: stop it there, or make a bot of its own for each. It is tried again by itself.',
    ]);
  });

  it('knows no such token: it is said in a sentence, and nothing else stops', async () => {
    const bench = await open({ telegram: { token: '987654321:AAF-this-one-is-of-no-bot-000000001' } });
    bench.start();
    await until(() => bench.told.length === 1, 'the sentence');
    expect(bench.told).toEqual([
      'Telegram does not know this token (401). Take the token from @BotFather into .env, as in docs/telegram.md; everything else goes on.',
    ]);
    await bench.stop();
  });

  it('is not asked as long as there is no token', async () => {
    const clock = createHandClock(Date.now());
    const bench = await open({ clock, telegram: { token: undefined } });
    bench.start();
    await until(() => clock.sleeping(5000) > 0, 'its patience');
    clock.advance(5000);
    expect(bench.told).toEqual([]);
    expect(bench.api.calls).toEqual([]);
    bench.place.config.telegram!.token = bench.api.token;
    await until(() => {
      if (bench.api.busy() === 0 && !bench.api.waiting()) clock.advance(1000);
      return bench.told.length === 1;
    }, 'the bot');
    expect(bench.told).toEqual(['Telegram: @winnow_bot listens']);
    expect(await bench.ask('/cost')).toContain('Today');
  });
});

describe('two processes of one home', () => {
  it('do not cut each other off: one listens, the other takes over', async () => {
    const bench = await open();
    bench.start();
    await bench.ask('/cost');
    const stop = new AbortController();
    const told: string[] = [];
    const second = startBot({
      ...{ desk: bench.desk, mailbox: bench.mailbox, slots: bench.place.slots, clock: bench.place.counter.clock },
      bot: createTelegramBot({
        settings: () => bench.place.config.telegram,
        clock: bench.place.counter.clock,
        random: () => 0,
      }),
      tell: (line) => void told.push(line),
      signal: stop.signal,
    });
    await until(() => told.length === 1, 'its patience');
    expect(told).toEqual(['another process of this home listens to Telegram; this one takes over when it ends']);
    expect(await bench.ask('/cost')).toContain('Today');
    await bench.stop();
    await until(() => told.length === 2, 'its turn');
    expect(told[1]).toBe('Telegram: @winnow_bot listens');
    stop.abort();
    await second.ended;
  });

  it('end without waiting for a question that is open', async () => {
    const bench = await open();
    bench.start();
    await until(() => bench.api.waiting(), 'its question');
    await bench.stop();
    await until(() => !bench.api.waiting(), 'the end of the question');
  });
});
