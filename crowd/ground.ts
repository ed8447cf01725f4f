import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { inDir, mountSmall, unmountSmall } from '../chaos/small-disk.ts';
import { pause } from '../chaos/world.ts';

/**
 * What a crowd stands on: a small disk for the home, and a limit of memory around Winnow and all that it starts, so
 * that both gates close for real and nobody else on the machine notices. Where one of them may not be made the home
 * stands on the machine itself, and its gate is closed by the configuration.
 */
export interface Ground {
  isSmallDisk: boolean;
  isLimited: boolean;
  /** Has something made on the small disk. */
  within<T>(make: () => Promise<T>): Promise<T>;
  /** Puts a process, and what it will start, within the limit of memory. */
  take(pid: number): void;
  /** Fills the memory within the limit; resolves with what empties it again. */
  fillMemory(): Promise<() => Promise<void>>;
  /** Fills the small disk; resolves with what empties it again. */
  fillDisk(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Winnow with 64 runs, their shells and two checks take a quarter of it. */
const MEMORY_BYTES = 2 * 2 ** 30;
/** Above a gate of 80 %, with room for what runs on. */
const FULL_SHARE = 0.88;
/** Workspaces of 64 sessions, their transcripts, four mirrors, and twice that. */
const DISK_BYTES = 1024 * 2 ** 20;
/** Below a gate of 80 MB, with room for what runs on. */
const LEFT_BYTES = 60 * 2 ** 20;

export const createGround = async (): Promise<Ground> => {
  const disk = await mountSmall(String(DISK_BYTES));
  const group = makeGroup();
  return {
    isSmallDisk: disk !== undefined,
    isLimited: group !== undefined,
    within: (make) => inDir(disk, make),
    take: (pid) => group && writeFileSync(join(group.dir, 'cgroup.procs'), String(pid)),
    fillMemory: async () => {
      if (!group) throw new Error('there is no limit of memory to fill');
      const bytes = Math.max(0, Math.round(MEMORY_BYTES * FULL_SHARE) - usedBytes(group));
      const script = `const full = Buffer.alloc(${bytes}, 1); console.log('full'); setInterval(() => full.length, 1e9)`;
      const into = `echo $$ > ${join(group.dir, 'cgroup.procs')} && exec "$0" -e "$1"`;
      const hog = spawn('sh', ['-c', into, process.execPath, script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = new Promise<void>((resolve) => hog.once('close', () => resolve()));
      await Promise.race([new Promise((resolve) => hog.stdout.once('data', resolve)), ended]);
      return async () => {
        hog.kill('SIGKILL');
        await ended;
      };
    },
    fillDisk: async () => {
      if (disk === undefined) throw new Error('there is no small disk to fill');
      const { bavail, bsize } = await statfs(disk);
      const filler = join(disk, 'filler');
      const count = Math.max(0, Math.floor((bavail * bsize - LEFT_BYTES) / 2 ** 20));
      await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', `count=${count}`], { reject: false });
      return () => rm(filler);
    },
    close: async () => {
      await removeGroup(group);
      if (disk !== undefined) await unmountSmall(disk);
    },
  };
};

/** A memory cgroup of either version: the directory, and the names of its files. */
interface Group {
  dir: string;
  usage: string;
  inactive: string;
}

const VERSIONS = [
  {
    mount: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    inactive: 'total_inactive_file',
  },
  { mount: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', inactive: 'inactive_file' },
] as const;

const makeGroup = (): Group | undefined => {
  for (const { mount, limit, usage, inactive } of VERSIONS) {
    const dir = join(mount, `winnow-crowd-${process.pid}`);
    try {
      if (!existsSync(mount)) continue;
      mkdirSync(dir);
      // Without the controller the directory has no such file.
      if (existsSync(join(dir, limit))) {
        writeFileSync(join(dir, limit), String(MEMORY_BYTES));
        return { dir, usage, inactive };
      }
      rmdirSync(dir);
    } catch {
      // No right to make one.
    }
  }
  return undefined;
};

const usedBytes = ({ dir, usage, inactive }: Group): number => {
  const cached = new RegExp(`^${inactive} (\\d+)$`, 'm').exec(readFileSync(join(dir, 'memory.stat'), 'utf8'))?.[1];
  return Number(readFileSync(join(dir, usage), 'utf8')) - Number(cached ?? 0);
};

/** The last of its processes may not be quite gone. */
const removeGroup = async (group: Group | undefined): Promise<void> => {
  for (let attempt = 0; group && attempt < 50; attempt += 1) {
    try {
      return rmdirSync(group.dir);
    } catch {
      await pause(100);
    }
  }
};
