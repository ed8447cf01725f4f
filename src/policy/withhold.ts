/**
 * Takes secrets out of text that leaves: as they are, and in the disguises that tools and programs give them by accident
 * or by intent. It is the second line: what was never handed over needs no withholding, and a cipher passes.
 *
 * The idea: letters and digits carry a secret, everything between them is packing. So the text is reduced to those
 * (escapes decoded), and each secret to a few needles of the same kind: itself, reversed, hex, base64 at each of its three
 * alignments. One pass with a rolling hash finds the places at which a needle may stand, whatever their number is.
 */
export interface Withholding {
  /** The text with `[withheld]` in place of every secret; the same string when there is none. */
  clean(text: string): string;
  /** For text that comes in pieces: a secret that is split between them is found as if it were whole. */
  stream(): WithholdingStream;
}

export interface WithholdingStream {
  /** What of the text so far is certain to hold no beginning of a secret. */
  push(piece: string): string;
  /** The rest. */
  end(): string;
}

export const WITHHELD = '[withheld]';

/** Shorter values are no secrets but words, and withholding a word would tear holes into every text. */
export const SECRET_MIN_CHARS = 8;

export const createWithholding = (secrets: readonly string[]): Withholding => {
  const values = [...new Set(secrets.flatMap(partsOf))];
  const search = createSearch(values);
  const clean = (text: string) => cut(text, search.look(text).ranges);
  const stream = (): WithholdingStream => {
    let held = '';
    return {
      push: (piece) => {
        held += piece;
        const { ranges, safeUntil } = search.look(held);
        let safe = safeUntil;
        // What was found at the end may go on in the next piece.
        for (const { start, end } of ranges.toReversed()) if (end > safe) safe = Math.min(safe, start);
        const out = cut(held.slice(0, safe), ranges);
        held = held.slice(safe);
        return out;
      },
      end: () => {
        const out = clean(held);
        held = '';
        return out;
      },
    };
  };
  return {
    clean: (text) => {
      if (values.length === 0 || text.length < SECRET_MIN_CHARS) return text;
      if (text.length <= SLICE_CHARS) return clean(text);
      // The search needs some nine bytes a character, which a report of 128 MB must not cost at once.
      const flow = stream();
      const out: string[] = [];
      for (let at = 0; at < text.length; at += SLICE_CHARS) out.push(flow.push(text.slice(at, at + SLICE_CHARS)));
      return [...out, flow.end()].join('');
    },
    stream,
  };
};

const SLICE_CHARS = 1024 * 1024;

/** What all text of a home passes before it leaves. A secret that was known once is withheld as long as this lives. */
export interface Guard {
  clean(text: string): string;
  /** Secrets that came with a new configuration. */
  learn(secrets: readonly string[]): void;
}

export const createGuard = (secrets: readonly string[]): Guard => {
  const known = new Set(secrets);
  let withholding = createWithholding([...known]);
  return {
    clean: (text) => withholding.clean(text),
    learn: (more) => {
      if (more.every((secret) => known.has(secret))) return;
      for (const secret of more) known.add(secret);
      withholding = createWithholding([...known]);
    },
  };
};

/** Plain data with every text in it cleaned; the very same data when nothing in it is secret. */
export const withoutSecrets = <T>(value: T, clean: (text: string) => string): T => {
  const json = JSON.stringify(value);
  return json === undefined || clean(json) === json ? value : (cleaned(value, clean) as T);
};

const cleaned = (value: unknown, clean: (text: string) => string): unknown => {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), cleaned(item, clean)]));
};

