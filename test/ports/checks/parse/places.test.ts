import { describe, expect, it } from 'vitest';
import { createPlaces, looksLikeFile } from '../../../../src/ports/checks/parse/places.ts';

const places = createPlaces(['/tmp/check+out/', '/private/tmp/check+out']);

describe('places', () => {
  it.each([
    ['/tmp/check+out/src/a.ts', 'src/a.ts'],
    ['/private/tmp/check+out/src/a.ts', 'src/a.ts'],
    ['./src/../src/a.ts', 'src/a.ts'],
    ['file:///tmp/check+out/a%20b.ts', 'a b.ts'],
    ['file:///tmp/check+out/%zz.ts', '%zz.ts'],
    ['/tmp/check+output/a.ts', '/tmp/check+output/a.ts'],
    ['/elsewhere/a.ts', '/elsewhere/a.ts'],
    ['../a.ts', '../a.ts'],
    ['', ''],
  ])('names the file %s as %s', (name, expected) => {
    expect(places.file(name)).toBe(expected);
  });

  it.each([
    ['at (/tmp/check+out/src/a.ts:1:2)', 'at (src/a.ts:1:2)'],
    ['at file:///private/tmp/check+out/src/a.ts:1:2', 'at src/a.ts:1:2'],
    ['in /tmp/check+out', 'in .'],
    ["'/tmp/check+out/'", "''"],
    ['/var/tmp/check+out/x', '/var/tmp/check+out/x'],
    ['/tmp/check+out-2/x', '/tmp/check+out-2/x'],
    ['nothing of the kind', 'nothing of the kind'],
  ])('clears the text %s', (text, expected) => {
    expect(places.inText(text)).toBe(expected);
  });

  it('does not take the root of the file system, or nothing, for a checkout', () => {
    for (const root of ['/', '', 'relative']) {
      expect(createPlaces([root]).file('/a/b.ts')).toBe('/a/b.ts');
      expect(createPlaces([root]).inText('/a/b.ts relative/x')).toBe('/a/b.ts relative/x');
    }
  });

  it('knows a file from a title', () => {
    expect(['test/a.test.mjs', 'a.py', 'x/y.tsx'].every(looksLikeFile)).toBe(true);
    expect(['reads a.ts', 'src/a.ts:3', 'version 1.2', 'a.md', ''].some(looksLikeFile)).toBe(false);
  });
});
