import { type Count, countLines, type Line, readJournal, tokensOf } from './count.ts';
import type { Bill, Facts } from './model.ts';
import type { Told } from './told.ts';
import type { Notice } from './world.ts';

/** One number of the day: what Winnow says of it, and what the journal and the world say when somebody else counts. */
export interface Row {
  what: string;
  /** By surface; all of them have to say the same. */
  told: Record<string, Figure>;
  /** Counted from the lines of the journal. */
  journal: Figure;
  /** Counted outside of both: git, files, what was delivered, the bill of the model. */
  world?: Record<string, Figure>;
}

type Figure = number | string;

/** Dollars are told as sums of fractions: a hundredth of a cent is no difference. */
const USD_SAME = 0.0001;

export const agrees = ({ told, journal, world = {} }: Row): boolean =>
  [...Object.values(told), ...Object.values(world)].every((figure) => isSame(figure, journal));

const isSame = (a: Figure, b: Figure): boolean =>
  typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) < USD_SAME : a === b;

const OUTCOMES = ['pushed', 'discarded', 'empty', 'unevaluated', 'failed', 'interrupted'] as const;
const usd = (amount: number): string => `$${amount.toFixed(2)}`;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export interface RowsInput {
  /** At the end of the day, while it still is that day. */
  told: Told;
  /** The bill of the model by run, of the stand-ins. */
  bills: ReadonlyMap<string, Bill>;
}

