import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { Entry } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { firstOf, THOROUGH } from '../thoroughness.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  remoteHook,
  WAIT_MAX_MS,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

/** Winnow is killed at a known point of a cycle and started again: nothing happens twice, nothing is lost. */
const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const workbench = async (scenario: Scenario, options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench({ scenarios: { alpha: scenario }, ...options });
  benches.push(bench);
  return bench;
};

const killWhen = async (bench: Workbench, reached: (bench: Workbench) => Promise<unknown>): Promise<string> => {
  const started = bench.start('cycle', 'alpha');
  await reached(bench);
  started.child.kill('SIGKILL');
  await started.done;
  const first = bench.ofType('cycle_started')[0];
  expect(first).toBeDefined();
  return first!.cycle!;
};

/** What must hold whatever was killed when: looked up in the journal, the remote and the process table. */
const expectWhole = async (bench: Workbench, killed: string): Promise<void> => {
  const begun = bench.ofType('cycle_started').map((entry) => entry.cycle);
  const ended = bench.ofType('ralph_cycle').map((entry) => entry.cycle);
  expect([...ended].sort()).toEqual([...begun].sort());
  expect(await findMarked(killed, 'prefix')).toEqual([]);
  const pushed = bench
    .ofType('ralph_cycle')
    .flatMap(({ data }) => (data.outcome === 'pushed' ? [`${data.branch} ${data.commit}`] : []));
  expect([...(await bench.branches())].sort()).toEqual([...pushed].sort());
  expect(
    bench
      .ofType('branch_pushed')
      .map(({ data }) => `${data.branch} ${data.commit}`)
      .sort(),
  ).toEqual([...pushed].sort());
  const intents = bench.ofType('intent').map((entry) => entry.id);
  expect(
    bench
      .ofType('intent_settled')
      .map((entry) => entry.data.intent)
      .sort(),
  ).toEqual([...intents].sort());
  const text = readFileSync(join(bench.home, 'logs/experiment-log.jsonl'), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
};

const runAgain = async (bench: Workbench): Promise<Entry[]> => {
  const { code, err } = await bench.start('cycle', 'alpha', '--json').done;
  expect(err.includes('defect'), err).toBe(false);
  expect(code, err).toBe(0);
  return bench.ofType('ralph_cycle');
};

const phase = (name: string) => (bench: Workbench) =>
  bench.until((entry) => entry.type === 'cycle_phase' && entry.data.phase === name, `phase ${name}`);

/** Waits for a file of the test's own, so that a check is under way for as long as it is wanted. */
const slowCheck = (bench: string) => ({
  project: {
    checks: [
      {
        name: 'tests',
        run: `touch ${bench}.seen; test -e ${bench}.go || sleep 100; node --test --test-reporter=tap`,
        parse: 'tap',
        slot: 'test',
      },
    ],
  },
});

describe('after SIGKILL', () => {
  it.runIf(THOROUGH).each<[string, (bench: Workbench) => Promise<unknown>]>([
    [
      'while the agent plans',
      (bench: Workbench) => bench.api.waitFor((request) => request.tools.includes('StructuredOutput'), WAIT_MAX_MS),
    ],
    ['at the beginning', (bench: Workbench) => bench.until((entry) => entry.type === 'cycle_started', 'cycle_started')],
    ['while it analyzes', phase('analyze')],
  ])('%s the next start closes the cycle and works on', async (_, reached) => {
    const bench = await workbench({
      ...CLEAN_FIX,
      steps: [planStep({}, { hold: 'plan' }), ...CLEAN_FIX.steps!.slice(1)],
    });
    const killed = await killWhen(bench, reached);
    bench.api.play('alpha', CLEAN_FIX);
    const ended = await runAgain(bench);
    expect(ended.map((entry) => entry.type === 'ralph_cycle' && entry.data.outcome)).toEqual(['interrupted', 'pushed']);
    await expectWhole(bench, killed);
  });

  it('while the agent edits, its processes are gone and what it wrote is a patch', async () => {
    const bench = await workbench({
      steps: [
        planStep(),
        bash(`echo 'export const half = (a) => a / 2;' >> sum.js; nohup sleep 1000 >/dev/null 2>&1 &`),
        { blocks: ['…'], hold: 'for ever' },
      ],
    });
    const killed = await killWhen(bench, () => bench.api.waitFor((request) => request.step === 2, WAIT_MAX_MS));
    bench.api.play('alpha', CLEAN_FIX);
    const [interrupted, pushed] = await runAgain(bench);
    expect(interrupted).toMatchObject({ data: { outcome: 'interrupted' } });
    expect(pushed).toMatchObject({ data: { outcome: 'pushed' } });
    const patch = interrupted?.type === 'ralph_cycle' ? interrupted.data.patch : undefined;
    expect(readFileSync(join(bench.home, patch!), 'utf8')).toContain('export const half');
    // What it took until then is told, as of every other cycle.
    const [plan] = bench.ofType('agent_ran').filter(({ cycle }) => cycle === killed);
    const { costUsd, tokens } = plan!.data;
    expect(tokens.input + tokens.output).toBeGreaterThan(0);
    const checks = { ran: bench.ofType('check_ran').filter(({ cycle }) => cycle === killed).length, reused: 0 };
    expect(checks.ran).toBeGreaterThan(0);
    expect(interrupted).toMatchObject({ data: { costUsd, tokens, checks } });
    await expectWhole(bench, killed);
  });

  it.runIf(THOROUGH)('while a check runs, the check is gone and is measured anew', async () => {
    const mark = join(
      (await import('node:os')).tmpdir(),
      `winnow-check-${process.pid}-${Math.round(performance.now())}`,
    );
    const bench = await workbench(CLEAN_FIX, slowCheck(mark));
    const seen = async () => {
      while (!existsSync(`${mark}.seen`)) await new Promise((next) => setTimeout(next, 5));
    };
    const killed = await killWhen(bench, seen);
    await writeFile(`${mark}.go`, '');
    await runAgain(bench);
    await expectWhole(bench, killed);
  });

  it('before the branch reached the remote, the push is made after the restart, once', async () => {
    const bench = await workbench(CLEAN_FIX);
    await remoteHook(bench, 'pre-receive', `test -e ${bench.dir}/go || sleep 100`);
    const killed = await killWhen(bench, () => bench.until((entry) => entry.type === 'intent', 'intent'));
    await writeFile(join(bench.dir, 'go'), '');
    await runAgain(bench);
    const outcomes = bench.ofType('ralph_cycle').map(({ cycle, data }) => [cycle === killed, data.outcome]);
    expect(outcomes[0]).toEqual([true, 'pushed']);
    expect(bench.ofType('ralph_cycle')[0]?.data.plan?.title).toBe('Add instead of subtracting');
    await expectWhole(bench, killed);
  });

  it('after the branch reached the remote and before anybody noted it, it is noted and not pushed again', async () => {
    const bench = await workbench(CLEAN_FIX);
    await remoteHook(bench, 'post-receive', `echo x >> ${bench.dir}/received; test -e ${bench.dir}/go || sleep 100`);
    const received = async () => {
      while (!existsSync(join(bench.dir, 'received'))) await new Promise((next) => setTimeout(next, 5));
    };
    const killed = await killWhen(bench, received);
    await writeFile(join(bench.dir, 'go'), '');
    const factory = await bench.open();
    const { recover } = await import('../../src/roles/recovery.ts');
    const recovered = await recover(factory.shop, factory.sessions());
    expect(recovered.cycles).toEqual([{ cycle: killed, session: 'alpha', outcome: 'pushed' }]);
    expect(readFileSync(join(bench.dir, 'received'), 'utf8')).toBe('x\n');
    expect(await recover(factory.shop, factory.sessions())).toEqual({ cycles: [], killed: 0, open: 0 });
    await expectWhole(bench, killed);
  });

  it.each(firstOf(1, ['branch_pushed', 'intent_settled']))(
    'between %s and the summary, the summary is written after the restart',
    async (last) => {
      const bench = await workbench(CLEAN_FIX);
      const { done } = bench.start('cycle', 'alpha');
      await done;
      // The journal as a kill at that point would have left it: every later line is not there yet.
      const file = join(bench.home, 'logs/experiment-log.jsonl');
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const cut = lines.findIndex((line) => line.includes(`"type":"${last}"`));
      await writeFile(file, `${lines.slice(0, cut + 1).join('\n')}\n`);
      const factory = await bench.open();
      const { recover } = await import('../../src/roles/recovery.ts');
      await recover(factory.shop, factory.sessions());
      const ended = bench.ofType('ralph_cycle');
      expect(ended).toHaveLength(1);
      expect(ended[0]?.data.outcome).toBe('pushed');
      await expectWhole(bench, ended[0]!.cycle!);
    },
  );

  it.runIf(THOROUGH)('leaves nothing behind in the temporary files of the state directory', async () => {
    const bench = await workbench(CLEAN_FIX);
    await killWhen(bench, phase('plan'));
    bench.api.play('alpha', CLEAN_FIX);
    await runAgain(bench);
    const left = readdirSync(join(bench.home, '.winnow')).filter((name) => /\.\d{5,}$/.test(name));
    expect(left).toEqual([]);
  });
});
