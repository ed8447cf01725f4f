import { type Effect, type PromptChange, type SessionClass, UNTIL_RESUMED } from '../model/crew.ts';
import type { Trigger } from '../model/entry.ts';
import { spanText } from './classify.ts';

/**
 * The doctor's letter: for each session what was found, what is behind it, what was done and what follows; then what
 * worked, and what a person may do. Lines with a meaning; how they look is decided where they are shown.
 */
export interface Letter {
  /** ISO 8601. */
  at: string;
  trigger: Trigger;
  /** Milliseconds that it looks back. */
  windowMs: number;
  sessions: Seen[];
  /** What worked; empty when nobody was asked or nothing came. */
  summary: string;
  /** Why there is no summary. */
  noSummary?: string;
  skills: { name: string; what: string }[];
  /** Why no run was asked at all. */
  withoutRuns?: string;
  runs: number;
  costUsd: number;
}

export interface Seen {
  session: string;
  project: string;
  class: SessionClass;
  evidence: string[];
  diagnosis?: string;
  /** Why there is none although one was asked for. */
  noDiagnosis?: string;
  effect: Effect;
  treatment: string;
  proposals: { id: string; change: PromptChange; applied: boolean }[];
  /** Why what it proposed is not proposed to anybody. */
  unproposed?: string;
}

export type LetterLine = { is: 'title' | 'head' | 'part' | 'text' | 'item' | 'command'; text: string } | { is: 'gap' };

export const letterLines = (letter: Letter): LetterLine[] => {
  const ill = letter.sessions.filter((seen) => seen.class !== 'productive');
  const well = letter.sessions.filter((seen) => seen.class === 'productive');
  return [
    { is: 'title', text: `Doctor’s letter of ${moment(letter.at)}` },
    { is: 'gap' },
    text(
      `${ASKED[letter.trigger]} ${many(letter.sessions.length, 'session')} seen, by what happened in the last ${spanText(letter.windowMs)}. ${inShort(letter)}`,
    ),
    ...(letter.withoutRuns === undefined
      ? [
          text(
            letter.runs === 0
              ? 'Nobody had to be asked.'
              : `${many(letter.runs, 'run')} asked for explanations, ${usd(letter.costUsd)}.`,
          ),
        ]
      : [text(`Nobody was asked for explanations: ${letter.withoutRuns}. What follows was found and done by rule.`)]),
    ...ill.flatMap(sessionLines),
    ...(well.length === 0 ? [] : [gap, head('In order'), ...well.flatMap(wellLines)]),
    ...workedLines(letter),
    ...proposalLines(letter),
  ];
};

const ASKED: Record<Trigger, string> = {
  schedule: 'The round of the hour:',
  manual: 'Asked for by a person:',
  task: 'Asked for by a task:',
  demo: 'The round of the demo:',
  person: 'Asked for by a person:',
};

const gap: LetterLine = { is: 'gap' };
const head = (words: string): LetterLine => ({ is: 'head', text: words });
const part = (words: string): LetterLine => ({ is: 'part', text: words });
const text = (words: string): LetterLine => ({ is: 'text', text: words });
const item = (words: string): LetterLine => ({ is: 'item', text: words });
const command = (words: string): LetterLine => ({ is: 'command', text: words });

const inShort = ({ sessions }: Letter): string => {
  const parts = (['error-looping', 'stuck', 'idle', 'productive'] as const).flatMap((is) => {
    const names = sessions.filter((seen) => seen.class === is).map(({ session }) => session);
    return names.length === 0 ? [] : [`${CLASS_WORDS[is]}: ${names.join(', ')}`];
  });
  return parts.length === 0 ? 'There are none.' : sentence(parts.join('; '));
};

const CLASS_WORDS: Record<SessionClass, string> = {
  'error-looping': 'loops',
  stuck: 'stuck',
  idle: 'idle',
  productive: 'in order',
};

