import { appendFileSync } from 'node:fs';

/** Loaded before a program: writes each time that its event loop stood still to the file that the environment names. */
const file = process.env.BENCH_LOOP_FILE;
const TICK_MS = 20;

/** Less than that the timer itself may be late. */
const GAP_MIN_MS = 5;

let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  const gapMs = nowMs - lastMs - TICK_MS;
  lastMs = nowMs;
  if (gapMs > GAP_MIN_MS && file !== undefined) appendFileSync(file, `${gapMs}\n`);
}, TICK_MS).unref();
