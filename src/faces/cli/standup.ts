import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { standupAtHand } from '../../desk/at-hand.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import type { Entry, EntryOf } from '../../model/entry.ts';
import { inFactory } from './open.ts';
import { plain } from './plain.ts';
import { EXIT_USAGE, type Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow standup`: the meeting of all sessions, now; told as it goes, ended by its minutes. */
export interface StandupOptions extends Homed {
  short?: boolean;
  /** Names, separated by commas. */
  sessions?: string;
  json?: boolean;
}

export const standupCommand = (doors: Doors, terminal: Terminal, options: StandupOptions): Promise<number> =>
  inFactory(
    doors,
    terminal,
    options,
    async ({ factory, asker, signal }) => {
      const sessions = options.sessions === undefined ? undefined : namesIn(options.sessions);
      if (sessions?.length === 0) {
        const all = factory.sessions().map(({ name }) => name);
        terminal.note(`winnow: --sessions names nobody; there are ${plain(all.join(', '))}`);
        return EXIT_USAGE;
      }
      const tell = (line: string) => terminal.note(plain(line));
      const wanted = { ...(sessions ? { sessions } : {}), ...(options.short ? { short: true } : {}) };
      const done = await standupAtHand(factory, wanted, { asker, signal, tell });
      if (!done.ok) return sayFailure(terminal, done.error);
      const held = done.value;
      if (held.state === 'interrupted') return 130;
      if (held.state !== 'held') return signal.aborted ? 130 : 1;
      if (options.json) sayJson(terminal, held.entry);
      else terminal.out(plain(minutesOf(factory, held.entry)));
      return held.entry.data.sessions.some(({ present }) => present) ? 0 : 1;
    },
    // What a person wants to see while the others speak.
    { types: ['agent_ran', 'run_retry_planned', 'gate_closed'], but: isOfAnother },
  );

const isOfAnother = (entry: Entry): boolean =>
  entry.type === 'agent_ran' && entry.data.purpose !== 'standup' && entry.data.purpose !== 'chair';

const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const minutesOf = ({ paths }: Factory, { data }: EntryOf<'team_standup'>): string => {
  try {
    return readFileSync(join(paths.home, data.file), 'utf8').trimEnd();
  } catch {
    // Somebody was quick to remove it; the summary is in the journal.
    return data.summary;
  }
};
