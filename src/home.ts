import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from './base/clock.ts';
import { createIds } from './base/ids.ts';
import { err, ok, type Result } from './base/result.ts';
import type { CannotOpen, OpenCounter } from './desk/doors.ts';
import { FOLD_VERSION, foldDamage, foldEntry, foldIllegal, illegalEntry } from './journal/fold.ts';
import { openJournal } from './journal/open.ts';
import { emptyState } from './model/state.ts';
import { createGuard, type Guard } from './policy/withhold.ts';
import { findHome, homePaths } from './ports/home/home.ts';
import { type LoadedHome, loadHome } from './ports/home/load.ts';
import { watchConfig } from './ports/home/watch.ts';

/** Opens a home for reading and for the small commands: its files and its journal, and no other port. */
export interface OpenHome {
  counter: OpenCounter;
  /** As they are now: a reload changes them. */
  files: () => LoadedHome;
  guard: Guard;
}

export const openHome = (named: string | undefined): Result<OpenHome, CannotOpen> => {
  const found = findHome(named, process.env, process.cwd());
  if (!found.ok) return err({ failure: found.error });
  const files = loadHome(found.value);
  if (!files.ok) return err({ problems: files.error });
  let current = files.value;
  const guard = createGuard(current.secrets);
  const { journal, clock, ids, paths } = openHomeJournal(found.value, guard);
  return ok({
    files: () => current,
    guard,
    counter: {
      journal,
      clock,
      ids,
      config: () => current.config,
      sessions: () => current.sessions,
      paths,
      reload: async () => {
        const fresh = loadHome(paths.home);
        if (!fresh.ok) return err({ problems: fresh.error });
        const changed = markOf(fresh.value) !== markOf(current);
        current = fresh.value;
        guard.learn(current.secrets);
        return ok(changed);
      },
      watch: (onChange, signal) => watchConfig(paths.home, onChange, signal),
      close: async () => journal.close(),
    },
  });
};

/** Of everything that a change of can be told by. */
const markOf = ({ hash, sessions }: LoadedHome): string => JSON.stringify([hash, sessions]);

/** The journal alone, also of a home whose configuration is broken. */
export const openHomeJournal = (home: string, guard?: Guard) => {
  const paths = homePaths(home);
  const clock = systemClock;
  const ids = createIds();
  mkdirSync(paths.logs, { recursive: true });
  mkdirSync(paths.disposable, { recursive: true });
  const journal = openJournal({
    file: paths.journal,
    stateDir: paths.disposable,
    overflowDir: join(paths.logs, 'overflow'),
    empty: emptyState,
    fold: foldEntry,
    damaged: foldDamage,
    legal: illegalEntry,
    illegal: foldIllegal,
    ...(guard ? { clean: guard.clean } : {}),
    foldVersion: FOLD_VERSION,
    clock,
    ids,
  });
  return { journal, clock, ids, paths };
};
