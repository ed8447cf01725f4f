import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meaningOf, stemOf, stemsOf } from '../../src/policy/words.ts';

const MANY = 1000;

describe('stemOf', () => {
  it.each<[stem: string, words: string[]]>([
    ['sort', ['sort', 'sorts', 'sorted', 'sorting', 'order', 'ordering']],
    ['list', ['list', 'lists', 'listed', 'array', 'arrays']],
    ['fix', ['fix', 'fixes', 'fixed', 'fixing', 'repair', 'correct', 'corrects', 'mend']],
    ['add', ['add', 'adds', 'added', 'adding', 'introduce', 'introduces', 'create', 'implements']],
    ['remov', ['remove', 'removing', 'delete', 'deletes', 'drop', 'dropped', 'drops']],
    ['query', ['query', 'queries']],
    ['class', ['class', 'classes']],
    ['cach', ['cache', 'caches', 'cached', 'caching']],
    ['use', ['use', 'uses', 'used', 'using']],
    ['status', ['status']],
    ['analysis', ['analysis']],
  ])('is %s for its forms', (stem, words) => {
    expect(words.map(stemOf)).toEqual(words.map(() => stem));
  });

  it.each([
    ['universe', 'university'],
    ['process', 'procure'],
    ['falling', 'failing'],
    ['string', 'strong'],
    ['constructor', 'toString'],
    ['not', 'note'],
  ])('keeps %s and %s apart', (a, b) => {
    expect(stemOf(a)).not.toBe(stemOf(b));
  });

  it('leaves what is not English, and names of every object’s members, as they are', () => {
    expect(['отсортировать', 'größe', 'x1', '数据库', 'constructor', '__proto__', 'toString'].map(stemOf)).toEqual([
      ...['отсортировать', 'größe', 'x1', '数据库', 'constructor', '__proto__', 'toString'],
    ]);
  });
});

describe('stemsOf', () => {
  it.each<[text: string, stems: string]>([
    ['parseList', 'parser list parselist'],
    ['HTTPServer2', 'http server2 httpserver2'],
    ['src/flow/plan_text.ts', 'src flow plan text ts'],
    ['a.*b|(c)', 'a b c'],
    ['\u001b[31mred\u001b[0m\u0000alert', '31mred 0m alert'],
    ['ﬁx the ＡＰＩ', 'fix the api'],
    [' \n\t!?', ''],
    ['', ''],
  ])('of %j are %j', (text, stems) => {
    expect([...stemsOf(text, MANY)].join(' ')).toBe(stems);
  });

  it('are no more than asked for, and no hashes', () => {
    expect(stemsOf('a b c d e', 3).size).toBe(3);
    expect(stemsOf(`commit ${'a1'.repeat(20)}f here`, MANY)).toEqual(new Set(['commit', 'here']));
    expect(stemsOf('x'.repeat(1_000_000), MANY).size).toBe(0);
  });

  it('are the same for plain text alone and beside other letters', () => {
    const letters = fc.constantFrom(...'aZbY09 _-./(');
    fc.assert(
      fc.property(fc.string({ unit: letters }), fc.string({ unit: 'binary-ascii' }), (name, text) => {
        const alone = [...stemsOf(`${name} ${text}`, MANY)];
        expect([...stemsOf(`${name} ${text} \u0416`, MANY)]).toEqual([...alone, '\u0436']);
      }),
    );
  });

  it('of any text are found again by the text itself, and never throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const stems = stemsOf(text, MANY);
        expect(stemsOf(`${text}\n${text}`, MANY)).toEqual(stems);
        for (const stem of stems) expect(stem).not.toMatch(/[\p{Cc}\s]/u);
      }),
    );
  });
});

describe('meaningOf', () => {
  it('leaves out what says nothing', () => {
    expect([...meaningOf('Sort the list of names in their order', MANY)]).toEqual(['sort', 'list', 'name']);
    expect(meaningOf('in the of', MANY).size).toBe(0);
  });
});
