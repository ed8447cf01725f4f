import { openPages, type Pages, PagesError, paged } from './search-pages.ts';

/**
 * A part of the index: the entries of one stretch of the journal, and for each term the entries that have it. It is
 * gathered in memory, written once, and never changed; several are merged into one.
 *
 * The file, in pages: head, one row of 32 bytes an entry, one record of 16 bytes a term in the order of the hashes
 * (hash, where its list begins, how many), and the lists: numbers of entries, ascending, as differences of 7 bits a byte.
 */
export interface Part {
  /** How many entries. */
  readonly size: number;
  row(index: number): Row;
  /** How many entries have the term. */
  count(hash: number): number;
  /** Their indices, ascending. */
  list(hash: number): List;
  /** Every term in the order of the hashes. */
  terms(): Iterable<{ hash: number; list: () => List }>;
}

/** Indices of entries, ascending. */
export type List = readonly number[] | Uint32Array;

export interface Row {
  /** Where the entry's line begins in the journal, its length, and which entry of the line it is. */
  offset: number;
  length: number;
  ordinal: number;
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Hashes of the names, so that most of what a filter does not want need not be read. */
  type: number;
  project: number;
  session: number;
}

export interface OpenPart extends Part {
  close(): void;
}

export interface Gathering extends Part {
  add(row: Row, hashes: Iterable<number>): void;
}

const MAGIC = 0x574e5331;
const HEAD_BYTES = 64;
const ROW_BYTES = 32;
const RECORD_BYTES = 16;

export const gatherPart = (): Gathering => {
  const rows: Row[] = [];
  const lists = new Map<number, number[]>();
  const listOf = (hash: number) => lists.get(hash) ?? [];
  return {
    get size() {
      return rows.length;
    },
    row: (index) => rows[index] as Row,
    count: (hash) => listOf(hash).length,
    list: listOf,
    add: (row, hashes) => {
      const index = rows.push(row) - 1;
      for (const hash of hashes) {
        const list = lists.get(hash);
        if (list === undefined) lists.set(hash, [index]);
        else if (list.at(-1) !== index) list.push(index);
      }
    },
    terms: function* () {
      for (const hash of Float64Array.from(lists.keys()).sort()) yield { hash, list: () => listOf(hash) };
    },
  };
};

/** Throws PagesError, here and wherever something is read of it. */
export const openPart = (file: string): OpenPart => {
  const pages = openPages(file);
  try {
    return readPart(pages, file);
  } catch (error) {
    pages.close();
    throw error;
  }
};

