import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { createIds } from '../../src/base/ids.ts';
import type { Counter } from '../../src/desk/counter.ts';
import type { Config } from '../../src/model/config.ts';
import type { EntryOf, EntryType } from '../../src/model/entry.ts';
import { homePaths } from '../../src/ports/home/home.ts';
import { createSlots, type Slots } from '../../src/ports/machine/slots.ts';
import { openHomeJournal } from '../flow/home-journal.ts';
import { configOf, sessionOf } from '../policy/situations.ts';

/** A counter over a real journal in a directory of its own, and real slots: what the desk needs beside a factory. */
export interface Place {
  dir: string;
  counter: Counter;
  slots: Slots;
  config: Config;
  ofType: <T extends EntryType>(type: T) => EntryOf<T>[];
  close(): Promise<void>;
}

export const openPlace = (dir = mkdtempSync(join(tmpdir(), 'winnow-desk-')), mine = true): Place => {
  const { journal } = openHomeJournal(dir);
  const config: Config = { ...configOf() };
  const slots = createSlots({ dir: join(dir, '.winnow'), who: `test ${process.pid}`, clock: systemClock });
  return {
    dir,
    config,
    slots,
    counter: {
      journal,
      clock: systemClock,
      ids: createIds(),
      config: () => config,
      sessions: () => [sessionOf('alpha'), sessionOf('beta')],
      paths: homePaths(dir),
    },
    ofType: <T extends EntryType>(type: T) => journal.tail(10_000, { types: [type] }) as EntryOf<T>[],
    close: async () => {
      await slots.close();
      journal.close();
      if (mine) rmSync(dir, { recursive: true, force: true });
    },
  };
};
