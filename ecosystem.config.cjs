// Runs Winnow under PM2: `pm2 start ecosystem.config.cjs`, then `pm2 save` and `pm2 startup` to survive a reboot.
// The home is WINNOW_HOME, else the directory in which pm2 is called. For rotation of the log files:
// `pm2 install pm2-logrotate`.
const { existsSync, realpathSync } = require('node:fs');
const { delimiter, join, resolve } = require('node:path');

const home = resolve(process.env.WINNOW_HOME || process.cwd());

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

module.exports = {
  apps: [
    {
      name: 'winnow',
      script: program(),
      args: ['up', '--home', home],
      cwd: home,
      env: { WINNOW_HOME: home },
      exec_mode: 'fork',
      instances: 1,
      // Winnow ends its own runs, in order; PM2 signals it alone and waits.
      treekill: false,
      kill_timeout: 15_000,
      // Doubles with each crash, up to 15 s.
      exp_backoff_restart_delay: 200,
      max_memory_restart: '1G',
      // PM2 would read the git state of the directory at every start.
      vizion: false,
      out_file: join(home, 'logs', 'winnow.out.log'),
      error_file: join(home, 'logs', 'winnow.err.log'),
      merge_logs: true,
      time: true,
    },
  ],
};
