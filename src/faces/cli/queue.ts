import type { Counter } from '../../desk/counter.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import {
  approveBranch,
  type BranchView,
  commentBranch,
  findBranch,
  listBranches,
  rejectBranch,
  showBranch,
} from '../../desk/queue.ts';
import { writeReviewQueue } from '../../flow/review-queue.ts';
import type { EntryType } from '../../model/entry.ts';
import { personName } from '../../ports/git/person.ts';
import { createReviewer, type Review } from '../../roles/reviewer.ts';
import { renderEntry } from './log.ts';
import { plain, plainLine } from './plain.ts';
import { EXIT_USAGE, type Homed } from './program.ts';
import { sayCannotOpen, sayFailure, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { beforeAfter, branchLine, branchStatusText, commentText, entryText } from './words.ts';

/** `winnow queue`, `review`, `approve`, `reject`, `comment` and `show`: what waits to land, and what is said of it. */

type Json = Homed & { json?: boolean };

export const queueCommand = (doors: Doors, terminal: Terminal, options: Json & { all?: boolean }): Promise<number> =>
  atCounter(doors, terminal, options, async (counter) => {
    const branches = listBranches(counter, options.all === true);
    if (options.json) sayJson(terminal, branches);
    else if (branches.length === 0) terminal.out('no branch waits; `winnow queue --all` also shows what is over');
    else {
      const now = counter.clock.now();
      const head = ['BRANCH', 'STATE', 'SINCE', 'PROJECT', 'TITLE', 'WHY'];
      const rows = branches.map((branch) => branchLine(branch, now));
      terminal.out(renderTable(head, rows, terminal.lineWidth, 2));
    }
    return 0;
  });

/** What a person wants to see while the reviewer reads. */
const REVIEW_TOLD: readonly EntryType[] = [
  'agent_ran',
  'run_retry_planned',
  'gate_closed',
  'cto_review',
  'review_failed',
  'branch_moved',
  'branch_dropped',
  'branch_deleted',
];

export const reviewCommand = (doors: Doors, terminal: Terminal, names: string[], options: Json): Promise<number> =>
  withFactory(doors, terminal, options, REVIEW_TOLD, async (factory, signal) => {
    const only = new Set<string>();
    for (const name of names) {
      const found = findBranch(factory, name);
      if (!found.ok) return sayFailure(terminal, found.error);
      const { branch, status } = found.value;
      if (status.state !== 'pending') {
        terminal.note(`winnow: ${plainLine(branch)} does not wait for the reviewer: ${branchStatusText(status)}`);
        return EXIT_USAGE;
      }
      only.add(branch);
    }
    const { shop, facts, journal, paths } = factory;
    const tell = (line: string) => terminal.note(plain(line));
    const reviewer = createReviewer({ shop, facts, signal, tell });
    const reviews = await reviewer.tick('sweep', names.length === 0 ? undefined : only);
    writeReviewQueue(journal, paths.reviewQueue);
    if (options.json) for (const review of reviews) sayReviewJson(terminal, review);
    else if (reviews.length === 0) terminal.out('no branch waits for review');
    else for (const review of reviews) terminal.out(reviewText(review));
    if (signal.aborted) return 130;
    return reviews.some(({ state }) => state === 'failed' || state === 'waits') ? 1 : 0;
  });

const sayReviewJson = (terminal: Terminal, review: Review): void => {
  if (review.state === 'decided') sayJson(terminal, review.entry);
};

const reviewText = (review: Review): string =>
  review.state === 'decided'
    ? entryText(review.entry)
    : plainLine(`${review.branch}: ${review.state}: ${review.reason}`);

export const approveCommand = (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: Json & { reason?: string },
): Promise<number> =>
  withFactory(doors, terminal, options, [], async (factory) => {
    const by = await personName();
    const done = await approveBranch(factory, name, { by, reason: options.reason ?? 'approved by a person' });
    if (!done.ok) return sayFailure(terminal, done.error);
    const approval = done.value;
    if (approval.state === 'approved') {
      if (options.json) sayJson(terminal, approval.entry);
      else
        terminal.out(
          `${plainLine(approval.entry.data.branch)} is approved at ${approval.entry.data.commit.slice(0, 10)}; the train takes it`,
        );
      return 0;
    }
    const { branch, from, to, stat, patch } = approval;
    if (options.json) sayJson(terminal, approval);
    else terminal.out(plain(`${stat}\n\n${patch}`.trimEnd()));
    terminal.note(
      plain(
        `winnow: ${branch} has moved from ${from.slice(0, 10)} to ${to.slice(0, 10)} since; nothing is approved, above is what is new.\n  \`winnow approve ${branch}\` once more approves it as it is now.`,
      ),
    );
    return 1;
  });

export const rejectCommand = (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: Json & { reason: string },
): Promise<number> =>
  withFactory(doors, terminal, options, [], async (factory, signal) => {
    const done = await rejectBranch(factory, name, { by: await personName(), reason: options.reason, signal });
    if (!done.ok) return sayFailure(terminal, done.error);
    const { entry, branch } = done.value;
    if (options.json) sayJson(terminal, entry);
    else {
      terminal.out(`${plainLine(branch.branch)} is rejected`);
      if (branch.patch) terminal.out(`  patch   ${plainLine(branch.patch)}`);
      if (!branch.deleted) terminal.out('  remote  not deleted yet; the running factory tries again');
    }
    return 0;
  });

export const commentCommand = (
  doors: Doors,
  terminal: Terminal,
  name: string,
  text: string[],
  options: Json & { file?: string; line?: number },
): Promise<number> =>
  atCounter(doors, terminal, options, async (counter) => {
    const { file, line } = options;
    const done = await commentBranch(counter, name, { by: await personName(), text: text.join(' '), file, line });
    if (!done.ok) return sayFailure(terminal, done.error);
    if (options.json) sayJson(terminal, done.value);
    else terminal.out(entryText(done.value));
    return 0;
  });

export const showCommand = (doors: Doors, terminal: Terminal, name: string, options: Json): Promise<number> =>
  withFactory(doors, terminal, options, [], async (factory) => {
    const shown = await showBranch(factory, name);
    if (!shown.ok) return sayFailure(terminal, shown.error);
    if (options.json) sayJson(terminal, shown.value);
    else terminal.out(renderBranch(shown.value, terminal));
    return 0;
  });

/** A branch as a person reads it: what it is, what is said of it, and the whole of its diff. */
export const renderBranch = (view: BranchView, { paint }: Pick<Terminal, 'paint'>): string => {
  const { branch, review, comparison, diff } = view;
  const facts: [string, string | undefined][] = [
    ['branch', branch.branch],
    ['status', branchStatusText(branch.status)],
    ['commit', branch.commit],
    ['by', [branch.session, branch.cycle].filter((part) => part !== '').join(', cycle ') || undefined],
    ['checks', view.before && `${beforeAfter(view)} (problems + failing tests)`],
    ['verdict', comparison && `${comparison.verdict}: ${comparison.reason}`],
    ['risk', review?.data.risk],
    ['review', review?.data.file],
    ['patch', branch.patch],
  ];
  const lines = (head: string, list: string[]) =>
    list.length === 0 ? [] : ['', paint('bold', head), ...list.map((line) => `  ${plainLine(line)}`)];
  return [
    paint('bold', plainLine(branch.title || branch.branch)),
    ...facts.flatMap(([label, value]) => (value === undefined ? [] : [`  ${label.padEnd(8)}  ${plainLine(value)}`])),
    ...lines('Reasons', review?.data.reasons ?? []),
    ...lines('Comments', [
      ...(review?.data.comments ?? []).map(commentText),
      ...view.comments.map(({ name, comment }) => `${name}: ${commentText(comment)}`),
    ]),
    ...lines('Fixed', comparison?.fixed ?? []),
    ...lines(
      'Findings',
      view.findings.map((f) => `${f.kind} ${f.file}${f.line ? `:${f.line}` : ''}: ${f.evidence}`),
    ),
    ...lines('Files', diff?.stat.split('\n') ?? []),
    '',
    diff ? plain(diff.patch.trimEnd()) : 'The mirror does not hold its commits any more; see the patch.',
    ...(diff?.truncated ? ['… the diff goes on; this is as much as is shown'] : []),
  ].join('\n');
};

const atCounter = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed,
  deed: (counter: Counter) => Promise<number>,
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  try {
    return await deed(opened.value);
  } finally {
    await opened.value.close();
  }
};

const withFactory = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed,
  told: readonly EntryType[],
  deed: (factory: Factory, signal: AbortSignal) => Promise<number>,
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  const telling = new AbortController();
  try {
    if (told.length > 0) void tell(factory, terminal, told, telling.signal);
    return await deed(factory, stop.signal);
  } finally {
    telling.abort();
    stop.end();
    await factory.close();
  }
};

const tell = async (
  factory: Factory,
  terminal: Terminal,
  types: readonly EntryType[],
  signal: AbortSignal,
): Promise<void> => {
  for await (const entry of factory.journal.follow({ from: 'end', signal, filter: { types } }))
    terminal.note(renderEntry(entry, terminal, factory.clock.now()));
};
