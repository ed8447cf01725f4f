import { Cron } from 'croner';
import { ok } from '../base/result.ts';
import { collect } from '../flow/gc.ts';
import { pruneMirror } from '../flow/prune.ts';
import { writeTaskQueue } from '../flow/task-queue.ts';
import type { EntryType } from '../model/entry.ts';
import type { Decision } from '../policy/schedule.ts';
import { recover } from '../roles/recovery.ts';
import { createScheduler, type Scheduler } from '../roles/scheduler.ts';
import { cyclesOf } from './carry-out.ts';
import { cronAt } from './cron-at.ts';
import type { Factory } from './doors.ts';
import { answerRequests, everyTick, followTypes, type RoleInput, type StartPart, tellOrFail } from './role-at-work.ts';

/**
 * The scheduler within a running factory: closes what a crash left, ticks by the clock, and at once when something
 * happens that lets work begin; once a day it tidies up.
 */

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
  'session_given_back',
  'config_loaded',
  'main_red',
  'main_green',
];

/** How soon after the last of several wakings the tick comes. */
const WAKE_DELAY_MS = 20;
/** Once a day: what grows without being needed is packed or removed, so that weeks cost no more than days. */
const QUIET_HOUR = '17 3 * * *';
/** Of what could not be removed a few lines tell it all: it is mostly one directory's permissions. */
const FAILED_TOLD_MAX = 5;

export const startScheduling: StartPart = async (input) => {
  const { factory, signal, tell, fail } = input;
  await tellRecovery(factory, tell);
  const scheduler = createScheduler({
    shop: factory.shop,
    sessions: factory.sessions,
    facts: factory.facts,
    signal,
    tell,
    ...(input.onCycle ? { onCycle: input.onCycle } : {}),
  });
  const wake = createWaker(input, scheduler);
  const crons = [
    everyTick(input, wake.now),
    new Cron(QUIET_HOUR, { protect: true, timezone: 'UTC', catch: fail }, () => tidy(factory, tell)),
  ];
  followTypes(input, WAKING, signal, wake.soon);
  wake.now();
  const requests = answerRequests(input, cyclesOf(factory));
  return ok({
    stop: () => {
      for (const cron of crons) cron.stop();
      wake.stop();
      return requests.stop();
    },
    idle: async () => {
      await Promise.all([scheduler.idle(), requests.idle()]);
    },
  });
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
const createWaker = (input: RoleInput, scheduler: Scheduler): Waker => {
  const { factory } = input;
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
      .catch(tellOrFail(input, 'tick failed'));
  };
  return {
    now,
    soon: () => {
      if (stopped) return;
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
