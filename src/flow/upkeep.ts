import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import type { BotSkillDraft } from '../model/bot-skill.ts';
import type { EntryData, EntryOf, Trigger } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import type { BotSkillState } from '../model/state.ts';
import { allowedActions, deedText } from '../policy/bot-skills.ts';
import { BOT_VIEWS, type Hearing, hearingOf } from '../policy/hearing.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { findGaps, type Gaps, judgeProposals, type Recorded, recordedIn } from '../policy/upkeep.ts';
import { type BotShelf, removeBotSkillFile, writeBotSkill } from '../ports/home/bot-skills.ts';
import { actionsText, askBot, namesText, sweepQuestions, whyNotAsked } from './answer.ts';
import type { Workshop } from './workshop.ts';

/**
 * Upkeep of the bot: what nobody understood becomes bot skills. A model proposes, code decides, a file is written, and
 * whoever speaks to the bot is told and can undo it. The files are the truth about what is understood, the journal about
 * why: what a crash left between the two is made good by the next upkeep.
 */
export interface UpkeepInput {
  trigger: Trigger;
  sessions: readonly Session[];
  /** Why no run is asked. */
  withoutRuns: string | undefined;
  signal: AbortSignal;
  tell: (line: string) => void;
}

export interface KeptUp {
  entry: EntryOf<'bot_upkeep'>;
}

export const keepUp = async (shop: Workshop, input: UpkeepInput): Promise<KeptUp> => {
  const shelf = shop.botSkills.read();
  reconcile(shop, shelf);
  for (const { file, reason } of shelf.refused) input.tell(`${file} is no bot skill: ${reason}`);
  announce(shop);
  const { through: since, gap } = shop.journal.state().upkeep;
  const nothing: Found = { read: 0, groups: 0, written: [], refused: [], runs: 0, costUsd: 0 };
  // Most of the time nobody was misunderstood, and then the journal need not be read.
  const isNews = gap !== undefined && gap > (since ?? '');
  const found = isNews ? await learn(shop, input, shelf, { since, gap }) : nothing;
  const { through = found.withoutRuns === undefined ? gap : undefined, ...rest } = found;
  const entry = shop.journal.append<'bot_upkeep'>({
    type: 'bot_upkeep',
    data: {
      trigger: input.trigger,
      ...(since === undefined ? {} : { since }),
      ...(through === undefined ? {} : { through }),
      ...rest,
    },
  });
  announce(shop);
  return { entry };
};

type Found = Omit<EntryData<'bot_upkeep'>, 'trigger' | 'since'>;

const learn = async (
  shop: Workshop,
  { sessions, withoutRuns, signal, tell }: UpkeepInput,
  shelf: BotShelf,
  { since, gap }: { since: string | undefined; gap: string },
): Promise<Found> => {
  const recorded = await readMessages(shop);
  const hearing = hearingNow(shop, sessions, shelf);
  const states = shop.journal.state().botSkills;
  const removed = Object.values(states).filter((state) => state.removed);
  const gaps = findGaps(recorded, { skills: shelf.skills, removed, hearing, since });
  // Also past what has no words, such as a picture: it is not looked at again.
  const through = [gap, recorded.at(-1)?.handled ?? ''].sort().at(-1)!;
  const seen = { read: gaps.fresh.length, groups: gaps.groups.length, written: [], refused: [], runs: 0, costUsd: 0 };
  if (gaps.groups.length === 0) return { ...seen, through };
  const shut = withoutRuns ?? whyNotAsked(shop.journal.state(), shop.config(), shop.clock.now());
  if (shut !== undefined) return { ...seen, withoutRuns: shut };
  tell(`upkeep of the bot: ${gaps.groups.length} matters came up more than once and were not understood`);
  const told = await propose(shop, gaps, hearing, shelf, signal);
  if (!told.ok) return { ...seen, withoutRuns: shop.redact(oneLine(told.error.message)) };
  const { word, runs, costUsd } = told.value;
  if (!word) return { ...seen, runs, costUsd, withoutRuns: 'the run gave no answer that can be read' };
  const judged = judgeProposals(word.skills, {
    ...{ groups: gaps.groups, recorded, skills: shelf.skills, states, hearing },
    taken: new Set([...shelf.skills, ...shelf.refused].map(({ name }) => name)),
  });
  const refused = judged.refused.map((one) => ({ name: shop.redact(one.name), reason: shop.redact(one.reason) }));
  const written: string[] = [];
  for (const draft of judged.learned) {
    const done = writeOne(shop, draft);
    if (done.ok) written.push(draft.name);
    else refused.push({ name: draft.name, reason: done.error });
    if (done.ok) tell(`the bot learned ${draft.name}: ${draft.phrases.join(', ')}`);
  }
  return { ...seen, written, refused, runs, costUsd, through };
};

