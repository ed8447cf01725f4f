import { z } from 'zod';
import type { RequestWhat } from './request.ts';

/**
 * The roles of a running factory. Each is at work at most once per home, with the others in one process or in one of
 * its own: they meet in the journal, so that it makes no difference to any of them.
 *
 *   working -> failed (waits, longer each time) -> working;   failed too often -> parked -> working, when a person says so
 */
export const ROLES = ['scheduler', 'reviewer', 'standup', 'doctor', 'bot', 'http'] as const;
export const RoleName = z.enum(ROLES);
export type RoleName = z.infer<typeof RoleName>;

export const isRole = (name: string): name is RoleName => (ROLES as readonly string[]).includes(name);

/** What each of them does, as a person is told. */
export const ROLE_TEXTS: Record<RoleName, string> = {
  scheduler: 'starts cycles, closes what a crash left, tidies up once a day',
  reviewer: 'reviews what waits, and lands what is approved',
  standup: 'holds the meeting of all sessions',
  doctor: 'looks at the sessions, and tends the skills',
  bot: 'sends notices, and listens to chats',
  http: 'answers HTTP',
};

/** They only listen: while none but these is at work, what people ask for waits. */
export const LISTENING_ROLES: readonly RoleName[] = ['bot', 'http'];

/** Who carries out what people ask for. */
export const ROLE_BY_REQUEST: Record<RequestWhat, RoleName> = {
  review: 'reviewer',
  standup: 'standup',
  doctor: 'doctor',
  cycle: 'scheduler',
  upkeep: 'bot',
};
