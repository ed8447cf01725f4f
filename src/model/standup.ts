import { z } from 'zod';

/** What is said at the standup: the schemas by which sessions and chair answer. */

const said = (about: string) => z.array(z.string().max(1_000)).max(8).describe(about);

/**
 * One schema for all three rounds: it is part of what the service caches of a conversation, so that another one in
 * round two would make everything said before be read and paid anew. What a round does not ask for stays empty.
 */
export const StandupWord = z.object({
  did: said('round 1: what you did, one sentence each; else empty'),
  stuck: said('round 1: what does not go on, and why; else empty'),
  needs: said('round 1: what you need, and from whom; else empty'),
  offers: said('round 2: help that you offer, and to whom; else empty'),
  sharedErrors: said('round 2: errors that others meet as well, and who; else empty'),
  fileWarnings: z
    .array(
      z.object({
        files: z.array(z.string().max(300)).max(10).describe('paths relative to the repository'),
        sessions: z.array(z.string().max(64)).max(10).describe('names of the sessions that would both touch them'),
        why: z.string().max(1_000),
      }),
    )
    .max(8)
    .describe('round 2: files that two sessions must not both touch; else empty'),
  commitment: z
    .object({
      title: z.string().max(300).describe('what you will do, as the subject line of a commit'),
      text: z.string().max(4_000).describe('where it is, how you will know that it is done'),
      files: z.array(z.string().max(300)).max(20).describe('paths you will touch, relative to the repository'),
    })
    .describe('round 3: the one thing that you do next; else empty strings and no files'),
  proposal: z.string().max(1_000).describe('round 3: one proposal for the team; else empty'),
});
export type StandupWord = z.infer<typeof StandupWord>;

export const ChairWord = z.object({
  summary: z.string().min(1).max(2_000).describe('where the team stands, in at most three sentences'),
  priorities: z.array(z.string().max(500)).max(5).describe('what matters most until the next meeting, in order'),
  blockers: z.array(z.string().max(500)).max(8).describe('what holds somebody up, who, and who could help'),
});
export type ChairWord = z.infer<typeof ChairWord>;

/** One session at the meeting. */
export interface Attendance {
  session: string;
  project: string;
  /** Why it said nothing, or not to the end. */
  absence?: string;
  report?: Pick<StandupWord, 'did' | 'stuck' | 'needs'>;
  answer?: Pick<StandupWord, 'offers' | 'sharedErrors' | 'fileWarnings'>;
  commit?: Pick<StandupWord, 'commitment' | 'proposal'>;
}
