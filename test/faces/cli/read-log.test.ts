import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import type { Doors } from '../../../src/desk/doors.ts';
import { EXIT_USAGE } from '../../../src/faces/cli/program.ts';
import { type LogOptions, logCommand, parseSince } from '../../../src/faces/cli/read-log.ts';
import { openHomeJournal } from '../../flow/home-journal.ts';
import { pastCycle, writePast } from '../../journal/past.ts';
import { alert } from '../../journal/workbench.ts';
import { DATA } from '../../model/examples.ts';
import { createPaper, type Paper } from './paper.ts';

describe('parseSince', () => {
  const now = new Date(2026, 2, 14, 12).getTime();

  it.each<[text: string, backMs: number]>([
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1.5h', 5_400_000],
    ['3d', 259_200_000],
    ['2w', 1_209_600_000],
    [' 2h ', 7_200_000],
    ['0s', 0],
  ])('takes %j as a span back from now', (text, backMs) => {
    expect(parseSince(text, now)).toBe(now - backMs);
  });

  it.each<[text: string, at: Date]>([
    ['2026-01-31', new Date(2026, 0, 31)],
    ['2024-02-29', new Date(2024, 1, 29)],
    ['2026-01-31T10:20', new Date(2026, 0, 31, 10, 20)],
    ['2026-01-31 10:20:30', new Date(2026, 0, 31, 10, 20, 30)],
    ['2026-01-31T10:20:30.500Z', new Date(Date.UTC(2026, 0, 31, 10, 20, 30, 500))],
    ['2026-01-31T10:20+02:00', new Date(Date.UTC(2026, 0, 31, 8, 20))],
  ])('takes %j as a date, local unless it says otherwise', (text, at) => {
    expect(parseSince(text, now)).toBe(at.getTime());
  });

  it.each([
    '',
    '2',
    'h',
    '-2h',
    '2 h',
    '2h30m',
    '1e3h',
    'yesterday',
    '2026',
    '2026-1-1',
    '2026-13-01',
    '2026-02-31',
    '2026-02-29',
    '2026-01-31T25:00',
    '2026-01-31x',
    '31.01.2026',
    '2026-01-31T10:20:30 or so',
  ])('does not guess what %j means', (text) => {
    expect(parseSince(text, now)).toBeUndefined();
  });
});

