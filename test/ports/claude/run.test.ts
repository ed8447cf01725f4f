import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MessagesApi, startMessagesApi } from '../../../src/demo/messages-api.ts';
import type { Fault, Scenario } from '../../../src/demo/scenario.ts';
import type { FailureKind } from '../../../src/model/failure.ts';
import type { RunProgress, RunRequest, RunResult } from '../../../src/ports/claude/claude.ts';
import { THOROUGH } from '../../thoroughness.ts';
import { openBox, realClaude } from './kit.ts';

/** The real program against the scripted API: what it does about each fault is its own. */
let api: MessagesApi;
const claude = realClaude();
// Each real run costs about one second of CPU.
const limit = pLimit(3);

beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());

type Box = ReturnType<typeof openBox>;

/** Plays a scenario under a key of its own and hands over how the run ended. */
const play = async (
  scenario: Scenario,
  over: Partial<RunRequest> = {},
  look: (result: RunResult, box: Box, key: string) => void | Promise<void> = () => {},
  prepare: (box: Box) => void = () => {},
): Promise<RunResult> =>
  limit(async () => {
    const key = `k-${randomUUID()}`;
    api.play(key, scenario);
    const box = openBox(api.url);
    try {
      prepare(box);
      const result = await claude.run(box.request(key, over));
      await look(result, box, key);
      return result;
    } finally {
      box.close();
    }
  });

const requests = (key: string) => api.log.filter((request) => request.key === key);
const always = (fault: Fault): Scenario => ({ steps: [{ faults: [{ ...fault, times: 'always' }], blocks: ['no'] }] });
const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };

