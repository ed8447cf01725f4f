import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import type { Mirror } from './mirror.ts';
import type { Move, OwnerCheckouts } from './owner-checkouts.ts';
import type { Remote, Source } from './remote.ts';

/**
 * Moves a branch in the remote by compare-and-swap. Whatever the push says, where the branch stands afterwards is
 * what counts: an answer can get lost, and a push repeated after a crash has been done already.
 */
export const createMoveMain = ({
  remote,
  checkouts,
  source,
  branch,
  mirror,
}: {
  remote: Remote;
  /** Where the remote is a directory of this machine. */
  checkouts: OwnerCheckouts | undefined;
  source: Source;
  branch: string;
  mirror: Pick<Mirror, 'fetch' | 'isAncestor'>;
}): Mirror['moveMain'] => {
  /** `from` as long as nobody moved it. */
  const standing = async (from: string, to: string): Promise<Result<'from' | 'moved' | 'lost', Failure>> => {
    const there = await remote.branch(branch);
    if (!there.ok) return there;
    if (there.value === from) return ok('from');
    if (there.value === undefined) return ok('lost');
    if (there.value === to) return ok('moved');
    // Moved by us, and by somebody else on top of that before we could see it.
    const fetched = await mirror.fetch();
    if (!fetched.ok) return fetched;
    return ok((await mirror.isAncestor(to, fetched.value.tip)) ? 'moved' : 'lost');
  };

  const push = async (move: Move): Promise<Result<'moved' | 'lost', Failure>> => {
    const pushed = await remote.advance(branch, move.from, move.to);
    if (!pushed.ok) {
      await checkouts?.takeBack(move);
      return pushed;
    }
    const { refusal, detail } = pushed.value;
    if (refusal === undefined) return ok('moved');
    const now = await standing(move.from, move.to);
    if (!now.ok) return now;
    if (now.value !== 'moved') await checkouts?.takeBack(move);
    if (now.value !== 'from') return ok(now.value);
    // Changed between our look and git's own.
    if (DIRTY.test(refusal))
      return failed('checkout-dirty', `${source.name} did not follow ${branch}: ${refusal}`, detail);
    return failed('push-refused', `${source.name} did not let ${branch} move: ${refusal}`, detail);
  };

  return async (from, to) => {
    const before = await standing(from, to);
    if (!before.ok) return before;
    if (before.value !== 'from') return ok(before.value);
    if (!(await mirror.isAncestor(from, to))) {
      return failed('git-failed', `${to.slice(0, 12)} does not contain ${from.slice(0, 12)}, so ${branch} stays`);
    }
    if (checkouts === undefined) return push({ branch, from, to });
    const move = { branch, from, to };
    await checkouts.takeBack(move);
    const obstacle = await checkouts.inTheWay(move);
    if (!obstacle.ok) return obstacle;
    return obstacle.value === undefined ? push(move) : failed('checkout-dirty', obstacle.value);
  };
};

/** git's own words when it would not change the files of a checkout. */
const DIRTY = /Working directory has (?:un)?staged changes|Up-to-date check failed|Could not update working tree/;
