import { describe, expect, it } from 'vitest';
import { UNTIL_RESUMED } from '../../src/model/crew.ts';
import { emptyState, type SessionState, type State } from '../../src/model/state.ts';
import { type Avoid, avoidedBy, avoidNow } from '../../src/policy/avoid.ts';
import type { Finding, PastCycle } from '../../src/policy/classify.ts';
import { decide, heldBack, type ScheduleInput } from '../../src/policy/schedule.ts';
import { afterCycle, parkFor, type TreatInput, treat } from '../../src/policy/treat.ts';
import { at, configOf, knownOf, NOW, roomy, sessionOf, taskOf } from './situations.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ERROR = 'breaks: tests: sum.test.ts > adds';
const OTHER = 'breaks: tests: parse.test.ts > parses';

const miss = (agoMs: number, more: Partial<PastCycle> = {}): PastCycle => ({
  cycle: `C${agoMs}`,
  startedMs: NOW - agoMs - MINUTE,
  endedMs: NOW - agoMs,
  outcome: 'discarded',
  reason: 'breaks 1 test',
  files: [],
  broken: ['tests: sum.test.ts > adds'],
  flaky: 0,
  ...more,
});

const loop: Finding = {
  ...{ session: 'alpha', class: 'error-looping', rule: 'loop', evidence: [], signature: ERROR },
  about: [30, 20, 10].map((minutes) => miss(minutes * MINUTE)),
};
const stuck: Finding = {
  ...{ session: 'alpha', class: 'stuck', rule: 'unkept', evidence: [] },
  about: [50, 40, 30, 20, 10].map((minutes) => miss(minutes * MINUTE)),
};

const input = (finding: Finding, known: Partial<SessionState> = {}, more: Partial<TreatInput> = {}): TreatInput => ({
  finding,
  state: { ...emptyState(), sessions: { alpha: knownOf('alpha', known) } },
  paused: false,
  stuckAfter: 5,
  parksPerDay: 3,
  redirectedMs: 0,
  now: NOW,
  ...more,
});

const scheduled = (change: Partial<State>, names = ['alpha']): ScheduleInput => ({
  state: { ...emptyState(), ...change },
  config: configOf(),
  sessions: names.map((name) => sessionOf(name)),
  facts: roomy,
  now: NOW,
});

const parks = (...agoHours: number[]) => agoHours.map((hours) => ({ at: at(-hours * HOUR), signature: ERROR }));

describe('a session that loops', () => {
  it.each<[parksToday: number[], restMinutes: number | 'a person']>([
    [[], 30],
    [[25], 30],
    [[3], 60],
    [[25, 3], 60],
    [[5, 3], 'a person'],
    [[9, 5, 3], 'a person'],
  ])('after parks %j hours ago rests %s minutes', (hours, rest) => {
    const treated = treat(input({ ...loop, about: [miss(MINUTE)] }, { parks: parks(...hours) }));
    const until = rest === 'a person' ? UNTIL_RESUMED : at(rest * MINUTE);
    expect(treated).toMatchObject({ do: 'park', until, escalate: rest === 'a person', signature: ERROR });
  });

  it('rests twice as long each time, half a day at most', () => {
    const rests = [0, 1, 2, 3, 4, 5, 6].map((count) => {
      const known = knownOf('alpha', { parks: parks(...Array.from({ length: count }, () => 1)) });
      const { until } = parkFor(known, { signature: ERROR, said: 'again', parksPerDay: 100, now: NOW });
      return (Date.parse(until) - NOW) / MINUTE;
    });
    expect(rests).toEqual([30, 60, 120, 240, 480, 720, 720]);
  });

  it.each<[what: string, known: Partial<SessionState>, why: string]>([
    [
      'it rests for it',
      { parked: { until: at(HOUR), reason: '', failure: '', signature: ERROR } },
      'it is parked for it',
    ],
    ['its probe comes next', { probation: { signature: ERROR } }, 'its next cycle is the probe'],
    [
      'nothing was said since its rest',
      { parks: [{ at: at(-5 * MINUTE), signature: ERROR }] },
      'no cycle since its last rest has said anything',
    ],
  ])('is left alone while %s', (_, known, why) => {
    expect(treat(input(loop, known))).toEqual({ do: 'none', why });
  });

  it('rests no shorter than it would have after plain failures', () => {
    const parked = { until: at(6 * HOUR), reason: 'failed', failure: 'crashed' };
    expect(treat(input(loop, { parked }))).toMatchObject({ do: 'park', until: at(6 * HOUR) });
  });

  it('is not touched when it is paused', () => {
    expect(treat(input(loop, {}, { paused: true }))).toMatchObject({
      do: 'none',
      why: expect.stringContaining('paused'),
    });
  });
});

