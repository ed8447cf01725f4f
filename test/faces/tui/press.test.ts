import { describe, expect, it } from 'vitest';
import { BINDINGS, bindingsFor, paletteOf } from '../../../src/faces/tui/bindings.ts';
import { type Pressed, press } from '../../../src/faces/tui/press.ts';
import type { Sight } from '../../../src/faces/tui/sight.ts';
import type { TermEvent } from '../../../src/faces/tui/term/decode.ts';
import { SCREENS, type Ui } from '../../../src/faces/tui/ui.ts';
import { scene } from './scene.ts';

const SIZE = { width: 120, height: 32 };

/** Presses one key after the other: `enter`, `D`, or a text in quotes, letter by letter. */
const pressAll = (events: readonly (string | TermEvent)[], ui: Partial<Ui> = {}, sight = scene({ ui })): Pressed =>
  events
    .flatMap((event): TermEvent[] =>
      typeof event !== 'string'
        ? [event]
        : event.startsWith("'")
          ? [...event.slice(1, -1)].map((key) => ({ type: 'key', key: key === ' ' ? 'space' : key }))
          : [{ type: 'key', key: event }],
    )
    .reduce<Pressed>(
      (before, event) => press({ sight: { ...sight, ui: before.ui }, event, size: SIZE, bindings: BINDINGS }),
      { ui: sight.ui },
    );

const click = (x: number, y: number): TermEvent => ({ type: 'mouse', action: 'press', x, y });

describe('the table of bindings', () => {
  it('has every name once, and no key twice on one screen', () => {
    const names = BINDINGS.map(({ name }) => name);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
    for (const screen of SCREENS) {
      const keys = BINDINGS.filter(({ on }) => on === undefined || on.includes(screen)).flatMap(
        (binding) => binding.keys,
      );
      expect(keys.filter((key, n) => keys.indexOf(key) !== n)).toEqual([]);
    }
  });

  it('has attach only where there is something to hand the terminal to', () => {
    expect(bindingsFor({ attach: false }).map(({ name }) => name)).not.toContain('attach');
    expect(bindingsFor({ attach: true })).toBe(BINDINGS);
  });

  it('runs every command on every screen, also where nothing is chosen', () => {
    const empty = scene();
    const nothing: Sight = {
      ...empty,
      entries: [],
      view: { ...empty.view, sessions: [], branches: [], tasks: [], skills: [], proposals: [], doctor: undefined },
    };
    for (const screen of SCREENS)
      for (const binding of BINDINGS)
        for (const sight of [scene({ ui: { screen } }), { ...nothing, ui: { ...nothing.ui, screen } }])
          expect(Object.keys(binding.run(sight, ''))).toHaveLength(1 + Number('session' in binding.run(sight, '')));
  });
});

const branch = 'brl/beta/20260314-083000';

