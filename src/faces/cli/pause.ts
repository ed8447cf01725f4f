import { userInfo } from 'node:os';
import { createDesk } from '../../desk/desk.ts';
import type { Doors } from '../../desk/doors.ts';
import type { CommandOf } from '../../model/command.ts';
import type { RoleName } from '../../model/role.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure } from './say.ts';
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

const doAtDesk = async (
  doors: Doors,
  terminal: Terminal,
  { home }: Homed,
  command: CommandOf<'pause' | 'resume'>,
): Promise<number> => {
  const opened = await doors.openCounter(home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const done = await createDesk(opened.value).do(command, { asker: { face: 'cli', name: userInfo().username } });
  await opened.value.close();
  if (!done.ok) return sayFailure(terminal, done.error);
  terminal.out(done.value.note);
  return 0;
};
