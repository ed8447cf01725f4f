import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/model/config.ts';
import type { GateName } from '../../src/model/entry.ts';
import type { State } from '../../src/model/state.ts';
import { dayKey, type GateReading, type MachineFacts, readGates, startOfNextDay } from '../../src/policy/gates.ts';
import { at, configOf, GIB, NOW, roomy, stateOf } from './situations.ts';

interface Look {
  change?: (state: State) => void;
  facts?: Partial<MachineFacts>;
  config?: Config;
  now?: number;
}

const read = (gate: GateName, { change, facts, config = configOf(), now = NOW }: Look = {}): GateReading =>
  readGates(stateOf(change), config, { ...roomy, ...facts }, now).find((reading) => reading.gate === gate)!;

const closed =
  (gate: GateName, more: { at?: string; until?: string; reason?: string } = {}) =>
  (state: State): void => {
    state.gates[gate] = { reason: 'so', at: at(-60_000), figures: {}, ...more };
  };

const spent =
  (costUsd: number, day = '2026-03-14') =>
  (state: State): void => {
    state.days[day] = { costUsd, bySession: {}, byProject: {}, counts: {} };
  };

describe('every gate', () => {
  it('is open on a quiet machine', () => {
    expect(readGates(stateOf(), configOf(), roomy, NOW).filter((reading) => reading.closed)).toEqual([]);
  });

  it('is read once', () => {
    const gates = readGates(stateOf(), configOf(), roomy, NOW).map(({ gate }) => gate);
    expect(new Set(gates).size).toBe(gates.length);
  });
});

describe('the memory gate', () => {
  it.each<[used: number, wasClosed: boolean, isClosed: boolean]>([
    [0.85, false, false],
    [0.851, false, true],
    [0.84, true, true],
    [0.801, true, true],
    [0.8, true, false],
    [0.84, false, false],
  ])('at %d of the memory, closed before: %s, is closed: %s', (memoryUsedShare, wasClosed, isClosed) => {
    const change = wasClosed ? closed('memory') : undefined;
    expect(read('memory', { facts: { memoryUsedShare }, ...(change ? { change } : {}) }).closed).toBe(isClosed);
  });

  it('says with figures why and what opens it', () => {
    expect(read('memory', { facts: { memoryUsedShare: 0.92, memoryTotalBytes: 16 * GIB } })).toMatchObject({
      reason: '92 % of 16.0 GB used; opens at 80 %',
      figures: { usedShare: 0.92, limit: 0.85 },
    });
  });

  it('can open again however low its limit is', () => {
    const config = configOf({ gates: { memory: 0.04 } });
    expect(read('memory', { config, change: closed('memory'), facts: { memoryUsedShare: 0.03 } }).closed).toBe(false);
    expect(read('memory', { config, change: closed('memory'), facts: { memoryUsedShare: 0.038 } }).closed).toBe(true);
  });
});

describe('the disk gate', () => {
  it.each<[freeGib: number, wasClosed: boolean, isClosed: boolean]>([
    [2, false, false],
    [1.99, false, true],
    [2.1, true, true],
    [2.4, true, false],
    [0, false, true],
  ])('with %d GB free, closed before: %s, is closed: %s', (freeGib, wasClosed, isClosed) => {
    const change = wasClosed ? closed('disk') : undefined;
    const facts = { diskFreeBytes: freeGib * GIB };
    expect(read('disk', { facts, ...(change ? { change } : {}) }).closed).toBe(isClosed);
  });

  it('says with figures why and what opens it', () => {
    expect(read('disk', { facts: { diskFreeBytes: GIB } }).reason).toBe('1.0 GB free; opens at 2.4 GB');
  });
});

describe('the budget gate', () => {
  it('closes when what is left of the day’s dollars pays for no run, and says so', () => {
    expect(read('budget', { change: spent(19.98) }).closed).toBe(false);
    expect(read('budget', { change: spent(19.99) })).toMatchObject({
      closed: true,
      reason: '$19.99 of $20.00 spent today',
    });
    expect(read('budget', { change: spent(20.5) })).toMatchObject({
      closed: true,
      reason: '$20.50 of $20.00 spent today',
      until: '2026-03-15T00:00:00.000Z',
      figures: { spentUsd: 20.5, limitUsd: 20 },
    });
  });

  it('opens at midnight UTC and not a millisecond before', () => {
    const midnight = Date.parse('2026-03-15T00:00:00.000Z');
    const change = (state: State) => {
      spent(25)(state);
      closed('budget', { until: '2026-03-15T00:00:00.000Z' })(state);
    };
    expect(read('budget', { change, now: midnight - 1 }).closed).toBe(true);
    expect(read('budget', { change, now: midnight }).closed).toBe(false);
  });

  it('opens when the owner raises the budget', () => {
    const change = (state: State) => {
      spent(25)(state);
      closed('budget')(state);
    };
    expect(read('budget', { change, config: configOf({ gates: { budgetPerDayUsd: 30 } }) }).closed).toBe(false);
  });

  it('has a day that begins and ends at midnight UTC, whenever it is asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.parse('2100-01-01') }), (now) => {
        const next = startOfNextDay(now);
        expect(next).toBeGreaterThan(now);
        expect(new Date(next).toISOString().slice(11)).toBe('00:00:00.000Z');
        expect(dayKey(next - 1)).toBe(dayKey(now));
        expect(dayKey(next)).not.toBe(dayKey(now));
      }),
    );
  });
});

describe('the usage limit', () => {
  it('holds until its time has come', () => {
    const change = closed('usage-limit', { until: at(1000), reason: 'five-hour limit reached' });
    expect(read('usage-limit', { change })).toMatchObject({
      closed: true,
      reason: 'five-hour limit reached',
      until: at(1000),
    });
    expect(read('usage-limit', { change, now: NOW + 1000 }).closed).toBe(false);
  });

  it('does not hold when the clock was set back before it was met', () => {
    const year = 365 * 86_400_000;
    const change = closed('usage-limit', { at: at(year), until: at(year + 1000) });
    expect(read('usage-limit', { change }).closed).toBe(false);
  });

  it('does not hold for ever when nobody knows until when', () => {
    expect(read('usage-limit', { change: closed('usage-limit') }).closed).toBe(false);
    expect(read('usage-limit', { change: closed('usage-limit', { until: 'tomorrow, perhaps' }) }).closed).toBe(false);
  });
});

describe('what a person holds', () => {
  it('the stop file closes as long as it is there', () => {
    expect(read('stop-file', { facts: { stopFile: true } }).closed).toBe(true);
    expect(read('stop-file', { change: closed('stop-file') }).closed).toBe(false);
  });

  it('the account gate stays closed however much time passes', () => {
    const change = closed('account', { reason: 'not logged in' });
    expect(read('account', { change, now: NOW + 1e10 })).toMatchObject({ closed: true, reason: 'not logged in' });
  });
});

describe('a figure that wavers at the line', () => {
  it('does not make a gate flutter', () => {
    const wave = fc.array(fc.double({ min: 0.801, max: 0.85, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(wave, fc.boolean(), (shares, startsClosed) => {
        const state = stateOf(startsClosed ? closed('memory') : undefined);
        for (const memoryUsedShare of shares) {
          const readings = readGates(state, configOf(), { ...roomy, memoryUsedShare }, NOW);
          expect(readings.find(({ gate }) => gate === 'memory')?.closed).toBe(startsClosed);
        }
      }),
    );
  });
});
