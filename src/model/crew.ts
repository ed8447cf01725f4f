import { z } from 'zod';

/** The nouns of standup, doctor and skills. */

/** What a session takes on at the standup; it becomes its next task. */
export const Commitment = z.object({
  title: z.string(),
  /** Id of the task. */
  task: z.string(),
  /** Files that are its own until the task is done or the time is over. */
  files: z.array(z.string()),
  /** Until when the files are its own. */
  until: z.string(),
  /** The last one was still open: it stands, and no second task is queued. */
  renewed: z.boolean().optional(),
});
export type Commitment = z.infer<typeof Commitment>;

/** Files that two sessions must not both touch. */
export const FileWarning = z.object({
  files: z.array(z.string()),
  sessions: z.array(z.string()),
  why: z.string(),
});
export type FileWarning = z.infer<typeof FileWarning>;

/** What the last hours of a session say about it, by rule. */
export const SESSION_CLASSES = ['productive', 'stuck', 'idle', 'error-looping'] as const;
export const SessionClass = z.enum(SESSION_CLASSES);
export type SessionClass = z.infer<typeof SessionClass>;

/** What the doctor did about a session, by rule. */
export const EFFECTS = ['none', 'parked', 'redirected', 'escalated'] as const;
export const Effect = z.enum(EFFECTS);
export type Effect = z.infer<typeof Effect>;

/** A park that only a person ends. */
export const UNTIL_RESUMED = '9999-12-31T23:59:59.999Z';

/** One edit of a file that models are told: `sessions/<name>.md` or `prompts/<name>.md`. */
export const PromptChange = z.object({
  /** Relative to the home. */
  file: z.string(),
  /** Text that occurs exactly once in the file; empty: the new text is put at its end. */
  find: z.string(),
  replace: z.string(),
  why: z.string(),
});
export type PromptChange = z.infer<typeof PromptChange>;

/** Cycles that came to a verdict, and how many of them were kept. */
export const Tally = z.object({ kept: z.number().int().nonnegative(), ended: z.number().int().nonnegative() });
export type Tally = z.infer<typeof Tally>;

/** Why something under skills/ is lent to nobody. */
export const SKILL_FAULTS = [
  'unreadable',
  'front-matter',
  'name',
  'empty',
  'too-large',
  'double',
  'instructs',
  'secret',
] as const;
export const SkillFault = z.enum(SKILL_FAULTS);
export type SkillFault = z.infer<typeof SkillFault>;
