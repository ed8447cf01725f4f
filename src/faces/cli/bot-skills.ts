import { createBotEars } from '../../desk/bot-ears.ts';
import { type BotSkillView, listBotSkills, removeBotSkill } from '../../desk/bot-skills.ts';
import type { Doors } from '../../desk/doors.ts';
import { askerText } from '../../model/request.ts';
import { inFactory } from './open.ts';
import { plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { entryText, relativeText } from './words.ts';

/** `winnow skills bot`: what the bot understands beside its rules, and how a sentence is understood. */

type Json = Homed & { json?: boolean };

/** Exit 1 when a file under skills/bot/ is none. */
export const botSkillsListCommand = (doors: Doors, terminal: Terminal, options: Json): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop, clock } }) => {
    const views = listBotSkills(shop);
    if (options.json) sayJson(terminal, views);
    else terminal.out(renderBotSkills(views, clock.now(), terminal));
    return views.some(({ fault }) => fault !== undefined) ? 1 : 0;
  });

export const botSkillsRemoveCommand = (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: Json & { reason?: string },
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory: { shop }, asker }) => {
    const done = removeBotSkill(shop, name, askerText(asker), options.reason ?? 'no reason given');
    if (!done.ok) return sayFailure(terminal, done.error);
    if (options.json) sayJson(terminal, done.value);
    else terminal.out(entryText(done.value));
    return 0;
  });

/** Exit 1 when neither a rule nor a bot skill understands it; no model is asked. */
export const botSkillsTryCommand = (
  doors: Doors,
  terminal: Terminal,
  words: string[],
  options: Json,
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory }) => {
    const understood = createBotEars(factory).understand(words.join(' '));
    if (options.json) sayJson(terminal, understood ?? null);
    else if (!understood) terminal.out('not understood');
    else {
      const { intent, skill } = understood;
      const by = skill === undefined ? 'a rule' : `bot skill ${skill}`;
      const args = 'action' in intent ? Object.entries(intent.args).map(([name, value]) => ` ${name}=${value}`) : [];
      const what = 'action' in intent ? `/${intent.action}${args.join('')}` : intent.reply;
      terminal.out(plainLine(`${what} (by ${by})`));
    }
    return understood ? 0 : 1;
  });

export const renderBotSkills = (
  views: readonly BotSkillView[],
  now: number,
  { lineWidth, paint }: Pick<Terminal, 'lineWidth' | 'paint'>,
): string => {
  if (views.length === 0) return 'the bot has learned nothing yet; skills/bot/NAME.yaml is a bot skill';
  const rows = views.filter(({ loaded }) => loaded);
  const faults = views.filter(({ fault }) => fault !== undefined);
  return [
    ...(rows.length === 0
      ? ['no bot skill is in force']
      : [
          renderTable(
            ['BOT SKILL', 'BY', 'USES', 'LAST', 'DOES', 'PHRASES'],
            rows.map(({ name, by, used, lastUsedAt, does, phrases }) => [
              name,
              by === 'upkeep' ? 'upkeep' : 'a person',
              String(used),
              lastUsedAt === undefined ? '–' : relativeText(lastUsedAt, now),
              does,
              phrases.join(' | '),
            ]),
            lineWidth,
            1,
          ),
        ]),
    ...faults.map(
      ({ file, fault, loaded }) =>
        `${paint('red', 'refused')}  ${plainLine(file)}: ${plainLine(fault ?? '')}${loaded ? '; the last good one stays in force' : ''}`,
    ),
  ].join('\n');
};
