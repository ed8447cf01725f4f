import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLive, type Live } from '../../src/desk/live.ts';

let dir: string;
let live: Live;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-live-'));
  live = createLive({ transcript: (cycle) => join(dir, cycle) });
});
afterEach(async () => {
  await live.close();
  rmSync(dir, { recursive: true, force: true });
});

const says = (text: string): string =>
  `${JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] } })}\n`;
const write = (cycle: string, text: string, run = 'a'): void => {
  mkdirSync(join(dir, cycle), { recursive: true });
  appendFileSync(join(dir, cycle, `${run}.jsonl`), text);
};

describe('the live transcript', () => {
  it('goes on where it was read to', async () => {
    write('one', says('first'));
    expect(await live.read('one')).toEqual(['first']);
    write('one', says('second') + says('third'));
    expect(await live.read('one')).toEqual(['first', 'second', 'third']);
  });

  it('is the same array while there is nothing new', async () => {
    write('one', says('first'));
    expect(await live.read('one')).toBe(await live.read('one'));
  });

  it('waits for the rest of a line that is being written', async () => {
    const line = says('日本語');
    const bytes = Buffer.from(line);
    mkdirSync(join(dir, 'one'));
    for (let at = 0; at < bytes.length - 1; at += 7) {
      appendFileSync(join(dir, 'one', 'a.jsonl'), bytes.subarray(at, Math.min(at + 7, bytes.length - 1)));
      expect(await live.read('one')).toEqual([]);
    }
    write('one', '\n');
    expect(await live.read('one')).toEqual(['日本語']);
  });

  it('shows of a long transcript the end, from a whole line on', async () => {
    write('one', Array.from({ length: 20_000 }, (_, n) => says(`line ${n}`)).join(''));
    const lines = await live.read('one');
    expect(lines.at(-1)).toBe('line 19999');
    expect(lines.length).toBeLessThanOrEqual(1000);
    expect(lines[0]).toMatch(/^line \d+$/);
  });

  it('passes over a line that is too long, and goes on behind it', async () => {
    write('one', says('before'));
    await live.read('one');
    write('one', `{"type":"assistant","x":"${'y'.repeat(6 * 1024 ** 2)}"}\n${says('after')}`);
    await expect.poll(() => live.read('one'), { timeout: 60_000, interval: 1 }).toEqual(['before', 'after']);
  });

  it('is that of the cycle that is asked for, and nothing where there is none', async () => {
    write('one', says('of one'));
    write('two', says('of two'));
    expect(await live.read('one')).toEqual(['of one']);
    expect(await live.read('two')).toEqual(['of two']);
    expect(await live.read('three')).toEqual([]);
    expect(await live.read(undefined)).toEqual([]);
    expect(await live.read('one')).toEqual(['of one']);
  });
});