/** A URL is as secret as the password in it, which is also told alone. */
const partsOf = (secret: string): string[] => {
  if (secret.length < SECRET_MIN_CHARS) return [];
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:([^/\s@]+)@/i.exec(secret)?.[1];
  if (password === undefined) return [secret];
  return [secret, password, decoded(password)].filter(({ length }) => length >= SECRET_MIN_CHARS);
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Half open, in characters of the text. */
interface Range {
  start: number;
  end: number;
}

const cut = (text: string, ranges: readonly Range[]): string => {
  let out = '';
  let from = 0;
  for (const { start, end } of ranges) {
    if (end > text.length) break;
    out += text.slice(from, start) + WITHHELD;
    from = end;
  }
  return from === 0 ? text : out + text.slice(from);
};

interface Look {
  /** In order, without overlaps. */
  ranges: Range[];
  /** Before this place no secret begins that the text does not hold to its end. */
  safeUntil: number;
}

const createSearch = (values: readonly string[]): { look(text: string): Look } => {
  const literals = [...new Set(values.flatMap(literalsOf))];
  const literalMax = Math.max(0, ...literals.map(({ length }) => length));
  const index = indexOf(values.flatMap(needlesOf));
  // Used again for every short text: entries of the journal are short, and making room costs more than looking.
  const kept = roomFor(KEPT_CHARS);
  return {
    look: (text) => {
      const skeleton = skeletonOf(text, text.length <= KEPT_CHARS ? kept : undefined);
      const { places, count } = skeleton;
      const inSkeleton = count - index.longest - ESCAPE_SLACK;
      const start = inSkeleton < 0 ? 0 : (places[inSkeleton] as number);
      let safeUntil = Math.max(0, Math.min(start, text.length - literalMax), text.length - HELD_CHARS_MAX);
      // What a zero means depends on the sign before it, which must then be held as well.
      while (safeUntil > 0 && text.charCodeAt(safeUntil) === DIGIT_ZERO) safeUntil--;
      return { ranges: inOrder([...findLiterals(text, literals), ...findNeedles(text, skeleton, index)]), safeUntil };
    },
  };
};

const KEPT_CHARS = 16 * 1024;

/** An escape that the end of a piece cuts through counts for up to so many letters until it is whole. */
const ESCAPE_SLACK = 12;

/** A secret of which the letters stand further apart than this is not found in a stream. */
const HELD_CHARS_MAX = 256 * 1024;

const inOrder = (ranges: Range[]): Range[] => {
  const sorted = ranges.sort((a, b) => a.start - b.start || a.end - b.end);
  const joined: Range[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last && range.start < last.end) last.end = Math.max(last.end, range.end);
    else joined.push({ ...range });
  }
  return joined;
};

// ---- as it is ----------------------------------------------------------------------------------------------------

/** What every secret is searched for character by character, also one that is made of words or of signs. */
const literalsOf = (secret: string): string[] => {
  const inUrl = encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '\ufffd'));
  // The last one as a form is encoded.
  return [secret, JSON.stringify(secret).slice(1, -1), inUrl, inUrl.replaceAll('%20', '+')];
};

const findLiterals = (text: string, literals: readonly string[]): Range[] => {
  const found: Range[] = [];
  for (const literal of literals) {
    for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length)) {
      found.push({ start: at, end: at + literal.length });
    }
  }
  return found;
};

// ---- in disguise -------------------------------------------------------------------------------------------------

interface Needle {
  /** Letters and digits alone. */
  letters: Uint8Array;
  /** So many of them in a row give the secret away. */
  run: number;
}

/** Enough to find a needle by; what has fewer letters and digits is searched for as it is. */
const GRAM = 8;

/** A part of a key that is as long as this is withheld as well: whoever cuts off its beginning sends the key all the same. */
const PART_CHARS = 24;
/** Keys shorter than this are withheld only whole, or their parts would be all but words. */
const PARTED_MIN_CHARS = 32;

const needlesOf = (secret: string): Needle[] => {
  const bytes = new TextEncoder().encode(secret);
  const hex = hexOf(bytes);
  const encoded = [hex, hex.toUpperCase(), ...[0, 1, 2].map((shift) => base64Core(bytes, shift))].map((text) => ({
    text,
    isPartable: false,
  }));
  const isLoose = looksRandom(secret);
  const plain = isLoose
    ? [secret, [...secret].reverse().join('')].map((text) => ({ text, isPartable: isKey(secret) }))
    : [];
  return [...plain, ...encoded].flatMap(({ text, isPartable }) => {
    const { codes, count } = skeletonOf(text);
    if (count < GRAM) return [];
    return [{ letters: codes.slice(0, count), run: isPartable ? PART_CHARS : count }];
  });
};

/**
 * Words stand in ordinary text with other signs between them: `staging-cluster` may be a secret, "staging
 * cluster" is none. What mixes letters and digits, or capitals and small letters all over, is no word.
 */
const looksRandom = (secret: string): boolean => {
  const letters = secret.replace(/[^A-Za-z0-9]/g, '');
  if (letters.length < LOOSE_MIN_CHARS) return false;
  const changes = (letters.match(/[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])/g) ?? []).length;
  return changes >= LOOSE_CHANGES_MIN;
};
const LOOSE_MIN_CHARS = 12;
/** `utf8encoding2` changes twice; keys of that length change about six times. */
const LOOSE_CHANGES_MIN = 3;

