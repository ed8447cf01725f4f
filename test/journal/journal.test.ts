import fs from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LINE_MAX_BYTES, overflowOf } from '../../src/journal/line.ts';
import type { Entry, NewEntry } from '../../src/model/entry.ts';
import { FailureError } from '../../src/model/failure.ts';
import { alert, createWorkbench, emptyTally, tally, type Workbench } from './workbench.ts';

let bench: Workbench;
beforeEach(() => {
  bench = createWorkbench();
});
afterEach(() => {
  bench.remove();
});

const collect = async (entries: AsyncIterable<Entry>): Promise<Entry[]> => {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
};

const failureOf = (deed: () => unknown) => {
  try {
    deed();
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
  return undefined;
};

const messages = (entries: Entry[]) =>
  entries.map((entry) => (entry.type === 'alert' ? entry.data.message : entry.type));

/** The state as a process sees it that starts now and has no snapshot. */
const foldedAnew = () => {
  const elsewhere = createWorkbench(fs.mkdtempSync(`${bench.dir}-anew-`));
  fs.mkdirSync(dirname(elsewhere.file), { recursive: true });
  fs.copyFileSync(bench.file, elsewhere.file);
  try {
    return elsewhere.open().state();
  } finally {
    elsewhere.remove();
  }
};

describe('a journal', () => {
  it('gives back what was appended, in the state, in the tail and in the stream', async () => {
    const journal = bench.open();
    const first = journal.append(alert('one'));
    const second = journal.append({ ...alert('two'), session: 'alpha', project: 'api', cycle: 'c' });
    expect(first.id < second.id).toBe(true);
    expect(second).toMatchObject({ type: 'alert', session: 'alpha', data: { message: 'two' } });
    expect(journal.state()).toMatchObject({ entries: 2, types: { alert: 2 }, lastIds: [first.id, second.id] });
    expect(journal.tail(5)).toEqual([first, second].map((entry) => JSON.parse(JSON.stringify(entry))));
    expect(messages(await collect(journal.read()))).toEqual(['one', 'two']);
  });

  it('is empty before its first entry, and makes no file for looking', () => {
    const journal = bench.open();
    expect(journal.state()).toEqual(emptyTally());
    expect(journal.tail(5)).toEqual([]);
    expect(fs.existsSync(bench.file)).toBe(false);
  });

  it('writes one line an entry, with id, time and checksum', () => {
    const clock = { now: () => Date.UTC(2025, 0, 2, 3, 4, 5, 678), monotonic: () => 0, sleep: async () => {} };
    bench.open({ clock, ids: () => '01ARZ3NDEKTSV4RRFFQ69G5FAV' }).append(alert('a'));
    expect(bench.text()).toMatch(
      /^\{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","ts":"2025-01-02T03:04:05.678Z","type":"alert","data":\{"message":"a","mend":"Nothing."\},"crc":"[0-9a-f]{8}"\}\n$/,
    );
  });

  it('sees the entries of others at once, in the order of the file', () => {
    const [mine, theirs] = [bench.open(), bench.open()];
    const written = [mine, theirs, theirs, mine, theirs].map((journal, index) => journal.append(alert(index)).id);
    expect(mine.state().lastIds).toEqual(written);
    expect(theirs.state()).toEqual(mine.state());
  });

  it('refuses an entry that does not fit its schema, and writes nothing of it', () => {
    const journal = bench.open();
    const wrong = (entry: unknown) => failureOf(() => journal.append(entry as NewEntry));
    expect(wrong({ type: 'alert', data: { message: 1, mend: '' } })).toMatchObject({
      kind: 'entry-illegal',
      message: expect.stringContaining('alert is refused: message:'),
    });
    expect(wrong({ type: 'nothing', data: {} })).toMatchObject({ kind: 'entry-illegal' });
    expect(wrong({ type: 'toString', data: {} })).toMatchObject({ kind: 'entry-illegal' });
    expect(wrong({ type: 'alert' })).toMatchObject({ kind: 'entry-illegal' });
    expect(wrong({ ...alert('a'), session: 'x'.repeat(70_000) })).toMatchObject({ kind: 'entry-illegal' });
    expect(fs.existsSync(bench.file)).toBe(false);
  });

  it('refuses at the writer what is illegal for the state now, and sets it aside at the reader', () => {
    const legal = (state: { entries: number }) => (state.entries >= 2 ? 'two are enough' : undefined);
    const strict = bench.open({ legal });
    strict.append(alert('one'));
    bench.open().append(alert('two'));
    expect(failureOf(() => strict.append(alert('three')))).toMatchObject({
      kind: 'entry-illegal',
      message: expect.stringContaining('two are enough'),
    });
    const third = bench.open().append(alert('three, by one who does not know the rule'));
    expect(strict.state()).toMatchObject({ entries: 2, refused: [`${third.id} two are enough`] });
  });

  it('goes on after an entry on which the fold fails', () => {
    const journal = bench.open({
      fold: (state, entry) => {
        if (entry.type === 'alert' && entry.data.message === 'poison') throw new Error('cannot digest');
        tally(state, entry);
      },
    });
    const poison = journal.append(alert('poison'));
    journal.append(alert('food'));
    expect(journal.state()).toMatchObject({ entries: 1, refused: [`${poison.id} the fold failed: cannot digest`] });
  });

  it('works through a symbolic link to its directory', () => {
    const elsewhere = join(bench.dir, 'volume');
    fs.mkdirSync(elsewhere);
    fs.symlinkSync(elsewhere, dirname(bench.file));
    bench.open().append(alert('a'));
    expect(fs.existsSync(join(elsewhere, 'experiment-log.jsonl'))).toBe(true);
    expect(bench.open().state().entries).toBe(1);
  });

  it('is not appended to after it was closed', () => {
    const journal = bench.open();
    journal.append(alert('a'));
    journal.close();
    journal.close();
    expect(() => journal.append(alert('b'))).toThrow('closed');
  });

  it('says where the next entry begins', async () => {
    const journal = bench.open();
    journal.append(alert('before'));
    journal.state();
    const fromOffset = journal.offset();
    journal.append(alert('after'));
    expect(messages(await collect(journal.read({ fromOffset })))).toEqual(['after']);
  });
});

describe('an entry that is too large for a line', () => {
  it('lies whole in a file, and the line holds what fits and names the file', () => {
    const journal = bench.open();
    const message = `begin ${'🌾'.repeat(100_000)}`;
    const appended = journal.append(alert(message));
    const [line] = bench.lines();
    expect(Buffer.byteLength(`${line}\n`)).toBeLessThanOrEqual(LINE_MAX_BYTES);
    const [entry] = journal.tail(1);
    expect(overflowOf(entry as Entry)).toBe(`logs/overflow/${appended.id}.json`);
    const whole = JSON.parse(fs.readFileSync(join(bench.dir, overflowOf(entry as Entry) as string), 'utf8'));
    expect(whole.data.message).toBe(message);
    expect(entry?.type === 'alert' && entry.data.message).toMatch(/^begin (🌾)+…$/u);
    expect(journal.state()).toMatchObject({ entries: 1, damages: [] });
  });

  it('fits exactly when it is one byte smaller', () => {
    const journal = bench.open();
    const around = Buffer.byteLength(JSON.stringify(journal.append(alert('')))) + ',"crc":"00000000"'.length + 1;
    journal.append(alert('x'.repeat(LINE_MAX_BYTES - around)));
    journal.append(alert('x'.repeat(LINE_MAX_BYTES - around + 1)));
    const [, fits, cut] = bench.lines().map((line) => Buffer.byteLength(`${line}\n`));
    expect(fits).toBe(LINE_MAX_BYTES);
    expect(cut).toBeLessThan(LINE_MAX_BYTES);
    expect(fs.readdirSync(join(bench.dir, 'logs', 'overflow'))).toHaveLength(1);
  });

  it('is refused when it cannot be cut, and nothing of it is written', () => {
    const journal = bench.open();
    const figures = { ['k'.repeat(70_000)]: 1 };
    expect(
      failureOf(() => journal.append({ type: 'gate_closed', data: { gate: 'disk', reason: '', figures } })),
    ).toEqual(expect.objectContaining({ kind: 'entry-illegal', message: expect.stringContaining('cannot be cut') }));
    expect(fs.existsSync(bench.file)).toBe(false);
    expect(fs.existsSync(join(bench.dir, 'logs', 'overflow'))).toBe(false);
  });
});

describe('a line torn by a crash', () => {
  const RECORDS = ['one', 'two ü 🌾', 'three'];
  const written = (): Buffer => {
    const journal = bench.open();
    for (const message of ['zero', ...RECORDS]) journal.append(alert(message));
    return fs.readFileSync(bench.file);
  };

  it('costs only itself, wherever in the last three records the file was cut', () => {
    const whole = written();
    const ends = [...whole.keys()].filter((at) => whole[at] === 0x0a).map((at) => at + 1);
    for (let cut = ends[0] as number; cut < whole.length; cut += 1) {
      const torn = createWorkbench(fs.mkdtempSync(`${bench.dir}-torn-`));
      fs.mkdirSync(dirname(torn.file), { recursive: true });
      fs.writeFileSync(torn.file, whole.subarray(0, cut));
      const journal = torn.open();
      const kept = ends.filter((end) => end <= cut).length;
      expect(journal.state()).toMatchObject({ entries: kept, damages: [] });
      const next = journal.append(alert('next'));
      // What lacks only its newline is mended by the newline that the next append begins with.
      const mended = ends.includes(cut + 1) ? 1 : 0;
      const start = ends[kept - 1] as number;
      const damages = cut === start || mended ? [] : [{ offset: start, bytes: cut - start, what: expect.any(String) }];
      expect(journal.state(), `cut at ${cut}`).toMatchObject({ entries: kept + mended + 1, damages });
      expect(journal.tail(1)).toMatchObject([{ id: next.id }]);
      expect(torn.open().state()).toEqual(journal.state());
      torn.remove();
    }
  });

  it('or a flipped bit costs at most the record it is in, wherever it is', () => {
    const whole = written();
    const begin = whole.indexOf(0x0a) + 1;
    const end = whole.indexOf(0x0a, begin) + 1;
    const flipped = createWorkbench(fs.mkdtempSync(`${bench.dir}-flip-`));
    fs.mkdirSync(dirname(flipped.file), { recursive: true });
    for (let at = begin; at < end; at += 1) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      fs.writeFileSync(flipped.file, bytes);
      fs.rmSync(flipped.snapshotFile, { force: true });
      const journal = flipped.open();
      const { damages } = journal.state();
      // The newline between two records is no record: both are kept.
      expect(journal.state().entries, `byte ${at}`).toBe(at === end - 1 ? 4 : 3);
      // A flip may make two bad lines of one, each of which is reported once.
      expect(damages.length).toBe(bytes[at] === 0x0a ? 2 : 1);
      expect(damages.some(({ offset, bytes: size }) => at >= offset && at <= offset + size)).toBe(true);
      journal.append(alert('next'));
      expect(messages(journal.tail(1))).toEqual(['next']);
      journal.close();
    }
    flipped.remove();
  });

  it('that is glued to the next record is set apart from it', () => {
    const whole = written();
    const lines = bench.lines();
    fs.writeFileSync(bench.file, `${(lines[0] as string).slice(0, 70)}${whole.toString()}`);
    expect(bench.open().state()).toMatchObject({ entries: 4, damages: [{ offset: 0, bytes: 70 }] });
  });

  it('is not read before it is whole, since its writer may be inside the write', () => {
    const journal = bench.open();
    journal.append(alert('one'));
    const [line] = bench.lines();
    fs.appendFileSync(bench.file, (line as string).slice(0, 40));
    expect(journal.state()).toMatchObject({ entries: 1, damages: [] });
    expect(journal.tail(5)).toHaveLength(1);
    fs.appendFileSync(bench.file, `${(line as string).slice(40)}\n`);
    expect(journal.state()).toMatchObject({ entries: 2, damages: [] });
  });

  it('of any length is passed over in bounded memory, and the line glued to its end is kept', async () => {
    const journal = bench.open();
    journal.append(alert('one'));
    const [line] = bench.lines();
    const junk = '\0'.repeat(30_000_000);
    fs.appendFileSync(bench.file, `${junk}${line}\n`);
    journal.append(alert('two'));
    const start = Buffer.byteLength(`${line}\n`);
    expect(journal.state()).toMatchObject({ entries: 3, damages: [{ offset: start, bytes: junk.length }] });
    expect(messages(journal.tail(3))).toEqual(['one', 'one', 'two']);
    expect(messages(await collect(journal.read()))).toEqual(['one', 'one', 'two']);
    expect(messages(await collect(journal.read({ types: ['alert'] })))).toEqual(['one', 'one', 'two']);
    expect(foldedAnew()).toEqual(journal.state());
  });
});

describe('lines by others', () => {
  it('are read when they fit, skipped when unknown, counted when bad, and all left where they are', () => {
    fs.mkdirSync(dirname(bench.file), { recursive: true });
    const text = [
      '{"id": "a", "ts": "2025-01-01T00:00:00Z", "type": "alert", "data": {"message": "by hand", "mend": ""}}',
      '',
      '{"type":"tournament_started","of":"a newer version"}',
      'Traceback (most recent call last):',
      '{"id":"b","ts":"2025-01-01T00:00:00Z","type":"alert","data":{"message":"no newline after it","mend":""}}',
    ].join('\n');
    fs.writeFileSync(bench.file, text);
    const journal = bench.open();
    journal.append(alert('ours'));
    expect(journal.state()).toMatchObject({ entries: 3, lastIds: ['a', 'b', expect.any(String)] });
    expect(journal.state().damages).toMatchObject([{ bytes: 34, offset: text.indexOf('Traceback') }]);
    expect(bench.text().startsWith(`${text}\n`)).toBe(true);
  });
});

describe('the snapshot', () => {
  const fill = (count: number) => {
    const journal = bench.open();
    for (let index = 0; index < count; index += 1) journal.append(alert(index));
    journal.close();
  };

  it('is written after a thousand entries and not before', () => {
    fill(999);
    expect(fs.existsSync(bench.snapshotFile)).toBe(false);
    fill(1);
    bench.open();
    expect(fs.existsSync(bench.snapshotFile)).toBe(true);
  });

  it('is written after a megabyte of few entries', () => {
    const journal = bench.open();
    for (let index = 0; index < 20; index += 1) journal.append(alert('x'.repeat(60_000)));
    journal.snapshot();
    expect(fs.existsSync(bench.snapshotFile)).toBe(true);
  });

  it('saves the next start from reading what it covers', () => {
    fill(1500);
    const folded: string[] = [];
    const journal = bench.open({
      fold: (state, entry) => {
        folded.push(entry.id);
        tally(state, entry);
      },
    });
    const next = journal.append(alert('next'));
    expect(journal.state()).toEqual(foldedAnew());
    expect(folded).toEqual([next.id]);
  });

  it.each([
    ['missing', (file: string) => fs.rmSync(file)],
    ['empty', (file: string) => fs.writeFileSync(file, '')],
    ['torn', (file: string) => fs.truncateSync(file, 100)],
    ['no snapshot', (file: string) => fs.writeFileSync(file, 'hello\nworld')],
    [
      'changed in one place',
      (file: string) =>
        fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"entries":1500', '"entries":1501')),
    ],
    [
      'of another fold',
      (file: string) =>
        fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"foldVersion":1', '"foldVersion":2')),
    ],
    [
      'a directory',
      (file: string) => {
        fs.rmSync(file);
        fs.mkdirSync(file);
      },
    ],
  ])('that is %s is ignored', (_, spoil) => {
    fill(1500);
    const before = foldedAnew();
    spoil(bench.snapshotFile);
    expect(bench.open().state()).toEqual(before);
  });

  it('of a file that was replaced is ignored', () => {
    fill(1500);
    fs.renameSync(bench.file, `${bench.file}.1`);
    bench.open().append(alert('a new beginning'));
    expect(bench.open().state().entries).toBe(1);
  });

  it('of a file that was edited in place is ignored', () => {
    fill(1500);
    const lines = bench.lines();
    fs.writeFileSync(bench.file, `${lines.slice(3).join('\n')}\n`);
    expect(bench.open().state().entries).toBe(1497);
  });

  it('and what a killed process left of one are swept at the next start', () => {
    fill(1500);
    const [old, young] = [`${bench.snapshotFile}.123`, `${bench.snapshotFile}.456`];
    for (const path of [old, young]) fs.writeFileSync(path, 'half');
    fs.utimesSync(old, 0, 0);
    bench.open();
    expect([old, young].map((path) => fs.existsSync(path))).toEqual([false, true]);
  });

  it('is not needed: a directory that takes none changes nothing', () => {
    fs.writeFileSync(join(bench.dir, '.winnow'), 'in the way');
    fill(1500);
    expect(bench.open().state().entries).toBe(1500);
  });

  it('never changes the state, whatever was written and whenever it was taken', () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.record({ write: fc.string({ maxLength: 40, unit: 'binary' }), by: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ many: fc.integer({ min: 900, max: 1200 }) }) },
      { weight: 1, arbitrary: fc.record({ junk: fc.uint8Array({ maxLength: 60 }) }) },
      { weight: 1, arbitrary: fc.constant('look' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
        const own = createWorkbench();
        let journals = [own.open(), own.open()] as const;
        try {
          for (const step of actions) {
            if (step === 'look') journals[0].state();
            else if (step === 'restart') {
              for (const journal of journals) journal.close();
              journals = [own.open(), own.open()];
            } else if ('junk' in step) {
              fs.mkdirSync(dirname(own.file), { recursive: true });
              fs.appendFileSync(own.file, step.junk);
            } else if ('many' in step)
              for (let index = 0; index < step.many; index += 1) journals[0].append(alert(index));
            else journals[step.by as 0 | 1].append(alert(step.write));
          }
          journals[0].append(alert('last'));
          const states = [journals[0].state(), journals[1].state(), own.open().state()];
          fs.rmSync(own.snapshotFile, { force: true });
          const anew = own.open().state();
          for (const state of states) expect(state).toEqual(anew);
          expect(anew.entries).toBeGreaterThan(0);
        } finally {
          own.remove();
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('a file that somebody moves, deletes or cuts short', () => {
  it('is begun anew when it was rotated away, and nothing is lost on the way', () => {
    const [journal, other] = [bench.open(), bench.open()];
    journal.append(alert('one'));
    expect(journal.state().entries).toBe(1);
    other.append(alert('two, which the first has not read yet'));
    fs.renameSync(bench.file, `${bench.file}.1`);
    other.append(alert('three'));
    journal.append(alert('four'));
    expect(journal.state().entries).toBe(4);
    expect(bench.lines()).toHaveLength(2);
    expect(bench.open().state().entries).toBe(2);
  });

  it('is made again when it was deleted', () => {
    const journal = bench.open();
    journal.append(alert('one'));
    expect(journal.state().entries).toBe(1);
    fs.rmSync(bench.file);
    expect(journal.state().entries).toBe(1);
    journal.append(alert('two'));
    expect(journal.state().entries).toBe(2);
    fs.rmSync(dirname(bench.file), { recursive: true });
    journal.append(alert('three'));
    expect(journal.state().entries).toBe(3);
    expect(messages(bench.open().tail(9))).toEqual(['three']);
  });

  it('is gone on with when it was emptied', () => {
    const journal = bench.open();
    for (const message of ['one', 'two']) journal.append(alert(message));
    expect(journal.state().entries).toBe(2);
    fs.truncateSync(bench.file);
    journal.append(alert('three'));
    expect(journal.state().entries).toBe(3);
    expect(bench.lines()).toHaveLength(1);
  });

  it('is folded again when it is an edited copy of itself, so that nothing counts twice', () => {
    const journal = bench.open();
    for (const message of ['one', 'two', 'three']) journal.append(alert(message));
    expect(journal.state().entries).toBe(3);
    const lines = bench.lines();
    fs.writeFileSync(`${bench.file}.new`, `${lines[0]}\n${lines[2]}\n`);
    fs.renameSync(`${bench.file}.new`, bench.file);
    expect(journal.state().entries).toBe(2);
    expect(journal.state()).toEqual(foldedAnew());
  });

  it('leaves no snapshot of a state that the file does not give', () => {
    const journal = bench.open();
    journal.append(alert('one'));
    journal.state();
    fs.renameSync(bench.file, `${bench.file}.1`);
    for (let index = 0; index < 1500; index += 1) journal.append(alert(index));
    journal.close();
    expect(bench.open().state().entries).toBe(1500);
  });
});

describe('the tail', () => {
  const types = ['alert', 'cycle_phase'] as const;
  const fill = (count: number) => {
    const journal = bench.open();
    for (let index = 0; index < count; index += 1) {
      const names = { session: `s${index % 7}`, project: `p${index % 3}`, cycle: `c${index % 100}` };
      if (index % 5 === 0) journal.append({ type: 'cycle_phase', data: { phase: 'hack' }, ...names });
      else journal.append({ ...alert(index), ...names });
    }
    return journal;
  };

  it('is what a full read ends with, for any filter and limit', async () => {
    const journal = fill(3000);
    const all = await collect(journal.read());
    expect(all).toHaveLength(3000);
    for (const filter of [
      undefined,
      {},
      { types: ['cycle_phase'] as const },
      { types },
      { types: [] },
      { session: 's3' },
      { project: 'p1', session: 's2', types: ['alert'] as const },
      { cycle: 'c42' },
      { session: 'nobody' },
      { sinceMs: Date.parse((all[2000] as Entry).ts) },
      { sinceMs: Date.now() + 1e9 },
    ]) {
      const expected = all.filter(
        (entry) =>
          (filter?.types === undefined || (filter.types as readonly string[]).includes(entry.type)) &&
          Object.entries(filter ?? {}).every(([key, value]) =>
            key === 'types'
              ? true
              : key === 'sinceMs'
                ? Date.parse(entry.ts) >= (value as number)
                : entry[key as 'session'] === value,
          ),
      );
      for (const limit of [0, 1, 10, 500, 10_000]) {
        expect(journal.tail(limit, filter)).toEqual(limit === 0 ? [] : expected.slice(-limit));
      }
      expect(await collect(journal.read(filter))).toEqual(expected);
    }
  });

  it('and the stream since a time give what is younger, and read little of what is older', async () => {
    let nowMs = Date.UTC(2025, 0, 1);
    const clock = { now: () => nowMs, monotonic: () => 0, sleep: async () => {} };
    const journal = bench.open({ clock });
    for (let index = 0; index < 4000; index += 1) {
      nowMs += 600_000;
      journal.append(alert(`${index} ${'x'.repeat(300)}`));
    }
    const sinceMs = nowMs - 3 * 86_400_000;
    const younger = journal.tail(Number.POSITIVE_INFINITY).filter(({ ts }) => Date.parse(ts) >= sinceMs);
    expect(younger.length).toBe(3 * 144 + 1);
    const reads = vi.spyOn(fs, 'readSync');
    expect(journal.tail(Number.POSITIVE_INFINITY, { sinceMs })).toEqual(younger);
    expect(await collect(journal.read({ sinceMs }))).toEqual(younger);
    const bytes = reads.mock.results.reduce((sum, { value }) => sum + (value as number), 0);
    reads.mockRestore();
    expect(bytes).toBeLessThan(fs.statSync(bench.file).size);
  });

  it('and the stream find lines that other programs wrote with spaces', async () => {
    const journal = fill(10);
    fs.appendFileSync(
      bench.file,
      '{"id": "x", "ts": "2025-01-01T00:00:00Z", "type": "cycle_phase", "data": {"phase": "plan"}}\n',
    );
    expect(journal.tail(1, { types: ['cycle_phase'] })).toMatchObject([{ id: 'x' }]);
    expect((await collect(journal.read({ types: ['cycle_phase'] }))).at(-1)).toMatchObject({ id: 'x' });
  });

  it('reads blocks whose lines are longer than the block', () => {
    const journal = bench.open();
    for (let index = 0; index < 12; index += 1) journal.append(alert(`${index} ${'x'.repeat(60_000)}`));
    expect(messages(journal.tail(5)).map((message) => message.split(' ')[0])).toEqual(['7', '8', '9', '10', '11']);
  });
});

describe('a file that cannot be written', () => {
  it('is a failure that says which and why', () => {
    fs.mkdirSync(bench.file, { recursive: true });
    expect(failureOf(() => bench.open())).toMatchObject({
      kind: 'journal-write',
      message: expect.stringContaining(bench.file),
    });
    fs.rmdirSync(bench.file);
    fs.rmdirSync(dirname(bench.file));
    fs.writeFileSync(dirname(bench.file), 'a file where the directory should be');
    expect(failureOf(() => bench.open().append(alert('a')))).toMatchObject({
      kind: 'journal-write',
      message: expect.stringContaining(bench.file),
    });
  });
});
