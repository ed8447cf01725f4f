import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import type { Reach } from '../../policy/hosts.ts';
import type { Commands } from './command.ts';

/**
 * Whether the walls hold, by trying to climb them for real: a hostile program is run where checks run, decoys are laid out
 * where it must not come, and what it reached is compared with what it may.
 */
export interface Climbed {
  /** What it reached behind each wall; nothing where the wall holds. */
  read: string[];
  write: string[];
  store: string[];
  system: string[];
  processes: string[];
  network: string[];
  leftovers: string[];
  /** What is listed and was not reached. */
  cut: string[];
}

const Report = z.object({
  works: z.array(z.string()),
  read: z.array(z.string()),
  store: z.array(z.string()),
  system: z.array(z.string()),
  processes: z.array(z.string()),
  sockets: z.array(z.string()),
  network: z.array(z.string()),
  cut: z.array(z.string()),
});

export const climbWalls = async ({
  commands,
  climber,
  disposable,
  secretPlaces,
  network,
}: {
  commands: Commands;
  /** The compiled climber.js. */
  climber: string;
  /** The home's .winnow directory. */
  disposable: string;
  /** What nobody behind the wall may read, beside the decoys. */
  secretPlaces: readonly string[];
  /** Of the room that is climbed; to what is listed comes one of the decoys. */
  network: Reach;
}): Promise<Result<Climbed, Failure>> => {
  const word = `winnow-climb-${randomBytes(8).toString('hex')}`;
  const at = (...parts: string[]) => join(disposable, 'tmp', word, ...parts);
  const store = join(disposable, 'deps', word);
  for (const dir of ['room', 'home', 'tmp', 'outside']) mkdirSync(at(dir), { recursive: true });
  mkdirSync(join(disposable, 'deps'), { recursive: true });
  const decoys = { read: at('outside', 'secret'), write: at('outside', 'written') };
  for (const file of [decoys.read, decoys.write, store]) writeFileSync(file, 'decoy', { mode: 0o600 });
  const bystander = spawn('/bin/sh', ['-c', 'sleep 60', word, 'outside'], { stdio: 'ignore' });
  const servers = await Promise.all([listen(0), listen(`\0${word}`), listen(0, word)]);
  const listedPort = portOf(servers[2]);
  try {
    const reach = {
      own: at('room'),
      read: [...secretPlaces, decoys.read].flatMap(seen),
      write: [decoys.write, at('outside', 'new')],
      store,
      pid: bystander.pid,
      word,
      port: portOf(servers[0]),
      ...(typeof network === 'string' ? {} : { listed: { port: listedPort, says: word } }),
      name: word,
      leftover: `${word}-leftover`,
    };
    const ran = await commands.run({
      command: process.execPath,
      args: [climber, JSON.stringify(reach)],
      cwd: at('room'),
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: at('home'), TMPDIR: at('tmp') },
      timeoutMs: CLIMB_MS,
      outputMaxBytes: 1024 ** 2,
      marker: word,
      network: withDecoy(network, listedPort),
    });
    if (ran.spawnError !== undefined) return failed('wall-missing', ran.stderr || `nothing starts (${ran.spawnError})`);
    const report = Report.safeParse(parseJson(ran.stdout));
    if (!report.success || report.data.works.length === 0) {
      const said = ran.stderr.trim().split('\n').at(-1) ?? '';
      return failed('wall-missing', `behind the wall nothing works: ${said || `exit ${ran.exitCode}`}`);
    }
    const { read, store: stored, system, processes, sockets, network: reached, cut } = report.data;
    return ok({
      read,
      write: [decoys.write, at('outside', 'new')].filter((file) => holds(file, 'climbed')),
      store: stored.filter((file) => holds(file, 'climbed')),
      system: [...system, ...sockets],
      processes,
      network: network === 'open' ? [] : reached,
      cut,
      leftovers: leftWith(`${word}-leftover`).map(() => 'a process that went its own way'),
    });
  } finally {
    bystander.kill('SIGKILL');
    for (const pid of leftWith(`${word}-leftover`)) process.kill(pid, 'SIGKILL');
    for (const server of servers) server?.close();
    rmSync(at(), { recursive: true, force: true });
    for (const file of [store, `${store}-new`]) rmSync(file, { force: true });
  }
};

/** Each attempt takes milliseconds; the limit is for a machine that is very busy. */
const CLIMB_MS = 60_000;

const seen = (place: string): { place: string; dev: number; ino: number }[] => {
  const found = statSync(place, { throwIfNoEntry: false });
  return found ? [{ place, dev: found.dev, ino: found.ino }] : [];
};

const portOf = (server: Server | undefined): number => (server?.address() as { port: number } | null)?.port ?? 0;

const withDecoy = (network: Reach, port: number): Reach =>
  typeof network === 'string'
    ? network
    : { ...network, hosts: [...network.hosts, { name: '127.0.0.1', port, near: true }] };

const listen = (where: number | string, says = ''): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(says);
    });
    server.once('error', () => resolve(undefined));
    const up = () => resolve(server);
    if (typeof where === 'number') server.listen(where, '127.0.0.1', up);
    else server.listen(where, up);
  });

const holds = (file: string, text: string): boolean => {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
};

const leftWith = (word: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && holds(`/proc/${pid}/cmdline`, word));

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