describe('the end of a cycle', () => {
  const ending = (broken: string[]) => ({ outcome: 'discarded' as const, reason: 'breaks 1 test', broken });
  const same = ending(['tests: sum.test.ts > adds']);
  const other = ending(['tests: parse.test.ts > parses']);
  const kept = { outcome: 'pushed' as const, reason: 'better' };
  const cut = { outcome: 'interrupted' as const, reason: 'stopped' };
  const outside = { outcome: 'failed' as const, reason: 'overloaded', failure: 'overloaded' };
  const probe = { probation: { signature: ERROR }, parks: parks(2) };
  const parked = { parked: { until: at(HOUR), reason: '', failure: 'error-looping', signature: ERROR } };
  const forGood = { parked: { ...parked.parked, until: UNTIL_RESUMED } };

  it.each<
    [what: string, known: Partial<SessionState>, end: Parameters<typeof afterCycle>[1], told: object | undefined]
  >([
    [
      'a probe that meets the same error rests at once, for longer',
      probe,
      same,
      { do: 'park', until: at(HOUR), escalate: false },
    ],
    ['a probe that meets another error is well', probe, other, undefined],
    ['a probe that is kept is well', probe, kept, undefined],
    ['a probe that is interrupted says nothing', probe, cut, undefined],
    [
      'the last probe of the day asks a person',
      { ...probe, parks: parks(5, 2) },
      same,
      { until: UNTIL_RESUMED, escalate: true },
    ],
    ['a cycle that ran while it was parked and is kept ends the rest', parked, kept, { do: 'unpark' }],
    ['one that met another error does too', parked, other, { do: 'unpark' }],
    ['one that met the same does not', parked, same, undefined],
    ['one that was cut off does not', parked, cut, undefined],
    ['one that met the service’s fault does not', parked, outside, undefined],
    ['what waits for a person is ended by a person', forGood, kept, undefined],
    ['without a park nothing follows', {}, same, undefined],
    [
      'a plain park is none of the doctor’s',
      { parked: { until: at(HOUR), reason: '', failure: 'crashed' } },
      kept,
      undefined,
    ],
  ])('%s', (_, known, end, told) => {
    const said = afterCycle(knownOf('alpha', known), end, { parksPerDay: 3, now: NOW });
    if (told === undefined) expect(said).toBeUndefined();
    else expect(said).toMatchObject(told);
  });
});

describe('a session that is stuck', () => {
  it('is told what it tried, which files it came back to, and which tasks go to others', () => {
    const about = [
      miss(50 * MINUTE, { title: 'Round up', files: ['sum.js', 'a.js'], task: { id: 'T1', closed: false } }),
      miss(40 * MINUTE, { title: 'Round down', files: ['sum.js'] }),
      miss(30 * MINUTE, { title: 'Round up', files: ['b.js'] }),
      miss(20 * MINUTE, { files: ['parse.js'], task: { id: 'T2', closed: false } }),
      miss(10 * MINUTE, { files: ['parse.js', 'sum.js'] }),
    ];
    const state = {
      ...emptyState(),
      tasks: {
        T1: taskOf('T1', { origin: 'standup', session: 'alpha' }),
        T2: taskOf('T2', { origin: 'person', session: 'alpha' }),
        T3: taskOf('T3', { origin: 'standup', session: 'alpha' }),
      },
    };
    expect(treat({ ...input({ ...stuck, about }), state })).toEqual({
      do: 'redirect',
      reason: '5 cycles in a row without anything kept',
      titles: ['Round up', 'Round down'],
      files: ['sum.js', 'parse.js'],
      tasks: ['T1'],
    });
  });

  it.each<[agoMinutes: number, told: object]>([
    [60, { do: 'redirect' }],
    [45, { do: 'none', why: 'it was told to turn to something else; 4 cycles since' }],
    [15, { do: 'none', why: 'it was told to turn to something else; one cycle since' }],
    [5, { do: 'none', why: 'it was told to turn to something else; 0 cycles since' }],
  ])('and was told so %d minutes ago is told again only after as many misses more', (ago, told) => {
    expect(treat(input(stuck, {}, { redirectedMs: NOW - ago * MINUTE }))).toMatchObject(told);
  });
});

