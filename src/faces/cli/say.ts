import type { CannotOpen } from '../../desk/doors.ts';
import type { Failure, FailureKind } from '../../model/failure.ts';
import { plain } from './plain.ts';
import { EXIT_USAGE } from './program.ts';
import type { Terminal } from './terminal.ts';
import { cannotOpenText, failureText } from './words.ts';

/** What the person who typed the command can mend by typing another one. */
const USED_WRONGLY: readonly FailureKind[] = ['argument-invalid', 'not-found'];

/** Failed: one sentence and its mend, on standard error. */
export const sayFailure = (terminal: Terminal, failure: Failure): number => {
  terminal.note(`${terminal.paint('red', 'winnow:')} ${plain(failureText(failure))}`);
  return USED_WRONGLY.includes(failure.kind) ? EXIT_USAGE : 1;
};

/** The home cannot be opened: a failure, or every mistake in its files. */
export const sayCannotOpen = (terminal: Terminal, error: CannotOpen): number => {
  terminal.note(`${terminal.paint('red', 'winnow:')} ${plain(cannotOpenText(error))}`);
  return 1;
};

export const sayJson = (terminal: Terminal, value: unknown): void => terminal.out(JSON.stringify(value));
