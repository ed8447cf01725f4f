import fs from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { Entry } from '../../src/model/entry.ts';
import { alert, createWorkbench, type Tally, until, type Workbench } from './workbench.ts';

let bench: Workbench;
let stop: AbortController;
beforeEach(() => {
  bench = createWorkbench();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  bench.remove();
});

type FollowOptions = Parameters<Journal<Tally>['follow']>[0];

const messageOf = (entry: Entry) => (entry.type === 'alert' ? entry.data.message : entry.type);

/** Follows and keeps what arrives. */
const follow = (journal: Journal<Tally>, options: Omit<FollowOptions, 'signal'>) => {
  const arrived: string[] = [];
  const entries = journal.follow({ ...options, signal: stop.signal });
  const ended = (async () => {
    for await (const entry of entries) arrived.push(messageOf(entry));
  })();
  return { arrived, ended };
};

/** Nothing more comes: another entry went all the way after whatever was sent before. */
const settled = async (journal: Journal<Tally>, arrived: string[]) => {
  journal.append(alert('settled'));
  await until(() => arrived.at(-1) === 'settled', 'the last entry arrived');
  arrived.pop();
};

const watches = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;

describe('following', () => {
  it('from the start gives what is there and then what comes', async () => {
    const journal = bench.open();
    journal.append(alert(1));
    const { arrived } = follow(journal, { from: 'start' });
    await until(() => arrived.length === 1, 'the first arrived');
    journal.append(alert(2));
    bench.open().append(alert(3));
    await until(() => arrived.length === 3, 'the others arrived');
    expect(arrived).toEqual(['1', '2', '3']);
  });

  it('from the end gives only what is appended after the call', async () => {
    const journal = bench.open();
    journal.append(alert(1));
    const entries = journal.follow({ from: 'end', signal: stop.signal });
    journal.append(alert(2));
    for await (const entry of entries) {
      expect(messageOf(entry)).toBe('2');
      break;
    }
  });

  it('from the end gives the line that somebody is in the middle of writing', async () => {
    const journal = bench.open();
    journal.append(alert(1));
    const line = `${bench.lines()[0]}\n`;
    fs.appendFileSync(bench.file, line.slice(0, 30));
    const { arrived } = follow(journal, { from: 'end' });
    fs.appendFileSync(bench.file, line.slice(30));
    await until(() => arrived.length === 1, 'it arrived');
  });

  it('from an offset gives what the state had not folded', async () => {
    const journal = bench.open();
    journal.append(alert(1));
    journal.state();
    const from = { offset: journal.offset() };
    journal.append(alert(2));
    const { arrived } = follow(journal, { from });
    await settled(journal, arrived);
    expect(arrived).toEqual(['2']);
  });

  it('gives only what passes the filter', async () => {
    const journal = bench.open();
    const { arrived } = follow(journal, { from: 'start', filter: { types: ['cycle_phase', 'alert'], session: 'a' } });
    journal.append({ ...alert('no session') });
    journal.append({ ...alert('yes'), session: 'a' });
    journal.append({ type: 'cycle_phase', data: { phase: 'hack' }, session: 'b' });
    journal.append({ type: 'claim_released', data: {}, session: 'a' });
    journal.append({ type: 'cycle_phase', data: { phase: 'plan' }, session: 'a' });
    await until(() => arrived.length >= 2, 'they arrived');
    expect(arrived).toEqual(['yes', 'cycle_phase']);
  });

  it('ends promptly when it is aborted, waiting or working', async () => {
    const journal = bench.open();
    const waiting = follow(journal, { from: 'end' });
    const begin = performance.now();
    stop.abort();
    await waiting.ended;
    // Not by the safety poll, which comes once a second.
    expect(performance.now() - begin).toBeLessThan(900);
    for (let index = 0; index < 5000; index += 1) journal.append(alert(index));
    const second = new AbortController();
    let seen = 0;
    for await (const _ of journal.follow({ from: 'start', signal: second.signal })) {
      seen += 1;
      if (seen === 10) second.abort();
    }
    expect(seen).toBe(10);
    for await (const _ of journal.follow({ from: 'start', signal: stop.signal })) throw new Error('aborted before');
  });

  it('ends when the journal is closed', async () => {
    const journal = bench.open();
    const { ended } = follow(journal, { from: 'end' });
    journal.close();
    await ended;
  });

  it('misses nothing when the file is rotated under it', async () => {
    const [journal, other] = [bench.open(), bench.open()];
    const { arrived } = follow(journal, { from: 'start' });
    const sent: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      sent.push(String(index));
      other.append(alert(index));
      if (index % 20 === 10) fs.renameSync(bench.file, `${bench.file}.${index}`);
      if (index % 7 === 0) await until(() => arrived.length === sent.length, 'they arrived');
    }
    await until(() => arrived.length === sent.length, 'all arrived');
    expect(arrived).toEqual(sent);
  });

  it('waits for a journal that is not there yet', async () => {
    const { arrived } = follow(bench.open(), { from: 'start' });
    bench.open().append(alert('first ever'));
    await until(() => arrived.length === 1, 'it arrived');
  });

  it('goes on after the directory was deleted and made again', async () => {
    const [journal, other] = [bench.open(), bench.open()];
    const { arrived } = follow(journal, { from: 'start' });
    other.append(alert(1));
    await until(() => arrived.length === 1, 'the first arrived');
    fs.rmSync(dirname(bench.file), { recursive: true });
    other.append(alert(2));
    await until(() => arrived.length === 2, 'the second arrived');
    other.append(alert(3));
    await until(() => arrived.length === 3, 'the third arrived');
  });

  it('is woken by this process at once, without the watch', async () => {
    const journal = bench.open();
    const entries = journal.follow({ from: 'end', signal: stop.signal });
    const first = entries[Symbol.asyncIterator]();
    const next = first.next();
    // The generator begins to wait in this turn of the event loop; a watch needs a later one to speak.
    await new Promise((resolve) => setImmediate(resolve));
    let arrived = false;
    void next.then(() => {
      arrived = true;
    });
    journal.append(alert('own'));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    expect(arrived).toBe(true);
  });

  it('shares one watch among all followers and leaves none behind', async () => {
    const journal = bench.open();
    journal.append(alert(1));
    // What earlier tests closed is gone only after a turn of the event loop.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const before = watches();
    const followers = Array.from({ length: 30 }, () => follow(journal, { from: 'start' }));
    await until(() => followers.every(({ arrived }) => arrived.length === 1), 'all have begun');
    expect(watches()).toBe(before + 1);
    stop.abort();
    await Promise.all(followers.map(({ ended }) => ended));
    await until(() => watches() === before, 'the watch is gone');
  });
});

describe('a listener for changes', () => {
  it('is called after an append by anybody, and not after it has left', async () => {
    const [journal, other] = [bench.open(), bench.open()];
    journal.append(alert(0));
    let calls = 0;
    let otherCalls = 0;
    const leave = journal.onChange(() => {
      calls += 1;
    });
    journal.onChange(() => {
      otherCalls += 1;
    });
    journal.append(alert(1));
    await until(() => calls === 1, 'called for an own append');
    other.append(alert(2));
    await until(() => calls === 2, 'called for the append of another');
    leave();
    leave();
    other.append(alert(3));
    await until(() => otherCalls === 3, 'the other listener was called');
    expect(calls).toBe(2);
  });

  it('is called once for many appends in one turn', async () => {
    const journal = bench.open();
    let calls = 0;
    const seen: number[] = [];
    journal.onChange(() => {
      calls += 1;
      seen.push(journal.state().entries);
    });
    for (let index = 0; index < 100; index += 1) journal.append(alert(index));
    await until(() => calls > 0, 'called');
    expect(seen[0]).toBe(100);
  });
});
