import { existsSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { findHome } from '../../desk/names.ts';
import { ROLES } from '../../model/role.ts';
import { EXIT_STAYS_DOWN, EXIT_USAGE, type Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';

/**
 * `winnow service`: what keeps a factory at work for good, in the words of PM2 or of systemd, with the places of this
 * machine. It is printed; who wants it installs it.
 */
export const serviceCommand = async (
  terminal: Terminal,
  manager: 'pm2' | 'systemd',
  options: Homed & { user?: boolean; each?: boolean; json?: boolean },
): Promise<number> => {
  const home = findHome(options.home, process.env, process.cwd());
  if (!home.ok) return sayFailure(terminal, home.error);
  // Where `winnow` leads: a link on PATH may be gone or another one when it is started.
  const program = realpathSync(process.argv[1] ?? '');
  const shipped = join(dirname(program), '..', 'ecosystem.config.cjs');
  const own = join(home.value, 'ecosystem.config.cjs');
  const input: ServiceInput = {
    node: process.execPath,
    program,
    // The home's own, which its owner may have changed.
    ecosystem: existsSync(own) ? own : shipped,
    home: home.value,
    user: userInfo().username,
    path: process.env.PATH ?? '',
    isOwn: options.user === true,
    each: options.each === true,
    named: options.home,
  };
  const service = manager === 'pm2' ? pm2Service(input) : systemdService(input);
  if (options.json) sayJson(terminal, service);
  else terminal.out(service.text);
  return 0;
};

export interface ServiceInput {
  /** The program node, and Winnow's own main.js. */
  node: string;
  program: string;
  /** The PM2 file that is shipped with Winnow. */
  ecosystem: string;
  home: string;
  /** As whom it runs, and with which PATH: where git, claude and the tools of the checks are found. */
  user: string;
  path: string;
  /** A unit of this person's own manager, without root. */
  isOwn: boolean;
  /** A process for each role. */
  each: boolean;
  /** How the home was named on the command line. */
  named: string | undefined;
}

export interface Service {
  manager: 'pm2' | 'systemd';
  /** What is printed. */
  text: string;
  /** Name of the unit file; undefined: there is no file to write. */
  file: string | undefined;
  /** What a person runs, in this order. */
  commands: string[];
}

export const pm2Service = ({ ecosystem, home, each }: ServiceInput): Service => {
  const commands = [
    `WINNOW_HOME=${shellWord(home)} pm2 start ${shellWord(ecosystem)}${each ? '' : ' --only winnow'}`,
    'pm2 save',
    'pm2 startup',
  ];
  return { manager: 'pm2', file: undefined, commands, text: commands.join('\n') };
};

export const systemdService = (input: ServiceInput): Service => {
  const { isOwn, each } = input;
  const file = each ? 'winnow@.service' : 'winnow.service';
  const sudo = isOwn ? '' : 'sudo ';
  const own = isOwn ? ' --user' : '';
  const dir = isOwn ? '~/.config/systemd/user' : '/etc/systemd/system';
  const at = input.named === undefined ? '' : ` --home ${shellWord(input.named)}`;
  const print = `winnow service systemd${own}${each ? ' --each' : ''}${at}`;
  const units = each ? `winnow@{${ROLES.join(',')}}` : 'winnow';
  const commands = [
    ...(isOwn ? [`mkdir -p ${dir}`] : []),
    isOwn ? `${print} > ${dir}/${file}` : `${print} | sudo tee ${dir}/${file} > /dev/null`,
    `${sudo}systemctl${own} daemon-reload`,
    `${sudo}systemctl${own} enable --now ${units}`,
    // Else it ends when its owner logs out.
    ...(isOwn ? ['loginctl enable-linger'] : []),
  ];
  return { manager: 'systemd', file, commands, text: unitText(input, commands) };
};

const unitText = (input: ServiceInput, commands: readonly string[]): string => {
  const { node, program, home, user, path, isOwn, each } = input;
  const lines = [
    '# Winnow, for systemd. To install it:',
    ...commands.map((command) => `#   ${command}`),
    '',
    '[Unit]',
    `Description=Winnow${each ? ' (%i)' : ''}, the crew of ${plainValue(home)}`,
    ...(isOwn ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    '# For what dies before it can write down that it began. What crashes later is counted by Winnow, which parks the',
    '# role after five crashes within a quarter of an hour and exits with 78.',
    'StartLimitIntervalSec=900',
    'StartLimitBurst=10',
    '',
    '[Service]',
    'Type=exec',
    ...(isOwn ? [] : [`User=${user}`]),
    `WorkingDirectory=${plainValue(home)}`,
    `Environment=${unitWord(`WINNOW_HOME=${home}`)}`,
    '# Of whoever made this file: git, claude and the tools of the checks are found by it.',
    `Environment=${unitWord(`PATH=${path}`)}`,
    `ExecStart=${execWord(node)} ${execWord(program)} up${each ? ' --roles %i' : ''}`,
    '# Reads the configuration again.',
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=on-failure',
    'RestartSec=5',
    '# Used wrongly; or the home has mistakes, or every role is parked: a person has to do something first.',
    `RestartPreventExitStatus=${EXIT_USAGE} ${EXIT_STAYS_DOWN}`,
    '# Winnow ends its own runs, in order, within 9 s. What is left then is killed.',
    'KillMode=mixed',
    'TimeoutStopSec=20',
    '# Of the factory with all its agents and checks. Winnow begins nothing new while `gates.memory` is reached; this is',
    '# the wall behind it. A check that is killed for its memory ends alone.',
    'MemoryHigh=80%',
    'MemoryMax=90%',
    'OOMPolicy=continue',
    '# Standard output is in logs/winnow.log as well, which Winnow rotates.',
    'StandardOutput=journal',
    '# An agent that finds sudo cannot use it.',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    ...(isOwn
      ? []
      : [
          'ProtectSystem=full',
          'ProtectControlGroups=yes',
          '# Not what covers parts of /proc (ProtectKernelTunables, ProtectKernelLogs, ProtectHostname, ProtectProc) and not',
          '# RestrictNamespaces: with them no run could have a pid namespace of its own, which is what ends all its',
          '# processes. Not RestrictSUIDSGID: git sets the group bit of shared repositories. Not MemoryDenyWriteExecute:',
          '# Node compiles what it runs.',
        ]),
    '',
    '[Install]',
    `WantedBy=${isOwn ? 'default.target' : 'multi-user.target'}`,
  ];
  return lines.join('\n');
};

/** A percent sign begins a specifier. */
const plainValue = (text: string): string => text.replaceAll('%', '%%');

/** One word of a line, as systemd.syntax(7) reads it. */
const unitWord = (word: string): string => `"${plainValue(word.replace(/[\\"]/g, '\\$&'))}"`;

/** In a command a dollar sign would name a variable. */
const execWord = (word: string): string => unitWord(word).replaceAll('$', '$$$$');

const shellWord = (word: string): string =>
  /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
