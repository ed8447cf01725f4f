import type { BenchRow } from './row.ts';

/** What has a goal and cannot be measured yet, since the part does not exist: said rather than left out. */
const absent = (row: string, goal: string, why: string): BenchRow => ({
  row,
  figure: 'not measured',
  baseline: 'none',
  ratio: undefined,
  goal,
  met: undefined,
  method: why,
});

export const absentRows: BenchRow[] = [
  absent(
    'dashboard, 64 sessions busy',
    'at most 15 kB/s, 10 % of a core; 0 bytes when nothing changes',
    'there is no dashboard yet',
  ),
];