describe.concurrent('an answer', () => {
  it('is the text of the last result, with cost, tokens and turns', async () => {
    const progress: RunProgress[] = [];
    const steps = [
      { blocks: ['I look.', { tool: 'Bash', input: { command: 'echo hi > made.txt' } }] },
      { blocks: [{ tool: 'Read', input: { file_path: 'made.txt' } }] },
      { blocks: ['All done.'], usage: { input: 10, output: 5 } },
    ];
    const result = await play({ steps }, { onProgress: (p) => progress.push(p) }, (_, box) => {
      expect(box.read('work/made.txt')).toBe('hi\n');
    });
    expect(result).toMatchObject({ ok: true, text: 'All done.', exitCode: 0, survivorsKilled: 0, denied: [] });
    expect(result.usage).toMatchObject({ turns: 3, tokens: { input: 2410, output: 165 } });
    expect(result.usage.costUsd).toBeGreaterThan(0);
    expect(progress.map((p) => p.line)).toEqual(['I look.', 'Bash echo hi > made.txt', 'Read made.txt', 'All done.']);
  });

  it('by schema arrives as parsed JSON', async () => {
    const result = await play({ steps: [{ blocks: [{ answer: { a: 7 } }] }] }, { schema, access: 'read' });
    expect(result).toMatchObject({ ok: true, structured: { a: 7 } });
  });

  it('survives a prompt of 300 KB, a hostile name and a prompt that looks like a flag', async () => {
    const prompt = `--help $(touch pwned) "quoted"\n${'x'.repeat(300_000)} the end`;
    await play({ steps: [{ blocks: ['Read it.'] }] }, { prompt, model: "o'$(touch pwned)" }, (result, box, key) => {
      expect(result).toMatchObject({ ok: true, text: 'Read it.' });
      expect(requests(key)[0]?.prompt).toBe(prompt);
      expect(existsSync(box.at('work/pwned'))).toBe(false);
    });
  });

  it('carries the appended system prompt and leaves the target’s settings, hooks and servers unread', async () => {
    const hook = (box: Box, name: string) =>
      JSON.stringify({
        hooks: { SessionStart: [{ hooks: [{ type: 'command', command: `touch ${box.at(name)}` }] }] },
        env: { STOLEN: 'yes' },
      });
    const skill = (name: string) => `---\nname: ${name}\ndescription: A test.\n---\nDo nothing.\n`;
    const scenario: Scenario = {
      steps: [
        ({ system }) => ({ blocks: [{ tool: 'Bash', input: { command: 'env > ../env.txt' } }, system.slice(-40)] }),
        { blocks: ['Done.'] },
      ],
    };
    await play(
      scenario,
      { system: 'Speak like an owl.', tools: ['Bash', 'Skill'] },
      (result, box) => {
        expect(result.ok).toBe(true);
        const transcript = readFileSync(result.transcript, 'utf8');
        expect(transcript).toContain('Speak like an owl.');
        expect(existsSync(box.at('hook-project'))).toBe(false);
        expect(existsSync(box.at('hook-local'))).toBe(false);
        expect(existsSync(box.at('server'))).toBe(false);
        const init = JSON.parse(transcript.split('\n').find((line) => line.includes('"subtype":"init"')) ?? '{}');
        expect(init.mcp_servers).toEqual([]);
        expect(init.skills).toContain('of-the-home');
        expect(init.skills).not.toContain('of-the-target');
        const env = box.read('env.txt');
        expect(env).not.toContain('STOLEN');
        expect(env).toContain('WINNOW_RUN=run-');
      },
      (box) => {
        box.write('work/.claude/settings.json', hook(box, 'hook-project'));
        box.write('work/.claude/settings.local.json', hook(box, 'hook-local'));
        box.write('work/.claude/skills/of-the-target/SKILL.md', skill('of-the-target'));
        box.write(
          'work/.mcp.json',
          JSON.stringify({ mcpServers: { evil: { command: 'touch', args: [box.at('server')] } } }),
        );
        box.write('config/skills/of-the-home/SKILL.md', skill('of-the-home'));
      },
    );
  });

  it('counts only its own cost when a conversation goes on', async () => {
    const steps = [
      { blocks: ['one'], usage: { input: 50_000, output: 2000 } },
      { blocks: ['two'], usage: { input: 1000, output: 100 } },
    ];
    const conversation = randomUUID();
    await play({ steps }, { conversation: { start: conversation } }, async (first, box, key) => {
      const second = await claude.run(box.request(key, { conversation: { resume: conversation }, prompt: 'Go on.' }));
      expect(first).toMatchObject({ ok: true, conversation, usage: { tokens: { input: 50_000, output: 2000 } } });
      expect(second).toMatchObject({
        ok: true,
        text: 'two',
        conversation,
        usage: { turns: 1, tokens: { input: 1000, output: 100 } },
      });
      expect(second.usage.costUsd).toBeLessThan(first.usage.costUsd / 10);
      expect(requests(key)[1]?.prompt).toBe('Go on.');
    });
  });

  it('comes through faults that pass', async () => {
    const faults: Fault[] = [{ http: 529 }, { cut: 'reset' }];
    await play(
      { steps: [{ faults, blocks: ['At last.'] }] },
      { env: { CLAUDE_CODE_MAX_RETRIES: '3' } },
      (result, _, key) => {
        expect(result).toMatchObject({ ok: true, text: 'At last.' });
        expect(requests(key).map((r) => r.fault)).toEqual(['http 529', 'cut reset', undefined]);
      },
    );
  });

  it('of a run with a subagent is the main one’s', async () => {
    const task = { description: 'look', prompt: 'Look around.', subagent_type: 'general-purpose' };
    const scenario: Scenario = {
      steps: [{ blocks: [{ tool: 'Agent', input: task }] }, { blocks: ['Both done.'] }],
      subagent: { steps: [{ blocks: ['I looked.'] }] },
    };
    await play(scenario, { tools: ['Agent', 'Read'] }, (result, _, key) => {
      expect(result).toMatchObject({ ok: true, text: 'Both done.' });
      expect(requests(key).map((r) => r.class)).toEqual(['main', 'subagent', 'main']);
    });
  });

  it('comes also after the conversation had to be summarised', async () => {
    const steps = [
      { blocks: [{ tool: 'Bash', input: { command: 'true' } }], usage: { input: 985_000, output: 100 } },
      { blocks: ['Went on.'] },
    ];
    await play({ steps }, { maxBudgetUsd: 100 }, (result, _, key) => {
      expect(result).toMatchObject({ ok: true, text: 'Went on.' });
      expect(requests(key).map((r) => r.class)).toContain('compaction');
    });
  });
});

