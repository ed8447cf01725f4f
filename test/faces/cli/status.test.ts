import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { type StatusInput, statusView } from '../../../src/desk/status.ts';
import { renderStatus } from '../../../src/faces/cli/status.ts';
import { MENDS } from '../../../src/model/failure.ts';
import { ROLES } from '../../../src/model/role.ts';
import type { BranchStatus, ProjectState, QueuedBranch, State } from '../../../src/model/state.ts';
import type { OpenState } from '../../../src/policy/queue.ts';
import {
  at,
  configOf,
  knownOf,
  NAMES,
  NOW,
  roomy,
  runningOf,
  sessionOf,
  stateOf,
  taskOf,
} from '../../policy/situations.ts';
import { tags } from './paper.ts';

/** One project unless said otherwise; the process with pid 42 lives, no other does. */
const view = (more: Partial<StatusInput> & { change?: (state: State) => void } = {}) => {
  const config = configOf();
  return statusView({
    home: '/home/me/winnow',
    state: stateOf(more.change),
    config: { ...config, projects: config.projects.slice(0, 1) },
    sessions: [sessionOf('alpha'), sessionOf('beta')],
    facts: roomy,
    now: NOW,
    isAlive: ({ pid }) => pid === 42,
    slots: [],
    ...more,
  });
};

const show = (shown: ReturnType<typeof view>, lineWidth = 80): string =>
  renderStatus(shown, { paint: (_, text) => text, lineWidth });

const up = (state: State): void => {
  state.processes['42'] = { pid: 42, start: '1', at: at(-3 * 3_600_000), roles: [...ROLES] };
};

const MAIN = '4f2a9c1e8b7d6a5f4e3d2c1b0a9f8e7d6c5b4a39';
const FIGURES = { problems: 3, passed: 120, failed: 1, skipped: 2 };

/** A factory in the middle of its work: a session in every state there is. */
const busy = (state: State): void => {
  up(state);
  state.projects.api = {
    name: 'api',
    tip: MAIN,
    baseline: { commit: 'c', tree: 't', figures: FIGURES },
    flaky: {},
    recent: [],
    landings: [],
  };
  const last = {
    lastCycleAt: at(-600_000),
    lastOutcome: 'pushed' as const,
    lastReason: 'better: 1 mended or added, nothing broken',
    lastTitle: 'Return an empty list when nothing matches',
    counts: { pushed: 3, discarded: 8, empty: 1 },
    costUsd: 4.2,
  };
  const run = (name: string, more: Partial<Parameters<typeof runningOf>[1]>) => {
    const cycle = runningOf(name, { pid: 42, ...more });
    state.running[cycle.cycle] = cycle;
    state.sessions[name] = knownOf(name, { ...last, running: cycle.cycle });
  };
  run('alpha', { phase: 'hack', phaseAt: at(-130_000), planTitle: 'Split the parser of queries from its printer' });
  run('beta', { phase: 'analyze', phaseAt: at(-4000) });
  run('gamma', { phase: 'evaluate', phaseAt: at(-7_300_000), pid: 41, planTitle: 'Cache the length' });
  state.sessions.delta = knownOf('delta', {
    ...last,
    lastOutcome: 'failed',
    lastReason: 'claude exited with 1',
    parked: { until: at(1_200_000), reason: 'claude exited with 1 three times in a row', failure: 'crashed' },
  });
  state.sessions.epsilon = knownOf('epsilon', { ...last, pausedBy: 'mia' });
  state.sessions.zeta = knownOf('zeta', { ...last, lastOutcome: 'discarded' });
  state.tasks = {
    a: taskOf('a', { priority: 'low', session: 'alpha' }),
    b: taskOf('b', { state: 'assigned' }),
    c: taskOf('c', { state: 'failed' }),
  };
  state.days['2026-03-14'] = {
    costUsd: 12.345,
    bySession: {},
    byProject: {},
    counts: { pushed: 3, discarded: 8, empty: 1 },
  };
  const branch = 'brl/alpha/20260314-091500';
  state.queue[branch] = queuedOf(branch, { at: at(-60_000) });
};

const reviewed = { review: 'r', by: 'reviewer', name: 'reviewer', reason: 'fine', at: at(-1) } as const;

