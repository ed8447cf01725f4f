import type { FileProblem } from '../../base/file-problem.ts';
import { err, ok, type Result } from '../../base/result.ts';
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
