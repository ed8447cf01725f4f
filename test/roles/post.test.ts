import { afterEach, describe, expect, it } from 'vitest';
import { UNTIL_RESUMED } from '../../src/model/crew.ts';
import { at, NOW } from '../policy/situations.ts';
import { type End, openEnd, reset } from '../ports/post/end.ts';
import { createChats, type Ends, openPostman, type Postman, park, unpark } from './postman.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const end = async (path?: string): Promise<End> => {
  const opened = await openEnd(path);
  open.push(opened);
  return opened;
};

const postman = async (...given: Parameters<typeof openPostman>): Promise<Postman> => {
  const opened = await openPostman(...given);
  open.push(opened);
  return opened;
};

const texts = ({ calls }: End): unknown[] => calls.map(({ body }) => body.content ?? body.text);

describe('a matter', () => {
  it('reaches every channel once, and its end quietly', async () => {
    const [discord, ops] = [await end(), await end()];
    const chats = createChats();
    const { later, post, journal, ofType } = await postman(
      { discord, webhooks: { ops }, chats: ['7', '8'] },
      undefined,
      [chats],
    );
    park({ journal }, 'alpha', UNTIL_RESUMED, 'the same error\nagain');
    await post.tick();
    await Promise.all([post.tick(), later(HOUR)]);
    expect(texts(discord)).toEqual([
      'Session alpha is parked until you resume it: the same error again.\nMend the cause, then `winnow resume alpha`.',
    ]);
    expect(ops.calls.map(({ body }) => body)).toEqual([
      {
        id: expect.stringMatching(/^0\w{25}$/) as string,
        ts: at(0),
        kind: 'session-parked',
        severity: 'act',
        state: 'raised',
        text: 'Session alpha is parked until you resume it: the same error again.',
        mend: 'Mend the cause, then `winnow resume alpha`.',
        notice: 'session-parked:alpha',
        home: 'home',
      },
    ]);
    expect(chats.heard.map(({ to, buttons }) => [to, buttons])).toEqual([
      ['7', [[{ label: 'Resume alpha', data: 'resume alpha' }]]],
      ['8', [[{ label: 'Resume alpha', data: 'resume alpha' }]]],
    ]);
    journal.append<'resumed'>({ type: 'resumed', session: 'alpha', data: { by: 'ann' } });
    await later(MINUTE);
    expect(texts(discord).slice(1)).toEqual(['Over after 1 h 01 min: session alpha goes on.']);
    expect(discord.calls[1]!.body.flags).toBe((1 << 12) | (1 << 2));
    expect(ops.calls[1]!.body).toMatchObject({ state: 'cleared', severity: 'info', notice: 'session-parked:alpha' });
    expect(ofType('notice_raised')).toHaveLength(1);
    expect(ofType('notice_cleared').map(({ data }) => data)).toEqual([
      { notice: 'session-parked:alpha', forMs: HOUR + MINUTE },
    ]);
    expect(journal.state().outbox).toEqual({});
  });

  it('is written down also where nobody is told', async () => {
    const { post, journal, ofType } = await postman();
    park({ journal }, 'alpha', UNTIL_RESUMED);
    await post.tick();
    expect(Object.keys(journal.state().notices)).toEqual(['session-parked:alpha']);
    expect(ofType('message_queued')).toEqual([]);
  });

  it('holds no secret, in the journal or in what is sent', async () => {
    const discord = await end('/api/webhooks/1/hunter2');
    const { post, journal, dir, told } = await postman({ discord });
    park({ journal }, 'beta', UNTIL_RESUMED);
    journal.append<'alert'>({ type: 'alert', data: { message: 'cannot log in', mend: 'Look at it.' } });
    await post.tick();
    await discord.down();
    park({ journal }, 'alpha', UNTIL_RESUMED, 'the password is hunter2');
    await post.tick();
    await discord.up();
    await post.close();
    discord.next.push(404);
    await (await postman({ discord }, { dir, clock: { now: NOW + HOUR } })).post.tick();
    expect(discord.calls.every(({ path }) => path === '/api/webhooks/1/hunter2?wait=true')).toBe(true);
    expect(discord.calls.length).toBeGreaterThan(1);
    const said = [...discord.calls.map(({ text }) => text), ...told].join('\n');
    expect(said).not.toContain('hunter2');
    const lines = journal.tail(1_000).filter(({ type }) => type !== 'session_parked');
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|127\.0\.0\.1/);
  });

  it('that flutters is told ever more seldom', async () => {
    const discord = await end();
    const man = await postman({ discord });
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      park(man, 'alpha', new Date(man.clock.now + HOUR).toISOString());
      await man.later(5 * MINUTE);
      unpark(man, 'alpha');
      await man.later(5 * MINUTE);
    }
    // At once, after five minutes, an hour, and every six hours from then on.
    expect(man.ofType('notice_raised').length).toBeLessThanOrEqual(7);
    expect(man.ofType('notice_raised').length).toBeGreaterThanOrEqual(5);
    expect(discord.calls).toHaveLength(man.ofType('notice_raised').length + man.ofType('notice_cleared').length);
  }, 60_000);

  it('of the configuration is over when the file is in order again, also where nothing new was loaded', async () => {
    const discord = await end();
    const man = await postman({ discord });
    man.journal.append<'config_rejected'>({ type: 'config_rejected', data: { problems: ['found x, expected y'] } });
    man.problems.push('found x, expected y');
    expect(await man.post.tick()).toBe(NOW + MINUTE);
    expect(discord.calls).toEqual([]);
    await man.later(MINUTE);
    man.problems.pop();
    await man.later(MINUTE);
    expect(texts(discord)).toMatchObject(
      [/^An edit/, /^Over after 1 min/].map((words) => expect.stringMatching(words) as string),
    );
  });

  it('of an alert is told once and passes without a word', async () => {
    const discord = await end();
    const man = await postman({ discord });
    man.journal.append<'alert'>({ type: 'alert', data: { message: 'it fails', mend: 'Look.' } });
    await man.post.tick();
    const again = await man.another();
    open.push(again);
    await man.post.close();
    await again.later(71 * HOUR);
    expect(Object.keys(again.journal.state().notices)).toHaveLength(1);
    await again.later(2 * HOUR);
    expect(again.journal.state().notices).toEqual({});
    expect(texts(discord)).toEqual(['It fails.\nLook.']);
  });
});

