import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createWorkbench } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow, median, quantile, renderMs, renderSpread } from './row.ts';
import { sessionNames } from './stand-ins.ts';

/**
 * From the request to the 202, which is sent when the trigger is on the disk: one after the other against a bare
 * fastify route, and at a fixed rate, where the time counts from the moment at which the request was due.
 */
export const httpRows = async (): Promise<BenchRow[]> => {
  const bench = await createWorkbench({
    sessions: sessionNames(8),
    // The limit is of one minute; what it costs is measured, what it refuses is not.
    config: { http: { port: 0, requestsPerMinute: 1_000_000 } },
  });
  const servers: Server[] = [];
  try {
    for (const mode of ['bare', 'synced', 'winnow'] as const) servers.push(await startServer(mode, bench.home));
    const times: Record<string, number[]> = { bare: [], synced: [], winnow: [] };
    // In turns, so that what else the machine does meets all of them.
    for (let round = 0; round < ROUNDS + 1; round++) {
      for (const { mode, url } of servers) {
        const taken: number[] = [];
        for (let n = 0; n < PER_ROUND; n++) taken.push(await trigger(url));
        if (round > 0) times[mode]?.push(median(taken));
      }
    }
    const [bare, synced, own] = ['bare', 'synced', 'winnow'].map((mode) => median(times[mode] ?? [])) as [
      number,
      number,
      number,
    ];
    const steady = await atRate(servers.find(({ mode }) => mode === 'winnow')!.url);
    const steadyBare = await atRate(servers.find(({ mode }) => mode === 'synced')!.url);
    const method = `median of ${ROUNDS} turns of ${PER_ROUND} requests one after the other, ${renderSpread(times.winnow ?? [])}; servers in processes of their own, kept connections; a home of 8 sessions, no factory running`;
    return [
      benchRow({
        key: 'http.trigger',
        row: 'HTTP trigger until durable',
        figure: renderMs(own),
        baseline: `${renderMs(bare)} (bare fastify route, nothing written)`,
        value: own,
        baselineValue: bare,
        unit: 'ms',
        tolerance: 0.4,
        goal: 'at most 1.5',
        met: own / bare <= 1.5,
        method,
      }),
      benchRow({
        key: 'http.trigger-written',
        row: 'HTTP trigger until durable, beside a route that writes',
        figure: renderMs(own),
        baseline: `${renderMs(synced)} (bare fastify route with one write and fdatasync)`,
        value: own,
        baselineValue: synced,
        unit: 'ms',
        tolerance: 0.3,
        goal: 'at most 1.5',
        met: own / synced <= 1.5,
        method,
      }),
      benchRow({
        key: 'http.rate',
        row: `HTTP trigger until durable, p99 at ${PER_SECOND}/s`,
        figure: renderMs(quantile(steady, 0.99)),
        baseline: `${renderMs(quantile(steadyBare, 0.99))} (bare fastify route with one write and fdatasync)`,
        value: quantile(steady, 0.99),
        baselineValue: quantile(steadyBare, 0.99),
        unit: 'ms',
        tolerance: 1,
        goal: 'under 20 ms',
        met: quantile(steady, 0.99) < 20,
        method: `${steady.length} requests in ${STEADY_S} s, each timed from when it was due; p50 ${renderMs(median(steady))}, most ${renderMs(Math.max(...steady))}`,
      }),
    ];
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    await bench.close();
  }
};

const ROUNDS = 10;
const PER_ROUND = 200;
const PER_SECOND = 500;
const STEADY_S = 10;
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

interface Server {
  mode: 'bare' | 'synced' | 'winnow';
  url: string;
  child: ChildProcess;
}

const startServer = async (mode: Server['mode'], home: string): Promise<Server> => {
  const child = spawn(process.execPath, ['--import', TSX, join(import.meta.dirname, 'http-server.ts'), mode, home], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { mode, child, url: line.toString().trim() };
};

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Milliseconds from `dueMs`, or from now, until the whole answer was there. */
const trigger = (url: string, dueMs = performance.now()): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(`${url}/trigger/review`, { method: 'POST', agent }, (response) => {
      if (response.statusCode !== 202) reject(new Error(`answered with ${response.statusCode}`));
      response.resume().on('end', () => resolve(performance.now() - dueMs));
    });
    asked.on('error', reject);
    asked.end();
  });

/** Requests at the times at which they are due, whether those before them were answered or not. */
const atRate = async (url: string): Promise<number[]> => {
  const begunMs = performance.now();
  const answers: Promise<number>[] = [];
  while (answers.length < PER_SECOND * STEADY_S) {
    const due = Math.floor(((performance.now() - begunMs) * PER_SECOND) / 1000);
    while (answers.length < Math.min(due, PER_SECOND * STEADY_S))
      answers.push(trigger(url, begunMs + (answers.length * 1000) / PER_SECOND));
    await sleep(1);
  }
  return Promise.all(answers);
};
