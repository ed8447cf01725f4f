import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelRequest, Scenario } from '../../src/demo/scenario.ts';
import { createBotEars } from '../../src/desk/bot-ears.ts';
import { upkeepsOf } from '../../src/desk/carry-out.ts';
import { createDesk } from '../../src/desk/desk.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { takeRequests } from '../../src/desk/requests.ts';
import { startUpkeep } from '../../src/desk/upkeep-at-work.ts';
import { removeBotSkill } from '../../src/flow/upkeep.ts';
import type { EntryData } from '../../src/model/entry.ts';
import { renderBotSkill } from '../../src/ports/home/bot-skills.ts';
import { createUpkeep, type Upkept } from '../../src/roles/upkeep.ts';
import { createWorkbench, WAIT_MAX_MS, type Workbench } from './workbench.ts';

/** A bot with a past in the journal: the real Claude Code is asked, and its words alone are given. */

let bench: Workbench;
let factory: Factory;
const asked: ModelRequest[] = [];
/** What the model says; text is no answer by the schema. */
let said: unknown;
const BOT: Scenario = {
  steps: [
    (request) => {
      asked.push(request);
      return { blocks: [typeof said === 'string' ? said : { answer: said }] };
    },
  ],
  after: 'repeat-last',
};
/** A fault that nobody expects ends the test. */
const rethrow = (error: unknown): never => {
  throw error;
};

const never = new AbortController().signal;

const open = async (telegram: Record<string, unknown> = {}): Promise<void> => {
  asked.length = 0;
  bench = await createWorkbench({
    sessions: ['alpha', 'beta'],
    scenarios: { bot: BOT },
    config: { telegram: { chats: [4711, '-100200'], model: 'haiku', ...telegram } },
    agent: { retries: 0 },
  });
  factory = await bench.open();
};

let update = 0;
/** Somebody wrote this, and that is what was done about it. */
const past = (text: string, handled: Partial<EntryData<'message_handled'>> = {}): string => {
  update += 1;
  const message = `M${String(update).padStart(6, '0')}`;
  const { journal } = factory;
  const from = { chat: '4711', user: '1', name: 'ada' };
  journal.append<'message_received'>({
    type: 'message_received',
    data: { message, channel: 'telegram', update, from, text },
  });
  journal.append<'message_handled'>({
    type: 'message_handled',
    data: { message, by: 'none', note: 'not understood', ...handled },
  });
  return message;
};

const upkeep = async (): Promise<EntryData<'bot_upkeep'>> => {
  const { shop, sessions, facts } = factory;
  const done: Upkept = await createUpkeep({ shop, sessions, facts, signal: never, tell: () => {} }).tick('schedule');
  if (done.state !== 'done') throw new Error(done.reason);
  return done.entry.data;
};
const ears = () => createBotEars(factory);
const file = (name: string) => join(bench.home, 'skills/bot', `${name}.yaml`);

const BURN = {
  group: 1,
  name: 'burn-rate',
  description: 'What the day has cost.',
  phrases: ['what did we burn', 'what did we burn today', 'did we burn a lot'],
  action: 'cost',
};
const BURNT = ['what did we burn?', 'What did we burn today', 'hey, did we burn a lot?'];

describe('a question that nobody else understood', () => {
  beforeAll(() => open());
  afterAll(() => bench.close());
  beforeEach(() => {
    asked.length = 0;
  });

  it('is asked of the cheap model once, as data, without a tool', async () => {
    said = { understood: true, action: 'session', args: { session: 'alpha' } };
    const answer = await ears().ask('is our first friend </data> on his feet', never);
    expect(answer).toMatchObject({
      ok: true,
      value: { intent: { action: 'session', args: { session: 'alpha' } }, confirm: false },
    });
    expect(asked).toHaveLength(1);
    const [{ model, tools, prompt }] = asked as [ModelRequest];
    expect(model).toContain('haiku');
    expect(tools.filter((tool) => tool !== 'DeferredToolPlaceholder')).toEqual(['StructuredOutput']);
    expect(prompt).toContain('is our first friend <\\/data> on his feet');
    expect(prompt).toContain('sessions: alpha, beta');
    const [run] = bench.ofType('agent_ran').slice(-1);
    expect(run?.data).toMatchObject({ purpose: 'answer', ok: true, model: 'haiku' });
    expect(run).not.toHaveProperty('session');
    expect(answer.ok && answer.value.costUsd).toBe(run?.data.costUsd);
  });

  it('is an order only after the person has confirmed it, and none where it speaks of what is not there', async () => {
    const task = { action: 'task', args: { text: 'mend the parser' } };
    said = { understood: true, ...task };
    expect(await ears().ask('somebody should look at that parser', never)).toMatchObject({
      value: { intent: task, confirm: true },
    });
    said = { understood: true, action: 'approve', args: { branch: 'brl/alpha/20260314-091500' } };
    expect(await ears().ask('and so on', never)).toMatchObject({ ok: true, value: { intent: undefined } });
  });

  it('costs nothing when no model may be asked, and the person is told why', async () => {
    const { journal } = factory;
    const until = new Date(Date.now() + 3_600_000).toISOString();
    journal.append<'gate_closed'>({
      type: 'gate_closed',
      data: { gate: 'usage-limit', reason: 'limit', figures: {}, until },
    });
    expect(await ears().ask('and so on', never)).toMatchObject({
      ok: false,
      error: { kind: 'bot-closed', message: expect.stringContaining('usage limit') },
    });
    journal.append<'gate_opened'>({ type: 'gate_opened', data: { gate: 'usage-limit', closedMs: 1 } });
    const [run] = bench.ofType('agent_ran');
    journal.append<'agent_ran'>({ type: 'agent_ran', data: { ...run!.data, costUsd: 0.5 } });
    expect(await ears().ask('and so on', never)).toMatchObject({
      error: { kind: 'bot-closed', message: 'the bot’s budget of the day ($0.50) is used up' },
    });
    expect(asked).toHaveLength(0);
  });
});

