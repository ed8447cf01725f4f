import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { ok } from '../src/base/result.ts';
import { compareRuns } from './compare.ts';
import { FIGURES_PAGE, figuresPageWith } from './figures-page.ts';
import { GROUPS, type Group } from './groups.ts';
import { BASELINE, type Options, parseOptions, USAGE } from './options.ts';
import { renderComparison, renderComparisonMarkdown, renderMarkdown, renderTable } from './render.ts';
import { type BenchRow, benchRow } from './row.ts';
import { readStored, renderStored, type StoredRun, storedRun } from './stored.ts';

/**
 * `npm run bench`: what Winnow costs, each row beside a baseline that was measured in the same run. Progress goes to
 * standard error, the table to standard output.
 */
const bench = async (options: Options): Promise<number> => {
  const then = options.compare === undefined ? undefined : readStored(options.compare);
  if (then && !then.ok) return refuse(then.error);
  const now = options.from === undefined ? ok(await measure(options)) : readStored(options.from);
  if (!now.ok) return refuse(now.error);
  const chosen = ofGroups(now.value, options);
  if (chosen.rows.length === 0) return refuse(`${options.from} has no row of --only ${options.only}`);
  if (options.save) save(chosen);
  if (then === undefined) {
    const { form } = options;
    print(form === 'json' ? renderStored(chosen) : form === 'markdown' ? renderMarkdown(chosen) : renderTable(chosen));
    return 0;
  }
  const comparison = compareRuns(then.value, chosen);
  switch (options.form) {
    case 'json':
      print(renderStored({ ...chosen, comparison }));
      break;
    case 'markdown':
      print(renderComparisonMarkdown(comparison));
      break;
    case 'table':
      print(renderComparison(comparison));
      break;
    default:
      options.form satisfies never;
  }
  return comparison.fails ? 1 : 0;
};

const measure = async ({ groups, only }: Options): Promise<StoredRun> => {
  // What is started as a process is the compiled program, built from what is measured.
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const machine = {
    date: new Date().toISOString(),
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    loadBefore: os.loadavg()[0] ?? 0,
  };
  const startedMs = performance.now();
  const rows: BenchRow[] = [];
  for (const [index, group] of groups.entries()) {
    say(`${index + 1}/${groups.length} ${group.name} …`);
    const begunMs = performance.now();
    rows.push(...(await rowsOf(group)));
    say(`    ${((performance.now() - begunMs) / 1000).toFixed(0)} s, load ${os.loadavg()[0]?.toFixed(1)}`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const run = { ...machine, loadAfter: os.loadavg()[0] ?? 0, seconds, only };
  return storedRun(run, rows);
};

/** One part that cannot be measured on this machine must not cost the others. */
const rowsOf = async (group: Group): Promise<BenchRow[]> => {
  let rows: BenchRow[];
  try {
    rows = await group.measure();
  } catch (error) {
    return group.keys.map((key) => notMeasured(key, group, error));
  }
  const whole = GROUPS.find(({ name }) => name === group.name)!.keys;
  const keys = rows.map(({ key }) => key);
  if (keys.toSorted().join() !== whole.toSorted().join())
    throw new Error(`${group.name} measured ${keys.join(', ')} where groups.ts has ${whole.join(', ')}`);
  return rows;
};

const notMeasured = (key: string, { name }: Group, error: unknown): BenchRow =>
  benchRow({
    key,
    row: `${name}: ${key}`,
    figure: 'could not be measured here',
    baseline: 'none',
    value: undefined,
    unit: 'ms',
    tolerance: 0,
    goal: '–',
    met: undefined,
    method: error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error),
  });

/** Of a whole run only what was asked for. */
const ofGroups = (stored: StoredRun, { groups, only }: Options): StoredRun => {
  if (only === undefined) return stored;
  const keys = new Set(groups.flatMap((group) => group.keys));
  return storedRun(
    { ...stored.run, only },
    stored.rows.filter(({ key }) => keys.has(key)),
  );
};

const save = (stored: StoredRun): void => {
  const missing = stored.rows.filter(({ value }) => value === undefined).map(({ key }) => key);
  if (missing.length > 0) say(`kept without what could not be measured here: ${missing.join(', ')}`);
  writeFileSync(BASELINE, renderStored(stored));
  writeFileSync(FIGURES_PAGE, figuresPageWith(stored));
  say(`written: ${BASELINE} and ${FIGURES_PAGE}; the words around the table are yours`);
};

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const print = (text: string): void => {
  process.stdout.write(text);
};

const refuse = (sentence: string): 2 => {
  say(sentence);
  return 2;
};

const listGroups = (): string => GROUPS.map(({ name, keys }) => `${name}\n  ${keys.join('\n  ')}\n`).join('');

const main = async (): Promise<number> => {
  const options = parseOptions(process.argv.slice(2));
  if (!options.ok) return refuse(`${options.error}\n\n${USAGE}`);
  switch (options.value.deed) {
    case 'help':
      print(USAGE);
      return 0;
    case 'list':
      print(listGroups());
      return 0;
    case 'run':
      return bench(options.value);
    default:
      return options.value.deed satisfies never;
  }
};

// Something that was measured may still hold a watch or a socket open.
process.exit(await main());
