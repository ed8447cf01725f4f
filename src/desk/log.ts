import type { EntryFilter, Journal } from '../journal/journal.ts';
import { hasTerms } from '../journal/search.ts';
import { isSearched, type Term } from '../journal/search-terms.ts';
import type { Entry } from '../model/entry.ts';
import type { State } from '../model/state.ts';
import { stemsOf } from '../policy/words.ts';

/** The journal by its words: what somebody looks for, found by the index or line by line. */

/** Whether the entry has all the words. */
export const hasWanted = (entry: Entry, { terms }: Wanted): boolean => hasTerms(entry, { all: terms });

/** More words than a person remembers of a sentence; whoever pastes a whole log gets what its begin finds. */
const SEARCH_WORDS_MAX = 32;
const SEARCH_CHARS_MAX = 10_000;
/** All are held in memory before the oldest is printed. */
const SEARCH_LIMIT_MAX = 10_000;

export interface Wanted {
  terms: Term[];
  /** There were more words than are searched for. */
  cut: boolean;
}

export const wordsWanted = (text: string): Wanted => {
  const stems = [...stemsOf(text.slice(0, SEARCH_CHARS_MAX), SEARCH_WORDS_MAX + 1)];
  const terms = stems.slice(0, SEARCH_WORDS_MAX).map((stem): Term => `word ${stem}`);
  return { terms, cut: stems.length > terms.length || text.length > SEARCH_CHARS_MAX };
};

/** The newest that have the words, oldest first; what is left out is said. */
export const searchLog = async (
  journal: Journal<State>,
  { terms, cut }: Wanted,
  { filter, limit: asked }: { filter: EntryFilter; limit: number },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Entry[]> => {
  if (cut) tell(`only the first ${SEARCH_WORDS_MAX} words are searched for`);
  const limit = Math.min(asked, SEARCH_LIMIT_MAX);
  // What the index does not know is looked for line by line.
  const indexed = filter.cycle === undefined && filter.types?.every(isSearched) !== false;
  const found =
    (indexed ? await searchIndex(journal, { terms, filter, limit }, tell, signal) : undefined) ??
    (await scanJournal(journal, { terms, filter, limit }, signal));
  const left = found.count - found.entries.length;
  if (left > 0) tell(`${left} older ${left === 1 ? 'entry has' : 'entries have'} these words too; -n shows more`);
  return found.entries;
};

interface Searching {
  terms: Term[];
  filter: EntryFilter;
  limit: number;
}

/** Undefined: the index cannot be made, e.g. on a full disk; the journal itself is still there. */
const searchIndex = async (
  journal: Journal<State>,
  { terms, filter, limit }: Searching,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<{ entries: Entry[]; count: number } | undefined> => {
  for (let leftBytes = Number.POSITIVE_INFINITY; ; ) {
    const query = { all: terms, filter, limit, order: 'newest', waitMs: INDEX_WAIT_MS } as const;
    const { hits, count, unsearchedBytes } = await journal.search(query);
    if (unsearchedBytes === 0 || signal.aborted) {
      // Its end is being written: whoever searches next should not do it again.
      if (leftBytes < Number.POSITIVE_INFINITY && !signal.aborted)
        await journal.search({ ...query, limit: 0, waitMs: INDEX_WRITE_WAIT_MS });
      return { entries: hits.map(({ entry }) => entry).reverse(), count };
    }
    if (unsearchedBytes >= leftBytes) return undefined;
    leftBytes = unsearchedBytes;
    tell(`indexing the journal for searches, this once: ${Math.ceil(leftBytes / 1e6)} MB to go`);
  }
};

/** How often a person is told that something goes on. */
const INDEX_WAIT_MS = 2000;
const INDEX_WRITE_WAIT_MS = 30_000;

const scanJournal = async (
  journal: Journal<State>,
  { terms, filter, limit }: Searching,
  signal: AbortSignal,
): Promise<{ entries: Entry[]; count: number }> => {
  const entries: Entry[] = [];
  let count = 0;
  for await (const entry of journal.read(filter)) {
    if (signal.aborted) break;
    if (!hasTerms(entry, { all: terms })) continue;
    count += 1;
    entries.push(entry);
    if (entries.length > limit) entries.shift();
  }
  return { entries, count };
};
