import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readLine } from '../../src/journal/line.ts';
import { FailureError } from '../../src/model/failure.ts';
import { howMany } from '../thoroughness.ts';
import { compileFixtures, type Fixtures, type Worker } from './process.ts';
import { alert, createWorkbench, until, type Workbench } from './workbench.ts';

let bench: Workbench;
let workers: Worker[] = [];
let fixtures: Fixtures;
beforeAll(() => {
  fixtures = compileFixtures();
});
afterAll(() => {
  fixtures.remove();
});
beforeEach(() => {
  bench = createWorkbench();
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  bench.remove();
});

const start = (fixture: string, args: readonly string[], name: string): Worker => {
  const worker = fixtures.start(fixture, [bench.dir, ...args], join(bench.dir, `${name}.out`));
  workers.push(worker);
  return worker;
};

/** Kills of a writer in the test of that name. */
const KILLS = howMany(12, 200);
const isRoot = process.getuid?.() === 0;

describe('several processes that append at once', () => {
  it('tear, lose and glue nothing', async () => {
    const count = howMany(500, 1500);
    const names = ['a', 'b', 'c', 'd'];
    const appenders = names.map((name) => start('appender', [name, String(count), '60000', 'wait'], name));
    await until(() => appenders.every((worker) => worker.said().length === 1), 'all are ready');
    for (const worker of appenders) worker.process.stdin?.write('go\n');
    expect(await Promise.all(appenders.map((worker) => worker.gone))).toEqual([0, 0, 0, 0]);
    const found: Record<string, string[]> = { a: [], b: [], c: [], d: [] };
    for (const line of bench.lines()) {
      const bytes = Buffer.from(line);
      const reading = readLine({ bytes, offset: 0, length: bytes.length });
      if (reading.kind !== 'entry') throw new Error(`a bad line: ${line.slice(0, 100)}`);
      found[reading.entry.session as string]?.push(reading.entry.id);
    }
    for (const [index, name] of names.entries()) expect(found[name]).toEqual(appenders[index]?.said().slice(1));
    const state = bench.open().state();
    expect(state).toMatchObject({ entries: names.length * count, damages: [] });
  });
});

describe('writers that are killed at any moment', () => {
  it(`leave every line that they had acknowledged, in ${KILLS} kills`, { timeout: 60_000 + KILLS * 2000 }, async () => {
    const together = 4;
    for (let kill = 0; kill < KILLS; kill += together) {
      const round = Array.from({ length: Math.min(together, KILLS - kill) }, (_, index) => {
        const name = `w${kill + index}`;
        return start('appender', [name, '1000000', '65000'], name);
      });
      await Promise.all(
        round.map(async (worker) => {
          await until(() => worker.said().length > 0, 'the first line is acknowledged');
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
          await worker.kill();
        }),
      );
    }
    const journal = bench.open();
    const after = journal.append(alert('after all of them'));
    const found = new Map<string, number>();
    for await (const { id } of journal.read()) found.set(id, (found.get(id) ?? 0) + 1);
    const acknowledged = workers.flatMap((worker) => worker.said());
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS);
    expect([...acknowledged, after.id].filter((id) => found.get(id) !== 1)).toEqual([]);
    // A torn line for each kill at most, and each of them counted.
    expect(journal.state().damages.length).toBeLessThanOrEqual(KILLS);
    expect(journal.state().entries).toBe(found.size);
  });
});

describe('followers in other processes', () => {
  it('get every entry once, in order and at once', async () => {
    const follower = start('follower', [], 'follower');
    await until(() => follower.said().length === 1, 'the follower is ready');
    const journal = bench.open();
    const sent: string[] = [];
    for (let index = 0; index < 300; index += 1) {
      sent.push(journal.append(alert(performance.timeOrigin + performance.now())).id);
      if (index % 10 === 0) await until(() => follower.said().length === sent.length + 1, 'it arrived');
    }
    await until(() => follower.said().length === sent.length + 1, 'all arrived');
    expect(
      follower
        .said()
        .slice(1)
        .map((line) => line.split(' ')[0]),
    ).toEqual(sent);
    // Well below the safety poll: it was the watch that woke it.
    const latencies = follower
      .said()
      .slice(1)
      .map((line) => Number(line.split(' ')[1]))
      .sort((a, b) => a - b);
    expect(latencies[latencies.length >> 1]).toBeLessThan(900);
  });

  it('miss nothing of what several processes append', async () => {
    const journal = bench.open();
    const stop = new AbortController();
    const arrived: string[] = [];
    const following = (async () => {
      for await (const entry of journal.follow({ from: 'end', signal: stop.signal })) arrived.push(entry.id);
    })();
    const count = howMany(1500, 5000);
    const appenders = ['a', 'b'].map((name) => start('appender', [name, String(count), '2000'], name));
    expect(await Promise.all(appenders.map((worker) => worker.gone))).toEqual([0, 0]);
    await until(() => arrived.length >= 2 * count, 'all arrived');
    stop.abort();
    await following;
    expect(arrived).toEqual(bench.lines().map((line) => JSON.parse(line).id));
  });
});

