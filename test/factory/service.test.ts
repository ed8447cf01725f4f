import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import type { RoleName } from '../../src/model/role.ts';
import { findMarked, identityOf } from '../../src/ports/machine/processes.ts';
import { until } from '../journal/workbench.ts';
import { THOROUGH } from '../thoroughness.ts';
import { createWorkbench, planStep, type Workbench, type WorkbenchOptions } from './workbench.ts';

/** PM2 and systemd themselves, each with a home and a state of its own; what they start is what a user starts. */
const ROOT = resolve(import.meta.dirname, '../..');
const PM2 = join(ROOT, 'node_modules/pm2/bin/pm2');

const benches: Workbench[] = [];
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  for (const bench of benches.splice(0)) await bench.close();
});

const create = async (options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench(options);
  benches.push(bench);
  return bench;
};

/** Without what this process was given for its own Claude Code, npm and Winnow. */
const cleanEnv = (more: Record<string, string>): Record<string, string> => ({ PATH: process.env.PATH ?? '', ...more });

interface App {
  name: string;
  pid: number;
  pm2_env: { status: string; restart_time: number; exit_code?: number; created_at: number };
}

/** A PM2 of its own in the bench's directory; its daemon ends with the test. */
const pm2In = (bench: Workbench, more: Record<string, string> = {}) => {
  const home = join(bench.dir, 'pm2');
  const env = cleanEnv({ PM2_HOME: home, HOME: bench.dir, WINNOW_HOME: bench.home, ...more });
  const pm2 = async (...args: string[]): Promise<string> => {
    const ran = await execa(process.execPath, [PM2, ...args], { cwd: bench.home, env, extendEnv: false });
    return ran.stdout;
  };
  ends.push(() => pm2('kill'));
  return {
    pm2,
    /** The apps as PM2 sees them now. */
    list: async () => JSON.parse((await pm2('jlist', '--silent')).split('\n').at(-1)!) as App[],
    daemonPid: () => Number(readFileSync(join(home, 'pm2.pid'), 'utf8')),
  };
};

/** Its agent thinks until it is interrupted. */
const HELD: Scenario = { steps: [planStep({}, { hold: 'for ever' })], after: 'repeat-last' };

/** So often the doctor's process has crashed of late. */
const SEEDED = 4;
const seedCrashes = async (bench: Workbench): Promise<void> => {
  const { journal, close } = await bench.open();
  for (let n = 0; n < SEEDED; n += 1) {
    const data = { pid: 900_000 + n, start: '1@boot', version: '0', node: '0', roles: ['doctor'] };
    journal.append<'process_started'>({ type: 'process_started', data });
    const dead = { pid: data.pid, reason: 'found dead', crashed: true } as const;
    journal.append<'process_stopped'>({ type: 'process_stopped', data: dead });
  }
  await close();
};

/** A module that does this once the process of a role has written down its beginning. */
const preload = async ({ dir, home }: Workbench, role: RoleName, deed: string): Promise<string> => {
  const file = join(dir, `preload-${role}.cjs`);
  const journal = JSON.stringify(join(home, 'logs/experiment-log.jsonl'));
  await writeFile(
    file,
    `const { existsSync, readFileSync } = require('node:fs');
     const mine = '"pid":' + process.pid + ',';
     const isMine = (line) => line.includes('process_started') && line.includes(mine);
     if (process.argv.includes('${role}')) setInterval(() => {
       if (existsSync(${journal}) && readFileSync(${journal}, 'utf8').split('\\n').some(isMine)) { ${deed} }
     }, 20).unref();`,
  );
  return file;
};

/** Ends the doctor's process as a defect or the kernel would. */
const crasher = (bench: Workbench): Promise<string> =>
  preload(bench, 'doctor', "process.kill(process.pid, 'SIGKILL');");

const started = (bench: Workbench): EntryOf<'process_started'>[] => bench.ofType('process_started');

