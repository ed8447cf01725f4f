import { describe, expect, it } from 'vitest';
import { benchRow } from '../../bench/row.ts';
import { parseStored, renderStored, storedRun } from '../../bench/stored.ts';
import { RUN } from './run.ts';

const words = { row: 'a row', figure: '1 ms', baseline: '2 ms', goal: '–', method: 'once' };
const ROW = benchRow({ ...words, key: 'a.row', value: 1, baselineValue: 2, unit: 'ms', tolerance: 0.1, met: true });
const STORED = storedRun(RUN, [ROW]);

const changed = (
  change: (stored: { format: unknown; run: Record<string, unknown>; rows: object[] }) => void,
): string => {
  const copy = structuredClone(STORED) as never;
  change(copy);
  return renderStored(copy);
};

describe('a stored run', () => {
  it('is read as it was written', () => {
    const bare = { ...words, key: 'b.row', value: undefined, unit: 'ms' as const, tolerance: 0, met: undefined };
    const stored = storedRun({ ...RUN, only: 'row' }, [ROW, benchRow(bare)]);
    expect(parseStored(renderStored(stored))).toEqual({ ok: true, value: stored });
  });

  it('is read from what --json says, with a comparison beside it', () => {
    expect(parseStored(renderStored({ ...STORED, comparison: { rows: [] } }))).toEqual({ ok: true, value: STORED });
  });

  it.each<[what: string, text: string, said: RegExp]>([
    ['nothing', '', /it is not JSON/],
    ['half a run', renderStored(STORED).slice(0, 300), /it is not JSON/],
    ['null', 'null', /no run of the benchmark/],
    ['something else', '{"name":"winnow"}', /no run of the benchmark: format/],
    ['another format', changed((stored) => (stored.format = 2)), /of format 2, and this benchmark reads 1/],
    ['no machine', changed((stored) => delete stored.run.processor), /run\.processor/],
    ['no rows', changed((stored) => stored.rows.splice(0)), /rows/],
    ['a row without a key', changed((stored) => Object.assign(stored.rows[0]!, { key: '' })), /rows\.0\.key/],
    [
      'a row with words for a number',
      changed((stored) => Object.assign(stored.rows[0]!, { ratio: '2' })),
      /rows\.0\.ratio/,
    ],
    ['a row twice', changed((stored) => stored.rows.push(ROW)), /two rows are called a\.row/],
  ])('is not found in %s', (_, text, said) => {
    expect(parseStored(text)).toEqual({ ok: false, error: expect.stringMatching(said) });
  });
});
