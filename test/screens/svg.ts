import type { Cell } from '../faces/tui/term/headless.ts';

/**
 * A screen of a terminal as SVG, the same in every viewer: each run of ASCII is stretched to its cells, each other sign
 * has a place of its own, and lines and blocks are drawn, since fonts leave gaps between them. Pure.
 */
export interface Picture {
  title: string;
  lines: readonly (readonly Cell[])[];
  light: boolean;
}

/** Of a cell, and of the frame around all of them, in pixels; DejaVu Sans Mono at 14 is as wide. */
const CELL = { width: 8.43, height: 18 };
const FONT_SIZE = 14;
const BASELINE = 13.5;
const PAD = { x: 14, top: 40, bottom: 12 };

const FONTS = `ui-monospace,'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,'DejaVu Sans','Noto Sans Mono CJK JP',monospace`;

interface Ground {
  page: string;
  bar: string;
  edge: string;
  text: string;
  name: string;
}

const DARK: Ground = { page: '#12161f', bar: '#1b212d', edge: '#2b3342', text: '#d5dbe6', name: '#8b95a7' };
const LIGHT: Ground = { page: '#ffffff', bar: '#f0f2f5', edge: '#d0d7de', text: '#1f2328', name: '#656d76' };
const BUTTONS = ['#ff5f57', '#febc2e', '#28c840'];

export const renderSvg = ({ title, lines, light }: Picture): string => {
  const ground = light ? LIGHT : DARK;
  const columns = Math.max(...lines.map((line) => line.length));
  const width = round(PAD.x * 2 + columns * CELL.width);
  const height = round(PAD.top + PAD.bottom + lines.length * CELL.height);
  const colours = new Map<string, string>();
  const body = lines.flatMap((line, row) => drawRow(line, row, ground, colours));
  const classes = [...colours].map(([colour, name]) => `.${name}{fill:${colour}}`).join('');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:${FONT_SIZE}px ${FONTS};fill:${ground.text}}.b{font-weight:bold}${classes}</style>`,
    `<rect x=".5" y=".5" width="${round(width - 1)}" height="${round(height - 1)}" rx="9" fill="${ground.page}" stroke="${ground.edge}"/>`,
    `<path d="M1 29V9.5A8.5 8.5 0 0 1 9.5 1H${round(width - 9.5)}A8.5 8.5 0 0 1 ${round(width - 1)} 9.5V29Z" fill="${ground.bar}"/>`,
    ...BUTTONS.map((fill, n) => `<circle cx="${18 + n * 18}" cy="15" r="5.5" fill="${fill}"/>`),
    `<text x="${round(width / 2)}" y="19.5" text-anchor="middle" style="font-size:12px;fill:${ground.name}">${escaped(title)}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
};

const drawRow = (line: readonly Cell[], row: number, ground: Ground, colours: Map<string, string>): string[] => {
  const y = PAD.top + row * CELL.height;
  const runs = runsOf(line);
  const behind = runs
    .filter(({ cell }) => backOf(cell, ground) !== undefined)
    .map(
      ({ column, cells, cell }) =>
        `<rect x="${xOf(column)}" y="${round(y)}" width="${round(cells * CELL.width)}" height="${CELL.height}" fill="${backOf(cell, ground)}"/>`,
    );
  return [...behind, ...runs.flatMap((run) => drawRun(run, y, ground, colours))];
};

interface Run {
  column: number;
  cells: number;
  text: string;
  cell: Cell;
}

/** Neighbours that look alike; of what is not ASCII only the very same lines and blocks go together. */
const runsOf = (line: readonly Cell[]): Run[] => {
  const runs: Run[] = [];
  for (const [column, cell] of line.entries()) {
    // The second half of a wide sign.
    if (cell.width === 0) continue;
    const text = cell.text === '' ? ' ' : cell.text;
    const last = runs.at(-1);
    if (last && isSame(last.text, text) && looksLike(last.cell, cell)) {
      last.text += text;
      last.cells += 1;
    } else runs.push({ column, cells: cell.width, text, cell });
  }
  return runs;
};

const isSame = (before: string, text: string): boolean =>
  (isPlain(text) && isPlain(before)) || (DRAWN.includes(text) && before.startsWith(text));
const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);
const looksLike = (a: Cell, b: Cell): boolean =>
  a.fg === b.fg && a.bg === b.bg && a.bold === b.bold && a.inverse === b.inverse;

