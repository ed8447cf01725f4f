import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import { createDesk } from '../../../src/desk/desk.ts';
import { takeRequests } from '../../../src/desk/requests.ts';
import { startHttp } from '../../../src/faces/http/http.ts';
import { FailureError, failure, MENDS } from '../../../src/model/failure.ts';
import { selfIdentity } from '../../../src/ports/machine/processes.ts';
import { openPlace } from '../../desk/place.ts';
import { until } from '../../journal/workbench.ts';
import { type Answered, HTTP, type Served, serve, TOKENS } from './server.ts';

const open: Served[] = [];
const start = async (...given: Parameters<typeof serve>): Promise<Served> => {
  const served = await serve(...given);
  open.push(served);
  return served;
};
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

const faultOf = ({ status, json }: Answered) => ({ status, kind: json?.error?.kind });
const isWhole = ({ json }: Answered) => {
  const { kind, message, mend } = json.error;
  expect(MENDS).toHaveProperty(kind, mend);
  expect(message).toMatch(/^\S/);
  expect(Object.keys(json)).toEqual(['error']);
};

const TASK = { text: 'Mend the clock', project: 'api' };

describe('who may', () => {
  it.each<[string, string, string | undefined, number, string]>([
    ['GET', '/status', undefined, 401, 'unauthorized'],
    ['GET', '/status', 'a-token-that-nobody-gave', 401, 'unauthorized'],
    ['POST', '/trigger/review', undefined, 401, 'unauthorized'],
    ['POST', '/trigger/review', TOKENS.reader, 403, 'forbidden'],
    ['POST', '/pause', TOKENS.robot, 403, 'forbidden'],
    ['POST', '/queue/brl%2Fx/approve', TOKENS.robot, 403, 'forbidden'],
  ])('%s %s with token %s: %i', async (method, path, token, status, kind) => {
    const { call, place } = await start();
    const answered = await call(method, path, token ? { token } : {});
    expect(faultOf(answered)).toEqual({ status, kind });
    isWhole(answered);
    if (status === 401) expect(answered.headers['www-authenticate']).toBe('Bearer');
    expect(place.counter.journal.state().entries).toBe(0);
  });

  it('is what the token’s scopes say, and the journal names the token', async () => {
    const { call, place } = await start();
    expect((await call('GET', '/status', { token: TOKENS.reader })).status).toBe(200);
    expect((await call('POST', '/trigger/review', { token: TOKENS.robot })).status).toBe(202);
    expect((await call('POST', '/pause', { token: TOKENS.all, body: { session: 'alpha' } })).status).toBe(200);
    expect(place.ofType('requested')).toMatchObject([{ data: { by: { face: 'http', name: 'ci' } } }]);
    expect(place.ofType('paused')).toMatchObject([{ data: { by: 'token (http)' } }]);
  });

  it('without any token on loopback: everybody here looks and triggers, and nobody decides', async () => {
    const { call } = await start({});
    expect((await call('GET', '/queue')).status).toBe(200);
    expect((await call('POST', '/trigger/task', { body: TASK })).status).toBe(202);
    expect(faultOf(await call('POST', '/pause'))).toEqual({ status: 403, kind: 'forbidden' });
  });

  it.each<[string, Record<string, string>]>([
    ['under another name, as by a name server that lies', { host: 'evil.example:7420' }],
    ['by a page of another site', { origin: 'https://evil.example' }],
    ['by a page of another site that sends no origin', { 'sec-fetch-site': 'cross-site' }],
  ])('without any token not %s', async (_, headers) => {
    const { call } = await start({});
    expect(faultOf(await call('POST', '/trigger/review', { headers }))).toEqual({ status: 403, kind: 'forbidden' });
  });

  it('of the socket in the home: its owner alone, who may do all without a token', async () => {
    const { call, socket, place } = await start();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect((await call('POST', '/pause', { atHome: true })).status).toBe(200);
    expect(place.ofType('paused')).toMatchObject([{ data: { by: 'socket (http)' } }]);
    expect(faultOf(await call('GET', '/status', { atHome: true, token: 'a-wrong-token' })).status).toBe(401);
  });

  it('follows the configuration without a restart', async () => {
    const { call, place } = await start();
    place.config.http = { ...place.config.http, token: 'another-token-now', tokens: [] };
    expect((await call('GET', '/status', { token: TOKENS.all })).status).toBe(401);
    expect((await call('GET', '/status', { token: 'another-token-now' })).status).toBe(200);
  });
});

