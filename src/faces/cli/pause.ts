import { userInfo } from 'node:os';
import type { Doors } from '../../desk/doors.ts';
import { pause, resume } from '../../desk/pause.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow pause` and `winnow resume`. */
export const pauseCommand = async (
  doors: Doors,
  terminal: Terminal,
  session: string | undefined,
  options: Homed & { reason?: string },
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const result = pause(opened.value, session, userInfo().username, options.reason ?? 'no reason given');
  await opened.value.close();
  if (!result.ok) return sayFailure(terminal, result.error);
  terminal.out(result.value);
  return 0;
};

export const resumeCommand = async (
  doors: Doors,
  terminal: Terminal,
  session: string | undefined,
  options: Homed,
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const result = resume(opened.value, session, userInfo().username);
  await opened.value.close();
  if (!result.ok) return sayFailure(terminal, result.error);
  terminal.out(result.value);
  return 0;
};
