import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import headless from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';
import { createFeed, type Feed, SESSIONS } from './dashboard-feed.ts';
import { residentMb } from './resident.ts';
import { type BenchRow, benchRow, median, quantile, renderMs } from './row.ts';

/** What `winnow tui` costs in a real terminal of 200x60 before 64 busy sessions. */
export const dashboardRows = async (): Promise<BenchRow[]> => {
  const feed = createFeed({ busy: true });
  try {
    feed.begin();
    const busy = {
      own: await watch(feed, 'own'),
      naive: await watch(feed, 'naive'),
      blessed: await watch(feed, 'blessed'),
    };
    const keys = await keyTimes(feed);
    const echo = await echoTimes();
    feed.appends();
    await sleep(STALL_MS);
    const quietAppends = feed.appends();
    const own = await stall(feed, 'own');
    const naive = await stall(feed, 'naive');
    feed.rest();
    const still = { own: await stillBytes('own'), naive: await stillBytes('naive') };
    const kb = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB/s`;
    const share = (value: number) => `${(value * 100).toFixed(1)} % of a core`;
    const wire =
      `a real process in a pseudo-terminal of ${SIZE.cols}x${SIZE.rows}, ${WATCH_MS / 1000} s after ${WARM_UP_MS / 1000} s; ` +
      `${SESSIONS} sessions that write 2 lines a second each into their transcripts and 8 entries a second into the journal ` +
      'together; the floor is shown, nobody types; the others get the same views and frames at 4 a second and write them whole';
    return [
      benchRow({
        key: 'dashboard.wire',
        row: `dashboard, ${SESSIONS} sessions busy: on the wire`,
        figure: kb(busy.own.bytesPerS),
        baseline: `${kb(busy.naive.bytesPerS)} (each frame whole); ${kb(busy.blessed.bytesPerS)} (blessed without its diff)`,
        value: busy.own.bytesPerS,
        baselineValue: busy.naive.bytesPerS,
        unit: 'bytes/s',
        tolerance: 0.2,
        goal: 'at most 15 kB/s',
        met: busy.own.bytesPerS <= 15_000,
        method: wire,
      }),
      benchRow({
        key: 'dashboard.cpu',
        row: `dashboard, ${SESSIONS} sessions busy: CPU`,
        figure: share(busy.own.cpuShare),
        baseline: `${share(busy.naive.cpuShare)} (each frame whole); ${share(busy.blessed.cpuShare)} (blessed without its diff)`,
        value: busy.own.cpuShare,
        baselineValue: busy.naive.cpuShare,
        unit: 'cores',
        tolerance: 0.3,
        goal: 'at most 10 % of a core',
        met: busy.own.cpuShare <= 0.1,
        method: 'user and system time of the same processes over the same seconds, from /proc',
      }),
      benchRow({
        key: 'dashboard.still',
        row: 'dashboard, nothing changes: on the wire',
        figure: `${still.own} bytes in ${STILL_MS / 1000} s`,
        baseline: `${still.naive} bytes (each frame whole)`,
        value: still.own,
        baselineValue: still.naive,
        unit: 'bytes',
        tolerance: 0,
        goal: '0 bytes',
        met: still.own === 0,
        method: `${SESSIONS} sessions that wait, in a home in which nothing runs; the same terminal`,
      }),
      benchRow({
        key: 'dashboard.keys',
        row: 'dashboard: from the key to the screen',
        figure: `p50 ${renderMs(median(keys))}, p99 ${renderMs(quantile(keys, 0.99))}`,
        baseline: `p50 ${renderMs(median(echo))}, p99 ${renderMs(quantile(echo, 0.99))} (\`cat\` in the same terminal)`,
        value: median(keys),
        baselineValue: median(echo),
        unit: 'ms',
        // The echo of a terminal is a quarter of a millisecond, most of it waiting for a processor.
        tolerance: 1,
        goal: 'p99 under 100 ms',
        met: quantile(keys, 0.99) < 100,
        method:
          `${keys.length} keys that open or close the help while the ${SESSIONS} sessions are busy, until the terminal ` +
          'has drawn it; a frame follows the last one after 40 ms at the earliest',
      }),
      benchRow({
        key: 'dashboard.stall',
        row: `dashboard, its terminal stalls for ${STALL_MS / 1000} s: its event loop`,
        figure: `stands still for ${renderMs(own.gapMs)} at most`,
        baseline: `${renderMs(naive.gapMs)} (each frame whole, written as Node does)`,
        value: own.gapMs,
        baselineValue: naive.gapMs,
        unit: 'ms',
        // The longest of many single gaps.
        tolerance: 3,
        goal: 'under 100 ms; the factory notices nothing',
        met: own.gapMs < 100,
        method:
          `nobody reads the pseudo-terminal for that long; ${own.waitingBytes} bytes came when it was read again; appends ` +
          `to the journal meanwhile p99 ${renderMs(quantile(own.appends, 0.99))}, without a dashboard ` +
          `${renderMs(quantile(quietAppends, 0.99))}: it is another process`,
      }),
      benchRow({
        key: 'dashboard.memory',
        row: `dashboard, ${SESSIONS} sessions busy: memory`,
        figure: `${busy.own.megabytes.toFixed(0)} MB`,
        baseline: `${busy.naive.megabytes.toFixed(0)} MB (each frame whole); ${busy.blessed.megabytes.toFixed(0)} MB (blessed without its diff); both with the compiler of TypeScript`,
        value: busy.own.megabytes,
        unit: 'MB',
        tolerance: 15,
        goal: 'at most 100 MB',
        met: busy.own.megabytes <= 100,
        method: 'VmRSS at the end of the same seconds',
      }),
    ];
  } finally {
    feed.close();
  }
};