describe('a consumer that is killed', () => {
  it('sees every entry at least once, and not everything again', async () => {
    const journal = bench.open();
    const sent: string[] = [];
    const handled = () => new Set(workers.flatMap((worker) => worker.said()));
    for (let life = 0; life < howMany(2, 5); life += 1) {
      for (let index = 0; index < 2000; index += 1) sent.push(journal.append(alert(index)).id);
      const consumer = start('consumer', ['reader'], `life${life}`);
      const enough = handled().size + Math.floor(Math.random() * 1500) + 1;
      await until(() => handled().size >= enough, 'it handled some');
      await consumer.kill();
    }
    const last = start('consumer', ['reader'], 'last');
    await until(() => handled().size === sent.length, 'it handled all');
    expect([...handled()].sort()).toEqual([...sent].sort());
    const cursorFile = join(bench.dir, '.winnow', 'cursors', 'reader.json');
    const cursor = () => (fs.existsSync(cursorFile) ? JSON.parse(fs.readFileSync(cursorFile, 'utf8')).id : undefined);
    await until(() => cursor() === sent.at(-1), 'the cursor is at the end');
    await last.kill();
    const again = start('consumer', ['reader'], 'again');
    const next = journal.append(alert('next')).id;
    await until(() => again.said().length > 0, 'it handles the next');
    expect(again.said()).toEqual([next]);
  });
});

describe('a disk that is full', () => {
  it.skipIf(!canMount())('fails the append, tears at most that line, and takes it when there is room', () => {
    const mount = join(bench.dir, 'logs');
    fs.mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', mount]);
    try {
      const filler = join(mount, 'filler');
      fs.writeFileSync(filler, 'x'.repeat(50_000));
      const journal = bench.open();
      const acknowledged: string[] = [];
      let failures = 0;
      for (let round = 0; round < 10; round += 1) {
        for (;;) {
          try {
            acknowledged.push(journal.append(alert('y'.repeat(1000 + round * 37))).id);
          } catch (error) {
            if (!(error instanceof FailureError)) throw error;
            expect(error.failure.kind).toBe('disk-full');
            failures += 1;
            break;
          }
        }
        fs.truncateSync(filler, Math.max(0, 45_000 - round * 5000));
      }
      expect(failures).toBe(10);
      acknowledged.push(journal.append(alert('room again')).id);
      const state = journal.state();
      expect(journal.tail(1000).map((entry) => entry.id)).toEqual(acknowledged);
      expect(state.entries).toBe(acknowledged.length);
      expect(state.damages.length).toBeGreaterThan(0);
      expect(state.damages.length).toBeLessThanOrEqual(failures);
    } finally {
      bench.closeAll();
      execFileSync('umount', [mount]);
    }
  });

  it.skipIf(!canMount())('refuses an entry whose file has no room, whole', () => {
    const mount = join(bench.dir, 'logs');
    fs.mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', mount]);
    try {
      const journal = bench.open();
      expect(() => journal.append(alert('z'.repeat(500_000)))).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ kind: 'disk-full' }) }),
      );
      expect(fs.readdirSync(join(mount, 'overflow'))).toEqual([]);
      journal.append(alert('small'));
      expect(journal.state()).toMatchObject({ entries: 1, damages: [] });
    } finally {
      bench.closeAll();
      execFileSync('umount', [mount]);
    }
  });
});

describe('a directory that may only be read', () => {
  it.skipIf(!isRoot)('gives the state and refuses the append, saying why', async () => {
    bench.open().append(alert('by its owner'));
    for (const path of [bench.dir, dirname(bench.file)]) fs.chmodSync(path, 0o755);
    const output = join(bench.dir, 'out');
    const worker = fixtures.start('unprivileged', [bench.dir], output, { uid: 65534, gid: 65534 });
    expect(await worker.gone).toBe(0);
    expect(JSON.parse(worker.said()[0] as string)).toMatchObject({
      entries: 1,
      kind: 'journal-write',
      message: expect.stringMatching(/experiment-log\.jsonl could not be written: EACCES/),
    });
  });
});

/** Mounting a small disk needs rights that not every machine gives. */
function canMount(): boolean {
  if (!isRoot) return false;
  const probe = fs.mkdtempSync(join(bench?.dir ?? '/tmp', 'winnow-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    fs.rmdirSync(probe);
  }
}
