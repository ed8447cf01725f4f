import { describe, expect, it } from 'vitest';
import { type ComparedRow, compareRuns } from '../../bench/compare.ts';
import { renderComparison, renderComparisonMarkdown } from '../../bench/render.ts';
import { benchRow } from '../../bench/row.ts';
import { type BenchRun, type StoredRow, storedRun } from '../../bench/stored.ts';
import { RUN } from './run.ts';

/** A row of 10 ms against 10 ms, of which the ratio moves by a quarter. */
const row = (given: Partial<StoredRow> = {}): StoredRow => {
  const { unit = 'ms', ...rest } = given;
  const base = { key: 'a.row', row: 'a row', figure: '', baseline: '', goal: '–', met: true, method: '' };
  const made = benchRow({ ...base, value: 10, baselineValue: 10, unit: 'ms', tolerance: 0.25, ...(rest as object) });
  return { ...made, unit, ...('ratio' in given ? { ratio: given.ratio } : {}) };
};

const compare = (then: Partial<StoredRow>, now: Partial<StoredRow>, machine: Partial<BenchRun> = {}): ComparedRow => {
  const comparison = compareRuns(storedRun(RUN, [row(then)]), storedRun({ ...RUN, ...machine }, [row(now)]));
  expect(comparison.fails).toBe(comparison.rows.some(({ fails }) => fails));
  return comparison.rows[0]!;
};

/** A row that has no ratio: it moves by 2 ms. */
const bare = (value: number): Partial<StoredRow> => ({ value, baselineValue: undefined, tolerance: 2 });
const OTHER = { processor: 'Imagined 4000' };

describe('a row of two runs', () => {
  it.each<[what: string, then: Partial<StoredRow>, now: Partial<StoredRow>, verdict: string, fails: boolean]>([
    ['that is the same', {}, {}, 'same', false],
    ['that took longer within what it moves by itself', {}, { value: 12.5 }, 'same', false],
    ['that took longer than that', {}, { value: 12.6 }, 'worse', true],
    ['that took less within what it moves by itself', {}, { value: 8 }, 'same', false],
    ['that took less than that', {}, { value: 7.9 }, 'better', false],
    ['of which both numbers doubled, as on a busy day', {}, { value: 20, baselineValue: 20 }, 'same', false],
    ['of which only the baseline became faster', {}, { baselineValue: 5 }, 'worse', true],
    ['of which more is better and came', { better: 'more' }, { better: 'more', value: 20 }, 'better', false],
    ['of which more is better and less came', { better: 'more' }, { better: 'more', value: 7 }, 'worse', true],
    ['that moves not at all, and did not', { tolerance: 0 }, { tolerance: 0 }, 'same', false],
    ['that moves not at all, and did', { tolerance: 0 }, { tolerance: 0, value: 10.001 }, 'worse', true],
    ['that was nothing and is something', { value: 0, tolerance: 0.2 }, { value: 1 }, 'worse', true],
    ['that was something and is nothing', {}, { value: 0 }, 'better', false],
    ['without a ratio, within its amount', bare(10), bare(12), 'same', false],
    ['without a ratio, beyond its amount', bare(10), bare(12.1), 'worse', true],
    ['without a ratio, less than that', bare(10), bare(7.9), 'better', false],
    ['without a ratio, from nothing', bare(0), bare(3), 'worse', true],
    ['of another unit than before', { unit: 's' }, { value: 99 }, 'open', false],
    ['of which another way is better than before', { better: 'more' }, { value: 99 }, 'open', false],
    ['that could not be measured then', { value: undefined }, {}, 'open', false],
    ['that cannot be measured any more', {}, { value: undefined, met: undefined }, 'unmeasured', true],
    ['of which nobody ever measured anything', { value: undefined }, { value: undefined }, 'open', false],
  ])('%s', (_, then, now, verdict, fails) => {
    expect(compare(then, now)).toMatchObject({ verdict, fails });
  });

  it.each<[then: boolean | undefined, now: boolean | undefined, goal: string | undefined, fails: boolean]>([
    [true, true, undefined, false],
    [true, false, 'missed', true],
    [false, true, 'reached', false],
    [false, false, undefined, false],
    [undefined, false, undefined, false],
    [true, undefined, undefined, false],
  ])('whose goal was met: %s, and is: %s', (then, now, goal, fails) => {
    expect(compare({ met: then }, { met: now })).toMatchObject({ verdict: 'same', goal, fails });
  });

  it('is judged by how far it is said to move now', () => {
    expect(compare({ tolerance: 9 }, { value: 15 }).verdict).toBe('worse');
    expect(compare({}, { value: 15, tolerance: 9 }).verdict).toBe('same');
  });

  it('says by how much it changed', () => {
    expect(compare({}, { value: 15 }).change).toBeCloseTo(0.5);
    expect(compare({ value: 0 }, { value: 15 }).change).toBeUndefined();
  });
});

describe('a row of two machines', () => {
  it.each<[what: string, then: Partial<StoredRow>, now: Partial<StoredRow>, verdict: string, fails: boolean]>([
    ['is compared by its ratio', {}, { value: 40, baselineValue: 10 }, 'worse', true],
    ['is not compared by a value', bare(10), bare(99), 'open', false],
    ['is no failure when it lacks what the row needs', {}, { value: undefined, met: undefined }, 'unmeasured', false],
    ['has to meet its goal all the same', {}, { met: false }, 'same', true],
  ])('%s', (_, then, now, verdict, fails) => {
    expect(compare(then, now, OTHER)).toMatchObject({ verdict, fails });
  });
});

