import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { Request, RequestWhat } from '../model/request.ts';
import { readGates } from '../policy/gates.ts';
import type { Doctor } from '../roles/doctor.ts';
import type { Reviewer } from '../roles/reviewer.ts';
import { runCycle } from '../roles/session.ts';
import type { Standup } from '../roles/standup.ts';
import type { Factory } from './doors.ts';

/** What each request means for the roles of a running factory; the answer is one sentence for whoever asked. */
export interface Roles {
  reviewer: Reviewer;
  standup: Standup;
  doctor: Doctor;
}

/** Upkeep of the bot is carried out by whoever is at it, see upkeep-at-work.ts. */
type CarryOut = Record<
  Exclude<RequestWhat, 'upkeep'>,
  (request: Request, signal: AbortSignal) => Promise<Result<string, Failure>>
>;

export const carryOutWith = (factory: Factory, { reviewer, standup, doctor }: Roles): CarryOut => ({
  review: async ({ args }) => {
    const reviews = await reviewer.tick('sweep', args.branches && new Set(args.branches));
    const decided = reviews.filter(({ state }) => state === 'decided').length;
    return ok(
      reviews.length === 0 ? 'no branch waited for review' : `${decided} of ${reviews.length} branches reviewed`,
    );
  },
  standup: async ({ args }) => {
    const held = await standup.tick('manual', {
      ...(args.short ? { short: true } : {}),
      ...(args.sessions ? { only: new Set(args.sessions) } : {}),
    });
    return held.state === 'held' ? ok(`minutes in ${held.entry.data.file}`) : notNow(held.reason);
  },
  doctor: async ({ args }) => {
    const round = await doctor.tick('manual', {
      ...(args.rulesOnly ? { rulesOnly: true } : {}),
      ...(args.sessions ? { only: new Set(args.sessions) } : {}),
    });
    return round.state === 'held' ? ok(`letter in ${round.entry.data.file}`) : notNow(round.reason);
  },
  cycle: async ({ args }, signal) => {
    const [name] = args.sessions ?? [];
    const session = factory.sessions().find((one) => one.name === name);
    if (!session) return failed('not-found', `there is no session ${name}`);
    const why = await whyNot(factory);
    if (why !== undefined) return notNow(why);
    const ended = await runCycle(factory.shop, { session, trigger: 'manual', signal });
    return ended.ok ? ok(`${ended.value.data.outcome}: ${ended.value.data.reason}`) : ended;
  },
});

/** A cycle that a person asks for waits for the same doors as any other, but not for its time. */
const whyNot = async ({ journal, clock, config, facts }: Factory): Promise<string | undefined> => {
  const state = journal.state();
  if (state.paused) return `everything is paused by ${state.paused.by}`;
  const { maxSessions } = config().gates;
  if (Object.keys(state.running).length >= maxSessions) return `${maxSessions} cycles are running, the most allowed`;
  const shut = readGates(state, config(), await facts(), clock.now()).find(({ closed }) => closed);
  return shut && `gate ${shut.gate} is closed: ${shut.reason}`;
};

const notNow = (reason: string): Result<string, Failure> => failed('already-running', reason);
