import type { Doors } from '../../desk/doors.ts';
import { createDoctor } from '../../roles/doctor.ts';
import { renderLetter } from './letter.ts';
import { EXIT_USAGE, type Homed } from './program.ts';
import { sayCannotOpen, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** `winnow doctor`: what is the matter with the sessions, what was done about it by rule, and what a person may do. */
export const doctorCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { session?: string; rulesOnly?: boolean; json?: boolean },
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  try {
    const { session } = options;
    const names = factory.sessions().map(({ name }) => name);
    if (session !== undefined && !names.includes(session)) {
      terminal.note(`winnow: there is no session ${session}; there are ${names.join(', ')}`);
      return EXIT_USAGE;
    }
    const doctor = createDoctor({
      shop: factory.shop,
      sessions: factory.sessions,
      facts: factory.facts,
      signal: stop.signal,
      tell: (line) => terminal.note(line),
    });
    const rounded = await doctor.tick('manual', {
      ...(session === undefined ? {} : { only: new Set([session]) }),
      ...(options.rulesOnly ? { rulesOnly: true } : {}),
    });
    if (stop.signal.aborted) return 130;
    if (rounded.state === 'waits') return 1;
    if (options.json) sayJson(terminal, rounded.entry);
    else {
      terminal.out(renderLetter(rounded.letter, terminal));
      terminal.note(`(also in ${rounded.entry.data.file})`);
    }
    return 0;
  } finally {
    stop.end();
    await factory.close();
  }
};
