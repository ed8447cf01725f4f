import type { SessionClass, SkillFault, Tally } from './crew.ts';
import type { EntryData, GateName, Outcome, Phase, RalphCycle, Trigger } from './entry.ts';
import type { ChannelName, InMessage, OutMessage } from './message.ts';
import type { StandingNotice } from './notice.ts';
import type { Figures } from './report.ts';
import type { Request } from './request.ts';
import type { DropReason, ReviewedBy } from './review.ts';
import type { RoleName } from './role.ts';
import type { Task } from './task.ts';

/**
 * Everything Winnow knows, folded from the journal. Its size is bounded by what is alive and by the limits below,
 * never by the length of the journal: it is written as a snapshot.
 */

/** Cycles kept per project for context and for "already tried"; older ones are found by search in the journal. */
export const RECENT_CYCLES_MAX = 200;
/** Closed tasks kept for `winnow task list`. */
export const CLOSED_TASKS_MAX = 500;
/** Days of spending and of counts kept. */
export const DAYS_MAX = 60;
/** Cycles of one task kept by id; a task that waits for a limit to reset may be given out again and again. */
export const TASK_CYCLES_MAX = 50;
/** Flaky tests kept per project, those that were seen most often. */
export const FLAKY_MAX = 500;
/** Failures kept per role: more than make it park. */
export const ROLE_FAILURES_MAX = 10;
/** Far more than the processes of one home that can be alive; those that died unseen are closed by the next start. */
export const PROCESSES_MAX = 100;
/** Branches kept after they landed, were rejected or dropped: for the queue's history and for a human's second thought. */
export const CLOSED_BRANCHES_MAX = 300;
/** Landings kept per project: what `winnow revert` finds by the name of a branch. */
export const LANDINGS_MAX = 300;
/** Parks kept per session: more than a day can hold, with the shortest of them. */
export const PARKS_MAX = 20;
/** Proposals kept; the closed ones that are oldest go first. */
export const PROPOSALS_MAX = 200;
/** Skills known by figures; far more than are lent. */
export const SKILLS_MAX = 1000;
/** Refusals of skills that are remembered, so that each is told once. */
export const SKILL_REFUSALS_MAX = 200;
/** Cycles named as a skill's evidence. */
export const SKILL_EVIDENCE_MAX = 50;
/** Requests that wait; more that differ from each other are not asked for by people. */
export const OPEN_REQUESTS_MAX = 200;
/** Requests kept after they were settled: what came of them is asked for once, soon after. */
export const SETTLED_REQUESTS_MAX = 200;
/** Askers kept by name who wanted what was open already. */
export const JOINED_MAX = 20;
/** Keys kept at the least within their day: more than one a minute. */
export const KEYS_MAX = 2_000;
/** Messages that wait to go out; with more than these nobody listens, and the newest are refused. */
export const OUTBOX_MAX = 500;
/** Messages that came in and are not handled; more are an attack or a defect. */
export const INBOX_MAX = 200;
/** The channel's numbers of the last messages; what it delivers twice it delivers within the same day. */
export const SEEN_MAX = 500;
/** Chats of strangers that are remembered, so that each is told of once a day. */
export const STRANGERS_MAX = 100;
/** Bot skills that are known, the removed ones among them: what was undone is not learned again. */
export const BOT_SKILLS_KNOWN_MAX = 400;
/** Matters that stand at once. */
export const NOTICES_MAX = 300;
/** Bytes of journal damage kept by place; all of it is counted. */
export const DAMAGE_MAX = 20;

export interface RunningCycle {
  cycle: string;
  session: string;
  project: string;
  pid: number;
  start: string;
  trigger: Trigger;
  task?: string;
  workspace: string;
  phase: Phase;
  startedAt: string;
  phaseAt: string;
  planTitle?: string;
  /** Files claimed; empty until a plan is made. */
  claim: string[];
  claimTitle?: string;
  costUsd: number;
  /** The last conversation, for resume. */
  conversation?: string;
  iterations: number;
}

export interface RecentCycle {
  cycle: string;
  session: string;
  project: string;
  at: string;
  outcome: Outcome;
  reason: string;
  title?: string;
  kind?: string;
  files: string[];
  verdict?: RalphCycle['verdict'];
  branch?: string;
  commit?: string;
  before?: Figures;
  after?: Figures;
  costUsd: number;
}

export interface SessionState {
  name: string;
  project: string;
  /** Set while a cycle runs. */
  running?: string;
  lastCycleAt?: string;
  lastOutcome?: Outcome;
  lastReason?: string;
  lastTitle?: string;
  lastBranch?: string;
  parked?: { until: string; reason: string; failure: string; signature?: string };
  /** Parks of the last day because the same error came again and again, oldest first; see PARKS_MAX. */
  parks?: { at: string; signature: string }[];
  /** It has just come back from such a park: its next cycle says whether the error is gone. */
  probation?: { signature: string };
  /** What its next plan must not be about; forgotten once something of it is kept. */
  avoid?: { at: string; titles: string[]; files: string[]; tasks: string[]; reason: string };
  pausedBy?: string;
  /** A person has it, or waits until its cycle has come to a boundary. */
  taken?: Taken;
  /** The last conversation of its cycles: what a person goes on with. */
  conversation?: string;
  /** What the memory gate reserves for it: the peak seen, forgotten by a quarter each cycle. */
  memoryBytes?: number;
  /** Cycles in a row that failed or could not be judged; one that ends otherwise sets it to zero. */
  failuresInARow: number;
  counts: Partial<Record<Outcome, number>>;
  costUsd: number;
}

