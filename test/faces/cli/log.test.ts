import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { renderEntry, TOLD } from '../../../src/faces/cli/log.ts';
import type { Terminal } from '../../../src/faces/cli/terminal.ts';
import type { Entry } from '../../../src/model/entry.ts';
import { anyExampleOf, DATA, exampleOf, TYPES } from '../../model/examples.ts';
import { tags } from './paper.ts';

/** Shown in local time: the same clock on the wall wherever the test runs. */
const TODAY = new Date(2026, 2, 14, 9, 15, 7);
const NOW = new Date(2026, 2, 14, 11, 0, 0).getTime();
const at = <T extends Entry>(entry: T): T => ({ ...entry, ts: TODAY.toISOString() });
const bare: Terminal['paint'] = (_, text) => text;
const show = (entry: Entry, lineWidth = Number.POSITIVE_INFINITY, paint = bare): string =>
  renderEntry(at(entry), { paint, lineWidth }, NOW);

describe('an entry in the log', () => {
  it('is one line in a pipe, whatever its type', () => {
    expect(TYPES.map((type) => show(anyExampleOf(type))).join('\n')).toMatchInlineSnapshot(`
      "09:15:07  alpha       Winnow 0.1.0 started (pid 4242; scheduler, session)
      09:15:07  alpha       Winnow stopped (pid 4242): stopped
      09:15:07  alpha       configuration read: projects api; sessions alpha, beta
      09:15:07  alpha       configuration refused, the last good one stays: winnow.config.yaml:14  projects[0].checks[1].parse: found "tscc", expected one of tsc, vitest-json
      09:15:07  alpha       cycle begins (schedule)
      09:15:07  alpha       phase analyze
      09:15:07  alpha       pushed “Return an empty list when nothing matches”: better: 1 failing test fixed, nothing broken ($0.42, 2m07s)
      09:15:07  alpha       main is at 4f2a9c1e8b, 2 new commits
      09:15:07  alpha       baseline at 4f2a9c1e8b: 3 problems, 1 failing, 120 passing
      09:15:07  alpha       project not ready: git@example.com:me/api.git does not answer. Check the network and the credentials with \`git ls-remote\` on the same URL.
      09:15:07  alpha       project ready again
      09:15:07  alpha       dependencies installed in 34s
      09:15:07  alpha       the agent wrote into the shared dependencies (alpha); they are installed anew
      09:15:07  alpha       tests: red, 3 problems, 1 failing, 120 passing (12s)
      09:15:07  alpha       flaky: clock.test.ts > ticks fails and passes on the same tree (tests)
      09:15:07  alpha       plan: Return an empty list when nothing matches
      09:15:07  alpha       plan sent back: “Return an empty list when nothing matches”: beta is working on src/search.ts right now (“Split the parser”)
      09:15:07  alpha       claims src/search.ts
      09:15:07  alpha       claim released
      09:15:07  alpha       hack run: 14 turns, $0.31, 1m28s
      09:15:07  alpha       overloaded: the run is tried again in 8.0s (attempt 2)
      09:15:07  alpha       verdict better: 1 failing test fixed, nothing broken
      09:15:07  alpha       is about to push brl/alpha/20260314-091500
      09:15:07  alpha       that is done: pushed
      09:15:07  alpha       brl/alpha/20260314-091500 pushed, waits for review
      09:15:07  alpha       brl/alpha/20260314-091500 deleted: breaks 1 test: search.test.ts > finds all
      09:15:07  alpha       approved by the reviewer: brl/alpha/20260314-091500: It mends the one failing test and touches nothing else
      09:15:07  alpha       brl/alpha/20260314-091500 could not be reviewed and waits for the next sweep: The service answers with 500.
      09:15:07  alpha       me on brl/alpha/20260314-091500: src/search.ts:12: Good.
      09:15:07  alpha       brl/alpha/20260314-091500 moved to b6589fc6ab; it is reviewed anew
      09:15:07  alpha       train: 1 branch on 4f2a9c1e8b: red: worse: 1 test broken
      09:15:07  alpha       brl/alpha/20260314-091500 dropped: red on the tip of main: breaks 1 test: search.test.ts > finds nothing
      09:15:07  alpha       main is at 4f2a9c1e8b: brl/alpha/20260314-091500 landed
      09:15:07  alpha       nothing can land until 2026-03-14 09:30 UTC: git@example.com:me/api.git did not take main: protected branch hook declined. Look at the remote’s hooks and branch protection; the branch stays in the mirror until then.
      09:15:07  alpha       landing is possible again after 15m00s
      09:15:07  alpha       4f2a9c1e8b FAILED its verification (4.2s): GET /health answered 500
      09:15:07  alpha       brl/winnow/revert-4f2a9c1e8b takes back brl/alpha/20260314-091500: its verification failed: GET /health answered 500
      09:15:07  alpha       main at 4f2a9c1e8b breaks nothing
      09:15:07  alpha       main is RED at 4f2a9c1e8b: 1 thing broken by 4f2a9c1e8b “Rewrite the search” of Ada; only work that mends it goes on
      09:15:07  alpha       main is green again at 4f2a9c1e8b after 1h00m
      09:15:07  alpha       gate memory closed: 92 % of 16.0 GB used; opens at 80 %
      09:15:07  alpha       gate memory open again after 12m34s
      09:15:07  alpha       parked until 2026-03-14 10:30 UTC: claude exited with 1
      09:15:07  alpha       no longer parked: the time it was parked for is over
      09:15:07  alpha       paused by mia: release day
      09:15:07  alpha       resumed by mia
      09:15:07  alpha       task 0task1 queued (high): Make the search ignore accents
      09:15:07  alpha       takes task 0task1
      09:15:07  alpha       task 0task1 goes back: discarded: breaks 1 test: adds
      09:15:07  alpha       task 0task1 done: brl/alpha/20260314-091500 waits for review
      09:15:07  alpha       task 0task1 failed: the file it names does not exist
      09:15:07  alpha       task 0task1 cancelled: no longer wanted
      09:15:07  alpha       ci (http) wants a review of brl/alpha/20260314-091500, as request reqve4 does already
      09:15:07  alpha       request reqve5 is being carried out (pid 4242)
      09:15:07  alpha       request reqve5 is done: 1 branch reviewed
      09:15:07  alpha       alpha rests until 10:15: three failures in a row. Nothing has to be done.
      09:15:07  alpha       over after 15m00s: session-parked:alpha
      09:15:07  alpha       to telegram 4711: alpha rests until 10:15: three failures in a row. Nothing has to be done.
      09:15:07  alpha       message messg1 is being sent
      09:15:07  alpha       message messg1 is sent
      09:15:07  alpha       message messg1 could not be sent yet: Telegram asks to wait 30 s
      09:15:07  alpha       ada (telegram) presses: how is it going?
      09:15:07  alpha       message messg2, understood by rule: told the status
      09:15:07  alpha       bot skill week-cost learned: “what did we burn” and 1 more means cost
      09:15:07  alpha       bot skill week-cost removed by ada (telegram): undone
      09:15:07  alpha       upkeep of the bot: 4 messages in 1 group, learned week-cost, 1 refused (approve-all: a bot skill may not approve), gate budget is closed: $20.00 of $20.00 spent today, 1 run, $0.01
      09:15:07  alpha       a stranger spoke to the bot (telegram chat 999, user 999) and got no answer
      09:15:07  alpha       has to turn to something else: five cycles in a row kept nothing
      09:15:07  alpha       standup: 1 of 2 sessions, 7 runs, $0.31: Search is nearly done; the clock tests are flaky.
      09:15:07  alpha       doctor: alpha error-looping (parked), beta productive: logs/doctor/2026-03-14T09-30-00.md
      09:15:07  alpha       proposes to change sessions/alpha.md: three cycles changed the caller and were discarded (\`winnow prompts show 000004\`)
      09:15:07  alpha       sessions/alpha.md changed by mia, as proposal 000004 says
      09:15:07  alpha       proposal 000004 dismissed by mia: it knows that
      09:15:07  alpha       skill empty-results written by the doctor: How functions of this project return nothing; use it when a search, a filter or a lookup is changed.
      09:15:07  alpha       skill push-it is lent to nobody: it tells the session to push to main
      09:15:07  alpha       skill empty-results retired: kept 4 of 20 with it, 9 of 22 without
      09:15:07  alpha       skill empty-results put back by mia
      09:15:07  alpha       ATTENTION: Claude Code is not logged in. Log in with \`claude\` then /login, or put ANTHROPIC_API_KEY into .env.
      09:15:07  alpha       damaged line in the journal at byte 81920: the checksum does not fit
      09:15:07  alpha       3 left-over processes killed
      09:15:07  alpha       removed 12 transcripts (3.1MB), 1 workspace (20KB); what nothing else held is kept in 1 patch"
    `);
  });

  it('on a narrow screen goes on below when it is important, and is cut when it is a detail', () => {
    expect(TYPES.map((type) => show(anyExampleOf(type), 80)).join('\n')).toMatchInlineSnapshot(`
      "09:15:07  alpha       Winnow 0.1.0 started (pid 4242; scheduler, session)
      09:15:07  alpha       Winnow stopped (pid 4242): stopped
      09:15:07  alpha       configuration read: projects api; sessions alpha, beta
      09:15:07  alpha       configuration refused, the last good one stays:
                            winnow.config.yaml:14  projects[0].checks[1].parse: found
                            "tscc", expected one of tsc, vitest-json
      09:15:07  alpha       cycle begins (schedule)
      09:15:07  alpha       phase analyze
      09:15:07  alpha       pushed “Return an empty list when nothing matches”:
                            better: 1 failing test fixed, nothing broken ($0.42,
                            2m07s)
      09:15:07  alpha       main is at 4f2a9c1e8b, 2 new commits
      09:15:07  alpha       baseline at 4f2a9c1e8b: 3 problems, 1 failing, 120 passing
      09:15:07  alpha       project not ready: git@example.com:me/api.git does not
                            answer. Check the network and the credentials with \`git
                            ls-remote\` on the same URL.
      09:15:07  alpha       project ready again
      09:15:07  alpha       dependencies installed in 34s
      09:15:07  alpha       the agent wrote into the shared dependencies (alpha); they
                            are installed anew
      09:15:07  alpha       tests: red, 3 problems, 1 failing, 120 passing (12s)
      09:15:07  alpha       flaky: clock.test.ts > ticks fails and passes on the same
                            tree (tests)
      09:15:07  alpha       plan: Return an empty list when nothing matches
      09:15:07  alpha       plan sent back: “Return an empty list when nothing
                            matches”: beta is working on src/search.ts right now
                            (“Split the parser”)
      09:15:07  alpha       claims src/search.ts
      09:15:07  alpha       claim released
      09:15:07  alpha       hack run: 14 turns, $0.31, 1m28s
      09:15:07  alpha       overloaded: the run is tried again in 8.0s (attempt 2)
      09:15:07  alpha       verdict better: 1 failing test fixed, nothing broken
      09:15:07  alpha       is about to push brl/alpha/20260314-091500
      09:15:07  alpha       that is done: pushed
      09:15:07  alpha       brl/alpha/20260314-091500 pushed, waits for review
      09:15:07  alpha       brl/alpha/20260314-091500 deleted: breaks 1 test: search.…
      09:15:07  alpha       approved by the reviewer: brl/alpha/20260314-091500: It
                            mends the one failing test and touches nothing else
      09:15:07  alpha       brl/alpha/20260314-091500 could not be reviewed and waits
                            for the next sweep: The service answers with 500.
      09:15:07  alpha       me on brl/alpha/20260314-091500: src/search.ts:12: Good.
      09:15:07  alpha       brl/alpha/20260314-091500 moved to b6589fc6ab; it is
                            reviewed anew
      09:15:07  alpha       train: 1 branch on 4f2a9c1e8b: red: worse: 1 test broken
      09:15:07  alpha       brl/alpha/20260314-091500 dropped: red on the tip of main:
                            breaks 1 test: search.test.ts > finds nothing
      09:15:07  alpha       main is at 4f2a9c1e8b: brl/alpha/20260314-091500 landed
      09:15:07  alpha       nothing can land until 2026-03-14 09:30 UTC:
                            git@example.com:me/api.git did not take main: protected
                            branch hook declined. Look at the remote’s hooks and
                            branch protection; the branch stays in the mirror until
                            then.
      09:15:07  alpha       landing is possible again after 15m00s
      09:15:07  alpha       4f2a9c1e8b FAILED its verification (4.2s): GET /health
                            answered 500
      09:15:07  alpha       brl/winnow/revert-4f2a9c1e8b takes back
                            brl/alpha/20260314-091500: its verification failed: GET
                            /health answered 500
      09:15:07  alpha       main at 4f2a9c1e8b breaks nothing
      09:15:07  alpha       main is RED at 4f2a9c1e8b: 1 thing broken by 4f2a9c1e8b
                            “Rewrite the search” of Ada; only work that mends it goes
                            on
      09:15:07  alpha       main is green again at 4f2a9c1e8b after 1h00m
      09:15:07  alpha       gate memory closed: 92 % of 16.0 GB used; opens at 80 %
      09:15:07  alpha       gate memory open again after 12m34s
      09:15:07  alpha       parked until 2026-03-14 10:30 UTC: claude exited with 1
      09:15:07  alpha       no longer parked: the time it was parked for is over
      09:15:07  alpha       paused by mia: release day
      09:15:07  alpha       resumed by mia
      09:15:07  alpha       task 0task1 queued (high): Make the search ignore accents
      09:15:07  alpha       takes task 0task1
      09:15:07  alpha       task 0task1 goes back: discarded: breaks 1 test: adds
      09:15:07  alpha       task 0task1 done: brl/alpha/20260314-091500 waits for
                            review
      09:15:07  alpha       task 0task1 failed: the file it names does not exist
      09:15:07  alpha       task 0task1 cancelled: no longer wanted
      09:15:07  alpha       ci (http) wants a review of brl/alpha/20260314-091500, as…
      09:15:07  alpha       request reqve5 is being carried out (pid 4242)
      09:15:07  alpha       request reqve5 is done: 1 branch reviewed
      09:15:07  alpha       alpha rests until 10:15: three failures in a row. Nothing…
      09:15:07  alpha       over after 15m00s: session-parked:alpha
      09:15:07  alpha       to telegram 4711: alpha rests until 10:15: three failures…
      09:15:07  alpha       message messg1 is being sent
      09:15:07  alpha       message messg1 is sent
      09:15:07  alpha       message messg1 could not be sent yet: Telegram asks to wa…
      09:15:07  alpha       ada (telegram) presses: how is it going?
      09:15:07  alpha       message messg2, understood by rule: told the status
      09:15:07  alpha       bot skill week-cost learned: “what did we burn” and 1 mor…
      09:15:07  alpha       bot skill week-cost removed by ada (telegram): undone
      09:15:07  alpha       upkeep of the bot: 4 messages in 1 group, learned week-co…
      09:15:07  alpha       a stranger spoke to the bot (telegram chat 999, user 999)…
      09:15:07  alpha       has to turn to something else: five cycles in a row kept
                            nothing
      09:15:07  alpha       standup: 1 of 2 sessions, 7 runs, $0.31: Search is nearly…
      09:15:07  alpha       doctor: alpha error-looping (parked), beta productive: lo…
      09:15:07  alpha       proposes to change sessions/alpha.md: three cycles change…
      09:15:07  alpha       sessions/alpha.md changed by mia, as proposal 000004 says
      09:15:07  alpha       proposal 000004 dismissed by mia: it knows that
      09:15:07  alpha       skill empty-results written by the doctor: How functions
                            of this project return nothing; use it when a search, a
                            filter or a lookup is changed.
      09:15:07  alpha       skill push-it is lent to nobody: it tells the session to
                            push to main
      09:15:07  alpha       skill empty-results retired: kept 4 of 20 with it, 9 of 22
                            without
      09:15:07  alpha       skill empty-results put back by mia
      09:15:07  alpha       ATTENTION: Claude Code is not logged in. Log in with
                            \`claude\` then /login, or put ANTHROPIC_API_KEY into .env.
      09:15:07  alpha       damaged line in the journal at byte 81920: the checksum
                            does not fit
      09:15:07  alpha       3 left-over processes killed
      09:15:07  alpha       removed 12 transcripts (3.1MB), 1 workspace (20KB); what …"
    `);
  });

  it('fits the screen', () => {
    for (const width of [60, 80, 132, 200]) {
      for (const line of TYPES.map((type) => show(anyExampleOf(type), width))
        .join('\n')
        .split('\n')) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  it('says all of an alert and its mend on 80 columns', () => {
    const mend = DATA.alert.mend.split(' ');
    const shown = show(exampleOf('alert'), 80).split(/\s+/);
    expect(shown.slice(-mend.length)).toEqual(mend);
  });

  it('has the date when it is not of today', () => {
    const entry = exampleOf('alert', { ts: new Date(2026, 0, 31, 23, 59, 59).toISOString() });
    expect(renderEntry(entry, { paint: bare, lineWidth: 200 }, NOW)).toMatch(/^2026-01-31 23:59:59 {2}alpha/);
  });

  it('names the session, else the project, else nobody', () => {
    const { session: _, ...ofProject } = exampleOf('main_moved');
    expect(show(ofProject)).toContain('09:15:07  api         main is at');
    const { project: __, ...ofNobody } = ofProject;
    expect(show(ofNobody)).toContain('09:15:07              main is at');
    expect(show(exampleOf('claim_released', { session: 'a-rather-long-name' }))).toContain(
      '09:15:07  a-rather-long-name  claim released',
    );
  });

  it('does not let what an agent wrote steer the terminal or begin a line', () => {
    const title = '\u001b[2J\u001b]0;owned\u0007Mend\r\n12:00:00  beta  ATTENTION: all is lost\u202e';
    const entry = exampleOf('plan_made', { data: { plan: { ...DATA.plan_made.plan, title }, attempt: 1 } });
    expect(show({ ...entry, session: '\u001b[31malpha' })).toBe(
      '09:15:07  alpha       plan: Mend 12:00:00 beta ATTENTION: all is lost',
    );
  });

  it('is cut by columns, not by code units', () => {
    const files = ['漢字'.repeat(40)];
    const line = show(exampleOf('claim_taken', { data: { title: 't', files } }), 80);
    expect(stringWidth(line)).toBeLessThanOrEqual(80);
    expect(line).toMatch(/漢…$/);
  });

  it('is painted by how much it matters', () => {
    const styles: Record<string, string[]> = {};
    for (const type of TYPES) {
      const style = /<(?!gray>\d)(\w+)>/.exec(show(anyExampleOf(type), 999, tags))?.[1] ?? 'none';
      styles[style] = [...(styles[style] ?? []), type];
    }
    expect(styles).toMatchInlineSnapshot(`
      {
        "gray": [
          "cycle_phase",
          "claim_taken",
          "claim_released",
          "intent",
          "intent_settled",
          "branch_deleted",
          "main_judged",
          "collected",
        ],
        "green": [
          "ralph_cycle",
          "evaluated",
          "branch_pushed",
          "cto_review",
          "merged",
          "train_unblocked",
          "main_green",
          "gate_opened",
          "task_done",
          "prompt_applied",
          "skill_written",
        ],
        "none": [
          "process_started",
          "process_stopped",
          "config_loaded",
          "cycle_started",
          "main_moved",
          "baseline_measured",
          "project_ready",
          "install_ran",
          "check_ran",
          "plan_made",
          "agent_ran",
          "review_commented",
          "session_unparked",
          "resumed",
          "task_queued",
          "task_assigned",
          "task_cancelled",
          "requested",
          "request_taken",
          "request_settled",
          "notice_raised",
          "notice_cleared",
          "message_queued",
          "message_sending",
          "message_sent",
          "message_failed",
          "message_received",
          "message_handled",
          "bot_skill_written",
          "bot_skill_removed",
          "bot_upkeep",
          "stranger_refused",
          "team_standup",
          "doctor_analysis",
          "prompt_proposed",
          "prompt_dismissed",
          "skill_restored",
          "swept",
        ],
        "red": [
          "config_rejected",
          "project_unready",
          "train_blocked",
          "landing_verified",
          "main_red",
          "task_failed",
          "alert",
          "journal_damaged",
        ],
        "yellow": [
          "dependencies_damaged",
          "test_flaky",
          "plan_refused",
          "run_retry_planned",
          "review_failed",
          "branch_moved",
          "train_tested",
          "branch_dropped",
          "revert_proposed",
          "gate_closed",
          "session_parked",
          "paused",
          "task_returned",
          "session_redirected",
          "skill_refused",
          "skill_retired",
        ],
      }
    `);
  });

  it('of a cycle has the colour of its outcome', () => {
    const colour = (outcome: 'pushed' | 'failed' | 'discarded') =>
      /<(?!gray)(\w+)>/.exec(
        show(exampleOf('ralph_cycle', { data: { ...DATA.ralph_cycle, outcome } }), 999, tags),
      )?.[1];
    expect([colour('pushed'), colour('failed'), colour('discarded')]).toEqual(['green', 'red', 'yellow']);
  });
});

describe('what is told while work goes on', () => {
  it('is every entry that a person must see', () => {
    for (const type of ['alert', 'ralph_cycle', 'gate_closed', 'config_rejected', 'project_unready'] as const) {
      expect(TOLD).toContain(type);
    }
    expect(new Set(TOLD).size).toBe(TOLD.length);
  });
});
