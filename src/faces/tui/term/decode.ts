import { StringDecoder } from 'node:string_decoder';

/**
 * What a terminal sends, as events: a key by its name, a paste as one event, each turn of the wheel by itself. Answers
 * of the terminal and sequences that nobody knows are swallowed: read as keys they would press a command for each of
 * their characters.
 */
export type TermEvent =
  /** A printable character is its own name; others are called `enter`, `shift-tab`, `ctrl-d`, `alt-x`, `f5`. */
  | { type: 'key'; key: string }
  | { type: 'paste'; text: string }
  /** Cells, counted from 0 at the top left. */
  | { type: 'mouse'; action: 'press' | 'release' | 'drag' | 'wheel-up' | 'wheel-down'; x: number; y: number }
  /** The terminal said what its background looks like. */
  | { type: 'background'; light: boolean };

export interface Decoder {
  /** Events of a chunk; the begin of a sequence is kept until its rest comes. */
  write(bytes: Buffer): TermEvent[];
  /** Nothing came for a while: what is kept is no sequence. A lone Escape is the key. */
  flush(): TermEvent[];
  /** Something is kept. */
  pending(): boolean;
}

/** As much as a task may have; more is not meant. */
const PASTE_MAX_CHARS = 20_000;
/** No sequence that is known is as long; an answer of the terminal may be. */
const SEQUENCE_MAX_CHARS = 4096;
/** Nobody types as much at once; where the terminal does not mark a paste this is one. */
const BURST_MIN_CHARS = 16;

const PASTE_END = '\x1b[201~';

export const createDecoder = (): Decoder => {
  const utf8 = new StringDecoder('utf8');
  let rest = '';
  let paste: string | undefined;

  const take = (text: string): TermEvent[] => {
    const events: TermEvent[] = [];
    rest += text;
    while (rest !== '') {
      if (paste !== undefined) {
        const end = rest.indexOf(PASTE_END);
        const upTo = end === -1 ? Math.max(0, rest.length - PASTE_END.length + 1) : end;
        paste = (paste + rest.slice(0, upTo)).slice(0, PASTE_MAX_CHARS);
        rest = rest.slice(end === -1 ? upTo : end + PASTE_END.length);
        if (end === -1) break;
        events.push({ type: 'paste', text: paste });
        paste = undefined;
        continue;
      }
      const read = readOne(rest);
      if (read === 'more') break;
      rest = rest.slice(read.length);
      if (read.event === 'paste') paste = '';
      else if (read.event) events.push(read.event);
    }
    return events;
  };

  return {
    write: (bytes) => {
      const text = utf8.write(bytes);
      return rest === '' && paste === undefined && isBurst(text) ? [{ type: 'paste', text }] : take(text);
    },
    flush: () => {
      if (paste !== undefined || rest === '') return [];
      const lone = rest === '\x1b';
      rest = '';
      return lone ? [{ type: 'key', key: 'escape' }] : [];
    },
    pending: () => rest !== '' && paste === undefined,
  };
};

/** A key that is held down repeats itself; text does not. */
const isBurst = (text: string): boolean =>
  text.length >= BURST_MIN_CHARS && !text.includes('\x1b') && new Set(text).size > 2;

interface Read {
  length: number;
  event?: TermEvent | 'paste' | undefined;
}

const readOne = (text: string): Read | 'more' => {
  if (text[0] !== '\x1b') return readCharacter(text);
  switch (text[1]) {
    case undefined:
      return 'more';
    case '\x1b':
      return { length: 1, event: { type: 'key', key: 'escape' } };
    case '[':
      return readControl(text);
    case 'O':
      return text.length < 3 ? 'more' : { length: 3, event: keyOf(FINALS[text[2]!]) };
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return readAnswer(text);
    default: {
      const read = readCharacter(text.slice(1));
      const { event } = read;
      return typeof event === 'object' && event.type === 'key'
        ? { length: read.length + 1, event: { type: 'key', key: `alt-${event.key}` } }
        : { length: read.length + 1 };
    }
  }
};

