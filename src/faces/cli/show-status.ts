import type { Counter } from '../../desk/counter.ts';
import type { Doors } from '../../desk/doors.ts';
import { machineFacts } from '../../desk/machine.ts';
import { statusView } from '../../desk/status.ts';
import { isAlive } from '../../ports/machine/processes.ts';
import { createSlots, type SlotView } from '../../ports/machine/slots.ts';
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
  const view = statusView({
    home: counter.paths.home,
    state: counter.journal.state(),
    config: counter.config(),
    sessions: counter.sessions(),
    facts: await machineFacts(counter.paths),
    now: counter.clock.now(),
    isAlive,
    slots: await slotsOf(counter),
  });
  await counter.close();
  if (options.json) sayJson(terminal, view);
  else terminal.out((await import('./status.ts')).renderStatus(view, terminal));
  return 0;
};

/** Asked of whichever process serves them; a look never makes this process the server. */
const slotsOf = async ({ paths, clock }: Counter): Promise<SlotView[]> => {
  const slots = createSlots({ dir: paths.disposable, who: `status ${process.pid}`, clock, mayServe: false });
  try {
    return await slots.view();
  } finally {
    await slots.close();
  }
};