describe('two runs', () => {
  const [a, b, c] = ['a.row', 'b.row', 'c.row'].map((key) => row({ key, row: key })) as [
    StoredRow,
    StoredRow,
    StoredRow,
  ];
  const verdicts = (then: StoredRow[], now: StoredRow[], only: { ofThen?: string; ofNow?: string } = {}) =>
    Object.fromEntries(
      compareRuns(
        storedRun({ ...RUN, only: only.ofThen }, then),
        storedRun({ ...RUN, only: only.ofNow }, now),
      ).rows.map(({ key, verdict }) => [key, verdict]),
    );

  it('name the rows that only one of them has', () => {
    expect(verdicts([a, b], [a, c])).toEqual({ 'a.row': 'same', 'b.row': 'gone', 'c.row': 'new' });
  });

  it('say nothing of rows that were not asked for', () => {
    expect(verdicts([a, b], [a], { ofNow: 'a' })).toEqual({ 'a.row': 'same' });
    expect(verdicts([a], [a, b], { ofThen: 'a' })).toEqual({ 'a.row': 'same', 'b.row': 'open' });
  });

  it.each<[what: string, machine: Partial<BenchRun>, said: RegExp]>([
    ['another processor', OTHER, /^ANOTHER MACHINE: Imagined 3000 then, Imagined 4000 now\. Only ratios/m],
    ['fewer cores', { cores: 1 }, /^ANOTHER MACHINE: 2 cores then, 1 now/m],
    ['more memory', { memoryGb: 16 }, /^ANOTHER MACHINE: 8 GB then, 16 GB now/m],
    ['another Node', { node: 'v22.1.0' }, /^note: Node v20.20.2 then, v22.1.0 now/m],
    ['another kernel', { kernel: 'Linux 6.2' }, /^note: Linux 6.1 then, Linux 6.2 now/m],
    ['a busy machine', { loadBefore: 4.2 }, /^note: the machine was busy now: load 4.2 on 2 cores/m],
  ])('of %s say so', (_, machine, said) => {
    const comparison = compareRuns(storedRun(RUN, [a]), storedRun({ ...RUN, ...machine }, [a]));
    expect(renderComparison(comparison)).toMatch(said);
    expect(renderComparisonMarkdown(comparison)).toMatch(said);
    expect(renderComparison(compareRuns(storedRun(RUN, [a]), storedRun(RUN, [a])))).not.toMatch(/ANOTHER|note:/);
  });

  it('are drawn as a table with the verdict in front', () => {
    const then = [
      a,
      row({ key: 'b.gone' }),
      row({ key: 'c.count', ...bare(3), unit: 'entries' }),
      row({ key: 'd.goal' }),
    ];
    const now = [
      row({ key: 'a.row', value: 21 }),
      row({ key: 'c.count', ...bare(4), unit: 'entries' }),
      row({ key: 'd.goal', value: 5, met: false }),
      row({ key: 'e.new' }),
    ];
    expect(renderComparison(compareRuns(storedRun(RUN, then), storedRun(RUN, now)))).toMatchInlineSnapshot(`
      "then: 2026-11-21 12:00 UTC, 2 cores (Imagined 3000), 8 GB, Linux 6.1, Node v20.20.2; load 0.1 before and 1.5 after; 540 s
      now:  2026-11-21 12:00 UTC, 2 cores (Imagined 3000), 8 GB, Linux 6.1, Node v20.20.2; load 0.1 before and 1.5 after; 540 s

                                            then           now  change  moves by itself
      worse                a.row            1.00          2.10  +110 %             25 %
      same                 c.count  3.00 entries  4.00 entries   +33 %     2.00 entries
      better, goal missed  d.goal           1.00         0.500   -50 %             25 %
      new                  e.new               –          1.00       –                –
      gone                 b.gone           1.00             –       –                –

      1 better, 1 same, 1 worse, 1 new, 1 gone, 1 with a goal that was met and is missed: worse than it was
      "
    `);
    expect(renderComparisonMarkdown(compareRuns(storedRun(RUN, then), storedRun(RUN, now)))).toMatchInlineSnapshot(`
      "then: 2026-11-21 12:00 UTC, 2 cores (Imagined 3000), 8 GB, Linux 6.1, Node v20.20.2; load 0.1 before and 1.5 after; 540 s

      now:  2026-11-21 12:00 UTC, 2 cores (Imagined 3000), 8 GB, Linux 6.1, Node v20.20.2; load 0.1 before and 1.5 after; 540 s

      | row | key | then | now | change | moves by itself |  |
      | --- | --- | ---: | ---: | ---: | ---: | --- |
      | a row | \`a.row\` | 1.00 | 2.10 | +110 % | 25 % | worse |
      | a row | \`c.count\` | 3.00 entries | 4.00 entries | +33 % | 2.00 entries | same |
      | a row | \`d.goal\` | 1.00 | 0.500 | -50 % | 25 % | better, goal missed |
      | a row | \`e.new\` | – | 1.00 | – | – | new |
      | a row | \`b.gone\` | 1.00 | – | – | – | gone |

      1 better, 1 same, 1 worse, 1 new, 1 gone, 1 with a goal that was met and is missed: worse than it was
      "
    `);
  });
});
