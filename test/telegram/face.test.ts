import { afterEach, describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import type { BotEars } from '../../src/desk/bot-ears.ts';
import { failed } from '../../src/model/failure.ts';
import { until } from '../journal/workbench.ts';
import { DATA } from '../model/examples.ts';
import { type Bench, type BenchOptions, openBench } from './bench.ts';
import { ADA } from './bot-api.ts';

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const open = async (options: BenchOptions = {}): Promise<Bench> => {
  const bench = await openBench(options);
  benches.push(bench);
  bench.start();
  return bench;
};

/** A session had a plan, and its branch waits. */
const push = ({ place }: Bench, branch = 'brl/alpha/20260314-091500', title = 'Search without accents'): void => {
  const { journal } = place.counter;
  const where = { project: 'api', session: branch.split('/')[1]!, cycle: `c-${branch}` };
  const plan = { ...DATA.plan_made.plan, title };
  journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: DATA.cycle_started });
  journal.append<'plan_made'>({ type: 'plan_made', ...where, data: { ...DATA.plan_made, plan } });
  journal.append<'branch_pushed'>({ type: 'branch_pushed', ...where, data: { ...DATA.branch_pushed, branch } });
  journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data: { ...DATA.ralph_cycle, plan } });
};

/** How each message was handled, the oldest first. */
const handled = ({ place }: Bench) =>
  place.ofType('message_handled').map(({ data: { by, action, note } }) => [by, action, note]);

