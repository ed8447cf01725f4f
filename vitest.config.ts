import { defineConfig } from 'vitest/config';
import { fastTemp } from './test/fast-temp.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    env: { TMPDIR: fastTemp() },
    // No file keeps state at module level, so files may share one process: several times faster.
    isolate: false,
    // A small process each: starting another one copies the page tables of its parent, and most tests start dozens.
    pool: 'forks',
    execArgv: ['--max-semi-space-size=2'],
    // Many tests start the real Claude Code; a busy machine makes them slow, never wrong.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Each starts processes of its own: more at once on a small machine only makes all of them slow.
    maxWorkers: 2,
  },
});
