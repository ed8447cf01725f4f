import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/model/config.ts';
import { PRIORITIES } from '../../src/model/priority.ts';
import type { State } from '../../src/model/state.ts';
import type { Task } from '../../src/model/task.ts';
import { type MachineFacts, readGates } from '../../src/policy/gates.ts';
import {
  decide,
  dueAt,
  fits,
  MEMORY_PREDICTED_BYTES,
  queuedTasks,
  type ScheduleInput,
  UNREADY_RETRY_MS,
} from '../../src/policy/schedule.ts';
import {
  anySituation,
  at,
  configOf,
  GIB,
  knownOf,
  NOW,
  roomy,
  runningOf,
  sessionOf,
  stateOf,
  taskOf,
  withRunning,
} from './situations.ts';

const situation = (more: Partial<ScheduleInput> & { change?: (state: State) => void } = {}): ScheduleInput => ({
  state: stateOf(more.change),
  config: configOf(),
  sessions: [sessionOf('alpha')],
  facts: roomy,
  now: NOW,
  ...more,
});

const taken = { cycle: 'c9', by: 'mia', pid: 1, start: '1', at: at(-1000) };
const [alpha, beta, gamma] = [sessionOf('alpha'), sessionOf('beta'), sessionOf('gamma')];

describe('a session alone', () => {
  it('starts at once when it never ran', () => {
    expect(decide(situation())).toEqual({ close: [], open: [], unpark: [], start: [{ session: 'alpha' }], wait: [] });
  });

  it.each<[what: string, change: (state: State) => void, why: string, untilMs?: number]>([
    [
      'ran a minute ago',
      (s) => {
        s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-60_000) });
      },
      'waits for its next cycle',
      NOW + 14 * 60_000,
    ],
    ['is in a cycle', (s) => withRunning(s, runningOf('alpha')), 'a cycle is running'],
    [
      'is taken',
      (s) => {
        s.sessions.alpha = knownOf('alpha', { taken });
      },
      'taken by mia',
    ],
    [
      'is taken, parked and paused at once',
      (s) => {
        const parked = { until: at(-1), reason: 'it crashed', failure: 'crashed' };
        s.sessions.alpha = knownOf('alpha', { taken, parked, pausedBy: 'leo' });
      },
      'taken by mia',
    ],
    [
      'is taken from its cycle',
      (s) => {
        withRunning(s, runningOf('alpha'));
        s.sessions.alpha!.taken = taken;
      },
      'taken by mia',
    ],
    [
      'is paused',
      (s) => {
        s.sessions.alpha = knownOf('alpha', { pausedBy: 'mia' });
      },
      'paused by mia',
    ],
    [
      'is paused with all others',
      (s) => {
        s.paused = { by: 'mia', reason: 'lunch', at: at(-1) };
      },
      'everything is paused by mia',
    ],
    [
      'is parked',
      (s) => {
        s.sessions.alpha = knownOf('alpha', { parked: { until: at(5000), reason: 'it crashed', failure: 'crashed' } });
      },
      'parked: it crashed',
      NOW + 5000,
    ],
    [
      'has a project that could not be read',
      (s) => {
        const unready = { failure: 'repo-missing', message: 'no repository at /x', mend: 'Look.', at: at(-1000) };
        s.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], unready };
      },
      'api: no repository at /x',
      NOW - 1000 + UNREADY_RETRY_MS,
    ],
    [
      'meets a closed gate',
      (s) => {
        s.gates.account = { reason: 'log in', at: at(-1), figures: {} };
      },
      'gate account closed: log in',
    ],
    [
      'meets the usage limit',
      (s) => {
        s.gates['usage-limit'] = { reason: 'limit reached', at: at(-1), figures: {}, until: at(90_000) };
      },
      'gate usage-limit closed: limit reached',
      NOW + 90_000,
    ],
  ])('waits and says why when it %s', (_, change, why, untilMs) => {
    const { start, wait } = decide(situation({ change }));
    expect(start).toEqual([]);
    expect(wait).toEqual([{ session: 'alpha', why, ...(untilMs === undefined ? {} : { untilMs }) }]);
  });

  it('waits when its file says so', () => {
    const { wait } = decide(situation({ sessions: [sessionOf('alpha', { paused: true })] }));
    expect(wait).toEqual([{ session: 'alpha', why: 'paused in sessions/alpha.md' }]);
  });

  it('waits until midnight UTC when its own or its project’s budget of the day is spent', () => {
    const change = (s: State) => {
      s.days['2026-03-14'] = { costUsd: 3, bySession: { alpha: 3 }, byProject: { api: 3 }, counts: {} };
    };
    const midnight = Date.parse('2026-03-15T00:00:00Z');
    expect(decide(situation({ change, config: configOf({ gates: { budgetPerSessionPerDayUsd: 3 } }) })).wait).toEqual([
      { session: 'alpha', why: 'its budget of $3.00 for today is spent', untilMs: midnight },
    ]);
    expect(decide(situation({ change, config: configOf({ gates: { budgetPerProjectPerDayUsd: 3 } }) })).wait).toEqual([
      { session: 'alpha', why: 'the budget of api for today ($3.00) is spent', untilMs: midnight },
    ]);
    expect(
      decide(situation({ change, now: midnight, config: configOf({ gates: { budgetPerSessionPerDayUsd: 3 } }) })).start,
    ).toEqual([{ session: 'alpha' }]);
  });

  it('waits as well when what is left of its budget pays for no run: a cycle would find out only in its middle', () => {
    const change = (s: State) => {
      s.days['2026-03-14'] = { costUsd: 3, bySession: { alpha: 2.985 }, byProject: { api: 2.975 }, counts: {} };
    };
    const of = (gates: Partial<Config['gates']>) => decide(situation({ change, config: configOf({ gates }) }));
    expect(of({ budgetPerSessionPerDayUsd: 3 }).start).toEqual([]);
    expect(of({ budgetPerProjectPerDayUsd: 3 }).start).toEqual([{ session: 'alpha' }]);
  });

  it('has its own rhythm before that of the schedule', () => {
    const config = configOf();
    const state = stateOf((s) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-60_000) });
    });
    expect(dueAt(sessionOf('alpha', { everyMs: 60_000 }), state, config, NOW)).toBe(NOW);
    expect(dueAt(alpha, state, config, NOW)).toBe(NOW - 60_000 + config.schedule.cycle);
    expect(dueAt(beta, state, config, NOW)).toBe(0);
  });

  it('is unparked and started when its time is over', () => {
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { parked: { until: at(0), reason: 'it crashed', failure: 'crashed' } });
    };
    expect(decide(situation({ change }))).toMatchObject({
      unpark: [{ session: 'alpha', reason: 'the time it was parked for is over' }],
      start: [{ session: 'alpha' }],
    });
  });

  it('tries a project again when it was left alone for long enough', () => {
    const change = (s: State) => {
      const unready = { failure: 'repo-missing', message: 'm', mend: 'M.', at: at(-UNREADY_RETRY_MS) };
      s.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], unready };
    };
    expect(decide(situation({ change })).start).toEqual([{ session: 'alpha' }]);
  });

  it('does not wait for years when the clock of the machine was set back', () => {
    const year = 365 * 86_400_000;
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(year) });
      const unready = { failure: 'repo-missing', message: 'm', mend: 'M.', at: at(year) };
      s.projects.api = { name: 'api', flaky: {}, recent: [], landings: [], unready };
    };
    expect(decide(situation({ change })).start).toEqual([{ session: 'alpha' }]);
  });

  it('does not rest for years when the clock was set back after it was parked', () => {
    const year = 365 * 86_400_000;
    const change = (s: State) => {
      const parked = { until: at(year + 300_000), reason: 'it crashed', failure: 'crashed' };
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(year), parked });
    };
    expect(decide(situation({ change }))).toMatchObject({
      unpark: [{ session: 'alpha', reason: 'the clock was set back since it was parked' }],
      start: [{ session: 'alpha' }],
    });
  });
});

