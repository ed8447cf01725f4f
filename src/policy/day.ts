import { Cron } from 'croner';
import type { Entry, EntryType } from '../model/entry.ts';
import type { State } from '../model/state.ts';
import { spanText } from './classify.ts';
import { count, few, usd } from './notice-text.ts';
import { openBranches } from './queue.ts';

/** The summary of the last day, counted from the journal: each figure is one that `winnow log` shows as well. */
export interface Day {
  /** Titles of what became part of main. */
  landed: string[];
  /** Cycles that ended, and those of them whose work was kept or thrown away. */
  cycles: { ended: number; pushed: number; discarded: number; failed: number };
  rejected: number;
  dropped: number;
  costUsd: number;
  /** By project, in milliseconds of the day. */
  redMs: Record<string, number>;
  /** Branches that waited for a person at its end and still do. */
  needsHuman: string[];
}

/** A summary that was missed for longer, while nothing ran, is not made up for: the next one is nearer. */
const DIGEST_LATE_MAX_MS = 6 * 3_600_000;

/** The last moment of a cron expression, in UTC, at which something is due that may still be told; in milliseconds. */
export const digestDue = (expression: string, now: number): number | undefined => {
  const cron = new Cron(expression, { paused: true, utcOffset: 0 });
  let last: number | undefined;
  for (let at = cron.nextRun(new Date(now - DIGEST_LATE_MAX_MS)); at && at.getTime() <= now; at = cron.nextRun(at)) {
    last = at.getTime();
  }
  return last;
};

export const DAY_TYPES = [
  'ralph_cycle',
  'merged',
  'agent_ran',
  'cto_review',
  'branch_dropped',
  'main_red',
  'main_green',
] as const satisfies readonly EntryType[];

/** Of the entries between the two moments, in their order; what lasts longer than it is counted within it. */
export const dayOf = (entries: readonly Entry[], state: Readonly<State>, fromMs: number, toMs: number): Day => {
  const day: Day = {
    landed: [],
    cycles: { ended: 0, pushed: 0, discarded: 0, failed: 0 },
    rejected: 0,
    dropped: 0,
    costUsd: 0,
    redMs: {},
    // What came later belongs to the next one: told late, by a process that starts, a day must not become another.
    needsHuman: openBranches(state).flatMap(({ branch, status }) =>
      status.state === 'needs-human' && Date.parse(status.at) < toMs ? [branch] : [],
    ),
  };
  const redSince = new Map<string, number>();
  const addRed = (project: string, beganMs: number, endMs: number): void => {
    day.redMs[project] = (day.redMs[project] ?? 0) + Math.max(0, endMs - Math.max(fromMs, beganMs));
  };
  for (const entry of entries) {
    const atMs = Date.parse(entry.ts);
    if (atMs < fromMs || atMs >= toMs) continue;
    switch (entry.type) {
      case 'ralph_cycle': {
        const { outcome } = entry.data;
        day.cycles.ended += 1;
        if (outcome === 'pushed' || outcome === 'discarded' || outcome === 'failed') day.cycles[outcome] += 1;
        break;
      }
      case 'merged':
        day.landed.push(...entry.data.landings.map(({ branch }) => state.queue[branch]?.title ?? branch));
        break;
      case 'agent_ran':
        day.costUsd += entry.data.costUsd;
        break;
      case 'cto_review':
        if (entry.data.decision === 'reject') day.rejected += 1;
        break;
      case 'branch_dropped':
        day.dropped += 1;
        break;
      case 'main_red':
        // Red once more while it is red: it is red since the first time.
        if (!redSince.has(entry.project ?? '')) redSince.set(entry.project ?? '', atMs);
        break;
      case 'main_green':
        addRed(entry.project ?? '', redSince.get(entry.project ?? '') ?? atMs - entry.data.redMs, atMs);
        redSince.delete(entry.project ?? '');
        break;
      default:
    }
  }
  for (const { name, red } of Object.values(state.projects)) {
    const beganMs = redSince.get(name) ?? (red ? Date.parse(red.at) : undefined);
    if (red && beganMs !== undefined && beganMs < toMs) addRed(name, beganMs, toMs);
  }
  return day;
};

/** Nothing happened: nobody has to read that. */
export const isEmptyDay = ({ landed, cycles, costUsd, needsHuman, redMs, dropped, rejected }: Day): boolean =>
  landed.length + cycles.ended + needsHuman.length + dropped + rejected + Object.keys(redMs).length === 0 &&
  costUsd === 0;

/** Titles in the summary. */
const TITLES_MAX = 8;

export const dayText = (day: Day): string => {
  const { landed, cycles, rejected, dropped, redMs, needsHuman } = day;
  const titles = landed.slice(0, TITLES_MAX).map((title) => `- ${title}`);
  const more = landed.length - titles.length;
  return [
    `The last day: ${landed.length} landed, ${cycles.discarded} discarded, ${usd(day.costUsd)} spent${needsHuman.length > 0 ? `, ${needsHuman.length} for you to decide` : ''}.`,
    ...titles,
    ...(more > 0 ? [`- and ${more} more`] : []),
    `${count(cycles.ended, 'cycle')}: ${cycles.pushed} pushed, ${cycles.discarded} discarded, ${cycles.failed} failed.`,
    ...(rejected + dropped > 0 ? [`${rejected} rejected in review, ${dropped} dropped before landing.`] : []),
    ...Object.entries(redMs).map(([project, ms]) => `main of ${project} was red for ${spanText(ms)}.`),
    ...(needsHuman.length > 0 ? [`For you: ${few(needsHuman)}. \`winnow queue\` shows them.`] : []),
  ].join('\n');
};
