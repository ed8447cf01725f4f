import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { pause } from '../chaos/world.ts';
import { remoteOf } from './git.ts';
import { readMetrics } from './metrics.ts';
import { MINUTE_MS, type SoakWorld } from './world.ts';

/** What Winnow tells of itself at one moment, on every surface that tells numbers, and the journal of that moment. */
export interface Told {
  atMs: number;
  /** `winnow status --json`, from a process of its own. */
  status: Status;
  /** GET /status, from the factory. */
  httpStatus: Status;
  /** GET /metrics: name and labels as they stand, and the value. */
  metrics: Map<string, number>;
  /** `winnow queue --all --json`. */
  queue: { branch: string; session: string; status: { state: string } }[];
  /** `winnow task list --all --json`. */
  tasks: { state: string }[];
  /** What `winnow log --json` prints, by type. */
  log: Record<string, number>;
  /** What the bot answers to /status. */
  bot: string;
  /** The bytes of the journal. */
  journal: string;
  /** Branches of sessions in the remote, and what main is made of. */
  git: Awaited<ReturnType<typeof remoteOf>>;
  /** Minutes of standups, letters of the doctor, reviews. */
  files: { standups: number; letters: number };
}

interface Status {
  today: { costUsd: number; counts: Record<string, number> };
  sessions: { name: string; costUsd: number; counts: Record<string, number> }[];
  queue: { branch: string; state: string }[];
  tasks: { queued: number; assigned: number; failed: number };
  journal: { entries: number; damaged: number; illegal: number };
}

/** Nothing may be written between the first surface and the last: asked again until that holds. */
const ATTEMPTS = 20;
/** Real time in which nothing is written: nothing is under way. */
const STILL_MS = 700;

export const listen = async (world: SoakWorld): Promise<Told> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const bot = await askBot(world);
    await untilStill(world);
    const journal = readFileSync(world.journal, 'utf8');
    const told = await ask(world);
    if (readFileSync(world.journal, 'utf8') === journal) return { ...told, bot, journal };
    await world.advance(world.now() + MINUTE_MS);
  }
  throw new Error('the factory never stood still for long enough to be asked');
};

/** What is under way ends in real time, and no cycle is left half. */
const untilStill = async ({ bench }: SoakWorld): Promise<void> => {
  let was = '';
  for (let n = 0; n < 120; n += 1) {
    const entries = bench.entries();
    const open = bench.ofType('cycle_started').length - bench.ofType('ralph_cycle').length;
    const now = `${entries.length} ${open}`;
    if (open === 0 && now === was) return;
    was = now;
    await pause(STILL_MS);
  }
};

const ask = async (world: SoakWorld): Promise<Omit<Told, 'bot' | 'journal'>> => {
  const json = async (...args: string[]) => {
    const { out, err, code } = await world.winnow(...args);
    if (code !== 0) throw new Error(`winnow ${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  };
  const logs = (name: string) =>
    readdirSync(join(world.bench.home, 'logs', name)).filter((file) => file.endsWith('.md'));
  const log: Record<string, number> = {};
  for (const line of (await json('log', '--json')).split('\n')) {
    const { type = '' } = line === '' ? {} : (JSON.parse(line) as { type: string });
    if (type !== '') log[type] = (log[type] ?? 0) + 1;
  }
  return {
    atMs: world.now(),
    status: JSON.parse(await json('status', '--json')),
    httpStatus: JSON.parse(await get(world, '/status')),
    metrics: readMetrics(await get(world, '/metrics')),
    queue: JSON.parse(await json('queue', '--all', '--json')),
    tasks: JSON.parse(await json('task', 'list', '--all', '--json')),
    log,
    git: await remoteOf(world.bench.remote),
    files: { standups: logs('standups').length, letters: logs('doctor').length },
  };
};

const get = ({ bench }: SoakWorld, path: string): Promise<string> =>
  new Promise((done, fail) => {
    const asked = http.get({ socketPath: join(bench.home, '.winnow/http.sock'), path }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (data) => {
        text += data;
      });
      answer.once('end', () => done(text));
    });
    asked.once('error', fail);
  });

const ANSWER_MAX_LOOKS = 1_000;

/** As a person does it on the phone. */
const askBot = async ({ bot }: SoakWorld): Promise<string> => {
  const before = bot.sent.length;
  bot.say('/status');
  for (let n = 0; n < ANSWER_MAX_LOOKS; n += 1) {
    const answer = bot.sent.slice(before).find(({ text }) => /^Today: /m.test(text));
    if (answer) return answer.text;
    await pause(20);
  }
  return '';
};
