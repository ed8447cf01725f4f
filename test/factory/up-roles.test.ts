import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createWorkbench, WAIT_MAX_MS, type Workbench, type WorkbenchOptions } from './workbench.ts';

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
    expect(second.err).toContain('another process already runs this home');
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
