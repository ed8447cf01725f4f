import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { monotonicFactory } from 'ulid';
import { renderLine } from '../src/journal/line.ts';
import type { Entry, EntryData } from '../src/model/entry.ts';
import { CYCLE, DATA } from '../test/model/examples.ts';
import { type BenchRow, median, quantile, renderMs, renderSpread } from './row.ts';
import type { Searched } from './search-worker.ts';

/** What it costs to find what was tried before among a hundred thousand cycles, against reading them one by one. */
export const searchRows = async (): Promise<BenchRow[]> => {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-bench-search-'));
  try {
    writeCycles(join(dir, 'logs/experiment-log.jsonl'), CYCLES);
    const size = `${Math.round(fs.statSync(join(dir, 'logs/experiment-log.jsonl')).size / 1e6)} MB`;
    const build = run(dir, 'build', 1);
    const turns = Array.from({ length: ROUNDS }, () => [run(dir, 'search', 1), run(dir, 'scan', 1)] as const);
    const warm = run(dir, 'search', QUERIES).times.slice(5);
    const fresh = turns.map(([search]) => search.times[0] as number);
    const scans = turns.map(([, scan]) => scan.times[0] as number);
    const ratio = median(scans) / median(fresh);
    const agree = turns.every(([search, scan]) => search.found === scan.found && search.found > 0);
    const index = fs.readdirSync(join(dir, '.winnow/search')).map((name) => join(dir, '.winnow/search', name));
    const indexBytes = index.reduce((sum, file) => sum + fs.statSync(file).size, 0);
    return [
      {
        row: `search of past cycles (${CYCLES.toLocaleString('en')})`,
        figure: `${renderMs(median(fresh))} in a process that has just started, ${renderMs(median(warm))} afterwards`,
        baseline: `${renderMs(median(scans))} (linear scan)`,
        ratio: median(fresh) / median(scans),
        goal: 'under 50 ms, 20 times the linear scan',
        met: agree && median(fresh) < 50 && ratio >= 20,
        method:
          `the first search of a process, its index opened and the journal’s end read, ${ROUNDS} processes in turns ` +
          `with the scan, ${renderSpread(fresh)}; ${renderMs(ratio).replace(/ .*/, '')} times as fast; afterwards: median of ` +
          `${warm.length} other queries in one process, p95 ${renderMs(quantile(warm, 0.95))}; a query is a path, a test ` +
          `and ten words, and what both find first is ${agree ? '' : 'NOT '}the same; the scan parses the ends of cycles alone, ` +
          `of ${size}`,
      },
      {
        row: `search of past cycles: making the index of ${CYCLES.toLocaleString('en')}`,
        figure: `${renderMs(build.times[0] as number)}, ${build.rssMb} MB`,
        baseline: `${renderMs(median(scans))} (linear scan)`,
        ratio: (build.times[0] as number) / median(scans),
        goal: 'event loop p99 under 20 ms, memory about 100 MB',
        met: build.delayP99Ms < 20 && build.rssMb < 110,
        method:
          `one run; ${Math.round(indexBytes / 1e6)} MB in ${index.length - 1} parts; the event loop was held up for p99 ` +
          `${renderMs(build.delayP99Ms)}, at most ${renderMs(build.delayMaxMs)}; most memory of the process (empty Node: ${emptyMb()} MB)`,
      },
    ];
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
};
