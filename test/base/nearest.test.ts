import { expect, it } from 'vitest';
import { nearest } from '../../src/base/nearest.ts';

it.each([
  ['tscc', ['tsc', 'tap'], 'tsc'],
  ['slto', ['slot', 'run'], 'slot'],
  ['Projects', ['projects'], 'projects'],
  ['x', ['y'], 'y'],
  ['xyz', ['abc'], undefined],
  ['', ['a'], 'a'],
  ['anything', [], undefined],
  ['a'.repeat(100_000), ['a'], undefined],
])('the word meant by %.20s among %j is %s', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});
