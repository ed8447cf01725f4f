import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { err, ok, type Result } from '../src/base/result.ts';
import type { BenchRow } from './row.ts';

/** What is unknown is left out of JSON, and is undefined in the row. */
const known = <T>(schema: z.ZodType<T>) => schema.optional().transform((value) => value);

/** A run as it is kept: the machine, the day and the rows, so that a later one can be compared with it. */
const BenchRun = z.object({
  date: z.iso.datetime(),
  cores: z.number(),
  processor: z.string(),
  memoryGb: z.number(),
  kernel: z.string(),
  node: z.string(),
  /** Processes that wanted to run, over the last minute. */
  loadBefore: z.number(),
  loadAfter: z.number(),
  seconds: z.number(),
  /** Only these groups and rows were asked for. */
  only: known(z.string()),
});
export type BenchRun = z.infer<typeof BenchRun>;

const StoredRow = z.object({
  key: z.string().regex(/^[a-z]+\.[a-z0-9-]+$/),
  row: z.string(),
  figure: z.string(),
  baseline: z.string(),
  value: known(z.number()),
  // Not the list of today: a run of tomorrow may have another unit, and is not compared then.
  unit: z.string(),
  baselineValue: known(z.number()),
  ratio: known(z.number()),
  better: z.enum(['less', 'more']),
  tolerance: z.number().min(0),
  goal: z.string(),
  met: known(z.boolean()),
  method: z.string(),
});
/** A row of any version of the benchmark. */
export type StoredRow = Omit<BenchRow, 'unit'> & { unit: string };

/** Raised when rows of before cannot be compared any more with those of after. */
const FORMAT = 1;

const StoredRun = z.object({ format: z.literal(FORMAT), run: BenchRun, rows: z.array(StoredRow).min(1) });
export interface StoredRun {
  format: typeof FORMAT;
  run: BenchRun;
  rows: readonly StoredRow[];
}

export const storedRun = (run: BenchRun, rows: readonly StoredRow[]): StoredRun => ({ format: FORMAT, run, rows });

export const renderStored = (stored: object): string => `${JSON.stringify(stored, undefined, 2)}\n`;

/** The run in a file, or a sentence saying why there is none. */
export const readStored = (file: string): Result<StoredRun, string> => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(error);
    return err(`${file}: ${reason}`);
  }
  const parsed = parseStored(text);
  return parsed.ok ? parsed : err(`${file}: ${parsed.error}`);
};

export const parseStored = (text: string): Result<StoredRun, string> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('no run of the benchmark: it is not JSON; `npm run bench -- --json` writes one');
  }
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== FORMAT)
    return err(`of format ${format}, and this benchmark reads ${FORMAT}; measure again with --save`);
  const parsed = StoredRun.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`no run of the benchmark: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  const keys = parsed.data.rows.map(({ key }) => key);
  const twice = keys.find((key, n) => keys.indexOf(key) !== n);
  return twice === undefined ? ok(parsed.data) : err(`no run of the benchmark: two rows are called ${twice}`);
};
