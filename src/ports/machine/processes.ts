import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/**
 * Which process is meant, whether it lives, and which ones a run left behind. A pid alone names nobody: the kernel
 * hands it out again, and a zombie still answers to signals. So a process is its pid and its start time, and what
 * belongs to a run is known by the marker that all its descendants inherit in their environment.
 */
export interface ProcessIdentity {
  pid: number;
  /** Start time in kernel ticks since boot, then the boot it counts from: after a reboot the ticks begin anew. */
  start: string;
}

export interface MarkedProcess extends ProcessIdentity {
  marker: string;
}

/** The environment variable that carries a run's marker. */
export const MARKER_VARIABLE = 'WINNOW_RUN';

export const selfIdentity = (): ProcessIdentity => {
  const identity = identityOf(process.pid);
  if (!identity) throw new Error('/proc/self/stat is unreadable: Winnow needs a mounted /proc');
  return identity;
};

/** Undefined when there is no such process, or only its zombie. */
export const identityOf = (pid: number): ProcessIdentity | undefined => {
  const stat = readStat(pid);
  if (!stat || isDeadState(stat.state)) return undefined;
  return { pid, start: `${stat.startTicks}@${bootId()}` };
};

export const isAlive = ({ pid, start }: ProcessIdentity): boolean => identityOf(pid)?.start === start;

/**
 * The processes that carry this marker, or with 'prefix' any marker that begins so: all runs of a home.
 * Processes that vanish meanwhile, or belong to somebody else, are passed over.
 */
export const findMarked = async (marker: string, match: 'exact' | 'prefix' = 'exact'): Promise<MarkedProcess[]> => {
  const wanted = Buffer.from(`${MARKER_VARIABLE}=${marker}${match === 'exact' ? '\0' : ''}`);
  const buffer = Buffer.allocUnsafe(ENVIRON_BYTES);
  const found: MarkedProcess[] = [];
  let looked = 0;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    // Synchronous reads cost a fifth of promised ones; the pauses keep the event loop answering meanwhile.
    if (++looked % SCAN_BATCH === 0) await new Promise(setImmediate);
    const environ = readEnviron(pid, buffer);
    if (environ === undefined) continue;
    const value = markerIn(environ, wanted);
    if (value === undefined) continue;
    // Read after the environment: should the pid change hands in between, the second look before a kill sees that.
    const identity = identityOf(pid);
    if (identity && markerStill(pid, buffer, wanted)) found.push({ ...identity, marker: value });
  }
  return found;
};

/**
 * Kills whatever carries the marker, again and again until a look finds none: what forks while being killed is found
 * by the next look. Never this process. Returns how many were killed.
 */
export const sweep = async (marker: string, match: 'exact' | 'prefix' = 'exact'): Promise<number> => {
  const killed = new Set<string>();
  for (let round = 0; round < SWEEP_ROUNDS; round++) {
    const survivors = (await findMarked(marker, match)).filter(({ pid }) => pid !== process.pid);
    if (survivors.length === 0) break;
    for (const survivor of survivors) {
      if (killExactly(survivor, 'SIGKILL')) killed.add(`${survivor.pid} ${survivor.start}`);
    }
    // A killed process shows its environment until the kernel has torn it down: give that a moment.
    await new Promise((resolve) => setTimeout(resolve, Math.min(round, SWEEP_PAUSE_MS_MAX)));
  }
  return killed.size;
};

/** Signals a process only if it is still the one meant; false when it is not there any more. */
export const killExactly = (identity: ProcessIdentity, signal: NodeJS.Signals): boolean => {
  if (identity.pid <= 1 || !isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** The pids of a process's children. */
export const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    // A kernel without that file: every process names its parent.
    return readdirSync('/proc')
      .map(Number)
      .filter((candidate) => Number.isInteger(candidate) && readStat(candidate)?.parent === pid);
  }
};

export interface ProcessStat {
  state: string;
  parent: number;
  startTicks: string;
}

/** Reads the text of /proc/PID/stat. The name in parentheses may itself hold blanks, parentheses and newlines. */
export const parseStat = (text: string): ProcessStat | undefined => {
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return undefined;
  const fields = text
    .slice(nameEnd + 1)
    .trim()
    .split(/\s+/);
  const [state, parent] = fields;
  const startTicks = fields[STARTTIME_FIELD];
  if (!state || !parent || !startTicks || !/^\d+$/.test(startTicks)) return undefined;
  return { state, parent: Number(parent), startTicks };
};

/** Field 22 of proc(5), counted from the state, which is field 3. */
const STARTTIME_FIELD = 19;

/** Enough for any usual environment in one read; longer ones are read in further pieces. */
const ENVIRON_BYTES = 256 * 1024;

/** Processes looked at between two turns of the event loop: about a millisecond's worth. */
const SCAN_BATCH = 64;

/** A fork bomb may outrun the killing; whoever needs certainty uses a pid namespace. About five seconds in all. */
const SWEEP_ROUNDS = 300;
const SWEEP_PAUSE_MS_MAX = 20;

const readStat = (pid: number): ProcessStat | undefined => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
};

const isDeadState = (state: string): boolean => state === 'Z' || state === 'X' || state === 'x';

const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
  } catch {
    return 'boot';
  }
};

/** The bytes of a process's environment, in the given buffer unless they are too many; undefined when unreadable. */
const readEnviron = (pid: number, buffer: Buffer): Buffer | undefined => {
  let descriptor: number;
  try {
    descriptor = openSync(`/proc/${pid}/environ`, 'r');
  } catch {
    return undefined;
  }
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, null);
    if (length === 0) return undefined;
    if (length < buffer.length) return buffer.subarray(0, length);
    return Buffer.concat([buffer, readFileSync(descriptor)]);
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
};

const markerIn = (environ: Buffer, wanted: Buffer): string | undefined => {
  for (let at = environ.indexOf(wanted); at >= 0; at = environ.indexOf(wanted, at + 1)) {
    if (at !== 0 && environ[at - 1] !== 0) continue;
    const end = environ.indexOf(0, at);
    return environ.subarray(at + MARKER_VARIABLE.length + 1, end < 0 ? undefined : end).toString();
  }
  return undefined;
};

const markerStill = (pid: number, buffer: Buffer, wanted: Buffer): boolean => {
  const environ = readEnviron(pid, buffer);
  return environ !== undefined && markerIn(environ, wanted) !== undefined;
};
