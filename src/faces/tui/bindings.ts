import type { Command } from '../../model/command.ts';
import type { Task } from '../../model/task.ts';
import { chosenRow, filterOf, rowsOf } from './listing.ts';
import { standingOf } from './marks.ts';
import { sorted } from './screens/floor.ts';
import { LISTINGS, TITLES } from './screens/screens.ts';
import type { Sight } from './sight.ts';
import { SCREENS, type ScreenName, type Ui } from './ui.ts';

/**
 * Every command of the dashboard: its keys, where they work, what it is called and what it does. Keys, help, palette
 * and documentation are made of this one table.
 */
export interface Binding {
  /** What is typed after `:`. */
  name: string;
  keys: readonly string[];
  /** Absent: everywhere. */
  on?: readonly ScreenName[];
  group: Group;
  /** One line, an imperative. */
  help: string;
  /** What may be typed behind the name in the palette. */
  args?: string;
  run: (sight: Sight, given: string) => Done;
}

export const GROUPS = ['look', 'move', 'act', 'leave'] as const;
export type Group = (typeof GROUPS)[number];

/** What a key comes to: another look at the same things, or a deed, or why there is none. */
export type Done =
  | { ui: Partial<Ui> }
  | { command: Command }
  | { effect: 'quit' | 'redraw' | 'suspend' | 'light' | 'attach'; session?: string }
  | { refused: string };

const to = (ui: Partial<Ui>): Done => ({ ui });

const show = (screen: ScreenName, place: number): Binding => ({
  name: screen,
  keys: [String(place + 1)],
  group: 'look',
  help: `show ${TITLES[screen]}`,
  run: () => to({ screen, zoom: false, scroll: 0 }),
});

/** As far as one turn of the wheel goes, and as one page. */
const WHEEL_LINES = 3;
const PAGE_ROWS = 10;
/** Whatever the list has. */
const TO_THE_END = 1_000_000;

const move =
  (by: number) =>
  (sight: Sight): Done => {
    const { ui } = sight;
    if (ui.zoom) return scroll(by)(sight);
    const rows = rowsHere(sight);
    const place = Math.max(0, Math.min(rows.length - 1, chosenRow(rows, ui.screen, ui) + by));
    const row = rows[place];
    return row ? to({ chosen: { ...ui.chosen, [ui.screen]: row.id }, scroll: 0 }) : to({});
  };

const scroll =
  (by: number) =>
  ({ ui }: Sight): Done => {
    const isBack = LISTINGS[ui.screen]?.atEnd === true;
    return to({ scroll: Math.max(0, ui.scroll + (isBack ? -by : by)) });
  };

const rowsHere = (sight: Sight) => {
  const listing = LISTINGS[sight.ui.screen];
  return listing ? rowsOf(listing, sight.ui.screen, sight) : [];
};

/** Id of the row that keys act on. */
export const chosenId = (sight: Sight): string | undefined => {
  const rows = rowsHere(sight);
  return rows[chosenRow(rows, sight.ui.screen, sight.ui)]?.id;
};

const onSession =
  (deed: (session: string, sight: Sight, given: string) => Done) =>
  (sight: Sight, given: string): Done => {
    const named = given || (sight.ui.screen === 'floor' ? chosenId(sight) : undefined);
    if (named === undefined) return { refused: 'which session? choose one on the floor, or name it' };
    return deed(named, sight, given);
  };

const onBranch =
  (deed: (branch: string, sight: Sight) => Done) =>
  (sight: Sight, given: string): Done => {
    const named = given || (sight.ui.screen === 'review' ? chosenId(sight) : undefined);
    return named === undefined
      ? { refused: 'which branch? choose one on the screen of review, or name it' }
      : deed(named, sight);
  };

const onTask =
  (deed: (task: Task) => Done) =>
  (sight: Sight): Done => {
    const id = chosenId(sight);
    const task = sight.view.tasks.find((one) => one.id === id);
    return task ? deed(task) : { refused: 'no task is chosen' };
  };

/** What stands on the screen of the doctor in rows of several kinds. */
const onDoctors =
  (kind: 'proposal' | 'skill', deed: (name: string, sight: Sight) => Done) =>
  (sight: Sight, given: string): Done => {
    const id = sight.ui.screen === 'doctor' ? chosenId(sight) : undefined;
    const named = given || (id?.startsWith(`${kind} `) ? id.slice(kind.length + 1) : undefined);
    return named === undefined
      ? { refused: `which ${kind}? choose one on the screen of the doctor, or name it` }
      : deed(named, sight);
  };

