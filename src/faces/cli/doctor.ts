import { doctorAtHand } from '../../desk/at-hand.ts';
import type { Doors } from '../../desk/doors.ts';
import { renderLetter } from './letter.ts';
import { inFactory } from './open.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow doctor`: what is the matter with the sessions, what was done about it by rule, and what a person may do. */
export const doctorCommand = (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { session?: string; rulesOnly?: boolean; json?: boolean },
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory, asker, signal }) => {
    const { session, rulesOnly } = options;
    const wanted = { ...(session === undefined ? {} : { sessions: [session] }), ...(rulesOnly ? { rulesOnly } : {}) };
    const tell = (line: string) => terminal.note(plain(line));
    const done = await doctorAtHand(factory, wanted, { asker, signal, tell });
    if (!done.ok) return sayFailure(terminal, done.error);
    if (signal.aborted) return 130;
    const rounded = done.value;
    if (rounded.state === 'waits') return 1;
    if (options.json) sayJson(terminal, rounded.entry);
    else {
      terminal.out(renderLetter(rounded.letter, terminal));
      terminal.note(`(also in ${rounded.entry.data.file})`);
    }
    return 0;
  });
