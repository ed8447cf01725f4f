import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked, selfIdentity } from '../../src/ports/machine/processes.ts';
import { recover } from '../../src/roles/recovery.ts';
import { runCycle } from '../../src/roles/session.ts';
import { firstOf, THOROUGH } from '../thoroughness.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  SMALL,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

/** The whole program on what people, machines, models and repositories should not do and do. */

const MAIN = join(import.meta.dirname, '../../dist/main.js');
const NOTHING: Scenario = { steps: [planStep({ nothing: true })], after: 'restart' };
const FIX = `sed -i 's/a - b/a + b/' sum.js`;

/** Dozens of processes start here at once; on a machine that is busy with other things each of them waits. */
const PATIENT = { timeout: 180_000 };

const withBench = async (options: WorkbenchOptions, deed: (bench: Workbench) => Promise<void>): Promise<void> => {
  const bench = await createWorkbench(options);
  try {
    await deed(bench);
  } finally {
    await bench.close();
  }
};

const cycle = async (bench: Workbench): Promise<EntryOf<'ralph_cycle'>> => {
  const factory = await bench.open();
  const session = factory.sessions()[0]!;
  const result = await runCycle(factory.shop, { session, trigger: 'manual', signal: new AbortController().signal });
  if (!result.ok) throw new Error(result.error.message);
  expect(await findMarked(result.value.cycle!, 'prefix')).toEqual([]);
  await factory.close();
  return result.value;
};

describe('a home with mistakes', PATIENT, () => {
  it('names each mistake with file, line and key, and starts nothing', async () => {
    await withBench({ sessions: ['alpha'] }, async (bench) => {
      const config = join(bench.home, 'winnow.config.yaml');
      await writeFile(
        config,
        `projects:
  - name: small
    repo: ${bench.remote}
    brnach: main
    checks:
      - { name: tests, run: node --test, parse: tapp }
      - { name: tests, run: "true", parse: exit }
agent: { timeout: forever }
gates: { memory: 850% }
`,
      );
      await writeFile(join(bench.home, 'sessions/beta.md'), '---\nproject: smal\n---\nDo it.\n');
      const up = await bench.start('up').done;
      expect(up.code).toBe(78);
      for (const place of [
        'winnow.config.yaml:4  projects[0].brnach: ',
        'winnow.config.yaml:6  projects[0].checks[0].parse: ',
        'winnow.config.yaml:7  projects[0].checks[1].name: ',
        'winnow.config.yaml:8  agent.timeout: ',
        'winnow.config.yaml:9  gates.memory: ',
      ]) {
        expect(up.err).toContain(place);
      }
      expect(existsSync(join(bench.home, '.winnow'))).toBe(false);
      expect(bench.entries()).toEqual([]);
      const check = await bench.start('config', 'check', '--json').done;
      expect(check.code).toBe(1);
      expect(JSON.parse(check.out)).toMatchObject({
        ok: false,
        problems: expect.arrayContaining([expect.objectContaining({ line: 4, key: 'projects[0].brnach' })]),
      });
    });
  });
});

