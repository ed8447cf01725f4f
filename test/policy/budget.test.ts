import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/model/config.ts';
import type { State } from '../../src/model/state.ts';
import { type BudgetRequest, grantBudget } from '../../src/policy/budget.ts';
import { RUN_BUDGET_MIN_USD } from '../../src/policy/cents.ts';
import { configOf, NOW, stateOf } from './situations.ts';

const NONE = { total: 0, session: 0, project: 0 };
const request = (more: Partial<BudgetRequest> = {}): BudgetRequest => ({
  session: 'alpha',
  project: 'api',
  cycleSpentUsd: 0,
  reserved: NONE,
  now: NOW,
  ...more,
});

const spent =
  (costUsd: number, bySession: Record<string, number> = {}, byProject: Record<string, number> = {}) =>
  (state: State): void => {
    state.days['2026-03-14'] = { costUsd, bySession, byProject, counts: {} };
  };

describe('grantBudget', () => {
  const limits = (gates: Partial<Config['gates']>, agent: Partial<Config['agent']> = {}): Config =>
    configOf({ gates, agent });

  it.each<[what: string, state: State, config: Config, request: BudgetRequest, granted: number | string]>([
    ['a run by itself', stateOf(), configOf(), request(), 1],
    ['the rest of a cycle', stateOf(), configOf(), request({ cycleSpentUsd: 2.4 }), 0.6],
    ['the rest of the day', stateOf(spent(19.5)), configOf(), request(), 0.5],
    [
      'the rest of the day after what others may spend',
      stateOf(spent(19)),
      configOf(),
      request({ reserved: { ...NONE, total: 0.75 } }),
      0.25,
    ],
    [
      'the rest of the session’s day',
      stateOf(spent(2, { alpha: 1.8, beta: 0.2 })),
      limits({ budgetPerSessionPerDayUsd: 2 }),
      request(),
      0.2,
    ],
    [
      'the rest of the project’s day after what its runs may spend',
      stateOf(spent(2, {}, { api: 1 })),
      limits({ budgetPerProjectPerDayUsd: 2 }),
      request({ reserved: { total: 0.9, session: 0, project: 0.9 } }),
      0.1,
    ],
    [
      'nothing when the cycle has had its share',
      stateOf(),
      configOf(),
      request({ cycleSpentUsd: 3 }),
      'the budget of the cycle is used up ($0.00 left)',
    ],
    [
      'nothing below what a run needs at all',
      stateOf(spent(19.99)),
      configOf(),
      request(),
      'the budget of the day is used up ($0.01 left)',
    ],
    [
      'nothing when everything left is promised to others',
      stateOf(spent(12)),
      configOf(),
      request({ reserved: { ...NONE, total: 8 } }),
      'the budget of the day is used up ($0.00 left)',
    ],
    [
      'nothing, and never less than nothing, when more was spent than allowed',
      stateOf(spent(2, { alpha: 7 })),
      limits({ budgetPerSessionPerDayUsd: 2 }),
      request(),
      'the budget of the session alpha today is used up ($0.00 left)',
    ],
    ['what another day spent does not count', stateOf(spent(20)), configOf(), request({ now: NOW + 86_400_000 }), 1],
  ])('grants %s', (_, state, config, asked, granted) => {
    expect(grantBudget(state, config, asked)).toEqual(
      typeof granted === 'number'
        ? { granted: true, usd: granted }
        : { granted: false, reason: granted, passing: asked.reserved !== NONE },
    );
  });

  it('says whether the end of runs under way would make room', () => {
    const refused = (costUsd: number, reserved: BudgetRequest['reserved'], gates: Partial<Config['gates']> = {}) =>
      grantBudget(stateOf(spent(costUsd, { alpha: costUsd }, { api: costUsd })), limits(gates), request({ reserved }));
    const all = { total: 15, session: 0, project: 15 };
    expect(refused(5, all)).toMatchObject({ passing: true });
    expect(refused(5, all, { budgetPerProjectPerDayUsd: 6 })).toMatchObject({ passing: true });
    expect(refused(5, all, { budgetPerProjectPerDayUsd: 5 })).toMatchObject({ passing: false });
    expect(refused(19.99, all)).toMatchObject({ passing: false });
  });

  it('never grants more than is left of any limit, money promised to others counted', () => {
    const dollars = fc.double({ min: 0, max: 25, noNaN: true });
    const limit = fc.double({ min: 0.01, max: 25, noNaN: true });
    const situation = fc.record({
      day: dollars,
      session: dollars,
      project: dollars,
      cycle: dollars,
      reserved: fc.record({ total: dollars, session: dollars, project: dollars }),
      perRun: limit,
      perCycle: limit,
      perDay: limit,
      perSession: fc.option(limit, { nil: undefined }),
      perProject: fc.option(limit, { nil: undefined }),
    });
    fc.assert(
      fc.property(situation, (s) => {
        const config = limits(
          {
            budgetPerDayUsd: s.perDay,
            budgetPerSessionPerDayUsd: s.perSession,
            budgetPerProjectPerDayUsd: s.perProject,
          },
          { maxBudgetUsd: s.perRun, maxBudgetPerCycleUsd: s.perCycle },
        );
        const state = stateOf(spent(s.day, { alpha: s.session }, { api: s.project }));
        const grant = grantBudget(state, config, request({ cycleSpentUsd: s.cycle, reserved: s.reserved }));
        const left = Math.min(
          s.perRun,
          s.perCycle - s.cycle,
          s.perDay - s.day - s.reserved.total,
          (s.perSession ?? Number.POSITIVE_INFINITY) - s.session - s.reserved.session,
          (s.perProject ?? Number.POSITIVE_INFINITY) - s.project - s.reserved.project,
        );
        if (grant.granted) {
          expect(grant.usd).toBeLessThanOrEqual(left + 1e-6);
          expect(grant.usd).toBeGreaterThan(left - 0.01 - 1e-6);
          expect(grant.usd).toBeGreaterThanOrEqual(RUN_BUDGET_MIN_USD);
        } else {
          expect(left).toBeLessThan(RUN_BUDGET_MIN_USD);
          expect(grant.reason).toMatch(/^the budget of the .+ is used up \(\$0\.0[01] left\)$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('runs that start together never overspend the day, however many there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0.05, max: 5, noNaN: true }), (runs, perDay) => {
        const config = limits({ budgetPerDayUsd: perDay });
        let total = 0;
        for (let i = 0; i < runs; i += 1) {
          const grant = grantBudget(stateOf(), config, request({ reserved: { ...NONE, total } }));
          if (grant.granted) total += grant.usd;
        }
        expect(total).toBeLessThanOrEqual(perDay + 1e-5);
      }),
    );
  });
});
