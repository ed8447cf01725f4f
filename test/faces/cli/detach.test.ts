import { describe, expect, it } from 'vitest';
import { createKeyFilter, DETACH_DEFAULT, detachKey } from '../../../src/faces/cli/detach.ts';

const passed = (...chunks: string[]) => {
  const filter = createKeyFilter(DETACH_DEFAULT);
  return chunks.map((chunk) => filter.feed(chunk));
};

describe('the detach key', () => {
  it.each([
    ['the control character', '\x1d'],
    ['kitty’s form', '\x1b[93;5u'],
    ['kitty’s form with its other signs', '\x1b[93:125;5:1u'],
    ['kitty’s form with num lock', '\x1b[93;133u'],
    ['xterm’s form', '\x1b[27;5;93~'],
  ])('is known as %s, and what was typed before it goes on', (_, key) => {
    expect(passed(`ab${key}cd`)).toEqual([{ pass: 'ab', detached: true }]);
  });

  it.each([
    ['the bare sign', ']'],
    ['the sign with Alt', '\x1b[93;3u'],
    ['the release of the key', '\x1b[93;5:3u'],
    ['an arrow', '\x1b[A'],
    ['a mouse report', '\x1b[<0;29;5M'],
  ])('is not %s', (_, text) => {
    expect(passed(text)).toEqual([{ pass: text, detached: false }]);
  });

  it('is no key in what is pasted, however the paste is cut', () => {
    const chunks = ['x\x1b[200~a\x1db', 'c\x1dd', '\x1a\x1b[201~'];
    expect(passed(...chunks)).toEqual(chunks.map((pass) => ({ pass, detached: false })));
    expect(passed('\x1b[200~a\x1b[201~\x1d')).toEqual([{ pass: '\x1b[200~a\x1b[201~', detached: true }]);
  });

  it('Ctrl-Z is kept back: what it stopped nothing could let go on', () => {
    expect(passed('a\x1ab', '\x1b[122;5u')).toEqual([
      { pass: 'ab', detached: false },
      { pass: '', detached: false },
    ]);
  });

  it.each(['ctrl-q', 'CTRL-Q', '^q', 'ctrl-]', 'ctrl-\\', 'ctrl-^', 'ctrl-_'])('may be %s', (text) => {
    const key = detachKey(text);
    const code = String.fromCharCode(key.sign.charCodeAt(0) & 0x1f);
    expect(createKeyFilter(key).feed(`a${code}`)).toEqual({ pass: 'a', detached: true });
  });

  it.each(['q', 'ctrl-', 'ctrl-m', 'ctrl-i', 'ctrl-h', 'ctrl-j', 'ctrl-[', 'ctrl-ä', 'f1', ''])(
    'may not be %j',
    (text) => {
      expect(() => detachKey(text)).toThrow(/Expected a key/);
    },
  );
});
