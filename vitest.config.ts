import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    // No file keeps state at module level, so files may share one process: several times faster.
    isolate: false,
    pool: 'threads',
    // Many tests start the real Claude Code; a busy machine makes them slow, never wrong.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Each starts processes of its own: more at once on a small machine only makes all of them slow.
    maxWorkers: 2,
  },
});
