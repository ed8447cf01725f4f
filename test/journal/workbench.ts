import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { createIds } from '../../src/base/ids.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Damage } from '../../src/journal/line.ts';
import { type JournalOptions, openJournal } from '../../src/journal/open.ts';
import type { Entry, NewEntryOf } from '../../src/model/entry.ts';

/** A journal in a directory of its own with a fold that shows everything that was folded, and in which order. */

export interface Tally {
  entries: number;
  types: Record<string, number>;
  /** Changes with every entry and with their order. */
  chain: string;
  lastIds: string[];
  damages: Damage[];
  refused: string[];
}

export const emptyTally = (): Tally => ({ entries: 0, types: {}, chain: '', lastIds: [], damages: [], refused: [] });

export const tally = (state: Tally, entry: Entry): void => {
  state.entries += 1;
  state.types[entry.type] = (state.types[entry.type] ?? 0) + 1;
  state.chain = createHash('md5').update(state.chain).update(JSON.stringify(entry)).digest('hex');
  state.lastIds.push(entry.id);
  if (state.lastIds.length > 10) state.lastIds.shift();
};

export interface Workbench {
  dir: string;
  file: string;
  snapshotFile: string;
  open(overrides?: Partial<JournalOptions<Tally>>): Journal<Tally>;
  text(): string;
  lines(): string[];
  closeAll(): void;
  remove(): void;
}

export const createWorkbench = (root = fs.mkdtempSync(join(os.tmpdir(), 'winnow-journal-'))): Workbench => {
  const file = join(root, 'logs', 'experiment-log.jsonl');
  const opened: Journal<Tally>[] = [];
  const text = () => fs.readFileSync(file, 'utf8');
  const closeAll = () => {
    for (const journal of opened.splice(0)) journal.close();
  };
  return {
    dir: root,
    file,
    snapshotFile: join(root, '.winnow', 'snapshot.json'),
    open: (overrides) => {
      const journal = openJournal<Tally>({
        file,
        stateDir: join(root, '.winnow'),
        overflowDir: join(root, 'logs', 'overflow'),
        empty: emptyTally,
        fold: tally,
        damaged: (state, damage) => {
          state.damages.push(damage);
        },
        illegal: (state, entry, why) => {
          state.refused.push(`${entry.id} ${why}`);
        },
        clock: systemClock,
        ids: createIds(),
        foldVersion: 1,
        ...overrides,
      });
      opened.push(journal);
      return journal;
    },
    text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line !== ''),
    closeAll,
    remove: () => {
      closeAll();
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
};

/** A small entry that carries a number. */
export const alert = (message: string | number): NewEntryOf<'alert'> => ({
  type: 'alert',
  data: { message: String(message), mend: 'Nothing.' },
});

/** A promise that resolves when the condition holds; it is looked at whenever the event loop comes round. */
export const until = async (condition: () => boolean, what: string, timeoutMs = 40_000): Promise<void> => {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
