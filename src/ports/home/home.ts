import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';

/** The home on disk: how it is found, and where each thing lies in it. No other file joins these names. */

export const CONFIG_FILE = 'winnow.config.yaml';

/** The home that a command works on: --home, then WINNOW_HOME, then the nearest one at or above the directory. */
export const findHome = (
  explicit: string | undefined,
  env: Record<string, string | undefined>,
  cwd: string,
): Result<string, Failure> => {
  const named = explicit ?? (env.WINNOW_HOME || undefined);
  if (named !== undefined) {
    const source = explicit === undefined ? 'WINNOW_HOME' : '--home';
    const path = resolve(cwd, named);
    const dir = basename(path) === CONFIG_FILE ? dirname(path) : path;
    if (isHome(dir)) return ok(dir);
    return failed('home-missing', `${source} names ${dir}, ${whatIsThere(dir)}.`);
  }
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    if (isHome(dir)) return ok(dir);
    if (dir === dirname(dir)) break;
  }
  return failed('home-missing', `There is no ${CONFIG_FILE} in ${resolve(cwd)} or any directory above it.`);
};

const isHome = (dir: string): boolean => existsSync(join(dir, CONFIG_FILE));

const whatIsThere = (dir: string): string => {
  const stat = statSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) return 'which does not exist';
  if (!stat.isDirectory()) return 'which is not a directory';
  const other = ['winnow.config.yml', 'winnow.yaml', 'winnow.config.json'].find((name) => existsSync(join(dir, name)));
  return other === undefined
    ? `where there is no ${CONFIG_FILE}`
    : `where there is a ${other} but no ${CONFIG_FILE}: rename it`;
};

export type HomePaths = ReturnType<typeof homePaths>;

export const homePaths = (home: string) => {
  const at = (...parts: string[]) => join(home, ...parts);
  const logs = (...parts: string[]) => at('logs', ...parts);
  const disposable = (...parts: string[]) => at('.winnow', ...parts);
  return {
    home,
    config: at(CONFIG_FILE),
    env: at('.env'),
    sessions: at('sessions'),
    session: (name: string) => at('sessions', `${name}.md`),
    prompts: at('prompts'),
    skills: at('skills'),
    botSkills: at('skills', 'bot'),

    // logs/: kept. What happened, and what is too large for a line of the journal.
    logs: logs(),
    journal: logs('experiment-log.jsonl'),
    taskQueue: logs('task-queue.json'),
    reviewQueue: logs('review-queue.json'),
    transcripts: logs('transcripts'),
    transcript: (cycle: string) => logs('transcripts', cycle),
    reports: logs('reports'),
    patches: logs('patches'),
    reviews: logs('reviews'),
    processLog: logs('winnow.log'),
    standups: logs('standups'),
    letters: logs('doctor'),

    // .winnow/: disposable. All of it can be made again from the repositories and the journal.
    disposable: disposable(),
    schema: disposable('config.schema.json'),
    mirrors: disposable('mirrors'),
    mirror: (project: string) => disposable('mirrors', `${project}.git`),
    workspaces: disposable('workspaces'),
    workspace: (session: string) => disposable('workspaces', session),
    deps: disposable('deps'),
    checkouts: disposable('checkouts'),
    checks: disposable('checks'),
    claudes: disposable('claude'),
    claude: (session: string) => disposable('claude', session),
    lent: (session: string) => disposable('lent', session),
    homes: disposable('homes'),
    agentHome: (session: string) => disposable('homes', session),
    tmp: disposable('tmp'),
    shims: disposable('shims'),
    cursors: disposable('cursors'),
    stop: disposable('STOP'),
    socket: disposable('http.sock'),
    snapshot: disposable('snapshot.json'),
  };
};
