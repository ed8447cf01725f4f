import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../faces/tui/term/headless.ts';
import { pictures } from './pictures.ts';
import { renderSvg } from './svg.ts';

const docs = join(import.meta.dirname, '../../docs');
const root = join(docs, '..');

describe('the pictures of the documentation', () => {
  it('are what the dashboard shows now; `npm run screens` draws them anew', async () => {
    const drawn = await pictures();
    expect(readdirSync(join(docs, 'screens')).sort()).toEqual([...drawn.keys()].sort());
    for (const [name, svg] of drawn) expect(readFileSync(join(docs, 'screens', name), 'utf8') === svg, name).toBe(true);
  });

  it('are all shown somewhere, dark and light, with words for who cannot see them', () => {
    const pages = ['README.md', ...readdirSync(docs).map((name) => join('docs', name))].filter((name) =>
      name.endsWith('.md'),
    );
    const shown = new Set<string>();
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, name = ''] of text.matchAll(/screens\/([\w-]+\.svg)/g)) shown.add(name);
      for (const [image] of text.matchAll(/<img [^>]*screens\/[^>]*>/g)) expect(image).toMatch(/ alt="[^"]{40,}"/);
    }
    expect([...shown].sort()).toEqual(readdirSync(join(docs, 'screens')).sort());
  });
});

describe('a picture', () => {
  const cell = (text: string, more: Partial<Cell> = {}): Cell => ({
    ...{ text, width: 1, bold: false, inverse: false },
    ...more,
  });
  const lineOf = (text: string, more: Partial<Cell> = {}): Cell[] => [...text].map((sign) => cell(sign, more));
  const draw = (...lines: Cell[][]): string => renderSvg({ title: 'a <b> & "c"', lines, light: false });
  const textsOf = (svg: string): string[] =>
    [...svg.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)/g)].map(([, x, text]) => `${x} ${text}`);

  it('is well formed, whatever stands in it', () => {
    expect(XMLValidator.validate(draw(lineOf('a <script> & "b" \'c\'')))).toBe(true);
  });

  it('gives each word its column, however many spaces are before it', () => {
    const [, ...texts] = textsOf(draw(lineOf('ab   cd e')));
    expect(texts).toEqual(['14 ab', '56.15 cd e']);
  });

  it('gives each sign that is not ASCII its own place, and the second half of a wide one none', () => {
    const [, ...texts] = textsOf(draw([cell('日', { width: 2 }), cell('', { width: 0 }), cell('✓'), ...lineOf('ok')]));
    expect(texts).toEqual(['14 日', '30.86 ✓', '39.29 ok']);
  });

  it('splits what looks different, and shows what is inverse on its own ground', () => {
    const svg = draw([
      ...lineOf('red', { fg: 203 }),
      ...lineOf('bold', { bold: true }),
      ...lineOf('inv', { inverse: true }),
    ]);
    expect(textsOf(svg).slice(1)).toEqual(['14 red', '39.29 bold', '73.01 inv']);
    expect(svg).toContain('{fill:#ff5f5f}');
    expect(svg).toContain('class="b"');
    expect(svg).toMatch(/<rect x="73\.01" [^>]*fill="#d5dbe6"/);
  });

  it('draws lines and blocks as shapes, a row of the same as one', () => {
    const svg = draw(lineOf('██▄─────'));
    expect(textsOf(svg)).toHaveLength(1);
    expect(svg.match(/shape-rendering/g)).toHaveLength(3);
  });
});
