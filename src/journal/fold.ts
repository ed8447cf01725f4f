import { isPlainKey } from '../base/plain-key.ts';
import type { Entry, EntryData, EntryOf, Merged, RalphCycle } from '../model/entry.ts';
import { type AskedKey, KEY_KEPT_MS } from '../model/request.ts';
import { isRole, type RoleName } from '../model/role.ts';
import {
  BOT_SKILLS_KNOWN_MAX,
  type BotSkillState,
  type BranchStatus,
  CLOSED_BRANCHES_MAX,
  CLOSED_TASKS_MAX,
  DAMAGE_MAX,
  DAYS_MAX,
  type DaySpend,
  FLAKY_MAX,
  INBOX_MAX,
  JOINED_MAX,
  KEYS_MAX,
  type KeyedReceipt,
  LANDINGS_MAX,
  NOTICES_MAX,
  OPEN_REQUESTS_MAX,
  OUTBOX_MAX,
  PARKS_MAX,
  PROCESSES_MAX,
  PROPOSALS_MAX,
  type ProjectState,
  type QueuedBranch,
  RECENT_CYCLES_MAX,
  type RecentCycle,
  ROLE_FAILURES_MAX,
  type RoleState,
  SEEN_MAX,
  SETTLED_REQUESTS_MAX,
  type SessionState,
  SKILL_EVIDENCE_MAX,
  SKILL_REFUSALS_MAX,
  SKILLS_MAX,
  type SkillState,
  STANDUPS_KEPT,
  STRANGERS_MAX,
  type StandupState,
  type State,
  TASK_CYCLES_MAX,
} from '../model/state.ts';
import { TASK_ATTEMPTS_MAX, type Task } from '../model/task.ts';
import { openRequests, useOfKey } from '../policy/requests.ts';

/** Raised when the fold's meaning changes: snapshots of another version are ignored and made anew. */
export const FOLD_VERSION = 10;

/**
 * What an entry does to the state. Pure but for the state it is given, which it changes in place: a million entries
 * must not copy a state each. Entries that are illegal for the state never get here.
 */
