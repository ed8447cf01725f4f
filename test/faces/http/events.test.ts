import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/model/entry.ts';
import { openPlace } from '../../desk/place.ts';
import { alert, until } from '../../journal/workbench.ts';
import { follow, HTTP, type Served, serve, TOKENS, type Told } from './server.ts';

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
const start = async (): Promise<Served> => {
  const served = await serve(HTTP);
  open.push(served);
  return served;
};
const listen = (...given: Parameters<typeof follow>) => {
  const following = follow(...given);
  open.push(following);
  return following;
};

const say = ({ place }: Served, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => place.counter.journal.append<'alert'>(alert(from + n)).id);
const idsOf = (events: readonly Told[]) => events.map(({ id }) => id);

describe('GET /events', () => {
  it('tells what happens from now on, also what another process wrote', async () => {
    const served = await start();
    say(served, 0, 3);
    const following = listen(served);
    await until(following.isOpen, 'the stream');
    const elsewhere = openPlace(served.place.dir, false);
    const ids = [...say(served, 3, 5), elsewhere.counter.journal.append<'alert'>(alert(5)).id];
    await elsewhere.close();
    await until(() => following.events.length === 3, 'three events');
    expect(idsOf(following.events)).toEqual(ids);
    const [first] = following.events;
    expect(first).toMatchObject({ event: 'alert' });
    expect(JSON.parse(first?.data ?? '') as Entry).toMatchObject({ id: ids[0], type: 'alert', data: { message: '3' } });
  });

  it('goes on after Last-Event-ID without loss and without doubling, however often it is cut', async () => {
    const served = await start();
    const ids = say(served, 0, 50);
    const seen: string[] = [ids[0]!];
    for (let round = 0; round < 5; round++) {
      const following = listen(served, { after: seen.at(-1)! });
      ids.push(...say(served, ids.length, ids.length + 40));
      await until(() => following.events.length >= 20, 'some events');
      following.close();
      seen.push(...(idsOf(following.events) as string[]));
    }
    const last = listen(served, { path: `/events?after=${seen.at(-1)}` });
    await until(() => seen.length + last.events.length >= ids.length, 'the rest');
    expect([...seen, ...idsOf(last.events)]).toEqual(ids);
  });

  it('says so where the entry seen last is not there, and goes on with what is new', async () => {
    const served = await start();
    say(served, 0, 3);
    const following = listen(served, { after: '01KKN3V8ZC0000000000000000' });
    await until(() => following.events.length === 1, 'the gap');
    expect(following.events).toMatchObject([{ event: 'gap', data: expect.stringContaining('GET /log') }]);
    const [next] = say(served, 3, 4);
    await until(() => following.events.length === 2, 'what is new');
    expect(following.events[1]?.id).toBe(next);
  });

  it('tells only what was asked for', async () => {
    const served = await start();
    const following = listen(served, { path: '/events?type=resumed,paused' });
    await until(following.isOpen, 'the stream');
    say(served, 0, 3);
    served.place.counter.journal.append<'resumed'>({ type: 'resumed', data: { by: 'mia' } });
    await until(() => following.events.length === 1, 'one event');
    expect(following.events[0]?.event).toBe('resumed');
  });

  it('needs a token that may look, and ends with the server', async () => {
    const served = await start();
    const stranger = await served.call('GET', '/events', { token: 'a-token-that-nobody-gave' });
    expect(stranger.status).toBe(401);
    const following = listen(served);
    await until(following.isOpen, 'the stream');
    served.stop.abort();
    await served.server.closed;
    await until(following.hasEnded, 'the end of the stream');
  });

  it('costs others nothing when a client takes nothing, and that client is cut off', async () => {
    const served = await start();
    const [first] = say(served, 0, 1);
    // More than the buffers of two sockets hold.
    for (let n = 0; n < 600; n++) served.place.counter.journal.append<'alert'>(alert('x'.repeat(30_000)));
    const stalled = await stall(served, first!);
    open.push({ close: () => stalled.destroy() });
    const following = listen(served);
    await until(following.isOpen, 'another stream');
    expect((await served.call('GET', '/status', { token: TOKENS.reader })).status).toBe(200);
    const [next] = say(served, 1, 2);
    await until(() => following.events.length === 1, 'the event of the other');
    expect(following.events[0]?.id).toBe(next);
    const streams = async () => {
      const { text } = await served.call('GET', '/metrics', { token: TOKENS.reader });
      return Number(/^winnow_http_event_streams (\d+)$/m.exec(text)?.[1]);
    };
    expect(await streams()).toBe(2);
    let count = 2;
    const look = setInterval(() => void streams().then((now) => (count = now)), 200);
    try {
      await until(() => count === 1, 'the stalled client is cut off');
    } finally {
      clearInterval(look);
    }
  });
});

/** Asks for everything after an entry and reads nothing. */
const stall = ({ url }: Served, after: string): Promise<Socket> =>
  new Promise((resolve) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.pause();
      socket.write(
        `GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKENS.reader}\r\nLast-Event-ID: ${after}\r\n\r\n`,
        () => resolve(socket),
      );
    });
    socket.on('error', () => {});
  });
