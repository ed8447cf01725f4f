import { writeSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Socket } from 'node:net';

/**
 * What stands in a room whose network is a list: doors on the room's own loopback address, each of which leads through
 * the one socket to the proxy outside. It decides nothing and so can be trusted with nothing: whoever kills it in there
 * is alone. It says `up` when all doors are open; its end is that of the room.
 */
interface Doors {
  /** The socket of the proxy, as the room sees it. */
  way: string;
  doors: {
    at: { port: number } | { name: string };
    /** What the door leads to; absent: who comes speaks to the proxy itself. */
    to?: string;
  }[];
}

const { way, doors } = JSON.parse(process.argv[2] as string) as Doors;

// It shares the group of the program, whose signals are not meant for it.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, () => {});

const enter = (inner: Socket, to: string | undefined): void => {
  const outer = connect({ path: way, allowHalfOpen: true });
  for (const [one, other] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    one.on('error', () => other.destroy());
  }
  // Whoever stops halfway may still be answered: an end is passed on, and only a break breaks both.
  const join = () => {
    inner.pipe(outer);
    outer.pipe(inner);
  };
  if (to === undefined) return join();
  outer.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
  let said = Buffer.alloc(0);
  const hear = (chunk: Buffer): void => {
    said = Buffer.concat([said, chunk]);
    const end = said.indexOf(HEAD_END);
    if (end < 0) return;
    outer.off('data', hear);
    outer.pause();
    if (!said.toString('latin1', 0, end).startsWith('HTTP/1.1 200')) return void inner.destroy();
    outer.unshift(said.subarray(end + HEAD_END.length));
    join();
  };
  outer.on('data', hear);
  outer.once('close', () => inner.destroySoon());
};
const HEAD_END = '\r\n\r\n';

const open = (at: ListenOptions, to: string | undefined): Promise<void> =>
  new Promise((up, failed) => {
    const server = createServer({ allowHalfOpen: true }, (inner) => enter(inner, to));
    server.on('error', failed);
    server.listen(at, up);
  });

/** A machine may have no IPv6. */
const isMissing = ({ code }: NodeJS.ErrnoException): boolean => code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';

try {
  for (const { at, to } of doors) {
    if ('name' in at) await open({ path: `\0${at.name}` }, to);
    else {
      await open({ port: at.port, host: '127.0.0.1' }, to);
      await open({ port: at.port, host: '::1' }, to).catch((error) => {
        if (!isMissing(error)) throw error;
      });
    }
  }
  writeSync(1, 'up\n');
} catch (error) {
  writeSync(1, `${(error as Error).message}\n`);
  process.exitCode = 1;
  process.exit();
}
