import { line, span } from '../cells.ts';
import type { Listing, Row } from '../sight.ts';
import { agoText } from '../words.ts';
import { factLines } from './review.ts';

/** What holds work back: gates that are closed, and slots that are taken. */
export const gates: Listing = {
  empty: 'no gate and no slot',
  columns: [
    { head: '', width: 1 },
    { head: 'KIND', width: 4 },
    { head: 'NAME', width: 14 },
    { head: 'IS', width: 9 },
    { head: 'WHY', width: 'rest' },
  ],
  rows: ({ view }) => [
    ...view.gates.map(
      ({ gate, closed, reason, figures }): Row => ({
        id: `gate ${gate}`,
        cells: [
          span(closed ? '✗' : '○', closed ? 'bad' : 'good'),
          span('gate', 'dim'),
          span(gate),
          span(closed ? 'closed' : 'open', closed ? 'bad' : 'good'),
          // Without figures the reason is why it would be closed.
          span(closed || Object.keys(figures).length > 0 ? reason : ''),
        ],
      }),
    ),
    ...view.status.slots.map(({ name, capacity, held, waiting }): Row => {
      const style = waiting.length > 0 ? 'warn' : held.length > 0 ? 'good' : 'dim';
      return {
        id: `slot ${name}`,
        cells: [
          span(waiting.length > 0 ? '▲' : held.length > 0 ? '●' : '○', style),
          span('slot', 'dim'),
          span(name),
          span(`${held.length} of ${capacity}`, style),
          span([...held, ...waiting.map((who) => `${who} (waits)`)].join(', ')),
        ],
      };
    }),
  ],
  detail: ({ view, now }, id, width) => {
    const [kind, ...rest] = id.split(' ');
    const name = rest.join(' ');
    const gate = view.gates.find((one) => kind === 'gate' && one.gate === name);
    if (gate) {
      const closed = view.status.gates.find((one) => one.gate === name);
      return [
        line(
          span(`gate ${name}`, 'title'),
          span(gate.closed ? '  ✗ closed' : '  ○ open', gate.closed ? 'bad' : 'good'),
        ),
        ...factLines(
          [
            ...(gate.closed || Object.keys(gate.figures).length > 0
              ? ([['why', gate.reason]] as [string, string][])
              : []),
            ...(closed ? ([['since', agoText(closed.since, now)]] as [string, string][]) : []),
            ...(gate.until ? ([['until', gate.until]] as [string, string][]) : []),
            ...Object.entries(gate.figures).map(([figure, value]): [string, string] => [figure, String(value)]),
          ],
          width,
        ),
      ];
    }
    const slot = view.status.slots.find((one) => kind === 'slot' && one.name === name);
    if (!slot) return [];
    return [
      line(span(`slot ${name}`, 'title'), span(`  ${slot.held.length} of ${slot.capacity} taken`, 'dim')),
      ...slot.held.map((who) => line(span('● ', 'good'), span(who))),
      ...slot.waiting.map((who) => line(span('▲ ', 'warn'), span(`${who} waits`))),
    ];
  },
};
