import type { Parsed } from '../../../model/report.ts';
import type { Source } from './source.ts';
import { parseTestJson } from './test-json.ts';

/** The report of `vitest run --reporter=json`. The message of a file is about the file alone, never about its tests. */
export const parseVitestJson = (source: Source): Parsed =>
  parseTestJson(source, { tool: 'vitest', failedBesides: (file) => Boolean(file.message?.trim()) });