export const foldEntry = (state: State, entry: Entry): void => {
  state.entries += 1;
  state.lastId = entry.id;
  state.lastTs = entry.ts;
  switch (entry.type) {
    case 'process_started':
      state.processes[entry.data.pid] = {
        pid: entry.data.pid,
        start: entry.data.start,
        at: entry.ts,
        roles: entry.data.roles,
      };
      dropLeast(state.processes, PROCESSES_MAX, ({ at }) => at);
      return;
    case 'process_stopped': {
      const { pid, crashed } = entry.data;
      if (crashed) {
        const reason = `its process (pid ${pid}) died`;
        for (const role of state.processes[pid]?.roles ?? [])
          if (isRole(role)) roleOf(state, role).failures.push({ at: entry.ts, reason });
        dropOldFailures(state);
      }
      delete state.processes[pid];
      return;
    }
    case 'role_started': {
      const { role, pid } = entry.data;
      const process = state.processes[pid];
      if (process && !process.roles.includes(role)) process.roles = [...process.roles, role];
      return;
    }
    case 'role_failed': {
      const { role, reason } = entry.data;
      roleOf(state, role).failures.push({ at: entry.ts, reason });
      dropOldFailures(state);
      return leaveRole(state, role);
    }
    case 'role_parked': {
      const { role, reason, failures } = entry.data;
      roleOf(state, role).parked = { at: entry.ts, reason, failures };
      return leaveRole(state, role);
    }
    case 'role_unparked':
      // What it did before is forgiven: it has as many failures free as any other.
      delete state.roles[entry.data.role];
      return;
    case 'config_loaded':
      state.config = { ...entry.data, at: entry.ts };
      return;
    case 'cycle_started': {
      const { cycle = entry.id, session = '', project = '' } = entry;
      state.running[cycle] = {
        cycle,
        session,
        project,
        pid: entry.data.pid,
        start: entry.data.start,
        trigger: entry.data.trigger,
        ...(entry.data.task ? { task: entry.data.task } : {}),
        workspace: entry.data.workspace,
        phase: 'read',
        startedAt: entry.ts,
        phaseAt: entry.ts,
        claim: [],
        costUsd: 0,
        iterations: 0,
      };
      const at = sessionOf(state, session, project);
      at.running = cycle;
      at.lastCycleAt = entry.ts;
      return;
    }
    case 'cycle_phase': {
      const running = runningOf(state, entry);
      if (!running) return;
      running.phase = entry.data.phase;
      running.phaseAt = entry.ts;
      return;
    }
    case 'ralph_cycle':
      return foldCycleEnd(state, entry);
    case 'plan_made': {
      const running = runningOf(state, entry);
      if (running) running.planTitle = entry.data.plan.title;
      return;
    }
    case 'claim_taken': {
      const running = runningOf(state, entry);
      if (!running) return;
      running.claim = entry.data.files;
      running.claimTitle = entry.data.title;
      return;
    }
    case 'claim_released': {
      const running = runningOf(state, entry);
      if (!running) return;
      running.claim = [];
      delete running.claimTitle;
      return;
    }
    case 'agent_ran': {
      const { purpose, costUsd, conversation } = entry.data;
      spend(state, entry.ts, costUsd, entry.session, entry.project);
      if (purpose === 'answer' || purpose === 'upkeep') {
        const day = dayOf(state, entry.ts);
        day.botUsd = (day.botUsd ?? 0) + costUsd;
      }
      const running = runningOf(state, entry);
      // What it says at a standup is another conversation, which nobody goes on with.
      if (entry.session && conversation && (running || purpose === 'person'))
        sessionOf(state, entry.session, entry.project).conversation = conversation;
      if (!running) return;
      running.costUsd += costUsd;
      if (conversation) running.conversation = conversation;
      return;
    }
    case 'evaluated': {
      const running = runningOf(state, entry);
      if (running) running.iterations = entry.data.iteration;
      return;
    }
    case 'main_moved':
      projectOf(state, entry.project).tip = entry.data.to;
      return;
    case 'baseline_measured': {
      const { commit, tree, figures } = entry.data;
      projectOf(state, entry.project).baseline = { commit, tree, figures };
      return;
    }
    case 'project_unready':
      projectOf(state, entry.project).unready = { ...entry.data, at: entry.ts };
      return;
    case 'project_ready':
      delete projectOf(state, entry.project).unready;
      return;
    case 'check_ran':
      state.checks.ran += 1;
      if (entry.data.state === 'unevaluated') state.checks.unevaluated += 1;
      return;
    case 'test_flaky': {
      const { flaky } = projectOf(state, entry.project);
      const key = `${entry.data.check}: ${entry.data.test}`;
      flaky[key] = (flaky[key] ?? 0) + 1;
      dropLeast(flaky, FLAKY_MAX, (times) => times, key);
      return;
    }
    case 'intent':
      state.intents[entry.id] = { ...envelope(entry), id: entry.id, at: entry.ts, data: entry.data };
      return;
    case 'intent_settled': {
      const intent = state.intents[entry.data.intent];
      delete state.intents[entry.data.intent];
      if (intent?.data.effect !== 'delete-branch' || entry.data.done) return;
      const queued = state.queue[intent.data.branch];
      if (queued) queued.deletionRefusedAt = entry.ts;
      return;
    }
    case 'branch_pushed': {
      const running = runningOf(state, entry);
      state.queue[entry.data.branch] = {
        ...entry.data,
        project: entry.project ?? '',
        session: entry.session ?? '',
        cycle: entry.cycle ?? '',
        title: running?.planTitle ?? '',
        ...(running?.task ? { task: running.task } : {}),
        kind: 'change',
        at: entry.ts,
        changedAt: entry.ts,
        status: { state: 'pending', note: '' },
      };
      return;
    }
    case 'revert_proposed': {
      const { branch, commit, base, tree, title } = entry.data;
      state.queue[branch] = {
        ...{ branch, commit, base, tree, title },
        project: entry.project ?? '',
        session: '',
        cycle: '',
        kind: 'revert',
        at: entry.ts,
        changedAt: entry.ts,
        status: { state: 'pending', note: entry.data.reason },
        deleted: true,
      };
      for (const landing of projectOf(state, entry.project).landings) {
        if (landing.branches.some((landed) => entry.data.branches.includes(landed.branch))) landing.revertedBy = branch;
      }
      return;
    }
    case 'cto_review': {
      const { decision, by, name, reasons } = entry.data;
      const reviewed = { review: entry.id, by, name, reason: reasons[0] ?? '', at: entry.ts };
      return changeBranch(state, entry, { state: STATE_BY_DECISION[decision], ...reviewed }, (branch) => {
        delete branch.unevaluated;
      });
    }
    case 'review_failed': {
      const queued = state.queue[entry.data.branch];
      if (queued?.status.state !== 'pending') return;
      const failures = (queued.status.failures ?? 0) + 1;
      return changeBranch(state, entry, { state: 'pending', note: entry.data.reason, failures });
    }
    case 'branch_moved': {
      const { from, to } = entry.data;
      if (to === undefined) {
        const reason = 'somebody deleted it';
        return changeBranch(state, entry, { state: 'gone', reason }, (branch) => {
          branch.deleted = true;
        });
      }
      const note = `it moved from ${from.slice(0, 10)}; what was said of that commit has lapsed`;
      return changeBranch(state, entry, { state: 'pending', note }, (branch) => {
        branch.commit = to;
        // It was of the old commit; were it taken for the new one's, that would be deleted without a patch.
        delete branch.patch;
      });
    }
    case 'train_tested': {
      const [alone, ...others] = entry.data.branches;
      const queued = alone === undefined ? undefined : state.queue[alone];
      if (queued && others.length === 0 && entry.data.state === 'unevaluated')
        queued.unevaluated = (queued.unevaluated ?? 0) + 1;
      return;
    }
    case 'branch_dropped': {
      const { why, reason, patch } = entry.data;
      return changeBranch(state, entry, { state: 'dropped', why, reason }, (branch) => {
        if (patch) branch.patch = patch;
      });
    }
    case 'merged': {
      const { from, to, tree, landings, figures } = entry.data;
      const project = projectOf(state, entry.project);
      const reverts = landings.some(({ branch }) => state.queue[branch]?.kind === 'revert');
      project.tip = to;
      if (figures) project.baseline = { commit: to, tree, figures };
      // What lands while main is red is no proof that it is green; `main_green` says when it is.
      if (!project.red) project.good = { commit: to, tree };
      delete project.blocked;
      project.landings.push({
        ...{ from, to, tree, at: entry.ts },
        branches: landings.map(({ branch, merged }) => ({ branch, merged })),
        ...(entry.data.verify ? { verification: 'owed' } : {}),
        ...(reverts ? { revert: true } : {}),
        ...(project.red ? { red: true } : {}),
      });
      if (project.landings.length > LANDINGS_MAX) project.landings.shift();
      for (const { branch, merged, review } of landings) {
        const queued = state.queue[branch];
        if (queued) setStatus(state, queued, entry.ts, { state: 'landed', main: to, merged, review });
        // What a revert takes back was not worth keeping.
        const reverted = project.landings.filter(({ revertedBy }) => revertedBy === branch);
        for (const past of reverted.flatMap((landing) => landing.branches)) {
          const taken = state.queue[past.branch];
          if (taken) recount(state, taken, false);
        }
      }
      return;
    }
    case 'train_blocked':
      projectOf(state, entry.project).blocked = { ...entry.data, at: entry.ts };
      return;
    case 'train_unblocked':
      delete projectOf(state, entry.project).blocked;
      return;
    case 'landing_verified': {
      const { landings } = projectOf(state, entry.project);
      const last = landings.findLastIndex(({ to }) => to === entry.data.main);
      // What was verified is all that had landed until then.
      for (const landing of landings.slice(0, last + 1)) {
        if (landing.verification === 'owed') landing.verification = entry.data.ok ? 'passed' : 'failed';
      }
      return;
    }
    case 'main_judged':
      projectOf(state, entry.project).good = entry.data;
      return;
    case 'main_red':
      projectOf(state, entry.project).red = { ...entry.data, at: entry.ts };
      return;
    case 'main_green': {
      const project = projectOf(state, entry.project);
      delete project.red;
      project.good = { commit: entry.data.commit, tree: entry.data.tree };
      return;
    }
    case 'branch_deleted': {
      const queued = state.queue[entry.data.branch];
      if (!queued) return;
      queued.deleted = true;
      delete queued.deletionRefusedAt;
      if (entry.data.patch) queued.patch = entry.data.patch;
      return;
    }
    case 'gate_closed': {
      const { gate, reason, figures, until } = entry.data;
      // Closed again with other figures: it is closed since the first time.
      const at = state.gates[gate]?.at ?? entry.ts;
      state.gates[gate] = { reason, figures, at, ...(until ? { until } : {}) };
      return;
    }
    case 'gate_opened':
      delete state.gates[entry.data.gate];
      return;
    case 'session_parked': {
      const session = sessionOf(state, entry.session ?? '', entry.project);
      const { signature } = entry.data;
      session.parked = entry.data;
      delete session.probation;
      if (signature === undefined) return;
      session.parks = [...(session.parks ?? []), { at: entry.ts, signature }].slice(-PARKS_MAX);
      return;
    }
    case 'session_unparked': {
      const session = sessionOf(state, entry.session ?? '', entry.project);
      const signature = session.parked?.signature;
      if (signature !== undefined) session.probation = { signature };
      delete session.parked;
      return;
    }
    case 'session_taken': {
      const { by, pid, start } = entry.data;
      const taken = { cycle: entry.cycle ?? '', by, pid, start, at: entry.ts };
      sessionOf(state, entry.session ?? '', entry.project).taken = taken;
      return;
    }
    case 'session_handed_over': {
      const { taken } = sessionOf(state, entry.session ?? '', entry.project);
      const { conversation, base, tree, branch } = entry.data;
      if (taken) taken.handedOver = { at: entry.ts, conversation, base, tree, branch };
      return;
    }
    case 'session_given_back':
      delete sessionOf(state, entry.session ?? '', entry.project).taken;
      return;
    case 'session_redirected':
      return redirect(state, entry);
    case 'team_standup':
      state.standup = {
        id: entry.id,
        at: entry.ts,
        heldAt: [...(state.standup?.heldAt ?? []), entry.ts].slice(-STANDUPS_KEPT),
        ...{ summary: entry.data.summary, priorities: entry.data.priorities, file: entry.data.file },
        ...{ form: entry.data.form, runs: entry.data.runs, costUsd: entry.data.costUsd },
        owed: entry.data.sessions.flatMap(({ session, project, commitment, text }) => {
          if (!commitment || text === undefined) return [];
          const { task, title, files } = commitment;
          return [{ session, project, task, title, text, files }];
        }),
        claims: entry.data.sessions.flatMap(({ session, project, commitment }) => {
          if (!commitment || commitment.files.length === 0) return [];
          const { task, title, files, until } = commitment;
          return [{ session, project, task, title, files, until }];
        }),
      };
      return;
    case 'doctor_analysis':
      state.doctor = {
        ...{ id: entry.id, at: entry.ts, file: entry.data.file },
        classes: Object.fromEntries(
          entry.data.sessions.filter(({ session }) => isPlainKey(session)).map((s) => [s.session, s.class]),
        ),
      };
      return;
    case 'prompt_proposed':
      state.proposals[entry.data.proposal] = {
        ...{ id: entry.data.proposal, at: entry.ts, change: entry.data.change, evidence: entry.data.evidence },
        ...(entry.session ? { session: entry.session } : {}),
        status: { state: 'open' },
      };
      dropLeast(
        state.proposals,
        PROPOSALS_MAX,
        ({ status, at }) => `${status.state === 'open' ? 1 : 0} ${at}`,
        entry.data.proposal,
      );
      return;
    case 'prompt_applied':
    case 'prompt_dismissed': {
      const proposal = state.proposals[entry.data.proposal];
      if (!proposal) return;
      const closed = { by: entry.data.by, at: entry.ts };
      proposal.status =
        entry.type === 'prompt_applied'
          ? { state: 'applied', ...closed, reason: '' }
          : { state: 'dismissed', ...closed, reason: entry.data.reason };
      return;
    }
    case 'skill_written':
      return foldSkillWritten(state, entry);
    case 'skill_refused': {
      const { hash, ...refused } = entry.data;
      state.skillRefusals[hash] = { ...refused, at: entry.ts };
      dropLeast(state.skillRefusals, SKILL_REFUSALS_MAX, ({ at }) => at, hash);
      return;
    }
    case 'skill_retired': {
      const skill = state.skills[entry.data.skill];
      if (skill) skill.retired = { at: entry.ts, reason: entry.data.reason };
      return;
    }
    case 'skill_restored': {
      const skill = state.skills[entry.data.skill];
      if (!skill) return;
      delete skill.retired;
      // What it did before is known and was not enough for the person: it is measured anew.
      forgetFigures(state, skill);
      return;
    }
    case 'paused':
      if (entry.session) sessionOf(state, entry.session, entry.project).pausedBy = entry.data.by;
      else state.paused = { ...entry.data, at: entry.ts };
      return;
    case 'resumed':
      if (entry.session) {
        const session = sessionOf(state, entry.session, entry.project);
        delete session.pausedBy;
        delete session.parked;
        delete session.parks;
        delete session.probation;
        delete session.avoid;
        session.failuresInARow = 0;
      } else delete state.paused;
      return;
    case 'task_queued':
      state.tasks[entry.data.task] = {
        id: entry.data.task,
        text: entry.data.text,
        project: entry.project ?? '',
        ...(entry.data.for ? { session: entry.data.for } : {}),
        priority: entry.data.priority,
        origin: entry.data.origin,
        state: 'queued',
        reason: '',
        cycles: [],
        attempts: 0,
        queuedAt: entry.ts,
        changedAt: entry.ts,
      };
      if (state.standup) state.standup.owed = state.standup.owed.filter(({ task }) => task !== entry.data.task);
      return keep(state, entry.data.key, entry.ts, { task: entry.data.task });
    case 'task_assigned':
      return changeTask(state, entry, 'assigned', entry.session ? `with ${entry.session}` : '', (task) => {
        if (entry.cycle) task.cycles.push(entry.cycle);
        if (task.cycles.length > TASK_CYCLES_MAX) task.cycles.shift();
      });
    case 'task_returned':
      return changeTask(state, entry, 'queued', entry.data.reason, (task) => {
        if (entry.data.counted) task.attempts += 1;
      });
    case 'task_done':
      return changeTask(state, entry, 'done', entry.data.reason);
    case 'task_failed':
      return changeTask(state, entry, 'failed', entry.data.reason, (task) => {
        task.attempts += 1;
      });
    case 'task_cancelled':
      if (state.standup) state.standup.claims = state.standup.claims.filter(({ task }) => task !== entry.data.task);
      return changeTask(state, entry, 'cancelled', entry.data.reason);
    case 'requested':
      return foldRequest(state, entry);
    case 'request_taken': {
      const request = state.requests[entry.data.request];
      if (!request) return;
      const { pid, start } = entry.data;
      request.taken = { pid, start, at: entry.ts, times: (request.taken?.times ?? 0) + 1 };
      return;
    }
    case 'request_settled': {
      const request = state.requests[entry.data.request];
      if (!request) return;
      request.settled = { done: entry.data.done, note: entry.data.note, at: entry.ts };
      const settled = Object.values(state.requests).filter((other) => other.settled);
      if (settled.length <= SETTLED_REQUESTS_MAX) return;
      delete state.requests[settled.reduce((a, b) => ((a.settled?.at ?? '') <= (b.settled?.at ?? '') ? a : b)).id];
      return;
    }
    case 'notice_raised': {
      const { notice } = entry.data;
      const known = state.notices[notice];
      state.notices[notice] = { ...entry.data, at: entry.ts, times: known ? known.times + 1 : 0 };
      dropLeast(state.notices, NOTICES_MAX, ({ at }) => at);
      return;
    }
    case 'notice_cleared':
      delete state.notices[entry.data.notice];
      return;
    case 'message_queued': {
      const { message: id, buttons = [], silent = false, ...rest } = entry.data;
      state.outbox[id] = { id, at: entry.ts, ...rest, buttons, silent, attempts: 0 };
      noteTold(state, rest);
      return;
    }
    case 'message_sending': {
      const message = state.outbox[entry.data.message];
      if (!message) return;
      message.attempts += 1;
      message.sending = { at: entry.ts, pid: entry.data.pid, start: entry.data.start };
      return;
    }
    case 'message_sent':
      delete state.outbox[entry.data.message];
      return;
    case 'message_failed': {
      const message = state.outbox[entry.data.message];
      if (!message) return;
      if (entry.data.retryAt === undefined) {
        delete state.outbox[entry.data.message];
        return;
      }
      message.reason = entry.data.reason;
      message.notBefore = entry.data.retryAt;
      delete message.sending;
      return;
    }
    case 'message_received': {
      const { message: id, cut: _, ...message } = entry.data;
      // Not the highest: another bot counts from elsewhere, and the same one does after a quiet week.
      const seen = [...(state.inbox.seen[message.channel] ?? []), message.update];
      state.inbox.seen[message.channel] = seen.slice(-SEEN_MAX);
      state.inbox.open[id] = { id, at: entry.ts, ...message };
      return;
    }
    case 'message_handled': {
      const { message, by, skill } = entry.data;
      delete state.inbox.open[message];
      if (by === 'none' || by === 'model') {
        state.upkeep.gap = entry.id;
        state.upkeep.gaps += 1;
      }
      const used = skill === undefined ? undefined : state.botSkills[skill];
      if (!used) return;
      used.used += 1;
      used.lastUsedAt = entry.ts;
      return;
    }
    case 'bot_skill_written': {
      const { skill: name, ...written } = entry.data;
      const known = state.botSkills[name];
      state.botSkills[name] = {
        ...{ name, ...written, entry: entry.id, writtenAt: entry.ts, told: [] },
        used: known?.used ?? 0,
        ...(known?.lastUsedAt ? { lastUsedAt: known.lastUsedAt } : {}),
      };
      const rank = ({ removed, writtenAt }: BotSkillState) => `${removed ? 0 : 1} ${removed?.at ?? writtenAt}`;
      dropLeast(state.botSkills, BOT_SKILLS_KNOWN_MAX, rank, name);
      return;
    }
    case 'bot_skill_removed': {
      const skill = state.botSkills[entry.data.skill];
      if (skill) skill.removed = { at: entry.ts, by: entry.data.by, reason: entry.data.reason };
      return;
    }
    case 'bot_upkeep': {
      const { through } = entry.data;
      state.upkeep.at = entry.ts;
      if (through === undefined) return;
      state.upkeep.through = through;
      state.upkeep.gaps = 0;
      return;
    }
    case 'stranger_refused':
      state.strangers[`${entry.data.channel}:${entry.data.chat}`] = { at: entry.ts };
      dropLeast(state.strangers, STRANGERS_MAX, ({ at }) => at);
      return;
    case 'review_commented':
      return keep(state, entry.data.key, entry.ts, { comment: entry.id });
    // These tell people something and change no state.
    case 'config_rejected':
    case 'plan_refused':
    case 'run_retry_planned':
    case 'install_ran':
    case 'dependencies_damaged':
    case 'alert':
    case 'journal_damaged':
    case 'swept':
    case 'collected':
      return;
    default:
      entry satisfies never;
  }
};

