import bytes from 'bytes';
import { Cron } from 'croner';
import ms, { type StringValue } from 'ms';
import picomatch from 'picomatch';
import { z } from 'zod';

/**
 * The kinds of values that a person writes into the configuration. Every message says what is expected, in the words
 * that follow "expected …".
 */

const SPAN = { message: 'a time span such as "30s", "15m" or "2h"' };

/** Longest time span anywhere: what is meant to happen later than this is not scheduled, it is forgotten. */
const SPAN_MAX_MS = 30 * 86_400_000;

/** A time span in the configuration, written '30m': one number and one unit; parsed to milliseconds. */
export const Duration = z
  .string(SPAN)
  .regex(/^\d{1,9}(\.\d{1,3})?\s*(ms|s|m|h|d|w)$/, SPAN)
  .transform((text) => ms(text as StringValue))
  .refine((value) => value >= 1 && value <= SPAN_MAX_MS, { message: 'a time span from "1ms" to "30d"' });

const KEPT = { message: 'a time span from "1h" to "99y", such as "30d", or "forever"' };

/** Nothing is thrown away while somebody may still be looking at it. */
const KEPT_MIN_MS = 3_600_000;

/** How long something is kept, written '30d' or 'forever'; parsed to milliseconds, for ever to Infinity. */
export const KeptFor = z
  .string(KEPT)
  .regex(/^(forever|\d{1,6}(\.\d{1,3})?\s*(h|d|w|y))$/, KEPT)
  .transform((text) => (text === 'forever' ? Number.POSITIVE_INFINITY : ms(text as StringValue)))
  .refine((value) => value >= KEPT_MIN_MS && (value <= ms('99y') || value === Number.POSITIVE_INFINITY), KEPT);

const SIZE = { message: 'a size such as "500MB" or "2GB"' };

/** An amount of storage in the configuration, written '2GB'; parsed to bytes (1 GB = 1024³ bytes). */
export const ByteSize = z
  .string(SIZE)
  .regex(/^\d{1,9}(\.\d{1,3})?\s*(kb|mb|gb|tb|b|KB|MB|GB|TB|B)$/, SIZE)
  .transform((text) => bytes.parse(text) as number);

const SHARE = { message: 'a percentage such as "85%"' };

/** A share in the configuration, written '85%'; parsed to 0…1. */
export const Percent = z
  .string(SHARE)
  .regex(/^\d{1,3}(\.\d+)?\s*%$/, SHARE)
  .refine((text) => Number.parseFloat(text) <= 100, SHARE)
  .transform((text) => Number.parseFloat(text) / 100);

const CRON = { message: 'a cron expression of five fields such as "0 */2 * * *"' };

/** When something happens again and again, in UTC: a local clock has an hour that comes twice and one that never does. */
export const CronExpression = z
  .string(CRON)
  .refine((text) => text.trim().split(/\s+/).length === 5 && cronFires(text), CRON);

/** False for what croner refuses and for what can never come, such as the 30th of February. */
const cronFires = (text: string): boolean => {
  try {
    // By offset and not by the zone's name, whose rules take longer to load than everything else here.
    return new Cron(text, { paused: true, utcOffset: 0 }).nextRun() !== null;
  } catch {
    return false;
  }
};

const CLOCK_TIME = { message: 'an hour of the day such as "22:00"' };

/** Minutes since midnight. */
export const ClockTime = z
  .string(CLOCK_TIME)
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, CLOCK_TIME)
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const TIME_ZONE = { message: 'the IANA name of a time zone such as "Europe/Berlin"' };

export const TimeZone = z.string(TIME_ZONE).refine((text) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}, TIME_ZONE);

const GLOB = {
  message: 'a glob relative to the repository such as "src/**" (no leading "/" or "!", no "..", no "\\")',
};

export const Glob = z.string(GLOB).refine((text) => {
  if (text.length > PATH_MAX_CHARS || /^[!/]|\\|\0/.test(text) || text.split('/').includes('..')) return false;
  try {
    picomatch(text, { strictBrackets: true, dot: true });
    return true;
  } catch {
    return false;
  }
}, GLOB);

/** Longer than any path a kernel takes. */
const PATH_MAX_CHARS = 4096;

const INNER_PATH = { message: 'a path inside the repository such as "docs/guide.md"' };

/** A path that stays inside the repository. */
export const InnerPath = z
  .string(INNER_PATH)
  .refine(
    (text) => text !== '' && text.length <= PATH_MAX_CHARS && !/^[/~]|\0/.test(text) && !text.split('/').includes('..'),
    INNER_PATH,
  );

const BRANCH = { message: 'the name of a branch such as "main"' };

/** What `git check-ref-format --branch` accepts: it becomes an argument of git commands. */
export const BranchName = z
  .string(BRANCH)
  .refine(
    (text) =>
      text !== '' &&
      text !== '@' &&
      text !== 'HEAD' &&
      text.length <= 200 &&
      !/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/u.test(text) &&
      text.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock')),
    BRANCH,
  );

const REPO = { message: 'the URL or the path of a git repository' };

/** A URL or path; nothing that git would take for an option or for a transport that runs commands. */
export const RepoAddress = z
  .string(REPO)
  .refine((text) => text.trim() !== '' && !/^-|^[a-z0-9+.-]+::|[\0\n\r]/i.test(text), REPO);

const HOST = {
  message: 'a host such as "registry.example.com", "*.example.com" or "localhost:4873" (no scheme, no path)',
};

/** A host that may be reached: a name or address as URLs write it, all names below one, and if so its one port. */
export const HostName = z.string(HOST).refine((text) => {
  const [, name = '', port] = /^(?:\*\.(?=[^.]+\.))?([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (text.length > HOST_MAX_CHARS || (port !== undefined && !(Number(port) > 0 && Number(port) <= PORT_MAX)))
    return false;
  try {
    // What URLs write otherwise, such as an address in one number, would never be met.
    return new URL(`http://${name}`).hostname === name.toLowerCase() && !(text.startsWith('*') && /[\d\]]$/.test(name));
  } catch {
    return false;
  }
}, HOST);

/** As long as a name can be, with a port. */
const HOST_MAX_CHARS = 260;
const PORT_MAX = 65_535;

const VARIABLE = { message: 'the name of an environment variable such as "API_URL"' };

/** Variables for a process; the text of a value may not hold the zero byte that ends it. */
export const Environment = z.record(
  z.string(VARIABLE).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, VARIABLE),
  z.string({ message: 'text (put numbers, true and false in quotes)' }).refine((text) => !text.includes('\0'), {
    message: 'text without the zero byte',
  }),
);
