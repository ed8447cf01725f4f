import { UNTIL_RESUMED } from '../model/crew.ts';
import type { GateName } from '../model/entry.ts';
import { MENDS } from '../model/failure.ts';
import type { OutMessage } from '../model/message.ts';
import type { NoticeKind, Severity, StandingNotice } from '../model/notice.ts';
import type { SessionState, StandupState } from '../model/state.ts';
import { spanText } from './classify.ts';
import { oneLine } from './placeholders.ts';

/** Every sentence that is sent to people outside of a terminal. The first line says it all: a phone shows no more. */

export interface Said {
  /** One sentence. */
  text: string;
  mend: string;
}

/** A reason is as long as whoever gave it liked; the whole of it stands in the journal. */
const REASON_MAX_CHARS = 300;
/** Names in one sentence. */
const NAMED_MAX = 4;

export const usageLimit = (until: string, zone: string, now: number): Said => ({
  text: `Claude’s usage limit is reached; it resets at ${momentText(Date.parse(until), zone, now)}.`,
  mend: 'Nothing to do: all sessions wait and go on by themselves.',
});

export const account = (reason: string): Said => ({
  text: `All sessions wait for you: ${sentence(short(reason))}`,
  mend: 'Once that is mended, `winnow resume` lets them go on.',
});

export const budget = (limitUsd: number): Said => ({
  text: `Today’s budget of ${usd(limitUsd)} is spent; work goes on at midnight UTC.`,
  mend: 'Nothing to do; or raise `gates.budgetPerDayUsd` in winnow.config.yaml.',
});

export const partBudget = (of: 'session' | 'project', names: readonly string[], limitUsd: number): Said => ({
  text: `${few(names)} ${names.length === 1 ? 'has' : 'have'} spent the ${usd(limitUsd)} of a ${of} for today; the others go on.`,
  mend: `Nothing to do; or raise \`gates.${of === 'session' ? 'budgetPerSessionPerDayUsd' : 'budgetPerProjectPerDayUsd'}\` in winnow.config.yaml.`,
});

export const gate = (name: GateName, reason: string): Said => ({
  text: `Nothing new starts: ${GATE_WORDS[name] ?? name}${reason === '' || name === 'stop-file' ? '' : ` (${short(reason)})`}.`,
  mend: GATE_MENDS[name] ?? '`winnow status` says more.',
});

const GATE_WORDS: Partial<Record<GateName, string>> = {
  memory: 'the machine’s memory is in use',
  disk: 'the disk is nearly full',
  journal: 'the journal cannot be written',
  'stop-file': 'somebody put a STOP file there',
};

const GATE_MENDS: Partial<Record<GateName, string>> = {
  memory: 'Close what else runs there, or let fewer sessions run: `gates.maxSessions`.',
  disk: 'Free some disk space, for instance with `winnow gc --yes`; it goes on by itself.',
  journal: MENDS['journal-write'],
  'stop-file': 'Delete `.winnow/STOP` to go on.',
};

export const sessionParked = (
  name: string,
  { until, reason, failure }: NonNullable<SessionState['parked']>,
  zone: string,
  now: number,
): Said =>
  until === UNTIL_RESUMED
    ? { text: `Session ${name} is parked until you resume it: ${sentence(short(reason))}`, mend: mendOf(failure, name) }
    : {
        text: `Session ${name} rests until ${momentText(Date.parse(until), zone, now)}: ${sentence(short(reason))}`,
        mend: `It goes on by itself; \`winnow resume ${name}\` lets it go on at once.`,
      };

const mendOf = (failure: string, name: string): string => {
  const mend = Object.hasOwn(MENDS, failure) ? MENDS[failure as keyof typeof MENDS] : undefined;
  return failure === 'error-looping' && mend
    ? mend.replace('NAME', name)
    : `Mend the cause, then \`winnow resume ${name}\`.`;
};

export const mainRed = (
  project: string,
  branch: string,
  {
    commit,
    broken,
    suspects,
    task,
  }: { commit: string; broken: string[]; suspects: Suspect[]; task?: string | undefined },
): Said => {
  const [first, ...more] = suspects;
  const who = first
    ? `, since ${short(first.author)}’s “${short(first.subject)}”${more.length > 0 ? ` or ${count(more.length, 'other commit')}` : ''}`
    : '';
  return {
    text: `${branch} of ${project} is red at ${commit.slice(0, 8)}: ${count(broken.length, 'thing')} broken${who}.`,
    mend: `${task ? 'A session mends it; only that work goes on.' : 'Only work that mends it goes on.'} \`winnow status\` shows it; a fix or revert of yours ends it as well.`,
  };
};

interface Suspect {
  author: string;
  subject: string;
}

export const trainBlocked = (project: string, { reason, mend }: { reason: string; mend: string }): Said => ({
  text: `Approved work of ${project} cannot land: ${sentence(short(reason))}`,
  mend: oneLine(mend),
});

export const projectUnready = (project: string, { message, mend }: { message: string; mend: string }): Said => ({
  text: `The sessions of ${project} wait: ${sentence(short(message))}`,
  mend: oneLine(mend),
});

export const needsHuman = (waiting: readonly { branch: string; title: string; reason: string }[]): Said => {
  const [first] = waiting;
  if (waiting.length === 1 && first) {
    return {
      text: `${first.branch} waits for your word: ${sentence(short(first.title))}`,
      mend: `${sentence(short(first.reason))} \`winnow show ${first.branch}\` shows it.`,
    };
  }
  return {
    text: `${waiting.length} branches wait for your word: ${few(waiting.map(({ branch }) => branch))}.`,
    mend: '`winnow queue` shows them; `winnow approve BRANCH` lands one, `winnow reject BRANCH -m REASON` ends it.',
  };
};

