import type { BoardView } from '../../desk/board.ts';
import { type Binding, GROUPS, paletteOf } from './bindings.ts';
import {
  fitBlock,
  fitLine,
  type Line,
  line,
  lineWidth,
  type Segment,
  selected,
  span,
  spread,
  widthOf,
  wrapText,
} from './cells.ts';
import { drawListing, filterOf } from './listing.ts';
import { sessionMark, standingOf, tierOf } from './marks.ts';
import { drawMetrics } from './screens/metrics.ts';
import { LISTINGS, TITLES } from './screens/screens.ts';
import type { Sight } from './sight.ts';
import { SCREENS, type ScreenName } from './ui.ts';
import { mattersOf, needsRoomText, SIZE_MIN, stateText, todayText } from './words.ts';

/** The whole screen: where one is, what is shown, and what one may do next. Pure: what is known in, lines out. */
export const drawFrame = (
  sight: Sight,
  size: { width: number; height: number },
  bindings: readonly Binding[],
): Line[] => {
  const { width, height } = size;
  if (width < SIZE_MIN.width || height < SIZE_MIN.height)
    return fitBlock(
      wrapText(needsRoomText(width, height), Math.max(1, width)).map((text) => line(span(text, 'bad'))),
      width,
      height,
    );
  const body = bodyOf(size);
  return [
    headLine(sight, width),
    tabLine(sight, width),
    ...drawBody(sight, width, body.height, bindings),
    footLine(sight, width, bindings),
  ];
};

/** Between the two lines above and the one below. */
export const bodyOf = ({ height }: { height: number }): { y: number; height: number } => ({ y: 2, height: height - 3 });

const drawBody = (sight: Sight, width: number, height: number, bindings: readonly Binding[]): Line[] => {
  const { mode, screen } = sight.ui;
  switch (mode.kind) {
    case 'help':
      return helpLines(sight, width, height, bindings, mode.scroll);
    case 'said':
      return saidLines(sight, width, height);
    case 'palette':
      return paletteLines(bindings, mode, width, height);
    case 'browse':
    case 'filter':
    case 'ask':
    case 'confirm': {
      const listing = LISTINGS[screen];
      const drawn = listing ? drawListing(listing, screen, sight, width, height) : drawMetrics(sight, width, height);
      return over(drawn, fieldLines(mode, width), width);
    }
    default:
      return mode satisfies never;
  }
};

/** Over the lowest lines: what it speaks of stays in sight. */
const over = (lines: Line[], above: Line[], width: number): Line[] =>
  above.length === 0
    ? lines
    : [...lines.slice(0, lines.length - above.length), ...above.map((one) => fitLine(one, width))];

/** As much of a long text as one has to see while typing: its end. */
const FIELD_LINES = 4;

const fieldLines = (mode: Sight['ui']['mode'], width: number): Line[] => {
  const wall = line(span('─'.repeat(width), 'border'));
  switch (mode.kind) {
    case 'ask':
      return [
        wall,
        line(span(` ${mode.question}`, 'title')),
        ...mode.text
          .split('\n')
          .flatMap((text, n, all) => wrapText(n === all.length - 1 ? `${text}▌` : text, width - 3))
          .slice(-FIELD_LINES)
          .map((text) => line(span(' ', 'plain'), span(text))),
        line(span(' enter: do it   esc: not', 'dim')),
      ];
    case 'confirm':
      return [wall, line(span(` ${mode.question}`, 'title')), line(span(' y: do it   any other key: not', 'dim'))];
    case 'filter':
    case 'browse':
    case 'help':
    case 'palette':
    case 'said':
      return [];
    default:
      return mode satisfies never;
  }
};

const headLine = ({ view }: Sight, width: number): Line => {
  const { status, sessions } = view;
  const isUp = status.processes.length > 0;
  const marks = new Map<string, { count: number; segment: Segment; tier: number }>();
  for (const session of sessions) {
    const standing = standingOf(view, session);
    const { glyph, word, style } = sessionMark(standing, undefined);
    const count = (marks.get(standing)?.count ?? 0) + 1;
    marks.set(standing, { count, tier: tierOf(standing), segment: span(`${glyph} ${count} ${word}  `, style) });
  }
  const counts = [...marks.values()].sort((a, b) => a.tier - b.tier).map(({ segment }) => segment);
  const left = [span('Winnow ', 'title'), span(`${stateText(status)}  `, isUp && !status.paused ? 'good' : 'warn')];
  const right = [span(todayText(status)), ...memoryOf(view)];
  const all = [...left, ...counts];
  return lineWidth(all) + lineWidth(right) + 1 <= width
    ? spread(all, right, width)
    : spread(left, lineWidth(left) + lineWidth(right) < width ? right : [], width);
};

/** Only when it matters: a figure that never stands still would cost bytes on the wire while nothing happens. */
const memoryOf = ({ machine, gates }: BoardView): Line => {
  const limit = gates.find(({ gate }) => gate === 'memory')?.figures.limit ?? 1;
  if (machine.memoryUsedShare < limit * MEMORY_NEAR) return [];
  return [span(`  ▲ memory ${Math.round(machine.memoryUsedShare * 100)} %`, 'warn')];
};
const MEMORY_NEAR = 0.9;

