/**
 * Loaded before anything of Winnow (`node --import`): the time of this process, which leaps over what is only waited
 * for. Date, performance.now and setTimeout are all that Winnow and its libraries know of time, so the program itself
 * is the one that people run. As long as a process of its own runs, time goes as it goes; when nothing is under way,
 * it leaps to the next timer. Plain JavaScript: nothing may be compiled in front of it.
 *
 * SOAK_CLOCK names the file with what this time is ahead of the real one, in milliseconds; whoever starts next goes on
 * from there. Over the channel of the parent: {until} how far it may leap, {back} the clock is set back by so much,
 * {measure} what this process holds.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Leaps end at whole steps, so that timers that lie close together cost one leap. */
const STEP_MS = 120_000;
/** What is due so soon is waited for: it belongs to what is happening now. */
const SOON_MS = 400;
/** So often is looked whether anything is under way, and so often in a row nothing has to be. */
const LOOK_MS = 3;
const QUIET_LOOKS = 3;
/** While a process runs. */
const LOOK_BUSY_MS = 15;
/** They guard an answer that the outside holds back (the bot's question for updates), so they go by the real time. */
const REAL_MS = new Set([20_000, 70_000]);
/** What shows that a read, a write or a connection is on its way. */
const UNDER_WAY = /^(FSReq|TCPConnect|PipeConnect|GetAddrInfo|ShutdownWrap|WriteWrap|Process)/;
/** The bot’s question for updates is always on its way. */
const QUESTIONS_HELD = 1;

const file = process.env.SOAK_CLOCK ?? '';
const RealDate = Date;
const realNow = Date.now.bind(Date);
const realMonotonic = performance.now.bind(performance);
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

let aheadMs = Number(readFileSync(file, 'utf8'));
let leaptMs = 0;
const now = () => realNow() + aheadMs;
const monotonic = () => realMonotonic() + leaptMs;

globalThis.Date = class LeapingDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(now());
    else super(...given);
  }
  static now() {
    return Math.floor(now());
  }
};
performance.now = monotonic;

/** Timer -> when it is due by the monotonic time, and what it does. */
const waiting = new Map();

const setTimeoutThatLeaps = (deed, ms = 0, ...args) => {
  const timer = realSetTimeout(() => {
    waiting.delete(timer);
    deed(...args);
  }, ms);
  if (REAL_MS.has(ms)) return timer;
  const waits = { dueMs: monotonic() + (Number(ms) || 0), deed, args };
  waiting.set(timer, waits);
  const refresh = timer.refresh.bind(timer);
  timer.refresh = () => {
    waits.dueMs = monotonic() + (Number(ms) || 0);
    waiting.set(timer, waits);
    return refresh();
  };
  return timer;
};
Object.defineProperties(setTimeoutThatLeaps, Object.getOwnPropertyDescriptors(realSetTimeout));
globalThis.setTimeout = setTimeoutThatLeaps;
globalThis.clearTimeout = (timer) => {
  waiting.delete(timer);
  realClearTimeout(timer);
};

const setAhead = (ms) => {
  aheadMs = ms;
  // A process that dies here must not leave half a number.
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, String(ms));
  renameSync(`${file}.${process.pid}`, file);
};

const leap = (ms) => {
  setAhead(aheadMs + ms);
  leaptMs += ms;
  fireDue();
};

/** Also what a leap has brought near: its real timer knows nothing of that. */
const fireDue = () => {
  const atMs = monotonic();
  const due = [...waiting].filter(([, { dueMs }]) => dueMs <= atMs).sort(([, a], [, b]) => a.dueMs - b.dueMs);
  for (const [timer, { deed, args }] of due) {
    waiting.delete(timer);
    if (timer._destroyed) continue;
    realClearTimeout(timer);
    realSetTimeout(deed, 0, ...args);
  }
};

const CHILDREN = `/proc/self/task/${process.pid}/children`;
const nextDueMs = () => {
  let next = Number.POSITIVE_INFINITY;
  for (const [timer, { dueMs }] of waiting) {
    // Ended by another way than clearTimeout.
    if (timer._destroyed) waiting.delete(timer);
    else next = Math.min(next, dueMs);
  }
  return next - monotonic();
};

const isUnderWay = () => {
  const names = process.getActiveResourcesInfo();
  return (
    names.some((name) => UNDER_WAY.test(name)) ||
    names.filter((name) => name.startsWith('HTTPC')).length > QUESTIONS_HELD
  );
};

let until = 0;
let reached = true;
let quietLooks = 0;

const look = () => {
  let againMs = LOOK_MS;
  if (nextDueMs() <= 0) fireDue();
  if (now() >= until) {
    if (!reached) process.send?.({ reached: until });
    reached = true;
  } else if (readFileSync(CHILDREN, 'utf8') !== '') {
    quietLooks = 0;
    againMs = LOOK_BUSY_MS;
  } else if (nextDueMs() < SOON_MS || isUnderWay()) {
    quietLooks = 0;
  } else {
    quietLooks += 1;
    if (quietLooks >= QUIET_LOOKS) {
      quietLooks = 0;
      const target = Math.ceil((now() + Math.min(nextDueMs(), until - now())) / STEP_MS) * STEP_MS;
      leap(Math.min(target, Math.max(until, now())) - now());
    }
  }
  realSetTimeout(look, againMs).unref();
};

if (process.send) {
  process.on('message', (message) => {
    if (message.until !== undefined) {
      until = message.until;
      reached = false;
    }
    if (message.back !== undefined) setAhead(aheadMs - message.back);
    if (message.measure !== undefined) {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, rss } = process.memoryUsage();
      process.send?.({
        measured: message.measure,
        heapBytes: heapUsed,
        rssBytes: rss,
        files: readdirSync('/proc/self/fd').length - 1,
        timers: waiting.size,
      });
    }
  });
  // Whoever lives the day is gone; a factory that ends by itself lets go of the channel as well.
  const parent = process.ppid;
  process.on('disconnect', () => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  });
  // Only the factory keeps this process alive.
  process.channel?.unref();
  look();
}