describe('quiet hours', () => {
  const quiet = { from: 22 * 60, to: 7 * 60, timezone: 'UTC' };
  const night = async (ends: Ends = {}) => {
    const discord = await end();
    const man = await postman({ discord, ...ends, notify: { quiet } });
    man.clock.now = Date.parse('2026-03-14T23:00:00.000Z');
    return { discord, man };
  };

  it('keep back what may wait, let through what is urgent, and end with one message', async () => {
    const { discord, man } = await night();
    park(man, 'alpha', UNTIL_RESUMED);
    expect(await man.post.tick()).toBe(Date.parse('2026-03-15T07:00:00.000Z'));
    await man.later(HOUR);
    man.journal.append<'gate_closed'>({
      type: 'gate_closed',
      data: { gate: 'account', reason: 'not logged in', figures: {} },
    });
    park(man, 'beta', UNTIL_RESUMED);
    await man.post.tick();
    expect(texts(discord)).toMatchObject([expect.stringMatching(/^URGENT: All sessions wait/) as string]);
    await man.later(7 * HOUR);
    expect(texts(discord).slice(1)).toEqual([
      [
        '2 messages since Mar 14, 23:00 UTC:',
        '',
        'Session alpha is parked until you resume it: it failed.',
        'Mend the cause, then `winnow resume alpha`.',
        '',
        'Session beta is parked until you resume it: it failed.',
        'Mend the cause, then `winnow resume beta`.',
      ].join('\n'),
    ]);
    await man.later(HOUR);
    expect(discord.calls).toHaveLength(2);
    expect(man.ofType('message_sent')).toHaveLength(3);
  });

  it('say nothing of what came and went within them', async () => {
    const { discord, man } = await night();
    park(man, 'alpha', new Date(man.clock.now + HOUR).toISOString());
    await man.post.tick();
    unpark(man, 'alpha');
    await man.later(9 * HOUR);
    expect(discord.calls).toEqual([]);
    expect(man.journal.state().outbox).toEqual({});
    expect(man.ofType('message_failed').map(({ data }) => data.reason)).toEqual(['it was over before it was told']);
  });

  it('tell only the last word of what changed within them', async () => {
    const { discord, man } = await night();
    park(man, 'alpha', new Date(man.clock.now + 20 * HOUR).toISOString());
    await man.post.tick();
    park(man, 'alpha', UNTIL_RESUMED);
    await man.later(HOUR);
    await man.later(8 * HOUR);
    expect(texts(discord)).toMatchObject([
      expect.stringMatching(/^Session alpha is parked until you resume it/) as string,
    ]);
  });

  it('give each matter by itself to programs', async () => {
    const ops = await end();
    const { man } = await night({ webhooks: { ops } });
    park(man, 'alpha', UNTIL_RESUMED);
    park(man, 'beta', UNTIL_RESUMED);
    await man.post.tick();
    expect(ops.calls).toEqual([]);
    await man.later(9 * HOUR);
    expect(ops.calls.map(({ body }) => body.notice)).toEqual(['session-parked:alpha', 'session-parked:beta']);
  });

  it('do not keep back an answer', async () => {
    const chats = createChats();
    const man = await postman({ chats: ['7'], notify: { quiet } }, undefined, [chats]);
    man.clock.now = Date.parse('2026-03-14T23:00:00.000Z');
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    man.journal.append<'message_queued'>({
      type: 'message_queued',
      data: {
        message: 'a1',
        channel: 'telegram',
        to: '7',
        text: 'All is well.',
        about: { kind: 'answer', message: 'in1' },
      },
    });
    await man.post.tick();
    expect(chats.heard.map(({ text }) => text)).toEqual(['All is well.']);
  });
});

