import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usualRegistries } from '../../../src/ports/checks/registries.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-registries-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const env = () => ({ PATH: process.env.PATH ?? '', HOME: dir });

describe('where package managers fetch from', () => {
  it('is what npm itself says, by the environment and by the settings of the place where it is asked', async () => {
    const asked = await usualRegistries(['npm'], {
      dir,
      env: { ...env(), npm_config_registry: 'http://127.0.0.1:4873/' },
    });
    expect(asked).toEqual([{ name: '127.0.0.1', port: 4873, near: true }]);
    writeFileSync(join(dir, '.npmrc'), 'registry=https://npm.corp.example/\n');
    expect(await usualRegistries(['npm'], { dir, env: env() })).toEqual([
      { name: 'npm.corp.example', port: 443, near: true },
    ]);
  });

  it('is somewhere without a word about it', async () => {
    expect(await usualRegistries(['npm'], { dir, env: env() })).toHaveLength(1);
  });

  it('is nowhere for what is not installed, and nobody is asked for nothing', async () => {
    expect(await usualRegistries(['npm', 'yarn', 'pip', 'go', 'gem'], { dir, env: { PATH: dir } })).toEqual([]);
    expect(await usualRegistries([], { dir, env: env() })).toEqual([]);
  });
});
