import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { checkRows } from './checks.ts';
import { cliRows } from './cli.ts';
import { dashboardRows } from './dashboard.ts';
import { eventLoopRows } from './event-loop.ts';
import { httpRows } from './http.ts';
import { journalRows } from './journal.ts';
import { landingRows } from './landing.ts';
import { memoryRows } from './memory.ts';
import { overheadRows } from './overhead.ts';
import { parallelRows } from './parallel.ts';
import { renderMarkdown, renderTable } from './render.ts';
import type { BenchRow } from './row.ts';
import { searchRows } from './search.ts';
import { skillRows } from './skills.ts';
import { slotRows } from './slots.ts';
import { startRows } from './start.ts';

/**
 * `npm run bench`: what Winnow costs, each row beside a baseline that was measured in the same run. Progress goes to
 * standard error, the table to standard output.
 */
const GROUPS: { covers: string; rows: () => Promise<BenchRow[]> }[] = [
  { covers: 'cycle overhead: wall, CPU, share of a cycle of 60 s', rows: () => overheadRows() },
  { covers: 'checks executed for 24 cycles of 8 sessions', rows: () => checkRows() },
  { covers: 'wall of 8 parallel cycles with two slots', rows: () => parallelRows() },
  { covers: 'journal append durable intent start tail state follow', rows: () => journalRows() },
  { covers: 'winnow state start context for a cycle', rows: () => startRows() },
  { covers: 'landing: runs of the checks, from push to main, batches', rows: () => landingRows() },
  { covers: 'search of past cycles', rows: () => searchRows() },
  { covers: 'slot', rows: () => slotRows() },
  { covers: 'skills: selection, helpful, harmful, rare, neutral', rows: () => skillRows() },
  { covers: 'memory', rows: () => memoryRows() },
  { covers: 'event loop', rows: () => eventLoopRows() },
  { covers: 'HTTP trigger until durable', rows: () => httpRows() },
  { covers: 'dashboard, 64 sessions busy', rows: () => dashboardRows() },
  { covers: 'CLI: winnow --help, winnow status', rows: () => cliRows() },
];

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const measure = async (only: string | undefined): Promise<BenchRow[]> => {
  const wanted = only?.toLowerCase();
  const matches = (text: string) => wanted === undefined || text.toLowerCase().includes(wanted);
  const groups = GROUPS.filter(({ covers }) => matches(covers) || wanted?.split(/[ :,]/)[0] === covers.split(' ')[0]);
  const rows: BenchRow[] = [];
  for (const [index, group] of groups.entries()) {
    say(`${index + 1}/${groups.length} ${group.covers} …`);
    const startedMs = performance.now();
    const measured = await group.rows().catch((error: unknown) => [notMeasured(group.covers, error)]);
    say(`    ${((performance.now() - startedMs) / 1000).toFixed(0)} s, load ${os.loadavg()[0]?.toFixed(1)}`);
    rows.push(...measured);
  }
  const chosen = rows.filter(({ row }) => matches(row));
  return chosen.length > 0 ? chosen : rows;
};

/** One part that cannot be measured on this machine must not cost the others. */
const notMeasured = (covers: string, error: unknown): BenchRow => ({
  row: covers,
  figure: 'could not be measured here',
  baseline: 'none',
  ratio: undefined,
  goal: '–',
  met: undefined,
  method: error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error),
});

if (values.help) {
  say('npm run bench -- [--only <substring of a row>] [--json | --markdown]');
} else {
  // What is started as a process is the compiled program, built from what is measured.
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  const machine = {
    date: new Date().toISOString(),
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    loadBefore: os.loadavg()[0] ?? 0,
  };
  const startedMs = performance.now();
  const rows = await measure(values.only);
  const run = { ...machine, loadAfter: os.loadavg()[0] ?? 0, seconds: (performance.now() - startedMs) / 1000 };
  if (values.json) process.stdout.write(`${JSON.stringify({ run, rows }, undefined, 2)}\n`);
  else process.stdout.write(values.markdown ? renderMarkdown(run, rows) : renderTable(run, rows));
  // Something that was measured may still hold a watch or a socket open.
  process.exit(0);
}
