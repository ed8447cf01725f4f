import { type KeptUp, keepUp, type UpkeepInput } from '../flow/upkeep.ts';
import type { Workshop } from '../flow/workshop.ts';
import { FailureError } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import { type MachineFacts, readGates } from '../policy/gates.ts';

/**
 * Lets the bot learn from what it did not understand, by the clock and when a person asks. It may be done twice and in
 * several processes: one does it, and what it has looked at is in the journal and not looked at again.
 */
export interface UpkeepDeps {
  shop: Workshop;
  sessions: () => readonly Session[];
  facts: () => Promise<MachineFacts>;
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Upkeep {
  /** Resolves when it is done; one under way is waited for and is this one. */
  tick(trigger: UpkeepInput['trigger']): Promise<Upkept>;
  /** Resolves when this process is at none. */
  idle(): Promise<void>;
}

export type Upkept =
  | ({ state: 'done' } & KeptUp)
  /** Nothing was done, for a reason outside of the messages. */
  | { state: 'waits'; reason: string };

export const createUpkeep = (deps: UpkeepDeps): Upkeep => {
  const { tell } = deps;
  let underWay: Promise<Upkept> | undefined;
  return {
    tick: (trigger) => {
      underWay ??= turn(deps, trigger)
        .catch((error: unknown): Upkept => {
          // The disk is full: the next one tries again.
          if (error instanceof FailureError) return { state: 'waits', reason: error.failure.message };
          throw error;
        })
        .then((upkept) => {
          if (upkept.state === 'waits') tell(`no upkeep of the bot: ${upkept.reason}`);
          return upkept;
        })
        .finally(() => {
          underWay = undefined;
        });
      return underWay;
    },
    idle: async () => {
      while (underWay) await underWay;
    },
  };
};

const turn = async (
  { shop, sessions, facts, signal, tell }: UpkeepDeps,
  trigger: UpkeepInput['trigger'],
): Promise<Upkept> => {
  if (signal.aborted) return { state: 'waits', reason: 'stopped before it began' };
  const lock = await shop.slots.tryAcquire('role:upkeep', 1, `pid ${process.pid}`);
  if (!lock) return { state: 'waits', reason: 'another process is at it' };
  try {
    const withoutRuns = await whyNoRuns(shop, await facts());
    return { state: 'done', ...(await keepUp(shop, { trigger, sessions: sessions(), withoutRuns, signal, tell })) };
  } finally {
    lock.release();
  }
};

/** Files and journal are brought in line at any time; a run costs what the gates guard. */
const whyNoRuns = async (shop: Workshop, machine: MachineFacts): Promise<string | undefined> => {
  const state = shop.journal.state();
  if (state.paused) return `everything is paused by ${state.paused.by}`;
  const shut = readGates(state, shop.config(), machine, shop.clock.now()).find(({ closed }) => closed);
  return shut && `gate ${shut.gate} is closed: ${shut.reason}`;
};
