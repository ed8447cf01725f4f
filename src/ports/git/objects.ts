import { open, rename, rm } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { type Git, gitFailure } from './git.ts';
import type { Author, Diff, DiffFile, Mirror } from './mirror.ts';

/** What is done with commits and trees alone: no checkout, no index, no ref. */
export type Objects = Pick<
  Mirror,
  'treeOf' | 'mergeTree' | 'diff' | 'patch' | 'history' | 'writePatch' | 'readFile' | 'listFiles' | 'commitTree'
>;

/** Longest path git and the file systems take; bounds what a listing of `limit` paths may print. */
const PATH_MAX_BYTES = 4096;
/** The same patch whoever's git makes it: plain prefixes, whole names, no colour, no program of anybody's. */
const PATCH = [
  'diff-tree --patch --binary --full-index --find-renames',
  '--no-color --no-ext-diff --no-textconv --src-prefix=a/ --dst-prefix=b/',
].flatMap((line) => line.split(' '));

export const createObjects = ({ git, gitDir }: { git: Git; gitDir: string }): Objects => ({
  treeOf: (commitish) => git.ask(gitDir, ['rev-parse', '--verify', '--end-of-options', `${commitish}^{tree}`]),

  mergeTree: async (ours, theirs) => {
    const call = { gitDir, args: ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs] };
    const output = await git.run(call);
    const [tree = '', ...paths] = output.stdout.toString('utf8').split('\0');
    if (output.exitCode === 0) return ok({ tree });
    if (output.exitCode === 1 && tree !== '') return ok({ conflicts: [...new Set(paths.filter((p) => p !== ''))] });
    return err(gitFailure(call, output));
  },

  diff: async (from, to) => {
    const args = ['diff-tree', '-r', '-z', '--raw', '--numstat', '--find-renames', '--abbrev=40', '--no-ext-diff'];
    const output = await git.done({ gitDir, args: [...args, '--no-textconv', from, to] });
    return output.ok ? ok(parseDiff(output.value)) : output;
  },

  patch: async (from, to, maxBytes) => {
    const call = { gitDir, args: [...PATCH, from, to], outputMaxBytes: maxBytes };
    const output = await git.run(call);
    if (output.cut) {
      // A decoder holds back the half of a character at the cut.
      return ok({ text: new StringDecoder('utf8').write(output.stdout.subarray(0, maxBytes)), truncated: true });
    }
    if (output.exitCode !== 0) return err(gitFailure(call, output));
    return ok({ text: output.stdout.toString('utf8'), truncated: false });
  },

  history: async (from, to, maxBytes) => {
    const args = ['log', '--patch', '--text', '--unified=0', '--no-renames', '--no-color', '--no-ext-diff'];
    const range = ['--no-textconv', '--format=%an <%ae>%n%B', '--end-of-options', `${from}..${to}`];
    const call = { gitDir, args: [...args, ...range], outputMaxBytes: maxBytes };
    const output = await git.run(call);
    if (!output.cut && output.exitCode !== 0) return err(gitFailure(call, output));
    return ok({ text: output.stdout.subarray(0, maxBytes).toString('utf8'), truncated: output.cut });
  },

  writePatch: async (from, to, file) => {
    const draft = `${file}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
    try {
      const written = await git.done({ gitDir, args: [...PATCH, from, to], outputFile: draft });
      if (!written.ok) return written;
      await syncFile(draft);
      await rename(draft, file);
      return ok(undefined);
    } catch (error) {
      const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      return failed(full ? 'disk-full' : 'git-failed', `the patch ${file} cannot be written: ${String(error)}`);
    } finally {
      await rm(draft, { force: true });
    }
  },

  readFile: async (treeish, path, maxBytes) => {
    if (/[\n\0]/.test(path)) return undefined;
    // A context file is often a link to another (CLAUDE.md -> AGENTS.md); git follows it within the tree only.
    const args = ['cat-file', '--batch-check', '--follow-symlinks'];
    const found = await git.run({ gitDir, args, input: `${treeish}:${path}\n` });
    const [, oid, size] = /^([0-9a-f]{40,64}) blob (\d+)\n$/.exec(found.stdout.toString('utf8')) ?? [];
    if (oid === undefined || Number(size) > maxBytes) return undefined;
    const content = await git.run({ gitDir, args: ['cat-file', 'blob', oid] });
    return content.exitCode === 0 ? content.stdout.toString('utf8') : undefined;
  },

  listFiles: async (treeish, limit) => {
    const outputMaxBytes = limit * (PATH_MAX_BYTES + 1);
    const args = ['ls-tree', '-r', '-z', '--name-only', '--full-tree', treeish];
    const output = await git.run({ gitDir, args, outputMaxBytes: Math.min(outputMaxBytes, 256 * 1024 * 1024) });
    return output.stdout
      .toString('utf8')
      .split('\0')
      .filter((name) => name !== '')
      .slice(0, limit);
  },

  commitTree: ({ tree, parents, message, author, at }) => {
    const by = { ...author, date: dateOf(at) };
    return writeCommit({ git, gitDir }, { tree, parents, message, author: by, committer: by });
  },
});

/** Who and when, as git writes it: seconds and zone. */
export interface Signature extends Author {
  date: string;
}

/** The date by which git dates: seconds since 1970 in UTC; the sign keeps it from guessing at small ones. */
export const dateOf = (atMs: number): string => `@${Math.floor(atMs / 1000)} +0000`;

/** A commit object: the same name for the same words, wherever and whenever it is made. */
export const writeCommit = async (
  { git, gitDir }: { git: Git; gitDir: string },
  commit: { tree: string; parents: string[]; message: string; author: Signature; committer: Signature },
): Promise<Result<string, Failure>> => {
  const { author, committer } = commit;
  const written = await git.done({
    gitDir,
    args: ['commit-tree', commit.tree, ...commit.parents.flatMap((parent) => ['-p', parent]), '-F', '-'],
    env: {
      GIT_AUTHOR_NAME: plain(author.name) || 'Winnow',
      GIT_AUTHOR_EMAIL: plain(author.email) || 'winnow@localhost',
      GIT_AUTHOR_DATE: author.date,
      GIT_COMMITTER_NAME: plain(committer.name) || 'Winnow',
      GIT_COMMITTER_EMAIL: plain(committer.email) || 'winnow@localhost',
      GIT_COMMITTER_DATE: committer.date,
    },
    // git refuses a message with a NUL in it; a commit must not fail for what a model wrote.
    input: `${commit.message.replaceAll('\0', '').trimEnd()}\n`,
  });
  return written.ok ? ok(written.value.trim()) : written;
};

/** `--raw --numstat -z`: first all raw records, then the counts in the same order. */
const parseDiff = (text: string): Diff => {
  const fields = text.split('\0');
  const files: DiffFile[] = [];
  let at = 0;
  for (; fields[at]?.startsWith(':'); at += 1) {
    const [oldMode = '', newMode = '', , , letter = ''] = fields[at]!.slice(1).split(' ');
    const status = STATUS[letter[0] ?? ''] ?? 'modified';
    at += 1;
    const first = fields[at] ?? '';
    const file = { path: first, status, added: 0, removed: 0, binary: false, oldMode, newMode };
    if (status === 'renamed') {
      at += 1;
      files.push({ ...file, path: fields[at] ?? '', from: first });
    } else files.push(file);
  }
  for (const file of files) {
    const [added = '', removed = ''] = (fields[at] ?? '').split('\t');
    at += file.from === undefined ? 1 : 3;
    file.binary = added === '-';
    file.added = Number(added) || 0;
    file.removed = Number(removed) || 0;
  }
  return {
    files,
    added: files.reduce((sum, file) => sum + file.added, 0),
    removed: files.reduce((sum, file) => sum + file.removed, 0),
  };
};

const STATUS: Record<string, DiffFile['status']> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  T: 'type-changed',
};

/** Without what git would misread in a name. */
const plain = (text: string): string => text.replace(/[<>\0\r\n]/g, '').trim();

const syncFile = async (file: string): Promise<void> => {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
