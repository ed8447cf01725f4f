import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRendering } from '../../../src/ports/claude/render.ts';
import { lastTranscriptIn, readTranscriptEnd } from '../../../src/ports/claude/transcript-end.ts';

/** Lines as Claude Code 2.x wrote them, without the fields that nobody reads. */
const RECORDED = [
  '{"type":"system","subtype":"init","cwd":"/home/winnow/ws/alpha","session_id":"ec1e757f","tools":["Bash","Edit"],"model":"claude-sonnet-5-5"}',
  '{"type":"assistant","message":{"id":"m2","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"I look at src/median.ts first.\\n\\nThen I mend it."}],"usage":{"input_tokens":1200}},"session_id":"ec1e757f"}',
  '{"type":"assistant","message":{"id":"m2","content":[{"type":"tool_use","id":"t1","name":"Read","input":{"file_path":"/home/winnow/ws/alpha/src/median.ts"}}]}}',
  '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"t1","type":"tool_result","content":"1\\t/** The middle value. */\\n2\\texport function median(values) {\\n3\\t  const sorted = [...values].sort();\\n4\\t  return sorted[0];\\n5\\t}\\n6\\t"}]},"tool_use_result":{"type":"text"}}',
  '{"type":"assistant","message":{"id":"m3","content":[{"type":"tool_use","id":"t2","name":"Bash","input":{"command":"npm test\\n--silent","description":"Run"}}]}}',
  '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"t2","type":"tool_result","content":"Exit code 1\\n\\u001b[31mFAIL\\u001b[39m median.test.ts > takes the mean\\nexpected 2 to be 2.5","is_error":true}]}}',
  '{"type":"system","subtype":"api_retry","attempt":1,"max_retries":2,"retry_delay_ms":500,"error_status":529,"error":"overloaded"}',
  '{"type":"system","subtype":"permission_denied","tool_name":"Bash","tool_use_id":"t3","message":"Permission to use Bash has been denied."}',
  '{"type":"assistant","message":{"id":"m4","content":[{"type":"tool_use","id":"t4","name":"StructuredOutput","input":{"title":"Mend it","files":["src/median.ts"]}}]}}',
  '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"t4","type":"tool_result","content":[{"type":"text","text":"Structured output provided successfully"}]}]}}',
  '{"type":"rate_limit_event","rate_limit_info":{"status":"allowed"}}',
  '{"type":"stream_event","event":{}}',
  '{"type":"result","subtype":"success","is_error":false,"num_turns":4,"result":"done","session_id":"ec1e757f"}',
];

const rendered = (lines: string[]): string[] => {
  const rendering = createRendering();
  return lines.flatMap((line) => rendering.line(Buffer.from(line)));
};

const said = (text: unknown, over: object = {}) =>
  JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] }, ...over });
const answered = (content: unknown, isError = false) =>
  JSON.stringify({ type: 'user', message: { content: [{ type: 'tool_result', content, is_error: isError }] } });

