import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from './render.ts';
import type { StoredRun } from './stored.ts';

/** docs/figures.md shows the run that is kept, and says the rest in words: only the table between its marks is written. */
export const FIGURES_PAGE = join(import.meta.dirname, '../docs/figures.md');

const BEGIN = '<!-- written by `npm run bench -- --save` -->';
const END = '<!-- end of what is written -->';

/** The page with the table of this run. */
export const figuresPageWith = (run: StoredRun): string => {
  const page = readFileSync(FIGURES_PAGE, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${FIGURES_PAGE} has lost its marks: ${BEGIN} and ${END}`);
  return `${page.slice(0, from)}${BEGIN}\n\n${renderMarkdown(run)}\n${page.slice(to)}`;
};
