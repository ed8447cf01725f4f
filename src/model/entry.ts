import { z } from 'zod';
import { Commitment, Effect, FileWarning, PromptChange, SessionClass, SkillFault, Tally } from './crew.ts';
import { Button, ChannelName, Handling, MESSAGE_MAX_CHARS, MessageAbout, Sender } from './message.ts';
import { Notice } from './notice.ts';
import { Plan } from './plan.ts';
import { Figures, UnevaluatedReason } from './report.ts';
import { AskedKey, Asker, RequestArgs, RequestWhat } from './request.ts';
import { Retained } from './retention.ts';
import { Decision, DropReason, ReviewComment, ReviewedBy, Risk } from './review.ts';
import { RoleName } from './role.ts';
import { Priority, TaskOrigin } from './task.ts';
import { Finding, Verdict } from './verdict.ts';

/**
 * Every type of journal entry, with its schema: the one place that says what may happen.
 * Entries are plain data and ids; what is large lies in a file under logs/ and the entry names it.
 */

const money = z.number().nonnegative();
const ms = z.number().nonnegative();
const identities = z.array(z.string());
/** Hosts, with their ports, that were asked for and are not on the list of what may be reached. */
const Refused = z.array(z.string()).optional();

export const Tokens = z.object({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  cacheRead: z.number().nonnegative(),
  cacheWrite: z.number().nonnegative(),
});
export type Tokens = z.infer<typeof Tokens>;

export const Outcome = z.enum(['pushed', 'discarded', 'empty', 'unevaluated', 'failed', 'interrupted']);
export type Outcome = z.infer<typeof Outcome>;

export const PHASES = ['read', 'analyze', 'plan', 'hack', 'evaluate'] as const;
export const Phase = z.enum(PHASES);
export type Phase = z.infer<typeof Phase>;

export const GATES = ['memory', 'disk', 'budget', 'usage-limit', 'stop-file', 'account', 'journal'] as const;
export const GateName = z.enum(GATES);
export type GateName = z.infer<typeof GateName>;

export const Trigger = z.enum(['schedule', 'task', 'manual', 'demo', 'person']);
export type Trigger = z.infer<typeof Trigger>;

/** The summary of a cycle, whatever its end: exactly one per cycle. */
export const RalphCycle = z.object({
  outcome: Outcome,
  /** One sentence: why this outcome. */
  reason: z.string(),
  /** The failure's kind, when a failure of the catalog ended the cycle. */
  failure: z.string().optional(),
  trigger: Trigger,
  task: z.string().optional(),
  plan: Plan.optional(),
  base: z.string().optional(),
  branch: z.string().optional(),
  commit: z.string().optional(),
  /** Tree of the change merged with the tip of main: the one that was judged. */
  tree: z.string().optional(),
  verdict: Verdict.optional(),
  before: Figures.optional(),
  after: Figures.optional(),
  fixed: identities.optional(),
  broken: identities.optional(),
  findings: z.array(Finding).optional(),
  diff: z.object({ files: z.number().int(), added: z.number().int(), removed: z.number().int() }).optional(),
  files: z.array(z.string()).optional(),
  iterations: z.number().int().nonnegative(),
  costUsd: money,
  tokens: Tokens,
  /** Checks that this cycle executed and results that it found measured already. */
  checks: z.object({ ran: z.number().int(), reused: z.number().int() }),
  /** Milliseconds by phase, and `total`. */
  times: z.record(z.string(), ms),
  /** Directory of the runs' transcripts, relative to the home. */
  transcript: z.string().optional(),
  /** File with the change, kept when the branch is not pushed. */
  patch: z.string().optional(),
  /** File with the whole reports and the whole comparison. */
  report: z.string().optional(),
  /** Names of the skills the session had. */
  skills: z.array(z.string()),
  /** Skills that fitted the work and were withheld by lot, so that what a skill does can be told from what it meets. */
  withheld: z.array(z.string()).optional(),
  /** Most memory that the cycle's processes were seen to hold; what the memory gate reserves next time. */
  memoryPeakBytes: z.number().nonnegative().optional(),
});
export type RalphCycle = z.infer<typeof RalphCycle>;

