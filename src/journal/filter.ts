import type { Entry } from '../model/entry.ts';
import type { EntryFilter } from './journal.ts';

/** Which entries a reader wants, decided on an entry and, much cheaper, on the bytes of its line. */

/** More needles than this cost more than parsing every line. */
const NEEDLES_MAX = 8;

export const passes = (entry: Entry, filter: EntryFilter | undefined): boolean =>
  filter === undefined ||
  ((filter.types === undefined || filter.types.includes(entry.type)) &&
    (filter.session === undefined || filter.session === entry.session) &&
    (filter.project === undefined || filter.project === entry.project) &&
    (filter.cycle === undefined || filter.cycle === entry.cycle) &&
    (filter.sinceMs === undefined || Date.parse(entry.ts) >= filter.sinceMs));

/**
 * Byte strings of which every line that passes holds at least one; undefined: look at every line.
 * The value with its quotes and not the key: other programs put a space after the colon.
 */
export const needlesOf = (filter: EntryFilter | undefined): Buffer[] | undefined => {
  if (filter === undefined) return undefined;
  const { cycle, types, session, project } = filter;
  const values = cycle !== undefined ? [cycle] : (types ?? [session ?? project]);
  if (values.length > NEEDLES_MAX) return undefined;
  const needles: Buffer[] = [];
  for (const value of values) {
    // What JSON may write in more than one way cannot be searched for.
    if (value === undefined || !/^[\w.-]+$/.test(value)) return undefined;
    needles.push(Buffer.from(`"${value}"`));
  }
  return needles;
};
