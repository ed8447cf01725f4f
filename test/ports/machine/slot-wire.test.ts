import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beaconAddress,
  createLineReader,
  newBeacon,
  parseBeacons,
  parseFromMember,
  parseFromServer,
  serverAddress,
} from '../../../src/ports/machine/slot-wire.ts';

const read = (maxBytes: number, chunks: Buffer[]) => {
  const values: unknown[] = [];
  let bad = 0;
  const reader = createLineReader(
    maxBytes,
    (value) => values.push(value),
    () => bad++,
  );
  for (const chunk of chunks) reader(chunk);
  return { values, bad };
};

describe('lines on the wire', () => {
  it('are the same however they are cut into pieces', () => {
    const sent = [{ a: 'grüße 😀\n' }, [1, 2], null, 'x'];
    const bytes = Buffer.from(sent.map((value) => `${JSON.stringify(value)}\n`).join(''));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
        expect(read(100, chunks)).toEqual({ values: sent, bad: 0 });
      }),
    );
  });

  it('end at the first that is too long or nonsense, once and for all', () => {
    expect(read(5, [Buffer.from('1\n123456\n2\n')])).toEqual({ values: [1], bad: 1 });
    expect(read(5, [Buffer.from('123'), Buffer.from('456'), Buffer.from('1\n')])).toEqual({ values: [], bad: 1 });
    expect(read(5, [Buffer.from('{\n1\n'), Buffer.from('1\n')])).toEqual({ values: [], bad: 1 });
  });

  it('make a message or none, whatever they say', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        parseFromMember(value);
        parseFromServer(value);
      }),
    );
    expect(parseFromMember({ t: 'drop', id: 1 })).toEqual({ t: 'drop', id: 1 });
    expect(parseFromMember({ t: 'drop', id: 0.5 })).toBeUndefined();
    expect(parseFromServer({ t: 'got', id: 1 })).toEqual({ t: 'got', id: 1 });
    expect(parseFromServer({ t: 'want', id: 1 })).toBeUndefined();
  });
});

describe('names in the kernel', () => {
  it('are as long as they can be, so that no version of Node changes them', () => {
    const secret = randomBytes(32);
    for (const name of [serverAddress(secret), beaconAddress(secret, newBeacon())]) {
      expect(Buffer.byteLength(name)).toBe(108);
      expect(name[0]).toBe('\0');
    }
  });

  it('of beacons are found among all sockets, those of other homes are not', () => {
    const secret = randomBytes(32);
    const line = (inode: number, name: string) =>
      `0000000000000000: 00000002 00000000 00010000 0001 01 ${inode} @${name.slice(1)}`;
    const mine = newBeacon();
    const sockets = [
      'Num       RefCount Protocol Flags    Type St Inode Path',
      line(10, serverAddress(secret)),
      line(11, beaconAddress(secret, mine)),
      `${line(12, beaconAddress(secret, '77-0123456789abcdef'))}@@`,
      line(13, beaconAddress(randomBytes(32), newBeacon())),
      line(14, beaconAddress(secret, 'x')),
      '0000000000000000: 00000003 00000000 00000000 0001 03 15 /run/x.sock',
      '',
    ].join('\n');
    expect(parseBeacons(secret, sockets)).toEqual([
      { inode: '11', beacon: mine, pid: process.pid },
      { inode: '12', beacon: '77-0123456789abcdef', pid: 77 },
    ]);
  });
});
