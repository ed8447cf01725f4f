import type { SessionView, StatusView } from '../../desk/status.ts';
import { plainLine } from './plain.ts';
import { renderTable, wrap } from './table.ts';
import type { Style, Terminal } from './terminal.ts';
import { figuresText, momentText, relativeText, seconds, sentence, usd } from './words.ts';

/** The factory at a glance; pure. What needs a person comes first; what is too long for a line goes on in the next. */
export const renderStatus = (view: StatusView, { paint, lineWidth }: Pick<Terminal, 'paint' | 'lineWidth'>): string => {
  const now = Date.parse(view.at);
  const lines = (texts: string[], style?: Style): string[] =>
    texts.flatMap((text) =>
      wrap(plainLine(text), lineWidth - INDENT.length).map((line, n) => {
        const indented = n === 0 ? line : INDENT + line;
        return style ? paint(style, indented) : indented;
      }),
    );
  const isRunning = view.processes.length > 0;
  return [
    ...lines([headText(view, now)], isRunning ? 'green' : 'yellow'),
    ...lines(processesOf(view)),
    ...lines(mattersOf(view, now), 'red'),
    ...lines(holdsOf(view, now), 'yellow'),
    '',
    ...lines(view.projects.map(projectText)),
    '',
    view.sessions.length === 0
      ? 'no session yet: write sessions/<name>.md'
      : renderTable(
          ['SESSION', ...(several(view) ? ['PROJECT'] : []), 'STATE', 'FOR', 'KEPT', 'COST', 'DOING', 'LAST'],
          view.sessions.map((session) => row(session, now, several(view))),
          lineWidth,
          2,
        ),
    '',
    ...lines([todayText(view), tasksText(view), reviewText(view, lineWidth), ...slotsOf(view)]),
  ].join('\n');
};

const INDENT = '  ';
/** Of the branches that wait for review a screen shows the first; `--json` and a pipe have all of them. */
const BRANCHES_SHOWN_MAX = 5;

const headText = ({ home, processes }: StatusView, now: number): string => {
  if (processes.length === 0) return `Winnow ${home}: not running; start it with \`winnow up\``;
  const since = seconds(Math.max(0, now - Math.min(...processes.map((process) => Date.parse(process.since)))));
  return `Winnow ${home}: running for ${since} (pid ${processes.map(({ pid }) => pid).join(', ')})`;
};

/** Which roles are where, when they are not all in one. */
const processesOf = ({ processes }: StatusView): string[] =>
  processes.length < 2 ? [] : processes.map(({ pid, roles }) => `pid ${pid}: ${roles.join(', ') || 'nothing'}`);

/** What does not mend itself. */
const mattersOf = ({ projects, journal, roles }: StatusView, now: number): string[] => [
  ...roles
    .filter(({ state }) => state === 'parked')
    .map(
      ({ role, since = '', reason = '' }) =>
        `role ${role} was parked ${relativeText(since, now)}: ${sentence(reason)} Read logs/winnow.log, then \`winnow resume --role ${role}\``,
    ),
  ...projects.flatMap(({ name, branch, red }) => (red ? [redText(name, branch, red, now)] : [])),
  ...projects.flatMap(({ name, branch, blocked }) =>
    blocked
      ? [
          `landing on ${branch} of ${name} stopped ${relativeText(blocked.since, now)}: ${sentence(blocked.reason)} ${blocked.mend}`,
        ]
      : [],
  ),
  ...projects.flatMap(({ name, unready }) =>
    unready ? [`project ${name} is not ready: ${sentence(unready.message)} ${unready.mend}`] : [],
  ),
  ...(journal.damaged > 0
    ? [`the journal has ${countOf(journal.damaged, 'damaged line')}, skipped; nothing else is affected`]
    : []),
];

const redText = (
  name: string,
  branch: string,
  red: NonNullable<StatusView['projects'][number]['red']>,
  now: number,
): string => {
  const [suspect, ...others] = red.suspects;
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  const by = suspect ? ` (suspect: ${suspect}${more})` : '';
  return `${branch} of ${name} went RED ${relativeText(red.since, now)}: ${countOf(red.broken, 'thing')} broken by a push from outside${by}; only work that mends it goes on`;
};
const holdsOf = ({ paused, gates, processes, roles }: StatusView, now: number): string[] => [
  ...(processes.length === 0 ? [] : missingTexts(roles)),
  ...(paused ? [`everything is paused ${paused}; go on with \`winnow resume\``] : []),
  ...gates.map(({ gate, since, reason, until }) => {
    const end = until ? `, until ${momentText(until)} (${relativeText(until, now)})` : '';
    return `gate ${gate} closed ${relativeText(since, now)}: ${reason}${end}`;
  }),
];

