import bytes from 'bytes';
import { renderProblem } from '../../base/file-problem.ts';
import type { CannotOpen } from '../../desk/doors.ts';
import type { SkillView } from '../../desk/skills.ts';
import { type Tally, UNTIL_RESUMED } from '../../model/crew.ts';

import type { Entry, EntryData, EntryOf, RalphCycle } from '../../model/entry.ts';
import { type Failure, MENDS } from '../../model/failure.ts';
import type { Handling } from '../../model/message.ts';
import { problemsKind } from '../../model/problems.ts';
import type { Figures } from '../../model/report.ts';
import { askerText, type RequestWhat } from '../../model/request.ts';
import type { Retained } from '../../model/retention.ts';
import type { ReviewComment } from '../../model/review.ts';
import type { BranchStatus, QueuedBranch } from '../../model/state.ts';
import type { Task } from '../../model/task.ts';
import { plain, plainLine } from './plain.ts';

/**
 * Every sentence that the command line says to a person; one function a message, all of them pure. What agents and
 * repositories have put into a sentence does not steer the terminal it is shown on.
 */

export const failureText = ({ message, mend }: Failure): string => `${sentence(plain(message))}\n  ${plain(mend)}`;

export const cannotOpenText = (error: CannotOpen): string => {
  if ('failure' in error) return failureText(error.failure);
  const { problems } = error;
  const lines = problems.map((problem) => `  ${plainLine(renderProblem(problem))}`).join('\n');
  const head =
    problems.length === 1
      ? 'the home has one mistake, and nothing starts until it is mended'
      : `the home has ${problems.length} mistakes, and nothing starts until they are mended`;
  return `${head}:\n${lines}\n  ${MENDS[problemsKind(problems)]}`;
};

/** Ends in a full stop, and in one only. */
export const sentence = (text: string): string =>
  /[.!?:…]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;

/** "1 turn", "2 turns". */
const many = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;

export const usd = (amount: number): string => `$${amount.toFixed(2)}`;

