import type { Command } from '../../model/command.ts';
import { type Binding, bindingOf, type Done, elsewhereText, paletteOf } from './bindings.ts';
import { bodyOf, tabAt } from './frame.ts';
import { aboveOf, chosenRow, firstShown, layoutOf, rowsOf } from './listing.ts';
import { LISTINGS } from './screens/screens.ts';
import type { Sight } from './sight.ts';
import type { TermEvent } from './term/decode.ts';
import { FIELD_MAX_CHARS, type Mode, SCREENS, type Ui } from './ui.ts';

/** What an event of the terminal changes; pure. */
export interface Pressed {
  ui: Ui;
  command?: Command;
  effect?: Extract<Done, { effect: unknown }>;
}

export interface Press {
  sight: Sight;
  event: TermEvent;
  size: { width: number; height: number };
  bindings: readonly Binding[];
}

export const press = (given: Press): Pressed => {
  const { sight, event } = given;
  const ui: Ui = { ...sight.ui, notice: undefined };
  switch (event.type) {
    case 'key':
      return pressKey({ ...given, sight: { ...sight, ui } }, event.key);
    case 'paste':
      // Outside a field it would be a key for each of its characters.
      return isTyping(ui.mode) ? { ui: typed(ui, ui.mode, event.text) } : { ui };
    case 'mouse':
      return pressMouse({ ...given, sight: { ...sight, ui } }, event);
    case 'background':
      return { ui: sight.ui };
    default:
      return event satisfies never;
  }
};

type Typing = Extract<Mode, { text: string }>;
const isTyping = (mode: Mode): mode is Typing => 'text' in mode;

const pressKey = (given: Press, key: string): Pressed => {
  const { ui } = given.sight;
  const { mode } = ui;
  if (key === 'ctrl-c' && mode.kind !== 'browse') return { ui: { ...ui, mode: { kind: 'browse' } } };
  switch (mode.kind) {
    case 'browse': {
      const binding = bindingOf(given.bindings, key, ui.screen);
      if (binding) return done(given, binding.run(given.sight, ''));
      const elsewhere = elsewhereText(given.bindings, key);
      return { ui: elsewhere === undefined ? ui : refuse(given.sight, ui, elsewhere) };
    }
    case 'help':
      return { ui: { ...ui, mode: helpMode(mode, key) } };
    case 'said':
      return { ui: { ...ui, mode: { kind: 'browse' } } };
    case 'confirm': {
      const back: Ui = { ...ui, mode: { kind: 'browse' } };
      if (key !== 'y' && key !== 'Y') return { ui: refuse(given.sight, back, 'nothing was done') };
      if (hasMoved(given.sight, mode)) return { ui: refuse(given.sight, back, MOVED) };
      return { ui: back, command: mode.command };
    }
    case 'filter':
    case 'palette':
    case 'ask':
      return pressTyping(given, mode, key);
    default:
      return mode satisfies never;
  }
};

const MOVED = 'it is another commit since: nothing was done; look at it again';

const hasMoved = ({ view }: Sight, { seen }: Extract<Mode, { kind: 'confirm' }>): boolean =>
  seen !== undefined && view.branches.find(({ branch }) => branch === seen.branch)?.commit !== seen.commit;

const helpMode = (mode: Extract<Mode, { kind: 'help' }>, key: string): Mode => {
  const by = { j: 1, down: 1, k: -1, up: -1, pagedown: 10, 'ctrl-d': 10, pageup: -10, 'ctrl-u': -10 }[key];
  return by === undefined ? { kind: 'browse' } : { ...mode, scroll: Math.max(0, mode.scroll + by) };
};

const pressTyping = (given: Press, mode: Typing, key: string): Pressed => {
  const { ui } = given.sight;
  switch (key) {
    case 'escape':
      return { ui: { ...ui, mode: { kind: 'browse' } } };
    case 'enter':
      return entered(given, mode);
    case 'backspace':
      return { ui: withText(ui, mode, [...mode.text].slice(0, -1).join('')) };
    case 'ctrl-u':
      return { ui: withText(ui, mode, '') };
    case 'ctrl-w':
      return { ui: withText(ui, mode, mode.text.replace(/\S*\s*$/, '')) };
    case 'up':
    case 'down':
    case 'tab':
      return mode.kind === 'palette'
        ? { ui: { ...ui, mode: { ...mode, place: Math.max(0, mode.place + (key === 'up' ? -1 : 1)) } } }
        : { ui };
    case 'space':
      return { ui: typed(ui, mode, ' ') };
    default:
      return [...key].length === 1 ? { ui: typed(ui, mode, key) } : { ui };
  }
};

