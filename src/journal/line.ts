import { crc32 } from 'node:zlib';
import { ENTRY_SCHEMAS, type Entry, type EntryType } from '../model/entry.ts';

/**
 * One entry as one line of the file and back. Every line ends in a checksum of what stands before it, since a disk, a
 * crash or an editor may change any byte; lines without one (by hand, by other programs) are believed if they fit the
 * schema of their type.
 */

/** A line with its newline: the most that one write puts down in one piece everywhere, and that a reader must hold. */
export const LINE_MAX_BYTES = 64 * 1024;

/** Bytes put through the checksum to save the entries of one bad line: a hostile line must not cost seconds. */
const SALVAGE_MAX_BYTES = 8 * 1024 * 1024;

const SEAL_NAME = ',"crc":"';
const SEAL_BYTES = ',"crc":"00000000"}'.length;
const COMMA = 0x2c;
const HEAD = Buffer.from('{"id":"');
const TAIL = Buffer.from(SEAL_NAME);

/** Part of the file that is no entry. */
export interface Damage {
  /** Byte offset in the file. */
  offset: number;
  bytes: number;
  /** One clause: what is wrong. */
  what: string;
}

export interface Line {
  /** The line without its newline; only its end when it is longer than anything a writer puts down. */
  bytes: Buffer;
  /** Where the line begins in the file. */
  offset: number;
  /** Its length in the file, without the newline. */
  length: number;
}

export type LineReading =
  | { kind: 'entry'; entry: Entry }
  /** Blank, or of a type that a newer Winnow writes: nothing for this reader and nothing wrong. */
  | { kind: 'skipped' }
  | { kind: 'damaged'; entries: Entry[]; damages: Damage[] };

/** The line of an entry, without the newline. */
export const renderLine = (entry: Entry): string => {
  const body = JSON.stringify(entry).slice(0, -1);
  return `${body}${SEAL_NAME}${checksum(body)}"}`;
};

/** What a line says; never throws, whatever stands there. */
export const readLine = (line: Line): LineReading => {
  if (line.bytes.length < line.length) return salvage(line, 'longer than any entry');
  const parsed = parseEntry(line.bytes);
  if (parsed.kind !== 'bad') return parsed;
  return salvage(line, parsed.what);
};

/** The entries of a line, saved ones included. */
export const entriesOf = (line: Line): Entry[] => {
  const reading = readLine(line);
  if (reading.kind === 'skipped') return [];
  return reading.kind === 'entry' ? [reading.entry] : reading.entries;
};

/** CRC-32 as eight lower-case hex digits. */
export const checksum = (data: string | Buffer): string => crc32(data).toString(16).padStart(8, '0');

/** The file that holds the whole of an entry whose line was cut, relative to the home. */
export const overflowOf = (entry: Entry): string | undefined => {
  const { overflow } = entry as Entry & { overflow?: unknown };
  return typeof overflow === 'string' ? overflow : undefined;
};

type Parsed = { kind: 'entry'; entry: Entry } | { kind: 'skipped' } | { kind: 'bad'; what: string };

const SKIPPED: Parsed = { kind: 'skipped' };
const bad = (what: string): Parsed => ({ kind: 'bad', what });

const parseEntry = (bytes: Buffer): Parsed => {
  const end = bytes[bytes.length - 1] === 0x0d ? bytes.length - 1 : bytes.length;
  const seal = sealAt(bytes, end);
  if (seal === 'wrong') return bad('the checksum does not fit');
  const text = bytes.toString('utf8', 0, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.trim() === '' ? SKIPPED : bad('not a whole JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('not a JSON object');
  return shapeEntry(value as Record<string, unknown>, seal === 'fits');
};

const shapeEntry = (value: Record<string, unknown>, sealed: boolean): Parsed => {
  if (typeof value.type !== 'string') return bad('no type');
  if ('crc' in value && !sealed) return bad('the checksum is not at the end');
  if (!Object.hasOwn(ENTRY_SCHEMAS, value.type)) return SKIPPED;
  if (typeof value.id !== 'string' || value.id === '') return bad('no id');
  if (typeof value.ts !== 'string' || Number.isNaN(Date.parse(value.ts))) return bad('no time');
  for (const name of ['project', 'session', 'cycle'] as const) {
    if (value[name] !== undefined && typeof value[name] !== 'string') return bad(`${name} is no text`);
  }
  const checked = ENTRY_SCHEMAS[value.type as EntryType].safeParse(value.data);
  if (!checked.success) return bad(`not the data of ${value.type}: ${firstIssue(checked.error)}`);
  // The data as it stands, not as the schema gives it back: fields of a newer version survive.
  delete value.crc;
  return { kind: 'entry', entry: value as unknown as Entry };
};

/** What is wrong with data, as one clause: the first issue, with its path. */
export const firstIssue = (error: { issues: readonly { path: PropertyKey[]; message: string }[] }): string => {
  const issue = error.issues[0];
  if (issue === undefined) return 'it does not fit';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
};

/** Whether the line bears a checksum at its end, and whether it is the right one. */
const sealAt = (bytes: Buffer, end: number): 'fits' | 'wrong' | 'none' => {
  const start = end - SEAL_BYTES;
  if (start < 0 || bytes[start] !== COMMA) return 'none';
  const seal = bytes.toString('latin1', start, end);
  const named = seal.startsWith(SEAL_NAME);
  if (!named && !/^,"...":"[0-9a-f]{8}"\}$/s.test(seal)) return 'none';
  const fits = seal.slice(SEAL_NAME.length, -2) === checksum(bytes.subarray(0, start));
  // The right sum under another name: a bit of the name was flipped, and without this the line would pass as unsealed.
  if (!named) return fits ? 'wrong' : 'none';
  return fits ? 'fits' : 'wrong';
};

/**
 * Saves the whole entries inside a bad line: a line torn by a crash has the next writer's line glued to it when that
 * writer looked at the end of the file before the crash. Only what bears a fitting checksum is believed.
 */
const salvage = ({ bytes, offset, length }: Line, what: string): LineReading => {
  const lost = length - bytes.length;
  const entries: Entry[] = [];
  const damages: Damage[] = [];
  const damage = (from: number, to: number, clause: string) => {
    const start = from === 0 ? -lost : from;
    if (to > start) damages.push({ offset: offset + lost + start, bytes: to - start, what: clause });
  };
  let done = 0;
  let budget = SALVAGE_MAX_BYTES;
  const heads = positions(bytes, HEAD);
  for (const tail of positions(bytes, TAIL)) {
    const end = tail + SEAL_BYTES;
    const sum = bytes.toString('latin1', tail + SEAL_NAME.length, end - 2);
    for (const head of heads) {
      if (head < done || head >= tail) continue;
      budget -= tail - head;
      if (budget < 0) break;
      if (checksum(bytes.subarray(head, tail)) !== sum) continue;
      const parsed = parseEntry(bytes.subarray(head, end));
      if (parsed.kind === 'bad') continue;
      if (parsed.kind === 'entry') entries.push(parsed.entry);
      damage(done, head, 'torn, with another line glued to it');
      done = end;
      break;
    }
  }
  if (done === 0 || bytes.toString('utf8', done).trim() !== '') damage(done, bytes.length, what);
  return { kind: 'damaged', entries, damages };
};

const positions = (bytes: Buffer, needle: Buffer): number[] => {
  const found: number[] = [];
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) found.push(at);
  return found;
};
