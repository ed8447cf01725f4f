import type { Doors } from '../../desk/doors.ts';
import { look } from '../../desk/look.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow status`. */
export const statusCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) {
    if ('failure' in opened.error && opened.error.failure.kind === 'home-missing' && options.home === undefined) {
      // Reads a repository, which a status of a home never does.
      return (await import('./would.ts')).sayWhatWouldBe(terminal, opened.error.failure);
    }
    return sayCannotOpen(terminal, opened.error);
  }
  const counter = opened.value;
  const view = await look(counter);
  await counter.close();
  if (options.json) sayJson(terminal, view);
  else terminal.out((await import('./status.ts')).renderStatus(view, terminal));
  return 0;
};
