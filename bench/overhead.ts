import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Scenario, Step } from '../src/demo/scenario.ts';
import { bash, CLAUDE, createWorkbench, planStep, SMALL, type Workbench } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow, median, renderMs, renderSpread } from './row.ts';

/** What a cycle costs beside the agent and the checks, against a shell script that does the same git and file work. */
export const overheadRows = async (): Promise<BenchRow[]> => {
  const logs = { agent: '', check: '', hand: '' };
  const bench = await createWorkbench({
    files: { ...SMALL, ...filler() },
    scenarios: { alpha: scenario() },
    project: {
      checks: [
        { name: 'tests', run: `${TIMED} $CHECK_LOG node --test --test-reporter=tap`, parse: 'tap', slot: 'test' },
      ],
    },
  });
  let worker: Worker | undefined;
  try {
    for (const name of ['agent', 'check', 'hand'] as const) logs[name] = join(bench.dir, `${name}.log`);
    timeTheAgent(bench, logs);
    const hand = createHand(bench, logs.hand);
    worker = await startWorker(bench.home);
    const cycles: Part[] = [];
    const byHand: Part[] = [];
    for (let n = 0; n < CYCLES; n += 1) {
      for (const log of Object.values(logs)) rmSync(log, { force: true });
      const whole = await worker.cycle();
      const others = [...partsIn(logs.agent), ...partsIn(logs.check)];
      hand(n);
      // The first cycle of a home fetches the whole repository and measures the baseline.
      if (n === 0) continue;
      cycles.push({
        wallMs: whole.wallMs - sum(others, 'wallMs'),
        cpuMs: whole.cpuMs - sum(others, 'cpuMs'),
      });
      byHand.push(partsIn(logs.hand)[0] as Part);
    }
    return rowsOf(cycles, byHand);
  } finally {
    worker?.child.kill('SIGKILL');
    await bench.close();
  }
};

const CYCLES = 8;
const FILES = 300;
const CYCLE_MS = 60_000;
const TIMED = join(import.meta.dirname, 'timed.sh');
const BY_HAND = join(import.meta.dirname, 'by-hand.sh');

interface Part {
  wallMs: number;
  cpuMs: number;
}

const rowsOf = (cycles: Part[], byHand: Part[]): BenchRow[] => {
  const of = (parts: Part[], key: keyof Part) => parts.map((part) => part[key]);
  const wall = { ours: of(cycles, 'wallMs'), hand: of(byHand, 'wallMs') };
  const cpu = { ours: of(cycles, 'cpuMs'), hand: of(byHand, 'cpuMs') };
  const method = (spread: string) =>
    `median of ${CYCLES - 1} cycles, ${spread}; real Claude Code with two runs a cycle against the scripted API in ` +
    `another process, real git on ${FILES} files, \`node --test\`; agent and check are timed by a wrapper around ` +
    'them and subtracted, Winnow’s own watching over them is not; the script does fetch, clone --shared, branch, ' +
    'commit, diff, merge-tree, checkout of the merged tree and push, in turns with the cycles';
  const share = median(wall.ours) / CYCLE_MS;
  const ratios = { wall: median(wall.ours) / median(wall.hand), cpu: median(cpu.ours) / median(cpu.hand) };
  return [
    benchRow({
      key: 'overhead.wall',
      row: 'cycle overhead: wall',
      figure: renderMs(median(wall.ours)),
      baseline: `${renderMs(median(wall.hand))} (shell script)`,
      value: median(wall.ours),
      baselineValue: median(wall.hand),
      unit: 'ms',
      tolerance: 0.25,
      goal: 'at most 1.5',
      met: ratios.wall <= 1.5,
      method: method(renderSpread(wall.ours)),
    }),
    benchRow({
      key: 'overhead.cpu',
      row: 'cycle overhead: CPU',
      figure: renderMs(median(cpu.ours)),
      baseline: `${renderMs(median(cpu.hand))} (shell script)`,
      value: median(cpu.ours),
      baselineValue: median(cpu.hand),
      unit: 'ms',
      tolerance: 0.2,
      goal: 'at most 1.5',
      met: ratios.cpu <= 1.5,
      method: `as above, ${renderSpread(cpu.ours)}; own time and all children’s; the kernel counts children in ticks of 10 ms`,
    }),
    benchRow({
      key: 'overhead.share',
      row: 'cycle overhead: share of a cycle of 60 s',
      figure: `${(100 * share).toFixed(1)} %`,
      baseline: '60 s',
      value: median(wall.ours),
      baselineValue: CYCLE_MS,
      unit: 'ms',
      tolerance: 0.5,
      goal: 'at most 5 %',
      met: share <= 0.05,
      method: 'the wall time of the first row over 60 s',
    }),
  ];
};

