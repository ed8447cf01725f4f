import type { Doors } from '../../desk/doors.ts';
import { createUpkeep } from '../../roles/upkeep.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { entryText } from './words.ts';

/** `winnow upkeep`: the bot learns now from what it did not understand; the running factory does it by itself. */
export const upkeepCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const { shop, sessions, facts, close } = opened.value;
  const stop = stopSignal();
  try {
    const tell = (line: string) => terminal.note(plain(line));
    const upkept = await createUpkeep({ shop, sessions, facts, signal: stop.signal, tell }).tick('manual');
    if (stop.signal.aborted) return 130;
    if (upkept.state === 'waits') return 1;
    if (options.json) sayJson(terminal, upkept.entry);
    else terminal.out(entryText(upkept.entry));
    return 0;
  } finally {
    stop.end();
    await close();
  }
};
