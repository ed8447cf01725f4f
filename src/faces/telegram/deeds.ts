import type { Result } from '../../base/result.ts';
import type { BotEars } from '../../desk/bot-ears.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Draft } from '../../desk/mailbox.ts';
import type { BranchView } from '../../desk/queue.ts';
import { actionShape, type BotAction } from '../../model/bot.ts';
import type { Command } from '../../model/command.ts';
import type { EntryType } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import type { Button, Handling, InMessage } from '../../model/message.ts';
import type { RequestArgs } from '../../model/request.ts';
import type { QueuedBranch } from '../../model/state.ts';
import { buttonLine, type Order } from '../../policy/bot-command.ts';
import { TOLD } from '../cli/log.ts';
import {
  alreadyText,
  approvedText,
  branchName,
  branchText,
  diffText,
  EMPTY_QUEUE,
  failureText,
  HELP,
  logText,
  movedText,
  noteText,
  queueText,
  rejectedText,
  requestedText,
  sessionText,
  skillsText,
  spentText,
  statusText,
  sureText,
  taskAddedText,
  taskCancelledText,
  tasksText,
  typeItText,
  whyRejectText,
} from './words.ts';

export interface HandlerDeps {
  desk: Desk;
  /** What understands free words; without, only commands and buttons are understood. */
  ears: BotEars | undefined;
  /** Name of the bot, without the @. */
  self: () => string;
  now: () => number;
  signal: AbortSignal;
}

/** What each action of the bot does at the desk, and what is answered. */
export interface Done {
  answers: Draft[];
  /** One line for the journal. */
  note: string;
}

type By = Exclude<Handling, 'none'>;

/** @param isGuess it is not certain that this was meant */
export const carryOut = async (
  deps: HandlerDeps,
  message: InMessage,
  order: Order,
  { by, isGuess = false }: { by: By; isGuess?: boolean },
): Promise<Done> => {
  const { action, args } = order;
  const { desk } = deps;
  const context: Context = { ...deps, message, order, by };
  const looksFirst = action === 'approve' || action === 'reject';
  if (!looksFirst && (isGuess || mustAsk(order, by))) return ask(order, undefined);
  switch (action) {
    case 'status':
      return status(context);
    case 'queue':
      return queue(context);
    case 'show':
      return withBranch(desk, args.branch, (view) =>
        say(branchText(view, deps.now()), `shown: ${view.branch.branch}`, decisions(view.branch)),
      );
    case 'diff':
      return withBranch(desk, args.branch, (view) => say(diffText(view), `diff of ${view.branch.branch}`));
    case 'approve':
      return withBranch(desk, args.branch, (view) => approve(context, view));
    case 'reject':
      return withBranch(desk, args.branch, (view) => reject(context, view));
    case 'review':
      return request(context, 'review', args.branch === undefined ? {} : { branches: [args.branch] });
    case 'standup':
      return request(context, 'standup', args.short === undefined ? {} : { short: true });
    case 'doctor':
      return request(context, 'doctor', args.rules === undefined ? {} : { rulesOnly: true });
    case 'task':
      return addTask(context);
    case 'tasks':
      return say(tasksText(desk.tasks(false), TASKS_MAX), 'tasks');
    case 'cancel':
      return done(
        await doIt(context, { command: 'cancel-task', task: args.task ?? '', reason: 'asked for in Telegram' }),
        ({ task }) => say(taskCancelledText(task), `task ${task.id} cancelled`),
      );
    case 'pause':
      return done(
        await doIt(context, {
          command: 'pause',
          ...(args.session === undefined ? {} : { session: args.session }),
          ...(args.reason === undefined ? {} : { reason: args.reason }),
        }),
        ({ note }) => say(noteText(note), note, [button('Resume', 'resume', args.session)]),
      );
    case 'resume':
      return done(
        await doIt(context, { command: 'resume', ...(args.session === undefined ? {} : { session: args.session }) }),
        ({ note }) => say(noteText(note), note),
      );
    case 'session': {
      const shown = await desk.session(args.session ?? '');
      return done(shown, (view) =>
        say(sessionText(view, deps.now()), `session ${view.name}`, [
          view.state === 'paused' || view.state === 'parked'
            ? button('Resume', 'resume', view.name)
            : button('Pause', 'pause', view.name),
          button('Log', 'log', view.name),
        ]),
      );
    }
    case 'log': {
      const count = Math.min(LOG_MAX, Math.max(1, Number(args.count ?? LOG_DEFAULT)));
      const { session } = args;
      return say(logText(desk.log(count, { types: LOGGED, ...(session === undefined ? {} : { session }) })), 'log');
    }
    case 'cost':
      return say(spentText(await desk.status()), 'cost');
    case 'skills':
      return say(skillsText(desk.crew(), deps.ears?.skills() ?? []), 'skills');
    case 'undo': {
      if (!deps.ears) return say('There is no bot skill.', 'nothing to undo');
      return done(await deps.ears.undo(args.skill ?? '', message.from.name), (note) => say(noteText(note), note));
    }
    case 'help':
      return say(HELP, 'help');
    default:
      return action satisfies never;
  }
};

