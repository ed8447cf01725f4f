import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderLine } from '../../src/journal/line.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { type Attendance, StandupWord } from '../../src/model/standup.ts';
import type { StandupState, State } from '../../src/model/state.ts';
import {
  attendees,
  claimsUntil,
  directoriesOf,
  type FormInput,
  meetingForm,
  notDue,
  openCommitment,
  type SettleInput,
  settle,
  takeWord,
  taskText,
  titleOf,
  warningsOf,
  withoutChair,
} from '../../src/policy/standup.ts';
import {
  answersText,
  heldText,
  lastCommitmentText,
  proceedingsText,
  queueText,
  reportsText,
} from '../../src/policy/standup-text.ts';
import { at, configOf, knownOf, NOW, runningOf, sessionOf, stateOf, taskOf } from './situations.ts';

const HOUR = 3_600_000;
/** NOW is ten o’clock; meetings are at every odd hour. */
const config = configOf();

const heldAt = (offsetMs: number, more: Partial<StandupState> = {}): StandupState => ({
  ...{
    id: 'M',
    at: at(offsetMs),
    heldAt: [at(offsetMs)],
    summary: 'All is well.',
    priorities: [],
    file: 'logs/standups/m.md',
    form: 'full',
  },
  ...{ runs: 7, costUsd: 0.35, owed: [], claims: [] },
  ...more,
});

const withCycle = (state: State, offsetMs: number, costUsd = 0.3): void => {
  const cycle = { cycle: 'c', session: 'alpha', project: 'api', at: at(offsetMs), outcome: 'pushed' as const };
  state.projects.api = {
    ...{ name: 'api', flaky: {}, landings: [] },
    recent: [{ ...cycle, reason: '', files: [], costUsd }],
  };
};

describe('a meeting by schedule', () => {
  it.each<[what: string, change: (state: State) => void, why: string | undefined]>([
    ['nothing was ever done', () => {}, 'no cycle has ended since the last one'],
    ['there never was one, and a cycle has ended', (s) => withCycle(s, -60_000), undefined],
    [
      'the last one was before its time, and a cycle has ended',
      (s) => {
        s.standup = heldAt(-3 * HOUR);
        withCycle(s, -60_000);
      },
      undefined,
    ],
    [
      'the last one was before its time, and nothing happened',
      (s) => {
        s.standup = heldAt(-3 * HOUR);
        withCycle(s, -4 * HOUR);
      },
      'no cycle has ended since the last one',
    ],
    [
      'the last one was held at its time',
      (s) => {
        s.standup = heldAt(-HOUR + 5);
        withCycle(s, -60_000);
      },
      'the last one was held at its time',
    ],
    [
      'the clock was set back behind the last one',
      (s) => {
        s.standup = heldAt(5 * HOUR);
        withCycle(s, -60_000);
      },
      undefined,
    ],
  ])('when %s', (_, change, why) => {
    expect(notDue(stateOf(change), config, NOW)).toBe(why);
  });

  it('is due in the very second of its time, and not once more after it was held in it', () => {
    const nine = NOW - HOUR;
    const state = stateOf((s) => {
      s.standup = heldAt(-3 * HOUR);
      withCycle(s, -HOUR - 1);
    });
    expect(notDue(state, config, nine)).toBeUndefined();
    state.standup = heldAt(-HOUR + 12);
    expect(notDue(state, config, nine + 900)).toBe('the last one was held at its time');
  });

  it('is held once at its time when the clock goes back and forth', () => {
    const state = stateOf((s) => {
      s.standup = heldAt(12, { heldAt: [at(-2 * HOUR + 7), at(12)] });
      withCycle(s, -1);
    });
    // Half an hour before, in the same turn; then in the turn before, which had its own; then one that had none.
    expect(notDue(state, config, NOW - HOUR / 2)).toBe('the last one was held at its time');
    expect(notDue(state, config, NOW - 2 * HOUR)).toBe('the last one was held at its time');
    expect(notDue(state, config, NOW - 4 * HOUR)).toBeUndefined();
  });

  it('is for all that are not paused, also the parked ones', () => {
    const sessions = ['alpha', 'beta', 'gamma', 'delta'].map((name) => sessionOf(name, { paused: name === 'delta' }));
    const state = stateOf((s) => {
      s.sessions.beta = knownOf('beta', { pausedBy: 'mia' });
      s.sessions.gamma = knownOf('gamma', { parked: { until: at(HOUR), reason: 'it failed', failure: 'crashed' } });
    });
    expect(attendees(sessions, state).map(({ name }) => name)).toEqual(['alpha', 'gamma']);
  });
});

