import fs from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { checksum } from './line.ts';
import type { Place } from './reader.ts';

/**
 * The fold up to a place in the journal, kept so that a start costs what happened since and not what ever happened.
 * It is worth nothing by itself: whatever is odd about the file, it is ignored and the journal is folded anew.
 */
export interface Snapshot<S> {
  place: Place;
  /** Id of the last entry folded, for people who look into the file. */
  lastId: string;
  state: S;
}

/** Of the file's own shape; another one is ignored. */
const FORMAT = 1;

export const loadSnapshot = <S>(file: string, foldVersion: number): Snapshot<S> | undefined => {
  try {
    const bytes = fs.readFileSync(file);
    const newline = bytes.indexOf(0x0a);
    const head = JSON.parse(bytes.toString('utf8', 0, newline)) as Head;
    const body = bytes.subarray(newline + 1);
    if (head.version !== FORMAT || head.foldVersion !== foldVersion || head.crc !== checksum(body)) return undefined;
    return JSON.parse(body.toString('utf8')) as Snapshot<S>;
  } catch {
    return undefined;
  }
};

/** Writes it atomically. A crash in the middle, of the machine too, leaves the old one or one that is ignored. */
export const saveSnapshot = <S>(file: string, foldVersion: number, snapshot: Snapshot<S>): void => {
  const body = JSON.stringify(snapshot);
  const head: Head = { version: FORMAT, foldVersion, crc: checksum(body) };
  fs.mkdirSync(dirname(file), { recursive: true });
  // Not synced: the checksum finds what a power loss left half-written, and a sync would hold up the event loop.
  writeFileAtomic.sync(file, `${JSON.stringify(head)}\n${body}`, { fsync: false });
};

/** The first line of the file; the snapshot itself is the second. */
interface Head {
  version: number;
  foldVersion: number;
  /** Of the second line. */
  crc: string;
}
