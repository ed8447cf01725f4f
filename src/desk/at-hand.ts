import { ok, type Result } from '../base/result.ts';
import type { TrainTick } from '../flow/train.ts';
import type { CommandOf } from '../model/command.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Asker, RequestArgs } from '../model/request.ts';
import type { Session } from '../model/session.ts';
import type { Task } from '../model/task.ts';
import { readGates } from '../policy/gates.ts';
import { pausedBy } from '../policy/standup.ts';
import { selfIdentity } from '../ports/machine/processes.ts';
import { createDoctor, type Rounded } from '../roles/doctor.ts';
import { recover } from '../roles/recovery.ts';
import { createReviewer, type Review } from '../roles/reviewer.ts';
import { runCycle } from '../roles/session.ts';
import { createStandup, type Held } from '../roles/standup.ts';
import { runTrain } from '../roles/train.ts';
import { createUpkeep, type Upkept } from '../roles/upkeep.ts';
import type { Factory } from './doors.ts';
import { drawQueues } from './draw.ts';
import { heldText, reviewedText, roundedText, upkeptText } from './endings.ts';
import { type Reverted, revert } from './landing.ts';
import { request } from './requesting.ts';
import { settle } from './requests.ts';
import { noSession } from './session.ts';
import { addTasks } from './tasks.ts';

export type { Review } from '../roles/reviewer.ts';

/**
 * What somebody wants now and waits for, done by this very process, whether a factory runs or not: locks keep the two
 * apart. The journal says who asked, and what came of it.
 */
export interface Waiting {
  asker: Asker;
  /** The person lost patience: what runs is told to stop. */
  signal: AbortSignal;
  /** What they want to see meanwhile. */
  tell: (line: string) => void;
}

export const reviewAtHand = (
  factory: Factory,
  branches: readonly string[],
  waiting: Waiting,
): Promise<Result<Review[], Failure>> =>
  atHand(factory, waiting, 'review', named('branches', branches), async ({ branches: found }) => {
    const { shop, facts } = factory;
    const reviews = await createReviewer({ shop, facts, ...waiting }).tick('sweep', found && new Set(found));
    return ok({ value: reviews, ...reviewedText(reviews) });
  });

export const standupAtHand = (
  factory: Factory,
  { sessions, short }: Pick<RequestArgs, 'sessions' | 'short'>,
  waiting: Waiting,
): Promise<Result<Held, Failure>> => {
  for (const name of sessions ?? []) {
    const session = factory.sessions().find((each) => each.name === name);
    const by = session && pausedBy(session, factory.journal.state());
    if (by !== undefined)
      return Promise.resolve(failed('argument-invalid', `session ${name} is paused by ${by}, and would not come`));
  }
  return atHand(
    factory,
    waiting,
    'standup',
    { ...named('sessions', sessions ?? []), ...(short ? { short } : {}) },
    async (args) => {
      const { shop, facts, sessions: all } = factory;
      const held = await createStandup({ shop, sessions: all, facts, ...waiting }).tick('manual', {
        short: args.short === true,
        ...(args.sessions ? { only: new Set(args.sessions) } : {}),
      });
      return ok({ value: held, ...heldText(held) });
    },
  );
};

export const doctorAtHand = (
  factory: Factory,
  { sessions, rulesOnly }: Pick<RequestArgs, 'sessions' | 'rulesOnly'>,
  waiting: Waiting,
): Promise<Result<Rounded, Failure>> =>
  atHand(
    factory,
    waiting,
    'doctor',
    { ...named('sessions', sessions ?? []), ...(rulesOnly ? { rulesOnly } : {}) },
    async (args) => {
      const { shop, facts, sessions: all } = factory;
      const rounded = await createDoctor({ shop, sessions: all, facts, ...waiting }).tick('manual', {
        ...(args.sessions ? { only: new Set(args.sessions) } : {}),
        ...(args.rulesOnly ? { rulesOnly: true } : {}),
      });
      return ok({ value: rounded, ...roundedText(rounded) });
    },
  );

export const upkeepAtHand = (factory: Factory, waiting: Waiting): Promise<Result<Upkept, Failure>> =>
  atHand(factory, waiting, 'upkeep', {}, async () => {
    const { shop, facts, sessions } = factory;
    const upkept = await createUpkeep({ shop, sessions, facts, ...waiting }).tick('manual');
    return ok({ value: upkept, ...upkeptText(upkept) });
  });