describe('the form', () => {
  const form = (more: Partial<FormInput> & { change?: (state: State) => void } = {}) =>
    meetingForm({
      ...{ state: stateOf(more.change), config, now: NOW, reservedUsd: 0, short: false },
      sessions: [sessionOf('alpha'), sessionOf('beta'), sessionOf('gamma', { project: 'web' })],
      ...more,
    });
  const spent =
    (costUsd: number, more: Partial<State['days'][string]> = {}) =>
    (state: State) => {
      state.days['2026-03-14'] = { costUsd, bySession: {}, byProject: {}, counts: {}, ...more };
    };

  it('is full when every budget can pay for three rounds and the chair', () => {
    expect(form()).toEqual({ form: 'full', wordUsd: 1 });
  });

  it.each<[what: string, more: Parameters<typeof form>[0], why: string, wordUsd: number]>([
    ['a person wants it', { short: true }, 'as asked for', 1],
    [
      // Ten words of five cents.
      'the day has too little left',
      { change: spent(19.6) },
      'three rounds would cost about $0.50, and $0.40 of the budget of the day are left',
      0.1,
    ],
    [
      'running cycles may still spend the rest of the day',
      { reservedUsd: 19.6 },
      'three rounds would cost about $0.50, and $0.40 of the budget of the day are left',
      0.1,
    ],
    [
      'a project has too little left',
      { config: configOf({ gates: { budgetPerProjectPerDayUsd: 1 } }), change: spent(2, { byProject: { web: 0.9 } }) },
      'three rounds would cost about $0.15, and $0.10 of the budget of project web today are left',
      1,
    ],
    [
      'a session has too little left',
      {
        config: configOf({ gates: { budgetPerSessionPerDayUsd: 1 } }),
        change: spent(2, { bySession: { beta: 0.95 } }),
      },
      'three rounds would cost about $0.15, and $0.05 of the budget of session beta today are left',
      1,
    ],
    [
      'the last one was dear',
      {
        change: (s) => {
          s.standup = heldAt(-HOUR, { runs: 10, costUsd: 25 });
        },
      },
      'three rounds would cost about $25.00, and $20.00 of the budget of the day are left',
      1,
    ],
    [
      'cycles are dear and there was no meeting yet',
      { change: (s) => withCycle(s, -HOUR, 9) },
      'three rounds would cost about $30.00, and $20.00 of the budget of the day are left',
      1,
    ],
  ])('is short when %s', (_, more, why, wordUsd) => {
    expect(form(more)).toEqual({ form: 'short', why, wordUsd });
  });

  it('is not made short for all by who has nothing left at all: that one is absent', () => {
    const gates = { budgetPerSessionPerDayUsd: 1 };
    expect(form({ config: configOf({ gates }), change: spent(2, { bySession: { beta: 1 } }) }).form).toBe('full');
  });

  it('is none when not even the last round can be paid', () => {
    expect(form({ change: spent(19.95) })).toEqual({
      form: 'none',
      why: '$0.05 of the budget of the day are left, too little for 4 runs',
    });
  });

  it('never lets the words together cost more than what is left', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 25, noNaN: true }), fc.integer({ min: 1, max: 64 }), (costUsd, n) => {
        const sessions = Array.from({ length: n }, (_, i) => sessionOf(`s${i}`));
        const decided = form({ sessions, change: spent(costUsd) });
        if (decided.form === 'none') return;
        const runs = (decided.form === 'full' ? 3 : 1) * n + 1;
        expect(decided.wordUsd * runs).toBeLessThanOrEqual(20 - costUsd + 1e-9);
      }),
    );
  });
});

