import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Diff, DiffFile } from '../../src/ports/git/mirror.ts';

/** A one-hunk patch of one file from lines that begin with ' ', '-' or '+'. */
export const edit = (path: string, ...lines: string[]): string => {
  const old = lines.filter((line) => !line.startsWith('+')).length;
  const created = lines.filter((line) => !line.startsWith('-')).length;
  return (
    `diff --git a/${path} b/${path}\nindex 1111111..2222222 100644\n--- a/${path}\n+++ b/${path}\n` +
    `@@ -1,${old} +1,${created} @@\n${lines.join('\n')}\n`
  );
};

type Tree = Record<string, string | { link: string }>;

/** What git itself says about the change from one tree to another: the exact diff and the patch. */
export const gitDiff = (before: Tree, after: Tree): { diff: Diff; patch: string } => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-tamper-'));
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false', ...args], {
      cwd: dir,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    });
  const commit = (tree: Tree): void => {
    for (const [path, content] of Object.entries(tree)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      if (typeof content === 'string') writeFileSync(join(dir, path), content);
      else symlinkSync(content.link, join(dir, path));
    }
    git('add', '-A', '-f');
    git('commit', '-q', '--allow-empty', '-m', 'x');
    for (const path of Object.keys(tree)) rmSync(join(dir, path));
  };
  try {
    git('init', '-q');
    commit(before);
    commit(after);
    const range = ['HEAD~1', 'HEAD'];
    const patch = git('diff', '--binary', '-M', ...range);
    const files = filesOf(git('diff', '--raw', '-z', '-M', '--no-abbrev', ...range));
    return { diff: { files, added: 0, removed: 0 }, patch };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

const STATUS = { A: 'added', M: 'modified', D: 'deleted', R: 'renamed', T: 'type-changed' } as const;

const filesOf = (raw: string): DiffFile[] => {
  const fields = raw.split('\0');
  const files: DiffFile[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [oldMode = '', newMode = '', , , letter = ''] = (fields[i] ?? '').slice(1).split(' ');
    const status = STATUS[letter[0] as keyof typeof STATUS];
    const from = status === 'renamed' ? fields[i + 1] : undefined;
    if (from !== undefined) i += 1;
    const path = fields[i + 1] as string;
    files.push({
      path,
      ...(from === undefined ? {} : { from }),
      status,
      added: 0,
      removed: 0,
      binary: false,
      oldMode,
      newMode,
    });
  }
  return files;
};