/** What is told of a moment. */
export const rowsOf = ({ told, bills }: RowsInput): Row[] => {
  const { status, httpStatus, metrics, queue, tasks, log, git, files } = told;
  const { lines, damaged } = readJournal(told.journal);
  const all = countLines(lines);
  const todayMs = Math.floor(told.atMs / DAY_MS) * DAY_MS;
  const today = countLines(lines, todayMs, todayMs + DAY_MS);
  const metric = (name: string) => metrics.get(name) ?? Number.NaN;
  const states = Object.values(all.branches);
  const inState = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
  const bySession = (of: Told['status']) =>
    of.sessions.map(({ name, counts }) => `${name} ${sum(Object.values(counts))}`).join(', ');
  const landedOn = git.main.filter(({ branch }) => branch !== '');
  const gone = new Set(lines.filter(({ type }) => type === 'branch_deleted').map(({ data }) => data.branch));
  const lost = new Set(
    lines.filter(({ type, data }) => type === 'branch_moved' && data.to === undefined).map(({ data }) => data.branch),
  );
  const kept = Object.keys(all.branches).filter(
    (name) => name.startsWith('brl/') && !gone.has(name) && !lost.has(name),
  );
  const costs = (of: Told['status']) => sum(of.sessions.map(({ costUsd }) => costUsd));
  const cycles = perCycle(lines);
  const meetings = perMeeting(lines);
  const billed = againstBills(lines, bills);

  return [
    ...OUTCOMES.map(
      (outcome): Row => ({
        what: `cycles ${outcome}`,
        told: {
          status: status.today.counts[outcome] ?? 0,
          'GET /status': httpStatus.today.counts[outcome] ?? 0,
          metrics: metric(`winnow_cycles_total{outcome="${outcome}"}`),
          sessions: sum(status.sessions.map(({ counts }) => counts[outcome] ?? 0)),
        },
        journal: all.outcomes[outcome] ?? 0,
      }),
    ),
    {
      what: 'cycles that ended',
      told: { log: log.ralph_cycle ?? 0, status: sum(Object.values(status.today.counts)) },
      journal: all.cyclesEnded,
      world: { 'cycles that began': all.cyclesBegun },
    },
    {
      what: 'cycles by session',
      told: { status: bySession(status), 'GET /status': bySession(httpStatus) },
      journal: status.sessions.map(({ name }) => `${name} ${sum(Object.values(all.sessions[name] ?? {}))}`).join(', '),
    },
    {
      what: 'dollars today',
      told: {
        status: status.today.costUsd,
        'GET /status': httpStatus.today.costUsd,
        metrics: metric('winnow_cost_today_dollars'),
      },
      journal: today.costUsd,
    },
    {
      what: 'dollars today, on the phone',
      told: { bot: /^Today: (\$[\d.]+)/m.exec(told.bot)?.[1] ?? 'nothing' },
      journal: usd(today.costUsd),
    },
    {
      what: 'dollars of the sessions',
      told: {
        status: costs(status),
        metrics: sum(status.sessions.map(({ name }) => metric(`winnow_session_cost_dollars_total{session="${name}"}`))),
      },
      journal: sum(Object.values(all.costBySession)),
    },
    { what: 'dollars of cycles', told: { 'their summaries': cycles.told.usd }, journal: cycles.ran.usd },
    { what: 'tokens of cycles', told: { 'their summaries': cycles.told.tokens }, journal: cycles.ran.tokens },
    { what: 'checks of cycles', told: { 'their summaries': cycles.told.checks }, journal: cycles.ran.checks },
    {
      what: 'dollars that the model billed',
      told: { 'runs of stand-ins': billed.toldUsd },
      journal: billed.toldUsd,
      world: { 'bill of the model': billed.billUsd },
    },
    {
      what: 'tokens that the model billed',
      told: { 'runs of stand-ins': billed.toldTokens },
      journal: billed.toldTokens,
      world: { 'bill of the model': billed.billTokens },
    },
    {
      what: 'branches pending',
      told: {
        queue: queue.filter(({ status: { state } }) => state === 'pending').length,
        metrics: metric('winnow_queue_branches{state="pending"}'),
      },
      journal: inState('pending'),
    },
    {
      what: 'branches approved, not landed',
      told: {
        queue: queue.filter(({ status: { state } }) => state === 'approved').length,
        metrics: metric('winnow_queue_branches{state="approved"}'),
      },
      journal: inState('approved'),
    },
    {
      what: 'branches for a person',
      told: {
        queue: queue.filter(({ status: { state } }) => state === 'needs-human').length,
        metrics: metric('winnow_queue_branches{state="needs-human"}'),
        bot: Number(/^Queue: .*?(\d+) for you/m.exec(told.bot)?.[1] ?? 0),
      },
      journal: inState('needs-human'),
    },
    {
      what: 'branches rejected',
      told: { queue: queue.filter(({ status: { state } }) => state === 'rejected').length },
      journal: inState('rejected'),
    },
    {
      what: 'branches dropped',
      told: { queue: queue.filter(({ status: { state } }) => state === 'dropped').length },
      journal: inState('dropped'),
    },
    {
      what: 'branches landed',
      told: { queue: queue.filter(({ status: { state } }) => state === 'landed').length },
      journal: all.landings,
      world: { 'commits on main that name one': landedOn.length },
    },
    {
      what: 'landings that are on main',
      told: { 'commits of the entries': landings(lines).length },
      journal: all.landings,
      world: {
        git: landings(lines).filter(({ branch, merged }) =>
          landedOn.some((one) => one.commit === merged && one.branch === branch),
        ).length,
      },
    },
    {
      what: 'branches in the remote',
      told: { 'pushed and not deleted': kept.length },
      journal: kept.length,
      world: { git: git.branches.size, 'of them known': kept.filter((name) => git.branches.has(name)).length },
    },
    {
      what: 'tasks queued, assigned, failed',
      told: {
        status: [status.tasks.queued, status.tasks.assigned, status.tasks.failed].join(' '),
        metrics: ['queued', 'assigned', 'failed'].map((state) => metric(`winnow_tasks{state="${state}"}`)).join(' '),
      },
      journal: ['queued', 'assigned', 'failed'].map((state) => all.tasks[state] ?? 0).join(' '),
    },
    {
      what: 'tasks done',
      told: { tasks: tasks.filter(({ state }) => state === 'done').length },
      journal: all.tasks.done ?? 0,
    },
    {
      what: 'standups',
      told: { log: log.team_standup ?? 0 },
      journal: all.standups,
      world: { minutes: files.standups },
    },
    { what: 'runs of standups', told: { 'their entries': all.standupRuns }, journal: meetings.runs },
    { what: 'dollars of standups', told: { 'their entries': all.standupCostUsd }, journal: meetings.usd },
    {
      what: 'doctor’s rounds',
      told: { log: log.doctor_analysis ?? 0 },
      journal: all.rounds,
      world: { letters: files.letters },
    },
    { what: 'upkeeps of the bot', told: { log: log.bot_upkeep ?? 0 }, journal: all.upkeeps },
    {
      what: 'reviews',
      told: { log: log.cto_review ?? 0 },
      journal: sum(Object.values(all.reviews)),
      world: { 'by whom': sum(Object.values(all.reviewsBy)) },
    },
    {
      what: 'entries of the journal',
      told: {
        status: status.journal.entries,
        metrics: metric('winnow_journal_entries_total'),
        log: sum(Object.values(log)),
      },
      journal: all.entries,
    },
    { what: 'damaged places', told: { status: status.journal.damaged }, journal: damaged },
    { what: 'entries that are illegal', told: { status: status.journal.illegal }, journal: 0 },
  ];
};