const SILENT: StandupWord = {
  ...{ did: [], stuck: [], needs: [], offers: [], sharedErrors: [], fileWarnings: [], proposal: '' },
  commitment: { title: '', text: '', files: [] },
};

describe('an answer', () => {
  const take = (round: Parameters<typeof takeWord>[0], word: Partial<StandupWord>) =>
    takeWord(round, { ...SILENT, ...word }, (text) => text.trim());

  it.each([
    ['report', {}, 'its report was empty'],
    ['report', { did: ['  '], offers: ['to help'] }, 'its report was empty'],
    ['commit', { did: ['a lot'] }, 'it committed to nothing'],
  ] as const)('to %s with %j is none', (round, word, why) => {
    expect(take(round, word as Partial<StandupWord>)).toEqual({ ok: false, why });
  });

  it('is only what its round asked for', () => {
    const all = { ...SILENT, did: ['this'], offers: ['that'], proposal: 'p' };
    const commitment = { title: 't', text: '', files: [] };
    expect(take('report', all)).toEqual({ ok: true, said: { report: { did: ['this'], stuck: [], needs: [] } } });
    expect(take('answer', all)).toEqual({
      ok: true,
      said: { answer: { offers: ['that'], sharedErrors: [], fileWarnings: [] } },
    });
    expect(take('commit', { ...all, commitment })).toEqual({
      ok: true,
      said: { commit: { commitment, proposal: 'p' } },
    });
  });

  it('is bounded, however long it is', () => {
    const taken = take('commit', { commitment: { title: 'x'.repeat(300), text: 'y'.repeat(4_000), files: [] } });
    expect(taken).toMatchObject({ ok: true, said: { commit: { commitment: { title: `${'x'.repeat(119)}…` } } } });
  });
});

const saying = (session: string, more: Partial<Attendance> = {}): Attendance => ({ session, project: 'api', ...more });
const committing = (session: string, title: string, files: string[], more: Partial<Attendance> = {}): Attendance =>
  saying(session, { commit: { commitment: { title, text: 'Until it is green.', files }, proposal: '' }, ...more });

const settled = (more: Partial<SettleInput> = {}) =>
  settle({
    ...{ meeting: 'M1', attendance: [], state: stateOf(), directories: () => new Set<string>() },
    ...{ untilMs: NOW + HOUR, now: NOW },
    ...more,
  });