export const configRejected = (problems: readonly string[]): Said => ({
  text: `An edit of the configuration is refused, the last good one stays in force: ${sentence(short(problems[0] ?? 'it cannot be read'))}`,
  mend: `${problems.length > 1 ? `There ${problems.length === 2 ? 'is one more mistake' : `are ${problems.length - 1} more`}. ` : ''}\`winnow config check\` names every mistake.`,
});

export const roleParked = (role: string, reason: string): Said => ({
  text: `The ${role} crashed again and again and is not started any more: ${sentence(short(reason))}`,
  mend: 'Read logs/winnow.log, mend the cause, then start it again; `winnow status` says how.',
});

export const alert = ({ message, mend }: { message: string; mend: string }): Said => ({
  text: capital(sentence(short(message))),
  mend: oneLine(mend),
});

/** As it is sent. */
export const raisedText = ({ severity, text, mend }: Said & { severity: Severity }): string =>
  `${severity === 'urgent' ? 'URGENT: ' : ''}${text}\n${mend}`;

export const clearedText = (standing: StandingNotice, forMs: number): string =>
  `Over after ${spanText(forMs)}: ${OVER[standing.kind](standing.notice.slice(standing.kind.length + 1))}`;

const OVER: Record<NoticeKind, (name: string) => string> = {
  'usage-limit': () => 'the usage limit has reset, all sessions go on.',
  account: () => 'Claude Code can be used again, all sessions go on.',
  budget: (name) => `there is budget again${name === '' ? '' : ` for all ${name}`}.`,
  gate: (name) => `${GATE_OVER[name] ?? `gate ${name} is open`}, work starts again.`,
  'session-parked': (name) => `session ${name} goes on.`,
  'main-red': (name) => `${name} is green again.`,
  'needs-human': () => 'no branch waits for your word any more.',
  'train-blocked': (name) => `work of ${name} can land again.`,
  'project-unready': (name) => `the sessions of ${name} go on.`,
  'config-rejected': () => 'the configuration is in order.',
  'role-parked': (name) => `${name} runs again.`,
  alert: (name) => `alert ${name}.`,
};

const GATE_OVER: Record<string, string> = {
  memory: 'there is memory again',
  disk: 'there is room on the disk again',
  journal: 'the journal can be written again',
  'stop-file': 'the STOP file is gone',
};

/** Longer and nobody reads it on a phone; then each is told by its first line alone. */
const TOGETHER_MAX_CHARS = 3_000;
/** Lines of one collection. */
const LINES_MAX = 40;

/** Several messages as one: what was kept back over the night, or while the channel was down. */
export const togetherText = (
  messages: readonly Pick<OutMessage, 'at' | 'text'>[],
  zone: string,
  now: number,
): string => {
  const since = messages[0] ? momentText(Date.parse(messages[0].at), zone, now) : '';
  const head = `${messages.length} messages since ${since}:`;
  const whole = [head, ...messages.map(({ text }) => text)].join('\n\n');
  if (whole.length <= TOGETHER_MAX_CHARS) return whole;
  const lines = messages.slice(0, LINES_MAX).map(({ at, text }) => {
    const [first = ''] = text.split('\n');
    return `${momentText(Date.parse(at), zone, now)} ${clip(first)}`;
  });
  const more = messages.length - lines.length;
  const rest = more > 0 ? [`and ${more} more.`] : [];
  return [head, '', ...lines, ...rest, '', 'What to do: `winnow notify list` and `winnow status`.'].join('\n');
};

/** Behind a message whose process died while it was sent. */
export const REPETITION = '(This may be a repetition: Winnow was stopped, or heard no answer, while it was sent.)';

export const standupText = ({ summary, priorities, file, costUsd }: StandupState): string =>
  [
    `Standup: ${sentence(short(summary))}`,
    ...priorities.map((text, n) => `${n + 1}. ${oneLine(text)}`),
    `Minutes: ${file} (${usd(costUsd)})`,
  ].join('\n');

export const TEST_TEXT = 'A test of Winnow: messages arrive here.\nNothing to do.';

/** On the wall in that zone: "14:30 UTC", or "Nov 22, 14:30 UTC" on another day. */
export const momentText = (ms: number, zone: string, now: number): string => {
  const { day, time } = wall(ms, zone);
  return `${day === wall(now, zone).day ? '' : `${day}, `}${time} ${zone}`;
};

const wall = (ms: number, zone: string): { day: string; time: string } => ({
  day: new Intl.DateTimeFormat('en-US', { timeZone: zone, month: 'short', day: 'numeric' }).format(ms),
  time: new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(ms),
});

/** Text from outside, on one line and of readable length. */
export const short = (text: string): string => clip(oneLine(text));
const clip = (text: string): string =>
  text.length <= REASON_MAX_CHARS ? text : `${text.slice(0, REASON_MAX_CHARS - 1).trimEnd()}…`;
export const few = (names: readonly string[]): string =>
  names.length <= NAMED_MAX
    ? names.join(', ')
    : `${names.slice(0, NAMED_MAX).join(', ')} and ${names.length - NAMED_MAX} more`;
const sentence = (text: string): string => (/[.!?:…]$/.test(text) ? text : `${text}.`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const count = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`;
export const usd = (amount: number): string => `$${amount.toFixed(2)}`;
