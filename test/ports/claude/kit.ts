/** A place to run Claude Code in: fresh home, configuration and repository, pointed at a scripted API. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/base/clock.ts';
import type { RunRequest } from '../../../src/ports/claude/claude.ts';
import { createClaude } from '../../../src/ports/claude/run.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const REAL_CLAUDE = join(root, 'node_modules/.bin/claude');
export const ROOT = root;

/** A condition that takes longer than this does not come at all, on however busy a machine. */
export const WAIT_MAX_MS = 120_000;

/** Processes that carry the marker and are not yet dead. */
export const marked = (marker: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => told(pid, 'environ').split('\0').includes(`WINNOW_RUN=${marker}`));

/** The same with their command lines; whoever ended between the two looks is left out. */
export const commandsOf = (marker: string): { pid: number; line: string }[] =>
  marked(marker)
    .map((pid) => ({ pid, line: told(pid, 'cmdline') }))
    .filter(({ line }) => line !== '');

/** The outermost process of a run that is Claude Code or wraps it. */
export const outermost = (marker: string): number => {
  const first = commandsOf(marker).find(({ line }) => line.includes('stream-json'));
  if (!first) throw new Error(`No Claude Code runs for ${marker}`);
  return first.pid;
};

/** What /proc tells of a process; nothing of one that has ended, which may be at any moment. */
const told = (pid: number, what: 'environ' | 'cmdline'): string => {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1');
  } catch {
    return '';
  }
};

export const sweep = async (marker: string): Promise<number> => {
  const killed = new Set<number>();
  for (let pids = marked(marker); pids.length > 0; pids = marked(marker)) {
    for (const pid of pids) {
      killed.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    await systemClock.sleep(5);
  }
  return killed.size;
};

/** The strongest wrapper that this machine allows; empty where it allows none. */
export const reaper = (): string[] => {
  const namespace = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const asUser = ['unshare', '--user', '--map-current-user', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const works = (prefix: string[]) => spawnSync(prefix[0] as string, [...prefix.slice(1), 'true']).status === 0;
  return works(namespace) ? namespace : works(asUser) ? asUser : [];
};

export const openBox = (url: string) => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-claude-'));
  const at = (name: string) => join(dir, name);
  for (const name of ['home', 'config', 'tmp', 'work', 'log']) mkdirSync(at(name));
  return {
    dir,
    at,
    write: (name: string, content: string, mode = 0o644) => {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), content, { mode });
    },
    read: (name: string) => readFileSync(at(name), 'utf8'),
    request: (key: string, over: Partial<RunRequest> = {}): RunRequest => ({
      run: `run-${randomUUID()}`,
      cwd: at('work'),
      prompt: 'Do it.',
      model: 'sonnet',
      conversation: { start: randomUUID() },
      tools: ['Bash', 'Read', 'Edit', 'Write'],
      access: 'edit',
      maxBudgetUsd: 5,
      maxTurns: 20,
      timeoutMs: 60_000,
      silenceMs: 30_000,
      configDir: at('config'),
      tmpDir: at('tmp'),
      transcriptDir: at('log'),
      ...over,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: at('home'),
        ANTHROPIC_API_KEY: 'sk-dummy',
        ANTHROPIC_BASE_URL: `${url}/s/${key}`,
        CLAUDE_CODE_MAX_RETRIES: '1',
        ...over.env,
      },
    }),
    close: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
};

export const realClaude = (reaperPrefix = reaper()) =>
  createClaude({ command: REAL_CLAUDE, clock: systemClock, reaperPrefix, sweep });

/** Polls until the condition holds; the time is a limit, not a wait. */
export const eventually = async (holds: () => boolean): Promise<void> => {
  const until = Date.now() + WAIT_MAX_MS;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`It did not come true within ${WAIT_MAX_MS} ms: ${holds}`);
    await systemClock.sleep(20);
  }
};
