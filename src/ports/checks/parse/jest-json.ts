import type { Parsed } from '../../../model/report.ts';
import type { Source } from './source.ts';
import { parseTestJson } from './test-json.ts';

/** The report of `jest --json`. The message of a file quotes its failed tests too, so only its heading tells. */
export const parseJestJson = (source: Source): Parsed =>
  parseTestJson(source, {
    tool: 'jest',
    failedBesides: (file) => file.message?.includes('● Test suite failed to run') ?? false,
  });