/** Names of the screens; on a narrow one only the figure of those that are not shown. */
const tabs = (sight: Sight, width: number): { screen: ScreenName; text: string }[] => {
  const full = SCREENS.map((screen, n) => ({ screen, text: ` ${n + 1} ${TITLES[screen]}${countOf(sight, screen)} ` }));
  if (full.reduce((sum, { text }) => sum + widthOf(text), 0) <= width) return full;
  return full.map(({ screen, text }, n) => ({
    screen,
    text: screen === sight.ui.screen ? text : ` ${n + 1}${countOf(sight, screen).trimStart()} `,
  }));
};

const countOf = ({ view }: Sight, screen: ScreenName): string => {
  const count =
    screen === 'alerts'
      ? mattersOf(view).length
      : screen === 'review'
        ? view.status.queue.length
        : screen === 'tasks'
          ? view.status.tasks.queued + view.status.tasks.assigned
          : screen === 'gates'
            ? view.status.gates.length
            : 0;
  return count === 0 ? '' : ` (${count})`;
};

const tabLine = (sight: Sight, width: number): Line =>
  fitLine(
    tabs(sight, width).map(({ screen, text }) =>
      span(text, screen === sight.ui.screen ? 'tab' : screen === 'alerts' && text.includes('(') ? 'bad' : 'dim'),
    ),
    width,
  );

/** Which screen's name lies under the pointer. */
export const tabAt = (
  sight: Sight,
  { x, y }: { x: number; y: number },
  { width }: { width: number },
): number | undefined => {
  if (y !== 1) return undefined;
  let end = 0;
  for (const [n, { text }] of tabs(sight, width).entries()) {
    end += widthOf(text);
    if (x < end) return n;
  }
  return undefined;
};

const footLine = (sight: Sight, width: number, bindings: readonly Binding[]): Line => {
  const { ui } = sight;
  if (ui.mode.kind === 'filter')
    return fitLine(
      line(span('/', 'title'), span(`${ui.mode.text}▌`), span('   enter: keep   esc: clear', 'dim')),
      width,
    );
  if (ui.notice)
    return fitLine(
      line(
        span(ui.notice.good ? '✓ ' : '▲ ', ui.notice.good ? 'good' : 'bad'),
        span(ui.notice.text.replaceAll('\n', ' '), ui.notice.good ? 'good' : 'bad'),
      ),
      width,
    );
  const filter = filterOf(ui, ui.screen);
  const own = bindings.filter(({ on, keys }) => keys.length > 0 && on?.includes(ui.screen));
  const common = bindings.filter(({ name }) => ['help', 'palette', 'filter', 'quit'].includes(name));
  const left = filter === '' ? [] : [span(`/${filter} `, 'accent')];
  const hints = [...own, ...common].flatMap(({ keys, name }) => [
    span(` ${keys[0]}`, 'title'),
    span(` ${name} `, 'dim'),
  ]);
  return fitLine([...left, ...hints], width);
};

const helpLines = (
  sight: Sight,
  width: number,
  height: number,
  bindings: readonly Binding[],
  scroll: number,
): Line[] => {
  const lines = GROUPS.flatMap((group) => [
    line(span(group, 'title')),
    ...bindings
      .filter((binding) => binding.group === group)
      .map(({ keys, name, help, on }) => {
        const here = on === undefined || on.includes(sight.ui.screen);
        const place = on === undefined ? '' : `  (${on.map((screen) => TITLES[screen]).join(', ')})`;
        return line(
          span(`  ${keys.join(' ').padEnd(KEYS_WIDTH)}`, here ? 'info' : 'dim'),
          span(`:${name}`.padEnd(NAME_WIDTH), 'dim'),
          span(help),
          span(place, 'dim'),
        );
      }),
  ]);
  const first = Math.max(0, Math.min(scroll, lines.length - height + 1));
  return fitBlock(
    [...lines.slice(first, first + height - 1), line(span('j k: move   any other key: back', 'dim'))],
    width,
    height,
  );
};

const NAME_WIDTH = 22;
const KEYS_WIDTH = 17;

const paletteLines = (
  bindings: readonly Binding[],
  { text, place }: { text: string; place: number },
  width: number,
  height: number,
): Line[] => {
  const found = paletteOf(bindings, text);
  const at = Math.min(place, found.length - 1);
  const room = height - 2;
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), found.length - room));
  return fitBlock(
    [
      line(span(':', 'title'), span(`${text}▌`)),
      line(span('─'.repeat(width), 'border')),
      ...(found.length === 0 ? [line(span('  there is no such command', 'dim'))] : []),
      ...found.slice(first, first + room).map(({ binding: { name, args, help, keys } }, n) => {
        const row = line(
          span(`  ${[name, args].filter(Boolean).join(' ')}`.padEnd(NAME_WIDTH + 4)),
          span(keys.join(' ').padEnd(KEYS_WIDTH), 'info'),
          span(help, 'dim'),
        );
        return first + n === at ? selected(fitLine(row, width)) : row;
      }),
    ],
    width,
    height,
  );
};

const saidLines = ({ ui }: Sight, width: number, height: number): Line[] => {
  const lines = ui.said
    .toReversed()
    .flatMap(({ text, good }) =>
      wrapText(text.replaceAll('\n', ' '), width - 2).map((part, n) =>
        line(span(n === 0 ? (good ? '✓ ' : '▲ ') : '  ', good ? 'good' : 'bad'), span(part)),
      ),
    );
  return fitBlock(
    [
      line(span('What was asked for here, the newest first', 'title')),
      ...(lines.length === 0 ? [line(span('nothing yet', 'dim'))] : lines),
    ],
    width,
    height,
  );
};
