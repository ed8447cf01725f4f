import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNTIL_RESUMED } from '../../src/model/crew.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { NoticeKind, type StandingNotice } from '../../src/model/notice.ts';
import type { QueuedBranch, State } from '../../src/model/state.ts';
import { clearedText, raisedText } from '../../src/policy/notice-text.ts';
import {
  ALERT_STANDS_MS,
  decideNotices,
  type Matter,
  mattersOf,
  type News,
  type NoticeInput,
} from '../../src/policy/notices.ts';
import { howMany } from '../thoroughness.ts';
import { at, configOf, knownOf, NOW, stateOf } from './situations.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const input = (
  change: (state: State) => void = () => {},
  more: Partial<Omit<NoticeInput, 'news'>> & { news?: Partial<News> } = {},
): NoticeInput => ({
  state: stateOf(change),
  config: configOf(),
  sessions: ['alpha', 'beta'],
  now: NOW,
  ...more,
  news: { alerts: [], told: {}, ...more.news },
});

const branch = (name: string, more: Partial<QueuedBranch> = {}): QueuedBranch => ({
  ...{ branch: name, commit: 'c'.repeat(40), base: 'b'.repeat(40), tree: 't'.repeat(40), project: 'api' },
  ...{ session: 'alpha', cycle: '01', title: `Rework ${name}`, kind: 'change', at: at(-HOUR), changedAt: at(-HOUR) },
  status: {
    state: 'needs-human',
    review: '01R',
    by: 'rule',
    name: 'too-large',
    reason: 'It changes 2,000 lines.',
    at: at(-HOUR),
  },
  ...more,
});

const red = { commit: 'abcdef0123456789', tree: 't', green: 'fedcba', broken: ['a', 'b', 'c'], at: at(-HOUR) };
const alertOf = (id: string, more: Partial<EntryOf<'alert'>> = {}): EntryOf<'alert'> => ({
  ...{ id, ts: at(-HOUR), type: 'alert' as const },
  data: {
    message: 'the verification fails also after the revert: exit 1',
    mend: 'Look at what the verify command measures.',
  },
  ...more,
});

const project = (state: State, more: object): void => {
  state.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], ...more };
};

/** One row for each kind: what is so, and what a person reads. */
const KINDS: [what: string, NoticeInput][] = [
  [
    'the usage limit',
    input((state) => {
      state.gates['usage-limit'] = {
        reason: 'You have hit your limit',
        at: at(-MINUTE),
        until: at(3 * HOUR),
        figures: {},
      };
    }),
  ],
  [
    'the login',
    input((state) => {
      state.gates.account = {
        reason: 'Claude Code is not logged in. Log in with `claude` then /login.',
        at: at(-MINUTE),
        figures: {},
      };
    }),
  ],
  [
    'the day’s budget',
    input((state) => {
      state.gates.budget = {
        reason: '$20.03 of $20.00 spent today',
        at: at(-MINUTE),
        until: at(14 * HOUR),
        figures: {},
      };
    }),
  ],
  [
    'a session’s budget',
    input(
      (state) => {
        state.days['2026-03-14'] = { costUsd: 5, bySession: { alpha: 5, gone: 9 }, byProject: {}, counts: {} };
      },
      { config: configOf({ gates: { budgetPerSessionPerDayUsd: 5 } }) },
    ),
  ],
  [
    'the projects’ budget',
    input(
      (state) => {
        state.days['2026-03-14'] = { costUsd: 5, bySession: {}, byProject: { api: 4, web: 3 }, counts: {} };
      },
      { config: configOf({ gates: { budgetPerProjectPerDayUsd: 3 } }) },
    ),
  ],
  [
    'a full memory',
    input((state) => {
      state.gates.memory = { reason: '91 % of 64.0 GB used; opens at 80 %', at: at(-HOUR), figures: {} };
    }),
  ],
  [
    'a full disk',
    input((state) => {
      state.gates.disk = { reason: '0.4 GB free; opens at 2.4 GB', at: at(-HOUR), figures: {} };
    }),
  ],
  [
    'a STOP file',
    input((state) => {
      state.gates['stop-file'] = { reason: '.winnow/STOP exists; delete it to go on', at: at(-HOUR), figures: {} };
    }),
  ],
  [
    'a session that rests',
    input((state) => {
      state.sessions.alpha = knownOf('alpha', {
        parked: { until: at(40 * MINUTE), reason: 'three cycles failed: exit 1', failure: 'crashed' },
      });
    }),
  ],
  [
    'a session that waits for a person',
    input((state) => {
      state.sessions.alpha = knownOf('alpha', {
        parked: { until: UNTIL_RESUMED, reason: 'the same error 4 times', failure: 'error-looping' },
      });
    }),
  ],
  [
    'a red main',
    input((state) =>
      project(state, { red: { ...red, suspects: [{ commit: '1', author: 'Ann', subject: 'Tidy up' }], task: '01T' } }),
    ),
  ],
  [
    'one branch for a person',
    input((state) => {
      state.queue.x = branch('brl/alpha/x');
    }),
  ],
  [
    'several branches for a person',
    input((state) => {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) state.queue[name] = branch(`brl/alpha/${name}`);
    }),
  ],
  [
    'a train that is blocked',
    input((state) =>
      project(state, {
        blocked: {
          failure: 'push-refused',
          reason: 'the remote refuses pushes to main',
          mend: 'Look at branch protection.',
          until: at(HOUR),
          at: at(-HOUR),
        },
      }),
    ),
  ],
  [
    'a project that is not ready',
    input((state) =>
      project(state, {
        unready: {
          failure: 'install-failed',
          message: '`npm ci` ended with 1',
          mend: 'Run it by hand.',
          at: at(-HOUR),
        },
      }),
    ),
  ],
  [
    'a refused configuration',
    input(() => {}, {
      news: {
        rejected: {
          at: at(-HOUR),
          problems: ['winnow.config.yaml:3  agent.model: found 5, expected text', 'another', 'a third'],
        },
      },
    }),
  ],
  [
    'a parked role',
    input((state) => {
      state.roles.reviewer = { failures: [], parked: { at: at(-HOUR), reason: 'exit code 1', failures: 5 } };
    }),
  ],
  ['an alert', input(() => {}, { news: { alerts: [alertOf('01A')] } })],
];

