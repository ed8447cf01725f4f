import { cycleAtHand } from '../../desk/at-hand.ts';
import type { Doors } from '../../desk/doors.ts';
import type { EntryOf, Outcome } from '../../model/entry.ts';
import { TOLD } from './log.ts';
import { inFactory } from './open.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';
import { cycleLine } from './words.ts';

/** `winnow cycle <session>`: one pass of one session, now; told as it goes, ended by its entry. */
export const cycleCommand = (
  doors: Doors,
  terminal: Terminal,
  session: string,
  options: Homed & { task?: string; json?: boolean },
): Promise<number> =>
  inFactory(
    doors,
    terminal,
    options,
    async ({ factory, asker, signal }) => {
      const tell = (line: string) => terminal.note(plain(line));
      const done = await cycleAtHand(factory, { session, task: options.task }, { asker, signal, tell });
      if (!done.ok) return sayFailure(terminal, done.error);
      if (options.json) sayJson(terminal, done.value);
      else terminal.out(renderEnd(done.value, terminal));
      return EXIT_BY_OUTCOME[done.value.data.outcome];
    },
    { session, types: ['cycle_phase', 'check_ran', 'agent_ran', ...TOLD], but: ({ type }) => type === 'ralph_cycle' },
  );

/** The cycle came to a judged end, whatever the judgement: 0. */
const EXIT_BY_OUTCOME: Record<Outcome, number> = {
  pushed: 0,
  discarded: 0,
  empty: 0,
  failed: 1,
  unevaluated: 3,
  interrupted: 130,
};

const renderEnd = (entry: EntryOf<'ralph_cycle'>, { paint }: Terminal): string => {
  const { data } = entry;
  const style = data.outcome === 'pushed' ? 'green' : data.outcome === 'failed' ? 'red' : 'yellow';
  return [
    paint(style, plain(cycleLine(entry))),
    ...(data.branch && data.outcome === 'pushed' ? [`  branch      ${data.branch}`] : []),
    ...(data.patch ? [`  patch       ${data.patch}`] : []),
    ...(data.report ? [`  report      ${data.report}`] : []),
    ...(data.transcript ? [`  transcript  ${data.transcript}/`] : []),
  ].join('\n');
};
