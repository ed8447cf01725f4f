import { marked, type Token, type Tokens } from 'marked';
import { z } from 'zod';
import { type FileProblem, fileProblem } from '../base/file-problem.ts';
import { nearest } from '../base/nearest.ts';
import { err, ok, type Result } from '../base/result.ts';
import { PRIORITIES } from '../model/priority.ts';
import { Priority } from '../model/task.ts';

/**
 * Many tasks from one file. JSON: an array of texts or of objects { text, project?, session?, priority? }.
 * Markdown: every item of a top-level list is a task; `- [x]` is done already and skipped; what is nested below an
 * item belongs to its text; `(high)` in front of the text sets the priority.
 */
export interface TaskDraft {
  text: string;
  priority: Priority;
  project?: string;
  session?: string;
  /** Where it stands in the file. */
  line: number;
}

/** More than this is no list that somebody thought about, and would fill the queue for weeks. */
const TASKS_PER_LIST_MAX = 1_000;
const TASK_TEXT_MAX_CHARS = 20_000;
/** Room for the above at ordinary lengths; read as a whole and judged as a whole. */
const TASK_LIST_MAX_CHARS = 4_000_000;

export const parseTaskList = (text: string, file: string): Result<TaskDraft[], FileProblem[]> => {
  if (text.length > TASK_LIST_MAX_CHARS) {
    const found = `${text.length.toLocaleString('en-US')} characters`;
    return err([fileProblem({ file, found, expected: `at most ${TASK_LIST_MAX_CHARS.toLocaleString('en-US')}` })]);
  }
  const clean = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const read = isJson(clean, file) ? fromJson(clean, file) : fromMarkdown(clean, file);
  const problems = [...read.problems];
  if (read.tasks.length === 0 && problems.length === 0) {
    problems.push(fileProblem({ file, found: 'no open task', expected: 'a list: a JSON array, or Markdown `- item`' }));
  }
  if (read.tasks.length > TASKS_PER_LIST_MAX) {
    const found = `${read.tasks.length.toLocaleString('en-US')} tasks`;
    problems.push(fileProblem({ file, found, expected: `at most ${TASKS_PER_LIST_MAX.toLocaleString('en-US')}` }));
  }
  return problems.length > 0 ? err(problems) : ok(read.tasks);
};

interface Reading {
  tasks: TaskDraft[];
  problems: FileProblem[];
}

/** By name; a file of another name, or standard input, by whether it is JSON. */
const isJson = (text: string, file: string): boolean => {
  if (/\.json$/i.test(file)) return true;
  if (/\.(md|markdown)$/i.test(file) || !/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const taskText = z
  .string()
  .refine((value) => value.trim() !== '', { message: 'text' })
  .refine((value) => value.length <= TASK_TEXT_MAX_CHARS, {
    message: `text of at most ${TASK_TEXT_MAX_CHARS.toLocaleString('en-US')} characters`,
  });

const JsonTask = z.strictObject({
  text: taskText,
  project: z.string().min(1).optional(),
  session: z.string().min(1).optional(),
  priority: Priority.optional(),
});

const fromJson = (text: string, file: string): Reading => {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    const said = (error as Error).message;
    const position = /position (\d+)/.exec(said);
    const line = position === null ? text.split('\n').length : lineAt(text, Number(position[1]));
    const found = `invalid JSON (${said.replace(/\s+/g, ' ').slice(0, 120)})`;
    return { tasks: [], problems: [fileProblem({ file, line, column: 1, found, expected: 'a JSON array of tasks' })] };
  }
  if (!Array.isArray(data)) {
    const found = data === null ? 'null' : typeof data === 'object' ? 'an object' : `a ${typeof data}`;
    return { tasks: [], problems: [fileProblem({ file, line: 1, column: 1, found, expected: 'an array of tasks' })] };
  }
  const lines = elementLines(text);
  const tasks: TaskDraft[] = [];
  const problems: FileProblem[] = [];
  for (const [index, item] of data.entries()) {
    const line = lines[index] ?? 1;
    const written: unknown = typeof item === 'string' ? { text: item } : item;
    const parsed = JsonTask.safeParse(written);
    if (parsed.success) {
      const { text: said, priority = 'normal', ...rest } = parsed.data;
      tasks.push({ ...rest, text: said.trim(), priority, line });
    } else
      problems.push(...parsed.error.issues.flatMap((issue) => jsonProblems(issue, written, { file, line, index })));
  }
  return { tasks, problems };
};

const JSON_KEYS = Object.keys(JsonTask.shape);

const jsonProblems = (
  issue: z.core.$ZodIssue,
  item: unknown,
  { file, line, index }: { file: string; line: number; index: number },
): FileProblem[] => {
  const key = [`[${index}]`, ...issue.path.map(String)].join('.');
  const place = { file, line, column: 1 };
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((unknown) => {
      const meant = nearest(unknown, JSON_KEYS);
      const expected = `one of ${JSON_KEYS.join(', ')}`;
      return fileProblem({ ...place, key: `${key}.${unknown.slice(0, 60)}`, found: 'an unknown key', expected, meant });
    });
  }
  const value = issue.path.length === 0 ? item : (item as Record<string, unknown>)[String(issue.path[0])];
  const found = showJson(value);
  if (issue.code === 'invalid_value') {
    const meant = typeof value === 'string' ? nearest(value, PRIORITIES) : undefined;
    return [fileProblem({ ...place, key, found, expected: `one of ${PRIORITIES.join(', ')}`, meant })];
  }
  const expected = issue.code === 'custom' ? issue.message : issue.path.length === 0 ? 'text or an object' : 'text';
  return [fileProblem({ ...place, key, found, expected })];
};

