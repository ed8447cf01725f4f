import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { firstOf } from '../thoroughness.ts';
import { bash, createWorkbench, planStep, type Workbench } from './workbench.ts';

/** A home made by `winnow init` works as it is: nothing of it is edited between the first command and a pushed branch. */

const ROOT = resolve(import.meta.dirname, '../..');
const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const SUM = 'export const sum = (a: number, b: number): number => a - b;\n';
const TSCONFIG = JSON.stringify({
  compilerOptions: { target: 'es2022', module: 'nodenext', types: [], strict: true, skipLibCheck: true },
  include: ['src'],
});

/** What a package manager leaves behind, without a network: the tools are linked from where Winnow's own are. */
const LINK = `import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

mkdirSync('node_modules/.bin', { recursive: true });
for (const name of ['typescript', 'vitest']) symlinkSync(join(${JSON.stringify(join(ROOT, 'node_modules'))}, name), join('node_modules', name));
symlinkSync('../typescript/bin/tsc', 'node_modules/.bin/tsc');
symlinkSync('../vitest/vitest.mjs', 'node_modules/.bin/vitest');
`;

const manifest = (test: string, more: object = {}) => {
  const optional = {
    peerDependencies: { typescript: '*', vitest: '*' },
    peerDependenciesMeta: { typescript: { optional: true }, vitest: { optional: true } },
  };
  return {
    manifest: { name: 'small', version: '1.0.0', type: 'module', scripts: { test, ...more }, ...optional },
    root: { name: 'small', version: '1.0.0', ...optional },
  };
};

const VITEST = {
  'tsconfig.json': TSCONFIG,
  '.gitignore': 'node_modules\n',
  'link.mjs': LINK,
  'src/sum.ts': SUM,
  'test/sum.test.ts': `import { expect, it } from 'vitest';
import { sum } from '../src/sum.ts';

it('adds', () => expect(sum(1, 2)).toBe(3));
it('adds nothing', () => expect(sum(4, 0)).toBe(4));
`,
};

const npm = manifest('vitest', { postinstall: 'node link.mjs' });
const pnpm = manifest('vitest run --coverage');
const yarn = {
  name: 'small',
  type: 'module',
  scripts: { test: 'yarn build && node --test', build: 'node build.mjs' },
  devDependencies: { typescript: '*' },
};

interface Trial {
  files: Record<string, string>;
  /** A stand-in on PATH for a package manager that would need a network. */
  tool?: string;
  fix: string;
  file: string;
  says: string[];
}

const TRIALS: [string, Trial][] = [
  [
    'npm, tsc and vitest',
    {
      files: {
        ...VITEST,
        'package.json': JSON.stringify(npm.manifest),
        'package-lock.json': JSON.stringify({
          name: 'small',
          version: '1.0.0',
          lockfileVersion: 3,
          requires: true,
          packages: { '': { ...npm.root, hasInstallScript: true } },
        }),
      },
      fix: `sed -i 's/a - b/a + b/' src/sum.ts`,
      file: 'src/sum.ts',
      says: ['npm ci --no-audit --no-fund', 'tsc: tsc --noEmit --pretty false', 'tests: vitest run --reporter=json'],
    },
  ],
  [
    'pnpm, tsc and vitest',
    {
      files: {
        ...VITEST,
        'package.json': JSON.stringify(pnpm.manifest),
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      },
      tool: 'pnpm',
      fix: `sed -i 's/a - b/a + b/' src/sum.ts`,
      file: 'src/sum.ts',
      says: ['pnpm install --frozen-lockfile', 'tests: vitest run --reporter=json'],
    },
  ],
  [
    'yarn, a build and node:test',
    {
      files: {
        '.gitignore': 'node_modules\ndist\n',
        'link.mjs': LINK,
        'package.json': JSON.stringify(yarn),
        'yarn.lock': '# yarn lockfile v1\n',
        'build.mjs': `import { cpSync } from 'node:fs';\ncpSync('src', 'dist', { recursive: true });\n`,
        'src/sum.js': 'export const sum = (a, b) => a - b;\n',
        'sum.test.js': `import assert from 'node:assert/strict';
import test from 'node:test';
import { sum } from './dist/sum.js';

test('adds', () => assert.equal(sum(1, 2), 3));
test('adds nothing', () => assert.equal(sum(4, 0), 4));
`,
      },
      tool: 'yarn',
      fix: `sed -i 's/a - b/a + b/' src/sum.js`,
      file: 'src/sum.js',
      says: [
        'yarn install --non-interactive --frozen-lockfile',
        'build: yarn build',
        'node --test --test-reporter=tap',
      ],
    },
  ],
  [
    'a Makefile, judged by its exit code',
    {
      files: { Makefile: 'test:\n\t@grep -q good state || test -n "$$LATER"\n', state: 'bad\n' },
      fix: 'echo good > state',
      file: 'state',
      says: ['make-test: make test', 'Judged by the exit code alone: make-test'],
    },
  ],
];

describe('a home as `winnow init` makes it', () => {
  it.each(firstOf(1, TRIALS))(
    'for %s runs a cycle that pushes, and a second one that measures nothing again',
    async (_, trial) => {
      const steps = [planStep({ files: [trial.file] }), bash(trial.fix), { blocks: ['It adds now.'] }];
      const bench = await createWorkbench({ files: trial.files, scenarios: { trial: { steps, after: 'restart' } } });
      benches.push(bench);
      const tools = join(bench.dir, 'bin');
      await mkdir(tools);
      if (trial.tool !== undefined) {
        const script =
          '#!/bin/sh\ncase "$1" in install) exec node link.mjs;; build) exec node build.mjs;; esac\nexit 64\n';
        await writeFile(join(tools, trial.tool), script);
        await chmod(join(tools, trial.tool), 0o755);
      }
      const home = join(bench.dir, 'made');
      const winnow = (...args: string[]) =>
        execa(process.execPath, [join(ROOT, 'dist/main.js'), ...args], {
          extendEnv: false,
          reject: false,
          cwd: bench.dir,
          env: {
            PATH: `${tools}:${process.env.PATH}`,
            HOME: bench.dir,
            ANTHROPIC_BASE_URL: `${bench.api.url}/s/trial`,
            ANTHROPIC_API_KEY: 'dummy',
          },
        });

      const init = await winnow('init', home, '--repo', bench.remote);
      expect(init.exitCode, init.stderr).toBe(0);
      for (const words of trial.says) expect(init.stdout).toContain(words);
      const config = await readFile(join(home, 'winnow.config.yaml'), 'utf8');

      // Options of the whole program may stand after the command.
      const first = await winnow('cycle', 'fixer', '--json', '--home', home);
      expect(first.exitCode, first.stderr).toBe(0);
      const { data } = JSON.parse(first.stdout);
      expect(data, first.stderr).toMatchObject({ outcome: 'pushed', verdict: 'better', files: [trial.file] });
      expect(data.reason).toMatch(/^better: .* fixed, nothing broken$/);
      expect(await bench.branches()).toEqual([`${data.branch} ${data.commit}`]);

      const second = await winnow('--home', home, 'cycle', 'tester', '--json');
      expect(JSON.parse(second.stdout).data.checks, second.stderr).toMatchObject({ ran: 0 });
      expect(await readFile(join(home, 'winnow.config.yaml'), 'utf8')).toBe(config);
    },
  );
});
