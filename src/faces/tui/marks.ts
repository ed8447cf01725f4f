import type { BoardSession, BoardView } from '../../desk/board.ts';
import type { Outcome } from '../../model/entry.ts';
import type { Request } from '../../model/request.ts';
import type { BranchStatus } from '../../model/state.ts';
import type { Task } from '../../model/task.ts';
import type { Mark } from './sight.ts';

/** Who stands how: the sign, the word and the colour of each thing that is told apart. */

/** The order in which sessions need somebody; see `standings`. */
const TIERS = ['needs-you', 'dead', 'parked', 'taken', 'working', 'waiting', 'paused'] as const;
export type Standing = (typeof TIERS)[number];

export const standingOf = (view: BoardView, session: BoardSession): Standing => {
  if (view.branches.some((branch) => branch.session === session.name && branch.status.state === 'needs-human'))
    return 'needs-you';
  return session.state === 'working' && view.status.processes.length === 0 ? 'dead' : session.state;
};

export const tierOf = (standing: Standing): number => TIERS.indexOf(standing);

export const sessionMark = (standing: Standing, phase: string | undefined): Mark => {
  switch (standing) {
    case 'needs-you':
      return { glyph: '◆', word: 'needs you', style: 'accent' };
    case 'dead':
      return { glyph: '✗', word: 'dead', style: 'bad' };
    case 'parked':
      return { glyph: '▲', word: 'parked', style: 'bad' };
    case 'taken':
      return { glyph: '◇', word: 'taken', style: 'accent' };
    case 'working':
      return { glyph: '●', word: phase ?? 'working', style: 'good' };
    case 'waiting':
      return { glyph: '○', word: 'waiting', style: 'dim' };
    case 'paused':
      return { glyph: '‖', word: 'paused', style: 'warn' };
    default:
      return standing satisfies never;
  }
};

export const branchMark = (state: BranchStatus['state']): Mark => {
  switch (state) {
    case 'needs-human':
      return { glyph: '◆', word: 'needs you', style: 'accent' };
    case 'pending':
      return { glyph: '○', word: 'to review', style: 'info' };
    case 'approved':
      return { glyph: '●', word: 'approved', style: 'good' };
    case 'landed':
      return { glyph: '✓', word: 'landed', style: 'good' };
    case 'rejected':
      return { glyph: '✗', word: 'rejected', style: 'bad' };
    case 'dropped':
      return { glyph: '▲', word: 'dropped', style: 'warn' };
    case 'gone':
      return { glyph: '·', word: 'gone', style: 'dim' };
    default:
      return state satisfies never;
  }
};

export const taskMark = (state: Task['state']): Mark => {
  switch (state) {
    case 'queued':
      return { glyph: '○', word: 'queued', style: 'info' };
    case 'assigned':
      return { glyph: '●', word: 'at work', style: 'good' };
    case 'done':
      return { glyph: '✓', word: 'done', style: 'dim' };
    case 'failed':
      return { glyph: '▲', word: 'failed', style: 'bad' };
    case 'cancelled':
      return { glyph: '✗', word: 'cancelled', style: 'dim' };
    default:
      return state satisfies never;
  }
};

export const requestMark = ({ settled, taken }: Request): Mark => {
  if (settled)
    return settled.done ? { glyph: '✓', word: 'done', style: 'dim' } : { glyph: '▲', word: 'not done', style: 'bad' };
  return taken ? { glyph: '●', word: 'at work', style: 'good' } : { glyph: '○', word: 'asked', style: 'info' };
};

export const outcomeMark = (outcome: Outcome): Mark => {
  switch (outcome) {
    case 'pushed':
      return { glyph: '✓', word: 'kept', style: 'good' };
    case 'discarded':
      return { glyph: '○', word: 'discarded', style: 'dim' };
    case 'empty':
      return { glyph: '·', word: 'empty', style: 'dim' };
    case 'unevaluated':
      return { glyph: '?', word: 'not judged', style: 'warn' };
    case 'failed':
      return { glyph: '✗', word: 'failed', style: 'bad' };
    case 'interrupted':
      return { glyph: '‖', word: 'interrupted', style: 'dim' };
    default:
      return outcome satisfies never;
  }
};
