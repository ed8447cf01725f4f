import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import { checkHome } from '../../src/desk/check.ts';
import type { Factory } from '../../src/desk/doors.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { runCycle } from '../../src/roles/session.ts';
import {
  bash,
  CLEAN_FIX,
  createWorkbench,
  planStep,
  SMALL,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

interface Here {
  bench: Workbench;
  factory: Factory;
}

const workbench = async (options: WorkbenchOptions): Promise<Here> => {
  const bench = await createWorkbench(options);
  benches.push(bench);
  // Another user has to come to what is shown to it.
  chmodSync(bench.dir, 0o755);
  return { bench, factory: await bench.open() };
};

const cycle = async ({ factory }: Here): Promise<EntryOf<'ralph_cycle'>> => {
  const session = factory.sessions()[0]!;
  const result = await runCycle(factory.shop, { session, trigger: 'manual', signal: new AbortController().signal });
  if (!result.ok) throw new Error(result.error.message);
  expect(await findMarked(result.value.cycle!, 'prefix')).toEqual([]);
  return result.value;
};

const toolResults = ({ bench }: Here): string =>
  bench.api.log
    .flatMap(({ toolResults: results }) => results)
    .map(({ text }) => text)
    .join('\n');

const USER = 'nobody';
const SECRET = 'q7Rt2Lx9Vb4Nk8Zp3Wm6Hd1c';

const standing = async (sandbox: 'bwrap' | 'user'): Promise<string> => {
  const bench = await createWorkbench({ agent: { sandbox, user: USER } });
  try {
    const stands = await (await bench.open()).shop.walls.stand();
    if (!stands.ok) return stands.error.message;
    const root = resolve(import.meta.dirname, '../..');
    return sandbox === 'user' && !othersMayEnter(root) ? `others may not enter ${root}` : '';
  } finally {
    await bench.close();
  }
};
const othersMayEnter = (dir: string): boolean =>
  (statSync(dir).mode & 0o001) !== 0 && (dir === '/' || othersMayEnter(dirname(dir)));

for (const sandbox of ['bwrap', 'user'] as const) {
  const why = await standing(sandbox);
  describe.skipIf(why !== '')(`a cycle behind the wall of ${sandbox}${why === '' ? '' : ` (not here: ${why})`}`, () => {
    it('does its work with the real Claude Code, its tools and its slots, and comes to nothing else', async () => {
      const attempts = [
        'cd ../../..; cat .env winnow.config.yaml logs/experiment-log.jsonl; echo mine > sessions/mallory.md; cd -',
        'echo "processes: $(ls -d /proc/[0-9]* | wc -l)"',
        // Behind the shims, which come first, and before whatever else this machine has.
        'PATH="$(echo "$PATH" | sed "s|:|:$PWD/tools:|")" tsc',
        'echo "commits: $(git log --oneline | wc -l)"',
        `sed -i 's/a - b/a + b/' sum.js`,
      ];
      const scenario: Scenario = { steps: [planStep(), bash('sh ./try.sh'), { blocks: ['It adds now.'] }] };
      const here = await workbench({
        scenarios: { alpha: scenario },
        files: {
          ...SMALL,
          'try.sh': `${attempts.join('\n')}\n`,
          'tools/tsc': '#!/bin/sh\necho "holds: $WINNOW_SLOTS_HELD"\n',
          'install.sh':
            'mkdir -p node_modules/dep; echo "module.exports = 1" > node_modules/dep/index.js; cat ../../../../.env\n',
        },
        homeFiles: { '.env': `SOME_TOKEN=${SECRET}\n` },
        agent: { sandbox, user: USER },
        config: { slots: { test: 2, tsc: 1 } },
        project: { install: 'sh install.sh; test -f node_modules/dep/index.js', lockfiles: ['install.sh'] },
      });
      await here.bench.git('update-index', '--chmod=+x', 'tools/tsc');
      await here.bench.git('commit', '--quiet', '--message', 'A tool');
      await here.bench.git('push', '--quiet', 'origin', 'HEAD:main');
      const { data } = await cycle(here);
      expect(data.reason).toContain('better');
      expect(data).toMatchObject({ outcome: 'pushed', verdict: 'better', before: { failed: 1 }, after: { failed: 0 } });
      const said = toolResults(here);
      expect(said).toContain('holds: tsc');
      expect(said).toContain('commits: 2');
      expect(Number(/processes: (\d+)/.exec(said)?.[1])).toBeLessThan(
        sandbox === 'bwrap' ? 12 : Number.POSITIVE_INFINITY,
      );
      expect(said).not.toContain('projects:');
      expect(said).not.toContain('"type"');
      expect(existsSync(join(here.bench.home, 'sessions/mallory.md'))).toBe(false);
      expect(here.bench.ofType('install_ran')).toMatchObject([{ data: { ok: true } }]);
      const store = join(here.bench.home, '.winnow/deps');
      for (const name of readdirSync(store).filter((key) => /^[0-9a-f]{40}$/.test(key))) {
        expect(statSync(join(store, name, 'tree')).uid).toBe(process.getuid?.());
      }
    });

    it('is proven by winnow check, wall by wall', async () => {
      const here = await workbench({ scenarios: { alpha: CLEAN_FIX }, agent: { sandbox, user: USER } });
      const rows = (await checkHome(here.factory)).filter(({ name }) => name.startsWith('wall') || name === 'sandbox');
      const walls = ['read', 'write', 'store', 'system', 'processes', 'leftovers'].map((wall) => [
        `wall: ${wall}`,
        'ok',
      ]);
      expect(rows.map(({ name, state }) => [name, state])).toEqual([
        ['sandbox', 'ok'],
        ...walls,
        ['wall: network', sandbox === 'bwrap' ? 'ok' : 'warn'],
      ]);
    });
  });
}

describe('a stored login', () => {
  it('is not shown behind a wall: winnow check says so, and no run begins', async () => {
    const sandbox = (await standing('bwrap')) === '' ? 'bwrap' : 'user';
    const here = await workbench({ scenarios: { alpha: CLEAN_FIX }, agent: { sandbox, user: USER, env: {} } });
    if (here.factory.shop.environments.hasAgentCredential || !(await here.factory.shop.walls.stand()).ok) return;
    const rows = await checkHome(here.factory);
    expect(rows.find(({ name }) => name === 'wall: login')).toMatchObject({ state: 'fail' });
    const { data } = await cycle(here);
    expect(data).toMatchObject({ outcome: 'failed', failure: 'wall-missing' });
    expect(data.reason).toContain('CLAUDE_CODE_OAUTH_TOKEN');
    expect(here.bench.api.log).toEqual([]);
  });
});

describe('a wall that does not stand', () => {
  it('lets no session begin: no run, no check, and the reason with its mend', async () => {
    const here = await workbench({
      scenarios: { alpha: CLEAN_FIX },
      agent: { sandbox: 'user', user: 'no-such-user' },
    });
    const { data } = await cycle(here);
    expect(data).toMatchObject({ outcome: 'failed', failure: 'wall-missing' });
    expect(data.reason).toContain('agent.sandbox is user and ');
    expect(here.bench.ofType('agent_ran')).toEqual([]);
    expect(here.bench.ofType('check_ran')).toEqual([]);
    expect(here.bench.api.log).toEqual([]);
    const rows = await checkHome(here.factory);
    expect(rows.find(({ name }) => name === 'sandbox')).toMatchObject({ state: 'fail' });
  });
});

describe('a secret in disguise', () => {
  const encoded = Buffer.from(`x${SECRET}`).toString('base64');

  it.each<[what: string, script: string]>([
    ['in base64', `echo ${encoded} > notes.txt`],
    ['spread over lines', `printf '%s\\n' ${SECRET.match(/.{6}/g)?.join(' ')} > notes.txt`],
  ])('is published by no commit, and stands in no transcript: %s', async (_, script) => {
    const scenario: Scenario = {
      steps: [planStep(), bash(`${script}; sed -i 's/a - b/a + b/' sum.js; cat notes.txt`), { blocks: ['Done.'] }],
    };
    const here = await workbench({
      scenarios: { alpha: scenario },
      homeFiles: { '.env': `SOME_TOKEN=${SECRET}\n` },
    });
    const { data } = await cycle(here);
    expect(data.outcome).toBe('discarded');
    expect(data.findings).toContainEqual(expect.objectContaining({ kind: 'secret', file: 'notes.txt' }));
    const dir = join(here.bench.home, data.transcript!);
    const transcripts = readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
    const text = transcripts.map((name) => readFileSync(join(dir, name), 'utf8')).join('');
    expect(text).toContain('[withheld]');
    expect(text).not.toContain(encoded);
    expect(text).not.toContain(SECRET.slice(0, 6));
    for (const line of text.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('type');
  });
});
