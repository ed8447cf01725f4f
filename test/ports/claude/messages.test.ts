import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createReading } from '../../../src/ports/claude/messages.ts';
import { createRates } from '../../../src/ports/claude/rates.ts';

const open = (rates = createRates()) => {
  const progress: string[] = [];
  const reading = createReading({ cwd: '/repo', model: 'sonnet', rates, onProgress: (line) => progress.push(line) });
  const say = (...messages: unknown[]) => {
    for (const message of messages)
      reading.line(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
  };
  return { reading, say, progress };
};

const used = (inputTokens: number, costUSD: number) => ({
  sonnet: { inputTokens, outputTokens: 1, cacheReadInputTokens: 2, cacheCreationInputTokens: 3, costUSD },
});
const result = (over: Record<string, unknown> = {}) => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: 'Done.',
  num_turns: 1,
  session_id: 's',
  ...over,
});
const assistant = (content: unknown[], over: Record<string, unknown> = {}) => ({
  type: 'assistant',
  message: { id: 'm1', model: 'sonnet', content, usage: { input_tokens: 1000, output_tokens: 1 } },
  ...over,
});
const text = (words: string) => ({ type: 'text', text: words });

describe('a reading', () => {
  it('takes the last of several results and sums their usage', () => {
    const { reading, say } = open();
    say(
      result({ result: 'first', model_usage_since_last_result: used(10, 0.5), structured_output: { a: 1 } }),
      result({ result: 'last', model_usage_since_last_result: used(20, 0.25), total_cost_usd: 99 }),
    );
    expect(reading.facts().result).toMatchObject({ text: 'last', structured: false });
    expect(reading.structured()).toBeUndefined();
    expect(reading.usage()).toEqual({
      costUsd: 0.75,
      turns: 2,
      tokens: { input: 30, output: 2, cacheRead: 4, cacheWrite: 6 },
    });
  });

  it('counts what a run without a result has used, at the price learned from others', () => {
    const rates = createRates();
    open(rates).say(result({ model_usage_since_last_result: { sonnet: { inputTokens: 1000, costUSD: 0.01 } } }));
    const { reading, say } = open(rates);
    say(assistant([text('a'.repeat(372))]), assistant([text('')]));
    const { tokens, costUsd, turns } = reading.usage();
    expect([tokens.input, turns]).toEqual([1000, 1]);
    expect(tokens.output).toBeGreaterThanOrEqual(100);
    expect(costUsd).toBeGreaterThan(0.01);
  });

  it('takes what does not say that it is no error for one', () => {
    const { reading, say } = open();
    say(result({ is_error: 'no' }));
    expect(reading.facts().result?.isError).toBe(true);
  });

  it('gives the errors as text where a result has no answer', () => {
    const { reading, say } = open();
    say(result({ subtype: 'error_during_execution', is_error: true, result: undefined, errors: ['one', 'two'] }));
    expect(reading.facts().result?.text).toBe('one\ntwo');
  });

  it('forgets an error that the run has overcome', () => {
    const { reading, say } = open();
    say(assistant([text('x')], { error: 'overloaded' }), assistant([text('y')]));
    expect(reading.facts().assistantError).toBeUndefined();
  });

  it('says for people what the agent does, in one harmless line', () => {
    const { say, progress } = open();
    say(
      assistant([text('\n\nFirst I look.\nThen I act.')]),
      assistant([{ type: 'tool_use', name: 'Edit', input: { file_path: '/repo/src/a.ts' } }]),
      assistant([{ type: 'tool_use', name: 'Read', input: { file_path: '/etc/hosts' } }]),
      assistant([{ type: 'tool_use', name: 'Bash', input: { command: 'npm test\nrm x' } }]),
      assistant([{ type: 'tool_use', name: 'Grep', input: { pattern: '\u001b[2J\u001b]0;owned\u0007bo\u009bo' } }]),
      assistant([text('x'.repeat(10_000))]),
      assistant([
        { type: 'tool_use', name: 'Odd', input: null },
        { type: 'thinking', thinking: 'hm' },
      ]),
      {
        type: 'system',
        subtype: 'api_retry',
        attempt: 1,
        max_retries: 2,
        error_status: 529,
        error: 'overloaded',
        retry_delay_ms: 600,
      },
    );
    expect(progress).toEqual([
      'First I look.',
      'Edit src/a.ts',
      'Read /etc/hosts',
      'Bash npm test',
      'Grep bo o',
      `${'x'.repeat(199)}…`,
      'Odd',
      'The API is asked again (1/2, 529)',
    ]);
  });

  it('lists each denial once, with its reason where one was given', () => {
    const { reading, say } = open();
    const denial = { tool_name: 'Bash', tool_use_id: 't1', tool_input: { command: 'git push' } };
    say(
      { type: 'system', subtype: 'permission_denied', tool_name: 'Bash', tool_use_id: 't1', message: 'by rule' },
      result({ permission_denials: [denial] }),
      result({
        permission_denials: [denial, { tool_name: 'Edit', tool_use_id: 't2', tool_input: { file_path: 'a' } }],
      }),
    );
    expect(reading.denied()).toEqual([
      { tool: 'Bash', reason: 'by rule' },
      { tool: 'Edit', reason: '{"file_path":"a"}' },
    ]);
  });

  it('does not parse the huge results of tools', () => {
    const { reading } = open();
    const line = Buffer.concat([Buffer.from('{"type":"user",'), Buffer.alloc(50_000_000, 'x')]);
    const parse = vi.spyOn(JSON, 'parse');
    reading.line(line);
    const parsed = parse.mock.calls.length;
    parse.mockRestore();
    expect(parsed).toBe(0);
  });

  it('is not disturbed by anything else, whatever it is', () => {
    const { reading, say } = open();
    say('', '{', 'null', '[]', '{"type":"result"', '{"type":5}', '\u001b[?25h', 'plain words');
    say({ type: 'assistant' }, { type: 'assistant', message: { content: 'text' } }, { type: 'rate_limit_event' });
    say({ type: 'user', message: null }, { type: 'system', subtype: 'brand_new', a: 1 }, '['.repeat(100_000));
    fc.assert(
      fc.property(
        fc.constantFrom('assistant', 'result', 'user', 'system', 'rate_limit_event'),
        fc.object(),
        (type, rest) => {
          say(
            { ...rest, type: 'x' },
            { type, message: rest, ...rest, rate_limit_info: rest, subtype: 'api_retry', result: 'r' },
          );
        },
      ),
    );
    say(result({ result: 'still here' }));
    expect(reading.facts().result?.text).toBe('still here');
  });
});
