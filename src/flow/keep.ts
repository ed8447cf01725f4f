import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { ok, type Result } from '../base/result.ts';
import type { Failure } from '../model/failure.ts';
import { TreeReport } from '../model/report.ts';
import type { QueuedBranch } from '../model/state.ts';
import { Comparison, Finding } from '../model/verdict.ts';
import { fileNameOf } from '../policy/retention.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import type { Workshop } from './workshop.ts';

/** What is too large for a line of the journal lies in a file under logs/; the entry names it relative to the home. */
export const writeReport = (shop: Workshop, name: string, content: unknown): string => {
  const file = join(shop.paths.reports, `${name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic.sync(file, `${JSON.stringify(content)}\n`);
  return relative(shop.paths.home, file);
};

/** Keeps a change that is not pushed: nothing that a session made is ever lost. Returns the file, or undefined. */
export const keepPatch = async (
  shop: Workshop,
  mirror: Mirror,
  input: { name: string; from: string; to: string },
): Promise<string | undefined> => {
  const file = join(shop.paths.patches, `${input.name}.patch`);
  mkdirSync(dirname(file), { recursive: true });
  const written = await mirror.writePatch(input.from, input.to, file);
  return written.ok ? withheldPatch(shop, file) : undefined;
};

/** The work stays; only values that are secret on this machine do not, and a patch without one is not touched. */
const withheldPatch = (shop: Workshop, file: string): string => {
  // One character a byte, so that what is no UTF-8 comes through as it was.
  const text = readFileSync(file, 'latin1');
  const clean = shop.redact(text);
  if (clean !== text) writeFileAtomic.sync(file, clean, { encoding: 'latin1' });
  return relative(shop.paths.home, file);
};

/** A branch's own change as a file, and its commit in the mirror: a person may still want it. */
export const keepBranch = async (
  shop: Workshop,
  mirror: Mirror,
  { branch, commit, base }: Pick<QueuedBranch, 'branch' | 'commit' | 'base'>,
): Promise<Result<string, Failure>> => {
  const first = await mirror.keep(branch, commit);
  // What nobody has looked at yet is in the remote alone.
  const fetched = first.ok ? undefined : await mirror.fetchBranch(branch);
  const kept = fetched?.ok && fetched.value === commit ? await mirror.keep(branch, commit) : first;
  if (!kept.ok) return kept;
  // The base is the tip that it was judged on, which may be newer than where it parted.
  const from = (await mirror.mergeBase(base, commit)) ?? base;
  const file = join(shop.paths.patches, `${fileNameOf(branch)}.patch`);
  mkdirSync(dirname(file), { recursive: true });
  const written = await mirror.writePatch(from, commit, file);
  return written.ok ? ok(withheldPatch(shop, file)) : written;
};

/** What `evaluate` wrote of a cycle: the whole reports before and after, and how they differ. */
const KeptReport = z.object({
  comparison: Comparison,
  findings: z.array(Finding),
  baseline: TreeReport,
  result: TreeReport,
});
export type KeptReport = z.infer<typeof KeptReport>;

/** Undefined when there is none, or none that can be read. */
export const readReport = (paths: Pick<Workshop['paths'], 'reports'>, cycle: string): KeptReport | undefined => {
  try {
    return KeptReport.parse(JSON.parse(readFileSync(join(paths.reports, `${basename(cycle)}.json`), 'utf8')));
  } catch {
    return undefined;
  }
};
