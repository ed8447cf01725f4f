import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { execa } from 'execa';
import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import { type Detected, detectProject } from '../policy/detect.ts';
import { isTelling, TELLING_MAX_BYTES } from '../policy/detect-files.ts';
import { scaffoldHome } from '../ports/home/scaffold.ts';
import { findOnPath } from '../ports/machine/walls.ts';

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
  name: string;
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
  const repo = isUrl(place) ? place : relativeTo(home, resolve(place));
  const name = request.name ?? nameOf(isUrl(place) ? place : resolve(place));
  const scaffolded = await scaffoldHome({ dir: home, repo, name, branch, detected });
  if (!scaffolded.ok) return scaffolded;
  return ok({ home, repo, branch, name, detected, ...scaffolded.value });
};

/** What a repository shows of itself, read from its commits: an uncommitted file tells nothing. */
export const describeRepository = async (place: string, wanted?: string): Promise<Result<Described, Failure>> => {
  if (!isUrl(place)) {
    if (!existsSync(place)) return failed('repo-missing', `${place} does not exist`);
    return describe(place, resolve(place), wanted);
  }
  const dir = await mkdtemp(join(tmpdir(), 'winnow-init-'));
  try {
    const cloned = await git(tmpdir(), ['clone', '--quiet', '--depth=1', '--no-checkout', ...(wanted ? ['--branch', wanted] : []), '--', place, dir]);
    if (cloned.exitCode !== 0) {
      return failed('repo-unreachable', `${withoutUser(place)} cannot be cloned: ${lastLine(withoutUser(cloned.stderr))}`);
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
  const remote = commit.exitCode === 0 ? commit : await git(dir, ['rev-parse', '--verify', '--quiet', `${branch}^{commit}`]);
  if (remote.exitCode !== 0) {
    const heads = await git(dir, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']);
    const names = heads.stdout.split('\n').filter((name) => name !== '');
    if (names.length === 0) return failed('repo-empty', `${dir} has no commits`);
    return failed('branch-missing', `${dir} has no branch ${branch}; it has ${names.slice(0, 10).join(', ')}`);
  }
  const files = await telling(dir, remote.stdout.trim());
  return ok({ repo, branch, detected: detectProject(files, { tools: toolsHere(), node: process.versions.node }) });
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

const telling = async (dir: string, commit: string): Promise<Map<string, string | undefined>> => {
  const listed = await git(dir, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit]);
  const paths = listed.stdout.split('\0').filter((path) => path !== '');
  const files = new Map<string, string | undefined>(paths.map((path) => [path, undefined]));
  for (const path of paths.filter(isTelling)) {
    const shown = await git(dir, ['cat-file', 'blob', `${commit}:${path}`]);
    if (shown.exitCode === 0) files.set(path, shown.stdout.slice(0, TELLING_MAX_BYTES));
  }
  return files;
};

/** The tools by which a repository may want to be installed and checked, as far as this machine has them. */
const TOOLS = ['npm', 'pnpm', 'yarn', 'bun', 'deno', 'python3', 'python', 'cargo', 'go', 'make', 'poetry', 'uv', 'composer', 'bundle', 'mvn', 'gradle'];

const toolsHere = (): Set<string> => new Set(TOOLS.filter((tool) => findOnPath(tool, process.env.PATH ?? '') !== undefined));

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

const relativeTo = (home: string, path: string): string => {
  const near = relative(home, path) || '.';
  return near.startsWith('../../..') ? path : near;
};

const nameOf = (place: string): string => {
  const name = basename(place.replace(/\/+$/, '')).replace(/\.git$/, '').replace(/[^a-z0-9._-]+/gi, '-').replace(/^[^a-z0-9]+/i, '');
  return name === '' ? 'project' : name.slice(0, 64);
};

const withoutUser = (text: string): string => text.replace(/:\/\/[^/@\s]+@/g, '://');

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
