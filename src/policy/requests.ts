import { KEY_KEPT_MS, type Request, type RequestArgs, type RequestWhat } from '../model/request.ts';
import type { KeyUse, State } from '../model/state.ts';

/** What waits for a role, in the order in which it was asked for, and what was asked for before. */
export const openRequests = (state: Readonly<State>): Request[] =>
  Object.values(state.requests)
    .filter(({ settled }) => settled === undefined)
    .sort((a, b) => a.id.localeCompare(b.id));

/** An open request for the very same: who asks now joins it. */
export const sameRequest = (
  state: Readonly<State>,
  wanted: { what: RequestWhat; args: RequestArgs },
): Request | undefined => {
  const name = nameOf(wanted);
  return openRequests(state).find((request) => nameOf(request) === name);
};

/** The order in which names were given makes no other request. */
const nameOf = ({ what, args: { branches, sessions, short, rulesOnly } }: { what: RequestWhat; args: RequestArgs }) =>
  JSON.stringify([what, branches?.toSorted(), sessions?.toSorted(), short === true, rulesOnly === true]);

/** What was done under this key, as long as it stands for that. */
export const useOfKey = (state: Readonly<State>, key: string, now: number): KeyUse | undefined => {
  const use = state.keys.young[key] ?? state.keys.old[key];
  return use && now - Date.parse(use.at) < KEY_KEPT_MS ? use : undefined;
};
