import { ok, type Result } from '../base/result.ts';
import { applyProposal, type PromptDesk, previewProposal } from '../flow/prompts.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Proposal } from '../model/state.ts';
import { unifiedDiff } from '../policy/unified-diff.ts';
import type { Counter } from './counter.ts';

/** Proposed changes of prompts: listed, shown, applied, dismissed. Nothing of it happens without a person. */

/** The open ones, oldest first; if wanted, the closed ones after them, newest first. */
export const listProposals = (counter: Counter, all: boolean): Proposal[] => {
  const proposals = Object.values(counter.journal.state().proposals);
  const open = proposals.filter(({ status }) => status.state === 'open').sort((a, b) => a.at.localeCompare(b.at));
  const closed = proposals.filter(({ status }) => status.state !== 'open').sort((a, b) => b.at.localeCompare(a.at));
  return all ? [...open, ...closed] : open;
};

export interface ShownProposal {
  proposal: Proposal;
  /** Against the file as it is now; empty when it says that already. */
  diff: string;
  /** Why it could not be applied to the file as it is now. */
  obstacle?: string;
}

export const showProposal = (counter: Counter, id: string): Result<ShownProposal, Failure> => {
  const found = findProposal(counter, id);
  if (!found.ok) return found;
  const proposal = found.value;
  const preview = previewProposal(promptDesk(counter), proposal);
  if (!preview.ok) return ok({ proposal, diff: '', obstacle: preview.error.message });
  return ok({ proposal, diff: unifiedDiff(proposal.change.file, preview.value.before, preview.value.after) });
};

export const acceptProposal = (counter: Counter, id: string, by: string): Result<EntryOf<'prompt_applied'>, Failure> =>
  close(counter, id, (proposal) => applyProposal(promptDesk(counter), proposal, by));

export const dismissProposal = (
  counter: Counter,
  id: string,
  by: string,
  reason: string,
): Result<EntryOf<'prompt_dismissed'>, Failure> =>
  close(counter, id, ({ id: proposal, session }) =>
    ok(
      counter.journal.append<'prompt_dismissed'>({
        type: 'prompt_dismissed',
        ...(session ? { session } : {}),
        data: { proposal, by, reason },
      }),
    ),
  );

const promptDesk = (counter: Counter): PromptDesk => ({
  journal: counter.journal,
  paths: counter.paths,
  sessions: counter.sessions(),
  projects: counter.config().projects.map(({ name }) => name),
});

const close = <T>(
  counter: Counter,
  id: string,
  deed: (proposal: Proposal) => Result<T, Failure>,
): Result<T, Failure> => {
  const found = findProposal(counter, id);
  if (!found.ok) return found;
  const { status } = found.value;
  if (status.state !== 'open') {
    const why = status.reason === '' ? '' : `: ${status.reason}`;
    return failed('argument-invalid', `proposal ${found.value.id} was ${status.state} by ${status.by}${why}`);
  }
  try {
    return deed(found.value);
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  }
};

/** An id has 26; what was typed instead may be anything. */
const ID_SHOWN_MAX_CHARS = 40;

/** By id, or by an end of an id that only one proposal has. */
const findProposal = (counter: Counter, id: string): Result<Proposal, Failure> => {
  const wanted = id.toUpperCase();
  const proposals = Object.values(counter.journal.state().proposals);
  const matches = proposals.filter((proposal) => proposal.id.endsWith(wanted));
  if (wanted.length < 4 || matches.length === 0)
    return failed(
      'not-found',
      `there is no proposal ${JSON.stringify(id.slice(0, ID_SHOWN_MAX_CHARS))}; see \`winnow prompts\``,
    );
  if (matches.length > 1) return failed('argument-invalid', `${matches.length} proposals end in ${id}`);
  return ok(matches[0]!);
};
