import { describe, expect, it } from 'vitest';
import { readLedger } from '../../../src/ports/claude/ledger.ts';
import { openBox } from './kit.ts';

const state = (totalCostUSD: unknown, modelUsage: unknown = {}) =>
  `{"type":"cost-state","totalCostUSD":${JSON.stringify(totalCostUSD)},"modelUsage":${JSON.stringify(modelUsage)}}\n`;

const within = async (files: Record<string, string>, configDir = true) => {
  const box = openBox('http://127.0.0.1:1');
  for (const [name, content] of Object.entries(files)) box.write(name, content);
  const request = box.request('x', configDir ? {} : { configDir: undefined });
  const ledger = await readLedger(request, 'c1');
  box.close();
  return ledger;
};

describe('the ledger of a conversation', () => {
  it('is the last word of its file, in whatever directory that lies', async () => {
    const used = { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, cacheCreationInputTokens: 4 };
    const file = `${state(1)}{"type":"user"}\n${'x'.repeat(300_000)}\n${state(2, { a: used, b: used })}{"type":"last"}\n`;
    const ledger = await within({ 'config/projects/other/c2.jsonl': state(9), 'config/projects/-repo/c1.jsonl': file });
    expect(ledger).toEqual({ costUsd: 2, tokens: { input: 2, output: 4, cacheRead: 6, cacheWrite: 8 } });
  });

  it('is found in the home where no directory is configured', async () => {
    expect(await within({ 'home/.claude/projects/-repo/c1.jsonl': state(3) }, false)).toMatchObject({ costUsd: 3 });
  });

  it('says when some of it was priced by a guess', async () => {
    const file = state(1).replace('}\n', ',"hasUnknownModelCost":true}\n').replace('{}', '{}');
    expect(await within({ 'config/projects/-repo/c1.jsonl': file })).toMatchObject({ costUsd: 1, guessed: true });
  });

  it.each([
    ['no directory', {}],
    ['no such conversation', { 'config/projects/-repo/c2.jsonl': state(1) }],
    ['an empty file', { 'config/projects/-repo/c1.jsonl': '' }],
    ['a torn line', { 'config/projects/-repo/c1.jsonl': state(1).slice(0, 30) }],
    ['words for figures', { 'config/projects/-repo/c1.jsonl': state('many') }],
    ['a file for a directory', { 'config/projects': '' }],
  ])('is unknown with %s', async (_, files) => {
    expect(await within(files as Record<string, string>)).toBeUndefined();
  });
});
