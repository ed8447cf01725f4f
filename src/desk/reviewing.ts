import { abortedBy } from '../base/abort.ts';
import { ok } from '../base/result.ts';
import { writeReviewQueue } from '../flow/review-queue.ts';
import type { EntryType } from '../model/entry.ts';
import { createReviewer } from '../roles/reviewer.ts';
import { reviewsOf } from './carry-out.ts';
import { answerRequests, followTypes, type StartPart, tellOrFail } from './role-at-work.ts';
import { startTimetable } from './timetable.ts';

/**
 * The reviewer within a running factory: at once when something waits, and by the clock for what was missed. The first
 * sweep comes at the start, so that nothing that happened while nothing ran is forgotten.
 */

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

export const startReviewing: StartPart = (input) => {
  const { factory, signal, tell } = input;
  const { shop, facts, journal, paths } = factory;
  const reviewer = createReviewer({ shop, facts, signal, tell });
  const closing = abortedBy(signal);
  const tick = (why: 'woken' | 'sweep'): void => {
    if (closing.signal.aborted) return;
    reviewer.tick(why).catch(tellOrFail(input, 'review failed'));
  };
  const draw = () => writeReviewQueue(journal, paths.reviewQueue);
  // First: what cannot be drawn lets nothing begin.
  draw();
  followTypes(input, [...new Set([...WAKING, ...QUEUE])], closing.signal, (type) => {
    if (QUEUE.includes(type)) draw();
    if (WAKING.includes(type)) tick('woken');
  });
  const timetable = startTimetable(
    factory,
    [{ when: ({ schedule }) => schedule.review, deed: () => tick('sweep') }],
    input.fail,
  );
  const requests = answerRequests(input, reviewsOf(reviewer));
  tick('sweep');
  return ok({
    stop: () => {
      timetable.stop();
      closing.abort();
      return requests.stop();
    },
    idle: async () => {
      await Promise.all([reviewer.idle(), requests.idle()]);
      draw();
    },
  });
};
