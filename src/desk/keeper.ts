import { aborted, abortedBy } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Journal } from '../journal/journal.ts';
import type { EntryType, NewEntryOf } from '../model/entry.ts';
import { type Failure, FailureError } from '../model/failure.ts';
import type { RoleName } from '../model/role.ts';
import type { State } from '../model/state.ts';
import { nextOfRole, ROLE_FAILURE_WINDOW_MS, refusedRetryMs } from '../policy/role-crash.ts';
import type { AtWork } from './role-at-work.ts';

/**
 * Keeps one role of a process at work whatever happens to it, and to it alone:
 *
 *   beginning -> working -> failed (waits) -> beginning;   failed too often -> parked -> beginning, when a person says so
 *   beginning -> refused by the world, such as a taken address (waits, counts as no failure) -> beginning
 *   stopped from anywhere
 */
export interface KeeperDeps {
  role: RoleName;
  pid: number;
  journal: Journal<State>;
  clock: Clock;
  /** The factory stops. */
  signal: AbortSignal;
  tell: (line: string) => void;
  /** Starts every part of the role; `signal` ends it, `fail` says that it cannot go on as it is. */
  start: (signal: AbortSignal, fail: (error: unknown) => void) => StartedParts;
  /** It is parked, now or from before. */
  onParked: () => void;
}

/** Each as it comes, so that what has begun is stopped when a later part fails. */
export type StartedParts = AsyncIterable<Result<AtWork, Failure>>;

export interface Keeper {
  role: RoleName;
  /** Resolves when the first beginning is over; whether the role is at work. */
  begun: Promise<boolean>;
  isParked(): boolean;
  /** After the stop of the factory: resolves when nothing of it is under way. */
  idle(): Promise<void>;
}

type Ended = { how: 'stopped' } | { how: 'failed'; reason: string } | { how: 'refused'; failure: Failure };

export const keepRole = (deps: KeeperDeps): Keeper => {
  const { role, journal, clock, signal, tell } = deps;
  const leaving = new Set<Promise<void>>();
  let parked = false;
  let tellBegun: (works: boolean) => void = () => {};
  const begun = new Promise<boolean>((resolve) => {
    tellBegun = resolve;
  });
  let isFirst = true;

  const work = async (): Promise<Ended> => {
    const own = abortedBy(signal);
    const parts: AtWork[] = [];
    let fail: (error: unknown) => void = () => {};
    const failing = new Promise<Ended>((resolve) => {
      fail = (error) => resolve(endedBy(error));
    });
    try {
      const began = await begin(deps.start(own.signal, fail), parts);
      if (!began.ok) return { how: 'refused', failure: began.error };
      if (!isFirst) tryAppend<'role_started'>(deps, { type: 'role_started', data: { role, pid: deps.pid } });
      tellBegun(true);
      return await Promise.race([failing, aborted(signal).then((): Ended => ({ how: 'stopped' }))]);
    } catch (error) {
      return endedBy(error);
    } finally {
      await leave(parts, own);
    }
  };

  /** What runs goes on to its end while the next beginning takes its place. */
  const leave = async (parts: AtWork[], own: AbortController): Promise<void> => {
    const stopped = await Promise.allSettled(parts.toReversed().map(async (part) => part.stop()));
    const idle = Promise.allSettled(parts.map((part) => part.idle())).then((settled) => {
      for (const one of [...stopped, ...settled])
        if (one.status === 'rejected') tell(`role ${role}: ${reasonOf(one.reason)}`);
      own.abort();
      leaving.delete(idle);
    });
    leaving.add(idle);
  };

  const keep = async (): Promise<void> => {
    let refusals = 0;
    let told = '';
    while (!signal.aborted) {
      const next = nextOfRole(journal.state().roles[role], clock.now());
      if (next.next !== 'begin') {
        if (next.next === 'park') parkRoles(deps, [{ role, failures: next.failures, reason: next.reason }]);
        tellBegun(false);
        // On a full disk it could not be written down that it is parked.
        if (!(await rest())) await clock.sleep(UNWRITTEN_MS, signal);
        continue;
      }
      const ended = await work();
      tellBegun(false);
      if (ended.how === 'stopped') return;
      isFirst = false;
      if (ended.how === 'refused') {
        refusals += 1;
        const { message, mend } = ended.failure;
        if (message !== told) tell(`role ${role} cannot begin: ${message}. ${mend}`);
        told = message;
        await clock.sleep(refusedRetryMs(refusals), signal);
        continue;
      }
      refusals = 0;
      told = '';
      tell(`role ${role} failed: ${ended.reason}`);
      tryAppend<'role_failed'>(deps, {
        type: 'role_failed',
        data: { role, pid: deps.pid, reason: ended.reason.slice(0, REASON_MAX) },
      });
      const again = nextOfRole(journal.state().roles[role], clock.now());
      if (again.next === 'begin') await clock.sleep(Math.max(again.afterMs, UNWRITTEN_MS), signal);
    }
    tellBegun(false);
  };

  /** Until a person says otherwise, or the factory stops; false where it is not parked. */
  const rest = async (): Promise<boolean> => {
    const over = abortedBy(signal);
    const unparked = journal.follow({ from: 'end', signal: over.signal, filter: { types: ['role_unparked'] } });
    const isRoleParked = () => journal.state().roles[role]?.parked !== undefined;
    // A person may have been quicker than the follower.
    parked = isRoleParked();
    const wasParked = parked;
    if (parked) {
      deps.onParked();
      for await (const _ of unparked) if (!isRoleParked()) break;
    }
    parked = false;
    isFirst = false;
    over.abort();
    return wasParked;
  };

  // Not before the caller has the keeper in hand.
  const kept = Promise.resolve().then(keep);
  return {
    role,
    begun,
    isParked: () => parked,
    idle: async () => {
      await kept;
      while (leaving.size > 0) await Promise.all(leaving);
    },
  };
};

