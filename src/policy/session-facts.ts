import type { Entry, EntryData, EntryOf, EntryType, Outcome } from '../model/entry.ts';
import type { Session } from '../model/session.ts';
import type { BranchStatus, State } from '../model/state.ts';
import { oneLine } from './placeholders.ts';
import { queuedTasks } from './schedule.ts';
import { signatureOf } from './signature.ts';

/**
 * What a session did since a moment, as the journal and the state know it: no word of its own is in it but titles.
 * The entries are folded as they stream by, each list is bounded, and the newest stay.
 */
export interface SessionFacts {
  session: string;
  project: string;
  /** ISO 8601; what happened before is not told. */
  since: string;
  standing: Standing;
  /** Newest last; `count` says how many there were. */
  cycles: CycleFact[];
  counts: Partial<Record<Outcome, number>>;
  costUsd: number;
  branches: BranchFact[];
  /** Its own in main, the newest first. */
  landed: LandedFact[];
  /** Those met most often first. */
  errors: ErrorFact[];
  /** Its last run, and the end of what is to be read of it. */
  lastRun?: RunFact & { tail: string[] };
}

/** What holds it or waits for it at this moment. */
interface Standing {
  running?: { cycle: string; phase: string; title?: string; startedAt: string };
  parked?: { until: string; reason: string };
  /** Who paused it, or everything. */
  pausedBy?: string;
  avoid?: { titles: string[]; reason: string };
  tasks: { id: string; text: string; state: 'queued' | 'assigned'; origin: string; attempts: number }[];
  /** Main of its project is red. */
  red?: string;
}

interface CycleFact {
  cycle: string;
  at: string;
  outcome: Outcome;
  reason: string;
  failure?: string;
  title?: string;
  task?: string;
  files: string[];
  broken: string[];
  costUsd: number;
  durationMs: number;
}

interface BranchFact {
  branch: string;
  title: string;
  state: BranchStatus['state'];
  at: string;
  by?: string;
  reasons: string[];
  comments: string[];
}

export interface LandedFact {
  commit: string;
  subject: string;
  at: string;
}

interface ErrorFact {
  /** The same for the same error, whenever it comes: see signatureOf. */
  signature: string;
  /** As it was said the last time. */
  text: string;
  times: number;
  lastAt: string;
  /** The cycles that met it, oldest first. */
  cycles: string[];
}

interface RunFact {
  run: string;
  purpose: string;
  at: string;
  ok: boolean;
  failure?: string;
  /** Relative to the home. */
  transcript: string;
}

const CYCLES_KEPT_MAX = 40;
const ERRORS_KEPT_MAX = 40;
const BRANCHES_KEPT_MAX = 20;
const TASKS_KEPT_MAX = 10;
const CYCLES_OF_ERROR_MAX = 20;
const BROKEN_KEPT_MAX = 10;
const REASON_MAX_CHARS = 400;

/** All that is read of the journal for it; so few types are searched for on bytes. */
export const FACT_TYPES = [
  'ralph_cycle',
  'agent_ran',
  'plan_refused',
  'cto_review',
  'branch_dropped',
] as const satisfies readonly EntryType[];

interface FactsInput {
  sessions: readonly Pick<Session, 'name' | 'project' | 'paused' | 'file'>[];
  state: Readonly<State>;
  /** Milliseconds since the epoch. */
  sinceMs: number;
}

interface FactsFold {
  add(entry: Entry): void;
  facts(): SessionFacts[];
}

export const createFacts = ({ sessions, state, sinceMs }: FactsInput): FactsFold => {
  const books = new Map(sessions.map(({ name }) => [name, newBook()]));
  return {
    add: (entry) => {
      const book = books.get(entry.session ?? '');
      if (book && Date.parse(entry.ts) >= sinceMs) note(book, entry);
    },
    facts: () =>
      sessions.map((session) => {
        const book = books.get(session.name) ?? newBook();
        return {
          session: session.name,
          project: session.project,
          since: new Date(sinceMs).toISOString(),
          standing: standingOf(session, state),
          ...{ cycles: book.cycles, counts: book.counts, costUsd: book.costUsd },
          branches: branchesOf(session.name, state, book, sinceMs),
          landed: [],
          errors: [...book.errors.values()].sort((a, b) => b.times - a.times || b.lastAt.localeCompare(a.lastAt)),
          ...(book.lastRun ? { lastRun: { ...book.lastRun, tail: [] } } : {}),
        };
      }),
  };
};

