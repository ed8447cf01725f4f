import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createWorkbench } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow, median, renderMs, renderSpread } from './row.ts';
import { sessionNames } from './stand-ins.ts';

/** How long a person waits for the command line, against a Node process that does nothing. */
export const cliRows = async (): Promise<BenchRow[]> => {
  const bench = await createWorkbench({ sessions: sessionNames(SESSIONS) });
  try {
    const empties: number[] = [];
    const commands = [
      { key: 'help', words: ['--help'], times: [] as number[] },
      { key: 'status', words: ['status'], times: [] as number[] },
      { key: 'status-json', words: ['status', '--json'], times: [] as number[] },
    ];
    for (let round = 0; round < ROUNDS + 1; round += 1) {
      const turns = [time(['-e', '0']), ...commands.map(({ words }) => time([MAIN, '--home', bench.home, ...words]))];
      // The first turn reads the files from the disk.
      if (round === 0) continue;
      empties.push(turns[0]!);
      for (const [index, { times }] of commands.entries()) times.push(turns[index + 1]!);
    }
    const empty = median(empties);
    return commands.map(({ key, words, times: own }): BenchRow => {
      const ratio = median(own) / empty;
      return benchRow({
        key: `cli.${key}`,
        row: `CLI: winnow ${words.join(' ')}`,
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

/** Milliseconds from the start of a Node process to its end. */
const time = (args: string[]): number => {
  const begunMs = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - begunMs;
};

const ROUNDS = 15;
const SESSIONS = 8;
const MAIN = join(import.meta.dirname, '../dist/main.js');
