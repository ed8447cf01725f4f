import { nearest } from '../../base/nearest.ts';
import type { Doors } from '../../desk/doors.ts';
import type { EntryFilter, Journal } from '../../journal/journal.ts';
import { hasTerms } from '../../journal/search.ts';
import { isSearched, type Term } from '../../journal/search-terms.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryType } from '../../model/entry.ts';
import type { State } from '../../model/state.ts';
import { stemsOf } from '../../policy/words.ts';
import { renderEntry } from './log.ts';
import { EXIT_USAGE, type Homed } from './program.ts';
import { sayCannotOpen } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** `winnow log`: the journal for people, filtered, followed, or passed through. */
export interface LogOptions extends Homed {
  type?: string[];
  session?: string;
  project?: string;
  cycle?: string;
  since?: string;
  search?: string[];
  limit?: number;
  follow?: boolean;
  json?: boolean;
}

const noSuchType = (type: string): string => {
  const types = Object.keys(ENTRY_SCHEMAS).sort();
  const meant = nearest(type, types);
  const hint = meant ? `did you mean ${meant}?` : `there are ${types.join(', ')}`;
  return `winnow: there is no entry type ${type}; ${hint}`;
};

/** Shown when nothing is asked for. */
const LIMIT_DEFAULT = 50;

export const logCommand = async (doors: Doors, terminal: Terminal, options: LogOptions): Promise<number> => {
  const unknown = options.type?.find((type) => !Object.hasOwn(ENTRY_SCHEMAS, type));
  if (unknown !== undefined) {
    terminal.note(noSuchType(unknown));
    return EXIT_USAGE;
  }
  const sinceMs = options.since === undefined ? undefined : parseSince(options.since, Date.now());
  if (options.since !== undefined && sinceMs === undefined) {
    terminal.note(
      `winnow: --since ${options.since}: expected a time span such as 2h or 3d, or a date such as 2026-01-31`,
    );
    return EXIT_USAGE;
  }
  const wanted = options.search === undefined ? undefined : wordsWanted(options.search.join(' '));
  if (wanted?.terms.length === 0) {
    terminal.note('winnow: --search: there is no word to search for; a word has letters or digits');
    return EXIT_USAGE;
  }
  const opened = await doors.openJournal(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const { journal, close } = opened.value;
  const filter: EntryFilter = {
    ...(options.type ? { types: options.type as EntryType[] } : {}),
    ...(options.session ? { session: options.session } : {}),
    ...(options.project ? { project: options.project } : {}),
    ...(options.cycle ? { cycle: options.cycle } : {}),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  const printed = createRecall(PRINTED_RECALLED_MAX);
  const print = (entry: Entry) => {
    printed.add(entry.id);
    terminal.out(options.json ? JSON.stringify(entry) : renderEntry(entry, terminal, Date.now()));
  };
  const stop = stopSignal();
  const signal = AbortSignal.any([stop.signal, terminal.left]);
  try {
    const { count } = journal.state().damage;
    // What is appended while the past is printed is in both; what comes between must be in one.
    const from = { offset: journal.offset() };
    // `--json` alone passes everything through; a person is shown the newest.
    const everything = options.json === true && options.limit === undefined && !options.follow;
    if (wanted !== undefined) {
      for (const entry of await searched(journal, wanted, { filter, limit: options.limit }, terminal, signal))
        print(entry);
    } else if (everything || (sinceMs !== undefined && options.limit === undefined)) {
      for await (const entry of journal.read(filter)) {
        if (signal.aborted) break;
        print(entry);
      }
    } else {
      for (const entry of journal.tail(options.limit ?? LIMIT_DEFAULT, filter)) print(entry);
    }
    if (count > 0)
      terminal.note(
        `winnow: ${count} damaged line${count === 1 ? '' : 's'} in the journal skipped; nothing else is affected`,
      );
    if (options.follow) {
      for await (const entry of journal.follow({ from, signal, filter })) {
        const fits = wanted === undefined || hasTerms(entry, { all: wanted.terms });
        if (fits && !printed.has(entry.id)) print(entry);
      }
    } else if (printed.isEmpty() && !options.json) terminal.note('winnow: no entry to show');
    return 0;
  } finally {
    stop.end();
    close();
  }
};

/** More words than a person remembers of a sentence; whoever pastes a whole log gets what its begin finds. */
const SEARCH_WORDS_MAX = 32;
const SEARCH_CHARS_MAX = 10_000;
/** All are held in memory before the oldest is printed. */
const SEARCH_LIMIT_MAX = 10_000;

interface Wanted {
  terms: Term[];
  /** There were more words than are searched for. */
  cut: boolean;
}

const wordsWanted = (text: string): Wanted => {
  const stems = [...stemsOf(text.slice(0, SEARCH_CHARS_MAX), SEARCH_WORDS_MAX + 1)];
  const terms = stems.slice(0, SEARCH_WORDS_MAX).map((stem): Term => `word ${stem}`);
  return { terms, cut: stems.length > terms.length || text.length > SEARCH_CHARS_MAX };
};

/** The newest that have the words, oldest first; what is left out is said. */
const searched = async (
  journal: Journal<State>,
  { terms, cut }: Wanted,
  { filter, limit: asked }: { filter: EntryFilter; limit: number | undefined },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Entry[]> => {
  if (cut) terminal.note(`winnow: only the first ${SEARCH_WORDS_MAX} words are searched for`);
  const limit = Math.min(asked ?? LIMIT_DEFAULT, SEARCH_LIMIT_MAX);
  // What the index does not know is looked for line by line.
  const indexed = filter.cycle === undefined && filter.types?.every(isSearched) !== false;
  const found =
    (indexed ? await searchIndex(journal, { terms, filter, limit }, terminal, signal) : undefined) ??
    (await scanJournal(journal, { terms, filter, limit }, signal));
  const left = found.count - found.entries.length;
  if (left > 0)
    terminal.note(`winnow: ${left} older ${left === 1 ? 'entry has' : 'entries have'} these words too; -n shows more`);
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
  terminal: Terminal,
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
    terminal.note(`winnow: indexing the journal for searches, this once: ${Math.ceil(leftBytes / 1e6)} MB to go`);
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

/** Milliseconds since the epoch: "2h" back from now, or a date, which is local as the times shown are. */
export const parseSince = (text: string, now: number): number | undefined => {
  const span = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/.exec(text.trim());
  if (span) return now - Number(span[1]) * SPAN_MS[span[2] as keyof typeof SPAN_MS];
  const date = /^(\d{4}-\d\d-(\d\d))(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text.trim());
  if (!date) return undefined;
  const [, day, dayOfMonth, time = '00:00', zone = ''] = date;
  // JavaScript makes the 31st of February the 3rd of March; whoever wrote it meant something else.
  if (new Date(`${day}T00:00:00Z`).getUTCDate() !== Number(dayOfMonth)) return undefined;
  const ms = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
};

const SPAN_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Far more than what is appended while the past is printed. */
const PRINTED_RECALLED_MAX = 10_000;

/** The newest of what was added. */
const createRecall = (max: number) => {
  const ids = new Set<string>();
  return {
    add: (id: string): void => {
      ids.add(id);
      if (ids.size > max) ids.delete(ids.values().next().value as string);
    },
    has: (id: string): boolean => ids.has(id),
    isEmpty: (): boolean => ids.size === 0,
  };
};
