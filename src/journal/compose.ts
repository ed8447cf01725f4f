import fs from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Clock } from '../base/clock.ts';
import type { IdFactory } from '../base/ids.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryOf, type EntryType, type NewEntryOf } from '../model/entry.ts';
import { FailureError, failure } from '../model/failure.ts';
import { cutData } from './cut.ts';
import { firstIssue, LINE_MAX_BYTES, renderLine } from './line.ts';
import { syncDirectory, writeFailure } from './writer.ts';

/** Makes an entry of what a caller hands in, checked by the schema of its type, and a line of an entry. */
export interface ComposerOptions {
  file: string;
  overflowDir: string;
  clock: Clock;
  ids: IdFactory;
}

/** Names in the envelope are short; what is longer is no name, and could not be cut. */
const ENVELOPE_NAME_MAX = 256;

export const createComposer = ({ file, overflowDir, clock, ids }: ComposerOptions) => {
  let lastMs = Number.NaN;
  let lastTs = '';
  /** Many entries share a millisecond, and the text of a time costs as much as its write. */
  const timestamp = (nowMs: number): string => {
    if (nowMs !== lastMs) {
      lastTs = new Date(nowMs).toISOString();
      lastMs = nowMs;
    }
    return lastTs;
  };

  const entry = <T extends EntryType>(given: NewEntryOf<T>): EntryOf<T> => {
    const { type, project, session, cycle, data } = given;
    const schema = Object.hasOwn(ENTRY_SCHEMAS, type) ? ENTRY_SCHEMAS[type] : undefined;
    if (schema === undefined) throw illegalEntry(String(type), 'there is no such type');
    const checked = schema.safeParse(data);
    if (!checked.success) throw illegalEntry(type, firstIssue(checked.error));
    const names = { project, session, cycle };
    for (const [name, value] of Object.entries(names)) {
      if (value !== undefined && (typeof value !== 'string' || value.length > ENVELOPE_NAME_MAX)) {
        throw illegalEntry(type, `${name} is no name of at most ${ENVELOPE_NAME_MAX} characters`);
      }
    }
    const nowMs = clock.now();
    return { id: ids(nowMs), ts: timestamp(nowMs), type, ...names, data: checked.data } as unknown as EntryOf<T>;
  };

  const line = <T extends EntryType>(whole: EntryOf<T>): Buffer => {
    const bytes = Buffer.from(`${renderLine(whole as unknown as Entry)}\n`);
    if (bytes.length <= LINE_MAX_BYTES) return bytes;
    return Buffer.from(`${renderLine(overflow(whole) as unknown as Entry)}\n`);
  };

  /** Writes the whole entry to a file of its own, durably; returns what goes into the line. */
  const overflow = <T extends EntryType>(whole: EntryOf<T>): EntryOf<T> => {
    const target = join(overflowDir, `${whole.id}.json`);
    const named = { ...whole, overflow: relative(dirname(dirname(file)), target) };
    const around = Buffer.byteLength(renderLine({ ...named, data: {} } as unknown as Entry)) + 1;
    const schema = ENTRY_SCHEMAS[whole.type];
    const data = cutData<T>(whole.data, LINE_MAX_BYTES - around, (cut) => schema.safeParse(cut).success);
    if (data === undefined) throw illegalEntry(whole.type, `it cannot be cut to a line of ${LINE_MAX_BYTES} bytes`);
    saveWhole(target, JSON.stringify(whole));
    return { ...named, data };
  };

  return { entry, line };
};

export const illegalEntry = (type: string, why: string): FailureError =>
  new FailureError(failure('entry-illegal', `The entry ${type} is refused: ${why}`));

const saveWhole = (target: string, text: string): void => {
  const bytes = Buffer.from(`${text}\n`);
  try {
    fs.mkdirSync(dirname(target), { recursive: true });
    writeFileAtomic.sync(target, bytes);
    syncDirectory(dirname(target));
  } catch (error) {
    throw writeFailure(target, error);
  }
  // A full disk may take a part of a write and say nothing.
  if (fs.statSync(target).size === bytes.length) return;
  fs.rmSync(target, { force: true });
  throw new FailureError(failure('disk-full', `The disk is full: ${basename(target)} could not be written whole.`));
};
