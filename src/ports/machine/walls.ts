import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { childrenOf } from './processes.ts';

/**
 * The wall behind which a run cannot leave anything: in a pid namespace of its own the kernel kills every descendant
 * when the first one ends, also those that forked twice, began a session and cleared their environment. Whether this
 * machine allows that is tried for real, since kernels, containers and security modules each forbid it in their way.
 */
export interface Reaper {
  /** 'sweep': no wall; survivors are looked for by their marker after the run. */
  kind: 'pid-namespace' | 'user-namespace' | 'sweep';
  /** Put before the program and its arguments; empty for 'sweep'. It also dies when Winnow dies, and all with it. */
  prefix: string[];
  /**
   * Put after it for programs that Winnow does not trust: takes from root, and only from root, the power to write where
   * the permissions forbid it. What is read-only, as installed dependencies are, is so for everybody then.
   */
  humble: string[];
}

export const SWEEP_ONLY: Reaper = { kind: 'sweep', prefix: [], humble: [] };

export const detectReaper = async (path = process.env.PATH ?? ''): Promise<Reaper> => {
  const setpriv = findOnPath('setpriv', path);
  const unshare = findOnPath('unshare', path);
  if (!setpriv) return SWEEP_ONLY;
  const humble = await humility(setpriv);
  const none: Reaper = { ...SWEEP_ONLY, humble };
  if (!unshare) return none;
  // The order matters: setpriv has the kernel kill unshare when Winnow dies, unshare has it kill the run's first process.
  const die = [setpriv, '--pdeathsig', 'KILL'];
  const wall = ['--pid', '--fork', '--kill-child', '--mount-proc'];
  const candidates: Reaper[] = [
    { kind: 'pid-namespace', prefix: [...die, unshare, ...wall], humble },
    { kind: 'user-namespace', prefix: [...die, unshare, '--user', '--map-current-user', ...wall], humble },
  ];
  for (const candidate of candidates) if (await holds([...candidate.prefix, ...humble])) return candidate;
  return none;
};

/** Reading everything stays allowed: root often works on files of the user who mounted them. */
const humility = async (setpriv: string): Promise<string[]> => {
  if (process.geteuid?.() !== 0) return [];
  const prefix = [setpriv, '--bounding-set', '-dac_override'];
  return (await succeeds([...prefix, '/bin/sh', '-c', 'exit 0'])) ? prefix : [];
};

const succeeds = ([program, ...args]: string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(program as string, args, { stdio: 'ignore', timeout: TRIAL_MS });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });

/**
 * The pid, as seen from outside, of the run's first process behind the wall. The process that was spawned is only its
 * guard: it ignores TERM and INT, so polite signals must go here. Undefined while the guard has not forked yet.
 */
export const firstInside = (guardPid: number): number | undefined => childrenOf(guardPid)[0];

/** The executable file that a name stands for; undefined when PATH has none. */
export const findOnPath = (name: string, path: string): string | undefined =>
  path
    .split(delimiter)
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => join(dir, name))
    .find(isExecutableFile);

export const isExecutableFile = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

/** A trial takes some 10 ms; the limit is for a machine that is very busy. */
const TRIAL_MS = 5_000;

/**
 * Rehearses the worst case: a parent starts a run behind the wall, the run detaches a process with an empty
 * environment, and the parent is killed. Standard output, which all of them hold, must then come to its end.
 */
export const holds = (prefix: string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const escapee = 'echo $$; (env -i setsid sleep 10 &); exec sleep 10';
    const parent = spawn('/bin/sh', ['-c', '"$@" & wait', 'sh', ...prefix, '/bin/sh', '-c', escapee], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let said = '';
    let settled = false;
    const settle = (verdict: boolean) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      if (!verdict) killGroup(parent.pid);
      parent.stdout.destroy();
      resolve(verdict);
    };
    const timer = setTimeout(() => settle(false), TRIAL_MS);
    parent.on('error', () => settle(false));
    parent.stdout.on('data', (chunk: Buffer) => {
      const before = said;
      said = (said + chunk.toString('latin1')).slice(0, 16);
      if (before.includes('\n') || !said.includes('\n')) return;
      // Inside its own namespace the first process is number 1: anything else means there is no wall.
      if (said.trim() === '1') parent.kill('SIGKILL');
      else settle(false);
    });
    parent.stdout.on('end', () => settle(said.trim() === '1'));
  });

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it, which is what was wanted.
  }
};
