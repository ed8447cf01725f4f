import { KEY_KEPT_MS, type Request, type RequestArgs, type RequestWhat } from '../model/request.ts';
import type { KeyUse, State } from '../model/state.ts';

/** What waits for a role, in the order in which it was asked for, and what was asked for before. */
export const openRequests = (state: Readonly<State>): Request[] =>
  Object.values(state.requests)
    .filter(({ settled }) => settled === undefined)
    .sort((a, b) => a.id.localeCompare(b.id));

/** The open ones; with `all` also what is settled, the newest first. */
export const listRequests = (state: Readonly<State>, all: boolean): Request[] => {
  const settled = all ? Object.values(state.requests).filter((request) => request.settled) : [];
  return [...openRequests(state), ...settled.sort((a, b) => b.id.localeCompare(a.id))];
};

/** An open request for the very same: who asks now joins it. What somebody does by hand may end with their patience. */
export const sameRequest = (
  state: Readonly<State>,
  wanted: { what: RequestWhat; args: RequestArgs },
): Request | undefined => {
  const name = nameOfWork(wanted);
  return openRequests(state).find((request) => request.here === undefined && nameOfWork(request) === name);
};

/** One name for one work: the order in which branches or sessions were named makes no other. */
export const nameOfWork = ({ what, args }: { what: RequestWhat; args: RequestArgs }): string => {
  const { branches, sessions, short, rulesOnly } = args;
  return JSON.stringify([what, branches?.toSorted(), sessions?.toSorted(), short === true, rulesOnly === true]);
};

/** What was done under this key, as long as it stands for that. */
export const useOfKey = (state: Readonly<State>, key: string, now: number): KeyUse | undefined => {
  const use = state.keys.young[key] ?? state.keys.old[key];
  return use && now - Date.parse(use.at) < KEY_KEPT_MS ? use : undefined;
};
