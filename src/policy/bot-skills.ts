import { isPlainKey } from '../base/plain-key.ts';
import { actionShape, BOT_ACTIONS, type BotAction, Intent } from '../model/bot.ts';
import { BOT_SKILL_NAME_MAX, type BotSkillDeed, type BotSkillDraft, type BotSkillFile } from '../model/bot-skill.ts';
import { isSkillName } from '../model/skill.ts';
import { groundIntent, isView } from './ground.ts';
import { BOT_VIEWS, type BotView, type Hearing } from './hearing.ts';
import { isTypo, matchPattern, type Pattern, type Piece } from './pattern.ts';
import { hiddenIn, oneLine } from './placeholders.ts';
import { foldWord, parseSentence } from './sentence.ts';
import { stemOf } from './words.ts';

/** Bot skills: what one may say and do, and which messages it is meant by. */

/** What is learned without a person only looks, or begins what gates and budgets hold back anyway. */
const LEARNED: ReadonlySet<BotAction> = new Set(['review', 'standup', 'doctor'] as const);
/** What only a person may write down: it changes something, and can be taken back. */
const WRITTEN: ReadonlySet<BotAction> = new Set(['task', 'resume'] as const);

export const mayCall = (action: BotAction, learned: boolean): boolean =>
  isView(action) || LEARNED.has(action) || (!learned && WRITTEN.has(action));

export const allowedActions = (learned: boolean): BotAction[] =>
  (Object.keys(BOT_ACTIONS) as BotAction[]).filter((action) => mayCall(action, learned));

// ---- whether it is one ----------------------------------------------------------------------------------------------

export interface BotSkillFault {
  path: (string | number)[];
  /** Undefined: the value as it stands. */
  found?: string;
  expected: string;
}

/** Everything that is wrong with what a file or a proposal says, beyond its shape. */
export const botSkillFaults = (file: BotSkillFile, { learned }: { learned: boolean }): BotSkillFault[] => {
  const { phrases, action, args = {}, reply } = file;
  const faults: BotSkillFault[] = [];
  if ((action === undefined) === (reply === undefined)) {
    const found = action === undefined ? 'neither action nor reply' : 'both action and reply';
    return [{ path: action === undefined ? [] : ['reply'], found, expected: 'one of the two' }];
  }
  if (reply !== undefined && file.args !== undefined)
    faults.push({ path: ['args'], found: 'arguments of a reply', expected: 'none; slots stand in the reply itself' });
  if (action !== undefined && !mayCall(action, learned)) {
    const who = learned ? 'a learned bot skill' : 'a bot skill';
    faults.push({ path: ['action'], expected: `what ${who} may do: ${allowedActions(learned).join(', ')}` });
  }
  const used = new Set([...Object.values(args), reply ?? ''].flatMap(bracesIn).filter(isSlot));
  for (const [n, phrase] of phrases.entries()) {
    const wrong = phraseFault(phrase);
    if (wrong !== undefined) faults.push({ path: ['phrases', n], expected: wrong });
    const missing = [...used].find((slot) => !bracesIn(phrase).includes(slot));
    if (wrong === undefined && missing !== undefined)
      faults.push({
        path: ['phrases', n],
        expected: `{${missing}} in it, which ${reply === undefined ? 'args' : 'reply'} uses`,
      });
  }
  if (action !== undefined && mayCall(action, learned)) faults.push(...argFaults(action, args));
  if (reply !== undefined) faults.push(...replyFaults(reply, learned));
  return faults;
};

const argFaults = (action: BotAction, args: Readonly<Record<string, string>>): BotSkillFault[] => {
  const known = actionShape(action).args;
  const faults: BotSkillFault[] = [];
  for (const [name, value] of Object.entries(args)) {
    if (!Object.hasOwn(known, name) || name === 'commit')
      faults.push({ path: ['args', name], found: 'an unknown argument', expected: argsText(known) });
    const alien = bracesIn(value).find((inner) => !isSlot(inner));
    if (alien !== undefined) faults.push({ path: ['args', name], expected: SLOTS_TEXT });
    if (value.trim() === '' || hiddenIn(value) > 0) faults.push({ path: ['args', name], expected: 'plain text' });
  }
  for (const [name, { needed }] of Object.entries(known))
    if (needed && !Object.hasOwn(args, name)) faults.push({ path: ['args'], found: `no ${name}`, expected: 'it' });
  return faults;
};

