import { aborted, abortedBy, heardByMany } from '../base/abort.ts';
import { renderProblem } from '../base/file-problem.ts';
import { ok, type Result } from '../base/result.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import { ROLES, type RoleName } from '../model/role.ts';
import { nextOfRole } from '../policy/role-crash.ts';
import { isAlive, selfIdentity } from '../ports/machine/processes.ts';
import type { SlotLease } from '../ports/machine/slots.ts';
import { startDoctor, startStandup } from './crew-at-work.ts';
import type { CannotOpen, Factory } from './doors.ts';
import { type Keeper, keepRole, type Parked, parkRoles, type StartedParts, tryAppend } from './keeper.ts';
import { startPosting } from './posting.ts';
import { startReviewing } from './reviewing.ts';
import type { RoleInput, StartPart } from './role-at-work.ts';
import { startScheduling } from './scheduling.ts';
import { startTrains } from './trains-at-work.ts';
import { startUpkeeping } from './upkeep-at-work.ts';

/**
 * Runs roles of the factory until the signal aborts, all of them in one process or some in each. Each role begins,
 * fails and begins again by itself. Two stages of stopping: nothing new begins, then what runs is interrupted cleanly.
 */
export interface UpInput {
  factory: Factory;
  version: string;
  roles: readonly RoleName[];
  /** The parts of roles that are faces; they come after the role's own. */
  faces?: Partial<Record<RoleName, readonly StartPart[]>>;
  signal: AbortSignal;
  /** Reads the configuration again, e.g. on SIGHUP; returns the way to stop listening. */
  onReload: (reload: () => void) => () => void;
  tell: (line: string) => void;
  onCycle?: (entry: EntryOf<'ralph_cycle'>) => void;
}

/** What each role does in a running factory: a new part of one is a line here. */
const PARTS: Record<RoleName, readonly StartPart[]> = {
  scheduler: [startScheduling],
  reviewer: [startReviewing, startTrains],
  standup: [startStandup],
  doctor: [startDoctor],
  bot: [startPosting, startUpkeeping],
  http: [],
};

/** Of these a process says that it has them only when they have begun: whether one listens is seen by trying. */
const BEGUN_FIRST: readonly RoleName[] = ['http'];

/** A cycle that is told to stop needs at most six seconds; the rest is for the journal. */
const STOP_MAX_MS = 9_000;

export const runFactory = async (input: UpInput): Promise<Result<void, Failure>> => {
  const { factory, signal, tell } = input;
  const { shop, journal } = factory;
  const wanted = ROLES.filter((role) => input.roles.includes(role));
  const locks = await lockRoles(factory, wanted);
  if (!locks.ok) return locks;
  const self = selfIdentity();
  const stopReload = input.onReload(() => void reload(input));
  const closing = new AbortController();
  const stopNoting = noteHastyEnd(input, self.pid);
  let end: string | undefined;
  try {
    closeDead(factory);
    const free = parkLoopers(input, wanted);
    if (free.length === 0) return allParked(wanted);

    const stopping = abortedBy(heardByMany(signal));
    const keepers: Keeper[] = [];
    const keep = (role: RoleName): Keeper => {
      const keeper = keepRole({
        ...{ role, pid: self.pid, journal, clock: factory.clock, signal: stopping.signal, tell },
        start: (own, fail) => startParts(input, role, own, fail),
        // A process that has nothing left to do ends, so that whoever watches over it sees that.
        onParked: () => {
          if (keepers.length === wanted.length && keepers.every((each) => each.isParked())) stopping.abort();
        },
      });
      keepers.push(keeper);
      return keeper;
    };

    const begun: RoleName[] = [];
    for (const role of wanted.filter((name) => BEGUN_FIRST.includes(name)))
      if (await keep(role).begun) begun.push(role);
    const others = wanted.filter((name) => !BEGUN_FIRST.includes(name));
    end = 'stopped';
    journal.append<'process_started'>({
      type: 'process_started',
      data: {
        ...{ ...self, version: input.version, node: process.version },
        roles: [...others.filter((role) => free.includes(role)), ...begun],
      },
    });
    journalConfig(factory, tell);
    factory.watch(() => void reload(input), closing.signal);
    // One after the other: what a crash left is closed before anybody builds on it.
    for (const role of others) await keep(role).begun;

    await aborted(stopping.signal);
    if (signal.aborted) tell('stopping: what runs is interrupted, and its work is kept');
    else end = 'all of its roles are parked';
    const idle = Promise.all(keepers.map((keeper) => keeper.idle()));
    const over = new AbortController();
    await Promise.race([idle.finally(() => over.abort()), shop.clock.sleep(STOP_MAX_MS, over.signal)]);
    return signal.aborted ? ok(undefined) : allParked(wanted);
  } finally {
    closing.abort();
    stopReload();
    stopNoting();
    for (const lock of locks.value) lock.release();
    // Last, and not needed: on a full disk the next start finds this process dead and says so.
    if (end !== undefined)
      tryAppend<'process_stopped'>(
        { journal, tell },
        { type: 'process_stopped', data: { pid: self.pid, reason: end } },
      );
  }
};

const allParked = (roles: readonly RoleName[]): Result<never, Failure> =>
  failed('role-parked', `every role of this process is parked: ${roles.join(', ')}`);