/** The newest are tried; of a bot that is spoken to a hundred times a day that is two months. */
const RECORDED_MAX = 5_000;

const readMessages = async (shop: Workshop): Promise<Recorded[]> => {
  const received = new Map<string, EntryOf<'message_received'>>();
  let recorded: Recorded[] = [];
  // A stream, so that a long journal does not hold up what this process does beside.
  for await (const entry of shop.journal.read({ types: ['message_received', 'message_handled'] })) {
    if (entry.type === 'message_received') received.set(entry.data.message, entry);
    if (entry.type !== 'message_handled') continue;
    const own = received.get(entry.data.message);
    received.delete(entry.data.message);
    if (own) recorded.push(...recordedIn([own, entry]));
    if (recorded.length > 2 * RECORDED_MAX) recorded = recorded.slice(-RECORDED_MAX);
  }
  return recorded.slice(-RECORDED_MAX);
};

const hearingNow = (shop: Workshop, sessions: readonly Session[], shelf: BotShelf): Hearing =>
  hearingOf(shop.journal.state(), {
    ...{ config: shop.config(), sessions, now: shop.clock.now() },
    skills: shelf.skills.map(({ name }) => name),
  });

// ---- the question ---------------------------------------------------------------------------------------------------

/** A page of phrases is written in a minute. */
const UPKEEP_MAX_MS = 300_000;
const UPKEEP_MAX_USD = 0.5;
/** The answer by its schema, once more when it was not. */
const UPKEEP_MAX_TURNS = 4;

/** What each skill says is judged one by one; one that is no skill must not cost the others. */
const UpkeepWord = z.object({
  skills: z.array(
    z.looseObject({
      group: z.number().optional(),
      name: z.string().optional(),
      description: z.string().optional(),
      phrases: z.array(z.string()).optional(),
      action: z.string().optional(),
      args: z.record(z.string(), z.string()).optional(),
      reply: z.string().optional(),
    }),
  ),
});

const MEMBERS_MAX = 12;
const MEMBER_MAX_CHARS = 300;
const GROUPS_MAX_CHARS = 24_000;
const NAMES_MAX_CHARS = 6_000;
const SKILLS_MAX_CHARS = 8_000;

const propose = async (shop: Workshop, { groups }: Gaps, hearing: Hearing, shelf: BotShelf, signal: AbortSignal) => {
  await sweepQuestions(shop, 'upkeep');
  const safe = (name: string, text: string, max: number) => asData(name, shop.redact(text), max);
  const known = shelf.skills.map(({ name, does, phrases }) => `- ${name} (${deedText(does)}): ${phrases.join(' | ')}`);
  const prompt = fillPrompt(shop.prompts()['bot-upkeep'], {
    actions: actionsText(allowedActions(true)),
    views: Object.entries(BOT_VIEWS)
      .map(([name, says]) => `- {${name}}: ${says}`)
      .join('\n'),
    names: safe('names', namesText(hearing), NAMES_MAX_CHARS),
    skills: safe('skills', known.join('\n') || 'Nothing but the rules.', SKILLS_MAX_CHARS),
    groups: safe('groups', groups.map(groupText).join('\n\n'), GROUPS_MAX_CHARS),
  });
  return askBot(shop, {
    ...{ purpose: 'upkeep', prompt, schema: UpkeepWord, signal, model: shop.config().telegram?.model },
    ...{ maxTurns: UPKEEP_MAX_TURNS, maxUsd: UPKEEP_MAX_USD, maxMs: UPKEEP_MAX_MS },
  });
};

const groupText = (group: readonly Recorded[], n: number): string => {
  const texts = [...new Set(group.map(({ text }) => oneLine(text).slice(0, MEMBER_MAX_CHARS)))];
  const actions = [...new Set(group.flatMap(({ by, action }) => (by === 'model' ? [action ?? 'a reply'] : [])))];
  const taken = actions.length === 0 ? '' : ` (a model took some of them for: ${actions.join(', ')})`;
  return [`Group ${n + 1}${taken}:`, ...texts.slice(0, MEMBERS_MAX).map((text) => `- ${text}`)].join('\n');
};

// ---- files and journal ----------------------------------------------------------------------------------------------

/** The file first: a file without its entry is noted by the next upkeep, an entry without its file would be a lie. */
const writeOne = (shop: Workshop, draft: BotSkillDraft): Result<void, string> => {
  if (shop.redact(JSON.stringify(draft)) !== JSON.stringify(draft)) return err('it holds a secret');
  const written = writeBotSkill(shop.paths.home, shop.paths.botSkills, draft);
  if (!written.ok) return written;
  noteWritten(shop, { ...draft, ...written.value }, 'upkeep');
  return ok(undefined);
};

