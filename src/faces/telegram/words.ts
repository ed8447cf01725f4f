import type { CrewView } from '../../desk/crew.ts';
import type { BranchView } from '../../desk/queue.ts';
import type { Requested } from '../../desk/requesting.ts';
import type { SessionDetail } from '../../desk/session.ts';
import type { SessionView, StatusView } from '../../desk/status.ts';
import type { Fault, Standing } from '../../desk/telegram.ts';
import { actionShape, BotAction } from '../../model/bot.ts';
import type { Entry } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import type { Request } from '../../model/request.ts';
import type { QueuedBranch } from '../../model/state.ts';
import type { Task } from '../../model/task.ts';
import { oneLine, visible } from '../../policy/placeholders.ts';
import { FENCE } from '../../policy/split-text.ts';
import {
  beforeAfter,
  branchStatusText,
  commentText,
  entryText,
  requestText,
  sentence,
  shortId,
  usd,
} from '../cli/words.ts';
import { agoText, mattersOfStatus, spanText } from '../tui/words.ts';

/**
 * What the bot says to a person: short lines for a phone, no tables, the matter first. All of it is plain text, in
 * which only a pair of lines of three backticks means something; what others wrote comes in as one visible line.
 */

/** A line that one reads on a phone without losing the thread. */
const LINE_MAX_CHARS = 200;

const line = (text: string, maxChars = LINE_MAX_CHARS): string => {
  const one = oneLine(text);
  return one.length <= maxChars ? one : `${one.slice(0, maxChars - 1).trimEnd()}…`;
};

const many = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;

const block = (...lines: (string | undefined)[]): string => lines.filter((each) => each !== undefined).join('\n');

