import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pm2Service, type ServiceInput, systemdService } from '../../../src/faces/cli/service.ts';

const input = (more: Partial<ServiceInput> = {}): ServiceInput => ({
  node: '/usr/bin/node',
  program: '/opt/winnow/dist/main.js',
  ecosystem: '/home/mia/crew/ecosystem.config.cjs',
  home: '/home/mia/crew',
  user: 'mia',
  path: '/usr/local/bin:/usr/bin',
  isOwn: false,
  each: false,
  named: undefined,
  ...more,
});

describe('the unit for systemd', () => {
  it('names the places of this machine, how to install it, and why each line is there', () => {
    expect(systemdService(input()).text).toMatchInlineSnapshot(`
      "# Winnow, for systemd. To install it:
      #   winnow service systemd | sudo tee /etc/systemd/system/winnow.service > /dev/null
      #   sudo systemctl daemon-reload
      #   sudo systemctl enable --now winnow

      [Unit]
      Description=Winnow, the crew of /home/mia/crew
      Wants=network-online.target
      After=network-online.target
      # For what dies before it can write down that it began. What crashes later is counted by Winnow, which parks the
      # role after five crashes within a quarter of an hour and exits with 78.
      StartLimitIntervalSec=900
      StartLimitBurst=10

      [Service]
      Type=exec
      User=mia
      WorkingDirectory=/home/mia/crew
      Environment="WINNOW_HOME=/home/mia/crew"
      # Of whoever made this file: git, claude and the tools of the checks are found by it.
      Environment="PATH=/usr/local/bin:/usr/bin"
      ExecStart="/usr/bin/node" "/opt/winnow/dist/main.js" up
      # Reads the configuration again.
      ExecReload=/bin/kill -HUP $MAINPID
      Restart=on-failure
      RestartSec=5
      # Used wrongly; or the home has mistakes, or every role is parked: a person has to do something first.
      RestartPreventExitStatus=2 78
      # Winnow ends its own runs, in order, within 9 s. What is left then is killed.
      KillMode=mixed
      TimeoutStopSec=20
      # Of the factory with all its agents and checks. Winnow begins nothing new while \`gates.memory\` is reached; this is
      # the wall behind it. A check that is killed for its memory ends alone.
      MemoryHigh=80%
      MemoryMax=90%
      OOMPolicy=continue
      # Standard output is in logs/winnow.log as well, which Winnow rotates.
      StandardOutput=journal
      # An agent that finds sudo cannot use it.
      NoNewPrivileges=yes
      LockPersonality=yes
      RestrictRealtime=yes
      ProtectSystem=full
      ProtectControlGroups=yes
      # Not what covers parts of /proc (ProtectKernelTunables, ProtectKernelLogs, ProtectHostname, ProtectProc) and not
      # RestrictNamespaces: with them no run could have a pid namespace of its own, which is what ends all its
      # processes. Not RestrictSUIDSGID: git sets the group bit of shared repositories. Not MemoryDenyWriteExecute:
      # Node compiles what it runs.

      [Install]
      WantedBy=multi-user.target"
    `);
  });

  it('for a process each takes its role from its name, and for an own systemd needs no root', () => {
    const { text, file, commands } = systemdService(input({ isOwn: true, each: true, named: 'my crew' }));
    expect(text).toContain('ExecStart="/usr/bin/node" "/opt/winnow/dist/main.js" up --roles %i');
    expect(text).not.toMatch(/^(User|ProtectSystem|Wants)=/m);
    expect({ file, commands }).toEqual({
      file: 'winnow@.service',
      commands: [
        'mkdir -p ~/.config/systemd/user',
        "winnow service systemd --user --each --home 'my crew' > ~/.config/systemd/user/winnow@.service",
        'systemctl --user daemon-reload',
        'systemctl --user enable --now winnow@{scheduler,reviewer,standup,doctor,bot,http}',
        'loginctl enable-linger',
      ],
    });
  });

  const verifies = spawnSync('systemd-analyze', ['--version']).status === 0;

  it.runIf(verifies).each([
    ['of usual names', {}],
    ['of names with blanks, quotes, percent and dollar signs', { home: '/tmp', path: '/usr/bin:/a "b" %h $HOME \\\\' }],
    ['for an own systemd', { isOwn: true }],
    ['for a process each', { each: true }],
  ])('%s is one that systemd finds nothing wrong with', (_, more) => {
    const dir = mkdtempSync(join(tmpdir(), 'winnow-unit-'));
    try {
      const { text, file } = systemdService(input({ home: '/tmp', node: process.execPath, user: 'root', ...more }));
      writeFileSync(join(dir, file!), text);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(dir, file!.replace('@', '@doctor'))], {
        encoding: 'utf8',
      });
      // What is wrong with units of this machine itself is none of it.
      expect(stderr.split('\n').filter((line) => line.includes('winnow'))).toEqual([]);
      expect(status).toBe(0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('the commands for PM2', () => {
  it('start all roles in one process, or each in its own, in this home', () => {
    expect(pm2Service(input()).commands).toEqual([
      'WINNOW_HOME=/home/mia/crew pm2 start /home/mia/crew/ecosystem.config.cjs --only winnow',
      'pm2 save',
      'pm2 startup',
    ]);
    expect(pm2Service(input({ each: true, home: "/home/mia/the crew's" })).text.split('\n')[0]).toBe(
      String.raw`WINNOW_HOME='/home/mia/the crew'\''s' pm2 start /home/mia/crew/ecosystem.config.cjs`,
    );
  });
});
