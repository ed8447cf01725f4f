import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { Entry } from '../src/model/entry.ts';
import { atSomeMoment, type Fault, processesIn } from './faults.ts';
import { pause, type World } from './world.ts';

/** What a disk does: it forgets what it was not asked to keep, turns bits, and refuses to be written. */

const journalOf = (dir: string): string => join(dir, 'home/logs/experiment-log.jsonl');
/** Sizes of the journal that are known to be on the disk. */
const durableFile = (dir: string): string => join(dir, 'durable');
/** Each ref that the remote was told to move, with how much of the journal was durable then. */
const receivedFile = (dir: string): string => join(dir, 'received');

const durableBytes = ({ bench }: World): number =>
  existsSync(durableFile(bench.dir))
    ? Math.max(0, ...readFileSync(durableFile(bench.dir), 'utf8').trim().split('\n').map(Number))
    : 0;

/** The remote writes down what is durable at the moment at which it is told to move a ref. */
const RECEIVE = (dir: string): string => `#!/bin/sh
durable=$(sort -n '${durableFile(dir)}' 2>/dev/null | tail -n 1)
while read -r old new ref; do echo "\${durable:-0} $old $new $ref" >> '${receivedFile(dir)}'; done
`;

/** A meeting becomes due with the start after the loss, and people are told of it. */
const SLOT = '0 * * * *';

/** Takes what people are told, and writes down what is durable at that moment. */
const listen = async (world: World): Promise<void> => {
  const { bench } = world;
  const server = createServer((asked, answer) => {
    appendFileSync(receivedFile(bench.dir), `${durableBytes(world)} - ${asked.headers['x-winnow-id']} message\n`);
    asked.resume().once('end', () => answer.end());
  }).unref();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const hook = `notify:\n  webhooks:\n    - { name: trial, url: http://127.0.0.1:${port}/ }\n`;
  await appendFile(join(bench.home, 'winnow.config.yaml'), hook);
};

const POWER: Fault = {
  name: 'power-loss',
  what: 'the machine goes down: all dies at once, and of the journal stays what was synced, or a part of the rest',
  setting: {
    preload: (dir) => [
      `${pathToFileURL(join(import.meta.dirname, 'preload/durable.mjs'))}?${new URLSearchParams({ journal: journalOf(dir), into: durableFile(dir) })}`,
    ],
    config: { schedule: { standup: SLOT } },
  },
  strike: async (world) => {
    const { bench, random } = world;
    await listen(world);
    const hook = join(bench.remote, 'hooks/pre-receive');
    await mkdir(join(bench.remote, 'hooks'), { recursive: true });
    await writeFile(hook, RECEIVE(bench.dir));
    await chmod(hook, 0o755);
    await bench.until((entry) => entry.type === 'cycle_started', 'a cycle');
    await atSomeMoment(world);
    await world.kill();
    await killAll(world);
    const durable = durableBytes(world);
    const text = readFileSync(world.journal);
    world.acknowledged = text.subarray(0, durable);
    const kept = random.pick([durable, durable, random.between(durable, text.length)]);
    await truncate(world.journal, kept);
    if (kept > durable) world.damagedFrom = durable;
    // A file system may have made it longer and not have written what belongs there.
    if (kept > durable && random.next() < 0.5) writeFileSync(world.journal, zeroed(text.subarray(0, kept), durable));
  },
  after: async (world) => {
    const received = existsSync(receivedFile(world.bench.dir))
      ? readFileSync(receivedFile(world.bench.dir), 'utf8').trim().split('\n')
      : [];
    if (received.length === 0) throw new Error('the remote was never told anything');
    const intents = intentsByPlace(world);
    const early = received.flatMap((line) => {
      const [durable = '', , commit = '', ref = ''] = line.split(' ');
      const before = intents.some(({ entry, end }) => end <= Number(durable) && isFor(entry, ref, commit));
      return before ? [] : [`${ref} ${commit.slice(0, 26)} was there before its intent was durable`];
    });
    if (early.length > 0) throw new Error(early.join('; '));
  },
};

/** Whatever works for the home, so that nothing that was pushed or written comes from before. */
const killAll = async (world: World): Promise<void> => {
  for (let left = processesIn(world, () => true); left.length > 0; left = processesIn(world, () => true)) {
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself just now.
      }
    }
    await pause(50);
  }
};

const zeroed = (text: Buffer, from: number): Buffer => {
  const copy = Buffer.from(text);
  copy.fill(0, from);
  return copy;
};