const noteWritten = (
  shop: Workshop,
  { name, does, phrases, messages, hash, file }: BotSkillDraft & { hash: string; file: string },
  by: 'upkeep' | 'person',
): void => {
  const data = { skill: name, does: deedText(does), phrases: [...phrases], messages: [...messages], hash, file, by };
  shop.journal.append<'bot_skill_written'>({ type: 'bot_skill_written', data });
};

/** What people did to the files, and what a process that died had not noted. */
const reconcile = (shop: Workshop, shelf: BotShelf): void => {
  const states = shop.journal.state().botSkills;
  for (const skill of shelf.skills) {
    const known = Object.hasOwn(states, skill.name) ? states[skill.name] : undefined;
    if (known?.hash === skill.hash && !known.removed) continue;
    // Only a person brings back what was undone.
    noteWritten(shop, skill, skill.sealed && !known ? 'upkeep' : 'person');
  }
  const there = new Set([...shelf.skills, ...shelf.refused].map(({ name }) => name));
  // A shelf that cannot be read says nothing about what lies on it.
  if (shelf.refused.some(({ file }) => file === 'skills/bot')) return;
  for (const { name, removed } of Object.values(states)) {
    if (removed || there.has(name)) continue;
    noteRemoved(shop, name, 'a person', 'its file is gone');
  }
};

const noteRemoved = (shop: Workshop, skill: string, by: string, reason: string) =>
  shop.journal.append<'bot_skill_removed'>({ type: 'bot_skill_removed', data: { skill, by, reason } });

/** Forgets a bot skill, whoever wrote it; its file is put aside, and what it was learned from is not learned again. */
export const removeBotSkill = (
  shop: Workshop,
  name: string,
  by: string,
  reason: string,
): Result<EntryOf<'bot_skill_removed'>, Failure> => {
  const shelf = shop.botSkills.read();
  const skill = shelf.skills.find((each) => each.name === name);
  const states = shop.journal.state().botSkills;
  const known = Object.hasOwn(states, name) ? states[name] : undefined;
  if (!skill && (!known || known.removed))
    return failed(
      'not-found',
      `there is no bot skill ${JSON.stringify(name.slice(0, 60))}; \`winnow skills bot\` lists them`,
    );
  // One that nobody has noted yet, so that its end can be.
  if (skill && (!known || known.removed)) noteWritten(shop, skill, skill.sealed ? 'upkeep' : 'person');
  removeBotSkillFile(shop.paths.botSkills, name);
  try {
    return ok(noteRemoved(shop, name, by, shop.redact(oneLine(reason)) || 'no reason given'));
  } catch (error) {
    // An upkeep saw the file gone and has noted it in this moment.
    if (error instanceof FailureError && error.failure.kind === 'entry-illegal')
      return failed('not-found', `${name} has just been removed`);
    throw error;
  }
};

// ---- telling people -------------------------------------------------------------------------------------------------

/** What was learned longer ago is no news. */
const NEWS_MS = 7 * 86_400_000;
const PHRASES_TOLD_MAX = 3;

/** Each chat once for each bot skill that was learned, also after a crash in between. */
const announce = (shop: Workshop): void => {
  const chats = (shop.config().telegram?.chats ?? []).map(String);
  const now = shop.clock.now();
  for (const skill of Object.values(shop.journal.state().botSkills)) {
    if (skill.by !== 'upkeep' || skill.removed || now - Date.parse(skill.writtenAt) > NEWS_MS) continue;
    for (const to of chats.filter((chat) => !skill.told.includes(chat))) {
      try {
        shop.journal.append<'message_queued'>({
          type: 'message_queued',
          data: {
            ...{ message: shop.ids(now), channel: 'telegram', to, text: learnedText(skill), silent: true },
            buttons: [[{ label: 'Undo', data: `undo ${skill.name}` }]],
            about: { kind: 'digest', entry: skill.entry },
          },
        });
      } catch (error) {
        // With so many messages waiting nobody listens; the next upkeep tells it.
        if (error instanceof FailureError && error.failure.kind === 'entry-illegal') return;
        throw error;
      }
    }
  }
};

const learnedText = ({ name, does, phrases, messages }: BotSkillState): string => {
  const more = phrases.length - PHRASES_TOLD_MAX;
  const told = phrases.slice(0, PHRASES_TOLD_MAX).map((phrase) => `“${phrase}”`);
  return [
    `I learned ${name} from ${messages.length} messages that I did not understand.`,
    `${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${does === 'reply' ? 'I reply to that' : `I take that for /${does.split(' ')[0]}`}.`,
    'Undo forgets it, and I do not learn it again.',
  ].join('\n');
};
