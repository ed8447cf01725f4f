import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { monotonicFactory } from 'ulid';
import { triedText } from '../src/flow/past.ts';
import { readPhase } from '../src/flow/read.ts';
import { type Cycle, newSum } from '../src/flow/workshop.ts';
import { openHomeJournal } from '../src/home.ts';
import { renderLine } from '../src/journal/line.ts';
import type { Entry, EntryData, EntryType } from '../src/model/entry.ts';
import type { TreeReport } from '../src/model/report.ts';
import { createWorkbench, SMALL, type Workbench } from '../test/factory/workbench.ts';
import { DATA } from '../test/model/examples.ts';
import { type BenchRow, benchRow, median, quantile, renderMs, renderSpread } from './row.ts';

/** What a long past costs a start and a cycle: Winnow's own state after a million entries and after a thousand. */
export const startRows = async (): Promise<BenchRow[]> => {
  const benches: Workbench[] = [];
  try {
    const long = await homeWith(benches, LONG);
    const short = await homeWith(benches, SHORT);
    const begunMs = performance.now();
    // Never closed and never resumed from a snapshot: its state is the fold of every entry.
    const { journal: whole } = openHomeJournal(long.home);
    const fullMs = performance.now() - begunMs;
    openHomeJournal(short.home).journal.close();
    for (const bench of [long, short]) writeCycles(fileIn(bench), SHORT - 1, Date.now() - DAY_MS);
    const start = startOf(long, short);
    const equal = isDeepStrictEqual(whole.state(), start.state);
    whole.close();
    const context = await contextOf(long, short);
    const size = `${Math.round(fs.statSync(fileIn(long)).size / 1e6)} MB`;
    const behind = `both have a snapshot and ${SHORT - 1} entries behind it, the worst case`;
    return [
      benchRow({
        key: 'start.process',
        row: `winnow state: start on ${LONG.toLocaleString('en')} entries, as a process`,
        figure: renderMs(median(start.process.long)),
        baseline: `${renderMs(median(start.process.short))} (on ${SHORT.toLocaleString('en')})`,
        value: median(start.process.long),
        baselineValue: median(start.process.short),
        unit: 'ms',
        tolerance: 0.15,
        goal: 'at most 1.5, the same state as the full fold',
        met: median(start.process.long) / median(start.process.short) <= 1.5 && equal,
        method:
          `\`winnow status --json\`, median of ${PROCESS_ROUNDS} turns, ${renderSpread(start.process.long)}; ${size}; ` +
          `${behind}; the state is ${equal ? '' : 'NOT '}equal to the fold of the whole file, which took ${renderMs(fullMs)}`,
      }),
      benchRow({
        key: 'start.inside',
        row: `winnow state: start on ${LONG.toLocaleString('en')} entries, within the process`,
        figure: renderMs(median(start.inside.long)),
        baseline: `${renderMs(median(start.inside.short))} (on ${SHORT.toLocaleString('en')})`,
        value: median(start.inside.long),
        baselineValue: median(start.inside.short),
        unit: 'ms',
        tolerance: 0.25,
        goal: 'at most 1.5, under 300 ms after process start',
        met: median(start.inside.long) / median(start.inside.short) <= 1.5 && median(start.inside.long) < 300,
        method: `openHomeJournal and state(), median of ${ROUNDS} turns, ${renderSpread(start.inside.long)}; ${behind}`,
      }),
      benchRow({
        key: 'start.context',
        row: `context for a cycle from ${LONG.toLocaleString('en')} entries`,
        figure: `${renderMs(median(context.long))}, p95 ${renderMs(quantile(context.long, 0.95))}`,
        baseline: `${renderMs(median(context.short))} (from ${SHORT.toLocaleString('en')})`,
        value: median(context.long),
        baselineValue: median(context.short),
        unit: 'ms',
        tolerance: 0.25,
        goal: 'at most 2 times, under 50 ms',
        met: median(context.long) / median(context.short) <= 2 && median(context.long) < 50,
        method:
          `the whole read phase with real git (fetch, tree, files), the texts from the state, and what was tried before ` +
          `found by search, median of ${ROUNDS} ` +
          `turns, ${renderSpread(context.long)}; the same without git takes ${renderMs(median(context.textsLong))} and ` +
          `${renderMs(median(context.textsShort))}`,
      }),
    ];
  } finally {
    for (const bench of benches) await bench.close();
  }
};

const LONG = 1_000_000;
const SHORT = 1000;
const ROUNDS = 15;
const PROCESS_ROUNDS = 7;
const DAY_MS = 86_400_000;
const SESSIONS = 8;
const MAIN = join(import.meta.dirname, '../dist/main.js');

const homeWith = async (benches: Workbench[], entries: number): Promise<Workbench> => {
  const sessions = Array.from({ length: SESSIONS }, (_, n) => `session-${n}`);
  const bench = await createWorkbench({ files: SMALL, sessions });
  benches.push(bench);
  writeCycles(fileIn(bench), entries, Date.now() - (entries + SHORT) * 1000 - DAY_MS);
  return bench;
};

const fileIn = (bench: Workbench): string => join(bench.home, 'logs/experiment-log.jsonl');

/** What one cycle writes, in its order. */
const CYCLE: EntryType[] = [
  'cycle_started',
  'cycle_phase',
  'agent_ran',
  'plan_made',
  'claim_taken',
  'cycle_phase',
  'agent_ran',
  'check_ran',
  'check_ran',
  'evaluated',
  'intent',
  'branch_pushed',
  'intent_settled',
  'ralph_cycle',
  // Without an end it would stay in the queue for ever, which no branch does.
  'branch_dropped',
  'branch_deleted',
];

