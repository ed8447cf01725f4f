import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHomeJournal } from '../src/home.ts';
import { DATA } from '../test/model/examples.ts';
import { type BenchRow, median } from './row.ts';
import { createStandInBench, sessionNames } from './stand-ins.ts';

/** Resident memory of `winnow up` while its sessions are all in a run, against its libraries alone. */
export const memoryRows = async (): Promise<BenchRow[]> => {
  const megabytes: Record<number | 'libraries', number[]> = { libraries: [], 8: [], 64: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    megabytes.libraries.push(await ofLibraries());
    megabytes[8]?.push(await ofSessions(8));
  }
  // Half a minute of work on two cores: once.
  megabytes[64]?.push(await ofSessions(64));
  const of = (key: number | 'libraries') => median(megabytes[key] ?? []);
  const libraries = of('libraries');
  const each = (of(64) - of(8)) / 56;
  const spread = (key: number | 'libraries') => (megabytes[key] ?? []).map((mb) => mb.toFixed(0)).join(', ');
  const method =
    'VmRSS of the compiled `winnow up`, read when every session has been in its run for some seconds; the runs are ' +
    'stand-ins that hold still, and are not counted';
  return [
    {
      row: 'memory: scheduler with 8 sessions',
      figure: `${of(8).toFixed(0)} MB`,
      baseline: `${libraries.toFixed(0)} MB (a process that imports the libraries of dist/factory.js)`,
      ratio: of(8) / libraries,
      goal: 'at most 110 MB where the libraries take 86',
      met: of(8) <= 110,
      method: `${method}; ${ROUNDS} starts: ${spread(8)}; libraries: ${spread('libraries')}`,
    },
    {
      row: 'memory: each further session',
      figure: `${each.toFixed(2)} MB`,
      baseline: `${of(8).toFixed(0)} MB with 8`,
      ratio: undefined,
      goal: 'at most 1.5 MB',
      met: each <= 1.5,
      method: 'the difference between 64 and 8 sessions over 56; garbage that was not collected yet is part of it',
    },
    {
      row: 'memory: scheduler with 64 sessions',
      figure: `${of(64).toFixed(0)} MB`,
      baseline: `${libraries.toFixed(0)} MB (libraries)`,
      ratio: of(64) / libraries,
      goal: 'under 200 MB',
      met: of(64) < 200,
      method: 'as with 8 sessions; one start',
    },
  ];
};

const ROUNDS = 2;
/** After the last run has begun: what was needed to start it may be given back. */
const SETTLE_MS = 3000;
const START_MAX_MS = 240_000;
const DIST = join(import.meta.dirname, '../dist');

const ofSessions = async (count: number): Promise<number> => {
  const sessions = sessionNames(count);
  const bench = await createStandInBench({
    sessions,
    config: {
      gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 1000, maxSessions: count },
      slots: { test: 2 },
      schedule: { cycle: '1s' },
    },
  });
  try {
    writeFileSync(join(bench.deeds, 'hold'), '');
    rememberSmallCycles(bench.home, sessions);
    const up = bench.start('up');
    const deadline = performance.now() + START_MAX_MS;
    const held = () => readdirSync(bench.deeds).filter((name) => name.endsWith('.held')).length;
    while (held() < count) {
      if (performance.now() > deadline) throw new Error(`only ${held()} of ${count} runs began`);
      await sleep(50);
    }
    await sleep(SETTLE_MS);
    const megabytes = residentMb(up.child.pid as number);
    up.child.kill('SIGTERM');
    await up.done;
    return megabytes;
  } finally {
    await bench.close();
  }
};

/** Nothing is known of a new session, so memory for a whole agent is kept free for it, which few machines have for 64. */
const rememberSmallCycles = (home: string, sessions: readonly string[]): void => {
  const { journal } = openHomeJournal(home);
  for (const [index, session] of sessions.entries()) {
    const where = { project: 'small', session, cycle: `earlier-${index}` };
    journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: DATA.cycle_started });
    const data = { ...DATA.ralph_cycle, outcome: 'empty' as const, memoryPeakBytes: 10 * 2 ** 20 };
    journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data });
  }
  journal.close();
};

const ofLibraries = async (): Promise<number> => {
  const imports = librariesOf(join(DIST, 'factory.js')).map((name) => `import '${name}';`);
  const script = `${imports.join('\n')}\nconsole.log('loaded');\nsetInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: DIST,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(SETTLE_MS);
  const megabytes = residentMb(child.pid as number);
  child.kill('SIGKILL');
  return megabytes;
};

/** What a compiled module imports from node_modules, itself or by way of others. */
const librariesOf = (entry: string): string[] => {
  const seen = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    if (!file.startsWith('/')) continue;
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:import|export)\s(?:[^;]*?from\s)?'([^']+)';/gm)) {
      waiting.push(name.startsWith('.') ? resolve(dirname(file), name) : name);
    }
  }
  return [...seen].filter((name) => !name.startsWith('/') && !name.startsWith('node:'));
};

const residentMb = (pid: number): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
};