const DAY_MS = 24 * 3_600_000;

/** What the day’s summary says, of the day before `toMs`. */
export const digestRows = (text: string, journal: string, fromMs: number, toMs: number): Row[] => {
  const { lines } = readJournal(journal);
  const day = countLines(lines, fromMs, toMs);
  const told = (pattern: RegExp, absent: Figure = 0): Record<string, Figure> => {
    const found = pattern.exec(text)?.[1];
    return { 'the day’s summary': found === undefined ? absent : found.startsWith('$') ? found : Number(found) };
  };
  const titles = text.split('\n').filter((line) => line.startsWith('- ')).length;
  const more = Number(/^- and (\d+) more$/m.exec(text)?.[1] ?? 0);
  return [
    { what: 'the day: landed', told: told(/(\d+) landed/), journal: day.landings },
    {
      what: 'the day: titles of what landed',
      told: { 'the day’s summary': more > 0 ? titles - 1 + more : titles },
      journal: day.landings,
    },
    { what: 'the day: discarded', told: told(/landed, (\d+) discarded/), journal: day.outcomes.discarded ?? 0 },
    { what: 'the day: spent', told: told(/(\$[\d.]+) spent/, 'nothing'), journal: usd(day.costUsd) },
    { what: 'the day: cycles', told: told(/^(\d+) cycles?: /m), journal: day.cyclesEnded },
    { what: 'the day: pushed', told: told(/(\d+) pushed,/), journal: day.outcomes.pushed ?? 0 },
    { what: 'the day: failed', told: told(/discarded, (\d+) failed\./), journal: day.outcomes.failed ?? 0 },
    { what: 'the day: rejected in review', told: told(/(\d+) rejected in review/), journal: day.reviews.reject ?? 0 },
    { what: 'the day: dropped', told: told(/(\d+) dropped before landing/), journal: day.dropped },
    { what: 'the day: red main, minutes', told: redTold(text), journal: redMinutes(lines, fromMs, toMs) },
  ];
};

/** "main of small was red for 1 h 05 min." */
const redTold = (text: string): Record<string, Figure> => {
  const [, hours = '0', minutes = '0'] = /was red for (?:(\d+) h ?)?(?:(\d+) min)?/.exec(text) ?? [];
  return { 'the day’s summary': Number(hours) * 60 + Number(minutes) };
};

const redMinutes = (lines: readonly Line[], fromMs: number, toMs: number): number => {
  let [redMs, sinceMs] = [0, undefined as number | undefined];
  for (const { ts, type } of lines) {
    const atMs = Math.min(Math.max(Date.parse(ts), fromMs), toMs);
    if (type === 'main_red') sinceMs ??= atMs;
    if (type !== 'main_green' || sinceMs === undefined) continue;
    redMs += Math.max(0, atMs - sinceMs);
    sinceMs = undefined;
  }
  if (sinceMs !== undefined) redMs += toMs - sinceMs;
  return Math.round(redMs / 60_000);
};

