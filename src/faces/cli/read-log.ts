import { nearest } from '../../base/nearest.ts';
import type { Doors } from '../../desk/doors.ts';
import type { EntryFilter } from '../../desk/follow.ts';
import { hasWanted, searchLog, wordsWanted } from '../../desk/log.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryType } from '../../model/entry.ts';
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
      const tell = (line: string) => terminal.note(`winnow: ${line}`);
      const limit = options.limit ?? LIMIT_DEFAULT;
      for (const entry of await searchLog(journal, wanted, { filter, limit }, tell, signal)) print(entry);
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
        const fits = wanted === undefined || hasWanted(entry, wanted);
        if (fits && !printed.has(entry.id)) print(entry);
      }
    } else if (printed.isEmpty() && !options.json) terminal.note('winnow: no entry to show');
    return 0;
  } finally {
    stop.end();
    close();
  }
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
