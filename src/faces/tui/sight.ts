import type { BoardView } from '../../desk/board.ts';
import type { BranchView } from '../../desk/queue.ts';
import type { Entry } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import type { Line, Segment, Style } from './cells.ts';
import type { Ui } from './ui.ts';

/** Everything that a frame is drawn of: what is known, what the person looks at, and when. */
export interface Sight {
  view: BoardView;
  /** The newest entries of the journal, newest last. */
  entries: readonly Entry[];
  /** What the agent of this cycle says and does. */
  live: { cycle: string | undefined; lines: readonly string[] };
  /** The branch that is looked at, once it is read. */
  branch: LookedUp | undefined;
  /** Share of the memory used, newest last, one sample each MEMORY_SAMPLE_MS. */
  memory: readonly number[];
  ui: Ui;
  /** Milliseconds since the epoch. */
  now: number;
}

export type LookedUp = { name: string } & ({ state: 'reading' } | { state: 'read'; view: BranchView } | Missing);
type Missing = { state: 'failed'; failure: Failure };

/** How often the memory is noted for its plot. */
export const MEMORY_SAMPLE_MS = 5000;

/** One thing of a list. */
export interface Row {
  id: string;
  /** By column. */
  cells: (Segment | Line)[];
  /** What a filter looks at, beside the cells. */
  more?: string;
}

/** A column of a list: so many cells, as many as its longest one needs, or what is left; shown from so wide a list on. */
export interface Column {
  head: string;
  width: number | { most: number } | 'rest';
  from?: number;
}

/** A screen that is a list and, beside or below it, what is known of the chosen row. */
export interface Listing {
  columns: readonly Column[];
  rows(sight: Sight): Row[];
  /** Said where there is no row. */
  empty: string;
  /** Stays in sight above the detail. */
  facts?(sight: Sight, id: string, width: number): Line[];
  /** At least so many of its last lines, where it is long and its end is what one wants to see. */
  detail(sight: Sight, id: string, width: number, wanted: number): Line[];
  /** The detail grows at its end, and its end is what one wants to see. */
  atEnd?: boolean;
  /** Of what is not the list's own. */
  above?(sight: Sight, width: number): Line[];
  /** Where there is room left below the rows. */
  below?(sight: Sight, width: number, height: number): Line[];
}

/** A sign, a colour and a word for each thing that is told apart: none of them is needed to understand the others. */
export interface Mark {
  glyph: string;
  word: string;
  style: Style;
}