describe('commands', () => {
  it('say how it goes, in lines for a phone', async () => {
    const bench = await open();
    push(bench);
    expect(await bench.ask('/status')).toMatchInlineSnapshot(`
      "Winnow is NOT RUNNING. Start it with \`winnow up\`.

      · alpha: waiting
         waits for its next cycle (in 14m)
      · beta: waiting
         ready: starts with \`winnow up\`

      Queue: 1 branch
      Tasks: 0 queued
      Today: $0.00 of $20.00"
    `);
    expect(bench.api.sent[0]!.buttons.flat().map(({ text }) => text)).toEqual(['Queue', 'Tasks', 'Log', 'Pause all']);
    expect(handled(bench)).toEqual([['command', 'status', 'status']]);
  });

  it('show the queue with what can be decided', async () => {
    const bench = await open();
    expect(await bench.ask('/queue')).toBe('Nothing waits.');
    push(bench);
    push(bench, 'brl/beta/20260314-101500', 'Cache *the* <b>list</b>\u202e');
    expect(await bench.ask('/queue@winnow_bot')).toMatchInlineSnapshot(`
      "1. Search without accents
      pending, now, api
      alpha/20260314-091500

      2. Cache *the* <b>list</b>
      pending, now, api
      beta/20260314-101500"
    `);
    expect(bench.api.sent.at(-1)!.buttons).toMatchInlineSnapshot(`
      [
        [
          {
            "callback_data": "show alpha/20260314-091500",
            "text": "1 Show",
          },
          {
            "callback_data": "approve alpha/20260314-091500 4f2a9c1e8b",
            "text": "Approve",
          },
          {
            "callback_data": "reject alpha/20260314-091500 4f2a9c1e8b",
            "text": "Reject",
          },
        ],
        [
          {
            "callback_data": "show beta/20260314-101500",
            "text": "2 Show",
          },
          {
            "callback_data": "approve beta/20260314-101500 4f2a9c1e8b",
            "text": "Approve",
          },
          {
            "callback_data": "reject beta/20260314-101500 4f2a9c1e8b",
            "text": "Reject",
          },
        ],
      ]
    `);
    expect(await bench.press('2 Show')).toMatchInlineSnapshot(`
      "Cache *the* <b>list</b>
      beta/20260314-101500
      at 4f2a9c1e8b, api, now

      Pending"
    `);
  });

  it('queue work, list it and take it out again', async () => {
    const bench = await open();
    expect(await bench.ask('/task')).toBe(
      '/task needs its text: what is to be done; may begin with @session or #project.\nIt is written /task <text>',
    );
    expect(await bench.ask('/task make the search ignore accents')).toMatch(/^Say which project/);
    expect(await bench.ask('/task @alpha make the search\nignore accents')).toMatch(
      /^Task \w{6} is queued for alpha; nothing runs now, so it waits for `winnow up`\.$/,
    );
    expect(await bench.ask('/task #web second')).toMatch(/is queued for web;/);
    expect(await bench.ask('/task @nobody third')).toMatch(/^There is no session nobody; there are alpha, beta\./);
    const [first] = bench.desk.tasks(false);
    expect(first).toMatchObject({ text: 'make the search\nignore accents', session: 'alpha' });
    expect(await bench.ask('/tasks')).toContain('make the search ignore accents\n   queued, normal, alpha, api');
    expect(await bench.press('Cancel it')).toMatch(/^Take this out of the queue\?/);
    expect(await bench.press('Yes')).toMatch(/^Task \w{6} is out of the queue: second$/);
    expect(await bench.ask(`/task cancel ${first!.id.slice(-6)}`)).toMatch(/is out of the queue: make the search/);
    expect(bench.desk.tasks(false)).toEqual([]);
  });

  it('hold work and let it go on', async () => {
    const bench = await open();
    expect(await bench.ask('/pause alpha it breaks the tests')).toBe(
      'alpha is paused; running cycles go on to their end.',
    );
    expect(bench.place.ofType('paused').at(-1)).toMatchObject({
      session: 'alpha',
      data: { by: 'ada (telegram)', reason: 'it breaks the tests' },
    });
    expect(await bench.press('Resume')).toBe('alpha goes on.');
    expect(await bench.ask('/pause nobody')).toMatch(/^There is no session nobody; there are alpha, beta\./);
    expect(await bench.ask('/status')).toContain('NOT RUNNING');
    expect(await bench.press('Pause all')).toMatch(/^Pause everything\?/);
    expect(await bench.press('No')).toBe('Good, nothing is done.');
    expect(bench.place.counter.journal.state().paused).toBeUndefined();
    await bench.press('Pause all');
    expect(await bench.press('Yes')).toBe('everything is paused; running cycles go on to their end.');
    expect(await bench.ask('/resume')).toBe('everything goes on.');
  });

  it('ask for a review, a standup and a doctor, and tell what came of it', async () => {
    const bench = await open();
    expect(await bench.ask('/review')).toBe('A review is written down. Nothing runs now, so it waits for `winnow up`.');
    expect(await bench.ask('/review')).toMatch(/^A review is asked for already\. I tell you/);
    expect(await bench.ask('/standup long')).toBe(
      '/standup takes nothing, or the word short.\nIt is written /standup [short]',
    );
    expect(await bench.ask('/standup short')).toMatch(/^A short standup is written down\./);
    expect(await bench.ask('/doctor rules')).toMatch(/^A doctor’s round by rule alone is written down\./);
    const [review] = bench.desk.requests(false);
    expect(review).toMatchObject({ what: 'review', by: { face: 'telegram', name: 'ada' } });
    const before = bench.api.sent.length;
    bench.place.counter.journal.append<'request_settled'>({
      type: 'request_settled',
      data: { request: review!.id, done: true, note: '2 of 2 branches reviewed' },
    });
    await until(() => bench.api.sent.length === before + 2, 'what came of it');
    expect(bench.api.sent.slice(before).map(({ text }) => text)).toEqual([
      '✅ A review: 2 of 2 branches reviewed',
      '✅ A review: 2 of 2 branches reviewed',
    ]);
  });

  it('tell of one session, of what happened, of the costs, of the skills and of what there is', async () => {
    const bench = await open();
    bench.place.counter.journal.append<'paused'>({
      type: 'paused',
      session: 'alpha',
      project: 'api',
      data: { by: 'ada', reason: 'lunch' },
    });
    expect(await bench.ask('/session alpha')).toMatchInlineSnapshot(`
      "⏸ alpha: paused
         paused by ada
      Focus: mend what is red

      Cycles: 0, 0 pushed; $0.00"
    `);
    expect(await bench.ask('/session gamma')).toMatch(/^There is no session "gamma"; there are alpha, beta\./);
    expect(await bench.ask('/log alpha 5')).toMatch(/^\d\d:\d\d alpha: paused by ada: lunch\n\(hours are UTC\)$/);
    expect(await bench.ask('/log beta')).toBe('Nothing of that is in the journal.');
    expect(await bench.ask('/log 3')).toContain('alpha: paused by ada: lunch');
    expect(await bench.ask('/cost')).toBe('Today: $0.00 of $20.00\nCycles: 0 pushed, 0 discarded');
    expect(await bench.ask('/skills')).toBe('The crew has no skill yet.');
    expect(await bench.ask('/undo something')).toBe('There is no bot skill.');
    expect(await bench.ask('/start')).toMatchInlineSnapshot(`
      "What I can do:

      /status
         what everybody is doing
      /queue
         branches that wait, with buttons
      /show <branch>
         one branch: figures, review, what it changes
      /diff <branch>
         the patch of a branch
      /approve <branch> [commit] [reason]
         let a branch land
      /reject <branch> [commit] [reason]
         end a branch; its patch is kept
      /review [branch]
         let the reviewer look at what waits
      /standup [short]
         hold a standup
      /doctor [rules]
         let the doctor look at the sessions
      /task <text>
         queue work
      /tasks
         work that is queued
      /cancel <task>
         take work out of the queue
      /pause [session] [reason]
         start no new cycles
      /resume [session]
         let it go on
      /session <session>
         one session: what it does and did
      /log [session] [count]
         what happened last
      /cost
         what was spent
      /skills
         what the crew and the bot learned
      /undo <skill>
         forget a bot skill

      Or say it in your own words: “how is it going?”, “pause alpha”."
    `);
  });

  it('that are mistyped are answered with what was probably meant', async () => {
    const bench = await open();
    expect(await bench.ask('/statsu')).toBe('There is no /statsu.\nIt is written /status');
    expect(await bench.ask('/frobnicate')).toBe('There is no /frobnicate. /help shows what there is.');
    expect(await bench.ask('/show nothing')).toMatch(/^No branch in the queue is called "nothing"/);
  });

  it('to another bot of the group are none of its business', async () => {
    const bench = await open({ telegram: { chats: [-100] } });
    const group = { chat: -100, type: 'group' } as const;
    await bench.answers(bench.api.say('/status@other_bot', group));
    expect(bench.api.sent).toEqual([]);
    expect((await bench.answers(bench.api.say('/cost@Winnow_Bot', group)))[0]!.chat).toBe('-100');
  });
});

