import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { plain, plainLine } from '../../../src/faces/cli/plain.ts';
import { fit, renderTable, wrap } from '../../../src/faces/cli/table.ts';

const ESC = '\u001b';

describe('plainLine', () => {
  it.each<[what: string, text: string, shown: string]>([
    ['nothing special', 'Mend the clock', 'Mend the clock'],
    ['other scripts and emoji', 'Füge 漢字 🏳️‍🌈 hinzu', 'Füge 漢字 🏳️‍🌈 hinzu'],
    ['colours', `${ESC}[31mred${ESC}[0m`, 'red'],
    ['a cleared screen', `${ESC}[2J${ESC}[Hgone`, 'gone'],
    ['a new title of the window', `${ESC}]0;owned\u0007text`, 'text'],
    ['a link', `${ESC}]8;;http://evil${ESC}\\click${ESC}]8;;${ESC}\\`, 'click'],
    ['a line that is overwritten', 'rm -rf /\rharmless', 'rm -rf / harmless'],
    ['backspaces and a bell', 'a\b\u0007b', 'a b'],
    ['lines', 'one\n\n  two\r\nthree\u2028four', 'one two three four'],
    ['an 8-bit control sequence', '\u009b31mred', 'red'],
    ['writing turned round', 'invoice\u202Efdp.exe\u2069', 'invoicefdp.exe'],
    ['half a character', 'a\ud800b', 'a\ufffdb'],
    ['a lone escape', `a${ESC}`, 'a'],
  ])('of %s', (_, text, shown) => {
    expect(plainLine(text)).toBe(shown);
  });

  it('is one line without controls, whatever the text, and the same when it is made so twice', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom(ESC, '[', ']', ';', '\r', '\n', '\u0007', '\u202e', 'm', ' '), fc.string()),
    });
    fc.assert(
      fc.property(text, (given) => {
        const shown = plainLine(given);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(plainLine(shown)).toBe(shown);
      }),
    );
  });
});

describe('plain', () => {
  it('keeps the lines of a text and takes out what steers', () => {
    expect(plain(`${ESC}[31mone${ESC}[0m\u0007\n\ttwo\r\nthree\u202e`)).toBe('one\n\ttwo\nthree');
  });
});

describe('fit', () => {
  it.each<[text: string, width: number, shown: string]>([
    ['short', 10, 'short'],
    ['exactly', 7, 'exactly'],
    ['too long', 7, 'too lo…'],
    ['漢字漢字', 8, '漢字漢字'],
    ['漢字漢字', 7, '漢字漢…'],
    ['漢字漢字', 6, '漢字…'],
    ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
    ['two\nlines', 20, 'two lines'],
    ['x', 0, '…'],
    ['', 0, ''],
  ])('%j in %d columns is %j', (text, width, shown) => {
    expect(fit(text, width)).toBe(shown);
  });
});

describe('wrap', () => {
  it.each<[text: string, width: number, lines: string[]]>([
    ['', 10, ['']],
    ['one line', 10, ['one line']],
    ['breaks between words', 10, ['breaks', 'between', 'words']],
    ['src/a/very/long/path.ts is broken', 10, ['src/a/very', '/long/path', '.ts is', 'broken']],
    ['漢字漢字漢字', 5, ['漢字', '漢字', '漢字']],
    ['wide enough', Number.POSITIVE_INFINITY, ['wide enough']],
  ])('%j in %d columns is %j', (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });

  it('ends in an ellipsis where there are more lines than allowed', () => {
    expect(wrap('one two three four five', 6, 2)).toEqual(['one', 'two t…']);
    expect(wrap('x'.repeat(100), 10, 3)).toEqual(['x'.repeat(10), 'x'.repeat(10), `${'x'.repeat(9)}…`]);
    expect(wrap('one two', 10, 1)).toEqual(['one two']);
  });

  it('keeps every word in its order and no line longer than allowed', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '漢', '🫠', 'é'), minLength: 1 }));
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 30 }), (list, width) => {
        const text = list.join(' ');
        const lines = wrap(text, width);
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(list.join(''));
      }),
    );
  });

  it('takes no time for a text without end', () => {
    expect(wrap('x'.repeat(64_000), 40, 6)).toHaveLength(6);
    expect(wrap('x '.repeat(32_000), 40, 6)).toHaveLength(6);
  });
});

describe('renderTable', () => {
  it('puts each row on one line as long as there is room, however it is written', () => {
    const table = renderTable(
      ['NAME', 'WHAT', 'N'],
      [
        ['alpha', 'plain', '1'],
        ['漢字', '🫠🫠', '22'],
        ['', '👩‍👩‍👧 é', '3'],
      ],
      80,
    );
    expect(table).toBe(['NAME   WHAT   N', 'alpha  plain  1', '漢字   🫠🫠   22', '       👩‍👩‍👧 é   3'].join('\n'));
  });

  it('goes on below where there is not, the widest column first', () => {
    expect(renderTable(['NAME', 'WHAT'], [['alpha', 'a sentence that does not fit into it']], 24)).toBe(
      ['NAME   WHAT', 'alpha  a sentence that', '       does not fit into', '       it'].join('\n'),
    );
  });

  it('stacks its sentences on a narrow screen and has them side by side on a wide one', () => {
    const rows = [
      ['alpha', 'x'.repeat(50).replaceAll('xxxxx', 'word '), 'y'.repeat(60).replaceAll('yyyyy', 'more ')],
      ['beta', 'short', ''],
    ];
    const head = ['NAME', 'DOING', 'LAST'];
    expect(renderTable(head, rows, 60, 2)).toMatchInlineSnapshot(`
      "NAME   DOING
      alpha  word word word word word word word word word word
             last more more more more more more more more more
             more more more
      beta   short"
    `);
    expect(renderTable(head, rows, 100, 2)).toMatchInlineSnapshot(`
      "NAME   DOING                                          LAST
      alpha  word word word word word word word word word   more more more more more more more more more
             word                                           more more more
      beta   short"
    `);
    expect(renderTable(head, rows, 200, 2)).toMatchInlineSnapshot(`
      "NAME   DOING                                               LAST
      alpha  word word word word word word word word word word   more more more more more more more more more more more more
      beta   short"
    `);
  });

  it('lets no cell steer the terminal or begin a line of its own', () => {
    expect(renderTable(['A', 'B'], [[`x${ESC}[2J`, 'one\ntwo']], 80)).toBe('A  B\nx  one two');
  });

  it('shows the begin of a cell without end', () => {
    const lines = renderTable(['ID', 'TASK'], [['a', 'word '.repeat(4000)]], 40).split('\n');
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toMatch(/…$/);
  });

  it('is empty but for its head without rows', () => {
    expect(renderTable(['A', 'B'], [], 80)).toBe('A  B');
  });

  it('is never wider than the screen, unless names alone are, and loses no word', () => {
    const cell = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '漢'), minLength: 1, maxLength: 9 }), {
      maxLength: 12,
    });
    const row = fc.tuple(cell, cell, cell, cell).map((cells) => cells.map((words) => words.join(' ')));
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 4 }),
        fc.integer({ min: 60, max: 250 }),
        fc.nat(2),
        (rows, width, prose) => {
          const table = renderTable(['AAAA', 'BBBB', 'CCCC', 'DDDD'], rows, width, prose);
          for (const line of table.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
          const letters = (text: string) => [...text].filter((letter) => 'ab漢'.includes(letter)).length;
          if (!table.includes('…')) expect(letters(table)).toBe(letters(rows.flat().join('')));
        },
      ),
    );
  });
});