async function* startParts(
  input: UpInput,
  role: RoleName,
  signal: AbortSignal,
  fail: (error: unknown) => void,
): StartedParts {
  const { factory, version, tell, onCycle } = input;
  // The journal gets one sentence of it; whoever mends it needs the place.
  const logPlace = (error: unknown): void => {
    if (error instanceof Error && error.stack) factory.log(`role ${role}: ${error.stack}`);
  };
  const given: RoleInput = {
    ...{ factory, version, signal, tell },
    fail: (error) => {
      logPlace(error);
      fail(error);
    },
    ...(onCycle ? { onCycle } : {}),
  };
  for (const start of [...PARTS[role], ...(input.faces?.[role] ?? [])]) {
    try {
      yield await start(given);
    } catch (error) {
      logPlace(error);
      throw error;
    }
  }
}

/** All of the roles or none: a process that has half of what it was asked for helps nobody. */
const lockRoles = async ({ shop }: Factory, roles: readonly RoleName[]): Promise<Result<SlotLease[], Failure>> => {
  const locks: SlotLease[] = [];
  for (const role of roles) {
    const lock = await shop.slots.tryAcquire(lockOf(role), 1, `pid ${process.pid}`);
    if (lock) locks.push(lock);
    else {
      for (const one of locks) one.release();
      return failed('already-running', `another process already runs this home${await holdersText(shop, roles)}`);
    }
  }
  return ok(locks);
};

/** Not the lock `role:standup` of one meeting, which a person may hold by hand while the factory runs. */
const lockOf = (role: RoleName): string => `up:${role}`;

/** ": pid 42 has scheduler, reviewer" */
const holdersText = async (shop: Factory['shop'], roles: readonly RoleName[]): Promise<string> => {
  const rolesByPid = new Map<number, RoleName[]>();
  const seen = await shop.slots.view();
  for (const role of roles) {
    const [holder] = seen.find(({ name }) => name === lockOf(role))?.held ?? [];
    if (holder && holder.pid !== process.pid) rolesByPid.set(holder.pid, [...(rolesByPid.get(holder.pid) ?? []), role]);
  }
  const holders = [...rolesByPid].map(([pid, held]) => `pid ${pid} has ${held.join(', ')}`);
  return holders.length === 0 ? '' : `: ${holders.join('; ')}`;
};

/** Whoever starts counts what went without a word: it is how a crash becomes known. */
const closeDead = ({ journal }: Factory): void => {
  for (const { pid, start } of Object.values(journal.state().processes)) {
    if (isAlive({ pid, start })) continue;
    journal.append<'process_stopped'>({
      type: 'process_stopped',
      data: { pid, reason: 'found dead', crashed: true },
    });
  }
};

/** Parks what crashed this process again and again; those that may begin. */
const parkLoopers = ({ factory: { journal, clock }, tell }: UpInput, roles: readonly RoleName[]): RoleName[] => {
  const loopers: Parked[] = [];
  const free: RoleName[] = [];
  for (const role of roles) {
    const next = nextOfRole(journal.state().roles[role], clock.now());
    if (next.next === 'begin') free.push(role);
    else if (next.next === 'park') loopers.push({ role, failures: next.failures, reason: next.reason });
    else tell(`role ${role} is parked: ${next.reason}. It goes on with \`winnow resume --role ${role}\`.`);
  }
  parkRoles({ journal, tell }, loopers);
  return free;
};

/** Exit codes of a person who would not wait for the end of a stop: 128 and the number of the signal. */
const HASTY_EXITS: readonly number[] = [130, 143];

/** Whoever presses Ctrl-C twice has crashed nothing. */
const noteHastyEnd = ({ factory: { journal }, tell }: UpInput, pid: number): (() => void) => {
  const note = (code: number): void => {
    if (!HASTY_EXITS.includes(code)) return;
    tryAppend<'process_stopped'>(
      { journal, tell },
      { type: 'process_stopped', data: { pid, reason: 'told twice to stop' } },
    );
  };
  process.once('exit', note);
  return () => process.off('exit', note);
};

const reload = async (input: UpInput): Promise<void> => {
  const { factory, tell } = input;
  const { journal } = factory;
  const result = await factory.reload();
  if (result.ok) {
    if (!result.value) return;
    journalConfig(factory, tell);
    tell('configuration read again');
    return;
  }
  const problems = problemsOf(result.error);
  if (speaks(input)) tryAppend<'config_rejected'>({ journal, tell }, { type: 'config_rejected', data: { problems } });
  tell(`CONFIGURATION REFUSED, the last good one stays in force:\n  ${problems.join('\n  ')}`);
};

/** Of several processes that read the same mistakes one writes them down: the scheduler's, where there is one. */
const speaks = ({ factory, roles }: UpInput): boolean =>
  roles.includes('scheduler') ||
  !Object.values(factory.journal.state().processes).some((one) => one.roles.includes('scheduler') && isAlive(one));

export const problemsOf = (error: CannotOpen): string[] =>
  'problems' in error ? error.problems.map(renderProblem) : [`${error.failure.message}. ${error.failure.mend}`];

/** Each process says it for itself: its timetable goes by its own reading. */
const journalConfig = (factory: Factory, tell: (line: string) => void): void =>
  tryAppend<'config_loaded'>(
    { journal: factory.journal, tell },
    {
      type: 'config_loaded',
      data: {
        hash: factory.configHash(),
        projects: factory.config().projects.map((project) => project.name),
        sessions: factory.sessions().map((session) => session.name),
      },
    },
  );
