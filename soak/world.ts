import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { parse, stringify } from 'yaml';
import type { Looked } from '../chaos/invariants.ts';
import type { Random } from '../chaos/random.ts';
import { hashOf, pause } from '../chaos/world.ts';
import type { Entry } from '../src/model/entry.ts';
import { CLAUDE, createWorkbench } from '../test/factory/workbench.ts';
import { ADA, type BotApi, startBotApi } from '../test/telegram/bot-api.ts';
import { MODULES, type Model, moduleName, startModel, WORKING } from './model.ts';

/**
 * A factory for a day: a real repository with ninety-nine modules, four sessions, every role of `winnow up` in a real
 * process whose time leaps over what is only waited for, and outside of it all that it speaks to: the model, Telegram,
 * a webhook, git.
 */
export interface SoakWorld extends Looked {
  model: Model;
  bot: BotApi;
  random: Random;
  /** What the webhook took, in order. */
  notices: Notice[];
  /** While set, the webhook answers this status. */
  deaf: { status: number | undefined };
  /** Every life of `winnow up`, the last one perhaps still going on. */
  lives: Life[];
  /** Simulated time, in milliseconds since the epoch. */
  now(): number;
  start(): void;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
  /** Lets time pass up to a moment; starts the factory anew when it ends by itself, which is noted. */
  advance(untilMs: number): Promise<void>;
  /** Lets time pass until an entry comes that passes, and no longer than up to a moment; whether it came. */
  advanceTo(passes: (entry: Entry) => boolean, untilMs: number): Promise<boolean>;
  /** Time passes while no factory runs. */
  pass(ms: number): void;
  /** The clock of the machine is set back. */
  setBack(ms: number): Promise<void>;
  measure(): Promise<Holdings | undefined>;
  /** A command of `winnow` at this simulated time. */
  winnow(...args: string[]): Promise<{ code: number | null; out: string; err: string }>;
  /** What went wrong with the world itself. */
  losses: string[];
  acknowledge(): void;
  close(): Promise<void>;
}

export interface Notice {
  id: string;
  ts: string;
  kind: string;
  text: string;
  state: string | null;
}

/** What a process holds. */
export interface Holdings {
  atMs: number;
  heapBytes: number;
  rssBytes: number;
  files: number;
  timers: number;
}

export interface Life {
  pid: number;
  fromMs: number;
  toMs?: number;
  end?: 'killed' | 'stopped' | 'by itself';
  held: Holdings[];
}

export const SESSIONS = ['alpha', 'beta', 'gamma', 'delta'] as const;
export const DAY_MS = 24 * 3_600_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
const SECRET = 'wn-soak-4Jt9Xe6BqM2rY8cH';
const LEAP = resolve(import.meta.dirname, 'leap.mjs');
const AGENT = resolve(import.meta.dirname, 'agent.sh');
const MAIN = resolve(import.meta.dirname, '../dist/main.js');
/** Real time: a leap of hours takes seconds, a cycle seconds more; then nothing moves any more. */
const STILL_MAX_MS = 90_000;
const LOOK_MS = 10;
const LOSSES_MAX = 5;

const files = (): Record<string, string> => {
  const names = Array.from({ length: MODULES }, (_, n) => moduleName(n + 1));
  return {
    'package.json': '{ "name": "small", "private": true, "type": "module" }\n',
    'README.md': '# small\n\nFunctions that should add.\n',
    'NOTES.md': '# Notes\n',
    ...Object.fromEntries(
      names.map((name, n) => [`${name}.js`, `export const ${name} = (a, b) => a ${n < WORKING ? '+' : '-'} b;\n`]),
    ),
    'all.test.js': [
      "import assert from 'node:assert/strict';",
      "import test from 'node:test';",
      ...names.map((name) => `import { ${name} } from './${name}.js';`),
      ...names.map((name) => `test('${name} adds', () => assert.equal(${name}(1, 2), 3));`),
      '',
    ].join('\n'),
  };
};

/** Yesterday, so that no file of the machine is older than it is: the simulated day ends before the real one began. */
export const dayBefore = (realMs: number): number => Math.floor(realMs / DAY_MS) * DAY_MS - DAY_MS;

/** Each more often than the day has to have it: what a trouble takes away is not made up for. */
const SCHEDULE = {
  tick: '5m',
  cycle: '75m',
  review: '0 */2 * * *',
  standup: '20 0,2,3,5,7,8,10,12,14,15,17,18,20,22,23 * * *',
  doctor: '40 0,2,4,6,8,10,13,15,17,19,21 * * *',
  improve: '50 1,5,9,13,16,20 * * *',
};

