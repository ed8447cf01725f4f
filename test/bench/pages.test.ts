import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIGURES_PAGE, figuresPageWith } from '../../bench/figures-page.ts';
import { GROUPS } from '../../bench/groups.ts';
import { BASELINE } from '../../bench/options.ts';
import { readStored, type StoredRun } from '../../bench/stored.ts';

/** What is kept, what is measured and what is explained are the same rows. */

const kept = (): StoredRun => {
  const stored = readStored(BASELINE);
  if (!stored.ok) throw new Error(stored.error);
  return stored.value;
};
const explained = [
  ...readFileSync(join(import.meta.dirname, '../../bench/README.md'), 'utf8').matchAll(/^- (`[^:]+):/gm),
].flatMap(([, keys]) => [...keys!.matchAll(/`([^`]+)`/g)].map(([, key]) => key!));
const measured = GROUPS.flatMap(({ keys }) => keys);

describe('every row', () => {
  it('that is measured is explained in bench/README.md, and nothing else', () => {
    expect(explained.toSorted()).toEqual(measured.toSorted());
  });

  it('that is measured stands in the kept run, and nothing else', () => {
    expect(kept().rows.map(({ key }) => key)).toEqual(measured);
  });

  it('of the kept run comes from one run of all of them', () => {
    expect(kept().run.only).toBeUndefined();
  });

  it('of the kept run has the ratio of its numbers', () => {
    for (const { key, value, baselineValue, ratio } of kept().rows)
      expect([key, ratio]).toEqual([key, baselineValue ? value! / baselineValue : undefined]);
  });
});

it('docs/figures.md shows the kept run', () => {
  expect(readFileSync(FIGURES_PAGE, 'utf8')).toBe(figuresPageWith(kept()));
});
