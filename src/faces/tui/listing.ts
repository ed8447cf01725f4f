import {
  beside,
  fitBlock,
  fitLine,
  type Line,
  lineWidth,
  line as made,
  selected,
  span,
  textOf,
  widthOf,
} from './cells.ts';
import type { Column, Listing, Row, Sight } from './sight.ts';
import type { ScreenName, Ui } from './ui.ts';

/** Draws a list and the detail of its chosen row: beside each other where there is room, else below. */

/** From so many columns on the detail stands beside the list. */
export const BESIDE_MIN_WIDTH = 120;
/** With less there is no detail: it comes with Enter. */
const DETAIL_MIN_WIDTH = 50;
const DETAIL_MIN_HEIGHT = 14;
/** Of a wide screen the list has so much: its rows are sentences too. */
const LIST_SHARE = 0.55;
const LIST_MAX_WIDTH = 110;
/** With less there is no room for a heading and something worth a heading. */
const BELOW_MIN_HEIGHT = 6;
/** Stacked, the list has so much. */
const STACKED_SHARE = 0.5;

/** The rows that pass the filter; `!word` means those without it. */
export const rowsOf = (listing: Listing, screen: ScreenName, sight: Sight): Row[] => {
  const wanted = filterOf(sight.ui, screen);
  const rows = listing.rows(sight);
  if (wanted === '') return rows;
  const isInverse = wanted.startsWith('!');
  const word = (isInverse ? wanted.slice(1) : wanted).toLowerCase();
  return rows.filter(
    (row) => `${textOf(row.cells.flat())} ${row.more ?? ''}`.toLowerCase().includes(word) !== isInverse,
  );
};

/** While one types it, the filter is in force already. */
export const filterOf = (ui: Ui, screen: ScreenName): string =>
  ui.mode.kind === 'filter' && ui.screen === screen ? ui.mode.text : (ui.filters[screen] ?? '');

/** The row that keys act on: the chosen one, or the first when it is gone or none was chosen. */
export const chosenRow = (rows: readonly Row[], screen: ScreenName, ui: Ui): number => {
  const place = rows.findIndex(({ id }) => id === ui.chosen[screen]);
  return place === -1 ? (rows.length > 0 ? 0 : -1) : place;
};

/** Where things lie on a screen of this size; the mouse asks too. */
export interface Layout {
  list: { width: number; height: number };
  detail: { x: number; y: number; width: number; height: number } | undefined;
  /** Lines above the first row. */
  head: number;
}

export const layoutOf = (width: number, height: number, above: number): Layout => {
  const head = above + 1;
  if (width >= BESIDE_MIN_WIDTH) {
    const list = Math.min(LIST_MAX_WIDTH, Math.floor(width * LIST_SHARE));
    return { list: { width: list, height }, detail: { x: list + 1, y: 0, width: width - list - 1, height }, head };
  }
  if (width < DETAIL_MIN_WIDTH || height < DETAIL_MIN_HEIGHT)
    return { list: { width, height }, detail: undefined, head };
  const top = Math.max(6, Math.floor(height * STACKED_SHARE));
  return { list: { width, height: top }, detail: { x: 0, y: top + 1, width, height: height - top - 1 }, head };
};

/** What stands above the head of the list, as wide as the list. */
export const aboveOf = (listing: Listing | undefined, sight: Sight, width: number, height: number): Line[] =>
  listing?.above?.(sight, layoutOf(width, height, 0).list.width) ?? [];

