import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import headless from '@xterm/headless';
import { spawn } from 'node-pty';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { THOROUGH } from '../thoroughness.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  SMALL,
  WAIT_MAX_MS,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

/** A person at a session: the compiled program in a real pseudo-terminal, the real Claude Code in the one inside it. */

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');
const WAIT = { timeout: WAIT_MAX_MS, interval: 50 };
/** What gives the session back. */
const DETACH = '\x1d';
const INTERRUPT = '\x03';

const benches: Workbench[] = [];
const pids: number[] = [];
afterEach(async () => {
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  for (const bench of benches.splice(0)) await bench.close();
});

const workbench = async (scenario: Scenario, options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench({ scenarios: { alpha: scenario }, ...options });
  benches.push(bench);
  return bench;
};

/** `winnow …` as a person starts it. */
const atTerminal = (bench: Workbench, args: string[], { columns = 100, rows = 30 } = {}) => {
  const xterm = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 5000 });
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(ANTHROPIC|CLAUDE|WINNOW|GIT|VITEST|NO_COLOR|CI$)/.test(name),
  );
  const env = { ...Object.fromEntries(clean), HOME: bench.dir, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', USER: 'anna' };
  const pty = spawn(process.execPath, [MAIN, ...args], {
    ...{ cols: columns, rows, name: 'xterm-256color', cwd: bench.home, env: env as Record<string, string> },
  });
  pids.push(pty.pid);
  // On Node 20 a pseudo-terminal may lose the last words of its program, unless somebody else holds it open.
  const held = openSync((pty as unknown as { ptsName: string }).ptsName, constants.O_RDWR | constants.O_NOCTTY);
  let isHeld = true;
  const release = () => {
    if (isHeld) closeSync(held);
    isHeld = false;
  };
  let bytes = '';
  pty.onData((data) => {
    bytes += data;
    xterm.write(data);
  });
  // What the program asks of its terminal is answered.
  xterm.onData((answer) => pty.write(answer));
  const exited = new Promise<number>((done) =>
    pty.onExit(({ exitCode }) => {
      release();
      done(exitCode);
    }),
  );
  const shown = async () => {
    await new Promise<void>((done) => xterm.write('', done));
    const { active } = xterm.buffer;
    return Array.from({ length: active.length }, (_, n) =>
      active.getLine(n)?.translateToString().replaceAll('\u00a0', ' ').trimEnd(),
    ).join('\n');
  };
  return {
    ...{ pty, xterm, exited, shown, bytes: () => bytes },
    isAlternate: () => xterm.buffer.active.type === 'alternate',
    sees: (what: string | RegExp) => expect.poll(shown, WAIT).toMatch(what),
    /** As a connection that breaks: the kernel hangs up. */
    hangUp: () => {
      release();
      (pty as unknown as { destroy(): void }).destroy();
    },
  };
};

const workspaceOf = (bench: Workbench) => join(bench.home, '.winnow/workspaces/alpha');

const ended = (bench: Workbench) => bench.ofType('ralph_cycle').map(({ data }) => [data.trigger, data.outcome]);

const given = (bench: Workbench): EntryOf<'session_given_back'>['data'][] =>
  bench.ofType('session_given_back').map(({ data }) => data);

/** Claude Code waits for a word. */
const YOURS = /❯[\s\S]*(?:for shortcuts|manual mode)/;

/** Bubblewrap is here and may make namespaces. */
const WALLED =
  spawnSync('bwrap', ['--unshare-net', '--unshare-pid', '--ro-bind', '/', '/', '/bin/true'], { stdio: 'ignore' })
    .status === 0;

/** A plan, an edit that is not good yet, and nothing more from the model. */
const HALF: Scenario = {
  steps: [planStep(), bash(`sed -i 's/a - b/a + a/' sum.js`), { blocks: ['It is done.'] }],
  after: 'restart',
};

