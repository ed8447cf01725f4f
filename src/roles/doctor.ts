import { type HeldRound, holdRound, type Round } from '../flow/doctor.ts';
import type { Workshop } from '../flow/workshop.ts';
import { FailureError } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import { type MachineFacts, whyHeld } from '../policy/gates.ts';

/**
 * Looks at all sessions by the clock, and when a person asks. A round may be held twice and in several processes: one
 * holds it, and what it did is not done again, since everything it goes by is in the journal.
 */
export interface DoctorDeps {
  shop: Workshop;
  sessions: () => readonly Session[];
  facts: () => Promise<MachineFacts>;
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Doctor {
  /** Resolves when the round is over; a round under way is waited for and is this one. */
  tick(trigger: Round['trigger'], options?: { only?: ReadonlySet<string>; rulesOnly?: boolean }): Promise<Rounded>;
  /** Resolves when this process holds no round. */
  idle(): Promise<void>;
}

export type Rounded =
  | ({ state: 'held' } & HeldRound)
  /** Nothing was done, for a reason outside of the sessions. */
  | { state: 'waits'; reason: string };

export const createDoctor = (deps: DoctorDeps): Doctor => {
  const { tell } = deps;
  let underWay: Promise<Rounded> | undefined;
  return {
    tick: (trigger, options = {}) => {
      underWay ??= turn(deps, trigger, options)
        .catch((error: unknown): Rounded => {
          // The disk is full, or a defect: the next round tries again.
          const reason = error instanceof FailureError ? error.failure.message : String(error);
          return { state: 'waits', reason };
        })
        .then((rounded) => {
          if (rounded.state === 'waits') tell(`no doctor’s round: ${rounded.reason}`);
          return rounded;
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
  { shop, sessions, facts, signal, tell }: DoctorDeps,
  trigger: Round['trigger'],
  { only, rulesOnly }: { only?: ReadonlySet<string>; rulesOnly?: boolean },
): Promise<Rounded> => {
  if (signal.aborted) return { state: 'waits', reason: 'stopped before it began' };
  const { paused } = shop.journal.state();
  if (paused) return { state: 'waits', reason: `everything is paused by ${paused.by}` };
  const lock = await shop.slots.tryAcquire('role:doctor', 1, `pid ${process.pid}`);
  if (!lock) return { state: 'waits', reason: 'another process holds a round' };
  try {
    const machine = await facts();
    const withoutRuns = rulesOnly ? 'the rules alone were asked for' : whyNoRuns(shop, machine);
    const round = { trigger, sessions: sessions(), only, facts: machine, withoutRuns, signal, tell };
    return { state: 'held', ...(await holdRound(shop, round)) };
  } finally {
    lock.release();
  }
};

/** Rules cost nothing; runs cost what the gates guard. */
const whyNoRuns = (shop: Workshop, machine: MachineFacts): string | undefined =>
  whyHeld(shop.journal.state(), shop.config(), machine, { now: shop.clock.now() });
