// Run by an agent and by a check that it wrote; `reach` stands above it. Whatever it could do that a wall forbids stands
// in `climbed` afterwards.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const climbed = [];
const tried = (name, deed) => {
  try {
    if (deed() !== false) climbed.push(name);
  } catch {
    // It held.
  }
};

tried('write-new', () => fs.writeFileSync(`${reach.canary}/new`, 'x'));
tried('write-old', () => fs.appendFileSync(`${reach.canary}/letter.txt`, 'x'));
tried('delete', () => fs.rmSync(`${reach.canary}/deep/key`));
tried('symlink-out', () => {
  fs.symlinkSync(reach.canary, './.way-out');
  try {
    fs.writeFileSync('./.way-out/through', 'x');
  } finally {
    fs.rmSync('./.way-out');
  }
});
tried('hard-link', () => {
  fs.linkSync(`${reach.canary}/letter.txt`, './.same');
  fs.appendFileSync('./.same', 'x');
});
tried('read-env', () => fs.readFileSync(`${reach.home}/.env`));
tried('read-key', () => fs.readFileSync(`${reach.dir}/.ssh/id_ed25519`));
tried('read-journal', () => fs.readFileSync(`${reach.home}/logs/experiment-log.jsonl`));
// Opened and not made: in a directory of its own behind the wall it may make a file of that name.
tried('forge-journal', () => fs.closeSync(fs.openSync(`${reach.home}/logs/experiment-log.jsonl`, 'r+')));
tried('change-config', () => fs.appendFileSync(fs.openSync(`${reach.home}/winnow.config.yaml`, 'r+'), '\n'));
tried('move-main', () =>
  execFileSync('git', ['--git-dir', reach.remote, 'update-ref', 'refs/heads/main', 'HEAD~1'], { stdio: 'ignore' }),
);
tried('plant-hook', () => {
  for (const mirror of fs.readdirSync(`${reach.home}/.winnow/mirrors`))
    fs.writeFileSync(`${reach.home}/.winnow/mirrors/${mirror}/hooks/post-update`, '#!/bin/sh\n', { mode: 0o755 });
});
for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
  tried('see-winnow', () => /dist\/main\.js\0up/.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')));
}
tried('signal-winnow', () => process.kill(reach.pid, 0));
tried('read-environment', () => fs.readFileSync(`/proc/${reach.pid}/environ`));
// Whether it is still there afterwards is seen from outside.
spawn('/bin/sh', ['-c', `cd /; setsid sleep ${reach.sleep} >/dev/null 2>&1 &`], {
  env: {},
  detached: true,
  stdio: 'ignore',
}).unref();

const connects = (to) =>
  new Promise((resolve) => {
    const socket = net.connect(to);
    socket.setTimeout(1_000, () => resolve(socket.destroy() && false));
    socket.once('connect', () => resolve(Boolean(socket.destroy())));
    socket.once('error', () => resolve(false));
  });
if (await connects({ path: `${reach.home}/.winnow/http.sock` })) climbed.push('trigger-at-home');
// A session has to reach the model’s service, a check nobody.
if (reach.by === 'check' && (await connects({ host: '127.0.0.1', port: reach.port }))) climbed.push('loopback');
