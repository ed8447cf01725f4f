import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { StatusView } from '../../src/desk/status.ts';
import { THOROUGH } from '../thoroughness.ts';
import { createWorkbench, planStep, WAIT_MAX_MS, type Workbench, type WorkbenchOptions } from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** A home that is up and has nothing to do. */
const create = async (options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench(options);
  benches.push(bench);
  return bench;
};

describe('a second winnow up', () => {
  it('ends with a clear sentence also where nothing keeps its HTTP from listening', async () => {
    const bench = await create();
    const first = bench.start('up');
    await bench.until((entry) => entry.type === 'process_started', 'the first');
    const socket = join(bench.home, '.winnow/http.sock');
    expect(existsSync(socket)).toBe(true);
    await rm(socket);
    const second = await bench.start('up').done;
    expect(second.code).toBe(1);
    const all = 'scheduler, reviewer, standup, doctor, bot, http';
    expect(second.err).toContain(`another process already runs this home: pid ${first.child.pid} has ${all}`);
    expect(existsSync(socket)).toBe(false);
    first.child.kill('SIGTERM');
    expect((await first.done).code).toBe(0);
  });

  it('does not say that it answers HTTP where it cannot listen', async () => {
    const bench = await create();
    const http = bench.start('http');
    const socket = join(bench.home, '.winnow/http.sock');
    await expect.poll(() => existsSync(socket), { timeout: WAIT_MAX_MS }).toBe(true);
    const up = bench.start('up');
    const started = await bench.until((entry) => entry.type === 'process_started', 'the start');
    expect(started.data).toMatchObject({ roles: expect.not.arrayContaining(['http']) });
    for (const { child } of [up, http]) child.kill('SIGTERM');
    const ended = await up.done;
    expect(ended.code).toBe(0);
    expect(ended.out).toContain('another process serves HTTP on the socket of this home');
    await http.done;
  });
});

describe('winnow up --for', () => {
  it('ends by itself when the time is over, whatever was collected from memory meanwhile', async () => {
    const bench = await create();
    const { code, out } = await bench.start('up', '--for', '2s').done;
    expect(code).toBe(0);
    expect(out).toContain('stopping');
    expect(bench.ofType('process_stopped')).toMatchObject([{ data: { reason: 'stopped' } }]);
  });
});

const status = async (bench: Workbench): Promise<StatusView> =>
  JSON.parse((await bench.start('status', '--json').done).out) as StatusView;

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = connect(socket, () => {
      asked.destroy();
      resolve(true);
    });
    asked.on('error', () => resolve(false));
  });

const NOTHING: Scenario = { steps: [planStep({ nothing: true })], after: 'repeat-last' };

