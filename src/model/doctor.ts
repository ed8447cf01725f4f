import { z } from 'zod';
import { PromptChange } from './crew.ts';

/** The schemas by which the doctor's runs answer; an answer that is not by them is no answer. */

export const DiagnosisAnswer = z.object({
  diagnosis: z.string().min(1).max(4_000).describe('what is wrong and why, in two to five sentences'),
  promptChange: PromptChange.extend({
    file: z.string().max(200).describe('sessions/NAME.md or prompts/NAME.md'),
    find: z.string().max(4_000).describe('text that stands in the file exactly once; empty: added at its end'),
    replace: z.string().max(4_000).describe('what stands there instead'),
    why: z.string().min(1).max(1_000).describe('one sentence: what will be better by it'),
  })
    .optional()
    .describe('one small edit of what the session is told; only when it would have prevented this'),
  evidence: z.array(z.string().max(100)).max(50).describe('ids of the cycles that show it'),
});
export type DiagnosisAnswer = z.infer<typeof DiagnosisAnswer>;

export const LearnAnswer = z.object({
  summary: z.string().min(1).max(4_000).describe('what worked and what the kept changes have in common'),
  patterns: z
    .array(
      z.object({
        name: z.string().min(1).max(64).describe('small letters, digits and single hyphens'),
        description: z.string().min(1).max(1_024).describe('what it is for and when it applies'),
        body: z.string().min(1).max(16_000).describe('the technique, in Markdown'),
        evidence: z.array(z.string().max(100)).max(50).describe('ids of the cycles that it comes from'),
      }),
    )
    .max(5)
    .describe('techniques that others could use; an empty list when there is none'),
});
export type LearnAnswer = z.infer<typeof LearnAnswer>;
