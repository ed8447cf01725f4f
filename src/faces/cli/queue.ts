import { type Review, reviewAtHand } from '../../desk/at-hand.ts';
import { createDesk } from '../../desk/desk.ts';
import type { Doors } from '../../desk/doors.ts';
import type { BranchView } from '../../desk/queue.ts';
import type { EntryType } from '../../model/entry.ts';
import { atDesk, inFactory } from './open.ts';
import { plain, plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { beforeAfter, branchLine, branchStatusText, commentText, entryText } from './words.ts';

/** `winnow queue`, `review`, `approve`, `reject`, `comment` and `show`: what waits to land, and what is said of it. */

type Json = Homed & { json?: boolean };

export const queueCommand = (doors: Doors, terminal: Terminal, options: Json & { all?: boolean }): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk, counter }) => {
    const branches = desk.queue(options.all === true);
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
  inFactory(
    doors,
    terminal,
    options,
    async ({ factory, asker, signal }) => {
      const tell = (line: string) => terminal.note(plain(line));
      const done = await reviewAtHand(factory, names, { asker, signal, tell });
      if (!done.ok) return sayFailure(terminal, done.error);
      const reviews = done.value;
      if (options.json) for (const review of reviews) sayReviewJson(terminal, review);
      else if (reviews.length === 0) terminal.out('no branch waits for review');
      else for (const review of reviews) terminal.out(reviewText(review));
      if (signal.aborted) return 130;
      return reviews.some(({ state }) => state === 'failed' || state === 'waits') ? 1 : 0;
    },
    { types: REVIEW_TOLD },
  );

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
  inFactory(doors, terminal, options, async ({ factory, asker }) => {
    const { reason } = options;
    const command = { command: 'approve' as const, branch: name, ...(reason === undefined ? {} : { reason }) };
    const done = await createDesk(factory).do(command, { asker });
    if (!done.ok) return sayFailure(terminal, done.error);
    const { repeated: _, ...approval } = done.value;
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
  inFactory(doors, terminal, options, async ({ factory, asker, signal }) => {
    const command = { command: 'reject' as const, branch: name, reason: options.reason };
    const done = await createDesk(factory).do(command, { asker, signal });
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
  atDesk(doors, terminal, options, async ({ desk, asker }) => {
    const { file, line } = options;
    const done = await desk.do({ command: 'comment', branch: name, text: text.join(' '), file, line }, { asker });
    if (!done.ok) return sayFailure(terminal, done.error);
    const { entry } = done.value;
    if (options.json) sayJson(terminal, entry);
    else if (entry) terminal.out(entryText(entry));
    return 0;
  });

export const showCommand = (doors: Doors, terminal: Terminal, name: string, options: Json): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk }) => {
    const shown = await desk.branch(name);
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
