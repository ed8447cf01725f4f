import type { Doors, Factory } from '../../desk/doors.ts';
import { revert } from '../../desk/landing.ts';
import type { TrainTick } from '../../flow/train.ts';
import type { EntryType } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import { personName } from '../../ports/git/person.ts';
import { runTrain } from '../../roles/train.ts';
import { renderEntry } from './log.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { momentText, sentence } from './words.ts';

/** `winnow train`: what is approved lands now; the running factory does the same by itself. */
export const trainCommand = async (
  doors: Doors,
  terminal: Terminal,
  project: string | undefined,
  options: Homed & { json?: boolean },
): Promise<number> =>
  withFactory(doors, terminal, options.home, async (factory, signal) => {
    const projects = factory.config().projects.filter(({ name }) => project === undefined || name === project);
    if (projects.length === 0) {
      const names = factory.config().projects.map(({ name }) => name);
      terminal.note(`winnow: there is no project ${project}; there are ${names.join(', ')}`);
      return 2;
    }
    let code = 0;
    for (const each of projects) {
      const ran = await runTrain(factory.shop, each, signal);
      code = Math.max(code, sayTrain(terminal, each.name, ran, options.json ?? false));
    }
    return signal.aborted ? 130 : code;
  });

/** `winnow revert`: takes back what landed, by a commit that is tested like any other. */
export const revertCommand = async (
  doors: Doors,
  terminal: Terminal,
  what: string,
  options: Homed & { reason?: string; project?: string; json?: boolean },
): Promise<number> =>
  withFactory(doors, terminal, options.home, async (factory, signal) => {
    const reverted = await revert(factory, what, {
      project: options.project,
      reason: options.reason ?? 'asked for by a person',
      by: await personName(),
      signal,
    });
    if (!reverted.ok) return sayFailure(terminal, reverted.error);
    const { branch, title, project } = reverted.value;
    terminal.note(`${branch} rides the train: ${title}`);
    const ran = await runTrain(factory.shop, project, signal);
    if (!ran.ok && ran.error.kind === 'already-running') {
      terminal.note('the running factory lands it; see `winnow queue`');
      if (options.json) sayJson(terminal, { branch, state: 'approved' });
      return 0;
    }
    const code = sayTrain(terminal, project.name, ran, false, options.json ?? false);
    const state = factory.journal.state().queue[branch]?.status;
    if (options.json) sayJson(terminal, { branch, ...state });
    return state?.state === 'landed' ? 0 : Math.max(1, code);
  });

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

const withFactory = async (
  doors: Doors,
  terminal: Terminal,
  home: string | undefined,
  deed: (factory: Factory, signal: AbortSignal) => Promise<number>,
): Promise<number> => {
  const opened = await doors.openFactory(home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  const telling = new AbortController();
  try {
    void tell(factory, terminal, telling.signal);
    return await deed(factory, stop.signal);
  } finally {
    telling.abort();
    stop.end();
    await factory.close();
  }
};

const tell = async (factory: Factory, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  for await (const entry of factory.journal.follow({ from: 'end', signal, filter: { types: TRAIN_TOLD } }))
    terminal.note(renderEntry(entry, terminal, factory.clock.now()));
};

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
