/**
 * Finds JSON documents in an output that holds other text as well: what tests print, banners of package managers,
 * a second report. Linear in the text but for a bounded number of false starts.
 */
export interface Found {
  /** Documents that parse, outermost only, in order. */
  values: unknown[];
  /** Where a document begins that has no end: the output was cut off. */
  unfinishedAt: number | undefined;
}

/** `starts`: a global pattern that matches at the bracket with which a document can begin. */
export const findJson = (text: string, starts: RegExp): Found => {
  const whole = parsed(text);
  if (whole !== undefined) return { values: [whole], unfinishedAt: undefined };

  const values: unknown[] = [];
  let unfinishedAt: number | undefined;
  let falseStarts = 0;
  const pattern = new RegExp(starts.source, starts.flags);
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const end = endOfValue(text, match.index);
    const value = end === undefined ? undefined : parsed(text.slice(match.index, end));
    if (value !== undefined && end !== undefined) {
      values.push(value);
      unfinishedAt = undefined;
      pattern.lastIndex = end;
      continue;
    }
    unfinishedAt ??= match.index;
    pattern.lastIndex = match.index + 1;
    falseStarts += 1;
    if (falseStarts >= FALSE_STARTS_MAX) break;
  }
  return { values, unfinishedAt };
};

/** Each costs a walk to the end of the text; an honest output has one or two. */
const FALSE_STARTS_MAX = 20;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;

/** Index after the bracket that closes the one at `start`; undefined when the text ends before. */
const endOfValue = (text: string, start: number): number | undefined => {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfString(text, i);
      if (end === undefined) return undefined;
      i = end;
    } else if (code === OPENING_BRACE || code === OPENING_BRACKET) depth += 1;
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return undefined;
};

const endOfString = (text: string, start: number): number | undefined => {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return undefined;
};