describe.concurrent('what an agent may do', () => {
  it('is reading and nothing else in a run with read access', async () => {
    const steps = [
      {
        blocks: [
          { tool: 'Write', input: { file_path: 'w.txt', content: 'x' } },
          { tool: 'Bash', input: { command: 'touch b.txt' } },
          { tool: 'Read', input: { file_path: 'there.txt' } },
        ],
      },
      { blocks: ['Read.'], expect: { toolResult: 'was here' } },
    ];
    await play(
      { steps },
      { access: 'read', tools: ['Read', 'Grep', 'Glob', 'Bash', 'Write', 'Edit'] },
      (result, box, key) => {
        expect(result.ok).toBe(true);
        expect(result.denied.map((d) => d.tool).sort()).toEqual(['Bash', 'Write']);
        expect(existsSync(box.at('work/w.txt')) || existsSync(box.at('work/b.txt'))).toBe(false);
        expect(requests(key)[1]?.violation).toBeUndefined();
      },
      (box) => box.write('work/there.txt', 'was here'),
    );
  });

  it('is nothing but the answer in a run without tools', async () => {
    await play(
      { steps: [{ blocks: [{ answer: { a: 1 } }] }] },
      { tools: [], access: 'read', schema },
      (result, _, key) => {
        expect(result).toMatchObject({ ok: true, structured: { a: 1 } });
        expect(requests(key)[0]?.tools.filter((tool) => tool !== 'DeferredToolPlaceholder')).toEqual([
          'StructuredOutput',
        ]);
      },
    );
  });

  it('is everything without asking in a run with edit access, but for the inside of .git', async () => {
    const write = (file_path: string) => ({ tool: 'Write', input: { file_path, content: 'x' } });
    const steps = [
      {
        blocks: [
          write('new.txt'),
          write('.git/hooks/pre-commit'),
          { tool: 'Bash', input: { command: 'echo x > .git/a' } },
        ],
      },
      { blocks: ['Done.'] },
    ];
    await play(
      { steps },
      {},
      (result, box) => {
        expect(result.ok).toBe(true);
        expect(box.read('work/new.txt')).toBe('x');
        expect(existsSync(box.at('work/.git/hooks/pre-commit'))).toBe(false);
        expect(existsSync(box.at('work/.git/a'))).toBe(false);
        expect(result.denied.map((d) => d.tool).sort()).toEqual(['Bash', 'Write']);
      },
      (box) => box.write('work/.git/HEAD', 'ref: refs/heads/main\n'),
    );
  });

  it('happens in exactly the environment that was given', async () => {
    process.env.WINNOW_TEST_SECRET = 'do-not-leak';
    const steps = [{ blocks: [{ tool: 'Bash', input: { command: 'env > env.txt' } }] }, { blocks: ['Done.'] }];
    await play({ steps }, { env: { GIVEN: 'yes' } }, (_, box) => {
      expect(box.read('work/env.txt')).toContain('GIVEN=yes');
      expect(box.read('work/env.txt')).not.toContain('do-not-leak');
    });
    delete process.env.WINNOW_TEST_SECRET;
  });
});

describe.concurrent('a failure of the API', () => {
  const quick = { API_TIMEOUT_MS: '1500', CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '1500' };
  const long = 'prompt is too long: 250000 tokens > 200000 maximum';
  const poor = 'Your credit balance is too low to access the Anthropic API.';
  /** Ends as another fault of the table does, or costs seconds to tell little; each costs a start of Claude Code. */
  const twin = true;
  const cases: [string, Fault, FailureKind, boolean?][] = [
    ['400', { http: 400, message: 'something odd' }, 'claude-unknown', twin],
    ['400 for a prompt that is too long', { http: 400, message: long }, 'prompt-too-long'],
    ['400 for an empty account', { http: 400, message: poor }, 'billing'],
    ['401', { http: 401 }, 'auth'],
    ['402', { http: 402 }, 'billing', twin],
    ['403', { http: 403 }, 'auth', twin],
    ['404', { http: 404 }, 'model-not-found', twin],
    ['413', { http: 413 }, 'prompt-too-long', twin],
    ['429', { http: 429 }, 'rate-limit', twin],
    ['429 with a long retry-after', { http: 429, headers: { 'retry-after': '120' } }, 'rate-limit'],
    ['500', { http: 500 }, 'server-error', twin],
    ['529', { http: 529 }, 'overloaded', twin],
    ['502 with a page of HTML', { http: 502, body: '<html>Bad Gateway</html>' }, 'server-error', twin],
    ['an error event in the stream', { errorEvent: { type: 'overloaded_error', message: 'Overloaded' } }, 'overloaded'],
    ['a page of HTML with status 200', { raw: '<html>Hello</html>' }, 'server-error', twin],
    ['an event that is no JSON', { badJson: true }, 'server-error', twin],
    ['a reset', { reset: true }, 'connection', twin],
    ['a stream that is cut', { cut: 'reset' }, 'connection', twin],
    ['a stream that stalls', { stall: 'mid' }, 'connection', twin],
    ['headers that never come', { stall: 'headers' }, 'connection'],
  ];
  for (const [name, fault, kind, again = false] of cases) {
    it.skipIf(again && !THOROUGH)(`${name}: ${kind}`, async () => {
      const result = await play(always(fault), { env: quick }, (_, __, key) => {
        expect(requests(key).length).toBeGreaterThan(0);
      });
      expect(result).toMatchObject({ ok: false, failure: { kind } });
      expect(result.failure?.message).not.toBe('');
      expect(result.failure?.mend).not.toBe('');
    });
  }

  it('429 with a retry-after says how long to wait', async () => {
    const result = await play(always({ http: 429, headers: { 'retry-after': '2' } }));
    expect(result.failure?.kind).toBe('rate-limit');
    expect(result.failure?.retryAfterMs).toBeGreaterThanOrEqual(2000);
  });

  it('a refused connection: connection', async () => {
    const result = await play(always({ http: 500 }), { env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' } });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'connection' } });
  });

  it('no credentials at all: auth', async () => {
    const result = await play(always({ http: 500 }), { env: { ANTHROPIC_API_KEY: '' } });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'auth' } });
  });

  const subscription = { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy' };

  it('the limit of a subscription says when it resets', async () => {
    const resetsAt = Math.floor(Date.now() / 1000) + 4321;
    const fault: Fault = { limit: { status: 'rejected', resetsAt } };
    const result = await play(always(fault), { env: subscription }, (_, __, key) => {
      expect(requests(key)).toHaveLength(1);
    });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'usage-limit', resetsAtMs: resetsAt * 1000 } });
  });

  it('a mere warning of the limit fails nothing', async () => {
    const rateLimit = {
      status: 'allowed_warning' as const,
      resetsAt: Math.floor(Date.now() / 1000) + 60,
      utilization: 0.95,
    };
    const result = await play({ steps: [{ blocks: ['Fine.'], rateLimit }] }, { env: subscription });
    expect(result).toMatchObject({ ok: true, text: 'Fine.' });
    expect(result.failure).toBeUndefined();
  });
});

