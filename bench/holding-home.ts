import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHomeJournal } from '../src/home.ts';
import { DATA } from '../test/model/examples.ts';
import { createStandInBench, type StandInBench, sessionNames } from './stand-ins.ts';

/** A home whose sessions all come into a run and stay there: a factory at work that does nothing meanwhile. */
export interface HoldingHome extends StandInBench {
  /** Until every session is in its run. */
  allHeld: () => Promise<void>;
}

/** On a machine that has much else to do; what takes longer does not come at all. */
const START_MAX_MS = 600_000;

export const createHoldingHome = async (count: number, config: Record<string, unknown> = {}): Promise<HoldingHome> => {
  const sessions = sessionNames(count);
  const bench = await createStandInBench({
    sessions,
    config: {
      gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 1000, maxSessions: count },
      slots: { test: 2 },
      schedule: { cycle: '1s' },
      ...config,
    },
  });
  writeFileSync(join(bench.deeds, 'hold'), '');
  rememberSmallCycles(bench.home, sessions);
  const held = () => readdirSync(bench.deeds).filter((name) => name.endsWith('.held')).length;
  return {
    ...bench,
    allHeld: async () => {
      const deadline = performance.now() + START_MAX_MS;
      while (held() < count) {
        if (performance.now() > deadline) throw new Error(`only ${held()} of ${count} runs began`);
        await sleep(50);
      }
    },
  };
};

/** Nothing is known of a new session, so memory for a whole agent is kept free for it, which few machines have for 64. */
const rememberSmallCycles = (home: string, sessions: readonly string[]): void => {
  const { journal } = openHomeJournal(home);
  for (const [index, session] of sessions.entries()) {
    const where = { project: 'small', session, cycle: `earlier-${index}` };
    journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: DATA.cycle_started });
    const data = { ...DATA.ralph_cycle, outcome: 'empty' as const, memoryPeakBytes: 10 * 2 ** 20 };
    journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data });
  }
  // After these cycles a meeting would be due, which would keep half of the sessions from their runs.
  journal.append<'team_standup'>({ type: 'team_standup', data: { ...DATA.team_standup, sessions: [] } });
  journal.close();
};
