import { existsSync, readFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { Reply, Scenario } from '../../src/demo/scenario.ts';
import type { Entry } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { runCycle } from '../../src/roles/session.ts';
import { THOROUGH } from '../thoroughness.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  WAIT_MAX_MS,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const workbench = async (scenarios: Record<string, Scenario>, options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench({ scenarios, ...options });
  benches.push(bench);
  return bench;
};

const NOTHING: Scenario = { steps: [planStep({ nothing: true })], after: 'repeat-last' };

describe('several sessions', () => {
  it('share one execution of the check that both need, across processes', async () => {
    const bench = await workbench(
      { alpha: NOTHING, beta: NOTHING },
      {
        project: {
          checks: [{ name: 'tests', run: 'sleep 1; node --test --test-reporter=tap', parse: 'tap', slot: 'test' }],
        },
      },
    );
    const both = [bench.start('cycle', 'alpha', '--json'), bench.start('cycle', 'beta', '--json')];
    const ended = await Promise.all(both.map(({ done }) => done));
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    // The test that fails is looked at once more, by whoever ran the check.
    expect(bench.ofType('check_ran')).toHaveLength(2);
    const counts = bench.ofType('ralph_cycle').map(({ data }) => data.checks);
    expect(counts).toContainEqual({ ran: 1, reused: 0 });
    expect(counts).toContainEqual({ ran: 0, reused: 1 });
  });

  it.runIf(THOROUGH)('do not both take the same fault: the second plan is sent back with the reason', async () => {
    const bench = await workbench({
      alpha: {
        steps: [
          planStep(),
          { ...(bash(`sed -i 's/a - b/a + b/' sum.js`) as object), hold: 'alpha' } as never,
          { blocks: ['Done.'] },
        ],
      },
      beta: { steps: [planStep({ title: 'Repair the sum' }), planStep({ nothing: true })] },
    });
    const alpha = bench.start('cycle', 'alpha');
    await bench.until((entry) => entry.type === 'claim_taken', 'claim of alpha');
    const beta = await bench.start('cycle', 'beta', '--json').done;
    expect(JSON.parse(beta.out)).toMatchObject({ data: { outcome: 'empty' } });
    const [refused] = bench.ofType('plan_refused');
    expect(refused).toMatchObject({
      session: 'beta',
      data: { why: 'claim', reason: expect.stringContaining('alpha is working on sum.js') },
    });
    bench.api.release('alpha');
    expect((await alpha.done).code).toBe(0);
  });

  it('refuse a second cycle of the same session at the same time', async () => {
    const bench = await workbench({ alpha: { steps: [planStep({}, { hold: 'plan' })] } });
    const first = bench.start('cycle', 'alpha');
    await bench.until((entry) => entry.type === 'cycle_started', 'cycle_started');
    const second = await bench.start('cycle', 'alpha').done;
    expect(second.code).toBe(1);
    expect(second.err).toContain('alpha is in a cycle of another process');
    expect(bench.ofType('cycle_started')).toHaveLength(1);
    first.child.kill('SIGKILL');
  });

  it('wait for what others were promised of the budget, and lose no turn by it', async () => {
    const held: Scenario = { steps: [planStep({ nothing: true }, { hold: 'plan' })], after: 'repeat-last' };
    const bench = await workbench(
      { alpha: held, beta: held },
      { agent: { maxBudgetUsd: 1 }, config: { gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 1 } } },
    );
    const up = bench.start('up');
    const plans = (entry: Entry) => entry.type === 'cycle_phase' && entry.data.phase === 'plan';
    const first = await bench.until(plans, 'a plan');
    const other = first.session === 'alpha' ? 'beta' : 'alpha';
    await bench.until((entry) => plans(entry) && entry.session === other, 'the other plan');
    bench.api.release('plan');
    await bench.until((entry) => entry.type === 'ralph_cycle' && entry.session === other, 'the end of the other');
    const ends = bench.ofType('ralph_cycle').filter(({ session }) => session === other);
    expect(ends[0]?.data.reason).not.toContain('budget');
    expect(bench.ofType('agent_ran').map(({ session }) => session)).toContain(other);
    up.child.kill('SIGTERM');
    expect((await up.done).code).toBe(0);
  });
});

