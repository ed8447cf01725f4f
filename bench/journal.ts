import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { monotonicFactory } from 'ulid';
import { systemClock } from '../src/base/clock.ts';
import { createIds } from '../src/base/ids.ts';
import type { Journal } from '../src/journal/journal.ts';
import { renderLine } from '../src/journal/line.ts';
import { openJournal } from '../src/journal/open.ts';
import type { Entry, NewEntryOf } from '../src/model/entry.ts';
import { type BenchRow, benchRow, median, quantile, renderMs, renderSpread } from './row.ts';

/** What the journal costs, against the same bytes written, synced, read and watched by hand in the same run. */
export const journalRows = async (): Promise<BenchRow[]> => {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-bench-journal-'));
  try {
    const rows = [appendRow(join(dir, 'append')), ...(await durableRows(join(dir, 'durable')))];
    rows.push(...startRows(dir));
    rows.push(await followRow(join(dir, 'follow')), await missedRow(join(dir, 'missed')));
    return rows;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
};

const ROUNDS = 15;
const LONG = 1_000_000;
const SHORT = 1000;

interface Counts {
  entries: number;
  types: Record<string, number>;
}

const open = (dir: string, legal?: () => undefined): Journal<Counts> =>
  openJournal<Counts>({
    file: fileIn(dir),
    stateDir: join(dir, '.winnow'),
    overflowDir: join(dir, 'logs', 'overflow'),
    empty: () => ({ entries: 0, types: {} }),
    fold: (state, entry) => {
      state.entries += 1;
      state.types[entry.type] = (state.types[entry.type] ?? 0) + 1;
    },
    ...(legal === undefined ? {} : { legal }),
    clock: systemClock,
    ids: createIds(),
    foldVersion: 1,
  });

const fileIn = (dir: string) => join(dir, 'logs', 'experiment-log.jsonl');

/** A common entry: about 450 bytes. */
const checkRan = (index: number): NewEntryOf<'check_ran'> => ({
  type: 'check_ran',
  project: 'api',
  session: `s${index % 8}`,
  cycle: '01JABCDEFGHJKMNPQRSTVWXYZ0',
  data: {
    check: 'tests',
    tree: 'a'.repeat(40),
    key: 'b'.repeat(64),
    state: 'evaluated',
    green: true,
    exitCode: 0,
    figures: { problems: 0, passed: 812, failed: 0, skipped: 3 },
    durationMs: 12_345,
    waitedMs: index,
  },
});

/** Milliseconds that the deed takes. */
const time = (deed: () => void): number => {
  const begin = performance.now();
  deed();
  return performance.now() - begin;
};

const timeAsync = async (deed: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await deed();
  return performance.now() - begin;
};

const rawFile = (dir: string): { fd: number; line: Buffer } => {
  fs.mkdirSync(join(dir, 'logs'), { recursive: true });
  const entry = { id: createIds()(Date.now()), ts: new Date().toISOString(), ...checkRan(1) } as Entry;
  return { fd: fs.openSync(join(dir, 'logs', 'raw.jsonl'), 'a'), line: Buffer.from(`${renderLine(entry)}\n`) };
};

const appendRow = (dir: string): BenchRow => {
  const { fd, line } = rawFile(dir);
  const journal = open(dir);
  const guarded = open(join(dir, 'guarded'), () => undefined);
  const each = 2000;
  const { id, ts } = JSON.parse(line.toString()) as Entry;
  const times = { raw: [] as number[], rendered: [] as number[], append: [] as number[], guarded: [] as number[] };
  for (let round = 0; round < ROUNDS + 2; round += 1) {
    const raw = time(() => {
      for (let index = 0; index < each; index += 1) fs.writeSync(fd, line, 0, line.length);
    });
    const rendered = time(() => {
      for (let index = 0; index < each; index += 1) {
        fs.writeSync(fd, `${JSON.stringify({ id, ts, ...checkRan(index) })}\n`);
      }
    });
    const append = time(() => {
      for (let index = 0; index < each; index += 1) journal.append(checkRan(index));
    });
    const withRule = time(() => {
      for (let index = 0; index < each; index += 1) guarded.append(checkRan(index));
    });
    // The first rounds warm the compiler up.
    if (round < 2) continue;
    times.raw.push(raw / each);
    times.rendered.push(rendered / each);
    times.append.push(append / each);
    times.guarded.push(withRule / each);
  }
  journal.close();
  guarded.close();
  fs.closeSync(fd);
  const ratio = median(times.append) / median(times.raw);
  return benchRow({
    key: 'journal.append',
    row: 'journal append',
    figure: `${renderMs(median(times.append))} (${renderMs(median(times.guarded))} when a rule is asked of the state)`,
    baseline:
      `${renderMs(median(times.raw))} (bare writeSync of the same bytes; ` +
      `${renderMs(median(times.rendered))} with JSON.stringify)`,
    value: median(times.append),
    baselineValue: median(times.raw),
    unit: 'ms',
    tolerance: 0.4,
    goal: 'at most 1.2',
    met: ratio <= 1.2,
    method:
      `median of ${ROUNDS} interleaved rounds of ${each}, ${renderSpread(times.append)}; includes id, schema, JSON, ` +
      'checksum, and the look whether the file is still there and ends in a newline',
  });
};

const durableRows = async (dir: string): Promise<BenchRow[]> => {
  const { fd, line } = rawFile(dir);
  const journal = open(dir);
  const each = 40;
  const together = 64;
  const times = { raw: [] as number[], single: [] as number[], rawGroup: [] as number[], group: [] as number[] };
  const raw = () => {
    for (let index = 0; index < each; index += 1) {
      fs.writeSync(fd, line, 0, line.length);
      fs.fdatasyncSync(fd);
    }
  };
  const single = async () => {
    for (let index = 0; index < each; index += 1) await journal.appendDurable(checkRan(index));
  };
  const rawGroup = () => {
    for (let index = 0; index < together; index += 1) fs.writeSync(fd, line, 0, line.length);
    fs.fdatasyncSync(fd);
  };
  const group = () =>
    Promise.all(Array.from({ length: together }, (_, index) => journal.appendDurable(checkRan(index))));
  for (let round = 0; round < ROUNDS + 2; round += 1) {
    const measured = {
      raw: time(raw) / each,
      single: (await timeAsync(single)) / each,
      rawGroup: time(rawGroup),
      group: await timeAsync(group),
    };
    if (round < 2) continue;
    for (const key of ['raw', 'single', 'rawGroup', 'group'] as const) times[key].push(measured[key]);
  }
  journal.close();
  fs.closeSync(fd);
  const ratios = {
    single: median(times.single) / median(times.raw),
    group: median(times.group) / median(times.rawGroup),
  };
  const method = (values: number[]) => `median of ${ROUNDS} interleaved rounds, ${renderSpread(values)}`;
  return [
    benchRow({
      key: 'journal.durable',
      row: 'durable intent, one by one',
      figure: renderMs(median(times.single)),
      baseline: `${renderMs(median(times.raw))} (writeSync and fdatasyncSync)`,
      value: median(times.single),
      baselineValue: median(times.raw),
      unit: 'ms',
      tolerance: 0.6,
      goal: 'at most 1.2',
      met: ratios.single <= 1.2,
      method: `${method(times.single)} of ${each}`,
    }),
    benchRow({
      key: 'journal.durable-group',
      row: `durable intent, ${together} at once`,
      figure: `${renderMs(median(times.group))} for all`,
      baseline: `${renderMs(median(times.rawGroup))} (${together} writes and one fdatasyncSync)`,
      value: median(times.group),
      baselineValue: median(times.rawGroup),
      unit: 'ms',
      tolerance: 0.8,
      goal: 'at most 1.2',
      met: ratios.group <= 1.2,
      method: method(times.group),
    }),
  ];
};

/** Writes a journal by hand, as a process would have written it in weeks. */
const writeEntries = (file: string, count: number): void => {
  fs.mkdirSync(dirname(file), { recursive: true });
  const fd = fs.openSync(file, 'a');
  // A million ids, of which none has to be unguessable.
  const ids = monotonicFactory(Math.random);
  const begin = Date.now() - count * 1000;
  let lines: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const ts = begin + index * 1000;
    lines.push(renderLine({ id: ids(ts), ts: new Date(ts).toISOString(), ...checkRan(index) } as Entry), '\n');
    if (lines.length < 4000 && index < count - 1) continue;
    fs.writeSync(fd, lines.join(''));
    lines = [];
  }
  fs.closeSync(fd);
};

