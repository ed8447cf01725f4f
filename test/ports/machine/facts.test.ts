import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cgroupDirs,
  combineMemory,
  cpuCount,
  diskFacts,
  markedMemoryBytes,
  memoryFacts,
  parseCpuMax,
  parseFlatKeys,
  parseKilobytes,
  parseLimit,
  parseMeminfo,
} from '../../../src/ports/machine/facts.ts';

const MB = 1024 * 1024;
const files = (contents: Record<string, string>) => (path: string) => contents[path];
const MEMINFO = 'MemTotal:       8192000 kB\nMemFree:  1000000 kB\nMemAvailable:    4096000 kB\nCached: 5 kB\n';

describe('memory', () => {
  it('of this machine is told in figures that agree with each other', () => {
    const { usedShare, totalBytes, availableBytes } = memoryFacts();
    expect(totalBytes).toBeGreaterThan(64 * MB);
    expect(availableBytes).toBeGreaterThan(0);
    expect(availableBytes).toBeLessThanOrEqual(totalBytes);
    expect(usedShare).toBeGreaterThan(0);
    expect(usedShare).toBeLessThanOrEqual(1);
  });

  it('is the host’s where no group limits it', () => {
    const facts = memoryFacts(
      files({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '0::/user.slice\n',
        '/sys/fs/cgroup/user.slice/memory.max': 'max\n',
        '/sys/fs/cgroup/user.slice/memory.current': '123\n',
      }),
    );
    expect(facts).toEqual({ usedShare: 0.5, totalBytes: 8000 * MB, availableBytes: 4000 * MB });
  });

  it('is the container’s with cgroup v2, without the file pages that can be dropped', () => {
    const facts = memoryFacts(
      files({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/memory.max': `${1000 * MB}\n`,
        '/sys/fs/cgroup/memory.current': `${900 * MB}\n`,
        '/sys/fs/cgroup/memory.stat': `anon 5\nactive_file 1\ninactive_file ${200 * MB}\n`,
      }),
    );
    expect(facts).toEqual({ usedShare: 0.7, totalBytes: 1000 * MB, availableBytes: 300 * MB });
  });

  it('is the tightest of nested groups', () => {
    const facts = memoryFacts(
      files({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/b/memory.max': `${2000 * MB}`,
        '/sys/fs/cgroup/a/b/memory.current': `${100 * MB}`,
        '/sys/fs/cgroup/a/memory.max': `${4000 * MB}`,
        '/sys/fs/cgroup/a/memory.current': `${3900 * MB}`,
      }),
    );
    expect(facts).toMatchObject({ usedShare: 0.975, totalBytes: 2000 * MB, availableBytes: 100 * MB });
  });

  it('is the container’s with cgroup v1, also when the group’s path is the host’s', () => {
    const facts = memoryFacts(
      files({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/docker/0123\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${512 * MB}`,
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${512 * MB}`,
        '/sys/fs/cgroup/memory/memory.stat': `inactive_file 7\ntotal_inactive_file ${128 * MB}\n`,
      }),
    );
    expect(facts).toEqual({ usedShare: 0.75, totalBytes: 512 * MB, availableBytes: 128 * MB });
  });

  it('is nothing left rather than less than nothing, and all zeros where nothing is known', () => {
    expect(combineMemory({ totalBytes: 10, availableBytes: 9 }, [{ limitBytes: 5, usedBytes: 6 }])).toEqual({
      usedShare: 1,
      totalBytes: 5,
      availableBytes: 0,
    });
    expect(memoryFacts(() => undefined)).toEqual({ usedShare: 0, totalBytes: 0, availableBytes: 0 });
  });

  it('of a run is that of all its processes', async () => {
    const marker = `test-facts-${process.pid}-${Math.random()}`;
    const script = `const b = Buffer.alloc(${60 * MB}, 1); console.log(b.length); setInterval(() => b, 1e6)`;
    const children = [0, 1].map(() =>
      spawn(process.execPath, ['-e', script], { env: { WINNOW_RUN: marker }, stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    const other = `${marker}x`;
    const all = await markedMemoryBytes([other, marker]);
    const bytes = all.get(marker);
    expect(bytes).toBeGreaterThan(120 * MB);
    expect(bytes).toBeLessThan(400 * MB);
    expect(all.get(other)).toBe(0);
    for (const child of children) child.kill('SIGKILL');
  });
});

describe('the disk', () => {
  it('of a path is told, also of one that does not exist yet', async () => {
    const here = await diskFacts(tmpdir());
    expect(here.freeBytes).toBeGreaterThan(0);
    expect(here.totalBytes).toBeGreaterThanOrEqual(here.freeBytes);
    expect((await diskFacts(join(tmpdir(), 'not', 'yet', 'there'))).totalBytes).toBe(here.totalBytes);
  });
});

describe('processors', () => {
  it('of this machine are at least one', () => {
    expect(cpuCount()).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['no limit', { '/sys/fs/cgroup/x/cpu.max': 'max 100000\n' }, 8],
    ['two and a half', { '/sys/fs/cgroup/x/cpu.max': '250000 100000\n' }, 2],
    ['a half', { '/sys/fs/cgroup/x/cpu.max': '50000 100000' }, 1],
    ['the parent’s', { '/sys/fs/cgroup/x/cpu.max': '900000 100000', '/sys/fs/cgroup/cpu.max': '300000 100000' }, 3],
    ['more than there are', { '/sys/fs/cgroup/x/cpu.max': '6400000 100000' }, 8],
    ['nonsense', { '/sys/fs/cgroup/x/cpu.max': '0 0' }, 8],
  ])('with a quota of %s', (_what, contents, expected) => {
    expect(cpuCount(files({ '/proc/self/cgroup': '0::/x\n', ...contents }), 8)).toBe(expected);
  });

  it('respect a quota of cgroup v1', () => {
    const dir = '/sys/fs/cgroup/cpu';
    const contents = { '/proc/self/cgroup': '3:cpu,cpuacct:/\n', [`${dir}/cpu.cfs_period_us`]: '100000\n' };
    expect(cpuCount(files({ ...contents, [`${dir}/cpu.cfs_quota_us`]: '400000\n' }), 8)).toBe(4);
    expect(cpuCount(files({ ...contents, [`${dir}/cpu.cfs_quota_us`]: '-1\n' }), 8)).toBe(8);
  });
});

describe('the kernel’s texts', () => {
  it.each([
    ['max', undefined],
    ['', undefined],
    ['-1', undefined],
    ['9223372036854771712', undefined],
    ['18446744073709551615', undefined],
    ['12 34', undefined],
    ['0', 0],
    [' 1024\n', 1024],
  ])('limit %j', (text, expected) => expect(parseLimit(text)).toBe(expected));

  it.each([
    ['max 100000', undefined],
    ['150000 100000', 1.5],
    ['-1 100000', undefined],
    ['', undefined],
    ['1 0', undefined],
  ])('cpu.max %j', (text, expected) => expect(parseCpuMax(text)).toBe(expected));

  it('lines with kilobytes are found by their whole key', () => {
    expect(parseKilobytes('PssX: 1 kB\nPss:       12 kB\nPss_Dirty: 3 kB\n', 'Pss')).toBe(12 * 1024);
    expect(parseKilobytes('Pss: x kB', 'Pss')).toBeUndefined();
  });

  it('keys and numbers are read, the rest is passed over', () => {
    expect([...parseFlatKeys('a 1\n\nb\nc x\n d 4 \n')]).toEqual([
      ['a', 1],
      ['d', 4],
    ]);
  });

  it('memory without an estimate is guessed, and never more than there is', () => {
    expect(parseMeminfo('MemTotal: 10 kB\nMemFree: 2 kB\nCached: 3 kB')).toMatchObject({ availableBytes: 5 * 1024 });
    expect(parseMeminfo('MemTotal: 1 kB\nMemAvailable: 2 kB')).toMatchObject({ availableBytes: 1024 });
    expect(parseMeminfo('')).toEqual({ totalBytes: 0, availableBytes: 0 });
  });

  it('groups lead from the own one up to the mount, without leaving it', () => {
    expect(cgroupDirs('0::/a/b\n', 'memory').map(({ dir }) => dir)).toEqual([
      '/sys/fs/cgroup/a/b',
      '/sys/fs/cgroup/a',
      '/sys/fs/cgroup',
    ]);
    expect(cgroupDirs('0::/../../etc\n', 'memory').map(({ dir }) => dir)).toEqual([
      '/sys/fs/cgroup/etc',
      '/sys/fs/cgroup',
    ]);
    expect(cgroupDirs('garbage\n4:pids:/\n', 'memory')).toEqual([]);
  });
});