describe('a channel that is down for an hour', () => {
  it('gets everything afterwards, once, in order, and as one message', async () => {
    const [discord, ops] = [await end(), await end()];
    const man = await postman({ discord, webhooks: { ops } });
    await discord.down();
    await ops.down();
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    for (let minute = 0; minute < 60; minute += 1) {
      if (minute === 20) park(man, 'beta', UNTIL_RESUMED);
      if (minute === 40) man.journal.append<'alert'>({ type: 'alert', data: { message: 'it fails', mend: 'Look.' } });
      await man.later(MINUTE);
    }
    await discord.up();
    await ops.up();
    for (let minute = 0; minute < 30; minute += 1) await man.later(MINUTE);
    expect(texts(discord)).toMatchObject([
      expect.stringMatching(
        /^3 messages since 10:00 UTC:\n\nSession alpha[\s\S]*Session beta[\s\S]*It fails/,
      ) as string,
    ]);
    expect(ops.calls.map(({ body }) => body.notice)).toEqual([
      'session-parked:alpha',
      'session-parked:beta',
      expect.stringMatching(/^alert:/) as string,
    ]);
    expect(man.journal.state().outbox).toEqual({});
    // Ever more seldom: not once a minute.
    const attempts = man.ofType('message_failed').filter(({ data }) => data.retryAt !== undefined);
    expect(attempts.length).toBeLessThan(60);
    expect(man.told.filter((line) => line.includes('discord')).length).toBeLessThan(5);
  }, 60_000);

  it('holds up no other channel', async () => {
    const [discord, ops] = [await end(), await end()];
    const man = await postman({ discord, webhooks: { ops } });
    await discord.down();
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    expect(ops.calls).toHaveLength(1);
  });
});

