import { sha256 } from '../base/hash.ts';
import type { Journal } from '../journal/journal.ts';
import type { EntryData, EntryType } from '../model/entry.ts';
import { FailureError } from '../model/failure.ts';
import type { Request } from '../model/request.ts';
import type { State } from '../model/state.ts';
import { nameOfWork, openRequests } from '../policy/requests.ts';
import { isAlive, selfIdentity } from '../ports/machine/processes.ts';
import type { Slots } from '../ports/machine/slots.ts';
import type { CarryOut } from './carry-out.ts';
import { onEntries } from './follow.ts';

/**
 * Carries out what people asked for, also before this process was started: each request once, in one process, until it
 * is settled. A request whose process died is begun again by the next; what stops with its factory is left open for it.
 */
export interface RequestsDeps {
  journal: Journal<State>;
  slots: Slots;
  /** By what this process can do; other requests are left to other processes. Resolves with one sentence for who asked. */
  carryOut: CarryOut;
  /** Nothing new begins, and what runs is told to stop. */
  signal: AbortSignal;
  /** The journal cannot be followed any more: nobody would be heard. */
  fail: (error: unknown) => void;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Requests {
  /** Looks now; by itself it looks when something is asked for. What another process left is found by ticking at times. */
  tick(): void;
  /** Resolves when this process carries out nothing. */
  idle(): Promise<void>;
}

/** What may be carried out now: what was just asked for, and what somebody left who has just been found dead. */
const WAKING: readonly EntryType[] = ['requested', 'process_stopped'];

/** Begun so often and never come to an end, it is what ends the process each time. */
const TAKEN_MAX = 5;

export const takeRequests = (deps: RequestsDeps): Requests => {
  const { journal, carryOut, signal, fail, tell } = deps;
  const underWay = new Map<string, Promise<void>>();

  const attempt = (deed: () => Promise<void>): Promise<void> =>
    deed().catch((error: unknown) => tell(error instanceof FailureError ? error.failure.message : String(error)));

  /** Equal requests that came at one moment are one work, and settled together. */
  const begin = (work: string, request: Request): void => {
    const done = carry(deps, work, request)
      .catch((error: unknown) => {
        // The disk is full, or a defect: it stays open, and the next look tries again.
        tell(`request ${request.id}: ${error instanceof FailureError ? error.failure.message : String(error)}`);
      })
      .finally(() => underWay.delete(work));
    underWay.set(work, done);
  };

  const tick = (): void => {
    if (signal.aborted) return;
    for (const request of openRequests(journal.state())) {
      if (request.here) {
        if (!isAlive(request.here)) void attempt(() => settle(journal, request.id, ORPHANED));
        continue;
      }
      const work = nameOfWork(request);
      if (carryOut[request.what] && !underWay.has(work)) begin(work, request);
    }
  };

  onEntries(journal, WAKING, signal, tick).catch(fail);
  tick();
  return {
    tick,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
};

const carry = async (deps: RequestsDeps, work: string, { id, what }: Request): Promise<void> => {
  const { journal, slots, carryOut, signal, tell } = deps;
  const lock = await slots.tryAcquire(`request:${sha256(work)}`, 1, `pid ${process.pid}`);
  if (!lock) return;
  try {
    // Whoever had the lock before may have settled it.
    const request = openRequests(journal.state()).find((open) => open.id === id);
    if (!request || signal.aborted) return;
    if ((request.taken?.times ?? 0) >= TAKEN_MAX) {
      const note = `it was begun ${TAKEN_MAX} times, and each time the process ended before it did`;
      tell(`request ${id}: ${note}`);
      return await settleAll(journal, work, { done: false, note });
    }
    journal.append<'request_taken'>({ type: 'request_taken', data: { request: id, ...selfIdentity() } });
    const done = await carryOut[what]!(request, signal);
    // Stopped with the factory and not by its own end: the next start goes on with it.
    if (!done.ok && signal.aborted) return;
    if (!done.ok) tell(`request ${id}: ${done.error.message}`);
    await settleAll(
      journal,
      work,
      done.ok ? { done: true, note: done.value } : { done: false, note: done.error.message },
    );
  } finally {
    lock.release();
  }
};

const ORPHANED = { done: false, note: 'the process that did it by hand ended before it did' };

/** Durable, since what is settled is not done again. */
export const settle = async (
  journal: Journal<State>,
  request: string,
  end: Omit<EntryData<'request_settled'>, 'request'>,
): Promise<void> => {
  await journal.appendDurable<'request_settled'>({ type: 'request_settled', data: { request, ...end } });
};

/** All that wanted the same. */
const settleAll = async (
  journal: Journal<State>,
  work: string,
  end: Omit<EntryData<'request_settled'>, 'request'>,
): Promise<void> => {
  const same = openRequests(journal.state()).filter(
    (request) => request.here === undefined && nameOfWork(request) === work,
  );
  await Promise.all(same.map(({ id }) => settle(journal, id, end)));
};
