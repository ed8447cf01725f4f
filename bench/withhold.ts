import fs from 'node:fs';
import { join } from 'node:path';
import { createWithholding, WITHHELD } from '../src/policy/withhold.ts';
import { type BenchRow, benchRow, median, renderMs, renderSpread } from './row.ts';

/** What the search for secrets costs in whatever leaves, against asking whether the same values stand in it as they are. */
export const withholdRows = async (): Promise<BenchRow[]> => {
  const { clean } = createWithholding(SECRETS);
  proveThatItFinds(clean);
  const text = transcript();
  const includes = (piece: string) => SECRETS.some((secret) => piece.includes(secret));
  if (clean(text) !== text || includes(text)) throw new Error('the text without secrets has one');
  return [wholeRow(text, clean, includes), entryRow(clean, includes)];
};

type Clean = (text: string) => string;
type Includes = (text: string) => boolean;

const wholeRow = (text: string, clean: Clean, includes: Includes): BenchRow => {
  const megabytes = Buffer.byteLength(text) / 1e6;
  const times = inTurns(
    () => void clean(text),
    () => void includes(text),
  );
  const speed = (ms: readonly number[]) => (megabytes * 1000) / median(ms);
  const show = (ms: readonly number[]) => `${Math.round(speed(ms)).toLocaleString('en')} MB/s`;
  return benchRow({
    key: 'withhold.text',
    row: 'secrets withheld from a transcript',
    figure: show(times.own),
    baseline: `${show(times.naive)} (\`includes\` of the same ${SECRETS.length} values, which finds no disguise)`,
    value: speed(times.own),
    baselineValue: speed(times.naive),
    unit: 'MB/s',
    better: 'more',
    tolerance: 0.3,
    goal: 'at least 20 MB/s: a run of an hour says a few MB',
    met: speed(times.own) >= 20,
    method:
      `processor time, median of ${ROUNDS} interleaved rounds, ${renderSpread(times.own)}; ${megabytes.toFixed(1)} MB: Winnow’s own source ` +
      `as a transcript holds it; ${SECRETS.length} secrets, none of them in it, so both look at all of it`,
  });
};

const entryRow = (clean: Clean, includes: Includes): BenchRow => {
  const each = 2000;
  const times = inTurns(
    () => {
      for (let n = 0; n < each; n += 1) clean(ENTRY);
    },
    () => {
      for (let n = 0; n < each; n += 1) includes(ENTRY);
    },
  );
  const [own, naive] = [median(times.own) / each, median(times.naive) / each];
  return benchRow({
    key: 'withhold.entry',
    row: 'secrets withheld from an entry of the journal',
    figure: renderMs(own),
    baseline: `${renderMs(naive)} (\`includes\` of the same ${SECRETS.length} values)`,
    value: own,
    baselineValue: naive,
    unit: 'ms',
    tolerance: 0.4,
    goal: 'none set',
    met: undefined,
    method:
      `processor time, median of ${ROUNDS} interleaved rounds of ${each}, ${renderSpread(times.own)}; an entry of ` +
      `${ENTRY.length} characters`,
  });
};

const ROUNDS = 15;
/** In which the compiler is still at work. */
const WARM_UP = 3;

/** Of every kind that a home has: keys, tokens, a URL with a password, a passphrase. */
const SECRETS = [
  'sk-ant-api03-Zq8fK2mVx7Lw9RtY4uBn6cHs1dJe5gPa3oQi0TzXvCyMkWbNrEfDhUlSj-AAAA',
  'sk-ant-oat01-b7Rk1Ws9QeXz4TnYc6Mv2LpHd8GjFa3UoKi5',
  'ghp_9fQ2xLr7VbT4mKc8ZpWd1NsYh6JgEu3AoRtB',
  'github_pat_11ABCDEFG0hJkLmNpQrStU_vWxYz2345678901aBcDeFgHiJkLmNoP',
  '7123456789:AAHk3vQz9XwR2mTbLc5YpNs8dGfJe1Ua6Ko',
  'https://discord.com/api/webhooks/118273645546372819/kV9mQ2xTzR7bLc4WpNs8YdGhJf3Ua6Ko1Ee5Tt0Ii',
  'postgres://winnow:Tq7%21vLp9xZ2mRk@db.internal:5432/factory',
  'redis://:p4Ssw0rdOfTheCache@cache.internal:6379',
  'xoxb-204837461920-384756102938-aB3dE5fG7hJ9kL1mN3pQ5rS7',
  'AKIAZ7QW3ERT5YUI9OPL',
  'wJalrXUtnFEMI+K7MDENG+bPxRfiCYzEXAMPLEKEYZZ',
  'the heron waits for nobody in particular',
];

/** A journal’s common entry. */
const ENTRY = JSON.stringify({
  type: 'check_ran',
  project: 'api',
  session: 's1',
  cycle: '01JABCDEFGHJKMNPQRSTVWXYZ0',
  data: {
    check: 'tests',
    tree: 'a1b2c3d4e5f60718293a4b5c6d7e8f9011121314',
    key: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    state: 'evaluated',
    green: true,
    exitCode: 0,
    figures: { problems: 0, passed: 812, failed: 0, skipped: 3 },
    durationMs: 12_345,
    waitedMs: 17,
  },
});

/** Lines as Claude Code writes them, with a file of this repository in each. */
const transcript = (): string => {
  const root = join(import.meta.dirname, '../src');
  const files = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files
    .sort()
    .map((file) => {
      const content = [{ type: 'tool_result', content: fs.readFileSync(join(root, file), 'utf8') }];
      return `${JSON.stringify({ type: 'user', message: { role: 'user', content } })}\n`;
    })
    .join('');
};

/** What finds nothing is fast. */
const proveThatItFinds = (clean: Clean): void => {
  for (const secret of SECRETS) {
    const disguises = [secret, Buffer.from(`token=${secret}`).toString('base64'), Buffer.from(secret).toString('hex')];
    for (const disguise of disguises) {
      if (!clean(`said: ${disguise} .`).includes(WITHHELD)) throw new Error(`not withheld: ${disguise}`);
    }
  }
};

/** Milliseconds of processor time of each round: it is nothing but computing, and waiting for a processor is none of it. */
const inTurns = (own: () => void, naive: () => void): { own: number[]; naive: number[] } => {
  const times = { own: [] as number[], naive: [] as number[] };
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const taken = { own: time(own), naive: time(naive) };
    if (round < WARM_UP) continue;
    times.own.push(taken.own);
    times.naive.push(taken.naive);
  }
  return times;
};

const time = (deed: () => void): number => {
  const begin = process.cpuUsage();
  deed();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
};
