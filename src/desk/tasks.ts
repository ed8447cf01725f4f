import { ok, type Result } from '../base/result.ts';
import { writeTaskQueue } from '../flow/task-queue.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { AskedKey } from '../model/request.ts';
import type { Priority, Task, TaskOrigin } from '../model/task.ts';
import { queuedTasks } from '../policy/schedule.ts';
import type { Counter } from './counter.ts';

/** Work that somebody asks for: added, listed, cancelled, tried again. */
export interface NewTask {
  text: string;
  project?: string | undefined;
  session?: string | undefined;
  priority?: Priority | undefined;
  origin?: TaskOrigin;
  /** Name of the person who asks. */
  by?: string | undefined;
  key?: AskedKey | undefined;
}

const TEXT_MAX_CHARS = 20_000;

export const addTasks = (counter: Counter, wanted: readonly NewTask[]): Result<Task[], Failure> => {
  const checked: {
    task: string;
    text: string;
    project: string;
    session?: string;
    priority: Priority;
    origin: TaskOrigin;
    by?: string;
    key?: AskedKey;
  }[] = [];
  for (const item of wanted) {
    const place = placeOf(counter, item);
    if (!place.ok) return place;
    const text = item.text.trim();
    if (text === '') return failed('argument-invalid', 'a task needs a text');
    if (text.length > TEXT_MAX_CHARS) {
      return failed(
        'argument-invalid',
        `the text of a task may have ${TEXT_MAX_CHARS} characters, this one has ${text.length}`,
      );
    }
    const { ids, clock } = counter;
    checked.push({
      task: ids(clock.now()),
      text,
      ...place.value,
      priority: item.priority ?? 'normal',
      origin: item.origin ?? 'person',
      ...(item.by === undefined ? {} : { by: item.by }),
      ...(item.key === undefined ? {} : { key: item.key }),
    });
  }
  return writing(counter, () => {
    for (const { project, session, ...task } of checked) {
      counter.journal.append<'task_queued'>({
        type: 'task_queued',
        project,
        data: { ...task, ...(session ? { for: session } : {}) },
      });
    }
    const { tasks } = counter.journal.state();
    return ok(checked.map(({ task }) => tasks[task]!));
  });
};

export const cancelTask = (
  counter: Counter,
  id: string,
  { reason, by }: { reason: string; by: string },
): Result<Task, Failure> =>
  change(counter, id, (task) => {
    if (task.state !== 'queued' && task.state !== 'assigned')
      return failed('argument-invalid', `task ${task.id} is already ${task.state}`);
    counter.journal.append<'task_cancelled'>({
      type: 'task_cancelled',
      project: task.project,
      data: { task: task.id, reason, by },
    });
    return ok(undefined);
  });

/** A failed or cancelled task once more, as a new task with the same words: the old one stays as it ended. */
export const retryTask = (counter: Counter, id: string, asked: Pick<NewTask, 'by' | 'key'>): Result<Task, Failure> => {
  const found = findTask(counter, id);
  if (!found.ok) return found;
  const task = found.value;
  if (task.state !== 'failed' && task.state !== 'cancelled')
    return failed('argument-invalid', `task ${task.id} is ${task.state}`);
  const added = addTasks(counter, [
    { text: task.text, project: task.project, session: task.session, priority: task.priority, ...asked },
  ]);
  return added.ok ? ok(added.value[0]!) : added;
};

/** Open tasks by priority and age, then, if wanted, the closed ones, newest first. */
export const listTasks = (counter: Counter, all: boolean): Task[] => {
  const state = counter.journal.state();
  const tasks = Object.values(state.tasks);
  const assigned = tasks.filter((task) => task.state === 'assigned');
  const closed = tasks
    .filter((task) => task.state !== 'queued' && task.state !== 'assigned')
    .sort((a, b) => b.changedAt.localeCompare(a.changedAt));
  return [...assigned, ...queuedTasks(state), ...(all ? closed : closed.filter((task) => task.state === 'failed'))];
};

const change = (counter: Counter, id: string, deed: (task: Task) => Result<void, Failure>): Result<Task, Failure> => {
  const found = findTask(counter, id);
  if (!found.ok) return found;
  return writing(counter, () => {
    const done = deed(found.value);
    return done.ok ? ok(counter.journal.state().tasks[found.value.id]!) : done;
  });
};

/** An id has 26; what was typed instead may be anything. */
const ID_SHOWN_MAX_CHARS = 40;

/** By id, or by an end of an id that only one task has: the ends differ, the beginnings are the time. */
const findTask = (counter: Counter, id: string): Result<Task, Failure> => {
  const wanted = id.toUpperCase();
  const matches = Object.values(counter.journal.state().tasks).filter(
    (task) => task.id === wanted || task.id.endsWith(wanted),
  );
  if (wanted.length < 4 || matches.length === 0)
    return failed('not-found', `there is no task ${JSON.stringify(id.slice(0, ID_SHOWN_MAX_CHARS))}`);
  if (matches.length > 1) return failed('argument-invalid', `${matches.length} tasks end in ${id}`);
  return ok(matches[0]!);
};

const placeOf = (counter: Counter, item: NewTask): Result<{ project: string; session?: string }, Failure> => {
  const { projects } = counter.config();
  const sessions = counter.sessions();
  const session = item.session === undefined ? undefined : sessions.find((s) => s.name === item.session);
  if (item.session !== undefined && !session) {
    return failed(
      'not-found',
      `there is no session ${item.session}; there are ${sessions.map((s) => s.name).join(', ')}`,
    );
  }
  const project = item.project ?? session?.project ?? (projects.length === 1 ? projects[0]!.name : undefined);
  if (project === undefined) {
    return failed('argument-invalid', `say which project: --project ${projects.map((p) => p.name).join(' | ')}`);
  }
  if (!projects.some((p) => p.name === project)) {
    return failed('not-found', `there is no project ${project}; there are ${projects.map((p) => p.name).join(', ')}`);
  }
  if (session && session.project !== project) {
    return failed('argument-invalid', `session ${session.name} works on ${session.project}, not on ${project}`);
  }
  return ok({ project, ...(session ? { session: session.name } : {}) });
};

const writing = <T>(counter: Counter, deed: () => Result<T, Failure>): Result<T, Failure> => {
  try {
    const result = deed();
    writeTaskQueue(counter.journal, counter.paths.taskQueue);
    return result;
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, error: error.failure };
    throw error;
  }
};
