import fs from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/base/clock.ts';
import { createIds } from '../src/base/ids.ts';
import { readEntries } from '../src/journal/follow.ts';
import type { SearchQuery } from '../src/journal/journal.ts';
import { createSearch, LISTED_MAX, type Search } from '../src/journal/search.ts';
import { fileTerm, type Term, termsOf } from '../src/journal/search-terms.ts';
import { readTail } from '../src/journal/tail.ts';
import { queryOf } from './search-corpus.ts';

/** The other process of the benchmark of searches: makes the index, searches by it, or reads every cycle. */
export interface Searched {
  times: number[];
  /** Processor time of the first. */
  cpuMs: number;
  /** What the first query finds: ids, best first. */
  found: string;
  /** The most that was resident, less what was before. */
  grownMb: number;
  delayP99Ms: number;
  delayMaxMs: number;
}

const [mode, dir, count] = process.argv.slice(2) as ['build' | 'search' | 'scan', string, string];

const HITS = 10;
/** Longer than any index takes. */
const WAIT_MS = 3_600_000;

const file = join(dir, 'logs', 'experiment-log.jsonl');
const index = join(dir, '.winnow', 'search');

const wantedOf = (number: number): Pick<SearchQuery, 'any'> => {
  const { file, identity, words } = queryOf(number);
  const terms: Term[] = [fileTerm(file), `identity ${identity}`, ...words.map((word): Term => `word ${word}`)];
  return { any: terms.map((term) => ({ term, weight: 1 })) };
};

const search = async (past: Search, number: number): Promise<string[]> => {
  const { hits } = await past.search({
    ...wantedOf(number),
    filter: { types: ['ralph_cycle'] },
    limit: HITS,
    order: 'best',
    waitMs: WAIT_MS,
  });
  return hits.map(({ entry }) => entry.id);
};

/** The best ten by the same measure, of every end of a cycle in the file. */
const scan = async (number: number): Promise<string[]> => {
  const wanted = (wantedOf(number).any ?? []).map(({ term }) => term);
  const having = new Map<Term, number>(wanted.map((term) => [term, 0]));
  const past: { id: string; terms: Term[] }[] = [];
  let total = 0;
  for await (const entry of readEntries(file, { types: ['ralph_cycle'] })) {
    total += 1;
    const all = termsOf(entry);
    const terms = wanted.filter((term) => all.has(term));
    for (const term of terms) having.set(term, (having.get(term) ?? 0) + 1);
    if (terms.length > 0) past.push({ id: entry.id, terms });
  }
  // As the search does: what most cycles have is left out.
  let listed = 0;
  const telling = new Set(
    wanted
      .toSorted((a, b) => (having.get(a) ?? 0) - (having.get(b) ?? 0))
      .filter((term) => {
        const own = having.get(term) ?? 0;
        listed += own;
        return listed <= LISTED_MAX || listed === own;
      }),
  );
  const weight = (term: Term) => (telling.has(term) ? Math.log(1 + total / (having.get(term) ?? 1)) : 0);
  const scored = past.map(({ id, terms }) => ({ id, score: terms.reduce((sum, term) => sum + weight(term), 0) }));
  // Of equals the newest; single precision, as the index has it.
  scored.sort((a, b) => Math.fround(b.score) - Math.fround(a.score) || (a.id < b.id ? 1 : -1));
  return scored.slice(0, HITS).map(({ id }) => id);
};

/** In kB: VmRSS now, VmHWM the most so far. */
const memoryOf = (name: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${name}:\\s+(\\d+)`).exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]);

// Every process of a home has read entries before it searches, from the end of the journal and by their schemas.
readTail(file, HITS);
const past = createSearch({ file, dir: index, clock: systemClock, ids: createIds() });
const before = memoryOf('VmRSS');
const times: number[] = [];
let found = '';
let cpuMs = 0;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
for (let number = 0; number < Number(count); number += 1) {
  const [begunMs, cpu] = [performance.now(), process.cpuUsage()];
  const ids = mode === 'scan' ? await scan(number) : await search(past, number);
  times.push(performance.now() - begunMs);
  if (number > 0) continue;
  found = ids.join(' ');
  const { user, system } = process.cpuUsage(cpu);
  cpuMs = (user + system) / 1000;
}
delay.disable();
past.close();
const searched: Searched = {
  times,
  cpuMs,
  found,
  grownMb: Math.round((memoryOf('VmHWM') - before) / 1024),
  delayP99Ms: delay.percentile(99) / 1e6,
  delayMaxMs: delay.max / 1e6,
};
process.stdout.write(JSON.stringify(searched));
