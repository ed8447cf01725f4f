import { afterEach, describe, expect, it } from 'vitest';
import { type Dashboard, startDashboard } from '../faces/tui/dashboard.ts';
import { createWorkbench, planStep, type Workbench } from './workbench.ts';

/** The dashboard before a factory that works. */

const benches: Workbench[] = [];
const dashboards: Dashboard[] = [];
afterEach(async () => {
  for (const dashboard of dashboards.splice(0)) dashboard.close();
  for (const bench of benches.splice(0)) await bench.close();
});

const create = async (): Promise<Workbench> => {
  const bench = await createWorkbench({
    scenarios: { alpha: { steps: [planStep({ nothing: true }, { hold: 'plan' })], after: 'repeat-last' } },
    config: { schedule: { cycle: '1s' } },
  });
  benches.push(bench);
  return bench;
};
const watch = (bench: Workbench): Dashboard => {
  const dashboard = startDashboard(bench.home, 100, 30);
  dashboards.push(dashboard);
  return dashboard;
};
const WAIT = { timeout: 120_000, interval: 50 };

describe('a dashboard', () => {
  it('that is killed is not noticed by the factory, which works on', async () => {
    const bench = await create();
    const up = bench.start('up');
    const dashboard = watch(bench);
    await expect.poll(dashboard.shown, WAIT).toMatch(/Winnow running[\s\S]*● alpha +plan/);
    process.kill(dashboard.pty.pid, 'SIGKILL');
    await dashboard.exited;
    bench.api.release('plan');
    await bench.until(({ type }) => type === 'ralph_cycle', 'the end of the cycle');
    expect(bench.ofType('alert')).toEqual([]);
    up.child.kill('SIGTERM');
    expect(await up.done).toMatchObject({ code: 0, err: '' });
  });

  it('says that the factory died and that it runs again, and shows what the new one does', async () => {
    const bench = await create();
    const first = bench.start('up');
    const dashboard = watch(bench);
    await expect.poll(dashboard.shown, WAIT).toMatch(/Winnow running[\s\S]*● alpha +plan/);
    first.child.kill('SIGKILL');
    await expect.poll(dashboard.shown, WAIT).toMatch(/Winnow NOT RUNNING[\s\S]*✗ alpha +dead/);
    const second = bench.start('up');
    await expect.poll(() => bench.ofType('cycle_started').length, WAIT).toBe(2);
    await expect.poll(dashboard.shown, WAIT).toMatch(/Winnow running[\s\S]*● alpha +plan/);
    second.child.kill('SIGTERM');
    await expect.poll(dashboard.shown, WAIT).toMatch(/Winnow NOT RUNNING[\s\S]*○ alpha/);
    await second.done;
    dashboard.pty.write('q');
    expect(await dashboard.exited).toBe(0);
  });
});
