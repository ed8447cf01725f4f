import { tendSkills } from '../flow/skills.ts';
import type { EntryType } from '../model/entry.ts';
import { createDoctor, type Doctor } from '../roles/doctor.ts';
import { createStandup, type Standup } from '../roles/standup.ts';
import type { Factory } from './doors.ts';
import { onEntries } from './follow.ts';
import { startTimetable } from './timetable.ts';

/**
 * Standup, doctor and skills within a running factory: by the clock, and skills whenever a cycle has ended. A standup
 * that was missed while nothing ran is made up for at the start.
 */
export interface Crew {
  standup: Standup;
  doctor: Doctor;
  /** Nothing new begins; what runs hears the factory's own signal. */
  stop(): void;
  idle(): Promise<void>;
}

/** After these a skill may have had its time, or a person may have put one back. */
const TENDING: readonly EntryType[] = ['ralph_cycle', 'branch_dropped', 'cto_review'];

export const startCrew = (factory: Factory, signal: AbortSignal, tell: (line: string) => void): Crew => {
  const { shop, facts, sessions } = factory;
  const standup = createStandup({ shop, sessions, facts, signal, tell });
  const doctor = createDoctor({ shop, sessions, facts, signal, tell });
  const closing = new AbortController();
  const tending = oneAtATime(() => tendSkills(shop));
  const guarded = (what: string, deed: () => Promise<unknown>) => () => {
    if (closing.signal.aborted || signal.aborted) return;
    deed().catch((error: unknown) => tell(`${what} failed: ${error instanceof Error ? error.message : String(error)}`));
  };
  const tend = guarded('tending the skills', tending.run);
  const meet = guarded('standup', () => standup.tick('schedule'));
  const timetable = startTimetable(factory, [
    { when: ({ schedule }) => schedule.standup, deed: meet },
    { when: ({ schedule }) => schedule.doctor, deed: guarded('doctor', () => doctor.tick('schedule')) },
  ]);
  void onEntries(factory.journal, TENDING, closing.signal, tend);
  tend();
  meet();
  return {
    standup,
    doctor,
    stop: () => {
      timetable.stop();
      closing.abort();
    },
    idle: async () => {
      await Promise.all([standup.idle(), doctor.idle(), tending.idle()]);
    },
  };
};

/** Asked again while it is under way, a deed is done once more afterwards. */
const oneAtATime = (deed: () => Promise<unknown>) => {
  let wanted = false;
  let underWay: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    while (wanted) {
      wanted = false;
      await deed();
    }
  };
  return {
    run: (): Promise<void> => {
      wanted = true;
      underWay ??= work().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    idle: async (): Promise<void> => {
      await underWay;
    },
  };
};