const SIZE = { cols: 200, rows: 60 };
const WARM_UP_MS = 4000;
/** Before a minute is over, after which nobody is thought to look and frames come once a second. */
const WATCH_MS = 20_000;
const STILL_MS = 15_000;
const STALL_MS = 5000;
const KEYS = 120;
const START_MAX_MS = 120_000;
const MAIN = join(import.meta.dirname, '../dist/main.js');
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const here = (name: string): string => join(import.meta.dirname, name);

type Who = 'own' | 'naive' | 'blessed';

interface Watched {
  pty: IPty;
  /** Since the start. */
  bytes: () => number;
  /** Calls back with when a piece came, once the terminal has drawn it. */
  onDrawn: (drawn: (atMs: number) => void) => void;
  shows: (text: string) => boolean;
  end: () => Promise<void>;
}

const begin = async (home: string, who: Who, loopFile?: string): Promise<Watched> => {
  const program = who === 'own' ? [MAIN, 'tui', '--home', home] : [here('dashboard-worker.ts'), who, home];
  const watched = ['--import', pathToFileURL(here('dashboard-loop.ts')).href];
  const options = [...(who === 'own' && !loopFile ? [] : ['--import', TSX]), ...(loopFile ? watched : [])];
  const { NO_COLOR: _, ...env } = process.env;
  const pty = spawn(process.execPath, [...options, ...program], {
    ...{ ...SIZE, name: 'xterm-256color' },
    env: { ...env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...(loopFile ? { BENCH_LOOP_FILE: loopFile } : {}) } as never,
  });
  const xterm = new headless.Terminal({ ...SIZE, allowProposedApi: true });
  let bytes = 0;
  let onDrawn = (_atMs: number) => {};
  pty.onData((data) => {
    const atMs = performance.now();
    bytes += Buffer.byteLength(data);
    xterm.write(data, () => onDrawn(atMs));
  });
  const exited = new Promise<void>((resolve) => pty.onExit(() => resolve()));
  const shows = (text: string): boolean =>
    Array.from({ length: SIZE.rows }, (_unused, n) => xterm.buffer.active.getLine(n)?.translateToString()).some(
      (line) => line?.includes(text),
    );
  const deadline = performance.now() + START_MAX_MS;
  while (!shows('session-1')) {
    if (performance.now() > deadline) throw new Error(`${who} has not drawn`);
    await sleep(50);
  }
  return {
    ...{ pty, shows, bytes: () => bytes },
    onDrawn: (drawn) => {
      onDrawn = drawn;
    },
    end: async () => {
      process.kill(pty.pid, 'SIGKILL');
      await exited;
      xterm.dispose();
    },
  };
};

