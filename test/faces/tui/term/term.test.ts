import { afterEach, describe, expect, it } from 'vitest';
import type { TermEvent } from '../../../../src/faces/tui/term/decode.ts';
import { createTerm, type Term } from '../../../../src/faces/tui/term/term.ts';
import { createHeadless } from './headless.ts';

const open: Term[] = [];
afterEach(() => {
  for (const term of open.splice(0)) term.close();
});

const start = (columns = 40, rows = 6) => {
  const screen = createHeadless(columns, rows);
  const events: TermEvent[] = [];
  const told: string[] = [];
  const term = createTerm({
    ...{ input: screen.input, output: screen.output, mouse: true, onEvent: (event) => void events.push(event) },
    onResize: () => told.push('resize'),
    onDrain: () => told.push('drain'),
    onLost: () => told.push('lost'),
  });
  open.push(term);
  return { screen, events, told, term };
};

describe('the terminal', () => {
  it('shows what is drawn, with colours, frames of lines, blocks, Braille and wide letters in their cells', async () => {
    const { screen, term } = start();
    term.draw(['\x1b[1mbold\x1b[0m \x1b[38;5;203mred\x1b[0m', '日本語 │─┌▁█⣿ ok', 'x'.repeat(40), '', '', 'end']);
    expect(await screen.shown()).toBe(`bold red\n日本語 │─┌▁█⣿ ok\n${'x'.repeat(40)}\n\n\nend`);
    expect(screen.cells(1).slice(0, 3)).toMatchObject([
      { text: '日', width: 2 },
      { text: '', width: 0 },
      { text: '本', width: 2 },
    ]);
    expect(screen.bytes()).toContain('\x1b[38;5;203m');
  });

  it('draws over wide letters without leaving halves of them', async () => {
    const { screen, term } = start();
    term.draw(['日本語の列', 'ab日本', '', '', '', '']);
    await screen.shown();
    term.draw(['a日本語b', '日b本a', '', '', '', '']);
    expect(await screen.shown()).toBe('a日本語b\n日b本a\n\n\n\n');
  });

  it('hears nothing when the same is drawn again', async () => {
    const { screen, term } = start();
    term.draw(['one', '', '', '', '', '']);
    await screen.shown();
    const before = screen.bytes();
    for (let n = 0; n < 10; n += 1) term.draw(['one', '', '', '', '', '']);
    expect(screen.bytes()).toBe(before);
  });

  it('hears what changed and no more, as one synchronized frame', async () => {
    const { screen, term } = start();
    term.draw(['a long line that stays', 'one', '', '', '', '']);
    await screen.shown();
    const before = screen.bytes().length;
    term.draw(['a long line that stays', 'two', '', '', '', '']);
    const frame = screen.bytes().slice(before);
    expect(frame).toMatch(/^\x1b\[\?2026h[\s\S]*two[\s\S]*\x1b\[\?2026l$/);
    expect(frame).not.toContain('long line');
  });

  it('gets no frame before it has read the last one, and none is queued behind it', async () => {
    const { screen, told, term } = start();
    expect(term.draw(['zero', '', '', '', '', ''])).toBe(true);
    await screen.shown();
    screen.stall();
    term.draw(['one', '', '', '', '', '']);
    const before = screen.bytes();
    for (let n = 0; n < 100; n += 1) expect(term.draw([`frame ${n}`, '', '', '', '', ''])).toBe(false);
    expect(screen.bytes()).toBe(before);
    screen.go();
    await screen.shown();
    expect(told).toContain('drain');
    expect(term.draw(['last', '', '', '', '', ''])).toBe(true);
    expect(await screen.shown()).toBe('last\n\n\n\n\n');
  });

  it('is drawn anew in its new size', async () => {
    const { screen, told, term } = start();
    term.draw(['x'.repeat(40), '', '', '', '', 'foot']);
    await screen.shown();
    screen.resize(20, 4);
    expect(told).toContain('resize');
    expect(term.size()).toEqual({ width: 20, height: 4 });
    term.draw(['y'.repeat(20), '', '', 'foot']);
    expect(await screen.shown()).toBe(`${'y'.repeat(20)}\n\n\nfoot`);
  });

  it('is drawn wholly again when somebody wrote over it', async () => {
    const { screen, term } = start();
    term.draw(['one', 'two', '', '', '', '']);
    await screen.shown();
    screen.output.write('\x1b[Hgarbage');
    await screen.shown();
    term.forget();
    term.draw(['one', 'two', '', '', '', '']);
    expect(await screen.shown()).toBe('one\ntwo\n\n\n\n');
  });

  it('is given back as it was, and taken again', async () => {
    const { screen, term } = start();
    screen.output.write('before');
    await screen.shown();
    term.draw(['one', '', '', '', '', '']);
    await screen.shown();
    expect({ alternate: screen.isAlternate(), raw: screen.input.raw }).toEqual({ alternate: true, raw: true });
    term.leave();
    await screen.shown();
    expect({ alternate: screen.isAlternate(), raw: screen.input.raw }).toEqual({ alternate: false, raw: false });
    for (const mode of ['2004', '1002', '1006']) expect(screen.bytes()).toContain(`\x1b[?${mode}l`);
    expect(screen.bytes()).toContain('\x1b[?25h');
    term.enter();
    term.draw(['one', '', '', '', '', '']);
    expect(await screen.shown()).toBe('one\n\n\n\n\n');
    expect(screen.isAlternate()).toBe(true);
  });

  it('tells keys, and a lone Escape once it is clear that nothing follows', async () => {
    const { screen, events } = start();
    screen.input.write('j\x1b[A');
    screen.input.write('\x1b');
    await expect.poll(() => events.map((event) => 'key' in event && event.key)).toEqual(['j', 'up', 'escape']);
  });

  it('says when it is lost', async () => {
    const { screen, told } = start();
    screen.output.emit('error', new Error('EIO'));
    expect(told).toEqual(['lost']);
  });

  it('leaves no handler of signals behind that would end the process in another way', () => {
    const count = () =>
      ['SIGTERM', 'SIGINT', 'SIGQUIT', 'uncaughtException'].map((name) => process.listenerCount(name));
    const before = count();
    start();
    expect(count()).toEqual(before);
  });
});
