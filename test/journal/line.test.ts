import { describe, expect, it } from 'vitest';
import { checksum, type LineReading, readLine, renderLine } from '../../src/journal/line.ts';
import type { Entry } from '../../src/model/entry.ts';

const entry = (message: string, id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'): Entry => ({
  id,
  ts: '2025-01-02T03:04:05.678Z',
  type: 'alert',
  project: 'api',
  data: { message, mend: 'Nothing.' },
});

const read = (text: string | Buffer, offset = 0): LineReading => {
  const bytes = Buffer.from(text as string);
  return readLine({ bytes, offset, length: bytes.length });
};

const seal = (body: object): string => {
  const text = JSON.stringify(body).slice(0, -1);
  return `${text},"crc":"${checksum(text)}"}`;
};

describe('a line', () => {
  it('gives back the entry that was written', () => {
    for (const message of [
      '',
      'plain',
      'ümläut ✓ 🌾',
      'line\nbreak',
      '"quotes" \\ and \u0000',
      '{"id":"x","crc":"0"}',
    ]) {
      expect(read(renderLine(entry(message)))).toEqual({ kind: 'entry', entry: entry(message) });
    }
  });

  it('bears the checksum of the bytes before it', () => {
    const line = renderLine(entry('a'));
    const [body, rest] = line.split(',"crc":');
    expect(rest).toBe(`"${checksum(body as string)}"}`);
  });

  it('is believed without a checksum when it fits the schema, whatever its spacing and order', () => {
    const byHand = '{ "type": "alert", "data": {"mend": "m", "message": "by hand"}, "ts": "2025-01-02", "id": "a" }\r';
    expect(read(byHand)).toMatchObject({ kind: 'entry', entry: { id: 'a', data: { message: 'by hand' } } });
  });

  it('of a type this version does not know is no damage', () => {
    const { data: _, ...envelope } = entry('a');
    expect(read(seal({ ...envelope, type: 'tournament_started', data: 7 }))).toEqual({ kind: 'skipped' });
    expect(read('{"type":"__proto__"}')).toEqual({ kind: 'skipped' });
    expect(read('{"type":"constructor","crc2":1}')).toEqual({ kind: 'skipped' });
  });

  it('keeps fields that this version does not know', () => {
    const newer = { ...entry('a'), data: { message: 'a', mend: 'm', severity: 3 }, source: 'x' };
    expect(read(seal(newer))).toEqual({ kind: 'entry', entry: newer });
  });

  it('that is blank is nothing', () => {
    for (const blank of ['', ' ', '\t \r']) expect(read(blank)).toEqual({ kind: 'skipped' });
  });

  it.each([
    ['garbage', 'hello'],
    ['half an entry', renderLine(entry('a')).slice(0, 60)],
    ['another JSON value', '[1,2]'],
    ['null', 'null'],
    ['a number', '5'],
    ['no type', '{"id":"a","ts":"2025-01-02","data":{}}'],
    ['a type that is no text', '{"type":7}'],
    ['no id', '{"type":"alert","ts":"2025-01-02","data":{"message":"a","mend":"b"}}'],
    ['no time', '{"type":"alert","id":"a","ts":"yesterday","data":{"message":"a","mend":"b"}}'],
    ['data of another shape', '{"type":"alert","id":"a","ts":"2025-01-02","data":{"message":1}}'],
    ['no data', '{"type":"alert","id":"a","ts":"2025-01-02"}'],
    ['a session that is no text', JSON.stringify({ ...entry('a'), session: 5 })],
    ['a wrong checksum', renderLine(entry('a')).replace('api', 'apj')],
    ['a checksum in upper case', renderLine(entry('a')).replace(/[0-9a-f]{8}"\}$/, (hex) => hex.toUpperCase())],
    ['a checksum that is not at the end', `{"crc":"00000000",${JSON.stringify(entry('a')).slice(1)}`],
    ['zeros of a power loss', '\0'.repeat(300)],
    ['bytes that are no text', '\u{fffd}\u{fffd}'],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('with %s is damage as a whole', (_, text) => {
    const length = Buffer.byteLength(text);
    expect(read(text, 1000)).toMatchObject({
      kind: 'damaged',
      entries: [],
      damages: [{ offset: 1000, bytes: length }],
    });
  });
});

describe('a torn line', () => {
  const first = entry('first', '01ARZ3NDEKTSV4RRFFQ69G5FA1');
  const second = entry('second 🌾', '01ARZ3NDEKTSV4RRFFQ69G5FA2');

  it('loses nothing of the line that is glued to it, wherever it was torn', () => {
    const whole = Buffer.from(renderLine(first));
    for (let cut = 1; cut < whole.length; cut += 1) {
      const glued = Buffer.concat([whole.subarray(0, cut), Buffer.from(renderLine(second))]);
      expect(read(glued, 10), `cut at ${cut}`).toMatchObject({
        kind: 'damaged',
        entries: [second],
        damages: [{ offset: 10, bytes: cut }],
      });
    }
  });

  it('that lacks only its newline is an entry too', () => {
    expect(read(renderLine(first) + renderLine(second))).toEqual({
      kind: 'damaged',
      entries: [first, second],
      damages: [],
    });
  });

  it('may stand between whole ones', () => {
    const torn = renderLine(first).slice(0, 50);
    const text = `${renderLine(first)}*${torn}${renderLine(second)}xyz`;
    const at = renderLine(first).length;
    expect(read(text)).toMatchObject({
      entries: [first, second],
      damages: [
        { offset: at, bytes: 51 },
        { offset: Buffer.byteLength(text) - 3, bytes: 3 },
      ],
    });
  });

  it('is not searched for ever when it is made to be searched', () => {
    const hostile = '{"id":"'.repeat(5000) + ',"crc":"00000000"}'.repeat(1500);
    const begin = performance.now();
    expect(read(hostile)).toMatchObject({ kind: 'damaged', entries: [] });
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});

describe('one flipped bit', () => {
  it('is found in every byte of a line', () => {
    const whole = Buffer.from(renderLine(entry('flip ü')));
    for (let at = 0; at < whole.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        if (flipped[at] === 0x0a) continue; // Two lines then; the journal's own test covers it.
        const reading = readLine({ bytes: flipped, offset: 0, length: flipped.length });
        expect(reading, `byte ${at} bit ${bit}`).toMatchObject({ kind: 'damaged', entries: [] });
      }
    }
  });
});
