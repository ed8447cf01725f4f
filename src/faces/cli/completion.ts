import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { branchNames, sessionNames, skillNames } from '../../desk/names.ts';

/** `winnow completion bash|zsh|fish`: the script, and the suggestions that it asks for with every press of Tab. */
export const addCompletion = (program: Command): void => {
  const completion = tab(program, { completionCommandName: 'completion' });
  for (const name of ['attach', 'cycle', 'pause', 'resume']) {
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
      for (const each of skillNames(name === 'restore' ? 'retired' : 'lent')) complete(each, 'skill');
    };
  }
};
