import { BINDINGS } from '../../src/faces/tui/bindings.ts';
import { drawFrame } from '../../src/faces/tui/frame.ts';
import { createTerm } from '../../src/faces/tui/term/term.ts';
import { paintLine } from '../../src/faces/tui/theme.ts';
import type { Ui } from '../../src/faces/tui/ui.ts';
import { createHeadless } from '../faces/tui/term/headless.ts';
import { DISCARDED, feed } from './feed.ts';
import { renderSvg } from './svg.ts';

/** The pictures of docs/screens: what a terminal makes of the dashboard, dark and light. */
interface Shot {
  name: string;
  title: string;
  ui: Partial<Ui>;
  size: [columns: number, rows: number];
}

const USUAL: [number, number] = [120, 32];

const SHOTS: Shot[] = [
  { name: 'floor', title: 'Floor', ui: { chosen: { floor: 'fixer' } }, size: USUAL },
  { name: 'floor-small', title: 'Floor on 80x24', ui: { chosen: { floor: 'fixer' } }, size: [80, 24] },
  { name: 'floor-large', title: 'Floor on 200x60', ui: { chosen: { floor: 'fixer' } }, size: [200, 60] },
  { name: 'review', title: 'Review', ui: { screen: 'review' }, size: USUAL },
  { name: 'tasks', title: 'Tasks', ui: { screen: 'tasks' }, size: USUAL },
  { name: 'journal', title: 'Journal', ui: { screen: 'journal', chosen: { journal: DISCARDED } }, size: USUAL },
  { name: 'doctor', title: 'Doctor', ui: { screen: 'doctor' }, size: USUAL },
  { name: 'metrics', title: 'Metrics', ui: { screen: 'metrics' }, size: USUAL },
  { name: 'gates', title: 'Gates', ui: { screen: 'gates' }, size: USUAL },
  { name: 'alerts', title: 'Alerts', ui: { screen: 'alerts' }, size: USUAL },
  { name: 'help', title: 'Help', ui: { mode: { kind: 'help', scroll: 0 } }, size: USUAL },
];

/** By name of the file. */
export const pictures = async (): Promise<Map<string, string>> => {
  // Times of the day are those of the person who looks.
  const zone = process.env.TZ;
  process.env.TZ = 'UTC';
  try {
    const drawn = new Map<string, string>();
    for (const shot of SHOTS)
      for (const light of [false, true])
        drawn.set(`${shot.name}${light ? '-light' : ''}.svg`, await picture(shot, light));
    return drawn;
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
};

const picture = async ({ title, ui, size: [width, height] }: Shot, light: boolean): Promise<string> => {
  const screen = createHeadless(width, height);
  const nothing = () => {};
  const term = createTerm({
    ...{ input: screen.input, output: screen.output, mouse: false },
    ...{ onEvent: nothing, onResize: nothing, onDrain: nothing, onLost: nothing },
  });
  const lines = drawFrame(feed(ui), { width, height }, BINDINGS);
  term.draw(lines.map((line) => paintLine(line, { colours: '256', light, ascii: false })));
  await screen.shown();
  const cells = Array.from({ length: height }, (_, row) => screen.cells(row));
  term.close();
  return renderSvg({ title: `winnow tui: ${title}`, lines: cells, light });
};