describe('the other side', () => {
  it('that asks to wait is left alone for so long', async () => {
    const discord = await end();
    const man = await postman({ discord });
    discord.next.push({
      status: 429,
      body: '{"message":"You are being rate limited.","retry_after":64.57,"global":false}',
    });
    park(man, 'alpha', UNTIL_RESUMED);
    expect(await man.post.tick()).toBe(NOW + 64_570);
    expect(await man.later(64_000)).toBe(NOW + 64_570);
    expect(discord.calls).toHaveLength(1);
    await man.later(1_000);
    expect(discord.calls).toHaveLength(2);
    expect(man.journal.state().outbox).toEqual({});
  });

  it.each([
    [0, 1_000],
    [1e9, 6 * HOUR],
  ])('that asks for %i seconds is not taken at its word', async (seconds, waited) => {
    const discord = await end();
    const man = await postman({ discord });
    discord.next.push({ status: 429, headers: { 'retry-after': String(seconds) } });
    park(man, 'alpha', UNTIL_RESUMED);
    expect(await man.post.tick()).toBe(NOW + waited);
    expect(discord.calls).toHaveLength(1);
  });

  it('that fails is asked again by and by', async () => {
    const discord = await end();
    const man = await postman({ discord });
    discord.next.push(500, 503, 500);
    park(man, 'alpha', UNTIL_RESUMED);
    const waits: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const next = await man.post.tick();
      waits.push((next ?? man.clock.now) - man.clock.now);
      man.clock.now = next ?? man.clock.now;
    }
    expect(waits.slice(0, 3)).toEqual([4_000, 8_000, 16_000]);
    expect(discord.calls).toHaveLength(4);
    expect(man.ofType('message_failed').map(({ data }) => data.reason)).toEqual([
      'Discord answers 500',
      'Discord answers 503',
      'Discord answers 500',
    ]);
  });

  it('that says never is not asked again, and the others hear of it once', async () => {
    const [discord, ops] = [await end(), await end()];
    const man = await postman({ discord, webhooks: { ops } });
    discord.next.push(404, 404, 404, 404);
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    await man.later(MINUTE);
    park(man, 'beta', UNTIL_RESUMED);
    await man.later(MINUTE);
    expect(man.ofType('alert').map(({ data }) => data.message)).toEqual([
      'discord takes no messages: Discord answers 404',
    ]);
    expect(ops.calls.map(({ body }) => body.text)).toEqual([
      'Session alpha is parked until you resume it: it failed.',
      'Discord takes no messages: Discord answers 404.',
      'Session beta is parked until you resume it: it failed.',
    ]);
    expect(man.journal.state().outbox).toEqual({});
  });

  it('that cannot be reached for days is given up, message by message', async () => {
    const discord = await end();
    const man = await postman({ discord });
    await discord.down();
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    await man.later(71 * HOUR);
    expect(Object.keys(man.journal.state().outbox)).toHaveLength(1);
    park(man, 'beta', UNTIL_RESUMED);
    await man.later(2 * HOUR);
    expect(Object.values(man.journal.state().outbox).map(({ text }) => text.slice(0, 12))).toEqual(['Session beta']);
    expect(man.ofType('message_failed').at(-2)?.data.reason).toMatch(/given up after 3 days$/);
    expect(man.ofType('alert')).toHaveLength(1);
  });

  it('that hangs up may have it: a program gets it again under its id, a person is told that it may be a repetition', async () => {
    const [discord, ops] = [await end(), await end()];
    const man = await postman({ discord, webhooks: { ops } });
    discord.next.push(reset);
    ops.next.push(reset);
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    await man.later(MINUTE);
    await man.later(MINUTE);
    const [first, second, ...others] = ops.calls;
    expect(others).toEqual([]);
    expect(second!.headers['x-winnow-id']).toBe(first!.headers['x-winnow-id']);
    expect(second!.text).toBe(first!.text);
    expect(texts(discord)).toEqual([
      expect.not.stringContaining('repetition') as string,
      expect.stringContaining('(This may be a repetition') as string,
    ]);
  });
});