export const seconds = (ms: number): string => {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`;
  const total = Math.round(ms / 1000);
  if (total < 60) return `${total}s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return `${minutes}m${String(total % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
};

/** "3 problems, 2 failing, 12 passing"; what is zero is left out, but never everything. */
export const figuresText = (figures: Figures | undefined): string => {
  if (!figures) return '';
  const parts = [
    figures.problems > 0 ? many(figures.problems, 'problem') : '',
    figures.failed > 0 ? `${figures.failed} failing` : '',
    figures.passed > 0 ? `${figures.passed} passing` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'nothing found' : parts.join(', ');
};

/** Errors and failing tests before and after: "5+3 → 4+3". */
export const beforeAfter = (cycle: Pick<RalphCycle, 'before' | 'after'>): string => {
  const of = (figures: Figures | undefined) => (figures ? `${figures.problems}+${figures.failed}` : '–');
  return cycle.before || cycle.after ? `${of(cycle.before)} → ${of(cycle.after)}` : '–';
};

/** Local time of day, with the date when it is not today's. */
export const clockText = (ts: string, now: number): string => {
  const at = new Date(ts);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const sameDay = at.toDateString() === new Date(now).toDateString();
  return sameDay ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
};

/** A moment to come, in the hour of the world: "2026-01-31 10:00 UTC". */
export const momentText = (ts: string): string => `${ts.slice(0, 16).replace('T', ' ')} UTC`;

/** How long until, or since: "in 4m10s", "3s ago". */
export const relativeText = (ts: string, now: number): string => {
  const delta = Date.parse(ts) - now;
  return delta >= 0 ? `in ${seconds(delta)}` : `${seconds(-delta)} ago`;
};

export const shortId = (id: string): string => id.slice(-6).toLowerCase();

export const taskLine = (task: Task): string[] => [
  shortId(task.id),
  task.state,
  task.priority,
  task.session ?? 'any',
  task.project,
  task.text,
  task.reason,
];

/** A row of the queue: name, state, since when, project, title, why. */
export const branchLine = ({ branch, status, changedAt, project, title }: QueuedBranch, now: number): string[] => [
  branch,
  status.state,
  relativeText(changedAt, now),
  project,
  title,
  whyText(status),
];

/** A row of the skills that are lent: uses and kept rates are of cycles that came to a verdict. */
export const skillLine = (skill: SkillView, now: number): string[] => [
  skill.name,
  skill.standing,
  skill.by ?? '–',
  String(skill.with.ended),
  rateText(skill.with),
  rateText(skill.without),
  skill.confidence === undefined ? '–' : percentText(skill.confidence),
  skill.since === undefined ? 'new' : seconds(Math.max(0, now - Date.parse(skill.since))),
  skill.description,
];

/** "9 of 20 kept (45 %)" */
export const tallyText = (tally: Tally): string =>
  tally.ended === 0 ? 'no cycle yet' : `${tally.kept} of ${tally.ended} kept (${rateText(tally)})`;

/** "+12 points, helps with a probability of 93 %" */
export const effectText = ({ effect, confidence }: Pick<SkillView, 'effect' | 'confidence'>): string | undefined => {
  if (confidence === undefined) return undefined;
  const points = effect === undefined ? '' : `${effect < 0 ? '−' : '+'}${Math.abs(Math.round(effect * 100))} points, `;
  return `${points}helps with a probability of ${percentText(confidence)}`;
};

const rateText = ({ kept, ended }: Tally): string => (ended === 0 ? '–' : percentText(kept / ended));

/** Never "100 %" of what is not sure. */
const percentText = (share: number): string => {
  const percent = Math.round(share * 100);
  if (percent === 100 && share < 1) return '>99 %';
  return percent === 0 && share > 0 ? '<1 %' : `${percent} %`;
};

export const branchStatusText = (status: BranchStatus): string => {
  const why = whyText(status);
  return why === '' ? status.state : `${status.state}: ${why}`;
};

const whyText = (status: BranchStatus): string => {
  switch (status.state) {
    case 'pending':
      return [status.note, status.failures ? `(${many(status.failures, 'failure')})` : '']
        .filter((part) => part !== '')
        .join(' ');
    case 'needs-human':
      return status.reason;
    case 'approved':
    case 'rejected':
      return `by ${status.by === 'person' ? status.name : `the ${status.by}`}: ${status.reason}`;
    case 'landed':
      return `as ${status.merged.slice(0, 10)}${status.merged === status.main ? '' : `; main then at ${status.main.slice(0, 10)}`}`;
    case 'dropped':
    case 'gone':
      return status.reason;
    default:
      status satisfies never;
      return '';
  }
};

/** One line of a cycle's end. */
export const cycleLine = (entry: EntryOf<'ralph_cycle'>): string => {
  const { data } = entry;
  const title = data.plan ? ` “${data.plan.title}”` : '';
  const spent = [usd(data.costUsd), ...(data.times.total === undefined ? [] : [seconds(data.times.total)])];
  return plainLine(`${data.outcome}${title}: ${data.reason} (${spent.join(', ')})`);
};

/** What an entry says to a person, in one line. */
export const entryText = (entry: Entry): string => plainLine(textOf(entry));

const textOf = (entry: Entry): string => {
  switch (entry.type) {
    case 'process_started':
      return `Winnow ${entry.data.version} started (pid ${entry.data.pid}; ${entry.data.roles.join(', ')})`;
    case 'process_stopped':
      return `Winnow stopped (pid ${entry.data.pid}): ${entry.data.reason}`;
    case 'role_started':
      return `role ${entry.data.role} is at work (pid ${entry.data.pid})`;
    case 'role_failed':
      return `role ${entry.data.role} failed (pid ${entry.data.pid}): ${entry.data.reason}`;
    case 'role_parked':
      return `role ${entry.data.role} is PARKED after ${many(entry.data.failures, 'failure')}: ${entry.data.reason}`;
    case 'role_unparked':
      return `role ${entry.data.role} may work again, says ${entry.data.by}`;
    case 'config_loaded':
      return `configuration read: projects ${list(entry.data.projects)}; sessions ${list(entry.data.sessions)}`;
    case 'config_rejected':
      return `configuration refused, the last good one stays: ${entry.data.problems.join('; ')}`;
    case 'cycle_started':
      return `cycle begins (${entry.data.trigger})`;
    case 'cycle_phase':
      return `phase ${entry.data.phase}`;
    case 'ralph_cycle':
      return cycleLine(entry as EntryOf<'ralph_cycle'>);
    case 'main_moved':
      return `${entry.data.branch} is at ${entry.data.to.slice(0, 10)}${entry.data.commits > 0 ? `, ${many(entry.data.commits, 'new commit')}` : ''}`;
    case 'baseline_measured':
      return `baseline at ${entry.data.commit.slice(0, 10)}: ${figuresText(entry.data.figures)}`;
    case 'project_unready':
      return `project not ready: ${sentence(entry.data.message)} ${entry.data.mend}`;
    case 'project_ready':
      return 'project ready again';
    case 'install_ran':
      return entry.data.ok
        ? `dependencies installed in ${seconds(entry.data.durationMs)}${refusedText(entry.data)}`
        : `install failed: ${entry.data.message}`;
    case 'dependencies_damaged':
      return `the ${entry.data.by} wrote into the shared dependencies (${entry.data.what}); they are installed anew`;
    case 'check_ran':
      return checkText(entry.data);
    case 'test_flaky':
      return `flaky: ${entry.data.test} fails and passes on the same tree (${entry.data.check})`;
    case 'plan_made':
      return entry.data.plan.nothing ? `plan: nothing to do: ${entry.data.plan.why}` : `plan: ${entry.data.plan.title}`;
    case 'plan_refused':
      return `plan sent back: “${entry.data.title}”: ${entry.data.reason}`;
    case 'claim_taken':
      return `claims ${entry.data.files.join(', ') || 'nothing in particular'}`;
    case 'claim_released':
      return 'claim released';
    case 'agent_ran':
      return entry.data.ok
        ? `${entry.data.purpose} run: ${many(entry.data.turns, 'turn')}, ${entry.data.costUnknown ? 'cost unknown' : usd(entry.data.costUsd)}, ${seconds(entry.data.durationMs)}${refusedText(entry.data)}`
        : `${entry.data.purpose} run failed: ${entry.data.message ?? entry.data.failure ?? 'it did not say why'}${refusedText(entry.data)}`;
    case 'run_retry_planned':
      return `${entry.data.failure}: the run is tried again in ${seconds(entry.data.delayMs)} (attempt ${entry.data.attempt + 1})`;
    case 'evaluated':
      return `verdict ${entry.data.verdict}: ${entry.data.reason}`;
    case 'intent':
      return `is about to ${intentText(entry.data)}`;
    case 'intent_settled':
      return `${entry.data.done ? 'that is done' : 'that was not done'}: ${entry.data.note}`;
    case 'branch_pushed':
      return `${entry.data.branch} pushed, waits for review`;
    case 'cto_review':
      return `${DECIDED[entry.data.decision]} by ${reviewerText(entry.data)}: ${entry.data.branch}: ${entry.data.reasons.join('; ')}`;
    case 'review_failed':
      return `${entry.data.branch} could not be reviewed and waits for the next sweep: ${entry.data.reason}`;
    case 'review_commented':
      return `${entry.data.name} on ${entry.data.branch}: ${commentText(entry.data.comment)}`;
    case 'branch_moved':
      return entry.data.to === undefined
        ? `${entry.data.branch} was deleted by somebody`
        : `${entry.data.branch} moved to ${entry.data.to.slice(0, 10)}; it is reviewed anew`;
    case 'train_tested':
      return `train: ${many(entry.data.branches.length, 'branch', 'branches')} on ${entry.data.base.slice(0, 10)}: ${entry.data.state}: ${entry.data.reason}`;
    case 'branch_dropped':
      return `${entry.data.branch} dropped: ${entry.data.reason}`;
    case 'merged':
      return `${entry.data.main} is at ${entry.data.to.slice(0, 10)}: ${entry.data.landings.map(landingText).join(', ')} landed`;
    case 'train_blocked':
      return `nothing can land until ${momentText(entry.data.until)}: ${sentence(entry.data.reason)} ${entry.data.mend}`;
    case 'train_unblocked':
      return `landing is possible again after ${seconds(entry.data.blockedMs)}`;
    case 'landing_verified':
      return `${entry.data.main.slice(0, 10)} ${entry.data.ok ? 'verified' : 'FAILED its verification'} (${seconds(entry.data.durationMs)})${entry.data.message ? `: ${entry.data.message}` : ''}`;
    case 'revert_proposed':
      return `${entry.data.branch} takes back ${entry.data.branches.join(', ') || entry.data.to.slice(0, 10)}: ${entry.data.reason}`;
    case 'main_judged':
      return `main at ${entry.data.commit.slice(0, 10)} breaks nothing`;
    case 'main_red':
      return `main is RED at ${entry.data.commit.slice(0, 10)}: ${many(entry.data.broken.length, 'thing')} broken by ${suspectsText(entry.data.suspects)}; only work that mends it goes on`;
    case 'main_green':
      return `main is green again at ${entry.data.commit.slice(0, 10)} after ${seconds(entry.data.redMs)}`;
    case 'branch_deleted':
      return `${entry.data.branch} deleted: ${entry.data.reason}`;
    case 'gate_closed':
      return `gate ${entry.data.gate} closed: ${entry.data.reason}${entry.data.until ? ` (until ${momentText(entry.data.until)})` : ''}`;
    case 'gate_opened':
      return `gate ${entry.data.gate} open again after ${seconds(entry.data.closedMs)}`;
    case 'session_parked':
      return `parked until ${entry.data.until === UNTIL_RESUMED ? 'a person resumes it' : momentText(entry.data.until)}: ${entry.data.reason}`;
    case 'session_unparked':
      return `no longer parked: ${entry.data.reason}`;
    case 'session_taken':
      return `taken by ${entry.data.by}: what runs goes on to its end, and nothing is begun (pid ${entry.data.pid})`;
    case 'session_handed_over':
      return `handed over, with ${entry.data.fresh === undefined ? 'its last conversation' : `a new conversation: ${entry.data.fresh}`}`;
    case 'session_given_back':
      return `given back by ${entry.data.by}: ${entry.data.note}`;
    case 'session_redirected':
      return `has to turn to something else: ${entry.data.reason}`;
    case 'team_standup':
      return standupText(entry.data);
    case 'doctor_analysis':
      return `doctor: ${entry.data.sessions.map((s) => `${s.session} ${s.class}${s.effect === 'none' ? '' : ` (${s.effect})`}`).join(', ') || 'nobody to look at'}: ${entry.data.file}`;
    case 'prompt_proposed':
      return `proposes to change ${entry.data.change.file}: ${entry.data.change.why} (\`winnow prompts show ${shortId(entry.data.proposal)}\`)`;
    case 'prompt_applied':
      return `${entry.data.file} changed by ${entry.data.by}, as proposal ${shortId(entry.data.proposal)} says`;
    case 'prompt_dismissed':
      return `proposal ${shortId(entry.data.proposal)} dismissed by ${entry.data.by}: ${entry.data.reason}`;
    case 'skill_written':
      return `skill ${entry.data.skill} written by ${entry.data.by === 'person' ? 'a person' : 'the doctor'}: ${entry.data.description}`;
    case 'skill_refused':
      return `skill ${entry.data.skill} is lent to nobody: ${entry.data.reason}`;
    case 'skill_retired':
      return `skill ${entry.data.skill} retired: ${entry.data.reason}`;
    case 'skill_restored':
      return `skill ${entry.data.skill} put back by ${entry.data.by}`;
    case 'paused':
      return `${entry.session ? '' : 'everything '}paused by ${entry.data.by}: ${entry.data.reason}`;
    case 'resumed':
      return `${entry.session ? '' : 'everything '}resumed by ${entry.data.by}`;
    case 'task_queued':
      return `task ${shortId(entry.data.task)} queued${entry.data.by ? ` by ${entry.data.by}` : ''} (${[entry.data.priority, ...(entry.data.for ? [`for ${entry.data.for}`] : [])].join(', ')}): ${entry.data.text}`;
    case 'task_assigned':
      return `takes task ${shortId(entry.data.task)}`;
    case 'task_returned':
      return `task ${shortId(entry.data.task)} goes back: ${entry.data.reason}`;
    case 'task_done':
      return `task ${shortId(entry.data.task)} done: ${entry.data.reason}`;
    case 'task_failed':
      return `task ${shortId(entry.data.task)} failed: ${entry.data.reason}`;
    case 'task_cancelled':
      return `task ${shortId(entry.data.task)} cancelled${entry.data.by ? ` by ${entry.data.by}` : ''}: ${entry.data.reason}`;
    case 'requested':
      return `${askerText(entry.data.by)} wants ${requestText(entry.data)}${entry.data.joins ? `, as request ${shortId(entry.data.joins)} does already` : ''}`;
    case 'request_taken':
      return `request ${shortId(entry.data.request)} is being carried out (pid ${entry.data.pid})`;
    case 'request_settled':
      return `request ${shortId(entry.data.request)} ${entry.data.done ? 'is done' : 'was not carried out'}: ${entry.data.note}`;
    case 'notice_raised':
      return `${sentence(entry.data.text)} ${entry.data.mend}`;
    case 'notice_cleared':
      return `over after ${seconds(entry.data.forMs)}: ${entry.data.notice}`;
    case 'message_queued':
      return `to ${entry.data.channel} ${entry.data.to}: ${entry.data.text}`;
    case 'message_sending':
      return `message ${shortId(entry.data.message)} is being sent`;
    case 'message_sent':
      return `message ${shortId(entry.data.message)} is sent`;
    case 'message_failed':
      return `message ${shortId(entry.data.message)} ${entry.data.retryAt ? 'could not be sent yet' : 'is given up'}: ${entry.data.reason}`;
    case 'message_received':
      return `${entry.data.from.name} (${entry.data.channel}) ${entry.data.button ? 'presses' : entry.data.form ? `sends what is no text (${entry.data.form})` : 'says'}: ${entry.data.text}`;
    case 'message_handled':
      return `message ${shortId(entry.data.message)}, ${HANDLED[entry.data.by]}: ${entry.data.note}`;
    case 'bot_skill_written':
      return `bot skill ${entry.data.skill} ${entry.data.by === 'person' ? 'written by a person' : 'learned'}: “${entry.data.phrases[0]}”${entry.data.phrases.length > 1 ? ` and ${entry.data.phrases.length - 1} more` : ''} means ${entry.data.does}`;
    case 'bot_skill_removed':
      return `bot skill ${entry.data.skill} removed by ${entry.data.by}: ${entry.data.reason}`;
    case 'bot_upkeep':
      return upkeepText(entry.data);
    case 'stranger_refused':
      return `a stranger spoke to the bot (${entry.data.channel} chat ${entry.data.chat}, user ${entry.data.user}) and got no answer`;
    case 'alert':
      return `ATTENTION: ${sentence(entry.data.message)} ${entry.data.mend}`;
    case 'journal_damaged':
      return `damaged line in the journal at byte ${entry.data.offset}: ${entry.data.what}`;
    case 'swept':
      return `${entry.data.killed} left-over process${entry.data.killed === 1 ? '' : 'es'} killed`;
    case 'collected':
      return collectedText(entry.data);
    default:
      entry satisfies never;
      return '';
  }
};

