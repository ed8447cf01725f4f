import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Entry } from '../src/model/entry.ts';

/** The journal read without Winnow's own reader: lines of JSON that end in the checksum of what stands before it. */
export interface Journal {
  /** All that was written so far, in the order of the file. */
  read(): readonly Entry[];
  /** Lines that are not whole. */
  torn(): number;
}

export const createJournal = (file: string): Journal => {
  const entries: Entry[] = [];
  let [at, torn] = [0, 0];
  let rest: Buffer = Buffer.alloc(0);
  const readOn = (): void => {
    if (!existsSync(file)) return;
    const descriptor = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - at));
      const length = readSync(descriptor, bytes, 0, bytes.length, at);
      at += length;
      rest = Buffer.concat([rest, bytes.subarray(0, length)]);
    } finally {
      closeSync(descriptor);
    }
    const end = rest.lastIndexOf(0x0a);
    for (const line of rest
      .subarray(0, end + 1)
      .toString('utf8')
      .split('\n')) {
      if (line === '') continue;
      const entry = wholeLine(line);
      if (entry === undefined) torn += 1;
      else entries.push(entry);
    }
    rest = rest.subarray(end + 1);
  };
  return {
    read: () => {
      readOn();
      return entries;
    },
    torn: () => {
      readOn();
      return torn;
    },
  };
};

const SEAL = ',"crc":"';
const SUM_CHARS = 8;

const wholeLine = (line: string): Entry | undefined => {
  const at = line.lastIndexOf(SEAL);
  const sum = line.slice(at + SEAL.length, at + SEAL.length + SUM_CHARS);
  if (at < 0 || crc32(line.slice(0, at)).toString(16).padStart(SUM_CHARS, '0') !== sum) return undefined;
  return JSON.parse(line) as Entry;
};
