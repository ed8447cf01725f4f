import { setMaxListeners } from 'node:events';
import { holdStandup, type Meeting, queueOwed } from '../flow/standup.ts';
import type { Workshop } from '../flow/workshop.ts';
import { FailureError } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import { type MachineFacts, whyHeld } from '../policy/gates.ts';
import { attendees, meetingForm, notDue } from '../policy/standup.ts';

/**
 * Holds the standup when it is due, or when somebody wants it. A tick may come twice or in two processes: one holds the
 * meeting and the other is told, and what was held at its time is not due any more.
 */
export interface StandupDeps {
  shop: Workshop;
  sessions: () => readonly Session[];
  facts: () => Promise<MachineFacts>;
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Standup {
  tick(why: 'schedule' | 'manual' | 'demo', options?: TickOptions): Promise<Held>;
  /** Resolves when this process holds no meeting. */
  idle(): Promise<void>;
}

export interface TickOptions {
  /** The last round and the chair only. */
  short?: boolean;
  /** These sessions and no others. */
  only?: ReadonlySet<string>;
}

/** `waits`: nothing was held, for a reason that is told once. `failed`: it was begun and could not be recorded. */
export type Held = Meeting | { state: 'waits' | 'failed'; reason: string };

export const createStandup = (deps: StandupDeps): Standup => {
  const { tell } = deps;
  const underWay = new Set<Promise<unknown>>();
  let told = '';

  const tick: Standup['tick'] = async (why, options = {}) => {
    const held = await heldSafely(deps, why, options);
    const reason = held.state === 'held' ? '' : held.reason;
    // A gate that stays closed is no news at every hour.
    if (reason !== '' && (reason !== told || why !== 'schedule')) tell(`standup: ${reason}`);
    told = reason;
    if (held.state === 'held') tell(`standup: minutes in ${held.entry.data.file}`);
    return held;
  };

  return {
    tick: (why, options) => {
      const work = tick(why, options).finally(() => underWay.delete(work));
      underWay.add(work);
      return work;
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
};

const heldSafely = async (
  deps: StandupDeps,
  why: 'schedule' | 'manual' | 'demo',
  options: TickOptions,
): Promise<Held> => {
  const lock = await deps.shop.slots.tryAcquire('role:standup', 1, `pid ${process.pid}`);
  if (!lock) return waits('another process holds one at this moment');
  try {
    return await meet(deps, why, options);
  } catch (error) {
    // The disk is full: what was said is lost, and what was not said can be said again.
    if (error instanceof FailureError) return { state: 'failed', reason: error.failure.message };
    throw error;
  } finally {
    lock.release();
  }
};

const waits = (reason: string): Held => ({ state: 'waits', reason });

const meet = async (
  deps: StandupDeps,
  trigger: 'schedule' | 'manual' | 'demo',
  { short = false, only }: TickOptions,
): Promise<Held> => {
  const { shop, tell } = deps;
  queueOwed(shop);
  const now = shop.clock.now();
  const state = shop.journal.state();
  const config = shop.config();
  const early = trigger === 'schedule' ? notDue(state, config, now) : undefined;
  if (early !== undefined) return waits(early);
  const shut = await whyNot(deps, 'before');
  if (shut !== undefined) return waits(shut);
  const sessions = attendees(deps.sessions(), state).filter(({ name }) => only?.has(name) ?? true);
  if (sessions.length === 0) return waits('there is no session that could come');
  const reservedUsd = shop.purse.reserved({ session: '', project: '' }).total;
  const form = meetingForm({ state, config, sessions, reservedUsd, short, now });
  if (form.form === 'none') return waits(form.why);
  if (form.form === 'short') tell(`standup: held in short form: ${form.why}`);
  return holdStandup(shop, {
    ...{ sessions, trigger, tell, form: form.form, why: form.why, wordUsd: form.wordUsd },
    signal: ownSignal(deps.signal),
    shut: () => whyNot(deps, 'amid'),
  });
};

/** Every word listens for the end of the meeting; that many listeners are no leak. */
const LISTENERS_MAX = 500;

const ownSignal = (signal: AbortSignal): AbortSignal => {
  const own = AbortSignal.any([signal]);
  setMaxListeners(LISTENERS_MAX, own);
  return own;
};

/**
 * What holds back a meeting. Once it is under way the use of memory does not: its own runs are part of it, and half a
 * meeting has cost as much as a whole one is worth.
 */
const whyNot = async ({ shop, facts, signal }: StandupDeps, when: 'before' | 'amid'): Promise<string | undefined> => {
  if (signal.aborted) return 'stopped before it began';
  const machine = await facts();
  const except = when === 'amid' ? 'memory' : undefined;
  return whyHeld(shop.journal.state(), shop.config(), machine, { now: shop.clock.now(), except });
};
