import { relative } from 'node:path';
import { initHome } from '../../desk/init.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/** `winnow init`. */
export const initCommand = async (
  terminal: Terminal,
  dir: string,
  options: { repo?: string; name?: string; branch?: string; json?: boolean },
): Promise<number> => {
  const made = await initHome({ dir, repo: options.repo, name: options.name, branch: options.branch });
  if (!made.ok) return sayFailure(terminal, made.error);
  const { home, repo, branch, detected, written, left } = made.value;
  if (options.json) {
    sayJson(terminal, made.value);
    return 0;
  }
  const { paint } = terminal;
  const lines = [
    `${paint('bold', repo)}, branch ${branch}${detected.packageManager ? `, ${detected.packageManager.name}` : ''}`,
    ...(detected.install ? [`  install  ${detected.install}`] : []),
    ...detected.checks.map((check) => `  check    ${check.name}: ${check.run}`),
    ...detected.notes.map((note) => paint('yellow', `  note     ${note}`)),
    '',
    ...written.map((file) => `${paint('green', 'wrote')}  ${file}`),
    ...left.map((file) => `${paint('gray', 'left ')}  ${file} (already there)`),
    '',
    'Next:',
    ...(relative(process.cwd(), home) === '' ? [] : [`  cd ${relative(process.cwd(), home)}`]),
    '  winnow check             what is missing on this machine',
    '  winnow cycle fixer       one cycle, to see it work',
    '  winnow up                all sessions, around the clock',
    '  winnow service systemd   the unit that keeps it up; or: winnow service pm2',
  ];
  terminal.out(lines.join('\n'));
  return 0;
};