/** "a review of brl/alpha/20260314-091500", "a short standup", "a cycle of alpha" */
export const requestText = ({ what, args }: Pick<EntryData<'requested'>, 'what' | 'args'>): string => {
  const of = args.branches ?? args.sessions;
  return `${what === 'upkeep' ? 'an' : 'a'} ${args.short ? 'short ' : ''}${WANTED[what]}${of ? ` of ${of.join(', ')}` : ''}${args.rulesOnly ? ' by rule alone' : ''}`;
};

const HANDLED: Record<Handling, string> = {
  command: 'a command',
  button: 'a button',
  rule: 'understood by rule',
  skill: 'understood by a bot skill',
  model: 'understood by a model',
  none: 'not understood',
};

const WANTED: Record<RequestWhat, string> = {
  review: 'review',
  standup: 'standup',
  doctor: 'doctor’s round',
  cycle: 'cycle',
  upkeep: 'upkeep of the bot',
};

const standupText = ({ form, sessions, summary, runs, costUsd, why }: EntryData<'team_standup'>): string => {
  const present = sessions.filter((session) => session.present).length;
  const short = form === 'short' ? `, in short form${why ? ` (${why})` : ''}` : '';
  return `standup: ${present} of ${sessions.length} sessions${short}, ${many(runs, 'run')}, ${usd(costUsd)}: ${summary}`;
};

