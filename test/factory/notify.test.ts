import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPost } from '../../src/desk/posting.ts';
import { UNTIL_RESUMED } from '../../src/model/crew.ts';
import { type End, openEnd, silence } from '../ports/post/end.ts';
import { createWorkbench, WAIT_MAX_MS, type Workbench } from './workbench.ts';

/** Whole homes that tell real servers: the running post, its death, and the commands. */

let bench: Workbench;
let discord: End;
let ops: End;
const SECRET = 'TheTokenInTheUrl';

beforeEach(async () => {
  [discord, ops] = [await openEnd(`/api/webhooks/1/${SECRET}`), await openEnd()];
  bench = await createWorkbench({
    sessions: ['alpha', 'beta'],
    homeFiles: { '.env': `DISCORD=${discord.url}\nOPS=the signature of both\n` },
    config: {
      notify: { discord: 'env:DISCORD', webhooks: [{ name: 'ops', url: ops.url, secret: 'env:OPS' }] },
    },
  });
});
afterEach(async () => {
  await bench.close();
  await discord.close();
  await ops.close();
});

/** A fault that nobody expects ends the test. */
const rethrow = (error: unknown): never => {
  throw error;
};

const poll = async (holds: () => boolean, what: string): Promise<void> => {
  for (const end = Date.now() + WAIT_MAX_MS; !holds(); ) {
    if (Date.now() > end) throw new Error(`it did not come to pass that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const parked = (session: string) =>
  ({
    type: 'session_parked',
    session,
    project: 'api',
    data: { failure: 'error-looping', reason: 'the same error', until: UNTIL_RESUMED },
  }) as const;

describe('a running post', () => {
  it('tells at once what is written down by anybody, and leaves it to the next one when it stops', async () => {
    const factory = await bench.open();
    const stop = new AbortController();
    const told: string[] = [];
    const post = startPost({ factory, signal: stop.signal, tell: (line) => void told.push(line), fail: rethrow });
    factory.journal.append<'session_parked'>(parked('alpha'));
    await poll(() => discord.calls.length === 1 && ops.calls.length === 1, 'both were told');
    post.stop();
    await post.idle();
    factory.journal.append<'session_parked'>(parked('beta'));
    const next = startPost({ factory, signal: stop.signal, tell: (line) => void told.push(line), fail: rethrow });
    await poll(() => discord.calls.length === 2, 'the next one told it');
    stop.abort();
    await next.idle();
    expect(discord.calls.map(({ body }) => String(body.content).split(' is ')[0])).toEqual([
      'Session alpha',
      'Session beta',
    ]);
    expect(told).toEqual([]);
    expect(JSON.stringify(bench.entries())).not.toContain(SECRET);
  });

  it('that is killed while it sends is followed by one that sends it again under the same id', async () => {
    ops.next.push(silence);
    discord.next.push(silence);
    const child = startPosting(bench.home);
    await poll(() => ops.calls.length === 1 && discord.calls.length === 1, 'it was sending');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(bench.ofType('message_sending')).toHaveLength(2);
    expect(bench.ofType('message_sent')).toEqual([]);
    const [one, other] = [startPosting(bench.home), startPosting(bench.home)];
    await poll(() => bench.ofType('message_sent').length === 2, 'both were told');
    for (const each of [one, other]) {
      each.kill('SIGTERM');
      await once(each, 'exit');
    }
    expect(ops.calls).toHaveLength(2);
    expect(ops.calls[1]!.headers['x-winnow-id']).toBe(ops.calls[0]!.headers['x-winnow-id']);
    expect(ops.calls[1]!.text).toBe(ops.calls[0]!.text);
    expect(discord.calls.map(({ body }) => String(body.content).includes('may be a repetition'))).toEqual([
      false,
      true,
    ]);
    expect(bench.ofType('notice_raised')).toHaveLength(1);
  });
});

/** A process that parks a session, unless one did, and tells people until it is stopped. */
const startPosting = (home: string) => {
  const dist = fileURLToPath(new URL('../../dist', import.meta.url));
  const script = `
    import { openFactory } from '${dist}/factory.js';
    import { startPost } from '${dist}/desk/posting.js';
    const { value: factory } = await openFactory(${JSON.stringify(home)});
    const stop = new AbortController();
    if (!factory.journal.state().sessions.alpha?.parked) factory.journal.append(${JSON.stringify(parked('alpha'))});
    const post = startPost({ factory, signal: stop.signal, tell: (line) => console.error(line), fail: console.error });
    process.once('SIGTERM', async () => {
      stop.abort();
      await post.idle();
      await factory.close();
      process.exit(0);
    });
  `;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
};

describe('winnow notify', () => {
  it('tests every channel, prints what each said without its address, and fails when one does', async () => {
    const good = await bench.start('notify', 'test').done;
    expect(good).toMatchObject({
      code: 0,
      out: 'ok    discord      took it as 1\nok    webhook ops  took it as 1\n',
      err: '',
    });
    expect(discord.calls[0]!.body.content).toMatch(/^A test of Winnow: messages arrive here\./);
    expect(ops.calls[0]!.body).toMatchObject({ kind: 'test', state: null, home: 'home' });
    discord.next.push(404);
    const bad = await bench.start('notify', 'test', '--json').done;
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.out)).toEqual([
      { channel: 'discord', to: 'discord', ok: false, said: 'Discord answers 404; a notice would be given up' },
      { channel: 'webhook', to: 'ops', ok: true, said: 'took it as 2' },
    ]);
    expect(good.out + bad.out + bad.err).not.toContain(SECRET);
    expect(bench.ofType('message_queued')).toEqual([]);
  });

  it('lists what stands and what waits, also while nothing runs', async () => {
    const factory = await bench.open();
    await discord.down();
    const stop = new AbortController();
    const post = startPost({ factory, signal: stop.signal, tell: () => {}, fail: rethrow });
    factory.journal.append<'session_parked'>(parked('alpha'));
    await poll(() => bench.ofType('message_failed').length === 1, 'it could not be sent');
    stop.abort();
    await post.idle();
    await factory.close();
    const { code, out } = await bench.start('notify').done;
    expect(code).toBe(0);
    expect(out).toMatch(/^act {5}Session alpha is parked until you resume it: the same error\. \(/);
    expect(out).toContain('told: discord, webhook ops');
    expect(out).toMatch(/discord +Discord cannot be reached \(ECONNREFUSED\)(?:; again at)?.* Session alpha is parked/);
    const json = JSON.parse((await bench.start('notify', 'list', '--json').done).out) as {
      notices: unknown[];
      waiting: unknown[];
    };
    expect(json.notices).toMatchObject([{ notice: 'session-parked:alpha', kind: 'session-parked', severity: 'act' }]);
    expect(json.waiting).toMatchObject([{ channel: 'discord', attempts: 1 }]);
    const check = await bench.start('check', '--json').done;
    const rows = (JSON.parse(check.out) as { name: string }[]).filter(({ name }) => /^(discord|webhook)/.test(name));
    expect(rows).toMatchObject([
      { name: 'discord', state: 'warn', found: '1 waiting: Discord cannot be reached (ECONNREFUSED)' },
      { name: 'webhook ops', state: 'ok', found: 'is told of notices' },
    ]);
    expect(out + check.out).not.toContain(SECRET);
  });
});
