import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The other end of a channel: a real HTTP server that keeps what it was given and answers as it is told. */
export interface End {
  url: string;
  /** What was taken or refused, the oldest first. */
  calls: Call[];
  /** Answers the next calls, each once; then everything is taken. */
  next: Reply[];
  /** Nobody listens; the address stays. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

export interface Call {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: Record<string, unknown>;
}

/** A number is a status; a function does what it likes with the answer. */
export type Reply =
  | number
  | { status: number; headers?: Record<string, string>; body?: string }
  | ((response: ServerResponse) => void);

export const openEnd = async (path = '/hook'): Promise<End> => {
  const calls: Call[] = [];
  const next: Reply[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      calls.push({
        path: request.url ?? '',
        headers: request.headers,
        text,
        body: JSON.parse(text) as Record<string, unknown>,
      });
      answer(response, next.shift() ?? { status: 200, body: `{"id":"${calls.length}"}` });
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    calls,
    next,
    down: close,
    up: () => listen(port),
    close: async () => {
      if (server.listening) await close();
    },
  };
};

const answer = (response: ServerResponse, reply: Reply): void => {
  if (typeof reply === 'function') return reply(response);
  const { status, headers = {}, body = '' } = typeof reply === 'number' ? { status: reply } : reply;
  response.writeHead(status, headers).end(body);
};

/** Hangs up without an answer. */
export const reset: Reply = (response) => void response.socket?.resetAndDestroy();

/** Says nothing until somebody hangs up. */
export const silence: Reply = () => {};