/** "upkeep of the bot: 4 messages in 1 group, learned week-cost, 1 refused (approve-all: …), 1 run, $0.01" */
const upkeepText = ({
  read,
  groups,
  written,
  refused,
  withoutRuns,
  runs,
  costUsd,
}: EntryData<'bot_upkeep'>): string => {
  const [first, ...others] = refused;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `upkeep of the bot: ${[
    read === 0 ? 'nothing was left unanswered' : `${many(read, 'message')} in ${many(groups, 'group')}`,
    ...(written.length === 0 ? [] : [`learned ${written.join(', ')}`]),
    ...(first ? [`${refused.length} refused (${first.name}: ${first.reason}${more})`] : []),
    ...(withoutRuns === undefined ? [] : [withoutRuns]),
    ...(runs === 0 ? [] : [`${many(runs, 'run')}, ${usd(costUsd)}`]),
  ].join(', ')}`;
};

const landingText = ({ branch, note }: EntryData<'merged'>['landings'][number]): string =>
  note === undefined ? branch : `${branch} (${note})`;

const DECIDED = { approve: 'approved', reject: 'rejected', 'needs-human': 'left to a human' } as const;

const reviewerText = ({ by, name }: EntryData<'cto_review'>): string => (by === 'person' ? name : `the ${by}`);