describe.concurrent('the command line', PATIENT, () => {
  it.runIf(THOROUGH)('takes --home behind every command, as PM2 writes it', async () => {
    await withBench({ scenarios: { alpha: NOTHING } }, async ({ home }) => {
      for (const args of [['status'], ['task', 'list'], ['log'], ['config', 'check'], ['up', '--dry-run']]) {
        const { exitCode, stderr } = await execa(process.execPath, [MAIN, ...args, '--home', home], {
          cwd: '/',
          reject: false,
        });
        expect([args, exitCode, stderr.replace('winnow: no entry to show', '')]).toEqual([args, 0, '']);
      }
    });
  });

  it('says nothing when the reader of its output leaves, and says it when the output cannot be written', async () => {
    await withBench({ scenarios: { alpha: NOTHING } }, async ({ home }) => {
      for (const words of ['config schema', '--help', `status --home ${home}`]) {
        const left = spawnSync('bash', ['-c', `node ${MAIN} ${words} | true; exit \${PIPESTATUS[0]}`], {
          encoding: 'utf8',
        });
        expect([words, left.status, left.stderr]).toEqual([words, 0, '']);
      }
      const full = spawnSync('bash', ['-c', `node ${MAIN} config schema > /dev/full`], { encoding: 'utf8' });
      expect(full.status).toBe(1);
      expect(full.stderr).toMatch(/^winnow: the output could not be written: ENOSPC[^\n]*\n$/);
    });
  });

  it.runIf(THOROUGH)('ends `log -f` without a word when its reader has left', async () => {
    await withBench({ scenarios: { alpha: NOTHING } }, async (bench) => {
      await bench.start('task', 'add', 'first').done;
      const tail = execa('bash', ['-c', `node ${MAIN} log -f --home ${bench.home} | head -1; exit \${PIPESTATUS[0]}`]);
      let ended = false;
      const done = tail.finally(() => {
        ended = true;
      });
      const { shop } = await bench.open();
      // Only by writing more does it learn that nobody reads.
      for (let n = 0; !ended && n < 1000; n += 1) {
        shop.journal.append<'alert'>({ type: 'alert', data: { message: `wake ${n}`, mend: '' } });
        await new Promise((next) => setTimeout(next, 100));
      }
      expect(await done).toMatchObject({ exitCode: 0, stderr: '' });
    });
  });

  it.runIf(THOROUGH)(
    'lets no text steer the terminal, bounds what it reads, and tells wrong use from failure',
    async () => {
      await withBench({ scenarios: { alpha: NOTHING } }, async (bench) => {
        const run = async (input: string | undefined, ...args: string[]) =>
          execa(process.execPath, [MAIN, ...args, '--home', bench.home], {
            reject: false,
            ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
          });
        expect((await run(undefined, 'task', 'add', 'do\u001b[31m it\u0007\u202e now')).exitCode).toBe(0);
        const listed = (await run(undefined, 'task', 'list')).stdout;
        expect(listed).toContain('do it now');
        expect(listed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
        expect((await run('- from standard input\n', 'task', 'import', '-')).stdout).toBe('1 tasks queued');
        const endless = await run(undefined, 'task', 'import', '/dev/zero');
        expect(endless).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('holds more than 16 MB') });
        for (const wrong of [
          ['log', '-t', 'constructor'],
          ['log', '--since', 'x'],
          ['log', '-n', '0'],
          ['pause', '__proto__'],
          ['cycle', 'nobody'],
          ['task', 'cancel', 'zzzzzz'],
          ['task', 'add', '   '],
          ['nonsense'],
        ]) {
          const { exitCode, stdout, stderr } = await run(undefined, ...wrong);
          expect([wrong, exitCode, stdout]).toEqual([wrong, 2, '']);
          expect(stderr).not.toMatch(/^\s+at /m);
        }
        expect(bench.ofType('task_queued')).toHaveLength(2);
      });
    },
  );

  it.runIf(THOROUGH)('works in a home with a long path, spaces, quotes and letters of all kinds', async () => {
    await withBench({ scenarios: { alpha: CLEAN_FIX } }, async (bench) => {
      const home = join(bench.dir, `it's a "höme" 家`, 'long'.repeat(40));
      await cp(bench.home, home, { recursive: true });
      const ran = await execa(process.execPath, [MAIN, 'cycle', 'alpha', '--json', '--home', home], { reject: false });
      expect(ran.stderr).not.toContain('winnow:');
      expect(JSON.parse(ran.stdout)).toMatchObject({ data: { outcome: 'pushed' } });
    });
  });
});

