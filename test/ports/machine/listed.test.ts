import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { listedHost } from '../../../src/policy/hosts.ts';
import { climbWalls } from '../../../src/ports/machine/climb.ts';
import { type CommandRequest, createCommands } from '../../../src/ports/machine/command.ts';
import { findMarked } from '../../../src/ports/machine/processes.ts';
import { createWalls, toolPlaces } from '../../../src/ports/machine/sandbox.ts';
import { createSlots } from '../../../src/ports/machine/slots.ts';
import { detectReaper } from '../../../src/ports/machine/walls.ts';

/** Rooms whose network is a list: bubblewrap, the relay and the proxy as they are, and servers of this test outside. */

const ROOT = resolve(import.meta.dirname, '../../..');
const reaper = await detectReaper();

let home: string;
const servers: Server[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'winnow-listed-'));
  for (const dir of ['room', 'home', 'tmp', 'deps']) mkdirSync(at(dir), { recursive: true });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

const at = (...parts: string[]) => join(home, '.winnow', ...parts);
const walls = (relay = join(ROOT, 'dist/relay.js')) =>
  createWalls({
    wanted: () => ({ kind: 'bwrap', user: '', readable: [] }),
    reaper,
    disposable: at(),
    shown: () => [at('deps'), at('shims'), at('slots.id'), ...toolPlaces(process.env, [join(ROOT, 'dist')], [home])],
    relay,
    hidden: [],
  });
const request = (command: string, hosts: string[]): CommandRequest => ({
  command,
  cwd: at('room'),
  env: { PATH: process.env.PATH ?? '', HOME: at('home'), TMPDIR: at('tmp') },
  timeoutMs: 60_000,
  outputMaxBytes: 1024 ** 2,
  marker: `listed-${Math.random()}`,
  network: { hosts: hosts.map((text) => listedHost(text)), upstream: {} },
});
const run = (command: string, hosts: string[], over: Partial<CommandRequest> = {}) =>
  createCommands({ clock: systemClock, reaper, walls: walls() }).run({ ...request(command, hosts), ...over });

home = mkdtempSync(join(tmpdir(), 'winnow-listed-'));
const stands = await walls().stand();
rmSync(home, { recursive: true });
const why = stands.ok ? '' : stands.error.message;

