import type { BoardView } from '../../desk/board.ts';
import type { StatusView } from '../../desk/status.ts';
import { momentText, sentence, usd } from '../cli/words.ts';

/** What the dashboard says to a person beside what the command line says already. */

export const needsRoomText = (width: number, height: number): string =>
  `Winnow needs ${SIZE_MIN.width}x${SIZE_MIN.height}, this is ${width}x${height}`;

/** Below it a list has no room for a row and its reason. */
export const SIZE_MIN = { width: 40, height: 10 };

/** How long: one figure, so that it changes seldom and costs little on the wire. */
export const spanText = (ms: number): string => {
  const total = Math.max(0, Math.floor(ms / 1000));
  if (total < 60) return `${total}s`;
  if (total < 3600) return `${Math.floor(total / 60)}m`;
  if (total < 48 * 3600) return `${Math.floor(total / 3600)}h`;
  return `${Math.floor(total / 86_400)}d`;
};

/** Since something that is over: it is not counted in seconds, since nothing happens meanwhile. */
export const agoText = (ts: string, now: number): string => {
  const ms = now - Date.parse(ts);
  return ms < 60_000 ? 'now' : spanText(ms);
};

export const stateText = ({ processes, paused }: StatusView): string =>
  processes.length === 0 ? 'NOT RUNNING: start it with `winnow up`' : paused ? `PAUSED ${paused}` : 'running';

export const todayText = ({ today }: StatusView): string => {
  const { pushed = 0 } = today.counts;
  return `today ${pushed} kept, ${usd(today.costUsd)} of ${usd(today.budgetUsd)}`;
};

/** One thing that a person should know of, and what to do. */
export interface Matter {
  id: string;
  what: string;
  mend: string;
  /** Absent: it holds. */
  at: string | undefined;
}

/** What does not mend itself, from the state: it stands here until it is mended. */
export const mattersOf = ({ status, trouble, proposals }: BoardView): Matter[] => [
  ...(trouble ? [{ id: 'trouble', what: sentence(trouble.message), mend: trouble.mend, at: undefined }] : []),
  ...mattersOfStatus(status),
  ...proposals
    .filter((proposal) => proposal.status.state === 'open')
    .map(({ id, at, change }) => ({
      id: `proposal ${id}`,
      what: `the doctor would change ${change.file}: ${sentence(change.why)}`,
      mend: 'Look at it on the screen of the doctor; apply it, or dismiss it with a reason.',
      at,
    })),
];

/** What the journal alone tells. */
export const mattersOfStatus = ({ projects, gates, journal, processes, tasks, queue }: StatusView): Matter[] => [
  ...projects.flatMap(({ name, branch, red }) =>
    red
      ? [
          {
            id: `red ${name}`,
            what: `${branch} of ${name} is RED: ${red.broken} broken by a push from outside${red.suspects[0] ? ` (suspect: ${red.suspects[0]})` : ''}`,
            mend: 'Only work that mends it goes on; revert that push, or mend it yourself.',
            at: red.since,
          },
        ]
      : [],
  ),
  ...projects.flatMap(({ name, branch, blocked }) =>
    blocked
      ? [
          {
            id: `blocked ${name}`,
            what: `nothing lands on ${branch} of ${name}: ${sentence(blocked.reason)}`,
            mend: blocked.mend,
            at: blocked.since,
          },
        ]
      : [],
  ),
  ...projects.flatMap(({ name, unready }) =>
    unready
      ? [
          {
            id: `unready ${name}`,
            what: `project ${name} is not ready: ${sentence(unready.message)}`,
            mend: unready.mend,
            at: undefined,
          },
        ]
      : [],
  ),
  ...gates.map(({ gate, reason, since, until }) => ({
    id: `gate ${gate}`,
    what: `gate ${gate} is closed: ${sentence(reason)}`,
    mend: until
      ? `It opens by itself ${momentText(until)}.`
      : 'It opens by itself when the figure is better; see the screen of gates.',
    at: since,
  })),
  ...(tasks.failed > 0
    ? [
        {
          id: 'tasks',
          what:
            tasks.failed === 1 ? 'a task failed and waits for you' : `${tasks.failed} tasks failed and wait for you`,
          mend: 'Look at them on the screen of tasks; try again, or take them out.',
          at: undefined,
        },
      ]
    : []),
  ...queue
    .filter(({ state }) => state === 'needs-human')
    .map(({ branch, title, at }) => ({
      id: `branch ${branch}`,
      what: `${branch} needs your word: ${title}`,
      mend: 'Look at it on the screen of review; approve it, or reject it with a reason.',
      at,
    })),
  ...(journal.damaged > 0
    ? [
        {
          id: 'journal',
          what: `the journal has ${journal.damaged} damaged lines, skipped`,
          mend: 'Nothing else is affected; see `winnow log`.',
          at: undefined,
        },
      ]
    : []),
  ...(processes.length === 0
    ? [
        {
          id: 'down',
          what: 'the factory is not running: what is shown is as it was left',
          mend: 'Start it with `winnow up`.',
          at: undefined,
        },
      ]
    : []),
];
