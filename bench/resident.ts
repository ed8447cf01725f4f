import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process holds of the machine's memory, and what it would hold if it did nothing but load its libraries. */

/** After the last thing has begun: what was needed to start it may be given back. */
export const SETTLE_MS = 3000;

/** What is in memory of it, pages included that it shares with others. */
export const residentMb = (pid: number): number => fieldMb(`/proc/${pid}/status`, 'VmRSS');

/** Of that what no other process can share, unlike the pages of Node itself: so much more is needed for one more. */
export const ownMb = (pid: number): number => fieldMb(`/proc/${pid}/smaps_rollup`, 'Anonymous');

const fieldMb = (file: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))?.[1]) / 1024;

/** Resident memory of a process that loads these packages and waits; none of them: an empty Node process. */
export const residentOfLibraries = async (packages: readonly string[]): Promise<number> => {
  const imports = packages.map((name) => `import '${name}';`);
  const script = `${imports.join('\n')}\nconsole.log('loaded');\nsetInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: DIST,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await sleep(SETTLE_MS);
    return residentMb(child.pid as number);
  } finally {
    child.kill('SIGKILL');
  }
};

/** What compiled modules import from node_modules, themselves or by way of others; what they load later is not in it. */
export const librariesOf = (...entries: readonly string[]): string[] => {
  const seen = new Set<string>();
  const waiting = entries.map((entry) => join(DIST, entry));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    if (!file.startsWith('/')) continue;
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:import|export)\s(?:[^;]*?from\s)?'([^']+)';/gm)) {
      waiting.push(name.startsWith('.') ? resolve(dirname(file), name) : name);
    }
  }
  return [...seen].filter((name) => !name.startsWith('/') && !name.startsWith('node:'));
};

const DIST = join(import.meta.dirname, '../dist');
