import { sha256 } from '../base/hash.ts';
import { err, ok, type Result } from '../base/result.ts';
import { restoreSkill, retireSkill } from '../flow/skills.ts';
import type { EntryFilter } from '../journal/journal.ts';
import type { Asking, Command, CommandName, CommandOf } from '../model/command.ts';
import type { Entry, EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import { type AskedKey, askerText, type Request } from '../model/request.ts';
import type { KeyedReceipt, KeyUse, QueuedBranch } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import type { MachineFacts } from '../policy/gates.ts';
import { listRequests, useOfKey } from '../policy/requests.ts';
import type { Counter } from './counter.ts';
import { type CrewView, crewView } from './crew.ts';
import { type CannotOpen, type Factory, failureOf } from './doors.ts';
import { followAfter } from './follow.ts';
import { revert } from './landing.ts';
import { isUp, look } from './look.ts';
import { machineFacts } from './machine.ts';
import { pause, resume, unpark } from './pause.ts';
import { acceptProposal, dismissProposal } from './prompts.ts';
import {
  type Approval,
  approveBranch,
  type BranchView,
  commentBranch,
  listBranches,
  type Rejection,
  rejectBranch,
  showBranch,
} from './queue.ts';
import { type Requested, request } from './requesting.ts';
import { type SessionDetail, showSession } from './session.ts';
import type { StatusView } from './status.ts';
import { addTasks, cancelTask, listTasks, retryTask } from './tasks.ts';

/**
 * The one counter between people and the factory: commands in, views out. Every face stands here, in the process of the
 * factory or in one of its own, whether the factory runs or not; none of them knows a role, a port or the journal.
 */
export interface Desk {
  status(): Promise<StatusView>;
  /** What is open, the oldest push first; with `all` also what is over, the newest first. */
  queue(all: boolean): QueuedBranch[];
  branch(name: string): Promise<Result<BranchView, Failure>>;
  session(name: string): Promise<Result<SessionDetail, Failure>>;
  /** Open ones and those that failed; with `all` also what is done or cancelled. */
  tasks(all: boolean): Task[];
  /** What waits for a role or is being carried out, the oldest first; with `all` also what is settled. */
  requests(all: boolean): Request[];
  /** What standup and doctor said last, the skills, and the changes of prompts that wait for a person. */
  crew(): CrewView;
  /** The newest entries that pass, oldest first. */
  log(limit: number, filter?: EntryFilter): Entry[];
  /**
   * What happens from now on, or everything after the entry of this id, each once and in order, until the signal
   * aborts. Kind `not-found` when the journal does not hold that entry among its newest 64 MB.
   */
  follow(from: {
    after?: string | undefined;
    signal: AbortSignal;
    filter?: EntryFilter;
  }): Result<AsyncIterable<Entry>, Failure>;
  /** Memory and disk of this machine, as the gates read them. */
  machine(): Promise<MachineFacts>;
  /** Whether a process runs the factory now; what is asked for is durable either way. */
  isUp(): boolean;
  /** Does it, and says what came of it when that is durable. */
  do<C extends Command>(
    command: C,
    asking: Asking & { signal?: AbortSignal },
  ): Promise<Result<Receipt<C['command']>, Failure>>;
}

/** What came of each command. */
interface Receipts {
  'add-task': { task: Task };
  'cancel-task': { task: Task };
  /** The new one, with the words of the old. */
  'retry-task': { task: Task };
  pause: { note: string };
  resume: { note: string };
  approve: Approval;
  reject: Rejection;
  /** Id of the entry, and the entry itself unless it was made before under the same key. */
  comment: { comment: string; entry?: EntryOf<'review_commented'> };
  revert: { branch: string; title: string; project: string };
  'apply-proposal': { applied: EntryOf<'prompt_applied'> };
  'dismiss-proposal': { dismissed: EntryOf<'prompt_dismissed'> };
  'retire-skill': { retired: EntryOf<'skill_retired'> };
  'restore-skill': { restored: EntryOf<'skill_restored'> };
  request: Requested;
}

/** `repeated`: it was done before, under the same key. */
export type Receipt<K extends CommandName> = Receipts[K] & { repeated: boolean };

interface Context {
  by: string;
  asking: Asking;
  key: AskedKey | undefined;
  signal: AbortSignal;
}

type Deeds = {
  [K in CommandName]: (command: CommandOf<K>, context: Context) => Promise<Result<Receipts[K], Failure>>;
};

/**
 * A desk in front of a factory, or of a counter: then what needs a mirror opens the factory first, by `open`, and
 * leaves it open.
 */
export const createDesk = (place: Counter | Factory, open?: () => Promise<Result<Factory, CannotOpen>>): Desk => {
  const { journal } = place;
  let opened: Promise<Result<Factory, CannotOpen>> | undefined;
  const factory = async (): Promise<Result<Factory, Failure>> => {
    if ('shop' in place) return ok(place);
    if (!open) return failed('home-unusable', 'this needs the whole factory, which was not opened');
    opened ??= open();
    const result = await opened;
    if (result.ok) return result;
    opened = undefined;
    return { ok: false, error: failureOf(result.error) };
  };
  const deeds = createDeeds(place, factory);

  return {
    status: () => look(place),
    queue: (all) => listBranches(place, all),
    branch: async (name) => {
      const whole = await factory();
      return showBranch(whole.ok ? whole.value : place, name);
    },
    session: (name) => showSession(place, name),
    tasks: (all) => listTasks(place, all),
    requests: (all) => listRequests(journal.state(), all),
    crew: () => crewView(journal.state()),
    log: (limit, filter) => journal.tail(limit, filter),
    follow: (from) => followAfter(journal, from),
    machine: () => machineFacts(place.paths),
    isUp: () => isUp(place),
    do: <C extends Command>(command: C, { signal = NEVER, ...asking }: Asking & { signal?: AbortSignal }) =>
      answer(place, deeds, command, { by: askerText(asking.asker), asking, signal }) as Promise<
        Result<Receipt<C['command']>, Failure>
      >,
  };
};

const NEVER = new AbortController().signal;

/** Does it once for each key; whoever is told that it is done must find it done after a power cut. */
const answer = async (
  place: Counter,
  deeds: Deeds,
  command: Command,
  context: Omit<Context, 'key'>,
): Promise<Result<Receipt<CommandName>, Failure>> => {
  try {
    const key = keyOf(command, context.asking);
    const before = key && useOf(place, key);
    if (key && before) return repeat(place, key, before);
    const deed = deeds[command.command] as (command: Command, context: Context) => ReturnType<Deeds[CommandName]>;
    const done = await deed(command, { ...context, key });
    await place.journal.sync();
    if (!done.ok) return done;
    // Another process may have been given the same key at the same moment: the first line counts.
    const first = key && useOf(place, key);
    if (key && first && !isOf(done.value, first.receipt)) return repeat(place, key, first);
    return ok({ ...done.value, repeated: false });
  } catch (error) {
    if (error instanceof FailureError) return err(error.failure);
    throw error;
  }
};

/** Only where asking twice would do twice: what is approved or paused twice is approved or paused. */
const KEYED: readonly CommandName[] = ['add-task', 'retry-task', 'comment', 'request'];

const keyOf = (command: Command, { asker, key }: Asking): AskedKey | undefined =>
  key === undefined || !KEYED.includes(command.command)
    ? undefined
    : { id: nameOf(asker.face, asker.name, key), command: nameOf(canonical(command)) };

/** As long as it takes that no two are alike. */
const nameOf = (...parts: string[]): string => sha256(...parts).slice(0, 32);

/** The order in which a client writes its keys is no other command. */
const canonical = (command: Command): string =>
  JSON.stringify(command, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

const useOf = ({ journal, clock }: Counter, key: AskedKey): KeyUse | undefined =>
  useOfKey(journal.state(), key.id, clock.now());

const isOf = (done: Receipts[CommandName], receipt: KeyedReceipt): boolean => {
  const made = done as { task?: Task; request?: Request; comment?: string };
  if ('task' in receipt) return made.task?.id === receipt.task;
  if ('request' in receipt) return made.request?.id === receipt.request;
  return made.comment === receipt.comment;
};

/** What was answered the first time, as it is now. */
const repeat = (place: Counter, key: AskedKey, { command, at, receipt }: KeyUse) => {
  if (command !== key.command) return failed('key-reused', `this key was given for another command at ${at}`);
  const { tasks, requests } = place.journal.state();
  if ('comment' in receipt) return ok({ ...receipt, repeated: true });
  if ('task' in receipt) {
    const task = tasks[receipt.task];
    return task ? ok({ task, repeated: true }) : failed('not-found', `task ${receipt.task} is over and forgotten`);
  }
  const request = requests[receipt.request];
  if (!request) return failed('not-found', `request ${receipt.request} is over and forgotten`);
  return ok({ request, joined: receipt.joined, waits: !request.settled && !isUp(place, request.what), repeated: true });
};

/** Why, where nobody gave a reason. */
const UNSAID = 'no reason given';

const createDeeds = (place: Counter, factory: () => Promise<Result<Factory, Failure>>): Deeds => ({
  'add-task': async (asked, { by, key }) => {
    const { command: _, ...task } = asked;
    const added = addTasks(place, [{ ...task, by, key }]);
    return added.ok ? ok({ task: added.value[0]! }) : added;
  },
  'cancel-task': async ({ task, reason = UNSAID }, { by }) => {
    const cancelled = cancelTask(place, task, { reason, by });
    return cancelled.ok ? ok({ task: cancelled.value }) : cancelled;
  },
  'retry-task': async ({ task }, { by, key }) => {
    const queued = retryTask(place, task, { by, key });
    return queued.ok ? ok({ task: queued.value }) : queued;
  },
  pause: async ({ session, reason = UNSAID }, { by }) => {
    const paused = pause(place, session, by, reason);
    return paused.ok ? ok({ note: paused.value }) : paused;
  },
  resume: async ({ session, roles }, { by }) => {
    if (roles && session !== undefined) return failed('argument-invalid', 'either a session goes on, or roles do');
    const resumed = roles ? unpark(place, roles, by) : resume(place, session, by);
    return resumed.ok ? ok({ note: resumed.value }) : resumed;
  },
  approve: async ({ branch, reason = 'approved by a person' }, { by }) => {
    const whole = await factory();
    return whole.ok ? approveBranch(whole.value, branch, { by, reason }) : whole;
  },
  reject: async ({ branch, reason }, { by, signal }) => {
    const whole = await factory();
    return whole.ok ? rejectBranch(whole.value, branch, { by, reason, signal }) : whole;
  },
  comment: async (asked, { by, key }) => {
    const { command: _, branch, ...remark } = asked;
    const commented = await commentBranch(place, branch, { ...remark, by, key });
    return commented.ok ? ok({ comment: commented.value.id, entry: commented.value }) : commented;
  },
  revert: async ({ what, project, reason = 'asked for by a person' }, { by, signal }) => {
    const whole = await factory();
    if (!whole.ok) return whole;
    const reverted = await revert(whole.value, what, { project, reason, by, signal });
    if (!reverted.ok) return reverted;
    const { branch, title } = reverted.value;
    return ok({ branch, title, project: reverted.value.project.name });
  },
  'apply-proposal': async ({ proposal }, { by }) => {
    const applied = acceptProposal(place, proposal, by);
    return applied.ok ? ok({ applied: applied.value }) : applied;
  },
  'dismiss-proposal': async ({ proposal, reason }, { by }) => {
    const dismissed = dismissProposal(place, proposal, by, reason);
    return dismissed.ok ? ok({ dismissed: dismissed.value }) : dismissed;
  },
  'retire-skill': async ({ skill, reason }, { by }) => {
    const whole = await factory();
    if (!whole.ok) return whole;
    const retired = await retireSkill(whole.value.shop, skill, reason ?? `put aside by ${by}`);
    return retired.ok ? ok({ retired: retired.value }) : retired;
  },
  'restore-skill': async ({ skill }, { by }) => {
    const whole = await factory();
    if (!whole.ok) return whole;
    const restored = await restoreSkill(whole.value.shop, skill, by);
    return restored.ok ? ok({ restored: restored.value }) : restored;
  },
  request: async (command, { asking, key }) => request(place, command, { by: asking.asker, key }),
});
