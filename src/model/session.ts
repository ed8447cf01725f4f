import { z } from 'zod';
import { Duration } from './units.ts';

/** `constructor` is the one name of this shape that every object answers to unasked. */
export const SESSION_NAME = /^(?!constructor$)[a-z][a-z0-9-]{0,31}$/;

/** Names that the roles use for themselves where a session's name would stand. */
export const RESERVED_SESSION_NAMES = ['scheduler', 'reviewer', 'train', 'chair', 'doctor'] as const;

/** The front matter of sessions/<name>.md. */
export const SessionFrontMatter = z.strictObject({
  project: z.string().min(1).optional().describe('Name of the project; may be left out when there is only one'),
  focus: z.string().min(1).max(500).optional().describe('What this session looks for when nothing is assigned'),
  every: Duration.optional().describe('Time between cycles; default: schedule.cycle'),
  model: z.string().min(1).optional().describe('Model; default: agent.model'),
  paused: z.boolean().optional().describe('true: defined but not run'),
});

export interface Session {
  name: string;
  project: string;
  focus: string;
  /** Undefined: schedule.cycle. */
  everyMs: number | undefined;
  model: string | undefined;
  paused: boolean;
  /** The standing instructions: the prose below the front matter. */
  instructions: string;
  /** Path of the file relative to the home. */
  file: string;
}
