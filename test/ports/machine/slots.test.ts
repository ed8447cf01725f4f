import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newNonce, proofOf, readSecret, serverAddress } from '../../../src/ports/machine/slot-wire.ts';
import { createSlots, type Slots } from '../../../src/ports/machine/slots.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const MEMBER = new URL('member.ts', import.meta.url).pathname;

let dir: string;
const open: { close(): unknown }[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-slots-'));
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  rmSync(dir, { recursive: true, force: true });
});

const openSlots = (who: string): Slots => {
  const slots = createSlots({ dir, who, clock: systemClock });
  open.push(slots);
  return slots;
};

const take = async (slots: Slots, name: string, capacity = 1, waitMs = 60_000, who = '') => {
  const result = await slots.acquire(name, capacity, { who, waitMs });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

type Said = [atUs: number, what: string, ...rest: unknown[]];

interface Member {
  process: ChildProcess & { pid: number };
  said: Said[];
  tell(...operation: unknown[]): void;
  /** The first thing said that fits, from the given position on. */
  hears(what: string, name?: string, from?: number): Promise<Said>;
}

const startMember = async (who: string): Promise<Member> => {
  const child = spawn(process.execPath, ['--import', TSX, MEMBER, dir, who], {
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as ChildProcess & { pid: number };
  open.push({
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
  const said: Said[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    said.push(JSON.parse(line) as Said);
    for (const listener of listeners) listener();
  });
  const hears: Member['hears'] = (what, name, from = 0) =>
    new Promise((resolve) => {
      const look = () => {
        const found = said.slice(from).find((each) => each[1] === what && (name === undefined || each[2] === name));
        if (!found) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
    });
  const member = {
    process: child,
    said,
    hears,
    tell: (...operation: unknown[]) => void child.stdin!.write(`${JSON.stringify(operation)}\n`),
  };
  await hears('up');
  return member;
};

const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const kill = async (member: Member): Promise<number> => {
  const atUs = nowUs();
  member.process.kill('SIGKILL');
  await once(member.process, 'exit');
  return atUs;
};

/** The greatest number of leases that were held at once; a killed member held until it was killed. */
const mostHeld = (members: { said: Said[]; killedUs?: number }[], name: string): number => {
  const events = members.flatMap(({ said, killedUs }) => {
    const own = said.filter((each) => each[2] === name && (each[1] === 'got' || each[1] === 'releasing'));
    const changes = own.map(([atUs, what]) => ({ atUs, change: what === 'got' ? 1 : -1 }));
    const heldAtEnd = changes.reduce((sum, { change }) => sum + change, 0);
    if (heldAtEnd > 0 && killedUs !== undefined) changes.push({ atUs: killedUs, change: -1 });
    return changes;
  });
  let held = 0;
  let most = 0;
  for (const { change } of events.sort((a, b) => a.atUs - b.atUs || a.change - b.change)) {
    held += change;
    most = Math.max(most, held);
  }
  return most;
};

describe('slots', () => {
  it('are given up to the capacity and again after a release', async () => {
    const a = openSlots('alpha');
    const b = openSlots('beta');
    const first = await take(a, 'tsc', 2);
    await take(b, 'tsc', 2);
    expect(await a.tryAcquire('tsc', 2, 'alpha')).toBeUndefined();
    first.release();
    first.release();
    const third = await b.tryAcquire('tsc', 2, 'beta');
    expect(third).toMatchObject({ name: 'tsc' });
    expect(await b.tryAcquire('tsc', 2, 'beta')).toBeUndefined();
  });

  it('of different names have nothing to do with each other', async () => {
    const a = openSlots('alpha');
    await take(a, 'one');
    await take(a, 'two');
    await take(a, 'grüße 😀 "quoted"\n');
    expect((await a.view()).map(({ name }) => name).sort()).toEqual(['grüße 😀 "quoted"\n', 'one', 'two']);
  });

  it('are given in the order of asking, across processes', async () => {
    const a = openSlots('alpha');
    const b = openSlots('beta');
    const held = await take(a, 'tsc');
    const order: number[] = [];
    const waits = Array.from({ length: 20 }, async (_unused, i) => {
      const lease = await take(i % 2 ? a : b, 'tsc');
      order.push(i);
      lease.release();
    });
    while ((await a.view())[0]?.waiting.length !== 20) await systemClock.sleep(1);
    expect(await b.tryAcquire('tsc', 1, 'pushing in')).toBeUndefined();
    held.release();
    await Promise.all(waits);
    expect(order).toEqual(Array.from({ length: 20 }, (_unused, i) => i));
  });

  it('say for whom one waited in vain', async () => {
    const a = openSlots('alpha');
    await take(a, 'tsc');
    const waited = await openSlots('beta').acquire('tsc', 1, { who: 'beta', waitMs: 30 });
    expect(waited).toMatchObject({ ok: false, error: { kind: 'interrupted' } });
    expect(!waited.ok && waited.error.message).toMatch(
      new RegExp(`^waited [0-9]+ ms for slot tsc \\(held by alpha, pid ${process.pid}\\)$`),
    );
    expect((await a.view())[0]?.waiting).toEqual([]);
  });

  it('need no wait to be decided: free ones are given, others are not', async () => {
    const a = openSlots('alpha');
    expect(await a.acquire('tsc', 1, { who: 'a', waitMs: 0 })).toMatchObject({ ok: true });
    expect(await a.acquire('tsc', 1, { who: 'a', waitMs: 0 })).toMatchObject({ ok: false });
    expect(await a.acquire('tsc', 1, { who: 'a', waitMs: -5 })).toMatchObject({ ok: false });
  });

  it('are not waited for by whom gave up, and go to the next', async () => {
    const a = openSlots('alpha');
    const b = openSlots('beta');
    const held = await take(a, 'tsc');
    const abort = new AbortController();
    const given = b.acquire('tsc', 1, { who: 'beta', waitMs: 60_000, signal: abort.signal });
    const next = take(a, 'tsc');
    while ((await a.view())[0]?.waiting.length !== 2) await systemClock.sleep(1);
    abort.abort();
    expect(await given).toMatchObject({ ok: false, error: { kind: 'interrupted' } });
    held.release();
    await next;
    expect(await b.acquire('x', 1, { who: '', waitMs: 9, signal: abort.signal })).toMatchObject({ ok: false });
    expect((await a.view()).map(({ name }) => name)).toEqual(['tsc']);
  });

  it('follow a changed capacity: more at once, less as leases end', async () => {
    const a = openSlots('alpha');
    const leases = [await take(a, 'tsc', 1)];
    const waiting = take(a, 'tsc', 1);
    leases.push(await take(a, 'tsc', 3), await waiting);
    expect((await a.view())[0]).toMatchObject({ capacity: 3, held: { length: 3 } });
    expect(await a.tryAcquire('tsc', 1, '')).toBeUndefined();
    leases[0]?.release();
    leases[1]?.release();
    expect(await a.tryAcquire('tsc', 1, '')).toBeUndefined();
    leases[2]?.release();
    expect(await a.tryAcquire('tsc', 1, '')).toBeDefined();
  });

  it('show who holds and who waits, since when', async () => {
    const before = Date.now();
    const a = openSlots('alpha');
    await take(a, 'tsc', 1, 1000, 'alpha/hack');
    void a.acquire('tsc', 1, { who: 'x'.repeat(1000), waitMs: 60_000 });
    const [row] = await openSlots('viewer').view();
    expect(row).toMatchObject({ name: 'tsc', capacity: 1, held: [{ who: 'alpha/hack', pid: process.pid }] });
    expect(row?.waiting[0]?.who).toBe('x'.repeat(200));
    for (const each of [row?.held[0], row?.waiting[0]]) {
      expect(each?.sinceMs).toBeGreaterThanOrEqual(before);
      expect(each?.sinceMs).toBeLessThanOrEqual(Date.now());
    }
  });

  it('show nothing where nobody serves, without anybody becoming the server', async () => {
    expect(await openSlots('viewer').view()).toEqual([]);
    const guest = createSlots({ dir, who: 'guest', clock: systemClock, mayServe: false });
    expect(await guest.acquire('tsc', 1, { who: 'guest', waitMs: 60_000 })).toMatchObject({
      ok: false,
      error: { message: 'slot tsc is not to be had: no process of the home serves slots' },
    });
    await guest.close();
  });

  it('are let to guests while a process of the home serves', async () => {
    const a = openSlots('alpha');
    const held = await take(a, 'tsc');
    const guest = createSlots({ dir, who: 'guest', clock: systemClock, mayServe: false });
    open.push(guest);
    expect(await guest.tryAcquire('tsc', 1, 'guest')).toBeUndefined();
    held.release();
    await take(guest, 'tsc');
    expect(await a.tryAcquire('tsc', 1, 'alpha')).toBeUndefined();
  });

  it('of two homes are strangers', async () => {
    await take(openSlots('alpha'), 'tsc');
    const other = createSlots({ dir: join(dir, 'other'), who: 'other', clock: systemClock });
    open.push(other);
    await take(other, 'tsc');
  });

  it('are gone after closing: waits end, leases are free, the next process serves', async () => {
    const a = openSlots('alpha');
    const b = openSlots('beta');
    await take(a, 'tsc');
    const waiting = a.acquire('tsc', 1, { who: 'again', waitMs: 60_000 });
    const other = take(b, 'tsc');
    while ((await b.view())[0]?.waiting.length !== 2) await systemClock.sleep(1);
    await a.close();
    await a.close();
    expect(await waiting).toMatchObject({ ok: false, error: { kind: 'interrupted' } });
    expect((await other).waitedMs).toBeGreaterThan(0);
    expect(await a.acquire('tsc', 1, { who: '', waitMs: 1 })).toMatchObject({ ok: false });
    expect(await a.tryAcquire('tsc', 1, '')).toBeUndefined();
    expect(await a.view()).toEqual([]);
  });

  it('say why they are not to be had when the home cannot be written', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    const slots = createSlots({ dir: join(file, 'deep'), who: 'a', clock: systemClock });
    const result = await slots.acquire('tsc', 1, { who: 'a', waitMs: 60_000 });
    expect(!result.ok && result.error.message).toMatch(/^slot tsc is not to be had: ENOTDIR/);
    expect(await slots.view()).toEqual([]);
  });

  it('keep their secret from other users, made once however many begin at once', async () => {
    const members = Array.from({ length: 10 }, (_unused, i) => openSlots(`member${i}`));
    const results = await Promise.all(members.map((member) => member.tryAcquire('one', 1, 'x')));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(statSync(join(dir, 'slots.id')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['slots.id']);
  });
});

describe('slots and strangers', () => {
  /** Everything a peer is told until the server hangs up; undefined when it does not. */
  const talk = async (...lines: (string | Buffer | ((nonce: string) => string))[]): Promise<string> => {
    const socket = connect(serverAddress(readSecret(dir)));
    let heard = '';
    socket.on('error', () => {});
    const challenge = once(socket, 'data');
    heard += String((await challenge)[0]);
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    const { nonce } = JSON.parse(heard) as { nonce: string };
    for (const line of lines) socket.write(typeof line === 'function' ? line(nonce) : line);
    // Not by once(): what was still being written when the server hung up is an error of no interest.
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
    return heard.split('\n').slice(1).join('\n');
  };
  const hello = (secret: Buffer) => (nonce: string) => {
    const own = newNonce();
    return `${JSON.stringify({ t: 'hello', nonce: own, proof: proofOf(secret, 'member', nonce, own), pid: 1, beacon: '' })}\n`;
  };
  const want = `${JSON.stringify({ t: 'want', id: 1, name: 'tsc', capacity: 9, who: 'x', at: 0, since: 0, once: false })}\n`;

  it('turn away who asks without the secret, or with another one', async () => {
    const a = openSlots('alpha');
    await take(a, 'other');
    expect(await talk(want)).toBe('');
    expect(await talk(hello(Buffer.from('guess')), want)).toBe('');
    expect(await talk(hello(Buffer.alloc(0)), want)).toBe('');
    expect(await talk((nonce) => hello(readSecret(dir))([...nonce].reverse().join('')), want)).toBe('');
    expect((await a.view()).map(({ name }) => name)).toEqual(['other']);
  });

  it('turn away who knows the secret and then talks nonsense, and free what it held', async () => {
    const a = openSlots('alpha');
    await take(a, 'other');
    const secret = readSecret(dir);
    for (const nonsense of [
      'hello\n',
      '\n',
      '[]\n',
      'null\n',
      '{"t":"want"}\n',
      want.replace('"id":1', '"id":-1'),
      want.replace('"id":1', '"id":1e99'),
      want.replace('"capacity":9', '"capacity":"9"'),
      want.replace('tsc', 'x'.repeat(201)),
      '{"t":"hello"}\n',
      '{"t":"__proto__"}\n',
      Buffer.from([0xff, 0xfe, 0, 10]),
      'x'.repeat(100_000),
      Buffer.alloc(1_000_000),
      `${'['.repeat(8000)}\n`,
    ]) {
      const heard = await talk(hello(secret), want, nonsense);
      expect(heard).toMatch(/^\{"t":"welcome".*\n(\{"t":"got","id":1\}\n)?$/);
    }
    expect(await a.tryAcquire('tsc', 1, 'alpha')).toBeDefined();
  });

  it('outlast a crowd that connects and says nothing', async () => {
    const a = openSlots('alpha');
    await take(a, 'tsc');
    const crowd: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = connect(serverAddress(readSecret(dir)));
      socket.on('error', () => {});
      crowd.push(socket);
      await once(socket, 'connect');
    }
    expect(await openSlots('beta').tryAcquire('tsc', 1, 'beta')).toBeUndefined();
    expect((await openSlots('gamma').view())[0]?.held).toHaveLength(1);
    for (const socket of crowd) socket.destroy();
  });

  it.each([
    ['says nothing that makes sense', () => 'what?\n'],
    [
      'cannot prove itself',
      () => `{"t":"challenge","nonce":"${newNonce()}"}\n{"t":"welcome","proof":"${newNonce()}"}\n`,
    ],
    ['grants at once', () => '{"t":"got","id":1}\n'],
  ])('are not taken from a server that %s', async (_how, speech) => {
    const fake = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(speech());
    });
    fake.listen(serverAddress(readSecret(dir)));
    await once(fake, 'listening');
    const a = openSlots('alpha');
    const result = await a.acquire('tsc', 1, { who: 'alpha', waitMs: 150 });
    expect(!result.ok && result.error.message).toMatch(/does not know the home’s secret has the server’s name/);
    const patient = take(a, 'tsc');
    fake.close();
    await patient;
  });

  it('belong to the home of whoever can read its secret only', () => {
    const home = join(dir, 'sealed');
    mkdirSync(home);
    readSecret(home);
    chmodSync(join(home, 'slots.id'), 0o600);
    expect(readSecret(home)).toHaveLength(64);
    expect(serverAddress(readSecret(home))).not.toContain(readSecret(home).toString());
  });
});

describe('slots between processes', () => {
  it('pass to the next within milliseconds when the holder is killed', async () => {
    const a = openSlots('alpha');
    await take(a, 'unrelated');
    const holder = await startMember('holder');
    holder.tell('acquire', 'tsc', 1, 1000);
    await holder.hears('got');
    const next = take(a, 'tsc');
    while ((await a.view()).find(({ name }) => name === 'tsc')?.waiting.length !== 1) await systemClock.sleep(1);
    const killedUs = nowUs();
    holder.process.kill('SIGKILL');
    await next;
    expect(nowUs() - killedUs).toBeLessThan(500_000);
  });

  it('are never held by more than their capacity, and nearly never out of turn', async () => {
    const members = await Promise.all(Array.from({ length: 8 }, (_unused, i) => startMember(`member${i}`)));
    for (const member of members) member.tell('hammer', 'tsc', 2, 200, 0);
    await Promise.all(members.map((member) => member.hears('hammered')));
    const gots = members.flatMap(({ said }) => said.filter(([, what]) => what === 'got'));
    expect(gots).toHaveLength(1600);
    expect(mostHeld(members, 'tsc')).toBe(2);
    const order = gots.map(([gotUs, , , askedUs]) => ({ gotUs, askedUs: askedUs as number }));
    let overtakes = 0;
    for (const one of order) {
      for (const other of order) if (other.askedUs > one.askedUs && other.gotUs < one.gotUs) overtakes++;
    }
    expect(overtakes / order.length).toBeLessThan(1);
  });

  it('keep their promise while the serving process is killed again and again', async () => {
    const members: (Member & { killedUs?: number })[] = [];
    for (let i = 0; i < 6; i++) members.push(await startMember(`member${i}`));
    members[0]?.tell('hammer', 'lock', 1, 100_000, 4);
    await members[0]?.hears('got');
    for (const member of members.slice(1)) member.tell('hammer', 'lock', 1, 40, 4);
    for (const member of members.slice(0, 4)) {
      // Whoever serves now is among those that began first; each death makes the others elect anew.
      const seen = members.reduce((sum, { said }) => sum + said.length, 0);
      while (members.reduce((sum, { said }) => sum + said.length, 0) < seen + 40) await systemClock.sleep(2);
      member.killedUs = await kill(member);
    }
    await Promise.all(members.slice(4).map((member) => member.hears('hammered')));
    for (const member of members.slice(4)) {
      expect(member.said.filter(([, what]) => what === 'got')).toHaveLength(40);
      expect(member.said.filter(([, what]) => what === 'failed')).toEqual([]);
    }
    expect(mostHeld(members, 'lock')).toBe(1);
  });

  it('stay with a holder whose event loop stands still while the server dies', async () => {
    const server = await startMember('server');
    server.tell('acquire', 'unrelated', 1, 1000);
    await server.hears('got');
    const holder = await startMember('holder');
    holder.tell('acquire', 'lock', 1, 1000);
    await holder.hears('got', 'lock');
    const a = openSlots('alpha');
    expect(await a.tryAcquire('lock', 1, 'alpha')).toBeUndefined();
    holder.process.kill('SIGSTOP');
    await kill(server);
    const early = await a.acquire('lock', 1, { who: 'alpha', waitMs: 400 });
    expect(!early.ok && early.error.message).toMatch(
      new RegExp(`^waited \\d+ ms for slot lock \\(pid ${holder.process.pid} has not said yet whether it holds it\\)$`),
    );
    holder.process.kill('SIGCONT');
    const late = a.acquire('lock', 1, { who: 'alpha', waitMs: 60_000 });
    while (!(await a.view()).some(({ held }) => held.some(({ who }) => who === 'holder'))) await systemClock.sleep(5);
    holder.tell('release', 'lock');
    const [releasedUs] = await holder.hears('releasing');
    expect((await late).ok).toBe(true);
    expect(nowUs()).toBeGreaterThanOrEqual(releasedUs);
  });

  it('are not lost when the serving process stalls', async () => {
    const server = await startMember('server');
    server.tell('acquire', 'unrelated', 1, 1000);
    await server.hears('got');
    const a = openSlots('alpha');
    const b = openSlots('beta');
    const held = await take(a, 'lock');
    server.tell('stall', 500);
    await server.hears('stalling');
    let early = true;
    const next = take(b, 'lock').then(() => early);
    await server.hears('back');
    await systemClock.sleep(20);
    early = false;
    held.release();
    expect(await next).toBe(false);
  });

  it('go on in the old order after the death of the server', async () => {
    const server = await startMember('server');
    server.tell('acquire', 'unrelated', 1, 1000);
    await server.hears('got');
    const a = openSlots('alpha');
    const held = await take(a, 'lock');
    const others = await Promise.all([1, 2, 3].map((i) => startMember(`member${i}`)));
    for (const other of others) {
      other.tell('acquire', 'lock', 1, 60_000);
      await other.hears('asked');
      while (!(await a.view()).some(({ waiting }) => waiting.length > others.indexOf(other)))
        await systemClock.sleep(2);
    }
    await kill(server);
    held.release();
    for (const other of others) {
      await other.hears('got', 'lock');
      other.tell('release', 'lock');
    }
    const gots = others.map(({ said }) => said.find(([, what]) => what === 'got')?.[0] as number);
    expect(gots).toEqual([...gots].sort((x, y) => x - y));
  });

  it('keep no process alive by being held or served', async () => {
    const script = `
      import { createSlots } from ${JSON.stringify(new URL('../../../src/ports/machine/slots.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../../../src/base/clock.ts', import.meta.url).href)};
      const slots = createSlots({ dir: ${JSON.stringify(dir)}, who: 'x', clock: systemClock });
      console.log((await slots.acquire('tsc', 1, { who: 'x', waitMs: 60000 })).ok);`;
    const child = spawn(process.execPath, ['--import', TSX, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('true\n');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});
