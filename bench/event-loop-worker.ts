import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { heardByMany } from '../src/base/abort.ts';
import { systemClock } from '../src/base/clock.ts';
import { createClaude } from '../src/ports/claude/run.ts';
import { sweep } from '../src/ports/machine/processes.ts';
import { detectReaper } from '../src/ports/machine/walls.ts';

/** A process with many talking runs, which watches its own event loop; prints one line of JSON. */

const RUNS = 64;
const SECONDS = 8;
/** Until the last run has begun to talk, and the compiler is warm. */
const WARM_UP_MS = 4000;

const dir = mkdtempSync(join(tmpdir(), 'winnow-bench-loop-'));
const stop = new AbortController();
heardByMany(stop.signal);
let lines = 0;

const watch = async () => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  const [cpu, linesBefore, startedMs] = [process.cpuUsage(), lines, performance.now()];
  delay.enable();
  await sleep(SECONDS * 1000);
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    p99Ms: delay.percentile(99) / 1e6,
    maxMs: delay.max / 1e6,
    cpuShare: (user + system) / 1e6 / seconds,
    linesPerSecond: (lines - linesBefore) / seconds,
  };
};

try {
  const reaper = await detectReaper();
  await sleep(1000);
  const idle = await watch();
  const claude = createClaude({
    command: join(import.meta.dirname, 'chatter.sh'),
    clock: systemClock,
    reaperPrefix: reaper.prefix,
    sweep: (marker) => sweep(marker),
  });
  const runs = Array.from({ length: RUNS }, (_, n) =>
    claude.run({
      run: `bench-${randomUUID()}`,
      cwd: dir,
      prompt: 'Talk.',
      model: 'sonnet',
      conversation: { start: randomUUID() },
      tools: ['Bash'],
      access: 'edit',
      maxBudgetUsd: 1,
      maxTurns: 1,
      timeoutMs: 600_000,
      silenceMs: 600_000,
      configDir: undefined,
      tmpDir: join(dir, `tmp-${n}`),
      transcriptDir: join(dir, `run-${n}`),
      env: { PATH: process.env.PATH ?? '', HOME: dir },
      signal: stop.signal,
      onProgress: () => {
        lines += 1;
      },
    }),
  );
  await sleep(WARM_UP_MS);
  const busy = await watch();
  stop.abort();
  await Promise.all(runs);
  const { linesPerSecond } = busy;
  process.stdout.write(JSON.stringify({ idle, busy, runs: RUNS, linesPerSecond, seconds: SECONDS }));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
