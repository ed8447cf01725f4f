import { crc32 } from 'node:zlib';

/**
 * The day counted by somebody else: from the bytes of the journal and by addition alone. Nothing of Winnow is imported
 * here, neither its reader nor its schema nor its fold, so that a mistake of theirs is not made twice.
 */
export interface Line {
  id: string;
  ts: string;
  type: string;
  session?: string;
  cycle?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what is written is read as it stands, by no schema that Winnow shares.
  data: any;
}

export interface ReadJournal {
  lines: Line[];
  /** Lines that are not what was once written. */
  damaged: number;
}

/** Each line is JSON that ends in the checksum of what stands before it. */
export const readJournal = (text: string): ReadJournal => {
  const read: ReadJournal = { lines: [], damaged: 0 };
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const at = line.lastIndexOf(',"crc":"');
    const isWhole = at > 0 && crc32(line.slice(0, at)).toString(16).padStart(8, '0') === line.slice(at + 8, at + 16);
    if (isWhole) read.lines.push(JSON.parse(line) as Line);
    else read.damaged += 1;
  }
  return read;
};

/** Dollars are added in millionths: a sum does not depend on the order then. */
const MICRO = 1_000_000;
const micro = (usd: unknown): number => Math.round(Number(usd ?? 0) * MICRO);

export interface Count {
  entries: number;
  cyclesBegun: number;
  cyclesEnded: number;
  outcomes: Record<string, number>;
  /** By session, then by outcome. */
  sessions: Record<string, Record<string, number>>;
  costUsd: number;
  costBySession: Record<string, number>;
  runs: number;
  tokens: number;
  /** By decision, and by who said it. */
  reviews: Record<string, number>;
  reviewsBy: Record<string, number>;
  moves: number;
  landings: number;
  dropped: number;
  standups: number;
  standupRuns: number;
  standupCostUsd: number;
  rounds: number;
  roundRuns: number;
  roundCostUsd: number;
  upkeeps: number;
  /** Where each branch stands, by the last that was said of it. */
  branches: Record<string, 'pending' | 'approved' | 'needs-human' | 'rejected' | 'landed' | 'dropped' | 'gone'>;
  tasks: Record<string, number>;
  messages: { queued: number; sent: number };
}

/** Of the lines from one moment up to another, both in milliseconds since the epoch; what stands is of all lines. */
export const countLines = (lines: readonly Line[], fromMs = 0, toMs = Number.POSITIVE_INFINITY): Count => {
  const count: Count = {
    ...{ entries: lines.length, cyclesBegun: 0, cyclesEnded: 0, outcomes: {}, sessions: {} },
    ...{ costUsd: 0, costBySession: {}, runs: 0, tokens: 0, reviews: {}, reviewsBy: {}, moves: 0, landings: 0 },
    ...{ dropped: 0, standups: 0, standupRuns: 0, standupCostUsd: 0, rounds: 0, roundRuns: 0, roundCostUsd: 0 },
    ...{ upkeeps: 0, branches: {}, tasks: {}, messages: { queued: 0, sent: 0 } },
  };
  const taskStates = new Map<string, string>();
  for (const { ts, type, session = '', data } of lines) {
    follow(count, taskStates, type, data);
    const atMs = Date.parse(ts);
    if (atMs < fromMs || atMs >= toMs) continue;
    if (type === 'cycle_started') count.cyclesBegun += 1;
    if (type === 'ralph_cycle') {
      count.cyclesEnded += 1;
      add(count.outcomes, data.outcome, 1);
      count.sessions[session] ??= {};
      add(count.sessions[session], data.outcome, 1);
    }
    if (type === 'agent_ran') {
      count.runs += 1;
      count.costUsd += micro(data.costUsd);
      count.tokens += tokensOf(data.tokens);
      if (session !== '') add(count.costBySession, session, micro(data.costUsd));
    }
    if (type === 'cto_review') {
      add(count.reviews, data.decision, 1);
      add(count.reviewsBy, data.by, 1);
    }
    if (type === 'merged') {
      count.moves += 1;
      count.landings += data.landings.length;
    }
    if (type === 'branch_dropped') count.dropped += 1;
    if (type === 'team_standup') {
      count.standups += 1;
      count.standupRuns += data.runs;
      count.standupCostUsd += micro(data.costUsd);
    }
    if (type === 'doctor_analysis') {
      count.rounds += 1;
      count.roundRuns += data.runs;
      count.roundCostUsd += micro(data.costUsd);
    }
    if (type === 'bot_upkeep') count.upkeeps += 1;
    if (type === 'message_queued') count.messages.queued += 1;
    if (type === 'message_sent') count.messages.sent += 1;
  }
  for (const key of ['costUsd', 'standupCostUsd', 'roundCostUsd'] as const) count[key] /= MICRO;
  for (const name of Object.keys(count.costBySession)) count.costBySession[name]! /= MICRO;
  for (const state of taskStates.values()) add(count.tasks, state, 1);
  return count;
};

const DECIDED: Record<string, Count['branches'][string]> = {
  approve: 'approved',
  reject: 'rejected',
  'needs-human': 'needs-human',
};
const TASK_STATES: Record<string, string> = {
  task_queued: 'queued',
  task_assigned: 'assigned',
  task_returned: 'queued',
  task_done: 'done',
  task_failed: 'failed',
  task_cancelled: 'cancelled',
};

/** What stands at the end, whenever it began. */
const follow = (count: Count, tasks: Map<string, string>, type: string, data: Line['data']): void => {
  const { branches } = count;
  if (type === 'branch_pushed' || type === 'revert_proposed') branches[data.branch] = 'pending';
  if (type === 'cto_review') branches[data.branch] = DECIDED[data.decision] ?? 'pending';
  if (type === 'branch_moved') branches[data.branch] = data.to === undefined ? 'gone' : 'pending';
  if (type === 'branch_dropped') branches[data.branch] = 'dropped';
  if (type === 'merged') for (const { branch } of data.landings) branches[branch] = 'landed';
  const state = TASK_STATES[type];
  if (state !== undefined) tasks.set(data.task, state);
};

export const tokensOf = (tokens: Record<string, number>): number => Object.values(tokens).reduce((a, b) => a + b, 0);

const add = (to: Record<string, number>, key: string, by: number): void => {
  to[key] = (to[key] ?? 0) + by;
};