const blocks = (...parts: (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join('\n\n');

export const failureText = ({ message, mend }: Failure): string => `${upper(sentence(line(message, 500)))}\n${mend}`;

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A branch as one speaks of it: all of Winnow’s begin alike. */
export const branchName = (branch: string): string => oneLine(branch.replace(/^brl\//, ''));

// ---- views ----------------------------------------------------------------------------------------------------------

/** More than these nobody reads in a chat. */
const MATTERS_MAX = 5;
const SESSIONS_MAX = 20;

export const statusText = (view: StatusView, now: number): string => {
  const matters = mattersOfStatus(view).filter(({ id }) => id !== 'down');
  const { queue, tasks, sessions } = view;
  const waits = queue.filter(({ state }) => state !== 'needs-human').length;
  const need = queue.length - waits;
  return blocks(
    block(
      headText(view),
      ...matters.slice(0, MATTERS_MAX).map(({ what, mend }) => `❗ ${line(sentence(what))} ${mend}`),
    ),
    sessions.length === 0
      ? 'There is no session yet.'
      : sessions
          .slice(0, SESSIONS_MAX)
          .map((session) => sessionLines(session, now))
          .join('\n'),
    sessions.length > SESSIONS_MAX ? `and ${sessions.length - SESSIONS_MAX} more` : undefined,
    block(
      `Queue: ${many(waits, 'branch', 'branches')}${need > 0 ? `, ${need} for you` : ''}`,
      `Tasks: ${tasks.queued} queued${tasks.failed > 0 ? `, ${tasks.failed} failed` : ''}`,
      `Today: ${costText(view)}`,
    ),
  );
};

const costText = ({ today }: StatusView): string => `${usd(today.costUsd)} of ${usd(today.budgetUsd)}`;

const headText = (view: StatusView): string => {
  if (view.processes.length === 0) return 'Winnow is NOT RUNNING. Start it with `winnow up`.';
  return view.paused === undefined ? 'Winnow is running.' : `Winnow is PAUSED ${line(view.paused)}.`;
};

const SIGNS: Record<SessionView['state'], string> = {
  ...{ working: '▶', waiting: '·', paused: '⏸', parked: '✋', taken: '⌨' },
};

const sessionLines = (session: SessionView, now: number): string => {
  const { name, state, phase, since, doing, until } = session;
  const when = since === undefined ? '' : `, ${spanText(now - Date.parse(since))}`;
  const what = state === 'working' ? `${phase ?? 'works'}${when}` : state;
  const back = until === undefined ? '' : ` (${untilText(until, now)})`;
  return `${SIGNS[state]} ${name}: ${what}\n   ${line(doing, 120)}${back}`;
};

const untilText = (ts: string, now: number): string => {
  const ms = Date.parse(ts) - now;
  return ms <= 0 ? 'now' : `in ${spanText(ms)}`;
};

export const EMPTY_QUEUE = 'Nothing waits.';

export const queueText = (shown: readonly QueuedBranch[], more: number, now: number): string =>
  blocks(
    ...shown.map((branch, n) =>
      block(
        `${n + 1}. ${line(branch.title || branch.session, 120)}`,
        `${branch.status.state === 'needs-human' ? '❗ for you' : branch.status.state}, ${agoText(branch.changedAt, now)}, ${branch.project}`,
        branchName(branch.branch),
      ),
    ),
    more > 0 ? `and ${more} more: \`winnow queue\` shows all` : undefined,
  );

const REASONS_MAX = 6;
const FILES_MAX = 15;

export const branchText = (
  { branch, review, comparison, diff, comments, findings, ...figures }: BranchView,
  now: number,
): string => {
  const remarks = [
    ...(review?.data.comments ?? []).map(commentText),
    ...comments.map(({ name, comment }) => `${name}: ${commentText(comment)}`),
  ];
  const [sum = '', ...files] = diff?.stat.split('\n') ?? [];
  return blocks(
    block(
      branch.title === '' ? undefined : line(branch.title),
      branchName(branch.branch),
      `at ${branch.commit.slice(0, 10)}, ${branch.project}, ${agoText(branch.at, now)}`,
    ),
    block(
      upper(line(branchStatusText(branch.status), 400)),
      figures.before && `Errors and failing tests: ${beforeAfter(figures)}`,
      comparison && `Verdict: ${comparison.verdict}: ${line(comparison.reason)}`,
      review?.data.risk && `Risk: ${review.data.risk}`,
    ),
    listed('Reasons', review?.data.reasons ?? [], REASONS_MAX),
    listed('Remarks', remarks, REASONS_MAX),
    listed(
      'Findings',
      findings.map(({ kind, file, evidence }) => `${kind} ${file}: ${evidence}`),
      REASONS_MAX,
    ),
    diff ? listed(`Changes, ${sum}`, files, FILES_MAX) : branch.patch && `Its patch is ${branch.patch}.`,
  );
};

const listed = (head: string, items: readonly string[], max: number): string | undefined => {
  if (items.length === 0) return undefined;
  const more = items.length > max ? [`… and ${items.length - max} more`] : [];
  return [`${head}:`, ...items.slice(0, max).map((item) => `– ${line(item)}`), ...more].join('\n');
};

/** Of a patch: what is longer is read at a desk. */
const PATCH_MAX_CHARS = 10_000;

export const diffText = ({ branch, diff }: BranchView): string => {
  const name = branchName(branch.branch);
  if (!diff)
    return `The commits of ${name} are not kept here any more${branch.patch ? `; its patch is ${branch.patch}` : ''}.`;
  const patch = visible(diff.patch.trimEnd());
  if (patch === '') return `${name} changes nothing.`;
  const shown = patch.slice(0, PATCH_MAX_CHARS).replace(/[\ud800-\udbff]$/, '');
  const rest = shown.length < patch.length || diff.truncated ? `\n… the rest: \`winnow show ${name}\`` : '';
  return `${name} at ${branch.commit.slice(0, 10)}:\n${FENCE}\n${shown}\n${FENCE}${rest}`;
};

export const tasksText = (tasks: readonly Task[], max: number): string => {
  if (tasks.length === 0) return 'No task waits. /task and what is to be done adds one.';
  const rows = tasks.slice(0, max).map((task) => {
    const whose = task.session === undefined ? task.project : `${task.session}, ${task.project}`;
    return block(`${shortId(task.id)}: ${line(task.text, 140)}`, `   ${task.state}, ${task.priority}, ${whose}`);
  });
  return blocks(
    rows.join('\n'),
    tasks.length > max ? `and ${tasks.length - max} more` : undefined,
    'Take one out with /cancel and its number.',
  );
};

export const sessionText = (session: SessionDetail, now: number): string => {
  const { focus, class: judged, last, branches, tasks, costUsd, counts, recent } = session;
  const kept = counts.pushed ?? 0;
  const ended = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return blocks(
    block(sessionLines(session, now), `Focus: ${line(focus)}`, judged && `The doctor says: ${judged}`),
    block(
      `Cycles: ${ended}, ${kept} pushed; ${usd(costUsd)}`,
      last && `Last: ${last.outcome}${last.at ? `, ${agoText(last.at, now)}` : ''}: ${line(last.title ?? last.reason)}`,
    ),
    listed(
      'Before',
      recent.slice(1, 5).map(({ outcome, title, reason }) => `${outcome}: ${title ?? reason}`),
      4,
    ),
    listed(
      'Branches',
      branches.map(({ branch, status, title }) => `${branchName(branch)} (${status.state}): ${title}`),
      5,
    ),
    listed(
      'Tasks',
      tasks.map(({ id, text }) => `${shortId(id)}: ${text}`),
      5,
    ),
  );
};

export const logText = (entries: readonly Entry[]): string => {
  if (entries.length === 0) return 'Nothing of that is in the journal.';
  const rows = entries.map((entry) => {
    const who = entry.session ?? entry.project;
    return `${entry.ts.slice(11, 16)} ${who === undefined ? '' : `${line(who)}: `}${line(entryText(entry), 160)}`;
  });
  return block(...rows, '(hours are UTC)');
};

export const spentText = (view: StatusView): string => {
  const { counts } = view.today;
  const spenders = view.sessions.filter(({ costUsd }) => costUsd > 0).sort((a, b) => b.costUsd - a.costUsd);
  return blocks(
    block(
      `Today: ${costText(view)}`,
      `Cycles: ${counts.pushed ?? 0} pushed, ${counts.discarded ?? 0} discarded${counts.failed ? `, ${counts.failed} failed` : ''}`,
    ),
    listed(
      'Since the beginning',
      spenders.map(({ name, costUsd }) => `${name}: ${usd(costUsd)}`),
      10,
    ),
  );
};

const SKILLS_MAX = 25;

export const skillsText = (
  { skills }: Pick<CrewView, 'skills'>,
  bot: readonly { name: string; says: string }[],
): string => {
  const lent = skills.filter(({ retired }) => !retired);
  return blocks(
    listed(
      'The crew',
      lent.map(({ name, description }) => `${name}: ${description}`),
      SKILLS_MAX,
    ) ?? 'The crew has no skill yet.',
    listed(
      'This bot',
      bot.map(({ name, says }) => `${name}: ${says}`),
      SKILLS_MAX,
    ),
    bot.length > 0 ? 'Forget one of this bot with /undo and its name.' : undefined,
  );
};

// ---- help -----------------------------------------------------------------------------------------------------------

/** The menu of the chat: what is asked for often stands first. */
export const MENU: readonly { command: string; description: string }[] = BotAction.options.map((action) => ({
  command: action,
  description: actionShape(action).says,
}));

export const usageText = (action: BotAction): string => {
  const { args } = actionShape(action);
  const names = Object.entries(args).map(([name, { needed }]) => (needed ? ` <${name}>` : ` [${name}]`));
  return `/${action}${names.join('')}`;
};

export const HELP = [
  'What I can do:',
  '',
  ...BotAction.options
    .filter((action) => action !== 'help')
    .map((action) => `${usageText(action)}\n   ${actionShape(action).says}`),
  '',
  'Or say it in your own words: “how is it going?”, “pause alpha”.',
].join('\n');

export const NOT_UNDERSTOOD =
  'I did not understand that. I can do this: /status /queue /tasks /task /review /standup /doctor /pause /resume /log /cost. /help says more.';

export const wrongText = (why: string, meant: BotAction | undefined): string =>
  meant === undefined ? `${why} /help shows what there is.` : `${why}\nIt is written ${usageText(meant)}`;

// ---- what is no order -----------------------------------------------------------------------------------------------

const FORM_WORDS: Record<string, string> = {
  voice: 'hear voice messages',
  photo: 'look at pictures',
  sticker: 'read stickers',
};

export const formText = (form: string): string =>
  form === 'edited'
    ? 'I go by what was written first: an edit changes nothing. Send it anew if you meant something else.'
    : `I cannot ${FORM_WORDS[form] ?? 'read that'} yet. Write it to me, please; /help says what I understand.`;

export const EMPTY_TEXT = 'There were no words in that. /help says what I understand.';
export const NOTHING_DONE = 'Good, nothing is done.';
export const OLD_BUTTON = 'This button does nothing any more. /help says what I understand.';

// ---- questions ------------------------------------------------------------------------------------------------------

export const sureText = (
  action: BotAction,
  args: Readonly<Record<string, string>>,
  what: string | undefined,
): string => {
  const of = what ?? Object.values(args)[0];
  switch (action) {
    case 'approve':
      return `Approve this? The train takes it to main as soon as it is green.\n${of ?? ''}`;
    case 'reject':
      return `Reject this? Its patch is kept.\n${of ?? ''}`;
    case 'pause':
      return args.session === undefined
        ? 'Pause everything? What runs goes on to its end; nothing new begins.'
        : `Pause ${line(args.session)}? What runs goes on to its end; nothing new begins.`;
    case 'cancel':
      return `Take this out of the queue?\n${of ?? ''}`;
    case 'undo':
      return `Forget the bot skill ${line(of ?? '')}?`;
    default:
      return `Do this?\n${usageText(action)}`;
  }
};

/** Its last line names the command that waits for the answer; see `questionIn`. */
export const whyRejectText = (branch: string, order: string): string =>
  `Why is ${branchName(branch)} rejected? Its session reads it.\nReply to this message with the reason.\n\n↩ ${order}`;

/** The order that one of our own questions waits for. */
export const questionIn = (text: string): string | undefined => /\n↩ (.{1,64})$/.exec(text.trimEnd())?.[1];

/** Where it does not fit on a button: the line that does the same when it is sent. */
export const typeItText = (action: BotAction, args: Readonly<Record<string, string>>): string =>
  `Is that what you want? Then send it like this:\n/${action} ${visible(Object.values(args).join(' '))}`;

export const guessText = (action: BotAction): string => `I take that as ${usageText(action)}.`;

// ---- what was done --------------------------------------------------------------------------------------------------

export const approvedText = (branch: string, commit: string): string =>
  `✅ ${branchName(branch)} is approved at ${commit.slice(0, 10)}; the train takes it.`;

export const movedText = (branch: string, from: string, to: string | undefined, stat: string): string =>
  blocks(
    `${branchName(branch)} has moved since: ${from.slice(0, 10)} is ${to === undefined ? 'not its commit any more' : `${to.slice(0, 10)} now`}. Nothing is done.`,
    stat === '' ? undefined : listed('New since then', stat.split('\n'), FILES_MAX),
    'Look at it again, then decide.',
  );

export const alreadyText = (branch: QueuedBranch): string =>
  `${branchName(branch.branch)} is ${line(branchStatusText(branch.status), 300)}. Nothing more is done.`;

export const rejectedText = ({ branch, patch, deleted }: QueuedBranch): string =>
  block(
    `❌ ${branchName(branch)} is rejected.`,
    patch && `Its patch is ${patch}.`,
    deleted ? undefined : 'The remote has not let go of it yet; that is tried again.',
  );

export const taskAddedText = ({ id, session, project }: Task, isUp: boolean): string =>
  `Task ${shortId(id)} is queued for ${session ?? project}${isUp ? '' : '; nothing runs now, so it waits for `winnow up`'}.`;

export const taskCancelledText = ({ id, text }: Task): string =>
  `Task ${shortId(id)} is out of the queue: ${line(text, 120)}`;

export const noteText = (note: string): string => sentence(line(note, 500));

export const requestedText = (asked: Requested): string => {
  const what = upper(requestText(asked.request));
  if (asked.request.settled) return settledText(asked.request);
  if (asked.joined) return `${what} is asked for already. I tell you what comes of it.`;
  return asked.waits
    ? `${what} is written down. Nothing runs now, so it waits for \`winnow up\`.`
    : `${what} begins. I tell you what comes of it.`;
};

export const settledText = ({ settled, ...request }: Pick<Request, 'what' | 'args' | 'settled'>): string =>
  `${settled?.done ? '✅' : '❌'} ${upper(requestText(request))}: ${line(settled?.note ?? '', 500)}`;

export const defectText =
  'That went wrong, and it is my fault: the line is in logs/winnow.log. Nothing else is affected.';

// ---- for the process log --------------------------------------------------------------------------------------------

export const standingText = (standing: Standing, isReturn: boolean): string => {
  switch (standing.state) {
    case 'off':
      return 'there is no Telegram bot: winnow.config.yaml names no `telegram.token`';
    case 'listening':
      return `Telegram: @${oneLine(standing.self.name)} listens${isReturn ? ' again; what was written meanwhile is there' : ''}`;
    case 'fault': {
      const { kind, reason } = standing.fault;
      const what = kind === 'ours' ? `what was written in Telegram cannot be written down: ${reason}` : reason;
      return `${upper(sentence(oneLine(what)))} ${FAULT_MENDS[kind]}`;
    }
    default:
      return standing satisfies never;
  }
};

const WAITS = 'It is tried again by itself; nothing is lost meanwhile.';

const FAULT_MENDS: Record<Fault['kind'], string> = {
  token: 'Take the token from @BotFather into .env, as in docs/telegram.md; everything else goes on.',
  conflict:
    'Another program listens to this bot: stop it there, or make a bot of its own for each. It is tried again by itself.',
  webhook: 'Something sets a webhook for this bot again and again: stop that, a bot has one way to its messages.',
  busy: WAITS,
  server: WAITS,
  network: WAITS,
  silent: WAITS,
  refused: 'Check `telegram.apiRoot` in winnow.config.yaml.',
  odd: 'Check `telegram.apiRoot` in winnow.config.yaml, and whether a proxy stands in between.',
  ours: 'It is tried again by itself; Telegram keeps the messages for a day.',
  stopped: WAITS,
};
