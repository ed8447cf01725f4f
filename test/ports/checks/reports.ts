import { sha256 } from '../../../src/base/hash.ts';
import type { EvaluatedReport } from '../../../src/model/report.ts';

export const KEY = sha256('some tree', 'some command');

/** A report with so many tests, all of them named alike: one that is half of one writer and half of another shows. */
export const reportOf = (name: string, tests = 2): EvaluatedReport => ({
  state: 'evaluated',
  check: 'tests',
  green: true,
  exitCode: 0,
  problems: [{ id: 'a.ts: TS1: x', file: 'a.ts', line: 3, code: 'TS1', message: 'x' }],
  tests: Array.from({ length: tests }, (_, n) => ({ id: `${n}`, file: 'a.test.ts', name, status: 'passed' })),
  durationMs: 12,
});
