import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createClaude } from '../../../src/ports/claude/run.ts';
import { openBox, REAL_CLAUDE } from './kit.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-locate-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const claude = (command: string, fallbackPath?: string) =>
  createClaude({
    command,
    clock: systemClock,
    reaperPrefix: [],
    sweep: async () => 0,
    ...(fallbackPath === undefined ? {} : { fallbackPath }),
  });
const script = (name: string, text: string, mode = 0o755) => {
  writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`, { mode });
  return join(dir, name);
};

describe('probe', () => {
  it('finds the installed program by its path and reads its version', async () => {
    expect(await claude(REAL_CLAUDE).probe()).toEqual({ ok: true, path: REAL_CLAUDE, version: '2.1.329' });
  });

  it('takes the copy of the project where the command is not on PATH', async () => {
    expect(await claude('no-such-claude', REAL_CLAUDE).probe()).toMatchObject({ ok: true, path: REAL_CLAUDE });
  });

  it('finds a name on PATH', async () => {
    expect(await claude('sh').probe()).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('/sh is no') },
    });
  });

  it.each([
    ['is nowhere', () => 'no-such-claude'],
    ['is a path to nothing', () => join(dir, 'nothing')],
    ['is a directory', () => dir],
    ['may not be executed', () => script('plain', 'echo 1.2.3', 0o644)],
    ['fails', () => script('fails', 'echo 1.2.3; exit 1')],
    ['says nothing', () => script('mute', 'true')],
    ['floods', () => script('floods', 'yes')],
    ['is for another machine', () => script('elf', '').replace('elf', 'broken')],
  ])('says what is wrong and how to mend it when the command %s', async (_, command) => {
    writeFileSync(join(dir, 'broken'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 9, 9, 9]), { mode: 0o755 });
    const probed = await claude(command()).probe();
    expect(probed).toMatchObject({ ok: false, error: { kind: 'claude-missing' } });
    expect(probed.ok ? '' : probed.error.mend).toContain('npm install -g');
  });
});

describe('a run of a program that is not there', () => {
  it('has the shape of any other failed run', async () => {
    const box = openBox('http://127.0.0.1:1');
    const result = await claude(join(dir, 'nothing')).run(box.request('x', { conversation: { start: 'c' } }));
    expect(result).toMatchObject({
      ok: false,
      failure: { kind: 'claude-missing' },
      exitCode: null,
      conversation: 'c',
      usage: { costUsd: 0 },
      denied: [],
    });
    box.close();
  });
});
