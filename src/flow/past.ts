import type { SearchQuery } from '../journal/journal.ts';
import { fileTerm, type Term } from '../journal/search-terms.ts';
import type { Entry, EntryOf } from '../model/entry.ts';
import type { Plan } from '../model/plan.ts';
import type { TreeReport } from '../model/report.ts';
import { entryOf } from '../policy/compare.ts';
import { asData, oneLine } from '../policy/placeholders.ts';
import {
  type Attempt,
  attemptOf,
  endOf,
  type Fate,
  isThrownAway,
  presentOf,
  type Tried,
  triedBefore,
} from '../policy/tried.ts';
import { meaningOf } from '../policy/words.ts';
import type { Cycle, Workshop } from './workshop.ts';

/** What was tried before, found in the whole journal: for a session before it plans, and about a plan that it made. */

const SHOWN_MAX = 15;
const KEPT_SHOWN_MAX = 5;
const LINE_MAX_CHARS = 600;
const TEXT_MAX_CHARS = 12_000;
const FILES_SHOWN_MAX = 5;
/** Of the baseline: a model can mend one of them. */
const IDENTITIES_MAX = 40;
const WORDS_MAX = 60;
/** Twice what is shown: some of them were kept. */
const FITTING_MAX = 30;
/** Looked at closely; what fits less than so many others is no help. */
const LOOKED_AT_MAX = 60;
/** The index is brought up to date meanwhile; the first one of a very long journal is not waited for. */
const WAIT_MS = 10_000;

/** A failing test or an error says more about what a session will do than a file, and a file more than a word. */
const WEIGHT = { identity: 4, file: 2, word: 1, title: 3 };

/** Past attempts on what is wrong now and on what the session is about, best first. */
export const triedText = async (shop: Workshop, cycle: Cycle, baseline: TreeReport): Promise<string> => {
  const found = await search(shop, cycle, {
    any: [...wrongTerms(baseline), ...wordTerms(cycle.task?.text ?? cycle.session.focus, WEIGHT.word)],
    order: 'best',
    limit: FITTING_MAX,
  });
  const fitting = await attemptsOf(shop, found.entries);
  const thrownAway = unique([...fitting.filter(isThrownAway), ...newestThrownAway(shop, cycle)]);
  const kept = fitting.filter((attempt) => attempt.outcome === 'pushed' && attempt.fate === undefined);
  const lines = [
    ...thrownAway.slice(0, SHOWN_MAX).map(lineOf),
    ...(kept.length > 0 ? ['Kept, on the same matters:'] : []),
    ...kept.slice(0, KEPT_SHOWN_MAX).map(lineOf),
    ...leftOut(thrownAway.length - SHOWN_MAX, found.unsearchedBytes),
  ];
  return lines.length === 0 ? 'Nothing has been discarded yet.' : asData('discarded', lines.join('\n'), TEXT_MAX_CHARS);
};

/** The attempt that a plan repeats although nothing is new. */
export const repeatedBy = async (
  shop: Workshop,
  cycle: Cycle,
  plan: Plan,
  baseline: TreeReport,
): Promise<Tried | undefined> => {
  const files = plan.files.map((file) => ({ term: fileTerm(file), weight: WEIGHT.file }));
  const words = [
    ...wordTerms(plan.title, WEIGHT.title),
    ...wordTerms(`${plan.why}\n${plan.expects}`, WEIGHT.word),
    ...files,
  ];
  const alike = await search(shop, cycle, { any: words, order: 'best', limit: LOOKED_AT_MAX });
  const past = await attemptsOf(shop, alike.entries);
  const onFiles = [
    ...files,
    ...past
      .flatMap((attempt) => attempt.files)
      .slice(0, WORDS_MAX)
      .map(asFile),
  ];
  const kept = await search(shop, cycle, {
    all: ['outcome pushed'],
    any: onFiles,
    order: 'newest',
    limit: LOOKED_AT_MAX,
  });
  return triedBefore(plan, unique([...past, ...(await attemptsOf(shop, kept.entries))]), presentOf(baseline));
};

const asFile = (file: string) => ({ term: fileTerm(file), weight: WEIGHT.file });

const search = async (
  shop: Workshop,
  cycle: Cycle,
  query: Pick<SearchQuery, 'all' | 'any' | 'order' | 'limit'>,
): Promise<{ entries: EntryOf<'ralph_cycle'>[]; unsearchedBytes: number }> => {
  const { hits, unsearchedBytes } = await shop.journal.search({
    ...query,
    filter: { types: ['ralph_cycle'], project: cycle.project.name },
    waitMs: WAIT_MS,
  });
  return { entries: hits.map(({ entry }) => entry).filter(isCycle), unsearchedBytes };
};

const isCycle = (entry: Entry): entry is EntryOf<'ralph_cycle'> => entry.type === 'ralph_cycle';

