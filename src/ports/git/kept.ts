import { err, ok } from '../../base/result.ts';
import type { Git } from './git.ts';
import type { Mirror } from './mirror.ts';

/** The commits that a mirror holds by a name of Winnow's own, under refs/winnow/. */
export const createKept = ({ git, gitDir }: { git: Git; gitDir: string }): Pick<Mirror, 'kept' | 'mergeBase'> => ({
  kept: async () => {
    const format = '--format=%(objectname) %(committerdate:unix) %(refname)';
    const listed = await git.ask(gitDir, ['for-each-ref', format, 'refs/winnow/']);
    if (!listed.ok) return err(listed.error);
    return ok(
      listed.value.split('\n').flatMap((line) => {
        const [, commit, seconds, name] = /^(\S+) (\d*) refs\/winnow\/(.+)$/.exec(line) ?? [];
        return commit && name ? [{ name, commit, atMs: Number(seconds) * 1000 }] : [];
      }),
    );
  },
  mergeBase: async (one, other) => {
    const found = await git.run({ gitDir, args: ['merge-base', one, other] });
    return found.exitCode === 0 ? found.stdout.toString('utf8').trim() : undefined;
  },
});
