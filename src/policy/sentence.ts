import { hiddenIn, visible } from './placeholders.ts';

/**
 * A message as the bot reads it: its words without case, accents, pictures and politeness, and whatever tells an order
 * from a question or from somebody else's words.
 */
export interface Sentence {
  /** Folded; `What's up, please?` is what, 's, up. */
  words: readonly string[];
  /** Everything that was typed, and where in it each word stands. */
  typed: readonly string[];
  places: readonly number[];
  /** Ends in a question mark and does not ask politely for a deed. */
  asks: boolean;
  /** Nothing but a greeting. */
  greets: boolean;
  /** Holds characters that nobody sees beside those that belong to pictures. */
  hides: boolean;
}

/** A phone's screen of text is no order; what is longer belongs behind `task:`. */
const SENTENCE_MAX_CHARS = 300;
const WORDS_MAX = 24;

/**
 * Undefined: too long, of several lines, or with a quotation, so that it is not plainly one sentence of its own.
 * @param names folded; words that are somebody's name are never left out
 */
export const parseSentence = (text: string, names: ReadonlySet<string> = NO_NAMES): Sentence | undefined => {
  if (text.length > SENTENCE_MAX_CHARS) return undefined;
  const hides = hiddenIn(text.replace(PICTURE_PARTS, '')) > 0;
  const seen = visible(text).replace(PICTURES, ' ').trim();
  if (seen.includes('\n') || QUOTED.test(seen)) return undefined;
  const typed = seen.split(/\s+/);
  const words: string[] = [];
  const places: number[] = [];
  for (const [place, raw] of typed.entries()) {
    for (const word of piecesOf(raw).map(foldWord)) {
      // In a group a bot is called by its name, which always ends so.
      if (word === '' || /^@\w*bot$/.test(word)) continue;
      words.push(word);
      places.push(place);
    }
  }
  if (words.length > WORDS_MAX) return undefined;
  const { from, polite } = withoutPoliteness(words);
  const kept = words.map((word, n) => n >= from && (!FILLERS.has(word) || names.has(word)));
  return {
    words: words.filter((_, n) => kept[n]),
    typed,
    places: places.filter((_, n) => kept[n]),
    asks: /[?？]\s*$/.test(seen) && !polite,
    greets: words.length > 0 && words.every((word) => GREETINGS.has(word)),
    hides,
  };
};

const NO_NAMES: ReadonlySet<string> = new Set();
const GREETINGS: ReadonlySet<string> = new Set('hey hi hello hallo moin servus there bot winnow'.split(' '));

/** What somebody else said, or what a person only speaks about. */
const QUOTED = /["„“”«»‹›`]|(?:^|\s)['‘’][^'‘’]+['‘’](?=[\s.,!?]|$)|^\s*>/;

/** A variation selector and a joiner are parts of pictures and hide nothing. */
const PICTURE_PARTS = /[\ufe0e\ufe0f\u200d]/g;
const PICTURES = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\u{1f1e6}-\u{1f1ff}]|\u20e3/gu;

/** Small letters without accents: who types on a phone leaves them out. */
export const foldWord = (word: string): string =>
  word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');

/** `What's` is what, 's; `don't` is do, not. Punctuation around a word goes, within names it stays. */
const piecesOf = (raw: string): string[] => {
  const bare = raw.replace(/[’‘´`]/g, "'").replace(/^[^\p{L}\p{N}#@/]+|[^\p{L}\p{N}]+$/gu, '');
  const joined = JOINED[foldWord(bare)];
  if (joined) return joined;
  const negated = /^(.+)n't$/i.exec(bare);
  if (negated) return [negated[1]!, 'not'];
  const shortened = /^(.+)'(s|re|ve|ll|d|m)$/i.exec(bare);
  return shortened ? [shortened[1]!, `'${shortened[2]}`] : [bare];
};

/** What is written in one word by whoever leaves out the apostrophe. */
const JOINED: Readonly<Record<string, string[]>> = Object.assign(Object.create(null) as Record<string, string[]>, {
  ...{ whats: ['what', "'s"], hows: ['how', "'s"], wheres: ['where', "'s"], whys: ['why', "'s"], whos: ['who', "'s"] },
  ...{ lets: ['let', "'s"], thats: ['that', "'s"], its: ['it', "'s"], theres: ['there', "'s"] },
  ...{ dont: ['do', 'not'], doesnt: ['does', 'not'], didnt: ['did', 'not'], isnt: ['is', 'not'], cant: ['can', 'not'] },
  ...{ "can't": ['can', 'not'], "won't": ['will', 'not'], wont: ['will', 'not'], cannot: ['can', 'not'] },
  ...{ shouldnt: ['should', 'not'], wouldnt: ['would', 'not'] },
  ...{
    laufts: ['lauft', "'s"],
    gehts: ['geht', "'s"],
    gibts: ['gibt', "'s"],
    wirds: ['wird', "'s"],
    wars: ['war', "'s"],
  },
});

/** Words that change nothing of what is meant, wherever they stand. */
const FILLERS: ReadonlySet<string> = new Set(
  [
    'please pls plz thanks thx just currently actually quickly really now then so well ok okay hey hi hello bot winnow',
    'a an the there right',
    'bitte danke mal denn eigentlich gerade grade jetzt kurz schnell doch halt eben also so na hallo moin servus',
    'der die das den dem des ein eine einen einer eines',
  ]
    .join(' ')
    .split(' ')
    // To halt is an order, too.
    .filter((word) => word !== 'halt'),
);

/** `Can you …?` asks for a deed; `would you …?` and `can we …?` may ask for an opinion. */
const POLITE: readonly (readonly string[])[] = [
  ['can you', 'could you', 'will you', 'you can', 'i want you to', 'i need you to', "i 'd like you to"],
  ['i would like you to', "let 's", 'go ahead and', 'kannst du', 'konntest du', 'lass uns', 'du kannst'],
  ['ich mochte', 'ich will'],
]
  .flat()
  .map((phrase) => phrase.split(' '));

export const isFiller = (word: string): boolean => FILLERS.has(word);

const withoutPoliteness = (words: readonly string[]): { from: number; polite: boolean } => {
  let from = 0;
  while (from < words.length && FILLERS.has(words[from]!)) from += 1;
  const phrase = POLITE.find((parts) => parts.every((part, n) => words[from + n] === part));
  return phrase ? { from: from + phrase.length, polite: true } : { from, polite: false };
};