describe.concurrent('a project that cannot work', PATIENT, () => {
  it('says why and how to mend it, and leaves the other projects of the home at work', async () => {
    const checks = [{ name: 'tests', run: 'node --test --test-reporter=tap', parse: 'tap' }];
    await withBench({ scenarios: { alpha: CLEAN_FIX } }, async (bench) => {
      const config = join(bench.home, 'winnow.config.yaml');
      const bad = { name: 'gone', repo: 'http://127.0.0.1:9/x.git', branch: 'main', checks };
      const text = readFileSync(config, 'utf8').replace('projects:\n', `projects:\n  - ${JSON.stringify(bad)}\n`);
      await writeFile(config, text);
      await writeFile(join(bench.home, 'sessions/beta.md'), '---\nproject: gone\n---\nMend it.\n');
      const up = bench.start('up');
      await bench.until((entry) => entry.type === 'project_unready', 'project_unready');
      await bench.until((entry) => entry.type === 'ralph_cycle' && entry.session === 'alpha', 'cycle of alpha');
      up.child.kill('SIGTERM');
      expect((await up.done).code).toBe(0);
      expect(bench.ofType('project_unready')).toEqual([
        expect.objectContaining({
          project: 'gone',
          data: expect.objectContaining({
            failure: 'repo-unreachable',
            mend: expect.stringContaining('git ls-remote'),
          }),
        }),
      ]);
      const outcomes = bench.ofType('ralph_cycle').map(({ session, data }) => `${session} ${data.outcome}`);
      expect(outcomes).toContain('alpha pushed');
      expect(outcomes).toContain('beta failed');
    });
  });

  it.each(
    firstOf(2, [
      ['names a command that does not exist', 'nosuchcommand', /not found/],
      ['is killed behind a shell', `sh -c 'kill -9 $$'`, /killed by SIGKILL/],
      ['aborts for want of memory behind a shell', 'exit 134', /killed by SIGABRT/],
      ['prints without end', 'yes', /more than 128 MB/],
    ]),
  )('is not judged by a check that %s', async (_, run, reason) => {
    await withBench(
      { scenarios: { alpha: NOTHING }, project: { checks: [{ name: 'c', run, parse: 'exit' }] } },
      async (bench) => {
        const { data } = await cycle(bench);
        expect(data.outcome).toBe('unevaluated');
        expect(data.reason).toMatch(reason);
      },
    );
  });

  it.each(
    firstOf(1, [
      ['/etc/passwd', 'repo-missing'],
      ['/nonexistent', 'repo-missing'],
    ]),
  )('names %s as no repository', async (repo, kind) => {
    await withBench({ scenarios: { alpha: NOTHING }, project: { repo } }, async (bench) => {
      expect((await cycle(bench)).data).toMatchObject({ outcome: 'failed', failure: kind });
    });
  });
});

describe.concurrent('a Claude Code that is none', PATIENT, () => {
  const stand = async (script: string, deed: (bench: Workbench) => Promise<void>) =>
    withBench(
      { scenarios: { alpha: NOTHING }, agent: { timeout: '150s', silence: '60s', retries: 0 } },
      async (bench) => {
        const file = join(bench.dir, 'stand-in');
        await writeFile(file, `#!/bin/sh\n${script}\n`);
        await chmod(file, 0o755);
        const config = join(bench.home, 'winnow.config.yaml');
        await writeFile(config, readFileSync(config, 'utf8').replace(/^ {2}command: .*$/m, `  command: ${file}`));
        await deed(bench);
        expect(bench.ofType('ralph_cycle')).toHaveLength(1);
      },
    );

  it.runIf(THOROUGH)('is not replaced by another one when its path leads nowhere', async () => {
    await withBench({ scenarios: { alpha: CLEAN_FIX }, agent: { command: '/nonexistent' } }, async (bench) => {
      const { data } = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'failed', failure: 'claude-missing', costUsd: 0 });
      expect(bench.ofType('alert')[0]?.data.mend).toContain('npm install -g @anthropic-ai/claude-code');
    });
  });

  it('says exactly that it is not logged in', async () => {
    await withBench({ scenarios: { alpha: CLEAN_FIX }, agent: { env: {} } }, async (bench) => {
      const ended = await bench.start('cycle', 'alpha').done;
      expect(ended.code).toBe(1);
      expect(ended.out).toContain('Not logged in');
      expect(bench.ofType('gate_closed').map(({ data }) => data.gate)).toEqual(['account']);
      const check = await bench.start('check').done;
      expect(check.code).toBe(1);
      expect(check.out).toMatch(/FAIL\s+login\s+Claude Code is not logged in\n\s+Log in with `claude`/);
    });
  });

  it.each(
    firstOf(1, [
      ['crashes', 'echo boom >&2; exit 7', 'crashed', /exit code 7\): boom/],
      ['prints garbage', 'head -c 300000 /dev/urandom', 'crashed', /without a result/],
      // One hole: what counts is how much there is to read, not what the disk takes.
      ['prints more than any run', 'truncate -s 600M /dev/stdout; sleep 60', 'crashed', /more than any run/],
      [
        'gives figures that no run can have',
        `echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1e99,"total_cost_usd":-5,"modelUsage":{"m":{"inputTokens":-1,"outputTokens":1e300,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costUSD":-3}}}'`,
        'no-answer',
        /./,
      ],
    ]),
  )('ends the cycle with the reason when it %s', async (_, script, kind, reason) => {
    await stand(script, async (bench) => {
      const { data } = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'failed', failure: kind, costUsd: 0 });
      expect(data.reason).toMatch(reason);
      expect(data.reason).not.toContain('defect in Winnow');
    });
  });
});

