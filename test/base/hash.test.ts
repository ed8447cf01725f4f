import { describe, expect, it } from 'vitest';
import { hash53 } from '../../src/base/hash.ts';

describe('hash53', () => {
  it('tells a hundred thousand texts apart, most of them in their low 32 bits too', () => {
    const texts = Array.from({ length: 100_000 }, (_, n) => `word ${n.toString(36)}`);
    const hashes = texts.map(hash53);
    expect(new Set(hashes).size).toBe(texts.length);
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
    expect(new Set(hashes.map((hash) => hash % 2 ** 32)).size).toBeGreaterThan(texts.length * 0.999);
  });

  it('is the same for the same text in every version, since files are found by it', () => {
    expect(['', 'a', 'word sort', 'Ж', '💥'].map(hash53)).toMatchInlineSnapshot(`
      [
        2166641368276421,
        5839102059227436,
        3568790009339055,
        4298231790315305,
        8219984097394103,
      ]
    `);
  });
});