describe('bad input', () => {
  it.each<[string, string, object, number, string]>([
    ['malformed JSON', '/trigger/task', { body: '{"text": ' }, 400, 'argument-invalid'],
    [
      'no JSON',
      '/trigger/task',
      { body: 'text=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      400,
      'argument-invalid',
    ],
    ['plain text', '/trigger/task', { body: 'x', headers: { 'content-type': 'text/plain' } }, 400, 'argument-invalid'],
    ['nothing where something is needed', '/trigger/task', {}, 400, 'argument-invalid'],
    ['an empty task', '/trigger/task', { body: { text: '' } }, 400, 'argument-invalid'],
    ['a key that is none', '/trigger/task', { body: { ...TASK, prio: 'high' } }, 400, 'argument-invalid'],
    ['an unknown project', '/trigger/task', { body: { ...TASK, project: 'nope' } }, 404, 'not-found'],
    ['an unknown session', '/trigger/cycle', { body: { session: 'gamma' } }, 404, 'not-found'],
    ['a list for a name', '/trigger/cycle', { body: { session: ['alpha'] } }, 400, 'argument-invalid'],
    ['1 MB', '/trigger/task', { body: { ...TASK, text: 'x'.repeat(1024 ** 2) } }, 413, 'too-large'],
    [
      'a task longer than a task may be',
      '/trigger/task',
      { body: { ...TASK, text: 'x'.repeat(20_001) } },
      400,
      'argument-invalid',
    ],
    ['a prototype', '/trigger/task', { body: '{"__proto__": {"text": "x"}, "text": "x"}' }, 400, 'argument-invalid'],
    [
      'a key that is too long',
      '/trigger/review',
      { headers: { 'idempotency-key': 'k'.repeat(300) } },
      400,
      'argument-invalid',
    ],
    ['no such way', '/trigger/tea', {}, 404, 'not-found'],
    ['an unknown branch', '/queue/nope/approve', {}, 500, 'home-unusable'],
    ['a rejection without a reason', '/queue/nope/reject', {}, 400, 'argument-invalid'],
    ['an unknown task', '/tasks/NOTASK/cancel', {}, 404, 'not-found'],
  ])('%s is answered in one shape and changes nothing', async (_, path, options, status, kind) => {
    const { call, place, told } = await start();
    const answered = await call('POST', path, { token: TOKENS.all, ...options });
    expect(faultOf(answered)).toEqual({ status, kind });
    isWhole(answered);
    expect(answered.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts\b/);
    expect(answered.text).not.toContain(place.dir);
    expect(place.counter.journal.state().entries).toBe(0);
    expect(told).toEqual([]);
  });

  it('an unknown session, task or request is not found, whatever it is called', async () => {
    const { call } = await start();
    for (const path of [
      '/sessions/gamma',
      '/tasks/x',
      '/requests/x',
      '/queue/x',
      '/sessions/..%2f..%2fetc',
      '/sessions/%00',
    ]) {
      expect(faultOf(await call('GET', path, { token: TOKENS.reader }))).toEqual({ status: 404, kind: 'not-found' });
    }
    expect((await call('GET', '/sessions/%zz', { token: TOKENS.reader })).status).toBe(400);
    expect((await call('GET', '/log?type=nope', { token: TOKENS.reader })).status).toBe(400);
  });

  it('that is no HTTP gets an answer and a closed connection, and the server lives on', async () => {
    const { url, call } = await start();
    const { port } = new URL(url);
    const text = await new Promise<string>((resolve) => {
      let got = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('what is this\r\n\r\n'));
      socket.on('data', (data) => {
        got += data;
      });
      socket.on('close', () => resolve(got));
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ error: { kind: 'argument-invalid' } });
    expect((await call('GET', '/health')).status).toBe(200);
  });

  it('that nobody expected is a defect: told to the log, and to nobody else', async () => {
    const { call, place, told } = await start();
    place.counter.sessions = () => {
      throw new Error(`the secret is hunter2-hunter2 in ${place.dir}`);
    };
    const answered = await call('GET', '/status', { token: TOKENS.reader });
    expect(faultOf(answered)).toEqual({ status: 500, kind: 'defect' });
    expect(answered.text).not.toMatch(/hunter2|secret|winnow-desk/);
    expect(told.join()).toContain('the secret is');
  });

  it('of a full disk is 503 with the mend, and nothing was promised', async () => {
    const { call, place } = await start();
    place.counter.journal.append = () => {
      throw new FailureError(failure('disk-full', 'there is no space left'));
    };
    const answered = await call('POST', '/trigger/review', { token: TOKENS.all });
    expect(faultOf(answered)).toEqual({ status: 503, kind: 'disk-full' });
    isWhole(answered);
  });

  it('secrets in what happened are withheld once more on the way out', async () => {
    const { call, place } = await start();
    place.counter.journal.append<'alert'>({ type: 'alert', data: { message: 'hunter2-hunter2', mend: place.dir } });
    const { text } = await call('GET', '/log', { token: TOKENS.reader });
    expect(text).toContain('[withheld]');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(place.dir);
  });
});

