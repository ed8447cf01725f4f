import { expect, it } from 'vitest';
import { signatureOf } from '../../src/policy/signature.ts';

it.each([
  ['a figure', 'timed out after 300 s', 'timed out after 30 s'],
  ['a moment', 'no answer at 2026-03-14T09:15:00.000Z', 'no answer at 2026-11-21T10:49:56Z'],
  ['an id of a cycle', 'cycle 01KKN3V8ZC0000000000000003 ended', 'cycle 01KKN3V8ZC000000000000000A-2 ended'],
  ['a commit', 'bad object 0123abc4567', 'bad object fedcba9876543210fedcba9876543210fedcba98'],
  ['a branch', 'brl/alpha/20260314-091500 conflicts', 'brl/beta/20260314-091501-2 conflicts'],
  ['a temporary place', 'no /tmp/winnow-x1/a.ts', 'no /tmp/winnow-y2/b/a.ts'],
  ['space and what cannot be seen', 'a  b', 'a\u200b \n b'],
])('takes two errors that differ in %s for one', (_, one, other) => {
  expect(signatureOf('failed', one)).toBe(signatureOf('failed', other));
});

it.each([
  ['the kind', ['overtime', 'it ended'], ['silent', 'it ended']],
  ['a test', ['broke', 'tests: a.test.ts > adds'], ['broke', 'tests: a.test.ts > subtracts']],
  ['a name with a digit', ['broke', 'x1 is undefined'], ['broke', 'x2 is undefined']],
  ['a word of hexadecimal letters', ['broke', 'facade'], ['broke', 'decade']],
] as [string, [string, string], [string, string]][])('tells errors apart by %s', (_, one, other) => {
  expect(signatureOf(...one)).not.toBe(signatureOf(...other));
});

it('is bounded, whatever the error says', () => {
  expect(signatureOf('failed', 'x '.repeat(100_000)).length).toBeLessThanOrEqual(200);
});
