import { type LookupAddress, lookup } from 'node:dns';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, isIP, type LookupFunction, type NetConnectOpts, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { type Duplex, pipeline } from 'node:stream';
import { type Listed, type ListedHost, listedFor, proxyTo, type Target, targetOf } from '../../policy/hosts.ts';
import { oneLine } from '../../policy/placeholders.ts';
import { isNear } from './near.ts';

/**
 * The way out of a room whose network is a list: an HTTP proxy on a socket that only this room sees. It lets through
 * what is listed and tells who asks for anything else that it is not; it reads nothing of what passes.
 */
export interface RoomProxy {
  /** `host:port` of what was asked for in vain, each once, the first few. */
  refused(): string[];
  /** Ends all connections and removes the socket. */
  close(): Promise<void>;
}

/** What stands for the slots of the home in a request; no name of the network can be this one (RFC 2606). */
export const SLOTS_HOST = 'slots.winnow.invalid:1';

export const openProxy = async ({
  file,
  listed: { hosts, upstream },
  slots,
}: {
  /** The socket; its directory is made. */
  file: string;
  listed: Listed;
  /** Address of the home's server of slots. */
  slots: string;
}): Promise<RoomProxy> => {
  const refused = new Set<string>();
  const ends = new Set<Duplex>();
  const kept = <S extends Duplex>(end: S): S => {
    ends.add(end);
    end.on('error', () => {});
    end.once('close', () => ends.delete(end));
    return end;
  };
  const refuse = (asked: string): string => {
    const what = oneLine(asked).slice(0, ASKED_MAX_CHARS);
    if (refused.size < REFUSED_MAX) refused.add(what);
    return `${what} is not among the hosts that may be reached from here: see agent.hosts and projects[].hosts\n`;
  };
  /** Undefined where the target is not listed, or is an address that this listing does not mean. */
  const permitted = (target: Target | undefined): (Target & { listed: ListedHost }) | undefined => {
    const listed = target && listedFor(hosts, target);
    const address = target?.host.replace(/^\[|\]$/g, '') ?? '';
    if (!listed || (isIP(address) !== 0 && isNear(address) && !listed.near)) return undefined;
    return { host: address, port: target!.port, listed };
  };

  /** A tunnel, in which nothing is read. */
  const tunnel = (asked: IncomingMessage, inner: Duplex, head: Buffer): void => {
    kept(inner);
    const authority = asked.url ?? '';
    const answer = (status: string, text: string) =>
      inner.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${text}`);
    const join = (outer: Duplex, first?: Buffer) => {
      inner.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (first?.length) inner.write(first);
      if (head.length > 0) outer.write(head);
      bind(inner, outer);
    };
    const reach = (options: NetConnectOpts) => {
      const outer = kept(connect({ ...options, allowHalfOpen: true }));
      const failed = (error: Error) => answer(...fault(error, () => refuse(authority)));
      const left = () => outer.destroy();
      outer.setTimeout(CONNECT_MS, () => outer.destroy(new Error('no answer')));
      outer.once('error', failed);
      inner.once('close', left);
      outer.once('connect', () => {
        outer.setTimeout(0);
        outer.off('error', failed);
        inner.off('close', left);
        join(outer);
      });
    };
    if (authority === SLOTS_HOST) return reach({ path: slots });
    const target = permitted(targetOf(authority));
    if (!target) return void answer('403 Forbidden', refuse(authority));
    const by = proxyTo(upstream, target, true);
    if (!by) return reach({ host: target.host, port: target.port, lookup: guarded(target.listed) } as NetConnectOpts);
    // In the one form that was judged: another program might read what was said in another way.
    const path = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
    const asking = requestTo(by, { method: 'CONNECT', path, headers: { host: path, ...loginOf(by) } });
    asking.once('connect', (reply, outer, first) => {
      kept(outer).setTimeout(0);
      if (reply.statusCode === 200) join(outer, first);
      else answer('502 Bad Gateway', `the proxy of this machine says ${reply.statusCode}\n`);
    });
    asking.once('error', (error) => answer(...fault(error, () => refuse(authority))));
    asking.once('timeout', () => asking.destroy(new Error('no answer')));
    inner.once('error', () => asking.destroy());
    asking.end();
  };

  /** A request for a page without encryption, passed on as it is but for what concerns the connection. */
  const pass = (asked: IncomingMessage, answer: ServerResponse): void => {
    const say = (status: number, text: string) =>
      answer.writeHead(status, { connection: 'close', 'content-type': 'text/plain' }).end(text);
    const url = /^http:\/\//i.test(asked.url ?? '') && URL.canParse(asked.url!) ? new URL(asked.url!) : undefined;
    if (!url) return void say(400, 'this is a proxy\n');
    const authority = `${url.hostname}:${url.port || HTTP_PORT}`;
    const target = permitted(targetOf(authority));
    if (!target) return void say(403, refuse(authority));
    const headers = { ...passedOn(asked.headers), host: url.host };
    const by = proxyTo(upstream, target, false);
    const path = `${url.pathname}${url.search}`;
    const options = { method: asked.method, headers, agent: false } as const;
    const on = by
      ? requestTo(by, { ...options, path: `http://${url.host}${path}`, headers: { ...headers, ...loginOf(by) } })
      : request({ ...options, path, host: target.host, port: target.port, lookup: guarded(target.listed) });
    on.once('socket', kept);
    on.once('response', (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.statusMessage, passedOn(reply.headers));
      pipeline(reply, answer, () => {});
    });
    on.once('error', (error) => {
      if (answer.headersSent) answer.destroy();
      else say(...statusOf(fault(error, () => refuse(authority))));
    });
    answer.once('close', () => on.destroy());
    asked.pipe(on);
  };

  const server = createServer(pass);
  server.maxConnections = CONNECTIONS_MAX;
  // As long as the run takes: what comes through is for the run's own limits.
  server.requestTimeout = 0;
  server.on('connection', kept);
  server.on('connect', tunnel);
  const release = await listenAt(server, file);
  let closing: Promise<void> | undefined;
  const close = async () => {
    const closed = new Promise((done) => server.close(done));
    for (const end of ends) end.destroy();
    await closed;
    release();
  };
  return {
    refused: () => [...refused],
    close: () => {
      closing ??= close();
      return closing;
    },
  };
};

