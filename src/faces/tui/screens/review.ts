import type { QueuedBranch } from '../../../model/state.ts';
import { beforeAfter, branchStatusText, commentText } from '../../cli/words.ts';
import { type Line, line, type Style, span, wrapText } from '../cells.ts';
import { branchMark } from '../marks.ts';
import type { Listing, Sight } from '../sight.ts';
import { agoText } from '../words.ts';

/** What was pushed: what waits for a word, and its diff. */
export const review: Listing = {
  empty: 'nothing was pushed yet',
  columns: [
    { head: '', width: 1 },
    { head: 'STATE', width: 9 },
    { head: 'AGE', width: 4 },
    { head: 'SESSION', width: 10, from: 60 },
    { head: 'WHAT IT IS ABOUT', width: 'rest' },
  ],
  rows: ({ view, now }) =>
    waitingFirst(view.branches).map(({ branch, status, changedAt, session, title }) => {
      const mark = branchMark(status.state);
      return {
        id: branch,
        more: branch,
        cells: [
          span(mark.glyph, mark.style),
          span(mark.word, mark.style),
          span(agoText(changedAt, now), 'dim'),
          span(session),
          span(title || branch),
        ],
      };
    }),
  detail: (sight, id, width) => {
    const branch = sight.view.branches.find((one) => one.branch === id);
    if (!branch) return [];
    const facts: [string, string][] = [
      ['branch', branch.branch],
      ['status', branchStatusText(branch.status)],
    ];
    return [
      ...wrapText(branch.title || branch.branch, width).map((text) => line(span(text, 'title'))),
      ...factLines(facts, width),
      ...lookedUp(sight, id, width),
    ];
  },
};

/** What waits for a person stands before what waits for the reviewer. */
const waitingFirst = (branches: readonly QueuedBranch[]): QueuedBranch[] => [
  ...branches.filter(({ status }) => status.state === 'needs-human'),
  ...branches.filter(({ status }) => status.state !== 'needs-human'),
];

const LABEL = 9;

export const factLines = (facts: readonly [string, string][], width: number): Line[] =>
  facts.flatMap(([name, text]) =>
    wrapText(text, Math.max(10, width - LABEL)).map((part, n) =>
      line(span(n === 0 ? `${name} `.padEnd(LABEL) : ' '.repeat(LABEL), 'dim'), span(part)),
    ),
  );

const lookedUp = ({ branch }: Sight, id: string, width: number): Line[] => {
  if (branch?.name !== id || branch.state === 'reading') return [line(), line(span('reading its diff', 'dim'))];
  if (branch.state === 'failed')
    return [
      line(),
      ...wrapText(`${branch.failure.message} ${branch.failure.mend}`, width).map((text) => line(span(text, 'bad'))),
    ];
  const { view } = branch;
  const list = (head: string, items: readonly string[], style: Style = 'plain'): Line[] =>
    items.length === 0
      ? []
      : [
          line(),
          line(span(head, 'title')),
          ...items.flatMap((item) => wrapText(item, width - 2).map((text) => line(span(`  ${text}`, style)))),
        ];
  const facts: [string, string][] = [
    ...(view.before ? ([['checks', `${beforeAfter(view)} (problems + failing tests)`]] as [string, string][]) : []),
    ...(view.comparison
      ? ([['verdict', `${view.comparison.verdict}: ${view.comparison.reason}`]] as [string, string][])
      : []),
    ...(view.review?.data.risk ? ([['risk', view.review.data.risk]] as [string, string][]) : []),
  ];
  return [
    ...factLines(facts, width),
    ...list('Reasons', view.review?.data.reasons ?? []),
    ...list('Comments', [
      ...(view.review?.data.comments ?? []).map(commentText),
      ...view.comments.map(({ name, comment }) => `${name}: ${commentText(comment)}`),
    ]),
    ...list(
      'Findings',
      view.findings.map(({ kind, file, line: at, evidence }) => `${kind} ${file}${at ? `:${at}` : ''}: ${evidence}`),
      'warn',
    ),
    ...list('Mended', view.comparison?.fixed ?? [], 'good'),
    line(),
    ...(view.diff
      ? diffLines(view.diff)
      : [line(span('the mirror does not hold its commits any more; see its patch', 'dim'))]),
  ];
};

const diffLines = ({ stat, patch, truncated }: { stat: string; patch: string; truncated: boolean }): Line[] => [
  ...stat.split('\n').map((text) => line(span(text, 'dim'))),
  line(),
  ...patch
    .trimEnd()
    .split('\n', DIFF_LINES_MAX)
    .map((text) => line(span(text.replaceAll('\t', '    '), diffStyle(text)))),
  ...(truncated ? [line(span('… the diff goes on; this is as much as is shown', 'dim'))] : []),
];

/** Nobody reads more on a screen; `winnow show` prints all of it. */
const DIFF_LINES_MAX = 20_000;

const diffStyle = (text: string): Style =>
  /^(?:diff |index |\+\+\+|---)/.test(text)
    ? 'title'
    : text.startsWith('@@')
      ? 'info'
      : text.startsWith('+')
        ? 'good'
        : text.startsWith('-')
          ? 'bad'
          : 'plain';
