import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostOfUrl, type ListedHost, listedHost, type Upstream } from '../../../src/policy/hosts.ts';
import { openProxy, type RoomProxy } from '../../../src/ports/machine/proxy.ts';

/** The proxy of a room by itself, as what is inside could speak to it. */

let home: string;
const proxies: RoomProxy[] = [];
const servers: Server[] = [];
const sockets: Socket[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'winnow-proxy-'));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

const open = async (hosts: readonly ListedHost[], upstream: Upstream = {}, file = join(home, 'way')) => {
  const proxy = await openProxy({ file, listed: { hosts, upstream }, slots: join(home, 'slots') });
  proxies.push(proxy);
  return {
    proxy,
    /** The whole answer, until the other side ends. */
    say: (text: string) =>
      new Promise<string>((done) => {
        let said = '';
        const socket = connect(file, () => socket.write(text));
        sockets.push(socket);
        socket.on('data', (chunk) => {
          said += chunk;
        });
        socket.on('error', () => {});
        socket.on('close', () => done(said));
      }),
    get: (url: string, headers: Record<string, string> = {}, body?: string) =>
      new Promise<string>((done) => {
        const asked = request({ socketPath: file, path: url, headers, method: body ? 'POST' : 'GET', agent: false });
        asked.on('response', (reply) => {
          let text = '';
          reply.on('data', (chunk) => {
            text += chunk;
          });
          reply.on('end', () => done(`${reply.statusCode} ${text}`));
        });
        asked.on('error', (error) => done(error.message));
        asked.end(body);
      }),
  };
};

const up = async (server: Server, where: number | string = 0): Promise<number> => {
  servers.push(server);
  await new Promise<void>((done) => {
    if (typeof where === 'number') server.listen(where, '127.0.0.1', done);
    else server.listen(where, done);
  });
  return (server.address() as { port: number }).port;
};

const serve = () =>
  up(
    createServer((asked, answer) => {
      let body = '';
      asked.on('data', (chunk) => {
        body += chunk;
      });
      asked.on('end', () => answer.end(JSON.stringify({ url: asked.url, headers: asked.headers, body })));
    }),
  );

const connectTo = (authority: string, then = '') =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${then}`;
const statusOf = (said: string) => Number(said.split(' ')[1]);

describe('an address in a private network', () => {
  it.each(['127.0.0.1', '[::1]', 'localhost'])('is refused where a repository has named it: %s', async (name) => {
    const port = await serve();
    const { proxy, say, get } = await open([{ name, port, near: false }]);
    expect(statusOf(await say(connectTo(`${name}:${port}`)))).toBe(403);
    expect(await get(`http://${name}:${port}/`)).toMatch(/^403 /);
    expect(proxy.refused()).toEqual([`${name}:${port}`]);
  });

  it('is reached where whoever keeps the machine has named this very host', async () => {
    const port = await serve();
    const { proxy, get } = await open([listedHost(`localhost:${port}`)]);
    expect(await get(`http://localhost:${port}/a?b`)).toMatch(/^200 .*"url":"\/a\?b"/);
    expect(proxy.refused()).toEqual([]);
  });

  it('is not meant by a name that stands for many', async () => {
    const port = await serve();
    // Every name below localhost leads to this machine (RFC 6761); a resolver that does not know it finds nothing.
    const { say } = await open([listedHost(`*.localhost:${port}`)]);
    expect([403, 502]).toContain(statusOf(await say(connectTo(`a.localhost:${port}`))));
  });

  it.each([
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '[::]',
    '[fe80::1]',
    '[fd00::1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a00:1]',
  ])('is one of many: %s', async (name) => {
    const listed = hostOfUrl(`https://${name}/`, false)!;
    const { say } = await open([listed]);
    expect(statusOf(await say(connectTo(`${name}:443`)))).toBe(403);
  });
});

describe('a request without encryption', () => {
  it('is passed on with its body, without what concerns the connection, to the host that its line names', async () => {
    const port = await serve();
    const { get } = await open([listedHost(`127.0.0.1:${port}`)]);
    const headers = {
      ...{ host: 'evil.example', 'x-own': 'kept', connection: 'x-hop', 'x-hop': 'gone' },
      ...{ 'proxy-authorization': 'Basic eA==', 'proxy-connection': 'keep-alive' },
    };
    const said = await get(`http://127.0.0.1:${port}/p`, headers, 'the body');
    const told = JSON.parse(said.slice(4));
    expect(told).toMatchObject({
      url: '/p',
      body: 'the body',
      headers: { host: `127.0.0.1:${port}`, 'x-own': 'kept' },
    });
    for (const name of ['x-hop', 'proxy-authorization', 'proxy-connection'])
      expect(told.headers).not.toHaveProperty(name);
  });

  it.each(['https://example.com/', 'ftp://example.com/', '/', 'http://', 'http://a@b@c/'])(
    'that makes no sense is refused: %s',
    async (url) => {
      const { say } = await open([]);
      expect([400, 403]).toContain(statusOf(await say(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)));
    },
  );
});

