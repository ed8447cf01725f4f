import type { Intent } from '../model/bot.ts';
import type { BotSkillDraft } from '../model/bot-skill.ts';
import { PREAMBLES, SAYINGS, type Saying } from './bot-rules.ts';
import { askedBySkill } from './bot-skills.ts';
import { isView } from './ground.ts';
import type { Hearing } from './hearing.ts';
import { isPlainTypo, isTypo, matchPattern, type Pattern, parsePattern, wordsOf } from './pattern.ts';
import { visible } from './placeholders.ts';
import { foldWord, parseSentence, type Sentence } from './sentence.ts';

/**
 * What a message in free words asks for, by rules and by bot skills. A rule covers the whole sentence or does not
 * apply: an order amid other words, in quotation marks, with a negation or as a question is not carried out. Nothing is
 * guessed: who is not in the hearing cannot be meant, and what is not understood is left to others.
 */
export interface Understood {
  by: 'rule' | 'skill';
  /** Name of the bot skill. */
  skill?: string;
  intent: Intent;
}

export const understand = (
  text: string,
  skills: readonly BotSkillDraft[],
  hearing: Hearing,
): Understood | undefined => {
  // Commands have a parser of their own, which says what is wrong with them.
  if (text.trimStart().startsWith('/')) return undefined;
  const intent = askedByRule(text, hearing);
  if (intent) return { by: 'rule', intent };
  const found = askedBySkill(text, skills, hearing);
  return found && { by: 'skill', ...found };
};

const askedByRule = (text: string, hearing: Hearing): Intent | undefined => {
  const task = taskIn(text, hearing);
  if (task !== undefined) return task === '' ? undefined : { action: 'task', args: { text: task } };
  const sentence = parseSentence(text, new Set(hearing.sessions.map(foldWord)));
  if (!sentence) return undefined;
  if (sentence.greets) return { action: 'help', args: {} };
  if (sentence.words.length === 0) return undefined;
  return asked(sentence, hearing, false) ?? asked(withoutPreamble(sentence), hearing, true);
};

const asked = (sentence: Sentence | undefined, hearing: Hearing, onlyViews: boolean): Intent | undefined => {
  if (!sentence) return undefined;
  const slips = slipsOf(sentence);
  for (const { action, args = {}, patterns } of RULES) {
    const isOrder = !isView(action);
    if (isOrder && (sentence.asks || onlyViews)) continue;
    if (isOrder && sentence.hides) continue;
    const isMeant = (typed: string, words: ReadonlySet<string>): boolean =>
      words.has(typed) ||
      (slips.get(typed) ?? []).some((word) => words.has(word) && (!isOrder || isPlainTypo(typed, word)));
    for (const pattern of patterns) {
      const given = matchPattern(pattern, { sentence, hearing, isMeant });
      if (given) return { action, args: { ...args, ...given } };
    }
  }
  return undefined;
};

/** What each word that no rule knows may have been meant for. */
const slipsOf = ({ words }: Sentence): Map<string, string[]> =>
  new Map(
    words
      .filter((typed) => !VOCABULARY.has(typed))
      .map((typed) => [typed, [...VOCABULARY].filter((word) => isTypo(typed, word))]),
  );

const RULES: readonly (Pick<Saying, 'action' | 'args'> & { patterns: readonly Pattern[] })[] = SAYINGS.map(
  ({ ways, ...saying }) => ({ ...saying, patterns: ways.map(parsePattern) }),
);

/** A word that people use is no slip of another one. */
const VOCABULARY: ReadonlySet<string> = new Set(RULES.flatMap(({ patterns }) => patterns.flatMap(wordsOf)));

const withoutPreamble = (sentence: Sentence): Sentence | undefined => {
  const { words, places } = sentence;
  const phrase = PREAMBLES.find((parts) => parts.every((part, n) => words[n] === part));
  if (!phrase || phrase.length === words.length) return undefined;
  return { ...sentence, words: words.slice(phrase.length), places: places.slice(phrase.length) };
};

// ---- work that is asked for -----------------------------------------------------------------------------------------

/** As long as the action takes. */
const TASK_MAX_CHARS = 4_000;

const POLITELY =
  '(?:(?:hey|hi|ok|okay|please|pls|bitte|winnow|bot|@\\w*bot|can you|could you|kannst du|könntest du)[ ,]+)*';
const NOUN = '(?:task|todo|to-do|aufgabe)';
const ARTICLE = '(?:(?:a|an|another|the|one|new|eine|die|neue|noch) ){0,2}';
const FOR = `(?: (?:for|für|fuer|to) (?<name>[@#]?[\\w.-]+))?`;

/** The colon, or the dash, says where the words of the task begin. */
const TASKS: readonly RegExp[] = [
  `(?:(?:add|create|queue|make|open|file|note|neue|new|leg|lege|füge|trag|trage) )?${ARTICLE}${NOUN}${FOR}(?: (?:hinzu|an|ein|ab))?\\s*(?::|-|–)\\s+(?<text>.+)`,
  `(?:add|create|queue|make|open|file) ${ARTICLE}${NOUN}${FOR} to (?<text>.+)`,
  `(?:add|create|queue|make|open|file) ${ARTICLE}${NOUN}${FOR}:(?<text>.+)`,
  `(?:tell|ask) (?<name>[\\w.-]+) to (?<text>.+)`,
  `(?:sag|sage) (?<name>[\\w.-]+),? (?:er|sie|es) soll (?<text>.+)`,
].map((way) => new RegExp(`^${POLITELY}${way}$`, 'isu'));

/** The text of the task, empty when it is one for somebody who is not there; undefined when none is asked for. */
const taskIn = (text: string, { sessions, projects }: Hearing): string | undefined => {
  if (text.length > TASK_MAX_CHARS + 100) return undefined;
  const seen = visible(text).trim();
  for (const way of TASKS) {
    const found = way.exec(seen);
    if (!found) continue;
    const { name, text: said = '' } = found.groups ?? {};
    const words = said.trim();
    if (words === '' || words.length > TASK_MAX_CHARS) return '';
    if (name === undefined) return words;
    const bare = name.replace(/^[@#]/, '').toLowerCase();
    const session = sessions.find((each) => each.toLowerCase() === bare);
    if (session !== undefined && !name.startsWith('#')) return `@${session} ${words}`;
    const project = projects.find((each) => each.toLowerCase() === bare);
    return project === undefined || name.startsWith('@') ? '' : `#${project} ${words}`;
  }
  return undefined;
};
