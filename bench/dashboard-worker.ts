import blessed from 'blessed';
import { createBoard } from '../src/desk/board.ts';
import { BINDINGS } from '../src/faces/tui/bindings.ts';
import { drawFrame } from '../src/faces/tui/frame.ts';
import { paintLine } from '../src/faces/tui/theme.ts';
import { startUi } from '../src/faces/tui/ui.ts';
import { openHome } from '../src/home.ts';

/**
 * What the dashboard is compared with: the same views and frames four times a second, written whole. `naive` writes them
 * as they are; `blessed` gives them to blessed, and has it forget what the screen shows.
 */
const [mode, home] = process.argv.slice(2) as ['naive' | 'blessed', string];
const FRAME_MS = 250;

const opened = openHome(home);
if (!opened.ok) throw new Error(JSON.stringify(opened.error));
const { counter } = opened.value;
const board = createBoard(counter, () => {});

const painter = (): ((lines: string[]) => void) => {
  if (mode === 'naive') return (lines) => process.stdout.write(`\x1b[H${lines.join('\r\n')}`);
  const screen = blessed.screen({ terminal: 'xterm-256color', fullUnicode: true });
  const box = blessed.box({ parent: screen, width: '100%', height: '100%', wrap: false, tags: false });
  return (lines) => {
    box.setContent(lines.join('\n'));
    screen.realloc();
    screen.render();
  };
};
const paint = painter();

const frame = async (): Promise<void> => {
  const view = await board.look();
  const session = view.sessions.find(({ state }) => state === 'working');
  const cycle = session?.cycle;
  const live = { cycle, lines: await board.live(cycle) };
  const ui = { ...startUi(), chosen: session ? { floor: session.name } : {} };
  const sight = { ...{ view, entries: board.entries(), live, branch: undefined, memory: [], ui, now: Date.now() } };
  const size = { width: process.stdout.columns, height: process.stdout.rows };
  paint(
    drawFrame(sight, size, BINDINGS).map((line) => paintLine(line, { colours: '256', light: false, ascii: false })),
  );
  setTimeout(() => void frame(), FRAME_MS);
};
await frame();
