import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MessagesApi, startMessagesApi } from '../../src/demo/messages-api.ts';
import { type Fault, parseScenario, type Scenario } from '../../src/demo/scenario.ts';

let api: MessagesApi;
beforeEach(async () => {
  api = await startMessagesApi();
});
afterEach(() => api.close());

const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
const post = (key: string, over: Record<string, unknown> = {}, init: RequestInit = {}) =>
  fetch(`${api.url}/s/${key}/v1/messages?beta=true`, {
    method: 'POST',
    body: JSON.stringify({ model: 'sonnet', messages: [user('Hello')], stream: true, ...over }),
    ...init,
  });
interface Said {
  content: { text?: string; id?: string; input?: unknown }[];
  error: { type: string; message: string };
  input_tokens: number;
}
const json = async (response: Response) => (await response.json()) as Said;
const whole = async (key: string, over: Record<string, unknown> = {}, init: RequestInit = {}) =>
  json(await post(key, { stream: false, ...over }, init));
const textOf = async (key: string, over: Record<string, unknown> = {}) => (await whole(key, over)).content?.[0]?.text;
const texts = (...all: string[]): Scenario => ({ steps: all.map((text) => ({ blocks: [text] })) });

/** The events of a stream as parsed JSON. */
const events = async (response: Response) =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [name, data] = event.split('\n') as [string, string];
      const parsed = JSON.parse(data.slice('data: '.length));
      expect(name).toBe(`event: ${parsed.type}`);
      return parsed;
    });

describe('a reply', () => {
  it('is streamed in the events of the service', async () => {
    api.play('a', {
      steps: [
        { blocks: ['Hi', { tool: 'Read', input: { file_path: 'x' } }], usage: { input: 3, output: 4, cacheRead: 5 } },
      ],
    });
    const all = await events(await post('a'));
    expect(all.map((event) => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(all[0].message).toMatchObject({
      model: 'sonnet',
      usage: { input_tokens: 3, cache_read_input_tokens: 5, output_tokens: 1 },
    });
    expect(all[5].delta).toEqual({ type: 'input_json_delta', partial_json: '{"file_path":"x"}' });
    expect(all[7]).toMatchObject({ delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 4 } });
  });

  it('is one message where no stream is asked for', async () => {
    api.play('a', { steps: [{ blocks: [{ answer: { a: 1 } }] }] });
    expect(await whole('a')).toMatchObject({
      type: 'message',
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'StructuredOutput', input: { a: 1 } }],
    });
  });

  it('never uses the id of a tool call twice, also when the steps begin anew', async () => {
    api.play('a', { steps: [{ blocks: [{ tool: 'Bash', input: {} }] }], after: 'restart' });
    const ids = [await whole('a'), await whole('a'), await whole('a')].map((message) => message.content[0]?.id);
    expect(new Set(ids).size).toBe(3);
  });

  it('may lack its end', async () => {
    api.play('a', { steps: [{ blocks: ['x'], omitStop: true }] });
    expect((await events(await post('a'))).at(-1).type).toBe('message_delta');
  });

  it('waits for its latch, and for its delay', async () => {
    api.play('a', {
      steps: [
        { blocks: ['held'], hold: 'gate', delayMs: 1 },
        { blocks: ['next'], hold: 'gate' },
      ],
    });
    let done = false;
    const first = textOf('a').then((text) => {
      done = true;
      return text;
    });
    await api.waitFor((request) => request.step === 0, 2000);
    expect(done).toBe(false);
    api.release('gate');
    expect(await first).toBe('held');
    expect(await textOf('a')).toBe('next');
  });
});