describe('what stands', () => {
  it('is said in one sentence, with what to do, for every kind', () => {
    const lines = KINDS.map(([what, given]) => {
      const [matter, ...others] = mattersOf(given);
      expect(others, what).toEqual([]);
      return `${what}: ${matter!.notice} (${matter!.severity})\n  ${raisedText(matter!).replace('\n', '\n  ')}`;
    });
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "the usage limit: usage-limit (info)
        Claude’s usage limit is reached; it resets at 13:00 UTC.
        Nothing to do: all sessions wait and go on by themselves.
      the login: account (urgent)
        URGENT: All sessions wait for you: Claude Code is not logged in. Log in with \`claude\` then /login.
        Once that is mended, \`winnow resume\` lets them go on.
      the day’s budget: budget (info)
        Today’s budget of $20.00 is spent; work goes on at midnight UTC.
        Nothing to do; or raise \`gates.budgetPerDayUsd\` in winnow.config.yaml.
      a session’s budget: budget:sessions (info)
        alpha has spent the $5.00 of a session for today; the others go on.
        Nothing to do; or raise \`gates.budgetPerSessionPerDayUsd\` in winnow.config.yaml.
      the projects’ budget: budget:projects (info)
        api, web have spent the $3.00 of a project for today; the others go on.
        Nothing to do; or raise \`gates.budgetPerProjectPerDayUsd\` in winnow.config.yaml.
      a full memory: gate:memory (act)
        Nothing new starts: the machine’s memory is in use (91 % of 64.0 GB used; opens at 80 %).
        Close what else runs there, or let fewer sessions run: \`gates.maxSessions\`.
      a full disk: gate:disk (urgent)
        URGENT: Nothing new starts: the disk is nearly full (0.4 GB free; opens at 2.4 GB).
        Free some disk space, for instance with \`winnow gc --yes\`; it goes on by itself.
      a STOP file: gate:stop-file (info)
        Nothing new starts: somebody put a STOP file there.
        Delete \`.winnow/STOP\` to go on.
      a session that rests: session-parked:alpha (info)
        Session alpha rests until 10:40 UTC: three cycles failed: exit 1.
        It goes on by itself; \`winnow resume alpha\` lets it go on at once.
      a session that waits for a person: session-parked:alpha (act)
        Session alpha is parked until you resume it: the same error 4 times.
        Read the letter in logs/doctor/; \`winnow resume alpha\` lets the session go on at once.
      a red main: main-red:api (act)
        main of api is red at abcdef01: 3 things broken, since Ann’s “Tidy up”.
        A session mends it; only that work goes on. \`winnow status\` shows it; a fix or revert of yours ends it as well.
      one branch for a person: needs-human (act)
        brl/alpha/x waits for your word: Rework brl/alpha/x.
        It changes 2,000 lines. \`winnow show brl/alpha/x\` shows it.
      several branches for a person: needs-human (act)
        6 branches wait for your word: brl/alpha/a, brl/alpha/b, brl/alpha/c, brl/alpha/d and 2 more.
        \`winnow queue\` shows them; \`winnow approve BRANCH\` lands one, \`winnow reject BRANCH -m REASON\` ends it.
      a train that is blocked: train-blocked:api (act)
        Approved work of api cannot land: the remote refuses pushes to main.
        Look at branch protection.
      a project that is not ready: project-unready:api (act)
        The sessions of api wait: \`npm ci\` ended with 1.
        Run it by hand.
      a refused configuration: config-rejected (act)
        An edit of the configuration is refused, the last good one stays in force: winnow.config.yaml:3 agent.model: found 5, expected text.
        There are 2 more. \`winnow config check\` names every mistake.
      a parked role: role-parked:reviewer (urgent)
        URGENT: The reviewer crashed again and again and is not started any more: exit code 1.
        Read logs/winnow.log, mend the cause, then start it again; \`winnow status\` says how.
      an alert: alert:01A (act)
        The verification fails also after the revert: exit 1.
        Look at what the verify command measures."
    `);
  });

  it('is told at once or after its dwell, and then stands until it is over', () => {
    for (const [what, given] of KINDS) {
      const matters = mattersOf(given);
      const told = decideNotices(given, matters);
      expect(
        told.raise.map(({ notice }) => notice),
        what,
      ).toEqual(matters.map(({ notice }) => notice));
      const standing = input((state) => raise(state, matters));
      expect(
        decideNotices({ ...given, state: { ...given.state, notices: standing.state.notices } }, matters),
        what,
      ).toMatchObject({ raise: [], clear: [] });
      expect(
        decideNotices(standing, []).clear.map(({ notice }) => notice),
        what,
      ).toEqual(matters.map(({ notice }) => notice));
    }
  });

  it('is said to be over in one sentence for every kind', () => {
    const texts = KINDS.map(([, given]) =>
      clearedText({ ...mattersOf(given)[0]!, at: at(-HOUR), times: 0 }, 90 * MINUTE),
    );
    expect([...new Set(texts)].join('\n')).toMatchInlineSnapshot(`
      "Over after 1 h 30 min: the usage limit has reset, all sessions go on.
      Over after 1 h 30 min: Claude Code can be used again, all sessions go on.
      Over after 1 h 30 min: there is budget again.
      Over after 1 h 30 min: there is budget again for all sessions.
      Over after 1 h 30 min: there is budget again for all projects.
      Over after 1 h 30 min: there is memory again, work starts again.
      Over after 1 h 30 min: there is room on the disk again, work starts again.
      Over after 1 h 30 min: the STOP file is gone, work starts again.
      Over after 1 h 30 min: session alpha goes on.
      Over after 1 h 30 min: api is green again.
      Over after 1 h 30 min: no branch waits for your word any more.
      Over after 1 h 30 min: work of api can land again.
      Over after 1 h 30 min: the sessions of api go on.
      Over after 1 h 30 min: the configuration is in order.
      Over after 1 h 30 min: reviewer runs again.
      Over after 1 h 30 min: alert 01A."
    `);
  });

  it.each<[string, (state: State) => void, (state: State) => void]>([
    [
      'the reset by some seconds',
      gate('usage-limit', { until: '2026-03-14T13:00:02.000Z' }),
      gate('usage-limit', { until: '2026-03-14T13:00:41.000Z' }),
    ],
    ['the figures of memory', gate('memory', { reason: '91 % used' }), gate('memory', { reason: '97 % used' })],
    ['the end of a rest', parked(at(HOUR)), parked(at(2 * HOUR))],
    [
      'how much is broken',
      (state) => project(state, { red: { ...red, suspects: [] } }),
      (state) => project(state, { red: { ...red, broken: ['a'], commit: 'other', suspects: [] } }),
    ],
    [
      'one branch less',
      (state) => {
        state.queue.a = branch('a');
        state.queue.b = branch('b', { status: { ...needs, at: at(-2 * HOUR) } });
      },
      (state) => {
        state.queue.b = branch('b', { status: { ...needs, at: at(-2 * HOUR) } });
      },
    ],
  ])('does not change by %s', (_, before, later) => {
    const standing = stateOf((state) => raise(state, mattersOf(input(before))));
    const now = input((state) => {
      later(state);
      state.notices = standing.notices;
    });
    expect(decideNotices(now, mattersOf(now))).toMatchObject({ raise: [], clear: [] });
  });

  it.each<[string, (state: State) => void, (state: State) => void]>([
    ['another reset', gate('usage-limit', { until: at(3 * HOUR) }), gate('usage-limit', { until: at(30 * HOUR) })],
    ['a rest that only a person ends', parked(at(HOUR)), parked(UNTIL_RESUMED)],
    ['another reason to rest', parked(at(HOUR)), parked(at(HOUR), 'auth')],
    [
      'one branch more',
      (state) => {
        state.queue.a = branch('a');
      },
      (state) => {
        state.queue.a = branch('a');
        state.queue.b = branch('b', { status: { ...needs, at: at(-5 * MINUTE) } });
      },
    ],
    [
      'red once more after it was green',
      (state) => project(state, { red: { ...red, suspects: [] } }),
      (state) => project(state, { red: { ...red, green: 'another', suspects: [] } }),
    ],
  ])('changes by %s', (_, before, later) => {
    const standing = stateOf((state) => raise(state, mattersOf(input(before))));
    const now = input((state) => {
      later(state);
      state.notices = standing.notices;
    });
    expect(decideNotices(now, mattersOf(now)).raise).toHaveLength(1);
  });

  it('leaves out what passed by itself, what is gone, and what is told already by another matter', () => {
    expect(mattersOf(input(gate('usage-limit', { until: at(-1) })))).toEqual([]);
    expect(
      mattersOf(
        input((state) => {
          state.sessions.gone = knownOf('gone', { parked: { until: UNTIL_RESUMED, reason: '', failure: '' } });
        }),
      ),
    ).toEqual([]);
    expect(
      mattersOf(
        input((state) => {
          state.projects.gone = { name: 'gone', flaky: {}, recent: [], landings: [], red: { ...red, suspects: [] } };
        }),
      ),
    ).toEqual([]);
    const told = [
      alertOf('01', {
        session: 'alpha',
        data: { message: 'alpha stays parked: the same error', mend: 'Read the letter.' },
      }),
      alertOf('02', { data: { message: 'not logged in', mend: 'Add credit to the account, then `winnow resume`.' } }),
      alertOf('03', { ts: at(-ALERT_STANDS_MS) }),
    ];
    expect(mattersOf(input(() => {}, { news: { alerts: told } }))).toEqual([]);
  });

  it('keeps text from outside on one line and short', () => {
    const [matter] = mattersOf(
      input((state) =>
        project(state, { red: { ...red, suspects: [{ commit: '1', author: 'A\nB', subject: 'x'.repeat(5_000) }] } }),
      ),
    );
    expect(matter!.text).not.toContain('\n');
    expect(matter!.text.length).toBeLessThan(500);
  });
});

