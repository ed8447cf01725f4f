import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { Request, RequestWhat } from '../model/request.ts';
import { whyHeld } from '../policy/gates.ts';
import type { Doctor } from '../roles/doctor.ts';
import type { Reviewer } from '../roles/reviewer.ts';
import { runCycle } from '../roles/session.ts';
import type { Standup } from '../roles/standup.ts';
import type { Upkeep } from '../roles/upkeep.ts';
import type { Factory } from './doors.ts';
import { heldText, reviewedText, roundedText, upkeptText } from './endings.ts';

/** What each request means for the role that carries it out; the answer is one sentence for whoever asked. */
type Deed = (request: Request, signal: AbortSignal) => Promise<Result<string, Failure>>;
export type CarryOut = Partial<Record<RequestWhat, Deed>>;

export const reviewsOf = (reviewer: Reviewer) =>
  ({
    review: async ({ args }) =>
      told(reviewedText(await reviewer.tick('sweep', args.branches && new Set(args.branches)))),
  }) satisfies CarryOut;

export const standupsOf = (standup: Standup) =>
  ({
    standup: async ({ args }) => {
      const held = await standup.tick('manual', {
        ...(args.short ? { short: true } : {}),
        ...(args.sessions ? { only: new Set(args.sessions) } : {}),
      });
      return told(heldText(held));
    },
  }) satisfies CarryOut;

export const roundsOf = (doctor: Doctor) =>
  ({
    doctor: async ({ args }) => {
      const round = await doctor.tick('manual', {
        ...(args.rulesOnly ? { rulesOnly: true } : {}),
        ...(args.sessions ? { only: new Set(args.sessions) } : {}),
      });
      return told(roundedText(round));
    },
  }) satisfies CarryOut;

export const cyclesOf = (factory: Factory) =>
  ({
    cycle: async ({ args }, signal) => {
      const [name] = args.sessions ?? [];
      const session = factory.sessions().find((one) => one.name === name);
      if (!session) return failed('not-found', `there is no session ${name}`);
      const why = await whyNot(factory);
      if (why !== undefined) return notNow(why);
      const ended = await runCycle(factory.shop, { session, trigger: 'manual', signal });
      return ended.ok ? ok(`${ended.value.data.outcome}: ${ended.value.data.reason}`) : ended;
    },
  }) satisfies CarryOut;

export const upkeepsOf = (upkeep: Upkeep) =>
  ({
    upkeep: async () => {
      const done = await upkeep.tick('manual');
      return told(upkeptText(done));
    },
  }) satisfies CarryOut;

/** A cycle that a person asks for waits for the same doors as any other, but not for its time. */
const whyNot = async ({ journal, clock, config, facts }: Factory): Promise<string | undefined> => {
  const machine = await facts();
  const state = journal.state();
  const { maxSessions } = config().gates;
  if (!state.paused && Object.keys(state.running).length >= maxSessions)
    return `${maxSessions} cycles are running, the most allowed`;
  return whyHeld(state, config(), machine, { now: clock.now() });
};

const notNow = (reason: string): Result<string, Failure> => failed('held-back', reason);

const told = ({ done, note }: { done: boolean; note: string }): Result<string, Failure> =>
  done ? ok(note) : notNow(note);