describe.concurrent('an ending that is no answer', () => {
  const repeat = (blocks: Scenario['steps'] & object): Scenario => ({ steps: blocks, after: 'repeat-last' });
  const bash = { tool: 'Bash', input: { command: 'true' } };
  const cases: [string, Scenario, FailureKind, Partial<RunRequest>?][] = [
    ['text where a schema was demanded', repeat([{ blocks: ['no'] }]), 'no-answer', { schema }],
    ['answers that never fit the schema', repeat([{ blocks: [{ answer: { b: 1 } }] }]), 'no-answer', { schema }],
    ['nothing at all', repeat([{ blocks: [] }]), 'no-answer'],
    ['too many turns', repeat([{ blocks: [bash] }]), 'max-turns', { maxTurns: 2 }],
    ['too many dollars', repeat([{ blocks: [bash], usage: { input: 500_000 } }]), 'budget-run', { maxBudgetUsd: 0.5 }],
    ['a refusal', repeat([{ blocks: ['I cannot.'], stopReason: 'refusal' }]), 'refusal'],
    ['an answer cut off again and again', repeat([{ blocks: ['so'], stopReason: 'max_tokens' }]), 'max-output'],
  ];
  for (const [name, scenario, kind, over] of cases) {
    it(`${name}: ${kind}`, async () => {
      const result = await play(scenario, over);
      expect(result).toMatchObject({ ok: false, failure: { kind } });
      expect(result.usage.costUsd).toBeGreaterThan(0);
    });
  }

  it('a conversation that does not exist: conversation-lost', async () => {
    const result = await play(repeat([{ blocks: ['x'] }]), { conversation: { resume: randomUUID() } });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'conversation-lost' }, usage: { costUsd: 0 } });
  });

  it('a damaged .claude.json: claude-config, and the message names the file', async () => {
    const prepare = (box: Box) => box.write('config/.claude.json', '{ not json');
    const result = await play(repeat([{ blocks: ['x'] }]), {}, () => {}, prepare);
    expect(result).toMatchObject({ ok: false, failure: { kind: 'claude-config' } });
    expect(result.failure?.message).toContain('config/.claude.json');
  });

  it('a start that the program refuses: crashed, with what it said', async () => {
    const result = await play(repeat([{ blocks: ['x'] }]), { conversation: { start: 'no-uuid' } });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'crashed' }, exitCode: 1 });
    expect(result.failure?.message).toContain('Invalid session ID');
  });

  it('a directory that does not exist: crashed', async () => {
    const result = await play(repeat([{ blocks: ['x'] }]), { cwd: '/nowhere/at/all' });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'crashed' } });
  });

  it('a schema larger than an argument may be: refused before anything is started', async () => {
    const huge = { ...schema, description: 'x'.repeat(200_000) };
    const result = await play(repeat([{ blocks: ['x'] }]), { schema: huge }, (_, __, key) => {
      expect(requests(key)).toHaveLength(0);
    });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'crashed' }, exitCode: null });
  });
});
