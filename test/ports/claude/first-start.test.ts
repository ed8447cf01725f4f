import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerFirstStart } from '../../../src/ports/claude/first-start.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-first-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const answered = async (env: Record<string, string> = {}) => {
  await answerFirstStart(join(dir, 'config'), { cwd: '/w/alpha', env });
  return JSON.parse(readFileSync(join(dir, 'config/.claude.json'), 'utf8'));
};

describe('what a first start asks', () => {
  it('is answered where nothing is known, with no more of the key than Claude Code keeps itself', async () => {
    expect(await answered({ ANTHROPIC_API_KEY: `sk-${'x'.repeat(40)}end` })).toEqual({
      hasCompletedOnboarding: true,
      projects: { '/w/alpha': { hasTrustDialogAccepted: true } },
      customApiKeyResponses: { approved: [`${'x'.repeat(17)}end`], rejected: [] },
    });
  });

  it('keeps what is there, and answers once', async () => {
    const known = {
      userID: 'u',
      projects: { '/w/alpha': { lastCost: 1 }, '/other': {} },
      customApiKeyResponses: { approved: ['k'], rejected: ['r'] },
    };
    await answered();
    writeFileSync(join(dir, 'config/.claude.json'), JSON.stringify(known));
    await answered({ ANTHROPIC_API_KEY: 'k' });
    expect(await answered({ ANTHROPIC_API_KEY: 'k' })).toEqual({
      ...known,
      hasCompletedOnboarding: true,
      projects: { '/w/alpha': { lastCost: 1, hasTrustDialogAccepted: true }, '/other': {} },
    });
  });

  it('leaves a damaged file to Claude Code, which says what is wrong with it', async () => {
    await answered();
    writeFileSync(join(dir, 'config/.claude.json'), '{"a":');
    await answerFirstStart(join(dir, 'config'), { cwd: '/w/alpha', env: {} });
    expect(readFileSync(join(dir, 'config/.claude.json'), 'utf8')).toBe('{"a":');
  });
});
