import { monotonicFactory } from 'ulid';

/** Makes ULIDs: 26 characters, sortable by time, strictly increasing within one process. */
export type IdFactory = (nowMs: number) => string;

export const createIds = (): IdFactory => {
  const next = monotonicFactory();
  return (nowMs) => next(nowMs);
};