const readPart = (pages: Pages, file: string): OpenPart => {
  const head = pages.read(0, HEAD_BYTES);
  if (head.readUInt32LE(0) !== MAGIC) throw new PagesError(`${file} is no part of an index`);
  const [size, terms, listBytes] = [head.readUInt32LE(4), head.readUInt32LE(8), head.readUInt32LE(12)];
  const termsAt = HEAD_BYTES + size * ROW_BYTES;
  const listsAt = termsAt + terms * RECORD_BYTES;

  const record = (index: number): TermRecord => {
    const bytes = pages.read(termsAt + index * RECORD_BYTES, RECORD_BYTES);
    return { index, hash: bytes.readDoubleLE(0), begin: bytes.readUInt32LE(8), count: bytes.readUInt32LE(12) };
  };
  const find = (hash: number): TermRecord | undefined => {
    for (let [low, high] = [0, terms - 1]; low <= high; ) {
      const middle = (low + high) >>> 1;
      const found = record(middle);
      if (found.hash === hash) return found;
      if (found.hash < hash) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  };
  const listAt = ({ index, begin, count }: TermRecord): List => {
    const end = index + 1 < terms ? record(index + 1).begin : listBytes;
    const list = end < begin || count > size ? undefined : unpack(pages.read(listsAt + begin, end - begin), count);
    if (list === undefined || (list.at(-1) ?? 0) >= size) throw new PagesError(`a list of ${file} cannot be right`);
    return list;
  };

  return {
    size,
    row: (index) => readRow(pages.read(HEAD_BYTES + index * ROW_BYTES, ROW_BYTES)),
    count: (hash) => find(hash)?.count ?? 0,
    list: (hash) => {
      const found = find(hash);
      return found === undefined ? [] : listAt(found);
    },
    terms: function* () {
      for (let index = 0; index < terms; index += 1) {
        const found = record(index);
        yield { hash: found.hash, list: () => listAt(found) };
      }
    },
    close: pages.close,
  };
};

interface TermRecord {
  index: number;
  hash: number;
  /** Where its list begins, from the begin of all lists. */
  begin: number;
  count: number;
}

/** The bytes of one part from several that follow each other; a generator, so that others can work meanwhile. */
export function* mergeParts(parts: readonly Part[]): Generator<undefined, Buffer> {
  const writer = createPartWriter();
  let size = 0;
  const sources = parts.map((part) => {
    const source = { base: size, terms: part.terms()[Symbol.iterator]() };
    size += part.size;
    return { ...source, next: source.terms.next() };
  });
  for (const part of parts) {
    for (let index = 0; index < part.size; index += 1) {
      writer.row(part.row(index));
      if (index % ROWS_AT_ONCE === 0) yield;
    }
  }
  for (let merged = 1; ; merged += 1) {
    let least = Number.POSITIVE_INFINITY;
    for (const { next } of sources) if (!next.done && next.value.hash < least) least = next.value.hash;
    if (least === Number.POSITIVE_INFINITY) return writer.bytes();
    const list: number[] = [];
    for (const source of sources) {
      if (source.next.done || source.next.value.hash !== least) continue;
      for (const index of source.next.value.list()) list.push(source.base + index);
      source.next = source.terms.next();
    }
    writer.term(least, list);
    if (merged % TERMS_AT_ONCE === 0) yield;
  }
}

/** About a millisecond of work. */
const ROWS_AT_ONCE = 1000;
const TERMS_AT_ONCE = 500;

const createPartWriter = () => {
  const [rows, records, lists] = [createBytes(), createBytes(), createBytes()];
  let [size, terms] = [0, 0];
  return {
    row: (row: Row) => {
      writeRow(rows.extend(ROW_BYTES), row);
      size += 1;
    },
    term: (hash: number, list: List) => {
      const record = records.extend(RECORD_BYTES);
      record.writeDoubleLE(hash, 0);
      record.writeUInt32LE(lists.length(), 8);
      record.writeUInt32LE(list.length, 12);
      pack(list, lists);
      terms += 1;
    },
    bytes: (): Buffer => {
      const head = Buffer.alloc(HEAD_BYTES);
      for (const [place, value] of [MAGIC, size, terms, lists.length()].entries()) head.writeUInt32LE(value, place * 4);
      return paged([head, rows.bytes(), records.bytes(), lists.bytes()]);
    },
  };
};

/** Bytes that grow at their end. */
const createBytes = () => {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let length = 0;
  return {
    /** The next so many bytes, to be written to before the next call. */
    extend: (count: number): Buffer => {
      if (length + count > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + count));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      length += count;
      return buffer.subarray(length - count, length);
    },
    length: () => length,
    bytes: () => buffer.subarray(0, length),
  };
};

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
const pack = (list: List, into: ReturnType<typeof createBytes>): void => {
  const bytes: number[] = [];
  let last = -1;
  for (const index of list) {
    let difference = index - last;
    last = index;
    for (; difference >= 0x80; difference >>>= 7) bytes.push((difference & 0x7f) | 0x80);
    bytes.push(difference);
  }
  into.extend(bytes.length).set(bytes);
};

/** Undefined: they are not so many. */
const unpack = (bytes: Buffer, count: number): Uint32Array | undefined => {
  const list = new Uint32Array(count);
  let [found, last, difference, shift] = [0, -1, 0, 0];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    difference |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    last += difference;
    list[found] = last;
    found += 1;
    difference = shift = 0;
  }
  return found === count ? list : undefined;
};

const writeRow = (bytes: Buffer, row: Row): void => {
  // Journals and times below 2^48: 280 TB, and the year 10889.
  bytes.writeUIntLE(row.offset, 0, 6);
  bytes.writeUIntLE(Math.max(0, row.atMs), 6, 6);
  bytes.writeUInt32LE(row.length, 12);
  bytes.writeUInt32LE(row.ordinal, 16);
  bytes.writeUInt32LE(row.type, 20);
  bytes.writeUInt32LE(row.project, 24);
  bytes.writeUInt32LE(row.session, 28);
};

const readRow = (bytes: Buffer): Row => ({
  offset: bytes.readUInt32LE(0) + bytes.readUInt16LE(4) * 2 ** 32,
  atMs: bytes.readUInt32LE(6) + bytes.readUInt16LE(10) * 2 ** 32,
  length: bytes.readUInt32LE(12),
  ordinal: bytes.readUInt32LE(16),
  type: bytes.readUInt32LE(20),
  project: bytes.readUInt32LE(24),
  session: bytes.readUInt32LE(28),
});