describe('keys ask for', () => {
  it.each<[what: string, keys: (string | TermEvent)[], ui: Partial<Ui>, command: object | undefined]>([
    [
      'the landing of a branch, once that is confirmed',
      ['A', 'y'],
      { screen: 'review' },
      { command: 'approve', branch },
    ],
    ['nothing where that is not confirmed', ['A', 'n'], { screen: 'review' }, undefined],
    ['nothing where Enter was meant for something else', ['A', 'enter'], { screen: 'review' }, undefined],
    [
      'the end of a branch, with the reason',
      ['D', "'breaks it'", 'enter'],
      { screen: 'review' },
      { command: 'reject', branch, reason: 'breaks it' },
    ],
    ['no end without a reason', ['D', 'space', 'enter'], { screen: 'review' }, undefined],
    ['nothing after Escape', ['D', "'x'", 'escape', 'enter'], { screen: 'review' }, undefined],
    ['a remark', ['c', "'why?'", 'enter'], { screen: 'review' }, { command: 'comment', branch, text: 'why?' }],
    [
      'a remark on another branch',
      ['j', 'c', "'hm'", 'enter'],
      { screen: 'review' },
      { command: 'comment', branch: 'brl/alpha/20260314-091500', text: 'hm' },
    ],
    [
      'a task for the session',
      ['n', "'test it'", 'enter'],
      {},
      { command: 'add-task', session: 'beta', text: 'test it' },
    ],
    [
      'a task that was pasted, in its lines',
      ['n', { type: 'paste', text: 'one\r\ntwo' }, 'enter'],
      { screen: 'tasks' },
      { command: 'add-task', project: 'api', text: 'one\ntwo' },
    ],
    [
      'a task whose text was mended while typing',
      ['n', "'ab c'", 'ctrl-w', 'backspace', "'!'", 'enter'],
      { screen: 'tasks' },
      { command: 'add-task', project: 'api', text: 'ab!' },
    ],
    ['a pause', ['p'], { chosen: { floor: 'alpha' } }, { command: 'pause', session: 'alpha' }],
    ['an end of the pause', ['p'], { chosen: { floor: 'epsilon' } }, { command: 'resume', session: 'epsilon' }],
    ['an end of the rest', ['p'], { chosen: { floor: 'delta' } }, { command: 'resume', session: 'delta' }],
    ['a pause of everything, once that is confirmed', ['P', 'y'], {}, { command: 'pause' }],
    [
      'a cycle',
      ['r'],
      { chosen: { floor: 'zeta' } },
      { command: 'request', what: 'cycle', args: { sessions: ['zeta'] } },
    ],
    [
      'a task once more',
      ['G', 'R'],
      { screen: 'tasks' },
      { command: 'retry-task', task: '01KTASK0000000000000000E3F' },
    ],
    [
      'the end of a task, with the reason',
      ['X', "'no'", 'enter'],
      { screen: 'tasks' },
      { command: 'cancel-task', task: '01KTASK0000000000000000C2D', reason: 'no' },
    ],
    ['a standup, by its name', [':', "'run st'", 'enter'], {}, { command: 'request', what: 'standup', args: {} }],
    [
      'a task, by the palette',
      [':', "'task write it down'", 'enter'],
      { screen: 'gates' },
      { command: 'add-task', project: 'api', text: 'write it down' },
    ],
    [
      'a pause of another session, by the palette',
      [':', "'pause zeta'", 'enter'],
      { screen: 'gates' },
      { command: 'pause', session: 'zeta' },
    ],
    [
      'the change of a prompt, once that is confirmed',
      ['A', 'y'],
      { screen: 'doctor' },
      { command: 'apply-proposal', proposal: '01KPROPOSAL0000000000ABCDE' },
    ],
    [
      'the end of a proposal, with the reason',
      ['D', "'it is right as it is'", 'enter'],
      { screen: 'doctor' },
      { command: 'dismiss-proposal', proposal: '01KPROPOSAL0000000000ABCDE', reason: 'it is right as it is' },
    ],
    ['no change of a prompt where a session is chosen', ['j', 'A', 'y'], { screen: 'doctor' }, undefined],
    [
      'a skill to be put aside, with the reason',
      ['G', 'X', "'outdated'", 'enter'],
      { screen: 'doctor' },
      { command: 'retire-skill', skill: 'tests', reason: 'outdated' },
    ],
    ['a skill back', ['G', 'R'], { screen: 'doctor' }, { command: 'restore-skill', skill: 'tests' }],
    [
      'what landed back, with the reason',
      ['R', "'it is slow'", 'enter'],
      { screen: 'review', chosen: { review: 'brl/gamma/20260313-220000' } },
      { command: 'revert', what: 'brl/gamma/20260313-220000', reason: 'it is slow' },
    ],
    ['nothing back that has not landed', ['R', "'x'", 'enter'], { screen: 'review' }, undefined],
    [
      'a skill back, by the palette',
      [':', "'restore notes'", 'enter'],
      { screen: 'floor' },
      { command: 'restore-skill', skill: 'notes' },
    ],
    ['nothing by a paste outside a field', [{ type: 'paste', text: 'AyDX' }], { screen: 'review' }, undefined],
    ['nothing by a key of another screen', ['A', 'y'], {}, undefined],
  ])('%s', (_, keys, ui, command) => {
    expect(pressAll(keys, ui).command).toEqual(command);
  });

  it.each<[string, string, string]>([
    ['quit', 'q', 'quit'],
    ['quit, by Ctrl-C', 'ctrl-c', 'quit'],
    ['the whole screen again', 'ctrl-l', 'redraw'],
    ['the shell', 'ctrl-z', 'suspend'],
    ['another theme', 'L', 'light'],
    ['the conversation of a session', 'a', 'attach'],
  ])('%s', (_, key, effect) => {
    expect(pressAll([key]).effect?.effect).toBe(effect);
  });

  it('nothing for a branch that moved while one was asked', () => {
    const { ui } = pressAll(['A'], { screen: 'review' });
    const moved = scene({ ui, change: (state) => Object.assign(state.queue[branch]!, { commit: 'another' }) });
    const { command, ui: after } = pressAll(['y'], {}, moved);
    expect({ command, said: after.notice?.text }).toEqual({
      command: undefined,
      said: 'it is another commit since: nothing was done; look at it again',
    });
  });

  it('says why there is nothing to do', () => {
    expect(pressAll(['A']).ui.notice?.text).toBe('`A` works on 2 Review (approve), 5 Doctor (apply)');
    expect(pressAll([':', "'cycle'", 'enter'], { screen: 'gates' }).ui.notice?.text).toContain('which session?');
    expect(pressAll([':', "'fly'", 'enter']).ui.notice?.text).toBe('there is no command "fly"');
    expect(pressAll(['A', 'n'], { screen: 'review' }).ui.notice?.text).toBe('nothing was done');
  });
});

