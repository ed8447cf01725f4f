import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Journal, SearchQuery } from '../../src/journal/journal.ts';
import { LINE_MAX_BYTES } from '../../src/journal/line.ts';
import { hasTerms } from '../../src/journal/search.ts';
import { fileTerm, type Term } from '../../src/journal/search-terms.ts';
import type { Entry } from '../../src/model/entry.ts';
import { firstOf, howMany } from '../thoroughness.ts';
import { pastCycle, titleOf, writePast } from './past.ts';
import { compileFixtures, type Fixtures } from './process.ts';
import { alert, createWorkbench, type Tally, until, type Workbench } from './workbench.ts';

let bench: Workbench;
beforeEach(() => {
  bench = createWorkbench();
});
afterEach(() => bench.remove());

const WAIT_MS = 120_000;
const word = (text: string): Term => `word ${text}`;
const indexDir = () => join(bench.dir, '.winnow', 'search');
const partsOf = () => fs.readdirSync(indexDir()).filter((name) => name.endsWith('.part'));

const search = (journal: Journal<Tally>, query: Partial<SearchQuery>) =>
  journal.search({ limit: 10, order: 'best', waitMs: WAIT_MS, ...query });
const titles = async (journal: Journal<Tally>, query: Partial<SearchQuery>) =>
  (await search(journal, query)).hits.map(({ entry }) => titleOf(entry));

/** Enough for the index to be written; every seventh has the word, and all have `everywhere`. */
const MANY = 1500;
const FILLING = 'x'.repeat(800);
const fill = (from = 0, count = MANY): Entry[] =>
  writePast(
    bench.file,
    Array.from({ length: count }, (_, index) => {
      const n = from + index;
      return alert(`number n${n} ${n % 7 === 0 ? 'seventh' : 'other'} everywhere ${FILLING}`);
    }),
  );
const EVERY: Partial<SearchQuery> = { all: [word('everywher')], order: 'newest' };
const countIn = async (journal: Journal<Tally>, query = EVERY) => (await search(journal, query)).count;

