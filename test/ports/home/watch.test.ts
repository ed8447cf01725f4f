import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchConfig } from '../../../src/ports/home/watch.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const watched = (timing: { debounceMs?: number; pollMs?: number } = { debounceMs: 20, pollMs: 60_000 }) => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-watch-'));
  for (const dir of ['sessions', 'prompts', 'logs']) mkdirSync(join(home, dir));
  writeFileSync(join(home, 'winnow.config.yaml'), 'a: 1\n');
  const abort = new AbortController();
  stops.push(() => {
    abort.abort();
    rmSync(home, { recursive: true, force: true });
  });
  const seen = { changes: 0 };
  watchConfig(home, () => seen.changes++, abort.signal, timing);
  return {
    home,
    seen,
    abort,
    until: (count: number) => vi.waitFor(() => expect(seen.changes).toBe(count), { timeout: 10_000, interval: 5 }),
  };
};

describe('a watched home', () => {
  it('tells of an edit, of an edit that renames a new file over the old one, again and again', async () => {
    const { home, until } = watched();
    writeFileSync(join(home, 'winnow.config.yaml'), 'a: 2\n');
    await until(1);
    for (const count of [2, 3]) {
      writeFileSync(join(home, 'winnow.config.yaml.tmp'), `a: ${count + 1}\n`);
      renameSync(join(home, 'winnow.config.yaml.tmp'), join(home, 'winnow.config.yaml'));
      await until(count);
    }
  });

  it('tells of new, changed and deleted sessions and prompts, and of .env', async () => {
    const { home, until } = watched();
    writeFileSync(join(home, 'sessions/a.md'), 'Go.\n');
    await until(1);
    writeFileSync(join(home, 'prompts/plan.md'), 'x');
    await until(2);
    rmSync(join(home, 'sessions/a.md'));
    await until(3);
    writeFileSync(join(home, '.env'), 'A=1\n');
    await until(4);
  });

  it('tells once of many writes within one moment, and nothing of other files', async () => {
    const { home, seen, until } = watched({ debounceMs: 100, pollMs: 60_000 });
    for (let n = 0; n < 50; n++) {
      writeFileSync(join(home, 'winnow.config.yaml'), `a: ${n} ${'x'.repeat(n)}\n`);
      writeFileSync(join(home, 'sessions/.#a.md'), `${n}`);
      writeFileSync(join(home, 'logs/experiment-log.jsonl'), `${n}`);
      writeFileSync(join(home, 'other.txt'), `${n}`);
    }
    await until(1);
    // A change that does count comes after all of the above was looked at.
    utimesSync(join(home, 'winnow.config.yaml'), 1, 1);
    await until(2);
    expect(seen.changes).toBe(2);
  });

  it('goes on after a watched directory was deleted and made again', async () => {
    const { home, until } = watched();
    writeFileSync(join(home, 'sessions/a.md'), 'Go.\n');
    await until(1);
    rmSync(join(home, 'sessions'), { recursive: true });
    await until(2);
    mkdirSync(join(home, 'sessions'));
    writeFileSync(join(home, 'sessions/b.md'), 'Go.\n');
    await until(3);
    writeFileSync(join(home, 'sessions/b.md'), 'Go on.\n');
    await until(4);
  });

  it('is seen by the poll where no event comes', async () => {
    const { home, until } = watched({ debounceMs: 60_000, pollMs: 20 });
    writeFileSync(join(home, 'winnow.config.yaml'), 'a: 22\n');
    await until(1);
  });

  it('is quiet after the signal', async () => {
    const stopped = watched();
    const other = watched();
    stopped.abort.abort();
    writeFileSync(join(stopped.home, 'winnow.config.yaml'), 'a: 22\n');
    writeFileSync(join(other.home, 'winnow.config.yaml'), 'a: 22\n');
    await other.until(1);
    expect(stopped.seen.changes).toBe(0);
  });
});