/** One cycle of one session, with the text of a task if there is one. */
export const cycleAtHand = async (
  factory: Factory,
  { session: name, task: text }: { session: string; task: string | undefined },
  waiting: Waiting,
): Promise<Result<EntryOf<'ralph_cycle'>, Failure>> => {
  const session = factory.sessions().find((each) => each.name === name);
  if (!session) return noSession(factory, name);
  const { journal, config, facts, clock } = factory;
  const shut = readGates(journal.state(), config(), await facts(), clock.now()).find(({ closed }) => closed);
  if (shut) return failed('held-back', `gate ${shut.gate} is closed: ${shut.reason}`);
  await recover(factory.shop, factory.sessions());
  return atHand(factory, waiting, 'cycle', { sessions: [name] }, async () => {
    const task = text === undefined ? undefined : addTasks(factory, [{ text, session: name, by: waiting.asker.name }]);
    if (task && !task.ok) return task;
    const ended = await oneCycle(factory, session, task?.value[0], waiting.signal);
    drawQueues(factory);
    if (!ended.ok) return ended;
    const { outcome, reason } = ended.value.data;
    return ok({ value: ended.value, done: true, note: `${outcome}: ${reason}` });
  });
};

const oneCycle = ({ shop }: Factory, session: Session, task: Task | undefined, signal: AbortSignal) =>
  runCycle(shop, { session, trigger: task ? 'task' : 'manual', ...(task ? { task } : {}), signal });

/** What is approved lands now, project by project. */
export const trainAtHand = async (
  factory: Factory,
  project: string | undefined,
  { signal }: Waiting,
): Promise<Result<{ project: string; ran: Result<TrainTick, Failure> }[], Failure>> => {
  const projects = factory.config().projects.filter(({ name }) => project === undefined || name === project);
  if (projects.length === 0) {
    const names = factory.config().projects.map(({ name }) => name);
    return failed('not-found', `there is no project ${project}; there are ${names.join(', ')}`);
  }
  const runs: { project: string; ran: Result<TrainTick, Failure> }[] = [];
  for (const each of projects) runs.push({ project: each.name, ran: await runTrain(factory.shop, each, signal) });
  return ok(runs);
};

/** Takes back what landed and rides the train with it, unless the running factory is at it. */
export const revertAtHand = async (
  factory: Factory,
  what: string,
  { project, reason }: { project: string | undefined; reason: string },
  { asker, signal, tell }: Waiting,
): Promise<Result<Reverted & { ran: Result<TrainTick, Failure> }, Failure>> => {
  const reverted = await revert(factory, what, { project, reason, by: asker.name, signal });
  if (!reverted.ok) return reverted;
  tell(`${reverted.value.branch} rides the train: ${reverted.value.title}`);
  return ok({ ...reverted.value, ran: await runTrain(factory.shop, reverted.value.project, signal) });
};

const named = <K extends 'branches' | 'sessions'>(key: K, names: readonly string[]): RequestArgs =>
  names.length === 0 ? {} : { [key]: [...names] };

interface Done<T> {
  value: T;
  done: boolean;
  /** One sentence for the journal. */
  note: string;
}

const atHand = async <T>(
  factory: Factory,
  { asker, signal }: Waiting,
  what: CommandOf<'request'>['what'],
  args: RequestArgs,
  deed: (args: RequestArgs) => Promise<Result<Done<T>, Failure>>,
): Promise<Result<T, Failure>> => {
  try {
    const asked = request(
      factory,
      { command: 'request', what, args },
      { by: asker, key: undefined, here: selfIdentity() },
    );
    if (!asked.ok) return asked;
    const { id, args: checked } = asked.value.request;
    const end = (done: boolean, note: string) => settle(factory.journal, id, { done, note: factory.shop.redact(note) });
    const done = await deed(checked).catch(async (error: unknown) => {
      await end(false, error instanceof Error ? error.message : String(error));
      throw error;
    });
    if (!done.ok) await end(false, done.error.message);
    else if (signal.aborted) await end(false, `stopped by ${asker.name}`);
    else await end(done.value.done, done.value.note);
    if (what === 'review' || what === 'standup') drawQueues(factory);
    return done.ok ? ok(done.value.value) : done;
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  }
};