describe('winnow up', () => {
  it('runs what is due and what is queued, reloads on SIGHUP, keeps the last good configuration, and stops within ten seconds', async () => {
    const bench = await workbench({ alpha: CLEAN_FIX, beta: { steps: [planStep({}, { hold: 'for ever' })] } });
    const up = bench.start('up');
    await bench.until((entry) => entry.type === 'ralph_cycle' && entry.session === 'alpha', 'cycle of alpha');

    bench.api.play('alpha', {
      steps: [planStep({ title: 'Say what the task asks' }), bash('echo done > answer.txt'), { blocks: ['Done.'] }],
    });
    const added = await bench.start(
      'task',
      'add',
      'Write',
      'answer.txt',
      '--session',
      'alpha',
      '--priority',
      'urgent',
      '--json',
    ).done;
    expect(added.code, added.err).toBe(0);
    await bench.until((entry) => entry.type === 'task_done', 'task done');
    await bench.until((entry) => entry.type === 'ralph_cycle' && entry.data.trigger === 'task', 'cycle of the task');
    const queue = () => JSON.parse(readFileSync(join(bench.home, 'logs/task-queue.json'), 'utf8'));
    await expect
      .poll(queue)
      .toMatchObject({ queued: [], assigned: [], closed: [{ state: 'done', text: 'Write answer.txt' }] });

    const config = join(bench.home, 'winnow.config.yaml');
    const good = readFileSync(config, 'utf8');
    await appendFile(config, 'surprise: true\n');
    up.child.kill('SIGHUP');
    const rejected = await bench.until((entry) => entry.type === 'config_rejected', 'config_rejected');
    expect(rejected.type === 'config_rejected' && rejected.data.problems[0]).toMatch(
      /winnow\.config\.yaml:\d+ {2}surprise: /,
    );
    await writeFile(config, good.replace('disk: 1MB', 'disk: 2MB'));
    up.child.kill('SIGHUP');
    await bench.until((entry) => entry.type === 'config_loaded' && entry.id > rejected.id, 'config_loaded');

    const status = await bench.start('status', '--json').done;
    const view = JSON.parse(status.out);
    expect(view.processes).toHaveLength(1);
    expect(view.sessions).toEqual([
      expect.objectContaining({ name: 'alpha', state: 'waiting' }),
      expect.objectContaining({ name: 'beta', state: 'working', phase: 'plan' }),
    ]);

    const second = await bench.start('up').done;
    expect(second.code).toBe(1);
    expect(second.err).toContain('another process already runs this home');

    up.child.kill('SIGTERM');
    const { code } = await up.done;
    expect(code).toBe(0);
    // Its end is in the journal: Winnow did not leave before, as it does when its nine seconds for a stop are over.
    const beta = bench.ofType('ralph_cycle').find((entry) => entry.session === 'beta');
    expect(beta?.data.outcome).toBe('interrupted');
    expect(await findMarked(beta!.cycle!, 'prefix')).toEqual([]);
    expect(bench.ofType('process_stopped')).toHaveLength(1);
  });

  // The demo goes the same way with more sessions.
  it.runIf(THOROUGH)(
    'takes a fix from its cycle through review to main, and back when a person wants it back',
    async () => {
      const approves: Scenario = {
        steps: [{ blocks: [{ answer: { decision: 'approve', reasons: ['It adds'], risk: 'low', comments: [] } }] }],
        after: 'repeat-last',
      };
      const bench = await workbench({ alpha: CLEAN_FIX, reviewer: approves }, { sessions: ['alpha'] });
      const up = bench.start('up');
      const landed = await bench.until((entry) => entry.type === 'merged', 'the landing');
      const branch = landed.type === 'merged' ? landed.data.landings[0]!.branch : '';
      const main = async () => {
        await bench.git('fetch', '--quiet', 'origin');
        return bench.git('show', 'origin/main:sum.js');
      };
      expect(await main()).toContain('a + b');
      expect(await bench.git('log', '-1', '--format=%B', 'origin/main')).toContain(`Winnow-Branch: ${branch}`);
      await bench.until((entry) => entry.type === 'branch_deleted' && entry.data.branch === branch, 'its deletion');
      expect(await bench.branches()).toEqual([]);

      const reverted = await bench.start('revert', branch).done;
      expect(reverted.code, reverted.err).toBe(0);
      await bench.until((entry) => entry.type === 'merged' && entry.id > landed.id, 'the revert');
      expect(await main()).toContain('a - b');
      up.child.kill('SIGTERM');
      expect((await up.done).code).toBe(0);
      const order = ['ralph_cycle', 'cto_review', 'merged'].map((type) =>
        bench.entries().findIndex((e) => e.type === type),
      );
      expect(order).toEqual([...order].sort((a, b) => a - b));
    },
  );

  it.runIf(THOROUGH)('holds the standup that was missed, and works on what was committed to', async () => {
    const silent = { did: [], stuck: [], needs: [], offers: [], sharedErrors: [], fileWarnings: [], proposal: '' };
    const commitment = { title: 'Add instead of subtracting', text: 'Its test is red.', files: ['sum.js'] };
    const [report, answer, commit] = [{ ...silent, did: ['nothing yet'] }, silent, { ...silent, commitment }].map(
      (word) => ({ blocks: [{ answer: { commitment: { title: '', text: '', files: [] }, ...word } }] }),
    );
    const bench = await workbench(
      {
        alpha: {
          tracks: [
            { when: { prompt: 'round one of three' }, steps: [report!] },
            { when: { prompt: 'Round two.' }, steps: [answer!] },
            { when: { prompt: 'The last round.' }, steps: [commit!] },
            {
              when: ({ prompts }) => prompts.some((prompt) => prompt.includes('Your commitment of the standup')),
              steps: CLEAN_FIX.steps!,
            },
            { steps: [planStep({ nothing: true })], after: 'repeat-last' },
          ],
        },
        chair: { steps: [{ blocks: [{ answer: { summary: 'Sums are wrong.', priorities: [], blockers: [] } }] }] },
      },
      { sessions: ['alpha'], config: { schedule: { standup: '0 */2 * * *' } } },
    );
    expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    const up = bench.start('up');
    const held = await bench.until((entry) => entry.type === 'team_standup', 'the standup');
    expect(held.data).toMatchObject({ runs: 4, sessions: [{ session: 'alpha', present: true }] });
    const done = await bench.until((entry) => entry.type === 'task_done', 'the commitment');
    expect(bench.ofType('task_queued')).toMatchObject([
      { data: { origin: 'standup', task: (done.data as { task: string }).task } },
    ]);
    up.child.kill('SIGTERM');
    expect((await up.done).code).toBe(0);
    expect(bench.ofType('team_standup')).toHaveLength(1);
  });

  it.runIf(THOROUGH)('answers HTTP on the socket of its home, and carries out what is asked for there', async () => {
    const bench = await workbench({ alpha: CLEAN_FIX }, { config: { schedule: { cycle: '1d' } } });
    expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    const up = bench.start('up');
    const socket = join(bench.home, '.winnow/http.sock');
    await expect.poll(() => existsSync(socket), { timeout: WAIT_MAX_MS }).toBe(true);
    const { stdout } = await execa('curl', [
      ...['--silent', '--show-error', '--unix-socket', socket, '--request', 'POST'],
      ...['--header', 'content-type: application/json', '--data', '{"rulesOnly":true}', 'http://home/trigger/doctor'],
    ]);
    const { id } = JSON.parse(stdout) as { id: string };
    const settled = await bench.until(
      (entry) => entry.type === 'request_settled' && entry.data.request === id,
      'the end of the request',
    );
    expect(settled.data).toMatchObject({ done: true, note: expect.stringContaining('letter in logs/doctor/') });
    expect(bench.ofType('doctor_analysis')).toHaveLength(1);
    up.child.kill('SIGTERM');
    expect((await up.done).code).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it.runIf(THOROUGH)('starts nothing while it is paused or frozen, and goes on afterwards', async () => {
    const bench = await workbench({ alpha: NOTHING });
    expect((await bench.start('pause', '--reason', 'holiday').done).code).toBe(0);
    const up = bench.start('up');
    await bench.until((entry) => entry.type === 'process_started', 'start');
    const dry = await bench.start('up', '--dry-run').done;
    expect(dry.out).toContain('would not start alpha: everything is paused by');
    expect((await bench.start('resume').done).code).toBe(0);
    await bench.until((entry) => entry.type === 'ralph_cycle', 'cycle after resume');
    up.child.kill('SIGTERM');
    expect((await up.done).code).toBe(0);
  });
});

describe('an account that cannot work', () => {
  it.runIf(THOROUGH)(
    'says that Claude Code is not logged in, stops all, and goes on after a person resumed',
    async () => {
      const refused: Scenario = {
        steps: [
          { blocks: ['never'], faults: [{ http: 403, type: 'permission_error', message: 'no', times: 'always' }] },
        ],
      };
      const bench = await workbench({ alpha: refused });
      const first = await bench.start('cycle', 'alpha').done;
      expect(first.code).toBe(1);
      expect(bench.ofType('gate_closed').map(({ data }) => data.gate)).toEqual(['account']);
      expect(bench.ofType('alert')).toHaveLength(1);
      const held = await bench.start('cycle', 'alpha').done;
      expect(held.code).toBe(1);
      expect(held.err).toContain('gate account is closed');
      bench.api.play('alpha', NOTHING);
      expect((await bench.start('resume').done).code).toBe(0);
      expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    },
  );

  it('waits for the usage limit to reset and resumes where it was', async () => {
    let resetsAt = 0;
    const limited: Scenario = {
      steps: [
        (request) => {
          if (resetsAt > 0) return planStep() as Reply;
          expect(request.wantsAnswer).toBe(true);
          resetsAt = Math.ceil(Date.now() / 1000) + 5;
          return { limit: { status: 'rejected', resetsAt } };
        },
        bash(`sed -i 's/a - b/a + b/' sum.js`),
        { blocks: ['Done.'] },
      ],
    };
    const bench = await workbench({ alpha: limited }, { agent: { env: undefined } });
    const config = join(bench.home, 'winnow.config.yaml');
    const env = `agent:\n  env:\n    ANTHROPIC_BASE_URL: ${bench.api.url}/s/{session}\n    CLAUDE_CODE_OAUTH_TOKEN: dummy-token\n    CLAUDE_CODE_MAX_RETRIES: "0"\n`;
    await writeFile(config, readFileSync(config, 'utf8').replace('agent:\n', env));
    const factory = await bench.open();
    // Without the spread by which many sessions do not come back at the same moment.
    const shop = { ...factory.shop, random: () => 0 };
    const session = factory.sessions()[0]!;
    const ended = await runCycle(shop, { session, trigger: 'manual', signal: new AbortController().signal });
    expect(ended.ok && ended.value.data.reason).toContain('better');
    const closed = bench.ofType('gate_closed');
    expect(closed.map(({ data }) => data.gate)).toEqual(['usage-limit']);
    expect(Date.parse(closed[0]!.data.until!)).toBeGreaterThanOrEqual(resetsAt * 1000);
    expect(bench.ofType('ralph_cycle').map(({ data }) => data.outcome)).toEqual(['pushed']);
  });
});
