import type { Doors } from '../../desk/doors.ts';
import type { CommandOf } from '../../model/command.ts';
import type { RoleName } from '../../model/role.ts';
import { atDesk } from './open.ts';
import type { Homed } from './program.ts';
import { sayFailure } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow pause` and `winnow resume`. */
export const pauseCommand = (
  doors: Doors,
  terminal: Terminal,
  session: string | undefined,
  options: Homed & { reason?: string },
): Promise<number> =>
  doAtDesk(doors, terminal, options, {
    command: 'pause',
    ...(session === undefined ? {} : { session }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });

export const resumeCommand = (
  doors: Doors,
  terminal: Terminal,
  session: string | undefined,
  options: Homed & { role?: RoleName[] },
): Promise<number> =>
  doAtDesk(doors, terminal, options, {
    command: 'resume',
    ...(session === undefined ? {} : { session }),
    ...(options.role === undefined ? {} : { roles: options.role }),
  });

const doAtDesk = (
  doors: Doors,
  terminal: Terminal,
  options: Homed,
  command: CommandOf<'pause' | 'resume'>,
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk, asker }) => {
    const done = await desk.do(command, { asker });
    if (!done.ok) return sayFailure(terminal, done.error);
    terminal.out(done.value.note);
    return 0;
  });