it.each(['productive', 'idle'] as const)('a session that is %s gets no treatment', (is) => {
  expect(treat(input({ ...loop, class: is }))).toEqual({ do: 'none', why: '' });
});

describe('a plan of a session that has to turn to something else', () => {
  const avoid: Avoid = {
    at: at(-HOUR),
    titles: ['Round the sum of prices up'],
    files: ['src/sum.ts', 'src/round.ts'],
    tasks: ['T1'],
    reason: '5 cycles in a row without anything kept',
  };
  it.each<[sent: boolean, title: string, files: string[]]>([
    [true, 'Round the sum of prices up', []],
    [true, 'Round the sum of all prices up', ['src/other.ts']],
    [true, 'Mend the sum', ['src/sum.ts']],
    [true, 'Mend the sum', ['./src//sum.ts', 'src/sum.test.ts']],
    [false, 'Mend the sum in passing', ['src/a.ts', 'src/b.ts', 'src/sum.ts']],
    [false, 'Test the parser', ['src/parse.ts']],
    [false, 'Test the parser', []],
  ])('sent back: %s, “%s” on %j', (sent, title, files) => {
    expect(avoidedBy({ title, files }, avoid) !== undefined).toBe(sent);
  });

  it('is free again when what happened no longer counts', () => {
    expect(avoidNow(avoid, 2 * HOUR, NOW)).toBe(avoid);
    expect(avoidNow(avoid, HOUR, NOW)).toBeUndefined();
    expect(avoidNow(undefined, HOUR, NOW)).toBeUndefined();
  });

  it('does not get the task that it could not do, and another session does', () => {
    const two = scheduled({ sessions: { alpha: knownOf('alpha', { avoid }) }, tasks: { T1: taskOf('T1') } }, [
      'alpha',
      'beta',
    ]);
    expect(decide(two).start).toContainEqual({ session: 'beta', task: 'T1' });
    const one = { ...two, sessions: [sessionOf('alpha')] };
    expect(decide(one).start).toEqual([{ session: 'alpha' }]);
    const later = { ...one, now: NOW + configOf().doctor.window };
    expect(decide(later).start).toEqual([{ session: 'alpha', task: 'T1' }]);
  });
});

describe('what holds a session back', () => {
  const held = (change: Partial<State>) => heldBack(sessionOf('alpha'), scheduled(change));
  const known = (more: Partial<SessionState>): Partial<State> => ({ sessions: { alpha: knownOf('alpha', more) } });

  it('is nothing when it could begin', () => {
    expect(held({})).toBeUndefined();
  });

  it.each<[what: string, change: Partial<State>, why: RegExp]>([
    ['a person', known({ pausedBy: 'mia' }), /paused by mia/],
    ['a pause of all', { paused: { by: 'mia', reason: '', at: at(0) } }, /everything is paused/],
    ['a park', known({ parked: { until: at(HOUR), reason: 'it failed', failure: '' } }), /parked: it failed/],
    [
      'a park for a person',
      known({ parked: { until: UNTIL_RESUMED, reason: 'it loops', failure: '' } }),
      /parked: it loops/,
    ],
    ['a gate', { gates: { account: { reason: 'no login', at: at(0), figures: {} } } }, /gate account closed/],
  ])('is %s', (_, change, why) => {
    expect(held(change)).toMatch(why);
  });
});

it('another error is another loop', () => {
  expect(
    afterCycle(
      knownOf('alpha', { probation: { signature: OTHER } }),
      { outcome: 'discarded', reason: 'x', broken: ['tests: sum.test.ts > adds'] },
      { parksPerDay: 3, now: NOW },
    ),
  ).toBeUndefined();
});