const showJson = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string' && value.length > SHOWN_MAX_CHARS) {
    return `${value.length.toLocaleString('en-US')} characters`;
  }
  return JSON.stringify(value);
};

const SHOWN_MAX_CHARS = 60;

/** The line on which each element of the outermost array begins. */
const elementLines = (text: string): number[] => {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let awaits = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\n') line++;
    if (/\s/.test(char)) continue;
    if (char === ']' || char === '}') depth--;
    else if (char === ',') awaits = depth === 1;
    else {
      if (awaits && depth === 1) lines.push(line);
      awaits = false;
      if (char === '"') {
        for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
      } else if (char === '[' || char === '{') {
        depth++;
        awaits = depth === 1;
      }
    }
  }
  return lines;
};

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

const fromMarkdown = (text: string, file: string): Reading => {
  let tokens: Token[];
  try {
    tokens = marked.lexer(text);
  } catch (error) {
    // The lexer recurses into nested lists.
    if (!(error instanceof RangeError)) throw error;
    return { tasks: [], problems: [fileProblem({ file, found: 'lists nested too deeply', expected: 'a plain list' })] };
  }
  const tasks: TaskDraft[] = [];
  const problems: FileProblem[] = [];
  let line = 1;
  for (const token of tokens) {
    if (token.type === 'list') {
      let itemLine = line;
      for (const item of (token as Tokens.List).items) {
        // A checked item is done; its nested items are its own affair.
        if (item.checked !== true) {
          const draft = markdownTask(item.text, itemLine);
          const problem = textProblem(draft.text);
          if (problem === undefined) tasks.push(draft);
          else problems.push(fileProblem({ file, line: itemLine, column: 1, ...problem }));
        }
        itemLine += newlines(item.raw);
      }
    }
    line += newlines(token.raw);
  }
  return { tasks, problems };
};

const markdownTask = (written: string, line: number): TaskDraft => {
  const prefix = /^\((urgent|high|normal|low)\)\s+/i.exec(written.trim());
  const text = prefix === null ? written : written.trim().slice(prefix[0].length);
  return { text: text.trim(), priority: Priority.parse(prefix?.[1]?.toLowerCase() ?? 'normal'), line };
};

const textProblem = (text: string): { found: string; expected: string } | undefined => {
  const issue = taskText.safeParse(text).error?.issues[0];
  if (issue === undefined) return undefined;
  const found = text.trim() === '' ? 'an empty item' : `${text.length.toLocaleString('en-US')} characters`;
  return { found, expected: issue.message };
};

const newlines = (raw: string): number => raw.split('\n').length - 1;
