import type { RalphCycle } from '../model/entry.ts';
import type { FailureKind } from '../model/failure.ts';
import { signatureOf } from './signature.ts';

/**
 * What a cycle's end says went wrong, under a name that is the same each time. Identities of what was broken come
 * before any sentence about it.
 */
export type Ending = Pick<RalphCycle, 'outcome' | 'reason'> & {
  failure?: string | undefined;
  /** Identities of what it broke. */
  broken?: readonly string[] | undefined;
  /** The plan said that there is nothing worth doing. */
  nothing?: boolean | undefined;
};

/** Undefined: it met no error of its own. */
export const errorOf = (ending: Ending): string | undefined => {
  if (ending.outcome === 'pushed' || ending.outcome === 'interrupted' || ending.nothing) return undefined;
  if (isOutside(ending)) return undefined;
  if (ending.broken && ending.broken.length > 0) return signatureOf('breaks', identities(ending.broken));
  return signatureOf(ending.failure ?? ending.outcome, withoutNames(ending.reason));
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

const identities = (broken: readonly string[]): string =>
  [...new Set(broken)].sort().slice(0, IDENTITIES_MAX).join(', ');

/** Without what somebody called something (titles, messages), and without names that machines made up. */
const withoutNames = (text: string): string =>
  text
    .slice(0, READ_MAX_CHARS)
    .replace(/“[^”]*”|"[^"]*"/g, '“”')
    .replace(/[‘’'`]/g, '')
    .replace(/\b(?=\w*\d)(?=\w*[g-z_])\w{16,}\b/gi, 'ID');

/** Nobody's error is told in more, and expressions over pages would cost time. */
const READ_MAX_CHARS = 4_000;
