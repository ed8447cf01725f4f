import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Winnow and what it started, looked at from outside: the process table, at a steady pace. */
export interface Look {
  /** Milliseconds of a clock that only goes forward. */
  atMs: number;
  memoryMb: number;
  descriptors: number;
  /** Processor time that it has used. */
  cpuMs: number;
  /** Processes that belong to this home, Winnow itself included. */
  processes: number;
  /** Sessions with a run that lives. */
  runs: number;
}

export interface Watch {
  looks(): readonly Look[];
  stop(): void;
}

const LOOK_MS = 500;

export const watchProcess = (pid: number, dir: string): Watch => {
  const looks: Look[] = [];
  const timer = setInterval(() => {
    const look = lookAt(pid, dir);
    if (look) looks.push(look);
  }, LOOK_MS);
  return { looks: () => looks, stop: () => clearInterval(timer) };
};

/** Undefined: it has ended. */
const lookAt = (pid: number, dir: string): Look | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    const own = processesOf(dir);
    return {
      atMs: performance.now(),
      memoryMb: Number(kilobytes) / 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      cpuMs: cpuMsOf(readFileSync(`/proc/${pid}/stat`, 'latin1')),
      processes: own.length,
      runs: new Set(own.flatMap(({ agent }) => (agent === undefined || agent === 'reviewer' ? [] : [agent]))).size,
    };
  } catch {
    return undefined;
  }
};

/** The kernel counts in hundredths of a second. */
const TICK_MS = 10;

const cpuMsOf = (stat: string): number => {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  // Fields 14 and 15 of proc(5), counted from the state, which is field 3.
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

export interface Found {
  pid: number;
  command: string;
  /** Whose run it belongs to, of those that have not begun to check. */
  agent: string | undefined;
}

/** Every living process with this directory in its environment. */
export const processesOf = (dir: string): Found[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1');
      if (!environment.includes(dir)) return [];
      const [command = ''] = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
      const agent = /(?:^|\0)AGENT_NAME=([^\0]*)/.exec(environment)?.[1];
      return [{ pid: Number(name), command: basename(command), agent }];
    } catch {
      return [];
    }
  });
