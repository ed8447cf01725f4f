import { ok, type Result } from '../base/result.ts';
import type { CommandOf } from '../model/command.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { AskedKey, Asker, Request, RequestArgs } from '../model/request.ts';
import { OPEN_REQUESTS_MAX } from '../model/state.ts';
import { openRequests, sameRequest } from '../policy/requests.ts';
import type { Counter } from './counter.ts';
import { isUp } from './look.ts';
import { findBranch } from './queue.ts';
import { noSession } from './session.ts';

/** Asks the running factory for what only a role can do; whether it runs or not, the request stands in the journal. */
export interface Requested {
  request: Request;
  /** Somebody wants the very same already, so it is done once for both: `request` is theirs. */
  joined: boolean;
  /** Nothing that could do it runs now: it is carried out when the factory, or that role of it, starts. */
  waits: boolean;
}

export const request = (
  counter: Counter,
  { what, args }: CommandOf<'request'>,
  { by, key, here }: { by: Asker; key: AskedKey | undefined; here?: NonNullable<Request['here']> },
): Result<Requested, Failure> => {
  const checked = checkArgs(counter, what, args);
  if (!checked.ok) return checked;
  const wanted = { what, args: checked.value };
  const state = counter.journal.state();
  const same = here ? undefined : sameRequest(state, wanted);
  if (!same && openRequests(state).length >= OPEN_REQUESTS_MAX)
    return failed('too-many', `${OPEN_REQUESTS_MAX} requests wait to be carried out`);
  const id = counter.ids(counter.clock.now());
  counter.journal.append<'requested'>({
    type: 'requested',
    data: {
      request: id,
      ...wanted,
      by,
      ...(key ? { key } : {}),
      ...(same ? { joins: same.id } : {}),
      ...(here ? { here } : {}),
    },
  });
  const { requests } = counter.journal.state();
  // Settled in the meantime, the same stands for this one no more.
  const own = requests[id];
  return ok({ request: own ?? same!, joined: own === undefined, waits: !isUp(counter, what) });
};

/** Names that exist, in full: what is asked for today must mean the same tomorrow. */
const checkArgs = (
  counter: Counter,
  what: CommandOf<'request'>['what'],
  args: RequestArgs,
): Result<RequestArgs, Failure> => {
  const alien = Object.keys(args).find((name) => !TAKES[what].includes(name as keyof RequestArgs));
  if (alien !== undefined) return failed('argument-invalid', `a ${what} takes no ${alien}`);
  if (what === 'cycle' && args.sessions?.length !== 1)
    return failed('argument-invalid', 'a cycle is asked of one session');
  const unknown = args.sessions?.find((name) => !counter.sessions().some((session) => session.name === name));
  if (unknown !== undefined) return noSession(counter, unknown);
  if (!args.branches) return ok(args);
  const branches: string[] = [];
  for (const name of args.branches) {
    const found = findBranch(counter, name);
    if (!found.ok) return found;
    const { branch, status } = found.value;
    if (status.state !== 'pending')
      return failed('argument-invalid', `${branch} does not wait for the reviewer: it is ${status.state}`);
    branches.push(branch);
  }
  return ok({ ...args, branches });
};

const TAKES: Record<CommandOf<'request'>['what'], readonly (keyof RequestArgs)[]> = {
  review: ['branches'],
  standup: ['sessions', 'short'],
  doctor: ['sessions', 'rulesOnly'],
  cycle: ['sessions'],
  upkeep: [],
};
