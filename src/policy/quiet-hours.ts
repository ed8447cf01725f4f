import type { Config } from '../model/config.ts';

/** When nobody wants to be disturbed, by the clock on the person's wall. */
export type QuietHours = NonNullable<Config['notify']['quiet']>;

const MINUTE_MS = 60_000;
/** The longest night is shorter; where the clock is set back it has an hour more. */
const NIGHT_MAX_MINUTES = 26 * 60;

/** The end of the quiet hours that hold now, in milliseconds; undefined when they do not. */
export const quietUntil = (quiet: QuietHours | undefined, now: number): number | undefined => {
  if (!quiet || !isQuiet(quiet, now)) return undefined;
  // Minute by minute: a zone may leave an hour out or have it twice, and no formula is right in all of them.
  let ms = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  for (let n = 0; n < NIGHT_MAX_MINUTES && isQuiet(quiet, ms); n += 1) ms += MINUTE_MS;
  return ms;
};

/** Hours that begin when they end are none. */
const isQuiet = ({ from, to, timezone }: QuietHours, ms: number): boolean => {
  const minute = minuteOfDay(ms, timezone);
  return from <= to ? from <= minute && minute < to : minute >= from || minute < to;
};

const minuteOfDay = (ms: number, timezone: string): number => {
  const [hour = 0, minute = 0] = clockOf(timezone).format(ms).split(':').map(Number);
  return hour * 60 + minute;
};

const clockOf = (timezone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
