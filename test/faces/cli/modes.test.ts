import headless from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { createModes } from '../../../src/faces/cli/modes.ts';

const resetOf = (...output: string[]): string => {
  const modes = createModes();
  for (const chunk of output) modes.feed(chunk);
  return modes.reset();
};

describe('the modes of a terminal', () => {
  it.each([
    ['nothing was switched on', ['hello\r\n\x1b[1mbold\x1b[0m'], ''],
    ['a program that cleans up after itself', ['\x1b[?1049h\x1b[?25l\x1b[>1u', 'x\x1b[<u\x1b[?25h\x1b[?1049l'], ''],
    ['paste and focus', ['\x1b[?2004h\x1b[?1004h'], '\x1b[?1004l\x1b[?2004l\x1b[0m'],
    ['several in one', ['\x1b[?1000;1002;1006h'], '\x1b[?1000l\x1b[?1002l\x1b[?1006l\x1b[0m'],
    ['a hidden cursor', ['\x1b[?25l'], '\x1b[?25h\x1b[0m'],
    ['lines that do not wrap', ['\x1b[?7l'], '\x1b[?7h\x1b[0m'],
    ['the keyboard of kitty, pushed twice', ['\x1b[>1u\x1b[>3u'], '\x1b[<2u\x1b[0m'],
    ['the keyboard of kitty, set', ['\x1b[=5;1u'], '\x1b[=0u\x1b[0m'],
    ['other keys of xterm', ['\x1b[>4;2m'], '\x1b[>4m\x1b[0m'],
    ['the keypad', ['\x1b='], '\x1b>\x1b[0m'],
    ['a sequence that is cut', ['a\x1b', '[?20', '04h'], '\x1b[?2004l\x1b[0m'],
    ['a question, which changes nothing', ['\x1b[?u\x1b[>0q\x1b[c'], ''],
  ])('after %s', (_, output, reset) => {
    expect(resetOf(...output)).toBe(reset);
  });

  it('brings a real screen back from a program that was killed in the middle', async () => {
    const terminal = new headless.Terminal({ cols: 40, rows: 10, allowProposedApi: true });
    const written = (text: string) => new Promise<void>((done) => terminal.write(text, done));
    const program = 'x\x1b[?1049h\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?1004h\x1b[?1h\x1b[?25l\x1b[31mred';
    await written(program);
    expect(terminal.buffer.active.type).toBe('alternate');
    await written(resetOf(program));
    expect(terminal.buffer.active.type).toBe('normal');
    expect(terminal.modes).toMatchObject({
      mouseTrackingMode: 'none',
      bracketedPasteMode: false,
      sendFocusMode: false,
      applicationCursorKeysMode: false,
    });
  });
});
