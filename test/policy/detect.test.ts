import { describe, expect, it } from 'vitest';
import { detectProject } from '../../src/policy/detect.ts';
import type { Machine } from '../../src/policy/detect-part.ts';
import { REPOSITORIES } from './repositories.ts';

const bare: Machine = { tools: new Set(['npm', 'node', 'python3']), node: '20.19.0' };
const full: Machine = { tools: new Set(['npm', 'pnpm', 'yarn', 'bun', 'uv', 'python3', 'pytest']), node: '20.19.0' };

const detect = (name: string, machine?: Machine) => {
  const files = REPOSITORIES[name];
  if (files === undefined) throw new Error(`no repository "${name}"`);
  const detected = detectProject(files, machine);
  return {
    install: detected.install,
    checks: detected.checks.map((check) => `${check.name} [${check.parse}] ${check.run}`),
  };
};

const tsc = 'tsc [tsc] tsc --noEmit --pretty false';
const jestFlags = '--json --ci --forceExit --coverage=false';

describe('what is proposed for', () => {
  it.each([
    [
      'a library with npm, tsc and vitest',
      'npm ci --no-audit --no-fund',
      [tsc, 'tests [vitest-json] vitest run --reporter=json'],
    ],
    [
      'a library with pnpm 8 and eslint',
      'npx -y pnpm@8 install --frozen-lockfile',
      [
        'tsc [tsc] tsc -p tsconfig.check.json --noEmit --pretty false',
        'tests [vitest-json] vitest run --reporter=json',
        'lint [eslint-json] eslint src test --format json',
      ],
    ],
    [
      'a vite application with project references',
      'npm ci --no-audit --no-fund',
      ['tsc [tsc] tsc -b --force --pretty false', 'tests [vitest-json] vitest run --dir src --reporter=json'],
    ],
    [
      'a package with jest, ts-jest and yarn classic',
      'npx -y yarn@1.22.22 install --non-interactive --frozen-lockfile',
      [tsc, `tests [jest-json] NODE_ENV=test jest --runInBand ${jestFlags}`],
    ],
    [
      'an application made by create-react-app',
      'npm ci --no-audit --no-fund',
      [`tests [jest-json] react-scripts test --watchAll=false ${jestFlags}`],
    ],
    [
      'a package with jest as modules',
      'npm ci --no-audit --no-fund',
      [`tests [jest-json] node --experimental-vm-modules node_modules/jest/bin/jest.js ${jestFlags}`],
    ],
    [
      'a package with node:test after a build',
      'npm ci --no-audit --no-fund',
      [tsc, "tests [tap] { npm run build; } >&2 && node --test --test-reporter=tap 'dist/**/*.test.js'"],
    ],
    [
      'a package with node:test through tsx',
      'npx -y bun@1 install --frozen-lockfile',
      ['tests [tap] tsx --test --test-reporter=tap test/*.test.ts'],
    ],
    [
      'a package with mocha',
      'npm install --no-audit --no-fund --package-lock=false',
      [
        'tests [tap] mocha --timeout 5000 "test/**/*.js" --exit --reporter tap',
        'lint [eslint-json] eslint . --format json',
      ],
    ],
    ['a package with ava and xo', 'npm install --no-audit --no-fund --package-lock=false', ['tests [tap] ava --tap']],
    [
      'a package with tape',
      'npm install --no-audit --no-fund --package-lock=false',
      ["tests [tap] tape 'test/**/*.js'"],
    ],
    [
      'a package with bun',
      'npx -y bun@1.1.30 install --frozen-lockfile',
      [tsc, 'tests [junit] npx -y bun@1.1.30 test --reporter=junit --reporter-outfile=.winnow-bun.xml'],
    ],
    [
      'a project with modern yarn and its own copy',
      'node .yarn/releases/yarn-4.5.0.cjs install --immutable',
      [`tests [jest-json] jest ${jestFlags}`],
    ],
    [
      'a project with modern yarn and plug and play',
      'YARN_NODE_LINKER=node-modules npx -y -p @yarnpkg/cli-dist@3 yarn install --immutable',
      ['tests [vitest-json] vitest run --reporter=json'],
    ],
    [
      'a workspace with turbo',
      'npx -y pnpm@9.1.0 install --frozen-lockfile',
      [tsc, 'tests [exit] npx -y pnpm@9.1.0 test'],
    ],
    [
      'a package with flow, babel and jest behind one script',
      'npx -y yarn@1.22.22 install --non-interactive --frozen-lockfile',
      ['flow [exit] flow check --max-warnings 0', `tests [jest-json] jest src ${jestFlags}`],
    ],
    [
      'a package whose tests need a build by a bundler',
      'npm ci --no-audit --no-fund',
      ['build [exit] npm run build', 'tests [tap] { npm run build; } >&2 && mocha --exit --reporter tap'],
    ],
    [
      'a package with settings for pnpm 11 and oxlint',
      'npx -y pnpm@10 --config.manage-package-manager-versions=false install --frozen-lockfile',
      ['tests [vitest-json] vitest run --reporter=json', 'lint [exit] oxlint src'],
    ],
    [
      'a project with an exact version of modern yarn',
      'npx -y -p @yarnpkg/cli-dist@~4.10.0 yarn install --immutable',
      ['tests [vitest-json] vitest run --reporter=json'],
    ],
    [
      'a Python package below src',
      undefined,
      [
        'pytest [junit] python3 -m pytest -p no:cacheprovider --continue-on-collection-errors --junitxml=.winnow-pytest.xml',
      ],
    ],
    ['a site with a build and no tests', 'npm ci --no-audit --no-fund', ['build [exit] npm run build']],
    [
      'a package with biome and a pipeline in its test script',
      'npm ci --no-audit --no-fund',
      ['tests [exit] npm test', 'lint [exit] biome check .'],
    ],
    ['a package without dependencies', undefined, ['tests [tap] node --test --test-reporter=tap']],
    ['a broken package.json', undefined, [expect.stringContaining('syntax [exit] find . ')]],
    [
      'a Python package with uv',
      undefined,
      [
        'pytest [junit] python3 -m pytest -p no:cacheprovider --continue-on-collection-errors --junitxml=.winnow-pytest.xml',
      ],
    ],
    ['a Python script with requirements', undefined, ['unittest [exit] python3 -m unittest discover']],
    ['Python without tests', undefined, ['syntax [exit] python3 -m compileall -q .']],
    ['a crate', undefined, ['cargo-test [exit] cargo test --workspace --no-fail-fast --locked']],
    ['a Go module', undefined, ['go-vet [exit] go vet ./...', 'go-test [exit] go test ./...']],
    ['a Deno module', undefined, ['tests [tap] deno test -A --reporter=tap']],
    ['a C program with a Makefile', undefined, ['make-test [exit] make test']],
    ['a Java project', undefined, ['tests [exit] mvn -B -q test']],
    [
      'a crate with a web front end',
      'npm ci --no-audit --no-fund',
      ['tests [vitest-json] vitest run --reporter=json', 'cargo-test [exit] cargo test --workspace --no-fail-fast'],
    ],
    ['shell scripts', undefined, [expect.stringContaining('syntax [exit] find . ')]],
    ['notes in Markdown', undefined, [expect.stringContaining('conflict-markers [exit] ! grep')]],
    ['an empty repository', undefined, [expect.stringContaining('conflict-markers [exit]')]],
    ['a repository with names as prototypes have', undefined, [expect.stringContaining('conflict-markers [exit]')]],
  ] as [string, string | undefined, unknown[]][])('%s', (name, install, checks) => {
    expect(detect(name, bare)).toEqual({ install, checks });
  });

  it('a machine that has the package managers is to use them by name', () => {
    expect(detect('a library with pnpm 8 and eslint', full).install).toBe('pnpm install --frozen-lockfile');
    expect(detect('a package with bun', full).install).toBe('bun install --frozen-lockfile');
    expect(detect('a Python package with uv', full).checks[0]).toContain(
      'uv run --frozen --all-extras python -m pytest',
    );
    expect(detect('a Python script with requirements', full).checks[0]).toContain('[junit]');
  });

  it('every repository of the table is covered by it', () => {
    expect(Object.keys(REPOSITORIES).length).toBeGreaterThanOrEqual(20);
    for (const files of Object.values(REPOSITORIES))
      expect(detectProject(files, bare).checks.length).toBeGreaterThan(0);
  });
});

