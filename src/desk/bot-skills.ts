import type { Workshop } from '../flow/workshop.ts';
import { deedText } from '../policy/bot-skills.ts';

export { removeBotSkill } from '../flow/upkeep.ts';

/** What people see of bot skills: those in force with their uses, and the files that are none. */
export interface BotSkillView {
  name: string;
  loaded: boolean;
  by: 'upkeep' | 'person';
  does: string;
  phrases: readonly string[];
  used: number;
  lastUsedAt: string | undefined;
  file: string;
  /** Why the file as it is now is no bot skill. */
  fault: string | undefined;
}

export const listBotSkills = (shop: Workshop): BotSkillView[] => {
  const { skills, refused } = shop.botSkills.read();
  const states = shop.journal.state().botSkills;
  const faultOf = (file: string) => refused.find((each) => each.file === file)?.reason;
  const loaded = skills.map(({ name, does, phrases, file, sealed }) => ({
    ...{ name, phrases, file, loaded: true, does: deedText(does), fault: faultOf(file) },
    by: sealed ? ('upkeep' as const) : ('person' as const),
    used: states[name]?.used ?? 0,
    lastUsedAt: states[name]?.lastUsedAt,
  }));
  const broken = refused
    .filter(({ kept }) => !kept)
    .map(({ name, file, reason }) => ({
      ...{ name, file, fault: reason, loaded: false, by: 'person' as const, does: '', phrases: [] },
      ...{ used: 0, lastUsedAt: undefined },
    }));
  return [...loaded, ...broken];
};
