import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findMarked } from './processes.ts';

/**
 * What the machine has left: the figures behind the gates. In a container its limits count and not the host's, or the
 * kernel kills what the figures would have allowed.
 */
export interface MemoryFacts {
  /** 0 to 1, of the tightest limit. */
  usedShare: number;
  totalBytes: number;
  availableBytes: number;
}

export const memoryFacts = (readText: ReadText = readTextFile): MemoryFacts => {
  const host = parseMeminfo(readText('/proc/meminfo') ?? '');
  const levels = cgroupDirs(readText('/proc/self/cgroup') ?? '', 'memory').flatMap(({ version, dir }) => {
    const file = (name: string) => readText(join(dir, name)) ?? '';
    const limitBytes = parseLimit(file(version === 2 ? 'memory.max' : 'memory.limit_in_bytes'));
    const usageBytes = parseLimit(file(version === 2 ? 'memory.current' : 'memory.usage_in_bytes'));
    if (limitBytes === undefined || usageBytes === undefined) return [];
    const stat = parseFlatKeys(file('memory.stat'));
    const inactiveFileBytes = stat.get(version === 2 ? 'inactive_file' : 'total_inactive_file') ?? 0;
    return [{ limitBytes, usedBytes: Math.max(0, usageBytes - inactiveFileBytes) }];
  });
  return combineMemory(host, levels);
};

/** Free for this user on the disk of the path; of a path that does not exist yet, of its nearest existing parent. */
export const diskFacts = async (path: string): Promise<{ freeBytes: number; totalBytes: number }> => {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { bavail, blocks, bsize } = await statfs(at);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      if (at === '/') throw error;
    }
  }
};

/**
 * Of each marker the memory of everything whose own begins so, in one look at all processes, however many are asked
 * for; shared pages are counted in proportion where the kernel tells.
 */
export const markedMemoryBytes = async (markers: readonly string[]): Promise<Map<string, number>> => {
  const bytes = new Map(markers.map((marker) => [marker, 0]));
  for (const { pid, marker } of await findMarked('', 'prefix')) {
    const whose = markers.find((prefix) => marker.startsWith(prefix));
    if (whose === undefined) continue;
    // The kernel walks all pages of a large process for it: the event loop answers between any two.
    await new Promise(setImmediate);
    const proportional = parseKilobytes(readTextFile(`/proc/${pid}/smaps_rollup`) ?? '', 'Pss');
    const resident = proportional ?? parseKilobytes(readTextFile(`/proc/${pid}/status`) ?? '', 'VmRSS') ?? 0;
    bytes.set(whose, (bytes.get(whose) ?? 0) + resident);
  }
  return bytes;
};

/** Whole processors that this process may use at the same time, at least 1. */
export const cpuCount = (readText: ReadText = readTextFile, machine = availableParallelism()): number => {
  const quotas = cgroupDirs(readText('/proc/self/cgroup') ?? '', 'cpu').flatMap(({ version, dir }) => {
    const file = (name: string) => readText(join(dir, name)) ?? '';
    const quota =
      version === 2
        ? parseCpuMax(file('cpu.max'))
        : parseCpuMax(`${file('cpu.cfs_quota_us')} ${file('cpu.cfs_period_us')}`);
    return quota === undefined ? [] : [quota];
  });
  return Math.max(1, Math.floor(Math.min(machine, ...quotas)));
};

/** The text of a file; undefined when it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/** Reads /proc/meminfo. */
export const parseMeminfo = (text: string): { totalBytes: number; availableBytes: number } => {
  const totalBytes = parseKilobytes(text, 'MemTotal') ?? 0;
  // Kernels before 3.14 do not estimate what is available.
  const guess = (parseKilobytes(text, 'MemFree') ?? 0) + (parseKilobytes(text, 'Cached') ?? 0);
  return { totalBytes, availableBytes: Math.min(totalBytes, parseKilobytes(text, 'MemAvailable') ?? guess) };
};

/** A line "Key:   123 kB", in bytes. */
export const parseKilobytes = (text: string, key: string): number | undefined => {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text);
  return match ? Number(match[1]) * 1024 : undefined;
};

/** A cgroup's number; undefined for "max", for the number that cgroup v1 writes instead of it, and for anything else. */
export const parseLimit = (text: string): number | undefined => {
  if (!/^\d+$/.test(text.trim())) return undefined;
  const value = Number(text.trim());
  return value < UNLIMITED_BYTES ? value : undefined;
};

/** Lines "key 123". */
export const parseFlatKeys = (text: string): Map<string, number> =>
  new Map(
    text.split('\n').flatMap((line): [string, number][] => {
      const match = /^(\S+) (\d+)$/.exec(line.trim());
      return match ? [[match[1] as string, Number(match[2])]] : [];
    }),
  );

/** "QUOTA PERIOD" in microseconds, as a number of processors; undefined when there is no limit. */
export const parseCpuMax = (text: string): number | undefined => {
  const match = /^(\d+)\s+(\d+)$/.exec(text.trim());
  const [quota, period] = [Number(match?.[1]), Number(match?.[2])];
  return match && quota > 0 && period > 0 ? quota / period : undefined;
};

/**
 * Reads /proc/self/cgroup: the directories whose limits apply, from the own group up to the mount. Inside a container
 * the path may be the host's, which is not to be found there; the mount's own directory then is the container's group.
 */
export const cgroupDirs = (text: string, controller: string): { version: 1 | 2; dir: string }[] =>
  text.split('\n').flatMap((line) => {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (!match) return [];
    const [, controllers, path] = match as unknown as [string, string, string];
    const version = controllers === '' ? (2 as const) : (1 as const);
    if (version === 1 && !controllers.split(',').includes(controller)) return [];
    const mount = version === 2 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`;
    const parts = path.split('/').filter((part) => part !== '' && part !== '..');
    return Array.from({ length: parts.length + 1 }, (_unused, i) => ({
      version,
      dir: join(mount, ...parts.slice(0, parts.length - i)),
    }));
  });

/** The tightest of the machine and the groups around this process decides. */
export const combineMemory = (
  host: { totalBytes: number; availableBytes: number },
  levels: { limitBytes: number; usedBytes: number }[],
): MemoryFacts => {
  const totalBytes = Math.min(host.totalBytes, ...levels.map(({ limitBytes }) => limitBytes));
  const availableBytes = Math.max(
    0,
    Math.min(host.availableBytes, ...levels.map(({ limitBytes, usedBytes }) => limitBytes - usedBytes)),
  );
  // Of the limit with the least left: a group may be full on a machine that is nearly empty.
  const shares = [
    host.totalBytes > 0 ? 1 - host.availableBytes / host.totalBytes : 0,
    ...levels.map(({ limitBytes, usedBytes }) => (limitBytes > 0 ? usedBytes / limitBytes : 1)),
  ];
  return { usedShare: Math.min(1, Math.max(0, ...shares)), totalBytes, availableBytes };
};

/** cgroup v1 has no word for "no limit": it writes the largest number of whole pages. No machine has an exabyte. */
const UNLIMITED_BYTES = 2 ** 60;

const readTextFile: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