/** What was sent to people, as the journal tells it and as it arrived. */
export const messageRows = (
  journal: string,
  arrived: { webhook: readonly Notice[]; telegram: readonly number[] },
): Row[] => {
  const { lines } = readJournal(journal);
  const queued = new Map(
    lines.filter(({ type }) => type === 'message_queued').map(({ data }) => [data.message, data.channel]),
  );
  const taken = lines.filter(({ type }) => type === 'message_sent');
  const sent = taken.map(({ data }) => queued.get(data.message));
  const numbers = new Set(
    taken.flatMap(({ data }) => (queued.get(data.message) === 'telegram' ? [Number(data.reference)] : [])),
  );
  const digests = lines.filter(({ type, data }) => type === 'message_queued' && data.about.kind === 'digest');
  return [
    {
      what: 'messages that the webhook took',
      told: { 'sent, by the journal': sent.filter((channel) => channel === 'webhook').length },
      journal: sent.filter((channel) => channel === 'webhook').length,
      world: { 'the webhook': arrived.webhook.length },
    },
    {
      what: 'messages that Telegram took',
      told: { 'numbers in the journal': numbers.size },
      journal: numbers.size,
      world: { 'of them known to Telegram': arrived.telegram.filter((number) => numbers.has(number)).length },
    },
    {
      what: 'standups that people were told of',
      told: { 'the webhook': arrived.webhook.filter(({ text }) => text.startsWith('Standup: ')).length },
      journal: lines.filter(({ type }) => type === 'team_standup').length,
    },
    {
      what: 'summaries of the day',
      told: { 'the webhook': arrived.webhook.filter(({ text }) => text.startsWith('The last day: ')).length },
      journal: digests.filter(({ data }) => data.channel === 'webhook' && data.text.startsWith('The last day')).length,
      world: { 'days on which anything happened': 1 },
    },
  ];
};

/** What each session is told of itself before a standup, against the lines that were there then. */
export const factRows = (facts: readonly Facts[], journal: string): Row[] => {
  const bytes = Buffer.from(journal);
  const sums = { told: { cycles: 0, usd: 0 }, counted: { cycles: 0, usd: 0 } };
  for (const { session, text, journalBytes } of facts) {
    const { lines } = readJournal(bytes.subarray(0, journalBytes).toString('utf8'));
    const told = {
      cycles: Number(/It ended (\d+) cycle/.exec(text)?.[1] ?? 0),
      usd: Number(/its runs cost \$(\d+\.\d\d)/.exec(text)?.[1] ?? 0),
    };
    const possible = momentsOf(lines).map((seen) => sinceMeeting(seen, session, text));
    const same = possible.find(({ cycles, usd }) => cycles === told.cycles && Math.abs(usd - told.usd) <= CENT_HALF);
    const counted = same ?? possible[0]!;
    sums.told.cycles += told.cycles;
    sums.counted.cycles += counted.cycles;
    sums.told.usd += told.usd;
    // What is told in whole cents is compared in them.
    sums.counted.usd += same ? told.usd : counted.usd;
  }
  return [
    { what: 'reports of sessions', told: { prompts: facts.length }, journal: facts.length },
    { what: 'cycles in their facts', told: { prompts: sums.told.cycles }, journal: sums.counted.cycles },
    { what: 'dollars in their facts', told: { prompts: sums.told.usd }, journal: sums.counted.usd },
  ];
};

const CENT_HALF = 0.005_001;
/** Facts are gathered a moment before the prompt arrives: what was written in between may be in them or not. */
const GATHERED_MAX_MS = 20_000;

/** The journal as it was, and as it was before each of its last lines. */
const momentsOf = (lines: readonly Line[]): (readonly Line[])[] => {
  const endMs = Date.parse(lines.at(-1)?.ts ?? '');
  const moments = [lines];
  for (let n = lines.length - 1; n > 0 && Math.abs(endMs - Date.parse(lines[n]!.ts)) < GATHERED_MAX_MS; n -= 1)
    moments.push(lines.slice(0, n));
  return moments;
};

