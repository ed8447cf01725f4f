import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import { type BotSkillDraft, BotSkillFile } from '../model/bot-skill.ts';
import type { Entry } from '../model/entry.ts';
import type { Handling } from '../model/message.ts';
import type { BotSkillState } from '../model/state.ts';
import {
  askedBySkill,
  type BotSkillFault,
  botSkillFaults,
  draftOf,
  nameFault,
  phraseKey,
  SAMPLE_HEARING,
  sampleOf,
} from './bot-skills.ts';
import type { Hearing } from './hearing.ts';
import { oneLine } from './placeholders.ts';
import { foldWord, parseSentence } from './sentence.ts';
import { understand } from './understand.ts';
import { meaningOf, stemOf } from './words.ts';

/**
 * What the bot may learn from: messages that nobody understood, or a model alone, by what they are about; and whether
 * what a model proposes for them may be learned. A proposal is held against everything that was ever said.
 */

/** A message of a person in free words, and what was done about it. */
export interface Recorded {
  message: string;
  /** Id of the entry that tells what was done. */
  handled: string;
  text: string;
  by: Handling;
  /** Undefined: a reply, or nothing. */
  action?: string;
  skill?: string;
}

/** In the order in which they were handled; commands and buttons have a meaning of their own and are left out. */
export const recordedIn = (entries: readonly Entry[]): Recorded[] => {
  const texts = new Map<string, string>();
  const recorded: Recorded[] = [];
  for (const entry of entries) {
    if (entry.type === 'message_received' && !entry.data.button) texts.set(entry.data.message, entry.data.text);
    if (entry.type !== 'message_handled') continue;
    const { message, by, action, skill } = entry.data;
    const text = texts.get(message);
    if (text === undefined || by === 'command' || by === 'button' || text.trimStart().startsWith('/')) continue;
    if (oneLine(text) === '') continue;
    const what = { ...(action === undefined ? {} : { action }), ...(skill === undefined ? {} : { skill }) };
    recorded.push({ message, handled: entry.id, text, by, ...what });
  }
  return recorded;
};

// ---- what to learn from ---------------------------------------------------------------------------------------------

export interface Gaps {
  /** Those since the last look. */
  fresh: Recorded[];
  /** Matters that came up more than once, the last time since the last look; the most frequent first. */
  groups: Recorded[][];
}

/** A message alone may be a whim. */
const GROUP_MIN = 2;
/** What one run is told of; the others are looked at the next time they come up. */
const GROUPS_MAX = 12;
/** Each is compared with each. */
const COMPARED_MAX = 500;
/** Two of three words in common, or one of two. */
const ALIKE = 0.4;

export const findGaps = (
  recorded: readonly Recorded[],
  known: {
    skills: readonly BotSkillDraft[];
    removed: readonly BotSkillState[];
    hearing: Hearing;
    since?: string | undefined;
  },
): Gaps => {
  const { skills, removed, hearing, since = '' } = known;
  const unheard = recorded.filter(({ by }) => by === 'none' || by === 'model');
  const fresh = unheard.filter(({ handled }) => handled > since);
  const open = unheard.slice(-COMPARED_MAX).filter(({ text }) => !understand(text, skills, hearing));
  const wanted = open
    .map((one) => ({ one, words: aboutOf(one.text, hearing) }))
    .filter(({ one, words }) => {
      const isUndone = removed.some(({ phrases }) =>
        phrases.some((phrase) => alike(words, aboutOf(phrase, hearing)) >= ALIKE),
      );
      return !isUndone && one.text.length > 0 && words.size > 0;
    });
  const groups: (typeof wanted)[] = [];
  for (const each of wanted) {
    const group = groups.find((others) => others.some(({ words }) => alike(words, each.words) >= ALIKE));
    if (group) group.push(each);
    else groups.push([each]);
  }
  return {
    fresh,
    groups: groups
      .map((group) => group.map(({ one }) => one))
      .filter((group) => group.length >= GROUP_MIN && group.some(({ handled }) => handled > since))
      .sort((a, b) => b.length - a.length)
      .slice(0, GROUPS_MAX),
  };
};

const ABOUT_MAX_WORDS = 40;

