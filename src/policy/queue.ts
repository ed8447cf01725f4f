import type { BranchStatus, QueuedBranch, State } from '../model/state.ts';

/** The review queue as people see it: what is open, and in which order. */

export type OpenState = Extract<BranchStatus['state'], 'pending' | 'needs-human' | 'approved'>;
export type OpenBranch = QueuedBranch & { status: Extract<BranchStatus, { state: OpenState }> };

export const isOpen = (branch: QueuedBranch): branch is OpenBranch =>
  branch.status.state === 'pending' || branch.status.state === 'needs-human' || branch.status.state === 'approved';

/** Neither landed nor rejected nor dropped, the oldest push first. */
export const openBranches = (state: Readonly<State>): OpenBranch[] =>
  Object.values(state.queue)
    .filter(isOpen)
    .sort((a, b) => a.at.localeCompare(b.at) || a.branch.localeCompare(b.branch));
