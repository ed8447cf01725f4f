import type { Requested } from '../../desk/requesting.ts';

/** What HTTP says to people in whole sentences. */

export const requestedText = ({ request, joined, waits }: Requested): string => {
  if (request.settled) return `${request.settled.done ? 'done' : 'not done'}: ${request.settled.note}`;
  if (joined)
    return `the same was asked for at ${request.at} and is ${request.taken ? 'being carried out' : 'waiting'}: this joins it`;
  return waits ? 'written down; nothing runs now, so it is carried out when `winnow up` starts' : 'written down';
};

export const taskText = (isUp: boolean): string =>
  isUp ? 'queued' : 'queued; nothing runs now, so it is worked on when `winnow up` starts';

export const GAP_TEXT =
  'the entry that was seen last is not there or too far back: what happened in between is in GET /log, from here on it goes on with what is new';

export const listeningText = (addresses: readonly string[]): string => `HTTP on ${addresses.join(' and ')}`;
