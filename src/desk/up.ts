import { Cron } from 'croner';
import { renderProblem } from '../base/file-problem.ts';
import { ok, type Result } from '../base/result.ts';
import { collect } from '../flow/gc.ts';
import { pruneMirror } from '../flow/prune.ts';
import { writeTaskQueue } from '../flow/task-queue.ts';
import type { EntryOf, EntryType } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Decision } from '../policy/schedule.ts';
import { selfIdentity } from '../ports/machine/processes.ts';
import { recover } from '../roles/recovery.ts';
import { createScheduler, type Scheduler } from '../roles/scheduler.ts';
import { createTrains } from '../roles/train.ts';
import { carryOutWith } from './carry-out.ts';
import { startCrew } from './crew-at-work.ts';
import type { CannotOpen, Factory } from './doors.ts';
import { takeRequests } from './requests.ts';
import { startReviewing } from './reviewing.ts';

/**
 * Runs the factory until the signal aborts: ticks by the clock, and at once when something happens that lets work
 * begin. Two stages of stopping: no new cycles, then running ones are interrupted cleanly.
 */
export interface UpInput {
  factory: Factory;
  version: string;
  signal: AbortSignal;
  /** Reads the configuration again, e.g. on SIGHUP; returns the way to stop listening. */
  onReload: (reload: () => void) => () => void;
  tell: (line: string) => void;
  /** Starts to listen once this process has the home to itself, until the signal aborts; whether it listens. */
  listen?: (signal: AbortSignal) => Promise<boolean>;
  onCycle?: (entry: EntryOf<'ralph_cycle'>) => void;
}

/** What may let work begin or change what is shown: everything else waits for the next tick. */
const WAKING: readonly EntryType[] = [
  'task_queued',
  'task_cancelled',
  'task_assigned',
  'task_returned',
  'task_done',
  'ralph_cycle',
  'resumed',
  'paused',
  'gate_closed',
  'session_parked',
  'config_loaded',
  'main_red',
  'main_green',
];

/** What may let a branch land, or says that main is not what it was. */
const LANDING: readonly EntryType[] = ['cto_review', 'main_moved', 'resumed', 'config_loaded', 'project_ready'];

/** A cycle that is told to stop needs at most six seconds; the rest is for the journal. */
const STOP_MAX_MS = 9_000;
/** How soon after the last of several wakings the tick comes. */
const WAKE_DELAY_MS = 20;

export const runFactory = async (input: UpInput): Promise<Result<void, Failure>> => {
  const { factory, signal, tell } = input;
  const { shop, journal } = factory;
  const lock = await shop.slots.tryAcquire('role:scheduler', 1, `pid ${process.pid}`);
  if (!lock) return failed('already-running', 'another process already runs this home');
  const self = selfIdentity();
  const crons: Cron[] = [];
  const stopReload = input.onReload(() => void reload(factory, tell));
  const closing = new AbortController();
  try {
    const listens = (await input.listen?.(closing.signal)) ?? false;
    journal.append<'process_started'>({
      type: 'process_started',
      data: {
        ...self,
        version: input.version,
        node: process.version,
        roles: ['scheduler', 'session', 'reviewer', 'train', 'standup', 'doctor', ...(listens ? ['http'] : [])],
      },
    });
    journalConfig(factory);
    await tellRecovery(factory, tell);
    const scheduler = createScheduler({
      shop,
      sessions: factory.sessions,
      facts: factory.facts,
      signal,
      tell,
      ...(input.onCycle ? { onCycle: input.onCycle } : {}),
    });
    const wake = createWaker(factory, scheduler, tell);
    const due = new Map<string, Cron>();
    const trains = createTrains({
      shop,
      facts: factory.facts,
      signal,
      tell,
      onDue: (project, atMs) => {
        due.get(project)?.stop();
        // A look that was cut off by the stop asks for another one, which nobody would end.
        if (signal.aborted) return;
        due.set(project, cronAt(atMs, trains.tick));
      },
    });
    crons.push(new Cron('* * * * * *', { interval: tickSeconds(factory), protect: true }, trains.tick));
    void followTypes(factory, closing.signal, LANDING, trains.tick);
    crons.push(new Cron('* * * * * *', { interval: tickSeconds(factory), protect: true, unref: false }, wake.now));
    crons.push(new Cron(QUIET_HOUR, { protect: true, timezone: 'UTC' }, () => tidy(factory, tell)));
    factory.watch(() => void reload(factory, tell), closing.signal);
    void followTypes(factory, closing.signal, WAKING, wake.soon);
    wake.now();
    trains.tick();
    const reviewing = startReviewing(factory, signal, tell);
    const crew = startCrew(factory, signal, tell);
    const requests = takeRequests({
      ...{ journal, slots: shop.slots, signal, tell },
      carryOut: carryOutWith(factory, { reviewer: reviewing.reviewer, standup: crew.standup, doctor: crew.doctor }),
    });
    crons.push(new Cron('* * * * * *', { interval: tickSeconds(factory), protect: true }, requests.tick));
    await aborted(signal);
    tell('stopping: running cycles are interrupted and their work is kept');
    wake.stop();
    reviewing.stop();
    crew.stop();
    for (const cron of due.values()) cron.stop();
    const idle = Promise.all([scheduler.idle(), reviewing.idle(), trains.idle(), crew.idle(), requests.idle()]);
    const over = new AbortController();
    await Promise.race([idle.finally(() => over.abort()), shop.clock.sleep(STOP_MAX_MS, over.signal)]);
    return ok(undefined);
  } finally {
    for (const cron of crons) cron.stop();
    closing.abort();
    stopReload();
    lock.release();
    // Last, and not needed: on a full disk the next start finds this process dead and says so.
    attempt(tell, () =>
      journal.append<'process_stopped'>({ type: 'process_stopped', data: { pid: self.pid, reason: 'stopped' } }),
    );
  }
};