describe.concurrent('a hostile session', PATIENT, () => {
  /**
   * Runs what a repository holds, since Claude Code itself refuses some of these commands, and then a second cycle in
   * what the first one left; those that spoil only their own workspace are spared it unless all is tried.
   */
  const attack = async (
    script: string,
    deed: (bench: Workbench, first: EntryOf<'ralph_cycle'>) => Promise<void>,
    once = false,
  ) => {
    const scenario: Scenario = { steps: [planStep(), bash('sh ./attack.sh'), { blocks: ['Done.'] }] };
    const files = { ...SMALL, 'attack.sh': `${script}\n` };
    await withBench({ scenarios: { alpha: scenario }, files }, async (bench) => {
      await deed(bench, await cycle(bench));
      expect(bench.ofType('ralph_cycle')).toHaveLength(1);
      await execa('git', ['--git-dir', bench.remote, 'fsck', '--strict']);
      if (once) return;
      bench.api.play('alpha', {
        steps: [
          planStep({ title: 'Say more about it', files: ['README.md'] }),
          bash('echo more >> README.md'),
          { blocks: ['Done.'] },
        ],
      });
      expect((await cycle(bench)).data).toMatchObject({ outcome: 'pushed', files: ['README.md'] });
      await execa('git', ['--git-dir', join(bench.home, '.winnow/mirrors/small.git'), 'fsck', '--strict']);
    });
  };

  it.each(
    firstOf(1, [
      [
        'turns its .git into a link and takes all rights away',
        `rm -rf .git; ln -s /etc .git; chmod 000 sum.test.js; chmod 555 .`,
      ],
      ['leaves pipes, sockets and files beyond measure', 'mkfifo pipe .gitignore; head -c 120000000 /dev/zero > big'],
      ['kills all it can reach', 'setsid -f sleep 1007; kill -9 -1'],
    ]),
  )('keeps only its honest work when it %s', async (_, script) => {
    const look = async (_bench: Workbench, { data }: EntryOf<'ralph_cycle'>) =>
      expect(data).toMatchObject({ outcome: 'pushed', verdict: 'better', files: ['sum.js'] });
    await attack(`${FIX}; ${script}`, look, !THOROUGH);
  });

  it.runIf(THOROUGH)('is refused a nested repository and does not spoil the next cycle', async () => {
    await attack(`${FIX}; git init -q in; git -C in commit -q --allow-empty -m x; git add -A`, async (_, { data }) => {
      expect(data.outcome).toBe('discarded');
      expect(data.findings).toEqual([expect.objectContaining({ kind: 'submodule' })]);
    });
  });

  it.runIf(THOROUGH)('may remove the mirror and its own directory: both are made anew', async () => {
    await attack('rm -rf ../../mirrors; cd ..; rm -rf alpha', async (_, { data }) => {
      expect(data).toMatchObject({ outcome: 'failed', failure: 'git-failed' });
      expect(data.reason).not.toContain('PATH');
    });
  });

  it.runIf(THOROUGH)('cannot write trailers or control characters into a commit by its plan', async () => {
    const title = 'One\n\nReviewed-By: nobody\u001b[31m\u0007';
    const scenario: Scenario = {
      steps: [planStep({ title, files: ['../../etc/passwd', '/etc/passwd'] }), bash(FIX), { blocks: ['Done.'] }],
    };
    await withBench({ scenarios: { alpha: scenario } }, async (bench) => {
      const { data } = await cycle(bench);
      const message = await bench.git('--git-dir', bench.remote, 'show', '-s', '--format=%B', data.commit!);
      expect(message.split('\n')[0]).toBe('One Reviewed-By: nobody');
      expect(data.plan?.title).toBe('One Reviewed-By: nobody');
    });
  });
});

