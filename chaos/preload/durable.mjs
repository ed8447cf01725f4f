// Loaded by Winnow’s own processes alone: writes down how much of the journal is known to be on the disk, each time
// before whoever waits for it hears of it. Places stand in the URL: durable.mjs?journal=/…&into=/…
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { searchParams } = new URL(import.meta.url);
const [journal, into] = [searchParams.get('journal'), searchParams.get('into')];

/** Its size before the sync: what comes meanwhile may or may not be covered. */
const sizeIfJournal = (fd) => {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`) === journal ? fs.fstatSync(fd).size : undefined;
  } catch {
    return undefined;
  }
};

for (const name of ['fsync', 'fdatasync']) {
  const [plain, atOnce] = [fs[name], fs[`${name}Sync`]];
  fs[name] = (fd, done) => {
    const size = sizeIfJournal(fd);
    plain(fd, (error) => {
      if (size !== undefined && error === null) fs.appendFileSync(into, `${size}\n`);
      done(error);
    });
  };
  fs[`${name}Sync`] = (fd) => {
    const size = sizeIfJournal(fd);
    atOnce(fd);
    if (size !== undefined) fs.appendFileSync(into, `${size}\n`);
  };
}
syncBuiltinESMExports();