const startRows = (dir: string): BenchRow[] => {
  const homes = { short: join(dir, 'short'), long: join(dir, 'long') };
  writeEntries(fileIn(homes.short), SHORT);
  writeEntries(fileIn(homes.long), LONG);
  let anew: Counts | undefined;
  const fullMs = time(() => {
    const journal = open(homes.long);
    anew = structuredClone(journal.state());
    journal.close();
  });
  open(homes.short).close();
  // What lies behind the snapshot at the worst: one entry less than makes a new one.
  for (const home of [homes.short, homes.long]) writeEntries(fileIn(home), SHORT - 1);
  const times = { short: [] as number[], long: [] as number[], tail: [] as number[], shortTail: [] as number[] };
  const idle: number[] = [];
  const stats: number[] = [];
  let folded: Counts | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['short', 'long'] as const) {
      let journal: Journal<Counts> | undefined;
      times[name].push(
        time(() => {
          journal = open(homes[name]);
          journal.state();
        }),
      );
      const opened = journal as Journal<Counts>;
      if (name === 'long') folded = structuredClone(opened.state());
      times[name === 'long' ? 'tail' : 'shortTail'].push(time(() => opened.tail(200)));
      idle.push(time(() => opened.state()));
      stats.push(time(() => fs.statSync(fileIn(homes[name]))));
      opened.close();
    }
  }
  const equal = folded !== undefined && anew !== undefined && folded.entries === anew.entries + SHORT - 1;
  const size = `${Math.round(fs.statSync(fileIn(homes.long)).size / 1e6)} MB`;
  return [
    benchRow({
      key: 'journal.start',
      row: `start on ${LONG.toLocaleString('en')} entries`,
      figure: renderMs(median(times.long)),
      baseline: `${renderMs(median(times.short))} (on ${SHORT.toLocaleString('en')})`,
      value: median(times.long),
      baselineValue: median(times.short),
      unit: 'ms',
      tolerance: 0.15,
      goal: 'at most 1.5, under 300 ms, the same state as the full fold',
      met: median(times.long) / median(times.short) <= 1.5 && median(times.long) < 300 && equal,
      method:
        `median of ${ROUNDS} interleaved rounds, ${renderSpread(times.long)}; ${size}; both have a snapshot and ` +
        `${SHORT - 1} entries behind it; the full fold without a snapshot took ${renderMs(fullMs)}`,
    }),
    benchRow({
      key: 'journal.tail',
      row: `tail of 200 from ${LONG.toLocaleString('en')} entries`,
      figure: renderMs(median(times.tail)),
      baseline: `${renderMs(median(times.shortTail))} (from ${(2 * SHORT - 1).toLocaleString('en')})`,
      value: median(times.tail),
      baselineValue: median(times.shortTail),
      unit: 'ms',
      tolerance: 0.2,
      goal: 'about 10 ms',
      met: median(times.tail) <= 10,
      method: `median of ${ROUNDS} interleaved rounds, ${renderSpread(times.tail)}`,
    }),
    benchRow({
      key: 'journal.state',
      row: 'state when nothing is new',
      figure: renderMs(median(idle)),
      baseline: `${renderMs(median(stats))} (one stat of the file)`,
      value: median(idle),
      baselineValue: median(stats),
      unit: 'ms',
      tolerance: 1,
      goal: 'one stat',
      met: undefined,
      method: `median of ${2 * ROUNDS} single calls just after a start; below the clock's own error`,
    }),
  ];
};

