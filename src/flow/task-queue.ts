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

export const writeTaskQueue = (journal: Journal<State>, file: string): void =>
  writePicture(file, () => taskQueueOf(journal.state()));

/**
 * Rewrites the file atomically until it says what the journal says; safe from several processes at once: whoever
 * writes last looks last. A disk that takes no file leaves an old picture, which is no reason to fail a command.
 */
export const writePicture = (file: string, look: () => object): void => {
  for (let attempt = 1; attempt <= REWRITES_MAX; attempt += 1) {
    const text = `${JSON.stringify(look(), null, 2)}\n`;
    if (readText(file) === text) return;
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileAtomic.sync(file, text);
    } catch {
      return;
    }
  }
};

/** Others may write at the same moment; so many times in a row is no accident, and the next tick comes soon. */
const REWRITES_MAX = 5;

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};