/** Why an entry cannot follow this state; undefined when it can. Asked by the writer before and the reader after. */
export const illegalEntry = (state: Readonly<State>, entry: Entry): string | undefined => {
  const name = keysOf(entry).find((key) => key !== undefined && !isPlainKey(key));
  if (name !== undefined) return `${name} cannot be a name`;
  switch (entry.type) {
    case 'cycle_started': {
      if (!entry.session || !entry.project || !entry.cycle) return 'it names no session, project or cycle';
      if (state.running[entry.cycle]) return `cycle ${entry.cycle} is running already`;
      const { running, taken } = state.sessions[entry.session] ?? {};
      if (running && state.running[running]) return `${entry.session} is already in cycle ${running}`;
      return taken && taken.cycle !== entry.cycle ? `${entry.session} is taken by ${taken.by}` : undefined;
    }
    case 'session_taken': {
      if (!entry.session || !entry.project || !entry.cycle) return 'it names no session, project or cycle';
      const taken = state.sessions[entry.session]?.taken;
      return taken && `${entry.session} is taken by ${taken.by}`;
    }
    case 'session_handed_over':
    case 'session_given_back': {
      const taken = entry.session ? state.sessions[entry.session]?.taken : undefined;
      return taken && taken.cycle === entry.cycle ? undefined : `${entry.session} is not taken by this`;
    }
    case 'cycle_phase':
    case 'ralph_cycle':
    case 'claim_taken': {
      const running = entry.cycle ? state.running[entry.cycle] : undefined;
      if (!running) return `cycle ${entry.cycle} is not running`;
      return entry.session === running.session ? undefined : `cycle ${entry.cycle} is one of ${running.session}`;
    }
    case 'role_parked':
      return state.roles[entry.data.role]?.parked ? `role ${entry.data.role} is parked already` : undefined;
    case 'role_unparked':
      return state.roles[entry.data.role]?.parked ? undefined : `role ${entry.data.role} is not parked`;
    case 'session_parked':
    case 'session_unparked':
    case 'session_redirected':
      return entry.session ? undefined : 'it names no session';
    case 'main_moved':
    case 'baseline_measured':
    case 'project_unready':
    case 'project_ready':
    case 'train_blocked':
    case 'train_unblocked':
    case 'landing_verified':
    case 'main_judged':
    case 'main_red':
    case 'main_green':
    case 'test_flaky':
      return entry.project ? undefined : 'it names no project';
    case 'merged':
      return entry.project ? unapproved(state, entry.data) : 'it names no project';
    case 'intent':
      return entry.data.effect === 'move-main' ? unapproved(state, entry.data.merge) : undefined;
    case 'cto_review':
      return unreviewable(state, entry.data);
    case 'review_failed':
      return unreviewable(state, { ...entry.data, by: 'reviewer' });
    case 'review_commented':
      if (!state.queue[entry.data.branch]) return `branch ${entry.data.branch} is not in the queue`;
      return usedKey(state, entry);
    case 'branch_moved':
      return mustBeOpen(state, entry.data.branch, entry.data.from);
    case 'branch_dropped':
      return mustBeOpen(state, entry.data.branch, entry.data.commit);
    case 'branch_pushed':
    case 'revert_proposed':
      return state.queue[entry.data.branch] ? `branch ${entry.data.branch} is in the queue already` : undefined;
    case 'prompt_proposed':
      return state.proposals[entry.data.proposal] ? `proposal ${entry.data.proposal} is there already` : undefined;
    case 'prompt_applied':
    case 'prompt_dismissed': {
      const proposal = state.proposals[entry.data.proposal];
      if (!proposal) return `proposal ${entry.data.proposal} is unknown`;
      return proposal.status.state === 'open' ? undefined : `proposal ${proposal.id} is ${proposal.status.state}`;
    }
    case 'bot_skill_removed': {
      const skill = state.botSkills[entry.data.skill];
      if (!skill) return `bot skill ${entry.data.skill} is unknown`;
      return skill.removed ? `bot skill ${skill.name} is removed already` : undefined;
    }
    case 'skill_retired':
    case 'skill_restored': {
      const skill = state.skills[entry.data.skill];
      if (!skill) return `skill ${entry.data.skill} is unknown`;
      if ((skill.retired !== undefined) === (entry.type === 'skill_restored')) return undefined;
      return `skill ${skill.name} is ${skill.retired ? 'retired already' : 'not retired'}`;
    }
    case 'intent_settled':
      return state.intents[entry.data.intent] ? undefined : `intent ${entry.data.intent} is not open`;
    case 'task_queued': {
      const known = state.tasks[entry.data.task];
      if (known && known.state !== 'failed') return `task ${entry.data.task} is already ${known.state}`;
      return usedKey(state, entry);
    }
    case 'task_assigned':
      return taskMustBe(state, entry.data.task, ['queued']);
    case 'task_returned':
    case 'task_done':
    case 'task_failed':
      return taskMustBe(state, entry.data.task, ['assigned']);
    case 'task_cancelled':
      return taskMustBe(state, entry.data.task, ['queued', 'assigned']);
    case 'requested': {
      const { request, joins } = entry.data;
      if (!isPlainKey(request)) return `${request} cannot be a name`;
      if (state.requests[request]) return `request ${request} is there already`;
      const joined = joins !== undefined && isPlainKey(joins) ? state.requests[joins] : undefined;
      if (!joined && openRequests(state).length >= OPEN_REQUESTS_MAX) return 'too many requests are open';
      return usedKey(state, entry);
    }
    case 'request_taken':
    case 'request_settled': {
      const { request } = entry.data;
      const known = isPlainKey(request) ? state.requests[request] : undefined;
      if (!known) return `request ${request} is unknown`;
      return known.settled ? `request ${request} is settled already` : undefined;
    }
    case 'notice_raised':
      return isPlainKey(entry.data.notice) ? undefined : `${entry.data.notice} cannot be a name`;
    case 'notice_cleared':
      return isPlainKey(entry.data.notice) && state.notices[entry.data.notice]
        ? undefined
        : `notice ${entry.data.notice} does not stand`;
    case 'message_queued': {
      const { message } = entry.data;
      if (!isPlainKey(message)) return `${message} cannot be a name`;
      if (state.outbox[message]) return `message ${message} is there already`;
      return Object.keys(state.outbox).length >= OUTBOX_MAX ? 'too many messages wait to go out' : undefined;
    }
    case 'message_sending':
    case 'message_sent':
    case 'message_failed': {
      const { message } = entry.data;
      return isPlainKey(message) && state.outbox[message] ? undefined : `message ${message} does not wait to go out`;
    }
    case 'message_received': {
      const { message, channel, update } = entry.data;
      if (!isPlainKey(message)) return `${message} cannot be a name`;
      if (state.inbox.seen[channel]?.includes(update)) return `message ${update} of ${channel} was received already`;
      return Object.keys(state.inbox.open).length >= INBOX_MAX ? 'too many messages wait for an answer' : undefined;
    }
    case 'message_handled': {
      const { message } = entry.data;
      return isPlainKey(message) && state.inbox.open[message] ? undefined : `message ${message} is not open`;
    }
    case 'stranger_refused':
      return isPlainKey(entry.data.chat) ? undefined : `${entry.data.chat} cannot be a name`;
    default:
      return undefined;
  }
};

