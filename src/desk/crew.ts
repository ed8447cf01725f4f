import type { Proposal, SkillState, StandupState, State } from '../model/state.ts';

/** What the crew learned and agreed on. */
export interface CrewView {
  standup: StandupState | undefined;
  doctor: State['doctor'];
  /** Those that are lent first, the others after them; by name. */
  skills: SkillState[];
  /** Changes of what models are told that wait for a person, the oldest first. */
  proposals: Proposal[];
}

export const crewView = ({ standup, doctor, skills, proposals }: Readonly<State>): CrewView => ({
  standup,
  doctor,
  skills: Object.values(skills).sort(
    (a, b) => Number(a.retired !== undefined) - Number(b.retired !== undefined) || a.name.localeCompare(b.name),
  ),
  proposals: Object.values(proposals)
    .filter(({ status }) => status.state === 'open')
    .sort((a, b) => a.id.localeCompare(b.id)),
});
