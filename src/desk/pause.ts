import { ok, type Result } from '../base/result.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { RoleName } from '../model/role.ts';
import type { Counter } from './counter.ts';

/** Holds one session, or all; what runs goes on to its end. */
export const pause = (
  counter: Counter,
  session: string | undefined,
  by: string,
  reason: string,
): Result<string, Failure> =>
  forSession(counter, session, (project) => {
    const state = counter.journal.state();
    const already =
      session === undefined ? state.paused !== undefined : state.sessions[session]?.pausedBy !== undefined;
    if (already) return `${session ?? 'everything'} is paused already`;
    counter.journal.append<'paused'>({ type: 'paused', ...where(session, project), data: { by, reason } });
    return `${session ?? 'everything'} is paused; running cycles go on to their end`;
  });

/** Lets one session, or all, go on; also ends a park, and opens the account gate that only a person may open. */
export const resume = (counter: Counter, session: string | undefined, by: string): Result<string, Failure> =>
  forSession(counter, session, (project) => {
    const state = counter.journal.state();
    const account = session === undefined ? state.gates.account : undefined;
    if (account) {
      const closedMs = Math.max(0, counter.clock.now() - Date.parse(account.at));
      counter.journal.append<'gate_opened'>({ type: 'gate_opened', data: { gate: 'account', closedMs } });
    }
    counter.journal.append<'resumed'>({ type: 'resumed', ...where(session, project), data: { by } });
    return `${session ?? 'everything'} goes on`;
  });

/** Lets roles work again that are parked; a process that has one takes it up at once. */
export const unpark = (counter: Counter, roles: readonly RoleName[], by: string): Result<string, Failure> => {
  try {
    const parked = roles.filter((role) => counter.journal.state().roles[role]?.parked);
    for (const role of parked) counter.journal.append<'role_unparked'>({ type: 'role_unparked', data: { role, by } });
    if (parked.length === 0) return ok(`${namesOf(roles)} not parked`);
    return ok(`${namesOf(parked)} not parked any more; start its process again where that has ended`);
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  }
};

/** "role scheduler is", "roles scheduler, http are" */
const namesOf = (roles: readonly RoleName[]): string =>
  roles.length === 1 ? `role ${roles[0]} is` : `roles ${roles.join(', ')} are`;

const where = (session: string | undefined, project: string | undefined) => ({
  ...(session ? { session } : {}),
  ...(project ? { project } : {}),
});

const forSession = (
  counter: Counter,
  session: string | undefined,
  deed: (project: string | undefined) => string,
): Result<string, Failure> => {
  const known = session === undefined ? undefined : counter.sessions().find((s) => s.name === session);
  if (session !== undefined && !known) {
    const names = counter.sessions().map((s) => s.name);
    return failed('not-found', `there is no session ${session}; there are ${names.join(', ')}`);
  }
  try {
    return ok(deed(known?.project));
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  }
};
