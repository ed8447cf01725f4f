import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileProblem, fileProblem, inReadingOrder } from '../../base/file-problem.ts';
import { nearest } from '../../base/nearest.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { parseTemplate, type Template } from '../../policy/placeholders.ts';
import { homePaths } from './home.ts';
import { readTextFile } from './text-file.ts';

/** Every message that Winnow sends a model, with the placeholders that its template must use. */
export const PROMPTS = {
  /** Appended to the system prompt of every run of a session. */
  system: ['session', 'project', 'protect'],
  plan: [
    'session',
    'project',
    'focus',
    'instructions',
    'task',
    'context',
    'baseline',
    'recent',
    'claims',
    'tried',
    'skills',
    'branch',
  ],
  /** A plan clashed; once. */
  replan: ['title', 'reason'],
  hack: ['title', 'files', 'expects', 'checks', 'protect', 'skills', 'branch'],
  /** The evaluation said worse. */
  mend: ['iteration', 'iterations', 'failures', 'findings'],
  /** A branch waits for review; a conversation of its own. */
  review: [
    'project',
    'branch',
    'target',
    'title',
    'merge',
    'stat',
    'diff',
    'reports',
    'findings',
    'context',
    'comments',
  ],
  /** The review was not by the schema; once. */
  rereview: ['reason'],
  /** The standup: three rounds in one conversation of each session. */
  'standup-report': ['session', 'project', 'sessions', 'facts', 'commitment'],
  'standup-answer': ['session', 'reports'],
  /** In short form the first of its conversation. */
  'standup-commit': ['session', 'project', 'before', 'answers', 'commitment', 'claims', 'until'],
  /** After the last round, in a conversation of its own. */
  chair: ['sessions', 'form', 'proceedings', 'absent', 'queue', 'priorities'],
  /** A session is stuck, idle or loops; a conversation of its own, without tools. */
  doctor: ['session', 'project', 'class', 'evidence', 'cycles', 'facts', 'file', 'instructions'],
  /** What worked, over all sessions, at the end of a doctor's round. */
  learn: ['kept', 'missed', 'skills'],
  /** Somebody wrote to the bot, and no rule and no bot skill understood it. */
  'bot-answer': ['actions', 'names', 'state', 'message'],
  /** What nobody understood, by what it is about. */
  'bot-upkeep': ['actions', 'views', 'names', 'skills', 'groups'],
} as const;

/**
 * Placeholders that are younger than the files that homes may have of their own: a template without one gets it at its
 * end, so that a new Winnow does not stop at prompts that were right for the old one.
 */
const ADDED: { readonly [N in PromptName]?: Readonly<Record<string, string>> } = {
  plan: {
    skills: 'Skills that fit; load one with the Skill tool when its description fits what you plan:\n{{skills}}',
  },
  hack: { skills: 'Skills that fit; load one with the Skill tool before you begin if it fits the plan:\n{{skills}}' },
};

export type PromptName = keyof typeof PROMPTS;
type Placeholder<N extends PromptName> = (typeof PROMPTS)[N][number];
export type Prompts = { readonly [N in PromptName]: Template<Placeholder<N>> };

/** The templates that come with Winnow; the same path from src/ and from dist/. */
export const shippedPromptsDir = fileURLToPath(new URL('../../../prompts', import.meta.url));

export const PROMPT_MAX_BYTES = 64 * 1024;

/** The home's templates, and the shipped one for each that the home does not have. */
export const loadPrompts = (home: string, shippedDir = shippedPromptsDir): Result<Prompts, FileProblem[]> => {
  const names = Object.keys(PROMPTS) as PromptName[];
  const problems = misspelt(home, names);
  const loaded = names.map((name) => {
    const own = join(homePaths(home).prompts, `${name}.md`);
    const path = existsSync(own) ? own : join(shippedDir, `${name}.md`);
    const read = path === own ? readPrompt(path, `prompts/${name}.md`, name) : readPrompt(path, path, name, {});
    if (!read.ok) problems.push(...read.error);
    return [name, read.ok ? read.value : undefined] as const;
  });
  if (problems.length > 0) return err(inReadingOrder(problems));
  return ok(Object.fromEntries(loaded) as unknown as Prompts);
};

const readPrompt = (
  path: string,
  file: string,
  name: PromptName,
  added = ADDED[name],
): Result<Template, FileProblem[]> => {
  const text = readTextFile(path, { file, maxBytes: PROMPT_MAX_BYTES });
  return text.ok ? parsePrompt(name, text.value, file, added) : err([text.error]);
};

/** A template as a person wrote it; `file` is how problems name it. */
export const parsePrompt = (
  name: PromptName,
  text: string,
  file: string,
  added: Readonly<Record<string, string>> = ADDED[name] ?? {},
): Result<Template, FileProblem[]> => {
  const placeholders: readonly string[] = PROMPTS[name];
  const content = text.replace(/\r\n?/g, '\n').trim();
  const first = parseTemplate(content, placeholders);
  const younger = first.missing.flatMap((missing) => added[missing] ?? []);
  const { template, faults, missing } =
    younger.length === 0 ? first : parseTemplate([content, ...younger].join('\n\n'), placeholders);
  const all = placeholders.map((each) => `{{${each}}}`).join(' ');
  const problems = faults.map(({ line, column, found, placeholder }) => {
    const meant = placeholder === undefined ? undefined : nearest(placeholder, placeholders);
    const expected = placeholder === undefined ? `one of ${all}, or \\{{ for two plain braces` : `one of ${all}`;
    return fileProblem({ file, line, column, found, expected, meant });
  });
  for (const absent of missing) {
    const line = content.split('\n').length;
    problems.push(
      fileProblem({ file, line, column: 1, found: `no {{${absent}}}`, expected: 'it somewhere in the text' }),
    );
  }
  return problems.length > 0 ? err(problems) : ok(template);
};

/** A file that nobody reads since its name is off by a letter would be a change that silently does nothing. */
const misspelt = (home: string, names: readonly string[]): FileProblem[] => {
  const dir = homePaths(home).prompts;
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => /^[^.].*\.md$/i.test(file)) : [];
  return files.flatMap((file) => {
    const name = file.replace(/\.md$/i, '');
    const meant = names.includes(name) ? undefined : nearest(name, names);
    if (meant === undefined) return [];
    return [
      fileProblem({
        file: `prompts/${file}`,
        found: 'a file that no prompt has for its name',
        expected: `one of ${names.join(', ')}`,
        meant,
      }),
    ];
  });
};
