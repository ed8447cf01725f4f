import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWithholding } from '../../../src/policy/withhold.ts';
import { cleanText, cleanTranscript } from '../../../src/ports/claude/withheld.ts';

const SECRET = 'q7Rt2Lx9Vb4Nk8Zp3Wm6Hd1c';
const { clean } = createWithholding([SECRET]);

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-withheld-'));
  file = join(dir, 'run.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const cleaned = async (text: string): Promise<string> => {
  writeFileSync(file, text);
  await cleanTranscript(file, clean);
  return readFileSync(file, 'utf8');
};

describe('a transcript', () => {
  it('without a secret is not touched', async () => {
    writeFileSync(file, '{"type":"a"}\r\nnot json');
    const { ino } = statSync(file);
    await cleanTranscript(file, clean);
    expect([readFileSync(file, 'utf8'), statSync(file).ino]).toEqual(['{"type":"a"}\r\nnot json', ino]);
  });

  it('keeps every message but for the secret, wherever in it that stands', async () => {
    const message = { type: 'user', content: [{ text: `it is ${SECRET}.` }, { [SECRET]: 1 }], n: 2 };
    const text = await cleaned(`{"type":"init"}\n${JSON.stringify(message)}\n{"type":"result"}\n`);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'init' },
      { type: 'user', content: [{ text: 'it is [withheld].' }, { '[withheld]': 1 }], n: 2 },
      { type: 'result' },
    ]);
  });

  it('loses a message in which a secret lies across several texts', async () => {
    const message = { type: 'user', content: [SECRET.slice(0, 12), SECRET.slice(12)] };
    expect(await cleaned(`{"type":"init"}\n${JSON.stringify(message)}\n`)).toBe(
      '{"type":"init"}\n{"type":"withheld"}\n',
    );
  });

  it('is cleaned where no message is, and where a secret lies across two pieces of the file', async () => {
    const lead = 'x '.repeat(512 * 1024 - 5);
    expect(await cleaned(`${lead}${SECRET} torn`)).toBe(`${lead}[withheld] torn\n`);
  });

  it('that is not there is no fault', async () => {
    await cleanTranscript(join(dir, 'none'), clean);
    await cleanText(join(dir, 'none'), clean);
  });
});
