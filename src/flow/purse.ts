/**
 * Dollars granted to runs that are under way and have not reported yet. The journal knows what was spent; without
 * this, eight runs that start together would each be granted the whole rest of the day.
 */
export interface Purse {
  reserve(owner: { session: string; project: string }, usd: number): { release: () => void };
  reserved(owner: { session: string; project: string }): { total: number; session: number; project: number };
  /**
   * Resolves when a promise is taken back, or the signal aborts. Who waits is told in the order of asking, so that
   * whoever tries again at once is served before those that came later.
   */
  freed(signal: AbortSignal): Promise<void>;
}

export const createPurse = (): Purse => {
  const open = new Set<{ session: string; project: string; usd: number }>();
  const waiting = new Set<() => void>();
  return {
    reserve: (owner, usd) => {
      const grant = { ...owner, usd };
      open.add(grant);
      return {
        release: () => {
          if (!open.delete(grant)) return;
          for (const wake of [...waiting]) wake();
        },
      };
    },
    reserved: ({ session, project }) => {
      const sum = { total: 0, session: 0, project: 0 };
      for (const grant of open) {
        sum.total += grant.usd;
        if (grant.session === session) sum.session += grant.usd;
        if (grant.project === project) sum.project += grant.usd;
      }
      return sum;
    },
    freed: (signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      }),
  };
};
