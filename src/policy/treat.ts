import { type Backoff, backoffMs } from '../base/backoff.ts';
import { UNTIL_RESUMED } from '../model/crew.ts';
import type { SessionState, State } from '../model/state.ts';
import { type Finding, type PastCycle, spanText } from './classify.ts';
import { type Ending, errorOf } from './ending.ts';

/**
 * What is done about a finding, by rule and nothing beside it. A session that loops rests, each time longer, and its
 * first cycle afterwards is a probe: the same error once more and it rests again, anything else and it is well. One
 * that is stuck has to turn to something else. Whoever has to rest too often in a day waits for a person.
 */
export type Treatment =
  | { do: 'none'; why: string }
  | Park
  | { do: 'redirect'; reason: string; titles: string[]; files: string[]; tasks: string[] };

export interface Park {
  do: 'park';
  signature: string;
  reason: string;
  /** ISO 8601. */
  until: string;
  /** A person is asked: so many parks in a day are more than bad luck. */
  escalate: boolean;
}

export interface TreatInput {
  finding: Finding;
  state: Readonly<State>;
  paused: boolean;
  /** Cycles in a row without anything kept that a redirection takes. */
  stuckAfter: number;
  parksPerDay: number;
  /** When it was last told to turn to something else. */
  redirectedMs: number;
  now: number;
}

export const treat = (input: TreatInput): Treatment => {
  const { finding } = input;
  if (input.paused) return { do: 'none', why: 'it is paused: the doctor leaves it alone' };
  switch (finding.class) {
    case 'productive':
    case 'idle':
      return { do: 'none', why: '' };
    case 'stuck':
      return turnAway(input);
    case 'error-looping':
      return rest(input);
    default:
      return finding.class satisfies never;
  }
};

const rest = ({ finding, state, parksPerDay, now }: TreatInput): Treatment => {
  const known = state.sessions[finding.session];
  const signature = finding.signature ?? '';
  if (known?.parked?.signature !== undefined) return { do: 'none', why: 'it is parked for it' };
  if (known?.probation) return { do: 'none', why: 'its next cycle is the probe' };
  const parkedAt = known?.parks?.findLast((park) => park.signature === signature)?.at;
  const last = finding.about.at(-1);
  if (parkedAt !== undefined && last && last.endedMs <= Date.parse(parkedAt))
    return { do: 'none', why: 'no cycle since its last rest has said anything' };
  const said = `the same error ${finding.about.length} times in a row`;
  return parkFor(known, { signature, said, parksPerDay, now });
};

/** From half an hour on, since a cycle takes a quarter; twice as long each time, half a day at most. */
const PARK: Backoff = { baseMs: 30 * 60_000, maxMs: 12 * 3_600_000, jitter: 0 };
const PARKS_COUNT_MS = 24 * 3_600_000;

export interface ParkInput {
  signature: string;
  /** "the same error 3 times in a row" */
  said: string;
  parksPerDay: number;
  now: number;
}

export const parkFor = (
  session: Readonly<SessionState> | undefined,
  { signature, said, parksPerDay, now }: ParkInput,
): Park => {
  const today = (session?.parks ?? []).filter(({ at }) => Date.parse(at) > now - PARKS_COUNT_MS).length + 1;
  const error = `${said}: ${signature}`;
  if (today >= parksPerDay) {
    const reason = `${error}; parked ${today === 1 ? 'once' : `${today} times`} within a day, so a person is asked`;
    return { do: 'park', signature, reason, until: UNTIL_RESUMED, escalate: true };
  }
  const restMs = backoffMs(today, PARK, 0);
  const until = new Date(Math.max(now + restMs, Date.parse(session?.parked?.until ?? '') || 0)).toISOString();
  return { do: 'park', signature, reason: `${error}; rests ${spanText(restMs)}`, until, escalate: false };
};

/** What the end of a cycle says about a park: one that was just over, or one that was ordered while it ran. */
export const afterCycle = (
  before: Readonly<SessionState> | undefined,
  ending: Ending,
  { parksPerDay, now }: Pick<ParkInput, 'parksPerDay' | 'now'>,
): Park | { do: 'unpark'; reason: string } | undefined => {
  const error = errorOf(ending);
  if (before?.probation && error === before.probation.signature) {
    return parkFor(before, { signature: error, said: 'the same error again after its rest', parksPerDay, now });
  }
  const parked = before?.parked;
  if (parked?.signature === undefined || parked.until === UNTIL_RESUMED) return undefined;
  // Nothing is known by an interruption or by what came from outside.
  const told = error === undefined ? ending.outcome === 'pushed' || ending.nothing : error !== parked.signature;
  return told ? { do: 'unpark', reason: 'the cycle that ran meanwhile ended otherwise' } : undefined;
};

/** Titles and files named; what is left out of very many is found in the journal. */
const TITLES_MAX = 10;
const FILES_MAX = 20;

const turnAway = ({ finding, state, stuckAfter, redirectedMs }: TreatInput): Treatment => {
  const since = finding.about.filter(({ endedMs }) => endedMs > redirectedMs);
  if (since.length < finding.about.length && since.length < stuckAfter) {
    const cycles = since.length === 1 ? 'one cycle' : `${since.length} cycles`;
    return { do: 'none', why: `it was told to turn to something else; ${cycles} since` };
  }
  const tasks = new Set(since.flatMap(({ task }) => (task ? [task.id] : [])));
  return {
    do: 'redirect',
    reason: `${since.length} cycles in a row without anything kept`,
    titles: [...new Set(since.flatMap(({ title }) => (title ? [title] : [])))].slice(-TITLES_MAX),
    files: circledFiles(since),
    // What a person gave to this very session stays with it.
    tasks: Object.values(state.tasks)
      .filter(
        ({ id, state: at, origin }) => tasks.has(id) && (at === 'queued' || at === 'assigned') && origin !== 'person',
      )
      .map(({ id }) => id),
  };
};

/** Those that it came back to; a file touched once says nothing. */
const circledFiles = (cycles: readonly PastCycle[]): string[] => {
  const counts = new Map<string, number>();
  for (const { files } of cycles) for (const file of new Set(files)) counts.set(file, (counts.get(file) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .sort(([, a], [, b]) => b - a)
    .map(([file]) => file)
    .slice(0, FILES_MAX);
};
