/**
 * Words of a text as they are compared and searched for: two people who mean the same write `Fixes parsing of lists`
 * and `Fix the list parser`, and a name in the code is found by its parts.
 */

/** Longer runs of letters and digits are hashes, keys and packed data: nobody searches for them. */
const WORD_MAX_CHARS = 40;

/**
 * The words of a text by their stems, each once, in the order in which they stand; at most `max` of them.
 * A name such as `parseList` counts as itself and as its parts.
 */
export const stemsOf = (text: string, max: number): Set<string> => {
  const stems = new Set<string>();
  const add = (word: string) => {
    if (word.length <= WORD_MAX_CHARS && stems.size < max) stems.add(stemOf(word.toLowerCase()));
  };
  const isPlain = !BEYOND_ASCII.test(text);
  const [runs, partsOfRun] = isPlain ? [PLAIN_RUNS, PLAIN_PARTS] : [RUNS, PARTS];
  for (const [run] of (isPlain ? text : text.normalize('NFKC')).matchAll(runs)) {
    if (stems.size >= max) break;
    const parts = run.match(partsOfRun) ?? [];
    if (parts.length > 1) for (const part of parts) add(part);
    add(run);
  }
  return stems;
};

const RUNS = /[\p{L}\p{N}\p{M}]+/gu;
/** `HTTPServer2` is HTTP, Server2. */
const PARTS = /\p{Lu}+(?![\p{Ll}\p{M}])[\p{N}]*|\p{Lu}?[\p{Ll}\p{M}\p{N}]+|[\p{Lo}\p{Lt}\p{Lm}\p{M}\p{N}]+/gu;

/** The same for texts without other letters, as most are: to make the classes of Unicode ready takes a process 50 ms. */
const PLAIN_RUNS = /[A-Za-z0-9]+/g;
const PLAIN_PARTS = /[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z0-9]+/g;
const BEYOND_ASCII = /[^\x00-\x7f]/;

/**
 * Without the endings of number and tense, by the few rules that hold for nearly every English word: a stemmer that
 * goes further takes `universe` and `university` for one. Words of other languages stay as they are.
 */
export const stemOf = (word: string): string => {
  if (!/^[a-z]{4,}$/.test(word)) return SAME_AS[word] ?? word;
  const bare = withoutTense(withoutNumber(word));
  // Of a short word it is a part: note is no not.
  const stem = bare.length > 4 ? bare.replace(/e$/, '') : bare;
  return SAME_AS[stem] ?? stem;
};

const withoutNumber = (word: string): string => {
  if (/(?:ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
};

const withoutTense = (word: string): string => {
  const bare = /^(.*[aeiouy].*)(?:ing|ed)$/.exec(word)?.[1];
  if (bare === undefined || bare.length < 3) return word;
  // dropped -> drop, but falling -> fall, and adding -> add.
  return bare.length > 3 && /([bdfgmnprt])\1$/.test(bare) ? bare.slice(0, -1) : bare;
};

/** What titles of commits say in several ways, by stems. */
const SAME_AS: Readonly<Record<string, string>> = Object.assign(
  Object.create(null) as Record<string, string>,
  Object.fromEntries(
    [
      ['fix', 'repair', 'correct', 'mend', 'resolv', 'bugfix'],
      ['add', 'introduc', 'creat', 'implement', 'writ'],
      ['remov', 'delet', 'drop', 'eliminat'],
      ['sort', 'order'],
      ['use', 'used', 'using', 'us', 'utiliz', 'utilis'],
      ['renam', 'retitl'],
      ['refactor', 'restructur', 'reorganiz', 'reorganis', 'rework'],
      ['updat', 'upgrad', 'bump'],
      ['list', 'array'],
      ['function', 'func', 'fn'],
      ['doc', 'documentation', 'document'],
      ['error', 'err', 'exception'],
      ['argument', 'arg', 'parameter', 'param'],
      ['check', 'validat', 'verify'],
      ['parser', 'pars'],
    ].flatMap(([first, ...others]) => others.map((other) => [other, first as string])),
  ),
);

/** Words that say nothing about what a text is about. */
const EMPTY: ReadonlySet<string> = new Set(
  'a an the of in on at to for from by with and or as is are be was it its this that these those so when while into than then if no we i their each every also'
    .split(' ')
    .map(stemOf),
);

/** The stems that carry the meaning of a text. */
export const meaningOf = (text: string, max: number): Set<string> =>
  new Set([...stemsOf(text, max)].filter((stem) => !EMPTY.has(stem)));

/** Jaccard index of what two texts are about, 0 to 1; texts that say nothing are alike when they are the same. */
export const similarity = (a: string, b: string): number => {
  const [left, right] = [meaningOf(a, SIMILAR_WORDS_MAX), meaningOf(b, SIMILAR_WORDS_MAX)];
  if (left.size === 0 && right.size === 0) return a.trim() === b.trim() ? 1 : 0;
  const common = [...left].filter((word) => right.has(word)).length;
  return common / (left.size + right.size - common);
};

const SIMILAR_WORDS_MAX = 1_000;
