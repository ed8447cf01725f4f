import { type FileProblem, renderProblem } from '../../base/file-problem.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Failure, failure } from '../../model/failure.ts';
import type { Session } from '../../model/session.ts';
import { type LoadedConfig, loadConfig } from './config.ts';
import { loadPrompts, type Prompts } from './prompts.ts';
import { readSessions } from './sessions.ts';

export interface LoadedHome extends LoadedConfig {
  home: string;
  sessions: Session[];
  prompts: Prompts;
}

/** All that a person wrote into a home, read and judged as a whole: nothing starts on a part of it. */
export const loadHome = (
  home: string,
  env: Record<string, string | undefined> = process.env,
  shippedPrompts?: string,
): Result<LoadedHome, FileProblem[]> => {
  const config = loadConfig(home, env);
  const sessions = readSessions(home, config.ok ? config.value.config.projects.map(({ name }) => name) : undefined);
  const prompts = loadPrompts(home, shippedPrompts);
  if (config.ok && sessions.ok && prompts.ok) {
    return ok({ ...config.value, home, sessions: sessions.value, prompts: prompts.value });
  }
  return err([config, sessions, prompts].flatMap((part) => (part.ok ? [] : part.error)));
};

/** The problems as one failure, of the kind whose mend fits them all best. */
export const problemsFailure = (problems: FileProblem[]): Failure => {
  const kinds = new Set(problems.map(({ file }) => kindOf(file)));
  const kind = kinds.size === 1 ? [...kinds][0]! : 'config-invalid';
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return failure(kind, `The home has ${count}:\n${problems.map(renderProblem).join('\n')}`);
};

const kindOf = (file: string) => {
  if (file.startsWith('sessions')) return 'session-file-invalid' as const;
  return file.endsWith('.md') ? ('prompt-invalid' as const) : ('config-invalid' as const);
};
