import type { Clock } from '../base/clock.ts';
import type { IdFactory } from '../base/ids.ts';
import type { Journal } from '../journal/journal.ts';
import type { Config } from '../model/config.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { HomePaths } from '../ports/home/home.ts';

/** What every command at the desk needs: little, so that `winnow status` starts quickly. */
export interface Counter {
  journal: Journal<State>;
  clock: Clock;
  ids: IdFactory;
  config: () => Config;
  sessions: () => readonly Session[];
  paths: HomePaths;
}
