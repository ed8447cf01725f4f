import { err, ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import { type Git, gitFailure } from './git.ts';
import type { Mirror, Traits } from './mirror.ts';

/** What lines do not show of a change: submodules, files that are kept elsewhere, binaries, a storm of renames. */
export const traitsOf = async (
  { git, gitDir, diff }: { git: Git; gitDir: string; diff: Mirror['diff'] },
  from: string,
  to: string,
): Promise<Result<Traits, Failure>> => {
  const changed = await diff(from, to);
  if (!changed.ok) return changed;
  const { files } = changed.value;
  const pointers = await lfsPointers({ git, gitDir }, from, to);
  if (!pointers.ok) return pointers;
  return ok({
    files: files.length,
    renames: files.filter(({ status }) => status === 'renamed').length,
    submodules: files.filter((file) => [file.oldMode, file.newMode].includes(GITLINK)).map((file) => file.path),
    lfsPointers: pointers.value,
    binaries: files.filter(({ binary }) => binary).map((file) => file.path),
  });
};

const GITLINK = '160000';
const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1';
/** By its specification a pointer is smaller. */
const LFS_POINTER_MAX_BYTES = 1024;

const lfsPointers = async (
  { git, gitDir }: { git: Git; gitDir: string },
  from: string,
  to: string,
): Promise<Result<string[], Failure>> => {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--diff-filter=AMT', '--no-abbrev', '--no-ext-diff'];
  const listed = await git.done({ gitDir, args: [...args, from, to] });
  if (!listed.ok) return listed;
  const fields = listed.value.split('\0');
  const blobs: { oid: string; path: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', , oid = ''] = fields[at]!.split(' ');
    if (mode.startsWith('100')) blobs.push({ oid, path: fields[at + 1]! });
  }
  if (blobs.length === 0) return ok([]);
  const sizes = await git.done({
    gitDir,
    args: ['cat-file', '--batch-check=%(objectname) %(objectsize)'],
    input: lines(blobs.map(({ oid }) => oid)),
  });
  if (!sizes.ok) return sizes;
  const small = new Set<string>();
  for (const [, oid = '', size] of sizes.value.matchAll(/^([0-9a-f]+) (\d+)$/gm)) {
    if (Number(size) < LFS_POINTER_MAX_BYTES && Number(size) > LFS_POINTER.length) small.add(oid);
  }
  if (small.size === 0) return ok([]);
  const call = { gitDir, args: ['cat-file', '--batch'], input: lines([...small]) };
  const output = await git.run(call);
  if (output.exitCode !== 0) return err(gitFailure(call, output));
  const pointers = pointersIn(output.stdout);
  return ok(blobs.filter(({ oid }) => pointers.has(oid)).map(({ path }) => path));
};

/**
 * Read by the sizes in the headers, in bytes: what stands in a file may look like the header of another one.
 * For each: `<name> blob <size>`, a line break, the content, a line break.
 */
const pointersIn = (batch: Buffer): Set<string> => {
  const pointers = new Set<string>();
  for (let at = 0; at < batch.length; ) {
    const end = batch.indexOf(0x0a, at);
    if (end < 0) break;
    const [oid = '', , size] = batch.toString('latin1', at, end).split(' ');
    const content = end + 1;
    at = content + 1 + (Number(size) || 0);
    if (IS_POINTER.test(batch.toString('latin1', content, at - 1))) pointers.add(oid);
  }
  return pointers;
};

const IS_POINTER = new RegExp(`^${LFS_POINTER.replaceAll('.', '\\.')}\\s`);

const lines = (names: string[]): string => names.map((name) => `${name}\n`).join('');