describe('the steps of a key', () => {
  it('follow each other over several conversations, and end in an error that says so', async () => {
    api.play('a', texts('one', 'two'));
    const conversation = (id: string) => ({ headers: { 'x-claude-code-session-id': id } });
    expect((await whole('a', {}, conversation('c1'))).content[0]?.text).toBe('one');
    expect((await whole('a', {}, conversation('c2'))).content[0]?.text).toBe('two');
    const response = await post('a');
    expect(response.status).toBe(400);
    expect((await json(response)).error.message).toContain('no step left after 2');
    expect(api.log.map((request) => request.conversation)).toEqual(['c1', 'c2', undefined]);
  });

  it('repeat the last or begin anew, as the scenario says', async () => {
    api.play('last', { ...texts('one', 'two'), after: 'repeat-last' });
    api.play('again', { ...texts('one', 'two'), after: 'restart' });
    const four = async (key: string) => [await textOf(key), await textOf(key), await textOf(key), await textOf(key)];
    expect(await four('last')).toEqual(['one', 'two', 'two', 'two']);
    expect(await four('again')).toEqual(['one', 'two', 'one', 'two']);
  });

  it('are apart for each key, and name~anything plays the scenario of that name', async () => {
    api.play('a', texts('one', 'two'));
    expect([await textOf('a'), await textOf('a~x'), await textOf('a~y'), await textOf('a')]).toEqual([
      'one',
      'one',
      'one',
      'two',
    ]);
  });

  it('may come from a resolver, with the whole path as the key', async () => {
    await api.close();
    api = await startMessagesApi({ resolve: (key) => (key.startsWith('deep/') ? texts(key) : undefined) });
    expect(await textOf('deep/er%20still')).toBe('deep/er still');
    expect((await post('other')).status).toBe(400);
  });

  it('are served again to a client that left before the answer was whole', async () => {
    api.play('a', { steps: [{ blocks: ['one'], hold: 'gate' }, { blocks: ['two'] }] });
    const leave = new AbortController();
    const gone = post('a', {}, { signal: leave.signal }).catch(() => 'gone');
    await api.waitFor((request) => request.step === 0, 2000);
    leave.abort();
    expect(await gone).toBe('gone');
    await api.waitFor((request) => request.clientClosed, 2000);
    api.release('gate');
    expect([await textOf('a'), await textOf('a')]).toEqual(['one', 'two']);
  });

  it('can be written in code that sees the request and remembers', async () => {
    const scenario: Scenario = {
      steps: [
        ({ prompt, wantsAnswer, toolResults, memory, served }) => {
          memory.set('seen', [...((memory.get('seen') as string[]) ?? []), prompt]);
          const seen = (memory.get('seen') as string[]).join('+');
          return { blocks: [`${seen} ${wantsAnswer} ${toolResults[0]?.text} ${served}`] };
        },
      ],
      after: 'repeat-last',
    };
    api.play('a', scenario);
    expect(await textOf('a')).toBe('Hello false undefined 0');
    const messages = [
      user('<system-reminder>noise</system-reminder>'),
      user('Second'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Bash', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'out' }] },
      { role: 'system', content: 'a note' },
    ];
    expect(await textOf('a', { messages, tools: [{ name: 'StructuredOutput' }] })).toBe('Hello+Second true out 1');
  });

  it('in code may fail: as a fault, or by throwing, which the run sees as an error of its request', async () => {
    api.play('fault', {
      steps: [
        ({ served, memory }) => (memory.size < 1 ? memory.set('x', served) && { http: 529 } : { blocks: ['ok'] }),
      ],
    });
    expect((await post('fault')).status).toBe(529);
    expect(await textOf('fault')).toBe('ok');
    api.play('throws', {
      steps: [
        () => {
          throw new Error('my mistake');
        },
      ],
    });
    const response = await post('throws');
    expect(response.status).toBe(400);
    expect((await json(response)).error.message).toContain('my mistake');
  });

  it('go by tracks: what is planned and what is done are told apart by the request', async () => {
    api.play('a', {
      tracks: [
        {
          when: { tool: 'StructuredOutput' },
          steps: [{ blocks: [{ answer: { plan: 1 } }] }, { blocks: [{ answer: { plan: 2 } }] }],
        },
        { when: { prompt: 'mend' }, steps: [{ blocks: ['mended'] }] },
        { when: ({ model }) => model === 'opus', steps: [{ blocks: ['opus'] }] },
        { when: { noTool: 'Bash', system: 'calm' }, steps: [{ blocks: ['calm'] }] },
      ],
    });
    const schema = { tools: [{ name: 'StructuredOutput' }] };
    expect((await whole('a', schema)).content[0]?.input).toEqual({ plan: 1 });
    expect(await textOf('a', { messages: [user('Please mend it')] })).toBe('mended');
    expect((await whole('a', schema)).content[0]?.input).toEqual({ plan: 2 });
    expect(await textOf('a', { model: 'opus' })).toBe('opus');
    expect(await textOf('a', { system: [{ type: 'text', text: 'Stay calm.' }] })).toBe('calm');
    expect((await post('a', { tools: [{ name: 'Bash' }] })).status).toBe(400);
  });

  it('note in the log when a tool result is not what they expect', async () => {
    api.play('a', {
      steps: [{ blocks: ['x'], expect: { toolResult: 'passed', toolError: false } }],
      after: 'repeat-last',
    });
    const result = (content: string, is_error = false) => ({
      messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content, is_error }] }],
    });
    await whole('a', result('all passed'));
    await whole('a', result('2 failed'));
    await whole('a', result('passed', true));
    expect(api.log.map((request) => request.violation !== undefined)).toEqual([false, true, true]);
  });
});