describe('too much', () => {
  it('of one visitor is refused with the time to wait, and of another not', async () => {
    const { call } = await start({ ...HTTP, requestsPerMinute: 3 });
    const codes: number[] = [];
    for (let n = 0; n < 5; n++) codes.push((await call('GET', '/status', { token: TOKENS.reader })).status);
    expect(codes).toEqual([200, 200, 200, 429, 429]);
    const refused = await call('GET', '/status', { token: TOKENS.reader });
    expect(faultOf(refused)).toEqual({ status: 429, kind: 'too-many' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call('GET', '/status', { token: TOKENS.robot })).status).toBe(200);
    expect((await call('GET', '/health')).status).toBe(200);
  });

  it('guessing of tokens is refused as of one address', async () => {
    const { call } = await start({ ...HTTP, requestsPerMinute: 3 });
    const codes: number[] = [];
    for (let n = 0; n < 5; n++) codes.push((await call('GET', '/status', { token: `guess-number-${n}` })).status);
    expect(codes).toEqual([401, 401, 401, 429, 429]);
  });
});

describe('a trigger', () => {
  it('is durable when it is answered, says that nothing runs, and can be looked after', async () => {
    const { call, place } = await start();
    const asked = await call('POST', '/trigger/review', { token: TOKENS.robot });
    expect(asked.status).toBe(202);
    expect(asked.json).toMatchObject({
      what: 'review',
      state: 'waits',
      repeated: false,
      href: `/requests/${asked.json.id}`,
    });
    expect(asked.json.note).toContain('winnow up');
    expect(asked.headers.location).toBe(asked.json.href);
    const elsewhere = openPlace(place.dir, false);
    expect(elsewhere.counter.journal.state().requests[asked.json.id]).toMatchObject({ what: 'review' });
    await elsewhere.close();
    expect((await call('GET', asked.json.href, { token: TOKENS.reader })).json).toMatchObject({
      id: asked.json.id,
      what: 'review',
    });
    expect((await call('GET', '/requests', { token: TOKENS.reader })).json).toHaveLength(1);
  });

  it('while the same runs joins it and is told which', async () => {
    const { call, place, stop } = await start();
    const first = await call('POST', '/trigger/standup', { token: TOKENS.robot });
    const ends: (() => void)[] = [];
    takeRequests({
      journal: place.counter.journal,
      slots: place.slots,
      signal: stop.signal,
      tell: () => {},
      fail: (error) => {
        throw error;
      },
      carryOut: { standup: () => new Promise((resolve) => ends.push(() => resolve(ok('2 of 2 sessions')))) },
    });
    await until(() => ends.length === 1, 'the standup begins');
    const second = await call('POST', '/trigger/standup', { token: TOKENS.all });
    expect(second).toMatchObject({ status: 202, json: { id: first.json.id, state: 'joined' } });
    expect(second.json.note).toContain('being carried out');
    ends[0]!();
    await until(() => place.ofType('request_settled').length === 1, 'the settlement');
    expect((await call('GET', first.json.href, { token: TOKENS.reader })).json.settled).toMatchObject({
      done: true,
      note: '2 of 2 sessions',
    });
  });

  it('with the same key is one, however often and at however many a time it is sent', async () => {
    const { call, place } = await start();
    const options = { token: TOKENS.robot, body: TASK, headers: { 'idempotency-key': 'build-17' } };
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('POST', '/trigger/task', options)));
    expect(new Set(answers.map(({ status, json }) => `${status} ${json.id}`)).size).toBe(1);
    expect(answers.filter(({ json }) => !json.repeated)).toHaveLength(1);
    expect(place.ofType('task_queued')).toHaveLength(1);
    const other = await call('POST', '/trigger/task', { ...options, body: { ...TASK, text: 'Something else' } });
    expect(faultOf(other)).toEqual({ status: 422, kind: 'key-reused' });
    expect((await call('POST', '/trigger/task', { ...options, token: TOKENS.all })).json.repeated).toBe(false);
  });

  it('of a task is a task: seen, cancelled, asked for again', async () => {
    const { call } = await start();
    const asked = await call('POST', '/trigger/task', {
      token: TOKENS.robot,
      body: { ...TASK, session: 'alpha', priority: 'high' },
    });
    expect(asked).toMatchObject({ status: 202, json: { what: 'task', state: 'waits' } });
    const { href } = asked.json;
    expect((await call('GET', href, { token: TOKENS.reader })).json).toMatchObject({
      ...TASK,
      session: 'alpha',
      priority: 'high',
    });
    expect(
      (await call('POST', `${href}/cancel`, { token: TOKENS.robot, body: { reason: 'no longer' } })).json,
    ).toMatchObject({ state: 'cancelled', reason: 'no longer' });
    const again = await call('POST', `${href}/retry`, { token: TOKENS.robot });
    expect(again).toMatchObject({ status: 200, json: { state: 'queued', text: TASK.text } });
    expect((await call('GET', '/tasks', { token: TOKENS.reader })).json).toHaveLength(1);
    expect((await call('GET', '/tasks?all=true', { token: TOKENS.reader })).json).toHaveLength(2);
  });
});

