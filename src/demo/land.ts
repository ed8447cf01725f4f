import { join } from 'node:path';
import { execa } from 'execa';
import type { Factory } from '../desk/doors.ts';
import type { QueuedBranch } from '../model/state.ts';
import { createReviewer } from '../roles/reviewer.ts';
import { createTrains } from '../roles/train.ts';
import type { Fate } from './attempts.ts';
import type { DemoRepository } from './repository.ts';

/** The second half of the demo: what was pushed is reviewed and lands, and a fresh clone says whether main is green. */

/** Reviews everything that waits, then lets the train go until it has nothing left to do. */
export const reviewAndLand = async (factory: Factory, signal: AbortSignal): Promise<void> => {
  const { shop, facts, log } = factory;
  await createReviewer({ shop, facts, signal, tell: log }).tick('sweep');
  const trains = createTrains({ shop, facts, signal, tell: log, onDue: () => {} });
  trains.tick();
  await trains.idle();
};

/** What a stranger finds who clones the remote and runs the project's own checks. */
export interface FreshClone {
  commit: string;
  /** Commits on main since the beginning, newest first. */
  landed: string[];
  checks: { name: string; command: string; ok: boolean; says: string }[];
}

export const checkFreshClone = async (
  repository: DemoRepository,
  dir: string,
  modules: string,
  since: string,
): Promise<FreshClone> => {
  const clone = join(dir, 'fresh-clone');
  const run = async (command: string, args: string[], cwd = clone) =>
    execa(command, args, {
      cwd,
      reject: false,
      all: true,
      env: { TALLY_TOOLCHAIN: modules, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', NO_COLOR: '1' },
    });
  await run('git', ['clone', '--quiet', '--branch', repository.branch, repository.remote, clone], dir);
  await run('node', ['install.mjs']);
  const log = await run('git', ['log', '--format=%h %s', `${since}..HEAD`]);
  const commands = {
    tsc: ['node_modules/.bin/tsc', '--noEmit', '--pretty', 'false'],
    tests: ['node_modules/.bin/vitest', 'run'],
  };
  const checks: FreshClone['checks'] = [];
  for (const [name, [command = '', ...args]] of Object.entries(commands)) {
    const { exitCode, all } = await run(command, args);
    const says = name === 'tests' ? (/^\s*Tests\s+(.*)$/m.exec(all)?.[1] ?? '') : countText(all);
    checks.push({ name, command: [command, ...args].join(' '), ok: exitCode === 0, says: says.trim() });
  }
  const commit = await run('git', ['rev-parse', 'HEAD']);
  return { commit: commit.stdout.trim(), landed: log.stdout.split('\n').filter((line) => line !== ''), checks };
};

const countText = (output: string): string => `${output.match(/error TS\d+/g)?.length ?? 0} errors`;

/** What of the queue is not as the attempts say it must be; `fates` by session. */
export const wrongFates = (
  queue: Readonly<Record<string, QueuedBranch>>,
  fates: ReadonlyMap<string, Fate>,
): string[] => {
  const wrong: string[] = [];
  const of = (session: string) => Object.values(queue).find((branch) => branch.session === session);
  for (const [session, fate] of fates) {
    const state = of(session)?.status.state ?? 'missing';
    if (fate !== 'one-of-two' && state !== fate) wrong.push(`${session}: its branch is ${state}, expected ${fate}`);
  }
  const pair = [...fates].filter(([, fate]) => fate === 'one-of-two').map(([session]) => of(session));
  const states = pair.map((branch) => branch?.status.state).sort();
  if (states.join() !== 'dropped,landed')
    wrong.push(`of two that are red together one must land: ${states.join(', ')}`);
  for (const branch of pair) {
    const status = branch?.status;
    if (status?.state === 'dropped' && status.why !== 'red')
      wrong.push(`${branch?.branch} was dropped for another reason: ${status.reason}`);
  }
  return wrong;
};