const followerScript = fileURLToPath(new URL('./journal-follower.ts', import.meta.url));

const startFollower = async (mode: 'journal' | 'watch', dir: string) => {
  const child = spawn(process.execPath, ['--import', 'tsx', followerScript, mode, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  let heard = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    heard();
  });
  const waitFor = async (count: number) => {
    while (said.length < count) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  await waitFor(1);
  return {
    said,
    waitFor,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

/** Milliseconds from just before the append to the handing over in the other process, by the machine's one clock. */
const followRow = async (dir: string): Promise<BenchRow> => {
  const count = 1000;
  fs.mkdirSync(join(dir, 'logs'), { recursive: true });
  fs.writeFileSync(fileIn(dir), '');
  const follower = await startFollower('journal', dir);
  const watcher = await startFollower('watch', dir);
  const journal = open(dir);
  for (let index = 0; index < count; index += 1) {
    journal.append({ type: 'alert', data: { message: String(performance.timeOrigin + performance.now()), mend: '' } });
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  await follower.waitFor(count + 1);
  await follower.stop();
  await watcher.stop();
  journal.close();
  const latencies = follower.said.slice(1).map(Number);
  const bare = watcher.said.slice(1).map(Number);
  return benchRow({
    key: 'journal.follow',
    row: 'follow: entry to subscriber in another process',
    figure: `p50 ${renderMs(median(latencies))}, p99 ${renderMs(quantile(latencies, 0.99))}`,
    baseline: `p50 ${renderMs(median(bare))}, p99 ${renderMs(quantile(bare, 0.99))} (bare fs.watch and a read)`,
    value: quantile(latencies, 0.99),
    baselineValue: quantile(bare, 0.99),
    unit: 'ms',
    // One late wake-up among a hundred is the whole p99.
    tolerance: 1.5,
    goal: 'p99 under 20 ms',
    met: quantile(latencies, 0.99) < 20,
    method: `${count} entries, 3 ms apart, both watchers at once`,
  });
};

const missedRow = async (dir: string): Promise<BenchRow> => {
  const count = 100_000;
  fs.mkdirSync(join(dir, 'logs'), { recursive: true });
  fs.writeFileSync(fileIn(dir), '');
  const follower = await startFollower('journal', dir);
  const journal = open(dir);
  const begin = performance.now();
  for (let index = 0; index < count; index += 1) {
    journal.append({ type: 'alert', data: { message: String(performance.timeOrigin + performance.now()), mend: '' } });
    if (index % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  journal.append({ type: 'process_stopped', data: { pid: process.pid, reason: 'done' } });
  const writtenMs = performance.now() - begin;
  while (follower.said.at(-1) !== 'done') await follower.waitFor(follower.said.length + 1);
  const seconds = (performance.now() - begin) / 1000;
  await follower.stop();
  journal.close();
  const arrived = follower.said.length - 2;
  return benchRow({
    key: 'journal.missed',
    row: `follow: missed of ${count.toLocaleString('en')}`,
    figure: `${count - arrived} missed, ${Math.round(arrived / seconds).toLocaleString('en')} a second handed over`,
    baseline: `${Math.round((count / writtenMs) * 1000).toLocaleString('en')} a second appended`,
    value: count - arrived,
    unit: 'entries',
    tolerance: 0,
    goal: 'none missed',
    met: arrived === count,
    method: 'one writer as fast as it can, one follower in another process, counted at its end',
  });
};