const confirm = (question: string, command: Command): Done => to({ mode: { kind: 'confirm', question, command } });
const ask = (question: string, draft: Command, field: 'reason' | 'text'): Done =>
  to({ mode: { kind: 'ask', question, text: '', draft, field } });

const request = (what: 'review' | 'standup' | 'doctor', help: string): Binding => ({
  name: `run ${what}`,
  keys: [],
  group: 'act',
  help,
  run: () => ({ command: { command: 'request', what, args: {} } }),
});

export const BINDINGS: readonly Binding[] = [
  ...SCREENS.map(show),
  {
    name: 'next screen',
    keys: ['tab'],
    group: 'look',
    help: 'show the next screen',
    run: ({ ui }) =>
      to({ screen: SCREENS[(SCREENS.indexOf(ui.screen) + 1) % SCREENS.length]!, zoom: false, scroll: 0 }),
  },
  {
    name: 'previous screen',
    keys: ['shift-tab'],
    group: 'look',
    help: 'show the screen before',
    run: ({ ui }) =>
      to({
        screen: SCREENS[(SCREENS.indexOf(ui.screen) + SCREENS.length - 1) % SCREENS.length]!,
        zoom: false,
        scroll: 0,
      }),
  },
  {
    name: 'zoom',
    keys: ['enter'],
    group: 'look',
    help: 'give the chosen row the whole screen, and back',
    run: ({ ui }) => (LISTINGS[ui.screen] ? to({ zoom: !ui.zoom, scroll: 0 }) : { refused: 'there is no row here' }),
  },
  {
    name: 'back',
    keys: ['escape', '-'],
    group: 'look',
    help: 'leave the zoom, clear the filter, or go to the floor',
    run: ({ ui }) =>
      ui.zoom
        ? to({ zoom: false, scroll: 0 })
        : filterOf(ui, ui.screen) !== ''
          ? to({ filters: { ...ui.filters, [ui.screen]: '' } })
          : to({ screen: 'floor', scroll: 0 }),
  },
  {
    name: 'filter',
    keys: ['/'],
    group: 'look',
    help: 'show only rows with a word; !word: without it',
    run: ({ ui }) => to({ mode: { kind: 'filter', text: ui.filters[ui.screen] ?? '' }, zoom: false }),
  },
  {
    name: 'next that needs you',
    keys: ['w'],
    group: 'look',
    help: 'choose the session that needs somebody most',
    run: ({ view, ui }) => {
      const needy = sorted(view).filter((session) =>
        ['needs-you', 'dead', 'parked'].includes(standingOf(view, session)),
      );
      const place = needy.findIndex(({ name }) => name === ui.chosen.floor);
      const next = needy[(place + 1) % Math.max(1, needy.length)];
      return next
        ? to({ screen: 'floor', chosen: { ...ui.chosen, floor: next.name }, scroll: 0 })
        : { refused: 'nobody needs you' };
    },
  },
  {
    name: 'light or dark',
    keys: ['L'],
    group: 'look',
    help: 'colours for a light or a dark terminal',
    run: () => ({ effect: 'light' }),
  },
  {
    name: 'help',
    keys: ['?'],
    group: 'look',
    help: 'show all keys',
    run: () => to({ mode: { kind: 'help', scroll: 0 } }),
  },
  {
    name: 'said',
    keys: ['@'],
    group: 'look',
    help: 'show what was asked for here and what came of it',
    run: () => to({ mode: { kind: 'said' } }),
  },
  {
    name: 'palette',
    keys: [':'],
    group: 'look',
    help: 'choose a command by its name',
    run: () => to({ mode: { kind: 'palette', text: '', place: 0 } }),
  },

  { name: 'down', keys: ['j', 'down'], group: 'move', help: 'choose the next row', run: move(1) },
  { name: 'up', keys: ['k', 'up'], group: 'move', help: 'choose the row before', run: move(-1) },
  { name: 'page down', keys: ['ctrl-d', 'pagedown'], group: 'move', help: 'ten rows on', run: move(PAGE_ROWS) },
  { name: 'page up', keys: ['ctrl-u', 'pageup'], group: 'move', help: 'ten rows back', run: move(-PAGE_ROWS) },
  { name: 'top', keys: ['g', 'home'], group: 'move', help: 'the first row', run: move(-TO_THE_END) },
  { name: 'bottom', keys: ['G', 'end'], group: 'move', help: 'the last row', run: move(TO_THE_END) },
  {
    name: 'scroll down',
    keys: ['J'],
    group: 'move',
    help: 'move the text beside the list on',
    run: scroll(WHEEL_LINES),
  },
  {
    name: 'scroll up',
    keys: ['K'],
    group: 'move',
    help: 'move the text beside the list back',
    run: scroll(-WHEEL_LINES),
  },

  {
    name: 'approve',
    keys: ['A'],
    on: ['review'],
    group: 'act',
    help: 'let the branch land (asks first)',
    args: '[branch]',
    run: onBranch((branch, { view }) => {
      const commit = view.branches.find((one) => one.branch === branch)?.commit;
      const seen = commit === undefined ? {} : { seen: { branch, commit } };
      const command: Command = { command: 'approve', branch };
      return to({ mode: { kind: 'confirm', question: `Let ${branch} land?`, command, ...seen } });
    }),
  },
  {
    name: 'reject',
    keys: ['D'],
    on: ['review'],
    group: 'act',
    help: 'end the branch, with a reason',
    args: '[branch]',
    run: onBranch((branch) => ask(`Why is ${branch} rejected?`, { command: 'reject', branch, reason: '' }, 'reason')),
  },
  {
    name: 'comment',
    keys: ['c'],
    on: ['review'],
    group: 'act',
    help: 'remark on the branch; it decides nothing',
    args: '[branch]',
    run: onBranch((branch) => ask(`Your remark on ${branch}:`, { command: 'comment', branch, text: '' }, 'text')),
  },
  {
    name: 'revert',
    keys: ['R'],
    on: ['review'],
    group: 'act',
    help: 'take back a branch that landed, with a reason',
    args: '[branch]',
    run: onBranch((branch, { view }) => {
      const state = view.branches.find((one) => one.branch === branch)?.status.state;
      return state === undefined || state === 'landed'
        ? ask(`Why is ${branch} taken back?`, { command: 'revert', what: branch, reason: '' }, 'reason')
        : { refused: `only what landed can be taken back; ${branch} is ${state}` };
    }),
  },
  {
    name: 'task',
    keys: ['n'],
    group: 'act',
    help: 'add a task; on the floor for the chosen session',
    args: '[text]',
    run: (sight, given) => {
      const session = sight.ui.screen === 'floor' ? chosenId(sight) : undefined;
      const project = session === undefined ? projectOf(sight) : undefined;
      const draft = { command: 'add-task' as const, ...(session ? { session } : {}), ...(project ? { project } : {}) };
      return given === ''
        ? ask(`What is ${session ?? 'somebody'} to do?`, { ...draft, text: '' }, 'text')
        : { command: { ...draft, text: given } };
    },
  },
  {
    name: 'cancel task',
    keys: ['X'],
    on: ['tasks'],
    group: 'act',
    help: 'take the task out of the queue, with a reason',
    run: onTask((task) => ask('Why is it cancelled?', { command: 'cancel-task', task: task.id, reason: '' }, 'reason')),
  },
  {
    name: 'retry task',
    keys: ['R'],
    on: ['tasks'],
    group: 'act',
    help: 'queue a failed task once more',
    run: onTask((task) => ({ command: { command: 'retry-task', task: task.id } })),
  },
  {
    name: 'apply',
    keys: ['A'],
    on: ['doctor'],
    group: 'act',
    help: 'change the prompt as the doctor proposes (asks first)',
    args: '[proposal]',
    run: onDoctors('proposal', (proposal, { view }) => {
      const file = view.proposals.find(({ id }) => id === proposal)?.change.file;
      return confirm(`Change ${file ?? 'the prompt'} as it is proposed?`, { command: 'apply-proposal', proposal });
    }),
  },
  {
    name: 'dismiss',
    keys: ['D'],
    on: ['doctor'],
    group: 'act',
    help: 'refuse what the doctor proposes, with a reason',
    args: '[proposal]',
    run: onDoctors('proposal', (proposal) =>
      ask('Why is it dismissed?', { command: 'dismiss-proposal', proposal, reason: '' }, 'reason'),
    ),
  },
  {
    name: 'retire',
    keys: ['X'],
    on: ['doctor'],
    group: 'act',
    help: 'lend the skill to nobody any more, with a reason',
    args: '[skill]',
    run: onDoctors('skill', (skill) =>
      ask(`Why is ${skill} put aside?`, { command: 'retire-skill', skill, reason: '' }, 'reason'),
    ),
  },
  {
    name: 'restore',
    keys: ['R'],
    on: ['doctor'],
    group: 'act',
    help: 'lend a skill again that was put aside',
    args: '[skill]',
    run: onDoctors('skill', (skill) => ({ command: { command: 'restore-skill', skill } })),
  },
  {
    name: 'pause',
    keys: ['p'],
    on: ['floor'],
    group: 'act',
    help: 'hold the session, or let it go on',
    args: '[session]',
    run: onSession((session, { view }) => {
      const known = view.sessions.find(({ name }) => name === session);
      const isHeld = known?.state === 'paused' || known?.state === 'parked';
      return { command: isHeld ? { command: 'resume', session } : { command: 'pause', session } };
    }),
  },
  {
    name: 'pause all',
    keys: ['P'],
    on: ['floor'],
    group: 'act',
    help: 'hold everything (asks first), or let it go on',
    run: ({ view }) =>
      view.status.paused
        ? { command: { command: 'resume' } }
        : confirm('Hold everything? What runs goes on to its end.', { command: 'pause' }),
  },
  {
    name: 'cycle',
    keys: ['r'],
    on: ['floor'],
    group: 'act',
    help: 'run a cycle of the session now',
    args: '[session]',
    run: onSession((session) => ({ command: { command: 'request', what: 'cycle', args: { sessions: [session] } } })),
  },
  request('review', 'review now what waits'),
  request('standup', 'hold a standup now'),
  request('doctor', 'let the doctor look now'),
  {
    name: 'attach',
    keys: ['a'],
    on: ['floor'],
    group: 'act',
    help: 'take the session: its conversation in this terminal',
    args: '[session]',
    run: onSession((session) => ({ effect: 'attach', session })),
  },

  {
    name: 'redraw',
    keys: ['ctrl-l'],
    group: 'leave',
    help: 'draw the whole screen again',
    run: () => ({ effect: 'redraw' }),
  },
  {
    name: 'suspend',
    keys: ['ctrl-z'],
    group: 'leave',
    help: 'go to the shell; `fg` comes back',
    run: () => ({ effect: 'suspend' }),
  },
  {
    name: 'quit',
    keys: ['q', 'ctrl-c'],
    group: 'leave',
    help: 'leave; the factory goes on',
    run: () => ({ effect: 'quit' }),
  },
];

