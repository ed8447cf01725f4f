import { sha256 } from '../base/hash.ts';
import type { Config } from '../model/config.ts';
import { UNTIL_RESUMED } from '../model/crew.ts';
import type { EntryOf, GateName } from '../model/entry.ts';
import { MENDS } from '../model/failure.ts';
import type { Notice, NoticeKind, Severity, StandingNotice } from '../model/notice.ts';
import type { ProjectState, SessionState, State } from '../model/state.ts';
import * as say from './notice-text.ts';
import { openBranches } from './queue.ts';

/**
 * What a person should know of now, and which of it is told now: each matter once, and not again until it changes. What
 * comes and goes by itself is told after a while only, and what changes again and again ever more seldom.
 */
export interface NoticeInput {
  state: Readonly<State>;
  config: Config;
  /** Names of the sessions that there are. */
  sessions: readonly string[];
  /** What the state does not keep of the journal. */
  news: News;
  now: number;
}

export interface News {
  /** Within ALERT_STANDS_MS, the oldest first. */
  alerts: readonly EntryOf<'alert'>[];
  /** The configuration on the disk is refused at this moment. */
  rejected?: { at: string; problems: readonly string[] } | undefined;
  /** When each matter was told, in milliseconds, the oldest first; also those that are over. */
  told: Readonly<Record<string, readonly number[]>>;
}

export interface Matter extends Notice {
  /** When it began, in milliseconds. */
  sinceMs: number;
  /** Its hash is a moment: only a later one is a change, so that a matter that becomes smaller is not told again. */
  grows?: true;
}

/** Everything that stands now, the most urgent first. */
export const mattersOf = (input: NoticeInput): Matter[] => {
  const matters = [
    ...gateMatters(input),
    ...budgetMatters(input),
    ...sessionMatters(input),
    ...projectMatters(input),
    ...needsHumanMatters(input),
    ...configMatters(input),
    ...roleMatters(input),
    ...alertMatters(input),
  ];
  return matters.sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.sinceMs - b.sinceMs,
  );
};

const SEVERITIES: readonly Severity[] = ['urgent', 'act', 'info'];

export interface NoticeDecision {
  raise: Matter[];
  clear: StandingNotice[];
  /** When something that waits would be told, in milliseconds. */
  nextMs: number | undefined;
}