/** One word of which any part is as random as the rest: no URL, no PEM, and not a JWT, whose head all others share. */
const isKey = (secret: string): boolean =>
  secret.length >= PARTED_MIN_CHARS && /^[A-Za-z0-9_+/=-]+$/.test(secret) && !secret.startsWith('eyJ');

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * The part of the base64 that is the same whatever stands before and behind the secret, when it begins `shift` bytes into
 * a group of three: characters that hold bits of a neighbour are left out.
 */
const base64Core = (bytes: Uint8Array, shift: number): string => {
  let out = '';
  const bitAt = (bit: number): number => {
    const byte = bytes[(bit >> 3) - shift];
    return byte === undefined ? 0 : (byte >> (7 - (bit & 7))) & 1;
  };
  const first = Math.ceil((shift * 8) / 6);
  const last = Math.floor(((shift + bytes.length) * 8) / 6);
  for (let sextet = first; sextet < last; sextet++) {
    let value = 0;
    for (let bit = 0; bit < 6; bit++) value = value * 2 + bitAt(sextet * 6 + bit);
    out += BASE64[value];
  }
  return out;
};
/** Of the two alphabets the last two signs differ, and those are packing here. */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

interface Index {
  needles: readonly Needle[];
  /** By the hash of eight letters: in which needle they stand, and where. */
  anchors: Map<number, { needle: number; at: number }[]>;
  /** Whether any anchor has a hash that begins so. */
  filter: Uint8Array;
  longest: number;
}

const indexOf = (needles: readonly Needle[]): Index => {
  const anchors: Index['anchors'] = new Map();
  const filter = new Uint8Array(1 << FILTER_BITS);
  for (const [needle, { letters, run }] of needles.entries()) {
    // Every run of that length covers one whole gram of those that begin so far apart.
    const step = run < letters.length ? run - GRAM + 1 : letters.length;
    for (let at = 0; at + GRAM <= letters.length; at += step) {
      let hash = 0;
      for (let i = 0; i < GRAM; i++) hash = (Math.imul(hash, BASE) + (letters[at + i] as number)) | 0;
      const known = anchors.get(hash);
      if (known) known.push({ needle, at });
      else anchors.set(hash, [{ needle, at }]);
      filter[hash >>> (32 - FILTER_BITS)] = 1;
    }
  }
  return { needles, anchors, filter, longest: Math.max(0, ...needles.map(({ letters }) => letters.length)) };
};

/** An odd multiplier that spreads eight letters over all 32 bits. */
const BASE = 0x01000193;
const BASE_TO_GRAM = Array.from({ length: GRAM }).reduce<number>((power) => Math.imul(power, BASE), 1);
/** 64 KB, which stay in the processor's cache. */
const FILTER_BITS = 16;

const findNeedles = (text: string, skeleton: Skeleton, { needles, anchors, filter }: Index): Range[] => {
  const { codes, places, count } = skeleton;
  const found: Range[] = [];
  let hash = 0;
  for (let i = 0; i < count; i++) {
    hash = (Math.imul(hash, BASE) + (codes[i] as number)) | 0;
    if (i >= GRAM) hash = (hash - Math.imul(codes[i - GRAM] as number, BASE_TO_GRAM)) | 0;
    if (i < GRAM - 1 || filter[hash >>> (32 - FILTER_BITS)] === 0) continue;
    for (const { needle, at } of anchors.get(hash) ?? []) {
      const { letters, run } = needles[needle] as Needle;
      const begin = i - GRAM + 1;
      let before = 0;
      while (before < at && before < begin && letters[at - before - 1] === codes[begin - before - 1]) before++;
      let after = 0;
      while (at + after < letters.length && begin + after < count && letters[at + after] === codes[begin + after]) {
        after++;
      }
      if (before + after < run) continue;
      const last = places[begin + after - 1] as number;
      found.push({ start: places[begin - before] as number, end: last + (token(text, last) >> 8) });
    }
  }
  return found;
};

/** The letters and digits of a text, and where each stands in it. */
interface Skeleton {
  codes: Uint8Array;
  places: Uint32Array;
  count: number;
}

type Room = Pick<Skeleton, 'codes' | 'places'>;
const roomFor = (chars: number): Room => ({ codes: new Uint8Array(chars), places: new Uint32Array(chars) });

