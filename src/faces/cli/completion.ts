import { existsSync, readdirSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { findHome, homePaths } from '../../ports/home/home.ts';

/** `winnow completion bash|zsh|fish`: the script, and the suggestions that it asks for with every press of Tab. */
export const addCompletion = (program: Command): void => {
  const completion = tab(program, { completionCommandName: 'completion' });
  for (const name of ['cycle', 'pause', 'resume']) {
    const session = completion.commands.get(name)?.arguments.get('session');
    if (!session) continue;
    session.handler = (complete) => {
      for (const each of sessionNames()) complete(each, 'session');
    };
  }
};

/** By the names of the files alone: a press of Tab must not wait for a configuration to be read. */
const sessionNames = (): string[] => {
  const home = findHome(undefined, process.env, process.cwd());
  if (!home.ok) return [];
  const { sessions } = homePaths(home.value);
  if (!existsSync(sessions)) return [];
  return readdirSync(sessions).flatMap((file) => (/^[a-z][a-z0-9-]*\.md$/.test(file) ? [file.slice(0, -3)] : []));
};
