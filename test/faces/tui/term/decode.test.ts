import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDecoder, type TermEvent } from '../../../../src/faces/tui/term/decode.ts';

const decode = (...chunks: string[]): TermEvent[] => {
  const decoder = createDecoder();
  return [...chunks.flatMap((chunk) => decoder.write(Buffer.from(chunk))), ...decoder.flush()];
};

const keys = (...chunks: string[]): string[] =>
  decode(...chunks).map((event) => (event.type === 'key' ? event.key : `<${event.type}>`));

describe('what a terminal sends', () => {
  it.each<[string, string, string[]]>([
    ['letters', 'jG?', ['j', 'G', '?']],
    ['a letter of two bytes and one of four', 'é𝄞', ['é', '𝄞']],
    ['Enter', '\r', ['enter']],
    ['space, tab and backspace', ' \t\x7f\b', ['space', 'tab', 'backspace', 'backspace']],
    ['control keys', '\x03\x04\x1d', ['ctrl-c', 'ctrl-d', 'ctrl-]']],
    ['arrows in both modes', '\x1b[A\x1bOB', ['up', 'down']],
    ['an arrow with control held', '\x1b[1;5C', ['ctrl-right']],
    ['shift and tab', '\x1b[Z', ['shift-tab']],
    [
      'pages, ends and function keys',
      '\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[15~',
      ['pageup', 'pagedown', 'home', 'end', 'f5'],
    ],
    ['alt and a letter', '\x1bx', ['alt-x']],
    ['Escape alone', '\x1b', ['escape']],
    ['Escape twice', '\x1b\x1b', ['escape', 'escape']],
    ['a key of the kitty protocol', '\x1b[97;5u', []],
    ['the answer to what the terminal is', '\x1b[?62;4;22c', []],
    ['a changed key', '\x1b[27;5;9~', []],
    ['a focus report', '\x1b[I\x1b[O', []],
    ['an answer that ends in BEL, and a key behind it', '\x1b]10;rgb:0/0/0\x07q', ['q']],
    ['a device control string', '\x1bP1$r0m\x1b\\q', ['q']],
    ['an old mouse report', '\x1b[M !!q', ['q']],
    ['something that is no sequence', '\x1b[\x01', ['ctrl-a']],
  ])('%s', (_, sent, expected) => {
    expect(keys(sent)).toEqual(expected);
  });

  it('is one event when it was pasted, whatever was pasted', () => {
    expect(decode('\x1b[200~q\rA\x1b[Ay\n\x1b[201~j')).toEqual([
      { type: 'paste', text: 'q\rA\x1b[Ay\n' },
      { type: 'key', key: 'j' },
    ]);
  });

  it('is a paste also when the terminal does not mark it, since nobody types as fast', () => {
    expect(decode('rm -rf build\nmake all\n')).toEqual([{ type: 'paste', text: 'rm -rf build\nmake all\n' }]);
    expect(keys('j'.repeat(40))).toHaveLength(40);
  });

  it('keeps of a paste what a task may have', () => {
    const [event] = decode('\x1b[200~', 'x'.repeat(50_000), '\x1b[201~');
    expect(event).toEqual({ type: 'paste', text: 'x'.repeat(20_000) });
  });

  it('is each turn of the wheel by itself', () => {
    expect(decode('\x1b[<64;3;4M\x1b[<64;3;4M\x1b[<65;250;4M')).toEqual([
      { type: 'mouse', action: 'wheel-up', x: 2, y: 3 },
      { type: 'mouse', action: 'wheel-up', x: 2, y: 3 },
      { type: 'mouse', action: 'wheel-down', x: 249, y: 3 },
    ]);
  });

  it('says press, drag and release of the left button alone', () => {
    const actions = decode('\x1b[<0;1;1M\x1b[<32;2;1M\x1b[<0;2;1m\x1b[<2;1;1M').map(
      (event) => 'action' in event && event.action,
    );
    expect(actions).toEqual(['press', 'drag', 'release']);
  });

  it.each([
    ['\x1b]11;rgb:ffff/ffff/ffff\x1b\\', true],
    ['\x1b]11;rgb:1e/1e/2e\x07', false],
  ])('tells a light background from a dark one: %j', (sent, light) => {
    expect(decode(sent)).toEqual([{ type: 'background', light }]);
  });

  it('means the same however the line cuts it', () => {
    const sequence = fc.constantFrom(
      'j',
      'é',
      '日',
      '\r',
      '\x1b[A',
      '\x1b[<64;3;4M',
      '\x1b]11;rgb:f/f/f\x07',
      '\x1b[200~hi\x1b[201~',
      '\x1b[97;5u',
    );
    fc.assert(
      fc.property(fc.array(sequence, { maxLength: 12 }), fc.array(fc.nat(60), { maxLength: 8 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const read = (chunks: Buffer[]) => {
          const decoder = createDecoder();
          return chunks.flatMap((chunk) => decoder.write(chunk));
        };
        const whole = read(parts.map((part) => Buffer.from(part)));
        expect(read(places.slice(1).map((end, n) => bytes.subarray(places[n], end)))).toEqual(whole);
      }),
    );
  });

  it('never throws and never keeps a key back, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoder = createDecoder();
        decoder.write(Buffer.from(bytes));
        decoder.flush();
        expect(decoder.pending()).toBe(false);
      }),
    );
  });
});