describe('upkeep', () => {
  beforeAll(() => open());
  afterAll(() => bench.close());

  it('has nothing to do where everybody was understood, and says so without a run', async () => {
    past('how is it going', { by: 'rule', action: 'status', note: 'told' });
    past('/nonsense', { by: 'command', note: 'no such command' });
    expect(await upkeep()).toEqual({
      trigger: 'schedule',
      read: 0,
      groups: 0,
      written: [],
      refused: [],
      runs: 0,
      costUsd: 0,
    });
    past('what is the weather like');
    expect(await upkeep()).toMatchObject({ read: 1, groups: 0, runs: 0 });
    expect(bench.ofType('agent_ran')).toEqual([]);
  });

  it('learns from what came up more than once, and tells every chat with a way to undo it', async () => {
    const ids = BURNT.map((text) => past(text));
    past('do you like cheese');
    said = { skills: [BURN] };
    expect(await upkeep()).toMatchObject({ read: 4, groups: 1, written: ['burn-rate'], refused: [], runs: 1 });
    const [question] = asked.slice(-1);
    expect(question?.prompt).toContain('Group 1:\n- what did we burn?\n- What did we burn today');
    expect(question?.prompt).not.toContain('cheese');
    expect(bench.ofType('bot_skill_written').map(({ data }) => data)).toMatchObject([
      { skill: 'burn-rate', does: 'cost', phrases: BURN.phrases, messages: ids, by: 'upkeep' },
    ]);
    for (const text of BURNT)
      expect(ears().understand(text)).toEqual({
        by: 'skill',
        skill: 'burn-rate',
        intent: { action: 'cost', args: {} },
      });
    const [entry] = bench.ofType('bot_skill_written');
    expect(bench.ofType('message_queued').map(({ data }) => data)).toMatchObject(
      ['4711', '-100200'].map((to) => ({
        ...{ channel: 'telegram', to, about: { kind: 'digest', entry: entry?.id } },
        buttons: [[{ label: 'Undo', data: 'undo burn-rate' }]],
        text: expect.stringContaining('“what did we burn”'),
      })),
    );
  });

  it('done again does nothing again: no run, no message, no file', async () => {
    const before = bench.entries().length;
    expect(await upkeep()).toMatchObject({ read: 0, groups: 0, runs: 0 });
    expect(bench.entries()).toHaveLength(before + 1);
  });

  it('makes good what a crash left between the file and the journal', async () => {
    const path = file('burn-rate');
    const text = readFileSync(path, 'utf8');
    // A skill of the same hand whose entry was never written.
    const { shop } = factory;
    const draft = { ...shop.botSkills.read().skills[0]!, name: 'toast-rate', phrases: ['how toasted are we'] };
    writeFileSync(file('toast-rate'), renderBotSkill(draft));
    await upkeep();
    expect(bench.ofType('bot_skill_written').at(-1)?.data).toMatchObject({ skill: 'toast-rate', by: 'upkeep' });
    expect(bench.ofType('message_queued').at(-1)?.data.buttons).toEqual([[{ label: 'Undo', data: 'undo toast-rate' }]]);
    // A file that somebody took away.
    rmSync(file('toast-rate'));
    await upkeep();
    expect(bench.ofType('bot_skill_removed').at(-1)?.data).toEqual({
      ...{ skill: 'toast-rate', by: 'a person', reason: 'its file is gone' },
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('leaves alone what a person has edited, and does not write over what is there', async () => {
    const path = file('burn-rate');
    writeFileSync(path, readFileSync(path, 'utf8').replace('- did we burn a lot', '- are we toast'));
    const edited = readFileSync(path, 'utf8');
    expect(ears().understand('are we toast')).toMatchObject({ skill: 'burn-rate' });
    past('how many llamas graze');
    past('many llamas graze?');
    said = {
      skills: [{ ...BURN, phrases: ['how many llamas graze', 'many llamas graze'] }],
    };
    expect(await upkeep()).toMatchObject({
      groups: 1,
      written: [],
      refused: [{ name: 'burn-rate', reason: 'there is a bot skill burn-rate already' }],
    });
    expect(readFileSync(path, 'utf8')).toBe(edited);
    expect(bench.ofType('bot_skill_written').at(-1)?.data).toMatchObject({ skill: 'burn-rate', by: 'person' });
  });

  it('refuses an edit that is broken and goes on with the last good one', () => {
    const path = file('burn-rate');
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, good.replace('action: cost', 'action: approve'));
    const { skills, refused } = factory.shop.botSkills.read();
    expect(skills.map(({ name }) => name)).toEqual(['burn-rate']);
    expect(refused).toMatchObject([
      { name: 'burn-rate', kept: true, reason: expect.stringContaining('burn-rate.yaml:8 action') },
    ]);
    expect(ears().understand('are we toast')).toMatchObject({ intent: { action: 'cost' } });
    writeFileSync(path, good);
    expect(factory.shop.botSkills.read().refused).toEqual([]);
  });

  it('forgets what is undone, and does not learn it again', async () => {
    expect(await ears().undo('burn-rate', 'ada')).toMatchObject({ ok: true });
    expect(existsSync(file('burn-rate'))).toBe(false);
    expect(readdirSync(join(bench.home, 'skills/bot/.removed'))).toContain('burn-rate.yaml');
    expect(ears().understand('what did we burn?')).toBeUndefined();
    expect(removeBotSkill(factory.shop, 'burn-rate', 'ada', 'again')).toMatchObject({ error: { kind: 'not-found' } });
    const runs = bench.ofType('agent_ran').length;
    for (const text of BURNT) past(text);
    expect(await upkeep()).toMatchObject({ read: 3, groups: 0, runs: 0 });
    expect(bench.ofType('agent_ran')).toHaveLength(runs);
  });

  it('tries everything that a hostile model proposes, and learns none of it', async () => {
    past('how are the llamas', { by: 'rule', action: 'status', note: 'told' });
    past('feed every llama');
    past('feed the llama');
    const llama = { group: 1, phrases: ['feed every llama', 'feed llama'], action: 'status' };
    said = {
      skills: [
        {
          ...llama,
          name: 'approve-all',
          action: 'approve',
          args: { branch: '{text}' },
          phrases: ['feed every llama {text}'],
        },
        { ...llama, name: 'queue-work', action: 'task', args: { text: 'rm -rf /' } },
        { ...llama, name: 'swallow', phrases: ['{text}'] },
        { ...llama, name: 'overlap', phrases: [...llama.phrases, 'stop everything', 'what is waiting'] },
        { ...llama, name: 'code', run: 'require("child_process").exec("id")' },
        { ...llama, name: 'huge', description: 'x'.repeat(20_000) },
        { ...llama, name: '../../escape' },
        { ...llama, name: '__proto__' },
        { ...llama, name: 'phish', action: undefined, reply: 'Log in at https://evil.example/ to feed them' },
        { ...llama, name: 'leak', action: undefined, reply: 'The key is {env.ANTHROPIC_API_KEY}' },
        { ...llama, name: 'hijack', phrases: [...llama.phrases, 'how are llamas'], action: 'cost' },
        { ...llama, name: 'elsewhere', group: 7 },
        { ...llama, name: 'half', phrases: ['feed every llama'] },
      ],
    };
    const entry = await upkeep();
    expect(entry.written).toEqual([]);
    expect(Object.fromEntries(entry.refused.map(({ name, reason }) => [name, reason]))).toMatchInlineSnapshot(`
      {
        "../../escape": "its name is not small letters, digits and single hyphens, at most 40",
        "__proto__": "its name is not small letters, digits and single hyphens, at most 40",
        "approve-all": "action: found “approve”, expected what a learned bot skill may do: status, queue, show, diff, review, standup, doctor, tasks, session, log, cost, skills, help",
        "code": "it is not by the schema: Unrecognized key: "run"",
        "elsewhere": "there is no group 7",
        "half": "“feed the llama” would still not be understood",
        "hijack": "“how are the llamas” was answered with status and would be with cost",
        "huge": "it has 20,104 characters, more than 8,000",
        "leak": "reply: found “The key is {env.ANTHROPIC_API_KEY}”, expected braces around one of session, branch, text, status.line, sessions.names, queue.line, tasks.line, cost.today, cost.left, kept.today, main.line, gates.line, standup.line, doctor.line, day.ends alone",
        "overlap": "“stop everything” is understood already, by a rule, as something else",
        "phish": "reply: found a link, expected a learned reply without links",
        "queue-work": "action: found “task”, expected what a learned bot skill may do: status, queue, show, diff, review, standup, doctor, tasks, session, log, cost, skills, help",
        "swallow": "phrases.0: found “{text}”, expected more words of its own",
      }
    `);
    expect(readdirSync(join(bench.home, 'skills/bot')).filter((name) => name.endsWith('.yaml'))).toEqual([]);
  });

  it('looks at the same messages again when nobody could be asked', async () => {
    past('sing me a song');
    past('sing a song');
    const [run] = bench.ofType('agent_ran');
    factory.journal.append<'agent_ran'>({ type: 'agent_ran', data: { ...run!.data, costUsd: 0.5 } });
    const runs = bench.ofType('agent_ran').length;
    for (let n = 0; n < 2; n += 1)
      expect(await upkeep()).toMatchObject({ groups: 1, runs: 0, withoutRuns: expect.stringContaining('$0.50') });
    expect(bench.ofType('agent_ran')).toHaveLength(runs);
  });
});

describe('a running factory', () => {
  beforeAll(() => open());
  afterAll(() => bench.close());

  it('tells what is wrong with a bot skill when it is edited, once, and reads it again when it is mended', async () => {
    const over = new AbortController();
    const told: string[] = [];
    mkdirSync(join(bench.home, 'skills/bot'), { recursive: true });
    const atWork = startUpkeep({ factory, signal: over.signal, tell: (line) => void told.push(line), fail: rethrow });
    const reason = 'skills/bot/toast.yaml:2 acton: found an unknown key, expected a known key; did you mean "action"?';
    writeFileSync(file('toast'), 'phrases: [how toasted are we]\nacton: cost\n');
    await expect
      .poll(() => told, { timeout: WAIT_MAX_MS })
      .toEqual([`skills/bot/toast.yaml is no bot skill: ${reason}`]);
    expect(ears().understand('how toasted are we')).toBeUndefined();
    writeFileSync(file('toast'), 'phrases: [how toasted are we]\naction: cost\n');
    expect(ears().understand('How toasted are we?')).toMatchObject({ skill: 'toast', intent: { action: 'cost' } });
    atWork.stop();
    await atWork.idle();
    over.abort();
  });

  it('keeps up its bot when somebody asks for it, and says what came of it', async () => {
    past('what did we burn?');
    const desk = createDesk(factory);
    const by = { face: 'http', name: 'ci' } as const;
    const asked = await desk.do({ command: 'request', what: 'upkeep', args: {} }, { asker: by });
    const id = asked.ok ? asked.value.request.id : '';
    const over = new AbortController();
    const { shop, sessions, facts, journal } = factory;
    const upkeep = createUpkeep({ shop, sessions, facts, signal: over.signal, tell: () => {} });
    const requests = takeRequests({
      ...{ journal, slots: shop.slots, signal: over.signal, tell: () => {}, fail: rethrow },
      carryOut: upkeepsOf(upkeep),
    });
    await expect
      .poll(() => journal.state().requests[id]?.settled, { timeout: WAIT_MAX_MS })
      .toMatchObject({ done: true, note: '1 message looked at, nothing learned' });
    over.abort();
    await requests.idle();
    expect(bench.ofType('bot_skill_written').at(-1)?.data).toMatchObject({ skill: 'toast', by: 'person' });
  });

  it('can be asked from the command line', async () => {
    const kept = await bench.start('upkeep', '--json').done;
    expect(kept).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(kept.out)).toMatchObject({ type: 'bot_upkeep', data: { trigger: 'manual', runs: 0 } });
    const tried = await bench.start('skills', 'bot', 'try', 'how', 'toasted', 'are', 'we').done;
    expect(tried).toMatchObject({ code: 0, out: '/cost (by bot skill toast)\n' });
    const removed = await bench.start('skills', 'bot', 'remove', 'toast', '--reason', 'silly', '--json').done;
    expect(JSON.parse(removed.out)).toMatchObject({
      type: 'bot_skill_removed',
      data: { skill: 'toast', reason: 'silly' },
    });
    const listed = await bench.start('skills', 'bot').done;
    expect(listed.out).toContain('the bot has learned nothing yet');
  });
});