const argsText = (known: object): string => {
  const names = Object.keys(known).filter((name) => name !== 'commit');
  return names.length === 0 ? 'none' : `one of ${names.join(', ')}`;
};

const replyFaults = (reply: string, learned: boolean): BotSkillFault[] => {
  const path = ['reply'];
  const alien = bracesIn(reply).find((inner) => !isSlot(inner) && !isBotView(inner));
  const faults: BotSkillFault[] = [];
  if (alien !== undefined || /[{}]/.test(reply.replace(BRACES, '')))
    faults.push({ path, expected: `braces around one of ${[...SLOTS, ...Object.keys(BOT_VIEWS)].join(', ')} alone` });
  if (hiddenIn(reply.replace(/[\ufe0e\ufe0f\u200d]/g, '')) > 0)
    faults.push({ path, found: 'characters that nobody sees', expected: 'plain text' });
  if (learned && LINK.test(reply)) faults.push({ path, found: 'a link', expected: 'a learned reply without links' });
  return faults;
};

const LINK = /\b[a-z][a-z0-9+.-]*:\/\/|\bwww\.|\b[\w-]+\.(?:com|net|org|io|dev|de|me|ru|app|xyz)\b/i;

/** Why it is no name for one; undefined when it is. */
export const nameFault = (name: string): string | undefined => {
  if (!isSkillName(name) || name.length > BOT_SKILL_NAME_MAX)
    return `small letters, digits and single hyphens, at most ${BOT_SKILL_NAME_MAX}`;
  if (Object.hasOwn(BOT_ACTIONS, name) || RESERVED.has(name) || !isPlainKey(name))
    return 'another name: this one is reserved';
  return undefined;
};

const RESERVED: ReadonlySet<string> = new Set(['all', 'bot', 'list', 'reply', 'winnow', 'start']);

// ---- phrases --------------------------------------------------------------------------------------------------------

const SLOTS = ['session', 'branch', 'text'] as const;
type Slot = (typeof SLOTS)[number];
const SLOTS_TEXT = `text, with no braces but ${SLOTS.map((slot) => `{${slot}}`).join(', ')}`;
const BRACES = /\{([^{}]*)\}/g;
const bracesIn = (text: string): string[] => [...text.matchAll(BRACES)].map(([, inner]) => inner!);
const isSlot = (inner: string): inner is Slot => (SLOTS as readonly string[]).includes(inner);
const isBotView = (inner: string): inner is BotView => Object.hasOwn(BOT_VIEWS, inner);

/** With fewer, what begins with any common word would be taken for the phrase. */
const WORDS_BEFORE_TEXT_MIN = 2;
/** A phrase of fewer letters means many things. */
const LETTERS_MIN = 4;

/** What a phrase has to be and is not. */
const phraseFault = (phrase: string): string | undefined => {
  const slots = bracesIn(phrase);
  if (slots.some((inner) => !isSlot(inner)) || /[{}]/.test(phrase.replace(BRACES, ''))) return SLOTS_TEXT;
  if (new Set(slots).size < slots.length) return 'each slot once';
  if (hiddenIn(phrase) > 0) return 'text without characters that nobody sees';
  if (phrase.trimStart().startsWith('/')) return 'words; what begins with / is a command';
  const pattern = phrasePattern(phrase);
  if (!pattern) return 'one plain sentence without quotation marks';
  const words = pattern.pieces.flatMap((piece) => ('words' in piece ? [...piece.words] : []));
  if (words.join('').replace(/[^\p{L}\p{N}]/gu, '').length < LETTERS_MIN) return 'more words of its own';
  const place = pattern.pieces.findIndex((piece) => 'slot' in piece && piece.slot === 'text');
  if (place < 0) return undefined;
  if (place < pattern.pieces.length - 1) return '{text} at its end';
  return words.length < WORDS_BEFORE_TEXT_MIN
    ? `at least ${WORDS_BEFORE_TEXT_MIN} words of its own before {text}`
    : undefined;
};

const PIECES: Record<Slot, Piece> = {
  session: { slot: 'session', arg: 'session' },
  branch: { slot: 'ref', arg: 'branch' },
  text: { slot: 'text', arg: 'text' },
};
/** A slot as a word that no message has. */
const STAND_INS: Record<Slot, string> = { session: 'slotofsession', branch: 'slotofbranch', text: 'slotoftext' };