describe.skipIf(why !== '')(`a room whose network is a list${why === '' ? '' : ` (not here: ${why})`}`, () => {
  const climb = (hosts: string[]) =>
    climbWalls({
      commands: createCommands({ clock: systemClock, reaper, walls: walls() }),
      climber: join(ROOT, 'dist/climber.js'),
      disposable: at(),
      secretPlaces: [],
      network: { hosts: hosts.map((text) => listedHost(text)), upstream: {} },
    });

  it('is climbed by nothing', async () => {
    const none = { read: [], write: [], store: [], system: [], processes: [], network: [], leftovers: [], cut: [] };
    expect(await climb([])).toEqual({ ok: true, value: none });
  });

  it('is seen to be climbed where more is let through: the proof that it tries', async () => {
    expect(await climb(['0.0.0.0:9', '10.0.0.1:443'])).toMatchObject({
      ok: true,
      value: { network: ['CONNECT 10.0.0.1:443'], cut: [] },
    });
  });

  it('lets through what is listed, by its own door and by the proxy, and names what was asked for in vain', async () => {
    const [listed, other] = [await serve(), await serve()];
    const asked = await run(
      program(`
        const plain = (url) => get(url).then((r) => r.status + ' ' + r.text, (e) => e.code);
        console.log(await plain('http://127.0.0.1:${listed}/a'));
        console.log(await plain('http://localhost:${listed}/b'));
        console.log(await plain('http://127.0.0.1:${other}/c'));
        console.log((await tunnel('127.0.0.1:${listed}', 'GET /d HTTP/1.0\\r\\n\\r\\n')).split('\\r\\n').at(-1));
        console.log((await tunnel('127.0.0.1:${other}', '')).split(' ')[1]);
        console.log((await tunnel('example.com:443', '')).split(' ')[1]);
        console.log((await say('GET http://127.0.0.1:${listed}/e HTTP/1.1\\r\\nHost: example.com\\r\\nConnection: close\\r\\n\\r\\n')).split('\\r\\n\\r\\n')[1].match(/127.*/)[0]);
        console.log((await say('GET http://example.com/ HTTP/1.1\\r\\nHost: example.com\\r\\n\\r\\n')).split(' ')[1]);
      `),
      [`127.0.0.1:${listed}`],
    );
    expect(asked.stdout.trim().split('\n')).toEqual([
      `200 127.0.0.1:${listed} /a`,
      `200 localhost:${listed} /b`,
      'ECONNREFUSED',
      'undefined /d',
      '403',
      '403',
      `127.0.0.1:${listed} /e`,
      '403',
    ]);
    expect(asked.refused).toEqual([`127.0.0.1:${other}`, 'example.com:443', 'example.com:80']);
    expect(waysLeft()).toEqual([]);
  });

  it('tells programs where the proxy is, also those that were told otherwise', async () => {
    const told = await run('env | grep -i proxy | sort', [], {
      env: {
        ...{ PATH: process.env.PATH ?? '', HOME: at('home'), TMPDIR: at('tmp') },
        ...{ HTTP_PROXY: 'http://owner.example', npm_config_proxy: 'http://owner.example', ALL_PROXY: 'socks5://x' },
      },
    });
    expect(told.stdout).not.toMatch(/owner|socks/);
    const names = told.stdout.split('\n').flatMap((line) => line.split('=')[0] || []);
    expect(names).toEqual(
      expect.arrayContaining(['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']),
    );
    expect(names).toEqual(expect.arrayContaining(['npm_config_https_proxy', 'npm_config_noproxy', 'npm_config_proxy']));
  });

  it('carries many connections at once, each whole', async () => {
    const echo = await listen((socket) => socket.pipe(socket));
    const many = await run(
      program(`
        const one = (n) => new Promise((done) => {
          const sent = Buffer.alloc(100_000, String.fromCharCode(97 + n % 26));
          const heard = [];
          const socket = net.connect(${echo}, '127.0.0.1', () => socket.end(sent));
          socket.on('data', (chunk) => heard.push(chunk));
          socket.on('error', () => done(false));
          socket.on('close', () => done(Buffer.concat(heard).equals(sent)));
        });
        const all = await Promise.all(Array.from({ length: 120 }, (_, n) => one(n)));
        console.log(all.filter(Boolean).length);
      `),
      [`127.0.0.1:${echo}`],
    );
    expect(many.stdout).toBe('120\n');
  });

  it('passes on that one side has said its last word, and goes on with the other', async () => {
    const late = await listen((socket) => {
      let heard = 0;
      socket.on('data', (chunk) => {
        heard += chunk.length;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    const asked = await run(
      program(`
        const direct = () => new Promise((done) => {
          let said = '';
          const socket = net.connect({ port: ${late}, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end('12345'));
          socket.on('data', (chunk) => { said += chunk; });
          socket.on('close', () => done(said));
        });
        console.log(await direct());
        console.log((await tunnel('127.0.0.1:${late}', '123', true)).split('\\r\\n').at(-1));
      `),
      [`127.0.0.1:${late}`],
    );
    expect(asked.stdout).toBe('heard 5\nheard 3\n');
  });

  it('refuses what is no request, and serves the next one', async () => {
    const listed = await serve();
    const asked = await run(
      program(`
        const huge = 'GET http://127.0.0.1:${listed}/ HTTP/1.1\\r\\nHost: x\\r\\nX: ' + 'y'.repeat(20_000) + '\\r\\n\\r\\n';
        console.log((await say(huge)).split(' ')[1]);
        console.log((await say('\\u0016\\u0003\\u0001 no http\\r\\n\\r\\n')).split(' ')[1]);
        console.log((await say('CONNECT user@127.0.0.1:${listed} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')).split(' ')[1]);
        console.log((await say('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')).split(' ')[1]);
        console.log((await get('http://127.0.0.1:${listed}/after')).status);
      `),
      [`127.0.0.1:${listed}`],
    );
    expect(asked.stdout).toBe('431\n400\n403\n400\n200\n');
  });

  it('leaves whoever kills the relay alone', async () => {
    const listed = await serve();
    const asked = await run(
      program(`
        const relay = fs.readdirSync('/proc').filter(Number).find((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('relay.js\\0'));
        process.kill(Number(relay), 'SIGTERM');
        console.log((await get('http://127.0.0.1:${listed}/')).status);
        process.kill(Number(relay), 'SIGKILL');
        for (;;) {
          const code = await get('http://127.0.0.1:${listed}/').then(() => undefined, (error) => error.code);
          if (code === 'ECONNREFUSED') break;
        }
        console.log('alone');
      `),
      [`127.0.0.1:${listed}`],
    );
    expect(asked.stdout).toBe('200\nalone\n');
  });

  it('asks its program politely before it is killed, and nothing of it stays: no relay, no socket', async () => {
    const marker = `listed-${Math.random()}`;
    const script = "trap 'echo asked; exit 5' TERM; while :; do sleep 0.05; done";
    const ran = await run(script, [], { marker, timeoutMs: 1_500 });
    expect(ran).toMatchObject({ timedOut: true, exitCode: 5, stdout: 'asked\n' });
    expect(await findMarked(marker)).toEqual([]);
    expect(waysLeft()).toEqual([]);
  });

  it('ends with Winnow, however that dies', async () => {
    const script = `
      import { createCommands } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/command.js'))};
      import { createWalls, toolPlaces } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/sandbox.js'))};
      import { systemClock as clock } from ${JSON.stringify(join(ROOT, 'dist/base/clock.js'))};
      const walls = createWalls({ wanted: () => ({ kind: 'bwrap', user: '', readable: [] }), reaper: { kind: 'sweep', prefix: [], humble: [] },
        disposable: ${JSON.stringify(at())}, shown: () => toolPlaces(process.env, [${JSON.stringify(join(ROOT, 'dist'))}], []),
        relay: ${JSON.stringify(join(ROOT, 'dist/relay.js'))}, hidden: [] });
      await createCommands({ clock, walls }).run({ command: 'touch begun; sleep 600', cwd: ${JSON.stringify(at('room'))},
        env: { PATH: process.env.PATH, HOME: ${JSON.stringify(at('home'))}, TMPDIR: ${JSON.stringify(at('tmp'))} },
        timeoutMs: 600_000, outputMaxBytes: 1000, marker: process.argv[1], network: { hosts: [], upstream: {} } });`;
    const marker = `listed-${Math.random()}`;
    const winnow = spawn(process.execPath, ['--input-type=module', '-e', script, marker], { stdio: 'ignore' });
    await expect.poll(() => existsSync(at('room/begun')), WAIT).toBe(true);
    expect((await findMarked(marker)).length).toBeGreaterThan(2);
    winnow.kill('SIGKILL');
    await expect.poll(() => findMarked(marker), WAIT).toEqual([]);
  });

  it('gives its tools the slots of the home, in the same queue as everybody else', async () => {
    mkdirSync(at('shims'));
    writeFileSync(at('room/tsc'), '#!/bin/sh\necho "holds: $WINNOW_SLOTS_HELD"\n', { mode: 0o755 });
    const slots = createSlots({ dir: at(), who: 'a check', clock: systemClock });
    const lease = await slots.acquire('tsc', 1, { who: 'a check', waitMs: 10_000 });
    if (!lease.ok) throw new Error(lease.error.message);
    const shim = [join(ROOT, 'dist/shim.js'), 'tsc', 'tsc', '1', at('shims'), at(), '60000'];
    const running = run(`PATH="$PWD:$PATH" node ${shim.join(' ')}`, []);
    const waiting = async () => (await slots.view()).flatMap(({ waiting: all }) => all.map(({ who }) => who));
    await expect.poll(waiting, WAIT).toEqual([expect.stringMatching(/^listed-.* tsc$/)]);
    lease.value.release();
    expect((await running).stdout).toBe('holds: tsc\n');
    await slots.close();
  });

  it('does not begin where a listed port of this machine cannot be had within', async () => {
    const ran = await run('touch ran', ['localhost']);
    expect(ran).toMatchObject({ spawnError: 'wall-missing', stderr: expect.stringContaining('localhost:80') });
    expect(existsSync(at('room/ran'))).toBe(false);
    expect(waysLeft()).toEqual([]);
  });

  it('does not begin without its relay, and says so', async () => {
    const commands = createCommands({ clock: systemClock, reaper, walls: walls(at('no-such-relay.js')) });
    const ran = await commands.run(request('touch ran', []));
    expect(ran).toMatchObject({ exitCode: null, spawnError: 'EAGAIN' });
    expect(ran.stderr).toContain('no way to the network');
    expect(existsSync(at('room/ran'))).toBe(false);
  });
});

const WAIT = { timeout: 120_000, interval: 20 };

/** Sockets of proxies in this home. */
const waysLeft = () => (existsSync(at('tmp/ways.all')) ? readdirSync(at('tmp/ways.all')) : []);

const listen = async (onSocket: (socket: Socket) => void): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  servers.push(server);
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  return (server.address() as { port: number }).port;
};

/** Says who was meant and what was asked for. */
const serve = async (): Promise<number> => {
  const server = createHttpServer((asked, answer) => answer.end(`${asked.headers.host} ${asked.url}`));
  servers.push(server);
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  return (server.address() as { port: number }).port;
};

/** A program within the room, and how it asks. */
const program = (text: string): string => {
  const begin = `
    import fs from 'node:fs'; import http from 'node:http'; import net from 'node:net';
    const get = (url) => new Promise((done, failed) => http.get(url, { agent: false }, (reply) => {
      let text = ''; reply.on('data', (chunk) => { text += chunk; }).on('end', () => done({ status: reply.statusCode, text }));
    }).on('error', failed));
    const say = (words) => new Promise((done) => {
      let said = '';
      const socket = net.connect(Number(new URL(process.env.HTTP_PROXY).port), '127.0.0.1', () => socket.write(words));
      socket.on('data', (chunk) => { said += chunk; }).on('error', () => {}).on('close', () => done(said));
    });
    const tunnel = (to, words, ends) => new Promise((done) => {
      let said = '';
      const socket = net.connect({ port: Number(new URL(process.env.HTTP_PROXY).port), host: '127.0.0.1', allowHalfOpen: true });
      socket.write('CONNECT ' + to + ' HTTP/1.1\\r\\nHost: ' + to + '\\r\\n\\r\\n');
      socket.once('data', () => ends ? socket.end(words) : socket.write(words));
      socket.on('data', (chunk) => { said += chunk; }).on('error', () => {});
      socket.on('end', () => { socket.end(); done(said); });
    });`;
  return `node --input-type=module -e ${`'${`${begin}${text}`.replaceAll("'", `'\\''`)}'`}`;
};
