import type { CannotOpen } from '../../desk/doors.ts';
import type { Failure } from '../../model/failure.ts';
import type { Terminal } from './terminal.ts';
import { cannotOpenText, failureText } from './words.ts';

/** Failed: one sentence and its mend, on standard error. */
export const sayFailure = (terminal: Terminal, failure: Failure): number => {
  terminal.note(`${terminal.paint('red', 'winnow:')} ${failureText(failure)}`);
  return 1;
};

/** The home cannot be opened: a failure, or every mistake in its files. */
export const sayCannotOpen = (terminal: Terminal, error: CannotOpen): number => {
  terminal.note(`${terminal.paint('red', 'winnow:')} ${cannotOpenText(error)}`);
  return 1;
};

export const sayJson = (terminal: Terminal, value: unknown): void => terminal.out(JSON.stringify(value));
