import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type BenchRow, benchRow } from './row.ts';

/** Whether the process stays responsive while many runs talk at once. */
export const eventLoopRows = async (): Promise<BenchRow[]> => {
  const worker = join(import.meta.dirname, 'event-loop-worker.ts');
  const out = execFileSync(process.execPath, ['--import', 'tsx', worker], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { idle, busy, runs, linesPerSecond, seconds } = JSON.parse(String(out)) as Measured;
  const method =
    `${seconds} s idle, then ${seconds} s with ${runs} runs of the Claude Code port, each a shell program that writes ` +
    `stream-json of ~400 bytes; ${(linesPerSecond / runs).toFixed(1)} lines/s each arrived (asked for: 20); one run`;
  return [
    benchRow({
      key: 'loop.delay',
      row: `event loop while ${runs} runs write 20 lines/s each: delay`,
      figure: `p99 ${busy.p99Ms.toFixed(1)} ms, largest ${busy.maxMs.toFixed(1)} ms`,
      baseline: `p99 ${idle.p99Ms.toFixed(1)} ms, largest ${idle.maxMs.toFixed(1)} ms (idle)`,
      value: busy.p99Ms,
      baselineValue: idle.p99Ms,
      unit: 'ms',
      tolerance: 0.4,
      goal: 'p99 under 20 ms',
      met: busy.p99Ms < 20,
      method: `monitorEventLoopDelay with a timer of 10 ms, which is part of each value; ${method}`,
    }),
    benchRow({
      key: 'loop.cpu',
      row: `event loop while ${runs} runs write 20 lines/s each: CPU`,
      figure: `${(100 * busy.cpuShare).toFixed(1)} % of a core`,
      baseline: `${(100 * idle.cpuShare).toFixed(1)} % (idle)`,
      value: busy.cpuShare,
      unit: 'cores',
      tolerance: 0.02,
      goal: 'under 15 % of a core',
      met: busy.cpuShare < 0.15,
      method: 'processor time of the main process over the same seconds; the runs’ own is not counted',
    }),
  ];
};

interface Measured {
  idle: Loop;
  busy: Loop;
  runs: number;
  linesPerSecond: number;
  seconds: number;
}

interface Loop {
  p99Ms: number;
  maxMs: number;
  cpuShare: number;
}
