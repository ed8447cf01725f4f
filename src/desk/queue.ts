import { err, ok, type Result } from '../base/result.ts';
import { readReport } from '../flow/keep.ts';
import { journalMove } from '../flow/review.ts';
import { noteWord, reviewFileOf } from '../flow/review-page.ts';
import { writeReviewQueue } from '../flow/review-queue.ts';
import { statText } from '../flow/review-text.ts';
import type { EntryData, EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import { type Figures, figuresOf } from '../model/report.ts';
import type { AskedKey } from '../model/request.ts';
import { ReviewComment } from '../model/review.ts';
import type { QueuedBranch, State } from '../model/state.ts';
import type { Comparison, Finding } from '../model/verdict.ts';
import { openBranches } from '../policy/queue.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import { clearUpProject } from '../roles/train.ts';
import type { Counter } from './counter.ts';
import type { Factory } from './doors.ts';

/** The review queue, and what a person says of a branch: a person's word wins until it has landed. */

/** What is open, the oldest push first; with `all` also what is over, the newest first. */
export const listBranches = (counter: Counter, all: boolean): QueuedBranch[] => {
  const state = counter.journal.state();
  const open = openBranches(state);
  const names = new Set(open.map(({ branch }) => branch));
  const closed = Object.values(state.queue)
    .filter(({ branch }) => !names.has(branch))
    .sort((a, b) => b.changedAt.localeCompare(a.changedAt));
  return [...open, ...(all ? closed : [])];
};

/** What was typed may be anything. */
const NAME_SHOWN_MAX_CHARS = 120;
const NAMED_MAX = 5;

/** By its name, or by an end of it that only one branch has. */
export const findBranch = (counter: Counter, what: string): Result<QueuedBranch, Failure> => {
  const { queue } = counter.journal.state();
  const exact = Object.hasOwn(queue, what) ? queue[what] : undefined;
  if (exact) return ok(exact);
  const byEnd = what === '' ? [] : Object.values(queue).filter(({ branch }) => branch.endsWith(what));
  const matches = byEnd.length > 0 ? byEnd : ofSession(queue, what);
  const [first, ...others] = matches;
  if (!first) {
    const shown = JSON.stringify(what.slice(0, NAME_SHOWN_MAX_CHARS));
    return failed('not-found', `no branch in the queue is called ${shown}; \`winnow queue --all\` shows them`);
  }
  if (others.length === 0) return ok(first);
  const names = matches.slice(0, NAMED_MAX).map(({ branch }) => branch);
  return failed('argument-invalid', `${matches.length} branches are called ${what}: ${names.join(', ')}`);
};

/** A session's own branches: those that are open, else the newest. */
const ofSession = (queue: State['queue'], name: string): QueuedBranch[] => {
  const own = Object.values(queue).filter(({ session }) => session === name && name !== '');
  const open = own.filter(
    ({ status: { state } }) => state === 'pending' || state === 'needs-human' || state === 'approved',
  );
  return open.length > 0 ? open : own.sort((a, b) => b.at.localeCompare(a.at)).slice(0, 1);
};

export type Approval =
  | { state: 'approved'; entry: EntryOf<'cto_review'> }
  /** It is not the commit that the queue shows: nothing was approved, and this is what is new. */
  | { state: 'moved'; branch: string; from: string; to: string; stat: string; patch: string };

export const approveBranch = (
  factory: Factory,
  what: string,
  { by, reason }: { by: string; reason: string },
): Promise<Result<Approval, Failure>> =>
  writing<Approval>(factory, async () => {
    const found = await decidable(factory, what);
    if (!found.ok) return found;
    const { queued, mirror } = found.value;
    if (queued.deleted) {
      // Open again it must not lose what only the mirror has.
      const kept = await mirror.keep(queued.branch, queued.commit);
      if (!kept.ok) return (await mirror.treeOf(queued.commit)).ok ? kept : commitGone(queued);
    } else {
      const there = await mirror.fetchBranch(queued.branch);
      if (!there.ok) return there;
      const { value: to } = there;
      if (to !== queued.commit) {
        const journalled = journalMove(factory.shop, queued, to);
        if (to === undefined) return failed('not-found', `the remote has no branch ${queued.branch} any more`);
        if (!journalled)
          return failed('argument-invalid', `${queued.branch} was ${queued.status.state} and is another commit since`);
        return ok({
          state: 'moved',
          branch: queued.branch,
          from: queued.commit,
          to,
          ...(await news(factory, mirror, queued, to)),
        });
      }
    }
    return ok({ state: 'approved', entry: decide(factory, queued, { decision: 'approve', by, reason }) });
  });

const commitGone = ({ branch, commit, patch }: QueuedBranch): Result<never, Failure> => {
  const left = patch === undefined ? '' : `; its change lies in ${patch}`;
  return failed('commit-gone', `the commit ${commit.slice(0, 10)} of ${branch} is not kept any more${left}`);
};

export interface Rejection {
  entry: EntryOf<'cto_review'>;
  /** As it is afterwards: its patch, and whether the remote let go of it. */
  branch: QueuedBranch;
}

export const rejectBranch = (
  factory: Factory,
  what: string,
  { by, reason, signal }: { by: string; reason: string; signal: AbortSignal },
): Promise<Result<Rejection, Failure>> =>
  writing(factory, async () => {
    const found = await decidable(factory, what);
    if (!found.ok) return found;
    const { queued } = found.value;
    const entry = decide(factory, queued, { decision: 'reject', by, reason });
    await clearUpProject(factory.shop, queued.project, signal);
    return ok({ entry, branch: factory.journal.state().queue[queued.branch] ?? queued });
  });

export interface Remark {
  by: string;
  text: string;
  file?: string | undefined;
  line?: number | undefined;
  key?: AskedKey | undefined;
}

/** A remark that the reviewer reads, and whoever looks at the branch; it decides nothing. */
export const commentBranch = (
  counter: Counter,
  what: string,
  { by, key, ...remark }: Remark,
): Promise<Result<EntryOf<'review_commented'>, Failure>> =>
  writing(counter, async () => {
    const found = findBranch(counter, what);
    if (!found.ok) return found;
    const { branch, commit } = found.value;
    if (remark.line !== undefined && remark.file === undefined)
      return failed('argument-invalid', 'a line needs a file: --file PATH --line N');
    const comment = ReviewComment.safeParse({
      file: remark.file ?? '',
      ...(remark.line === undefined ? {} : { line: remark.line }),
      text: remark.text.trim(),
    });
    if (!comment.success) {
      const most = 'a remark has from 1 to 4,000 characters, its file at most 1,000';
      return failed('argument-invalid', most);
    }
    const entry = counter.journal.append<'review_commented'>({
      type: 'review_commented',
      ...whereOf(found.value),
      data: { branch, commit, name: by, comment: comment.data, ...(key ? { key } : {}) },
    });
    noteWord(counter, entry);
    return ok(entry);
  });

/** Everything that is known of a branch. */
export interface BranchView {
  branch: QueuedBranch;
  before?: Figures;
  after?: Figures;
  comparison?: Comparison;
  findings: Finding[];
  review?: EntryOf<'cto_review'>;
  comments: EntryData<'review_commented'>[];
  /** Its own change; absent where the mirror does not hold its commits any more: then the patch has it. */
  diff?: { stat: string; patch: string; truncated: boolean };
}

/** Of one branch; more remarks than this nobody reads. */
const REVIEWS_READ_MAX = 500;
const DIFF_SHOWN_MAX_BYTES = 16 * 1024 ** 2;

/** With a counter alone all but the diff, for which somebody has to open the mirror. */
export const showBranch = async (place: Counter | Factory, what: string): Promise<Result<BranchView, Failure>> => {
  const found = findBranch(place, what);
  if (!found.ok) return found;
  const branch = found.value;
  const said = place.journal.tail(REVIEWS_READ_MAX, {
    types: ['cto_review', 'review_commented'],
    project: branch.project,
  });
  const review = said.findLast(
    (entry): entry is EntryOf<'cto_review'> => entry.type === 'cto_review' && entry.data.branch === branch.branch,
  );
  const comments = said.flatMap((entry) =>
    entry.type === 'review_commented' && entry.data.branch === branch.branch ? [entry.data] : [],
  );
  const report = readReport(place.paths, branch.cycle);
  const diff = 'shop' in place ? await diffOf(place, branch) : undefined;
  return ok({
    branch,
    ...(report
      ? { before: figuresOf(report.baseline), after: figuresOf(report.result), comparison: report.comparison }
      : {}),
    findings: report?.findings ?? [],
    ...(review ? { review } : {}),
    comments,
    ...(diff ? { diff } : {}),
  });
};

const diffOf = async (factory: Factory, queued: QueuedBranch): Promise<BranchView['diff']> => {
  const project = factory.config().projects.find(({ name }) => name === queued.project);
  const mirror = project && (await factory.shop.mirrorOf(project));
  if (!mirror?.ok) return undefined;
  // A branch that no cycle of this home made is not in the mirror until somebody has looked at it.
  if (!queued.deleted && !(await mirror.value.treeOf(queued.commit)).ok) await mirror.value.fetchBranch(queued.branch);
  const from = (await mirror.value.mergeBase(queued.base, queued.commit)) ?? queued.base;
  const [diff, patch] = await Promise.all([
    mirror.value.diff(from, queued.commit),
    mirror.value.patch(from, queued.commit, DIFF_SHOWN_MAX_BYTES),
  ]);
  if (!diff.ok || !patch.ok) return undefined;
  return { stat: statText(diff.value), patch: factory.shop.redact(patch.value.text), truncated: patch.value.truncated };
};

const decidable = async (
  factory: Factory,
  what: string,
): Promise<Result<{ queued: QueuedBranch; mirror: Mirror }, Failure>> => {
  const found = findBranch(factory, what);
  if (!found.ok) return found;
  const queued = found.value;
  const { state } = queued.status;
  if (state === 'landed')
    return failed('argument-invalid', `${queued.branch} has landed; \`winnow revert ${queued.branch}\` takes it back`);
  if (state === 'gone') return failed('argument-invalid', `${queued.branch} is gone: somebody deleted it`);
  const project = factory.config().projects.find(({ name }) => name === queued.project);
  if (!project) return failed('not-found', `project ${queued.project} is no longer configured`);
  const mirror = await factory.shop.mirrorOf(project);
  return mirror.ok ? ok({ queued, mirror: mirror.value }) : mirror;
};

/** A person's word: in the journal first, since only what it takes counts. */
export const decide = (
  counter: Counter,
  queued: QueuedBranch,
  { decision, by, reason }: { decision: 'approve' | 'reject'; by: string; reason: string },
): EntryOf<'cto_review'> => {
  const { branch, commit } = queued;
  const file = reviewFileOf(counter, branch);
  const entry = counter.journal.append<'cto_review'>({
    type: 'cto_review',
    ...whereOf(queued),
    data: { branch, commit, decision, by: 'person', name: by, reasons: [reason], comments: [], file },
  });
  noteWord(counter, entry);
  return entry;
};

/** A revert is of no session. */
const whereOf = ({ project, session, cycle }: QueuedBranch) => ({ project, ...(session ? { session, cycle } : {}) });

const news = async (
  { shop }: Factory,
  mirror: Mirror,
  { commit }: QueuedBranch,
  to: string,
): Promise<{ stat: string; patch: string }> => {
  const [diff, patch] = await Promise.all([mirror.diff(commit, to), mirror.patch(commit, to, DIFF_SHOWN_MAX_BYTES)]);
  return { stat: diff.ok ? statText(diff.value) : '', patch: patch.ok ? shop.redact(patch.value.text) : '' };
};

/** Draws the picture of the queue; what the journal refuses is told as what it is: too late. */
const writing = async <T>(counter: Counter, deed: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> => {
  try {
    const done = await deed();
    writeReviewQueue(counter.journal, counter.paths.reviewQueue);
    return done;
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    const { kind, message } = error.failure;
    return kind === 'entry-illegal' ? failed('argument-invalid', message) : err(error.failure);
  }
};
