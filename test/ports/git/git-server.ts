import { execFileSync, spawn } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PERSON } from './world.ts';

/** git over HTTP with a password: git's own http-backend behind the smallest CGI server. */
export interface GitServer {
  /** `read-only`: the password may fetch and not push. `expired`: it is taken no more. */
  state: 'good' | 'read-only' | 'expired';
  url(repo: string): string;
  close(): Promise<void>;
}

export const serveGit = async (
  root: string,
  { user, password }: { user: string; password: string },
): Promise<GitServer> => {
  const backend = path.join(execFileSync('git', ['--exec-path']).toString().trim(), 'git-http-backend');
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server = http.createServer((request, response) => {
    const { pathname, searchParams, search } = new URL(request.url ?? '/', 'http://host');
    if (request.headers.authorization !== wanted || state.state === 'expired') {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const pushes = searchParams.get('service') === 'git-receive-pack' || pathname.endsWith('/git-receive-pack');
    if (pushes && state.state === 'read-only') {
      response.writeHead(403).end();
      return;
    }
    const child = spawn(backend, {
      env: {
        ...PERSON,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: user,
        REQUEST_METHOD: request.method ?? 'GET',
        PATH_INFO: decodeURIComponent(pathname),
        QUERY_STRING: search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf('\r\n\r\n');
      for (const line of answer.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(': ');
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(answer.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const state: GitServer = {
    state: 'good',
    url: (repo) => `http://${user}:${password}@127.0.0.1:${port}/${repo}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return state;
};