describe('under PM2', () => {
  it('begins again after a crash, interrupts a cycle cleanly when it is stopped, and leaves no process', async () => {
    const before = existsSync(join(homedir(), '.pm2')) ? readdirSync(join(homedir(), '.pm2')) : undefined;
    const bench = await create({
      scenarios: { alpha: HELD },
      // A cycle that was interrupted is not followed by the next for as long as this.
      config: { schedule: { tick: '1s', cycle: '1s' } },
    });
    const { pm2, list, daemonPid } = pm2In(bench);
    await pm2('start', join(ROOT, 'ecosystem.config.cjs'), '--only', 'winnow');
    await bench.until((entry) => entry.type === 'cycle_phase' && entry.data.phase === 'plan', 'the plan');
    const [first] = started(bench);
    expect(first!.data.roles).toEqual(['scheduler', 'reviewer', 'standup', 'doctor', 'bot', 'http']);
    process.kill(first!.data.pid, 'SIGKILL');
    const again = await bench.until(
      (e) => e.type === 'process_started' && e.data.pid !== first!.data.pid,
      'the second',
    );
    expect(bench.ofType('process_stopped')).toMatchObject([{ data: { pid: first!.data.pid, crashed: true } }]);
    const isNew = ({ id }: { id: string }) => id > again.id;
    const held = await bench.until((e) => e.type === 'cycle_phase' && e.data.phase === 'plan' && isNew(e), 'a plan');

    await pm2('stop', 'winnow');
    const ended = bench.ofType('ralph_cycle').find(({ cycle }) => cycle === held.cycle);
    expect(ended?.data).toMatchObject({ outcome: 'interrupted' });
    expect(bench.ofType('process_stopped').at(-1)!.data).toEqual({
      ...{ pid: (again as EntryOf<'process_started'>).data.pid, reason: 'stopped' },
    });
    expect(await findMarked(held.cycle!, 'prefix')).toEqual([]);
    expect(await list()).toMatchObject([{ name: 'winnow', pid: 0, pm2_env: { status: 'stopped', exit_code: 0 } }]);
    expect(readdirSync(join(bench.dir, 'pm2/logs'))).toEqual([]);
    const daemon = daemonPid();
    await pm2('kill');
    await until(() => identityOf(daemon) === undefined, 'the end of the daemon');
    // Nobody's own PM2 was touched.
    expect(existsSync(join(homedir(), '.pm2')) ? readdirSync(join(homedir(), '.pm2')) : undefined).toEqual(before);
  });

  it.runIf(THOROUGH)(
    'a role that crashes its process in a loop is parked at its fifth crash and not started again, and the others work on',
    async () => {
      const bench = await create();
      await seedCrashes(bench);
      const crash = await crasher(bench);
      const shipped = join(ROOT, 'ecosystem.config.cjs');
      const own = join(bench.dir, 'ecosystem.config.cjs');
      // As shipped, but for two of the roles, the crash, and a back-off that a test can wait for.
      await writeFile(
        own,
        `const { apps } = require(${JSON.stringify(shipped)});
       const wanted = apps.filter(({ name }) => ['winnow-doctor', 'winnow-bot'].includes(name));
       module.exports = {
         apps: wanted.map((app) => ({ ...app, node_args: ['--require', ${JSON.stringify(crash)}], exp_backoff_restart_delay: 50 })),
       };`,
      );
      const { pm2, list } = pm2In(bench);
      await pm2('start', own);
      const parked = await bench.until((entry) => entry.type === 'role_parked', 'the park');
      expect(parked.data).toMatchObject({ role: 'doctor', failures: 5 });
      const doctor = async () => (await list()).find(({ name }) => name === 'winnow-doctor')!;
      // PM2 calls it “waiting restart”, since it has a back-off; it does not start it again.
      await expect
        .poll(doctor, { timeout: 60_000 })
        .toMatchObject({ pid: 0, pm2_env: { exit_code: 78, restart_time: 1 } });
      expect(bench.ofType('alert')).toHaveLength(1);
      // It has been left alone for longer than its back-off by now.
      expect(started(bench).filter(({ data }) => data.roles.includes('doctor'))).toHaveLength(SEEDED + 1);
      const other = (await list()).find(({ name }) => name === 'winnow-bot')!;
      expect(other).toMatchObject({ pm2_env: { status: 'online', restart_time: 0 } });
      expect(readFileSync(join(bench.home, 'logs/winnow.log'), 'utf8')).toContain('role doctor is parked');
    },
  );
});

describe.runIf(THOROUGH)('above its ceiling of memory', () => {
  it('a process is stopped cleanly and started again by PM2', async () => {
    const bench = await create();
    const own = join(bench.dir, 'ecosystem.config.cjs');
    // As shipped, but for what takes 600 MB as soon as the process is at work.
    const hog = await preload(bench, 'bot', 'globalThis.hog ??= Buffer.alloc(600e6, 1);');
    await writeFile(
      own,
      `const { apps } = require(${JSON.stringify(join(ROOT, 'ecosystem.config.cjs'))});
       const bot = apps.find(({ name }) => name === 'winnow-bot');
       module.exports = { apps: [{ ...bot, node_args: ['--require', ${JSON.stringify(hog)}] }] };`,
    );
    const { pm2 } = pm2In(bench, { PM2_WORKER_INTERVAL: '1000' });
    await pm2('start', own);
    const first = await bench.until((entry) => entry.type === 'process_started', 'the first');
    await bench.until((entry) => entry.type === 'process_started' && entry.id !== first.id, 'the second');
    const { pid } = (first as EntryOf<'process_started'>).data;
    expect(bench.ofType('process_stopped')[0]!.data).toEqual({ pid, reason: 'stopped' });
  });
});

const SYSTEMD = '/lib/systemd/systemd';

/** Where this user may make namespaces of mounts and control groups, a systemd can run beside the machine's own. */
const canRunSystemd =
  existsSync(SYSTEMD) &&
  spawnSync('unshare', ['--mount', '--cgroup', 'sh', '-c', 'mount -t tmpfs tmpfs /run && umount -R /sys/fs/cgroup'])
    .status === 0;