interface Book {
  cycles: CycleFact[];
  counts: SessionFacts['counts'];
  costUsd: number;
  errors: Map<string, ErrorFact>;
  reviews: Map<string, EntryData<'cto_review'>>;
  lastRun?: RunFact;
}

const newBook = (): Book => ({ cycles: [], counts: {}, costUsd: 0, errors: new Map(), reviews: new Map() });

const note = (book: Book, entry: Entry): void => {
  switch (entry.type) {
    case 'ralph_cycle':
      // What a person made in its place says nothing about it.
      if (entry.data.trigger !== 'person') noteCycle(book, entry);
      return;
    case 'agent_ran':
      return noteRun(book, entry);
    case 'plan_refused':
      return noteError(book, entry, `plan refused (${entry.data.why})`, entry.data.reason);
    case 'cto_review':
      // What is said last of a branch is what holds.
      book.reviews.delete(entry.data.branch);
      book.reviews.set(entry.data.branch, entry.data);
      if (book.reviews.size > BRANCHES_KEPT_MAX) book.reviews.delete(book.reviews.keys().next().value as string);
      return;
    case 'branch_dropped':
      if (entry.data.why === 'red') noteBroken(book, entry, 'broke main', entry.data.broken, entry.data.reason);
      return;
    default:
      return;
  }
};

const noteCycle = (book: Book, entry: EntryOf<'ralph_cycle'>): void => {
  const { data } = entry;
  book.counts[data.outcome] = (book.counts[data.outcome] ?? 0) + 1;
  book.cycles.push({
    cycle: entry.cycle ?? entry.id,
    at: entry.ts,
    outcome: data.outcome,
    reason: data.reason.slice(0, REASON_MAX_CHARS),
    ...(data.failure ? { failure: data.failure } : {}),
    ...(data.plan ? { title: data.plan.title } : {}),
    ...(data.task ? { task: data.task } : {}),
    files: (data.files ?? data.plan?.files ?? []).slice(0, 20),
    broken: (data.broken ?? []).slice(0, BROKEN_KEPT_MAX),
    costUsd: data.costUsd,
    durationMs: data.times.total ?? 0,
  });
  if (book.cycles.length > CYCLES_KEPT_MAX) book.cycles.shift();
  switch (data.outcome) {
    case 'failed':
      return noteError(book, entry, data.failure ?? 'failed', data.reason);
    case 'unevaluated':
      return noteError(book, entry, 'unevaluated', data.reason);
    case 'discarded':
      return noteBroken(book, entry, 'broke', data.broken ?? [], data.reason);
    case 'pushed':
    case 'empty':
    case 'interrupted':
      return;
    default:
      data.outcome satisfies never;
  }
};

/** Of what works at the code; what was said at a meeting is no work. */
const WORK = new Set<EntryData<'agent_ran'>['purpose']>(['plan', 'replan', 'hack', 'mend']);

const noteRun = (book: Book, entry: EntryOf<'agent_ran'>): void => {
  const { data } = entry;
  book.costUsd += data.costUsd;
  if (!WORK.has(data.purpose)) return;
  book.lastRun = {
    ...{ run: data.run, purpose: data.purpose, at: entry.ts, ok: data.ok, transcript: data.transcript },
    ...(data.failure ? { failure: data.failure } : {}),
  };
  if (!data.ok && data.failure && data.failure !== 'interrupted')
    noteError(book, entry, data.failure, data.message ?? '');
};

const noteBroken = (book: Book, entry: Entry, kind: string, broken: readonly string[], reason: string): void => {
  if (broken.length === 0) return noteError(book, entry, kind, reason);
  for (const identity of broken.slice(0, BROKEN_KEPT_MAX)) noteError(book, entry, kind, identity);
};

