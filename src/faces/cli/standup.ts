import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Doors, Factory } from '../../desk/doors.ts';
import { writeTaskQueue } from '../../flow/task-queue.ts';
import type { EntryOf } from '../../model/entry.ts';
import { pausedBy } from '../../policy/standup.ts';
import { createStandup } from '../../roles/standup.ts';
import { renderEntry } from './log.ts';
import { plain } from './plain.ts';
import { EXIT_USAGE, type Homed } from './program.ts';
import { sayCannotOpen, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** `winnow standup`: the meeting of all sessions, now; told as it goes, ended by its minutes. */
export interface StandupOptions extends Homed {
  short?: boolean;
  /** Names, separated by commas. */
  sessions?: string;
  json?: boolean;
}

export const standupCommand = async (doors: Doors, terminal: Terminal, options: StandupOptions): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  const telling = new AbortController();
  try {
    const only = options.sessions === undefined ? undefined : new Set(namesIn(options.sessions));
    const wrong = only && wrongName(factory, [...only]);
    if (wrong !== undefined) {
      terminal.note(`winnow: ${plain(wrong)}`);
      return EXIT_USAGE;
    }
    void tell(factory, terminal, telling.signal);
    const { shop, facts, sessions, journal, paths } = factory;
    const tellLine = (line: string) => terminal.note(plain(line));
    const standup = createStandup({ shop, sessions, facts, signal: stop.signal, tell: tellLine });
    const held = await standup.tick('manual', { short: options.short === true, ...(only ? { only } : {}) });
    writeTaskQueue(journal, paths.taskQueue);
    if (held.state === 'interrupted') return 130;
    if (held.state !== 'held') return stop.signal.aborted ? 130 : 1;
    if (options.json) sayJson(terminal, held.entry);
    else terminal.out(plain(minutesOf(factory, held.entry)));
    return held.entry.data.sessions.some(({ present }) => present) ? 0 : 1;
  } finally {
    telling.abort();
    stop.end();
    await factory.close();
  }
};

const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const wrongName = (factory: Factory, names: readonly string[]): string | undefined => {
  const sessions = factory.sessions();
  if (names.length === 0) return `--sessions names nobody; there are ${sessions.map(({ name }) => name).join(', ')}`;
  for (const name of names) {
    const session = sessions.find((each) => each.name === name);
    if (!session) return `there is no session ${name}; there are ${sessions.map((each) => each.name).join(', ')}`;
    const by = pausedBy(session, factory.journal.state());
    if (by !== undefined) return `session ${name} is paused by ${by}`;
  }
  return undefined;
};

/** What a person wants to see while the others speak. */
const tell = async (factory: Factory, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  const filter = { types: ['agent_ran' as const, 'run_retry_planned' as const, 'gate_closed' as const] };
  for await (const entry of factory.journal.follow({ from: 'end', signal, filter })) {
    const other = entry.type === 'agent_ran' && entry.data.purpose !== 'standup' && entry.data.purpose !== 'chair';
    if (!other) terminal.note(renderEntry(entry, terminal, factory.clock.now()));
  }
};

const minutesOf = ({ paths }: Factory, { data }: EntryOf<'team_standup'>): string => {
  try {
    return readFileSync(join(paths.home, data.file), 'utf8').trimEnd();
  } catch {
    // Somebody was quick to remove it; the summary is in the journal.
    return data.summary;
  }
};
