import type { SessionClass, Tally } from '../../../model/crew.ts';
import type { Proposal } from '../../../model/state.ts';
import { momentText, shortId } from '../../cli/words.ts';
import { type Line, line, type Style, span, wrapText } from '../cells.ts';
import type { Listing, Row } from '../sight.ts';
import { agoText } from '../words.ts';
import { factLines } from './review.ts';

/** What the doctor says of the sessions, what it proposes, and what the skills are worth. */
export const doctor: Listing = {
  empty: 'the doctor has not looked yet, and there is no skill',
  columns: [
    { head: 'KIND', width: 8 },
    { head: 'NAME', width: { most: 20 } },
    { head: 'IS', width: { most: 16 } },
    { head: 'WHAT', width: 'rest' },
  ],
  above: ({ view, now }, width) =>
    view.doctor
      ? [line(span(`the doctor looked ${agoText(view.doctor.at, now)} ago`.replace('now ago', 'just now'), 'dim'))]
      : wrapText('the doctor has not looked yet', width).map((text) => line(span(text, 'dim'))),
  rows: ({ view }) => [
    // What waits for a word stands first.
    ...view.proposals.filter(({ status }) => status.state === 'open').map(proposalRow),
    ...Object.entries(view.doctor?.classes ?? {}).map(
      ([session, what]): Row => ({
        id: `session ${session}`,
        cells: [
          span('session', 'dim'),
          span(session),
          span(`${CLASS_GLYPHS[what]} ${what}`, CLASS_STYLES[what]),
          span(view.sessions.find(({ name }) => name === session)?.doing ?? ''),
        ],
      }),
    ),
    ...view.skills.map(
      (skill): Row => ({
        id: `skill ${skill.name}`,
        cells: [
          span('skill', 'dim'),
          span(skill.name),
          skill.retired ? span('retired', 'dim') : span(`kept ${shareText(skill.with)}`),
          span(skill.description),
        ],
      }),
    ),
    ...view.proposals.filter(({ status }) => status.state !== 'open').map(proposalRow),
  ],
  detail: ({ view, now }, id, width) => {
    const [kind, ...rest] = id.split(' ');
    const name = rest.join(' ');
    const skill = view.skills.find((one) => kind === 'skill' && one.name === name);
    if (skill)
      return [
        line(span(skill.name, 'title')),
        ...wrapText(skill.description, width).map((text) => line(text)),
        line(),
        ...factLines(
          [
            ['by', skill.by === 'person' ? 'a person' : 'the doctor'],
            ['written', momentText(skill.writtenAt)],
            ['with it', `${skill.with.kept} of ${skill.with.ended} cycles kept`],
            ['without', `${skill.without.kept} of ${skill.without.ended} cycles kept`],
            ...(skill.retired ? ([['retired', skill.retired.reason]] as [string, string][]) : []),
          ],
          width,
        ),
      ];
    const proposal = view.proposals.find((one) => kind === 'proposal' && one.id === name);
    if (proposal)
      return [
        line(span(`change of ${proposal.change.file}`, 'title')),
        ...wrapText(proposal.change.why, width).map((text) => line(text)),
        ...factLines(factsOf(proposal, now), width),
        line(),
        ...changedLines('-', proposal.change.find, 'bad', width),
        ...changedLines('+', proposal.change.replace, 'good', width),
      ];
    const session = view.sessions.find((one) => one.name === name);
    return session
      ? [
          line(span(session.name, 'title')),
          ...factLines(
            [
              ['doing', session.doing],
              ['report', view.doctor?.file ?? ''],
            ],
            width,
          ),
        ]
      : [];
  },
};

const proposalRow = ({ id, status, change }: Proposal): Row => ({
  id: `proposal ${id}`,
  cells: [
    span('proposal', 'dim'),
    span(shortId(id)),
    status.state === 'open' ? span('◆ needs you', 'accent') : span(status.state, 'dim'),
    span(change.why),
  ],
});

const factsOf = ({ at, session, evidence, status }: Proposal, now: number): [string, string][] => [
  ...(session ? ([['about', session]] as [string, string][]) : []),
  ['proposed', `${agoText(at, now)} ago`.replace('now ago', 'just now')],
  ...(evidence.length > 0 ? ([['cycles', evidence.map(shortId).join(', ')]] as [string, string][]) : []),
  status.state === 'open'
    ? ['state', 'open: `A` applies it, `D` dismisses it']
    : ['state', `${status.state} by ${status.by}${status.reason === '' ? '' : `: ${status.reason}`}`],
];

/** Prose in long lines: it is read whole. */
const changedLines = (sign: string, text: string, style: Style, width: number): Line[] =>
  text === ''
    ? []
    : text
        .split('\n')
        .flatMap((one) =>
          wrapText(one, width - 2).map((part, n) => line(span(`${n === 0 ? sign : ' '} ${part}`, style))),
        );

const shareText = ({ kept, ended }: Tally): string => (ended === 0 ? '–' : `${Math.round((kept / ended) * 100)} %`);

const CLASS_STYLES: Record<SessionClass, Style> = {
  productive: 'good',
  idle: 'dim',
  stuck: 'warn',
  'error-looping': 'bad',
};
const CLASS_GLYPHS: Record<SessionClass, string> = { productive: '●', idle: '○', stuck: '▲', 'error-looping': '✗' };
