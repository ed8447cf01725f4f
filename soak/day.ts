import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { INVARIANTS } from '../chaos/invariants.ts';
import { createRandom } from '../chaos/random.ts';
import { pause } from '../chaos/world.ts';
import { openHomeJournal } from '../src/home.ts';
import { type Count, countLines, readJournal } from './count.ts';
import { heldLosses } from './held.ts';
import { agrees, digestRows, factRows, messageRows, type Row, rowsOf, WANTED } from './rows.ts';
import { listen } from './told.ts';
import { timetableOf } from './troubles.ts';
import { createSoakWorld, DAY_MS, dayBefore, HOUR_MS, type Life, MINUTE_MS, type SoakWorld } from './world.ts';

/** One simulated day of a factory, and what is left of it: every number with its sources, and what was lost. */
export interface Day {
  seed: number;
  seconds: number;
  /** What struck, and when by the clock of the day. */
  struck: { at: string; name: string }[];
  count: Count;
  rows: Row[];
  lives: Life[];
  sampled: Record<string, number>;
  /** Everything that is not as it has to be, with its evidence. */
  losses: string[];
  /** The end of the journal, where something was lost. */
  evidence: string;
}

/** The first tick comes before any trouble does; the end of the day is for what is under way to come to its end. */
const BEGIN_MS = 5_000;
/** Before midnight, so that “today” is still this day. */
const ASKED_MS = DAY_MS - 4 * MINUTE_MS;
/** After midnight, when the summary of the day has gone out. */
const TOLD_MS = DAY_MS + 6 * MINUTE_MS;
/** A process is measured when it has worked for an hour, and then at every whole hour. */
const WARM_MS = HOUR_MS;
const EVIDENCE_ENTRIES = 30;

export const liveDay = async (seed: number, keep: string | undefined, say: (line: string) => void): Promise<Day> => {
  const began = Date.now();
  const beginMs = dayBefore(began);
  const random = createRandom(seed);
  const world = await createSoakWorld(random, beginMs + BEGIN_MS);
  const struck: Day['struck'] = [];
  const rows: Row[] = [];
  const { losses } = world;
  let evidence = '';
  const attempt = async (what: string, deed: () => Promise<void>): Promise<void> => {
    try {
      await deed();
    } catch (error) {
      losses.push(`${what} – ${error instanceof Error ? error.message.slice(0, 1_000) : String(error)}`);
    }
  };
  const clockOf = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

  try {
    for (const { trouble, atMs } of timetableOf(world)) {
      await attempt('the day goes on', () => goOn(world, beginMs + atMs));
      say(`${clockOf(world.now())}  ${trouble.name}`);
      struck.push({ at: clockOf(world.now()), name: trouble.name });
      await attempt(trouble.name, () => trouble.strike(world));
    }
    await attempt('the day goes on', () => goOn(world, beginMs + ASKED_MS));
    await attempt('every number agrees', async () => {
      const told = await listen(world);
      rows.push(...rowsOf({ told, bills: world.model.bills }));
    });
    await attempt('the summary of the day', async () => {
      await goOn(world, beginMs + TOLD_MS);
      const summary = await summaryOf(world, beginMs + DAY_MS);
      const journal = readFileSync(world.journal, 'utf8');
      rows.push(...digestRows(summary, journal, beginMs, beginMs + DAY_MS));
    });
    await world.measure();
    const code = await world.stop();
    if (code !== 0) losses.push(`winnow up ended with ${code} when it was told to stop`);
    const journal = readFileSync(world.journal, 'utf8');
    rows.push(
      ...messageRows(journal, { webhook: world.notices, telegram: world.bot.sent.map(({ message_id }) => message_id) }),
    );
    rows.push(...factRows(world.model.facts, journal));
    for (const row of rows) if (!agrees(row)) losses.push(`“${row.what}” differs: ${JSON.stringify(row)}`);
    await attempt(
      'the start state is the fold of the whole journal',
      async () => void losses.push(...foldLosses(world)),
    );
    losses.push(...heldLosses(world.lives));
    for (const [promise, ask] of Object.entries(INVARIANTS))
      await attempt(promise, async () => {
        for (const broken of await ask(world)) losses.push(`${promise} – ${broken}`);
      });
    const count = countLines(readJournal(journal).lines);
    for (const [what, { least, of }] of Object.entries(WANTED))
      if (of(count) < least) losses.push(`too few ${what}: ${of(count)} of at least ${least}`);
    if (losses.length > 0) evidence = evidenceOf(world);
    if (keep !== undefined) cpSync(join(world.bench.home, 'logs'), join(keep, 'logs'), { recursive: true });
    const seconds = (Date.now() - began) / 1000;
    return { seed, seconds, struck, count, rows, lives: world.lives, sampled: world.model.sampled, losses, evidence };
  } finally {
    await world.close();
  }
};

/** Up to a moment, and a look at what the process holds at every hour on the way. */
const goOn = async (world: SoakWorld, untilMs: number): Promise<void> => {
  while (world.now() < untilMs) {
    await world.advance(Math.min(untilMs, (Math.floor(world.now() / HOUR_MS) + 1) * HOUR_MS));
    const life = world.lives.at(-1);
    if (life && world.now() - life.fromMs >= WARM_MS) await world.measure();
  }
};

const SUMMARY_LOOKS = 500;

const summaryOf = async ({ notices }: SoakWorld, dueMs: number): Promise<string> => {
  for (let n = 0; n < SUMMARY_LOOKS; n += 1) {
    const found = notices.find(({ text, ts }) => text.startsWith('The last day: ') && Date.parse(ts) >= dueMs);
    if (found) return found.text;
    await pause(20);
  }
  throw new Error('it did not arrive');
};

/** A start with the snapshot that the day left, and one that reads the journal from its first line. */
const foldLosses = ({ bench }: SoakWorld): string[] => {
  const anew = join(bench.dir, 'anew');
  mkdirSync(anew);
  cpSync(join(bench.home, 'logs'), join(anew, 'logs'), { recursive: true });
  const [started, folded] = [bench.home, anew].map((home) => {
    const { journal } = openHomeJournal(home);
    const state = structuredClone(journal.state());
    journal.close();
    return state;
  });
  if (isDeepStrictEqual(started, folded)) return [];
  const parts = Object.keys(folded ?? {}).filter(
    (key) => !isDeepStrictEqual(started?.[key as 'queue'], folded?.[key as 'queue']),
  );
  return [`the start state is the fold of the whole journal – they differ in ${parts.join(', ')}`];
};

const evidenceOf = ({ bench }: SoakWorld): string =>
  bench
    .entries()
    .slice(-EVIDENCE_ENTRIES)
    .map((entry) => JSON.stringify(entry).slice(0, 300))
    .join('\n');
