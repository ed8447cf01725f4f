import { ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import type { Git } from './git.ts';
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
  const contents = await git.done(call);
  if (!contents.ok) return contents;
  const pointers = new Set<string>();
  // A header is a line of its own, and the content begins right after it; content cannot forge a name that is asked for
  // and its size, since it would have to hold its own hash.
  for (const [, oid = ''] of contents.value.matchAll(HEADER_AND_POINTER)) if (small.has(oid)) pointers.add(oid);
  return ok(blobs.filter(({ oid }) => pointers.has(oid)).map(({ path }) => path));
};

const HEADER_AND_POINTER = new RegExp(`^([0-9a-f]{40,64}) blob \\d+\\n${LFS_POINTER.replaceAll('.', '\\.')}\\s`, 'gm');

const lines = (names: string[]): string => names.map((name) => `${name}\n`).join('');