describe('tasks', () => {
  it('go by priority and then by age', () => {
    const tasks = [
      taskOf('a', { priority: 'low', queuedAt: at(-9000) }),
      taskOf('b', { queuedAt: at(-10) }),
      taskOf('c', { queuedAt: at(-20) }),
      taskOf('d', { priority: 'urgent', queuedAt: at(-1) }),
      taskOf('e', { priority: 'high', queuedAt: at(-5) }),
      taskOf('g', { priority: 'high', queuedAt: at(-5) }),
      taskOf('f', { state: 'assigned', priority: 'urgent' }),
    ];
    const state = stateOf((s) => {
      for (const task of tasks) s.tasks[task.id] = task;
    });
    expect(queuedTasks(state).map(({ id }) => id)).toEqual(['d', 'e', 'g', 'c', 'b', 'a']);
  });

  it('start a session before its time', () => {
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-1000) });
      s.tasks.t = taskOf('t');
    };
    expect(decide(situation({ change })).start).toEqual([{ session: 'alpha', task: 't' }]);
  });

  it('go before cycles by schedule when there is room for one only', () => {
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-7_200_000) });
      s.sessions.beta = knownOf('beta', { lastCycleAt: at(-3_600_000) });
      s.tasks.t = taskOf('t', { session: 'beta' });
    };
    const config = configOf({ gates: { maxSessions: 1 } });
    const { start, wait } = decide(situation({ change, config, sessions: [alpha, beta] }));
    expect(start).toEqual([{ session: 'beta', task: 't' }]);
    expect(wait).toEqual([{ session: 'alpha', why: 'one cycle is running, which is the most allowed' }]);
  });

  it('go to the session that has waited longest, each to one, and what is left waits', () => {
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-1000) });
      s.sessions.beta = knownOf('beta', { lastCycleAt: at(-2000) });
      for (const id of ['t1', 't2', 't3']) s.tasks[id] = taskOf(id);
    };
    expect(decide(situation({ change, sessions: [alpha, beta] })).start).toEqual([
      { session: 'beta', task: 't1' },
      { session: 'alpha', task: 't2' },
    ]);
  });

  it('are not given to another project or to another session than was asked for', () => {
    expect(fits(taskOf('t', { project: 'web' }), alpha)).toBe(false);
    expect(fits(taskOf('t', { session: 'beta' }), alpha)).toBe(false);
    expect(fits(taskOf('t', { session: 'alpha' }), alpha)).toBe(true);
    expect(fits(taskOf('t'), alpha)).toBe(true);
  });

  it('wait with the reason of the gate, not with that of the schedule', () => {
    const change = (s: State) => {
      s.sessions.alpha = knownOf('alpha', { lastCycleAt: at(-1000) });
      s.tasks.t = taskOf('t');
    };
    const { wait } = decide(situation({ change, facts: { ...roomy, stopFile: true } }));
    expect(wait).toEqual([{ session: 'alpha', why: 'gate stop-file closed: .winnow/STOP exists; delete it to go on' }]);
  });
});

