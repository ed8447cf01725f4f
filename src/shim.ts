import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, resolve } from 'node:path';
import { systemClock } from './base/clock.ts';
import { createSlots } from './ports/machine/slots.ts';
import { findOnPath } from './ports/machine/walls.ts';

/**
 * What an agent runs when it calls tsc or vitest: takes the tool's slot, runs the real tool and ends as that ends. It
 * must never be the reason that a tool does not run: without a server, or after a bounded wait, it runs without a slot.
 * It is started often, so it imports little.
 */
const main = async (): Promise<void> => {
  const [tool, slot, capacity, shimDir, home, waitMs, ...args] = process.argv.slice(2);
  if (!tool || !slot || !shimDir || !home) throw new Error('the shim is called by the scripts that winnow writes');
  const real = findOnPath(tool, pathWithout(shimDir));
  if (!real) {
    process.stderr.write(`${tool}: not found\n`);
    process.exitCode = NOT_FOUND;
    return;
  }
  const held = (process.env[HELD_VARIABLE] ?? '').split(',').filter(Boolean);
  if (!held.includes(slot)) {
    const who = [process.env.WINNOW_RUN, tool].filter(Boolean).join(' ');
    const slots = createSlots({ dir: home, who, clock: systemClock, mayServe: false });
    const begunMs = performance.now();
    const lease = await slots.acquire(slot, Number(capacity), { who, waitMs: Number(waitMs) });
    if (lease.ok) held.push(slot);
    else if (performance.now() - begunMs >= Number(waitMs)) {
      process.stderr.write(`winnow: ${lease.error.message}; running ${tool} without it\n`);
    }
  }
  // What the tool starts may come through a shim again and must not wait for the slot that this one holds.
  const env: NodeJS.ProcessEnv = { ...process.env, [HELD_VARIABLE]: held.join(',') };
  if (env.WINNOW_NODE_OPTIONS) env.NODE_OPTIONS = env.WINNOW_NODE_OPTIONS;
  delete env.WINNOW_NODE_OPTIONS;
  run(real, args, env);
};

const HELD_VARIABLE = 'WINNOW_SLOTS_HELD';

/** The shell's codes for a program that is not there and for one that cannot be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

const run = (real: string, args: string[], env: NodeJS.ProcessEnv): void => {
  // Listening comes first: the tool may be heard of, and stopped, before this process gets its next turn.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  const child = spawn(real, args, { stdio: 'inherit', env });
  child.on('error', (error) => {
    process.stderr.write(`${real}: ${error.message}\n`);
    process.exit(NOT_EXECUTABLE);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 0);
    // Ends by the same signal, as the tool did: whoever waits can tell a crash from an exit code.
    for (const forwarded of FORWARDED) process.removeAllListeners(forwarded);
    process.kill(process.pid, signal);
    process.exitCode = 128 + (constants.signals[signal] ?? 0);
  });
};

/** PATH without the directory of the shims, under whatever name it is there. */
const pathWithout = (shimDir: string): string => {
  const shims = realpath(shimDir);
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => resolve(dir))
    .filter((dir) => realpath(dir) !== shims)
    .join(delimiter);
};

const realpath = (dir: string): string => {
  try {
    return realpathSync(dir);
  } catch {
    return dir;
  }
};

await main();
