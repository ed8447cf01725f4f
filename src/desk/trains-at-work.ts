import type { Cron } from 'croner';
import { ok } from '../base/result.ts';
import type { EntryType } from '../model/entry.ts';
import { createTrains } from '../roles/train.ts';
import { cronAt } from './cron-at.ts';
import { everyTick, followTypes, type StartPart } from './role-at-work.ts';

/** The train within a running factory: by the clock, at once when something may land, and when it said it would. */

/** What may let a branch land, or says that main is not what it was. */
const LANDING: readonly EntryType[] = ['cto_review', 'main_moved', 'resumed', 'config_loaded', 'project_ready'];

export const startTrains: StartPart = (input) => {
  const { factory, signal, tell } = input;
  let stopped = false;
  const due = new Map<string, Cron>();
  const trains = createTrains({
    ...{ shop: factory.shop, facts: factory.facts, signal, tell },
    onDue: (project, atMs) => {
      due.get(project)?.stop();
      // A look that was cut off by the stop asks for another one, which nobody would end.
      if (stopped || signal.aborted) return;
      due.set(project, cronAt(atMs, tick));
    },
  });
  const tick = (): void => {
    if (!stopped) trains.tick();
  };
  const cron = everyTick(input, tick);
  followTypes(input, LANDING, signal, tick);
  tick();
  return ok({
    stop: () => {
      stopped = true;
      cron.stop();
      for (const one of due.values()) one.stop();
    },
    idle: trains.idle,
  });
};
