import type { Entry, EntryType } from '../model/entry.ts';
import { normalise } from '../policy/claim.ts';
import { stemsOf } from '../policy/words.ts';

/**
 * By what an entry is found: words of its sentences, files, errors and tests, its branch, how a cycle ended. The index
 * keeps hashes of terms alone, so whatever it finds is looked at once more.
 */
export type Term = `${'word' | 'file' | 'identity' | 'branch' | 'outcome'} ${string}`;

/** Raise it when an entry gets other terms than before: the index is built anew. */
export const TERMS_VERSION = 1;

/** Entries in which somebody says something; the others repeat these, or hold nothing but figures. */
const SEARCHED: ReadonlySet<string> = new Set<EntryType>([
  'ralph_cycle',
  'plan_refused',
  'cto_review',
  'review_failed',
  'review_commented',
  'branch_moved',
  'branch_dropped',
  'branch_deleted',
  'merged',
  'train_blocked',
  'landing_verified',
  'revert_proposed',
  'main_red',
  'test_flaky',
  'session_parked',
  'session_redirected',
  'paused',
  'task_queued',
  'task_returned',
  'task_done',
  'task_failed',
  'task_cancelled',
  'team_standup',
  'doctor_analysis',
  'prompt_proposed',
  'prompt_dismissed',
  'skill_written',
  'skill_refused',
  'skill_retired',
  'project_unready',
  'install_ran',
  'config_rejected',
  'alert',
]);

export const isSearched = (type: string): boolean => SEARCHED.has(type);

/** Of one entry: a team's meeting of many sessions has a few hundred words, and a hostile entry as many as it likes. */
const WORDS_MAX = 500;
const FILES_MAX = 200;
const IDENTITIES_MAX = 200;

export const termsOf = (entry: Entry): Set<Term> => {
  const terms = new Set<Term>();
  for (const stem of stemsOf(textsOf(entry.data).join('\n'), WORDS_MAX)) terms.add(`word ${stem}`);
  // What became of a branch is looked up by its name; who else names it is not asked for.
  if (entry.type === 'cto_review' || entry.type === 'branch_dropped') terms.add(`branch ${entry.data.branch}`);
  if (entry.type === 'merged') for (const { branch } of entry.data.landings) terms.add(`branch ${branch}`);
  if (entry.type !== 'ralph_cycle') return terms;
  const { outcome, plan, files = [], fixed = [], broken = [] } = entry.data;
  terms.add(`outcome ${outcome}`);
  for (const file of [...files, ...(plan?.files ?? [])].slice(0, FILES_MAX)) terms.add(fileTerm(file));
  for (const identity of [...broken, ...fixed].slice(0, IDENTITIES_MAX)) terms.add(`identity ${identity}`);
  return terms;
};

export const fileTerm = (file: string): Term => `file ${normalise(file)}`;

/** What is no sentence: hashes, ids, places of files that Winnow wrote. */
const NO_WORDS: ReadonlySet<string> = new Set([
  ...['commit', 'tree', 'base', 'main', 'from', 'to', 'merged', 'hash', 'key', 'review', 'cycle', 'run'],
  ...['patch', 'report', 'transcript', 'conversation', 'until', 'start', 'trigger'],
]);
/** More than the longest sentence; a line holds no more anyway. */
const TEXT_MAX_CHARS = 64 * 1024;
const DEPTH_MAX = 6;

const textsOf = (data: object): string[] => {
  const texts: string[] = [];
  let left = TEXT_MAX_CHARS;
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      texts.push(value.slice(0, left));
      left -= value.length;
    } else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) {
      for (const [name, member] of Object.entries(value)) {
        if (left <= 0) return;
        if (!NO_WORDS.has(name)) walk(member, depth + 1);
      }
    }
  };
  walk(data, 0);
  return texts;
};