const skeletonOf = (text: string, { codes, places }: Room = roomFor(text.length)): Skeleton => {
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at);
    const kind = first < KIND.length ? KIND[first] : PACKING;
    // Nearly every character is one of these two.
    if (kind === PACKING) {
      at++;
      continue;
    }
    const read = kind === LETTER ? (1 << 8) | first : token(text, at);
    if ((read & 0xff) !== 0) {
      codes[count] = read;
      places[count++] = at;
    }
    at += read >> 8;
  }
  return { codes, places, count };
};

/** Reads one character or escape: its length, shifted by eight bits, and its letter or digit; 0 for packing. */
const token = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  if (KIND[code] === LETTER) return (1 << 8) | code;
  switch (code) {
    case DIGIT_ZERO:
      // 0x73, 0x6b: the digits of a byte without what announces them; within a word it announces nothing.
      if ((text.charCodeAt(at + 1) | 0x20) === LOWER_X && hexAt(text, at + 2, 2) >= 0 && !isInWord(text, at)) {
        return 2 << 8;
      }
      return (1 << 8) | code;
    case PERCENT:
      return escaped(hexAt(text, at + 1, 2), 3);
    case BACKSLASH:
      return backslashed(text, at);
    case AMPERSAND:
      return entity(text, at);
    case ESCAPE:
      return control(text, at);
    default:
      return 1 << 8;
  }
};

const isInWord = (text: string, at: number): boolean => {
  const before = text.charCodeAt(at - 1);
  return before === DIGIT_ZERO || KIND[before] === LETTER;
};

const escaped = (code: number, length: number): number => {
  if (code < 0) return 1 << 8;
  return (length << 8) | (code < 128 && isLetter(code) ? code : 0);
};

/** JSON in JSON doubles its backslashes with each layer. */
const backslashed = (text: string, at: number): number => {
  let end = at + 1;
  while (text.charCodeAt(end) === BACKSLASH && end - at < BACKSLASHES_MAX) end++;
  switch (text[end]) {
    case 'n':
    case 'r':
    case 't':
      return (end + 1 - at) << 8;
    case 'u':
      return hexAt(text, end + 1, 4) < 0 ? (end - at) << 8 : escaped(hexAt(text, end + 1, 4), end + 5 - at);
    case 'x':
      return hexAt(text, end + 1, 2) < 0 ? (end - at) << 8 : escaped(hexAt(text, end + 1, 2), end + 3 - at);
    default:
      return (end - at) << 8;
  }
};
const BACKSLASHES_MAX = 16;

const entity = (text: string, at: number): number => {
  if (text[at + 1] !== '#') return 1 << 8;
  const match = /^&#(?:x([0-9a-f]{1,4})|([0-9]{1,5}));/i.exec(text.slice(at, at + ENTITY_CHARS_MAX));
  if (!match) return 1 << 8;
  return escaped(match[1] ? Number.parseInt(match[1], 16) : Number(match[2]), match[0].length);
};
const ENTITY_CHARS_MAX = 10;

/** Colours of a terminal. */
const control = (text: string, at: number): number => {
  if (text[at + 1] !== '[') return 1 << 8;
  let end = at + 2;
  while (end - at < CONTROL_CHARS_MAX && /[0-9;?]/.test(text[end] ?? '')) end++;
  return (/[A-Za-z]/.test(text[end] ?? '') ? end + 1 - at : 1) << 8;
};
const CONTROL_CHARS_MAX = 20;

/** The number that so many hexadecimal digits stand for; -1 when one of them is none. */
const hexAt = (text: string, at: number, digits: number): number => {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const digit = HEX[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
};

const LETTER = 1;
const DIGIT_ZERO = 0x30;
const LOWER_X = 0x78;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const AMPERSAND = 0x26;
const ESCAPE = 0x1b;
const isLetter = (code: number): boolean => /[A-Za-z0-9]/.test(String.fromCharCode(code));
const PACKING = 0;
const BEGINS_ESCAPE = 2;
/** What a character is at first sight; the zero may announce a number. */
const KIND = Uint8Array.from({ length: 128 }, (_, code) => {
  if ([DIGIT_ZERO, PERCENT, BACKSLASH, AMPERSAND, ESCAPE].includes(code)) return BEGINS_ESCAPE;
  return isLetter(code) ? LETTER : PACKING;
});
const HEX = Int8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return digit;
});