describe('keys look at', () => {
  it.each<[what: string, keys: (string | TermEvent)[], ui: Partial<Ui>, after: Partial<Ui>]>([
    ['a screen by its figure', ['6'], {}, { screen: 'metrics' }],
    ['the next screen and the one before', ['tab', 'tab', 'shift-tab'], {}, { screen: 'review' }],
    ['the last screen from the first', ['shift-tab'], {}, { screen: 'alerts' }],
    ['the next row', ['j'], {}, { chosen: { floor: 'delta' } }],
    ['the last row, and not past it', ['G', 'j', 'down'], {}, { chosen: { floor: 'epsilon' } }],
    ['the first row', ['G', 'g', 'k'], {}, { chosen: { floor: 'beta' } }],
    ['one row large, and not', ['enter'], {}, { zoom: true }],
    ['the list again', ['enter', 'escape'], {}, { zoom: false, screen: 'floor' }],
    ['rows with a word', ['/', "'pars'", 'enter'], {}, { filters: { floor: 'pars' }, mode: { kind: 'browse' } }],
    ['all rows again', ['escape'], { filters: { floor: 'pars' } }, { filters: { floor: '' } }],
    ['who needs somebody', ['w'], { screen: 'gates' }, { screen: 'floor', chosen: { floor: 'beta' } }],
    ['the next who needs somebody', ['w', 'w'], {}, { chosen: { floor: 'delta' } }],
    ['the floor, from anywhere', ['escape'], { screen: 'gates' }, { screen: 'floor' }],
    ['help, and back', ['?', 'x'], {}, { mode: { kind: 'browse' } }],
    ['more of the help', ['?', 'j', 'j'], {}, { mode: { kind: 'help', scroll: 2 } }],
    ['another part of a diff', ['J', 'J', 'K'], { screen: 'review' }, { scroll: 3 }],
    ['an earlier part of what an agent said', ['K'], {}, { scroll: 3 }],
    ['the screen that is clicked', [click(12, 1)], {}, { screen: 'review' }],
    ['the row that is clicked', [click(5, 6)], {}, { chosen: { floor: 'alpha' } }],
    ['the row that is clicked twice, large', [click(5, 6), click(5, 6)], {}, { zoom: true }],
    ['nothing by a click beside everything', [click(5, 25)], {}, { chosen: {}, zoom: false }],
    [
      'the next row, by the wheel',
      [{ type: 'mouse', action: 'wheel-down', x: 5, y: 5 }],
      {},
      { chosen: { floor: 'delta' } },
    ],
    ['more of the detail, by the wheel', [{ type: 'mouse', action: 'wheel-up', x: 90, y: 5 }], {}, { scroll: 3 }],
  ])('%s', (_, keys, ui, after) => {
    expect(pressAll(keys, ui).ui).toMatchObject(after);
  });

  it('the same row when rows move', () => {
    const { ui } = pressAll(['G']);
    const moved = scene({ ui, change: (state) => delete state.sessions.epsilon!.pausedBy });
    expect(pressAll(['p'], {}, moved).command).toEqual({ command: 'pause', session: 'epsilon' });
  });
});

describe('the palette', () => {
  it.each([
    ['rev', 'review'],
    ['run', 'run review'],
    ['doc', 'doctor'],
    ['colours', 'light or dark'],
  ])('finds by %j first %j', (text, name) => {
    expect(paletteOf(BINDINGS, text)[0]?.binding.name).toBe(name);
  });
});
