import { renderTable } from '../faces/cli/table.ts';
import type { Terminal } from '../faces/cli/terminal.ts';
import { beforeAfter, branchStatusText, seconds, usd } from '../faces/cli/words.ts';
import type { CrewShown } from './crew.ts';
import type { DemoResult } from './demo.ts';

/** Letter and minutes as a person would read them in logs/, and what the cycle after them made of both. */
const crewText = ({ letter, minutes, cycle: { data } }: CrewShown): string[] => [
  letter.trim(),
  '',
  minutes.trim(),
  '',
  `The next cycle of alpha: its task is what it committed to, and it had ${data.skills.join(', ')}.`,
  `  ${data.outcome} “${data.plan?.title ?? ''}”: ${data.reason}`,
  '',
];

/** The end of the demo: what became of each attempt, and where all of it is to be read. Pure. */
export const renderDemo = (
  result: DemoResult,
  kept: boolean,
  { paint, width }: Pick<Terminal, 'paint' | 'width'>,
): string => {
  const rows = result.rows.map(({ session, entry: { data }, branch }) => [
    session,
    data.plan?.title ?? '–',
    data.verdict ?? '–',
    data.outcome,
    branch?.status.state ?? '–',
    beforeAfter(data),
    usd(data.costUsd),
    seconds(data.times.total ?? 0),
  ]);
  const head = ['SESSION', 'PLAN', 'VERDICT', 'OUTCOME', 'BRANCH', 'ERRORS+FAILING', 'COST', 'TIME'];
  const why = result.rows.flatMap(({ session, shows, entry, branch }) => [
    `  ${session.padEnd(8)} ${shows}: ${entry.data.reason}`,
    ...(branch && branch.status.state !== 'landed' ? [`  ${''.padEnd(8)} ${branchStatusText(branch.status)}`] : []),
  ]);
  const landed = result.rows.filter(({ branch }) => branch?.status.state === 'landed').length;
  const { ran, reused } = result.checks;
  const cost = result.rows.reduce((sum, row) => sum + row.entry.data.costUsd, 0);
  const pushed = result.rows.filter((row) => row.entry.data.outcome === 'pushed').length;
  return [
    '',
    renderTable(head, rows, Math.max(width, 100)),
    '',
    'Why:',
    ...why,
    '',
    ...(result.crew ? crewText(result.crew) : []),
    `Main in a fresh clone of the remote, ${result.main.commit.slice(0, 10)}:`,
    ...result.main.landed.map((line) => `  ${line}`),
    ...result.main.checks.map(({ command, ok, says }) =>
      paint(ok ? 'green' : 'red', `  ${ok ? '✓' : '✗'} ${command}: ${says}`),
    ),
    '',
    `${result.rows.length} attempts, ${pushed} pushed, ${landed} landed. ${ran} checks ran, ${reused} results were shared instead of measured again. ${usd(cost)} at list prices, ${seconds(result.durationMs)}.`,
    ...(result.wrong.length === 0
      ? [
          paint(
            'green',
            `${result.live ? 'Every attempt came to a verdict, and main is what the journal says' : 'Every outcome is the expected one'}: looked up in the journal and in the remote.`,
          ),
        ]
      : [paint('red', 'NOT as expected:'), ...result.wrong.map((line) => paint('red', `  ${line}`))]),
    '',
    ...(kept
      ? [
          'To read on:',
          `  journal      winnow log --home ${result.home}`,
          `               ${result.journal}`,
          `  transcripts  ${result.home}/logs/transcripts/`,
          `  patches      ${result.home}/logs/patches/   (what was not kept)`,
          `  reviews      ${result.home}/logs/reviews/`,
          `  main         git --git-dir ${result.remote} log`,
        ]
      : [
          'The home was removed; `winnow demo --keep` leaves it: journal, transcripts, reviews, patches of what was not kept, the remote.',
        ]),
  ].join('\n');
};
