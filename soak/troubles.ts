import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryType } from '../src/model/entry.ts';
import { MENDED } from './model.ts';
import { HOUR_MS, MINUTE_MS, SESSIONS, type SoakWorld } from './world.ts';

/** What goes wrong in the course of the day, and what people do: each at its moment, which the seed chooses. */
export interface Trouble {
  name: string;
  /** Minutes after the day began; the seed moves it by up to `spread` more. */
  atMin: number;
  spread: number;
  strike: (world: SoakWorld) => Promise<void>;
}

/** Moments of a cycle, a review, a landing and a meeting after which the factory is killed. */
const MOMENTS: readonly EntryType[] = [
  'cycle_started',
  'agent_ran',
  'plan_made',
  'evaluated',
  'intent',
  'branch_pushed',
  'ralph_cycle',
  'cto_review',
  'train_tested',
  'merged',
  'message_sending',
];
/** Until such a moment comes. */
const MOMENT_MAX_MS = 90 * MINUTE_MS;

const later = (world: SoakWorld, minutes: number): Promise<void> => world.advance(world.now() + minutes * MINUTE_MS);

const killed = async (world: SoakWorld): Promise<void> => {
  const type = world.random.pick(MOMENTS);
  await world.advanceTo((entry) => entry.type === type, world.now() + MOMENT_MAX_MS);
  world.acknowledge();
  await world.kill();
  world.start();
};

const kill = (atMin: number): Trouble => ({ name: 'SIGKILL of winnow up', atMin, spread: 50, strike: killed });

const othersPush = (atMin: number): Trouble => ({
  name: 'somebody else pushes to main',
  atMin,
  spread: 30,
  strike: async (world) => pushAsOther(world, { [`note-${atMin}.md`]: `${world.random.next()}\n` }, 'Write a note'),
});

/** The train was faster: whoever pushes fetches and tries again. */
const pushAsOther = async (world: SoakWorld, files: Record<string, string>, message: string): Promise<void> => {
  await world.bench.commit(files, message).catch(() => world.bench.commit(files, message));
};

const personDecides = (atMin: number): Trouble => ({
  name: 'a person decides what waits for one',
  atMin,
  spread: 10,
  strike: async (world) => {
    const asked = await world.winnow('queue', '--json');
    const queue = JSON.parse(asked.out || '[]') as { branch: string; status: { state: string } }[];
    for (const [n, { branch, status }] of queue.entries()) {
      if (status.state !== 'needs-human') continue;
      const words = n % 2 === 0 ? ['approve', branch] : ['reject', branch, '--reason', 'Not like that.'];
      const done = await world.winnow(...words);
      if (done.code !== 0) world.losses.push(`winnow ${words.join(' ')} ended with ${done.code}: ${done.err}`);
    }
  },
});

const personWrites = (atMin: number, ...texts: string[]): Trouble => ({
  name: 'a person writes to the bot',
  atMin,
  spread: 20,
  strike: async (world) => {
    for (const text of texts) world.bot.say(text);
    await later(world, 2);
  },
});

export const TROUBLES: readonly Trouble[] = [
  kill(70),
  kill(200),
  kill(330),
  kill(520),
  othersPush(45),
  othersPush(275),
  othersPush(615),
  othersPush(1_150),
  personWrites(30, 'what did we burn?', 'What did we burn today'),
  personWrites(400, 'hey, did we burn a lot?', '/status'),
  personWrites(1_000, 'what did we burn', 'tell the moon hello'),
  personDecides(480),
  personDecides(900),
  personDecides(1_260),
  {
    name: 'the API refuses six runs',
    ...{ atMin: 130, spread: 30 },
    strike: async (world) => world.model.storm(6),
  },
  {
    name: 'the remote refuses every push for 25 minutes',
    ...{ atMin: 240, spread: 20 },
    strike: async (world) => {
      const hook = join(world.bench.remote, 'hooks/pre-receive');
      mkdirSync(join(world.bench.remote, 'hooks'), { recursive: true });
      writeFileSync(hook, '#!/bin/sh\necho "not now"\nexit 1\n');
      chmodSync(hook, 0o755);
      await later(world, 25);
      rmSync(hook);
    },
  },
  {
    name: 'the remote cannot be reached for 25 minutes',
    ...{ atMin: 560, spread: 20 },
    strike: async (world) => {
      renameSync(world.bench.remote, `${world.bench.remote}.away`);
      await later(world, 25).finally(() => renameSync(`${world.bench.remote}.away`, world.bench.remote));
    },
  },
  {
    name: 'the usage limit is reached, and resets two hours later',
    ...{ atMin: 640, spread: 20 },
    strike: async (world) => world.model.limitUntil(world.now() + 2 * HOUR_MS),
  },
  {
    name: 'nothing runs for 70 minutes',
    ...{ atMin: 390, spread: 5 },
    strike: async (world) => {
      await world.kill();
      world.pass(70 * MINUTE_MS);
      world.start();
    },
  },
  {
    name: 'the clock is set back an hour, and then winnow up is killed',
    ...{ atMin: 780, spread: 30 },
    strike: async (world) => {
      await world.setBack(HOUR_MS);
      await later(world, 20);
      await killed(world);
    },
  },
  {
    name: 'somebody else breaks a module on main',
    ...{ atMin: 930, spread: 10 },
    strike: async (world) => {
      await pushAsOther(world, { [`${MENDED}.js`]: `export const ${MENDED} = (a, b) => a - b;\n` }, 'Subtract');
    },
  },
  {
    // Longer than from one cycle of a session to its next.
    name: 'the checks say nothing for 85 minutes',
    ...{ atMin: 1_040, spread: 10 },
    strike: async (world) => {
      const mark = join(world.bench.dir, 'deaf-checks');
      writeFileSync(mark, '');
      await later(world, 85);
      rmSync(mark);
    },
  },
  {
    name: 'the configuration is garbage for 10 minutes',
    ...{ atMin: 1_110, spread: 10 },
    strike: async (world) => {
      const file = join(world.bench.home, 'winnow.config.yaml');
      const good = readFileSync(file);
      writeFileSync(file, 'projects: [');
      await later(world, 10);
      writeFileSync(file, good);
    },
  },
  {
    name: 'the webhook answers 503 for an hour',
    ...{ atMin: 1_190, spread: 10 },
    strike: async (world) => {
      world.deaf.status = 503;
      await later(world, 60);
      world.deaf.status = undefined;
    },
  },
  {
    name: 'a person pauses a session for half an hour',
    ...{ atMin: 1_290, spread: 10 },
    strike: async (world) => {
      const name = world.random.pick(SESSIONS);
      await world.winnow('pause', name, '--reason', 'a look at it');
      await later(world, 30);
      await world.winnow('resume', name);
    },
  },
];

/** In the order in which they strike; `atMs` counts from the begin of the day. */
export const timetableOf = ({ random }: Pick<SoakWorld, 'random'>): { trouble: Trouble; atMs: number }[] =>
  TROUBLES.map((trouble) => ({ trouble, atMs: (trouble.atMin + random.next() * trouble.spread) * MINUTE_MS })).sort(
    (a, b) => a.atMs - b.atMs,
  );