describe('who may', () => {
  it('is in a chat that is named; a stranger gets no answer, and one line a day', async () => {
    const bench = await open();
    const stranger = { chat: 666, user: 666, name: 'mallory' };
    bench.api.say('/status', stranger);
    bench.api.say('/pause my secret words', stranger);
    bench.api.press('pause !', stranger);
    bench.api.say('hello', { chat: 667, user: 667 });
    await bench.ask('/cost');
    expect(bench.place.ofType('stranger_refused').map(({ data }) => data)).toEqual([
      { channel: 'telegram', chat: '666', user: '666' },
      { channel: 'telegram', chat: '667', user: '667' },
    ]);
    expect(bench.api.sent.map(({ chat }) => chat)).toEqual([String(ADA)]);
    expect(bench.place.ofType('paused')).toEqual([]);
    expect(JSON.stringify(bench.place.counter.journal.tail(100))).not.toMatch(/secret words|mallory/);
    expect(bench.api.calls.map(({ method }) => method)).not.toContain('answerCallbackQuery');
  });

  it('is a user that is named, where users are', async () => {
    const bench = await open({ telegram: { chats: [-100, ADA], users: [String(ADA)] } });
    const group = { chat: -100, type: 'group' } as const;
    bench.api.say('/pause', { ...group, user: 7, name: 'grace' });
    bench.api.press('pause !', { ...group, user: 7, name: 'grace' });
    bench.api.say('/pause', { ...group, message_: { from: undefined, sender_chat: { id: -100 } } });
    const [answer] = await bench.answers(bench.api.say('/cost', group));
    expect(answer!.chat).toBe('-100');
    expect(bench.place.ofType('message_received').map(({ data }) => data.text)).toEqual(['/cost']);
    expect(bench.place.ofType('stranger_refused')).toHaveLength(1);
  });

  it('is nobody as long as nobody is named, and changes with the configuration', async () => {
    const bench = await open({ telegram: { chats: [] } });
    bench.api.say('/status');
    await until(() => bench.place.ofType('stranger_refused').length === 1, 'the refusal');
    bench.place.config.telegram!.chats = [ADA];
    expect(await bench.ask('/cost')).toContain('Today');
  });
});

