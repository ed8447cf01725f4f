import type { EntryOf } from '../../../model/entry.ts';
import { line, span, wrapText } from '../cells.ts';
import type { Listing, Sight } from '../sight.ts';
import { agoText, type Matter, mattersOf } from '../words.ts';

/** What a person should know of: first what holds now, then what was said, the newest first. */
export const alerts: Listing = {
  empty: 'nothing needs you',
  columns: [
    { head: '', width: 1 },
    { head: 'AGE', width: 4 },
    { head: 'WHAT', width: 'rest' },
  ],
  rows: (sight) =>
    [
      ...mattersOf(sight.view).map((matter) => ({ matter, holds: true })),
      ...past(sight).map((matter) => ({ matter, holds: false })),
    ].map(({ matter, holds }) => ({
      id: matter.id,
      cells: [
        span(holds ? '▲' : '·', holds ? 'bad' : 'dim'),
        span(matter.at === undefined ? '' : agoText(matter.at, sight.now), 'dim'),
        span(matter.what, holds ? 'bad' : 'plain'),
      ],
    })),
  detail: (sight, id, width) => {
    const matter = [...mattersOf(sight.view), ...past(sight)].find((one) => one.id === id);
    if (!matter) return [];
    return [
      ...wrapText(matter.what, width).map((text) => line(span(text, 'title'))),
      line(),
      ...wrapText(matter.mend, width).map((text) => line(text)),
    ];
  },
};

const past = ({ entries }: Sight): Matter[] =>
  entries
    .filter((entry): entry is EntryOf<'alert'> => entry.type === 'alert')
    .toReversed()
    .map(({ id, ts, data }) => ({ id, what: data.message, mend: data.mend, at: ts }));