describe('winnow log', () => {
  let dir: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-log-'));
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const home = () => openHomeJournal(dir);

  /** Reads the journal of the directory; a person looks on who may do something at every line. */
  const log = async (
    options: LogOptions,
    look: (line: string, journal: ReturnType<typeof home>['journal']) => void = () => {},
  ): Promise<Paper & { code: number }> => {
    const { journal } = home();
    const paper = createPaper(200);
    const terminal = {
      ...paper,
      out: (text: string) => {
        paper.out(text);
        look(text, journal);
      },
    };
    const doors = {
      openJournal: async () => ok({ journal, close: () => journal.close() }),
    } as unknown as Doors;
    return { ...paper, code: await logCommand(doors, terminal, options) };
  };

  const write = (...messages: (string | number)[]): void => {
    const { journal } = home();
    for (const message of messages) journal.append(alert(message));
    journal.close();
  };

  it('shows the newest fifty, or as many as asked for', async () => {
    write(...Array.from({ length: 80 }, (_, n) => `m${n}`));
    const { results, code } = await log({});
    expect([results.length, code]).toEqual([50, 0]);
    expect(results.at(-1)).toMatch(/ATTENTION: m79\. Nothing\.$/);
    expect((await log({ limit: 3 })).results).toHaveLength(3);
    expect((await log({ since: '1h' })).results).toHaveLength(80);
  });

  it('passes everything through as JSON, one entry a line', async () => {
    write(...Array.from({ length: 80 }, (_, n) => `m${n}`));
    const { results } = await log({ json: true });
    expect(results.map((line) => (JSON.parse(line) as { data: { message: string } }).data.message)).toEqual(
      Array.from({ length: 80 }, (_, n) => `m${n}`),
    );
  });

  it('says that there is nothing rather than nothing', async () => {
    expect(await log({})).toMatchObject({ code: 0, results: [], notes: ['winnow: no entry to show'] });
    write('x');
    expect(await log({ session: 'nobody' })).toMatchObject({ notes: ['winnow: no entry to show'] });
    expect(await log({ session: 'nobody', json: true })).toMatchObject({ results: [], notes: [] });
  });

  it.each<[options: LogOptions, said: string]>([
    [{ type: ['ralph_cicle'] }, 'winnow: there is no entry type ralph_cicle; did you mean ralph_cycle?'],
    [
      { since: 'yesterday' },
      'winnow: --since yesterday: expected a time span such as 2h or 3d, or a date such as 2026-01-31',
    ],
  ])('is used wrongly with %j', async (options, said) => {
    expect(await log(options)).toMatchObject({ code: 2, results: [], notes: [said] });
  });

  it.each(['constructor', '__proto__', 'nonsense'])('lists the types there are for %s, which is none', async (type) => {
    const { code, notes } = await log({ type: [type] });
    expect(code).toBe(2);
    expect(notes[0]).toMatch(/; there are agent_ran, alert, /);
  });

  it('counts damaged lines and goes on', async () => {
    write('before');
    fs.appendFileSync(join(dir, 'logs', 'experiment-log.jsonl'), '{"id":"half a li\n');
    write('after');
    const { results, notes } = await log({});
    expect(results).toHaveLength(2);
    expect(notes).toEqual(['winnow: 1 damaged line in the journal skipped; nothing else is affected']);
  });

  it('follows without missing or repeating what is written while it prints the past', async () => {
    write('one', 'two');
    const { results } = await log({ follow: true }, (line, journal) => {
      if (line.includes('one')) journal.append(alert('three'));
      if (line.includes('three')) journal.append(alert('last'));
      if (line.includes('last')) journal.close();
    });
    expect(results.map((line) => /ATTENTION: (\w+)/.exec(line)?.[1])).toEqual(['one', 'two', 'three', 'last']);
  });

  describe('--search', () => {
    const past = (): void => {
      writePast(
        join(dir, 'logs', 'experiment-log.jsonl'),
        [
          pastCycle({ title: 'Sort the list by name', files: ['src/list.ts'], session: 'alpha' }),
          pastCycle({ title: 'Cache the length', outcome: 'pushed', reason: 'better: 1 failing test fixed' }),
          { type: 'agent_ran', data: { ...DATA.agent_ran, model: 'sonnet-of-lists' } },
          alert('The list is too long'),
        ],
        Date.parse('2026-03-14T12:00:00.000Z'),
      );
    };
    const shown = ({ results }: Paper) => results.map((line) => line.replace(/^\S+ +\S+ +/, ''));

    it('finds what has all of the words, in any form, in sentences and in paths', async () => {
      past();
      expect(shown(await log({ search: ['sorted', 'lists'] }))).toMatchInlineSnapshot(`
        [
          "alpha       discarded “Sort the list by name”: breaks 1 test: adds ($0.42, 2m07s)",
        ]
      `);
      expect(shown(await log({ search: ['list'] }))).toMatchInlineSnapshot(`
        [
          "alpha       discarded “Sort the list by name”: breaks 1 test: adds ($0.42, 2m07s)",
          "ATTENTION: The list is too long. Nothing.",
        ]
      `);
      expect(shown(await log({ search: ['list', 'discarded'] }))).toHaveLength(1);
      expect(shown(await log({ search: ['list'], session: 'alpha' }))).toHaveLength(1);
      expect(shown(await log({ search: ['list'], type: ['alert'] }))).toHaveLength(1);
      expect(await log({ search: ['nowhere'] })).toMatchObject({ results: [], notes: ['winnow: no entry to show'] });
    });

    it('gives the entries alone as JSON, and says beside them what is left out', async () => {
      past();
      const { results, notes, code } = await log({ search: ['list'], limit: 1, json: true });
      expect(code).toBe(0);
      expect(results.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['alert']);
      expect(notes).toEqual(['winnow: 1 older entry has these words too; -n shows more']);
    });

    it('looks line by line for what the index does not have', async () => {
      past();
      expect(shown(await log({ search: ['sonnet'] }))).toEqual([]);
      expect(shown(await log({ search: ['sonnet'], type: ['agent_ran'] }))).toHaveLength(1);
      expect(shown(await log({ search: ['list'], cycle: '01KKN3V8ZC0000000000000007' }))).toHaveLength(1);
      fs.mkdirSync(join(dir, '.winnow'), { recursive: true });
      fs.writeFileSync(join(dir, '.winnow', 'search'), 'in the way');
      expect(shown(await log({ search: ['list'] }))).toHaveLength(2);
    });

    it.each<[what: string, search: string[]]>([
      ['nothing', ['']],
      ['signs alone', ['  ', '!?']],
      ['control characters alone', ['\u0000\u001b\u202e']],
      ['a regular expression for anything', ['.*']],
      ['a megabyte without a space', ['x'.repeat(1_000_000)]],
    ])('asks for a word when it is given %s', async (_, search) => {
      past();
      const { code, notes, results } = await log({ search });
      expect({ code, notes, results }).toEqual({
        code: EXIT_USAGE,
        notes: ['winnow: --search: there is no word to search for; a word has letters or digits'],
        results: [],
      });
    });

    it('takes regular expressions and commands for the words in them, and no more words than people remember', async () => {
      past();
      expect(shown(await log({ search: ['(list)+.*$'] }))).toHaveLength(2);
      expect(shown(await log({ search: ['list; rm -rf /'] }))).toHaveLength(0);
      const many = await log({ search: [`list ${'word '.repeat(200_000)}`] });
      expect(many.notes).toContain('winnow: only the first 32 words are searched for');
    });
  });
});