/** What could not be written is not counted: it must not begin again at once all the same. */
const UNWRITTEN_MS = 1_000;
/** One sentence of a stack trace is enough for a journal line; the log has the whole of it. */
const REASON_MAX = 500;

const begin = async (started: StartedParts, parts: AtWork[]): Promise<Result<void, Failure>> => {
  for await (const part of started) {
    if (!part.ok) return err(part.error);
    parts.push(part.value);
  }
  return ok(undefined);
};

/** A full disk, a journal that may not be written: of the world, whoever met it. */
const endedBy = (error: unknown): Ended =>
  error instanceof FailureError
    ? { how: 'refused', failure: error.failure }
    : { how: 'failed', reason: reasonOf(error) };

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Parked {
  role: RoleName;
  failures: number;
  reason: string;
}

/** Told to everybody, as one matter: a role that rests does nothing, and nobody else does its work. */
export const parkRoles = (deps: Pick<KeeperDeps, 'journal' | 'tell'>, parked: readonly Parked[]): void => {
  const [first] = parked;
  if (!first) return;
  for (const data of parked) tryAppend<'role_parked'>(deps, { type: 'role_parked', data });
  const names = parked.map(({ role }) => role);
  const which = names.length === 1 ? `role ${names[0]} is` : `roles ${names.join(', ')} are`;
  const minutes = ROLE_FAILURE_WINDOW_MS / 60_000;
  const message = `${which} parked: ${first.failures} failures within ${minutes} minutes, the last: ${first.reason}`;
  const mend = `Read logs/winnow.log for why, then \`winnow resume --role ${names.join(',')}\`.`;
  deps.tell(`${message}. ${mend}`);
  tryAppend<'alert'>(deps, { type: 'alert', data: { message, mend } });
};

/** A journal that cannot be written now must not end what can go on without that line. */
export const tryAppend = <T extends EntryType>(
  { journal, tell }: Pick<KeeperDeps, 'journal' | 'tell'>,
  entry: NewEntryOf<T>,
): void => {
  try {
    journal.append<T>(entry);
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    tell(`${error.failure.message} ${error.failure.mend}`);
  }
};
