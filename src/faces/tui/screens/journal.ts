import type { Entry } from '../../../model/entry.ts';
import { styleOf } from '../../cli/log.ts';
import { clockText, entryText } from '../../cli/words.ts';
import { line, type Style, span, wrapText } from '../cells.ts';
import type { Listing } from '../sight.ts';

/** What happened, the newest first. */
export const journal: Listing = {
  empty: 'nothing has happened yet',
  columns: [
    { head: 'WHEN', width: 8 },
    { head: 'WHO', width: 10, from: 60 },
    { head: 'WHAT', width: 'rest' },
  ],
  rows: ({ entries, now }) =>
    entries.toReversed().map((entry) => ({
      id: entry.id,
      more: entry.type,
      cells: [
        span(timeText(entry.ts, now), 'dim'),
        span(entry.session ?? entry.project ?? ''),
        span(entryText(entry), entryStyle(entry)),
      ],
    })),
  detail: ({ entries }, id, width) => {
    const entry = entries.find((one) => one.id === id);
    if (!entry) return [];
    const { crc: _, ...shown } = entry as Entry & { crc?: string };
    return [
      ...wrapText(entryText(entry), width).map((text) => line(span(text, entryStyle(entry)))),
      line(),
      ...JSON.stringify(shown, undefined, 2)
        .split('\n')
        .flatMap((text) => [line(span(text, 'dim'))]),
    ];
  },
};

/** The day where it is not today's. */
const timeText = (ts: string, now: number): string => {
  const text = clockText(ts, now);
  return text.length > 8 ? text.slice(5, 10) : text;
};

const STYLES: Record<NonNullable<ReturnType<typeof styleOf>>, Style> = {
  ...{ green: 'good', red: 'bad', yellow: 'warn', cyan: 'info', gray: 'dim', bold: 'title' },
};

export const entryStyle = (entry: Entry): Style => {
  const style = styleOf(entry);
  return style === undefined ? 'plain' : STYLES[style];
};
