import { Cron } from 'croner';

/** One call at a moment, a second from now at the earliest: cron knows no parts of seconds. */
export const cronAt = (atMs: number, deed: () => void): Cron =>
  new Cron(new Date(Math.max(atMs, Date.now() + 1000)), deed);
