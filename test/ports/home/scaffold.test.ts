import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { ROLES } from '../../../src/model/role.ts';
import { detectProject } from '../../../src/policy/detect.ts';
import { loadHome } from '../../../src/ports/home/load.ts';
import { scaffoldHome } from '../../../src/ports/home/scaffold.ts';
import { REPOSITORIES } from '../../policy/repositories.ts';

const dirs: string[] = [];
const emptyDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-scaffold-'));
  dirs.push(dir);
  return dir;
};
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const detected = detectProject(REPOSITORIES['a library with npm, tsc and vitest']!);
const problemsOf = (home: string): string[] => {
  const loaded = loadHome(home, {});
  return loaded.ok ? [] : loaded.error.map(renderProblem);
};
const snapshot = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .map((file) => [file.slice(dir.length + 1), `${statSync(file).mtimeMs} ${readFileSync(file, 'utf8')}`]),
  );

describe('a new home', () => {
  it.each(Object.keys(REPOSITORIES))('for %s loads unchanged', (kind) => {
    const home = emptyDir();
    const made = scaffoldHome({ dir: home, repo: '/srv/api', detected: detectProject(REPOSITORIES[kind]!) });
    expect(made.ok).toBe(true);
    expect(problemsOf(home)).toEqual([]);
    const loaded = loadHome(home, {});
    const written = loaded.ok ? loaded.value.config.projects[0] : undefined;
    expect(written).toMatchObject({ name: 'api', repo: '/srv/api', env: detectProject(REPOSITORIES[kind]!).env });
  });

  it('says in its configuration exactly what was detected, whatever the texts', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        'a: b',
        '# x',
        "it's",
        '"q"',
        '{a}',
        '*x',
        '&x',
        '- x',
        'yes',
        'null',
        '1e3',
        '%x',
        '@x',
        'a #b',
        '`x`',
        '!x',
        'a: ',
        ' x ',
      ),
    );
    const safe = text.filter((value) => !value.includes('\0') && value.trim() !== '' && !value.startsWith('env:'));
    fc.assert(
      fc.property(safe, safe, fc.array(safe, { maxLength: 3 }), (run, install, notes) => {
        const home = emptyDir();
        const checks = [{ name: 'x', run, parse: 'exit' as const, slot: 'test' }];
        const made = scaffoldHome({
          dir: home,
          repo: '/srv/x',
          name: 'x',
          detected: { ...detected, checks, install, notes },
        });
        expect(made.ok).toBe(true);
        const loaded = loadHome(home, {});
        if (!loaded.ok) throw new Error(loaded.error.map(renderProblem).join('\n'));
        expect(loaded.value.config.projects[0]).toMatchObject({ install, checks: [{ run }] });
        rmSync(home, { recursive: true, force: true });
      }),
      { numRuns: 30 },
    );
  });

  it('has three sessions, all prompts, a skill, a place for logs and an example of .env', () => {
    const home = emptyDir();
    const made = scaffoldHome({ dir: home, repo: 'git@example.com:me/my-api.git', branch: 'develop', detected });
    if (!made.ok) throw new Error(made.error.message);
    expect(made.value.left).toEqual([]);
    for (const file of [
      'winnow.config.yaml',
      'sessions/fixer.md',
      'sessions/tester.md',
      'sessions/tidier.md',
      'prompts/plan.md',
      'skills/small-steps/SKILL.md',
      'logs/.gitkeep',
      '.env.example',
      '.gitignore',
      'ecosystem.config.cjs',
    ]) {
      expect(made.value.written).toContain(file);
      expect(existsSync(join(home, file))).toBe(true);
    }
    const loaded = loadHome(home, {});
    expect(loaded.ok && loaded.value.config.projects[0]).toMatchObject({ name: 'my-api', branch: 'develop' });
    expect(loaded.ok && loaded.value.sessions.map(({ name }) => name)).toEqual(['fixer', 'tester', 'tidier']);
    expect(JSON.parse(readFileSync(join(home, '.winnow/config.schema.json'), 'utf8'))).toHaveProperty(
      'properties.projects',
    );
  });

  it('names a repository that it lies in or beside by a relative path', () => {
    for (const [repo, written] of [
      ['', '.'],
      ['/../api', '../api'],
      ['/api', './api'],
    ] as const) {
      const home = emptyDir();
      scaffoldHome({ dir: home, repo: `${home}${repo}`, name: 'x', detected });
      const loaded = loadHome(home, {});
      expect(loaded.ok && loaded.value.config.projects[0]?.repo).toBe(written);
    }
  });

  it('is made twice without a byte being changed the second time', () => {
    const home = emptyDir();
    const first = scaffoldHome({ dir: home, repo: '/srv/api', detected });
    const before = snapshot(home);
    const second = scaffoldHome({ dir: home, repo: '/srv/other', name: 'other', branch: 'dev', detected });
    expect(snapshot(home)).toEqual(before);
    expect(second.ok && second.value.written).toEqual([]);
    expect(first.ok && second.ok && second.value.left.length).toBeGreaterThan(8);
  });

  it('leaves alone what a person wrote, and adds what is lacking around it', () => {
    const home = emptyDir();
    mkdirSync(join(home, 'sessions'));
    writeFileSync(join(home, 'sessions/alpha.md'), '---\nproject: api\n---\nMine.\n');
    writeFileSync(join(home, '.gitignore'), 'node_modules\n.env');
    writeFileSync(join(home, '.env'), 'KEY=value\n');
    const made = scaffoldHome({ dir: home, repo: '/srv/api', detected });
    expect(made.ok && made.value.left).toEqual(['sessions/']);
    expect(made.ok && made.value.written).toContain('.gitignore (3 lines added)');
    expect(readdirSync(join(home, 'sessions'))).toEqual(['alpha.md']);
    expect(readFileSync(join(home, '.gitignore'), 'utf8')).toBe(
      'node_modules\n.env\n.winnow/\nlogs/*\n!logs/.gitkeep\n',
    );
    expect(readFileSync(join(home, '.env'), 'utf8')).toBe('KEY=value\n');
    expect(problemsOf(home)).toEqual([]);
  });

  it('is written through no link that points elsewhere', () => {
    const home = emptyDir();
    const elsewhere = join(emptyDir(), 'target');
    symlinkSync(elsewhere, join(home, 'winnow.config.yaml'));
    const made = scaffoldHome({ dir: home, repo: '/srv/api', detected });
    expect(made.ok && made.value.left).toContain('winnow.config.yaml');
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('gets a deleted prompt back without touching the rest', () => {
    const home = emptyDir();
    scaffoldHome({ dir: home, repo: '/srv/api', detected });
    rmSync(join(home, 'prompts/mend.md'));
    rmSync(join(home, 'sessions/tidier.md'));
    const again = scaffoldHome({ dir: home, repo: '/srv/api', detected });
    expect(again.ok && again.value.written).toEqual(['prompts/mend.md']);
  });

  it.each([
    ['a name with a slash', { repo: '/srv/api', name: 'a/b' }],
    ['a branch like an option', { repo: '/srv/api', branch: '-x' }],
    ['a repository like an option', { repo: '--upload-pack=x' }],
    ['a URL with a password', { repo: 'https://me:hunter2hunter2@example.com/a.git' }],
  ])('is refused for %s, before anything is written', (_, input) => {
    const home = emptyDir();
    const made = scaffoldHome({ dir: home, detected, ...input });
    expect(!made.ok && made.error.kind).toBe('argument-invalid');
    expect(made.ok || made.error.message).not.toContain('hunter2');
    expect(readdirSync(home)).toEqual([]);
  });

  it('is a sentence, not a stack, where the directory is a file', () => {
    const file = join(emptyDir(), 'file');
    writeFileSync(file, '');
    const made = scaffoldHome({ dir: file, repo: '/srv/api', detected });
    expect(!made.ok && made.error.message).toMatch(/could not be written.*\((ENOTDIR|EEXIST)\)/);
  });

  it.each(['/srv/api/', 'https://example.com/me/api.git', 'git@example.com:api.git', 'https://example.com/me/%20/'])(
    'gets a valid name from %s',
    (repo) => {
      const home = emptyDir();
      expect(scaffoldHome({ dir: home, repo, detected }).ok).toBe(true);
      expect(problemsOf(home)).toEqual([]);
    },
  );
});

