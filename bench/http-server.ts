import fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fastify from 'fastify';
import { createDesk } from '../src/desk/desk.ts';
import { startHttp } from '../src/faces/http/http.ts';
import { openHome } from '../src/home.ts';

/** A server of the benchmark in a process of its own; says its address and ends with its standard input. */

const [mode, dir] = process.argv.slice(2) as ['winnow' | 'bare' | 'synced', string];

/** What anybody would write: a route that answers, and one that first puts a line onto the disk. */
const serveBare = async (synced: boolean): Promise<string> => {
  const app = fastify();
  const fd = fs.openSync(join(dir, `bare-${synced}.log`), 'a');
  const datasync = promisify(fs.fdatasync);
  let count = 0;
  app.post('/trigger/review', async (_, reply) => {
    const id = String(++count).padStart(26, '0');
    if (synced) {
      fs.writeSync(fd, `${JSON.stringify({ id, ts: new Date().toISOString(), type: 'requested', data: {} })}\n`);
      await datasync(fd);
    }
    return reply.code(202).send({ id, what: 'review', state: 'asked', note: 'written down' });
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
};

const serveWinnow = async (): Promise<string> => {
  const opened = openHome(dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const { counter } = opened.value;
  const started = await startHttp({
    desk: createDesk(counter),
    config: counter.config,
    home: counter.paths.home,
    socket: counter.paths.socket,
    version: '0',
    redact: String,
    tell: () => {},
    signal: new AbortController().signal,
  });
  if (!started.ok) throw new Error(started.error.message);
  return started.value.addresses[0]!;
};

process.stdout.write(`${await (mode === 'winnow' ? serveWinnow() : serveBare(mode === 'synced'))}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