describe('what comes from outside', () => {
  it('is cut, and answered, when it is a megabyte', async () => {
    const bench = await open();
    expect(await bench.ask('漢'.repeat(350_000))).toMatch(/^I did not understand that\./);
    const [message] = bench.place.ofType('message_received');
    expect(message!.data).toMatchObject({ cut: true, from: { name: 'ada' } });
    expect(await bench.ask('/cost')).toContain('Today');
  });

  it('is no text: a person is told so, once each', async () => {
    const bench = await open();
    const send = (more: object) => bench.api.say('', { message_: { text: undefined, ...more } });
    const texts = [];
    for (const more of [{ voice: {} }, { photo: [], caption: '/pause' }, { document: {} }])
      texts.push((await bench.answers(send(more))).map(({ text }) => text).join());
    expect(texts).toEqual([
      'I cannot hear voice messages yet. Write it to me, please; /help says what I understand.',
      'I cannot look at pictures yet. Write it to me, please; /help says what I understand.',
      'I cannot read that yet. Write it to me, please; /help says what I understand.',
    ]);
    const edit = { message_id: 1, chat: { id: ADA, type: 'private' }, from: { id: ADA }, text: '/pause' };
    expect((await bench.answers(bench.api.put({ edited_message: edit })))[0]!.text).toMatch(
      /^I go by what was written/,
    );
    expect(bench.place.ofType('paused')).toEqual([]);
    expect(handled(bench).map(([by]) => by)).toEqual(['none', 'none', 'none', 'none']);
  });

  it('neither turns a line around nor becomes markup, on the way in and out', async () => {
    const bench = await open();
    push(bench, 'brl/alpha/[x](http://evil)_*`', '<a href="http://evil">click</a>\u202egnp.exe\u0007 \ud83d');
    const shown = await bench.ask('/sho\u202ew [x](http://evil)_*`');
    expect(shown).toContain('<a href="http://evil">click</a>gnp.exe');
    expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\ud800-\udbff]/);
    for (const { body } of bench.api.calls.filter(({ method }) => method === 'sendMessage'))
      expect(body).not.toHaveProperty('parse_mode');
    expect(await bench.ask('\u200b\u202e')).toMatch(/^There were no words in that/);
  });

  it('holds no secret when it is written down', async () => {
    const bench = await open();
    await bench.ask('/task @alpha log in with hunter2-hunter2');
    expect(JSON.stringify(bench.place.counter.journal.tail(100))).not.toContain('hunter2-hunter2');
    expect(JSON.stringify(bench.api.sent)).not.toContain('hunter2-hunter2');
  });

  it('presses a button that Winnow never made', async () => {
    const bench = await open();
    for (const data of ['', 'constructor', 'approve', 'pause alpha !!', 'reject x y z', '{"a":1}', '__proto__ x !']) {
      const [answer] = await bench.answers(bench.api.press(data));
      expect(answer!.text, data).not.toContain('my fault');
    }
    expect(bench.place.ofType('cto_review')).toEqual([]);
    expect(bench.place.ofType('paused')).toEqual([]);
  });
});

