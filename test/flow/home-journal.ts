import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { createIds } from '../../src/base/ids.ts';
import { FOLD_VERSION, foldDamage, foldEntry, foldIllegal, illegalEntry } from '../../src/journal/fold.ts';
import { openJournal } from '../../src/journal/open.ts';
import { emptyState, type State } from '../../src/model/state.ts';

/** The journal of a home with its real fold, and the place of the queue's picture; nothing else of a home is needed. */
export const openHomeJournal = (dir: string, clock: Clock = systemClock) => ({
  file: join(dir, 'logs', 'task-queue.json'),
  journal: openJournal<State>({
    file: join(dir, 'logs', 'experiment-log.jsonl'),
    stateDir: join(dir, '.winnow'),
    overflowDir: join(dir, 'logs', 'overflow'),
    empty: emptyState,
    fold: foldEntry,
    damaged: foldDamage,
    legal: illegalEntry,
    illegal: foldIllegal,
    foldVersion: FOLD_VERSION,
    clock,
    ids: createIds(),
  }),
});