interface Context extends HandlerDeps {
  message: InMessage;
  order: Order;
  by: By;
}

/** What a person follows, and what a person asked for. */
const LOGGED: readonly EntryType[] = [...new Set([...TOLD, 'paused', 'resumed', 'requested', 'task_queued'] as const)];

const TASKS_MAX = 15;
const LOG_DEFAULT = 10;
const LOG_MAX = 60;
/** Further ones have no buttons: a chat is no table. */
const QUEUE_MAX = 6;

const say = (text: string, note: string, ...rows: (Button | undefined)[][]): Done => {
  const buttons = rows.map((row) => row.filter((each) => each !== undefined)).filter((row) => row.length > 0);
  return { answers: [{ text, buttons }], note };
};

/** Without one the same is done by typing it. */
const button = (label: string, action: BotAction, ...args: (string | undefined)[]): Button | undefined => {
  const data = buttonLine(
    action,
    args.filter((arg) => arg !== undefined),
  );
  return data === undefined ? undefined : { label, data };
};

const failed = (failure: Failure): Done => say(failureText(failure), failure.message);

const done = <T>(result: Result<T, Failure>, words: (value: T) => Done): Done =>
  result.ok ? words(result.value) : failed(result.error);

/** Done once for each message, however often it is delivered or begun again. */
const doIt = <C extends Command>({ desk, message, signal }: Context, command: C) =>
  desk.do(command, {
    asker: { face: 'telegram', name: message.from.name },
    key: `telegram-${message.update}`,
    signal,
  });

// ---- questions ------------------------------------------------------------------------------------------------------

/** A command that is typed says what is wanted; a press and a guess may be a slip. */
const mustAsk = ({ action, sure }: Order, by: By): boolean => actionShape(action).confirm && !sure && by !== 'command';

const ask = (
  { action, args }: Order,
  what: string | undefined,
  exact: readonly string[] = Object.values(args),
): Done => {
  const data = buttonLine(action, exact, true);
  if (data === undefined) return say(typeItText(action, args), `too long for a button: ${action}`);
  return say(sureText(action, args, what), `asked: ${data}`, [
    { label: 'Yes', data },
    { label: 'No', data: 'no' },
  ]);
};

// ---- views ----------------------------------------------------------------------------------------------------------

const status = async ({ desk, now }: Context): Promise<Done> => {
  const view = await desk.status();
  return say(
    statusText(view, now()),
    'status',
    [button('Queue', 'queue'), button('Tasks', 'tasks'), button('Log', 'log')],
    [view.paused === undefined ? button('Pause all', 'pause') : button('Resume all', 'resume')],
  );
};

const queue = ({ desk, now }: Context): Done => {
  const branches = desk.queue(false);
  if (branches.length === 0) return say(EMPTY_QUEUE, 'queue');
  const shown = branches.slice(0, QUEUE_MAX);
  const rows = shown.map((branch, n) => [
    button(`${n + 1} Show`, 'show', handleOf(branch)),
    ...(branch.status.state === 'approved' ? [] : [button('Approve', 'approve', handleOf(branch), commitOf(branch))]),
    button('Reject', 'reject', handleOf(branch), commitOf(branch)),
  ]);
  return say(queueText(shown, branches.length - shown.length, now()), 'queue', ...rows);
};

/** What is looked at is what is decided: the buttons hold the commit. */
const decisions = (branch: QueuedBranch): (Button | undefined)[] => {
  const { state } = branch.status;
  if (state === 'landed' || state === 'gone') return [button('Diff', 'diff', handleOf(branch))];
  return [
    state === 'approved' ? undefined : button('Approve', 'approve', handleOf(branch), commitOf(branch)),
    state === 'rejected' ? undefined : button('Reject', 'reject', handleOf(branch), commitOf(branch)),
    button('Diff', 'diff', handleOf(branch)),
  ];
};