/** Appends entries by hand, as processes would have written them in weeks: whole cycles of eight sessions. */
const writeCycles = (file: string, count: number, beginMs: number): void => {
  fs.mkdirSync(dirname(file), { recursive: true });
  const fd = fs.openSync(file, 'a');
  // A million ids, of which none has to be unguessable.
  const ids = monotonicFactory(Math.random);
  let lines: string[] = [];
  let [cycle, intent, branch] = ['', '', ''];
  for (let index = 0; index < count; index += 1) {
    const atMs = beginMs + index * 1000;
    const id = ids(atMs);
    const type = CYCLE[index % CYCLE.length] as EntryType;
    const session = `session-${Math.floor(index / CYCLE.length) % SESSIONS}`;
    if (type === 'cycle_started') [cycle, branch] = [id, `brl/${session}/${index}`];
    if (type === 'intent') intent = id;
    const where = { project: 'small', session, cycle };
    const data = dataOf(type, branch, intent);
    lines.push(renderLine({ id, ts: new Date(atMs).toISOString(), type, ...where, data } as Entry), '\n');
    if (lines.length < 4000 && index < count - 1) continue;
    fs.writeSync(fd, lines.join(''));
    lines = [];
  }
  fs.closeSync(fd);
};

const dataOf = (type: EntryType, branch: string, intent: string): EntryData<EntryType> => {
  if (type === 'branch_pushed' || type === 'branch_dropped' || type === 'branch_deleted')
    return { ...DATA[type], branch };
  return type === 'intent_settled' ? { ...DATA[type], intent } : DATA[type];
};

const startOf = (long: Workbench, short: Workbench) => {
  const inside = { long: [] as number[], short: [] as number[] };
  const asProcess = { long: [] as number[], short: [] as number[] };
  let state: unknown;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, bench] of [
      ['long', long],
      ['short', short],
    ] as const) {
      const begunMs = performance.now();
      const { journal } = openHomeJournal(bench.home);
      const folded = journal.state();
      inside[name].push(performance.now() - begunMs);
      if (name === 'long') state = structuredClone(folded);
      journal.close();
    }
  }
  for (let round = 0; round < PROCESS_ROUNDS; round += 1) {
    for (const [name, bench] of [
      ['long', long],
      ['short', short],
    ] as const) {
      const begunMs = performance.now();
      execFileSync(process.execPath, [MAIN, '--home', bench.home, 'status', '--json'], { stdio: 'ignore' });
      asProcess[name].push(performance.now() - begunMs);
    }
  }
  return { inside, process: asProcess, state };
};

/** The worst case: what is wrong now is what every past cycle was about. */
const BASELINE: TreeReport = {
  tree: '0'.repeat(40),
  checks: [
    {
      ...{ state: 'evaluated', check: 'tests', green: false, exitCode: 1, problems: [], durationMs: 1 },
      tests: [{ id: 'search.test.ts > finds nothing', file: 'src/search.ts', name: 'finds nothing', status: 'failed' }],
    },
  ],
};

const contextOf = async (long: Workbench, short: Workbench) => {
  const times = { long: [] as number[], short: [] as number[], textsLong: [] as number[], textsShort: [] as number[] };
  const readers = { long: await createReader(long), short: await createReader(short) };
  for (let round = 0; round < ROUNDS + 2; round += 1) {
    for (const name of ['long', 'short'] as const) {
      const texts = name === 'long' ? 'textsLong' : 'textsShort';
      const measured = [await readers[name].whole(), await readers[name].texts()] as const;
      // The first rounds clone the mirror and warm the compiler up.
      if (round < 2) continue;
      times[name].push(measured[0]);
      times[texts].push(measured[1]);
    }
  }
  return times;
};

const createReader = async (bench: Workbench) => {
  const { shop, sessions } = await bench.open();
  const [session] = sessions();
  const [project] = shop.config().projects;
  if (!session || !project) throw new Error('the home has no session');
  const opened = await shop.mirrorOf(project);
  if (!opened.ok) throw new Error(opened.error.message);
  const [tip, text] = [await opened.value.fetch(), 'Two functions.\n'];
  if (!tip.ok) throw new Error(tip.error.message);
  const tree = await opened.value.treeOf(tip.value.tip);
  const still = { ...opened.value, fetch: async () => tip, treeOf: async () => tree, readFile: async () => text };
  const cycle: Cycle = {
    id: shop.ids(Date.now()),
    session,
    project,
    trigger: 'manual',
    task: undefined,
    branch: 'brl/bench/1',
    startedMs: 0,
    signal: new AbortController().signal,
    sum: newSum(),
  };
  // The index is made once in the life of a journal, while cycles go on: its making has a row of its own.
  while ((await shop.journal.search({ limit: 0, order: 'newest', waitMs: 60_000 })).unsearchedBytes > 0);
  const time = async (used: typeof shop): Promise<number> => {
    const begunMs = performance.now();
    const reading = await readPhase(used, cycle);
    if (!reading.ok) throw new Error(reading.error.reason);
    await triedText(used, cycle, BASELINE);
    return performance.now() - begunMs;
  };
  return {
    whole: () => time(shop),
    texts: () => time({ ...shop, mirrorOf: async () => ({ ok: true, value: still }) }),
  };
};