describe('health', () => {
  it('tells that it lives from that work is done', async () => {
    const { call } = await start();
    expect(await call('GET', '/health')).toMatchObject({
      status: 200,
      json: { live: true, ready: false, factory: 'down', journal: 'ok' },
    });
    expect((await call('GET', '/health/ready')).status).toBe(503);
  });

  it('is ready while a process works, and not while only listeners live', async () => {
    const { call, place } = await start();
    const begin = (roles: string[]) =>
      place.counter.journal.append<'process_started'>({
        type: 'process_started',
        data: { ...selfIdentity(), version: '0', node: '0', roles },
      });
    begin(['http', 'bot']);
    expect((await call('GET', '/health/ready')).status).toBe(503);
    begin(['reviewer', 'http']);
    expect(await call('GET', '/health/ready')).toMatchObject({
      status: 200,
      json: { ready: true, factory: 'running' },
    });
    expect((await call('POST', '/trigger/review', { token: TOKENS.robot })).json).toMatchObject({ state: 'asked' });
  });
});

describe('where it listens', () => {
  const startAt = async (served: Served, http: object) =>
    startHttp({
      desk: createDesk(served.place.counter),
      config: () => ({ ...served.place.config, http: { ...served.place.config.http, ...http } }),
      home: served.place.dir,
      socket: served.socket,
      version: '0',
      redact: String,
      tell: () => {},
      signal: served.stop.signal,
    });

  it('an address in use is refused, and so is a second server of one home', async () => {
    const served = await start();
    const { port } = new URL(served.url);
    expect(await startAt(served, { port: Number(port) })).toMatchObject({
      ok: false,
      error: { kind: 'address-taken' },
    });
    expect(await startAt(served, { port: 0 })).toMatchObject({
      ok: false,
      error: { kind: 'address-taken', message: expect.stringContaining('another process serves') },
    });
    expect((await served.call('GET', '/health', { atHome: true })).status).toBe(200);
  });

  it('takes over the socket that a killed one left', async () => {
    const place = openPlace();
    mkdirSync(join(place.dir, '.winnow'), { recursive: true });
    writeFileSync(join(place.dir, '.winnow', 'http.sock'), '');
    const { call } = await start(HTTP, place);
    expect((await call('GET', '/health', { atHome: true })).status).toBe(200);
  });

  it('stops at once, though somebody holds a connection', async () => {
    const served = await start();
    const { port } = new URL(served.url);
    const socket = connect(Number(port), '127.0.0.1');
    await until(() => socket.readyState === 'open', 'the connection');
    served.stop.abort();
    await served.server.closed;
    await until(() => socket.destroyed || socket.readyState !== 'open', 'the end of the connection');
    await expect(served.call('GET', '/health')).rejects.toThrow();
  });
});
