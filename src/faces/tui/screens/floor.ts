import type { BoardSession, BoardView } from '../../../desk/board.ts';
import type { StatusView } from '../../../desk/status.ts';
import type { EntryType } from '../../../model/entry.ts';
import { clockText, entryText, figuresText, usd } from '../../cli/words.ts';
import { fitLine, type Line, line, type Segment, span, spread, wrapText } from '../cells.ts';
import { outcomeMark, sessionMark, standingOf, tierOf } from '../marks.ts';
import { sparkline } from '../plot.ts';
import type { Listing, Sight } from '../sight.ts';
import { agoText, spanText } from '../words.ts';
import { entryStyle } from './journal.ts';

/** The sessions, those first that need somebody; beside them what the chosen one says and does. */
export const floor: Listing = {
  empty: 'no session yet: write sessions/<name>.md',
  columns: [
    { head: '', width: 1 },
    { head: 'SESSION', width: { most: 16 } },
    { head: 'STATE', width: 9 },
    { head: 'FOR', width: 4 },
    { head: 'KEPT', width: { most: 11 }, from: 90 },
    { head: 'TODAY', width: { most: 7 }, from: 100 },
    { head: 'ENDS', width: 10, from: 64 },
    { head: 'DOING', width: 'rest' },
  ],
  rows: ({ view, now }) =>
    sorted(view).map((session) => {
      const mark = sessionMark(standingOf(view, session), session.phase);
      const cycles = Object.values(session.counts).reduce((sum, count) => sum + count, 0);
      return {
        id: session.name,
        more: `${session.project} ${mark.word}`,
        cells: [
          span(mark.glyph, mark.style),
          span(session.name),
          span(mark.word, mark.style),
          span(forText(session, now), 'dim'),
          span(`${session.counts.pushed ?? 0} of ${cycles}`),
          span(usd(session.costTodayUsd)),
          session.ends.map((outcome) => span(outcomeMark(outcome).glyph, outcomeMark(outcome).style)),
          span(session.doing),
        ],
      };
    }),
  above: ({ view }, width) =>
    view.status.projects.slice(0, PROJECTS_MAX).map((project) => projectLine(project, view, width)),
  below: ({ entries, now }, width, height) => [
    line(),
    line(span('LATELY', 'dim')),
    ...entries
      .filter(({ type }) => !STEPS.has(type))
      .slice(-(height - 2))
      .toReversed()
      .map((entry) =>
        line(
          span(`${agoText(entry.ts, now)} `.padStart(AGO_WIDTH), 'dim'),
          span(entry.session && !entryText(entry).includes(entry.session) ? `${entry.session} ` : '', 'dim'),
          span(entryText(entry), entryStyle(entry)),
        ),
      )
      .map((one) => fitLine(one, width)),
  ],
  facts: (sight, id, width) => {
    const session = sight.view.sessions.find(({ name }) => name === id);
    return session ? factsOf(session, sight, width) : [];
  },
  detail: (sight, id, width, wanted) => {
    const session = sight.view.sessions.find(({ name }) => name === id);
    return session ? preview(session, sight, width, wanted) : [];
  },
  atEnd: true,
};

/** What needs somebody, and of that what has been so the longest; those that work keep their places. */
export const sorted = (view: BoardView): BoardSession[] => {
  const sinceOf = ({ state, since, last }: BoardSession): string =>
    state === 'working' ? '' : (since ?? last?.at ?? '');
  return view.sessions
    .map((session) => ({ session, tier: tierOf(standingOf(view, session)) }))
    .sort(
      (a, b) =>
        a.tier - b.tier ||
        sinceOf(a.session).localeCompare(sinceOf(b.session)) ||
        a.session.name.localeCompare(b.session.name),
    )
    .map(({ session }) => session);
};

/** With more of them the sessions would have no room. */
const PROJECTS_MAX = 3;
const AGO_WIDTH = 5;
/** Of a cycle under way, which the rows above tell already. */
const STEPS: ReadonlySet<EntryType> = new Set([
  ...(['cycle_started', 'cycle_phase', 'claim_taken', 'claim_released', 'agent_ran', 'check_ran'] as const),
  ...(['intent', 'intent_settled', 'baseline_measured', 'config_loaded', 'run_retry_planned'] as const),
]);
const SPARK_WIDTH = 12;
/** So that the plot of one project does not touch that of the next. */
const SPARK_AIR = 8 / 7;

