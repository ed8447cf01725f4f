import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SMALL } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow, renderMs } from './row.ts';
import { createStandInBench, runCycles, sessionNames } from './stand-ins.ts';

/** How much of two cores eight cycles leave unused, when their checks have two slots. */
export const parallelRows = async (): Promise<BenchRow[]> => {
  const sessions = sessionNames(SESSIONS);
  const bench = await createStandInBench({
    files: { ...SMALL, 'burn.mjs': BURN },
    sessions,
    project: { checks: [{ name: 'burn', run: 'node burn.mjs', parse: 'tap', slot: 'test' }] },
    config: { slots: { test: SLOTS } },
  });
  try {
    for (const [index, session] of sessions.entries()) {
      const script = `echo 'export const value = ${index};' > part${index}.js`;
      const nothing = { title: 'Only the baseline', files: [], nothing: true, script: ':' };
      bench.lay(session, [nothing, { title: `Part ${index}`, files: [`part${index}.js`], script }]);
    }
    const factory = await bench.open();
    await runCycles(factory, 1);
    const known = bench.ofType('check_ran').length;
    const startedMs = performance.now();
    await runCycles(factory, 1);
    const wallMs = performance.now() - startedMs;
    const cpuMs = bench
      .ofType('check_ran')
      .slice(known)
      .map(({ data }) => data.cpuMs ?? Number.NaN);
    const byHandMs = timeByHand(bench.dir);
    const idealMs = cpuMs.reduce((total, ms) => total + ms, 0) / CORES;
    const ratio = wallMs / idealMs;
    return [
      benchRow({
        key: 'parallel.wall',
        row: `wall of ${SESSIONS} parallel cycles with two slots`,
        figure: renderMs(wallMs),
        baseline:
          `${renderMs(idealMs)} (CPU of the ${cpuMs.length} checks over ${CORES} cores); the bare checks by ` +
          `\`xargs -P ${SLOTS}\` took ${renderMs(byHandMs)}, ${(byHandMs / idealMs).toFixed(2)} of it`,
        value: wallMs,
        baselineValue: idealMs,
        unit: 'ms',
        tolerance: 0.2,
        goal: 'at most 1.15',
        met: CORES < SLOTS ? undefined : ratio <= 1.15,
        method:
          `one run; a check burns ${BURN_MS / 1000} s of CPU; the baseline was measured before; agents are stand-ins ` +
          'of a few milliseconds, since real ones would compete for the cores; whatever else the machine does while ' +
          'it runs makes both the cycles and xargs longer',
      }),
    ];
  } finally {
    await bench.close();
  }
};

const SESSIONS = 8;
const SLOTS = 2;
const CORES = Math.min(SLOTS, availableParallelism());
const BURN_MS = 3000;

/** Uses the processor for a fixed time of its own, however busy the machine is. */
const BURN = `let total = 0;
while (process.cpuUsage().user < ${BURN_MS * 1000}) for (let n = 0; n < 1e6; n += 1) total += n % 7;
console.log('TAP version 13\\n1..1\\nok 1 - burns');
`;

const timeByHand = (dir: string): number => {
  writeFileSync(join(dir, 'burn.mjs'), BURN);
  const startedMs = performance.now();
  execFileSync('sh', ['-c', `seq ${SESSIONS} | xargs -P ${SLOTS} -n 1 node burn.mjs`], { cwd: dir, stdio: 'ignore' });
  return performance.now() - startedMs;
};
