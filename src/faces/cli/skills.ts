import type { Doors } from '../../desk/doors.ts';
import {
  listSkills,
  restoreSkill,
  retireSkill,
  type ShownSkill,
  type SkillView,
  showSkill,
  tendSkills,
} from '../../desk/skills.ts';
import { askerText } from '../../model/request.ts';
import { inFactory } from './open.ts';
import { plain, plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { effectText, entryText, relativeText, skillLine, tallyText } from './words.ts';

/** `winnow skills`: what is lent, what it does, what is not lent and why; and a person's word on it. */

type Json = Homed & { json?: boolean };

export const skillsListCommand = (doors: Doors, terminal: Terminal, options: Json): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop, clock } }) => {
    const skills = listSkills(shop);
    if (options.json) sayJson(terminal, skills);
    else terminal.out(renderSkills(skills, clock.now(), terminal));
    return 0;
  });

export const skillsShowCommand = (doors: Doors, terminal: Terminal, name: string, options: Json): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop, clock } }) => {
    const shown = showSkill(shop, name);
    if (!shown.ok) return sayFailure(terminal, shown.error);
    if (options.json) sayJson(terminal, shown.value);
    else terminal.out(renderSkill(shown.value, clock.now(), terminal));
    return 0;
  });

export const skillsRetireCommand = (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: Json & { reason?: string },
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop }, asker }) => {
    const by = askerText(asker);
    const done = await retireSkill(shop, name, options.reason ?? `put aside by ${by}`);
    if (!done.ok) return sayFailure(terminal, done.error);
    if (options.json) sayJson(terminal, done.value);
    else terminal.out(`${entryText(done.value)}\n  file  ${plainLine(done.value.data.file)}`);
    return 0;
  });

export const skillsRestoreCommand = (doors: Doors, terminal: Terminal, name: string, options: Json): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop }, asker }) => {
    const done = await restoreSkill(shop, name, askerText(asker));
    if (!done.ok) return sayFailure(terminal, done.error);
    if (options.json) sayJson(terminal, done.value);
    else terminal.out(entryText(done.value));
    return 0;
  });

/** Exit 1 when something under skills/ is lent to nobody; what the rule puts aside is told, and is no fault. */
export const skillsCheckCommand = (doors: Doors, terminal: Terminal, options: Json): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop } }) => {
    const tended = await tendSkills(shop);
    const skills = listSkills(shop);
    const refused = skills.filter(({ standing }) => standing === 'refused');
    if (options.json) sayJson(terminal, { refused, retired: tended?.retired ?? [] });
    else {
      for (const entry of tended?.retired ?? []) terminal.out(entryText(entry));
      for (const { file, reason } of refused)
        terminal.out(`${terminal.paint('red', 'refused')}  ${plainLine(file)}: ${plainLine(reason)}`);
      const lent = skills.filter(({ standing }) => !NOT_LENT.has(standing)).length;
      terminal.out(`${lent} lent, ${refused.length} refused`);
    }
    return refused.length > 0 ? 1 : 0;
  });

const NOT_LENT: ReadonlySet<SkillView['standing']> = new Set(['refused', 'retired', 'quarantined'] as const);

/** Narrower lines would break the names of skills to make room for sentences. */
const WHEN_BESIDE_MIN = 100;

export const renderSkills = (
  skills: readonly SkillView[],
  now: number,
  { lineWidth, paint }: Pick<Terminal, 'lineWidth' | 'paint'>,
): string => {
  if (skills.length === 0) return 'no skills yet; a directory under skills/ with a SKILL.md is one';
  const lent = skills.filter(({ standing }) => !NOT_LENT.has(standing));
  const head = ['SKILL', 'STATE', 'BY', 'USES', 'WITH', 'WITHOUT', 'HELPS', 'AGE', 'WHEN'];
  // When it applies has no room beside figures on a narrow screen; `winnow skills show` tells it.
  const columns = lineWidth < WHEN_BESIDE_MIN ? head.length - 1 : head.length;
  const prose = columns === head.length ? 1 : 0;
  const rows = lent.map((skill) => skillLine(skill, now).slice(0, columns));
  const aside = skills.filter(({ standing }) => NOT_LENT.has(standing));
  const told = lent.filter(({ reason }) => reason !== '');
  return [
    ...(lent.length === 0 ? ['no skill is lent'] : [renderTable(head.slice(0, columns), rows, lineWidth, prose)]),
    ...told.map(({ name, standing, reason }) => paint('yellow', `${plainLine(name)}: ${standing}; ${reason}`)),
    ...(aside.length === 0
      ? []
      : [
          '',
          renderTable(
            ['NOT LENT', 'STATE', 'FILE', 'WHY'],
            aside.map(({ name, standing, file, reason }) => [name, standing, file, reason]),
            lineWidth,
            1,
          ),
        ]),
  ].join('\n');
};

export const renderSkill = ({ skill, body }: ShownSkill, now: number, { paint }: Pick<Terminal, 'paint'>): string => {
  const facts: [string, string | undefined][] = [
    ['state', skill.reason === '' ? skill.standing : `${skill.standing}: ${skill.reason}`],
    ['by', skill.by === 'doctor' ? 'the doctor' : skill.by && 'a person'],
    ['when', skill.description || undefined],
    ['with', tallyText(skill.with)],
    ['without', tallyText(skill.without)],
    ['effect', effectText(skill)],
    ['known', skill.since && relativeText(skill.since, now)],
    ['used', skill.lastUsedAt && relativeText(skill.lastUsedAt, now)],
    ['cycles', skill.evidence.length === 0 ? undefined : skill.evidence.join(' ')],
    ['file', skill.file],
  ];
  return [
    paint('bold', plainLine(skill.name)),
    ...facts.flatMap(([label, value]) => (value === undefined ? [] : [`  ${label.padEnd(8)}  ${plainLine(value)}`])),
    ...(body === undefined ? [] : ['', plain(body)]),
  ].join('\n');
};
