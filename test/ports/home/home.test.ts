import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { problemsKind } from '../../../src/model/problems.ts';
import { findHome, homePaths } from '../../../src/ports/home/home.ts';
import { loadHome } from '../../../src/ports/home/load.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-home-'));
  for (const dir of ['a/deep/er', 'b', 'c']) mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, 'a/winnow.config.yaml'), 'projects: []\n');
  writeFileSync(join(root, 'b/winnow.config.yaml'), '');
  writeFileSync(join(root, 'c/winnow.config.yml'), '');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the home', () => {
  it('is what --home names, then WINNOW_HOME, then the nearest above', () => {
    const deep = join(root, 'a/deep/er');
    expect(findHome('../../../b', { WINNOW_HOME: join(root, 'a') }, deep)).toEqual({
      ok: true,
      value: join(root, 'b'),
    });
    expect(findHome(undefined, { WINNOW_HOME: join(root, 'b') }, deep)).toEqual({ ok: true, value: join(root, 'b') });
    expect(findHome(undefined, { WINNOW_HOME: '' }, deep)).toEqual({ ok: true, value: join(root, 'a') });
    expect(findHome(join(root, 'a/winnow.config.yaml'), {}, root)).toEqual({ ok: true, value: join(root, 'a') });
  });

  it('that is not there is said with what is there instead', () => {
    const message = (explicit: string | undefined, env: Record<string, string>, cwd: string) => {
      const found = findHome(explicit, env, cwd);
      return found.ok ? found.value : `${found.error.kind}: ${found.error.message}`;
    };
    expect(message('nope', {}, root)).toContain('home-missing: --home names');
    expect(message('nope', {}, root)).toContain('which does not exist');
    expect(message(undefined, { WINNOW_HOME: join(root, 'c') }, root)).toContain(
      'a winnow.config.yml but no winnow.config.yaml: rename it',
    );
    expect(message(join(root, 'c/winnow.config.yml'), {}, root)).toContain('which is not a directory');
    expect(message(undefined, {}, root)).toContain(`There is no winnow.config.yaml in ${root} or any directory above`);
  });

  it('has each of its places inside itself, and no two the same', () => {
    const paths = Object.values(homePaths('/h')).map((path) => (typeof path === 'string' ? path : path('x')));
    expect(paths.every((path) => path === '/h' || path.startsWith('/h/'))).toBe(true);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

describe('all that a home holds', () => {
  it('is judged as a whole: configuration, sessions and prompts in one answer', () => {
    const home = join(root, 'd');
    mkdirSync(join(home, 'sessions'), { recursive: true });
    mkdirSync(join(home, 'prompts'));
    writeFileSync(join(home, 'winnow.config.yaml'), 'projects: 7\n');
    writeFileSync(join(home, 'sessions/a.md'), '---\nevery: x\n---\nGo.\n');
    writeFileSync(join(home, 'prompts/plan.md'), '{{oops}}');
    const loaded = loadHome(home, {});
    if (loaded.ok) throw new Error('loaded');
    expect([...new Set(loaded.error.map(({ file }) => file))]).toEqual([
      'winnow.config.yaml',
      'sessions/a.md',
      'prompts/plan.md',
    ]);
    expect(problemsKind(loaded.error)).toBe('config-invalid');
    expect(loaded.error.map(renderProblem).join('\n')).toContain('sessions/a.md:2  every');
    expect(problemsKind(loaded.error.filter(({ file }) => file.startsWith('prompts')))).toBe('prompt-invalid');
  });
});
