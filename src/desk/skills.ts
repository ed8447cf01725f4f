import { err, ok, type Result } from '../base/result.ts';
import { efficacyOfSkill, readShelf } from '../flow/skills.ts';
import type { Workshop } from '../flow/workshop.ts';
import type { SkillFault, Tally } from '../model/crew.ts';
import { type Failure, failure } from '../model/failure.ts';
import type { SkillState } from '../model/state.ts';
import type { Efficacy } from '../policy/efficacy.ts';
import { quarantined, retiredSkills } from '../ports/home/skills.ts';

export { restoreSkill, retireSkill, tendSkills } from '../flow/skills.ts';

/** What people see of skills: which are lent, what they do, and which are not lent and why. */

export type SkillStanding = Efficacy['verdict'] | 'retired' | 'refused' | 'quarantined';

export interface SkillView {
  name: string;
  standing: SkillStanding;
  /** Undefined: nobody knows, since it is lent to nobody and was never noted. */
  by: SkillState['by'] | undefined;
  description: string;
  with: Tally;
  without: Tally;
  /** Kept rate with it less the one without, 0 to 1; undefined while one of the two is unknown. */
  effect: number | undefined;
  /** Probability that it helps, 0 to 1; undefined before anything is known. */
  confidence: number | undefined;
  /** Since when it is known. */
  since: string | undefined;
  lastUsedAt: string | undefined;
  evidence: string[];
  fault: SkillFault | undefined;
  /** Why it is not lent, or what a person has to decide. */
  reason: string;
  file: string;
}

/** By name, those that are lent first. */
export const listSkills = (shop: Workshop): SkillView[] => {
  const shelf = readShelf(shop);
  const known = shop.journal.state().skills;
  const lent = shelf.skills.map((skill) => {
    const state = known[skill.name];
    const view = viewOf(shop, skill.name, state?.retired ? undefined : state);
    const by = skill.sealed ? ('doctor' as const) : ('person' as const);
    return { ...view, by, description: skill.description, file: skill.file, reason: wordFor(by, view.standing) };
  });
  const refused = shelf.refused.map(({ name, fault, reason, file }) => ({
    ...viewOf(shop, name, known[name]),
    ...{ standing: 'refused' as const, fault, reason, file },
  }));
  const there = new Set([...lent, ...refused].map(({ name }) => name));
  const retired = Object.values(known)
    .filter((state) => state.retired && !there.has(state.name))
    .map((state) => ({
      ...viewOf(shop, state.name, state),
      ...{
        standing: 'retired' as const,
        reason: state.retired!.reason,
        file: `skills/.retired/${state.name}/SKILL.md`,
      },
    }));
  const drafts = quarantined(shop.paths.skills).map(({ name, reason, file }) => ({
    ...viewOf(shop, name, undefined),
    ...{ standing: 'quarantined' as const, by: 'doctor' as const, reason, file },
  }));
  return [lent, refused, byName(retired), drafts].flat();
};

const byName = (views: SkillView[]): SkillView[] => views.sort((a, b) => (a.name < b.name ? -1 : 1));

const viewOf = (shop: Workshop, name: string, state: SkillState | undefined): SkillView => {
  const nothing = { kept: 0, ended: 0 };
  const told = state ? efficacyOfSkill(shop, state) : undefined;
  const measured = state !== undefined && state.with.ended + state.without.ended > 0;
  return {
    ...{ name, standing: told?.verdict ?? 'measuring', by: state?.by, description: state?.description ?? '' },
    ...{ with: state?.with ?? nothing, without: state?.without ?? nothing },
    ...{ effect: told?.effect, confidence: measured ? told?.confidence : undefined },
    ...{ since: state?.writtenAt, lastUsedAt: state?.lastUsedAt, evidence: state?.evidence ?? [] },
    ...{ fault: undefined, reason: '', file: `skills/${name}/SKILL.md` },
  };
};

/** The rule leaves alone what a person wrote; the person is told. */
const wordFor = (by: SkillState['by'], standing: SkillStanding): string =>
  by === 'person' && (standing === 'harms' || standing === 'no-help')
    ? 'yours to decide: `winnow skills retire` puts it aside'
    : '';

export interface ShownSkill {
  skill: SkillView;
  /** Markdown; undefined for what cannot be read or is in quarantine. */
  body: string | undefined;
}

export const showSkill = (shop: Workshop, name: string): Result<ShownSkill, Failure> => {
  const skill = listSkills(shop).find((view) => view.name === name);
  if (!skill) return err(failure('not-found', `there is no skill ${name}; \`winnow skills\` lists them`));
  const limits = { size: shop.config().skills.size, redact: shop.redact };
  const text =
    readShelf(shop).skills.find((each) => each.name === name) ??
    retiredSkills(shop.paths.skills, limits).find((each) => each.name === name);
  return ok({ skill, body: text?.body });
};
