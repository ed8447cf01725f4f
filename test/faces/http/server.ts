import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { createDesk, type Desk } from '../../../src/desk/desk.ts';
import { type HttpServer, startHttp } from '../../../src/faces/http/http.ts';
import { Config } from '../../../src/model/config.ts';
import { openPlace, type Place } from '../../desk/place.ts';

/** A real server over real sockets, in front of a real journal in a home of its own. */
export interface Served {
  place: Place;
  desk: Desk;
  server: HttpServer;
  url: string;
  socket: string;
  told: string[];
  stop: AbortController;
  /** By TCP; `body` is sent as JSON unless it is a text. */
  call: (method: string, path: string, options?: CallOptions) => Promise<Answered>;
  close: () => Promise<void>;
}

export interface CallOptions {
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
  /** By the socket in the home. */
  atHome?: boolean;
}

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: it is what the other side said
  json: any;
}

export const TOKENS = { all: 'token-that-may-do-all', reader: 'token-that-may-look', robot: 'token-that-may-trigger' };

export const HTTP = {
  port: 0,
  token: TOKENS.all,
  tokens: [
    { name: 'grafana', token: TOKENS.reader },
    { name: 'ci', token: TOKENS.robot, scopes: ['read', 'trigger'] },
  ],
};

export const serve = async (http: object = HTTP, place = openPlace()): Promise<Served> => {
  place.config.http = Config.shape.http.parse({ port: 0, ...http });
  const stop = new AbortController();
  const told: string[] = [];
  const desk = createDesk(place.counter);
  const socket = join(place.dir, '.winnow', 'http.sock');
  const started = await startHttp({
    desk,
    socket,
    home: place.dir,
    config: () => place.config,
    version: '0.0.0-test',
    redact: (text) => text.replaceAll('hunter2-hunter2', '[withheld]'),
    tell: (line) => told.push(line),
    signal: stop.signal,
  });
  if (!started.ok) throw new Error(`${started.error.kind}: ${started.error.message}`);
  const url = started.value.addresses[0]!;
  return {
    ...{ place, desk, url, socket, told, stop, server: started.value },
    call: (method, path, options = {}) =>
      call(options.atHome ? { socketPath: socket } : new URL(url), method, path, options),
    close: async () => {
      stop.abort();
      await started.value.closed;
      await place.close();
    },
  };
};

const call = (
  to: URL | { socketPath: string },
  method: string,
  path: string,
  { body, token, headers = {} }: CallOptions,
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const at = to instanceof URL ? { host: to.hostname.replace(/[[\]]/g, ''), port: to.port } : to;
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const request = httpRequest(
      {
        ...at,
        method,
        path,
        headers: {
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
      },
      (response) => {
        let got = '';
        response.setEncoding('utf8').on('data', (data: string) => {
          got += data;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: got, json: parsed(got) }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(text);
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** One event of a stream. */
export interface Told {
  id?: string;
  event?: string;
  data?: string;
}

/** Follows GET /events; `events` grows as they come. */
export const follow = (
  { url }: Served,
  { token = TOKENS.reader, after, path = '/events' }: { token?: string; after?: string; path?: string } = {},
) => {
  const events: Told[] = [];
  let rest = '';
  let ended = false;
  let opened = false;
  const { hostname, port } = new URL(url);
  const request = httpRequest(
    {
      host: hostname,
      port,
      path,
      headers: { authorization: `Bearer ${token}`, ...(after ? { 'last-event-id': after } : {}) },
    },
    (response) => {
      opened = true;
      response.setEncoding('utf8').on('data', (data: string) => {
        const blocks = (rest + data).split('\n\n');
        rest = blocks.pop() ?? '';
        events.push(...blocks.map(parseEvent).filter(({ event }) => event !== undefined));
      });
      response.on('close', () => {
        ended = true;
      });
      response.on('error', () => {});
    },
  );
  request.on('error', () => {
    ended = true;
  });
  request.end();
  return { events, close: () => request.destroy(), hasEnded: () => ended, isOpen: () => opened };
};

const parseEvent = (block: string): Told =>
  Object.fromEntries(
    block
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
