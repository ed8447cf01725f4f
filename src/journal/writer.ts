import fs from 'node:fs';
import { dirname } from 'node:path';
import { FailureError, type FailureKind, failure } from '../model/failure.ts';

/**
 * Puts lines at the end of the file, which many processes do at once: one write a line on an append-mode descriptor,
 * which the kernel keeps in one piece. Before each write it looks whether the file is still the one it has open and
 * whether it ends in a newline: a line torn by a crash must not swallow the next one.
 */
export interface Writer {
  /** Writes a line, which ends in a newline. Throws FailureError: journal-write, disk-full. */
  write(line: Buffer): void;
  /** Resolves when everything written before the call is on the disk; callers share one sync. */
  sync(): Promise<void>;
  close(): void;
}

const NEWLINE = 0x0a;

export const createWriter = ({ file }: { file: string }): Writer => {
  let handle: Handle | undefined;
  /** Where the last own write ended, if nobody else wrote meanwhile: then the file ends in a newline. */
  let end = -1;

  /** The descriptor for the file of that name now, and the file's size. */
  const look = (): { current: Handle; size: number } => {
    const named = fs.statSync(file, { throwIfNoEntry: false });
    if (handle !== undefined && named?.ino === handle.ino && named.dev === handle.dev) {
      return { current: handle, size: named.size };
    }
    if (handle !== undefined) retire(handle);
    handle = undefined;
    handle = openToAppend(file, named === undefined);
    end = -1;
    return { current: handle, size: fs.fstatSync(handle.fd).size };
  };

  const write = (line: Buffer) => {
    let written: number;
    let bytes = line;
    try {
      const { current, size } = look();
      if (size > 0 && size !== end && !endsInNewline(current.fd, size))
        bytes = Buffer.concat([Buffer.from('\n'), line]);
      end = -1;
      written = fs.writeSync(current.fd, bytes, 0, bytes.length);
      if (written === bytes.length) end = size + written;
    } catch (error) {
      throw writeFailure(file, error);
    }
    if (written !== bytes.length) throw shortWrite(file, written, bytes.length);
  };

  let waiting: Waiter[] = [];
  let syncing = false;
  const sync = () =>
    new Promise<void>((resolve, reject) => {
      if (handle === undefined) return resolve();
      handle.waiters += 1;
      waiting.push({ handle, resolve, reject });
      // A tick later, so that all who write in this one share the sync.
      if (!syncing) queueMicrotask(syncWaiting);
    });
  const syncWaiting = () => {
    if (syncing || waiting.length === 0) return;
    syncing = true;
    const batch = waiting;
    waiting = [];
    const handles = [...new Set(batch.map((waiter) => waiter.handle))];
    Promise.all(handles.map(syncHandle)).then(
      () => settle(batch, undefined),
      (error) => settle(batch, writeFailure(file, error)),
    );
  };
  const settle = (batch: Waiter[], error: FailureError | undefined) => {
    syncing = false;
    for (const waiter of batch) {
      release(waiter.handle);
      if (error === undefined) waiter.resolve();
      else waiter.reject(error);
    }
    syncWaiting();
  };

  return {
    write,
    sync,
    close: () => {
      if (handle !== undefined) retire(handle);
      handle = undefined;
    },
  };
};

/** An open file; it is closed when it is no longer the journal and nobody waits for its sync. */
interface Handle {
  fd: number;
  ino: number;
  dev: number;
  waiters: number;
  retired: boolean;
}

interface Waiter {
  handle: Handle;
  resolve: () => void;
  reject: (error: FailureError) => void;
}

const openToAppend = (file: string, isNew: boolean): Handle => {
  fs.mkdirSync(dirname(file), { recursive: true });
  const fd = fs.openSync(file, 'a+');
  // A durable line in a file whose name is not durable is lost with the name.
  if (isNew) syncDirectory(dirname(file));
  const { ino, dev } = fs.fstatSync(fd);
  return { fd, ino, dev, waiters: 0, retired: false };
};

/** Makes the names in a directory durable, where the file system can. */
export const syncDirectory = (directory: string): void => {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    fs.closeSync(fd);
  }
};

const retire = (handle: Handle) => {
  handle.retired = true;
  if (handle.waiters === 0) fs.closeSync(handle.fd);
};

const release = (handle: Handle) => {
  handle.waiters -= 1;
  if (handle.retired && handle.waiters === 0) fs.closeSync(handle.fd);
};

const syncHandle = (handle: Handle) =>
  new Promise<void>((resolve, reject) => {
    fs.fdatasync(handle.fd, (error) => (error === null ? resolve() : reject(error)));
  });

const endsInNewline = (fd: number, size: number): boolean => {
  const last = Buffer.alloc(1);
  // Nothing read: the file was cut short this moment, and one newline too many does no harm.
  return fs.readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === NEWLINE;
};

/** What the operating system said, as a failure of the catalog. */
export const writeFailure = (file: string, cause: unknown): FailureError => {
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new FailureError(
    full
      ? failure('disk-full', `The disk is full: ${file} could not be written.`, message)
      : failure('journal-write', `${file} could not be written: ${message}`),
    { cause },
  );
};

const shortWrite = (file: string, written: number, wanted: number): FailureError => {
  const { bavail, bsize } = fs.statfsSync(dirname(file));
  const kind: FailureKind = bavail * bsize < wanted ? 'disk-full' : 'journal-write';
  return new FailureError(failure(kind, `Only ${written} of ${wanted} bytes could be written to ${file}.`));
};