export const createSoakWorld = async (random: Random, beginMs: number): Promise<SoakWorld> => {
  let journal = '';
  const model = await startModel(random, () => journal);
  const bot = await startBotApi();
  const notices: Notice[] = [];
  const deaf: SoakWorld['deaf'] = { status: undefined };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const notice = (await json(request)) as Notice;
    if (deaf.status === undefined && !notices.some(({ id }) => id === notice.id)) notices.push(notice);
    response.writeHead(deaf.status ?? 204).end();
  };
  const webhook = createServer((request, response) => void take(request, response));
  webhook.listen(0, '127.0.0.1');
  await once(webhook, 'listening');

  const names = [...SESSIONS, 'reviewer', 'chair', 'doctor', 'bot'];
  const bench = await createWorkbench({
    files: files(),
    scenarios: Object.fromEntries(names.map((name) => [name, model.scenario])),
    sessions: [...SESSIONS],
    config: {
      schedule: SCHEDULE,
      gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 50, maxSessions: 3 },
      telegram: { token: 'env:BOT_TOKEN', chats: [ADA], apiRoot: bot.url },
      notify: {
        webhooks: [{ name: 'desk', url: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/` }],
        digest: '0 0 * * *',
      },
    },
    homeFiles: { '.env': `SOAK_TOKEN=${SECRET}\nBOT_TOKEN=${bot.token}\n` },
  });
  const settings = join(bench.home, 'winnow.config.yaml');
  const config = parse(readFileSync(settings, 'utf8'));
  config.agent.command = AGENT;
  // The file is there while the checks are to say nothing.
  config.projects[0].checks[0].run = `test ! -e ${bench.dir}/deaf-checks && node --test --test-reporter=tap`;
  config.agent.env = {
    ANTHROPIC_BASE_URL: config.agent.env.ANTHROPIC_BASE_URL,
    // A subscription: it alone has a usage limit that resets.
    CLAUDE_CODE_OAUTH_TOKEN: 'dummy-token',
    CLAUDE_CODE_MAX_RETRIES: '0',
    SOAK_MODEL: model.url,
    SOAK_CLAUDE: CLAUDE,
    SOAK_SESSION: '{session}',
  };
  writeFileSync(settings, stringify(config));

  const canary = join(bench.dir, 'not-yours');
  mkdirSync(canary);
  writeFileSync(join(canary, 'letter.txt'), 'Nobody may touch this.\n');
  const clock = join(bench.dir, 'clock');
  writeFileSync(clock, String(beginMs - Date.now()));
  const aheadMs = () => Number(readFileSync(clock, 'utf8'));
  journal = join(bench.home, 'logs/experiment-log.jsonl');
  const env = { ...CLEAN_ENV, HOME: bench.dir, SOAK_CLOCK: clock };

  const lives: Life[] = [];
  let factory: ChildProcess | undefined;
  let reachedMs = 0;
  let begunLives = 0;
  let nextMeasure = 1;
  const measured = new Map<number, (held: Holdings) => void>();
  const printed: string[] = [];

  const world: SoakWorld = {
    ...{ bench, model, bot, random, notices, deaf, lives, losses: [], journal },
    ...{
      acknowledged: Buffer.alloc(0),
      kills: 0,
      damagedFrom: undefined,
      turnedBits: 0,
      forgotten: undefined,
      secret: SECRET,
    },
    canary: { dir: canary, hash: hashOf(canary) },
    now: () => Date.now() + aheadMs(),
    start: () => {
      if (factory) return;
      const child = spawn(process.execPath, ['--expose-gc', '--import', LEAP, MAIN, 'up'], {
        ...{ cwd: bench.home, env },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      factory = child;
      const life: Life = { pid: child.pid ?? 0, fromMs: world.now(), held: [] };
      lives.push(life);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (data) => {
          printed.push(String(data));
          if (printed.length > PRINTED_MAX) printed.shift();
        });
      }
      child.on('message', (message: { reached?: number; measured?: number } & Holdings) => {
        if (message.reached !== undefined) reachedMs = message.reached;
        if (message.measured !== undefined) measured.get(message.measured)?.({ ...message, atMs: world.now() });
      });
      child.once('exit', (code, signal) => {
        life.toMs = world.now();
        if (factory !== child) return;
        factory = undefined;
        life.end = 'by itself';
        world.losses.push(`winnow up ended by itself (${code ?? signal}): ${printed.join('').slice(-400)}`);
      });
    },
    kill: async () => void (await end(world, 'killed')),
    stop: async () => end(world, 'stopped'),
    advance: async (untilMs) => {
      await world.advanceTo(() => false, untilMs);
    },
    advanceTo: async (passes, untilMs) => {
      if (untilMs <= world.now()) return false;
      const tail = createTail(journal);
      let asked: ChildProcess | undefined;
      let [stillSince, wasMs] = [Date.now(), world.now()];
      for (;;) {
        if (world.losses.length >= LOSSES_MAX) throw new Error(`it ends again and again: ${world.losses.at(-1)}`);
        world.start();
        const entries = tail.read();
        // Whoever only begins is not told to leap: nothing waits yet for any moment.
        if (entries.some(({ type }) => type === 'process_started')) begunLives = lives.length;
        if (asked !== factory && begunLives === lives.length) {
          asked = factory;
          reachedMs = 0;
          asked?.send({ until: untilMs });
        }
        if (entries.some(passes)) return true;
        if (reachedMs === untilMs) return false;
        if (entries.length > 0 || Math.abs(world.now() - wasMs) > MINUTE_MS)
          [stillSince, wasMs] = [Date.now(), world.now()];
        if (Date.now() - stillSince > STILL_MAX_MS)
          throw new Error(`nothing moves at ${new Date(world.now()).toISOString()}: ${printed.join('').slice(-600)}`);
        await pause(LOOK_MS);
      }
    },
    pass: (ms) => writeFileSync(clock, String(aheadMs() + ms)),
    setBack: async (ms) => {
      const before = aheadMs();
      factory?.send({ back: ms });
      for (let n = 0; aheadMs() === before && n < 500; n += 1) await pause(LOOK_MS);
    },
    measure: async () => {
      const child = factory;
      if (!child) return undefined;
      const number = nextMeasure;
      nextMeasure += 1;
      const answer = new Promise<Holdings>((done) => measured.set(number, done));
      child.send({ measure: number });
      const held = await Promise.race([answer, pause(5_000).then(() => undefined)]);
      if (held) lives.at(-1)?.held.push(held);
      return held;
    },
    winnow: (...args) =>
      new Promise((done) => {
        const child = spawn(process.execPath, ['--import', LEAP, MAIN, ...args], { cwd: bench.home, env });
        let [out, err] = ['', ''];
        child.stdout.on('data', (data) => {
          out += data;
        });
        child.stderr.on('data', (data) => {
          err += data;
        });
        child.once('close', (code) => done({ code, out, err }));
      }),
    acknowledge: () => {
      world.acknowledged = existsSync(journal) ? readFileSync(journal) : Buffer.alloc(0);
    },
    close: async () => {
      if (factory) await end(world, 'killed');
      await bench.close();
      await model.close();
      await bot.close();
      webhook.closeAllConnections();
      await new Promise((closed) => webhook.close(closed));
    },
  };

  const end = async ({ lives }: SoakWorld, how: 'killed' | 'stopped'): Promise<number | null> => {
    const child = factory;
    factory = undefined;
    if (!child || child.exitCode !== null) return null;
    const gone = once(child, 'exit') as Promise<[number | null]>;
    if (how === 'killed') world.kills += 1;
    child.kill(how === 'killed' ? 'SIGKILL' : 'SIGTERM');
    const [code] = await gone;
    lives.at(-1)!.end = how;
    return code;
  };
  return world;
};

/** Lines of what it printed, for whoever wants to know why it ended. */
const PRINTED_MAX = 200;

const CLEAN_ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(ANTHROPIC|CLAUDE|WINNOW|GIT|VITEST|NODE_OPTIONS)/.test(name)),
) as Record<string, string>;

/** Entries as they are written from now on. */
export const createTail = (file: string): { read: () => Entry[] } => {
  let at = existsSync(file) ? readFileSync(file).length : 0;
  let rest = '';
  const bytes = Buffer.alloc(1 << 20);
  return {
    read: () => {
      if (!existsSync(file)) return [];
      const handle = openSync(file, 'r');
      try {
        for (let got = readSync(handle, bytes, 0, bytes.length, at); got > 0; ) {
          at += got;
          rest += bytes.toString('utf8', 0, got);
          got = readSync(handle, bytes, 0, bytes.length, at);
        }
      } finally {
        closeSync(handle);
      }
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      return lines.flatMap((line) => {
        try {
          return [JSON.parse(line) as Entry];
        } catch {
          return [];
        }
      });
    },
  };
};
