import { stripVTControlCharacters } from 'node:util';

/**
 * How text gets into a prompt. A template holds `{{name}}` where a value goes; values are inserted as they are and
 * never looked at again, so no value can pull in another. Text from outside is wrapped as data first.
 */
export interface Template<K extends string = string> {
  /** Where the pieces of text and the placeholders follow each other. */
  pieces: readonly (string | { placeholder: K })[];
}

export interface TemplateFault {
  line: number;
  column: number;
  found: string;
  /** The name in the braces, when there is one. */
  placeholder?: string;
}

/** `\{{` stands for two braces that open nothing. */
export const parseTemplate = <K extends string>(
  text: string,
  known: readonly K[],
): { template: Template<K>; faults: TemplateFault[]; missing: K[] } => {
  const pieces: (string | { placeholder: K })[] = [];
  const faults: TemplateFault[] = [];
  let end = 0;
  const literal = (piece: string) => pieces.push(piece);
  for (const match of text.matchAll(/\\\{\{|\{\{(?:[ \t]*([A-Za-z][\w-]*)[ \t]*\}\})?/g)) {
    literal(text.slice(end, match.index));
    end = match.index + match[0].length;
    const [whole, name] = match;
    if (whole.startsWith('\\')) literal('{{');
    else if (name !== undefined && known.includes(name as K)) pieces.push({ placeholder: name as K });
    else {
      const before = text.slice(0, match.index).split('\n');
      const place = { line: before.length, column: before.at(-1)!.length + 1 };
      const opened = text.slice(match.index, match.index + 30).split('\n')[0]!;
      if (name === undefined) faults.push({ ...place, found: `${JSON.stringify(opened)}, which is no placeholder` });
      else faults.push({ ...place, found: `the unknown placeholder {{${name.slice(0, 40)}}}`, placeholder: name });
    }
  }
  literal(text.slice(end));
  const used = new Set(pieces.map((piece) => (typeof piece === 'string' ? undefined : piece.placeholder)));
  return {
    template: { pieces: pieces.filter((piece) => piece !== '') },
    faults,
    missing: known.filter((name) => !used.has(name)),
  };
};

export const fillPrompt = <K extends string>(template: Template<K>, values: Readonly<Record<K, string>>): string =>
  template.pieces.map((piece) => (typeof piece === 'string' ? piece : values[piece.placeholder])).join('');

/**
 * Wraps text that somebody else wrote, so that the model can tell it from its instructions: in a tag that nothing
 * inside can close, without characters that a person would not see, and cut in the middle when too long (a log's
 * cause stands at its beginning, its verdict at its end).
 */
export const asData = (name: string, text: string, maxChars: number): string =>
  `<data name="${attribute(name)}">\n${neutralise(cut(text, maxChars))}\n</data>`;

const cut = (text: string, maxChars: number): string => {
  // What is far too long is halved roughly before the expensive steps, so that no log costs more than its limit.
  const roughly = maxChars * 4;
  const long = text.length > roughly * 2;
  const first = visible(long ? text.slice(0, roughly) : text);
  if (!long && first.length <= maxChars) return first;
  const last = long ? visible(text.slice(-roughly)) : first;
  const headChars = Math.ceil(maxChars * HEAD_SHARE);
  const tailChars = maxChars - headChars;
  const head = first.slice(0, headChars).replace(/[\ud800-\udbff]$/, '');
  const tail = tailChars === 0 ? '' : last.slice(-tailChars).replace(/^[\udc00-\udfff]/, '');
  return `${head}\n[... about ${(text.length - maxChars).toLocaleString('en-US')} characters cut here ...]\n${tail}`;
};

/** How many characters of a text a model is not shown, beside the carriage returns of line ends. */
export const hiddenIn = (text: string): number => (text.replace(/\r/g, '').match(INVISIBLE) ?? []).length;

/** Words of a stranger as one line in which everything can be seen. */
export const oneLine = (text: string): string => visible(text).replace(/\s+/g, ' ').trim();

const HEAD_SHARE = 0.6;

/** Only what is plainly readable leaves this function; newlines are `\n`, tabs stay. */
export const visible = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(INVISIBLE, '');

/**
 * Control characters, format characters (bidi, zero width, tags), variation selectors and letters without a shape:
 * all of them have carried instructions that no reviewer saw.
 */
const INVISIBLE = /\p{Cf}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}|\u2800|(?![\t\n])\p{Cc}/gu;

/**
 * A backslash inside every tag that would close the data, and inside those to which Claude Code itself gives a
 * meaning. An opening tag closes nothing, and `Promise<Data>` is code that a session has to read as it is.
 */
const neutralise = (text: string): string =>
  text.replace(/([<\uff1c\ufe64])(?=\s*[/\uff0f]\s*data\b|\s*(?:[/\uff0f]\s*)?system-reminder\b)/giu, '$1\\');

const attribute = (name: string): string =>
  visible(name)
    .replace(/[^\p{L}\p{N} ._/:@#-]/gu, '_')
    .slice(0, 120);