describe('other requests', () => {
  it('of subagents have their own place in the scenario', async () => {
    api.play('a', { ...texts('main 1', 'main 2'), subagent: texts('sub 1', 'sub 2') as { steps: [] } });
    const agent = (id: string) => ({ headers: { 'x-claude-code-agent-id': id } });
    const said = async (init?: RequestInit) => (await whole('a', {}, init)).content[0]?.text;
    expect([
      await said(),
      await said(agent('x')),
      await said(agent('y')),
      await said(agent('x')),
      await said(),
    ]).toEqual(['main 1', 'sub 1', 'sub 1', 'sub 2', 'main 2']);
  });

  it('to summarise are answered with a summary and take no step', async () => {
    api.play('a', { ...texts('one'), summary: 'All is well.' });
    const ask = user('CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.');
    expect(await textOf('a', { messages: [ask] })).toBe('<summary>All is well.</summary>');
    expect(await textOf('a')).toBe('one');
    expect(api.log.map((request) => request.class)).toEqual(['compaction', 'main']);
  });

  it('to count tokens are answered, anything else is not there', async () => {
    const count = await fetch(`${api.url}/s/a/v1/messages/count_tokens`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', messages: [user('x'.repeat(4000))] }),
    });
    expect((await json(count)).input_tokens).toBeGreaterThan(1000);
    expect((await fetch(`${api.url}/api/hello`, { method: 'HEAD' })).status).toBe(404);
    expect((await fetch(`${api.url}/s/a/v1/messages`)).status).toBe(404);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"model":'],
    ['an array', '[]'],
    ['null', 'null'],
    ['no messages', '{"model":"m"}'],
    ['messages of the wrong shape', '{"model":"m","messages":[1,{"role":5}]}'],
    ['a hundred thousand brackets', '['.repeat(100_000)],
    ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ])('that hold %s get 400, and the next one is served', async (_, body) => {
    api.play('a', texts('fine'));
    const response = await post('a', {}, { body });
    expect(response.status).toBe(400);
    expect((await json(response)).error.type).toBe('invalid_request_error');
    expect(await textOf('a')).toBe('fine');
  });

  it('with a broken path or an unknown key get 400', async () => {
    for (const key of ['%E0%A4%A', 'nobody', '..%2F..', '__proto__', 'constructor']) {
      expect((await post(key)).status, key).toBe(400);
    }
  });
});

describe('a fault', () => {
  const serve = (fault: Fault) => api.play('a', { steps: [{ faults: [fault], blocks: ['whole'] }] });
  const body = async (over: Record<string, unknown> = {}) => (await post('a', over)).text();

  afterEach(async () => {
    // Whatever went wrong, the step itself comes next.
    expect(await textOf('a')).toBe('whole');
  });

  it('http: status, headers and the error body of the service', async () => {
    serve({ http: 429, headers: { 'retry-after': '7' }, message: 'slower' });
    const response = await post('a');
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await json(response)).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'slower' },
    });
  });

  it('http with a body of its own: a proxy’s page', async () => {
    serve({ http: 502, body: '<html>' });
    const response = await post('a');
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      502,
      'text/html',
      '<html>',
    ]);
  });

  it('limit: the headers of a subscription', async () => {
    serve({ limit: { status: 'rejected', resetsAt: 1234, claim: 'seven_day' } });
    const { status, headers } = await post('a');
    const named = (name: string) => headers.get(`anthropic-ratelimit-unified-${name}`);
    expect([status, named('status'), named('reset'), named('representative-claim'), named('7d-utilization')]).toEqual([
      429,
      'rejected',
      '1234',
      'seven_day',
      '1',
    ]);
  });

  it('reset: no answer', async () => {
    serve({ reset: true });
    await expect(post('a')).rejects.toThrow('fetch failed');
  });

  it.each(['reset', 'end'] as const)('cut by %s: the stream ends amid the text', async (cut) => {
    serve({ cut });
    const response = await post('a');
    if (cut === 'reset') await expect(response.text()).rejects.toThrow();
    else expect(await response.text()).not.toContain('message_stop');
  });

  it.each(['headers', 'body', 'start', 'mid'] as const)(
    'stall at %s: silence until the client leaves',
    async (stall) => {
      serve({ stall });
      const leave = new AbortController();
      let got = '';
      const asked = (async () => {
        const response = await post('a', {}, { signal: leave.signal });
        got += 'headers ';
        for await (const chunk of response.body ?? []) got += Buffer.from(chunk).toString();
      })().catch(() => {});
      await api.waitFor((request) => request.fault === `stall ${stall}`, 2000);
      const reached = { headers: '', body: 'headers ', start: 'message_start', mid: 'This answer' }[stall];
      await expect.poll(() => got).toContain(reached);
      leave.abort();
      await asked;
      const noted = await api.waitFor((request) => request.heldMs !== undefined, 2000);
      expect(noted.clientClosed).toBe(true);
      expect(got).not.toContain('message_stop');
    },
  );

  it('badJson: an event that cannot be read', async () => {
    serve({ badJson: true });
    expect(await body()).toContain('data: {"type":"content_block_de\n');
  });

  it('errorEvent: status 200 and an error in the stream; a status where there is no stream', async () => {
    const errorEvent = { type: 'overloaded_error', message: 'Overloaded' };
    serve({ errorEvent, times: 2 });
    const response = await post('a');
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"type":"error","error":{"type":"overloaded_error"');
    expect((await post('a', { stream: false })).status).toBe(529);
  });

  it('raw: any body at all', async () => {
    serve({ raw: 'hello', contentType: 'text/plain' });
    const response = await post('a');
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'text/plain',
      'hello',
    ]);
  });

  it('pings: life without progress, until the client leaves', async () => {
    serve({ pingsEveryMs: 1 });
    const leave = new AbortController();
    const response = await post('a', {}, { signal: leave.signal });
    let pings = 0;
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        pings += decoder.decode(chunk).split('event: ping').length - 1;
        if (pings > 5) leave.abort();
      }
    } catch {
      // Left.
    }
    expect(pings).toBeGreaterThan(5);
  });

  it('is served as often as it says, each in its turn', async () => {
    api.play('a', { steps: [{ faults: [{ http: 500, times: 2 }, { http: 529 }], blocks: ['whole'] }] });
    expect([(await post('a')).status, (await post('a')).status, (await post('a')).status]).toEqual([500, 500, 529]);
    expect(api.log.map((request) => request.fault)).toEqual(['http 500', 'http 500', 'http 529']);
  });

  it('of a connection hits unstreamed requests as well', async () => {
    serve({ cut: 'end', times: 2 });
    await expect(whole('a')).rejects.toThrow();
    await body();
  });
});