const watch = async ({ home }: Feed, who: Who) => {
  const { pty, bytes, end } = await begin(home, who);
  await sleep(WARM_UP_MS);
  const [before, cpuBefore, begunMs] = [bytes(), cpuSeconds(pty.pid), performance.now()];
  await sleep(WATCH_MS);
  const seconds = (performance.now() - begunMs) / 1000;
  const watched = {
    bytesPerS: (bytes() - before) / seconds,
    cpuShare: (cpuSeconds(pty.pid) - cpuBefore) / seconds,
    megabytes: residentMb(pty.pid),
  };
  await end();
  return watched;
};

/** A home of its own, in which nothing ever ran: times that pass would be changes. */
const stillBytes = async (who: Who): Promise<number> => {
  const feed = createFeed({ busy: false });
  try {
    const { bytes, end } = await begin(feed.home, who);
    await sleep(WARM_UP_MS);
    const before = bytes();
    await sleep(STILL_MS);
    const count = bytes() - before;
    await end();
    return count;
  } finally {
    feed.close();
  }
};

const HELP = 'any other key: back';

const keyTimes = async ({ home }: Feed): Promise<number[]> => {
  const { pty, onDrawn, shows, end } = await begin(home, 'own');
  await sleep(WARM_UP_MS);
  const times: number[] = [];
  for (let n = 0; n < KEYS; n += 1) {
    const opens = n % 2 === 0;
    const pressedMs = performance.now();
    const drawn = new Promise<number>((resolve) =>
      onDrawn((atMs) => {
        if (shows(HELP) === opens) resolve(atMs);
      }),
    );
    pty.write(opens ? '?' : 'x');
    times.push((await drawn) - pressedMs);
    // Not in step with the frames.
    await sleep(120 + ((n * 61) % 200));
  }
  await end();
  return times;
};

const echoTimes = async (): Promise<number[]> => {
  const pty = spawn('cat', [], { ...SIZE, name: 'xterm-256color' });
  let onData = () => {};
  pty.onData(() => onData());
  const times: number[] = [];
  for (let n = 0; n < KEYS; n += 1) {
    const pressedMs = performance.now();
    const echoed = new Promise<void>((resolve) => {
      onData = resolve;
    });
    pty.write('x');
    await echoed;
    times.push(performance.now() - pressedMs);
    await sleep(10);
  }
  process.kill(pty.pid, 'SIGKILL');
  return times;
};

const stall = async (feed: Feed, who: Who) => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-bench-loop-'));
  const file = join(dir, 'gap');
  const { pty, bytes, end } = await begin(feed.home, who, file);
  await sleep(WARM_UP_MS);
  // What loading took is no matter of the terminal.
  rmSync(file, { force: true });
  feed.appends();
  pty.pause();
  await sleep(STALL_MS);
  const appends = feed.appends();
  const before = bytes();
  pty.resume();
  await sleep(1000);
  const waitingBytes = bytes() - before;
  await end();
  const gapMs = existsSync(file) ? Math.max(...readFileSync(file, 'utf8').trim().split('\n').map(Number)) : 0;
  rmSync(dir, { recursive: true, force: true });
  return { gapMs, waitingBytes, appends };
};

const TICKS_PER_S = 100;
const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
};
