import { Cron } from 'croner';
import { aborted, abortedBy } from '../base/abort.ts';
import type { Result } from '../base/result.ts';
import type { EntryOf, EntryType } from '../model/entry.ts';
import { type Failure, FailureError } from '../model/failure.ts';
import type { CarryOut } from './carry-out.ts';
import type { Factory } from './doors.ts';
import { onEntries } from './follow.ts';
import { takeRequests } from './requests.ts';

/** What a role, or a part of one, is given within a running factory. */
export interface RoleInput {
  factory: Factory;
  version: string;
  /** Ends what runs: the factory stops, or this role has failed and has come to rest. */
  signal: AbortSignal;
  tell: (line: string) => void;
  /** Says that the role cannot go on as it is: it is stopped and begins anew. */
  fail: (error: unknown) => void;
  /** Called with the summary of each cycle. */
  onCycle?: (entry: EntryOf<'ralph_cycle'>) => void;
}

export interface AtWork {
  /** Nothing new begins; what runs goes on. Resolves when another may begin in its place. */
  stop(): void | Promise<void>;
  /** Resolves when nothing of it is under way. */
  idle(): Promise<void>;
}

/** A failure is one of the world, such as a taken address, and is tried again; what is thrown is the role's own. */
export type StartPart = (input: RoleInput) => Result<AtWork, Failure> | Promise<Result<AtWork, Failure>>;

/** Calls back with each entry of these types from now on, until the signal aborts. */
export const followTypes = (
  { factory, fail }: RoleInput,
  types: readonly EntryType[],
  signal: AbortSignal,
  met: (type: EntryType) => void,
): void => {
  onEntries(factory.journal, types, signal, met).catch(fail);
};

/** Where the next attempt may do better, as on a full disk, it is told; everything else makes the role begin anew. */
export const tellOrFail =
  ({ tell, fail }: RoleInput, what: string) =>
  (error: unknown): void => {
    if (error instanceof FailureError) tell(`${what}: ${error.failure.message}. ${error.failure.mend}`);
    else fail(error);
  };

export const tickSeconds = (factory: Factory): number => Math.max(1, Math.round(factory.config().schedule.tick / 1000));

/** Does it every tick of the configuration. */
export const everyTick = ({ factory, fail }: RoleInput, deed: () => void): Cron =>
  new Cron('* * * * * *', { interval: tickSeconds(factory), protect: true, unref: false, catch: fail }, deed);

/** Carries out what people ask this role for. */
export const answerRequests = (input: RoleInput, carryOut: CarryOut): AtWork => {
  const { journal, shop } = input.factory;
  const closing = abortedBy(input.signal);
  const requests = takeRequests({
    journal,
    slots: shop.slots,
    signal: closing.signal,
    tell: input.tell,
    fail: input.fail,
    carryOut,
  });
  const cron = everyTick(input, requests.tick);
  void aborted(closing.signal).then(() => cron.stop());
  return { stop: () => closing.abort(), idle: requests.idle };
};
