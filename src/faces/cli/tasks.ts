import { createReadStream } from 'node:fs';
import { renderProblem } from '../../base/file-problem.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Doors } from '../../desk/doors.ts';
import { addTasks } from '../../desk/tasks.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { askerText } from '../../model/request.ts';
import type { Priority, Task } from '../../model/task.ts';
import { parseTaskList } from '../../policy/task-list.ts';
import { atDesk } from './open.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayFailure, sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { shortId, taskLine } from './words.ts';

/** `winnow task …`: asking for work, and looking after what was asked for. */
/** Of a list or a text, wherever it comes from: /dev/zero has no end. The parser has limits of its own. */
const INPUT_MAX_BYTES = 16 * 1024 ** 2;

/** Of a list in which every line is wrong the first ones tell it all. */
const PROBLEMS_SHOWN_MAX = 50;

type Placed = Homed & { project?: string; session?: string; priority?: string; json?: boolean };

export const taskAdd = (doors: Doors, terminal: Terminal, words: string[], options: Placed): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk, asker }) => {
    const text = words.length === 1 && words[0] === '-' ? await readInput('-') : ok(words.join(' '));
    if (!text.ok) return sayFailure(terminal, text.error);
    const { project, session } = options;
    const priority = options.priority as Priority;
    const added = await desk.do({ command: 'add-task', text: text.value, project, session, priority }, { asker });
    return report(
      terminal,
      options,
      added,
      ({ task }) => `task ${shortId(task.id)} queued for ${task.session ?? 'any session'} of ${task.project}`,
    );
  });

export const taskImport = (doors: Doors, terminal: Terminal, file: string, options: Placed): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter, asker }) => {
    const text = await readInput(file);
    if (!text.ok) return sayFailure(terminal, text.error);
    const parsed = parseTaskList(text.value, file === '-' ? 'standard input' : file);
    if (!parsed.ok) {
      const shown = parsed.error.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `  ${renderProblem(problem)}`);
      if (parsed.error.length > shown.length) shown.push(`  … and ${parsed.error.length - shown.length} more`);
      terminal.note(`winnow: nothing was imported:\n${plain(shown.join('\n'))}`);
      return 1;
    }
    const { project, session } = options;
    const by = askerText(asker);
    const drafts = parsed.value.map((draft) => ({
      by,
      text: draft.text,
      project: draft.project ?? project,
      session: draft.session ?? session,
      priority: draft.priority ?? (options.priority as Priority),
      origin: 'import' as const,
    }));
    const added = addTasks(counter, drafts);
    if (!added.ok) return sayFailure(terminal, added.error);
    if (options.json) sayJson(terminal, added.value);
    else terminal.out(`${added.value.length} tasks queued`);
    return 0;
  });

export const taskList = (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { all?: boolean; json?: boolean },
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk }) => {
    const tasks = desk.tasks(options.all === true);
    if (options.json) sayJson(terminal, tasks);
    else if (tasks.length === 0)
      terminal.out('no task is open; ask for one with `winnow task add "what is to be done"`');
    else
      terminal.out(
        renderTable(
          ['ID', 'STATE', 'PRIORITY', 'SESSION', 'PROJECT', 'TASK', 'WHY'],
          tasks.map(taskLine),
          terminal.lineWidth,
          2,
        ),
      );
    return 0;
  });

export const taskCancel = (
  doors: Doors,
  terminal: Terminal,
  id: string,
  options: Homed & { reason?: string; json?: boolean },
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk, asker }) => {
    const { reason = 'cancelled by a person' } = options;
    const cancelled = await desk.do({ command: 'cancel-task', task: id, reason }, { asker });
    return report(terminal, options, cancelled, ({ task }) => `task ${shortId(task.id)} is cancelled`);
  });

export const taskRetry = (
  doors: Doors,
  terminal: Terminal,
  id: string,
  options: Homed & { json?: boolean },
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ desk, asker }) =>
    report(
      terminal,
      options,
      await desk.do({ command: 'retry-task', task: id }, { asker }),
      ({ task }) => `queued once more as task ${shortId(task.id)}`,
    ),
  );

const report = (
  terminal: Terminal,
  options: { json?: boolean },
  result: Result<{ task: Task }, Failure>,
  words: (value: { task: Task }) => string,
): number => {
  if (!result.ok) return sayFailure(terminal, result.error);
  if (options.json) sayJson(terminal, result.value.task);
  else terminal.out(words(result.value));
  return 0;
};

/** A file, a pipe, or `-` for standard input; read as it comes, since only a regular file has a size. */
const readInput = async (file: string): Promise<Result<string, Failure>> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      bytes += (chunk as Buffer).length;
      if (bytes > INPUT_MAX_BYTES) {
        const most = `${INPUT_MAX_BYTES / 1024 ** 2} MB`;
        return failed('argument-invalid', `${file === '-' ? 'standard input' : file} holds more than ${most}`);
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    return failed('argument-invalid', `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return ok(Buffer.concat(chunks).toString('utf8'));
};