/** What a message is about: its stems without those of every question, a session by no name. */
const aboutOf = (text: string, { sessions }: Hearing): Set<string> => {
  const names = new Set(sessions.map(foldWord));
  const sentence = parseSentence(text);
  const words = sentence
    ? sentence.words.map((word) => (names.has(word) ? 'session' : word)).join(' ')
    : oneLine(text).slice(0, SHOWN_MAX_CHARS);
  const all = meaningOf(words.replace(/[{}]/g, ' '), ABOUT_MAX_WORDS);
  const rare = new Set([...all].filter((stem) => !COMMON.has(stem)));
  return rare.size > 0 ? rare : all;
};

/** In nearly every question to a bot. */
const COMMON: ReadonlySet<string> = new Set(
  [
    'what who when where why how much many did do does is are was were has have had can could will would should',
    'i me my you your they them give tell show me get see know want need there any some all',
    'was wer wann wo warum wie viel hat haben ist sind war kann kannst du ich mir mein ihr gib sag zeig es',
  ]
    .join(' ')
    .split(' ')
    .map(stemOf),
);

/** Jaccard index, 0 to 1. */
const alike = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  const common = [...a].filter((word) => b.has(word)).length;
  return a.size + b.size === 0 ? 0 : common / (a.size + b.size - common);
};

// ---- what may be learned --------------------------------------------------------------------------------------------

/** What a model proposes; everything beyond its shape is judged by code. */
export const BotProposal = BotSkillFile.omit({ messages: true, seal: true }).extend({
  /** Which of the groups it is for, from 1. */
  group: z.number().int().positive(),
  name: z.string(),
});
export type BotProposal = z.infer<typeof BotProposal>;

export interface Known {
  groups: readonly (readonly Recorded[])[];
  recorded: readonly Recorded[];
  skills: readonly BotSkillDraft[];
  /** As the journal knows them, the removed ones among them. */
  states: Readonly<Record<string, BotSkillState>>;
  /** Names of files that are there, good or not. */
  taken: ReadonlySet<string>;
  hearing: Hearing;
}

export interface Judged {
  learned: BotSkillDraft[];
  refused: { name: string; reason: string }[];
}

/** A run that proposes more has not understood what it is for. */
const PROPOSALS_MAX = 24;
const PROPOSAL_MAX_CHARS = 8_000;
const REFUSALS_TOLD_MAX = 50;

/** Each in its turn: what was learned from one is known when the next is judged. */
export const judgeProposals = (proposals: readonly unknown[], known: Known): Judged => {
  const refused: Judged['refused'] = [];
  const found: { group: number; draft: BotSkillDraft }[] = [];
  for (const [n, proposal] of proposals.entries()) {
    const refuse = (reason: string) => refused.push({ name: nameIn(proposal), reason });
    if (n >= PROPOSALS_MAX) {
      refuse(`only the first ${PROPOSALS_MAX} are looked at`);
      break;
    }
    const skills = [...known.skills, ...found.map(({ draft }) => draft)];
    const judged = judge(proposal, { ...known, skills });
    if (judged.ok) found.push(judged.value);
    else refuse(judged.error);
  }
  const learned: BotSkillDraft[] = [];
  for (const [n, group] of known.groups.entries()) {
    const own = found.filter((each) => each.group === n).map(({ draft }) => draft);
    const left = group.find(({ text }) => !askedBySkill(text, own, known.hearing));
    if (left === undefined) learned.push(...own);
    else
      for (const { name } of own) refused.push({ name, reason: `${shown(left.text)} would still not be understood` });
  }
  return { learned, refused: refused.slice(0, REFUSALS_TOLD_MAX) };
};

const NAME_SHOWN_MAX = 60;
const SHOWN_MAX_CHARS = 120;

const nameIn = (proposal: unknown): string => {
  const { name } = typeof proposal === 'object' && proposal !== null ? (proposal as { name?: unknown }) : {};
  return (
    (typeof name === 'string' ? oneLine(name.slice(0, NAME_SHOWN_MAX * 4)).slice(0, NAME_SHOWN_MAX) : '') || 'unnamed'
  );
};