/** It thinks that the machine was booted with it, and sees no unit but those in its directory. */
const BOOT = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
own=/sys/fs/cgroup/winnow-test-$$
mkdir $own
echo $$ > $own/cgroup.procs
${SYSTEMD} --user --unit=default.target &
wait $!
echo $$ > /sys/fs/cgroup/cgroup.procs
find $own -depth -type d -exec rmdir {} +
`;

/** A systemd of its own with the unit that `winnow service` prints; `quick`: lines that a test cannot wait without. */
const systemdIn = async (bench: Workbench, args: string[], quick: string) => {
  const [units, run] = [join(bench.dir, 'units'), join(bench.dir, 'run')];
  await mkdir(run, { mode: 0o700 });
  const { out } = await bench.start('service', 'systemd', '--user', ...args).done;
  const file = args.includes('--each') ? 'winnow@.service' : 'winnow.service';
  await mkdir(join(units, `${file}.d`), { recursive: true });
  await writeFile(join(units, file), out);
  await writeFile(join(units, `${file}.d/quick.conf`), `[Service]\n${quick}`);
  for (const name of ['basic', 'default', 'shutdown']) await writeFile(join(units, `${name}.target`), '[Unit]\n');
  const env = cleanEnv({
    ...{ HOME: bench.dir, XDG_RUNTIME_DIR: run, SYSTEMD_UNIT_PATH: units, SYSTEMD_LOG_TARGET: 'console' },
  });
  const manager = spawn('unshare', ['--mount', '--cgroup', '--propagation', 'private', 'bash', '-c', BOOT], {
    ...{ env, stdio: 'ignore' },
  });
  const over = once(manager, 'exit');
  const systemctl = async (...words: string[]): Promise<string> =>
    (await execa('systemctl', ['--user', ...words], { env, extendEnv: false })).stdout;
  ends.push(async () => {
    await systemctl('stop', 'winnow*');
    await systemctl('exit', '--force');
    expect((await over)[0]).toBe(0);
  });
  await until(() => existsSync(join(run, 'systemd/private')), 'systemd');
  const show = async (unit: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await systemctl('show', unit))
        .split('\n')
        .map((line) => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)]),
    );
  return { systemctl, show };
};

describe.runIf(canRunSystemd)('under systemd', () => {
  it('begins again after a crash, interrupts a cycle cleanly when it is stopped, and leaves no process', async () => {
    const bench = await create({ scenarios: { alpha: HELD } });
    const { systemctl, show } = await systemdIn(bench, [], 'RestartSec=100ms\n');
    await systemctl('start', 'winnow');
    const first = await bench.until((entry) => entry.type === 'process_started', 'the first');
    const { pid } = (first as EntryOf<'process_started'>).data;
    expect(await show('winnow')).toMatchObject({ ActiveState: 'active', MainPID: String(pid) });
    process.kill(pid, 'SIGKILL');
    const again = await bench.until((e) => e.type === 'process_started' && e.id !== first.id, 'the second');
    const held = await bench.until(
      (e) => e.type === 'cycle_phase' && e.data.phase === 'plan' && e.id > again.id,
      'a plan',
    );

    const config = join(bench.home, 'winnow.config.yaml');
    await writeFile(config, `${readFileSync(config, 'utf8')}retention: { log: 1MB }\n`);
    await systemctl('reload', 'winnow');
    await bench.until((e) => e.type === 'config_loaded' && e.id > held.id, 'the reload');
    expect(await show('winnow')).toMatchObject({ ActiveState: 'active', NRestarts: '1' });
    await systemctl('stop', 'winnow');
    const ended = bench.ofType('ralph_cycle').find(({ cycle }) => cycle === held.cycle);
    expect(ended?.data).toMatchObject({ outcome: 'interrupted' });
    expect(bench.ofType('process_stopped').at(-1)!.data.reason).toBe('stopped');
    expect(await findMarked(held.cycle!, 'prefix')).toEqual([]);
    expect(await show('winnow')).toMatchObject({ ActiveState: 'inactive', Result: 'success' });
  });

  it.runIf(THOROUGH)('a role that crashes in a loop is parked at its fifth crash and not started again', async () => {
    const bench = await create();
    await seedCrashes(bench);
    const crash = await crasher(bench);
    const quick = `RestartSec=50ms\nEnvironment="NODE_OPTIONS=--require ${crash}"\n`;
    const { systemctl, show } = await systemdIn(bench, ['--each'], quick);
    await systemctl('start', 'winnow@doctor', 'winnow@bot');
    const parked = await bench.until((entry) => entry.type === 'role_parked', 'the park');
    expect(parked.data).toMatchObject({ role: 'doctor', failures: 5 });
    await expect
      .poll(() => show('winnow@doctor'), { timeout: 60_000 })
      .toMatchObject({ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '78', NRestarts: '1' });
    expect(await show('winnow@bot')).toMatchObject({ ActiveState: 'active', NRestarts: '0' });
  });
});