/** With several projects a task needs one: that of what is looked at. */
const projectOf = ({ view, ui }: Sight): string | undefined =>
  view.branches.find(({ branch }) => branch === ui.chosen.review)?.project ?? view.status.projects[0]?.name;

/** What a deployment has; `attach` needs a program to hand the terminal to. */
export const bindingsFor = ({ attach }: { attach: boolean }): readonly Binding[] =>
  attach ? BINDINGS : BINDINGS.filter(({ name }) => name !== 'attach');

export const bindingOf = (bindings: readonly Binding[], key: string, screen: ScreenName): Binding | undefined =>
  bindings.find(({ keys, on }) => keys.includes(key) && (on === undefined || on.includes(screen)));

/** Where a key works, if not here: better than silence. */
export const elsewhereText = (bindings: readonly Binding[], key: string): string | undefined => {
  const others = bindings.flatMap(({ keys, name, on }) =>
    keys.includes(key) && on ? on.map((screen) => `${SCREENS.indexOf(screen) + 1} ${TITLES[screen]} (${name})`) : [],
  );
  return others.length === 0 ? undefined : `\`${key}\` works on ${others.join(', ')}`;
};

/** Commands whose name begins with what was typed, then those that have it somewhere; the rest of the text is for them. */
export const paletteOf = (bindings: readonly Binding[], text: string): { binding: Binding; given: string }[] => {
  const typed = text.trimStart();
  const exact = bindings
    .filter(({ name, args }) => args !== undefined && typed.startsWith(`${name} `))
    .map((binding) => ({ binding, given: typed.slice(binding.name.length + 1).trim() }));
  if (exact.length > 0) return exact;
  const word = typed.trim();
  const rank = ({ name, help }: Binding): number =>
    name.startsWith(word) ? 0 : name.includes(word) ? 1 : help.includes(word) ? 2 : 3;
  return bindings
    .filter((binding) => binding.name !== 'palette' && rank(binding) < 3)
    .sort((a, b) => rank(a) - rank(b))
    .map((binding) => ({ binding, given: '' }));
};
