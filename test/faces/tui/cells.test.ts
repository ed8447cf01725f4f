import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { fitLine, fitText, lineWidth, span, textOf, tidy, widthOf, wrapText } from '../../../src/faces/tui/cells.ts';
import { bars, gauge, sparkline } from '../../../src/faces/tui/plot.ts';

const sign = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.constantFrom(
    'a',
    ' ',
    '日',
    'é',
    'é',
    '✅',
    '👩‍👩‍👧',
    '🇩🇪',
    '❤️',
    '1️⃣',
    '\x1b[31m',
    '\t',
    '\u202e',
    '\u200b',
    'ก็',
    '한',
    '…',
    '█',
    '⣿',
  ),
);
const text = fc.array(sign, { maxLength: 40 }).map((signs) => signs.join(''));

describe('text in cells', () => {
  it.each([
    ['plain text', 'plain text'],
    ['日本語 and ASCII', '日本語 and ASCII'],
    ['e\u0301', 'é'],
    ['done ✅ 🔧!', 'done ▪ ▪!'],
    ['👩‍👩‍👧 and 🇩🇪', '▪ and ▪'],
    ['\x1b[31mred\x1b[0m\x07', 'red'],
    ['a\u202eb', 'ab'],
  ])('%j is drawn as %j', (given, drawn) => {
    expect(tidy(given)).toBe(drawn);
  });

  it('counts every narrow sign as others do', () => {
    for (let code = 0x20; code < 0x3000; code += 1) {
      const one = String.fromCharCode(code);
      if (tidy(one) === one && !/\p{M}|\p{C}/u.test(one)) expect([one, widthOf(one)]).toEqual([one, stringWidth(one)]);
    }
  });

  it('fills so many cells exactly, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), fc.integer({ min: 0, max: 60 }), (texts, width) => {
        expect(
          lineWidth(
            fitLine(
              texts.map((one) => span(one)),
              width,
            ),
          ),
        ).toBe(width);
        for (const one of texts) expect(widthOf(fitText(tidy(one), width))).toBe(width);
      }),
    );
  });

  it('is broken into lines that fit', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 40 }), (one, width) => {
        for (const part of wrapText(one, width)) expect(widthOf(part)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('stays set in where it was', () => {
    expect(wrapText('  | one two three', 9)).toEqual(['  | one', '  two', '  three']);
  });

  it('loses nothing but spaces where it is broken', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '日'), maxLength: 12 }), { maxLength: 20 });
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 30 }), (given, width) => {
        const whole = given.join(' ');
        expect(wrapText(whole, width).join('').replaceAll(' ', '')).toBe(whole.replaceAll(' ', ''));
      }),
    );
  });

  it('ends in an ellipsis where something is cut', () => {
    expect(fitText('abcdef', 4)).toBe('abc…');
    expect(fitText('日本語', 4)).toBe('日… ');
    expect(textOf(fitLine([span('abc'), span('def')], 4))).toBe('abc…');
    expect(textOf(fitLine([span('abc'), span('def')], 3))).toBe('ab…');
    expect(textOf(fitLine([span('abc'), span('')], 3))).toBe('abc');
  });
});

describe('plots', () => {
  const format = (value: number) => String(Math.round(value));

  it('draw columns up to the largest, with a floor for what is more than nothing', () => {
    const lines = bars({
      ...{ series: [{ style: 'good', fill: '█', values: [0, 1, 4, 8] }], labels: ['a', 'b', 'c', 'd'] },
      ...{ width: 10, height: 5, format },
    });
    expect(lines.map((line) => textOf(line).trimEnd())).toEqual([
      '8│      █',
      ' │      █',
      ' │    █ █',
      '0└  ▄ █ █',
      '  a b c d',
    ]);
  });

  it('stack what belongs together, told apart without colours', () => {
    const lines = bars({
      series: [
        { style: 'good', fill: '█', values: [2] },
        { style: 'warn', fill: '▒', values: [2] },
      ],
      ...{ labels: ['x'], width: 4, height: 5, format },
    });
    expect(lines.map((line) => textOf(line).trimEnd())).toEqual(['4│▒', ' │▒', ' │█', '0└█', '   x'.slice(1)]);
  });

  it('fit any size with any values', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(values, fc.integer({ min: 12, max: 90 }), fc.integer({ min: 2, max: 20 }), (given, width, height) => {
        const lines = bars({
          ...{ series: [{ style: 'good', fill: '█', values: given }], labels: given.map(() => '01-01') },
          ...{ width, height, format: () => '9', limit: 5 },
        });
        expect(lines).toHaveLength(height);
        for (const line of lines) expect(lineWidth(line)).toBeLessThanOrEqual(width);
        expect(sparkline(given, width)).toHaveLength(width);
      }),
    );
  });

  it.each([
    [0, '░░░░'],
    [0.5, '██░░'],
    [2, '████'],
  ])('show a share of %f as %s', (share, shown) => {
    expect(gauge(share, 4)).toBe(shown);
  });
});
