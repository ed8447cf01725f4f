/**
 * A long text in parts that each stand for themselves: cut between paragraphs, else between lines, else between words.
 * Lines of three backticks hold what is shown as it is (code, a diff); cut inside, it is closed and opened again.
 */
export const splitText = (text: string, maxChars: number): string[] => {
  const parts: string[] = [];
  let part: string[] = [];
  let fenced = false;
  const room = maxChars - FENCE_ROOM;
  for (const line of text.split('\n').flatMap((whole) => cutLine(whole, room))) {
    if (part.length > 0 && lengthOf(part) + 1 + line.length > room) {
      const rest = fenced ? [] : paragraphAtEnd(part, room - line.length - 1);
      parts.push([...part, ...(fenced ? [FENCE] : [])].join('\n'));
      part = fenced ? [FENCE, ...rest] : rest;
    }
    part.push(line);
    if (line === FENCE) fenced = !fenced;
  }
  return [...parts, part.join('\n')].map((each) => each.replace(/^\n+|\s+$/g, '')).filter((each) => each !== '');
};

export const FENCE = '```';

/** To close and to open again. */
const FENCE_ROOM = 2 * (FENCE.length + 1);

const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 1, -1);

/** Takes the last paragraph out, unless it is too long or leaves a part of less than half of what it was. */
const paragraphAtEnd = (part: string[], maxChars: number): string[] => {
  const gap = part.lastIndexOf('');
  if (gap === -1) return [];
  const paragraph = part.slice(gap);
  const tooMuch = lengthOf(paragraph) > maxChars || lengthOf(part.slice(0, gap)) < lengthOf(part) / 2;
  // What is shown as it is stays in one piece with its marks.
  return tooMuch || paragraph.includes(FENCE) ? [] : part.splice(gap);
};

const cutLine = (line: string, maxChars: number): string[] => {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > maxChars) {
    const space = rest.lastIndexOf(' ', maxChars);
    const end = space > maxChars / 2 ? space : wholeCharacters(rest, maxChars);
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  // What is left of a longer line is no mark.
  return [...pieces, pieces.length > 0 && rest === FENCE ? ` ${FENCE}` : rest];
};

/** Half of a pair of surrogates is no character. */
const wholeCharacters = (text: string, end: number): number => (/[\ud800-\udbff]/.test(text[end - 1]!) ? end - 1 : end);