/** Enough files that a checkout is one. */
const filler = (): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: FILES }, (_, n) => [
      `src/part${n % 20}/file${n}.js`,
      Array.from({ length: 60 }, (__, line) => `export const value${line} = ${n * line};\n`).join(''),
    ]),
  );

const scenario = (): Scenario => ({
  steps: Array.from({ length: CYCLES }, (_, n): Step[] => [
    planStep({ title: `Write number ${n} down`, files: [`number${n}.js`] }),
    bash(`echo 'export const number${n} = ${n};' > number${n}.js`),
    { blocks: ['Done.'] },
  ]).flat(),
});

/** Puts the stop-watch between Winnow and Claude Code, and tells the check where its own writes to. */
const timeTheAgent = (bench: Workbench, logs: { agent: string; check: string }): void => {
  const wrapper = join(bench.dir, 'claude');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${TIMED} ${logs.agent} ${CLAUDE} "$@"\n`, { mode: 0o755 });
  const config = join(bench.home, 'winnow.config.yaml');
  const text = readFileSync(config, 'utf8').replace(CLAUDE, wrapper).replace('$CHECK_LOG', logs.check);
  writeFileSync(config, text);
};

interface Worker {
  child: ChildProcess;
  cycle: () => Promise<Part>;
}

const startWorker = async (home: string): Promise<Worker> => {
  const script = join(import.meta.dirname, 'cycle-worker.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, home], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the process with the cycles has died');
    return JSON.parse(value as string) as Part & { outcome?: string; reason?: string };
  };
  await next();
  return {
    child,
    cycle: async () => {
      child.stdin.write('go\n');
      const part = await next();
      if (part.outcome !== 'pushed') throw new Error(`a cycle ended ${part.outcome}: ${part.reason}`);
      return part;
    },
  };
};

/** A mirror and a place for the script beside the home. */
const createHand = (bench: Workbench, log: string): ((n: number) => void) => {
  const [mirror, place] = [join(bench.dir, 'hand.git'), join(bench.dir, 'hand')];
  const git = (...args: string[]) => execFileSync('git', args, { stdio: 'ignore' });
  git('clone', '--bare', bench.remote, mirror);
  git('-C', mirror, 'config', 'remote.origin.fetch', '+refs/heads/main:refs/heads/main');
  execFileSync('mkdir', ['-p', place]);
  const identity = { GIT_AUTHOR_NAME: 'Hand', GIT_AUTHOR_EMAIL: 'hand@winnow.invalid' };
  const committer = { GIT_COMMITTER_NAME: 'Hand', GIT_COMMITTER_EMAIL: 'hand@winnow.invalid' };
  const env = { ...process.env, ...identity, ...committer, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return (n) => {
    execFileSync(TIMED, [log, BY_HAND, mirror, place, String(n)], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  };
};

/** What timed.sh noted: the wall clock, then the times of the shell and of its children. */
const partsIn = (log: string): Part[] => {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('wall ')
    .slice(1)
    .map((note) => {
      const [begun = 0, ended = 0] = note.split('\n')[0]?.split(' ').map(Number) ?? [];
      const times = [...note.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60_000 + Number(s) * 1000);
      return { wallMs: (ended - begun) * 1000, cpuMs: times.reduce((total, ms) => total + ms, 0) };
    });
};

const sum = (parts: Part[], key: keyof Part): number => parts.reduce((total, part) => total + part[key], 0);
