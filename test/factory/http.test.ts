import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { runTrain } from '../../src/roles/train.ts';
import { until } from '../journal/workbench.ts';
import { createWorkbench, type Workbench } from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});
const create = async (http: object, homeFiles: Record<string, string> = {}): Promise<Workbench> => {
  const bench = await createWorkbench({ sessions: ['alpha'], config: { http }, homeFiles });
  benches.push(bench);
  return bench;
};

const listening = async (child: ChildProcess): Promise<string> => {
  let out = '';
  child.stdout?.on('data', (data) => {
    out += data;
  });
  await until(() => out.includes('stop it with Ctrl-C') || child.exitCode !== null, 'the server');
  return out;
};

/** As `curl --unix-socket .winnow/http.sock` does. */
const ask = (
  { home }: Workbench,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; json: Record<string, unknown> }> =>
  new Promise((resolve, reject) => {
    const headers = body ? { 'content-type': 'application/json' } : {};
    const asked = request({ socketPath: join(home, '.winnow/http.sock'), method, path, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, json: JSON.parse(body) }), reject);
    });
    asked.on('error', reject);
    asked.end(body && JSON.stringify(body));
  });

const curl = (() => {
  try {
    execFileSync('curl', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

describe('winnow http', () => {
  it('takes triggers while the factory is down, and what it acknowledged outlives its sudden death', async () => {
    const bench = await create({ port: 0 });
    const first = bench.start('http');
    expect(await listening(first.child)).toMatch(/^HTTP on http:\/\/127\.0\.0\.1:\d+ and unix:.*http\.sock;/);
    const asked = await ask(bench, 'POST', '/trigger/review');
    expect(asked).toMatchObject({ status: 202, json: { state: 'waits' } });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = bench.start('http');
    await listening(second.child);
    expect(await ask(bench, 'GET', `/requests/${asked.json.id}`)).toMatchObject({
      status: 200,
      json: { what: 'review', by: { face: 'http', name: 'socket' } },
    });
    expect(await ask(bench, 'POST', '/trigger/review')).toMatchObject({ json: { state: 'joined', id: asked.json.id } });
    expect(await ask(bench, 'GET', '/health')).toMatchObject({ json: { ready: false, factory: 'down' } });
    second.child.kill('SIGTERM');
    expect(await second.done).toMatchObject({ code: 0, err: '' });
    await expect(ask(bench, 'GET', '/health')).rejects.toThrow();
  });

  // curl is the reader's own tool: where there is none, its examples cannot be tried.
  it.runIf(curl)('does what the examples of its page say', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8');
    const commands = page
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('curl ') && line.includes('--unix-socket'));
    expect(commands).toHaveLength(4);
    const bench = await create({ port: 0 });
    const { child, done } = bench.start('http');
    await listening(child);
    for (const command of commands.filter((line) => !line.includes('/events'))) {
      const { stdout } = await execa('sh', ['-c', `${command} --silent --fail`], { cwd: bench.home });
      expect(JSON.parse(stdout), command).toBeTypeOf('object');
    }
    const events = execa('sh', ['-c', `exec ${commands.find((line) => line.includes('/events'))} --silent`], {
      cwd: bench.home,
      reject: false,
    });
    let told = '';
    events.stdout.on('data', (data) => {
      told += data;
    });
    await until(() => told.includes('retry:'), 'the stream');
    child.kill('SIGTERM');
    expect(await done).toMatchObject({ code: 0 });
    await events;
  });

  it('decides what lands and takes it back, on a real repository', async () => {
    const bench = await create({ port: 0 });
    await listening(bench.start('http').child);
    const factory = await bench.open();
    const push = async (name: string): Promise<string> => {
      const branch = `brl/alpha/${name}`;
      const commit = await bench.commit({ [`${name}.js`]: `export const ${name} = 1;\n` }, `Add ${name}`);
      // To a branch and not to main.
      await bench.git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`, 'HEAD~1:refs/heads/main');
      const [base, tree] = (await bench.git('rev-parse', 'HEAD~1', 'HEAD^{tree}')).split('\n');
      factory.journal.append<'branch_pushed'>({
        type: 'branch_pushed',
        ...{ project: 'small', session: 'alpha', cycle: name },
        data: { branch, commit, base: base!, tree: tree! },
      });
      return encodeURIComponent(branch);
    };
    const [good, bad] = [await push('good'), await push('bad')];
    expect(await ask(bench, 'POST', `/queue/${good}/approve`)).toMatchObject({
      status: 200,
      json: { note: 'brl/alpha/good is approved; the train takes it' },
    });
    expect(await ask(bench, 'POST', `/queue/${bad}/reject`, { reason: 'not wanted' })).toMatchObject({
      status: 200,
      json: { note: expect.stringMatching(/brl\/alpha\/bad is rejected; its patch is logs\/patches\/./) },
    });
    const train = () => runTrain(factory.shop, factory.config().projects[0]!, new AbortController().signal);
    expect(await train()).toMatchObject({ ok: true });
    const files = async () => {
      await bench.git('fetch', '--quiet', 'origin');
      return (await bench.git('ls-tree', '--name-only', 'origin/main')).split('\n');
    };
    expect(await files()).toContain('good.js');
    expect(await files()).not.toContain('bad.js');
    expect(await bench.branches()).toEqual([]);
    const reverted = await ask(bench, 'POST', '/revert', { what: 'brl/alpha/good', reason: 'it was too early' });
    expect(reverted).toMatchObject({ status: 200, json: { note: expect.stringContaining('rides the train') } });
    expect(await train()).toMatchObject({ ok: true });
    expect(await files()).not.toContain('good.js');
    expect(bench.ofType('cto_review').map(({ data }) => [data.decision, data.name])).toContainEqual([
      'approve',
      'socket (http)',
    ]);
  });

  it('puts a skill aside and back, and changes a prompt as it was proposed', async () => {
    const bench = await create(
      { port: 0 },
      { 'skills/fixtures/SKILL.md': '---\nname: fixtures\ndescription: Where fixtures live\n---\nIn test/fixtures.\n' },
    );
    await listening(bench.start('http').child);
    const factory = await bench.open();
    const change = { file: 'sessions/alpha.md', find: 'what is broken', replace: 'one thing', why: 'too much at once' };
    factory.journal.append<'prompt_proposed'>({
      type: 'prompt_proposed',
      ...{ session: 'alpha', project: 'small', data: { proposal: '01KKN3V8ZC00000000000PROP1', change, evidence: [] } },
    });
    expect(await ask(bench, 'POST', '/skills/fixtures/retire', { reason: 'outdated' })).toMatchObject({
      status: 200,
      json: { note: expect.stringMatching(/^fixtures is put aside as skills\/\.retired\/fixtures/) },
    });
    expect(await ask(bench, 'GET', '/crew')).toMatchObject({
      json: {
        skills: [{ name: 'fixtures', retired: { reason: 'outdated' } }],
        proposals: [{ change: { file: 'sessions/alpha.md' } }],
      },
    });
    expect(existsSync(join(bench.home, 'skills/fixtures'))).toBe(false);
    expect(await ask(bench, 'POST', '/skills/fixtures/restore')).toMatchObject({ status: 200 });
    expect(existsSync(join(bench.home, 'skills/fixtures/SKILL.md'))).toBe(true);
    expect(await ask(bench, 'POST', '/skills/fixtures/restore')).toMatchObject({ status: 404 });
    expect(await ask(bench, 'POST', '/proposals/prop1/apply')).toMatchObject({
      status: 200,
      json: { note: 'sessions/alpha.md is changed' },
    });
    expect(readFileSync(join(bench.home, 'sessions/alpha.md'), 'utf8')).toContain('Mend one thing.');
    expect(await ask(bench, 'POST', '/proposals/prop1/dismiss', { reason: 'no' })).toMatchObject({ status: 400 });
  });

  it('is refused on an address that others can reach without a token, with the mend', async () => {
    const bench = await create({ host: '0.0.0.0', port: 0 });
    const { code, out, err } = await bench.start('http').done;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('since other machines can reach 0.0.0.0');
    expect(err).toContain('Mend the named keys in winnow.config.yaml');
  });
});