describe('a matter', () => {
  it('that mostly passes by itself is told only when it stands for a while, and nobody has to look for that moment', () => {
    const young = input(gate('memory', { at: at(-3 * MINUTE) }));
    expect(decideNotices(young, mattersOf(young))).toEqual({ raise: [], clear: [], nextMs: NOW + 7 * MINUTE });
    const old = { ...young, now: NOW + 7 * MINUTE };
    expect(decideNotices(old, mattersOf(old)).raise).toHaveLength(1);
  });

  it.each([
    [1, 5 * MINUTE],
    [2, HOUR],
    [3, 6 * HOUR],
    [7, 6 * HOUR],
  ])('told %i times within a day is told again after %i ms', (times, wait) => {
    const told = Array.from({ length: times }, (_, n) => NOW - (times - 1 - n) * MINUTE);
    const seen = (now: number) => {
      const given = { ...input(parked(at(24 * HOUR)), { news: { told: { 'session-parked:alpha': told } } }), now };
      return decideNotices(given, mattersOf(given));
    };
    expect(seen(NOW + wait - 1)).toMatchObject({ raise: [], nextMs: NOW + wait });
    expect(seen(NOW + wait).raise).toHaveLength(1);
  });

  it('without which nothing goes on waits an hour at most', () => {
    const told = [NOW - 3, NOW - 2, NOW - 1, NOW];
    const given = { ...input(gate('account', {}), { news: { told: { account: told } } }), now: NOW + HOUR };
    expect(decideNotices(given, mattersOf(given)).raise).toHaveLength(1);
  });

  it('told by a clock that was ahead does not wait for that moment to come again', () => {
    const given = input(gate('memory', { at: at(48 * HOUR) }), {
      news: { told: { 'gate:memory': [NOW + 24 * HOUR] } },
    });
    expect(decideNotices(given, mattersOf(given)).raise).toHaveLength(1);
  });
});