describe('a commitment', () => {
  it('becomes a task under a name of its own, and its files are claimed until the next meeting', () => {
    const attendance = [committing('alpha', 'Test the search', ['./src//a.ts', 'src/a.ts'])];
    const [one] = settled({ attendance });
    expect(one).toEqual({
      ...{ session: 'alpha', project: 'api', present: true },
      commitment: {
        title: 'Test the search',
        task: expect.stringMatching(/^0[0-9A-HJKMNP-TV-Z]{25}$/),
        files: ['src/a.ts'],
        until: at(HOUR),
      },
      text: 'Until it is green.',
    });
    const { title, task, files } = one!.commitment!;
    const text = taskText({ session: 'alpha', project: 'api', task, title, files, text: one!.text! }, ['Land it']);
    expect(text).toBe(
      [
        'Your commitment of the standup: Test the search',
        '',
        'Until it is green.',
        '',
        'Files that are yours for it: src/a.ts',
        '',
        'What matters most to the team now:',
        '- Land it',
      ].join('\n'),
    );
    expect(titleOf({ text })).toBe('Test the search');
    expect(settled({ attendance })[0]?.commitment?.task).toBe(one?.commitment?.task);
    expect(settled({ attendance, meeting: 'M2' })[0]?.commitment?.task).not.toBe(one?.commitment?.task);
  });

  it.each<[what: string, more: Partial<Parameters<typeof taskOf>[1]>, renewed: boolean]>([
    ['queued', { state: 'queued' }, true],
    ['assigned', { state: 'assigned' }, true],
    ['done', { state: 'done' }, false],
    ['failed', { state: 'failed' }, false],
    ['cancelled', { state: 'cancelled' }, false],
    ['another’s', { session: 'beta' }, false],
    ['a person’s', { origin: 'person' }, false],
    ['of another project', { project: 'web' }, false],
  ])('is renewed instead of queued twice only while the last one is open: %s', (_, more, renewed) => {
    const text = 'Your commitment of the standup: Mend the clock\n\nIt ticks.';
    const state = stateOf((s) => {
      s.tasks.OLD = taskOf('OLD', { origin: 'standup', session: 'alpha', text, ...more });
    });
    const [one] = settled({ state, attendance: [committing('alpha', 'Test the search', ['src/a.ts'])] });
    expect(one?.commitment?.renewed).toBe(renewed ? true : undefined);
    expect(one?.text === undefined).toBe(renewed);
    expect(one?.commitment?.title).toBe(renewed ? 'Mend the clock' : 'Test the search');
    expect(one?.commitment?.task === 'OLD').toBe(renewed);
    expect(openCommitment(state, 'alpha', 'api')?.id).toBe(renewed ? 'OLD' : undefined);
  });

  it.each<[what: string, files: string[], claimed: string[]]>([
    ['nothing', [], []],
    ['a new file', ['src/new.ts'], ['src/new.ts']],
    ['a directory', ['src', 'src/lib/', 'src/a.ts'], ['src/a.ts']],
    ['the whole repository', ['.', '/', ''], []],
    ['what lies outside', ['../x.ts', '..', 'src/../../x'], []],
    ['a pattern', ['src/**', 'src/*.ts', 'src/{a,b}.ts'], []],
    ['a name that is far too long', ['x'.repeat(201)], []],
    ['very many', Array.from({ length: 20 }, (_, n) => `f${n}`), Array.from({ length: 10 }, (_, n) => `f${n}`)],
  ])('claims files of the repository and nothing broader: %s', (_, files, claimed) => {
    const directories = () => directoriesOf(['src/a.ts', 'src/lib/b.ts', 'README.md']);
    const [one] = settled({ directories, attendance: [committing('alpha', 'Do it', files)] });
    expect(one?.commitment?.files).toEqual(claimed);
  });

  it('leaves a file to who came first, within a project', () => {
    const attendance = [
      committing('alpha', 'A', ['src/a.ts']),
      committing('beta', 'B', ['src/a.ts', 'src/b.ts']),
      committing('gamma', 'C', ['src/a.ts'], { project: 'web' }),
    ];
    expect(settled({ attendance }).map(({ commitment }) => commitment?.files)).toEqual([
      ['src/a.ts'],
      ['src/b.ts'],
      ['src/a.ts'],
    ]);
  });

  it('claims nothing for who is parked until the claims are over', () => {
    const parked = (until: string) =>
      stateOf((s) => {
        s.sessions.alpha = knownOf('alpha', { parked: { until, reason: 'it failed', failure: 'crashed' } });
      });
    const attendance = [committing('alpha', 'A', ['a.ts'])];
    expect(settled({ attendance, state: parked(at(HOUR)) })[0]).toMatchObject({ commitment: { files: [] } });
    expect(settled({ attendance, state: parked(at(HOUR - 1)) })[0]).toMatchObject({ commitment: { files: ['a.ts'] } });
  });

  it('of who is absent is none', () => {
    expect(settled({ attendance: [saying('alpha', { absence: 'it crashed' })] })).toEqual([
      { session: 'alpha', project: 'api', present: false, absence: 'it crashed' },
    ]);
  });

  it('of 64 sessions that say as much as they may fits into a line of the journal, with all the rest', () => {
    const attendance = Array.from({ length: 64 }, (_, n): Attendance => {
      const files = Array.from({ length: 20 }, (__, i) => `${'deep/'.repeat(20)}${n}-${i}.ts`);
      const commitment = { title: `t${'x'.repeat(119)}`, text: 'y'.repeat(2_000), files };
      const warning = { files, sessions: ['s1', 's2', `s${n}`], why: 'w'.repeat(400) };
      return {
        ...{ session: `s${n}`, project: 'api', commit: { commitment, proposal: 'p'.repeat(400) } },
        answer: { offers: [], sharedErrors: [], fileWarnings: [warning] },
      };
    });
    const tokens = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
    const entry: EntryOf<'team_standup'> = {
      ...{ id: 'I', ts: at(0), type: 'team_standup' },
      data: {
        ...{ form: 'full', trigger: 'schedule', sessions: settled({ attendance }), warnings: warningsOf(attendance) },
        ...{ summary: 's'.repeat(2_000), priorities: Array(5).fill('p'.repeat(500)), runs: 193, costUsd: 1, tokens },
        ...{ blockers: Array(8).fill('b'.repeat(500)), durationMs: 1, file: 'logs/standups/x.md' },
      },
    };
    expect(Buffer.byteLength(renderLine(entry))).toBeLessThan(64 * 1024);
  });
});

