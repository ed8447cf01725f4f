import { editDistance } from '../base/nearest.ts';
import type { Hearing } from './hearing.ts';
import { foldWord, isFiller, type Sentence } from './sentence.ts';

/**
 * How people may say a thing, one way a line: `how is|are they [doing]`, `pause <session>`. A way covers a sentence from
 * its first word to its last or not at all: what else stands there may be what the sentence is really about.
 */
export interface Pattern {
  pieces: readonly Piece[];
}

export type Piece = { words: ReadonlySet<string>; optional: boolean } | { slot: SlotName; arg: string };

/** What a slot takes, and by which name of an argument it is known. */
const SLOTS = {
  session: 'session',
  /** A branch by its name, by the end of it, or as the last one. */
  ref: 'branch',
  /** The same of those that a person may still decide on. */
  open: 'branch',
  task: 'task',
  skill: 'skill',
  count: 'count',
  /** Some words that name no other session. */
  any: '',
  /** Everything up to the end, as it was typed. */
  rest: 'reason',
  text: 'text',
} as const;
type SlotName = keyof typeof SLOTS;

export const parsePattern = (line: string): Pattern => ({
  pieces: line.split(' ').flatMap((piece): Piece[] => {
    const slot = /^<(\w+)>$/.exec(piece)?.[1] as SlotName | undefined;
    if (slot !== undefined) {
      if (!Object.hasOwn(SLOTS, slot)) throw new Error(`${line}: there is no slot ${slot}`);
      return [{ slot, arg: SLOTS[slot] }];
    }
    const bracketed = piece.startsWith('[');
    const words = (bracketed ? piece.slice(1, -1) : piece).split('|').map(foldWord);
    // A sentence has lost these as well.
    if (words.every(isFiller)) return [];
    const optional = bracketed || words.some(isFiller);
    return [{ words: new Set(words.flatMap((word) => [word, ...(SHORT[word] ?? [])])), optional }];
  }),
});

/** How a word is written where it is drawn together with the one before it. */
const SHORT: Readonly<Record<string, string[]>> = { is: ["'s"], has: ["'s"], es: ["'s"], are: ["'re"], have: ["'ve"] };

export const wordsOf = ({ pieces }: Pattern): string[] =>
  pieces.flatMap((piece) => ('words' in piece ? [...piece.words] : []));

export interface Matching {
  sentence: Sentence;
  hearing: Hearing;
  /** Whether a word may stand for one of the pattern. */
  isMeant: (typed: string, words: ReadonlySet<string>) => boolean;
}

/** The arguments that the sentence gives; undefined when the pattern does not cover all of it. */
export const matchPattern = (pattern: Pattern, matching: Matching): Record<string, string> | undefined =>
  matchFrom(pattern.pieces, 0, 0, matching);

const matchFrom = (
  pieces: readonly Piece[],
  at: number,
  word: number,
  matching: Matching,
): Record<string, string> | undefined => {
  const piece = pieces[at];
  const { words } = matching.sentence;
  if (piece === undefined) return word === words.length ? {} : undefined;
  if ('words' in piece) {
    const typed = words[word];
    if (typed !== undefined && matching.isMeant(typed, piece.words)) {
      const rest = matchFrom(pieces, at + 1, word + 1, matching);
      if (rest) return rest;
    }
    return piece.optional ? matchFrom(pieces, at + 1, word, matching) : undefined;
  }
  for (const { length, value } of TAKES[piece.slot](word, matching)) {
    const rest = matchFrom(pieces, at + 1, word + length, matching);
    if (rest) return value === '' ? rest : { [piece.arg]: value, ...rest };
  }
  return undefined;
};

interface Taken {
  /** Words. */
  length: number;
  value: string;
}

const ANY_WORDS_MAX = 7;