describe('an end of the process', () => {
  it('between the messages and the matter tells it once', async () => {
    const ops = await end();
    const man = await postman({ webhooks: { ops } });
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    // As if it had died before the notice and before the call: the queue is there, and nothing after it.
    const [queued] = man.ofType('message_queued');
    const fresh = await postman({ webhooks: { ops } });
    park(fresh, 'alpha', UNTIL_RESUMED);
    fresh.journal.append<'message_queued'>({ type: 'message_queued', data: queued!.data });
    await fresh.post.tick();
    expect(fresh.ofType('message_queued')).toHaveLength(1);
    expect(fresh.ofType('notice_raised')).toHaveLength(1);
    expect(ops.calls).toHaveLength(2);
  });

  it('while it sent leaves a message that is sent again, and said to be so', async () => {
    const [discord, ops] = [await end(), await end()];
    const man = await postman({ discord, webhooks: { ops } });
    await discord.down();
    await ops.down();
    park(man, 'alpha', UNTIL_RESUMED);
    await man.post.tick();
    for (const message of Object.keys(man.journal.state().outbox)) {
      man.journal.append<'message_sending'>({ type: 'message_sending', data: { message, pid: 1, start: '1' } });
    }
    await man.post.close();
    await discord.up();
    await ops.up();
    const next = await man.another();
    open.push(next);
    await next.later(MINUTE);
    expect(texts(discord)).toMatchObject([expect.stringContaining('(This may be a repetition') as string]);
    expect(ops.calls.map(({ headers }) => headers['x-winnow-id'])).toEqual([
      man.ofType('message_queued').find(({ data }) => data.channel === 'webhook')!.data.message,
    ]);
    expect(next.journal.state().outbox).toEqual({});
  });

  it('in the middle of a call lets that call end', async () => {
    const discord = await end();
    const man = await postman({ discord });
    discord.next.push((response) => {
      man.stop.abort();
      setImmediate(() => response.writeHead(200).end('{"id":"9"}'));
    });
    park(man, 'alpha', UNTIL_RESUMED);
    park(man, 'beta', UNTIL_RESUMED);
    await man.post.tick();
    await man.post.close();
    expect(man.ofType('message_sent').map(({ data }) => data.reference)).toEqual(['9', '9']);
  });
});

describe('two processes', () => {
  it('tell it once, and the second goes on where the first has ended', async () => {
    const discord = await end();
    const man = await postman({ discord });
    const other = await man.another();
    open.push(other);
    park(man, 'alpha', UNTIL_RESUMED);
    await Promise.all([man.post.tick(), other.post.tick(), man.post.tick(), other.post.tick()]);
    expect(discord.calls).toHaveLength(1);
    await man.post.close();
    park(man, 'beta', UNTIL_RESUMED);
    await other.post.tick();
    await other.post.tick();
    expect(discord.calls).toHaveLength(2);
  });
});

describe('summaries', () => {
  const day = Date.parse('2026-03-14T07:00:00.000Z');

  it('of the day are told when they are due, with figures of the journal, once', async () => {
    const discord = await end();
    const man = await postman({ discord });
    man.clock.now = day - 2 * HOUR;
    man.journal.append<'agent_ran'>({
      type: 'agent_ran',
      data: {
        ...{ run: '1', purpose: 'plan', model: 'haiku', ok: true, attempt: 1, exitCode: 0, turns: 1, costUsd: 1.25 },
        ...{
          tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
          durationMs: 1,
          transcript: 't',
          survivorsKilled: 0,
        },
      },
    });
    await man.post.tick();
    expect(discord.calls).toEqual([]);
    man.clock.now = day + 1;
    await man.post.tick();
    await man.later(HOUR);
    const again = await man.another();
    open.push(again);
    await man.post.close();
    await again.later(HOUR);
    expect(texts(discord)).toEqual([
      'The last day: 0 landed, 0 discarded, $1.25 spent.\n0 cycles: 0 pushed, 0 discarded, 0 failed.',
    ]);
  });

  it('of a day on which nothing happened are told to nobody', async () => {
    const discord = await end();
    const man = await postman({ discord });
    await man.later(24 * HOUR);
    expect(discord.calls).toEqual([]);
  });

  it.each([
    [true, 1],
    [false, 0],
  ])('of a standup are told where they are wanted (%s)', async (standup, times) => {
    const discord = await end();
    const man = await postman({ discord, notify: { standup } });
    man.journal.append<'team_standup'>({
      type: 'team_standup',
      data: {
        ...{
          form: 'full',
          trigger: 'schedule',
          sessions: [],
          warnings: [],
          summary: 'Two land, one is stuck',
          blockers: [],
        },
        ...{
          priorities: ['green tests', 'the parser'],
          runs: 4,
          costUsd: 0.42,
          durationMs: 1,
          file: 'logs/standups/1.md',
        },
        tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      },
    });
    await man.post.tick();
    await man.later(MINUTE);
    expect(texts(discord)).toEqual(
      Array.from(
        { length: times },
        () => 'Standup: Two land, one is stuck.\n1. green tests\n2. the parser\nMinutes: logs/standups/1.md ($0.42)',
      ),
    );
  });
});
