import { ok, type Result } from '../base/result.ts';
import { askModel } from '../flow/answer.ts';
import { removeBotSkill } from '../flow/upkeep.ts';
import type { Intent } from '../model/bot.ts';
import type { Failure } from '../model/failure.ts';
import { deedText } from '../policy/bot-skills.ts';
import { type Hearing, hearingOf } from '../policy/hearing.ts';
import { type Understood, understand } from '../policy/understand.ts';
import type { Factory } from './doors.ts';

/** What a bot needs to understand free words: rules and bot skills at once, a model when they do not. */
export interface BotEars {
  understand(text: string): Understood | undefined;
  /** `confirm`: it changes something, and a guess is no order. */
  ask(
    text: string,
    signal: AbortSignal,
  ): Promise<Result<{ intent: Intent | undefined; confirm: boolean; costUsd: number }, Failure>>;
  /** Bot skills that are loaded, by name. */
  skills(): { name: string; says: string }[];
  /** Puts a bot skill aside; resolves with one sentence. */
  undo(skill: string, by: string): Promise<Result<string, Failure>>;
}

export const createBotEars = ({ shop, sessions }: Pick<Factory, 'shop' | 'sessions'>): BotEars => {
  const skills = () => shop.botSkills.read().skills;
  const hearing = (): Hearing =>
    hearingOf(shop.journal.state(), {
      ...{ config: shop.config(), sessions: sessions(), now: shop.clock.now() },
      skills: skills().map(({ name }) => name),
    });
  return {
    understand: (text) => understand(text, skills(), hearing()),
    ask: (text, signal) => askModel(shop, { text, hearing: hearing(), signal }),
    skills: () => skills().map(({ name, does, phrases }) => ({ name, says: `“${phrases[0]}”: ${deedText(does)}` })),
    undo: async (skill, by) => {
      const removed = removeBotSkill(shop, skill, by, 'undone');
      await shop.journal.sync();
      return removed.ok ? ok(`I forgot ${skill}, and do not learn it again.`) : removed;
    },
  };
};