describe('memory', () => {
  /** So much is free below the gate of 85 %. */
  const free = (bytes: number): MachineFacts => ({
    ...roomy,
    memoryTotalBytes: 10 * GIB,
    memoryUsedShare: 0.85 - bytes / (10 * GIB),
  });

  it('is kept for the cycles that this very decision starts', () => {
    const facts = free(1.5 * MEMORY_PREDICTED_BYTES);
    const { start, wait } = decide(situation({ facts, sessions: [alpha, beta, gamma] }));
    expect(start).toEqual([{ session: 'alpha' }]);
    expect(wait).toEqual([
      { session: 'beta', why: 'memory: it is expected to need 600 MB, 300 MB are free below the gate' },
      {
        session: 'gamma',
        why: 'memory: what becomes free is kept for beta, which has waited for a whole turn',
      },
    ]);
  });

  it('is kept for cycles that have only begun, and not twice for those that are at work', () => {
    const facts = free(1.5 * MEMORY_PREDICTED_BYTES);
    const starts = (phase: 'read' | 'hack') =>
      decide(
        situation({ facts, sessions: [alpha, beta], change: (s) => withRunning(s, runningOf('alpha', { phase })) }),
      ).start;
    expect(starts('read')).toEqual([]);
    expect(starts('hack')).toEqual([{ session: 'beta' }]);
  });

  it('is reserved by what the session was seen to use', () => {
    const facts = free(2 * GIB);
    const change = (s: State) => {
      withRunning(s, runningOf('alpha'));
      s.sessions.beta = knownOf('beta', { memoryBytes: 3 * GIB, lastCycleAt: at(-20 * 60_000) });
      s.sessions.gamma = knownOf('gamma', { memoryBytes: GIB, lastCycleAt: at(-16 * 60_000) });
    };
    expect(decide(situation({ facts, change, sessions: [alpha, beta, gamma] })).start).toEqual([{ session: 'gamma' }]);
  });

  it.each<[what: string, lastCycleAt: string | undefined, started: string[]]>([
    ['is due, and is overtaken by whoever needs less', at(-29 * 60_000), ['gamma']],
    ['has missed a whole turn, and is overtaken no longer', at(-30 * 60_000), []],
    ['never had one, and is not overtaken', undefined, []],
  ])('that is not enough for a session: it %s', (_, lastCycleAt, started) => {
    const change = (s: State) => {
      withRunning(s, runningOf('alpha'));
      s.sessions.beta = knownOf('beta', { memoryBytes: 3 * GIB, ...(lastCycleAt ? { lastCycleAt } : {}) });
      s.sessions.gamma = knownOf('gamma', { memoryBytes: GIB, lastCycleAt: at(-16 * 60_000) });
    };
    const { start } = decide(situation({ facts: free(2 * GIB), change, sessions: [alpha, beta, gamma] }));
    expect(start.map(({ session }) => session)).toEqual(started);
  });

  it('starves nobody: who needs much gets a turn among many that need little and are always due', () => {
    const small = Array.from({ length: 5 }, (_, n) => sessionOf(`small-${n}`));
    const sessions = [...small, sessionOf('big')];
    const bytesOf = (name: string): number => (name === 'big' ? 1.5 * GIB : 0.3 * GIB);
    const state = stateOf((s) => {
      for (const { name } of sessions) {
        // All but the one that needs much have just begun: it never finds the machine empty.
        const cycle = runningOf(name, { startedAt: at(0) });
        if (name !== 'big') withRunning(s, cycle);
        else s.sessions.big = knownOf(name, { lastCycleAt: at(0) });
        s.sessions[name]!.memoryBytes = bytesOf(name);
      }
    });
    const config = { ...configOf(), schedule: { ...configOf().schedule, cycle: 60_000 } };
    const turns: Record<string, number> = {};
    // Every two minutes the oldest of the running cycles ends: never do all of them at once.
    for (let now = NOW; now < NOW + 3 * 3_600_000; now += 2 * 60_000) {
      const [oldest] = Object.values(state.running).sort((a, b) => a.startedAt.localeCompare(b.startedAt));
      if (oldest) {
        delete state.running[oldest.cycle];
        delete state.sessions[oldest.session]!.running;
        state.sessions[oldest.session]!.lastCycleAt = new Date(now).toISOString();
      }
      const used = Object.values(state.running).reduce((sum, { session }) => sum + bytesOf(session), 0);
      const { start } = decide({ ...situation({ facts: free(1.6 * GIB - used), sessions }), config, state, now });
      for (const { session } of start) {
        withRunning(state, runningOf(session, { startedAt: new Date(now).toISOString() }));
        state.sessions[session]!.memoryBytes = bytesOf(session);
        turns[session] = (turns[session] ?? 0) + 1;
      }
    }
    expect(turns.big).toBeGreaterThanOrEqual(5);
    for (const { name } of small) expect(turns[name]).toBeGreaterThanOrEqual(5);
  });

  it('never stops a lone cycle while the gate is open: a small machine still works', () => {
    expect(decide(situation({ facts: free(1) })).start).toEqual([{ session: 'alpha' }]);
  });
});