describe('over any history', () => {
  /** What may happen to three matters from one minute to the next, over two days. */
  const step = fc.record({
    waitMs: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 20, max: 600 })).map((n) => n * MINUTE),
    change: fc.constantFrom<(state: State, now: number) => void>(
      (state, now) => {
        state.gates.memory ??= { reason: 'full', at: new Date(now).toISOString(), figures: {} };
      },
      (state) => {
        delete state.gates.memory;
      },
      (state, now) => {
        state.sessions.alpha = knownOf('alpha', {
          parked: { until: new Date(now + 500 * HOUR).toISOString(), reason: 'r', failure: 'crashed' },
        });
      },
      (state) => {
        state.sessions.alpha = knownOf('alpha', { parked: { until: UNTIL_RESUMED, reason: 'r', failure: 'crashed' } });
      },
      (state) => {
        delete state.sessions.alpha;
      },
      (state, now) => {
        state.queue[`b${now}`] = branch(`b${now}`, { status: { ...needs, at: new Date(now).toISOString() } });
      },
      (state) => {
        delete state.queue[Object.keys(state.queue)[0]!];
      },
      () => {},
    ),
  });

  it('nothing is told twice the same, nothing is lost, and what is over is cleared once', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const state = stateOf();
        const told: Record<string, number[]> = {};
        const said: { notice: string; is: string; now: number }[] = [];
        let now = NOW;
        const look = (): void => {
          const given = { ...input(), state, now, news: { alerts: [], told } };
          const matters = mattersOf(given);
          const decision = decideNotices(given, matters);
          for (const { notice, forMs: _, ...standing } of decision.clear as (StandingNotice & { forMs?: number })[]) {
            expect(state.notices[notice], 'cleared although it does not stand').toBeDefined();
            expect(matters.some((one) => one.notice === notice)).toBe(false);
            delete state.notices[notice];
            said.push({ notice, is: `cleared ${standing.hash}`, now });
          }
          for (const one of decision.raise) {
            const last = said.findLast(({ notice }) => notice === one.notice);
            expect(last?.is, 'told twice the same').not.toBe(one.hash);
            said.push({ notice: one.notice, is: one.hash, now });
            told[one.notice] = [...(told[one.notice] ?? []), now];
          }
          raise(state, decision.raise, now);
          // Decided twice at one moment there is nothing left to say.
          expect(decideNotices({ ...given, state, news: { alerts: [], told } }, matters)).toMatchObject({
            raise: [],
            clear: [],
          });
        };
        for (const { waitMs, change } of steps) {
          change(state, now);
          look();
          now += waitMs;
        }
        // Left alone, everything that stands is told at last.
        for (let n = 0; n < 8; n += 1) {
          look();
          now += HOUR;
        }
        const standing = mattersOf({ ...input(), state, now });
        expect(Object.keys(state.notices).sort()).toEqual(standing.map(({ notice }) => notice).sort());
        for (const matter of standing) if (!matter.grows) expect(state.notices[matter.notice]!.hash).toBe(matter.hash);
        // However it flutters: a matter is told four times in its first day and every six hours afterwards.
        for (const times of Object.values(told)) {
          for (const [n, time] of times.entries())
            expect(time - (times[n - 3] ?? -Infinity)).toBeGreaterThanOrEqual(5 * MINUTE + HOUR);
        }
      }),
      { numRuns: howMany(60, 1_000) },
    );
  });
});

