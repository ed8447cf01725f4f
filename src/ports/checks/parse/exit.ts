import type { Parsed } from '../../../model/report.ts';
import { numberProblems } from '../../../policy/identity.ts';
import { excerpt, lastLines, type Source } from './source.ts';

/** Lines of output that a person or an agent is shown of a command of which only the exit code is understood. */
const LINES_SHOWN = 10;

/**
 * The exit code alone. The identity is one word, so that red stays the same red whatever the output says this time.
 */
export const parseExit = (source: Source): Parsed => {
  if (source.exitCode === 0) return { complete: true, problems: [], tests: [] };
  const tail = lastLines(source.stderr, LINES_SHOWN) || lastLines(source.text, LINES_SHOWN);
  const message = tail === '' ? `The command ended with exit code ${source.exitCode}.` : excerpt(tail, source.places);
  const problems = numberProblems([{ file: '', code: `exit-${source.exitCode}`, message, identity: 'exit' }]);
  return { complete: true, problems, tests: [] };
};
