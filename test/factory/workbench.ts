import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { type MessagesApi, startMessagesApi } from '../../src/demo/messages-api.ts';
import type { Reply, Scenario, Step } from '../../src/demo/scenario.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { openFactory } from '../../src/factory.ts';
import type { Entry, EntryOf, EntryType } from '../../src/model/entry.ts';

/**
 * A whole factory in a temporary directory: a real repository with a bare remote, a home, the real Claude Code, and
 * the scripted Messages API. Only the model's words are given.
 */
export interface Workbench {
  dir: string;
  home: string;
  remote: string;
  api: MessagesApi;
  git: (...args: string[]) => Promise<string>;
  /** Commits files to main of the remote, as somebody else would. */
  commit: (files: Record<string, string | undefined>, message?: string) => Promise<string>;
  /** Opens the factory in this process. */
  open: () => Promise<Factory>;
  /** Starts the compiled program. */
  start: (...args: string[]) => Started;
  entries: () => Entry[];
  ofType: <T extends EntryType>(type: T) => EntryOf<T>[];
  /** Resolves with the first entry, past or coming, that passes. */
  until: (passes: (entry: Entry) => boolean, what: string) => Promise<Entry>;
  branches: () => Promise<string[]>;
  close: () => Promise<void>;
}

export interface Started {
  child: ChildProcess;
  done: Promise<{ code: number | null; signal: string | null; out: string; err: string }>;
}

export interface WorkbenchOptions {
  files?: Record<string, string>;
  scenarios?: Record<string, Scenario>;
  /** Merged over the project. */
  project?: Record<string, unknown>;
  /** Merged over agent. */
  agent?: Record<string, unknown>;
  /** Merged over the whole configuration. */
  config?: Record<string, unknown>;
  /** Further files of the home. */
  homeFiles?: Record<string, string>;
  /** Names of sessions; those of the scenarios when absent. */
  sessions?: string[];
  /** What node is given before the program, such as a module that is loaded first. */
  nodeArgs?: (dir: string) => string[];
}

const ROOT = resolve(import.meta.dirname, '../..');
export const CLAUDE = join(ROOT, 'node_modules/.bin/claude');
const MAIN = join(ROOT, 'dist/main.js');
/** A condition that takes longer than this does not come at all. */
export const WAIT_MAX_MS = 120_000;
/** Each look reads the whole journal: more often would take from what is waited for. */
const LOOK_MS = 20;

/** A repository that is judged in a fraction of a second: one module, one test that fails and two that pass. */
export const SMALL: Record<string, string> = {
  'package.json': '{ "name": "small", "private": true, "type": "module" }\n',
  'README.md': '# small\n\nTwo functions.\n',
  'sum.js': 'export const sum = (a, b) => a - b;\nexport const twice = (a) => a * 2;\n',
  'sum.test.js': `import assert from 'node:assert/strict';
import test from 'node:test';
import { sum, twice } from './sum.js';

test('adds', () => assert.equal(sum(1, 2), 3));
test('adds nothing', () => assert.equal(sum(4, 0), 4));
test('doubles', () => assert.equal(twice(2), 4));
`,
};

