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
  pace: { debounceMs?: number; pollMs?: number } = {},
): void => {
  const paths = homePaths(home);
  watchFiles([home, paths.sessions, paths.prompts], () => fingerprint(home), onChange, signal, pace);
};

/** The same for the files of bot skills, which are read without the rest of the home. */
export const watchBotSkills = (home: string, onChange: () => void, signal: AbortSignal): void => {
  const { skills, botSkills } = homePaths(home);
  watchFiles([skills, botSkills], () => marksIn(botSkills, /^[^.].*\.ya?ml$/i).join('\n'), onChange, signal, {});
};

/** Directories, not files: a watch on a file goes blind when an editor renames a new one over it. */
const watchFiles = (
  dirs: readonly string[],
  fingerprint: () => string,
  onChange: () => void,
  signal: AbortSignal,
  { debounceMs = DEBOUNCE_MS, pollMs = POLL_MS }: { debounceMs?: number; pollMs?: number },
): void => {
  if (signal.aborted) return;
  const watchers = new Map<string, { watcher: FSWatcher; inode: bigint }>();
  let pending: NodeJS.Timeout | undefined;
  let seen = fingerprint();

  const look = () => {
    pending = undefined;
    watchAll();
    const now = fingerprint();
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
    marks.push(...marksIn(dir, /^[^.].*\.md$/i));
  }
  return marks.join('\n');
};

const marksIn = (dir: string, names: RegExp): string[] => [
  mark(dir).split(' ')[1] ?? '',
  ...namesIn(dir)
    .filter((name) => names.test(name))
    .map((name) => mark(join(dir, name))),
];

const namesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir);
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
