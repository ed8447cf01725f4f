import type { Doors } from '../../desk/doors.ts';
import {
  acceptProposal,
  dismissProposal,
  listProposals,
  type ShownProposal,
  showProposal,
} from '../../desk/prompts.ts';
import { askerText } from '../../model/request.ts';
import type { Proposal } from '../../model/state.ts';
import { atDesk } from './open.ts';
import { plain, plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { entryText, relativeText, sentence, shortId } from './words.ts';

/** `winnow prompts`: what the doctor would change about what sessions are told; nothing changes by itself. */
type Json = Homed & { json?: boolean };

export const promptsList = (doors: Doors, terminal: Terminal, options: Json & { all?: boolean }): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter }) => {
    const proposals = listProposals(counter, options.all ?? false);
    if (options.json) sayJson(terminal, proposals);
    else terminal.out(renderProposals(proposals, terminal.width, counter.clock.now()));
    return 0;
  });

export const promptsShow = (doors: Doors, terminal: Terminal, id: string, options: Json): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter }) => {
    const shown = showProposal(counter, id);
    if (!shown.ok) return sayFailure(terminal, shown.error);
    if (options.json) sayJson(terminal, shown.value);
    else terminal.out(renderProposal(shown.value, terminal));
    return 0;
  });

export const promptsApply = (doors: Doors, terminal: Terminal, id: string, options: Json): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter, asker }) => {
    const applied = acceptProposal(counter, id, askerText(asker));
    if (!applied.ok) return sayFailure(terminal, applied.error);
    if (options.json) sayJson(terminal, applied.value);
    else terminal.out(entryText(applied.value));
    return 0;
  });

export const promptsDismiss = (
  doors: Doors,
  terminal: Terminal,
  id: string,
  options: Json & { reason: string },
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter, asker }) => {
    const dismissed = dismissProposal(counter, id, askerText(asker), options.reason);
    if (!dismissed.ok) return sayFailure(terminal, dismissed.error);
    if (options.json) sayJson(terminal, dismissed.value);
    else terminal.out(entryText(dismissed.value));
    return 0;
  });

export const renderProposals = (proposals: readonly Proposal[], width: number, now: number): string => {
  if (proposals.length === 0) return 'Nothing is proposed.';
  const rows = proposals.map(({ id, at, change, status, session }) => [
    shortId(id),
    status.state,
    relativeText(at, now),
    session ?? '',
    change.file,
    change.why,
  ]);
  return renderTable(['ID', 'STATE', 'SINCE', 'ABOUT', 'FILE', 'WHY'], rows, width, 1);
};

export const renderProposal = (
  { proposal, diff, obstacle }: ShownProposal,
  { paint }: Pick<Terminal, 'paint'>,
): string => {
  const { change, evidence, status, id, session } = proposal;
  const state =
    status.state === 'open' ? 'open' : `${status.state} by ${status.by}${status.reason ? `: ${status.reason}` : ''}`;
  const facts: [string, string | undefined][] = [
    ['proposal', id],
    ['state', state],
    ['file', change.file],
    ['about', session],
    ['why', change.why],
    ['cycles', evidence.length === 0 ? undefined : evidence.join(', ')],
  ];
  const colour = (line: string): string => {
    if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('@@')) return paint('cyan', line);
    if (line.startsWith('+')) return paint('green', line);
    return line.startsWith('-') ? paint('red', line) : line;
  };
  const open = status.state === 'open';
  return [
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(9)} ${plainLine(value)}`])),
    '',
    ...(obstacle === undefined ? [] : [sentence(plainLine(obstacle))]),
    ...(diff === ''
      ? obstacle === undefined
        ? [`${change.file} says that already.`]
        : []
      : plain(diff).split('\n').map(colour)),
    ...(open && obstacle === undefined ? ['', `winnow prompts apply ${shortId(id)}`] : []),
    ...(open ? [`winnow prompts dismiss ${shortId(id)} -m REASON`] : []),
  ].join('\n');
};
