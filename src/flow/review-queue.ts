import type { Journal } from '../journal/journal.ts';
import type { QueuedBranch, State } from '../model/state.ts';
import { openBranches } from '../policy/queue.ts';
import { writePicture } from './task-queue.ts';

/** logs/review-queue.json: the review queue for people and scripts. The journal is the truth; this is its picture. */
export interface ReviewQueueFile {
  /** What waits for the reviewer or, with a status that says so, for a person. */
  pending: QueuedBranch[];
  /** What waits for the train. */
  approved: QueuedBranch[];
  /** The newest first, as in the two below. */
  rejected: QueuedBranch[];
  landed: QueuedBranch[];
  /** Approved and not landed, or deleted by somebody. */
  dropped: QueuedBranch[];
}

const CLOSED_SHOWN_MAX = 100;

export const reviewQueueOf = (state: Readonly<State>): ReviewQueueFile => {
  const open = openBranches(state);
  const closed = Object.values(state.queue).sort((a, b) => b.changedAt.localeCompare(a.changedAt));
  const last = (...states: QueuedBranch['status']['state'][]) =>
    closed.filter(({ status }) => states.includes(status.state)).slice(0, CLOSED_SHOWN_MAX);
  return {
    pending: open.filter(({ status }) => status.state !== 'approved'),
    approved: open.filter(({ status }) => status.state === 'approved'),
    rejected: last('rejected'),
    landed: last('landed'),
    dropped: last('dropped', 'gone'),
  };
};

export const writeReviewQueue = (journal: Journal<State>, file: string): void =>
  writePicture(file, () => reviewQueueOf(journal.state()));