const COMMIT_CHARS = 10;

const commitOf = ({ commit }: QueuedBranch): string => commit.slice(0, COMMIT_CHARS);

/** As short as the longest button needs it: the desk knows a branch by its end. */
const handleOf = (branch: QueuedBranch): string => {
  const name = branchName(branch.branch);
  const fits = buttonLine('approve', [name, commitOf(branch)], true) !== undefined;
  return fits ? name : (name.split('/').at(-1) ?? name);
};

const withBranch = async (
  desk: Desk,
  name: string | undefined,
  words: (view: BranchView) => Done | Promise<Done>,
): Promise<Done> => {
  const found = await desk.branch(name ?? '');
  return found.ok ? words(found.value) : failed(found.error);
};

// ---- decisions ------------------------------------------------------------------------------------------------------

/** What is not as it was looked at, or is decided, is told and not done. */
const stale = ({ order, by }: Context, branch: QueuedBranch): Done | undefined => {
  const { commit } = order.args;
  if (commit !== undefined && !branch.commit.startsWith(commit))
    return say(movedText(branch.branch, commit, branch.commit, ''), `${branch.branch} has moved`, decisions(branch));
  const { state } = branch.status;
  const same = state === (order.action === 'approve' ? 'approved' : 'rejected');
  const over = state === 'landed' || state === 'gone';
  // Whoever types it may change a word that was said; a button was made for what was open then.
  const closed = by === 'button' && (state === 'rejected' || state === 'dropped');
  return same || over || closed ? say(alreadyText(branch), `${branch.branch} is ${state}`) : undefined;
};

const approve = async (context: Context, view: BranchView): Promise<Done> => {
  const { branch } = view;
  const { order, by } = context;
  const old = stale(context, branch);
  if (old) return old;
  if (mustAsk(order, by)) {
    const what = branchText(view, context.now()).split('\n\n').slice(0, 2).join('\n\n');
    return ask(order, what, [handleOf(branch), commitOf(branch)]);
  }
  const { reason } = order.args;
  const approved = await doIt(context, {
    command: 'approve',
    branch: branch.branch,
    ...(reason === undefined ? {} : { reason }),
  });
  return done(approved, (receipt) =>
    receipt.state === 'approved'
      ? say(approvedText(branch.branch, branch.commit), `approved ${branch.branch} at ${commitOf(branch)}`)
      : say(movedText(branch.branch, receipt.from, receipt.to, receipt.stat), `${branch.branch} has moved`, [
          button('Show', 'show', handleOf(branch)),
        ]),
  );
};

const reject = async (context: Context, { branch }: BranchView): Promise<Done> => {
  const { order, by } = context;
  const old = stale(context, branch);
  if (old) return old;
  const { reason } = order.args;
  if (reason === undefined || mustAsk(order, by)) {
    // The reason is the second look: who writes one means it.
    const line = buttonLine('reject', [handleOf(branch), commitOf(branch)]);
    if (line === undefined) return say(typeItText('reject', order.args), 'too long for a button: reject');
    return { answers: [{ text: whyRejectText(branch.branch, line), asks: true }], note: `asked why: ${branch.branch}` };
  }
  return done(await doIt(context, { command: 'reject', branch: branch.branch, reason }), (receipt) =>
    say(rejectedText(receipt.branch), `rejected ${branch.branch}`),
  );
};

// ---- work -----------------------------------------------------------------------------------------------------------

const request = async (context: Context, what: 'review' | 'standup' | 'doctor', args: RequestArgs): Promise<Done> =>
  done(await doIt(context, { command: 'request', what, args }), (asked) =>
    // By the id in the note the answer finds its way back, also after a restart.
    say(requestedText(asked), `request ${asked.request.id}`),
  );

/** "@alpha look at the search" is for alpha, "#api look at the search" for any session of api. */
const addTask = async (context: Context): Promise<Done> => {
  const { desk, order } = context;
  const [, mark, name, words] = /^([@#])(\S+)\s+([\s\S]+)$/.exec(order.args.text ?? '') ?? [];
  const place = mark === '@' ? { session: name! } : mark === '#' ? { project: name! } : {};
  const added = await doIt(context, { command: 'add-task', text: words ?? order.args.text ?? '', ...place });
  return done(added, ({ task }) =>
    say(taskAddedText(task, desk.isUp()), `task ${task.id}`, [
      button('Cancel it', 'cancel', task.id.slice(-6).toLowerCase()),
    ]),
  );
};