describe('a rendered transcript', () => {
  it('reads like a terminal', () => {
    expect(rendered(RECORDED).join('\n')).toMatchInlineSnapshot(`
      "I look at src/median.ts first.
      Then I mend it.
      > Read src/median.ts
        | 1  /** The middle value. */
        | 2  export function median(values) {
        | 3    const sorted = [...values].sort();
        | 4    return sorted[0];
        | … 2 more lines
      > Bash npm test --silent
        ! Exit code 1
        ! FAIL median.test.ts > takes the mean
        ! expected 2 to be 2.5
      ! the service is asked again (529)
        ! denied: Permission to use Bash has been denied.
      > StructuredOutput {"title":"Mend it","files":["src/median.ts"]}
        | Structured output provided successfully
      = the run ended after 4 replies"
    `);
  });

  it('says how a run failed', () => {
    expect(
      rendered([
        '{"type":"result","subtype":"error_max_turns","is_error":true,"num_turns":81,"errors":["Reached maximum number of turns (80)"]}',
        '{"type":"result","subtype":"success","is_error":true,"num_turns":1,"result":"API Error: 401"}',
        '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected"}}',
      ]),
    ).toEqual([
      '! the run failed after 81 replies (error_max_turns)',
      '  ! Reached maximum number of turns (80)',
      '! the run failed after 1 reply (success)',
      '  ! API Error: 401',
      '! the usage limit is reached',
    ]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'Warning: something'],
    ['a torn line', RECORDED[3]!.slice(0, 60)],
    ['null', 'null'],
    ['a message without a message', '{"type":"assistant"}'],
    ['content that is a number', '{"type":"user","message":{"content":7}}'],
    [
      'blocks of every wrong kind',
      '{"type":"assistant","message":{"content":[null,1,"a",[],{"type":"text","text":{}}]}}',
    ],
    ['a type that nobody knows', '{"type":"thought","text":"hm"}'],
  ])('shows nothing for %s', (_, line) => {
    expect(rendered([line])).toEqual([]);
  });

  it('shows no character that steers a terminal or hides something', () => {
    const evil = '\u001b]0;title\u0007a\u001b[2Jb\rc\u202ed\u2066e\u200bf\u009b31mg\u0000h\u{e0041}i';
    const lines = rendered([
      said(evil),
      answered(evil, true),
      JSON.stringify({
        type: 'assistant',
        message: { content: [{ type: 'tool_use', name: evil, input: { command: evil } }] },
      }),
    ]);
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.join('\n')).not.toMatch(/\p{Cf}|(?!\n)\p{Cc}/u);
  });

  it('shortens what is long, and keeps the begin and the end of an error', () => {
    const log = Array.from({ length: 1000 }, (_, n) => `line ${n} ${'x'.repeat(500)}`).join('\n');
    const lines = rendered([said(log), answered(log), answered(log, true)]);
    expect(lines.length).toBeLessThan(70);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(210);
    expect(lines.at(-1)).toContain('! line 999');
    expect(rendered([said('x'.repeat(3 * 1024 * 1024))])).toEqual(['  | (a message of 3.0 MB is not shown)']);
  });

  it('never throws and stays bounded, whatever stands there', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('assistant', 'user', 'result', 'system'), (value, type) => {
        const block = { type: 'tool_use', name: value, input: value, content: value, text: value, is_error: value };
        const message = { type, subtype: value, message: { content: [value, block] }, result: value, errors: value };
        for (const line of rendered([JSON.stringify(value), JSON.stringify(message)])) {
          expect(line.length).toBeLessThan(210);
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        }
      }),
    );
  });
});

describe('the end of a transcript', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'winnow-render-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const write = async (name: string, text: string): Promise<string> => {
    const file = join(dir, name);
    await writeFile(file, text);
    return file;
  };

  it('is empty when the transcript is gone or empty', async () => {
    expect(await readTranscriptEnd(join(dir, 'gone.jsonl'), { maxLines: 5 })).toEqual([]);
    expect(await readTranscriptEnd(await write('empty.jsonl', ''), { maxLines: 5 })).toEqual([]);
    expect(await readTranscriptEnd(dir, { maxLines: 5 })).toEqual([]);
  });

  it('is read from a long file without its begin', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => said(`word ${n} ${'x'.repeat(100)}`)).join('\n');
    const file = await write('long.jsonl', `${many}\n`);
    const end = await readTranscriptEnd(file, { maxLines: 3 });
    expect(end.map((line) => line.slice(0, 10))).toEqual(['word 19997', 'word 19998', 'word 19999']);
  });

  it('is found behind a message of many megabytes', async () => {
    const huge = answered('y'.repeat(6 * 1024 * 1024));
    const file = await write('huge.jsonl', `${said('before')}\n${huge}\n${said('after')}\n`);
    expect(await readTranscriptEnd(file, { maxLines: 10 })).toEqual([
      'before',
      '  | (a message of 6.0 MB is not shown)',
      'after',
    ]);
  });

  it('leaves out a last line that is torn', async () => {
    const file = await write('torn.jsonl', `${said('whole')}\n${said('torn')}`);
    await truncate(file, Buffer.byteLength(`${said('whole')}\n`) + 20);
    expect(await readTranscriptEnd(file, { maxLines: 10 })).toEqual(['whole']);
  });

  it('is that of the run with the highest number', async () => {
    for (const name of ['c-9.jsonl', 'c-10.jsonl', 'c-10.prompt.md']) await write(name, '');
    expect(await lastTranscriptIn(dir)).toBe(join(dir, 'c-10.jsonl'));
    expect(await lastTranscriptIn(join(dir, 'none'))).toBeUndefined();
  });
});
