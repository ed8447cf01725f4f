import { z } from 'zod';

/** One small thing a session means to do; the output contract of the planning run. */
export const Plan = z.object({
  title: z.string().min(3).max(120).describe('What is changed, as the subject line of a commit'),
  why: z.string().min(1).max(1000).describe('The evidence that it is needed, from the reports or the code'),
  // Free text on purpose: a plan is not refused over the name of its kind.
  kind: z.string().min(1).max(40).describe('fix, test, refactor, docs, performance, cleanup or feature'),
  files: z.array(z.string().min(1).max(300)).max(20).describe('Paths it will touch, relative to the repository'),
  expects: z.string().min(1).max(500).describe('Which error or test changes, or what stays the same'),
  /** Present when there is nothing worth doing. */
  nothing: z.boolean().optional().describe('true when nothing worth doing was found; the cycle then ends'),
});
export type Plan = z.infer<typeof Plan>;
