import { ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import type { Git } from './git.ts';

/**
 * Puts Winnow's trailers at the end of a message, by git's own rules of what a block of trailers is. Whatever a model
 * wrote under one of these keys, anywhere in its message, is taken out: who reviewed a change is not its to say.
 */
export const withTrailers = async (
  { git, gitDir }: { git: Git; gitDir: string },
  message: string,
  trailers: readonly [string, string][],
): Promise<Result<string, Failure>> => {
  const honest = withoutKeys(
    message,
    trailers.map(([key]) => key),
  );
  if (trailers.length === 0) return ok(honest);
  const added = trailers.flatMap(([key, value]) => ['--trailer', `${key}: ${value.replace(/\s+/g, ' ').trim()}`]);
  // A line of three dashes is text in a commit, and no word of a configuration applies.
  const args = ['interpret-trailers', '--no-divider', '--where=end', '--if-exists=add', '--if-missing=add', ...added];
  return git.done({ gitDir, args, input: `${honest}\n` });
};

const SUBJECT_MISSING = '(no message)';

const withoutKeys = (message: string, keys: readonly string[]): string => {
  const forged = new Set(keys.map((key) => key.toLowerCase()));
  const lines: string[] = [];
  let dropping = false;
  for (const line of message
    .replace(/\r\n?|[\u2028\u2029\u0085\v\f]/g, '\n')
    .replaceAll('\0', '')
    .split('\n')) {
    const key = /^\s*([A-Za-z0-9-]+)\s*:/.exec(line)?.[1]?.toLowerCase();
    // A trailer goes on in the lines after it that begin with a space.
    dropping = key === undefined ? dropping && /^[ \t]+\S/.test(line) : forged.has(key);
    if (!dropping) lines.push(line);
  }
  return lines.join('\n').trim() || SUBJECT_MISSING;
};
