import { describeRepository } from '../../desk/init.ts';
import type { Failure } from '../../model/failure.ts';
import type { Terminal } from './terminal.ts';
import { failureText } from './words.ts';

/** Without a configuration: what Winnow would do here, and how to let it. */
export const sayWhatWouldBe = async (terminal: Terminal, missing: Failure): Promise<number> => {
  const here = await describeRepository(process.cwd());
  if (!here.ok) {
    terminal.note(`${terminal.paint('red', 'winnow:')} ${failureText(missing)}`);
    return 1;
  }
  const { repo, branch, detected } = here.value;
  terminal.out(
    [
      `There is no home here yet, so nothing runs. \`winnow init\` would take care of ${repo}:`,
      '',
      `  branch    ${branch}`,
      `  install   ${detected.install ?? 'nothing to install'}`,
      ...detected.checks.map((check) => `  check     ${check.name}: ${check.run}  (${check.parse})`),
      `  protect   ${detected.protect.join(', ')}`,
      ...detected.notes.map((note) => `  note      ${note}`),
      '',
      'Then `winnow check` says what is missing on this machine, and `winnow up` runs the sessions.',
    ].join('\n'),
  );
  return 1;
};
