import type { Rounded } from '../roles/doctor.ts';
import type { Review } from '../roles/reviewer.ts';
import type { Held } from '../roles/standup.ts';
import type { Upkept } from '../roles/upkeep.ts';

/** What came of a role's work, in one sentence for whoever asked for it. */
export interface Ending {
  done: boolean;
  note: string;
}

export const reviewedText = (reviews: readonly Review[]): Ending => {
  const decided = reviews.filter(({ state }) => state === 'decided').length;
  const note = `${decided} of ${reviews.length} branches reviewed`;
  return { done: true, note: reviews.length === 0 ? 'no branch waited for review' : note };
};

export const heldText = (held: Held): Ending =>
  held.state === 'held'
    ? { done: true, note: `minutes in ${held.entry.data.file}` }
    : { done: false, note: held.reason };

export const roundedText = (rounded: Rounded): Ending =>
  rounded.state === 'held'
    ? { done: true, note: `letter in ${rounded.entry.data.file}` }
    : { done: false, note: rounded.reason };

export const upkeptText = (upkept: Upkept): Ending => {
  if (upkept.state === 'waits') return { done: false, note: upkept.reason };
  const { read, written } = upkept.entry.data;
  return {
    done: true,
    note: `${read} message${read === 1 ? '' : 's'} looked at, ${written.length === 0 ? 'nothing' : written.join(', ')} learned`,
  };
};