const roleOf = (state: State, role: RoleName): RoleState => {
  state.roles[role] ??= { failures: [] };
  return state.roles[role];
};

const dropOldFailures = (state: State): void => {
  for (const role of Object.values(state.roles)) role.failures = role.failures.slice(-ROLE_FAILURES_MAX);
};

/** A role is at work in one process at most, and now in none. */
const leaveRole = (state: State, role: RoleName): void => {
  for (const process of Object.values(state.processes)) process.roles = process.roles.filter((name) => name !== role);
};

/** Everything in an entry that becomes a key of the state. */
const keysOf = (entry: Entry): (string | undefined)[] => {
  const { id, project, session, cycle } = entry;
  const { task, branch, intent, proposal, skill, hash } = entry.data as Partial<Record<string, string>>;
  return [id, project, session, cycle, task, branch, intent, proposal, skill, hash];
};

export const foldIllegal = (state: State, entry: Entry, why: string): void => {
  state.entries += 1;
  state.lastId = entry.id;
  state.illegal.count += 1;
  state.illegal.last = `${entry.type} ${entry.id}: ${why}`;
};

export const foldDamage = (state: State, damage: { offset: number; bytes: number; what: string }): void => {
  state.damage.count += 1;
  state.damage.places.push(damage);
  if (state.damage.places.length > DAMAGE_MAX) state.damage.places.shift();
};

