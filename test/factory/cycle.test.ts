import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { runCycle } from '../../src/roles/session.ts';
import { THOROUGH } from '../thoroughness.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  remoteHook,
  SMALL,
  WAIT_MAX_MS,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const workbench = async (scenario: Scenario, options: WorkbenchOptions = {}): Promise<Workbench> => {
  const bench = await createWorkbench({ scenarios: { alpha: scenario }, ...options });
  benches.push(bench);
  return bench;
};

const cycle = async (bench: Workbench): Promise<EntryOf<'ralph_cycle'>> => {
  const factory = await bench.open();
  const session = factory.sessions()[0]!;
  const result = await runCycle(factory.shop, { session, trigger: 'manual', signal: new AbortController().signal });
  if (!result.ok) throw new Error(result.error.message);
  expect(await findMarked(result.value.cycle!, 'prefix')).toEqual([]);
  expect(bench.ofType('ralph_cycle')).toHaveLength(1);
  return result.value;
};

describe('a cycle with the real Claude Code', () => {
  it('pushes a clean fix, in the name of the session, with the figures before and after', async () => {
    const bench = await workbench(CLEAN_FIX);
    const { data } = await cycle(bench);
    expect(data).toMatchObject({
      outcome: 'pushed',
      verdict: 'better',
      before: { failed: 1, passed: 2 },
      after: { failed: 0, passed: 3 },
      files: ['sum.js'],
      diff: { files: 1, added: 1, removed: 1 },
      iterations: 1,
    });
    expect(data.fixed).toEqual([expect.stringContaining('adds')]);
    expect(data.costUsd).toBeGreaterThan(0);
    expect(data.branch).toMatch(/^brl\/alpha\/\d{8}-\d{6}$/);
    expect(await bench.branches()).toEqual([`${data.branch} ${data.commit}`]);
    const author = await bench.git('--git-dir', bench.remote, 'show', '-s', '--format=%an|%s', data.commit!);
    expect(author).toBe('alpha (Winnow)|Add instead of subtracting');
    expect(await bench.git('--git-dir', bench.remote, 'show', `${data.commit}:sum.js`)).toContain('a + b');
    expect(existsSync(join(bench.home, data.report!))).toBe(true);
    expect(existsSync(join(bench.home, data.transcript!))).toBe(true);
  });

  it.runIf(THOROUGH)(
    'does not take a test that fails by chance in the baseline for something that a change mended',
    async () => {
      const once = `import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

test('depends on the weather', () => {
  const mark = join(process.env.TMPDIR, 'rained');
  if (existsSync(mark)) return;
  writeFileSync(mark, '');
  throw new Error('rain');
});
`;
      const files = { 'package.json': SMALL['package.json']!, 'sum.js': SMALL['sum.js']!, 'weather.test.js': once };
      const bench = await workbench(
        { steps: [planStep(), bash('echo "// reviewed" >> sum.js'), { blocks: ['Done.'] }] },
        { files },
      );
      const { data } = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'pushed', verdict: 'same', before: { failed: 0, passed: 1 }, fixed: [] });
      expect(data.reason).toBe('same: nothing fixed, nothing broken');
      expect(bench.ofType('test_flaky').map((entry) => entry.data.test)).toEqual([
        expect.stringContaining('depends on the weather'),
      ]);
    },
  );

  it.runIf(THOROUGH)('keeps the commits that the agent made itself', async () => {
    const bench = await workbench({
      steps: [
        planStep(),
        bash(`sed -i 's/a - b/a + b/' sum.js && git commit -qam 'My own words'`),
        { blocks: ['Done.'] },
      ],
    });
    const { data } = await cycle(bench);
    expect(data.outcome).toBe('pushed');
    expect(await bench.git('--git-dir', bench.remote, 'show', '-s', '--format=%s', data.commit!)).toBe('My own words');
  });

  it('discards a change that breaks another test, names it, and keeps the patch', async () => {
    const bench = await workbench({
      steps: [
        planStep({ title: 'Double by adding' }),
        bash(`sed -i 's/a \\* 2/a + 3/' sum.js`),
        { blocks: ['All tests pass.'] },
      ],
    });
    const { data } = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'discarded', verdict: 'worse' });
    expect(data.reason).toContain('doubles');
    expect(data.broken).toEqual([expect.stringContaining('doubles')]);
    expect(readFileSync(join(bench.home, data.patch!), 'utf8')).toContain('a + 3');
    expect(await bench.branches()).toEqual([]);
  });

  it.runIf(THOROUGH)(
    'gives the failures back to the same conversation and keeps the attempt that mends them',
    async () => {
      const bench = await workbench(
        {
          steps: [
            planStep(),
            bash(`printf 'export const sum = (a, b) => a + b;\\n' > sum.js`),
            { blocks: ['Done.'] },
            bash(`printf 'export const sum = (a, b) => a + b;\\nexport const twice = (a) => a * 2;\\n' > sum.js`),
            { blocks: ['Now twice is back.'] },
          ],
        },
        { agent: { iterations: 2 } },
      );
      const { data } = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'pushed', iterations: 2 });
      expect(data.patch).toBeUndefined();
      const mend = bench.api.log.find((request) => request.prompt.includes('sum.test.js'));
      expect(mend?.conversation).toBe(bench.api.log[0]?.conversation);
    },
  );

  it('refuses the deletion of a failing test', async () => {
    const bench = await workbench({ steps: [planStep(), bash('rm sum.test.js'), { blocks: ['Green.'] }] });
    const { data } = await cycle(bench);
    expect(data.outcome).toBe('discarded');
    expect(data.findings).toEqual([
      expect.objectContaining({ kind: 'test-deleted', action: 'refuse', file: 'sum.test.js' }),
    ]);
    expect(await bench.branches()).toEqual([]);
  });

  it('refuses a protected path outright, without running anything of it', async () => {
    const bench = await workbench(
      {
        steps: [
          planStep(),
          bash(`sed -i 's/module/commonjs/' package.json; sed -i 's/a - b/a + b/' sum.js`),
          { blocks: ['Ok.'] },
        ],
      },
      { agent: { iterations: 3 } },
    );
    const { data } = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'discarded', iterations: 1 });
    expect(data.reason).toContain('protected-path in package.json');
    expect(new Set(bench.ofType('check_ran').map((entry) => entry.data.tree)).size).toBe(1);
  });

  it.runIf(THOROUGH)('ends empty when nothing was changed, and when nothing is worth doing', async () => {
    const idle = await workbench({ steps: [planStep(), { blocks: ['It is good as it is.'] }] });
    expect((await cycle(idle)).data).toMatchObject({ outcome: 'empty', reason: 'the agent changed nothing' });
    const content = await workbench({ steps: [planStep({ nothing: true })] });
    expect((await cycle(content)).data.outcome).toBe('empty');
    expect(content.ofType('agent_ran')).toHaveLength(1);
  });

  it('never pushes what could not be evaluated', async () => {
    const bench = await workbench(CLEAN_FIX, {
      project: { checks: [{ name: 'tests', run: 'grep -q "a - b" sum.js || exit 127', parse: 'exit' }] },
    });
    const { data } = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'unevaluated' });
    expect(data.reason).toContain('127');
    expect(await bench.branches()).toEqual([]);
    expect(existsSync(join(bench.home, data.patch!))).toBe(true);
  });

  it('asks no model when there is no baseline', async () => {
    const bench = await workbench(CLEAN_FIX, {
      project: { checks: [{ name: 'tests', run: 'sleep 30', parse: 'exit', timeout: '300ms' }] },
    });
    const { data } = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'unevaluated', costUsd: 0 });
    expect(data.reason).toContain('still running');
    expect(bench.api.log).toEqual([]);
  });

  it.runIf(THOROUGH)(
    'looks once more at a test that failed and passed before, and calls it flaky when it passes',
    async () => {
      const flaky = `import test from 'node:test';
import { appendFileSync, readFileSync, existsSync } from 'node:fs';
const seen = process.env.SEEN;
test('sometimes', () => {
  const runs = existsSync(seen) ? readFileSync(seen, 'utf8').length : 0;
  appendFileSync(seen, 'x');
  if (runs === 2) throw new Error('not this time');
});
`;
      const bench = await createWorkbench({
        scenarios: { alpha: CLEAN_FIX },
        files: { ...SMALL, 'flaky.test.js': flaky },
      });
      benches.push(bench);
      const config = join(bench.home, 'winnow.config.yaml');
      const { writeFileSync } = await import('node:fs');
      writeFileSync(
        config,
        readFileSync(config, 'utf8').replace(
          '    branch: main',
          `    env: { SEEN: "${join(bench.dir, 'seen')}" }\n    branch: main`,
        ),
      );
      const { data } = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'pushed', verdict: 'better' });
      expect(bench.ofType('test_flaky').map((entry) => entry.data.test)).toEqual([
        expect.stringContaining('sometimes'),
      ]);
    },
  );

  it.runIf(THOROUGH)('judges the change merged with what reached main meanwhile', async () => {
    const bench = await workbench({
      steps: [planStep(), bash(`sed -i 's/a - b/a + b/' sum.js`), { blocks: ['Done.'], hold: 'pushed by somebody' }],
    });
    const running = cycle(bench);
    await bench.api.waitFor((request) => request.step === 2, WAIT_MAX_MS);
    const tip = await bench.commit({ 'other.js': 'export const one = 1;\n' });
    bench.api.release('pushed by somebody');
    const { data } = await running;
    expect(data).toMatchObject({ outcome: 'pushed', base: tip });
    expect(bench.ofType('main_moved').map((entry) => entry.data.commits)).toEqual([0, 1]);
  });

  it.runIf(THOROUGH)('discards a change that conflicts with what reached main meanwhile', async () => {
    const bench = await workbench({
      steps: [planStep(), bash(`sed -i 's/a - b/a + b/' sum.js`), { blocks: ['Done.'], hold: 'pushed by somebody' }],
    });
    const running = cycle(bench);
    await bench.api.waitFor((request) => request.step === 2, WAIT_MAX_MS);
    await bench.commit({ 'sum.js': 'export const sum = (a, b) => b + a;\nexport const twice = (a) => 2 * a;\n' });
    bench.api.release('pushed by somebody');
    const { data } = await running;
    expect(data.outcome).toBe('discarded');
    expect(data.reason).toContain('conflicts');
    expect(data.reason).toContain('sum.js');
  });

  it.runIf(THOROUGH)('says what the remote said when it refuses the branch, and keeps the work', async () => {
    const bench = await workbench(CLEAN_FIX);
    await remoteHook(bench, 'pre-receive', 'echo "no branches on Sundays" >&2; exit 1');
    const { data } = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'failed', failure: 'push-refused' });
    expect(data.reason).toContain('no branches on Sundays');
    expect(existsSync(join(bench.home, data.patch!))).toBe(true);
    expect(bench.ofType('intent_settled')).toEqual([
      expect.objectContaining({ data: expect.objectContaining({ done: false }) }),
    ]);
  });

  it('runs none of the repository’s own hooks and Claude settings, and holds no way to push', async () => {
    const trap = (name: string) => `#!/bin/sh\ntouch "$TRAPS/${name}"\n`;
    const settings = JSON.stringify({
      hooks: {
        PreToolUse: [{ matcher: '*', hooks: [{ type: 'command', command: 'touch /tmp/winnow-trap-settings' }] }],
      },
      permissions: { defaultMode: 'bypassPermissions' },
    });
    const bench = await workbench(
      {
        steps: [
          planStep(),
          bash(
            `mkdir -p .git/hooks && printf '#!/bin/sh\\ntouch ../trap-hook\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit; git config core.fsmonitor 'touch ../trap-fsmonitor'; git config filter.x.clean 'touch ../trap-filter'; echo '*.js filter=x' > .gitattributes`,
          ),
          bash(
            `git remote -v; git push origin HEAD:main 2>&1; git push "${'$'}(cat .git/objects/info/alternates)/.." HEAD:main 2>&1; env`,
          ),
          bash(`rm -f .gitattributes; sed -i 's/a - b/a + b/' sum.js`),
          { blocks: ['Done.'] },
        ],
      },
      { files: { ...SMALL, '.claude/settings.json': settings, '.husky/pre-commit': trap('husky') } },
    );
    const main = await bench.git('--git-dir', bench.remote, 'rev-parse', 'main');
    const { data } = await cycle(bench);
    expect(data.outcome).toBe('pushed');
    expect(await bench.git('--git-dir', bench.remote, 'rev-parse', 'main')).toBe(main);
    for (const name of ['trap-hook', 'trap-fsmonitor', 'trap-filter']) {
      expect(existsSync(join(bench.home, '.winnow/workspaces', name))).toBe(false);
    }
    expect(existsSync('/tmp/winnow-trap-settings')).toBe(false);
    const shown = bench.api.log.flatMap((request) => request.toolResults.map((result) => result.text)).join('\n');
    expect(shown).toContain('WINNOW_RUN=');
    expect(shown).not.toMatch(/SSH_AUTH_SOCK|GITHUB_TOKEN/);
  });

  it.runIf(THOROUGH)('leaves nothing alive that the agent started and detached', async () => {
    const bench = await workbench({
      steps: [
        planStep(),
        bash('nohup sleep 1000 >/dev/null 2>&1 & setsid -f sleep 1001; sed -i "s/a - b/a + b/" sum.js'),
        { blocks: ['Done.'] },
      ],
    });
    expect((await cycle(bench)).data.outcome).toBe('pushed');
  });
});