export const decideNotices = (input: NoticeInput, matters: readonly Matter[]): NoticeDecision => {
  const { state, now, news } = input;
  const raise: Matter[] = [];
  const waits: number[] = [];
  for (const matter of matters) {
    const standing = state.notices[matter.notice];
    if (standing && !isChange(matter, standing)) continue;
    const readyMs = Math.max(
      standing ? 0 : endOf(matter.sinceMs, DWELL_MS[matter.kind], now),
      readyAgain(matter, news.told[matter.notice] ?? [], now),
    );
    if (readyMs <= now) raise.push(matter);
    else waits.push(readyMs);
  }
  const stands = new Set(matters.map(({ notice }) => notice));
  return {
    raise,
    clear: Object.values(state.notices).filter(({ notice }) => !stands.has(notice)),
    nextMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
};

const isChange = (matter: Matter, standing: StandingNotice): boolean =>
  matter.grows ? matter.hash > standing.hash : matter.hash !== standing.hash;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * So long a matter stands before it is told, where most of its kind are over by then: a full memory waits for the next
 * cycle's end, a repository is tried again after five minutes, a file is saved twice while it is edited, and one sweep
 * of the reviewer leaves several branches to a person.
 */
const DWELL_MS: Record<NoticeKind, number> = {
  'usage-limit': 0,
  account: 0,
  budget: 0,
  gate: 10 * MINUTE_MS,
  'session-parked': 0,
  'main-red': 0,
  'needs-human': MINUTE_MS,
  'train-blocked': 5 * MINUTE_MS,
  'project-unready': 3 * MINUTE_MS,
  'config-rejected': MINUTE_MS,
  'role-parked': 0,
  alert: 0,
};

/** After it was told once, twice and more often within a day. */
const AGAIN_MS = [5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS] as const;
/** Where nothing goes on without a person, six hours are a night lost. */
const AGAIN_URGENT_MAX_MS = HOUR_MS;

const readyAgain = ({ severity }: Matter, told: readonly number[], now: number): number => {
  // A moment ahead of now is of a clock that was set back since: waiting for it to come again could take years.
  const today = told.filter((ms) => ms <= now && ms > now - DAY_MS);
  const last = today.at(-1);
  if (last === undefined) return 0;
  const wait = AGAIN_MS[Math.min(today.length, AGAIN_MS.length) - 1]!;
  return last + (severity === 'urgent' ? Math.min(wait, AGAIN_URGENT_MAX_MS) : wait);
};

const endOf = (sinceMs: number, waitMs: number, now: number): number => (sinceMs > now ? now : sinceMs + waitMs);

const matter = (
  kind: NoticeKind,
  name: string,
  severity: Severity,
  since: string,
  hash: readonly string[],
  said: say.Said,
): Matter => ({
  notice: (name === '' ? kind : `${kind}:${name}`).slice(0, NOTICE_MAX_CHARS),
  kind,
  severity,
  ...said,
  hash: sha256(...hash).slice(0, HASH_CHARS),
  sinceMs: Date.parse(since),
});

const NOTICE_MAX_CHARS = 300;
const HASH_CHARS = 16;

const gateMatters = ({ state, config, now }: NoticeInput): Matter[] =>
  (Object.entries(state.gates) as [GateName, NonNullable<State['gates'][GateName]>][]).flatMap(([gate, closed]) => {
    const { at, until, reason } = closed;
    switch (gate) {
      case 'usage-limit': {
        if (until === undefined || Date.parse(until) <= now) return [];
        // Each run hears of the same reset some seconds off.
        const hour = until.slice(0, 13);
        return [matter('usage-limit', '', 'info', at, [hour], say.usageLimit(until, zoneOf(config), now))];
      }
      case 'account':
        return [matter('account', '', 'urgent', at, [withoutFigures(reason)], say.account(reason))];
      case 'budget': {
        const limit = config.gates.budgetPerDayUsd;
        return [matter('budget', '', 'info', at, [String(limit)], say.budget(limit))];
      }
      case 'disk':
      case 'journal':
        // Nothing makes room by itself.
        return [matter('gate', gate, 'urgent', at, [gate], say.gate(gate, reason))];
      case 'memory':
        return [matter('gate', gate, 'act', at, [gate], say.gate(gate, reason))];
      case 'stop-file':
        return [matter('gate', gate, 'info', at, [gate], say.gate(gate, reason))];
      default:
        return gate satisfies never;
    }
  });

/** What each session or each project may spend; who has spent it waits for midnight, the others go on. */
const budgetMatters = ({ state, config, sessions, now }: NoticeInput): Matter[] => {
  const day = state.days[new Date(now).toISOString().slice(0, 10)];
  const { budgetPerSessionPerDayUsd: perSession, budgetPerProjectPerDayUsd: perProject } = config.gates;
  const projects = config.projects.map(({ name }) => name);
  const spent = (names: readonly string[], by: Record<string, number> | undefined, limit: number | undefined) =>
    limit === undefined ? [] : names.filter((name) => (by?.[name] ?? 0) >= limit).sort();
  const since = new Date(now).toISOString();
  return (['session', 'project'] as const).flatMap((of) => {
    const limit = of === 'session' ? perSession : perProject;
    const names = of === 'session' ? spent(sessions, day?.bySession, limit) : spent(projects, day?.byProject, limit);
    if (names.length === 0 || limit === undefined) return [];
    return [matter('budget', `${of}s`, 'info', since, [String(limit), ...names], say.partBudget(of, names, limit))];
  });
};

const sessionMatters = ({ state, config, sessions, now }: NoticeInput): Matter[] =>
  sessions.flatMap((name) => {
    const session: SessionState | undefined = state.sessions[name];
    const parked = session?.parked;
    if (!parked || Date.parse(parked.until) <= now) return [];
    const forPerson = parked.until === UNTIL_RESUMED;
    const said = say.sessionParked(name, parked, zoneOf(config), now);
    const since = new Date(now).toISOString();
    return [
      matter('session-parked', name, forPerson ? 'act' : 'info', since, [parked.failure, String(forPerson)], said),
    ];
  });

const projectMatters = ({ state, config }: NoticeInput): Matter[] =>
  config.projects.flatMap(({ name, branch }) => {
    const project: ProjectState | undefined = state.projects[name];
    if (!project) return [];
    const { red, blocked, unready } = project;
    return [
      // More that breaks while it is red is no other matter: it is red until all of it is mended.
      ...(red ? [matter('main-red', name, 'act', red.at, [red.green], say.mainRed(name, branch, red))] : []),
      ...(blocked
        ? [matter('train-blocked', name, 'act', blocked.at, [blocked.failure], say.trainBlocked(name, blocked))]
        : []),
      ...(unready
        ? [matter('project-unready', name, 'act', unready.at, [unready.failure], say.projectUnready(name, unready))]
        : []),
    ];
  });

/** One matter for all of them: a person goes to the queue once. */
const needsHumanMatters = ({ state }: NoticeInput): Matter[] => {
  const waiting = openBranches(state).flatMap(({ branch, title, status }) =>
    status.state === 'needs-human' ? [{ branch, title, reason: status.reason, at: status.at }] : [],
  );
  if (waiting.length === 0) return [];
  const newest = waiting.reduce((at, one) => (one.at > at ? one.at : at), '');
  const said = say.needsHuman(waiting);
  return [{ ...matter('needs-human', '', 'act', newest, [], said), hash: newest, grows: true }];
};

const configMatters = ({ news: { rejected } }: NoticeInput): Matter[] =>
  rejected
    ? [matter('config-rejected', '', 'act', rejected.at, rejected.problems, say.configRejected(rejected.problems))]
    : [];

const roleMatters = ({ state }: NoticeInput): Matter[] =>
  Object.entries(state.roles).flatMap(([role, { parked }]) =>
    parked ? [matter('role-parked', role, 'urgent', parked.at, [role], say.roleParked(role, parked.reason))] : [],
  );

/** An alert has no end of its own; after this it is history, and `winnow log -t alert` has it. */
export const ALERT_STANDS_MS = 3 * DAY_MS;

const alertMatters = ({ news, now }: NoticeInput): Matter[] =>
  news.alerts
    .filter((entry) => Date.parse(entry.ts) > now - ALERT_STANDS_MS && !isTold(entry))
    .map(({ id, ts, data }) => matter('alert', id, 'act', ts, [id], say.alert(data)));

/** By the matter that it comes of: the account gate closes with these, and who is parked says so itself. */
const isTold = ({ session, data: { message, mend } }: EntryOf<'alert'>): boolean =>
  ACCOUNT_MENDS.includes(mend) ||
  (session === undefined ? /^roles? .* parked: /.test(message) : message.startsWith(`${session} stays parked`));

const ACCOUNT_MENDS: readonly string[] = [MENDS.auth, MENDS.billing, MENDS['claude-missing']];

/** Times on the wall: in the zone in which the person's night is. */
const zoneOf = ({ notify }: Config): string => notify.quiet?.timezone ?? 'UTC';

/** Numbers, ids and times in a sentence make it no other matter. */
const withoutFigures = (text: string): string => text.replace(/\d+/g, '#');