/** A journal that cannot be written now must not end what can go on without that line. */
const attempt = (tell: (line: string) => void, deed: () => void): void => {
  try {
    deed();
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    tell(`${error.failure.message} ${error.failure.mend}`);
  }
};

/** Once a day: what grows without being needed is packed or removed, so that weeks cost no more than days. */
const QUIET_HOUR = '17 3 * * *';
/** Of what could not be removed a few lines tell it all: it is mostly one directory's permissions. */
const FAILED_TOLD_MAX = 5;

const tidy = async (factory: Factory, tell: (line: string) => void): Promise<void> => {
  try {
    for (const project of factory.config().projects) {
      const mirror = await factory.shop.mirrorOf(project);
      if (mirror.ok) await mirror.value.tidy();
    }
    const collected = await collect(factory.shop, 'schedule');
    if (!collected.ok) return tell(collected.error.message);
    for (const { why } of collected.value.failed.slice(0, FAILED_TOLD_MAX)) tell(why);
    // Last: what has just had its time lets go of its objects.
    for (const project of factory.config().projects) {
      const pruned = await pruneMirror(factory.shop, project);
      if (!pruned.ok) tell(pruned.error.message);
    }
  } catch (error) {
    tell(`tidying failed: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const tellRecovery = async (factory: Factory, tell: (line: string) => void): Promise<void> => {
  const { cycles, killed, open } = await recover(factory.shop, factory.sessions());
  for (const { session, cycle, outcome } of cycles)
    tell(`${session}: cycle ${cycle} of a dead process closed as ${outcome}`);
  if (killed > 0) tell(`${killed} left-over processes killed`);
  if (open > 0) tell(`${open} effects on a remote could not be settled yet; they are tried again at each tick`);
};

interface Waker {
  now: () => void;
  soon: () => void;
  stop: () => void;
}

/** Ticks, and plans one more tick for the moment at which the decision said something becomes due. */
const createWaker = (factory: Factory, scheduler: Scheduler, tell: (line: string) => void): Waker => {
  let stopped = false;
  let soon: NodeJS.Timeout | undefined;
  let due: Cron | undefined;
  const now = (): void => {
    if (stopped) return;
    scheduler
      .tick()
      .then((decision) => {
        writeTaskQueue(factory.journal, factory.paths.taskQueue);
        due?.stop();
        const next = earliest(decision);
        due = stopped || next === undefined ? undefined : cronAt(next, now);
      })
      .catch((error: unknown) => tell(`tick failed: ${error instanceof Error ? error.message : String(error)}`));
  };
  return {
    now,
    soon: () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        now();
      }, WAKE_DELAY_MS);
    },
    stop: () => {
      stopped = true;
      clearTimeout(soon);
      due?.stop();
    },
  };
};

const earliest = (decision: Decision): number | undefined => {
  const times = decision.wait.flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]));
  return times.length === 0 ? undefined : Math.min(...times);
};

const cronAt = (atMs: number, deed: () => void): Cron => new Cron(new Date(Math.max(atMs, Date.now() + 1000)), deed);

const tickSeconds = (factory: Factory): number => Math.max(1, Math.round(factory.config().schedule.tick / 1000));

const followTypes = async (
  factory: Factory,
  signal: AbortSignal,
  types: readonly EntryType[],
  wake: () => void,
): Promise<void> => {
  for await (const _ of factory.journal.follow({ from: 'end', signal, filter: { types } })) wake();
};

const reload = async (factory: Factory, tell: (line: string) => void): Promise<void> => {
  const result = await factory.reload();
  if (result.ok) {
    if (!result.value) return;
    attempt(tell, () => journalConfig(factory));
    tell('configuration read again');
    return;
  }
  const problems = problemsOf(result.error);
  attempt(tell, () => factory.journal.append<'config_rejected'>({ type: 'config_rejected', data: { problems } }));
  tell(`CONFIGURATION REFUSED, the last good one stays in force:\n  ${problems.join('\n  ')}`);
};

export const problemsOf = (error: CannotOpen): string[] =>
  'problems' in error ? error.problems.map(renderProblem) : [`${error.failure.message}. ${error.failure.mend}`];

const journalConfig = (factory: Factory): void => {
  factory.journal.append<'config_loaded'>({
    type: 'config_loaded',
    data: {
      hash: factory.configHash(),
      projects: factory.config().projects.map((project) => project.name),
      sessions: factory.sessions().map((session) => session.name),
    },
  });
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
