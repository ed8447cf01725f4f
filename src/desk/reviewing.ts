import { writeReviewQueue } from '../flow/review-queue.ts';
import type { EntryType } from '../model/entry.ts';
import { createReviewer, type Reviewer } from '../roles/reviewer.ts';
import type { Factory } from './doors.ts';
import { onEntries } from './follow.ts';
import { startTimetable } from './timetable.ts';

/**
 * The reviewer within a running factory: at once when something waits, and by the clock for what was missed. The first
 * sweep comes at the start, so that nothing that happened while nothing ran is forgotten.
 */
export interface Reviewing {
  reviewer: Reviewer;
  /** Nothing new begins; what runs hears the factory's own signal. */
  stop(): void;
  idle(): Promise<void>;
}

/** What may let a review begin. */
const WAKING: readonly EntryType[] = ['branch_pushed', 'branch_moved', 'resumed', 'gate_opened', 'config_loaded'];
/** What changes the queue. */
const QUEUE: readonly EntryType[] = [
  'branch_pushed',
  'branch_moved',
  'branch_deleted',
  'branch_dropped',
  'cto_review',
  'review_failed',
  'revert_proposed',
  'merged',
];

export const startReviewing = (factory: Factory, signal: AbortSignal, tell: (line: string) => void): Reviewing => {
  const { shop, facts, journal, paths } = factory;
  const reviewer = createReviewer({ shop, facts, signal, tell });
  const closing = new AbortController();
  const tick = (why: 'woken' | 'sweep'): void => {
    if (closing.signal.aborted || signal.aborted) return;
    reviewer
      .tick(why)
      .catch((error: unknown) => tell(`review failed: ${error instanceof Error ? error.message : error}`));
  };
  const draw = () => writeReviewQueue(journal, paths.reviewQueue);
  void onEntries(journal, [...WAKING, ...QUEUE], closing.signal, (type) => {
    if (QUEUE.includes(type)) draw();
    if (WAKING.includes(type)) tick('woken');
  });
  const timetable = startTimetable(factory, [{ when: ({ schedule }) => schedule.review, deed: () => tick('sweep') }]);
  draw();
  tick('sweep');
  return {
    reviewer,
    stop: () => {
      timetable.stop();
      closing.abort();
    },
    idle: async () => {
      await reviewer.idle();
      draw();
    },
  };
};
