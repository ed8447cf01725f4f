/**
 * Dollars granted to runs that are under way and have not reported yet. The journal knows what was spent; without
 * this, eight runs that start together would each be granted the whole rest of the day.
 */
export interface Purse {
  reserve(owner: { session: string; project: string }, usd: number): { release: () => void };
  reserved(owner: { session: string; project: string }): { total: number; session: number; project: number };
}

export const createPurse = (): Purse => {
  const open = new Set<{ session: string; project: string; usd: number }>();
  return {
    reserve: (owner, usd) => {
      const grant = { ...owner, usd };
      open.add(grant);
      return { release: () => void open.delete(grant) };
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
  };
};