/** asked for -> handed over -> judged, when something was changed -> given back; given back also from each of them. */
export interface Taken {
  /** The cycle that the person's work becomes when there is any. */
  cycle: string;
  by: string;
  pid: number;
  start: string;
  at: string;
  handedOver?: { at: string; conversation: string; base: string; tree: string; branch: string };
  /** The person's work has had its cycle: nothing of it is owed any more. */
  judged?: true;
}

export interface ProjectState {
  name: string;
  tip?: string;
  baseline?: { commit: string; tree: string; figures: Figures };
  unready?: { failure: string; message: string; mend: string; at: string };
  /** The last tip that is known to break nothing: by the train's own measurement. */
  good?: { commit: string; tree: string };
  red?: EntryData<'main_red'> & { at: string };
  blocked?: EntryData<'train_blocked'> & { at: string };
  /** Newest last. */
  landings: PastLanding[];
  /** Tests seen to fail and pass on one tree: id -> how often. */
  flaky: Record<string, number>;
  /** Newest last. */
  recent: RecentCycle[];
}

/** A branch in the review queue, from its push to its end. */
export interface QueuedBranch {
  branch: string;
  /** The commit that is reviewed and lands; a branch that moves is pending again. */
  commit: string;
  base: string;
  tree: string;
  project: string;
  session: string;
  cycle: string;
  /** One line: what it is about. */
  title: string;
  /** The task that its cycle worked on. */
  task?: string;
  /** A revert was made by Winnow, is kept in the mirror alone and has a person's or a failed verification's approval. */
  kind: 'change' | 'revert';
  at: string;
  changedAt: string;
  status: BranchStatus;
  /** The remote has no branch of this name any more; the commit is kept in the mirror until `winnow gc`. */
  deleted?: true;
  patch?: string;
  /** When the remote last refused to delete it. */
  deletionRefusedAt?: string;
  /** How often it was measured alone on main without a result since it was last approved. */
  unevaluated?: number;
  /** Skills that its cycle had or did without, and whether it counts as kept for them. */
  skills?: { with: string[]; without: string[]; kept: boolean };
}

/**
 * pending -> approved | rejected | needs-human; approved -> landed | dropped; a branch that moved is pending again, one
 * that vanished is gone. A person may decide anew until it has landed or is gone.
 */
export type BranchStatus =
  /** `failures`: reviews in a row that came to no word on this commit. */
  | { state: 'pending'; note: string; failures?: number }
  | ({ state: 'needs-human' } & Reviewed)
  | ({ state: 'approved' } & Reviewed)
  | ({ state: 'rejected' } & Reviewed)
  | { state: 'landed'; main: string; merged: string; review: string }
  | { state: 'dropped'; why: DropReason; reason: string }
  | { state: 'gone'; reason: string };

interface Reviewed {
  /** Id of the `cto_review`. */
  review: string;
  by: ReviewedBy;
  name: string;
  reason: string;
  at: string;
}

/** One move of main by Winnow, for reverts and for the verification that may still be owed. */
export interface PastLanding {
  from: string;
  to: string;
  tree: string;
  at: string;
  branches: { branch: string; merged: string }[];
  /** Absent: no command was configured when it landed. */
  verification?: 'owed' | 'passed' | 'failed';
  /** It is itself a revert: a verification that fails after it is for a person. */
  revert?: true;
  /** Main was red by others when it landed: what it mended does not come back with a revert. */
  red?: true;
  /** The branch that takes it back. */
  revertedBy?: string;
}

/** A proposed edit of what models are told. */
export interface Proposal {
  id: string;
  at: string;
  session?: string;
  change: EntryData<'prompt_proposed'>['change'];
  evidence: string[];
  status: { state: 'open' } | { state: 'applied' | 'dismissed'; by: string; at: string; reason: string };
}

/** What is known of a skill beside its file. */
export interface SkillState {
  name: string;
  description: string;
  by: 'doctor' | 'person';
  /** Of the file as it was last seen. */
  hash: string;
  writtenAt: string;
  evidence: string[];
  /** Cycles that had it, and cycles that it would have fitted and did not have it. */
  with: Tally;
  without: Tally;
  lastUsedAt?: string;
  retired?: { at: string; reason: string };
}

/** A bot skill as the journal knows it; what it says stands in its file. */
export interface BotSkillState {
  name: string;
  does: string;
  phrases: string[];
  by: 'upkeep' | 'person';
  hash: string;
  /** Id of the entry that tells of it. */
  entry: string;
  writtenAt: string;
  messages: string[];
  /** Chats that were told of it. */
  told: string[];
  /** Messages that it answered. */
  used: number;
  lastUsedAt?: string;
  removed?: { at: string; by: string; reason: string };
}