const typed = (ui: Ui, mode: Typing, text: string): Ui => {
  // A field of one line takes a paste of several as one.
  const flat =
    mode.kind === 'ask' && mode.field === 'text'
      ? text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
      : text.replace(/\s+/g, ' ');
  return withText(ui, mode, (mode.text + flat).slice(0, FIELD_MAX_CHARS));
};

const withText = (ui: Ui, mode: Typing, text: string): Ui => ({
  ...ui,
  mode: mode.kind === 'palette' ? { ...mode, text, place: 0 } : { ...mode, text },
});

const entered = (given: Press, mode: Typing): Pressed => {
  const { sight } = given;
  const ui: Ui = { ...sight.ui, mode: { kind: 'browse' } };
  switch (mode.kind) {
    case 'filter':
      return { ui: { ...ui, filters: { ...ui.filters, [ui.screen]: mode.text.trim() } } };
    case 'palette': {
      const found = paletteOf(given.bindings, mode.text);
      const chosen = found[Math.min(mode.place, found.length - 1)];
      if (!chosen) return { ui: refuse(sight, ui, `there is no command ${JSON.stringify(mode.text)}`) };
      return done({ ...given, sight: { ...sight, ui } }, chosen.binding.run({ ...sight, ui }, chosen.given));
    }
    case 'ask': {
      const text = mode.text.trim();
      if (text === '') return { ui: refuse(sight, ui, 'nothing was said, and nothing was done') };
      return { ui, command: { ...mode.draft, [mode.field]: text } as Command };
    }
    default:
      return mode satisfies never;
  }
};

const done = ({ sight }: Press, outcome: Done): Pressed => {
  const { ui } = sight;
  if ('ui' in outcome) return { ui: { ...ui, ...outcome.ui } };
  if ('command' in outcome) return { ui, command: outcome.command };
  if ('effect' in outcome) return { ui, effect: outcome };
  return { ui: refuse(sight, ui, outcome.refused) };
};

const refuse = ({ now }: Sight, ui: Ui, text: string): Ui => ({ ...ui, notice: { text, good: false, at: now } });

/** The wheel moves what is under it, a press chooses a row or a screen, a second one on the same row zooms. */
const pressMouse = (given: Press, event: Extract<TermEvent, { type: 'mouse' }>): Pressed => {
  const { sight, size, bindings } = given;
  const { ui } = sight;
  const run = (name: string): Pressed => done(given, bindings.find((one) => one.name === name)!.run(sight, ''));
  if (ui.mode.kind !== 'browse') return { ui };
  const body = bodyOf(size);
  const listing = LISTINGS[ui.screen];
  const { list, head } = layoutOf(size.width, body.height, aboveOf(listing, sight, size.width, body.height).length);
  const y = event.y - body.y;
  const isInList = !ui.zoom && y >= 0 && y < list.height && event.x < list.width;
  switch (event.action) {
    case 'wheel-up':
      return run(isInList ? 'up' : 'scroll up');
    case 'wheel-down':
      return run(isInList ? 'down' : 'scroll down');
    case 'press': {
      const tab = tabAt(sight, event, size);
      if (tab !== undefined) return run(SCREENS[tab]!);
      if (!isInList || !listing) return { ui };
      const rows = rowsOf(listing, ui.screen, sight);
      const place = chosenRow(rows, ui.screen, ui);
      const row = rows[firstShown(place, rows.length, list.height - head) + y - head];
      if (y < head || !row) return { ui };
      if (row.id === rows[place]?.id && ui.chosen[ui.screen] === row.id) return run('zoom');
      return { ui: { ...ui, chosen: { ...ui.chosen, [ui.screen]: row.id }, scroll: 0 } };
    }
    case 'release':
    case 'drag':
      return { ui };
    default:
      return event.action satisfies never;
  }
};
