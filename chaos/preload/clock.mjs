// Loaded by Winnow’s own processes alone: the clock of the wall is ahead of the machine’s by what a file says, in
// milliseconds, and jumps when the file changes. Timers and performance.now() know nothing of it, as when somebody sets
// the clock. The file stands in the URL: import.meta.url is clock.mjs?file=/…
import { readFileSync } from 'node:fs';

const file = new URL(import.meta.url).searchParams.get('file');
const SystemDate = Date;
/** Longer and a jump would be noticed late; shorter and each look at the clock would read a file. */
const READ_EVERY_MS = 10;
let readAtMs = Number.NEGATIVE_INFINITY;
let aheadMs = 0;

const now = () => {
  if (performance.now() - readAtMs > READ_EVERY_MS) {
    readAtMs = performance.now();
    try {
      aheadMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // Not written yet.
    }
  }
  return SystemDate.now() + aheadMs;
};

// A proxy and no class of its own: dates that the system makes stay instances of it.
globalThis.Date = new Proxy(SystemDate, {
  apply: () => new SystemDate(now()).toString(),
  construct: (target, args, asked) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, asked === globalThis.Date ? target : asked),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
