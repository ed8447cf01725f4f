import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createWorkbench } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow, median, renderMs, renderSpread } from './row.ts';
import { sessionNames } from './stand-ins.ts';

/** How long a person waits for the command line, against a Node process that does nothing. */
export const cliRows = async (): Promise<BenchRow[]> => {
  const bench = await createWorkbench({ sessions: sessionNames(SESSIONS) });
  try {
    const commands = {
      empty: ['-e', '0'],
      '--help': [MAIN, '--help'],
      status: [MAIN, '--home', bench.home, 'status'],
      'status --json': [MAIN, '--home', bench.home, 'status', '--json'],
    };
    const names = Object.keys(commands) as (keyof typeof commands)[];
    const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<string, number[]>;
    for (let round = 0; round < ROUNDS + 1; round += 1) {
      for (const name of names) {
        const begunMs = performance.now();
        execFileSync(process.execPath, commands[name], { stdio: 'ignore' });
        // The first turn reads the files from the disk.
        if (round > 0) times[name]?.push(performance.now() - begunMs);
      }
    }
    const empty = median(times.empty ?? []);
    return names.slice(1).map((name): BenchRow => {
      const own = times[name] ?? [];
      const ratio = median(own) / empty;
      return benchRow({
        key: KEYS[name],
        row: `CLI: winnow ${name}`,
        figure: renderMs(median(own)),
        baseline: `${renderMs(empty)} (empty Node process)`,
        value: median(own),
        baselineValue: empty,
        unit: 'ms',
        tolerance: 0.15,
        goal: 'at most 3',
        met: ratio <= 3,
        method: `median of ${ROUNDS} turns, ${renderSpread(own)}; from spawn to exit; a home of ${SESSIONS} sessions`,
      });
    });
  } finally {
    await bench.close();
  }
};

const KEYS = { empty: '', '--help': 'cli.help', status: 'cli.status', 'status --json': 'cli.status-json' };
const ROUNDS = 15;
const SESSIONS = 8;
const MAIN = join(import.meta.dirname, '../dist/main.js');
