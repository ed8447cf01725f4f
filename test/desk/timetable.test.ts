import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Factory } from '../../src/desk/doors.ts';
import { startTimetable } from '../../src/desk/timetable.ts';
import type { Config } from '../../src/model/config.ts';

/** Ten minutes past an hour. */
const START = Date.parse('2026-03-14T09:10:00Z');
const MINUTE_MS = 60_000;

describe('a timetable', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }));
  afterEach(() => void vi.useRealTimers());

  /** A home whose configuration changes when it is told so. */
  const home = (review: string) => {
    let config = { schedule: { review } } as Config;
    let changed: () => void = () => {};
    const journal = {
      async *follow() {
        for (;;) {
          await new Promise<void>((next) => {
            changed = next;
          });
          yield { type: 'config_loaded' };
        }
      },
    };
    return {
      factory: { config: () => config, journal } as unknown as Factory,
      change: async (expression: string) => {
        config = { schedule: { review: expression } } as Config;
        changed();
        await vi.advanceTimersByTimeAsync(0);
      },
    };
  };

  const counting = (factory: Factory) => {
    const times: string[] = [];
    const timetable = startTimetable(
      factory,
      [{ when: ({ schedule }) => schedule.review, deed: () => times.push(new Date().toISOString().slice(11, 16)) }],
      (fault) => {
        throw fault;
      },
    );
    return { times, timetable };
  };

  it('does its deeds at their times, in UTC', async () => {
    const { times, timetable } = counting(home('*/30 * * * *').factory);
    await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
    timetable.stop();
    expect(times).toEqual(['09:30', '10:00']);
  });

  it('tells what a deed throws, and does it again at its next time', async () => {
    const faults: unknown[] = [];
    const deed = () => {
      throw new Error('a defect');
    };
    const rows = [{ when: () => '*/30 * * * *', deed }];
    const timetable = startTimetable(home('').factory, rows, (fault) => faults.push(fault));
    await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
    timetable.stop();
    expect(faults.map(String)).toEqual(['Error: a defect', 'Error: a defect']);
  });

  it('goes by a changed expression at once, and by none after it was stopped', async () => {
    const { factory, change } = home('0 */2 * * *');
    const { times, timetable } = counting(factory);
    await change('15 * * * *');
    await change('15 * * * *');
    await vi.advanceTimersByTimeAsync(65 * MINUTE_MS);
    expect(times).toEqual(['09:15', '10:15']);
    timetable.stop();
    await change('* * * * *');
    await vi.advanceTimersByTimeAsync(65 * MINUTE_MS);
    expect(times).toHaveLength(2);
  });
});