describe('winnow attach --take', () => {
  it('goes on with the conversation in the same workspace, and what the person changed is pushed', async () => {
    const bench = await workbench(HALF);
    expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    expect(ended(bench)).toEqual([['manual', 'discarded']]);
    const before = bench.ofType('agent_ran').at(-1)!.data.conversation;

    bench.api.play('alpha', { steps: [bash(`sed -i 's/a + a/a + b/' sum.js`), { blocks: ['Mended now.'] }] });
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    await anna.sees(/It is done\./);
    anna.pty.write('please mend sum');
    await anna.sees(/❯ please mend sum/);
    anna.pty.write('\r');
    await anna.sees(/Mended now\./);
    anna.pty.write(DETACH);
    expect(await anna.exited).toBe(0);
    expect(await anna.shown()).toMatch(/alpha is given back\n.*pushed “Change sum.js by hand”: better/);
    expect(anna.isAlternate()).toBe(false);

    expect(ended(bench)).toEqual([
      ['manual', 'discarded'],
      ['person', 'pushed'],
    ]);
    const cycle = bench.ofType('ralph_cycle').at(-1)!;
    expect(await bench.branches()).toEqual([`${cycle.data.branch} ${cycle.data.commit}`]);
    const [handed] = bench.ofType('session_handed_over');
    expect(handed?.data).toMatchObject({ conversation: before, branch: cycle.data.branch });
    const run = bench.ofType('agent_ran').at(-1)!;
    expect(run).toMatchObject({ cycle: cycle.cycle, data: { purpose: 'person', conversation: before, turns: 2 } });
    expect(run.data.costUsd).toBeGreaterThan(0);
    expect(run.data.costUnknown).toBeUndefined();
    expect(given(bench)).toMatchObject([{ note: expect.stringContaining('pushed: better') }]);
  });

  it.runIf(WALLED && THOROUGH)(
    'opens behind bubblewrap too (skipped without it): a terminal of the room, the service and nothing else',
    async () => {
      const bench = await workbench(HALF, { agent: { sandbox: 'bwrap' } });
      expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
      const asks = `node -e 'require("http").get({ port: new URL(process.env.HTTP_PROXY).port, path: "http://a.example/" })'`;
      const mends = bash(`${asks}; sed -i 's/a + a/a + b/' sum.js`);
      bench.api.play('alpha', { steps: [mends, { blocks: ['Mended now.'] }] });
      const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
      await anna.sees(/It is done\./);
      anna.pty.write('please mend sum');
      await anna.sees(/❯ please mend sum/);
      anna.pty.write('\r');
      await anna.sees(/Mended now\./);
      anna.pty.write(DETACH);
      expect(await anna.exited).toBe(0);
      expect(ended(bench)).toEqual([
        ['manual', 'discarded'],
        ['person', 'pushed'],
      ]);
      const run = bench.ofType('agent_ran').at(-1)!;
      expect(run.data.purpose).toBe('person');
      // Beside what the program asks for by itself.
      expect(run.data.refused).toContain('a.example:80');
      const cycle = bench.ofType('ralph_cycle').at(-1)!;
      expect(await findMarked(cycle.cycle!, 'prefix')).toEqual([]);
      expect(readdirSync(join(bench.home, '.winnow/tmp/ways.all'))).toEqual([]);
    },
  );

  it.runIf(THOROUGH)(
    'waits until the run of a cycle has ended, in whichever process, and leaves what it made where it is',
    async () => {
      const bench = await workbench({
        steps: [planStep(), bash(`sed -i 's/a - b/a + a/' sum.js`), { blocks: ['It is done.'], hold: 'hack' }],
      });
      const up = bench.start('up');
      await bench.api.waitFor((request) => request.toolResults.length > 0, WAIT_MAX_MS);
      const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
      await bench.until((entry) => entry.type === 'session_taken', 'session_taken');
      expect((await bench.start('status').done).out).toMatch(/alpha +hack .*taken by anna: ends after what runs now/);
      anna.pty.write(INTERRUPT);
      await anna.sees(/Ctrl-C once more gives up/);
      expect(bench.ofType('session_handed_over')).toEqual([]);

      bench.api.release('hack');
      await anna.sees(YOURS);
      const [stopped] = bench.ofType('ralph_cycle');
      expect(stopped!.data).toMatchObject({ outcome: 'interrupted', reason: 'taken by anna' });
      expect(readFileSync(join(bench.home, stopped!.data.patch!), 'utf8')).toContain(
        '+export const sum = (a, b) => a + a;',
      );
      const [handed] = bench.ofType('session_handed_over');
      expect(handed!.data.conversation).toBe(bench.ofType('agent_ran').at(-1)!.data.conversation);
      expect(handed!.data.fresh).toBeUndefined();
      expect(await readFile(join(workspaceOf(bench), 'sum.js'), 'utf8')).toContain('a + a');

      // A factory that starts anew meanwhile leaves it alone.
      up.child.kill('SIGKILL');
      await up.done;
      const again = bench.start('up');
      await bench.until(
        (entry) => entry.type === 'process_started' && entry.data.pid === again.child.pid,
        'a second start',
      );
      expect((await bench.start('status').done).out).toMatch(/alpha +taken .*taken by anna/);
      expect((await bench.start('cycle', 'alpha').done).err).toMatch(
        /alpha is taken by anna|in a cycle of another process/,
      );
      await writeFile(join(workspaceOf(bench), 'sum.js'), SMALL['sum.js']!.replace('a - b', 'a + b'));
      anna.pty.write(DETACH);
      expect(await anna.exited).toBe(0);
      expect(ended(bench)).toEqual([
        ['schedule', 'interrupted'],
        ['person', 'pushed'],
      ]);
      expect(bench.ofType('cycle_started')).toHaveLength(2);
      again.child.kill('SIGTERM');
      expect((await again.done).code).toBe(0);
    },
  );

  it.runIf(THOROUGH)('does not wait for a cycle that only waits itself', async () => {
    const bench = await createWorkbench({
      scenarios: { alpha: CLEAN_FIX, beta: CLEAN_FIX },
      project: { checks: [{ name: 'tests', run: 'sleep 600', parse: 'tap', slot: 'test' }] },
    });
    benches.push(bench);
    const beta = bench.start('cycle', 'beta');
    await bench.until((entry) => entry.session === 'beta' && entry.type === 'cycle_phase', 'beta at work');
    const alpha = bench.start('cycle', 'alpha');
    await bench.until((entry) => entry.session === 'alpha' && entry.type === 'cycle_phase', 'alpha waits');
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    expect((await alpha.done).code).toBe(130);
    await anna.sees(YOURS);
    expect(bench.ofType('ralph_cycle')).toMatchObject([{ session: 'alpha', data: { reason: 'taken by anna' } }]);
    anna.pty.write(DETACH);
    expect(await anna.exited).toBe(0);
    beta.child.kill('SIGINT');
    expect((await beta.done).code).toBe(130);
  });

  it.runIf(THOROUGH)('is given back by a second Ctrl-C while it is waited for, and the cycle goes on', async () => {
    const bench = await workbench({
      ...CLEAN_FIX,
      steps: [planStep({}, { hold: 'plan' }), ...CLEAN_FIX.steps!.slice(1)],
    });
    const cycle = bench.start('cycle', 'alpha');
    await bench.api.waitFor((request) => request.tools.includes('StructuredOutput'), WAIT_MAX_MS);
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    await bench.until((entry) => entry.type === 'session_taken', 'session_taken');
    anna.pty.write(INTERRUPT);
    await anna.sees(/once more gives up/);
    anna.pty.write(INTERRUPT);
    expect(await anna.exited).toBe(130);
    expect(given(bench)).toEqual([{ by: 'anna', note: 'gave up waiting' }]);
    bench.api.release('plan');
    expect((await cycle.done).code).toBe(0);
    expect(ended(bench)).toEqual([['manual', 'pushed']]);
  });

  it.runIf(THOROUGH)(
    'opens a new conversation where there is none, and where nothing was changed nothing is judged',
    async () => {
      const bench = await workbench({ steps: [{ blocks: ['I am listening.'] }], after: 'restart' });
      const anna = atTerminal(bench, ['attach', 'alpha', '--take', '--detach-key', 'ctrl-q'], {
        columns: 60,
        rows: 20,
      });
      await anna.sees(YOURS);
      expect(anna.bytes()).toContain('a new conversation is opened: it had none yet');
      expect(anna.bytes()).toContain('alpha is yours: ctrl-q gives it back');
      // Another one is refused and told who has it; neither is a cycle begun.
      const bob = atTerminal(bench, ['attach', 'alpha', '--take']);
      expect(await bob.exited).toBe(1);
      expect(await bob.shown()).toMatch(/session alpha is taken by anna since/);
      expect((await bench.start('cycle', 'alpha').done).code).toBe(1);
      expect((await bench.start('pause', 'alpha').done).code).toBe(0);
      anna.pty.resize(20, 5);
      // What Claude Code notes of what a person allowed there is no change.
      await mkdir(join(workspaceOf(bench), '.claude'));
      await writeFile(join(workspaceOf(bench), '.claude/settings.local.json'), '{}');
      anna.pty.write(DETACH);
      anna.pty.write('\x11');
      expect(await anna.exited).toBe(0);
      expect(await anna.shown()).toMatch(/alpha is given back: nothing was changed/);
      expect(bench.ofType('cycle_started')).toEqual([]);
      expect(bench.ofType('agent_ran')).toMatchObject([{ data: { purpose: 'person', turns: 0, costUsd: 0 } }]);
      expect(given(bench)).toEqual([{ by: 'anna', note: 'nothing was changed' }]);
      expect(await findMarked(bench.ofType('session_taken')[0]!.cycle!, 'prefix')).toEqual([]);
    },
  );

  it.runIf(THOROUGH)('judges the work of a person whose terminal vanished', async () => {
    const bench = await workbench(CLEAN_FIX);
    const anna = atTerminal(bench, ['attach', 'alpha', '--take', '-m', 'Add, as the name says']);
    await anna.sees(YOURS);
    await writeFile(join(workspaceOf(bench), 'sum.js'), SMALL['sum.js']!.replace('a - b', 'a + b'));
    anna.hangUp();
    const end = await bench.until((entry) => entry.type === 'session_given_back', 'given back');
    expect(end.data).toMatchObject({ note: expect.stringContaining('pushed') });
    expect(bench.ofType('ralph_cycle')).toMatchObject([
      { data: { trigger: 'person', outcome: 'pushed', plan: { title: 'Add, as the name says' } } },
    ]);
    expect(await findMarked(end.cycle!, 'prefix')).toEqual([]);
  });

  it('keeps the work of a person whose process was killed as a patch, and gives the session back', async () => {
    const bench = await workbench(CLEAN_FIX);
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    await anna.sees(YOURS);
    await writeFile(join(workspaceOf(bench), 'by-hand.js'), 'export const mine = 1;\n');
    process.kill(anna.pty.pid, 'SIGKILL');
    await anna.exited;
    expect((await bench.start('status').done).out).toMatch(/taken by anna, whose process died/);
    const { code, err } = await bench.start('cycle', 'alpha').done;
    expect(code, err).toBe(0);
    const [back] = given(bench);
    expect(back).toMatchObject({
      by: 'anna',
      note: expect.stringContaining('the process that had it died; the work is kept'),
    });
    expect(readFileSync(join(bench.home, back!.patch!), 'utf8')).toContain('+export const mine = 1;');
    expect(ended(bench)).toEqual([['manual', 'pushed']]);
    expect(await findMarked(bench.ofType('session_taken')[0]!.cycle!, 'prefix')).toEqual([]);
  });

  it.runIf(THOROUGH)('keeps the work once when the process is killed while it is judged', async () => {
    const flags = await mkdtemp(join(tmpdir(), 'winnow-flags-'));
    const hold = `if test -e ${flags}/hold; then touch ${flags}/seen; sleep 600; fi; node --test --test-reporter=tap`;
    const bench = await workbench(CLEAN_FIX, { project: { checks: [{ name: 'tests', run: hold, parse: 'tap' }] } });
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    await anna.sees(YOURS);
    await writeFile(join(workspaceOf(bench), 'by-hand.js'), 'export const mine = 1;\n');
    await writeFile(join(flags, 'hold'), '');
    anna.pty.write(DETACH);
    await expect.poll(() => existsSync(join(flags, 'seen')), WAIT).toBe(true);
    process.kill(anna.pty.pid, 'SIGKILL');
    await anna.exited;
    await rm(flags, { recursive: true });
    const { code, err } = await bench.start('cycle', 'alpha').done;
    expect(code, err).toBe(0);
    expect(ended(bench)).toEqual([
      ['person', 'interrupted'],
      ['manual', 'pushed'],
    ]);
    const { patch = '' } = bench.ofType('ralph_cycle')[0]!.data;
    expect(readFileSync(join(bench.home, patch), 'utf8')).toContain('+export const mine = 1;');
    expect(given(bench)).toEqual([{ by: 'anna', note: 'the process that had it died' }]);
  });

  it.runIf(THOROUGH)(
    'from the dashboard has the screen, and gives it back with a word of what came of it',
    async () => {
      const bench = await workbench(CLEAN_FIX);
      const anna = atTerminal(bench, ['tui']);
      await anna.sees(/alpha +waiting/);
      anna.pty.write('a');
      await anna.sees(YOURS);
      anna.pty.write(DETACH);
      await anna.sees(/alpha is given back: nothing was changed/);
      await anna.sees(/alpha +waiting[\s\S]*\? help/);
      expect(anna.isAlternate()).toBe(true);
      anna.pty.write('q');
      expect(await anna.exited).toBe(0);
      expect(anna.isAlternate()).toBe(false);
      expect(given(bench)).toMatchObject([{ note: 'nothing was changed' }]);
    },
  );

  it.runIf(THOROUGH)('says that the conversation is gone and opens a new one', async () => {
    const bench = await workbench({ steps: [planStep({ nothing: true })], after: 'restart' });
    expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    await rm(join(bench.home, '.winnow/claude/alpha/projects'), { recursive: true });
    const anna = atTerminal(bench, ['attach', 'alpha', '--take']);
    await anna.sees(YOURS);
    expect(anna.bytes()).toContain('a new conversation is opened: its last one is gone');
    anna.pty.write(DETACH);
    expect(await anna.exited).toBe(0);
  });

  it.each([
    [['attach', 'alhpa', '--take'], 2, /no session "alhpa" \(did you mean alpha\?\)/],
    [['attach', 'alhpa'], 2, /no session "alhpa" \(did you mean alpha\?\)/],
    [['attach', 'alpha', '--take', '--detach-key', 'ctrl-m'], 2, /Expected a key such as ctrl-\]/],
  ])('refuses %j', async (args, code, said) => {
    const bench = await workbench(CLEAN_FIX);
    const anna = atTerminal(bench, args);
    expect(await anna.exited).toBe(code);
    expect(await anna.shown()).toMatch(said);
  });

  it('refuses without a terminal, with what to do instead', async () => {
    const bench = await workbench(CLEAN_FIX);
    const { code, err } = await bench.start('attach', 'alpha', '--take').done;
    expect(code).toBe(1);
    expect(err).toMatch(/--take needs a terminal.*ssh -t.*winnow attach NAME/s);
    expect(bench.entries()).toEqual([]);
  });
});

