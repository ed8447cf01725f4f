import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { homePaths } from './home.ts';

/** Editors write a file in several steps; what happens within this time is one change. */
const DEBOUNCE_MS = 150;
/** File watches miss what happens on some network file systems and when their number is exhausted. */
const POLL_MS = 5_000;

/**
 * Calls `onChange` soon after winnow.config.yaml, .env, a session file or a prompt changed, until the signal aborts.
 * It never keeps a process alive by itself.
 */
export const watchConfig = (
  home: string,
  onChange: () => void,
  signal: AbortSignal,
  { debounceMs = DEBOUNCE_MS, pollMs = POLL_MS } = {},
): void => {
  if (signal.aborted) return;
  const paths = homePaths(home);
  // Directories, not files: a watch on a file goes blind when an editor renames a new one over it.
  const dirs = [home, paths.sessions, paths.prompts];
  const watchers = new Map<string, { watcher: FSWatcher; inode: bigint }>();
  let pending: NodeJS.Timeout | undefined;
  let seen = fingerprint(home);

  const look = () => {
    pending = undefined;
    watchAll();
    const now = fingerprint(home);
    if (now === seen) return;
    seen = now;
    onChange();
  };
  const soon = () => {
    pending ??= setTimeout(look, debounceMs).unref();
  };
  const watchAll = () => {
    for (const dir of dirs) {
      const inode = inodeOf(dir);
      const watched = watchers.get(dir);
      if (watched?.inode === inode) continue;
      // The directory went away or is a new one of the same name: a watch follows the old one into nowhere.
      watched?.watcher.close();
      watchers.delete(dir);
      if (inode === undefined) continue;
      try {
        const watcher = watch(dir, { persistent: false }, soon);
        watcher.on('error', soon);
        watchers.set(dir, { watcher, inode });
      } catch {
        // No watches left on this machine: the poll sees changes all the same.
      }
    }
  };

  watchAll();
  const poll = setInterval(look, pollMs).unref();
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(poll);
      clearTimeout(pending);
      for (const { watcher } of watchers.values()) watcher.close();
    },
    { once: true },
  );
};

const inodeOf = (dir: string): bigint | undefined => statSync(dir, { bigint: true, throwIfNoEntry: false })?.ino;

/** Names, inodes, sizes and times of what a home's configuration consists of. */
const fingerprint = (home: string): string => {
  const paths = homePaths(home);
  const marks = [paths.config, paths.env].map(mark);
  for (const dir of [paths.sessions, paths.prompts]) {
    marks.push(mark(dir).split(' ')[1] ?? '');
    for (const name of markdownIn(dir)) marks.push(mark(join(dir, name)));
  }
  return marks.join('\n');
};

const markdownIn = (dir: string): string[] => {
  try {
    return readdirSync(dir).filter((name) => /^[^.].*\.md$/i.test(name));
  } catch {
    return [];
  }
};

const mark = (path: string): string => {
  try {
    const stat = statSync(path, { bigint: true });
    return `${path} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  } catch (error) {
    return `${path} ${(error as NodeJS.ErrnoException).code}`;
  }
};