const taskMustBe = (state: Readonly<State>, id: string, states: Task['state'][]): string | undefined => {
  const task = state.tasks[id];
  if (!task) return `task ${id} is unknown`;
  return states.includes(task.state) ? undefined : `task ${id} is ${task.state}, not ${states.join(' or ')}`;
};

const STATE_BY_DECISION = { approve: 'approved', reject: 'rejected', 'needs-human': 'needs-human' } as const;

/** Nothing unreviewed lands: what main receives is approved at exactly this commit, or the line is refused. */
const unapproved = (state: Readonly<State>, { landings }: Merged): string | undefined => {
  for (const { branch, commit, review } of landings) {
    const queued = state.queue[branch];
    if (queued?.status.state !== 'approved') return `branch ${branch} is ${queued?.status.state ?? 'unknown'}`;
    if (queued.commit !== commit) return `branch ${branch} is approved at ${queued.commit}, not at ${commit}`;
    if (queued.status.review !== review) return `branch ${branch} was approved by ${queued.status.review}`;
  }
  return undefined;
};

const unreviewable = (
  state: Readonly<State>,
  { branch, commit, by }: Pick<EntryData<'cto_review'>, 'branch' | 'commit' | 'by'>,
): string | undefined => {
  const queued = state.queue[branch];
  if (!queued) return `branch ${branch} is not in the queue`;
  const { status } = queued;
  if (isLanding(state, branch)) return `branch ${branch} is landing at this moment`;
  if (queued.commit !== commit) return `branch ${branch} is at ${queued.commit}, not at ${commit}`;
  if (status.state === 'landed' || status.state === 'gone') return `branch ${branch} is ${status.state}`;
  if (by === 'person' || status.state === 'pending') return undefined;
  return `branch ${branch} is ${status.state}; only a person decides anew`;
};

