import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkShape, readYaml } from '../../base/checked-yaml.ts';
import { type FileProblem, fileProblem, inReadingOrder } from '../../base/file-problem.ts';
import { nearest } from '../../base/nearest.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { RESERVED_SESSION_NAMES, SESSION_NAME, type Session, SessionFrontMatter } from '../../model/session.ts';
import { homePaths } from './home.ts';
import { readTextFile } from './text-file.ts';

/** Standing instructions go into every prompt of the session: what is longer crowds out the work itself. */
export const SESSION_MAX_BYTES = 64 * 1024;
/** More sessions than one machine runs; a directory full of other Markdown is a mistake. */
const SESSIONS_MAX = 256;
const FOCUS_MAX_CHARS = 200;

/**
 * Reads sessions/*.md, sorted by name. README.md and files that begin with a dot are no sessions.
 * @param projects names of the configured projects; undefined when the configuration itself is broken, and then only
 *   what the session files say by themselves is judged
 */
export const readSessions = (
  home: string,
  projects: readonly string[] | undefined,
): Result<Session[], FileProblem[]> => {
  const listed = sessionFiles(home);
  if (!listed.ok) return err([listed.error]);
  const sessions: Session[] = [];
  const problems: FileProblem[] = [];
  for (const name of listed.value) {
    const file = `sessions/${name}`;
    const text = readTextFile(join(homePaths(home).sessions, name), { file, maxBytes: SESSION_MAX_BYTES });
    const parsed = text.ok ? parseSession(file, text.value, projects) : err([text.error]);
    if (parsed.ok) sessions.push(parsed.value);
    else problems.push(...parsed.error);
  }
  return problems.length > 0 ? err(inReadingOrder(problems)) : ok(sessions);
};

const sessionFiles = (home: string): Result<string[], FileProblem> => {
  let names: string[];
  try {
    names = readdirSync(homePaths(home).sessions);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return ok([]);
    if (code === undefined) throw error;
    return err(fileProblem({ file: 'sessions', found: `no readable directory (${code})`, expected: 'a directory' }));
  }
  const files = names.filter((name) => /\.md$/i.test(name) && !name.startsWith('.') && !/^readme\.md$/i.test(name));
  if (files.length > SESSIONS_MAX) {
    return err(
      fileProblem({ file: 'sessions', found: `${files.length} session files`, expected: `at most ${SESSIONS_MAX}` }),
    );
  }
  return ok(files.toSorted());
};

/** One session file: front matter between two lines `---`, and prose. */
export const parseSession = (
  file: string,
  text: string,
  projects: readonly string[] | undefined,
): Result<Session, FileProblem[]> => {
  const problems: FileProblem[] = [];
  const name = file.replace(/^.*\//, '').replace(/\.md$/i, '');
  if (!SESSION_NAME.test(name)) {
    const expected = 'a small letter, then at most 31 small letters, digits and dashes';
    problems.push(fileProblem({ file, found: `the file name ${JSON.stringify(name)}`, expected }));
  } else if ((RESERVED_SESSION_NAMES as readonly string[]).includes(name)) {
    problems.push(fileProblem({ file, found: `the name of a role, "${name}"`, expected: 'another name' }));
  }

  const parts = split(text);
  if (parts === undefined) {
    const expected = 'a second line `---` that closes it';
    return err([
      ...problems,
      fileProblem({ file, line: 1, column: 1, found: 'front matter without an end', expected }),
    ]);
  }
  const { head, prose, proseLine } = parts;
  const reading = readYaml({ file, text: head, firstLine: 2 });
  problems.push(...reading.problems);
  // Front matter of nothing but comments reads as null and means: no settings.
  const shape = checkShape(reading, reading.data ?? {}, SessionFrontMatter);
  if (reading.sound) problems.push(...shape.problems);

  const written = (reading.data as { project?: unknown } | null | undefined)?.project;
  if (projects !== undefined && reading.sound) {
    if (written === undefined && projects.length > 1) {
      const expected = `one of ${projects.join(', ')}, since there are several projects`;
      problems.push(reading.problem(['project'], { found: 'nothing', expected }));
    } else if (typeof written === 'string' && !projects.includes(written)) {
      const expected = projects.length === 0 ? 'a configured project' : `one of ${projects.join(', ')}`;
      problems.push(reading.problem(['project'], { expected, meant: nearest(written, projects) }));
    }
  }
  const instructions = prose.trim();
  if (instructions === '') {
    const expected = 'standing instructions in prose below the front matter';
    problems.push(fileProblem({ file, line: proseLine, column: 1, found: 'nothing', expected }));
  }
  if (problems.length > 0 || shape.value === undefined) return err(problems);

  const { project, focus, every, model, paused } = shape.value;
  return ok({
    name,
    project: project ?? projects?.[0] ?? '',
    focus: focus ?? firstSentence(instructions),
    everyMs: every,
    model,
    paused: paused ?? false,
    instructions,
    file,
  });
};

/** Undefined when front matter is opened and never closed. */
const split = (text: string): { head: string; prose: string; proseLine: number } | undefined => {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines[0]?.trimEnd() !== '---') return { head: '', prose: lines.join('\n'), proseLine: 1 };
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  if (end < 0) return undefined;
  return { head: lines.slice(1, end).join('\n'), prose: lines.slice(end + 1).join('\n'), proseLine: end + 2 };
};

/** What the session is about, when its focus is not stated: the first sentence that is no heading. */
const firstSentence = (instructions: string): string => {
  const line = instructions.split('\n').find((candidate) => /^[^#\s]/.test(candidate)) ?? instructions.split('\n')[0]!;
  return (/^.+?[.!?](?=\s|$)/.exec(line)?.[0] ?? line).replace(/^#+\s*/, '').slice(0, FOCUS_MAX_CHARS);
};