describe('roles', () => {
  it('share a home from processes of their own, each role in one only, and carry out what is theirs', async () => {
    const bench = await create({ scenarios: { alpha: NOTHING } });
    const working = bench.start('up', '--roles', 'scheduler,reviewer');
    await bench.until((entry) => entry.type === 'process_started', 'the first process');
    const again = await bench.start('up', '--roles', 'http,reviewer').done;
    expect(again.code).toBe(1);
    expect(again.err).toContain(`pid ${working.child.pid} has reviewer`);

    const others = bench.start('up', '--roles', 'standup,doctor,bot,http');
    await bench.until((entry) => entry.type === 'process_started' && entry.data.pid === others.child.pid, 'the other');
    const socket = join(bench.home, '.winnow/http.sock');
    for (const what of ['doctor', 'review']) {
      const trigger = ['--unix-socket', socket, '--request', 'POST', '--json', '{}', `http://home/trigger/${what}`];
      const { id } = JSON.parse((await execa('curl', ['--silent', '--show-error', ...trigger])).stdout) as {
        id: string;
      };
      const taken = await bench.until((e) => e.type === 'request_taken' && e.data.request === id, `${what} taken`);
      expect(taken.data).toMatchObject({ pid: what === 'doctor' ? others.child.pid : working.child.pid });
      await bench.until((entry) => entry.type === 'request_settled' && entry.data.request === id, `${what} settled`);
    }
    await bench.until((entry) => entry.type === 'ralph_cycle', 'a cycle');
    const { processes, roles } = await status(bench);
    expect(processes.map(({ pid }) => pid).toSorted()).toEqual([working.child.pid, others.child.pid].toSorted());
    expect(roles.map(({ pid }) => pid)).toEqual([
      ...[working.child.pid, working.child.pid],
      ...[others.child.pid, others.child.pid, others.child.pid, others.child.pid],
    ]);
    for (const { child } of [working, others]) child.kill('SIGTERM');
    for (const { done } of [working, others]) expect((await done).code).toBe(0);
  });

  it('go on when one of them fails, which begins again by itself', async () => {
    const bench = await create({ scenarios: { alpha: NOTHING } });
    const socket = join(bench.home, '.winnow/http.sock');
    await mkdir(socket, { recursive: true });
    const up = bench.start('up');
    const failed = await bench.until((entry) => entry.type === 'role_failed', 'the failure');
    expect(failed.data).toMatchObject({ role: 'http', reason: expect.stringContaining('http.sock') });
    await bench.until((entry) => entry.type === 'ralph_cycle', 'a cycle all the same');
    await rmdir(socket);
    const started = await bench.until((entry) => entry.type === 'role_started', 'the new beginning');
    expect(started.data).toEqual({ role: 'http', pid: up.child.pid });
    expect(await answers(socket)).toBe(true);
    up.child.kill('SIGTERM');
    const { code, out } = await up.done;
    expect(code).toBe(0);
    expect(out).toContain('role http failed: ');
    expect(readFileSync(join(bench.home, 'logs/winnow.log'), 'utf8')).toContain('at listenAtHome');
  });

  it('that crashed their process again and again are not started a sixth time before a person says so', async () => {
    const bench = await create();
    const factory = await bench.open();
    for (let n = 0; n < 4; n += 1) {
      const data = { pid: 900_000 + n, start: '1@boot', version: '0', node: '0', roles: ['doctor', 'standup'] };
      factory.journal.append<'process_started'>({ type: 'process_started', data });
      const dead = { pid: data.pid, reason: 'found dead', crashed: true } as const;
      factory.journal.append<'process_stopped'>({ type: 'process_stopped', data: dead });
    }
    await factory.close();
    const fifth = bench.start('up', '--roles', 'doctor');
    await bench.until((entry) => entry.type === 'process_started' && entry.data.pid === fifth.child.pid, 'the fifth');
    fifth.child.kill('SIGKILL');
    await fifth.done;
    const sixth = await bench.start('up', '--roles', 'doctor').done;
    expect(sixth.code).toBe(78);
    expect(sixth.err).toContain('every role of this process is parked: doctor');
    expect(sixth.err).toContain('winnow resume --role NAME');
    const reason = `its process (pid ${fifth.child.pid}) died`;
    expect(bench.ofType('role_parked').map(({ data }) => data)).toEqual([{ role: 'doctor', reason, failures: 5 }]);
    expect(bench.ofType('alert').map(({ data }) => data.mend)).toEqual([
      'Read logs/winnow.log for why, then `winnow resume --role doctor`.',
    ]);
    const others = bench.start('up');
    const began = (pid: number | undefined) =>
      bench.until((entry) => entry.type === 'process_started' && entry.data.pid === pid, 'the others');
    expect((await began(others.child.pid)).data).toMatchObject({
      roles: ['scheduler', 'reviewer', 'standup', 'bot', 'http'],
    });
    const resumed = await bench.start('resume', '--role', 'doctor').done;
    expect(resumed.out).toContain('role doctor is not parked any more');
    await bench.until((entry) => entry.type === 'role_started' && entry.data.role === 'doctor', 'the doctor');
    others.child.kill('SIGTERM');
    expect((await others.done).code).toBe(0);
  });

  it.runIf(THOROUGH)('are no crash to a person who would not wait for the end of a stop', async () => {
    const bench = await create({ scenarios: { alpha: { steps: [planStep({}, { hold: 'for ever' })] } } });
    const up = bench.start('up', '--roles', 'scheduler');
    await bench.until((entry) => entry.type === 'cycle_phase' && entry.data.phase === 'plan', 'the plan');
    up.child.kill('SIGINT');
    up.child.kill('SIGTERM');
    expect([130, 143]).toContain((await up.done).code);
    expect(bench.ofType('process_stopped').map(({ data }) => data)).toEqual([
      { pid: up.child.pid, reason: 'told twice to stop' },
    ]);
  });
});
