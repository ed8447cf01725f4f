import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import { type Detected, detectProject } from '../policy/detect.ts';
import { scaffoldHome } from '../ports/home/scaffold.ts';
import { surveyFiles, surveyMachine } from '../ports/home/survey.ts';

/** Makes a home for a repository: looks at what is committed, proposes the checks, writes what is not there yet. */
export interface InitRequest {
  /** Where the home is made. */
  dir: string;
  /** Path or URL; undefined: the repository that holds `dir`. */
  repo: string | undefined;
  name: string | undefined;
  branch: string | undefined;
}

export interface InitResult {
  home: string;
  repo: string;
  branch: string;
  detected: Detected;
  written: string[];
  left: string[];
}

export interface Described {
  repo: string;
  branch: string;
  detected: Detected;
}

export const initHome = async (request: InitRequest): Promise<Result<InitResult, Failure>> => {
  const home = resolve(request.dir);
  const place = request.repo ?? (await repositoryAround(home));
  if (place === undefined) {
    return failed('repo-missing', `${home} is in no git repository; say which one with --repo PATH or URL`);
  }
  const described = await describeRepository(place, request.branch);
  if (!described.ok) return described;
  const { branch, detected } = described.value;
  const repo = isUrl(place) ? place : resolve(place);
  const name = request.name === undefined ? {} : { name: request.name };
  const scaffolded = scaffoldHome({ dir: home, repo, branch, detected, ...name });
  if (!scaffolded.ok) return scaffolded;
  return ok({ home, repo, branch, detected, ...scaffolded.value });
};

/** What a repository shows of itself, read from its commits: an uncommitted file tells nothing. */
export const describeRepository = async (place: string, wanted?: string): Promise<Result<Described, Failure>> => {
  if (!isUrl(place)) {
    if (!existsSync(place)) return failed('repo-missing', `${place} does not exist`);
    return describe(place, resolve(place), wanted);
  }
  const dir = await mkdtemp(join(tmpdir(), 'winnow-init-'));
  try {
    const cloned = await git(tmpdir(), [
      'clone',
      '--quiet',
      '--depth=1',
      '--no-checkout',
      ...(wanted ? ['--branch', wanted] : []),
      '--',
      place,
      dir,
    ]);
    if (cloned.exitCode !== 0) {
      return failed(
        'repo-unreachable',
        `${withoutUser(place)} cannot be cloned: ${lastLine(withoutUser(cloned.stderr))}`,
      );
    }
    return await describe(place, dir, wanted);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const describe = async (repo: string, dir: string, wanted: string | undefined): Promise<Result<Described, Failure>> => {
  const inside = await git(dir, ['rev-parse', '--git-dir']);
  if (inside.exitCode !== 0) return failed('repo-missing', `${dir} is not a git repository`);
  const branch = wanted ?? (await defaultBranch(dir));
  if (branch === undefined) return failed('repo-empty', `${dir} has no commits`);
  const commit = await git(dir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`]);
  const remote =
    commit.exitCode === 0 ? commit : await git(dir, ['rev-parse', '--verify', '--quiet', `${branch}^{commit}`]);
  if (remote.exitCode !== 0) {
    const heads = await git(dir, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']);
    const names = heads.stdout.split('\n').filter((name) => name !== '');
    if (names.length === 0) return failed('repo-empty', `${dir} has no commits`);
    return failed('branch-missing', `${dir} has no branch ${branch}; it has ${names.slice(0, 10).join(', ')}`);
  }
  const at = remote.stdout.trim();
  const listed = await git(dir, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', at]);
  const paths = listed.stdout.split('\0').filter((path) => path !== '');
  const files = await surveyFiles(paths, async (path) => {
    const shown = await git(dir, ['cat-file', 'blob', `${at}:${path}`]);
    return shown.exitCode === 0 ? shown.stdout : undefined;
  });
  return ok({ repo, branch, detected: detectProject(files, surveyMachine()) });
};

/** The checked-out branch of a local repository, the remote's HEAD of a clone, else one of the usual names. */
const defaultBranch = async (dir: string): Promise<string | undefined> => {
  const head = await git(dir, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  const candidates = [head.stdout.trim(), 'main', 'master', 'trunk'].filter((name) => name !== '');
  for (const name of candidates) {
    const there = await git(dir, ['rev-parse', '--verify', '--quiet', `refs/heads/${name}^{commit}`]);
    if (there.exitCode === 0) return name;
  }
  return undefined;
};

const repositoryAround = async (dir: string): Promise<string | undefined> => {
  const start = existsSync(dir) ? dir : resolve(dir, '..');
  if (!existsSync(start)) return undefined;
  const top = await git(start, ['rev-parse', '--show-toplevel']);
  return top.exitCode === 0 ? top.stdout.trim() : undefined;
};

/** Reading only: no hooks, no file watchers, nobody is asked for a password. */
const git = (cwd: string, args: string[]) =>
  execa('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...args], {
    cwd,
    reject: false,
    stripFinalNewline: false,
    timeout: 300_000,
    maxBuffer: 256 * 1024 ** 2,
    env: { GIT_TERMINAL_PROMPT: '0' },
  });

const isUrl = (place: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(place) || /^[^/\s]+@[^/\s:]+:/.test(place);

const withoutUser = (text: string): string => text.replace(/:\/\/[^/@\s]+@/g, '://');

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
