import { setMaxListeners } from 'node:events';

/** Roles, faces and waits of a whole factory listen for one end; that many listeners are no leak. */
const LISTENERS_MAX = 200;

/** A signal that very many may wait for. */
export const heardByMany = (signal: AbortSignal): AbortSignal => {
  setMaxListeners(LISTENERS_MAX, signal);
  return signal;
};

/** A controller that a signal ends as well; ended by itself first, it lets go of the signal. */
export const abortedBy = (signal: AbortSignal): AbortController => {
  const own = new AbortController();
  heardByMany(own.signal);
  if (signal.aborted) own.abort();
  const end = (): void => own.abort();
  signal.addEventListener('abort', end, { once: true, signal: own.signal });
  return own;
};

/** Resolves when the signal aborts, or at once where it has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
