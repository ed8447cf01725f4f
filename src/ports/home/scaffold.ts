import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { BranchName, RepoAddress } from '../../model/units.ts';
import type { Detected } from '../../policy/detect.ts';
import { configSchema } from './config.ts';
import { CONFIG_FILE, homePaths } from './home.ts';
import { CONFIG_TEXT, ENV_EXAMPLE_TEXT, IGNORED_LINES, SESSION_TEXTS } from './scaffold-texts.ts';
import { looksSecret } from './secrets.ts';

export interface Scaffolded {
  /** Paths relative to the home. */
  written: string[];
  /** Those that were there already: not one byte of them is changed. */
  left: string[];
}

/** Prompts, skills and the PM2 file come from here; the same path from src/ and from dist/. */
const shippedRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** Makes a directory into a home. What is there stays as it is, so that running it twice changes nothing. */
export const scaffoldHome = (input: {
  dir: string;
  /** URL, or absolute path. */
  repo: string;
  /** Of the project; default: from the repository's name. */
  name?: string;
  /** The repository's default branch. */
  branch?: string;
  detected: Detected;
  /** Where Winnow's own files lie. */
  shipped?: string;
}): Result<Scaffolded, Failure> => {
  const { detected, branch = 'main', shipped = shippedRoot } = input;
  const dir = resolve(input.dir);
  const repo = isAbsolute(input.repo) ? nearPath(dir, input.repo) : input.repo;
  const name = input.name ?? nameOf(isAbsolute(input.repo) ? resolve(input.repo) : input.repo);
  const refused = refuse({ repo, name, branch });
  if (refused !== undefined) return refused;

  const done: Scaffolded = { written: [], left: [] };
  try {
    const write = createWriter(dir, done);
    for (const part of ['prompts', 'skills']) copyTree(shipped, part, write);
    if (existsSync(join(dir, CONFIG_FILE)) || hasSessions(dir)) done.left.push('sessions/');
    else for (const [session, text] of SESSION_TEXTS({ name, detected })) write(`sessions/${session}.md`, text);
    write('logs/.gitkeep', '');
    write('.env.example', ENV_EXAMPLE_TEXT);
    write('ecosystem.config.cjs', readFileSync(join(shipped, 'ecosystem.config.cjs'), 'utf8'));
    addIgnored(dir, done);
    writeConfigSchema(dir);
    // Last: where there is a configuration, the rest of the home was written before.
    write(CONFIG_FILE, CONFIG_TEXT({ name, repo, branch, detected }));
    return ok(done);
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'argument-invalid';
    return failed(kind, `The home ${dir} could not be written: ${path ?? dir} (${code}).`);
  }
};

/** The JSON Schema that the first line of the configuration names to editors; made anew with every version. */
export const writeConfigSchema = (home: string): void => {
  const { disposable, schema } = homePaths(home);
  const text = `${JSON.stringify(configSchema(), null, 2)}\n`;
  if (existsSync(schema) && readFileSync(schema, 'utf8') === text) return;
  mkdirSync(disposable, { recursive: true });
  writeFileSync(schema, text);
};

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

const refuse = (input: { repo: string; name: string; branch: string }): Result<never, Failure> | undefined => {
  if (!NAME.test(input.name))
    return failed(
      'argument-invalid',
      `The project name ${JSON.stringify(input.name)} may only have letters, digits, dots, dashes and underscores.`,
    );
  if (!BranchName.safeParse(input.branch).success)
    return failed('argument-invalid', `${JSON.stringify(input.branch)} is no name of a branch.`);
  if (!RepoAddress.safeParse(input.repo).success)
    return failed('argument-invalid', `${JSON.stringify(input.repo)} is no URL or path of a git repository.`);
  if (looksSecret(input.repo))
    return failed(
      'argument-invalid',
      'The URL of the repository holds a password: leave it out and let git’s credential helper or an SSH key provide it.',
    );
  return undefined;
};

/** A repository in or beside the home is named relative to it, so that both can move together. */
const nearPath = (dir: string, repo: string): string => {
  const path = relative(dir, repo);
  if (path === '') return '.';
  return path.startsWith('../..') || isAbsolute(path) ? resolve(repo) : path.startsWith('.') ? path : `./${path}`;
};

/** git@host:me/api.git -> api */
const nameOf = (repo: string): string => {
  const last = basename(
    repo
      .replace(/[/\\]+$/, '')
      .replace(/\.git$/i, '')
      .replaceAll(/[:\\]/g, '/'),
  );
  const name = last
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return name === '' ? 'project' : name;
};

const createWriter =
  (dir: string, done: Scaffolded) =>
  (file: string, text: string): void => {
    const path = join(dir, file);
    mkdirSync(dirname(path), { recursive: true });
    try {
      // 'x' decides in one step, and does not follow a link that points to nothing.
      writeFileSync(path, text, { flag: 'wx' });
      done.written.push(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        done.left.push(file);
        return;
      }
      // Half a file would be left alone for ever by the next run.
      rmSync(path, { force: true });
      throw error;
    }
  };

const copyTree = (root: string, part: string, write: (file: string, text: string) => void): void => {
  const files = readdirSync(join(root, part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
  for (const file of files) write(file, readFileSync(join(root, file), 'utf8'));
};

const hasSessions = (dir: string): boolean => {
  const { sessions } = homePaths(dir);
  return (
    existsSync(sessions) &&
    readdirSync(sessions).some((file) => /^[^.].*\.md$/i.test(file) && !/^readme\.md$/i.test(file))
  );
};

/** Adds the lines that keep secrets and bulk out of git; lines that are there already are not repeated. */
const addIgnored = (dir: string, done: Scaffolded): void => {
  const path = join(dir, '.gitignore');
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const present = new Set(before.split(/\r?\n/).map((line) => line.trim()));
  const lacking = IGNORED_LINES.filter((line) => !present.has(line));
  if (lacking.length === 0) {
    done.left.push('.gitignore');
    return;
  }
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  writeFileSync(path, `${gap}${lacking.join('\n')}\n`, { flag: 'a' });
  done.written.push(before === '' ? '.gitignore' : `.gitignore (${lacking.length} lines added)`);
};