/** Between the intent and its settlement nothing is said of a branch: it may be in main already. */
const isLanding = (state: Readonly<State>, name: string): boolean =>
  Object.values(state.intents).some(
    ({ data }) => data.effect === 'move-main' && data.merge.landings.some(({ branch }) => branch === name),
  );

const mustBeOpen = (state: Readonly<State>, name: string, commit: string): string | undefined => {
  const queued = state.queue[name];
  if (!queued) return `branch ${name} is not in the queue`;
  if (queued.commit !== commit) return `branch ${name} is at ${queued.commit}, not at ${commit}`;
  if (isLanding(state, name)) return `branch ${name} is landing at this moment`;
  const { state: now } = queued.status;
  return now === 'landed' || now === 'gone' || now === 'dropped' ? `branch ${name} is ${now}` : undefined;
};

const changeBranch = (
  state: State,
  entry: EntryOf<'cto_review' | 'review_failed' | 'branch_moved' | 'branch_dropped'>,
  status: BranchStatus,
  change?: (branch: QueuedBranch) => void,
): void => {
  const queued = state.queue[entry.data.branch];
  if (!queued) return;
  change?.(queued);
  setStatus(state, queued, entry.ts, status);
};

const setStatus = (state: State, queued: QueuedBranch, ts: string, status: BranchStatus): void => {
  queued.status = status;
  queued.changedAt = ts;
  recount(state, queued, isKept(status));
  // What the remote still has is not forgotten: it has to be deleted first.
  const closed = Object.values(state.queue).filter((branch) => CLOSED.has(branch.status.state) && branch.deleted);
  if (closed.length <= CLOSED_BRANCHES_MAX) return;
  const oldest = closed.reduce((a, b) => (a.changedAt <= b.changedAt ? a : b));
  delete state.queue[oldest.branch];
};

const CLOSED: ReadonlySet<BranchStatus['state']> = new Set(['rejected', 'landed', 'dropped', 'gone'] as const);

