import { ok } from '../base/result.ts';
import { watchBotSkills } from '../ports/home/watch.ts';
import { createUpkeep, type Upkeep } from '../roles/upkeep.ts';
import { upkeepsOf } from './carry-out.ts';
import { answerRequests, type RoleInput, type StartPart } from './role-at-work.ts';
import { startTimetable } from './timetable.ts';

/**
 * Upkeep of the bot within a running factory: by the clock, as long as there is a bot. An edit of a bot skill counts
 * with the next message; what is wrong with one is told at once.
 */
export interface UpkeepAtWork {
  upkeep: Upkeep;
  /** Nothing new begins; what runs hears the factory's own signal. */
  stop(): void;
  idle(): Promise<void>;
}

/** Upkeep as a part of the role `bot`. */
export const startUpkeeping: StartPart = (input) => {
  const { upkeep, stop, idle } = startUpkeep(input);
  const requests = answerRequests(input, upkeepsOf(upkeep));
  return ok({
    stop: () => {
      stop();
      return requests.stop();
    },
    idle: async () => {
      await Promise.all([idle(), requests.idle()]);
    },
  });
};

export const startUpkeep = ({
  factory,
  signal,
  tell,
  fail,
}: Pick<RoleInput, 'factory' | 'signal' | 'tell' | 'fail'>): UpkeepAtWork => {
  const { shop, facts, sessions, config, paths } = factory;
  const upkeep = createUpkeep({ shop, sessions, facts, signal, tell });
  const closing = new AbortController();
  const learn = (): void => {
    // Nobody speaks to a bot that is not there.
    if (closing.signal.aborted || signal.aborted || !config().telegram) return;
    upkeep.tick('schedule').catch((error: unknown) => tell(`upkeep of the bot failed: ${messageOf(error)}`));
  };
  const timetable = startTimetable(factory, [{ when: ({ schedule }) => schedule.improve, deed: learn }], fail);
  const told = new Set<string>();
  const look = (): void => {
    try {
      tellRefused(shop.botSkills.read().refused, told, tell);
    } catch (error) {
      tell(`skills/bot cannot be read: ${messageOf(error)}`);
    }
  };
  watchBotSkills(paths.home, look, closing.signal);
  look();
  return {
    upkeep,
    stop: () => {
      timetable.stop();
      closing.abort();
    },
    idle: () => upkeep.idle(),
  };
};

/** Each matter once, until it is over. */
const tellRefused = (
  refused: readonly { file: string; reason: string; kept: boolean }[],
  told: Set<string>,
  tell: (line: string) => void,
): void => {
  const lines = refused.map(
    ({ file, reason, kept }) => `${file} is no bot skill: ${reason}${kept ? '; the last good one stays in force' : ''}`,
  );
  for (const line of lines) if (!told.has(line)) tell(line);
  told.clear();
  for (const line of lines) told.add(line);
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