/** What it is all for: how main is, and how it was over the last cycles. */
const projectLine = (project: StatusView['projects'][number], view: BoardView, width: number): Line => {
  const { name, branch, baseline, red, blocked, unready } = project;
  const [glyph, word, style] = red
    ? (['✗', 'RED', 'bad'] as const)
    : unready
      ? (['▲', 'not ready', 'bad'] as const)
      : blocked
        ? (['▲', 'nothing lands', 'warn'] as const)
        : !baseline
          ? (['○', 'not measured yet', 'dim'] as const)
          : baseline.problems + baseline.failed === 0
            ? (['✓', 'clean,', 'good'] as const)
            : (['●', '', 'info'] as const);
  const points = (view.figures[name] ?? []).map(({ figures }) => figures.problems + figures.failed);
  const left = line(
    span(`${glyph} `, style),
    span(name, 'title'),
    span(` ${branch} `, 'dim'),
    span(word === '' ? '' : `${word} `, style),
    span(baseline ? figuresText(baseline) : '', 'dim'),
  );
  const right =
    points.length < 2 ? [] : [span(sparkline(points, SPARK_WIDTH, Math.max(...points) * SPARK_AIR), 'warn'), span(' ')];
  return fitLine(spread(left, right, width), width);
};

const forText = ({ since, last }: BoardSession, now: number): string =>
  since !== undefined ? spanText(now - Date.parse(since)) : last?.at !== undefined ? agoText(last.at, now) : '';

const factsOf = (session: BoardSession, { view, now }: Sight, width: number): Line[] => {
  const mark = sessionMark(standingOf(view, session), session.phase);
  const counts = Object.entries(session.counts).map(
    ([outcome, count]) => `${count} ${outcomeMark(outcome as 'pushed').word}`,
  );
  const facts: [string, string, Segment['style']?][] = [
    ['doing', session.doing],
    ...(session.until ? ([['goes on', `at ${clockText(session.until, now)}`]] as [string, string][]) : []),
    ...(session.last
      ? ([['last', `${outcomeMark(session.last.outcome).word}: ${session.last.title ?? session.last.reason}`]] as [
          string,
          string,
        ][])
      : []),
    ['cycles', counts.length === 0 ? 'none yet' : `${counts.join(', ')}; ${usd(session.costUsd)} in all`],
  ];
  return [
    line(
      span(`${mark.glyph} `, mark.style),
      span(session.name, 'title'),
      span(`  ${mark.word}, ${session.project}`, 'dim'),
    ),
    ...facts.flatMap(([name, text]) =>
      wrapText(text, Math.max(10, width - LABEL), FACT_LINES_MAX).map((part, n) =>
        line(span((n === 0 ? name : '').padEnd(LABEL), 'dim'), span(part)),
      ),
    ),
    line(span('─'.repeat(width), 'border')),
  ];
};

const LABEL = 9;
const FACT_LINES_MAX = 3;

/** A line of a transcript begins with what it is: a call, a result, an error, a notice. */
const preview = (session: BoardSession, { live }: Sight, width: number, wanted: number): Line[] => {
  // Of another session: this one's is being read.
  if (live.cycle !== session.cycle) return [];
  if (live.lines.length === 0)
    return [line(span(session.cycle ? 'the agent has not said anything yet' : 'no cycle yet', 'dim'))];
  return live.lines
    .slice(-wanted)
    .flatMap((text) => wrapText(text, width).map((part): Line => [span(part, styleOf(text))]));
};

const styleOf = (text: string): Segment['style'] =>
  /^\s*!/.test(text)
    ? 'bad'
    : text.startsWith('> ')
      ? 'info'
      : text.startsWith('= ')
        ? 'good'
        : /^\s+\|/.test(text)
          ? 'dim'
          : 'plain';