describe('gates in a decision', () => {
  it('are closed once and opened once', () => {
    const stopped = { ...roomy, stopFile: true };
    const closed = stateOf((s) => {
      s.gates['stop-file'] = { reason: 'there', at: at(-1), figures: {} };
    });
    expect(decide(situation({ facts: stopped })).close.map(({ gate }) => gate)).toEqual(['stop-file']);
    expect(decide(situation({ facts: stopped, state: closed })).close).toEqual([]);
    expect(decide(situation({ state: closed })).open).toEqual(['stop-file']);
    expect(decide(situation({ state: closed })).start).toEqual([{ session: 'alpha' }]);
    expect(decide(situation()).open).toEqual([]);
  });
});

describe('whatever the situation', () => {
  const always = (property: (input: ScheduleInput) => void): void =>
    fc.assert(fc.property(anySituation, property), { numRuns: 300 });
  const running = (input: ScheduleInput) => Object.keys(input.state.running).length;

  it('the situations tried hold starts and waits of every kind', () => {
    const decisions = fc.sample(anySituation, { numRuns: 500, seed: 1 }).map(decide);
    const whys = new Set(decisions.flatMap(({ wait }) => wait.map(({ why }) => why.split(/[ :]/)[0])));
    for (const why of ['gate', 'memory', 'parked', 'paused', 'waits', 'everything', 'a', 'its', 'the', 'web']) {
      expect(whys).toContain(why);
    }
    expect(decisions.filter(({ start }) => start.length > 1).length).toBeGreaterThan(20);
    expect(decisions.filter(({ start }) => start.some(({ task }) => task)).length).toBeGreaterThan(20);
    expect(decisions.filter(({ unpark }) => unpark.length > 0).length).toBeGreaterThan(5);
  });

  it('never more cycles than allowed run', () => {
    always((input) => {
      const { start } = decide(input);
      expect(start.length).toBeLessThanOrEqual(Math.max(0, input.config.gates.maxSessions - running(input)));
    });
  });

  it('every session either starts or waits, and only one of both', () => {
    always((input) => {
      const { start, wait } = decide(input);
      const told = [...start, ...wait].map(({ session }) => session).sort();
      expect(told).toEqual(input.sessions.map(({ name }) => name).sort());
    });
  });

  /** Or it was parked at a moment that is still to come, by a clock that was set back since. */
  const isOver = (known: State['sessions'][string] | undefined): boolean =>
    Date.parse(known?.parked?.until ?? '') <= NOW || Date.parse(known?.lastCycleAt ?? '') > NOW;

  it('none starts that is running, paused, or parked for longer', () => {
    always((input) => {
      for (const { session: name } of decide(input).start) {
        const known = input.state.sessions[name];
        expect(input.sessions.find((s) => s.name === name)?.paused).toBe(false);
        expect(input.state.paused).toBeUndefined();
        expect(known?.pausedBy).toBeUndefined();
        expect(Object.values(input.state.running).some(({ session }) => session === name)).toBe(false);
        if (known?.parked) expect(isOver(known)).toBe(true);
      }
    });
  });

  it('exactly those are unparked whose time is over and who are not held back otherwise', () => {
    always((input) => {
      const { start, unpark } = decide(input);
      for (const { session } of unpark) {
        expect(isOver(input.state.sessions[session])).toBe(true);
      }
      const unparked = unpark.map(({ session }) => session);
      for (const { session } of start) {
        expect(unparked.includes(session)).toBe(input.state.sessions[session]?.parked !== undefined);
      }
    });
  });

  it('a task goes to one session that fits it, and none before a more pressing one that the session could take', () => {
    always((input) => {
      const { start } = decide(input);
      const given = start.flatMap(({ session, task }) => (task === undefined ? [] : [{ session, task }]));
      expect(new Set(given.map(({ task }) => task)).size).toBe(given.length);
      const waiting = Object.values(input.state.tasks).filter(
        (task) => task.state === 'queued' && !given.some((one) => one.task === task.id),
      );
      for (const { session: name, task: id } of start) {
        const session = input.sessions.find((s) => s.name === name)!;
        const mine = id === undefined ? undefined : input.state.tasks[id];
        if (mine) expect(mine.state === 'queued' && fits(mine, session)).toBe(true);
        for (const other of waiting) if (fits(other, session)) expect(mine && morePressing(mine, other)).toBe(true);
      }
    });
  });

  const morePressing = (a: Task, b: Task): boolean => {
    const [left, right] = [a, b].map(({ priority }) => PRIORITIES.indexOf(priority));
    if (left !== right) return left! < right!;
    return a.queuedAt === b.queuedAt ? a.id < b.id : a.queuedAt < b.queuedAt;
  };

  it('no session starts without a task before its time', () => {
    always((input) => {
      for (const { session: name, task } of decide(input).start) {
        const session = input.sessions.find((s) => s.name === name)!;
        if (!task) expect(dueAt(session, input.state, input.config, NOW)).toBeLessThanOrEqual(NOW);
      }
    });
  });

  it('a closed gate starts nothing', () => {
    always((input) => {
      const shut = readGates(input.state, input.config, input.facts, NOW).some(({ closed }) => closed);
      if (shut) expect(decide(input).start).toEqual([]);
    });
  });

  it('a gate is closed or opened only when that changes something', () => {
    always((input) => {
      const { close, open } = decide(input);
      for (const { gate } of close) expect(input.state.gates[gate]).toBeUndefined();
      for (const gate of open) expect(input.state.gates[gate]).toBeDefined();
    });
  });

  it('cycles that start together fit below the memory gate, but for a lone one', () => {
    always((input) => {
      const { start } = decide(input);
      if (start.length === 0 || running(input) + start.length === 1) return;
      const { memoryUsedShare, memoryTotalBytes } = input.facts;
      const needed = start.reduce(
        (sum, { session }) => sum + (input.state.sessions[session]?.memoryBytes ?? MEMORY_PREDICTED_BYTES),
        0,
      );
      const free = (input.config.gates.memory - memoryUsedShare) * memoryTotalBytes;
      expect(needed).toBeLessThanOrEqual(free + 1);
    });
  });

  it('every wait says why, and a time that is not over', () => {
    always((input) => {
      for (const { why, untilMs } of decide(input).wait) {
        expect(why.trim()).not.toBe('');
        expect(why).not.toMatch(/undefined|NaN|\[object/);
        if (untilMs !== undefined) expect(untilMs).toBeGreaterThan(NOW);
      }
    });
  });

  it('the order in which sessions are listed changes nothing', () => {
    always((input) => {
      const there = decide(input);
      const back = decide({ ...input, sessions: [...input.sessions].reverse() });
      expect(back.start).toEqual(there.start);
      expect(new Set(back.wait.map(({ session, why }) => session + why))).toEqual(
        new Set(there.wait.map(({ session, why }) => session + why)),
      );
    });
  });

  it('deciding changes nothing and comes twice to the same', () => {
    always((input) => {
      const before = JSON.stringify(input);
      const first = decide(input);
      expect(decide(input)).toEqual(first);
      expect(JSON.stringify(input)).toBe(before);
    });
  });
});
