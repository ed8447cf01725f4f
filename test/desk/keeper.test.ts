import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { ok } from '../../src/base/result.ts';
import { type Keeper, keepRole, type StartedParts } from '../../src/desk/keeper.ts';
import { unpark } from '../../src/desk/pause.ts';
import type { AtWork } from '../../src/desk/role-at-work.ts';
import { FailureError, failed, failure } from '../../src/model/failure.ts';
import { until } from '../journal/workbench.ts';
import { openPlace, type Place } from './place.ts';

/** One role over a real journal; only its waits are told instead of waited for. */
let place: Place;
let stop: AbortController;
let told: string[];
let waitsMs: number[];
let parkedTimes: number;
const keepers: Keeper[] = [];

beforeEach(() => {
  place = openPlace();
  stop = new AbortController();
  told = [];
  waitsMs = [];
  parkedTimes = 0;
});
afterEach(async () => {
  stop.abort();
  for (const keeper of keepers.splice(0)) await keeper.idle();
  await place.close();
});

const clock = (): Clock => ({
  ...place.counter.clock,
  sleep: async (ms) => {
    waitsMs.push(ms);
    await new Promise(setImmediate);
  },
});

const keep = (start: (signal: AbortSignal, fail: (error: unknown) => void) => StartedParts): Keeper => {
  const { journal } = place.counter;
  const keeper = keepRole({
    ...{ role: 'reviewer', pid: process.pid, journal, clock: clock(), signal: stop.signal, start },
    tell: (line) => told.push(line),
    onParked: () => {
      parkedTimes += 1;
    },
  });
  keepers.push(keeper);
  return keeper;
};

const part = (more: Partial<AtWork> = {}): AtWork => ({ stop: () => {}, idle: async () => {}, ...more });

const types = (): string[] => place.counter.journal.tail(100).map(({ type }) => type);
const has = (type: string, times = 1) => until(() => types().filter((t) => t === type).length >= times, type);

describe('a role', () => {
  it('that begins is at work, is stopped with the factory, and is waited for', async () => {
    const seen: string[] = [];
    let end: () => void = () => {};
    const keeper = keep(async function* () {
      yield ok(
        part({
          stop: () => void seen.push('stop'),
          idle: () =>
            new Promise((resolve) => {
              end = () => resolve();
            }),
        }),
      );
    });
    expect(await keeper.begun).toBe(true);
    stop.abort();
    let idle = false;
    const done = keeper.idle().then(() => {
      idle = true;
    });
    await until(() => seen.length === 1, 'the stop');
    expect(idle).toBe(false);
    end();
    await done;
    expect(types()).toEqual([]);
  });

  it('that fails at work is stopped and begins again later, while what ran goes on to its end', async () => {
    const signals: AbortSignal[] = [];
    const fails: ((error: unknown) => void)[] = [];
    const stopped: number[] = [];
    const ends: (() => void)[] = [];
    const keeper = keep(async function* (signal, fail) {
      const n = signals.push(signal);
      fails.push(fail);
      yield ok(
        part({ stop: () => void stopped.push(n), idle: () => new Promise((resolve) => ends.push(() => resolve())) }),
      );
    });
    await keeper.begun;
    fails[0]!(new Error('the queue is a directory'));
    await has('role_started');
    expect(stopped).toEqual([1]);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
    ends[0]!();
    await until(() => signals[0]!.aborted, 'the end of the first');
    expect(signals[1]!.aborted).toBe(false);
    expect(place.ofType('role_failed').map(({ data }) => data.reason)).toEqual(['the queue is a directory']);
    expect(waitsMs).toEqual([2_000]);
    stop.abort();
    await until(() => ends.length === 2, 'the stop');
    ends[1]!();
  });

  it('of which a later part throws stops what had begun', async () => {
    const stops: string[] = [];
    let begins = 0;
    keep(async function* () {
      begins += 1;
      yield ok(part({ stop: () => void stops.push('stop') }));
      if (begins === 1) throw new Error('no');
    });
    await has('role_started');
    expect(stops).toEqual(['stop']);
  });

  it('that fails five times parks, tells it once, and begins again when a person says so', async () => {
    let begins = 0;
    let sick = true;
    const keeper = keep(async function* () {
      begins += 1;
      if (sick) throw new Error(`failure ${begins}`);
      yield ok(part());
    });
    expect(await keeper.begun).toBe(false);
    await has('alert');
    await until(() => keeper.isParked(), 'the park');
    expect({ begins, parkedTimes }).toEqual({ begins: 5, parkedTimes: 1 });
    expect(waitsMs).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(place.ofType('role_parked').map(({ data }) => data)).toEqual([
      { role: 'reviewer', failures: 5, reason: 'failure 5' },
    ]);
    expect(place.ofType('alert').map(({ data }) => data)).toEqual([
      {
        message: 'role reviewer is parked: 5 failures within 15 minutes, the last: failure 5',
        mend: 'Read logs/winnow.log for why, then `winnow resume --role reviewer`.',
      },
    ]);
    expect(unpark(place.counter, ['http'], 'mia')).toEqual({ ok: true, value: 'role http is not parked' });
    expect(keeper.isParked()).toBe(true);
    sick = false;
    unpark(place.counter, ['reviewer'], 'mia');
    await has('role_started');
    expect(keeper.isParked()).toBe(false);
    expect(place.ofType('role_unparked').map(({ data }) => data)).toEqual([{ role: 'reviewer', by: 'mia' }]);
    expect(place.counter.journal.state().roles.reviewer).toBeUndefined();
  });

  it('that the world refuses is told once and tried again, and never parks', async () => {
    let begins = 0;
    const keeper = keep(async function* () {
      begins += 1;
      if (begins === 3) throw new FailureError(failure('disk-full', 'the disk is full'));
      yield begins < 9 ? failed('address-taken', 'port 7420 is taken') : ok(part());
    });
    expect(await keeper.begun).toBe(false);
    await has('role_started');
    expect(types()).toEqual(['role_started']);
    expect(waitsMs).toEqual([2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1000));
    expect(told.map((line) => line.split('.')[0])).toEqual([
      'role reviewer cannot begin: port 7420 is taken',
      'role reviewer cannot begin: the disk is full',
      'role reviewer cannot begin: port 7420 is taken',
    ]);
  });
});
