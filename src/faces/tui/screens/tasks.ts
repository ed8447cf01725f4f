import { momentText, shortId } from '../../cli/words.ts';
import { line, span, wrapText } from '../cells.ts';
import { taskMark } from '../marks.ts';
import type { Listing } from '../sight.ts';
import { agoText } from '../words.ts';
import { factLines } from './review.ts';

/** What somebody asked for. */
export const tasks: Listing = {
  empty: 'no task: `n` adds one',
  columns: [
    { head: '', width: 1 },
    { head: 'STATE', width: 9 },
    { head: 'PRIO', width: 6, from: 60 },
    { head: 'AGE', width: 4 },
    { head: 'WHO', width: 10, from: 70 },
    { head: 'TASK', width: 'rest' },
  ],
  rows: ({ view, now }) =>
    view.tasks.map((task) => {
      const mark = taskMark(task.state);
      return {
        id: task.id,
        more: `${task.project} ${task.reason} ${task.id}`,
        cells: [
          span(mark.glyph, mark.style),
          span(mark.word, mark.style),
          span(task.priority, task.priority === 'urgent' ? 'bad' : 'plain'),
          span(agoText(task.queuedAt, now), 'dim'),
          span(task.session ?? 'any'),
          span(task.text),
        ],
      };
    }),
  detail: ({ view }, id, width) => {
    const task = view.tasks.find((one) => one.id === id);
    if (!task) return [];
    const mark = taskMark(task.state);
    return [
      line(span(`${mark.glyph} ${mark.word}`, mark.style), span(`  task ${shortId(task.id)}`, 'dim')),
      ...factLines(
        [
          ['project', task.project],
          ['for', task.session ?? 'any session'],
          ['asked', `${momentText(task.queuedAt)} by ${task.origin}`],
          ['tried', `${task.attempts} times`],
          ...(task.reason ? ([['reason', task.reason]] as [string, string][]) : []),
        ],
        width,
      ),
      line(),
      ...task.text.split('\n').flatMap((text) => wrapText(text, width).map((part) => line(part))),
    ];
  },
};