const queuedOf = (branch: string, over: Partial<QueuedBranch> = {}): QueuedBranch => ({
  branch,
  commit: 'c',
  base: 'b',
  tree: 't',
  project: 'api',
  session: 'alpha',
  cycle: 'c',
  title: 'Return an empty list',
  kind: 'change',
  at: at(-1),
  changedAt: at(-1),
  status: { state: 'pending', note: '' },
  ...over,
});

const crew = NAMES.map((name) => sessionOf(name, { paused: name === 'theta' }));

describe('the status', () => {
  it('of a home in which nothing runs says how to start', () => {
    expect(show(view())).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: not running; start it with \`winnow up\`

      project api: main: not measured yet

      SESSION  STATE    FOR  KEPT    COST   DOING                           LAST
      alpha    waiting       0 of 0  $0.00  ready: starts with \`winnow up\`
      beta     waiting       0 of 0  $0.00  ready: starts with \`winnow up\`

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('of a home without sessions says what is missing', () => {
    expect(show(view({ sessions: [] }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: not running; start it with \`winnow up\`

      project api: main: not measured yet

      no session yet: write sessions/<name>.md

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('of roles in several processes says which are where, which are in none, and which are parked and why', () => {
    const change = (state: State): void => {
      const since = at(-3 * 3_600_000);
      state.processes['42'] = { pid: 42, start: '1', at: since, roles: ['scheduler', 'standup'] };
      state.processes['43'] = { pid: 43, start: '1', at: since, roles: ['http'] };
      state.roles.reviewer = {
        failures: [],
        parked: { at: at(-60_000), reason: 'its process (pid 44) died', failures: 5 },
      };
      state.roles.doctor = { failures: [{ at: at(-5_000), reason: 'EIO: i/o error, read' }] };
    };
    const shown = view({ change, isAlive: ({ pid }) => pid < 44 });
    expect(shown.roles.map(({ role, state, pid }) => [role, state, pid])).toEqual([
      ['scheduler', 'working', 42],
      ['reviewer', 'parked', undefined],
      ['standup', 'working', 42],
      ['doctor', 'missing', undefined],
      ['bot', 'missing', undefined],
      ['http', 'working', 43],
    ]);
    expect(show(shown).split('\n\n')[0]).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42, 43)
      pid 42: scheduler, standup
      pid 43: http
      role reviewer was parked 1m00s ago: its process (pid 44) died. Read
        logs/winnow.log, then \`winnow resume --role reviewer\`
      role doctor is not at work: it failed lately: EIO: i/o error, read.
      not at work: bot; \`winnow up --roles bot\`"
    `);
  });

  it('of eight sessions in all states on 80 columns', () => {
    expect(show(view({ change: busy, sessions: crew }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)

      project api: main at 4f2a9c1e8b: 3 problems, 1 failing, 120 passing

      SESSION  STATE     FOR    KEPT     COST   DOING
      alpha    hack      2m10s  3 of 12  $4.20  Split the parser of queries from its
                                                printer
                                                last pushed: Return an empty list when
                                                nothing matches
      beta     analyze   4.0s   3 of 12  $4.20  looking for something to do
                                                last pushed: Return an empty list when
                                                nothing matches
      gamma    evaluate  2h01m  3 of 12  $4.20  its process died; the next start
                                                closes this cycle
                                                last pushed: Return an empty list when
                                                nothing matches
      delta    parked           3 of 12  $4.20  parked: claude exited with 1 three
                                                times in a row; goes on in 20m00s
                                                last failed: claude exited with 1
      epsilon  paused           3 of 12  $4.20  paused by mia
                                                last pushed: Return an empty list when
                                                nothing matches
      zeta     waiting          3 of 12  $4.20  waits for its next cycle; goes on in
                                                5m00s
                                                last discarded: Return an empty list
                                                when nothing matches
      eta      waiting          0 of 0   $0.00  starts with the next tick
      theta    paused           0 of 0   $0.00  paused in sessions/theta.md

      today   $12.35 of $20.00; 3 pushed, 8 discarded, 1 empty
      tasks   1 queued, 1 assigned, 1 failed and waiting for you (\`winnow task
        list\`)
      review  1 to review: brl/alpha/20260314-091500"
    `);
  });

  it('of eight sessions in all states on 200 columns', () => {
    expect(show(view({ change: busy, sessions: crew }), 200)).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)

      project api: main at 4f2a9c1e8b: 3 problems, 1 failing, 120 passing

      SESSION  STATE     FOR    KEPT     COST   DOING                                                                 LAST
      alpha    hack      2m10s  3 of 12  $4.20  Split the parser of queries from its printer                          pushed: Return an empty list when nothing matches
      beta     analyze   4.0s   3 of 12  $4.20  looking for something to do                                           pushed: Return an empty list when nothing matches
      gamma    evaluate  2h01m  3 of 12  $4.20  its process died; the next start closes this cycle                    pushed: Return an empty list when nothing matches
      delta    parked           3 of 12  $4.20  parked: claude exited with 1 three times in a row; goes on in 20m00s  failed: claude exited with 1
      epsilon  paused           3 of 12  $4.20  paused by mia                                                         pushed: Return an empty list when nothing matches
      zeta     waiting          3 of 12  $4.20  waits for its next cycle; goes on in 5m00s                            discarded: Return an empty list when nothing matches
      eta      waiting          0 of 0   $0.00  starts with the next tick
      theta    paused           0 of 0   $0.00  paused in sessions/theta.md

      today   $12.35 of $20.00; 3 pushed, 8 discarded, 1 empty
      tasks   1 queued, 1 assigned, 1 failed and waiting for you (\`winnow task list\`)
      review  1 to review: brl/alpha/20260314-091500"
    `);
  });

  it('with closed gates and a pause says until when and why', () => {
    const change = (state: State) => {
      up(state);
      state.paused = { by: 'mia', reason: 'release day', at: at(-1) };
      state.gates = {
        memory: { reason: '92 % of 16.0 GB used; opens at 80 %', at: at(-754_000), figures: {} },
        'usage-limit': {
          reason: 'Claude Code: you have reached your usage limit for this five-hour window',
          at: at(-60_000),
          figures: {},
          until: at(2 * 3_600_000),
        },
        account: {
          reason:
            'Claude Code is not logged in. Log in with `claude` then /login, or put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) into .env.',
          at: at(-5000),
          figures: {},
        },
      };
    };
    expect(show(view({ change, facts: { ...roomy, memoryUsedShare: 0.92 } }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      everything is paused by mia: release day; go on with \`winnow resume\`
      gate memory closed 12m34s ago: 92 % of 16.0 GB used; opens at 80 %
      gate usage-limit closed 1m00s ago: Claude Code: you have reached your usage
        limit for this five-hour window, until 2026-03-14 12:00 UTC (in 2h00m)
      gate account closed 5.0s ago: Claude Code is not logged in. Log in with
        \`claude\` then /login, or put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN
        (from \`claude setup-token\`) into .env.

      project api: main: not measured yet

      SESSION  STATE   FOR  KEPT    COST   DOING                        LAST
      alpha    paused       0 of 0  $0.00  everything is paused by mia
      beta     paused       0 of 0  $0.00  everything is paused by mia

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('with a closed gate tells each session’s reason once it is nobody’s pause', () => {
    const change = (state: State) => {
      up(state);
      state.gates.budget = {
        reason: '$20.50 of $20.00 spent today',
        at: at(-60_000),
        figures: {},
        until: '2026-03-15T00:00:00.000Z',
      };
      state.days['2026-03-14'] = { costUsd: 20.5, bySession: {}, byProject: {}, counts: { pushed: 1 } };
    };
    expect(show(view({ change }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      gate budget closed 1m00s ago: $20.50 of $20.00 spent today, until 2026-03-15
        00:00 UTC (in 14h00m)

      project api: main: not measured yet

      SESSION  STATE    FOR  KEPT    COST   DOING
      alpha    waiting       0 of 0  $0.00  gate budget closed: $20.50 of $20.00 spent
                                            today; goes on in 14h00m
      beta     waiting       0 of 0  $0.00  gate budget closed: $20.50 of $20.00 spent
                                            today; goes on in 14h00m

      today   $20.50 of $20.00; 1 pushed
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('with an unready project, two projects and a damaged journal says what to do first', () => {
    const change = (state: State) => {
      up(state);
      const unready = {
        failure: 'repo-unreachable',
        message:
          'git@example.com:me/api.git does not answer: ssh: connect to host example.com port 22: Connection refused',
        mend: 'Check the network and the credentials with `git ls-remote` on the same URL.',
        at: at(-60_000),
      };
      state.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], unready };
      state.damage = { count: 2, places: [] };
    };
    const sessions = [sessionOf('alpha'), sessionOf('beta', { project: 'web' })];
    expect(show(view({ change, sessions, config: configOf() }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      project api is not ready: git@example.com:me/api.git does not answer: ssh:
        connect to host example.com port 22: Connection refused. Check the network and
        the credentials with \`git ls-remote\` on the same URL.
      the journal has 2 damaged lines, skipped; nothing else is affected

      project api: main: not measured yet
      project web: main: not measured yet

      SESSION  PROJECT  STATE    FOR  KEPT    COST   DOING
      alpha    api      waiting       0 of 0  $0.00  api: git@example.com:me/api.git
                                                     does not answer: ssh: connect to
                                                     host example.com port 22:
                                                     Connection refused; goes on in
                                                     4m00s
      beta     web      waiting       0 of 0  $0.00  starts with the next tick

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  const standing = (more: Partial<ProjectState>) => (state: State) => {
    up(state);
    state.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], tip: MAIN, ...more };
  };
  const red: NonNullable<ProjectState['red']> = {
    ...{ commit: MAIN, tree: 't', green: 'g', broken: ['test a', 'test b', 'lint c'], task: 'm', at: at(-754_000) },
    suspects: [
      { commit: 'a1b2c3d4e5f60718', author: 'Mia Example', subject: 'Speed up the parser' },
      { commit: 'b1b2c3d4e5f60718', author: 'Tom Example', subject: 'Bump everything' },
      { commit: 'c1b2c3d4e5f60718', author: 'Tom Example', subject: 'Bump the rest' },
    ],
  };
  const blocked: NonNullable<ProjectState['blocked']> = {
    failure: 'checkout-dirty',
    reason: '/home/me/api has main checked out with changes of yours in src/parser.ts',
    ...{ mend: MENDS['checkout-dirty'], until: at(30_000), at: at(-3_700_000) },
  };

  it('of a project whose main is red says since when, how much and by whom, before everything else', () => {
    const change = standing({ red });
    expect(show(view({ change, sessions: [sessionOf('alpha')] }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      main of api went RED 12m34s ago: 3 things broken by a push from outside
        (suspect: a1b2c3d4e5 “Speed up the parser” of Mia Example, and 2 more); only
        work that mends it goes on

      project api: main at 4f2a9c1e8b: not measured yet

      SESSION  STATE    FOR  KEPT    COST   DOING
      alpha    waiting       0 of 0  $0.00  main of api is red since 4f2a9c1e8b: only
                                            work that mends it goes on

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
    expect(show(view({ change, sessions: [sessionOf('alpha')] }), 50)).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid
        42)
      main of api went RED 12m34s ago: 3 things broken
        by a push from outside (suspect: a1b2c3d4e5
        “Speed up the parser” of Mia Example, and 2
        more); only work that mends it goes on

      project api: main at 4f2a9c1e8b: not measured
        yet

      SESSION  STATE    FOR  KEPT    COST   DOING
      alpha    waiting       0 of 0  $0.00  main of api is red since
                                            4f2a9c1e8b: only work
                                            that mends it goes on

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('of a main that is red by one thing and nobody known says so', () => {
    const change = standing({ red: { ...red, suspects: [], broken: ['test a'] } });
    expect(show(view({ change }), 200).split('\n')[1]).toMatchInlineSnapshot(
      `"main of api went RED 12m34s ago: 1 thing broken by a push from outside; only work that mends it goes on"`,
    );
  });

  it('of a train that cannot land says why and what mends it', () => {
    const change = standing({ blocked });
    expect(show(view({ change, sessions: [sessionOf('alpha')] }))).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      landing on main of api stopped 1h01m ago: /home/me/api has main checked out
        with changes of yours in src/parser.ts. Commit or stash what lies in that
        checkout, or finish what was begun there; Winnow goes on by itself.

      project api: main at 4f2a9c1e8b: not measured yet

      SESSION  STATE    FOR  KEPT    COST   DOING                      LAST
      alpha    waiting       0 of 0  $0.00  starts with the next tick

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
    expect(show(view({ change, sessions: [sessionOf('alpha')] }), 50)).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid
        42)
      landing on main of api stopped 1h01m ago:
        /home/me/api has main checked out with changes
        of yours in src/parser.ts. Commit or stash what
        lies in that checkout, or finish what was begun
        there; Winnow goes on by itself.

      project api: main at 4f2a9c1e8b: not measured
        yet

      SESSION  STATE    FOR  KEPT    COST   DOING
      alpha    waiting       0 of 0  $0.00  starts with the next
                                            tick

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('of a main that is red on a remote that refuses it says both', () => {
    const config = configOf();
    const change = (state: State) => {
      standing({ red })(state);
      state.projects.web = { name: 'web', flaky: {}, recent: [], landings: [], blocked };
    };
    expect(show(view({ change, config }), 200).split('\n').slice(1, 3)).toMatchInlineSnapshot(`
      [
        "main of api went RED 12m34s ago: 3 things broken by a push from outside (suspect: a1b2c3d4e5 “Speed up the parser” of Mia Example, and 2 more); only work that mends it goes on",
        "landing on main of web stopped 1h01m ago: /home/me/api has main checked out with changes of yours in src/parser.ts. Commit or stash what lies in that checkout, or finish what was begun there; Winnow",
      ]
    `);
  });

  const reviewLine = (width: number, ...states: OpenState[]): string => {
    const change = (state: State) => {
      for (const [n, open] of states.entries()) {
        const branch = `brl/alpha/20260314-09150${n}`;
        const status: BranchStatus = open === 'pending' ? { state: open, note: '' } : { state: open, ...reviewed };
        state.queue[branch] = queuedOf(branch, { at: at(n - 100), status });
      }
    };
    const shown = show(view({ change, sessions: [] }), width);
    return shown.slice(shown.indexOf('review  '));
  };
  const queueLines = (width: number): string =>
    [
      reviewLine(width, 'pending'),
      reviewLine(width, 'needs-human'),
      reviewLine(width, 'approved'),
      reviewLine(width, 'approved', 'pending', 'needs-human'),
      reviewLine(width, 'pending', 'pending', 'needs-human', 'approved', 'approved', 'approved', 'needs-human'),
    ].join('\n');

  it('counts and names what waits in the queue, what waits for a person first', () => {
    expect(queueLines(80)).toMatchInlineSnapshot(`
      "review  1 to review: brl/alpha/20260314-091500
      review  1 for you (\`winnow queue\`): brl/alpha/20260314-091500
      review  1 approved: brl/alpha/20260314-091500
      review  1 for you (\`winnow queue\`), 1 to review, 1 approved:
        brl/alpha/20260314-091502, brl/alpha/20260314-091501,
        brl/alpha/20260314-091500
      review  2 for you (\`winnow queue\`), 2 to review, 3 approved:
        brl/alpha/20260314-091502, brl/alpha/20260314-091506,
        brl/alpha/20260314-091500, brl/alpha/20260314-091501,
        brl/alpha/20260314-091503 and 2 more"
    `);
    expect(queueLines(50)).toMatchInlineSnapshot(`
      "review  1 to review: brl/alpha/20260314-091500
      review  1 for you (\`winnow queue\`):
        brl/alpha/20260314-091500
      review  1 approved: brl/alpha/20260314-091500
      review  1 for you (\`winnow queue\`), 1 to review,
        1 approved: brl/alpha/20260314-091502,
        brl/alpha/20260314-091501,
        brl/alpha/20260314-091500
      review  2 for you (\`winnow queue\`), 2 to review,
        3 approved: brl/alpha/20260314-091502,
        brl/alpha/20260314-091506,
        brl/alpha/20260314-091500,
        brl/alpha/20260314-091501,
        brl/alpha/20260314-091503 and 2 more"
    `);
  });

  it('shows hostile and wide titles as one plain line each', () => {
    const change = (state: State) => {
      up(state);
      const hostile = '\u001b[2J\u001b]0;owned\u0007Mend\r\nWinnow: all is well \u202egnorw';
      const cycle = runningOf('alpha', { pid: 42, planTitle: hostile });
      state.running[cycle.cycle] = cycle;
      state.sessions.alpha = knownOf('alpha', { running: cycle.cycle });
      const title = '検索が何も見つけないときは空のリストを返す 🫠👩‍👩‍👧 そしてもっと長い説明が続く';
      const other = runningOf('beta', { pid: 42, planTitle: title, phaseAt: at(-1000) });
      state.running[other.cycle] = other;
      state.sessions.beta = knownOf('beta', {
        running: other.cycle,
        lastOutcome: 'empty',
        lastReason: 'nichts\tzu tun',
      });
      state.paused = { by: '\u001b[31mme', reason: 'a\nb', at: at(-1) };
    };
    const shown = show(view({ change }));
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    for (const line of shown.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(80);
    expect(shown).toMatchInlineSnapshot(`
      "Winnow /home/me/winnow: running for 3h00m (pid 42)
      everything is paused by me: a b; go on with \`winnow resume\`

      project api: main: not measured yet

      SESSION  STATE  FOR   KEPT    COST   DOING
      alpha    hack   30s   0 of 0  $0.00  Mend Winnow: all is well gnorw
      beta     hack   1.0s  0 of 0  $0.00  検索が何も見つけないときは空のリストを返す
                                           🫠👩‍👩‍👧 そしてもっと長い説明が続く
                                           last empty: nichts zu tun

      today   $0.00 of $20.00; no cycle yet
      tasks   0 queued, 0 assigned
      review  nothing waits"
    `);
  });

  it('fits every screen and loses no word of it', () => {
    const whole = show(view({ change: busy, sessions: crew }), Number.POSITIVE_INFINITY);
    const words = (text: string) =>
      text
        .split(/\s+/)
        .filter((word) => word !== 'LAST' && word !== 'last')
        .sort();
    for (const width of [80, 100, 132, 200]) {
      const shown = show(view({ change: busy, sessions: crew }), width);
      for (const line of shown.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      expect(words(shown)).toEqual(words(whole));
    }
  });

  it('in a pipe has a line for each session, with everything in it', () => {
    const lines = show(view({ change: busy, sessions: crew }), Number.POSITIVE_INFINITY).split('\n');
    for (const { name } of crew) {
      const line = lines.filter((each) => each.startsWith(name));
      expect(line).toHaveLength(1);
    }
    expect(lines.find((line) => line.startsWith('alpha'))).toMatch(/Split the parser.*Return an empty list/);
  });

  it('names the first of many branches that wait on a screen, and all of them in a pipe', () => {
    const change = (state: State) => {
      for (let n = 0; n < 30; n += 1) {
        const status: BranchStatus =
          n < 20 ? { state: 'pending', note: '' } : { state: n < 28 ? 'approved' : 'needs-human', ...reviewed };
        state.queue[`brl/a/${n}`] = queuedOf(`brl/a/${n}`, { at: at(n), status });
      }
    };
    expect(show(view({ change })).replace(/\s+/g, ' ')).toMatch(
      / review 2 for you \(`winnow queue`\), 20 to review, 8 approved: brl\/a\/28, brl\/a\/29, brl\/a\/0, brl\/a\/1, brl\/a\/2 and 25 more$/,
    );
    expect(show(view({ change }), Number.POSITIVE_INFINITY)).toMatch(/brl\/a\/27$/);
  });

  it('names who holds a slot and who waits for it, and no slot that nobody wants', () => {
    const by = (who: string) => ({ who, pid: 1, sinceMs: NOW });
    const slots = [{ name: 'test', capacity: 1, held: [by('alpha')], waiting: [by('beta'), by('gamma')] }];
    expect(show(view({ slots })).split('\n').at(-1)).toBe('slot    test, 1 of 1 taken: alpha; 2 waiting: beta, gamma');
    expect(show(view())).not.toContain('slot');
  });

  it('paints what runs green, what needs a person red and what waits yellow', () => {
    const change = (state: State) => {
      up(state);
      state.damage = { count: 1, places: [] };
      state.gates.disk = { reason: '1.0 GB free; opens at 2.4 GB', at: at(-1000), figures: {} };
    };
    const shown = renderStatus(view({ change }), { paint: tags, lineWidth: 200 }).split('\n');
    expect(shown.slice(0, 3)).toEqual([
      '<green>Winnow /home/me/winnow: running for 3h00m (pid 42)</green>',
      '<red>the journal has 1 damaged line, skipped; nothing else is affected</red>',
      '<yellow>gate disk closed 1.0s ago: 1.0 GB free; opens at 2.4 GB</yellow>',
    ]);
  });
});