describe('the owner’s own proxy', () => {
  const owners = async () => {
    const seen: string[] = [];
    const server = createServer((asked, answer) => {
      seen.push(`${asked.method} ${asked.url} ${asked.headers['proxy-authorization']}`);
      answer.end('passed on');
    });
    server.on('connect', (asked, socket) => {
      seen.push(`${asked.method} ${asked.url} ${asked.headers['proxy-authorization']}`);
      if (asked.url?.startsWith('closed')) return socket.end('HTTP/1.1 407 No\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\n\r\nfirst ');
      socket.on('error', () => {});
      socket.on('data', (chunk) => socket.end(`heard ${chunk}`));
    });
    const url = `http://anna:w%C3%B6rd@127.0.0.1:${await up(server)}`;
    return { seen, upstream: { HTTPS_PROXY: url, HTTP_PROXY: url } };
  };
  const login = `Basic ${Buffer.from('anna:wörd').toString('base64')}`;

  it('is what listed hosts are reached through, and nothing else is asked of it', async () => {
    const { seen, upstream } = await owners();
    const { say, get } = await open([listedHost('a.example')], upstream);
    expect(await say(connectTo('A.EXAMPLE:443', 'hello'))).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nfirst heard hello$/);
    expect(await get('http://a.example/x')).toBe('200 passed on');
    expect(statusOf(await say(connectTo('b.example:443')))).toBe(403);
    expect(seen).toEqual([`CONNECT a.example:443 ${login}`, `GET http://a.example/x ${login}`]);
  });

  it('that refuses is named, and one that is not there as well', async () => {
    const { upstream } = await owners();
    const { say } = await open([listedHost('closed.example')], upstream);
    expect(await say(connectTo('closed.example:443'))).toMatch(
      /^HTTP\/1\.1 502 [\s\S]*the proxy of this machine says 407/,
    );
    const gone = await open([listedHost('a.example')], { HTTPS_PROXY: 'http://127.0.0.1:1' }, join(home, 'gone'));
    expect(statusOf(await gone.say(connectTo('a.example:443')))).toBe(502);
  });
});

describe('a proxy', () => {
  it('remembers the first few that were refused, each once, on one line', async () => {
    const { proxy, say } = await open([]);
    for (let n = 0; n < 30; n += 1) await say(connectTo(`h${n % 15}.example:443`));
    expect(proxy.refused()).toHaveLength(10);
    expect(new Set(proxy.refused()).size).toBe(10);
    const other = await open([], {}, join(home, 'other'));
    await other.say(connectTo('\u001b[31m\u0007x.example:443'));
    await other.say(connectTo(`${'x'.repeat(5_000)}.example:443`));
    for (const told of other.proxy.refused()) expect(told).toMatch(/^[\x20-\x7e]{1,260}$/);
  });

  it('ends every connection and removes its socket when it is closed, also in a directory with a long path', async () => {
    const outside: Socket[] = [];
    const port = await up(createTcpServer((socket) => void outside.push(socket.on('error', () => {}))));
    const file = join(home, 'd'.repeat(120), 'way');
    const { proxy } = await open([listedHost(`127.0.0.1:${port}`)], {}, file);
    expect(existsSync(file)).toBe(true);
    // Its own path is longer than an address may be.
    const near = join(home, 'near');
    symlinkSync(dirname(file), near);
    const inside = connect(join(near, 'way'), () => inside.write(connectTo(`127.0.0.1:${port}`)));
    sockets.push(inside);
    const told = await new Promise<string>((done) => inside.once('data', (chunk) => done(String(chunk))));
    expect(told).toMatch(/^HTTP\/1\.1 200 /);
    const idle = connect(join(near, 'way'));
    sockets.push(idle);
    await new Promise<void>((done) => idle.once('connect', done));
    const ended = [inside, idle].map(
      (socket) => new Promise<void>((done) => void socket.on('error', () => {}).once('close', () => done())),
    );
    await proxy.close();
    await Promise.all(ended);
    expect(existsSync(file)).toBe(false);
    await expect.poll(() => outside.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  it('leads to the slots of the home by a name that no list has', async () => {
    await up(
      createTcpServer((socket) => socket.end('slots here')),
      join(home, 'slots'),
    );
    const { say } = await open([]);
    expect(await say(connectTo('slots.winnow.invalid:1'))).toMatch(/slots here$/);
    expect(statusOf(await say(connectTo('slots.winnow.invalid:2')))).toBe(403);
  });
});
