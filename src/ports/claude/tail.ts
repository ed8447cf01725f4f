/** Follows the lines of a growing file by offset: no line is lost, none is kept, and a line may be of any length. */
import { type FileHandle, open } from 'node:fs/promises';

/** One read; a backlog is worked off in pieces of this size, and others get their turn between them. */
const CHUNK_BYTES = 64 * 1024;
/** Far above what was ever seen (some 10 MB); a longer line is dropped, not collected until memory ends. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;

/** Of one run: far above anything that was seen. What comes after is not read, and ends the run. */
const FILE_MAX_BYTES = 512 * 1024 * 1024;

export interface Tail {
  /** Reads what is new; true when there was anything. */
  read(): Promise<boolean>;
  /** Reads to the end, hands over also a last line without its end, and closes the file. */
  finish(): Promise<void>;
  /** Lines that were longer than the limit. */
  dropped(): number;
  /** More was written than is read. */
  full(): boolean;
}

export const createTail = (file: string, onLine: (line: Buffer) => void): Tail => {
  let handle: FileHandle | undefined;
  let buffer: Buffer | undefined;
  let offset = 0;
  let carry: Buffer[] = [];
  let carried = 0;
  let skipping = false;
  let dropped = 0;
  let closed = false;
  let queue: Promise<unknown> = Promise.resolve();

  const emit = () => {
    if (!skipping && carried > 0) onLine(carry.length === 1 ? (carry[0] as Buffer) : Buffer.concat(carry, carried));
    carry = [];
    carried = 0;
    skipping = false;
  };

  const take = (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      emit();
      start = end + 1;
    }
    // The buffer is used again for the next read: what stays is copied.
    if (start < chunk.length) keep(Buffer.from(chunk.subarray(start)));
  };

  const keep = (part: Buffer) => {
    if (skipping || part.length === 0) return;
    carry.push(part);
    carried += part.length;
    if (carried <= LINE_MAX_BYTES) return;
    carry = [];
    carried = 0;
    skipping = true;
    dropped += 1;
  };

  const readAll = async (): Promise<boolean> => {
    if (closed) return false;
    handle ??= await open(file, 'r').catch(() => undefined);
    if (!handle) return false;
    buffer ??= Buffer.allocUnsafe(CHUNK_BYTES);
    const before = offset;
    for (;;) {
      if (offset >= FILE_MAX_BYTES) return offset > before;
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, offset);
      if (bytesRead === 0) return offset > before;
      offset += bytesRead;
      take(buffer.subarray(0, bytesRead));
    }
  };

  /** One at a time, in order. */
  const next = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };

  return {
    read: () => next(readAll),
    finish: () =>
      next(async () => {
        try {
          await readAll();
          emit();
        } finally {
          closed = true;
          await handle?.close();
        }
      }),
    dropped: () => dropped,
    full: () => offset >= FILE_MAX_BYTES,
  };
};