describe('a search', () => {
  it('finds past cycles by their files, by what they broke, and by words in any form', async () => {
    writePast(bench.file, [
      pastCycle({ title: 'Sort the list by name', files: ['src/list.ts'] }),
      pastCycle({ title: 'Cache the length', files: ['src/length.ts'], broken: ['tests: list.test.ts > adds'] }),
      pastCycle({ title: 'Drop an unused parameter', files: ['src/args.ts'] }),
    ]);
    const journal = bench.open();
    expect(await titles(journal, { all: [fileTerm('./src//list.ts')] })).toEqual(['Sort the list by name']);
    expect(await titles(journal, { all: ['identity tests: list.test.ts > adds'] })).toEqual(['Cache the length']);
    expect(await titles(journal, { all: [word('cach'), word('length')] })).toEqual(['Cache the length']);
    expect(await titles(journal, { all: [word('cach'), word('list')] })).toEqual(['Cache the length']);
    expect(await titles(journal, { all: [word('nothing')] })).toEqual([]);
  });

  it('puts first what has the most of the rarest', async () => {
    writePast(bench.file, [
      ...Array.from({ length: 20 }, (_, n) => pastCycle({ title: `Common matter ${n}` })),
      pastCycle({ title: 'Rare thing' }),
      pastCycle({ title: 'Rare common matter' }),
      ...Array.from({ length: 20 }, (_, n) => pastCycle({ title: `Common matter ${n}` })),
    ]);
    const any = ['common', 'matter', 'rare'].map((text) => ({ term: word(text), weight: 1 }));
    expect((await titles(bench.open(), { any })).slice(0, 2)).toEqual(['Rare common matter', 'Rare thing']);
  });

  it('gives the newest of equals, as many as are wanted, and says how many there are', async () => {
    writePast(
      bench.file,
      Array.from({ length: 30 }, (_, n) => pastCycle({ title: `Matter n${n}` })),
    );
    const journal = bench.open();
    const found = await search(journal, { all: [word('matter')], order: 'newest', limit: 3 });
    expect(found.hits.map(({ entry }) => titleOf(entry))).toEqual(['Matter n29', 'Matter n28', 'Matter n27']);
    expect(found).toMatchObject({ count: 30, unsearchedBytes: 0 });
    expect(await search(journal, { all: [word('matter')], limit: 0 })).toMatchObject({ hits: [], count: 30 });
  });

  it('keeps to what is asked for: type, project, session, time', async () => {
    const old = writePast(bench.file, [pastCycle({ title: 'Old matter' })], Date.now() - 86_400_000);
    writePast(bench.file, [
      pastCycle({ title: 'Matter of web', project: 'web' }),
      pastCycle({ title: 'Matter of alpha', session: 'alpha' }),
      alert('a matter for a person'),
    ]);
    const journal = bench.open();
    const all = [word('matter')];
    const of = async (filter: SearchQuery['filter']) => countIn(journal, { all, ...(filter ? { filter } : {}) });
    expect(await of(undefined)).toBe(4);
    expect(await of({ types: ['ralph_cycle'] })).toBe(3);
    expect(await of({ project: 'web' })).toBe(1);
    expect(await of({ session: 'alpha' })).toBe(1);
    expect(await of({ sinceMs: Date.parse(old[0]?.ts ?? '') + 1 })).toBe(3);
  });

  it('sees what any process has appended since, and at once', async () => {
    const [one, other] = [bench.open(), bench.open()];
    expect(await countIn(one, { all: [word('first')] })).toBe(0);
    other.append(alert('the first thing'));
    expect(await countIn(one, { all: [word('first')] })).toBe(1);
  });

  it('finds an entry of a whole line, one that was glued to a torn line, and none in a line that was never an entry', async () => {
    const [long] = writePast(bench.file, [alert(`needle ${'y'.repeat(LINE_MAX_BYTES - 300)}`)]);
    fs.appendFileSync(bench.file, '{"id":"01M","ts":"2026-01-01T00:00:00.000Z","type":"check_ran","da');
    const [glued] = writePast(bench.file, [pastCycle({ title: 'Glued needle' })]);
    fs.appendFileSync(bench.file, `${'needle '.repeat(400_000)}\n{"needle":1}\n`);
    const { hits } = await search(bench.open(), { all: [word('needl')], order: 'newest' });
    expect(hits.map(({ entry }) => entry.id)).toEqual([glued?.id, long?.id]);
  });

  it('finds the same as whoever reads every entry, from memory, from parts, and after they were merged', async () => {
    const entries: Entry[] = [];
    const random = seeded(7);
    const some = (count: number) =>
      Array.from({ length: count }, () => {
        const words = Array.from({ length: 4 }, () => `v${Math.floor(40 * random() ** 2)}`).join(' ');
        const files = [`src/f${Math.floor(10 * random())}.ts`];
        return random() < 0.5
          ? pastCycle({ title: words, files, why: FILLING })
          : { ...alert(`${words} ${FILLING}`), project: 'web' };
      });
    const compare = async (journal: Journal<Tally>) => {
      for (let round = 0; round < 8; round += 1) {
        const [a, b] = [word(`v${Math.floor(40 * random())}`), word(`v${Math.floor(40 * random())}`)];
        const query: Partial<SearchQuery> =
          round % 2 === 0 ? { all: [a, b] } : { all: [a], any: [{ term: fileTerm('src/f3.ts'), weight: 1 }] };
        const filter = round % 3 === 0 ? { project: 'web' } : undefined;
        const found = await search(journal, { ...query, ...(filter ? { filter } : {}), order: 'newest', limit: 1000 });
        const fitting = entries.filter(
          (entry) => hasTerms(entry, query) && (filter === undefined || entry.project === 'web'),
        );
        expect(found.hits.map(({ entry }) => entry.id)).toEqual(fitting.map(({ id }) => id).reverse());
        expect(found.count).toBe(fitting.length);
      }
    };
    const long = bench.open();
    for (const count of [300, 700, 700, 50]) {
      entries.push(...writePast(bench.file, some(count)));
      await compare(long);
      const fresh = bench.open();
      await compare(fresh);
      fresh.close();
    }
    expect(partsOf().length).toBeGreaterThan(0);
  });

  it('answers before the index is whole when it may not wait, and says how much is missing', async () => {
    fill(0, 6000);
    const journal = bench.open();
    const first = await search(journal, { ...EVERY, waitMs: 0 });
    expect(first.count).toBeLessThan(6000);
    expect(first.unsearchedBytes).toBeGreaterThan(0);
    expect(await search(journal, EVERY)).toMatchObject({ count: 6000, unsearchedBytes: 0 });
  });

  it('ends with the journal, also in the middle of making the index', async () => {
    fill(0, 6000);
    const journal = bench.open();
    const searching = search(journal, EVERY);
    journal.close();
    expect(await searching).toMatchObject({ hits: [] });
    expect(() => search(journal, EVERY)).toThrow('closed');
    expect(await countIn(bench.open())).toBe(6000);
  });
});

