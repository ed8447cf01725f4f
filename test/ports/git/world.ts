import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/base/clock.ts';
import type { Result } from '../../../src/base/result.ts';
import type { Failure } from '../../../src/model/failure.ts';
import { removeTree } from '../../../src/ports/git/files.ts';
import { createGit, type Git } from '../../../src/ports/git/git.ts';
import type { Mirror } from '../../../src/ports/git/mirror.ts';
import { openMirror } from '../../../src/ports/git/open-mirror.ts';

/** Real repositories in a directory of their own, made by plain git, not by the code that is tested. */
export interface World {
  root: string;
  home: string;
  /** The project: a normal checkout. */
  repo: string;
  git: Git;
  log: string[];
  sh(cwd: string, ...args: string[]): Promise<string>;
  mirror(repo?: string, branch?: string, project?: string): Promise<Mirror>;
  dispose(): Promise<void>;
}

const run = promisify(execFile);

/** The person's git: no configuration of this machine, a name, and the branch main. */
export const PERSON = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** git as an agent or a person runs it, in a directory. */
export const sh = async (cwd: string, ...args: string[]): Promise<string> =>
  (await run('git', args, { cwd, env: PERSON, maxBuffer: 1 << 28 })).stdout.trimEnd();

export const write = async (dir: string, files: Record<string, string | Buffer>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), content);
  }
};

export const commitAll = async (dir: string, message: string): Promise<string> => {
  await sh(dir, 'add', '-A');
  await sh(dir, 'commit', '-q', '--allow-empty', '-m', message);
  return sh(dir, 'rev-parse', 'HEAD');
};

export const must = <T>(result: Result<T, Failure>): T => {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}\n${result.error.detail ?? ''}`);
  return result.value;
};

export const FILES = {
  'README.md': '# Project\n',
  'src/a.ts': 'export const a = 1;\n',
  'src/b.ts': 'export const b = 2;\n',
  'src/deep/c.ts': 'export const c = 3;\n',
  'run.sh': '#!/bin/sh\necho hi\n',
  '.gitignore': 'dist\n*.log\n',
};

export const createWorld = async (files: Record<string, string | Buffer> = FILES): Promise<World> => {
  const root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'winnow-git-')));
  const repo = path.join(root, 'repo');
  const home = path.join(root, 'home');
  await mkdir(home, { recursive: true });
  await mkdir(repo);
  await sh(repo, 'init', '-q', '-b', 'main');
  await write(repo, files);
  await commitAll(repo, 'first');
  const log: string[] = [];
  const git = createGit({ clock: systemClock, env: PERSON, log: (message) => log.push(message) });
  return {
    root,
    home,
    repo,
    git,
    log,
    sh,
    mirror: async (from = repo, branch = 'main', project = 'project') =>
      must(await openMirror({ git, clock: systemClock, home, project, repo: from, branch })),
    // Stores are read-only, and some directories are left without any permission.
    dispose: async () => {
      must(await removeTree(root));
    },
  };
};