describe('the server', () => {
  it('can be waited for, and says what there was when nothing comes', async () => {
    api.play('a', texts('x'));
    const soon = api.waitFor((request) => request.key === 'a' && request.status === 200, 2000);
    await post('a');
    expect((await soon).class).toBe('main');
    await expect(api.waitFor((request) => request.key === 'b', 1)).rejects.toThrow(
      'POST /s/a/v1/messages?beta=true main',
    );
  });

  it('closes while clients hang on it', async () => {
    api.play('a', { steps: [{ faults: [{ stall: 'headers' }], blocks: [] }] });
    const hanging = post('a').catch(() => 'closed');
    await api.waitFor((request) => request.key === 'a', 2000);
    await api.close();
    expect(await hanging).toBe('closed');
  });

  it('listens on loopback alone', () => {
    expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('parseScenario', () => {
  it('reads a scenario from JSON that plays as it stands', async () => {
    const parsed = parseScenario(
      JSON.stringify({
        tracks: [
          {
            when: { tool: 'StructuredOutput' },
            steps: [{ faults: [{ http: 529, times: 'always' }], blocks: [{ answer: {} }] }],
            after: 'restart',
          },
          {
            steps: [{ blocks: ['a', { text: 'b' }, { tool: 'Bash', input: { command: 'ls' } }], usage: { input: 1 } }],
          },
        ],
      }),
    );
    if (!parsed.ok) throw new Error(parsed.error.message);
    api.play('a', parsed.value);
    expect((await whole('a')).content).toHaveLength(3);
  });

  it.each([
    ['no JSON', '{', 'no JSON'],
    ['nothing in it', {}, 'either "steps" or "tracks"'],
    ['both', { steps: [{ blocks: [] }], tracks: [{ steps: [{ blocks: [] }] }] }, 'either "steps" or "tracks"'],
    ['an unknown key', { steps: [{ blocks: ['x'], blok: 1 }] }, 'blok'],
    ['a block of no kind', { steps: [{ blocks: [{ bash: 'ls' }] }] }, 'a block: "text"'],
    ['a fault of no kind', { steps: [{ blocks: [], faults: [{ htpp: 500 }] }] }, 'a fault: one of'],
    ['a wrong place', { steps: [{ blocks: ['x'] }, { blocks: 'x' }] }, 'steps[1].blocks'],
    ['null', null, 'cannot be used'],
  ])('says what is wrong with %s', (_, source, message) => {
    const parsed = parseScenario(source);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.error.message).toContain(message);
  });
});
