import { createHash } from 'node:crypto';
import type { Skill, SkillDraft } from '../model/skill.ts';
import { type Bag, bagOf, stemsOf } from './skill-words.ts';

/** Which skills fit a piece of work, which of those are withheld by lot, and which draft says what is known already. */

/** The library as bags of words, made once for as long as it stays the same. */
export interface SkillIndex {
  skills: readonly IndexedSkill[];
  /** In how many skills a stem stands; in a name or a description, since a body speaks of many things. */
  spread: ReadonlyMap<string, number>;
}

interface IndexedSkill {
  skill: Pick<Skill, 'name' | 'description' | 'body'>;
  /** Weighted counts: a name says more than a description, and that more than a body. */
  bag: Bag;
  length: number;
  head: ReadonlySet<string>;
  /** It says of itself that it is for any work. */
  general: boolean;
}

export const indexSkills = (skills: readonly Pick<Skill, 'name' | 'description' | 'body'>[]): SkillIndex => {
  const spread = new Map<string, number>();
  const indexed = skills.map((skill) => {
    const bag = bagOf(skill.name, NAME_WEIGHT);
    bagOf(skill.description, DESCRIPTION_WEIGHT, bag);
    const head = new Set(bag.keys());
    for (const each of head) spread.set(each, (spread.get(each) ?? 0) + 1);
    bagOf(skill.body, BODY_WEIGHT, bag);
    let length = 0;
    for (const count of bag.values()) length += count;
    return { skill, bag, length, head, general: GENERAL.test(skill.description) };
  });
  return { skills: indexed, spread };
};

const NAME_WEIGHT = 3;
const DESCRIPTION_WEIGHT = 2;
const BODY_WEIGHT = 0.3;
const GENERAL =
  /\b(?:any|every|all|each|always)\b[^.;]{0,40}\b(?:changes?|tasks?|work|commits?|edits?|plans?|code|repositor(?:y|ies)|projects?|cycles?)\b/i;

/** What a cycle is about, as far as it is known before it is planned. */
export interface Work {
  /** The task that is given, else the session's focus. */
  text: string;
  /** Standing instructions and whatever else colours the work. */
  around: string;
  /** What is red: files, tests, codes and messages. */
  failing: string;
}

/**
 * Names of the skills that fit, best first, at most so many. BM25 (Robertson and Zaragoza, "The probabilistic relevance
 * framework", 2009) over weighted fields; those that are for any work come last, where there is room.
 */
export const selectSkills = (index: SkillIndex, work: Work, max: number): string[] => {
  const query = bagOf(work.text, TEXT_WEIGHT);
  for (const [each, count] of bagOf(work.failing))
    query.set(each, (query.get(each) ?? 0) + Math.min(count, 3) * FAILING_WEIGHT);
  for (const [each] of bagOf(work.around)) query.set(each, (query.get(each) ?? 0) + AROUND_WEIGHT);
  const weights = [...query].map(([each, asked]): [string, number] => [each, Math.min(asked, 2) * rarity(index, each)]);
  const scored = index.skills.map((known) => ({ known, score: scoreOf(known, weights) }));
  const best = scored.reduce((top, { score }) => Math.max(top, score), 0);
  const fits = scored
    .filter(({ score }) => score >= FITS_MIN && score >= best * FITS_SHARE)
    .sort((a, b) => b.score - a.score || order(a.known.skill.name, b.known.skill.name));
  const chosen = fits.slice(0, max).map(({ known }) => known.skill.name);
  const general = index.skills.filter((known) => known.general).map(({ skill }) => skill.name);
  return [...new Set([...chosen, ...general.sort(order)])].slice(0, max);
};

const TEXT_WEIGHT = 1;
const FAILING_WEIGHT = 0.35;
const AROUND_WEIGHT = 0.25;
/** Found on a labelled table of work and skills (test/policy/skills.test.ts): below it a word is shared by accident. */
const FITS_MIN = 1.45;
/** What is so much worse than the best is its neighbour, not its like. */
const FITS_SHARE = 0.3;

/** Usual values of BM25. */
const SATURATION = 1.2;
const LENGTH_SHARE = 0.5;
/** Weighted words of a middling skill; a library of one has no mean to compare with. */
const LENGTH_USUAL = 60;