const needs = {
  state: 'needs-human',
  review: '01R',
  by: 'rule',
  name: 'too-large',
  reason: 'It is large.',
  at: at(-HOUR),
} as const;

function gate(name: 'usage-limit' | 'memory' | 'account', more: Partial<NonNullable<State['gates']['memory']>>) {
  return (state: State): void => {
    state.gates[name] = { reason: 'closed', at: at(-HOUR), figures: {}, ...more };
  };
}

function parked(until: string, failure = 'crashed') {
  return (state: State): void => {
    state.sessions.alpha = knownOf('alpha', { parked: { until, reason: 'it failed', failure } });
  };
}

/** As the fold does. */
function raise(state: State, matters: readonly Matter[], now = NOW - 12 * HOUR): void {
  for (const { sinceMs: _, grows: __, ...notice } of matters) {
    const times = state.notices[notice.notice] ? state.notices[notice.notice]!.times + 1 : 0;
    state.notices[notice.notice] = { ...notice, at: new Date(now).toISOString(), times };
  }
}

describe('the documentation', () => {
  it('names every kind', () => {
    const page = readFileSync(new URL('../../docs/notices.md', import.meta.url), 'utf8');
    const rows = page.split('\n').flatMap((line) => /^\| `([a-z-]+)` \|/.exec(line)?.[1] ?? []);
    expect(rows.slice(0, NoticeKind.options.length).sort()).toEqual([...NoticeKind.options].sort());
  });
});