describe('a journal and a disk that fail', PATIENT, () => {
  it('closes a cycle whose end could not be written, though its process lives, and no cycle under way', async () => {
    await withBench({ scenarios: { alpha: NOTHING, beta: NOTHING } }, async (bench) => {
      const { shop, sessions } = await bench.open();
      for (const session of ['alpha', 'beta']) {
        shop.journal.append<'cycle_started'>({
          type: 'cycle_started',
          project: 'small',
          session,
          cycle: shop.ids(shop.clock.now()),
          data: { ...selfIdentity(), trigger: 'manual', workspace: '' },
        });
      }
      const lease = await shop.slots.tryAcquire('session:beta', 1, 'test');
      const { cycles } = await recover(shop, sessions());
      expect(cycles).toEqual([expect.objectContaining({ session: 'alpha', outcome: 'interrupted' })]);
      expect(Object.values(shop.journal.state().running).map(({ session }) => session)).toEqual(['beta']);
      lease?.release();
    });
  });

  it('settles a task whose cycle ended between the two lines, once', async () => {
    await withBench({ scenarios: { alpha: NOTHING } }, async (bench) => {
      const { shop, sessions } = await bench.open();
      const task = shop.ids(shop.clock.now());
      const where = { project: 'small', session: 'alpha', cycle: (await cycle(bench)).cycle! };
      const data = { task, text: 'Do it', priority: 'normal', origin: 'person' } as const;
      shop.journal.append<'task_queued'>({ type: 'task_queued', project: 'small', data });
      shop.journal.append<'task_assigned'>({ type: 'task_assigned', ...where, data: { task } });
      await recover(shop, sessions());
      await recover(shop, sessions());
      expect(shop.journal.state().tasks[task]).toMatchObject({ state: 'queued', attempts: 0 });
      expect(bench.ofType('task_returned')).toHaveLength(1);
    });
  });

  it.skipIf(!canMount())(
    'goes on by itself when a full disk has room again, and loses nothing acknowledged',
    async () => {
      const gates = { memory: '99%', disk: '1KB', budgetPerDayUsd: 50 };
      const held: Scenario = { steps: [planStep({ nothing: true }, { hold: 'plan' })] };
      const options = { scenarios: { alpha: held }, config: { gates, schedule: { tick: '1s', cycle: '1s' } } };
      await withBench(options, async (bench) => {
        const saved = join(bench.dir, 'saved');
        await cp(bench.home, saved, { recursive: true });
        await execa('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', bench.home]);
        try {
          await cp(saved, bench.home, { recursive: true });
          const up = bench.start('up');
          const started = await bench.until((entry) => entry.type === 'cycle_started', 'cycle_started');
          await bench.until((entry) => entry.type === 'cycle_phase' && entry.data.phase === 'plan', 'plan');
          const task = await bench.start('task', 'add', 'Acknowledged').done;
          expect(task.code).toBe(0);
          const filler = join(bench.home, 'filler');
          await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { reject: false });
          bench.api.release('plan');
          // Many: the last page of the journal may have room for one or two more.
          let refused = 0;
          for (let n = 0; refused === 0 && n < 40; n += 1) {
            const added = await bench.start('task', 'add', 'x'.repeat(4000)).done;
            if (added.code !== 0) refused += 1;
            if (added.code !== 0) expect(added.err).toMatch(/winnow: (The disk is full|Only \d+ of \d+ bytes)/);
          }
          expect(refused).toBe(1);
          expect(up.child.exitCode).toBeNull();
          bench.api.play('alpha', NOTHING);
          await rm(filler);
          await bench.until((entry) => entry.type === 'ralph_cycle' && entry.cycle === started.cycle, 'its end');
          expect(bench.ofType('ralph_cycle').filter((entry) => entry.cycle === started.cycle)).toHaveLength(1);
          expect(bench.ofType('task_queued').map(({ data }) => data.text)).toContain('Acknowledged');
          up.child.kill('SIGTERM');
          expect((await up.done).code).toBe(0);
        } finally {
          await execa('umount', ['-l', bench.home]);
        }
      });
    },
  );

  it.runIf(THOROUGH)('says the same after damage in the journal and without anything disposable', async () => {
    await withBench({ scenarios: { alpha: CLEAN_FIX } }, async (bench) => {
      expect((await cycle(bench)).data.outcome).toBe('pushed');
      const log = join(bench.home, 'logs/experiment-log.jsonl');
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
      lines.splice(
        3,
        0,
        '{"id":"01',
        '\u0000\u0001 no entry',
        JSON.stringify({ type: '__proto__', id: 5, ts: 'never' }),
      );
      await writeFile(log, `${lines.join('\n')}\n{"torn`);
      const times = /"at":"[^"]*"|"since":"[^"]*"|"until":"[^"]*"|\(in [^)]*\)/g;
      const status = async () => {
        const { code, out, err } = await bench.start('status', '--json').done;
        expect([code, err]).toEqual([0, '']);
        return out.replace(times, '');
      };
      const before = await status();
      expect(JSON.parse((await bench.start('status', '--json').done).out).journal.damaged).toBeGreaterThanOrEqual(2);
      await rm(join(bench.home, '.winnow'), { recursive: true });
      expect(await status()).toBe(before);
      const far = { ts: '1971-01-01T00:00:00.000Z', type: 'alert', data: { message: 'old', mend: '' } };
      await appendFile(log, `\n${JSON.stringify({ id: '00000000000000000000000001', ...far })}\n`);
      await appendFile(
        log,
        `${JSON.stringify({ id: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', ...far, ts: '9999-12-31T23:59:59.999Z' })}\n`,
      );
      bench.api.play('alpha', NOTHING);
      expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
      expect(bench.ofType('ralph_cycle')).toHaveLength(2);
    });
  });

  it('says in one line what it may not write, and freezes while the stop file is there', async () => {
    await withBench({ scenarios: { alpha: NOTHING } }, async (bench) => {
      const log = join(bench.home, 'logs/experiment-log.jsonl');
      await mkdir(log);
      const broken = await bench.start('task', 'add', 'Do it').done;
      expect(broken.code).toBe(1);
      expect(broken.err).toMatch(/^winnow: .*experiment-log\.jsonl/);
      expect(broken.err).not.toMatch(/^\s+at |WINNOW_DEBUG/m);
      await rm(log, { recursive: true });
      await mkdir(join(bench.home, '.winnow'), { recursive: true });
      await writeFile(join(bench.home, '.winnow/STOP'), '');
      const up = bench.start('up');
      await bench.until((entry) => entry.type === 'gate_closed' && entry.data.gate === 'stop-file', 'gate');
      expect(bench.ofType('cycle_started')).toEqual([]);
      await rm(join(bench.home, '.winnow/STOP'));
      up.child.kill('SIGTERM');
      expect((await up.done).code).toBe(0);
      expect((await bench.start('cycle', 'alpha').done).code).toBe(0);
    });
  });
});

