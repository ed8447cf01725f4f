import type { BenchRun } from '../../bench/stored.ts';

/** A run on a machine that nobody has. */
export const RUN: BenchRun = {
  date: '2026-11-21T12:00:00.000Z',
  cores: 2,
  processor: 'Imagined 3000',
  memoryGb: 8,
  kernel: 'Linux 6.1',
  node: 'v20.20.2',
  loadBefore: 0.1,
  loadAfter: 1.5,
  seconds: 540,
  only: undefined,
};
