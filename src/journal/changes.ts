import fs from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Tells everybody in this process who waits for it that the file has grown: one watcher for all of them, which exists
 * only while somebody waits.
 */
export interface Changes {
  /** Calls back soon after each change by any process; returns the way to unsubscribe. */
  subscribe(listener: () => void): () => void;
  /** This process has written: nobody has to wait for the watcher. */
  announce(): void;
  close(): void;
}

/** File watches lose events when their queue overflows, and know nothing of other machines on the same volume. */
const POLL_MS = 1000;
/** Where there is no watch (too many in use, directory not there yet) looking is all there is. */
const POLL_UNWATCHED_MS = 50;

export const createChanges = ({ file }: { file: string }): Changes => {
  const listeners = new Set<() => void>();
  let watcher: fs.FSWatcher | undefined;
  /** Inode of the directory that is watched. */
  let watched: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let seen = '';
  let announced = false;
  let closed = false;

  const look = () => {
    const now = identify(file);
    if (now === seen) return;
    seen = now;
    for (const listener of listeners) listener();
  };

  const watch = () => {
    if (watcher !== undefined) return;
    try {
      const target = targetOf(file);
      watched = inodeOf(dirname(target));
      watcher = fs.watch(dirname(target), (_event, name) => {
        if (name === null || name === basename(target)) look();
      });
      watcher.on('error', unwatch);
    } catch {
      // Looked for instead, and tried again with every look.
      watcher = undefined;
    }
  };
  const unwatch = () => {
    watcher?.close();
    watcher = undefined;
  };
  const poll = () => {
    // A directory that was deleted and made again, or a link that leads elsewhere now: the watch is on the old one.
    if (watcher !== undefined && inodeOf(dirname(targetOf(file))) !== watched) unwatch();
    arm();
    // Last, since a listener may leave and stop everything.
    look();
  };
  const arm = () => {
    watch();
    timer = setTimeout(poll, watcher === undefined ? POLL_UNWATCHED_MS : POLL_MS);
  };

  const start = () => {
    seen = identify(file);
    arm();
  };
  const stop = () => {
    clearTimeout(timer);
    unwatch();
  };

  return {
    subscribe: (listener) => {
      if (closed) return () => {};
      // Wrapped, since the same function may subscribe twice.
      const own = () => listener();
      if (listeners.size === 0) start();
      listeners.add(own);
      return () => {
        if (listeners.delete(own) && listeners.size === 0) stop();
      };
    },
    announce: () => {
      if (announced || listeners.size === 0) return;
      announced = true;
      queueMicrotask(() => {
        announced = false;
        if (listeners.size > 0) look();
      });
    },
    close: () => {
      closed = true;
      if (listeners.size > 0) stop();
      const last = [...listeners];
      listeners.clear();
      // Whoever waits for a change learns that there will be none.
      for (const listener of last) listener();
    },
  };
};

const identify = (file: string): string => {
  const named = fs.statSync(file, { throwIfNoEntry: false });
  return named === undefined ? '' : `${named.dev}:${named.ino}:${named.size}`;
};

const inodeOf = (path: string): number | undefined => fs.statSync(path, { throwIfNoEntry: false })?.ino;

/** The file itself where the name is a link: its own directory is the one that changes. */
const targetOf = (file: string): string => {
  try {
    return fs.realpathSync(file);
  } catch {
    return file;
  }
};