/** A remark on the whole branch names no file. */
export const commentText = ({ file, line, text }: ReviewComment): string =>
  file === '' ? text : `${file}${line ? `:${line}` : ''}: ${text}`;

const suspectsText = (suspects: EntryData<'main_red'>['suspects']): string => {
  const [first] = suspects;
  if (!first) return 'a push from outside';
  const more = suspects.length > 1 ? ` and ${suspects.length - 1} more` : '';
  return `${first.commit.slice(0, 10)} “${first.subject}” of ${first.author}${more}`;
};

const intentText = (intent: EntryData<'intent'>): string => {
  switch (intent.effect) {
    case 'push-branch':
      return `push ${intent.branch}`;
    case 'delete-branch':
      return `delete ${intent.branch}`;
    case 'move-main':
      return `move ${intent.merge.main} to ${intent.merge.to.slice(0, 10)}`;
    default:
      intent satisfies never;
      return '';
  }
};

/** "removed 12 transcripts (3.1MB) and 1 workspace (20KB); 1 patch kept" */
export const collectedText = ({ items, patches, failed }: Omit<EntryData<'collected'>, 'by'>): string => {
  const parts = items.map((item) => `${retainedText(item)}${sizeNote(item.bytes)}`);
  return [
    parts.length === 0 ? 'nothing was removed' : `removed ${parts.join(', ')}`,
    ...(patches.length === 0 ? [] : [`what nothing else held is kept in ${many(patches.length, 'patch', 'patches')}`]),
    ...(failed === 0 ? [] : [`${failed} could not be removed`]),
  ].join('; ');
};