const sinceMeeting = (lines: readonly Line[], session: string, text: string): { cycles: number; usd: number } => {
  const toldSince = /since (\S+ \S+) UTC/.exec(text)?.[1] ?? '';
  const last = lines.findLast(({ type }) => type === 'team_standup')?.ts ?? '';
  // Where the clock was set back, it is a day instead of the last meeting.
  const isLast = last.slice(0, 16).replace('T', ' ') === toldSince;
  const sinceMs = Date.parse(isLast ? last : `${toldSince.replace(' ', 'T')}:00Z`);
  const own = lines.filter((line) => line.session === session && Date.parse(line.ts) >= sinceMs);
  const runs = own.filter(({ type }) => type === 'agent_ran');
  return {
    cycles: own.filter(({ type }) => type === 'ralph_cycle').length,
    usd: sum(runs.map(({ data }) => Math.round(data.costUsd * MICRO))) / MICRO,
  };
};

const landings = (lines: readonly Line[]): { branch: string; merged: string }[] =>
  lines.filter(({ type }) => type === 'merged').flatMap(({ data }) => data.landings);

const MICRO = 1_000_000;

/** What cycles say of themselves when they end, against their runs and checks one by one. */
const perCycle = (lines: readonly Line[]) => {
  const ended = lines.filter(({ type }) => type === 'ralph_cycle');
  const ids = new Set(ended.map(({ cycle }) => cycle));
  const of = (wanted: string) => lines.filter(({ type, cycle }) => type === wanted && ids.has(cycle));
  const usdOf = (among: readonly Line[]) => sum(among.map(({ data }) => Math.round(data.costUsd * MICRO))) / MICRO;
  const tokens = (among: readonly Line[]) => sum(among.map(({ data }) => tokensOf(data.tokens)));
  const runs = of('agent_ran');
  return {
    told: { usd: usdOf(ended), tokens: tokens(ended), checks: sum(ended.map(({ data }) => data.checks.ran)) },
    ran: { usd: usdOf(runs), tokens: tokens(runs), checks: of('check_ran').length },
  };
};

/** Each meeting against the last runs before it: one that a death cut off leaves runs and no entry. */
const perMeeting = (lines: readonly Line[]): { runs: number; usd: number } => {
  const total = { runs: 0, usd: 0 };
  let seen: Line[] = [];
  for (const line of lines) {
    if (line.type === 'agent_ran' && ['standup', 'chair'].includes(line.data.purpose)) seen.push(line);
    if (line.type !== 'team_standup') continue;
    // Runs of a meeting carry the mark of that meeting before the number of the run.
    const own = seen.slice(-line.data.runs);
    total.runs += own.length;
    total.usd += sum(own.map(({ data }) => Math.round(data.costUsd * MICRO)));
    seen = [];
  }
  return { runs: total.runs, usd: total.usd / MICRO };
};

/** Run by run: what the journal says of it and what the model billed for it. */
const againstBills = (lines: readonly Line[], bills: ReadonlyMap<string, Bill>) => {
  let [toldUsd, toldTokens, billUsd, billTokens] = [0, 0, 0, 0];
  for (const { type, data } of lines) {
    const bill = type === 'agent_ran' ? bills.get(data.run) : undefined;
    if (!bill) continue;
    toldUsd += Math.round(data.costUsd * MICRO);
    toldTokens += tokensOf(data.tokens);
    billUsd += Math.round(bill.costUsd * MICRO);
    billTokens += tokensOf(bill.tokens);
  }
  return { toldUsd: toldUsd / MICRO, toldTokens, billUsd: billUsd / MICRO, billTokens };
};

/** What a day has to have had; by the count of the journal. */
export const WANTED: Record<string, { least: number; of: (count: Count) => number }> = {
  cycles: { least: 60, of: (count) => count.cyclesEnded },
  standups: { least: 12, of: ({ standups }) => standups },
  reviews: { least: 12, of: (count) => sum(Object.values(count.reviews)) },
  'doctor’s rounds': { least: 8, of: ({ rounds }) => rounds },
  upkeeps: { least: 4, of: ({ upkeeps }) => upkeeps },
  landings: { least: 12, of: ({ landings }) => landings },
  'outcomes of all kinds': {
    least: 5,
    of: ({ outcomes }) =>
      OUTCOMES.filter((outcome) => outcome !== 'interrupted' && (outcomes[outcome] ?? 0) > 0).length,
  },
};
