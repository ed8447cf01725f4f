import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import { checkHome } from '../../src/desk/check.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { ensureDependencies } from '../../src/flow/measure.ts';
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

const LISTED_ROWS = [
  ['wall: network of sessions', 'ok'],
  ['wall: network of installs', 'ok'],
];

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
        ...(sandbox === 'bwrap' ? LISTED_ROWS : []),
      ]);
    });
  });
}

const noBwrap = await standing('bwrap');
describe.skipIf(noBwrap !== '')(
  `the network of sessions and installs behind bwrap${noBwrap === '' ? '' : ` (not here: ${noBwrap})`}`,
  () => {
    /** Asks for each place, directly and by the proxy, and says what it got. */
    const ASK = `import http from 'node:http';
const get = (options) => new Promise((done) => http.get({ ...options, agent: false }, (reply) => {
  let text = '';
  reply.on('data', (chunk) => { text += chunk; }).on('end', () => done(reply.statusCode + ' ' + text.trim()));
}).on('error', ({ code }) => done(code)));
const proxy = new URL(process.env.HTTP_PROXY);
for (const place of process.argv.slice(2)) {
  const { hostname, port } = new URL(place);
  console.log('direct: ' + await get({ host: hostname, port }));
  console.log('by proxy: ' + await get({ host: proxy.hostname, port: proxy.port, path: place }));
}
`;

    it('let the real Claude Code reach its service and what is listed; the rest is refused and told of', async () => {
      const [listed, other] = [await serve('of the list'), await serve('of nobody')];
      const ask = `node ask.js http://127.0.0.1:${listed.port}/ http://127.0.0.1:${other.port}/ http://example.com/`;
      const scenario: Scenario = {
        steps: [planStep(), bash(`${ask}; sed -i 's/a - b/a + b/' sum.js`), { blocks: ['It adds now.'] }],
      };
      const here = await workbench({
        scenarios: { alpha: scenario },
        files: { ...SMALL, 'ask.js': ASK },
        agent: { sandbox: 'bwrap', hosts: [`127.0.0.1:${listed.port}`] },
      });
      const { data } = await cycle(here);
      expect(data).toMatchObject({ outcome: 'pushed', verdict: 'better' });
      const said = toolResults(here)
        .split('\n')
        .filter((line) => /^(direct|by proxy): /.test(line));
      expect(said.slice(0, 4)).toEqual([
        'direct: 200 of the list',
        'by proxy: 200 of the list',
        'direct: ECONNREFUSED',
        expect.stringMatching(/^by proxy: 403 127\.0\.0\.1:\d+ is not among the hosts/),
      ]);
      expect(said).toContainEqual(expect.stringMatching(/^by proxy: 403 example\.com:80 is not among/));
      const [plan, hack] = here.bench.ofType('agent_ran');
      expect(plan?.data.refused).toBeUndefined();
      expect(hack?.data.refused).toEqual([`127.0.0.1:${other.port}`, 'example.com:80']);
      expect(readdirSync(join(here.bench.home, '.winnow/tmp/ways.all'))).toEqual([]);
    });

    it('let npm ci fetch from the registry that the environment names; what a package asks for elsewhere is told of', async () => {
      const registry = await serveRegistry();
      const url = `http://127.0.0.1:${registry.port}`;
      const manifest = {
        ...{ name: 'small', version: '1.0.0', private: true, type: 'module' },
        ...{ dependencies: { dep: '1.0.0' }, scripts: { postinstall: 'node ask.js http://example.com/ > told' } },
      };
      const { scripts: _, ...root } = manifest;
      const lock = {
        ...{ name: 'small', version: '1.0.0', lockfileVersion: 3 },
        packages: {
          '': root,
          'node_modules/dep': { version: '1.0.0', integrity: registry.integrity },
        },
      };
      const files = {
        ...{ ...SMALL, 'ask.js': ASK },
        ...{ 'package.json': JSON.stringify(manifest), 'package-lock.json': JSON.stringify(lock) },
      };
      const project = { install: 'npm ci --no-audit --no-fund', env: { npm_config_registry: url } };
      const here = await workbench({ scenarios: { alpha: CLEAN_FIX }, files, agent: { sandbox: 'bwrap' }, project });
      expect((await cycle(here)).data).toMatchObject({ outcome: 'pushed', verdict: 'better' });
      expect(registry.asked).toEqual(['/dep', '/dep/-/dep-1.0.0.tgz']);
      expect(here.bench.ofType('install_ran')).toMatchObject([{ data: { ok: true, refused: ['example.com:80'] } }]);

      // The same without a word about it: on this machine nothing is reached that nobody has named.
      const silent = { install: `npm ci --no-audit --no-fund --fetch-retries=0 --registry=${url}` };
      const alone = await workbench({
        ...{ scenarios: { alpha: CLEAN_FIX }, files, agent: { sandbox: 'bwrap' }, project: silent },
      });
      await cycle(alone);
      const [failed] = alone.bench.ofType('install_ran');
      expect(failed?.data).toMatchObject({ ok: false, message: expect.stringContaining('ECONNREFUSED') });
      expect(registry.asked).toHaveLength(2);
    });

    it('are opened by the lockfile of the branch that winners land on, and not by that of a session', async () => {
      const lockOf = (host: string) => `{ "packages": { "a": { "resolved": "http://${host}/a.tgz" } } }`;
      const ask = 'node ask.js http://of-main.invalid/ http://of-session.invalid/; true';
      const here = await workbench({
        scenarios: { alpha: CLEAN_FIX },
        files: { ...SMALL, 'ask.js': ASK, 'package-lock.json': lockOf('of-main.invalid') },
        agent: { sandbox: 'bwrap' },
        project: { install: ask },
      });
      const { shop } = here.factory;
      const project = here.factory.config().projects[0]!;
      const mirror = await shop.mirrorOf(project);
      if (!mirror.ok || !(await mirror.value.fetch()).ok) throw new Error('no mirror');
      writeFileSync(join(here.bench.dir, 'work/package-lock.json'), lockOf('of-session.invalid'));
      await here.bench.git('commit', '--quiet', '--all', '--message', 'Open the wall');
      await here.bench.git('push', '--quiet', mirror.value.dir, 'HEAD:refs/winnow/session');
      const { signal } = new AbortController();
      const installed = await ensureDependencies(
        shop,
        { project, mirror: mirror.value, signal },
        'refs/winnow/session',
      );
      // What is listed and not there is looked for, which is no refusal.
      expect(installed).toMatchObject({ ok: true, value: { ran: true, refused: ['of-session.invalid:80'] } });
    });

    it('are open where the configuration says so, and winnow check warns of it', async () => {
      const other = await serve('of nobody');
      const ask = `node -e "fetch('http://127.0.0.1:${other.port}/').then((r) => r.text()).then(console.log)"`;
      const scenario: Scenario = { steps: [planStep(), bash(ask), { blocks: ['Nothing.'] }] };
      const here = await workbench({ scenarios: { alpha: scenario }, agent: { sandbox: 'bwrap', network: 'open' } });
      await cycle(here);
      expect(toolResults(here)).toContain('of nobody');
      const rows = (await checkHome(here.factory)).filter(({ name }) => name.startsWith('wall: network of'));
      expect(rows.map(({ name, state }) => [name, state])).toEqual(LISTED_ROWS.map(([name]) => [name, 'warn']));
    });
  },
);

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const up = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as { port: number }).port;
};

const serve = async (text: string) => ({ port: await up(createServer((_, answer) => answer.end(text))) });

/** A registry with one package, as npm packs it. */
const serveRegistry = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-registry-'));
  writeFileSync(join(dir, 'package.json'), '{ "name": "dep", "version": "1.0.0" }');
  const env = { ...process.env, npm_config_offline: 'true', npm_config_cache: join(dir, 'cache') };
  await execa('npm', ['pack', '--silent'], { cwd: dir, env, stdin: 'ignore' });
  const tarball = readFileSync(join(dir, 'dep-1.0.0.tgz'));
  rmSync(dir, { recursive: true });
  const asked: string[] = [];
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const port = await up(
    createServer(({ url = '', headers }, answer) => {
      asked.push(url);
      if (url.endsWith('.tgz')) return void answer.end(tarball);
      const dist = { tarball: `http://${headers.host}/dep/-/dep-1.0.0.tgz`, integrity };
      answer.setHeader('content-type', 'application/json');
      answer.end(JSON.stringify({ name: 'dep', versions: { '1.0.0': { name: 'dep', version: '1.0.0', dist } } }));
    }),
  );
  return { port, asked, integrity };
};

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
