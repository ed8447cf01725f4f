import { execa } from 'execa';

/** What git knows of the day, asked of the bare remote. */
export interface RemoteView {
  /** Branches of sessions, with their commits. */
  branches: Map<string, string>;
  /** Commits of main by first parents, the newest first, each with the branch that it says it is. */
  main: { commit: string; branch: string }[];
}

export const remoteOf = async (remote: string): Promise<RemoteView> => {
  const git = async (...args: string[]) => (await execa('git', ['--git-dir', remote, ...args])).stdout;
  const refs = await git('for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads/brl');
  const log = await git(
    'log',
    '--first-parent',
    '--format=%H %(trailers:key=Winnow-Branch,valueonly,separator=%x20)',
    'main',
  );
  const pairs = (text: string) =>
    text.split('\n').flatMap((line): [string, string][] => {
      const [first = '', second = ''] = line.trim().split(' ');
      return first === '' ? [] : [[first, second]];
    });
  return { branches: new Map(pairs(refs)), main: pairs(log).map(([commit, branch]) => ({ commit, branch })) };
};