describe('what is said of it', () => {
  const notes = (name: string, machine: Machine | undefined = bare) =>
    detectProject(REPOSITORIES[name]!, machine).notes.join('\n');

  it('names what may go wrong in a workspace', () => {
    const said = notes('a workspace with turbo');
    expect(said).toContain(
      'Several lockfiles (pnpm-lock.yaml, package-lock.json): pnpm is used, since `packageManager` says so.',
    );
    expect(said).toContain('pnpm is not on this machine: `npx -y pnpm@9.1.0`');
    expect(said).toContain('.nvmrc asks for Node 18, this machine has 20.19.0');
    expect(said).toContain('Installing runs the script "prepare" (husky)');
    expect(said).toContain('Judged by the exit code alone: tests.');
  });

  it('speaks of a workspace only where there are several packages, and of an older pnpm only where it must', () => {
    const name = 'a package with settings for pnpm 11 and oxlint';
    expect(notes(name)).not.toContain('workspace');
    expect(notes(name)).toContain('pnpm 11.3.0, which needs Node 22; this machine has 20.19.0');
    const newer: Machine = { ...bare, node: '24.1.0' };
    expect(notes(name, newer)).not.toContain('needs Node');
    expect(detect(name, newer).install).toBe('npx -y pnpm@11.3.0 install --frozen-lockfile');
  });

  it('names the tools that this machine has not', () => {
    expect(notes('a Go module')).toContain('go is not on this machine');
    expect(notes('a Go module', { tools: new Set(['go']), node: '24.1.0' })).not.toContain('go is not');
    expect(detectProject(REPOSITORIES['a Go module']!).notes.join()).not.toContain('is not on');
  });

  it('lets the sources of a checkout win over an editable installation of the package', () => {
    const { env } = detectProject(REPOSITORIES['a Python package below src']!);
    expect(env).toEqual({ PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: 'src' });
    expect(detectProject(REPOSITORIES['a Python package with uv']!).env).not.toHaveProperty('PYTHONPATH');
  });

  it('is plain where nothing can be proven', () => {
    for (const name of ['notes in Markdown', 'Python without tests', 'a site with a build and no tests']) {
      expect(notes(name)).toContain('No tests were found');
    }
    expect(notes('a crate')).not.toContain('No tests were found');
  });

  it('is nothing when there is nothing to say', () => {
    expect(notes('a library with npm, tsc and vitest')).toBe('');
  });

  it('keeps the environment quiet where tools would ask or watch', () => {
    expect(detectProject(REPOSITORIES['a workspace with turbo']!).env).toEqual({ CI: 'true', HUSKY: '0' });
  });
});

