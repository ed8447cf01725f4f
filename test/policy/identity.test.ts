import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  IDENTITY_LENGTH_MAX,
  numberProblems,
  numberTests,
  problemId,
  testId,
  withoutNumbers,
} from '../../src/policy/identity.ts';

const draft = (title: string, file = 'a.test.ts') => ({ file, suite: ['math'], title, status: 'passed' as const });

describe('the identity of a problem', () => {
  it('stays when lines and figures move', () => {
    const before = problemId({ file: 'a.ts', code: 'TS2554', message: 'Expected 2 arguments, but got 3.' });
    const after = problemId({ file: 'a.ts', code: 'TS2554', message: 'Expected 12 arguments, but got 0.' });
    expect(after).toBe(before);
    expect(before).toBe('a.ts: TS2554: Expected N arguments, but got N.');
  });

  it.each([
    ['at 10:4, 1.5ms, 20 %', 'at N, N, N %'],
    ['<Foo object at 0x7f1da2bbd890>', '<Foo object at N>'],
    ["Property 'x1' is missing in $2", "Property 'x1' is missing in $2"],
    ["'utf8' and ES2022", "'utf8' and ES2022"],
  ])('drops figures but not the digits of names: %s', (message, expected) => {
    expect(withoutNumbers(message)).toBe(expected);
  });

  it('tells equal problems apart by their order', () => {
    const same = { file: 'a.ts', code: 'TS1', message: 'no' };
    expect(numberProblems([same, { ...same, file: 'b.ts' }, same]).map((problem) => problem.id)).toEqual([
      'a.ts: TS1: no',
      'b.ts: TS1: no',
      'a.ts: TS1: no #2',
    ]);
  });

  it('is the given one where the message does not last', () => {
    const [first] = numberProblems([{ file: '', code: 'exit-7', message: 'took 12 s', identity: 'exit' }]);
    expect(first).toEqual({ id: 'exit', file: '', code: 'exit-7', message: 'took 12 s' });
  });

  it('fits a journal line however long the message is, and still tells two long ones apart', () => {
    const long = 'x'.repeat(100_000);
    const one = problemId({ file: 'a.ts', code: 'TS1', message: `${long} one` });
    const two = problemId({ file: 'a.ts', code: 'TS1', message: `${long} two` });
    expect(one.length).toBeLessThanOrEqual(IDENTITY_LENGTH_MAX);
    expect(one).not.toBe(two);
    expect(problemId({ file: '', code: 'c', message: '😀'.repeat(1000) })).not.toMatch(/\p{Cs}/u);
  });
});

describe('the identity of a test', () => {
  it('is file, suite path and title', () => {
    expect(testId({ file: 'a.test.ts', suite: ['math', 'deep'], title: 'adds 2' })).toBe(
      'a.test.ts > math > deep > adds 2',
    );
  });

  it('holds no control character, line break or lone half of a character', () => {
    const id = testId({ file: 'a.ts', suite: [], title: 'a\u001b[31m\n b\u2028c \ud800 \u0000' });
    expect(id).toBe('a.ts > a [31m b c \ufffd');
  });

  it('is unique even when a title looks like a numbered one', () => {
    const ids = numberTests(['adds', 'adds', 'adds #2', 'adds #2', 'adds #1'].map((title) => draft(title))).map(
      (test) => test.id,
    );
    expect(new Set(ids).size).toBe(5);
  });

  it('leaves out a file that is known only of failures', () => {
    const passed = numberTests([{ ...draft('x', ''), fileInId: '' }])[0];
    const failed = numberTests([{ ...draft('x', 'a.test.ts'), fileInId: '', status: 'failed' }])[0];
    expect(failed?.id).toBe(passed?.id);
    expect(failed?.file).toBe('a.test.ts');
  });

  it.each([
    ['should not cast 2026-11-21T10:49:56.636Z', 'should not cast 2026-11-21T10:52:01.001Z'],
    [
      'takes Sat Nov 21 2026 10:49:56 GMT+0000 (Coordinated Universal Time)',
      'takes Sun Nov 22 2026 00:00:01 GMT+0000 (Coordinated Universal Time)',
    ],
    ['finds 1b4e28ba-2fa1-11d2-883f-0016d3cca427', 'finds 0f8fad5b-d9cb-469f-a165-70867728950e'],
  ])('stays when the title holds a moment or a random id: %s', (before, after) => {
    expect(testId(draft(before))).toBe(testId(draft(after)));
    const [first, second] = numberTests([draft(before), draft(after)]);
    expect(first?.id).not.toBe(second?.id);
    expect(first?.name).toContain(before);
  });

  it('keeps the figures that tell the rows of a table apart', () => {
    expect(testId(draft('adds 1 and 2 at 10:49'))).not.toBe(testId(draft('adds 1 and 3 at 10:50')));
  });

  it('is not confused by the names of object properties', () => {
    const ids = numberTests(['__proto__', 'constructor', '__proto__'].map((title) => draft(title, ''))).map(
      (t) => t.id,
    );
    expect(ids).toEqual(['math > __proto__', 'math > constructor', 'math > __proto__ #2']);
  });

  it('is unique in every report, and does not depend on the order of unequal tests', () => {
    const title = fc.constantFrom('a', 'b', 'a #2', 'a #1', 'b > a', ' a', '');
    fc.assert(
      fc.property(fc.array(title, { maxLength: 12 }), (titles) => {
        const ids = numberTests(titles.map((t) => draft(t))).map((test) => test.id);
        expect(new Set(ids).size).toBe(titles.length);
        const sorted = numberTests([...titles].sort().map((t) => draft(t))).map((test) => test.id);
        expect([...sorted].sort()).toEqual([...ids].sort());
      }),
    );
  });
});
