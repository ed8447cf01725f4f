import { z } from 'zod';

/** What a home gathers and gives up again, by the word that the configuration, the journal and `winnow gc` use for it. */
export const RETAINED = [
  'transcripts',
  'conversations',
  'reports',
  'patches',
  'reviews',
  'checks',
  'workspaces',
  'checkouts',
  'homes',
  'tmp',
  'dependencies',
  'commits',
  'branches',
  'mirrors',
  'leftovers',
] as const;
export const Retained = z.enum(RETAINED);
export type Retained = z.infer<typeof Retained>;