const scoreOf = (known: IndexedSkill, weights: readonly [stem: string, weight: number][]): number => {
  const norm = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * known.length) / LENGTH_USUAL);
  let score = 0;
  for (const [each, weight] of weights) {
    const count = known.bag.get(each);
    if (count !== undefined) score += weight * ((count * (SATURATION + 1)) / (count + norm));
  }
  return score;
};

/**
 * Inverse document frequency, as if there were some more skills in which the words of the trade stand in every other
 * and any other word in almost none: in a library of three, counting alone says nothing.
 */
const rarity = (index: SkillIndex, each: string): number => {
  const seen = (index.spread.get(each) ?? 0) + PRIOR_SKILLS * (TRADE.has(each) ? 0.25 : 0.02);
  const all = index.skills.length + PRIOR_SKILLS;
  return Math.log(1 + (all - seen + 0.5) / (seen + 0.5)) / Math.log(1 + (all + 0.5) / 0.5);
};

const PRIOR_SKILLS = 25;
/** Stems that stand in nearly every description of work on code. */
const TRADE: ReadonlySet<string> = new Set(
  stemsOf(
    `add avoid bad better branch break bug build call case change check class clean code commit create description
describe do error fail failing file find fix function get give good handle help improve issue keep line look make mend
method missing module name need new old pass plan problem project read remove replace repository return right run set
show simplify small source start step task test thing time try type update value whenever wherever work write wrong`,
  ),
);

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Whether a skill that fits is withheld from a cycle, so that its effect can be told: a lot that is the same however
 * often it is drawn.
 */
export const isWithheld = (cycle: string, skill: string, share: number): boolean => {
  const lot = createHash('sha256').update(`${cycle}\n${skill}`).digest().readUIntBE(0, 6) / 2 ** 48;
  return lot < share;
};

export interface Likeness {
  name: string;
  /** 0 to 1. */
  likeness: number;
}

/**
 * The skill that a draft repeats, by its meaning: the cosine of the words of name, description and body, each weighted
 * by how rarely it is used in the library, or of name and description alone where the two bodies differ only in length.
 */
export const duplicateOf = (index: SkillIndex, draft: SkillDraft): Likeness | undefined => {
  const own = vectorsOf(index, draft);
  let best: Likeness | undefined;
  for (const { skill } of index.skills) {
    const named = skill.name === draft.name;
    // The name is the same: whether it is the same technique, the rest has to say.
    const likeness = named
      ? likenessOf(vectorsOf(index, { ...draft, name: '' }), vectorsOf(index, { ...skill, name: '' }))
      : likenessOf(own, vectorsOf(index, skill));
    if (likeness >= (named ? ALIKE_NAMED_MIN : ALIKE_MIN) && likeness > (best?.likeness ?? 0))
      best = { name: skill.name, likeness };
  }
  return best;
};

/** Found on a labelled table of pairs (test/policy/skills.test.ts). */
const ALIKE_MIN = 0.45;
const ALIKE_NAMED_MIN = 0.2;
const HEAD_SHARE = 0.6;

interface Vectors {
  head: Bag;
  whole: Bag;
}

const vectorsOf = (index: SkillIndex, { name, description, body }: SkillDraft): Vectors => {
  const head = bagOf(`${name} ${description}`);
  return { head: weigh(index, head), whole: weigh(index, bagOf(body, 0.5, new Map(head))) };
};

const weigh = (index: SkillIndex, bag: Bag): Bag =>
  new Map([...bag].map(([each, count]) => [each, (1 + Math.log(1 + count)) * rarity(index, each)]));

const likenessOf = (a: Vectors, b: Vectors): number =>
  HEAD_SHARE * cosine(a.head, b.head) + (1 - HEAD_SHARE) * cosine(a.whole, b.whole);

const cosine = (a: Bag, b: Bag): number => {
  let dot = 0;
  for (const [each, weight] of a) dot += weight * (b.get(each) ?? 0);
  const size = (bag: Bag) => Math.hypot(...bag.values());
  const sizes = size(a) * size(b);
  return sizes === 0 ? 0 : dot / sizes;
};