const attemptsOf = async (shop: Workshop, entries: readonly EntryOf<'ralph_cycle'>[]): Promise<Attempt[]> => {
  const attempts: Attempt[] = [];
  const fates = new Map<string, Fate | undefined>();
  for (const entry of entries) {
    const { branch = '', outcome } = entry.data;
    const isPushed = outcome === 'pushed' && branch !== '';
    if (isPushed && !fates.has(branch)) fates.set(branch, await fateOf(shop, branch));
    const fate = isPushed ? fates.get(branch) : undefined;
    const attempt = attemptOf(entry, fate);
    if (attempt) attempts.push(attempt);
  }
  return attempts;
};

/** The newest word on a branch that did not land: from the queue, or, when it is no longer in there, from the journal. */
const fateOf = async (shop: Workshop, branch: string): Promise<Fate | undefined> => {
  const queued = shop.journal.state().queue[branch];
  if (queued) {
    const { status, patch } = queued;
    if (status.state !== 'rejected' && status.state !== 'dropped') return undefined;
    const conflicted = status.state === 'dropped' && status.why === 'conflict';
    return { state: status.state, reason: status.reason, conflicted, ...(patch ? { patch } : {}) };
  }
  const { hits } = await shop.journal.search({
    all: [`branch ${branch}`],
    filter: { types: ['cto_review', 'branch_dropped', 'merged'] },
    order: 'newest',
    limit: 1,
    waitMs: 0,
  });
  const last = hits[0]?.entry;
  if (last?.type === 'branch_dropped') {
    const { reason, why, patch } = last.data;
    return { state: 'dropped', reason, conflicted: why === 'conflict', ...(patch ? { patch } : {}) };
  }
  if (last?.type !== 'cto_review' || last.data.decision !== 'reject') return undefined;
  return { state: 'rejected', reason: last.data.reasons.join('; '), conflicted: false };
};

/** What was discarded last in this project, whatever it was about: the state has it. */
const newestThrownAway = (shop: Workshop, cycle: Cycle): Attempt[] =>
  (shop.journal.state().projects[cycle.project.name]?.recent ?? [])
    .filter(({ outcome, title }) => outcome === 'discarded' && title !== undefined)
    .slice(-SHOWN_MAX)
    .reverse()
    .map((recent) => ({
      ...{ cycle: recent.cycle, session: recent.session, at: recent.at, outcome: recent.outcome },
      ...{ reason: recent.reason, title: recent.title ?? '', why: '', expects: '', files: recent.files },
      ...{ broken: [], judged: true },
    }));

/** Each cycle once, where it stands first. */
const unique = (attempts: readonly Attempt[]): Attempt[] => {
  const seen = new Set<string>();
  return attempts.filter(({ cycle }) => !seen.has(cycle) && seen.add(cycle));
};

const wrongTerms = (baseline: TreeReport): { term: Term; weight: number }[] => {
  const wrong = baseline.checks.flatMap((check) =>
    check.state === 'unevaluated'
      ? []
      : [...check.problems, ...check.tests.filter(({ status }) => status === 'failed')].map(({ id, file }) => ({
          identity: entryOf(check.check, id),
          file,
        })),
  );
  const shown = wrong.slice(0, IDENTITIES_MAX);
  const files = [...new Set(shown.map(({ file }) => file))].filter((file) => file !== '');
  return [
    ...shown.map(({ identity }) => ({ term: `identity ${identity}` as const, weight: WEIGHT.identity })),
    ...files.map(asFile),
    ...wordTerms(shown.map(({ identity }) => identity).join('\n'), WEIGHT.word),
  ];
};

const wordTerms = (text: string, weight: number): { term: Term; weight: number }[] =>
  [...meaningOf(text, WORDS_MAX)].map((word) => ({ term: `word ${word}` as const, weight }));

const lineOf = (attempt: Attempt): string => {
  const { at, session, title, files, cycle, patch } = attempt;
  const named = files.length > 0 ? ` [${files.slice(0, FILES_SHOWN_MAX).join(', ')}]` : '';
  const where = patch === undefined ? cycle : `${cycle}, ${patch}`;
  const line = oneLine(`- ${at.slice(0, 16)} ${session}: “${title}”${named}: ${endOf(attempt)} (${where})`);
  return line.length <= LINE_MAX_CHARS ? line : `${line.slice(0, LINE_MAX_CHARS - 1).replace(/\p{Cs}$/u, '')}…`;
};

const leftOut = (more: number, unsearchedBytes: number): string[] => [
  ...(more > 0 ? [`… and ${more} more that fit less`] : []),
  ...(unsearchedBytes > 0
    ? [`(${Math.ceil(unsearchedBytes / 1e6)} MB of the journal have not been searched yet; more may have been tried)`]
    : []),
];