describe('what is protected', () => {
  it('are the lockfiles, the configuration of each check, and what has power over the machine', () => {
    const { protect } = detectProject(REPOSITORIES['a library with pnpm 8 and eslint']!);
    for (const glob of [
      '.github/**',
      '.claude/**',
      '.gitmodules',
      '**/pnpm-lock.yaml',
      '**/.npmrc',
      '**/tsconfig*.json',
      'vitest.config.*',
      'eslint.config.*',
      '.winnow-*',
    ]) {
      expect(protect).toContain(glob);
    }
  });

  it('is the file of vite only where it is the one that configures the tests', () => {
    expect(detectProject(REPOSITORIES['a vite application with project references']!).protect).toContain(
      'vite.config.*',
    );
    expect(detectProject(REPOSITORIES['a library with npm, tsc and vitest']!).protect).not.toContain('vite.config.*');
  });

  it('what a session reads first are the files that exist', () => {
    expect(detectProject(REPOSITORIES['a library with npm, tsc and vitest']!).context).toEqual([
      'CLAUDE.md',
      'README.md',
    ]);
    expect(detectProject(REPOSITORIES['a library with pnpm 8 and eslint']!).context).toEqual(['readme.md']);
    expect(detectProject(REPOSITORIES['a crate']!).context).toEqual([]);
  });
});

describe('a second look at failed tests', () => {
  it('names the files exactly where the runner can', () => {
    const reruns = (name: string) =>
      detectProject(REPOSITORIES[name]!).checks.find((check) => check.name === 'tests')?.rerun;
    expect(reruns('a library with npm, tsc and vitest')).toBe('vitest run --reporter=json {files}');
    expect(reruns('a package with jest, ts-jest and yarn classic')).toMatch(/--runTestsByPath \{files\}$/);
    expect(reruns('a package with mocha')).toBeUndefined();
  });
});
