import type { Line, Style } from './cells.ts';

/** How styles look, and which signs the terminal can show. What a colour says a sign and a word say too. */
export interface Theme {
  colours: 'none' | '16' | '256';
  light: boolean;
  /** Only signs of ASCII. */
  ascii: boolean;
}

/** What the environment says of the terminal; `none` where NO_COLOR asks for it. */
export const themeOf = (env: Readonly<Record<string, string | undefined>>, wanted: ThemeWish = {}): Theme => ({
  colours: env.NO_COLOR ? 'none' : (wanted.colours ?? coloursOf(env)),
  light: wanted.light ?? isLight(env.COLORFGBG),
  ascii: wanted.ascii ?? !isUnicode(env),
});

export interface ThemeWish {
  colours?: Theme['colours'];
  light?: boolean;
  ascii?: boolean;
}

const coloursOf = ({ TERM = '', COLORTERM }: Readonly<Record<string, string | undefined>>): Theme['colours'] =>
  COLORTERM || /256|kitty|ghostty|alacritty|foot|direct|wezterm/.test(TERM) ? '256' : TERM === 'vt100' ? 'none' : '16';

/** `15;0`: the last number is the background, 7 and 15 are the light ones. */
const isLight = (colours: string | undefined): boolean => /;(?:7|15)$/.test(colours ?? '');

/** A locale that says nothing is that of most containers, whose terminals show Unicode. */
const isUnicode = ({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean => {
  const locale = LC_ALL || LC_CTYPE || LANG;
  return locale === undefined || locale === '' || /^(?:C|POSIX)$/.test(locale) === false;
};

type Look = Record<Style, string>;

const MONO: Look = {
  ...{ plain: '', dim: '', title: '1', good: '', warn: '', bad: '1', info: '', accent: '', border: '' },
  ...{ selected: '7', tab: '7' },
};
const DARK_16: Look = {
  ...{ plain: '', dim: '90', title: '1', good: '32', warn: '33', bad: '1;31', info: '36', accent: '35', border: '90' },
  ...{ selected: '7', tab: '7' },
};
/** Yellow and cyan cannot be read on white. */
const LIGHT_16: Look = { ...DARK_16, warn: '35', info: '34', accent: '34' };
const DARK_256: Look = {
  ...{ plain: '', dim: '38;5;245', title: '1', good: '38;5;114', warn: '38;5;221', bad: '1;38;5;203' },
  ...{ info: '38;5;75', accent: '38;5;141', border: '38;5;240' },
  ...{ selected: '38;5;231;48;5;24', tab: '1;38;5;231;48;5;24' },
};
const LIGHT_256: Look = {
  ...{ plain: '', dim: '38;5;243', title: '1', good: '38;5;28', warn: '38;5;130', bad: '1;38;5;160' },
  ...{ info: '38;5;26', accent: '38;5;91', border: '38;5;250' },
  ...{ selected: '38;5;16;48;5;153', tab: '1;38;5;16;48;5;153' },
};

const lookOf = ({ colours, light }: Theme): Look =>
  colours === 'none' ? MONO : colours === '16' ? (light ? LIGHT_16 : DARK_16) : light ? LIGHT_256 : DARK_256;

/** A line as the terminal reads it. */
export const paintLine = (segments: Line, theme: Theme): string => {
  const look = lookOf(theme);
  return segments
    .map(({ text, style }) => {
      const shown = theme.ascii ? asciiOf(text) : text;
      return look[style] === '' ? shown : `\x1b[${look[style]}m${shown}\x1b[0m`;
    })
    .join('');
};

/** The same number of cells, in signs that every terminal has. */
export const asciiOf = (text: string): string =>
  text.replace(/[^\x20-\x7e]/gu, (sign) => ASCII_SIGNS[sign] ?? (isWide(sign) ? '??' : '?'));

const isWide = (sign: string): boolean =>
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u.test(
    sign,
  );

const ASCII_SIGNS: Record<string, string> = {
  ...{ '─': '-', '│': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+', '├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+' },
  ...{
    '●': '*',
    '○': 'o',
    '◐': '~',
    '▲': '!',
    '✓': '+',
    '✗': 'x',
    '▪': '#',
    '◆': '#',
    '◇': '@',
    '‖': '=',
    '□': '.',
    '…': '.',
  },
  ...{
    '▁': '.',
    '▂': '.',
    '▃': ':',
    '▄': ':',
    '▅': '|',
    '▆': '|',
    '▇': '#',
    '█': '#',
    '▌': '|',
    '▐': '|',
    '░': '.',
    '▒': ':',
  },
  ...{
    '→': '>',
    '←': '<',
    '↑': '^',
    '↓': 'v',
    '–': '-',
    '—': '-',
    '“': '"',
    '”': '"',
    '‘': "'",
    '’': "'",
    '·': '.',
    '•': '*',
    '×': 'x',
  },
};