const shown = (text: string): string => {
  const line = oneLine(text.slice(0, SHOWN_MAX_CHARS * 4));
  return `“${line.length > SHOWN_MAX_CHARS ? `${line.slice(0, SHOWN_MAX_CHARS - 1)}…` : line}”`;
};

const judge = (raw: unknown, known: Known): Result<{ group: number; draft: BotSkillDraft }, string> => {
  const chars = JSON.stringify(raw)?.length ?? 0;
  if (chars > PROPOSAL_MAX_CHARS)
    return err(
      `it has ${chars.toLocaleString('en-US')} characters, more than ${PROPOSAL_MAX_CHARS.toLocaleString('en-US')}`,
    );
  const parsed = BotProposal.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`it is not by the schema: ${oneLine(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)}`);
  }
  const { group, name, ...file } = parsed.data;
  const members = known.groups[group - 1];
  if (!members) return err(`there is no group ${group}`);
  const wrongName = nameFault(name);
  if (wrongName !== undefined) return err(`its name is not ${wrongName}`);
  const before = known.states[name];
  if (before?.removed) return err(`${name} was undone by ${before.removed.by}`);
  if (before || known.taken.has(name) || known.skills.some((skill) => skill.name === name))
    return err(`there is a bot skill ${name} already`);
  const [fault] = botSkillFaults(file, { learned: true });
  if (fault) return err(faultText(fault, file));
  const messages = members.map(({ message }) => message);
  const whole = { ...draftOf(name, file), messages };
  const phrases = freshPhrases(whole, known);
  if (!phrases.ok) return phrases;
  if (phrases.value.length === 0) return err('all that it says is understood already');
  const draft = { ...whole, phrases: phrases.value };
  const why = undoneAs(draft, known) ?? overtakes(draft, known) ?? changesPast(draft, known);
  return why === undefined ? ok({ group: group - 1, draft }) : err(why);
};

const faultText = ({ path, found, expected }: BotSkillFault, file: unknown): string => {
  const value = path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | undefined)?.[key], file);
  const what = found ?? shown(typeof value === 'string' ? value : JSON.stringify(value ?? null));
  return `${path.join('.') || 'it'}: found ${what}, expected ${expected}`;
};

/** Without those that mean the same already; the error names one that means something else. */
const freshPhrases = (draft: BotSkillDraft, { skills }: Known): Result<string[], string> => {
  const fresh: string[] = [];
  for (const phrase of draft.phrases) {
    const sample = sampleOf(phrase);
    const now = understand(sample, skills, SAMPLE_HEARING);
    const then = askedBySkill(sample, [{ ...draft, phrases: [phrase] }], SAMPLE_HEARING);
    if (!now) fresh.push(phrase);
    else if (JSON.stringify(now.intent) !== JSON.stringify(then?.intent))
      return err(`${shown(phrase)} is understood already, by ${now.skill ?? 'a rule'}, as something else`);
  }
  return ok(fresh);
};

const undoneAs = ({ phrases }: BotSkillDraft, { states }: Known): string | undefined => {
  const keys = new Set(phrases.map(phraseKey));
  const same = Object.values(states).find(
    (state) => state.removed && state.phrases.some((phrase) => keys.has(phraseKey(phrase))),
  );
  return same && `it says what ${same.name} said, which ${same.removed?.by} undid`;
};

/** What others are meant by must go on to mean them. */
const overtakes = (draft: BotSkillDraft, { skills }: Known): string | undefined => {
  for (const { name, phrases } of skills) {
    const taken = phrases.find((phrase) => askedBySkill(sampleOf(phrase), [draft], SAMPLE_HEARING));
    if (taken !== undefined) return `it would also answer ${shown(taken)}, which is ${name}’s`;
  }
  return undefined;
};

/** Tried on everything that was said: what was handled right stays so. */
const changesPast = (draft: BotSkillDraft, { recorded, hearing, states }: Known): string | undefined => {
  const does = 'action' in draft.does ? draft.does.action : undefined;
  for (const { text, by, action, skill } of recorded) {
    if (by === 'none' || (skill !== undefined && states[skill]?.removed)) continue;
    if (action === does || !askedBySkill(text, [draft], hearing)) continue;
    return `${shown(text)} was answered with ${action ?? 'a reply'} and would be with ${does ?? 'a reply'}`;
  }
  return undefined;
};
