import { ok } from '../../base/result.ts';
import type { Git } from './git.ts';
import type { Mirror } from './mirror.ts';
import { isBranchName } from './ref-name.ts';

/** What is asked of commits and what is made of them without a merge. */
export const createCommits = ({
  git,
  gitDir,
  objects,
}: {
  git: Git;
  gitDir: string;
  objects: Pick<Mirror, 'treeOf' | 'commitTree'>;
}): Pick<Mirror, 'commits' | 'commitsOfSessions' | 'parentOf' | 'revertOf' | 'resolve'> => ({
  commits: async (from, to, limit) => {
    const args = ['log', '-z', `--max-count=${limit}`, '--encoding=UTF-8', '--no-show-signature', '--no-notes'];
    const range = ['--format=%H%n%an <%ae>%n%s', '--end-of-options', `${from}..${to}`];
    const output = await git.run({ gitDir, args: [...args, ...range] });
    if (output.exitCode !== 0) return [];
    const records = output.stdout.toString('utf8').split('\0');
    return records
      .filter((record) => record !== '')
      .map((record) => {
        const [commit = '', author = '', ...subject] = record.split('\n');
        return { commit, author, subject: subject.join(' ') };
      });
  },

  commitsOfSessions: async (tip, limit) => {
    const args = ['log', '-z', `--max-count=${limit}`, '--encoding=UTF-8', '--no-show-signature', '--no-notes'];
    const session = '%(trailers:key=Winnow-Session,valueonly=true,separator=%x1f)';
    const output = await git.run({
      gitDir,
      args: [...args, `--format=%H%n%ct%n${session}%n%s`, '--end-of-options', tip],
    });
    if (output.exitCode !== 0) return [];
    return output.stdout
      .toString('utf8')
      .split('\0')
      .flatMap((record) => {
        const [commit = '', seconds = '', names = '', ...subject] = record.split('\n');
        // The last one is Winnow's own: whatever else a message says was there before it.
        const name = names.split('\x1f').at(-1)?.trim() ?? '';
        return name === '' ? [] : [{ commit, session: name, subject: subject.join(' '), atMs: Number(seconds) * 1000 }];
      });
  },

  parentOf: async (commit) => {
    const parent = await git.ask(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^1`]);
    return parent.ok ? parent.value : undefined;
  },

  revertOf: async ({ from, to }, message, author, at) => {
    const tree = await objects.treeOf(from);
    if (!tree.ok) return tree;
    const commit = await objects.commitTree({ tree: tree.value, parents: [to], message, author, at });
    return commit.ok ? ok({ commit: commit.value, tree: tree.value }) : commit;
  },

  resolve: async (name) => {
    if (SOME_DIGITS.test(name)) {
      // By digits alone: rev-parse on the text itself would also take a ref of that name.
      const alike = await git.ask(gitDir, ['rev-parse', `--disambiguate=${name.toLowerCase()}`]);
      if (!alike.ok || alike.value === '') return undefined;
      const input = `${alike.value}\n`;
      const types = await git.run({ gitDir, args: ['cat-file', '--batch-check=%(objectname) %(objecttype)'], input });
      const commits = [...types.stdout.toString('utf8').matchAll(/^([0-9a-f]+) commit$/gm)].map((match) => match[1]);
      return commits.length === 1 ? commits[0] : undefined;
    }
    if (!isBranchName(name)) return undefined;
    const refs = name.startsWith('refs/') ? [name] : [`refs/winnow/${name}`, `refs/remotes/origin/${name}`];
    for (const ref of refs) {
      const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
      const found = await git.ask(gitDir, args);
      if (found.ok) return found.value;
    }
    return undefined;
  },
});

/** Fewer than four git itself does not take for a name. */
const SOME_DIGITS = /^[0-9a-f]{4,64}$/i;
