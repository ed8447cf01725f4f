import type { Doors } from '../../desk/doors.ts';
import { type Collection, collect, type GcPlan, planGc } from '../../desk/gc.ts';
import { groupsOf, type RetentionGroup } from '../../policy/retention.ts';
import { plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { collectedText, retainedText, sentence, sizeText } from './words.ts';

/** `winnow gc`: shows what has had its time; with --yes removes it. Exit 1 when something could not be removed. */
export const gcCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { yes?: boolean; json?: boolean },
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const { shop, close } = opened.value;
  try {
    if (!options.yes) {
      const plan = await planGc(shop);
      if (options.json) sayJson(terminal, planJson(plan));
      else terminal.out(renderPlan(plan, terminal));
      return 0;
    }
    const done = await collect(shop, 'person');
    if (!done.ok) return sayFailure(terminal, done.error);
    if (options.json) sayJson(terminal, done.value);
    else terminal.out(renderCollection(done.value, terminal));
    return done.value.failed.length > 0 ? 1 : 0;
  } finally {
    await close();
  }
};

const planJson = ({ goes, stays, notes }: GcPlan) => {
  const flat = (judged: GcPlan['goes']) => judged.map(({ item, why }) => ({ ...item, why }));
  return { goes: flat(goes), stays: flat(stays), notes };
};

export const renderPlan = (
  { goes, stays, notes }: GcPlan,
  { paint, lineWidth }: Pick<Terminal, 'paint' | 'lineWidth'>,
): string => {
  const table = (groups: RetentionGroup[]) =>
    renderTable(
      ['WHAT', 'SIZE', 'WHY', 'NAMES'],
      groups.map((group) => [
        retainedText(group),
        group.bytes > 0 ? sizeText(group.bytes) : '',
        group.why,
        namesText(group),
      ]),
      lineWidth,
      2,
    );
  const total = goes.reduce((sum, { item }) => sum + item.bytes, 0);
  return [
    ...notes.map((text) => paint('yellow', `not looked at: ${plainLine(sentence(text))}`)),
    ...(goes.length === 0 ? ['nothing has had its time'] : [table(groupsOf(goes))]),
    ...(stays.length === 0 ? [] : ['', 'stays although it has had its time:', table(groupsOf(stays))]),
    ...(goes.length === 0
      ? []
      : ['', `\`winnow gc --yes\` removes the upper ${goes.length}, ${sizeText(total)} together`]),
  ].join('\n');
};

const namesText = ({ names, count }: RetentionGroup): string =>
  `${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`;

/** Of what went otherwise than planned a person reads the first. */
const NAMED_MAX = 20;

export const renderCollection = (
  { items, patches, kept, failed }: Collection,
  { paint }: Pick<Terminal, 'paint'>,
): string =>
  [
    collectedText({ items, patches, failed: failed.length }),
    ...patches.map((file) => `  patch  ${plainLine(file)}`),
    ...kept.slice(0, NAMED_MAX).map(({ name, why }) => `  stays  ${plainLine(name)}: ${plainLine(why)}`),
    ...failed
      .slice(0, NAMED_MAX)
      .map(({ name, why }) => paint('red', `  FAILED ${plainLine(name)}: ${plainLine(why)}`)),
  ].join('\n');
