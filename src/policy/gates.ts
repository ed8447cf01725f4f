import type { Config } from '../model/config.ts';
import type { GateName } from '../model/entry.ts';
import type { State } from '../model/state.ts';
import { isSpent } from './cents.ts';

/** Whether new work may begin: one reading per gate, from the state, the machine and the hour. */

export interface MachineFacts {
  memoryUsedShare: number;
  memoryTotalBytes: number;
  memoryAvailableBytes: number;
  diskFreeBytes: number;
  stopFile: boolean;
}

export interface GateReading {
  gate: GateName;
  closed: boolean;
  /** One sentence with figures; says what opens it again, where `until` does not. */
  reason: string;
  figures: Record<string, number>;
  until?: string;
}

/** A gate that closed opens only when the figure is better by this much: otherwise it flutters at the line. */
const MEMORY_HYSTERESIS = 0.05;
/** Of a low limit only a tenth: a gate at 5 % must not wait for a machine that uses nothing. */
const MEMORY_HYSTERESIS_SHARE = 0.1;
const DISK_HYSTERESIS = 1.2;

export const readGates = (state: Readonly<State>, config: Config, facts: MachineFacts, now: number): GateReading[] => [
  readMemory(state, config, facts),
  readDisk(state, config, facts),
  readBudget(state, config, now),
  readUsageLimit(state, now),
  readStopFile(facts),
  readAccount(state),
];

/** Why nothing new may begin, for people; a gate that is named counts as open. */
export const whyHeld = (
  state: Readonly<State>,
  config: Config,
  facts: MachineFacts,
  { now, except }: { now: number; except?: GateName | undefined },
): string | undefined => {
  if (state.paused) return `everything is paused by ${state.paused.by}`;
  const shut = readGates(state, config, facts, now).find(({ gate, closed }) => closed && gate !== except);
  return shut && `gate ${shut.gate} is closed: ${shut.reason}`;
};

const readMemory = (state: Readonly<State>, config: Config, facts: MachineFacts): GateReading => {
  const limit = config.gates.memory;
  const opensAt = round(limit - Math.min(MEMORY_HYSTERESIS, limit * MEMORY_HYSTERESIS_SHARE));
  const closed = facts.memoryUsedShare > (state.gates.memory ? opensAt : limit);
  return {
    gate: 'memory',
    closed,
    reason: `${percent(facts.memoryUsedShare)} of ${gib(facts.memoryTotalBytes)} used; opens at ${percent(opensAt)}`,
    figures: { usedShare: round(facts.memoryUsedShare), limit },
  };
};

const readDisk = (state: Readonly<State>, config: Config, facts: MachineFacts): GateReading => {
  const need = config.gates.disk * (state.gates.disk ? DISK_HYSTERESIS : 1);
  return {
    gate: 'disk',
    closed: facts.diskFreeBytes < need,
    reason: `${gib(facts.diskFreeBytes)} free; opens at ${gib(config.gates.disk * DISK_HYSTERESIS)}`,
    figures: { freeBytes: facts.diskFreeBytes, limitBytes: config.gates.disk },
  };
};

const readBudget = (state: Readonly<State>, config: Config, now: number): GateReading => {
  const spent = state.days[dayKey(now)]?.costUsd ?? 0;
  const until = new Date(startOfNextDay(now)).toISOString();
  return {
    gate: 'budget',
    closed: isSpent(config.gates.budgetPerDayUsd, spent),
    reason: `$${spent.toFixed(2)} of $${config.gates.budgetPerDayUsd.toFixed(2)} spent today`,
    figures: { spentUsd: round(spent), limitUsd: config.gates.budgetPerDayUsd },
    until,
  };
};

/** Closed by an entry of whichever session met the limit first; opens when its time has come. */
const readUsageLimit = (state: Readonly<State>, now: number): GateReading => {
  const gate = state.gates['usage-limit'];
  const until = gate?.until;
  // Closed at a moment that is still to come: the clock was set back, and the first run will tell how things stand.
  const isAhead = gate !== undefined && Date.parse(gate.at) > now;
  return {
    gate: 'usage-limit',
    closed: until !== undefined && Date.parse(until) > now && !isAhead,
    reason: gate?.reason ?? '',
    figures: gate?.figures ?? {},
    ...(until ? { until } : {}),
  };
};

const readStopFile = (facts: MachineFacts): GateReading => ({
  gate: 'stop-file',
  closed: facts.stopFile,
  reason: '.winnow/STOP exists; delete it to go on',
  figures: {},
});

/** Login or credit: closed by an entry, opened by a person with `winnow resume`. */
const readAccount = (state: Readonly<State>): GateReading => ({
  gate: 'account',
  closed: state.gates.account !== undefined,
  reason: state.gates.account?.reason ?? '',
  figures: {},
});

export const dayKey = (now: number): string => new Date(now).toISOString().slice(0, 10);

const DAY_MS = 86_400_000;
/** Midnight UTC, when the budgets of a day begin anew. */
export const startOfNextDay = (now: number): number => (Math.floor(now / DAY_MS) + 1) * DAY_MS;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GB`;
const round = (value: number): number => Math.round(value * 10_000) / 10_000;