/** Never a name that is not there: nothing is guessed. */
const TAKES: Record<SlotName, (word: number, matching: Matching) => Taken[]> = {
  session: (at, { sentence, hearing }) => one(sessionAt(hearing, sentence.words[at])),
  ref: (at, { sentence, hearing }) =>
    refsAt(sentence.words, at, hearing.branches, [...hearing.branches.map(({ branch }) => branch), ...hearing.closed]),
  open: (at, { sentence, hearing }) => {
    const decidable = hearing.branches.filter(({ state }) => state === 'pending' || state === 'needs-human');
    const names = decidable.map(({ branch }) => branch);
    const refs = refsAt(sentence.words, at, decidable, names);
    const [only] = names;
    // A word that points at something is plain when there is one thing to point at.
    if (only !== undefined && names.length === 1 && POINTING.has(sentence.words[at] ?? ''))
      refs.push({ length: 1, value: only });
    const own = sessionAt(hearing, sentence.words[at]);
    const ofSession = decidable.filter(({ session }) => session === own);
    if (ofSession.length === 1) refs.push({ length: 1, value: ofSession[0]!.branch });
    return refs;
  },
  task: (at, { sentence, hearing }) => {
    const [word = '', next = ''] = [sentence.words[at], sentence.words[at + 1]];
    const end = word.replace(/^#/, '');
    const found = hearing.tasks.filter(({ task }) => task.toLowerCase().endsWith(end));
    if (end.length >= NAME_END_MIN && found.length === 1) return [{ length: 1, value: found[0]!.task }];
    const newest = hearing.tasks.at(-1);
    if (newest === undefined || !LAST.has(word)) return [];
    return TASK_WORDS.has(next) ? [{ length: 2, value: newest.task }] : [];
  },
  skill: (at, { sentence, hearing }) => one(hearing.skills.find((name) => name === sentence.words[at])),
  count: (at, { sentence }) => one(/^[1-9]\d{0,2}$/.exec(sentence.words[at] ?? '')?.[0]),
  any: (at, { sentence, hearing }) => {
    const others = sentence.words.slice(at);
    const isPlain = others.length <= ANY_WORDS_MAX && others.every((word) => sessionAt(hearing, word) === undefined);
    return isPlain && others.length > 0 ? [{ length: others.length, value: '' }] : [];
  },
  rest: (at, { sentence }) => restAt(sentence, at),
  text: (at, { sentence }) => restAt(sentence, at),
};

/** With the words that change nothing elsewhere, and the marks between them. */
const restAt = ({ words, typed, places }: Sentence, at: number): Taken[] => {
  const from = at === 0 ? 0 : places[at - 1]! + 1;
  const value = typed.slice(from).join(' ');
  return at < words.length && value !== '' ? [{ length: words.length - at, value }] : [];
};

const one = (value: string | undefined): Taken[] => (value === undefined ? [] : [{ length: 1, value }]);

export const sessionAt = ({ sessions }: Pick<Hearing, 'sessions'>, word: string | undefined): string | undefined =>
  word === undefined ? undefined : sessions.find((name) => foldWord(name) === word);

/** Shorter ends are words. */
const NAME_END_MIN = 4;

const POINTING: ReadonlySet<string> = new Set(['it', 'this', 'that', 'ihn', 'dies', 'diesen']);
const LAST: ReadonlySet<string> = new Set(
  'last latest newest letzte letzten letzter letztes neueste neuesten neuester jungste jungsten'.split(' '),
);
const THINGS: ReadonlySet<string> = new Set('one branch change pr aenderung anderung branches'.split(' '));
const TASK_WORDS: ReadonlySet<string> = new Set(['task', 'job', 'todo', 'aufgabe']);
const OF: ReadonlySet<string> = new Set(['of', 'by', 'from', 'von']);

/** A name, the last one, alpha’s branch, the branch of alpha. */
const refsAt = (words: readonly string[], at: number, open: Hearing['branches'], names: readonly string[]): Taken[] => {
  const [first = '', second = '', third = ''] = words.slice(at, at + 3);
  const refs: Taken[] = [];
  const named = branchNamed(names, first);
  if (named !== undefined) refs.push({ length: 1, value: named });
  const newest = open.at(-1)?.branch;
  if (newest !== undefined && LAST.has(first)) {
    if (THINGS.has(second)) refs.push({ length: 2, value: newest });
    refs.push({ length: 1, value: newest });
  }
  const ofSession = (word: string, length: number) => {
    const own = open.filter(({ session }) => session !== '' && foldWord(session) === word);
    if (own.length === 1) refs.push({ length, value: own[0]!.branch });
  };
  if (second === "'s" && THINGS.has(third)) ofSession(first, 3);
  if (THINGS.has(second) && first.endsWith('s')) ofSession(first.slice(0, -1), 2);
  if (THINGS.has(first) && OF.has(second)) ofSession(third, 3);
  if (THINGS.has(first)) {
    const after = branchNamed(names, second);
    if (after !== undefined) refs.push({ length: 2, value: after });
  }
  return refs;
};

/** By its whole name, or by an end that no other has and that is no common word. */
export const branchNamed = (names: readonly string[], word: string): string | undefined => {
  const exact = names.find((name) => name.toLowerCase() === word);
  if (exact !== undefined || word.length < NAME_END_MIN || !/[\d/]/.test(word)) return exact;
  const byEnd = names.filter((name) => name.toLowerCase().endsWith(word));
  return byEnd.length === 1 ? byEnd[0] : undefined;
};

/** Shorter words differ by a letter without a slip. */
const TYPO_MIN_CHARS = 5;

/** One slip of the thumb, in a word of plain letters that begins right. */
export const isTypo = (typed: string, word: string): boolean =>
  typed[0] === word[0] &&
  word.length >= TYPO_MIN_CHARS &&
  Math.abs(typed.length - word.length) <= 1 &&
  /^[a-z]+$/.test(typed) &&
  editDistance(typed, word) === 1;

/** The same, and not at the end, where a letter makes a report of an order: approve, approved. */
export const isPlainTypo = (typed: string, word: string): boolean =>
  isTypo(typed, word) && typed.slice(-2) === word.slice(-2);
