import { writeReviewQueue } from '../flow/review-queue.ts';
import { writeTaskQueue } from '../flow/task-queue.ts';
import type { Counter } from './counter.ts';

/** The pictures of both queues under logs/, as the journal has them now. */
export const drawQueues = ({ journal, paths }: Counter): void => {
  writeTaskQueue(journal, paths.taskQueue);
  writeReviewQueue(journal, paths.reviewQueue);
};
