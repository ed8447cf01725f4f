/** A controller that a signal ends as well; ended by itself first, it lets go of the signal. */
export const abortedBy = (signal: AbortSignal): AbortController => {
  const own = new AbortController();
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
