import { z } from 'zod';

/** A matter that a person should know of once, with what to do, and not again until it changes. */

export const NoticeKind = z.enum([
  'usage-limit',
  'account',
  'budget',
  'gate',
  'session-parked',
  'main-red',
  'needs-human',
  'train-blocked',
  'project-unready',
  'config-rejected',
  'role-parked',
  'alert',
]);
export type NoticeKind = z.infer<typeof NoticeKind>;

/** `urgent` breaks through quiet hours: nothing goes on without a person. */
export const Severity = z.enum(['info', 'act', 'urgent']);
export type Severity = z.infer<typeof Severity>;

export const Notice = z.object({
  /** Names the matter, such as `session-parked:alpha`. */
  notice: z.string().min(1).max(300),
  kind: NoticeKind,
  severity: Severity,
  /** One sentence: what is so. */
  text: z.string(),
  /** What to do, or that nothing has to be done. */
  mend: z.string(),
  /** Of what would make it another matter: the same is told once. */
  hash: z.string(),
});
export type Notice = z.infer<typeof Notice>;

/** A notice that stands. */
export interface StandingNotice extends Notice {
  at: string;
  /** How often it was told again since it first stood: each change waits longer than the one before. */
  times: number;
}
