import type { EntryData } from '../model/entry.ts';
import type { Attendance } from '../model/standup.ts';

/** logs/standups/<moment>.md: what was said, by whom, and what comes of it, as a person would take it down. */
export interface Minutes extends Omit<EntryData<'team_standup'>, 'file'> {
  /** Milliseconds since the epoch. */
  at: number;
  /** What was said, in the order of `sessions`. */
  attendance: readonly Attendance[];
  /** Why the chair said nothing. */
  chairAbsence?: string;
  /** Where the transcripts are, relative to the home. */
  transcripts: string;
}

export const renderMinutes = (minutes: Minutes): string => {
  const { sessions, attendance, warnings, priorities, blockers } = minutes;
  const away = sessions.filter(({ present }) => !present);
  const sections: [string, string[]][] = [
    ['Summary', [safe(minutes.summary)]],
    ['Priorities', priorities.map((line, n) => `${n + 1}. ${safe(line)}`)],
    ['Blockers', blockers.map(bullet)],
    ['Commitments', sessions.flatMap(commitmentLine)],
    ['Files that two must not both touch', warnings.map(warningLine)],
    ['Proposals', sessions.flatMap(({ session, proposal }) => (proposal ? [`- ${session}: ${safe(proposal)}`] : []))],
    ['Absent', away.map(({ session, absence }) => `- ${session}: ${safe(absence ?? 'it said nothing')}`)],
  ];
  const spoken = attendance.filter(({ report, answer, commit }) => report || answer || commit);
  return [
    `# Standup of ${dayText(minutes.at)}, ${timeText(minutes.at)} UTC`,
    '',
    ...opening(minutes),
    ...sections.flatMap(([title, lines]) => (lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines])),
    ...(spoken.length === 0 ? [] : ['', '## What each one said']),
    ...spoken.flatMap(spokenText),
    '',
    `Transcripts: ${code(minutes.transcripts)}`,
    '',
  ].join('\n');
};

const opening = (minutes: Minutes): string[] => {
  const { form, why, sessions, runs, costUsd, durationMs, since, trigger, chairAbsence } = minutes;
  const present = sessions.filter((session) => session.present).length;
  const came =
    sessions.length === 1 && present === 1
      ? 'One session spoke'
      : present === sessions.length
        ? `All ${sessions.length} sessions spoke`
        : `${present} of ${sessions.length === 1 ? 'one session' : `${sessions.length} sessions`} spoke to the end`;
  return [
    `${came}, ${HELD[trigger]}. It took ${durationText(durationMs)}, ${runs === 1 ? 'one run' : `${runs} runs`} and $${costUsd.toFixed(2)}.`,
    ...(since === undefined
      ? ['It was the first one.']
      : [`It speaks of what happened since ${dayText(Date.parse(since))}, ${timeText(Date.parse(since))} UTC.`]),
    ...(form === 'short' ? [`It was held in short form, the last round and the chair only: ${safe(why ?? '')}.`] : []),
    ...(chairAbsence === undefined
      ? []
      : [`The chair said nothing (${safe(chairAbsence)}): these minutes were made without it.`]),
  ];
};

const HELD: Record<Minutes['trigger'], string> = {
  schedule: 'at the appointed time',
  task: 'for a task',
  manual: 'called by a person',
  demo: 'for the demonstration',
  person: 'called by a person',
};

type Part = Minutes['sessions'][number];

const commitmentLine = ({ session, commitment }: Part): string[] => {
  if (!commitment) return [];
  const { title, task, files, until, renewed } = commitment;
  const claimed =
    files.length === 0 ? '' : ` It has ${files.map(code).join(', ')} until ${timeText(Date.parse(until))}.`;
  const head = renewed ? `goes on with “${safe(title)}”, which is still open` : safe(title);
  return [`- ${session}: ${head} (task …${task.slice(-6)}).${claimed}`];
};

const warningLine = ({ files, sessions, why }: Minutes['warnings'][number]): string =>
  `- ${files.map(code).join(', ')} (${sessions.join(' and ')})${why === '' ? '' : `: ${safe(why)}`}`;

const spokenText = ({ session, project, report, answer, commit }: Attendance): string[] => [
  '',
  `### ${session} (${project})`,
  ...said('Did', report?.did),
  ...said('Is stuck', report?.stuck),
  ...said('Needs', report?.needs),
  ...said('Offers', answer?.offers),
  ...said('Meets as well', answer?.sharedErrors),
  ...(commit ? said('Commits to', [sentence(commit.commitment.title, commit.commitment.text)]) : []),
  ...(commit && commit.proposal !== '' ? said('Proposes', [commit.proposal]) : []),
];

const said = (what: string, lines: readonly string[] | undefined): string[] => {
  if (!lines || lines.length === 0) return [];
  const [one, ...more] = lines as [string, ...string[]];
  return more.length === 0 ? ['', `**${what}:** ${safe(one)}`] : ['', `**${what}:**`, '', ...lines.map(bullet)];
};

const sentence = (title: string, text: string): string => (text === '' ? title : `${title}. ${text}`);

const bullet = (line: string): string => `- ${safe(line)}`;
const code = (file: string): string => `\`${file.replaceAll('`', '')}\``;

/** Words of a model in a page of Markdown: they are one line already, and may neither be HTML nor load anything. */
const safe = (text: string): string => text.replaceAll('<', '\\<').replaceAll('](', ']\\(');

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const dayText = (ms: number): string => {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
};
const timeText = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

const durationText = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return seconds === 1 ? 'one second' : `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return `${minutes === 1 ? 'one minute' : `${minutes} minutes`}${rest === 0 ? '' : ` and ${rest} ${rest === 1 ? 'second' : 'seconds'}`}`;
};