const noteError = (book: Book, entry: Entry, kind: string, text: string): void => {
  const signature = signatureOf(kind, text);
  const known = book.errors.get(signature);
  const cycle = entry.cycle ?? '';
  // The run that failed and the cycle that ended by it are one error.
  if (known && cycle !== '' && known.cycles.at(-1) === cycle) return;
  const cycles = [...(known?.cycles ?? []), ...(cycle === '' ? [] : [cycle])].slice(-CYCLES_OF_ERROR_MAX);
  book.errors.delete(signature);
  book.errors.set(signature, {
    ...{ signature, text: oneLine(`${kind}: ${text}`).slice(0, REASON_MAX_CHARS) },
    ...{ times: (known?.times ?? 0) + 1, lastAt: entry.ts, cycles },
  });
  if (book.errors.size <= ERRORS_KEPT_MAX) return;
  const rarest = [...book.errors.values()].reduce((a, b) => (b.times < a.times ? b : a));
  book.errors.delete(rarest.signature);
};

const standingOf = (session: FactsInput['sessions'][number], state: Readonly<State>): Standing => {
  const known = state.sessions[session.name];
  const cycle = known?.running === undefined ? undefined : state.running[known.running];
  const pausedBy = state.paused?.by ?? known?.pausedBy ?? (session.paused ? session.file : undefined);
  const title = cycle?.planTitle;
  const assigned = Object.values(state.tasks).filter((task) => task.state === 'assigned');
  const red = state.projects[session.project]?.red;
  return {
    ...(cycle
      ? {
          running: {
            ...{ cycle: cycle.cycle, phase: cycle.phase, startedAt: cycle.startedAt },
            ...(title ? { title } : {}),
          },
        }
      : {}),
    ...(known?.parked ? { parked: { until: known.parked.until, reason: known.parked.reason } } : {}),
    ...(pausedBy === undefined ? {} : { pausedBy }),
    ...(known?.avoid ? { avoid: { titles: known.avoid.titles, reason: known.avoid.reason } } : {}),
    tasks: [...assigned, ...queuedTasks(state)]
      .filter((task) => task.session === session.name && task.project === session.project)
      .slice(0, TASKS_KEPT_MAX)
      .map(({ id, text, state: where, origin, attempts }) => ({
        ...{ id, text: oneLine(text).slice(0, REASON_MAX_CHARS), state: where as 'queued' | 'assigned' },
        ...{ origin, attempts },
      })),
    ...(red ? { red: red.commit } : {}),
  };
};

/** What is open, and what was closed meanwhile; the newest last. */
const branchesOf = (session: string, state: Readonly<State>, book: Book, sinceMs: number): BranchFact[] =>
  Object.values(state.queue)
    .filter((queued) => queued.session === session)
    .filter(({ status, changedAt }) => OPEN.has(status.state) || Date.parse(changedAt) >= sinceMs)
    .sort((a, b) => a.at.localeCompare(b.at))
    .slice(-BRANCHES_KEPT_MAX)
    .map(({ branch, title, at, status, commit }) => {
      const review = book.reviews.get(branch);
      const said = review?.commit === commit ? review : undefined;
      return {
        ...{ branch, title, at, state: status.state },
        ...('by' in status ? { by: status.name } : {}),
        reasons: (said?.reasons ?? reasonsOf(status)).map((reason) => reason.slice(0, REASON_MAX_CHARS)),
        comments: (said?.comments ?? []).map(({ file, line, text }) => {
          const place = line === undefined ? file : `${file}:${line}`;
          return `${place}: ${text}`.slice(0, REASON_MAX_CHARS);
        }),
      };
    });

const OPEN: ReadonlySet<BranchStatus['state']> = new Set(['pending', 'needs-human', 'approved'] as const);

const reasonsOf = (status: BranchStatus): string[] => {
  switch (status.state) {
    case 'pending':
      return status.note === '' ? [] : [status.note];
    case 'needs-human':
    case 'approved':
    case 'rejected':
    case 'dropped':
    case 'gone':
      return [status.reason];
    case 'landed':
      return [];
    default:
      return status satisfies never;
  }
};

// ---- in words ------------------------------------------------------------------------------------------------------

const CYCLES_SHOWN_MAX = 12;
const ERRORS_SHOWN_MAX = 8;
const LANDED_SHOWN_MAX = 10;
const COMMENTS_SHOWN_MAX = 5;
const FILES_SHOWN_MAX = 6;