describe('claims', () => {
  it.each([
    ['the next meeting', '0 1-23/2 * * *', HOUR],
    ['six hours, when that is far away', '0 9 * * *', 6 * HOUR],
    ['a quarter of an hour, when that is now', '* * * * *', 15 * 60_000],
  ])('last until %s', (_, standup, ms) => {
    expect(claimsUntil({ ...config, schedule: { ...config.schedule, standup } }, NOW) - NOW).toBe(ms);
  });
});

describe('a warning', () => {
  const warning = (files: string[], sessions: string[], why = 'both change it') => ({ files, sessions, why });
  const warned = (...fileWarnings: ReturnType<typeof warning>[]) =>
    warningsOf([saying('alpha', { answer: { offers: [], sharedErrors: [], fileWarnings } }), saying('beta')]);

  it('is taken once, with its files and sessions in order', () => {
    expect(
      warned(
        warning(['src//b.ts', 'src/a.ts'], ['beta', 'alpha']),
        warning(['src/a.ts', 'src/b.ts'], ['alpha', 'beta']),
      ),
    ).toEqual([{ files: ['src/a.ts', 'src/b.ts'], sessions: ['alpha', 'beta'], why: 'both change it' }]);
  });

  it.each([
    ['no file', warning([], ['alpha', 'beta'])],
    ['one session only', warning(['a'], ['alpha'])],
    ['somebody who is not there', warning(['a'], ['alpha', 'mallory'])],
    ['what lies outside', warning(['../../etc/passwd'], ['alpha', 'beta'])],
  ])('that names %s is none', (_, one) => {
    expect(warned(one)).toEqual([]);
  });
});

