import { z } from 'zod';
import { PRIORITIES } from './priority.ts';

export const Priority = z.enum(PRIORITIES);
export type Priority = z.infer<typeof Priority>;

export const TaskState = z.enum(['queued', 'assigned', 'done', 'failed', 'cancelled']);
export type TaskState = z.infer<typeof TaskState>;

/** Who asked: a person through a face, or a role. */
export const TaskOrigin = z.enum(['person', 'standup', 'conflict', 'revert', 'main-red', 'import', 'signal']);
export type TaskOrigin = z.infer<typeof TaskOrigin>;

/** After so many failed attempts a task waits for a human: a fourth would cost and teach nothing new. */
export const TASK_ATTEMPTS_MAX = 3;

export interface Task {
  id: string;
  text: string;
  project: string;
  /** Absent: any session of the project may take it. */
  session?: string;
  priority: Priority;
  origin: TaskOrigin;
  state: TaskState;
  /** Why it is in this state; empty while queued for the first time. */
  reason: string;
  /** Cycles that worked on it, oldest first. */
  cycles: string[];
  attempts: number;
  queuedAt: string;
  changedAt: string;
}
