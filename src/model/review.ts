import { z } from 'zod';

/** What a review says of one commit of one branch; also the schema by which the reviewer answers. */

export const DECISIONS = ['approve', 'reject', 'needs-human'] as const;
export const Decision = z.enum(DECISIONS);
export type Decision = z.infer<typeof Decision>;

export const Risk = z.enum(['low', 'medium', 'high']);
export type Risk = z.infer<typeof Risk>;

export const ReviewComment = z.object({
  file: z.string().max(1_000).describe('path of the file, as in the diff'),
  line: z.number().int().positive().optional().describe('line in the changed file'),
  text: z.string().min(1).max(4_000).describe('what is wrong there, and what would mend it'),
});
export type ReviewComment = z.infer<typeof ReviewComment>;

export const ReviewAnswer = z.object({
  decision: Decision.describe('needs-human only when you cannot decide'),
  reasons: z.array(z.string().min(1).max(2_000)).min(1).max(20).describe('why, the weightiest first'),
  risk: Risk.describe('what could go wrong if it lands'),
  comments: z.array(ReviewComment).max(50).describe('by file and line; empty when there is nothing to say'),
});
export type ReviewAnswer = z.infer<typeof ReviewAnswer>;

/**
 * Whose word a review is: the reviewer run's, a person's, a rule's that asked nobody (a diff above the limit), or that
 * of a landing whose verification failed, which approves its own revert.
 */
export const ReviewedBy = z.enum(['reviewer', 'person', 'rule', 'verify']);
export type ReviewedBy = z.infer<typeof ReviewedBy>;

/** Why a branch that was approved did not land. */
export const DROP_REASONS = ['red', 'conflict', 'empty', 'unusable'] as const;
export const DropReason = z.enum(DROP_REASONS);
export type DropReason = z.infer<typeof DropReason>;