const missingTexts = (roles: StatusView['roles']): string[] => {
  const missing = roles.filter(({ state }) => state === 'missing');
  const failing = missing.filter(({ reason }) => reason !== undefined);
  const absent = missing.filter(({ reason }) => reason === undefined).map(({ role }) => role);
  return [
    ...failing.map(({ role, reason = '' }) => `role ${role} is not at work: it failed lately: ${sentence(reason)}`),
    ...(absent.length === 0 ? [] : [`not at work: ${absent.join(', ')}; \`winnow up --roles ${absent.join(',')}\``]),
  ];
};

const projectText = ({ name, branch, tip, baseline }: StatusView['projects'][number]): string => {
  const at = tip ? ` at ${tip.slice(0, 10)}` : '';
  return `project ${name}: ${branch}${at}: ${baseline ? figuresText(baseline) : 'not measured yet'}`;
};

/** With one project its name in every line would say nothing. */
const several = ({ projects }: StatusView): boolean => projects.length > 1;

const row = (session: SessionView, now: number, withProject: boolean): string[] => {
  const kept = session.counts.pushed ?? 0;
  const cycles = Object.values(session.counts).reduce((sum, n) => sum + n, 0);
  const until = session.until ? `; goes on ${relativeText(session.until, now)}` : '';
  return [
    session.name,
    ...(withProject ? [session.project] : []),
    session.phase ?? session.state,
    session.since ? seconds(Math.max(0, now - Date.parse(session.since))) : '',
    `${kept} of ${cycles}`,
    usd(session.costUsd),
    `${session.doing}${until}`,
    lastText(session.last),
  ];
};

/** A judged attempt by what it attempted, every other end by its reason. */
const lastText = (last: SessionView['last']): string => {
  if (!last) return '';
  const { outcome, title, reason } = last;
  return `${outcome}: ${(outcome === 'pushed' || outcome === 'discarded' ? title : undefined) ?? reason}`;
};

const todayText = ({ today }: StatusView): string => {
  const counts = Object.entries(today.counts).map(([outcome, count]) => `${count} ${outcome}`);
  const cycles = counts.length === 0 ? 'no cycle yet' : counts.join(', ');
  return `today   ${usd(today.costUsd)} of ${usd(today.budgetUsd)}; ${cycles}`;
};

const tasksText = ({ tasks }: StatusView): string => {
  const failed = tasks.failed > 0 ? `, ${tasks.failed} failed and waiting for you (\`winnow task list\`)` : '';
  return `tasks   ${tasks.queued} queued, ${tasks.assigned} assigned${failed}`;
};

const QUEUE_WORDS: [StatusView['queue'][number]['state'], string][] = [
  ['needs-human', 'for you (`winnow queue`)'],
  ['pending', 'to review'],
  ['approved', 'approved'],
];

const reviewText = ({ queue }: StatusView, lineWidth: number): string => {
  if (queue.length === 0) return 'review  nothing waits';
  // What waits for a person is counted and named first.
  const kinds = QUEUE_WORDS.map(([wanted, words]) => ({ words, of: queue.filter(({ state }) => state === wanted) }));
  const counts = kinds.flatMap(({ words, of }) => (of.length === 0 ? [] : [`${of.length} ${words}`]));
  const branches = kinds.flatMap(({ of }) => of);
  const shown = branches.slice(0, Number.isFinite(lineWidth) ? BRANCHES_SHOWN_MAX : branches.length);
  const more = branches.length > shown.length ? ` and ${branches.length - shown.length} more` : '';
  return `review  ${counts.join(', ')}: ${shown.map(({ branch }) => branch).join(', ')}${more}`;
};

/** Of the slots those that somebody holds or waits for. */
const slotsOf = ({ slots }: StatusView): string[] =>
  slots
    .filter(({ held, waiting }) => held.length > 0 || waiting.length > 0)
    .map(({ name, capacity, held, waiting }) => {
      const queue = waiting.length > 0 ? `; ${waiting.length} waiting: ${waiting.join(', ')}` : '';
      return `slot    ${name}, ${held.length} of ${capacity} taken: ${held.join(', ') || 'nobody'}${queue}`;
    });

const countOf = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;