const foldCycleEnd = (state: State, entry: EntryOf<'ralph_cycle'>): void => {
  const { cycle = '', session = '', project = '', data } = entry;
  delete state.running[cycle];
  const at = sessionOf(state, session, project);
  if (at.running === cycle) delete at.running;
  if (at.taken?.cycle === cycle) at.taken.judged = true;
  at.lastOutcome = data.outcome;
  at.lastReason = data.reason;
  // What the last cycle did not have must not be shown with its outcome.
  if (data.plan) at.lastTitle = data.plan.title;
  else delete at.lastTitle;
  if (data.branch) at.lastBranch = data.branch;
  else delete at.lastBranch;
  if (data.memoryPeakBytes) at.memoryBytes = Math.max(data.memoryPeakBytes, Math.round((at.memoryBytes ?? 0) * 0.75));
  at.counts[data.outcome] = (at.counts[data.outcome] ?? 0) + 1;
  // What could not be judged costs as much as what failed, and is as likely to come again at once.
  if (data.outcome === 'failed' || data.outcome === 'unevaluated') at.failuresInARow += 1;
  else if (data.outcome !== 'interrupted') at.failuresInARow = 0;
  if (data.outcome !== 'interrupted') delete at.probation;
  if (data.outcome === 'pushed') delete at.avoid;
  if (state.standup) {
    const isOver = (claim: StandupState['claims'][number]) => claim.session === session && claim.task === data.task;
    state.standup.claims = state.standup.claims.filter((claim) => !isOver(claim));
  }
  tallySkills(state, data, entry.ts);
  const day = dayOf(state, entry.ts);
  day.counts[data.outcome] = (day.counts[data.outcome] ?? 0) + 1;
  const { recent } = projectOf(state, project);
  recent.push(recentOf(entry, cycle, session, project));
  if (recent.length > RECENT_CYCLES_MAX) recent.shift();
};

/** Only a cycle that came to a verdict about its work says something about what it was lent. */
const tallySkills = (state: State, { outcome, branch, skills, withheld = [] }: RalphCycle, ts: string): void => {
  for (const name of skills.filter(isPlainKey)) {
    const skill = state.skills[name];
    if (skill) skill.lastUsedAt = ts;
  }
  if (outcome !== 'pushed' && outcome !== 'discarded' && outcome !== 'empty') return;
  const lots = { with: skills.filter(isPlainKey), without: withheld.filter(isPlainKey) };
  const queued = outcome === 'pushed' && branch !== undefined ? state.queue[branch] : undefined;
  // It may have been rejected before its cycle could say that it ended.
  const kept = outcome === 'pushed' && (queued === undefined || isKept(queued.status) !== false);
  for (const side of ['with', 'without'] as const) {
    for (const name of lots[side]) {
      const tally = state.skills[name]?.[side];
      if (!tally) continue;
      tally.ended += 1;
      if (kept) tally.kept += 1;
    }
  }
  if (queued && lots.with.length + lots.without.length > 0) queued.skills = { ...lots, kept };
};

/** Whether a branch that ends so was worth its cycle; undefined: that says nothing about it. */
const isKept = (status: BranchStatus): boolean | undefined => {
  switch (status.state) {
    case 'pending':
    case 'needs-human':
    case 'approved':
    case 'landed':
      return true;
    case 'rejected':
      return false;
    case 'dropped':
      // A conflict is the fault of whoever was faster, and what cannot be used any more was good when it came.
      return status.why === 'red' ? false : undefined;
    case 'gone':
      return undefined;
    default:
      return status satisfies never;
  }
};

/** What was counted as kept is taken back when its branch comes to nothing by its own fault, and given back when a person decides anew. */
const recount = (state: State, { skills }: QueuedBranch, kept: boolean | undefined): void => {
  if (!skills || kept === undefined || kept === skills.kept) return;
  skills.kept = kept;
  for (const side of ['with', 'without'] as const) {
    for (const name of skills[side]) {
      const tally = state.skills[name]?.[side];
      if (tally) tally.kept = Math.min(tally.ended, Math.max(0, tally.kept + (kept ? 1 : -1)));
    }
  }
};

/** It is measured anew; branches whose cycles had the old one say nothing about it any more. */
const forgetFigures = (state: State, skill: SkillState): void => {
  skill.with = { kept: 0, ended: 0 };
  skill.without = { kept: 0, ended: 0 };
  for (const { skills } of Object.values(state.queue)) {
    if (!skills) continue;
    skills.with = skills.with.filter((name) => name !== skill.name);
    skills.without = skills.without.filter((name) => name !== skill.name);
  }
};

const foldSkillWritten = (state: State, { ts, data }: EntryOf<'skill_written'>): void => {
  const { skill: name, description, by, hash, evidence } = data;
  const known = state.skills[name];
  const skill: SkillState = {
    ...{ name, description, by, hash, writtenAt: known?.writtenAt ?? ts },
    evidence: [...new Set([...(known?.evidence ?? []), ...evidence])].slice(-SKILL_EVIDENCE_MAX),
    with: known?.with ?? { kept: 0, ended: 0 },
    without: known?.without ?? { kept: 0, ended: 0 },
    ...(known?.lastUsedAt ? { lastUsedAt: known.lastUsedAt } : {}),
  };
  state.skills[name] = skill;
  // Another text, or one more try: what its forerunner did says nothing about it.
  if (known && (known.retired || (by === 'person' && hash !== known.hash))) forgetFigures(state, skill);
  dropLeast(state.skills, SKILLS_MAX, ({ lastUsedAt, writtenAt }) => lastUsedAt ?? writtenAt, name);
};

/** Who was told of a bot skill need not be told again after a crash. */
const noteTold = (state: State, { to, about }: Pick<EntryData<'message_queued'>, 'to' | 'about'>): void => {
  if (about.kind !== 'digest') return;
  const skill = Object.values(state.botSkills).find(({ entry }) => entry === about.entry);
  if (skill) skill.told.push(to);
};

const redirect = (state: State, { ts, session = '', project, data }: EntryOf<'session_redirected'>): void => {
  sessionOf(state, session, project).avoid = { ...data, at: ts };
  // Anybody may take what it could not do.
  for (const id of data.tasks.filter(isPlainKey)) {
    const task = state.tasks[id];
    if (task?.session === session) delete task.session;
  }
};

