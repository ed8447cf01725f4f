import type { RalphCycle } from '../model/entry.ts';
import type { FailureKind } from '../model/failure.ts';

/**
 * The name of an error, the same each time it is met: what moves without meaning (figures, hours, hashes, places,
 * what stands in quotes) is left out. Identities of what was broken come before any sentence about it.
 */
export type Ending = Pick<RalphCycle, 'outcome' | 'reason'> & {
  failure?: string | undefined;
  /** Identities of what it broke. */
  broken?: readonly string[] | undefined;
  /** The plan said that there is nothing worth doing. */
  nothing?: boolean | undefined;
};

/** Undefined: it met no error of its own. */
export const signatureOf = (ending: Ending): string | undefined => {
  if (ending.outcome === 'pushed' || ending.outcome === 'interrupted' || ending.nothing) return undefined;
  if (isOutside(ending)) return undefined;
  if (ending.broken && ending.broken.length > 0) return `breaks ${identities(ending.broken)}`;
  return `${ending.failure ?? ending.outcome}: ${normaliseError(ending.reason)}`;
};

/** It came from the service, the account, the machine or the remote: every session would have met it. */
export const isOutside = ({ outcome, failure, reason }: Ending): boolean =>
  (failure !== undefined && OUTSIDE.has(failure)) || (outcome === 'empty' && OTHERS_BUDGET.test(reason));

const OUTSIDE: ReadonlySet<string> = new Set<FailureKind>([
  'usage-limit',
  'rate-limit',
  'overloaded',
  'server-error',
  'connection',
  'auth',
  'billing',
  'disk-full',
  'journal-write',
  'claude-missing',
  'repo-missing',
  'repo-empty',
  'branch-missing',
  'repo-unreachable',
  'install-failed',
  'command-missing',
  'interrupted',
]);

/** As policy/budget.ts says it; the budgets of one run and one cycle are the session's own. */
const OTHERS_BUDGET = /^the budget of the (?:day|session|project)\b/;

/** Of very many broken tests the first say which change it was. */
const IDENTITIES_MAX = 3;
const SIGNATURE_MAX_CHARS = 200;

const identities = (broken: readonly string[]): string =>
  [...new Set(broken.map(normaliseError))].sort().slice(0, IDENTITIES_MAX).join(', ');

/** One error's sentence as it is the next time. */
export const normaliseError = (text: string): string =>
  text
    .slice(0, READ_MAX_CHARS)
    .toLowerCase()
    // What somebody called something: titles, messages.
    .replace(/“[^”]*”|"[^"]*"/g, '“”')
    .replace(/[‘’'`]/g, '')
    .replace(/\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:z|[+-]\d\d:?\d\d)?/g, '#')
    .replace(/\bbrl\/[\w-]+\/[\w-]+/g, '#')
    // Of a place only its last name: homes and temporary directories are called otherwise each time.
    .replace(/(?:\/[\w.@+~-]+)+\/([\w.@+~-]+)/g, '$1')
    .replace(/\b(?:0x)?(?=[a-z_]*\d)[\da-z_]{16,}\b/g, '#')
    .replace(/\b(?:0x[\da-f]+|(?=[a-f]*\d)[\da-f-]{7,})\b/g, '#')
    .replace(/\d+(?:[.,:]\d+)*/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, SIGNATURE_MAX_CHARS);

/** Nobody's error is told in more, and expressions over pages would cost time. */
const READ_MAX_CHARS = 4_000;
