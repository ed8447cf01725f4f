import type { Plan } from '../model/plan.ts';
import type { RecentCycle } from '../model/state.ts';
import { normalise } from './claim.ts';

/** Two titles are the same attempt when so large a share of their words is common. */
const SIMILAR_MIN = 0.7;

export interface Tried {
  cycle: string;
  reason: string;
}

/**
 * The discarded attempt that a plan repeats: near the same title on an overlapping set of files, on a main that has
 * not seen a kept change to those files since. The newest such attempt, or undefined.
 */
export const triedBefore = (plan: Plan, recent: readonly RecentCycle[]): Tried | undefined => {
  for (let i = recent.length - 1; i >= 0; i -= 1) {
    const past = recent[i]!;
    if (!sharesFile(plan.files, past.files)) continue;
    // Something new reached these files: what failed before may work now.
    if (past.outcome === 'pushed') return undefined;
    if (past.outcome !== 'discarded' || past.title === undefined) continue;
    if (similarity(plan.title, past.title) < SIMILAR_MIN) continue;
    return {
      cycle: past.cycle,
      reason: `${past.session} tried “${past.title}” on ${past.at.slice(0, 16).replace('T', ' ')} and it was discarded: ${past.reason}`,
    };
  }
  return undefined;
};

const sharesFile = (a: readonly string[], b: readonly string[]): boolean => {
  if (a.length === 0 || b.length === 0) return true;
  const files = new Set(b.map(normalise));
  return a.some((file) => files.has(normalise(file)));
};

/** Jaccard index over lower-case words. */
export const similarity = (a: string, b: string): number => {
  const left = wordsOf(a);
  const right = wordsOf(b);
  if (left.size === 0 && right.size === 0) return 1;
  let common = 0;
  for (const word of left) if (right.has(word)) common += 1;
  return common / (left.size + right.size - common);
};

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []);
