import fs from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/base/clock.ts';
import { createIds } from '../src/base/ids.ts';
import type { Journal } from '../src/journal/journal.ts';
import { openJournal } from '../src/journal/open.ts';
import type { SearchQuery } from '../src/journal/search.ts';
import { fileTerm, type Term, termsOf } from '../src/journal/search-terms.ts';
import { queryOf } from './search-corpus.ts';

/** The other process of the benchmark of searches: makes the index, searches by it, or reads every cycle. */
export interface Searched {
  times: number[];
  /** What the first query finds: ids, best first. */
  found: string;
  rssMb: number;
  delayP99Ms: number;
  delayMaxMs: number;
}

const [mode, dir, count] = process.argv.slice(2) as ['build' | 'search' | 'scan', string, string];

const HITS = 10;
/** Longer than any index takes. */
const WAIT_MS = 3_600_000;

const open = (): Journal<object> =>
  openJournal<object>({
    file: join(dir, 'logs', 'experiment-log.jsonl'),
    stateDir: join(dir, '.winnow'),
    overflowDir: join(dir, 'logs', 'overflow'),
    empty: () => ({}),
    fold: () => {},
    clock: systemClock,
    ids: createIds(),
    foldVersion: 1,
  });

const wantedOf = (number: number): Pick<SearchQuery, 'any'> => {
  const { file, identity, words } = queryOf(number);
  const terms: Term[] = [fileTerm(file), `identity ${identity}`, ...words.map((word): Term => `word ${word}`)];
  return { any: terms.map((term) => ({ term, weight: 1 })) };
};

const search = async (journal: Journal<object>, number: number): Promise<string[]> => {
  const { hits } = await journal.search({
    ...wantedOf(number),
    filter: { types: ['ralph_cycle'] },
    limit: HITS,
    order: 'best',
    waitMs: WAIT_MS,
  });
  return hits.map(({ entry }) => entry.id);
};

/** The best ten by the same measure, of every end of a cycle in the file. */
const scan = async (journal: Journal<object>, number: number): Promise<string[]> => {
  const wanted = (wantedOf(number).any ?? []).map(({ term }) => term);
  const having = new Map<Term, number>(wanted.map((term) => [term, 0]));
  const past: { id: string; terms: Term[] }[] = [];
  let total = 0;
  for await (const entry of journal.read({ types: ['ralph_cycle'] })) {
    total += 1;
    const all = termsOf(entry);
    const terms = wanted.filter((term) => all.has(term));
    for (const term of terms) having.set(term, (having.get(term) ?? 0) + 1);
    if (terms.length > 0) past.push({ id: entry.id, terms });
  }
  const weight = (term: Term) => Math.log(1 + total / (having.get(term) ?? 1));
  const scored = past.map(({ id, terms }) => ({ id, score: terms.reduce((sum, term) => sum + weight(term), 0) }));
  // Of equals the newest; single precision, as the index has it.
  scored.sort((a, b) => Math.fround(b.score) - Math.fround(a.score) || (a.id < b.id ? 1 : -1));
  return scored.slice(0, HITS).map(({ id }) => id);
};

const journal = open();
const times: number[] = [];
let found = '';
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
for (let number = 0; number < Number(count); number += 1) {
  const begunMs = performance.now();
  const ids = mode === 'scan' ? await scan(journal, number) : await search(journal, number);
  times.push(performance.now() - begunMs);
  if (number === 0) found = ids.join(' ');
}
delay.disable();
const status = fs.readFileSync('/proc/self/status', 'utf8');
const searched: Searched = {
  times,
  found,
  rssMb: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024),
  delayP99Ms: delay.percentile(99) / 1e6,
  delayMaxMs: delay.max / 1e6,
};
process.stdout.write(JSON.stringify(searched));
// The journal is left as it is: a snapshot of nothing would only cost time.
process.exit(0);