const recentOf = (entry: EntryOf<'ralph_cycle'>, cycle: string, session: string, project: string): RecentCycle => {
  const { data } = entry;
  return {
    cycle,
    session,
    project,
    at: entry.ts,
    outcome: data.outcome,
    reason: data.reason.slice(0, 300),
    ...(data.plan ? { title: data.plan.title, kind: data.plan.kind } : {}),
    files: (data.files ?? data.plan?.files ?? []).slice(0, 20),
    ...pick(data, ['verdict', 'branch', 'commit', 'before', 'after']),
    costUsd: data.costUsd,
  };
};

const pick = <K extends keyof RalphCycle>(data: RalphCycle, keys: K[]): Pick<RalphCycle, K> =>
  Object.fromEntries(keys.filter((key) => data[key] !== undefined).map((key) => [key, data[key]])) as Pick<
    RalphCycle,
    K
  >;

const changeTask = (
  state: State,
  entry: EntryOf<'task_assigned' | 'task_returned' | 'task_done' | 'task_failed' | 'task_cancelled'>,
  to: Task['state'],
  reason: string,
  change?: (task: Task) => void,
): void => {
  const task = state.tasks[entry.data.task];
  if (!task) return;
  task.state = to;
  task.reason = reason;
  task.changedAt = entry.ts;
  change?.(task);
  if (to === 'queued' && task.attempts >= TASK_ATTEMPTS_MAX) {
    task.state = 'failed';
    task.reason = `${task.attempts} attempts failed, the last: ${reason}`;
  }
  if (task.state === 'queued' || task.state === 'assigned') return;
  const closed = Object.values(state.tasks).filter((t) => t.state !== 'queued' && t.state !== 'assigned');
  if (closed.length <= CLOSED_TASKS_MAX) return;
  const oldest = closed.reduce((a, b) => (a.changedAt <= b.changedAt ? a : b));
  delete state.tasks[oldest.id];
};

const foldRequest = (state: State, entry: EntryOf<'requested'>): void => {
  const { request: id, what, args, by, key, joins, here } = entry.data;
  const first = joins !== undefined && isPlainKey(joins) ? state.requests[joins] : undefined;
  // Settled between the look and the write: then it stands for itself.
  if (first && !first.settled) {
    first.joined = [...first.joined, { by, at: entry.ts }].slice(-JOINED_MAX);
    return keep(state, key, entry.ts, { request: first.id, joined: true });
  }
  state.requests[id] = {
    ...{ id, what, args, by, at: entry.ts, joined: [] },
    ...(here ? { here, taken: { ...here, at: entry.ts, times: 1 } } : {}),
  };
  keep(state, key, entry.ts, { request: id, joined: false });
};

/** Remembers for a day what was done under a key. A whole generation is forgotten at once: one by one costs a look at all. */
const keep = (state: State, key: AskedKey | undefined, ts: string, receipt: KeyedReceipt): void => {
  if (!key) return;
  const { keys } = state;
  if (keys.count >= KEYS_MAX || !isWithinDay(keys.since, ts)) {
    state.keys = { since: ts, count: 1, young: {}, old: keys.young };
  } else keys.count += 1;
  state.keys.young[key.id] = { at: ts, command: key.command, receipt };
};

const isWithinDay = (at: string, ts: string): boolean => Date.parse(ts) - Date.parse(at) < KEY_KEPT_MS;

/** The same was asked for twice at one moment: the second line counts for nothing. */
const usedKey = (state: Readonly<State>, { ts, data }: { ts: string; data: { key?: AskedKey | undefined } }) => {
  if (!data.key) return undefined;
  if (!isPlainKey(data.key.id)) return `${data.key.id} cannot be a name`;
  const use = useOfKey(state, data.key.id, Date.parse(ts));
  return use && `its key was used at ${use.at}`;
};

const spend = (state: State, ts: string, costUsd: number, session?: string, project?: string): void => {
  const day = dayOf(state, ts);
  day.costUsd += costUsd;
  if (session) {
    day.bySession[session] = (day.bySession[session] ?? 0) + costUsd;
    sessionOf(state, session, project).costUsd += costUsd;
  }
  if (project) day.byProject[project] = (day.byProject[project] ?? 0) + costUsd;
};

const dayOf = (state: State, ts: string): DaySpend => {
  const key = ts.slice(0, 10);
  const known = state.days[key];
  if (known) return known;
  const day: DaySpend = { costUsd: 0, bySession: {}, byProject: {}, counts: {} };
  state.days[key] = day;
  const keys = Object.keys(state.days).sort();
  if (keys.length > DAYS_MAX) delete state.days[keys[0]!];
  return day;
};

const sessionOf = (state: State, name: string, project = ''): SessionState => {
  let session = state.sessions[name];
  if (!session) {
    session = { name, project, failuresInARow: 0, counts: {}, costUsd: 0 };
    state.sessions[name] = session;
  }
  if (project) session.project = project;
  return session;
};

const projectOf = (state: State, name = ''): ProjectState => {
  let project = state.projects[name];
  if (!project) {
    project = { name, flaky: {}, recent: [], landings: [] };
    state.projects[name] = project;
  }
  return project;
};

const runningOf = (state: State, entry: { cycle?: string }) => (entry.cycle ? state.running[entry.cycle] : undefined);

const envelope = (entry: Entry): { project?: string; session?: string; cycle?: string } => ({
  ...(entry.project ? { project: entry.project } : {}),
  ...(entry.session ? { session: entry.session } : {}),
  ...(entry.cycle ? { cycle: entry.cycle } : {}),
});

/** Keeps a table within its limit: what ranks lowest goes, but never the entry that was just added. */
const dropLeast = <V>(
  table: Record<string, V>,
  max: number,
  rankOf: (value: V) => string | number,
  added?: string,
): void => {
  const keys = Object.keys(table);
  if (keys.length <= max) return;
  const others = keys.filter((key) => key !== added);
  delete table[others.reduce((a, b) => (rankOf(table[a]!) <= rankOf(table[b]!) ? a : b))];
};