/** What the bot did not understand, and how far upkeep has looked at it. */
export interface UpkeepState {
  /** Id of the newest entry that tells of a message which nobody understood, or a model alone. */
  gap?: string;
  /** How many of them came since the last look. */
  gaps: number;
  through?: string;
  at?: string;
}

/** As many as a clock that is set back and forth may meet again: those of two days. */
export const STANDUPS_KEPT = 24;

/** The last standup, as far as it binds anybody. */
export interface StandupState {
  id: string;
  at: string;
  /** When it and those before it were held, oldest first; see STANDUPS_KEPT. */
  heldAt: string[];
  summary: string;
  priorities: string[];
  file: string;
  form: EntryData<'team_standup'>['form'];
  runs: number;
  costUsd: number;
  /** Tasks of the meeting that are not queued yet: its process died between the minutes and the queue. */
  owed: { session: string; project: string; task: string; title: string; text: string; files: string[] }[];
  /** Files that are a session's own for now. */
  claims: { session: string; project: string; task: string; title: string; files: string[]; until: string }[];
}

/** What was done under the keys that askers gave: the young ones, and those of the time before, which go together. */
export interface Keys {
  since: string;
  count: number;
  young: Record<string, KeyUse>;
  old: Record<string, KeyUse>;
}

export interface KeyUse {
  at: string;
  /** Hash of what was asked. */
  command: string;
  receipt: KeyedReceipt;
}

/** What a key stands for, by id. */
export type KeyedReceipt = { task: string } | { request: string; joined: boolean } | { comment: string };

/** What went wrong with a role of late; which process it works in stands with the processes. */
export interface RoleState {
  /** When it failed, or its process was found dead; oldest first. */
  failures: { at: string; reason: string }[];
  parked?: { at: string; reason: string; failures: number };
}

export interface DaySpend {
  costUsd: number;
  bySession: Record<string, number>;
  byProject: Record<string, number>;
  /** For understanding messages; absent: nothing. */
  botUsd?: number;
  counts: Partial<Record<Outcome, number>>;
}

export interface State {
  entries: number;
  lastId: string;
  lastTs: string;
  damage: { count: number; places: { offset: number; bytes: number; what: string }[] };
  /** Entries that were illegal for the state they met: reported, not applied. */
  illegal: { count: number; last?: string };
  paused?: { by: string; reason: string; at: string };
  config?: EntryData<'config_loaded'> & { at: string };
  /** `roles`: those that are at work, without what has failed or is parked. */
  processes: Record<string, { pid: number; start: string; at: string; roles: string[] }>;
  roles: Partial<Record<RoleName, RoleState>>;
  sessions: Record<string, SessionState>;
  projects: Record<string, ProjectState>;
  running: Record<string, RunningCycle>;
  tasks: Record<string, Task>;
  queue: Record<string, QueuedBranch>;
  /** Open ones, and the newest that are settled. */
  requests: Record<string, Request>;
  keys: Keys;
  notices: Record<string, StandingNotice>;
  /** By channel and chat: when a stranger was last told of. */
  strangers: Record<string, { at: string }>;
  /** Messages that wait to go out. */
  outbox: Record<string, OutMessage>;
  /** Messages that came in and are not handled yet, and the channel's numbers of the last ones, newest last. */
  inbox: { open: Record<string, InMessage>; seen: Partial<Record<ChannelName, number[]>> };
  botSkills: Record<string, BotSkillState>;
  upkeep: UpkeepState;
  standup?: StandupState;
  doctor?: { id: string; at: string; file: string; classes: Record<string, SessionClass> };
  proposals: Record<string, Proposal>;
  skills: Record<string, SkillState>;
  /** By the hash of what was refused. */
  skillRefusals: Record<string, { skill: string; fault: SkillFault; reason: string; file: string; at: string }>;
  intents: Record<
    string,
    { id: string; project?: string; session?: string; cycle?: string; at: string; data: EntryData<'intent'> }
  >;
  gates: Partial<Record<GateName, { reason: string; at: string; until?: string; figures: Record<string, number> }>>;
  days: Record<string, DaySpend>;
  checks: { ran: number; unevaluated: number };
}

export const emptyState = (): State => ({
  entries: 0,
  lastId: '',
  lastTs: '',
  damage: { count: 0, places: [] },
  illegal: { count: 0 },
  processes: {},
  roles: {},
  sessions: {},
  projects: {},
  running: {},
  tasks: {},
  queue: {},
  requests: {},
  keys: { since: '', count: 0, young: {}, old: {} },
  notices: {},
  strangers: {},
  outbox: {},
  inbox: { open: {}, seen: {} },
  botSkills: {},
  upkeep: { gaps: 0 },
  proposals: {},
  skills: {},
  skillRefusals: {},
  intents: {},
  gates: {},
  days: {},
  checks: { ran: 0, unevaluated: 0 },
});
