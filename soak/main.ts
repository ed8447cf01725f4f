import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fastTemp } from '../test/fast-temp.ts';
import { type Day, liveDay } from './day.ts';
import { megabytes } from './held.ts';
import { agrees, type Row, WANTED } from './rows.ts';
import type { Life } from './world.ts';

/** `npm run soak`: a day of a factory in minutes, with troubles; at its end every number has to agree with all others. */

const USAGE = `npm run soak -- [options]

  --seed S     makes the same choices again (default: of this moment)
  --json       one line of JSON: the whole day
  --keep DIR   keeps the day there: that line in day.json, and the logs of its home
  --help       this
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'boolean', default: false },
    keep: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const soak = async (): Promise<number> => {
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0) {
    process.stderr.write(`--seed: expected a whole number from 0 on\n\n${USAGE}`);
    return 2;
  }
  // Homes are made where the temporary directory is.
  process.env.TMPDIR = fastTemp();
  const day = await liveDay(seed, values.keep, values.json ? () => {} : say);
  if (values.keep !== undefined) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(join(values.keep, 'day.json'), `${JSON.stringify(day)}\n`);
  }
  if (values.json) say(JSON.stringify(day));
  else for (const line of renderDay(day)) say(line);
  return day.losses.length === 0 ? 0 : 1;
};

const renderDay = (day: Day): string[] => {
  const { seed, seconds, count, rows, lives, losses, sampled, struck } = day;
  const real = Object.entries(sampled).map(([what, runs]) => `${runs} ${what}`);
  const differ = rows.filter((row) => !agrees(row)).length;
  return [
    '',
    `A day of a factory, seed ${seed}: ${seconds.toFixed(0)} s, ${count.entries} entries, ${count.runs} runs (of the real Claude Code: ${real.join(', ')}), ${struck.length} troubles, ${lives.length} lives of winnow up`,
    '',
    ...table(
      ['what the day had', 'least', 'had'],
      Object.entries(WANTED).map(([what, { least, of }]) => [what, String(least), String(of(count))]),
    ),
    '',
    ...table(['number', 'as Winnow tells it', 'journal', 'git, files, others', ''], rows.map(rowCells)),
    '',
    ...table(['life', 'from', 'to', 'ended', 'heap', 'resident', 'files', 'timers'], lives.map(lifeCells)),
    '',
    ...losses.map((loss) => `LOST  ${loss}`),
    ...(losses.length > 0
      ? [`      again: npm run soak -- --seed ${seed}`, day.evidence.replace(/^/gm, '      | ')]
      : []),
    `${rows.length - differ} of ${rows.length} numbers agree; ${losses.length === 0 ? 'nothing was lost' : `${losses.length} losses`}`,
  ];
};

/** Whole numbers and cents; a sum of fractions is no longer than that. */
const figure = (value: number | string): string =>
  typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value);

const rowCells = (row: Row): string[] => {
  const sources = (of: Row['told']) => {
    const values = [...new Set(Object.values(of).map(figure))];
    const names = Object.keys(of);
    // One figure of several sources is told once.
    if (values.length === 1) return `${values[0]} (${names.join(', ')})`;
    return names.map((name) => `${name} ${figure(of[name]!)}`).join(', ');
  };
  const world = row.world ? sources(row.world) : '';
  return [row.what, sources(row.told), figure(row.journal), world, agrees(row) ? 'agrees' : 'DIFFERS'];
};

const lifeCells = ({ pid, fromMs, toMs, end, held }: Life, n: number): string[] => {
  const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const [first, last] = [held[0], held.at(-1)];
  const trend = (of: (one: NonNullable<typeof first>) => string) =>
    first && last ? (first === last ? of(first) : `${of(first)} → ${of(last)}`) : '';
  return [
    `${n + 1} (pid ${pid})`,
    clock(fromMs),
    toMs === undefined ? '' : clock(toMs),
    end ?? '',
    trend(({ heapBytes }) => megabytes(heapBytes)),
    trend(({ rssBytes }) => megabytes(rssBytes)),
    trend(({ files }) => String(files)),
    trend(({ timers }) => String(timers)),
  ];
};

const table = (head: string[], rows: string[][]): string[] => {
  const widths = head.map((cell, n) => Math.max(cell.length, ...rows.map((row) => row[n]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n]!))
      .join('  ')
      .trimEnd(),
  );
};

if (values.help) say(USAGE);
else process.exitCode = await soak();
