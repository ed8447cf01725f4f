import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES, type RoleName } from '../src/model/role.ts';
import { ADA, startBotApi, TOKEN } from '../test/telegram/bot-api.ts';
import { createHoldingHome, type HoldingHome } from './holding-home.ts';
import { librariesOf, ownMb, residentMb, residentOfLibraries, SETTLE_MS } from './resident.ts';
import { type BenchRow, benchRow, median } from './row.ts';

/**
 * What each role takes of memory as a process of its own, as PM2 and systemd can run them, and all of them in one; against
 * a process that loads the same libraries, and one that loads nothing.
 */
export const roleMemoryRows = async (): Promise<BenchRow[]> => {
  const one: Weighed[] = [];
  const each = new Map<RoleName, Weighed[]>(ROLES.map((role) => [role, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const [all] = await weigh([ROLES]);
    one.push(all!);
    const weighed = await weigh(ROLES.map((role) => [role]));
    for (const [index, role] of ROLES.entries()) each.get(role)!.push(weighed[index]!);
  }
  const empty = await residentOfLibraries([]);
  const libraries = async (roles: readonly RoleName[]) => residentOfLibraries(librariesIn(roles));
  const rows = [rowOf('all', one, { empty, libraries: await libraries(ROLES) })];
  for (const role of ROLES) rows.push(rowOf(role, each.get(role)!, { empty, libraries: await libraries([role]) }));
  return [...rows, togetherRow(one, [...each.values()])];
};

const ROUNDS = 2;
const SESSIONS = 8;

interface Weighed {
  residentMb: number;
  ownMb: number;
  /** What is reachable of V8's heap. */
  heapMb: number;
}

/** Above these PM2 starts a process again; docs/service.md says they are several times what is needed. */
const RESTART_MB = { all: 600, scheduler: 600, reviewer: 400, standup: 400, doctor: 400, bot: 400, http: 400 };
const SEVERAL = 3;

const rowOf = (
  role: RoleName | 'all',
  weighed: readonly Weighed[],
  { empty, libraries }: { empty: number; libraries: number },
): BenchRow => {
  const megabytes = median(weighed.map((one) => one.residentMb));
  const most = RESTART_MB[role] / SEVERAL;
  return benchRow({
    key: `roles.${role}`,
    row: role === 'all' ? 'memory: all roles in one process' : `memory: the ${role} in a process of its own`,
    figure: `${megabytes.toFixed(0)} MB, of it ${median(weighed.map(({ heapMb }) => heapMb)).toFixed(0)} MB live objects`,
    baseline: `${libraries.toFixed(0)} MB (a process that loads its libraries); ${empty.toFixed(0)} MB (an empty Node process)`,
    value: megabytes,
    baselineValue: libraries,
    unit: 'MB',
    tolerance: 0.08,
    goal: `at most ${Math.floor(most)} MB, a third of what PM2 restarts it at`,
    met: megabytes <= most,
    method:
      `VmRSS of the compiled \`winnow up\`, ${ROUNDS} starts: ${weighed.map((one) => one.residentMb.toFixed(0)).join(', ')}; ` +
      `${SESSIONS} sessions, all in a run that holds still, and ${SETTLE_MS / 1000} s more; live objects: the heap after ` +
      'a collection that follows',
  });
};

const togetherRow = (one: readonly Weighed[], each: readonly (readonly Weighed[])[]): BenchRow => {
  const inOne = median(one.map((weighed) => weighed.ownMb));
  const rounds = one.map((_, round) => each.reduce((sum, weighed) => sum + weighed[round]!.ownMb, 0));
  const further = (median(rounds) - inOne) / (ROLES.length - 1);
  return benchRow({
    key: 'roles.together',
    row: 'memory: a process for each role, all together',
    figure: `${median(rounds).toFixed(0)} MB, ${further.toFixed(0)} MB for each further process`,
    baseline: `${inOne.toFixed(0)} MB (all roles in one process)`,
    value: median(rounds),
    baselineValue: inOne,
    unit: 'MB',
    tolerance: 0.08,
    goal: 'none set',
    met: undefined,
    method:
      'anonymous memory of the same processes: what they do not share with each other or with any other Node process',
  });
};

/** Of what every role loads, and of what only some do. */
const librariesIn = (roles: readonly RoleName[]): string[] => [
  ...new Set([
    ...librariesOf('main.js', 'faces/cli/up.js', 'factory.js'),
    ...(roles.includes('http') ? librariesOf('desk/desk.js', 'faces/http/http.js') : []),
    // The library of the port is loaded with the first token.
    ...(roles.includes('bot') ? [...librariesOf('faces/telegram/start.js'), 'telegraf'] : []),
  ]),
];

/** Starts a process for each list of roles in one home, and weighs them once all sessions are in a run. */
const weigh = async (processes: readonly (readonly RoleName[])[]): Promise<Weighed[]> => {
  const api = await startBotApi();
  const telegram = { token: 'env:TELEGRAM_BOT_TOKEN', chats: [ADA], apiRoot: api.url };
  const bench = await createHoldingHome(SESSIONS, { telegram, http: { port: 0 } });
  const children: ChildProcess[] = [];
  try {
    // One after the other, as PM2 starts them.
    for (const roles of processes) {
      const child = startRoles(bench, roles);
      children.push(child);
      await hasBegun(bench, child, roles);
    }
    await bench.allHeld();
    await until(
      () => api.waiting() && existsSync(join(bench.home, '.winnow/http.sock')),
      () => (api.waiting() ? 'HTTP to listen' : 'the bot to ask for messages'),
    );
    await sleep(SETTLE_MS);
    const weighed: Weighed[] = [];
    for (const child of children) {
      const asItIs = { residentMb: residentMb(child.pid!), ownMb: ownMb(child.pid!) };
      weighed.push({ ...asItIs, heapMb: await heapMb(bench, child) });
    }
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')));
    return weighed;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await bench.close();
    await api.close();
  }
};

/** On SIGUSR2 it collects garbage and writes down what is left; until then it is not there. */
const HEAP_PROBE = `data:text/javascript,${encodeURIComponent(`
import { writeFileSync } from 'node:fs';
process.on('SIGUSR2', () => {
  gc();
  writeFileSync('heap.' + process.pid, String(process.memoryUsage().heapUsed));
});`)}`;

const startRoles = (bench: HoldingHome, roles: readonly RoleName[]): ChildProcess => {
  const probe = ['--expose-gc', '--import', HEAP_PROBE];
  const which = roles.length === ROLES.length ? [] : ['--roles', roles.join(',')];
  const env = { PATH: process.env.PATH, HOME: bench.dir, LANG: 'C.UTF-8', TELEGRAM_BOT_TOKEN: TOKEN };
  return spawn(process.execPath, [...probe, MAIN, 'up', ...which], { cwd: bench.home, env, stdio: 'ignore' });
};

const MAIN = join(import.meta.dirname, '../dist/main.js');

/** Until it has written down that it began. */
const hasBegun = (bench: HoldingHome, child: ChildProcess, roles: readonly RoleName[]): Promise<void> =>
  until(
    () => {
      if (child.exitCode !== null) throw new Error(`the process of ${roles.join(', ')} ended with ${child.exitCode}`);
      return bench.ofType('process_started').some(({ data }) => data.pid === child.pid);
    },
    () => `the process of ${roles.join(', ')} to begin`,
  );

const heapMb = async (bench: HoldingHome, child: ChildProcess): Promise<number> => {
  const file = join(bench.home, `heap.${child.pid}`);
  child.kill('SIGUSR2');
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await until(
    () => read() !== '',
    () => 'the size of the heap',
  );
  const bytes = Number(read());
  rmSync(file);
  return bytes / 2 ** 20;
};

const WAIT_MAX_MS = 240_000;
const until = async (holds: () => boolean, what: () => string): Promise<void> => {
  const deadline = performance.now() + WAIT_MAX_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what()}`);
    await sleep(50);
  }
};