export const retainedText = ({ kind, count }: { kind: Retained; count: number }): string =>
  many(count, ...RETAINED_WORDS[kind]);

/** One and several, as `winnow gc` and the journal call them. */
const RETAINED_WORDS: Record<Retained, [one: string, several: string]> = {
  transcripts: ['transcript', 'transcripts'],
  conversations: ['conversation', 'conversations'],
  reports: ['report', 'reports'],
  patches: ['patch', 'patches'],
  reviews: ['review', 'reviews'],
  checks: ['result of a check', 'results of checks'],
  workspaces: ['workspace', 'workspaces'],
  checkouts: ['checkout', 'checkouts'],
  homes: ['agent’s home', 'agents’ homes'],
  tmp: ['temporary file', 'temporary files'],
  dependencies: ['installation', 'installations'],
  commits: ['kept commit', 'kept commits'],
  branches: ['remote branch', 'remote branches'],
  mirrors: ['mirror', 'mirrors'],
  leftovers: ['left-over file', 'left-over files'],
};

export const sizeText = (size: number): string => bytes.format(size) ?? '';

const sizeNote = (size: number): string => (size > 0 ? ` (${sizeText(size)})` : '');

const list = (names: readonly string[]): string => names.join(', ') || 'none';

/** What was asked for in vain; nothing where everything was let through. */
const refusedText = ({ refused = [] }: { refused?: string[] | undefined }): string =>
  refused.length === 0 ? '' : `; not let through to ${refused.join(', ')}`;

const checkText = ({ check, state, green, figures, durationMs, message, reason }: EntryData<'check_ran'>): string => {
  if (state === 'evaluated') {
    const parts = [green ? 'green' : 'red', figuresText(figures)].filter((part) => part !== '');
    return `${check}: ${parts.join(', ')} (${seconds(durationMs)})`;
  }
  const why = message ?? reason ?? 'it did not say why';
  return `${check}: not evaluated: ${why.startsWith(`${check}: `) ? why.slice(check.length + 2) : why}`;
};