/** A branch that became part of main. */
const Landing = z.object({
  branch: z.string(),
  /** The commit that was reviewed. */
  commit: z.string(),
  /** What it became in main; with style rebase the last of its commits. */
  merged: z.string(),
  session: z.string(),
  cycle: z.string(),
  /** Id of the `cto_review` that approved it. */
  review: z.string(),
  /** Why it did not land in the style that was asked for. */
  note: z.string().optional(),
});

/** One move of main by the train: what was tested is exactly what lands. */
export const Merged = z.object({
  /** Name of the project's branch. */
  main: z.string(),
  from: z.string(),
  to: z.string(),
  /** Tree of `to`: the one that the checks ran on. */
  tree: z.string(),
  style: z.enum(['squash', 'merge', 'rebase']),
  /** In the order in which they were put onto main. */
  landings: z.array(Landing).min(1),
  figures: Figures.optional(),
  /** The project has a command that verifies landings, and this one is owed it. */
  verify: z.boolean(),
});
export type Merged = z.infer<typeof Merged>;

const entry = {
  process_started: z.object({
    pid: z.number().int(),
    /** Start time in kernel ticks: with the pid it names a process for ever. */
    start: z.string(),
    version: z.string(),
    node: z.string(),
    roles: z.array(z.string()),
  }),
  process_stopped: z.object({
    pid: z.number().int(),
    reason: z.string(),
    /** It went without a word and was found dead: each of its roles has failed once more. */
    crashed: z.literal(true).optional(),
  }),
  /** A role of a living process is at work that was not when the process began, or had failed. */
  role_started: z.object({ role: RoleName, pid: z.number().int() }),
  /** It failed; the others of its process go on, and it begins again. */
  role_failed: z.object({ role: RoleName, pid: z.number().int(), reason: z.string() }),
  /** It failed again and again: it rests until a person says otherwise. */
  role_parked: z.object({
    role: RoleName,
    /** Of the last failure. */
    reason: z.string(),
    /** So many of late. */
    failures: z.number().int().positive(),
  }),
  role_unparked: z.object({ role: RoleName, by: z.string() }),
  config_loaded: z.object({ hash: z.string(), projects: z.array(z.string()), sessions: z.array(z.string()) }),
  config_rejected: z.object({ problems: z.array(z.string()) }),

  cycle_started: z.object({
    pid: z.number().int(),
    start: z.string(),
    trigger: Trigger,
    task: z.string().optional(),
    workspace: z.string(),
  }),
  cycle_phase: z.object({ phase: Phase }),
  ralph_cycle: RalphCycle,

  main_moved: z.object({ branch: z.string(), from: z.string().optional(), to: z.string(), commits: z.number().int() }),
  baseline_measured: z.object({ commit: z.string(), tree: z.string(), figures: Figures, report: z.string() }),
  project_unready: z.object({ failure: z.string(), message: z.string(), mend: z.string() }),
  project_ready: z.object({}),
  install_ran: z.object({
    key: z.string(),
    command: z.string(),
    ok: z.boolean(),
    durationMs: ms,
    message: z.string(),
    refused: Refused,
  }),

  /** Somebody wrote through into the shared dependencies: they are set aside and installed anew. */
  dependencies_damaged: z.object({ key: z.string(), by: z.enum(['agent', 'check']), what: z.string() }),

  check_ran: z.object({
    check: z.string(),
    tree: z.string(),
    key: z.string(),
    state: z.enum(['evaluated', 'unevaluated']),
    green: z.boolean().optional(),
    reason: UnevaluatedReason.optional(),
    message: z.string().optional(),
    exitCode: z.number().int().optional(),
    figures: Figures.optional(),
    durationMs: ms,
    cpuMs: ms.optional(),
    /** Waited for a slot. */
    waitedMs: ms,
  }),
  test_flaky: z.object({ check: z.string(), test: z.string(), tree: z.string() }),

  plan_made: z.object({ plan: Plan, attempt: z.number().int() }),
  plan_refused: z.object({
    title: z.string(),
    why: z.enum(['claim', 'tried', 'avoided', 'schema', 'protected']),
    reason: z.string(),
    /** The cycle that holds the claim or tried it before. */
    reference: z.string().optional(),
  }),
  claim_taken: z.object({ title: z.string(), files: z.array(z.string()) }),
  claim_released: z.object({}),

  agent_ran: z.object({
    run: z.string(),
    purpose: z.enum([
      'plan',
      'replan',
      'hack',
      'mend',
      'review',
      'standup',
      'chair',
      'doctor',
      'learn',
      'probe',
      'answer',
      'upkeep',
      'person',
    ]),
    model: z.string(),
    conversation: z.string().optional(),
    ok: z.boolean(),
    failure: z.string().optional(),
    message: z.string().optional(),
    attempt: z.number().int(),
    exitCode: z.number().int().nullable(),
    turns: z.number().int(),
    costUsd: money,
    /** What it cost could not be learned: `costUsd` says nothing, and no budget counts it. */
    costUnknown: z.literal(true).optional(),
    tokens: Tokens,
    durationMs: ms,
    transcript: z.string(),
    /** Processes of the run that outlived it and were killed. */
    survivorsKilled: z.number().int(),
    refused: Refused,
  }),
  run_retry_planned: z.object({ run: z.string(), failure: z.string(), attempt: z.number().int(), delayMs: ms }),

  evaluated: z.object({
    iteration: z.number().int(),
    commit: z.string(),
    tree: z.string(),
    verdict: Verdict,
    reason: z.string(),
    fixed: z.number().int(),
    broken: z.number().int(),
    findings: z.array(Finding),
    /** What of the session's work could not be taken along, and why. */
    notes: z.array(z.string()).optional(),
  }),

  /** Precedes an outside effect and is durable before it. `id` of the entry names the intent. */
  intent: z.discriminatedUnion('effect', [
    z.object({
      effect: z.literal('push-branch'),
      branch: z.string(),
      commit: z.string(),
      /** What the cycle will say once the push is known to have happened. */
      cycle: RalphCycle,
    }),
    z.object({
      effect: z.literal('delete-branch'),
      branch: z.string(),
      commit: z.string(),
      /** File with the change, where its commits are not in the remote otherwise. */
      patch: z.string().optional(),
      reason: z.string(),
    }),
    z.object({ effect: z.literal('move-main'), merge: Merged }),
  ]),
  intent_settled: z.object({ intent: z.string(), done: z.boolean(), note: z.string() }),
  branch_pushed: z.object({ branch: z.string(), commit: z.string(), base: z.string(), tree: z.string() }),
  branch_deleted: z.object({
    branch: z.string(),
    commit: z.string(),
    patch: z.string().optional(),
    reason: z.string(),
  }),

  cto_review: z.object({
    branch: z.string(),
    /** The review is of this commit; should the branch move it lapses. */
    commit: z.string(),
    /** Tip of main that it was compared with. */
    main: z.string().optional(),
    decision: Decision,
    by: ReviewedBy,
    /** Name of the person, or of the rule. */
    name: z.string(),
    reasons: z.array(z.string()),
    risk: Risk.optional(),
    comments: z.array(ReviewComment),
    /** File with all of it, relative to the home. */
    file: z.string().optional(),
    /** Cost of the reviewer's runs. */
    costUsd: money.optional(),
  }),
  /** The reviewer could not come to a word on this commit; the branch waits for the next sweep. */
  review_failed: z.object({
    branch: z.string(),
    commit: z.string(),
    /** Kind of the failure in the catalog. */
    failure: z.string(),
    reason: z.string(),
    costUsd: money.optional(),
  }),
  review_commented: z.object({
    branch: z.string(),
    commit: z.string(),
    name: z.string(),
    comment: ReviewComment,
    key: AskedKey.optional(),
  }),
  /** The remote has another commit under this name, or none: whatever was said of the old one lapses. */
  branch_moved: z.object({ branch: z.string(), from: z.string(), to: z.string().optional() }),

  /** The train measured main with these branches on it, in this order. */
  train_tested: z.object({
    base: z.string(),
    tree: z.string(),
    branches: z.array(z.string()),
    state: z.enum(['green', 'red', 'unevaluated']),
    reason: z.string(),
    broken: identities,
    checks: z.object({ ran: z.number().int(), reused: z.number().int() }),
  }),
  branch_dropped: z.object({
    branch: z.string(),
    commit: z.string(),
    /** Tip of main at that moment. */
    main: z.string(),
    why: DropReason,
    reason: z.string(),
    /** What it broke, by identity. */
    broken: identities,
    /** Branches below it on the stack that was red; empty when it is red on main alone. */
    below: z.array(z.string()),
    /** Paths in conflict. */
    files: z.array(z.string()),
    /** The task by which its session does it again. */
    task: z.string().optional(),
    patch: z.string().optional(),
  }),
  merged: Merged,
  /** Approved work cannot land, for a reason outside of it; once for each reason. */
  train_blocked: z.object({ failure: z.string(), reason: z.string(), mend: z.string(), until: z.string() }),
  train_unblocked: z.object({ blockedMs: ms }),
  /** The command that is run after each landing. */
  landing_verified: z.object({
    main: z.string(),
    ok: z.boolean(),
    exitCode: z.number().int().nullable(),
    message: z.string(),
    durationMs: ms,
  }),
  /** A commit that takes back what is between the two is ready; it rides the train under this name. */
  revert_proposed: z.object({
    branch: z.string(),
    commit: z.string(),
    base: z.string(),
    tree: z.string(),
    title: z.string(),
    from: z.string(),
    to: z.string(),
    /** Branches whose landing it takes back. */
    branches: z.array(z.string()),
    reason: z.string(),
    /** The task that tells a session what happened. */
    task: z.string().optional(),
  }),

  /** A tip that somebody else made was measured and breaks nothing. */
  main_judged: z.object({ commit: z.string(), tree: z.string() }),
  /** Somebody else's push broke main; only work that mends it goes on. */
  main_red: z.object({
    commit: z.string(),
    tree: z.string(),
    /** The last tip that had none of it. */
    green: z.string(),
    broken: identities,
    suspects: z.array(z.object({ commit: z.string(), author: z.string(), subject: z.string() })),
    task: z.string().optional(),
  }),
  main_green: z.object({ commit: z.string(), tree: z.string(), redMs: ms }),

  gate_closed: z.object({
    gate: GateName,
    reason: z.string(),
    figures: z.record(z.string(), z.number()),
    until: z.string().optional(),
  }),
  gate_opened: z.object({ gate: GateName, closedMs: ms }),

  session_parked: z.object({
    failure: z.string(),
    reason: z.string(),
    until: z.string(),
    /** What came again and again; met once more by the first cycle afterwards, the session rests for longer. */
    signature: z.string().optional(),
  }),
  session_unparked: z.object({ reason: z.string() }),
  /** It went in circles: its next plan has to be about something else. */
  session_redirected: z.object({
    reason: z.string(),
    /** What it tried without success. */
    titles: z.array(z.string()),
    files: z.array(z.string()),
    /** Tasks that others may take from it. */
    tasks: z.array(z.string()),
  }),
  /** A person wants the session for themselves: no cycle begins, and one that runs ends after what it does now. */
  session_taken: z.object({ by: z.string(), pid: z.number().int(), start: z.string() }),
  /** Nothing of the loop runs any more; its conversation and its workspace are the person's. */
  session_handed_over: z.object({
    conversation: z.string(),
    /** Why it is a new conversation; absent: it is the session's last one. */
    fresh: z.string().optional(),
    /** Commit that the workspace was made from. */
    base: z.string(),
    /** Tree of what lay in the workspace at that moment: another one afterwards is the person's work. */
    tree: z.string(),
    /** What the person's work is called when it is pushed. */
    branch: z.string(),
  }),
  session_given_back: z.object({
    by: z.string(),
    /** What came of it, in one sentence. */
    note: z.string(),
    /** File with the person's work, when no cycle has judged it. */
    patch: z.string().optional(),
  }),
  /** Without `session` the whole factory. */
  paused: z.object({ by: z.string(), reason: z.string() }),
  resumed: z.object({ by: z.string() }),

  task_queued: z.object({
    task: z.string(),
    text: z.string().min(1).max(20_000),
    priority: Priority,
    origin: TaskOrigin,
    /** The session it is meant for; the envelope's `session` is who caused the entry. */
    for: z.string().optional(),
    /** Name of the person who asked. */
    by: z.string().optional(),
    key: AskedKey.optional(),
  }),
  task_assigned: z.object({ task: z.string() }),
  /** Back to the queue after an attempt that did not succeed and was not the task's fault, or may be tried again. */
  task_returned: z.object({ task: z.string(), reason: z.string(), counted: z.boolean() }),
  task_done: z.object({ task: z.string(), reason: z.string() }),
  task_failed: z.object({ task: z.string(), reason: z.string() }),
  task_cancelled: z.object({ task: z.string(), reason: z.string(), by: z.string().optional() }),

  /** Somebody wants now what a role does by the clock; a role that runs, now or later, carries it out. */
  requested: z.object({
    request: z.string(),
    what: RequestWhat,
    args: RequestArgs,
    by: Asker,
    key: AskedKey.optional(),
    /** The same was open already: it is not done twice. */
    joins: z.string().optional(),
    /** Who asks does it in this process, and waits for it: nobody else takes it up when that process dies. */
    here: z.object({ pid: z.number().int(), start: z.string() }).optional(),
  }),
  request_taken: z.object({ request: z.string(), pid: z.number().int(), start: z.string() }),
  request_settled: z.object({ request: z.string(), done: z.boolean(), note: z.string() }),

  /** A meeting of all sessions: 3n+1 runs for n sessions, or in short form the last round and the chair. */
  team_standup: z.object({
    form: z.enum(['full', 'short']),
    /** Why it was held in short form. */
    why: z.string().optional(),
    trigger: Trigger,
    /** What it speaks of happened after this moment; absent: the first meeting. */
    since: z.string().optional(),
    sessions: z.array(
      z.object({
        session: z.string(),
        project: z.string(),
        present: z.boolean(),
        /** Why it said nothing, or not to the end. */
        absence: z.string().optional(),
        commitment: Commitment.optional(),
        /** What it said of it, for the task that is queued; absent when the last one is still open. */
        text: z.string().optional(),
        proposal: z.string().optional(),
      }),
    ),
    warnings: z.array(FileWarning),
    summary: z.string(),
    priorities: z.array(z.string()),
    blockers: z.array(z.string()),
    runs: z.number().int().nonnegative(),
    costUsd: money,
    tokens: Tokens,
    durationMs: ms,
    /** The minutes, relative to the home. */
    file: z.string(),
  }),
  /** One round of the doctor over all sessions. */
  doctor_analysis: z.object({
    trigger: Trigger,
    sessions: z.array(
      z.object({
        session: z.string(),
        project: z.string(),
        class: SessionClass,
        /** By which rule, and what it saw, one line each. */
        evidence: z.array(z.string()),
        /** What keeps it from its next cycle, which says nothing about it. */
        held: z.string().optional(),
        /** In the words of the run that looked at it; absent for a session that is plainly productive. */
        diagnosis: z.string().optional(),
        /** What was done about it, by rule. */
        effect: Effect,
        /** Proposals that came of it. */
        proposals: z.array(z.string()),
      }),
    ),
    /** What worked, over all sessions; empty when nobody was asked. */
    summary: z.string(),
    /** Why no run was asked for an explanation: what there is was found and done by rule. */
    withoutRuns: z.string().optional(),
    /** Skills that were written or gained evidence. */
    skills: z.array(z.string()),
    runs: z.number().int().nonnegative(),
    costUsd: money,
    durationMs: ms,
    /** The letter, relative to the home. */
    file: z.string(),
  }),
  /** A change to what a session or everybody is told; a person decides. */
  prompt_proposed: z.object({ proposal: z.string(), change: PromptChange, evidence: z.array(z.string()) }),
  prompt_applied: z.object({ proposal: z.string(), by: z.string(), file: z.string() }),
  prompt_dismissed: z.object({ proposal: z.string(), by: z.string(), reason: z.string() }),
  /** A technique was written down, or one that exists gained evidence. */
  skill_written: z.object({
    skill: z.string(),
    description: z.string(),
    by: z.enum(['doctor', 'person']),
    /** SHA-256 of SKILL.md, hexadecimal: another one later that Winnow did not seal is a person's edit. */
    hash: z.string(),
    /** Cycles that it comes from. */
    evidence: z.array(z.string()),
    file: z.string(),
  }),
  /** What is no skill, or one that instructs; it is lent to nobody. */
  skill_refused: z.object({
    skill: z.string(),
    fault: SkillFault,
    reason: z.string(),
    /** Of what was found; the same matter is told once. */
    hash: z.string(),
    file: z.string(),
  }),
  skill_retired: z.object({ skill: z.string(), reason: z.string(), with: Tally, without: Tally, file: z.string() }),
  /** A person put it back. */
  skill_restored: z.object({ skill: z.string(), by: z.string(), file: z.string() }),

  /** A person is told of a matter, or of its change; see the messages for whether it arrived. */
  notice_raised: Notice,
  notice_cleared: z.object({ notice: z.string(), forMs: ms }),

  /** Somebody is to be told; it waits here until the channel has taken it. */
  message_queued: z.object({
    message: z.string(),
    channel: ChannelName,
    to: z.string().min(1).max(300),
    text: z.string().min(1).max(MESSAGE_MAX_CHARS),
    buttons: z.array(z.array(Button)).optional(),
    about: MessageAbout,
    silent: z.boolean().optional(),
    /** It is a question, and what is written in reply to it its answer. */
    asks: z.boolean().optional(),
    notBefore: z.string().optional(),
  }),
  /** Durable before the channel is called: an end without `message_sent` may or may not have arrived. */
  message_sending: z.object({ message: z.string(), pid: z.number().int(), start: z.string() }),
  message_sent: z.object({
    message: z.string(),
    /** What the other side calls it. */
    reference: z.string().optional(),
  }),
  /** Without `retryAt` it is given up. */
  message_failed: z.object({ message: z.string(), reason: z.string(), retryAt: z.string().optional() }),
  /** Somebody spoke to Winnow. In the journal before it is acknowledged, and once however often it is delivered. */
  message_received: z.object({
    message: z.string(),
    channel: ChannelName,
    update: z.number().int().nonnegative(),
    from: Sender,
    /** Secrets withheld, and cut where `cut` says so. */
    text: z.string().max(MESSAGE_MAX_CHARS),
    cut: z.boolean().optional(),
    button: z.object({ id: z.string(), message: z.number().int().optional() }).optional(),
    /** What it is where it is no plain text: `photo`, `edited`, … */
    form: z.string().min(1).max(40).optional(),
    /** It is the reply to a question of Winnow's: the command that waits for these words. */
    answers: z.string().min(1).max(100).optional(),
  }),
  message_handled: z.object({
    message: z.string(),
    by: Handling,
    /** Name of the action, such as `status` or `approve`; absent when nothing was understood. */
    action: z.string().optional(),
    /** The bot skill that understood it. */
    skill: z.string().optional(),
    /** What was done, in one line. */
    note: z.string(),
    costUsd: money.optional(),
  }),
  /** What nobody understood is understood from now on: phrases, and an action or a reply that there is already. */
  bot_skill_written: z.object({
    skill: z.string(),
    /** Its action with the arguments that are fixed, or `reply`. */
    does: z.string(),
    phrases: z.array(z.string()).min(1),
    /** Ids of the messages that it was learned from. */
    messages: z.array(z.string()),
    /** SHA-256 of the file, hexadecimal: another one later is a person's edit. */
    hash: z.string(),
    file: z.string(),
    by: z.enum(['upkeep', 'person']),
  }),
  bot_skill_removed: z.object({ skill: z.string(), by: z.string(), reason: z.string() }),
  /** One look at what the bot did not understand, also when nothing came of it. */
  bot_upkeep: z.object({
    trigger: Trigger,
    /** Id of the last entry that the upkeep before had read. */
    since: z.string().optional(),
    /** That of this one; absent when what was read has to be looked at again. */
    through: z.string().optional(),
    /** Messages since then that nobody understood, or a model alone. */
    read: z.number().int().nonnegative(),
    /** How many matters they were about that came up more than once. */
    groups: z.number().int().nonnegative(),
    /** Names of the bot skills that were written. */
    written: z.array(z.string()),
    refused: z.array(z.object({ name: z.string(), reason: z.string() })),
    /** Why no run was asked although there was something to learn. */
    withoutRuns: z.string().optional(),
    runs: z.number().int().nonnegative(),
    costUsd: money,
  }),
  /** Somebody who may not speak to Winnow does; once a day for each chat. Nothing of what was said is kept. */
  stranger_refused: z.object({ channel: ChannelName, chat: z.string(), user: z.string() }),

  /** A human has to do something; one entry per matter. */
  alert: z.object({ message: z.string(), mend: z.string() }),
  /** The reader met a line that is no entry: torn by a crash or changed on the disk. */
  journal_damaged: z.object({ offset: z.number().int(), bytes: z.number().int(), what: z.string() }),
  swept: z.object({ marker: z.string(), killed: z.number().int() }),
  /** What had had its time was removed. */
  collected: z.object({
    by: z.enum(['schedule', 'person']),
    items: z
      .array(z.object({ kind: Retained, count: z.number().int().positive(), bytes: z.number().nonnegative() }))
      .min(1),
    /** Work that nothing else held, made into patches before what held it was removed. */
    patches: z.array(z.string()),
    /** What could not be removed although it was to go. */
    failed: z.number().int().nonnegative(),
  }),
} as const;

export const ENTRY_SCHEMAS = entry;
export type EntryType = keyof typeof entry;
export type EntryData<T extends EntryType> = z.infer<(typeof entry)[T]>;

export interface Envelope {
  /** ULID. */
  id: string;
  /** ISO 8601, UTC, milliseconds. */
  ts: string;
  project?: string;
  session?: string;
  cycle?: string;
}

export type EntryOf<T extends EntryType> = Envelope & { type: T; data: EntryData<T> };
export type Entry = { [T in EntryType]: EntryOf<T> }[EntryType];

/** What a caller hands to the journal: the writer adds id and time. */
export type NewEntryOf<T extends EntryType> = Omit<EntryOf<T>, 'id' | 'ts'>;
export type NewEntry = { [T in EntryType]: NewEntryOf<T> }[EntryType];