/** A name that is no network's: longer ones are refused all the same, and shown cut. */
const ASKED_MAX_CHARS = 260;
/** So many are told; a program that tries more tries everything. */
const REFUSED_MAX = 10;
/** Of one room, and each takes two descriptors here: far more than any installer opens, far less than a process may. */
const CONNECTIONS_MAX = 256;
const CONNECT_MS = 30_000;
const HTTP_PORT = 80;

/** The path of a socket has 107 bytes at most, and a home may lie deep: the kernel knows its directory by number too. */
const listenAt = async (server: Server, file: string): Promise<() => void> => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const dir = openSync(dirname(file), 'r');
  await new Promise<void>((up, failed) => {
    server.once('error', failed);
    server.listen(`/proc/self/fd/${dir}/${basename(file)}`, up);
  });
  // A proxy keeps nothing alive: whoever has a room waits for its end.
  server.unref();
  return () => {
    rmSync(file, { force: true });
    closeSync(dir);
  };
};

/** Each side ends when the other has said its last word, and breaks when it breaks. */
const bind = (inner: Duplex, outer: Duplex): void => {
  for (const [one, other] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    one.pipe(other);
    one.once('error', () => other.destroy());
  }
};

const NEAR = 'leads into a private network';

/** The address that is looked at is the one that is taken, so no name can be one thing when it is judged and then another. */
const guarded =
  ({ near: mayBeNear, name }: ListedHost): LookupFunction =>
  (host, options, done) =>
    lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return done(error, []);
      const isMeant = mayBeNear && !name.startsWith('*');
      const good = found.filter(({ address }) => isMeant || !isNear(address));
      if (good.length === 0) done(new Error(NEAR), []);
      else if (options.all) done(null, good);
      else done(null, good[0]!.address, good[0]!.family);
    });

const fault = (error: Error, refuse: () => string): [status: string, text: string] =>
  error.message === NEAR ? ['403 Forbidden', `${NEAR}: ${refuse()}`] : ['502 Bad Gateway', `${error.message}\n`];

const statusOf = ([status, text]: [string, string]): [number, string] => [Number(status.slice(0, 3)), text];

const requestTo = (by: URL, options: object) =>
  (by.protocol === 'https:' ? secureRequest : request)({
    ...{ agent: false, timeout: CONNECT_MS, host: by.hostname, port: by.port || (by.protocol === 'https:' ? 443 : 80) },
    ...options,
  });

const loginOf = ({ username, password }: URL): Record<string, string> => {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
};

/** What is said to the next station alone stays here. */
const passedOn = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const own = new Set([...OWN_HEADERS, ...(headers.connection ?? '').toLowerCase().split(/\s*,\s*/)]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name)));
};
const OWN_HEADERS =
  'connection proxy-connection keep-alive proxy-authorization te trailer transfer-encoding upgrade'.split(' ');
