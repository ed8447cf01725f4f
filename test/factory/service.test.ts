import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked, identityOf } from '../../src/ports/machine/processes.ts';
import { until } from '../journal/workbench.ts';
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
const cleanEnv = (more: Record<string, string>): Record<string, string> => ({
  ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => ['PATH', 'LANG'].includes(name))) as Record<
    string,
    string
  >),
  ...more,
});

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

const started = (bench: Workbench): EntryOf<'process_started'>[] => bench.ofType('process_started');

describe('under PM2', () => {
  it('begins again after a crash, interrupts a cycle cleanly when it is stopped, and leaves no process', async () => {
    const before = existsSync(join(homedir(), '.pm2')) ? readdirSync(join(homedir(), '.pm2')) : undefined;
    const bench = await create({
      scenarios: { alpha: { steps: [planStep({}, { hold: 'for ever' })] } },
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
    await bench.api.waitFor(() => true, 120_000);

    await pm2('stop', 'winnow');
    const ended = bench.ofType('ralph_cycle').find(({ cycle }) => cycle === held.cycle);
    expect(ended?.data.outcome).toBe('interrupted');
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

  it('a role that crashes its process in a loop is parked at the sixth start, and the others work on', async () => {
    const bench = await create();
    const crash = join(bench.dir, 'crash.cjs');
    // Ends the process soon after its beginning stands in the journal, as a defect or the kernel would.
    writeFileSync(
      crash,
      `const { readFileSync } = require('node:fs');
       const mine = '"pid":' + process.pid + ',';
       if (process.argv.includes('doctor')) setInterval(() => {
         const text = readFileSync(${JSON.stringify(join(bench.home, 'logs/experiment-log.jsonl'))}, 'utf8');
         if (text.split('\\n').some((line) => line.includes('process_started') && line.includes(mine)))
           process.kill(process.pid, 'SIGKILL');
       }, 20);`,
    );
    const shipped = join(ROOT, 'ecosystem.config.cjs');
    const own = join(bench.dir, 'ecosystem.config.cjs');
    // As shipped, but for two of the roles, the crash, and a back-off that a test can wait for.
    writeFileSync(
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
    await expect
      .poll(doctor, { timeout: 60_000 })
      .toMatchObject({ pid: 0, pm2_env: { status: 'stopped', exit_code: 78 } });
    const doctors = started(bench).filter(({ data }) => data.roles.includes('doctor'));
    expect(doctors).toHaveLength(5);
    expect(bench.ofType('alert')).toHaveLength(1);
    const other = (await list()).find(({ name }) => name === 'winnow-bot')!;
    expect(other).toMatchObject({ pm2_env: { status: 'online', restart_time: 0 } });
    expect(readFileSync(join(bench.home, 'logs/winnow.log'), 'utf8')).toContain('role doctor is parked');
  });
});
