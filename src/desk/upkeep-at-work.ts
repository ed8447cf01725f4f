import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import { watchBotSkills } from '../ports/home/watch.ts';
import { createUpkeep, type Upkeep } from '../roles/upkeep.ts';
import type { Factory } from './doors.ts';
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

export const startUpkeep = (factory: Factory, signal: AbortSignal, tell: (line: string) => void): UpkeepAtWork => {
  const { shop, facts, sessions, config, paths } = factory;
  const upkeep = createUpkeep({ shop, sessions, facts, signal, tell });
  const closing = new AbortController();
  const timetable = startTimetable(factory, [
    {
      when: ({ schedule }) => schedule.improve,
      deed: () => {
        // Nobody speaks to a bot that is not there.
        if (closing.signal.aborted || signal.aborted || !config().telegram) return;
        upkeep.tick('schedule').catch((error: unknown) => tell(`upkeep of the bot failed: ${messageOf(error)}`));
      },
    },
  ]);
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

/** What a request for it means, in one sentence for whoever asked. */
export const upkeepsOf = (upkeep: Upkeep) => ({
  upkeep: async (): Promise<Result<string, Failure>> => {
    const done = await upkeep.tick('manual');
    if (done.state === 'waits') return failed('already-running', done.reason);
    const { read, written } = done.entry.data;
    const learned = written.length === 0 ? 'nothing' : written.join(', ');
    return ok(`${read} message${read === 1 ? '' : 's'} looked at, ${learned} learned`);
  },
});

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