describe('winnow attach', () => {
  it.runIf(THOROUGH)(
    'follows what is said, phases and verdicts from cycle to cycle, and leaves without effect',
    async () => {
      const bench = await workbench({
        steps: [planStep({}, { hold: 'plan' }), ...CLEAN_FIX.steps!.slice(1)],
        after: 'restart',
      });
      const anna = atTerminal(bench, ['attach', 'alpha'], { columns: 160 });
      await anna.sees(/nothing runs: this is how it was left/);
      const first = bench.start('cycle', 'alpha');
      await anna.sees(/phase plan/);
      bench.api.release('plan');
      expect((await first.done).code).toBe(0);
      await anna.sees(/pushed “Add instead/);
      bench.api.play('alpha', { steps: [planStep({ nothing: true, title: 'Nothing left' })] });
      expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
      await anna.sees(/empty/);
      const seen = await anna.shown();
      const order = ['phase analyze', 'phase plan', '> Bash sed', 'It adds now.', 'verdict better', 'pushed “Add'];
      expect(order.map((text) => seen.indexOf(text)).toSorted((a, b) => a - b)).toEqual(
        order.map((text) => seen.indexOf(text)),
      );
      expect(seen.indexOf('It adds now.')).toBeGreaterThan(0);
      // Once each.
      expect(seen.split('It adds now.')).toHaveLength(2);
      const entries = bench.entries().length;
      anna.pty.write(INTERRUPT);
      expect(await anna.exited).toBe(0);
      expect(bench.entries()).toHaveLength(entries);
    },
  );
});
