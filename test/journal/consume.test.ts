import fs from 'node:fs';
import { join } from 'node:path';
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

const cursorFile = () => join(bench.dir, '.winnow', 'cursors', 'desk.json');
const messageOf = (entry: Entry) => (entry.type === 'alert' ? entry.data.message : entry.type);

/** Consumes until so many were handled, then stops as a process that is told to. */
const consume = async (journal: Journal<Tally>, count: number): Promise<string[]> => {
  const handled: string[] = [];
  const own = new AbortController();
  await journal.consume(
    'desk',
    async (entry) => {
      await Promise.resolve();
      handled.push(messageOf(entry));
      if (handled.length === count) own.abort();
    },
    own.signal,
  );
  return handled;
};

const fill = (journal: Journal<Tally>, from: number, to: number) => {
  for (let index = from; index < to; index += 1) journal.append(alert(index));
};

describe('a consumer', () => {
  it('gets everything from the first entry on, in order, and then what comes', async () => {
    const journal = bench.open();
    fill(journal, 0, 3);
    const handled: string[] = [];
    const consumed = journal.consume('desk', (entry) => void handled.push(messageOf(entry)), stop.signal);
    await until(() => handled.length === 3, 'the first three are handled');
    fill(journal, 3, 5);
    await until(() => handled.length === 5, 'all are handled');
    stop.abort();
    await consumed;
    expect(handled).toEqual(['0', '1', '2', '3', '4']);
  });

  it('goes on after a restart where its handler had resolved', async () => {
    fill(bench.open(), 0, 5000);
    expect(await consume(bench.open(), 1700)).toHaveLength(1700);
    expect(JSON.parse(fs.readFileSync(cursorFile(), 'utf8'))).toMatchObject({ offset: expect.any(Number) });
    const rest = await consume(bench.open(), 3300);
    expect([rest[0], rest.at(-1)]).toEqual(['1700', '4999']);
  });

  it('stops with the error of its handler and gets the same entry again', async () => {
    const journal = bench.open();
    fill(journal, 0, 5);
    const failing = journal.consume(
      'desk',
      (entry) => {
        if (messageOf(entry) === '3') throw new Error('the network is down');
      },
      stop.signal,
    );
    await expect(failing).rejects.toThrow('the network is down');
    expect(await consume(journal, 2)).toEqual(['3', '4']);
  });

  it('has a cursor of its own by its name', async () => {
    const journal = bench.open();
    fill(journal, 0, 3);
    await consume(journal, 3);
    const handled: string[] = [];
    const consumed = journal.consume('other', (entry) => void handled.push(messageOf(entry)), stop.signal);
    await until(() => handled.length === 3, 'the other got them too');
    stop.abort();
    await consumed;
    await expect(journal.consume('../escape', () => {}, stop.signal)).rejects.toThrow('../escape');
  });

  it.each([
    ['missing', () => fs.rmSync(cursorFile())],
    ['empty', () => fs.writeFileSync(cursorFile(), '')],
    ['no cursor', () => fs.writeFileSync(cursorFile(), '[]')],
    ['negative', () => fs.writeFileSync(cursorFile(), '{"ino":1,"head":"","offset":-5,"tail":""}')],
    [
      'inside a line',
      () => {
        const cursor = JSON.parse(fs.readFileSync(cursorFile(), 'utf8'));
        fs.writeFileSync(cursorFile(), JSON.stringify({ ...cursor, offset: cursor.offset - 5 }));
      },
    ],
    [
      'of another file',
      () => {
        fs.copyFileSync(bench.file, `${bench.file}.copy`);
        fs.renameSync(`${bench.file}.copy`, bench.file);
      },
    ],
    [
      'of a file that was edited',
      () => fs.writeFileSync(bench.file, bench.text().replace('"message":"1"', '"message":"9"')),
    ],
  ])('whose cursor is %s gets everything again', async (_, spoil) => {
    fill(bench.open(), 0, 3);
    await consume(bench.open(), 3);
    spoil();
    const handled: string[] = [];
    const journal = bench.open();
    const consumed = journal.consume('desk', (entry) => void handled.push(messageOf(entry)), stop.signal);
    journal.append(alert('last'));
    await until(() => handled.at(-1) === 'last', 'all are handled');
    stop.abort();
    await consumed;
    expect(handled[0]).toBe('0');
  });

  it('keeps its place when the directory takes no cursor, and has only to repeat itself after a restart', async () => {
    fs.writeFileSync(join(bench.dir, '.winnow'), 'in the way');
    const journal = bench.open();
    fill(journal, 0, 3);
    expect(await consume(journal, 3)).toEqual(['0', '1', '2']);
    expect(await consume(journal, 3)).toEqual(['0', '1', '2']);
  });

  it('passes over a damaged line and does not meet it again', async () => {
    const journal = bench.open();
    fill(journal, 0, 1);
    fs.appendFileSync(bench.file, 'torn');
    fill(journal, 1, 2);
    expect(await consume(journal, 2)).toEqual(['0', '1']);
    fill(journal, 2, 3);
    expect(await consume(journal, 1)).toEqual(['2']);
  });

  it('ends when the journal is closed', async () => {
    const journal = bench.open();
    const consumed = journal.consume('desk', () => {}, stop.signal);
    journal.close();
    await consumed;
  });
});
