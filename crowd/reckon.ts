import type { Entry, GateName } from '../src/model/entry.ts';

/** What the lines of the journal say about the promises of gates and turns: counted, from nothing but their order. */

/** From this entry on that many cycles may be under way: its place in the journal when the configuration was changed. */
export interface Limit {
  from: number;
  max: number;
}

/** The most cycles under way at once, and each cycle that began although there were enough. */
export const cyclesAtOnce = (
  entries: readonly Entry[],
  limits: readonly Limit[],
): { most: number; broken: string[] } => {
  const open = new Set<string>();
  const broken: string[] = [];
  let most = 0;
  for (const [index, entry] of entries.entries()) {
    const cycle = entry.cycle ?? '';
    if (entry.type === 'ralph_cycle') open.delete(cycle);
    if (entry.type !== 'cycle_started') continue;
    open.add(cycle);
    most = Math.max(most, open.size);
    const allowed = allowedAt(entries, limits, index);
    if (open.size > allowed) broken.push(`${entry.session} began as number ${open.size} of ${allowed}`);
  }
  return { most, broken };
};

/** Between the change of the file and the entry that it was read either number is right. */
const allowedAt = (entries: readonly Entry[], limits: readonly Limit[], index: number): number => {
  const at = limits.findLastIndex(({ from }) => from <= index);
  const [now, before] = [limits[at], limits[at - 1]];
  if (now === undefined) return 0;
  const isRead = entries.slice(now.from, index).some(({ type }) => type === 'config_loaded');
  return isRead || before === undefined ? now.max : Math.max(now.max, before.max);
};

/** How often each gate closed and opened, and whatever is not as it should be: begun while closed, told twice, no figures. */
export const gatesHeld = (
  entries: readonly Entry[],
): { closed: Partial<Record<GateName, number>>; opened: Partial<Record<GateName, number>>; broken: string[] } => {
  const shut = new Set<GateName>();
  const [closed, opened]: Partial<Record<GateName, number>>[] = [{}, {}];
  const broken: string[] = [];
  for (const entry of entries) {
    if (entry.type === 'gate_closed') {
      const { gate, figures } = entry.data;
      if (shut.has(gate)) broken.push(`${gate} was closed twice`);
      if (FIGURED.includes(gate) && Object.keys(figures).length < 2) broken.push(`${gate} was closed without figures`);
      shut.add(gate);
      closed![gate] = (closed![gate] ?? 0) + 1;
    } else if (entry.type === 'gate_opened') {
      const { gate } = entry.data;
      if (!shut.delete(gate)) broken.push(`${gate} was opened and had not been closed`);
      opened![gate] = (opened![gate] ?? 0) + 1;
    } else if (entry.type === 'cycle_started' && shut.size > 0) {
      broken.push(`${entry.session} began while ${[...shut].join(', ')} was closed`);
    }
  }
  return { closed: closed!, opened: opened!, broken };
};

/** The figure and its limit. */
const FIGURED: readonly GateName[] = ['memory', 'disk', 'budget'];

/** Of each session the cycles that began, and how long it waited for each after its last one had ended. */
export interface Turns {
  counts: Map<string, number>;
  waitsMs: number[];
}

export const turnsOf = (entries: readonly Entry[], sessions: readonly string[]): Turns => {
  const counts = new Map(sessions.map((name) => [name, 0]));
  const endedMs = new Map<string, number>();
  const waitsMs: number[] = [];
  for (const { type, session = '', ts } of entries) {
    if (type === 'ralph_cycle') endedMs.set(session, Date.parse(ts));
    if (type !== 'cycle_started') continue;
    counts.set(session, (counts.get(session) ?? 0) + 1);
    const ended = endedMs.get(session);
    if (ended !== undefined) waitsMs.push(Date.parse(ts) - ended);
  }
  return { counts, waitsMs };
};

/** Cycles that began and have not ended, and those that ended more than once. */
export const endsOf = (entries: readonly Entry[]): { open: string[]; twice: string[] } => {
  const ends = new Map<string, number>();
  for (const { type, cycle = '' } of entries) {
    if (type === 'cycle_started') ends.set(cycle, ends.get(cycle) ?? 0);
    if (type === 'ralph_cycle') ends.set(cycle, (ends.get(cycle) ?? 0) + 1);
  }
  const those = (fits: (count: number) => boolean) => [...ends].filter(([, count]) => fits(count)).map(([id]) => id);
  return { open: those((count) => count === 0), twice: those((count) => count > 1) };
};

/** Branches that were pushed and have neither landed nor been refused. */
export const branchesOpen = (entries: readonly Entry[]): string[] => {
  const open = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'branch_pushed') open.add(entry.data.branch);
    if (entry.type === 'branch_dropped') open.delete(entry.data.branch);
    if (entry.type === 'cto_review' && entry.data.decision === 'reject') open.delete(entry.data.branch);
    if (entry.type === 'merged') for (const { branch } of entry.data.landings) open.delete(branch);
  }
  return [...open];
};

export const landedIn = (entries: readonly Entry[], project: string): number =>
  entries.reduce(
    (sum, entry) => sum + (entry.type === 'merged' && entry.project === project ? entry.data.landings.length : 0),
    0,
  );

export const spentUsd = (entries: readonly Entry[]): number =>
  entries.reduce((sum, entry) => sum + (entry.type === 'agent_ran' ? entry.data.costUsd : 0), 0);