export const createWorkbench = async (options: WorkbenchOptions = {}): Promise<Workbench> => {
  const dir = await mkdtemp(join(tmpdir(), 'winnow-test-'));
  const [work, remote, home] = [join(dir, 'work'), join(dir, 'remote.git'), join(dir, 'home')];
  const api = await startMessagesApi({ scenarios: options.scenarios ?? {} });
  const git = async (...args: string[]): Promise<string> =>
    (await execa('git', args, { cwd: work, env: IDENTITY })).stdout;
  await write(work, options.files ?? SMALL);
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Begin');
  await git('clone', '--quiet', '--bare', '.', remote);
  await git('remote', 'add', 'origin', remote);
  await writeHome(home, remote, api, options);
  const log = join(home, 'logs/experiment-log.jsonl');
  const entries = (): Entry[] => (existsSync(log) ? parseLines(readFileSync(log, 'utf8')) : []);
  const children = new Set<ChildProcess>();
  const factories = new Set<Factory>();
  return {
    dir,
    home,
    remote,
    api,
    git,
    commit: async (files, message = 'Somebody else') => {
      await git('fetch', '--quiet', 'origin');
      await git('reset', '--quiet', '--hard', 'origin/main');
      for (const [path, text] of Object.entries(files)) {
        if (text === undefined) await rm(join(work, path));
        else await write(work, { [path]: text });
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      await git('push', '--quiet', 'origin', 'HEAD:main');
      return git('rev-parse', 'HEAD');
    },
    open: async () => {
      const opened = await openFactory(home);
      if (!opened.ok) throw new Error(JSON.stringify(opened.error));
      factories.add(opened.value);
      return opened.value;
    },
    start: (...args) => {
      const before = options.nodeArgs?.(dir) ?? [];
      const child = spawn(process.execPath, [...before, MAIN, ...args], {
        cwd: home,
        env: { ...CLEAN_ENV, HOME: dir },
      });
      children.add(child);
      const done = new Promise<Awaited<Started['done']>>((settle) => {
        let [out, err] = ['', ''];
        child.stdout.on('data', (data) => {
          out += data;
        });
        child.stderr.on('data', (data) => {
          err += data;
        });
        child.once('close', (code, signal) => {
          children.delete(child);
          settle({ code, signal, out, err });
        });
      });
      return { child, done };
    },
    entries,
    ofType: <T extends EntryType>(type: T) =>
      entries().filter((entry): entry is Entry & EntryOf<T> => entry.type === type) as EntryOf<T>[],
    until: async (passes, what) => {
      const deadline = Date.now() + WAIT_MAX_MS;
      for (;;) {
        const found = entries().find(passes);
        if (found) return found;
        if (Date.now() > deadline)
          throw new Error(
            `never came: ${what}\n${entries()
              .map((e) => JSON.stringify(e))
              .join('\n')}`,
          );
        await new Promise((next) => setTimeout(next, LOOK_MS));
      }
    },
    branches: async () =>
      (
        await execa('git', [
          '--git-dir',
          remote,
          'for-each-ref',
          '--format=%(refname:short) %(objectname)',
          'refs/heads/brl',
        ])
      ).stdout
        .split('\n')
        .filter((line) => line !== ''),
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const factory of factories) await factory.close();
      await api.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** A hook of the remote: what runs there when somebody pushes. */
export const remoteHook = async (bench: Workbench, name: string, script: string): Promise<void> => {
  const file = join(bench.remote, 'hooks', name);
  await write(bench.remote, { [`hooks/${name}`]: `#!/bin/sh\n${script}\n` });
  await chmod(file, 0o755);
};

export const planStep = (
  words: Partial<{ title: string; files: string[]; nothing: boolean }> = {},
  extra: Partial<Reply> = {},
): Step => ({
  blocks: [
    {
      answer: {
        title: words.title ?? 'Add instead of subtracting',
        why: 'sum subtracts',
        kind: 'fix',
        files: words.files ?? ['sum.js'],
        expects: 'the failing test passes',
        ...(words.nothing ? { nothing: true } : {}),
      },
    },
  ],
  ...extra,
});

export const bash = (command: string): Step => ({
  blocks: [{ tool: 'Bash', input: { command, description: 'Do it' } }],
});

/** A plan and the clean fix of the small repository. */
export const CLEAN_FIX: Scenario = {
  steps: [planStep(), bash(`sed -i 's/a - b/a + b/' sum.js`), { blocks: ['It adds now.'] }],
  after: 'restart',
};

/** The next 29th of February. */
const NEVER = '0 0 29 2 *';

const CLEAN_ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(ANTHROPIC|CLAUDE|WINNOW|GIT|VITEST|NODE_OPTIONS)/.test(name)),
) as Record<string, string>;

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Somebody',
  GIT_AUTHOR_EMAIL: 'somebody@winnow.invalid',
  GIT_COMMITTER_NAME: 'Somebody',
  GIT_COMMITTER_EMAIL: 'somebody@winnow.invalid',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

const write = async (dir: string, files: Record<string, string>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
};

const parseLines = (text: string): Entry[] =>
  text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });

const writeHome = async (home: string, remote: string, api: MessagesApi, options: WorkbenchOptions): Promise<void> => {
  const config = {
    projects: [
      {
        name: 'small',
        repo: remote,
        branch: 'main',
        checks: [{ name: 'tests', run: 'node --test --test-reporter=tap', parse: 'tap', slot: 'test', timeout: '60s' }],
        protect: ['.github/**', 'package.json'],
        ...options.project,
      },
    ],
    agent: {
      command: CLAUDE,
      env: {
        ANTHROPIC_BASE_URL: `${api.url}/s/{session}`,
        ANTHROPIC_API_KEY: 'dummy',
        CLAUDE_CODE_MAX_RETRIES: '0',
      },
      iterations: 1,
      ...options.agent,
    },
    gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 50 },
    slots: { test: 2 },
    http: { port: 0 },
    ...options.config,
    // What the clock alone would begin is begun by those tests that are about it.
    schedule: { standup: NEVER, doctor: NEVER, ...(options.config?.schedule as object | undefined) },
  };
  await write(home, { 'winnow.config.yaml': stringify(config), 'logs/.gitkeep': '', ...options.homeFiles });
  for (const name of options.sessions ?? Object.keys(options.scenarios ?? {})) {
    await write(home, {
      [`sessions/${name}.md`]: `---\nproject: small\nfocus: failing tests\n---\nMend what is broken.\n`,
    });
  }
};
