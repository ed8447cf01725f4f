import { abortedBy } from '../base/abort.ts';
import { ok } from '../base/result.ts';
import { tendSkills } from '../flow/skills.ts';
import type { EntryType } from '../model/entry.ts';
import { createDoctor } from '../roles/doctor.ts';
import { createStandup } from '../roles/standup.ts';
import { roundsOf, standupsOf } from './carry-out.ts';
import { answerRequests, followTypes, type StartPart, tellOrFail } from './role-at-work.ts';
import { startTimetable } from './timetable.ts';

/** The standup within a running factory: by the clock; one that was missed while nothing ran is made up for. */
export const startStandup: StartPart = (input) => {
  const { factory, signal, tell } = input;
  const { shop, facts, sessions } = factory;
  const standup = createStandup({ shop, sessions, facts, signal, tell });
  const closing = abortedBy(signal);
  const meet = (): void => {
    if (closing.signal.aborted) return;
    standup.tick('schedule').catch(tellOrFail(input, 'standup failed'));
  };
  const timetable = startTimetable(factory, [{ when: ({ schedule }) => schedule.standup, deed: meet }], input.fail);
  const requests = answerRequests(input, standupsOf(standup));
  meet();
  return ok({
    stop: () => {
      timetable.stop();
      closing.abort();
      return requests.stop();
    },
    idle: async () => {
      await Promise.all([standup.idle(), requests.idle()]);
    },
  });
};

/** After these a skill may have had its time, or a person may have put one back. */
const TENDING: readonly EntryType[] = ['ralph_cycle', 'branch_dropped', 'cto_review'];

/** The doctor within a running factory: by the clock; and skills, which are the doctor's, whenever a cycle has ended. */
export const startDoctor: StartPart = (input) => {
  const { factory, signal, tell } = input;
  const { shop, facts, sessions } = factory;
  const doctor = createDoctor({ shop, sessions, facts, signal, tell });
  const closing = abortedBy(signal);
  const tending = oneAtATime(() => tendSkills(shop));
  const guarded = (what: string, deed: () => Promise<unknown>) => () => {
    if (closing.signal.aborted) return;
    deed().catch(tellOrFail(input, `${what} failed`));
  };
  const tend = guarded('tending the skills', tending.run);
  const timetable = startTimetable(
    factory,
    [{ when: ({ schedule }) => schedule.doctor, deed: guarded('doctor', () => doctor.tick('schedule')) }],
    input.fail,
  );
  followTypes(input, TENDING, closing.signal, tend);
  const requests = answerRequests(input, roundsOf(doctor));
  tend();
  return ok({
    stop: () => {
      timetable.stop();
      closing.abort();
      return requests.stop();
    },
    idle: async () => {
      await Promise.all([doctor.idle(), tending.idle(), requests.idle()]);
    },
  });
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
