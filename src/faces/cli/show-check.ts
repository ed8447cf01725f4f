import { checkHome, checkMachine, type Finding } from '../../desk/check.ts';
import type { Doors } from '../../desk/doors.ts';
import type { Homed } from './program.ts';
import { sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';
import { cannotOpenText } from './words.ts';

/** `winnow check`: what is missing, and how to get it. Exit 1 when something is missing without which nothing works. */
export const checkCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> => {
  const findings = await checkMachine();
  const opened = await doors.openFactory(options.home);
  if (opened.ok) {
    try {
      findings.push(
        { name: 'home', state: 'ok', found: opened.value.paths.home, mend: '' },
        ...(await checkHome(opened.value)),
      );
    } finally {
      await opened.value.close();
    }
  } else {
    const [found = '', ...mend] = cannotOpenText(opened.error).split('\n');
    findings.push({ name: 'home', state: 'fail', found, mend: mend.join('\n').trim() });
  }
  if (options.json) sayJson(terminal, findings);
  else terminal.out(renderCheck(findings, terminal));
  return findings.some((finding) => finding.state === 'fail') ? 1 : 0;
};

export const renderCheck = (findings: Finding[], { paint }: Pick<Terminal, 'paint'>): string => {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const marks = { ok: paint('green', 'ok  '), warn: paint('yellow', 'warn'), fail: paint('red', 'FAIL') };
  const lines = findings.flatMap(({ name, state, found, mend }) => [
    `${marks[state]}  ${name.padEnd(width)}  ${found}`,
    ...(mend === '' ? [] : mend.split('\n').map((line) => `      ${' '.repeat(width)}  ${line.trim()}`)),
  ]);
  const failing = findings.filter((finding) => finding.state === 'fail').length;
  const end =
    failing === 0
      ? paint('green', 'Everything that is needed is there.')
      : paint('red', `${failing} thing(s) to mend.`);
  return [...lines, '', end].join('\n');
};
