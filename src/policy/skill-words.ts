/** Texts as bags of stems: how skills are compared with work and with each other. */

export type Bag = Map<string, number>;

/** Words of prose and of code: `parseTree`, `parse_tree`, `parsing trees` and `src/parse/tree.ts` meet in their stems. */
export const stemsOf = (text: string): string[] => {
  const stems: string[] = [];
  for (const [word] of text.normalize('NFKC').matchAll(WORD)) {
    for (const part of word.replace(CAMEL, '$1 $2').toLowerCase().split(' ')) {
      if (part.length < WORD_MIN || STOP.has(part)) continue;
      stems.push(stem(part));
    }
  }
  return stems;
};

export const bagOf = (text: string, weight = 1, into: Bag = new Map()): Bag => {
  for (const each of stemsOf(text)) into.set(each, (into.get(each) ?? 0) + weight);
  return into;
};

const WORD = /[\p{L}\p{N}]+/gu;
const CAMEL = /(\p{Ll}|\p{N})(\p{Lu})/gu;
const WORD_MIN = 2;

/**
 * A light stemmer for English after Harman's "How effective is suffixing?" (JASIS 42, 1991): plurals, -ing, -ed, -ly,
 * -er, -ion and -ment. It is wrong on some words, but on both sides of a comparison in the same way.
 */
export const stem = (word: string): string => {
  let root = word;
  if (/[^aeiou]ies$/.test(root) && root.length > 4) root = `${root.slice(0, -3)}y`;
  else if (/(?:ss|sh|ch|x|z)es$/.test(root)) root = root.slice(0, -2);
  else if (/[^su]s$/.test(root) && root.length > 3) root = root.slice(0, -1);
  for (const [suffix, keep] of SUFFIXES) {
    if (!root.endsWith(suffix) || root.length - suffix.length < keep) continue;
    root = root.slice(0, -suffix.length);
    // running -> run, but passing -> pass
    if (/([bdfgklmnprt])\1$/.test(root)) root = root.slice(0, -1);
    break;
  }
  if (root.length > 4 && root.endsWith('e')) root = root.slice(0, -1);
  return root.length > 4 && root.endsWith('y') ? `${root.slice(0, -1)}i` : root;
};

/** With how many letters must stay. */
const SUFFIXES: readonly (readonly [suffix: string, keep: number])[] = [
  ['ations', 3],
  ['ation', 3],
  ['ating', 5],
  ['ated', 5],
  ['ates', 5],
  ['ate', 5],
  ['ments', 4],
  ['ment', 4],
  ['ness', 4],
  ['ingly', 4],
  ['ings', 3],
  ['ing', 3],
  ['edly', 4],
  ['ions', 4],
  ['ion', 4],
  ['ers', 4],
  ['er', 4],
  ['ed', 3],
  ['ly', 4],
];

/** Words that stand in every text and tell none from another. */
const STOP: ReadonlySet<string> = new Set(
  `a about after again all also always an and any are as at be because been before being below both but by can could did
do does doing don down each few for from further had has have having here how if in into is it its itself just like may
me more most must my no nor not now of off on once one only or other our out over own same shall should so some such
than that the their them then there these they this those through to too under until up use used uses using very via was
we were what when where which while who whom why will with without would you your
it s t re ll ve etc eg ie`.split(/\s+/),
);
