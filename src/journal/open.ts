import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { IdFactory } from '../base/ids.ts';
import type { Entry, EntryOf, EntryType, NewEntryOf } from '../model/entry.ts';
import { withoutSecrets } from '../policy/withhold.ts';
import { createChanges } from './changes.ts';
import { createComposer, illegalEntry } from './compose.ts';
import { consumeEntries } from './consume.ts';
import { createFolded } from './folded.ts';
import { followEntries, readEntries } from './follow.ts';
import type { Journal } from './journal.ts';
import { removeLeftovers } from './leftovers.ts';
import type { Damage } from './line.ts';
import type { Search } from './search.ts';
import { locateEntry, readTail } from './tail.ts';
import { createWriter } from './writer.ts';

/** Puts the journal together: one writer, one fold, one watch, and any number of readers of the same file. */
export interface JournalOptions<S> {
  /** The journal itself: …/logs/experiment-log.jsonl. */
  file: string;
  /** Disposable: snapshot.json, the consumers' cursors in cursors/, and the index for searches in search/. */
  stateDir: string;
  /** What does not fit into a line: …/logs/overflow. */
  overflowDir: string;
  empty: () => S;
  /** Changes the state by one entry. The state is plain JSON data. */
  fold: (state: S, entry: Entry) => void;
  damaged?: (state: S, damage: Damage) => void;
  /** Why the entry may not happen in this state. Asked by the writer before, and by the reader after. */
  legal?: (state: Readonly<S>, entry: Entry) => string | undefined;
  illegal?: (state: S, entry: Entry, why: string) => void;
  /** Takes secrets out of a text; every entry passes it, whoever appends. */
  clean?: (text: string) => string;
  clock: Clock;
  ids: IdFactory;
  /** Of the fold: a snapshot made by another one is ignored. */
  foldVersion: number;
}

export const openJournal = <S>(options: JournalOptions<S>): Journal<S> => {
  const { file, stateDir, legal, clock } = options;
  const cursorDir = join(stateDir, 'cursors');
  for (const directory of [stateDir, cursorDir]) removeLeftovers(directory, clock.now());
  const folded = createFolded({ ...options, snapshotFile: join(stateDir, 'snapshot.json') });
  const writer = createWriter({ file });
  const changes = createChanges({ file });
  const compose = createComposer(options);
  let isClosed = false;
  let search: Search | undefined;
  const closed = () => isClosed;
  const shared = { file, changes, closed, clock, cursorDir };

  /** Loaded when somebody searches: most commands never do. Undefined: the journal was closed meanwhile. */
  const searching = async (): Promise<Search | undefined> => {
    const { createSearch } = await import('./search.ts');
    if (!isClosed) search ??= createSearch({ file, dir: join(stateDir, 'search'), clock, ids: options.ids });
    return isClosed ? undefined : search;
  };

  const append = <T extends EntryType>(entry: NewEntryOf<T>): EntryOf<T> => {
    if (isClosed) throw new Error('append to a closed journal');
    const whole = compose.entry(options.clean ? withoutSecrets(entry, options.clean) : entry);
    const why = legal?.(folded.state(), whole as unknown as Entry);
    if (why !== undefined) throw illegalEntry(entry.type, why);
    const line = compose.line(whole);
    writer.write(line);
    changes.announce();
    return whole;
  };

  return {
    append,
    appendDurable: async (entry) => {
      const appended = append(entry);
      await writer.sync();
      return appended;
    },
    sync: writer.sync,
    state: folded.state,
    offset: folded.offset,
    tail: (limit, filter) => readTail(file, limit, filter),
    locate: (id, maxBytes) => locateEntry(file, id, maxBytes),
    read: (filter) => readEntries(file, filter),
    search: (query) => {
      if (isClosed) throw new Error('search in a closed journal');
      return searching().then((made) => made?.search(query) ?? { hits: [], count: 0, unsearchedBytes: 0 });
    },
    follow: (follow) => followEntries(shared, follow),
    consume: (name, handler, signal) => consumeEntries(shared, name, handler, signal),
    onChange: changes.subscribe,
    snapshot: folded.snapshot,
    close: () => {
      if (isClosed) return;
      isClosed = true;
      search?.close();
      changes.close();
      writer.close();
      try {
        folded.snapshot();
      } finally {
        folded.close();
      }
    },
  };
};
