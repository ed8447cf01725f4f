import { setTimeout as sleep } from 'node:timers/promises';
import { createHoldingHome } from './holding-home.ts';
import { librariesOf, residentMb, residentOfLibraries, SETTLE_MS } from './resident.ts';
import { type BenchRow, benchRow, median } from './row.ts';

/** Resident memory of `winnow up` while its sessions are all in a run, against its libraries alone. */
export const memoryRows = async (): Promise<BenchRow[]> => {
  const megabytes: Record<number | 'libraries', number[]> = { libraries: [], 8: [], 64: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    megabytes.libraries.push(await residentOfLibraries(librariesOf('factory.js')));
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
    benchRow({
      key: 'memory.8-sessions',
      row: 'memory: all roles, 8 sessions in a run',
      figure: `${of(8).toFixed(0)} MB`,
      baseline: `${libraries.toFixed(0)} MB (a process that imports the libraries of dist/factory.js)`,
      value: of(8),
      baselineValue: libraries,
      unit: 'MB',
      tolerance: 0.08,
      goal: 'at most 110 MB where the libraries take 86',
      met: of(8) <= 110,
      method: `${method}; ${ROUNDS} starts: ${spread(8)}; libraries: ${spread('libraries')}`,
    }),
    benchRow({
      key: 'memory.each-session',
      row: 'memory: each further session',
      figure: `${each.toFixed(2)} MB`,
      baseline: `${of(8).toFixed(0)} MB with 8`,
      value: each,
      unit: 'MB',
      tolerance: 0.6,
      goal: 'at most 1.5 MB',
      met: each <= 1.5,
      method: 'the difference between 64 and 8 sessions over 56; garbage that was not collected yet is part of it',
    }),
    benchRow({
      key: 'memory.64-sessions',
      row: 'memory: all roles, 64 sessions in a run',
      figure: `${of(64).toFixed(0)} MB`,
      baseline: `${libraries.toFixed(0)} MB (libraries)`,
      value: of(64),
      baselineValue: libraries,
      unit: 'MB',
      tolerance: 0.25,
      goal: 'under 200 MB',
      met: of(64) < 200,
      method: 'as with 8 sessions; one start',
    }),
  ];
};

const ROUNDS = 2;

const ofSessions = async (count: number): Promise<number> => {
  const bench = await createHoldingHome(count);
  try {
    const up = bench.start('up');
    await bench.allHeld();
    await sleep(SETTLE_MS);
    const megabytes = residentMb(up.child.pid as number);
    up.child.kill('SIGTERM');
    await up.done;
    return megabytes;
  } finally {
    await bench.close();
  }
};
