import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type BenchRow, benchRow, median, quantile, renderMs, renderSpread } from './row.ts';
import { writePastCycles } from './search-corpus.ts';
import type { Searched } from './search-worker.ts';

/** What it costs to find what was tried before among a hundred thousand cycles, against reading them one by one. */
export const searchRows = async (): Promise<BenchRow[]> => {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-bench-search-'));
  try {
    const log = join(dir, 'logs', 'experiment-log.jsonl');
    writePastCycles(log, CYCLES);
    return rowsOf(dir, `${Math.round(fs.statSync(log).size / 1e6)} MB`);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
};

const CYCLES = 100_000;
const ROUNDS = 5;
const QUERIES = 40;
/** Queries in which the compiler is still at work. */
const COLD = 5;

const rowsOf = (dir: string, size: string): BenchRow[] => {
  const build = run('build', dir, 1);
  const turns = Array.from({ length: ROUNDS }, () => [run('search', dir, 1), run('scan', dir, 1)] as const);
  const warm = run('search', dir, QUERIES).times.slice(COLD);
  const fresh = turns.map(([search]) => search.times[0] as number);
  const scans = turns.map(([, scan]) => scan.times[0] as number);
  const agree = turns.every(([search, scan]) => search.found === scan.found && search.found !== '');
  const cpu = (turn: 0 | 1) => renderMs(median(turns.map((both) => both[turn].cpuMs)));
  const ratio = median(fresh) / median(scans);
  const index = join(dir, '.winnow', 'search');
  const named = fs.readFileSync(join(index, 'index.json'), 'utf8').match(/\w+\.part/g) ?? [];
  const indexBytes = named.reduce((sum, name) => sum + fs.statSync(join(index, name)).size, 0);
  return [
    benchRow({
      key: 'search.query',
      row: `search of past cycles (${CYCLES.toLocaleString('en')})`,
      figure: `${renderMs(median(fresh))} as the first of a process, ${renderMs(median(warm))} afterwards`,
      baseline: `${renderMs(median(scans))} (linear scan)`,
      value: median(fresh),
      baselineValue: median(scans),
      unit: 'ms',
      tolerance: 0.4,
      goal: 'under 50 ms, a twentieth of the linear scan',
      met: agree && median(fresh) < 50 && ratio <= 1 / 20,
      method:
        `first: the index opened and the end of the journal read, median of ${ROUNDS} processes in turns with as many ` +
        `that scan, ${renderSpread(fresh)}, ${cpu(0)} and ${cpu(1)} of processor time; afterwards: ${warm.length} other queries in one process, p95 ` +
        `${renderMs(quantile(warm, 0.95))}; a query is a path, a test and ten words; the best ten of both are ` +
        `${agree ? '' : 'NOT '}the same; the scan parses the ends of cycles alone, of ${size}; load ${load()}`,
    }),
    benchRow({
      key: 'search.index',
      row: `search of past cycles: making the index of ${CYCLES.toLocaleString('en')}`,
      figure: `${renderMs(build.times[0] as number)}, ${build.grownMb} MB more memory`,
      baseline: `${renderMs(median(scans))} (linear scan)`,
      value: build.times[0] as number,
      baselineValue: median(scans),
      unit: 'ms',
      tolerance: 0.3,
      goal: 'about 100 MB of memory; the event loop p99 under 20 ms',
      met: build.grownMb <= 100 && build.delayP99Ms < 20,
      method:
        `one run; ${Math.round(indexBytes / 1e6)} MB in ${named.length} parts; the event loop was held up for p99 ` +
        `${renderMs(build.delayP99Ms)}, ${renderMs(build.delayMaxMs)} at most; memory: the most that was resident less ` +
        `what was before`,
    }),
  ];
};

const run = (mode: 'build' | 'search' | 'scan', dir: string, count: number): Searched => {
  const worker = join(import.meta.dirname, 'search-worker.ts');
  const args = ['--import', 'tsx', worker, mode, dir, String(count)];
  const out = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(out) as Searched;
};

const load = (): string => os.loadavg()[0]?.toFixed(0) ?? '?';