interface Placed {
  entry: Entry;
  /** Of its line, with the line’s end. */
  end: number;
}

const intentsByPlace = ({ journal }: World): Placed[] => {
  let end = 0;
  return readFileSync(journal, 'utf8')
    .split('\n')
    .flatMap((line) => {
      end += Buffer.byteLength(line) + 1;
      return INTENTS.test(line) ? [{ entry: JSON.parse(line) as Entry, end }] : [];
    });
};

/** What is written before something of it can be seen outside. */
const INTENTS = /"type":"(intent|message_sending)"/;
const GONE = /^0+$/;

const isFor = (entry: Entry, ref: string, commit: string): boolean => {
  if (entry.type === 'message_sending') return ref === 'message' && commit === entry.data.message;
  if (entry.type !== 'intent') return false;
  const { data } = entry;
  switch (data.effect) {
    case 'push-branch':
      return ref === `refs/heads/${data.branch}` && commit === data.commit;
    case 'delete-branch':
      return ref === `refs/heads/${data.branch}` && GONE.test(commit);
    case 'move-main':
      return ref === `refs/heads/${data.merge.main}` && commit === data.merge.to;
  }
};

const BIT: Fault = {
  name: 'journal-bit',
  what: 'one bit of a line in the middle of the journal turns while Winnow is down',
  strike: async (world) => {
    const { random } = world;
    await world.next((entry) => entry.type === 'ralph_cycle', 'the end of a cycle');
    await atSomeMoment(world);
    await world.kill();
    const text = readFileSync(world.journal);
    const lines = text.toString('utf8').trimEnd().split('\n');
    const n = random.between(1, lines.length - 2);
    const from = Buffer.byteLength(lines.slice(0, n).join('\n')) + 1;
    const at = from + random.between(0, Buffer.byteLength(lines[n]!) - 1);
    world.forgotten = JSON.parse(lines[n]!) as Entry;
    text[at] = text[at]! ^ (1 << random.between(0, 7));
    writeFileSync(world.journal, text);
    world.turnedBits += 1;
    world.acknowledge();
  },
  after: async (world) => {
    const told = await execa('node', [join(process.cwd(), 'dist/main.js'), 'status', '--json'], {
      cwd: world.bench.home,
      reject: false,
    });
    const { journal } = JSON.parse(told.stdout) as { journal: { damaged: number } };
    if (journal.damaged !== 1) throw new Error(`status tells of ${journal.damaged} damaged lines`);
    const read = await execa('node', [join(process.cwd(), 'dist/main.js'), 'log', '--json'], {
      cwd: world.bench.home,
      reject: false,
    });
    if (!/1 damaged line /.test(read.stderr)) throw new Error('winnow log does not tell of it');
    const lines = readFileSync(world.journal, 'utf8').trimEnd().split('\n').length;
    const shown = read.stdout.trimEnd().split('\n').length;
    if (shown !== lines - 1) throw new Error(`${shown} entries are left of ${lines} lines`);
  },
};

const UNWRITABLE_MIN_MS = 1_000;
const UNWRITABLE_MAX_MS = 6_000;

const READ_ONLY: Fault = {
  name: 'read-only',
  what: 'the journal, logs/ or .winnow/ cannot be written for some seconds, also by what has it open',
  missing: () => immutableMissing(),
  strike: async (world) => {
    const { bench, random } = world;
    await world.next((entry) => entry.type === 'cycle_phase', 'a cycle under way');
    await atSomeMoment(world);
    const state = join(bench.home, '.winnow');
    const dirs = (await readdir(state, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const places = random.pick([
      [world.journal],
      [join(bench.home, 'logs'), world.journal],
      [state, ...dirs.map(({ name }) => join(state, name))],
    ]);
    await execa('chattr', ['+i', ...places]);
    try {
      await pause(random.between(UNWRITABLE_MIN_MS, UNWRITABLE_MAX_MS));
    } finally {
      await execa('chattr', ['-i', ...places]);
    }
  },
};

const immutableMissing = async (): Promise<string | undefined> => {
  const dir = await mkdtemp(join(tmpdir(), 'winnow-immutable-'));
  try {
    await execa('chattr', ['+i', dir]);
    await execa('chattr', ['-i', dir]);
    return undefined;
  } catch {
    return 'it needs the right to make files immutable, and a file system that can';
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

export const DISK: readonly Fault[] = [POWER, BIT, READ_ONLY];
