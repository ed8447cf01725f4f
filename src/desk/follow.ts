import { ok, type Result } from '../base/result.ts';
import { passes } from '../journal/filter.ts';
import type { EntryFilter, Journal } from '../journal/journal.ts';
import type { Entry, EntryType } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { State } from '../model/state.ts';

export type { EntryFilter } from '../journal/journal.ts';

/** How far back an entry is looked for: a day of a busy factory, found in a tenth of a second. */
const LOCATE_MAX_BYTES = 64 * 1024 ** 2;
const ID_SHOWN_MAX_CHARS = 40;

/** Calls back for each entry of these types that is written from now on, until the signal aborts. */
export const onEntries = async (
  journal: Journal<State>,
  types: readonly EntryType[],
  signal: AbortSignal,
  met: (type: EntryType) => void,
): Promise<void> => {
  for await (const { type } of journal.follow({ from: 'end', signal, filter: { types } })) met(type);
};

/** Entries from now on, or all that stand after the one that was seen last: none is missed and none comes twice. */
export const followAfter = (
  journal: Journal<State>,
  { after, signal, filter }: { after?: string | undefined; signal: AbortSignal; filter?: EntryFilter },
): Result<AsyncIterable<Entry>, Failure> => {
  if (after === undefined) return ok(journal.follow({ from: 'end', signal, ...(filter ? { filter } : {}) }));
  const offset = journal.locate(after, LOCATE_MAX_BYTES);
  if (offset === undefined) {
    const shown = JSON.stringify(after.slice(0, ID_SHOWN_MAX_CHARS));
    return failed('not-found', `the journal does not hold the entry ${shown}, or it is too far back`);
  }
  return ok(behind(journal.follow({ from: { offset }, signal }), after, filter));
};

/** The line may hold others before it, glued to it by a crash. */
async function* behind(entries: AsyncIterable<Entry>, id: string, filter: EntryFilter | undefined) {
  let met = false;
  for await (const entry of entries) {
    if (met && passes(entry, filter)) yield entry;
    met ||= entry.id === id;
  }
}
