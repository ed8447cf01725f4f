import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  for (const [command, option] of [
    ['standup', 'sessions'],
    ['doctor', 'session'],
  ] as const) {
    const named = completion.commands.get(command)?.options.get(option);
    if (!named) continue;
    named.handler = (complete) => {
      for (const each of sessionNames()) complete(each, 'session');
    };
  }
  for (const name of ['show', 'review', 'approve', 'reject', 'comment']) {
    const branch = completion.commands.get(name)?.arguments.get('branch');
    if (!branch) continue;
    branch.handler = (complete) => {
      for (const each of branchNames()) complete(each, 'branch');
    };
  }
  for (const name of ['show', 'retire', 'restore']) {
    const skill = completion.commands.get(`skills ${name}`)?.arguments.get('name');
    if (!skill) continue;
    skill.handler = (complete) => {
      for (const each of skillNames(name === 'restore' ? '.retired' : '.')) complete(each, 'skill');
    };
  }
};

const skillNames = (dir: string): string[] => {
  const home = findHome(undefined, process.env, process.cwd());
  if (!home.ok) return [];
  const at = join(homePaths(home.value).skills, dir);
  return existsSync(at) ? readdirSync(at).filter((name) => /^(?!bot$)[a-z0-9][a-z0-9-]*$/.test(name)) : [];
};

/** From the picture of the queue: a press of Tab must not wait for the journal to be folded. */
const branchNames = (): string[] => {
  const home = findHome(undefined, process.env, process.cwd());
  if (!home.ok) return [];
  try {
    const { pending, approved } = JSON.parse(readFileSync(homePaths(home.value).reviewQueue, 'utf8')) as {
      [list in 'pending' | 'approved']: { branch: string }[];
    };
    return [...pending, ...approved].map(({ branch }) => branch);
  } catch {
    return [];
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
