import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Journal } from '../journal/journal.ts';
import type { State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import { queuedTasks } from '../policy/schedule.ts';

/** logs/task-queue.json: the queue for people and scripts. The journal is the truth; this file is only its picture. */
export interface TaskQueueFile {
  queued: Task[];
  assigned: Task[];
  /** The newest first. */
  closed: Task[];
}

const CLOSED_SHOWN_MAX = 100;

export const taskQueueOf = (state: Readonly<State>): TaskQueueFile => {
  const tasks = Object.values(state.tasks);
  return {
    queued: queuedTasks(state),
    assigned: tasks.filter((task) => task.state === 'assigned'),
    closed: tasks
      .filter((task) => task.state !== 'queued' && task.state !== 'assigned')
      .sort((a, b) => b.changedAt.localeCompare(a.changedAt))
      .slice(0, CLOSED_SHOWN_MAX),
  };
};

/**
 * Rewrites the file atomically when it says something else; safe from several processes at once. What cannot be
 * written now, e.g. on a full disk, is written at the next change or tick: it must not make a queued task look lost.
 */
export const writeTaskQueue = (journal: Journal<State>, file: string): void => {
  const text = `${JSON.stringify(taskQueueOf(journal.state()), null, 2)}\n`;
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic.sync(file, text);
  } catch (error) {
    // What the operating system refuses has a code; anything else is a defect.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
};
