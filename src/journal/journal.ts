import type { Entry, EntryOf, EntryType, NewEntryOf } from '../model/entry.ts';
import type { Term } from './search-terms.ts';

/** The append-only record of everything; every other state is a fold of it. */
export interface Journal<S> {
  /** One write, on the disk's page cache when it returns. Throws FailureError: journal-write, disk-full, entry-illegal. */
  append<T extends EntryType>(entry: NewEntryOf<T>): EntryOf<T>;
  /** As `append`, and durable (fdatasync) when it resolves; concurrent callers share one sync. */
  appendDurable<T extends EntryType>(entry: NewEntryOf<T>): Promise<EntryOf<T>>;
  /** Durable (fdatasync) when it resolves is all that this process has appended until now. */
  sync(): Promise<void>;
  /** The fold of all entries up to the end of the file now, other processes' entries included. */
  state(): Readonly<S>;
  /** Where the next entry to fold begins: `state()` is the fold of all before it, `follow` from there misses none. */
  offset(): number;
  /** The newest entries that pass, oldest first; reads from the end of the file. */
  tail(limit: number, filter?: EntryFilter): Entry[];
  /** Where the line of this entry begins; undefined where it is not among the newest `maxBytes` of the file. */
  locate(id: string, maxBytes: number): number | undefined;
  /** Entries in order, streamed; types are filtered on bytes before parsing. */
  read(filter?: EntryFilter & { fromOffset?: number }): AsyncIterable<Entry>;
  /** Finds entries of the whole journal by what they are about; the index for it grows while somebody searches. */
  search(query: SearchQuery): Promise<Found>;
  /** Goes on for ever: entries already there after `from`, then new ones of any process, until the signal aborts. */
  follow(options: {
    from: 'start' | 'end' | { offset: number };
    signal: AbortSignal;
    filter?: EntryFilter;
  }): AsyncIterable<Entry>;
  /**
   * A durable subscription: each entry is handed over at least once, across restarts; the cursor moves when the
   * handler resolves. Handlers are idempotent by entry id.
   */
  consume(name: string, handler: (entry: Entry) => Promise<void> | void, signal: AbortSignal): Promise<void>;
  /** Called soon after anything was appended by anybody; returns the way to unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Writes the snapshot if enough happened since the last one. */
  snapshot(): void;
  close(): void;
}

export interface EntryFilter {
  types?: readonly EntryType[];
  session?: string;
  project?: string;
  cycle?: string;
  /** Milliseconds since the epoch. */
  sinceMs?: number;
}

export interface SearchQuery {
  /** The entry has each of these. */
  all?: readonly Term[];
  /** And one of these at least; the more of them it has, the rarer and the heavier they are, the better it fits. */
  any?: readonly { term: Term; weight: number }[];
  filter?: EntryFilter;
  limit: number;
  order: 'best' | 'newest';
  /** So long it waits for the index to reach the end of the journal; the index goes on growing when the time is over. */
  waitMs: number;
}

export interface Found {
  /** Best or newest first. */
  hits: { entry: Entry; score: number }[];
  /** How many fit in all; only counted when `all` is not empty. */
  count: number;
  /** Bytes at the end of the journal that were not searched, since the index has not got there. */
  unsearchedBytes: number;
}
