import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { ok, type Result } from '../../base/result.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Config } from '../../model/config.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { createApp } from './app.ts';

/**
 * The desk over HTTP: on the configured address, and on a socket in the home that only its owner can open. It holds
 * nothing of its own: what is asked for stands in the journal, and what is shown is read from it.
 */
export interface HttpInput {
  desk: Desk;
  /** As it is now; address and port count when it starts, all else at once. */
  config: () => Config;
  /** Where the home lies: it is told to nobody. */
  home: string;
  /** Path of the unix socket. */
  socket: string;
  version: string;
  redact: (text: string) => string;
  /** For the process log. */
  tell: (line: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

export interface HttpServer {
  /** "http://127.0.0.1:7420", "unix:/…/http.sock" */
  addresses: string[];
  /** Resolves when nothing listens any more. */
  closed: Promise<void>;
}

/** Of one process; each costs a descriptor. */
const CONNECTIONS_MAX = 1_000;

export const startHttp = async (input: HttpInput): Promise<Result<HttpServer, Failure>> => {
  const { config, signal, tell } = input;
  const { host, port } = config().http;
  const atHome = new WeakSet<Socket>();
  const closing = new AbortController();
  const app = await createApp({
    ...input,
    http: () => config().http,
    isAtHome: (socket) => atHome.has(socket),
    clean: (text) => withoutPlaces(input.redact(text), input.home),
    signal: closing.signal,
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  const stop = async (): Promise<void> => {
    closing.abort();
    inner?.close();
    inner?.closeAllConnections();
    await app.close();
  };
  let inner: Server | undefined;
  try {
    await app.listen({ host, port });
    inner = await listenAtHome(input.socket, app.routing, atHome);
  } catch (error) {
    await stop();
    if (error instanceof Taken) return failed('address-taken', error.message);
    const { code = '' } = error as NodeJS.ErrnoException;
    if (REFUSED.includes(code)) return failed('address-taken', `cannot listen on ${host}:${port} (${code})`);
    throw error;
  }
  if (!inner) tell(`HTTP has no socket in the home: ${input.socket} is longer than a name of a socket may be`);
  const closed = new Promise<void>((resolve, reject) => {
    const end = () => void stop().then(resolve, reject);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  const { address, family, port: actual } = app.server.address() as AddressInfo;
  const shown = family === 'IPv6' ? `[${address}]` : address;
  return ok({ addresses: [`http://${shown}:${actual}`, ...(inner ? [`unix:${input.socket}`] : [])], closed });
};

const REFUSED: readonly string[] = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EPERM'];

class Taken extends Error {}

/** What the kernel takes for the name of a socket, its closing zero included. */
const SOCKET_NAME_MAX_BYTES = 108;

/** Undefined where the home lies too deep for it. */
const listenAtHome = async (
  path: string,
  handle: Parameters<typeof createServer>[1],
  atHome: WeakSet<Socket>,
): Promise<Server | undefined> => {
  if (Buffer.byteLength(path) >= SOCKET_NAME_MAX_BYTES) return undefined;
  mkdirSync(dirname(path), { recursive: true });
  if (await answers(path)) throw new Taken('another process serves HTTP on the socket of this home');
  // Left by one that was killed.
  rmSync(path, { force: true });
  const server = createServer({ requestTimeout: 30_000 }, handle);
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket: Socket) => atHome.add(socket));
  // Made with these rights and not given them afterwards: in between somebody could connect.
  const former = process.umask(0o177);
  const listening = once(server, 'listening');
  server.listen(path);
  process.umask(former);
  await listening;
  return server;
};

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A path may name a file of the home; where the home lies is nobody’s business. */
const withoutPlaces = (text: string, home: string): string =>
  text.replaceAll(`${home}/`, '').replaceAll(home, 'the home');
