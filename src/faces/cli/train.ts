import { revertAtHand, trainAtHand } from '../../desk/at-hand.ts';
import type { Doors } from '../../desk/doors.ts';
import type { TrainTick } from '../../desk/landing.ts';
import type { EntryType } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import { inFactory } from './open.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';
import { momentText, sentence } from './words.ts';

/** What a person wants to see while the checks run. */
const TRAIN_TOLD: readonly EntryType[] = [
  'check_ran',
  'train_tested',
  'merged',
  'branch_dropped',
  'branch_moved',
  'train_blocked',
  'landing_verified',
  'revert_proposed',
  'main_red',
  'main_green',
];

/** `winnow train`: what is approved lands now; the running factory does the same by itself. */
export const trainCommand = (
  doors: Doors,
  terminal: Terminal,
  project: string | undefined,
  options: Homed & { json?: boolean },
): Promise<number> =>
  inFactory(
    doors,
    terminal,
    options,
    async ({ factory, asker, signal }) => {
      const runs = await trainAtHand(factory, project, { asker, signal, tell: (line) => terminal.note(plain(line)) });
      if (!runs.ok) return sayFailure(terminal, runs.error);
      const codes = runs.value.map(({ project: name, ran }) => sayTrain(terminal, name, ran, options.json ?? false));
      return signal.aborted ? 130 : Math.max(0, ...codes);
    },
    { types: TRAIN_TOLD },
  );

/** `winnow revert`: takes back what landed, by a commit that is tested like any other. */
export const revertCommand = (
  doors: Doors,
  terminal: Terminal,
  what: string,
  options: Homed & { reason?: string; project?: string; json?: boolean },
): Promise<number> =>
  inFactory(
    doors,
    terminal,
    options,
    async ({ factory, asker, signal }) => {
      const { project, reason = 'asked for by a person' } = options;
      const waiting = { asker, signal, tell: (line: string) => terminal.note(plain(line)) };
      const reverted = await revertAtHand(factory, what, { project, reason }, waiting);
      if (!reverted.ok) return sayFailure(terminal, reverted.error);
      const { branch, ran } = reverted.value;
      if (!ran.ok && ran.error.kind === 'already-running') {
        terminal.note('the running factory lands it; see `winnow queue`');
        if (options.json) sayJson(terminal, { branch, state: 'approved' });
        return 0;
      }
      const code = sayTrain(terminal, reverted.value.project.name, ran, false, options.json ?? false);
      const state = factory.journal.state().queue[branch]?.status;
      if (options.json) sayJson(terminal, { branch, ...state });
      return state?.state === 'landed' ? 0 : Math.max(1, code);
    },
    { types: TRAIN_TOLD },
  );

/** Landed and dropped are both a train that did its work; what waits is told, and what cannot be is a failure. */
const sayTrain = (
  terminal: Terminal,
  project: string,
  ran: { ok: true; value: TrainTick } | { ok: false; error: Failure },
  json: boolean,
  quiet = json,
): number => {
  if (!ran.ok) return sayFailure(terminal, ran.error);
  const { landed, dropped, waits } = ran.value;
  if (json) sayJson(terminal, { project, ...ran.value });
  if (!quiet) terminal.out(trainText(project, ran.value));
  return waits !== undefined && landed.length === 0 && dropped.length === 0 ? 1 : 0;
};

export const trainText = (project: string, { landed, dropped, waits }: TrainTick): string => {
  const until = waits?.untilMs === undefined ? '' : ` (next look ${momentText(new Date(waits.untilMs).toISOString())})`;
  const parts = [
    ...(landed.length > 0 ? [`landed ${landed.join(', ')}`] : []),
    ...(dropped.length > 0 ? [`dropped ${dropped.join(', ')}`] : []),
    ...(waits ? [`waits: ${sentence(waits.reason)}${until}`] : []),
  ];
  return `${project}: ${parts.join('; ') || 'nothing waits to land'}`;
};
