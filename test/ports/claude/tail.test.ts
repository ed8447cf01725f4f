import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTail } from '../../../src/ports/claude/tail.ts';

let dir: string;
let files = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-tail-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const open = () => {
  files += 1;
  const file = join(dir, `${files}.jsonl`);
  const lines: string[] = [];
  return { file, lines, tail: createTail(file, (line) => lines.push(line.toString())) };
};

describe('a tail', () => {
  it('hands over each line once, whatever the pieces in which the file grows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(40)), async (texts, cuts) => {
        const { file, lines, tail } = open();
        const wanted = texts.map((text) => text.replaceAll('\n', ' ')).filter((text) => text !== '');
        let rest = Buffer.from(wanted.map((line) => `${line}\n`).join(''));
        writeFileSync(file, '');
        for (const cut of cuts) {
          appendFileSync(file, rest.subarray(0, cut));
          rest = rest.subarray(cut);
          await tail.read();
        }
        appendFileSync(file, rest);
        await tail.finish();
        expect(lines).toEqual(wanted.map((line) => Buffer.from(line).toString()));
      }),
      { numRuns: 60 },
    );
  });

  it('hands over a last line that has no end only at the end', async () => {
    const { file, lines, tail } = open();
    writeFileSync(file, 'one\ntwo');
    expect(await tail.read()).toBe(true);
    expect(lines).toEqual(['one']);
    expect(await tail.read()).toBe(false);
    await tail.finish();
    expect(lines).toEqual(['one', 'two']);
  });

  it('takes a line of 20 MB and the one after it', async () => {
    const { file, lines, tail } = open();
    writeFileSync(file, `${'x'.repeat(20_000_000)}\nafter\n`);
    await tail.read();
    await tail.finish();
    expect(lines.map((line) => line.length)).toEqual([20_000_000, 5]);
  });

  it('drops a line beyond all measure without collecting it, and counts it', async () => {
    const { file, lines, tail } = open();
    const mega = 'x'.repeat(1_000_000);
    writeFileSync(file, 'before\n');
    for (let i = 0; i < 70; i += 1) appendFileSync(file, mega);
    appendFileSync(file, '\nafter\n');
    await tail.finish();
    expect(lines).toEqual(['before', 'after']);
    expect(tail.dropped()).toBe(1);
  });

  it('waits for a file that is not there yet, and does without one that never comes', async () => {
    const { file, lines, tail } = open();
    expect(await tail.read()).toBe(false);
    writeFileSync(file, 'there\n');
    expect(await tail.read()).toBe(true);
    await tail.finish();
    expect(lines).toEqual(['there']);
    await open().tail.finish();
  });

  it('keeps the order when it is asked many times at once', async () => {
    const { file, lines, tail } = open();
    const wanted = Array.from({ length: 5000 }, (_, i) => `line ${i} ${'y'.repeat(50)}`);
    writeFileSync(file, wanted.map((line) => `${line}\n`).join(''));
    await Promise.all([tail.read(), tail.read(), tail.finish(), tail.read()]);
    expect(lines).toEqual(wanted);
    appendFileSync(file, 'too late\n');
    expect(await tail.read()).toBe(false);
  });
});
