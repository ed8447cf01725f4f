import { ok, type Result } from '../base/result.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { Request, RequestWhat } from '../model/request.ts';
import { whyHeld } from '../policy/gates.ts';
import type { Doctor } from '../roles/doctor.ts';
import type { Reviewer } from '../roles/reviewer.ts';
import { runCycle } from '../roles/session.ts';
import type { Standup } from '../roles/standup.ts';
import type { Upkeep } from '../roles/upkeep.ts';
import { heldText, reviewedText, roundedText } from './at-hand.ts';
import type { Factory } from './doors.ts';

/** What each request means for the roles of a running factory; the answer is one sentence for whoever asked. */
export interface Roles {
  reviewer: Reviewer;
  standup: Standup;
  doctor: Doctor;
  /** Absent: another process does it. */
  upkeep?: Upkeep;
}

type Deed = (request: Request, signal: AbortSignal) => Promise<Result<string, Failure>>;
type CarryOut = Record<Exclude<RequestWhat, 'upkeep'>, Deed> & { upkeep?: Deed };

export const carryOutWith = (factory: Factory, { reviewer, standup, doctor, upkeep }: Roles): CarryOut => ({
  review: async ({ args }) => told(reviewedText(await reviewer.tick('sweep', args.branches && new Set(args.branches)))),
  standup: async ({ args }) => {
    const held = await standup.tick('manual', {
      ...(args.short ? { short: true } : {}),
      ...(args.sessions ? { only: new Set(args.sessions) } : {}),
    });
    return told(heldText(held));
  },
  doctor: async ({ args }) => {
    const round = await doctor.tick('manual', {
      ...(args.rulesOnly ? { rulesOnly: true } : {}),
      ...(args.sessions ? { only: new Set(args.sessions) } : {}),
    });
    return told(roundedText(round));
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
  ...(upkeep ? { upkeep: keptUpBy(upkeep) } : {}),
});

const keptUpBy =
  (upkeep: Upkeep): Deed =>
  async () => {
    const done = await upkeep.tick('manual');
    if (done.state === 'waits') return notNow(done.reason);
    const { read, written } = done.entry.data;
    return ok(`${read} messages looked at, ${written.length === 0 ? 'nothing' : written.join(', ')} learned`);
  };

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