describe('what is told of the others', () => {
  const crowd = (n: number): Attendance[] =>
    Array.from({ length: n }, (_, i) => ({
      ...{ session: `s${i}`, project: i % 2 === 0 ? 'api' : 'web' },
      report: { did: Array(8).fill('d'.repeat(400)), stuck: ['it hangs'], needs: [] },
      answer: { offers: Array(8).fill('o'.repeat(400)), sharedErrors: [], fileWarnings: [] },
      commit: { commitment: { title: 'Do it', text: '', files: [] }, proposal: 'p' },
    }));

  it.each([1, 2, 8, 64, 200])('is bounded with %i sessions, and names each one', (n) => {
    const all = crowd(n);
    for (const text of [reportsText(all, all[0]!), answersText(all, all[0]!)]) {
      expect(text.length).toBeLessThanOrEqual(24_000);
      if (n === 64) for (const { session } of all.slice(1)) expect(text).toContain(`${session} (project`);
      expect(text).not.toContain('s0 (project');
    }
    expect(proceedingsText(all).length).toBeLessThanOrEqual(48_000);
  });

  it('is nobody for one alone, and the own project comes first', () => {
    const [one] = crowd(1);
    expect(reportsText([one!], one!)).toBe('There is nobody else.');
    const text = reportsText(crowd(4), crowd(4)[0]!);
    expect(text.indexOf('s2 (project api)')).toBeLessThan(text.indexOf('s1 (project web)'));
  });

  it('says who is absent and why', () => {
    const own = saying('alpha');
    expect(reportsText([own, saying('beta', { absence: 'it crashed' })], own)).toBe(
      'beta (project api):\nabsent: it crashed',
    );
  });

  it('names what others work on and hold, of the own project and as long as it lasts', () => {
    const claim = (session: string, project: string, until: string) => ({
      ...{ session, project, until, task: 'T', title: `what ${session} does`, files: [`${session}.ts`] },
    });
    const state = stateOf((s) => {
      s.running.c = runningOf('gamma', { cycle: 'c', claim: ['g.ts'], claimTitle: 'Sort' });
      s.standup = heldAt(-HOUR, {
        claims: [
          claim('alpha', 'api', at(1)),
          claim('beta', 'api', at(1)),
          claim('delta', 'api', at(0)),
          claim('eta', 'web', at(1)),
        ],
      });
    });
    expect(heldText(state, { session: 'alpha', project: 'api', now: NOW })).toBe(
      '- gamma works on g.ts (“Sort”)\n- beta holds beta.ts for “what beta does”',
    );
    expect(heldText(stateOf(), { session: 'alpha', project: 'api', now: NOW })).toBe('Nothing.');
  });

  it('tells a session what became of its last commitment', () => {
    const last = (state: State) => lastCommitmentText(state, 'alpha', 'api');
    expect(last(stateOf())).toBe('You have committed to nothing yet.');
    const text = 'Your commitment of the standup: Mend the clock';
    const of = { origin: 'standup', session: 'alpha', text } as const;
    const state = stateOf((s) => {
      s.tasks.A = taskOf('A', { ...of, state: 'failed', reason: '3 attempts failed', queuedAt: at(-2 * HOUR) });
    });
    expect(last(state)).toBe('“Mend the clock”: failed: 3 attempts failed');
    state.tasks.B = taskOf('B', { ...of, attempts: 1, reason: 'discarded: breaks a test', queuedAt: at(-3 * HOUR) });
    expect(last(state)).toBe('“Mend the clock”: still open: queued, 1 failed attempt: discarded: breaks a test');
  });

  it('shows the chair what is queued', () => {
    expect(queueText(stateOf())).toBe('Nothing is queued.');
    const state = stateOf((s) => {
      for (let n = 0; n < 30; n += 1) s.tasks[`T${n}`] = taskOf(`T${n}`, { priority: n === 7 ? 'urgent' : 'low' });
    });
    const lines = queueText(state).split('\n');
    expect([lines[0], lines.length, lines.at(-1)]).toEqual(['- urgent, api: do T7', 21, '- and 10 more']);
  });
});

it('speaks for itself when the chair does not', () => {
  const stuck = { did: [], stuck: ['the clock test hangs'], needs: [] };
  const attendance = [saying('alpha', { report: stuck }), saying('beta', { absence: 'it crashed' })];
  expect(withoutChair(attendance, 'no answer within 300 s')).toEqual({
    summary: 'The chair gave no summary (no answer within 300 s); 1 of 2 sessions committed to something.',
    priorities: [],
    blockers: ['alpha: the clock test hangs'],
  });
});

it('has a schema that every word of these tests is by', () => {
  expect(StandupWord.safeParse(SILENT).success).toBe(true);
  expect(StandupWord.safeParse({ did: ['x'] }).success).toBe(false);
});
