import { askerText, type Request } from '../../../model/request.ts';
import type { Task } from '../../../model/task.ts';
import { momentText, shortId } from '../../cli/words.ts';
import { type Line, line, span, wrapText } from '../cells.ts';
import { requestMark, taskMark } from '../marks.ts';
import type { Listing, Row } from '../sight.ts';
import { agoText } from '../words.ts';
import { factLines } from './review.ts';

/** What somebody asked for: of sessions, and of roles. */
export const tasks: Listing = {
  empty: 'nothing was asked for: `n` adds a task',
  columns: [
    { head: '', width: 1 },
    { head: 'STATE', width: 9 },
    { head: 'PRIO', width: 6, from: 60 },
    { head: 'AGE', width: 4 },
    { head: 'WHO', width: 10, from: 70 },
    { head: 'TASK', width: 'rest' },
  ],
  rows: ({ view, now }) => [
    ...view.requests.filter(({ settled }) => !settled).map((request) => requestRow(request, now)),
    ...view.tasks.map((task) => taskRow(task, now)),
    ...view.requests.filter(({ settled }) => settled).map((request) => requestRow(request, now)),
  ],
  detail: ({ view }, id, width) => {
    const request = view.requests.find((one) => one.id === id);
    if (request) return requestLines(request, width);
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

const taskRow = (task: Task, now: number): Row => {
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
};

const requestRow = (request: Request, now: number): Row => {
  const mark = requestMark(request);
  return {
    id: request.id,
    more: request.id,
    cells: [
      span(mark.glyph, mark.style),
      span(mark.word, mark.style),
      span(''),
      span(agoText(request.at, now), 'dim'),
      span(request.args.sessions?.join(', ') ?? 'crew'),
      span(`${askedText(request)}${request.settled ? `: ${request.settled.note}` : ''}`),
    ],
  };
};

const askedText = ({ what, args }: Request): string => {
  const about = args.branches ?? args.sessions ?? [];
  return `${what}${about.length === 0 ? '' : ` of ${about.join(', ')}`}`;
};

const requestLines = (request: Request, width: number): Line[] => {
  const mark = requestMark(request);
  const { by, at, joined, taken, settled } = request;
  return [
    line(span(`${mark.glyph} ${mark.word}`, mark.style), span(`  request ${shortId(request.id)}`, 'dim')),
    ...factLines(
      [
        ['what', askedText(request)],
        ['asked', `${momentText(at)} by ${askerText(by)}`],
        ...joined.map((other): [string, string] => ['joined', `${momentText(other.at)} by ${askerText(other.by)}`]),
        ...(taken && !settled
          ? ([['begun', `${momentText(taken.at)} by pid ${taken.pid}`]] as [string, string][])
          : []),
        ...(settled ? ([['came to', `${momentText(settled.at)}: ${settled.note}`]] as [string, string][]) : []),
      ],
      width,
    ),
  ];
};