describe.concurrent('secrets', PATIENT, () => {
  const SECRETS = {
    GITHUB_TOKEN: `ghp_${'A1b2'.repeat(9)}`,
    TELEGRAM_BOT_TOKEN: `123456789:${'Qw3r'.repeat(8)}abc`,
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    SSH_AUTH_SOCK: '/tmp/no-such-agent/agent.4711',
    REFERENCED: 'referenced-by-the-configuration',
  };
  const outside = async (bench: Workbench, dotEnv: string) => {
    await writeFile(join(bench.home, '.env'), dotEnv);
    const env = { ...process.env, ...SECRETS, HOME: bench.dir };
    const args = [MAIN, 'cycle', 'alpha', '--json', '--home', bench.home];
    const ran = await execa(process.execPath, args, { env, reject: false });
    return JSON.parse(ran.stdout) as EntryOf<'ralph_cycle'>;
  };
  const holding = (text: string, ...places: string[]) =>
    spawnSync('grep', ['-rlF', '--exclude=.env', '--', text, ...places], { encoding: 'utf8' }).stdout;

  it('reach no agent, and what a check prints of them reaches no prompt, report, log or screen', async () => {
    const look = 'env; tr "\\0" "\\n" < /proc/self/environ; tr "\\0" "\\n" < /proc/$PPID/environ';
    const scenario: Scenario = { steps: [planStep(), bash('sh ./look.sh'), { blocks: ['Done.'] }] };
    const options = {
      scenarios: { alpha: scenario },
      files: { ...SMALL, 'look.sh': `${look}; ${FIX}\n`, 'show.sh': 'env; env >&2; exit 1\n' },
      project: {
        checks: [
          { name: 'tests', run: 'node --test --test-reporter=tap', parse: 'tap' },
          { name: 'shown', run: 'sh show.sh', parse: 'exit' },
        ],
        env: { NEEDED: 'env:REFERENCED' },
      },
    };
    await withBench(options, async (bench) => {
      expect((await outside(bench, '')).data.outcome).toBe('pushed');
      for (const value of Object.values(SECRETS)) {
        expect(holding(value, join(bench.home, 'logs'), join(bench.home, '.winnow'), bench.remote)).toBe('');
        expect(JSON.stringify(bench.api.log)).not.toContain(value);
      }
      expect(
        bench.api.log
          .flatMap(({ toolResults }) => toolResults)
          .map(({ text }) => text)
          .join(),
      ).toContain('WINNOW_RUN=');
    });
  });

  it.runIf(THOROUGH)('are not published by a commit, though a later one takes them out, nor by a message', async () => {
    const value = `ghp_${'Zy9x'.repeat(9)}`;
    const leak =
      'cp ../../../.env leak; git add -A; git commit -qm one; git rm -q leak; git commit -qm "$(cat ../../../.env)"';
    const scenario: Scenario = { steps: [planStep(), bash('sh ./leak.sh'), { blocks: ['Done.'] }] };
    const files = { ...SMALL, 'leak.sh': `${FIX}; ${leak}\n` };
    await withBench({ scenarios: { alpha: scenario }, files }, async (bench) => {
      const { data } = await outside(bench, `FORGE_TOKEN=${value}\n`);
      expect(data.outcome).toBe('discarded');
      expect(data.findings).toContainEqual(expect.objectContaining({ kind: 'secret', action: 'refuse', file: 'leak' }));
      expect(data.findings).toContainEqual(expect.objectContaining({ kind: 'secret', file: 'a commit message' }));
      expect(await bench.branches()).toEqual([]);
      expect(holding(value, join(bench.home, 'logs/experiment-log.jsonl'), bench.remote)).toBe('');
    });
  });
});

/** Whether this user may mount a small disk here, as in a container of one's own. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