const drawRun = (run: Run, y: number, ground: Ground, colours: Map<string, string>): string[] => {
  const { cell } = run;
  const fill = cell.inverse ? (colourOf(cell.bg) ?? ground.page) : (colourOf(cell.fg) ?? ground.text);
  const drawn = drawSign(run, y, fill);
  if (drawn !== undefined) return [drawn];
  const own = fill === ground.text ? undefined : classOf(fill, colours);
  const names = [cell.bold ? 'b' : undefined, own].filter((name) => name !== undefined).join(' ');
  const look = names === '' ? '' : ` class="${names}"`;
  const top = round(y + BASELINE);
  if (!isPlain(run.text)) return [`<text x="${xOf(run.column)}" y="${top}"${look}>${escaped(run.text)}</text>`];
  // Several spaces in a row are one in many viewers: what follows has a place of its own.
  return [...run.text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: words, index }) => {
    const length = round(words.length * CELL.width);
    return `<text x="${xOf(run.column + index)}" y="${top}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${look}>${escaped(words)}</text>`;
  });
};

const classOf = (colour: string, colours: Map<string, string>): string => {
  const known = colours.get(colour);
  if (known !== undefined) return known;
  const name = `c${colours.size}`;
  colours.set(colour, name);
  return name;
};

/** Lines and blocks, which meet those of the next cell. */
const DRAWN = '─▁▂▃▄▅▆▇█░▒';

const drawSign = ({ text, column, cells }: Run, y: number, fill: string): string | undefined => {
  const sign = text[0]!;
  const rect = (x: number, top: number, width: number, height: number, opacity = 1): string =>
    `<rect x="${round(xAt(column) + x)}" y="${round(y + top)}" width="${round(width)}" height="${round(height)}" fill="${fill}" shape-rendering="crispEdges"${opacity === 1 ? '' : ` opacity="${opacity}"`}/>`;
  const { height } = CELL;
  const width = CELL.width * (DRAWN.includes(sign) ? cells : 1);
  const eighths = '▁▂▃▄▅▆▇█'.indexOf(sign) + 1;
  if (eighths > 0) return rect(0, height - (height * eighths) / 8, width, (height * eighths) / 8);
  switch (sign) {
    case '▌':
      return rect(0, 1, width / 5, height - 2);
    case '░':
      return rect(0, 0, width, height, 0.22);
    case '▒':
      return rect(0, 0, width, height, 0.45);
    case '─':
      return rect(0, height / 2 - 0.5, width, 1);
    case '│':
      return rect(width / 2 - 0.5, 0, 1, height);
    case '└':
      return rect(width / 2 - 0.5, 0, 1, height / 2) + rect(width / 2 - 0.5, height / 2 - 0.5, width / 2 + 0.5, 1);
    case '┴':
      return rect(width / 2 - 0.5, 0, 1, height / 2) + rect(0, height / 2 - 0.5, width, 1);
    case '┬':
      return rect(width / 2 - 0.5, height / 2, 1, height / 2) + rect(0, height / 2 - 0.5, width, 1);
    case '┼':
      return rect(width / 2 - 0.5, 0, 1, height) + rect(0, height / 2 - 0.5, width, 1);
    case '┤':
      return rect(width / 2 - 0.5, 0, 1, height) + rect(0, height / 2 - 0.5, width / 2, 1);
    case '├':
      return rect(width / 2 - 0.5, 0, 1, height) + rect(width / 2, height / 2 - 0.5, width / 2, 1);
    default:
      return undefined;
  }
};

const backOf = (cell: Cell, ground: Ground): string | undefined =>
  cell.inverse ? (colourOf(cell.fg) ?? ground.text) : colourOf(cell.bg);

/** The 16 of a terminal, the cube and the greys; undefined: the terminal's own. */
const colourOf = (index: number | undefined): string | undefined => {
  if (index === undefined) return undefined;
  if (index < 16) return SIXTEEN[index];
  if (index >= 232) return hex([0, 0, 0].map(() => 8 + (index - 232) * 10));
  const place = index - 16;
  return hex([Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((n) => (n === 0 ? 0 : 55 + n * 40)));
};

const SIXTEEN = [
  ...['#000000', '#cd3131', '#0dbc79', '#c7a500', '#2472c8', '#bc3fbc', '#11a8cd', '#e5e5e5'],
  ...['#767676', '#f14c4c', '#23d18b', '#f5f543', '#3b8eea', '#d670d6', '#29b8db', '#ffffff'],
];

const hex = (parts: number[]): string => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
const xAt = (column: number): number => PAD.x + column * CELL.width;
const xOf = (column: number): string => String(round(xAt(column)));
const round = (value: number): number => Math.round(value * 100) / 100;
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
