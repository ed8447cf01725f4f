import { ok, type Result } from '../base/result.ts';
import type { RalphCycle } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import type { Accepted } from './evaluate.ts';
import { type Cycle, envelopeOf, type Workshop } from './workshop.ts';

/**
 * A better branch is pushed and waits for review. The intent is durable before the push, and holds what the cycle
 * will say, so that a crash in between neither pushes twice nor forgets.
 */
export const publish = async (
  shop: Workshop,
  cycle: Cycle,
  mirror: Mirror,
  accepted: Accepted,
  summary: RalphCycle,
): Promise<Result<void, Failure>> => {
  const { commit } = accepted.captured;
  const intent = await shop.journal.appendDurable<'intent'>({
    type: 'intent',
    ...envelopeOf(cycle),
    data: { effect: 'push-branch', branch: cycle.branch, commit, cycle: summary },
  });
  const pushed = await mirror.pushBranch(cycle.branch, commit);
  if (!pushed.ok) {
    settle(shop, envelopeOf(cycle), intent.id, false, pushed.error.message);
    return pushed;
  }
  journalPush(shop, envelopeOf(cycle), { branch: cycle.branch, commit, base: accepted.base, tree: accepted.tree });
  settle(shop, envelopeOf(cycle), intent.id, true, 'pushed');
  return ok(undefined);
};

type Where = { project?: string; session?: string; cycle?: string };

export const journalPush = (
  shop: Workshop,
  where: Where,
  data: { branch: string; commit: string; base: string; tree: string },
): void => {
  // Recovery may come after the entry and before the settlement.
  if (shop.journal.state().queue[data.branch]) return;
  shop.journal.append<'branch_pushed'>({ type: 'branch_pushed', ...where, data });
};

export const settle = (shop: Workshop, where: Where, intent: string, done: boolean, note: string): void => {
  shop.journal.append<'intent_settled'>({
    type: 'intent_settled',
    ...where,
    data: { intent, done, note: shop.redact(note) },
  });
};