describe('the index', () => {
  it('is written once and read afterwards: a new process goes on where it ends', async () => {
    fill();
    const first = bench.open();
    expect(await countIn(first)).toBe(MANY);
    first.close();
    const parts = partsOf();
    expect(parts).toHaveLength(1);
    expect(await countIn(bench.open())).toBe(MANY);
    expect(partsOf()).toEqual(parts);
  });

  it('stays in few parts however long it grows', async () => {
    for (let round = 0; round < 12; round += 1) {
      fill(round * 1400, 1400);
      const journal = bench.open();
      expect(await countIn(journal)).toBe((round + 1) * 1400);
      journal.close();
    }
    const manifest = fs.readFileSync(join(indexDir(), 'index.json'), 'utf8').split('\n')[1] as string;
    expect((JSON.parse(manifest) as { parts: unknown[] }).parts.length).toBeLessThanOrEqual(4);
  });

  it.each(
    firstOf<[what: string, harm: () => void]>(6, [
      ['is deleted', () => fs.rmSync(indexDir(), { recursive: true })],
      [
        'is deleted with everything that is disposable',
        () => fs.rmSync(join(bench.dir, '.winnow'), { recursive: true }),
      ],
      ['has lost its list', () => fs.rmSync(join(indexDir(), 'index.json'))],
      ['has a list that is half-written', () => fs.truncateSync(join(indexDir(), 'index.json'), 60)],
      ['has an empty list', () => fs.truncateSync(join(indexDir(), 'index.json'))],
      ['has a list of another version', () => edit('index.json', (text) => text.replace('"version":1', '"version":0'))],
      [
        'has a list with a part outside of it',
        () => edit('index.json', (text) => text.replace(/"name":"/, '"name":"../')),
      ],
      ['has lost a part', () => fs.rmSync(partPath())],
      ['has a torn part', () => fs.truncateSync(partPath(), 40_000)],
      ['has an empty part', () => fs.truncateSync(partPath())],
      ['has a part with a changed byte in each page', () => spoil(partPath())],
      ['has a part of zeros', () => fs.writeFileSync(partPath(), Buffer.alloc(fs.statSync(partPath()).size))],
      ['has a directory in place of a part', () => replaceByDirectory(partPath())],
      ['has a directory in place of its list', () => replaceByDirectory(join(indexDir(), 'index.json'))],
      ['is a file', () => replaceByFile(indexDir())],
      ['is older than the journal', () => {}],
    ]),
  )('is none the worse when it %s', async (_, harm) => {
    fill();
    const first = bench.open();
    await countIn(first);
    first.close();
    harm();
    fill(MANY, 100);
    // In a process that has just come, and again with what it has made of it.
    for (let round = 0; round < 2; round += 1) {
      const journal = bench.open();
      expect(await countIn(journal)).toBe(MANY + 100);
      expect(await countIn(journal, { all: [word('seventh')] })).toBe(Math.ceil((MANY + 100) / 7));
      journal.close();
    }
  });

  it('notices in the midst of its life that a part was spoiled or everything deleted', async () => {
    for (const harm of [() => spoil(partPath()), () => fs.rmSync(indexDir(), { recursive: true })]) {
      fs.rmSync(bench.file, { force: true });
      fill();
      const journal = bench.open();
      await countIn(journal);
      harm();
      fill(MANY, 100);
      expect(await countIn(journal)).toBe(MANY + 100);
      journal.close();
    }
  });

  it('is made anew for a journal that was cut short, exchanged or copied back', async () => {
    fill();
    const seen = bench.open();
    await countIn(seen);
    const whole = fs.readFileSync(bench.file);
    const cut = whole.subarray(0, whole.lastIndexOf(0x0a, whole.length >> 1) + 1);
    const left = cut.toString().split('\n').length - 1;
    const both = async (count: number) => {
      expect(await countIn(seen)).toBe(count);
      const fresh = bench.open();
      expect(await countIn(fresh)).toBe(count);
      fresh.close();
    };
    fs.truncateSync(bench.file, cut.length);
    await both(left);
    fs.rmSync(bench.file);
    fs.writeFileSync(bench.file, whole);
    await both(MANY);
    fs.rmSync(bench.file);
    await both(0);
    fill(0, 10);
    await both(10);
  });

  it.skipIf(!canMount())('stays in memory, as far as there is room, while its disk is full', async () => {
    fs.mkdirSync(indexDir(), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', indexDir()]);
    try {
      fill();
      const journal = bench.open();
      expect(await search(journal, EVERY)).toMatchObject({ count: MANY, unsearchedBytes: 0 });
      fill(MANY, 3 * MANY);
      const found = await search(journal, EVERY);
      expect(found.count).toBeGreaterThan(MANY);
      expect(found.count).toBeLessThan(4 * MANY);
      expect(found.unsearchedBytes).toBeGreaterThan(0);
      bench.closeAll();
    } finally {
      execFileSync('umount', [indexDir()]);
    }
    expect(await countIn(bench.open())).toBe(4 * MANY);
  });

  it('leaves nothing behind of what a killed process had begun', async () => {
    fill();
    fs.mkdirSync(indexDir(), { recursive: true });
    const old = Date.now() / 1000 - 3600;
    const mine = join(indexDir(), 'notes.txt');
    const dead = ['01KKN3V8ZC0000000000000001.part', '01KKN3V8ZC0000000000000002.part.123456', 'index.json.9'];
    for (const path of [mine, ...dead.map((name) => join(indexDir(), name))]) {
      fs.writeFileSync(path, 'x');
      fs.utimesSync(path, old, old);
    }
    const young = '01KKN3V8ZC0000000000000003.part';
    fs.writeFileSync(join(indexDir(), young), 'x');
    await countIn(bench.open());
    const names = fs.readdirSync(indexDir());
    for (const name of dead) expect(names).not.toContain(name);
    expect(names).toEqual(expect.arrayContaining(['notes.txt', young, 'index.json']));
  });
});

describe('many processes', () => {
  let fixtures: Fixtures;
  beforeAll(() => {
    fixtures = compileFixtures();
  });
  afterAll(() => fixtures.remove());
  const start = (name: string, count: number, waitMs = WAIT_MS) => {
    const output = join(bench.dir, name);
    return fixtures.start('searcher', [bench.dir, 'everywher', String(count), String(waitMs)], output);
  };

  it('index at once and find the same', async () => {
    fill(0, 6000);
    const searchers = Array.from({ length: 3 }, (_, n) => start(`out-${n}`, 5));
    for (const searcher of searchers) {
      expect(await searcher.gone).toBe(0);
      expect(searcher.said()).toEqual(Array.from({ length: 5 }, () => '6000 0'));
    }
    expect(await countIn(bench.open())).toBe(6000);
  });

  it('may be killed while they index', async () => {
    let written = 0;
    for (let round = 0; round < howMany(4, 60); round += 1) {
      fill(written, 2500);
      written += 2500;
      const searcher = start(`out-${round}`, 1);
      const files = () => (fs.existsSync(indexDir()) ? fs.readdirSync(indexDir()).join() : '');
      const before = files();
      // Each time at another moment: as soon as it writes, and some looks later.
      let looks = round * 3;
      await until(
        () => searcher.process.exitCode !== null || (files() !== before && --looks < 0),
        'the searcher writes its index',
      );
      await searcher.kill();
      const journal = bench.open();
      expect(await countIn(journal)).toBe(written);
      journal.close();
    }
  });

  it.skipIf(process.getuid?.() !== 0)('read an index that they may not write', async () => {
    fill();
    const mine = bench.open();
    await countIn(mine);
    mine.close();
    fill(MANY, MANY);
    fs.chmodSync(bench.dir, 0o755);
    const output = join(bench.dir, 'out');
    fs.writeFileSync(output, '');
    const user = { uid: 65534, gid: 65534 };
    const searcher = fixtures.start('searcher', [bench.dir, 'everywher', '2', String(WAIT_MS)], output, user);
    expect(await searcher.gone).toBe(0);
    expect(searcher.said()).toEqual([`${2 * MANY} 0`, `${2 * MANY} 0`]);
  });
});

/** Mounting a small disk needs rights that not every machine gives. */
function canMount(): boolean {
  const probe = fs.mkdtempSync(join(os.tmpdir(), 'winnow-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    fs.rmdirSync(probe);
  }
}

const partPath = (): string => join(indexDir(), partsOf()[0] as string);

const edit = (name: string, change: (text: string) => string): void => {
  const path = join(indexDir(), name);
  fs.writeFileSync(path, change(fs.readFileSync(path, 'utf8')));
};

const spoil = (path: string): void => {
  const bytes = fs.readFileSync(path);
  for (let at = 100; at < bytes.length; at += 16 * 1024) bytes[at] = (bytes[at] as number) ^ 0x20;
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, 0);
  fs.closeSync(fd);
};

const replaceByDirectory = (path: string): void => {
  fs.rmSync(path);
  fs.mkdirSync(path);
  fs.writeFileSync(join(path, 'note'), 'somebody put this here');
};

const replaceByFile = (path: string): void => {
  fs.rmSync(path, { recursive: true });
  fs.writeFileSync(path, 'somebody put this here');
};

const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
};
