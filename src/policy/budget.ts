import type { Config } from '../model/config.ts';
import type { State } from '../model/state.ts';
import { RUN_BUDGET_MIN_USD, wholeCents } from './cents.ts';
import { dayKey } from './gates.ts';

export interface BudgetRequest {
  session: string;
  project: string;
  /** Spent by this cycle so far. */
  cycleSpentUsd: number;
  /** Granted to runs that are under way and have not reported yet, by everybody; and of this session and project. */
  reserved: { total: number; session: number; project: number };
  now: number;
}

export type BudgetGrant =
  | { granted: true; usd: number }
  /** `passing`: only what runs under way may still spend stands in the way. */
  | { granted: false; reason: string; passing: boolean };

/**
 * Dollars that the next run may spend: the least of what is left per run, cycle, session, project and day.
 * What other runs may still spend is taken as spent, so that together they stay within the day's budget.
 */
export const grantBudget = (state: Readonly<State>, config: Config, request: BudgetRequest): BudgetGrant => {
  const [scope, usd] = leastLeft(state, config, request);
  const whole = wholeCents(usd);
  if (whole >= RUN_BUDGET_MIN_USD) return { granted: true, usd: whole };
  const [, alone] = leastLeft(state, config, { ...request, reserved: NOTHING });
  return {
    granted: false,
    reason: `the budget of the ${scope} is used up ($${Math.max(0, whole).toFixed(2)} left)`,
    passing: wholeCents(alone) >= RUN_BUDGET_MIN_USD,
  };
};

const NOTHING = { total: 0, session: 0, project: 0 };

/** The tightest of all limits by name, and the dollars that are left of it. */
const leastLeft = (state: Readonly<State>, config: Config, request: BudgetRequest): [string, number] => {
  const day = state.days[dayKey(request.now)];
  const { gates, agent } = config;
  const limits: [string, number][] = [
    ['run', agent.maxBudgetUsd],
    ['cycle', agent.maxBudgetPerCycleUsd - request.cycleSpentUsd],
    ['day', gates.budgetPerDayUsd - (day?.costUsd ?? 0) - request.reserved.total],
  ];
  if (gates.budgetPerSessionPerDayUsd !== undefined) {
    const spent = day?.bySession[request.session] ?? 0;
    limits.push([
      `session ${request.session} today`,
      gates.budgetPerSessionPerDayUsd - spent - request.reserved.session,
    ]);
  }
  if (gates.budgetPerProjectPerDayUsd !== undefined) {
    const spent = day?.byProject[request.project] ?? 0;
    limits.push([
      `project ${request.project} today`,
      gates.budgetPerProjectPerDayUsd - spent - request.reserved.project,
    ]);
  }
  return limits.reduce((least, limit) => (limit[1] < least[1] ? limit : least));
};