const readCharacter = (text: string): Read => {
  const character = String.fromCodePoint(text.codePointAt(0)!);
  const code = character.codePointAt(0)!;
  const { length } = character;
  if (character === ' ') return { length, event: { type: 'key', key: 'space' } };
  if (code > 0x1f && code < 0x7f) return { length, event: { type: 'key', key: character } };
  if (code >= 0xa0) return { length, event: { type: 'key', key: character } };
  const name = CONTROLS[code] ?? (code >= 1 && code <= 26 ? `ctrl-${String.fromCharCode(code + 96)}` : undefined);
  return { length, event: keyOf(name) };
};

const CONTROLS: Record<number, string> = {
  8: 'backspace',
  9: 'tab',
  13: 'enter',
  28: 'ctrl-\\',
  29: 'ctrl-]',
  127: 'backspace',
};

/** `ESC [ parameters final` */
const readControl = (text: string): Read | 'more' => {
  const match = /^\x1b\[([<-?]?)([\d;:]*)([ -/]*)([@-~])/.exec(text);
  if (!match) {
    const isBegun = /^\x1b\[[<-?]?[\d;:]*[ -/]*$/.test(text) && text.length < SEQUENCE_MAX_CHARS;
    return isBegun ? 'more' : { length: 2 };
  }
  const [whole, mark, given = '', between, final = ''] = match;
  const { length } = whole;
  const parameters = given.split(/[;:]/).map(Number);
  if (mark === '<' && (final === 'M' || final === 'm')) return { length, event: mouseOf(parameters, final) };
  // The three bytes of an old mouse report; never asked for, and never keys.
  if (mark === '' && given === '' && final === 'M') return text.length < 6 ? 'more' : { length: 6 };
  if (mark !== '' || between !== '') return { length };
  if (final === '~') {
    if (parameters[0] === 200) return { length, event: 'paste' };
    return { length, event: keyOf(TILDES[parameters[0]!], parameters[1]) };
  }
  return { length, event: keyOf(FINALS[final], parameters[1]) };
};

const FINALS: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  M: 'enter',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'shift-tab',
};

const TILDES: Record<number, string> = {
  ...{ 1: 'home', 2: 'insert', 3: 'delete', 4: 'end', 5: 'pageup', 6: 'pagedown', 7: 'home', 8: 'end' },
  ...{ 11: 'f1', 12: 'f2', 13: 'f3', 14: 'f4', 15: 'f5', 17: 'f6', 18: 'f7', 19: 'f8', 20: 'f9', 21: 'f10' },
};

/** One more than the sum of 1 shift, 2 alt, 4 ctrl. */
const keyOf = (name: string | undefined, modifiers = 1): TermEvent | undefined => {
  if (name === undefined) return undefined;
  const held = Math.max(0, modifiers - 1);
  const prefix = `${held & 4 ? 'ctrl-' : ''}${held & 2 ? 'alt-' : ''}${held & 1 ? 'shift-' : ''}`;
  return { type: 'key', key: prefix + name };
};

const mouseOf = ([code = 0, column = 1, row = 1]: number[], final: string): TermEvent | undefined => {
  const place = { x: Math.max(0, column - 1), y: Math.max(0, row - 1) };
  if (code & 64) {
    const turn = code & 3;
    return turn > 1 ? undefined : { type: 'mouse', action: turn === 0 ? 'wheel-up' : 'wheel-down', ...place };
  }
  // The left button alone: what the others do belongs to the terminal.
  if ((code & 3) !== 0) return undefined;
  return { type: 'mouse', action: code & 32 ? 'drag' : final === 'M' ? 'press' : 'release', ...place };
};

/** `ESC ] … BEL`, or one of its kin ended by `ESC \`. */
const readAnswer = (text: string): Read | 'more' => {
  const end = /\x07|\x1b\\/.exec(text.slice(2));
  if (!end) return text.length < SEQUENCE_MAX_CHARS ? 'more' : { length: text.length };
  const said = text.slice(2, end.index + 2);
  return { length: end.index + 2 + end[0].length, event: text[1] === ']' ? backgroundOf(said) : undefined };
};

const backgroundOf = (said: string): TermEvent | undefined => {
  const match = /^11;rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(said);
  if (!match) return undefined;
  const [red = 0, green = 0, blue = 0] = match.slice(1).map((hex) => Number.parseInt(hex, 16) / (16 ** hex.length - 1));
  // Rec. 709 luma.
  return { type: 'background', light: 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 };
};