const sessionLines = (seen: Seen): LetterLine[] => [
  gap,
  head(`${seen.session} (${seen.project}): ${seen.class}`),
  part('Findings'),
  ...seen.evidence.map(item),
  part('Diagnosis'),
  text(seen.diagnosis ?? `No diagnosis${seen.noDiagnosis === undefined ? '.' : `: ${sentence(seen.noDiagnosis)}`}`),
  part('Treatment'),
  text(sentence(seen.treatment)),
  ...seen.proposals.map(({ id, change, applied }) =>
    item(`${applied ? 'changed' : 'proposes to change'} ${change.file} (${shortId(id)}): ${change.why}`),
  ),
  ...(seen.unproposed === undefined ? [] : [item(`a change of its prompt was not proposed: ${seen.unproposed}`)]),
  part('Follow-up'),
  text(FOLLOW_UPS[seen.class][seen.effect](seen.session)),
];

/** What is to be expected, and what a person can do who does not want to wait. */
const FOLLOW_UPS: Record<SessionClass, Record<Effect, (session: string) => string>> = {
  'error-looping': {
    none: (session) => `Seen again at the next round; \`winnow resume ${session}\` ends a rest at once.`,
    parked: (session) =>
      `Its first cycle after the rest is the probe: the same error and it rests for longer, anything else and it is well. \`winnow resume ${session}\` ends the rest at once.`,
    escalated: (session) => `It waits for you: mend the cause, then \`winnow resume ${session}\`.`,
    redirected: () => '',
  },
  stuck: {
    none: (session) =>
      `Seen again at the next round; a task helps it at once: \`winnow task add --session ${session} …\`.`,
    redirected: () => 'Plans about the same are sent back until something of it is kept.',
    parked: () => '',
    escalated: () => '',
  },
  idle: {
    none: (session) =>
      `Nothing is done to an idle session; a wider focus or a task gives it work: \`winnow task add --session ${session} …\`.`,
    parked: () => '',
    redirected: () => '',
    escalated: () => '',
  },
  productive: { none: () => '', parked: () => '', redirected: () => '', escalated: () => '' },
};

const wellLines = (seen: Seen): LetterLine[] => [
  item(`${seen.session} (${seen.project}): ${seen.evidence.join('; ')}`),
];

const workedLines = ({ summary, noSummary, skills }: Letter): LetterLine[] => {
  if (summary === '' && noSummary === undefined && skills.length === 0) return [];
  return [
    gap,
    head('What worked'),
    text(summary === '' ? sentence(`Nothing was learnt: ${noSummary ?? 'no answer came'}`) : summary),
    ...skills.map(({ name, what }) => item(`${name}: ${what}`)),
  ];
};

const proposalLines = ({ sessions }: Letter): LetterLine[] => {
  const open = sessions.flatMap(({ proposals }) => proposals.filter(({ applied }) => !applied));
  if (open.length === 0) return [];
  return [
    gap,
    head('Proposals'),
    text('Nothing of this changes before you say so.'),
    ...open.flatMap(({ id, change }) => [
      item(`${change.file}: ${change.why}`),
      command(`winnow prompts show ${shortId(id)}`),
      command(`winnow prompts apply ${shortId(id)}`),
      command(`winnow prompts dismiss ${shortId(id)} -m REASON`),
    ]),
  ];
};

/** As logs/doctor/<timestamp>.md holds it. */
export const letterPage = (letter: Letter): string =>
  `${letterLines(letter)
    .map((line) => {
      switch (line.is) {
        case 'gap':
          return '';
        case 'title':
          return `# ${line.text}`;
        case 'head':
          return `## ${line.text}\n`;
        case 'part':
          return `\n**${line.text}**\n`;
        case 'text':
          return line.text;
        case 'item':
          return `- ${line.text}`;
        case 'command':
          return `  - \`${line.text}\``;
        default:
          return line satisfies never;
      }
    })
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')}\n`;

/** "until 2026-03-14 10:00 UTC", or until a person says so. */
export const untilText = (until: string): string =>
  until === UNTIL_RESUMED ? 'until a person resumes it' : `until ${moment(until)}`;

const moment = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
const sentence = (words: string): string => (/[.!?:…]$/.test(words) ? words : `${words}.`);
const many = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;
const usd = (amount: number): string => `$${amount.toFixed(2)}`;
/** As `winnow prompts` takes it. */
const shortId = (id: string): string => id.slice(-6).toLowerCase();
