import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText } from '../../src/policy/split-text.ts';

const words = (count: number, mark: string): string => Array.from({ length: count }, () => mark).join(' ');

describe('splitText', () => {
  it('leaves a short text as it is', () => {
    expect(splitText('one\n\ntwo', 100)).toEqual(['one\n\ntwo']);
    expect(splitText('', 100)).toEqual([]);
  });

  it('cuts between paragraphs rather than between lines, and between lines rather than between words', () => {
    const [a, b] = [words(20, 'aa'), words(20, 'bb')];
    expect(splitText(`${a}\n\n${b}\nlast`, 100)).toEqual([a, `${b}\nlast`]);
    expect(splitText(`${a}\n${b}`, 100)).toEqual([a, b]);
    expect(splitText(words(50, 'aaa'), 100).every((part) => /^aaa( aaa)*$/.test(part))).toBe(true);
  });

  it('closes what is shown as it is at a cut, and opens it again', () => {
    const lines = Array.from({ length: 12 }, (_, n) => `+ line ${n} of the diff`);
    const parts = splitText(['before', '```', ...lines, '```', 'after'].join('\n'), 120);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.split('\n').filter((line) => line === '```').length % 2).toBe(0);
    expect(parts.flatMap((part) => part.split('\n').filter((line) => line.startsWith('+')))).toEqual(lines);
  });

  it('makes parts of at most the length, without half characters, and loses no word of any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom('\n', '\n\n', '```\n', ' ', '\n```\n', 'word', '😀'.repeat(40)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 20, max: 200 }), (pieces, max) => {
        const text = pieces.join('');
        const parts = splitText(text, max);
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(max);
          expect(part.trim()).not.toBe('');
          expect(/\p{Surrogate}/u.test(part)).toBe(false);
        }
        const bare = (whole: string) => whole.replaceAll(/[`\s]/g, '');
        expect(bare(parts.join(''))).toBe(bare(text));
      }),
    );
  });
});