describe('what the fallback checks run', () => {
  const runs = (kind: string, files: Record<string, string>): number => {
    const dir = emptyDir();
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
    const command = detectProject(REPOSITORIES[kind]!).checks[0]!.run;
    try {
      execFileSync('/bin/sh', ['-c', command], { cwd: dir, stdio: 'ignore' });
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  };

  it('is green on good files and red on bad ones', () => {
    expect(runs('a broken package.json', { 'a b.js': 'let a = 1;', 'c.mjs': 'export {};' })).toBe(0);
    expect(runs('a broken package.json', { 'a.js': 'let a = 1;', 'b.js': 'let let = ;' })).not.toBe(0);
    expect(runs('shell scripts', { 'a.sh': 'echo ok\n' })).toBe(0);
    expect(runs('shell scripts', { 'a.sh': 'if then\n' })).not.toBe(0);
    expect(runs('Python without tests', { 'a.py': 'x = 1\n' })).toBe(0);
    expect(runs('Python without tests', { 'a.py': 'x = = 1\n' })).not.toBe(0);
    expect(runs('notes in Markdown', { 'a.md': '# Fine\n=======\n' })).toBe(0);
    expect(runs('notes in Markdown', { 'a.md': '<<<<<<< HEAD\na\n' })).not.toBe(0);
  });
});

describe('ecosystem.config.cjs', () => {
  const configOf = (args: string[], more: Record<string, string> = {}) => {
    const home = emptyDir();
    scaffoldHome({ dir: home, repo: '/srv/api', detected });
    mkdirSync(join(home, 'dist'));
    writeFileSync(join(home, 'dist/main.js'), '');
    const script = `process.stdout.write(JSON.stringify(require(${JSON.stringify(join(home, 'ecosystem.config.cjs'))})))`;
    const env = { PATH: process.env.PATH, WINNOW_HOME: home, ...more };
    const out = execFileSync(process.execPath, ['-e', script, '--', ...args], {
      ...{ env, encoding: 'utf8', cwd: tmpdir() },
    });
    return { home, apps: (JSON.parse(out) as { apps: Record<string, unknown>[] }).apps };
  };

  it('starts a process for each role of the program that it finds, in the home, and lets Winnow end its own runs', () => {
    const { home, apps } = configOf(['start', 'ecosystem.config.cjs']);
    expect(apps.map(({ name, args }) => [name, args])).toEqual(
      ROLES.map((role) => [`winnow-${role}`, ['up', '--home', home, '--roles', role]]),
    );
    for (const app of apps) {
      expect(app).toMatchObject({
        cwd: home,
        script: expect.stringMatching(/dist\/main\.js$/),
        treekill: false,
        kill_timeout: 15_000,
        exec_mode: 'fork',
        vizion: false,
        stop_exit_codes: [2, 78],
      });
    }
  });

  it('starts all roles in one process where that is asked for, under a name of its own where that is given', () => {
    const { home, apps } = configOf(['start', 'ecosystem.config.cjs', '--only', 'winnow']);
    expect(apps.map(({ name, args }) => [name, args])).toEqual([['winnow', ['up', '--home', home]]]);
    const second = configOf(['start', 'ecosystem.config.cjs'], { WINNOW_PM2_NAME: 'second' });
    expect(second.apps.map(({ name }) => name)).toEqual(ROLES.map((role) => `second-${role}`));
  });
});
