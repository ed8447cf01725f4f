import { Cron } from 'croner';
import type { Config } from '../model/config.ts';
import type { Factory } from './doors.ts';
import { onEntries } from './follow.ts';

/** What happens by the clock, by the expressions of the configuration in force: a changed one counts at once. */
export interface Timetable {
  stop(): void;
}

export interface TimetableRow {
  /** Five fields, in UTC. */
  when: (config: Config) => string;
  deed: () => void;
}

/** @param fail is told what was thrown, by a deed or while the configuration was followed. */
export const startTimetable = (
  factory: Factory,
  rows: readonly TimetableRow[],
  fail: (error: unknown) => void,
): Timetable => {
  const closing = new AbortController();
  const running = rows.map((row) => ({ row, expression: '', cron: undefined as Cron | undefined }));
  const set = (): void => {
    if (closing.signal.aborted) return;
    for (const one of running) {
      const expression = one.row.when(factory.config());
      if (expression === one.expression) continue;
      one.cron?.stop();
      one.expression = expression;
      one.cron = new Cron(expression, { timezone: 'UTC', unref: false, catch: fail }, one.row.deed);
    }
  };
  set();
  onEntries(factory.journal, ['config_loaded'], closing.signal, set).catch(fail);
  return {
    stop: () => {
      closing.abort();
      for (const { cron } of running) cron?.stop();
    },
  };
};
