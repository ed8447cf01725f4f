// Runs Winnow under PM2, in one of two ways; then `pm2 save` and `pm2 startup` to survive a reboot:
//
//   pm2 start ecosystem.config.cjs                  a process for each role: winnow-scheduler, winnow-reviewer, ...
//   pm2 start ecosystem.config.cjs --only winnow    all roles in one process, for a machine with little memory
//
// The home is WINNOW_HOME, else the directory in which pm2 is called. A second home needs names of its own, which begin
// with WINNOW_PM2_NAME. More in docs/service.md.
const { existsSync, realpathSync } = require('node:fs');
const { delimiter, join, resolve } = require('node:path');

const home = resolve(process.env.WINNOW_HOME || process.cwd());
const name = process.env.WINNOW_PM2_NAME || 'winnow';

const ROLES = ['scheduler', 'reviewer', 'standup', 'doctor', 'bot', 'http'];

/** The program itself: this repository's own build, a copy in node_modules, or the one on PATH. */
const program = () => {
  const candidates = [
    join(__dirname, 'dist', 'main.js'),
    join(home, 'node_modules', 'winnow', 'dist', 'main.js'),
    ...(process.env.PATH || '').split(delimiter).map((dir) => join(dir, 'winnow')),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('winnow is not installed: run `npm install -g winnow` or build this repository');
  return realpathSync(found);
};

const app = (appName, roles, memory) => ({
  name: appName,
  script: program(),
  args: ['up', '--home', home, ...roles],
  cwd: home,
  env: { WINNOW_HOME: home },
  exec_mode: 'fork',
  instances: 1,
  autorestart: true,
  // 2: used wrongly. 78: starting it again mends nothing before a person has, since the home has mistakes, or the role
  // crashed five times within a quarter of an hour and is parked. Not 0: PM2 takes a process that was killed, as by the
  // kernel when memory is short, for one that ended with 0.
  stop_exit_codes: [2, 78],
  // Half as long again after each crash, up to 15 s.
  exp_backoff_restart_delay: 2_000,
  // For what dies before it can write down that it began, such as a broken installation: ten times, then PM2 gives up.
  // What crashes later is counted by Winnow itself.
  min_uptime: 30_000,
  max_restarts: 10,
  // Winnow ends its own runs, in order; PM2 signals it alone and waits. It interrupts what runs within 9 s.
  treekill: false,
  kill_timeout: 15_000,
  // Of this process alone, not of the agents and checks it started: several times what it needs.
  max_memory_restart: memory,
  // Nor does it need what PM2 would load into it to watch it from within.
  pmx: false,
  // PM2 would read the git state of the directory at every start.
  vizion: false,
  // All of it stands in logs/winnow.log already, which Winnow rotates; what PM2 writes grows for ever.
  out_file: '/dev/null',
  error_file: '/dev/null',
  merge_logs: true,
});

/** Whoever names the one process wants it instead of the others: both at once would be refused. */
const only = process.argv.flatMap((word, n, words) => (word === '--only' ? (words[n + 1] || '').split(/[ ,]+/) : []));
const inOne = only.includes(name);

module.exports = {
  apps: inOne
    ? [app(name, [], '600M')]
    : ROLES.map((role) => app(`${name}-${role}`, ['--roles', role], role === 'scheduler' ? '600M' : '400M')),
};