/** Undefined: it is no plain sentence. */
const phrasePattern = (phrase: string): Pattern | undefined => {
  const sentence = parseSentence(phrase.replace(BRACES, (_, inner: Slot) => ` ${STAND_INS[inner] ?? ''} `));
  if (!sentence || sentence.words.length === 0) return undefined;
  return {
    pieces: sentence.words.map((word): Piece => {
      const slot = SLOTS.find((each) => STAND_INS[each] === word);
      return slot ? PIECES[slot] : { words: new Set([word]), optional: false };
    }),
  };
};

/** As it matters to a message: without fillers, case and punctuation, slots by their names. */
export const phraseKey = (phrase: string): string =>
  (phrasePattern(phrase)?.pieces ?? [])
    .map((piece) => ('words' in piece ? stemOf([...piece.words][0]!) : `{${piece.arg}}`))
    .join(' ');

// ---- which messages mean it -----------------------------------------------------------------------------------------

export const askedBySkill = (
  text: string,
  skills: readonly BotSkillDraft[],
  hearing: Hearing,
): { skill: string; intent: Intent } | undefined => {
  if (skills.length === 0) return undefined;
  const sentence = parseSentence(text, new Set(hearing.sessions.map(foldWord)));
  if (!sentence || sentence.words.length === 0) return undefined;
  for (const skill of skills) {
    const { name, does } = skill;
    if (sentence.asks && 'action' in does && !isView(does.action)) continue;
    for (const pattern of patternsOf(skill)) {
      const given = matchPattern(pattern, { sentence, hearing, isMeant: isSameWord });
      const intent = given && fill(does, given, hearing);
      if (intent) return { skill: name, intent };
    }
  }
  return undefined;
};

const isSameWord = (typed: string, words: ReadonlySet<string>): boolean =>
  [...words].some((word) => typed === word || stemOf(typed) === stemOf(word) || isTypo(typed, word));

/** What a skill's phrases mean is found out once; it is forgotten with the skill. */
const compiled = new WeakMap<object, Pattern[]>();

const patternsOf = (skill: BotSkillDraft): Pattern[] => {
  const known = compiled.get(skill);
  if (known) return known;
  const patterns = skill.phrases.flatMap((phrase) => phrasePattern(phrase) ?? []);
  compiled.set(skill, patterns);
  return patterns;
};

const fill = (does: BotSkillDeed, given: Readonly<Record<string, string>>, hearing: Hearing): Intent | undefined => {
  const put = (template: string): string =>
    template.replace(BRACES, (whole, inner: string) => {
      if (isBotView(inner)) return hearing.views[inner];
      return Object.hasOwn(given, inner) ? oneLine(given[inner]!) : whole;
    });
  if ('reply' in does) return { reply: put(does.reply) };
  const args = Object.fromEntries(Object.entries(does.args).map(([name, value]) => [name, put(value)]));
  const intent = groundIntent({ action: does.action, args }, hearing);
  return intent && Intent.safeParse(intent).success ? intent : undefined;
};

// ---- samples, to hold phrases against each other --------------------------------------------------------------------

const SAMPLE = { session: 'samplename', branch: 'brl/samplename/20260314-091500', text: 'these sample words' } as const;

/** A message that says the phrase, in the ears of SAMPLE_HEARING. */
export const sampleOf = (phrase: string): string => phrase.replace(BRACES, (_, inner: Slot) => SAMPLE[inner] ?? '');

export const SAMPLE_HEARING: Hearing = {
  sessions: [SAMPLE.session],
  projects: ['sampleproject'],
  branches: [{ branch: SAMPLE.branch, session: SAMPLE.session, state: 'pending', title: '' }],
  closed: [],
  tasks: [{ task: '01KKN3V8ZC0000000000SAMP1E', text: '' }],
  skills: [],
  views: Object.fromEntries(Object.keys(BOT_VIEWS).map((name) => [name, name])) as unknown as Hearing['views'],
};

/** "status", "log session={session}", "reply" */
export const deedText = (does: BotSkillDeed): string => {
  if ('reply' in does) return 'reply';
  return [does.action, ...Object.entries(does.args).map(([name, value]) => `${name}=${value}`)].join(' ');
};

export const draftOf = (name: string, file: BotSkillFile): BotSkillDraft => ({
  name,
  description: file.description ?? '',
  phrases: file.phrases,
  does: file.action === undefined ? { reply: file.reply ?? '' } : { action: file.action, args: file.args ?? {} },
  messages: file.messages ?? [],
});