describe('free words', () => {
  const ears = (more: Partial<BotEars> = {}): BotEars => ({
    understand: () => undefined,
    ask: async () => ok({ intent: undefined, confirm: false, costUsd: 0.002 }),
    skills: () => [{ name: 'how-much', says: 'answers “how much?” with cost' }],
    undo: async (skill) =>
      skill === 'how-much' ? ok('how-much is forgotten') : failed('not-found', `there is no bot skill ${skill}`),
    ...more,
  });

  it('are understood by rule or by skill first, and the journal says by which', async () => {
    const bench = await open({
      ears: ears({
        understand: (text) =>
          text === 'how is it going?'
            ? { by: 'rule', intent: { action: 'status', args: {} } }
            : text === 'how much?'
              ? { by: 'skill', skill: 'how-much', intent: { reply: 'today it was $1.20' } }
              : undefined,
      }),
    });
    expect(await bench.ask('how is it going?')).toMatch(/^Winnow is NOT RUNNING/);
    expect(await bench.ask('how much?')).toBe('today it was $1.20');
    expect(bench.place.ofType('message_handled').map(({ data: { by, skill, action } }) => [by, skill, action])).toEqual(
      [
        ['rule', undefined, 'status'],
        ['skill', 'how-much', undefined],
      ],
    );
  });

  it('go to a model when nothing else understood, which says what it took them for', async () => {
    const bench = await open({
      ears: ears({ ask: async () => ok({ intent: { action: 'cost', args: {} }, confirm: false, costUsd: 0.003 }) }),
    });
    expect(await bench.ask('wie teuer war das?')).toBe(
      'I take that as /cost.\n\nToday: $0.00 of $20.00\nCycles: 0 pushed, 0 discarded',
    );
    expect(bench.place.ofType('message_handled')[0]!.data).toMatchObject({
      by: 'model',
      action: 'cost',
      costUsd: 0.003,
    });
  });

  it('that nobody understood are answered with what there is, and remembered as not understood', async () => {
    const bench = await open({ ears: ears() });
    expect(await bench.ask('sing me a song')).toMatch(/^I did not understand that\. I can do this: \/status/);
    expect(bench.place.ofType('message_handled')[0]!.data).toMatchObject({
      by: 'none',
      note: 'not understood',
      costUsd: 0.002,
    });
  });

  it('are no order that cannot be taken back: the person is asked first', async () => {
    const bench = await open({
      ears: ears({ understand: () => ({ by: 'rule', intent: { action: 'pause', args: { session: 'alpha' } } }) }),
    });
    expect(await bench.ask('could you stop alpha')).toMatch(/^Pause alpha\?/);
    expect(bench.place.ofType('paused')).toEqual([]);
    expect(await bench.press('Yes')).toBe('alpha is paused; running cycles go on to their end.');
    // Pressed, a question has had its use.
    await until(() => bench.api.calls.some(({ method }) => method === 'editMessageReplyMarkup'), 'the buttons to go');
  });

  it('that a model could not be asked about are told honestly', async () => {
    const bench = await open({
      ears: ears({ ask: async () => failed('budget-run', 'the budget for understanding is spent') }),
    });
    expect(await bench.ask('sing')).toMatch(/^I did not understand that/);
    expect(handled(bench)).toEqual([
      ['none', undefined, 'not understood, and no model was asked: the budget for understanding is spent'],
    ]);
  });

  it('learned wrongly are forgotten, after a question', async () => {
    const bench = await open({ ears: ears() });
    expect(await bench.ask('/skills')).toContain('how-much: answers “how much?” with cost');
    expect(await bench.ask('/undo how-much')).toBe('how-much is forgotten.');
    const [asked] = await bench.answers(bench.api.press('undo how-much'));
    expect(asked!.text).toBe('Forget the bot skill how-much?');
  });
});