export const drawListing = (
  listing: Listing,
  screen: ScreenName,
  sight: Sight,
  width: number,
  height: number,
): Line[] => {
  const rows = rowsOf(listing, screen, sight);
  const place = chosenRow(rows, screen, sight.ui);
  const detailOf = (columns: number, lines: number): Line[] =>
    place === -1 ? fitBlock([], columns, lines) : windowed(listing, sight, rows[place]!.id, columns, lines);
  if (sight.ui.zoom) return detailOf(width, height);
  const above = aboveOf(listing, sight, width, height);
  const { list, detail } = layoutOf(width, height, above.length);
  const shownRows = drawRows(listing, rows, place, list.width, list.height - above.length, sight);
  const left = list.height - above.length - shownRows.length;
  const below = detail !== undefined && detail.x > 0 && left >= BELOW_MIN_HEIGHT ? listing.below : undefined;
  const drawn = fitBlock(
    [...above, ...shownRows, ...(below?.(sight, list.width, left) ?? [])],
    list.width,
    list.height,
  );
  if (!detail) return drawn;
  const shown = detailOf(detail.width, detail.height);
  if (detail.x > 0) return beside(drawn, shown, span('│', 'border'));
  return [...drawn, fitLine([span('─'.repeat(width), 'border')], width), ...shown];
};

const drawRows = (
  { columns, empty }: Listing,
  rows: readonly Row[],
  place: number,
  width: number,
  height: number,
  { ui }: Sight,
): Line[] => {
  const widths = widthsOf(columns, rows, width);
  const head = made(span(columns.map(({ head: name }, n) => cut(name, widths[n]!)).join(''), 'dim'));
  if (rows.length === 0) {
    const filter = filterOf(ui, ui.screen);
    return [
      head,
      made(span(filter === '' ? `  ${empty}` : `  nothing passes the filter ${JSON.stringify(filter)}`, 'dim')),
    ];
  }
  const room = height - 1;
  const first = firstShown(place, rows.length, room);
  const shown = rows.slice(first, first + room).map((row, n) => {
    const cells = row.cells.flatMap((cell, column) => fitCell([cell].flat(), widths[column] ?? 0));
    return first + n === place ? selected(fitLine(cells, width)) : cells;
  });
  return [head, ...shown];
};

/** The chosen row stays in the middle once the list is longer than its room. */
export const firstShown = (place: number, count: number, room: number): number =>
  Math.max(0, Math.min(place - Math.floor(room / 2), count - room));

const cut = (text: string, width: number): string => (width === 0 ? '' : textOf(fitCell([span(text)], width)));

/** A cell and the gap behind it. */
const fitCell = (cell: Line, width: number): Line => (width < 2 ? [] : [...fitLine(cell, width - 1), span(' ')]);

/** Each with the gap behind it. */
const widthsOf = (columns: readonly Column[], rows: readonly Row[], width: number): number[] => {
  const own = columns.map(({ head, width: wanted, from = 0 }, n) => {
    if (width < from) return 0;
    if (typeof wanted === 'number') return wanted + 1;
    if (wanted === 'rest') return 'rest';
    const longest = Math.max(widthOf(head), ...rows.map(({ cells }) => lineWidth([cells[n]!].flat())));
    return Math.min(wanted.most, longest) + 1;
  });
  const fixed = own.reduce<number>((sum, one) => sum + (one === 'rest' ? 0 : one), 0);
  const rests = own.filter((one) => one === 'rest').length;
  return own.map((one) => (one === 'rest' ? Math.max(0, Math.floor((width - fixed) / rests)) : one));
};

/** The part of the detail that is looked at, below the facts, which may have half of the room. */
const windowed = (listing: Listing, sight: Sight, id: string, width: number, room: number): Line[] => {
  const known = listing.facts?.(sight, id, width) ?? [];
  const facts = fitBlock(known, width, Math.min(known.length, Math.floor(room / 2)));
  const height = room - facts.length;
  const lines = listing.detail(sight, id, width, height + sight.ui.scroll);
  const most = Math.max(0, lines.length - height);
  const moved = Math.min(sight.ui.scroll, most);
  const first = listing.atEnd ? most - moved : moved;
  const shown = fitBlock(lines.slice(first, first + height), width, height);
  const left = lines.length - first - height;
  if (left <= 0 || height < 3) return [...facts, ...shown];
  // At the edge, over what is there.
  const more = ` ${left} more `;
  const last = fitLine(shown.at(-1)!, width - more.length);
  return [...facts, ...shown.slice(0, -1), [...last, span(more, 'dim')]];
};