/** The facts as a page for a model or a person; it holds words of agents and repositories and is data in a prompt. */
export const factsText = (facts: SessionFacts): string => {
  const { session, project, since, counts, costUsd, cycles } = facts;
  const ended = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const outcomes = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  const hidden = ended - Math.min(cycles.length, CYCLES_SHOWN_MAX);
  return [
    `Session ${session} of project ${project}, since ${minute(since)} UTC.`,
    `Now: ${standingText(facts.standing)}.`,
    ended === 0
      ? `It ended no cycle; its runs cost ${dollars(costUsd)}.`
      : `It ended ${ended} ${ended === 1 ? 'cycle' : 'cycles'} (${outcomes.join(', ')}); its runs cost ${dollars(costUsd)}.`,
    ...section('Cycles, the newest last', cycles.slice(-CYCLES_SHOWN_MAX).map(cycleLine), hidden),
    ...section('Branches', facts.branches.flatMap(branchLines)),
    ...section(
      'In main, the newest first',
      facts.landed
        .slice(0, LANDED_SHOWN_MAX)
        .map(({ commit, subject, at }) => `- ${minute(at)} ${commit.slice(0, 10)} ${subject}`),
      facts.landed.length - Math.min(facts.landed.length, LANDED_SHOWN_MAX),
    ),
    ...section(
      'Errors it met',
      facts.errors
        .slice(0, ERRORS_SHOWN_MAX)
        .map(
          ({ times, lastAt, text }) => `- ${times === 1 ? 'once' : `${times} times`}, last ${minute(lastAt)}: ${text}`,
        ),
      facts.errors.length - Math.min(facts.errors.length, ERRORS_SHOWN_MAX),
    ),
    ...section('Tasks for it', facts.standing.tasks.map(taskLine)),
    ...runLines(facts.lastRun),
  ].join('\n');
};

const standingText = ({ running, parked, pausedBy, avoid, red }: Standing): string => {
  const parts = [
    running
      ? `a cycle is in its phase ${running.phase} since ${minute(running.startedAt)}${running.title ? ` (“${running.title}”)` : ''}`
      : 'no cycle is running',
    ...(parked ? [`parked until ${minute(parked.until)}: ${parked.reason}`] : []),
    ...(pausedBy === undefined ? [] : [`paused by ${pausedBy}`]),
    ...(avoid ? [`it is to leave alone: ${avoid.titles.join('; ')} (${avoid.reason})`] : []),
    ...(red === undefined ? [] : [`main is red since ${red.slice(0, 10)}`]),
  ];
  return parts.join('; ');
};

const section = (title: string, lines: string[], more = 0): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines, ...(more > 0 ? [`- and ${more} more`] : [])];

const cycleLine = ({ at, outcome, title, files, reason, costUsd }: CycleFact): string => {
  const shown = files.slice(0, FILES_SHOWN_MAX).join(', ');
  return `- ${minute(at)} ${outcome}: ${title ?? 'no plan'}${shown === '' ? '' : ` [${shown}]`}: ${reason} (${dollars(costUsd)})`;
};

const branchLines = ({ branch, title, state, by, reasons, comments }: BranchFact): string[] => [
  `- ${branch} (“${title}”) is ${state}${by ? ` by ${by}` : ''}${reasons.length === 0 ? '' : `: ${reasons.join(' ')}`}`,
  ...comments.slice(0, COMMENTS_SHOWN_MAX).map((comment) => `  - ${comment}`),
];

const taskLine = ({ state, origin, text, attempts }: Standing['tasks'][number]): string =>
  `- ${state}, from ${origin}${attempts === 0 ? '' : `, ${attempts} failed ${attempts === 1 ? 'attempt' : 'attempts'}`}: ${text}`;

const runLines = (run: SessionFacts['lastRun']): string[] => {
  if (!run) return ['', 'It ran nothing in this time.'];
  const how = run.ok ? '' : run.failure ? `, failed: ${run.failure}` : ', not ended yet';
  const head = `Its last run (${run.purpose}, ${minute(run.at)}${how})`;
  return run.tail.length === 0
    ? ['', `${head}; its transcript is no longer there.`]
    : ['', `${head}, the end of its terminal:`, ...run.tail];
};

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
const dollars = (usd: number): string => `$${usd.toFixed(2)}`;
