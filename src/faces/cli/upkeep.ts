import { upkeepAtHand } from '../../desk/at-hand.ts';
import type { Doors } from '../../desk/doors.ts';
import { inFactory } from './open.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';
import { entryText } from './words.ts';

/** `winnow upkeep`: the bot learns now from what it did not understand; the running factory does it by itself. */
export const upkeepCommand = (doors: Doors, terminal: Terminal, options: Homed & { json?: boolean }): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory, asker, signal }) => {
    const tell = (line: string) => terminal.note(plain(line));
    const done = await upkeepAtHand(factory, { asker, signal, tell });
    if (!done.ok) return sayFailure(terminal, done.error);
    if (signal.aborted) return 130;
    if (done.value.state === 'waits') return 1;
    if (options.json) sayJson(terminal, done.value.entry);
    else terminal.out(entryText(done.value.entry));
    return 0;
  });
