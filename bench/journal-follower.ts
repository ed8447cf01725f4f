import fs from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { createIds } from '../src/base/ids.ts';
import { openJournal } from '../src/journal/open.ts';

/** The other process of the journal's benchmark: says of each entry how many milliseconds ago it was appended. */

const [mode, dir] = process.argv.slice(2) as ['journal' | 'watch', string];
const file = join(dir, 'logs', 'experiment-log.jsonl');

const say = (text: string) => process.stdout.write(`${text}\n`);
const ageMs = (sentMs: string) => performance.timeOrigin + performance.now() - Number(sentMs);

const followJournal = async () => {
  const journal = openJournal<object>({
    file,
    stateDir: join(dir, '.winnow'),
    overflowDir: join(dir, 'logs', 'overflow'),
    empty: () => ({}),
    fold: () => {},
    clock: systemClock,
    ids: createIds(),
    foldVersion: 1,
  });
  const entries = journal.follow({ from: 'end', signal: new AbortController().signal });
  say('ready');
  for await (const entry of entries) {
    if (entry.type === 'alert') say(String(ageMs(entry.data.message)));
    if (entry.type === 'process_stopped') say(entry.data.reason);
  }
};

/** The least that any follower does: watch the directory, read what is new. */
const watchFile = () => {
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.alloc(1024 * 1024);
  let position = 0;
  fs.watch(join(dir, 'logs'), () => {
    const count = fs.readSync(fd, buffer, 0, buffer.length, position);
    position += count;
    for (const [, sentMs] of buffer.toString('utf8', 0, count).matchAll(/"message":"([\d.]+)"/g)) {
      say(String(ageMs(sentMs as string)));
    }
  });
  say('ready');
};

if (mode === 'journal') await followJournal();
else watchFile();
