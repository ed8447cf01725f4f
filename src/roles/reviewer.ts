import pLimit from 'p-limit';
import { journalMove, type Reviewed, reviewBranch } from '../flow/review.ts';
import type { Workshop } from '../flow/workshop.ts';
import { FailureError } from '../model/failure.ts';
import { type MachineFacts, whyHeld } from '../policy/gates.ts';
import { reviewsDue } from '../policy/review.ts';
import { clearUpProject } from './train.ts';

/**
 * Reviews what waits: a tick looks at the queue and starts a review of each branch that is due. It may run twice and in
 * several processes: whoever has a branch's lock reviews it, and what is decided is no longer due.
 */
export interface ReviewerDeps {
  shop: Workshop;
  facts: () => Promise<MachineFacts>;
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
}

export interface Reviewer {
  /** Resolves when what was due then is over. `only`: these branches and no others. */
  tick(why: 'woken' | 'sweep', only?: ReadonlySet<string>): Promise<Review[]>;
  /** Resolves when this process reviews nothing. */
  idle(): Promise<void>;
}

export type Review = { branch: string } & Reviewed;

/** More runs at once gain little: starting Claude Code needs a core, and the sessions need them too. */
const REVIEWS_AT_ONCE = 2;
/** Others review meanwhile; longer than any review, shorter than the time between two sweeps. */
const TURN_WAIT_MS = 3_600_000;

export const createReviewer = (deps: ReviewerDeps): Reviewer => {
  const { shop, signal, tell } = deps;
  const underWay = new Map<string, Promise<Review>>();
  const limit = pLimit(REVIEWS_AT_ONCE);

  const one = async (branch: string): Promise<Review> => {
    try {
      const shut = await whyNot(deps);
      const reviewed = shut === undefined ? await inTurn(shop, branch, signal) : waits(shut);
      if (reviewed.state === 'dropped' || (reviewed.state === 'decided' && reviewed.entry.data.decision === 'reject')) {
        const project = shop.journal.state().queue[branch]?.project;
        if (project !== undefined) await clearUpProject(shop, project, signal);
      }
      if (reviewed.state === 'waits' || reviewed.state === 'failed') tell(`${branch}: ${reviewed.reason}`);
      return { branch, ...reviewed };
    } catch (error) {
      // One branch's trouble stops no other: the disk is full, or a defect.
      const reason = error instanceof FailureError ? error.failure.message : String(error);
      tell(`${branch}: ${reason}`);
      return { branch, ...waits(reason) };
    }
  };

  return {
    tick: async (why, only) => {
      if (why === 'sweep' && only === undefined) await lapseMoved(deps);
      const due = reviewsDue(shop.journal.state(), why).filter(({ branch }) => only?.has(branch) ?? true);
      const reviews = due.map(({ branch }) => {
        const known = underWay.get(branch);
        if (known) return known;
        const work = limit(() => one(branch)).finally(() => underWay.delete(branch));
        underWay.set(branch, work);
        return work;
      });
      return Promise.all(reviews);
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
};

const waits = (reason: string): Reviewed => ({ state: 'waits', reason });

/** What holds back every review: asked before each, since the queue may be long. */
const whyNot = async ({ shop, facts, signal }: ReviewerDeps): Promise<string | undefined> => {
  if (signal.aborted) return 'stopped before it began';
  const machine = await facts();
  return whyHeld(shop.journal.state(), shop.config(), machine, { now: shop.clock.now() });
};

const inTurn = async (shop: Workshop, branch: string, signal: AbortSignal): Promise<Reviewed> => {
  const who = `pid ${process.pid}`;
  const turn = await shop.slots.acquire('role:reviews', REVIEWS_AT_ONCE, { who, waitMs: TURN_WAIT_MS, signal });
  if (!turn.ok) return waits(turn.error.message);
  const lock = await shop.slots.tryAcquire(`review:${branch}`, 1, who);
  try {
    return lock ? await reviewBranch(shop, branch, signal) : waits('another process reviews it');
  } finally {
    lock?.release();
    turn.value.release();
  }
};

/** What waits for a person, or was rejected and is not deleted yet, may have moved or vanished since. */
const lapseMoved = async ({ shop, tell }: ReviewerDeps): Promise<void> => {
  for (const queued of Object.values(shop.journal.state().queue)) {
    const { branch, project: name, status, deleted } = queued;
    if (deleted || (status.state !== 'needs-human' && status.state !== 'rejected')) continue;
    const project = shop.config().projects.find((p) => p.name === name);
    const mirror = project && (await shop.mirrorOf(project));
    if (!mirror?.ok) continue;
    const there = await mirror.value.fetchBranch(branch);
    if (!there.ok) tell(`${branch}: ${there.error.message}`);
    // A rejected branch that is gone is what was wanted.
    else if (there.value !== undefined || status.state === 'needs-human') journalMove(shop, queued, there.value);
  }
};
