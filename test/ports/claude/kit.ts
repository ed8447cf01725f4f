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

/** Processes that carry the marker and are not yet dead. */
export const marked = (marker: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`WINNOW_RUN=${marker}`);
      } catch {
        return false;
      }
    });

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
export const eventually = async (holds: () => boolean, timeoutMs: number): Promise<void> => {
  const until = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`It did not come true within ${timeoutMs} ms: ${holds}`);
    await systemClock.sleep(20);
  }
};
