#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { err, ok } from './base/result.ts';
import type { Doors } from './desk/doors.ts';
import { type Actions, buildProgram, runProgram } from './faces/cli/program.ts';
import { sayFailure } from './faces/cli/say.ts';
import { processTerminal } from './faces/cli/terminal.ts';
import { FailureError, failure } from './model/failure.ts';

/** The composition root: hands the faces the doors to a home, loads each command only when it is called. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const doors: Doors = {
  version,
  openCounter: async (home) => {
    const opened = (await import('./home.ts')).openHome(home);
    return opened.ok ? ok(opened.value.counter) : opened;
  },
  openJournal: async (home) => {
    const { findHome } = await import('./ports/home/home.ts');
    const found = findHome(home, process.env, process.cwd());
    if (!found.ok) return err({ failure: found.error });
    const { journal } = (await import('./home.ts')).openHomeJournal(found.value);
    return ok({ journal, close: () => journal.close() });
  },
  openFactory: async (home) => (await import('./factory.ts')).openFactory(home),
};

const terminal = processTerminal();

const actions: Actions = {
  init: async (...given) => (await import('./faces/cli/init.ts')).initCommand(terminal, ...given),
  up: async (...given) => (await import('./faces/cli/up.ts')).upCommand(doors, terminal, ...given),
  demo: async (...given) => {
    const [{ demoCommand }, { OWN_MODULES }] = await Promise.all([import('./demo/command.ts'), import('./factory.ts')]);
    return demoCommand(doors, terminal, OWN_MODULES, ...given);
  },
  status: async (...given) => (await import('./faces/cli/show-status.ts')).statusCommand(doors, terminal, ...given),
  tui: async (...given) => (await import('./faces/tui/command.ts')).tuiCommand(doors, terminal, ...given),
  attach: async (...given) => (await import('./faces/cli/attach.ts')).attachCommand(doors, terminal, ...given),
  cycle: async (...given) => (await import('./faces/cli/cycle.ts')).cycleCommand(doors, terminal, ...given),
  taskAdd: async (...given) => (await import('./faces/cli/tasks.ts')).taskAdd(doors, terminal, ...given),
  taskList: async (...given) => (await import('./faces/cli/tasks.ts')).taskList(doors, terminal, ...given),
  taskCancel: async (...given) => (await import('./faces/cli/tasks.ts')).taskCancel(doors, terminal, ...given),
  taskRetry: async (...given) => (await import('./faces/cli/tasks.ts')).taskRetry(doors, terminal, ...given),
  taskImport: async (...given) => (await import('./faces/cli/tasks.ts')).taskImport(doors, terminal, ...given),
  queue: async (...given) => (await import('./faces/cli/queue.ts')).queueCommand(doors, terminal, ...given),
  show: async (...given) => (await import('./faces/cli/queue.ts')).showCommand(doors, terminal, ...given),
  review: async (...given) => (await import('./faces/cli/queue.ts')).reviewCommand(doors, terminal, ...given),
  approve: async (...given) => (await import('./faces/cli/queue.ts')).approveCommand(doors, terminal, ...given),
  reject: async (...given) => (await import('./faces/cli/queue.ts')).rejectCommand(doors, terminal, ...given),
  comment: async (...given) => (await import('./faces/cli/queue.ts')).commentCommand(doors, terminal, ...given),
  train: async (...given) => (await import('./faces/cli/train.ts')).trainCommand(doors, terminal, ...given),
  revert: async (...given) => (await import('./faces/cli/train.ts')).revertCommand(doors, terminal, ...given),
  standup: async (...given) => (await import('./faces/cli/standup.ts')).standupCommand(doors, terminal, ...given),
  skillsList: async (...given) => (await import('./faces/cli/skills.ts')).skillsListCommand(doors, terminal, ...given),
  skillsShow: async (...given) => (await import('./faces/cli/skills.ts')).skillsShowCommand(doors, terminal, ...given),
  skillsRetire: async (...given) =>
    (await import('./faces/cli/skills.ts')).skillsRetireCommand(doors, terminal, ...given),
  skillsRestore: async (...given) =>
    (await import('./faces/cli/skills.ts')).skillsRestoreCommand(doors, terminal, ...given),
  skillsCheck: async (...given) =>
    (await import('./faces/cli/skills.ts')).skillsCheckCommand(doors, terminal, ...given),
  botSkillsList: async (...given) =>
    (await import('./faces/cli/bot-skills.ts')).botSkillsListCommand(doors, terminal, ...given),
  botSkillsRemove: async (...given) =>
    (await import('./faces/cli/bot-skills.ts')).botSkillsRemoveCommand(doors, terminal, ...given),
  botSkillsTry: async (...given) =>
    (await import('./faces/cli/bot-skills.ts')).botSkillsTryCommand(doors, terminal, ...given),
  upkeep: async (...given) => (await import('./faces/cli/upkeep.ts')).upkeepCommand(doors, terminal, ...given),
  doctor: async (...given) => (await import('./faces/cli/doctor.ts')).doctorCommand(doors, terminal, ...given),
  promptsList: async (...given) => (await import('./faces/cli/prompts.ts')).promptsList(doors, terminal, ...given),
  promptsShow: async (...given) => (await import('./faces/cli/prompts.ts')).promptsShow(doors, terminal, ...given),
  promptsApply: async (...given) => (await import('./faces/cli/prompts.ts')).promptsApply(doors, terminal, ...given),
  promptsDismiss: async (...given) =>
    (await import('./faces/cli/prompts.ts')).promptsDismiss(doors, terminal, ...given),
  pause: async (...given) => (await import('./faces/cli/pause.ts')).pauseCommand(doors, terminal, ...given),
  resume: async (...given) => (await import('./faces/cli/pause.ts')).resumeCommand(doors, terminal, ...given),
  log: async (...given) => (await import('./faces/cli/read-log.ts')).logCommand(doors, terminal, ...given),
  http: async (...given) => (await import('./faces/cli/http.ts')).httpCommand(doors, terminal, ...given),
  bot: async (...given) => (await import('./faces/cli/bot.ts')).botCommand(doors, terminal, ...given),
  botSetup: async (...given) => (await import('./faces/cli/bot.ts')).botSetupCommand(doors, terminal, ...given),
  notifyList: async (...given) => (await import('./faces/cli/notify.ts')).notifyListCommand(doors, terminal, ...given),
  notifyTest: async (...given) => (await import('./faces/cli/notify.ts')).notifyTestCommand(doors, terminal, ...given),
  service: async (...given) => (await import('./faces/cli/service.ts')).serviceCommand(terminal, ...given),
  check: async (...given) => (await import('./faces/cli/show-check.ts')).checkCommand(doors, terminal, ...given),
  gc: async (...given) => (await import('./faces/cli/gc.ts')).gcCommand(doors, terminal, ...given),
  configSchema: async () => (await import('./faces/cli/config.ts')).configSchemaCommand(terminal),
  configCheck: async (...given) =>
    (await import('./faces/cli/config.ts')).configCheckCommand(doors, terminal, ...given),
};

const program = buildProgram(version, actions, (code) => {
  process.exitCode = code;
});

try {
  // A library that only these two need.
  if (['completion', 'complete'].includes(process.argv[2] ?? ''))
    (await import('./faces/cli/completion.ts')).addCompletion(program);
  const code = await runProgram(program, process.argv.slice(2), terminal);
  if (code !== undefined) process.exitCode = code;
  // What standard output thinks of the last write is heard only after it.
  process.once('beforeExit', () => {
    const fault = terminal.fault();
    if (fault === undefined) return;
    terminal.note(`winnow: the output could not be written: ${fault}`);
    process.exitCode ||= 1;
  });
} catch (error) {
  if (error instanceof FailureError) process.exitCode = sayFailure(terminal, error.failure);
  else if (isRefusal(error)) process.exitCode = sayFailure(terminal, failure('home-unusable', error.message));
  else sayDefect(error);
}

/** The operating system said no: a directory that may not be written, a disk that is full. */
function isRefusal(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function sayDefect(error: unknown): void {
  // What arrives here is a defect: one line for the person, the stack for the report when it is asked for.
  const message = error instanceof Error ? error.message : String(error);
  terminal.note(`winnow: ${message}`);
  terminal.note(
    process.env.WINNOW_DEBUG
      ? String(error instanceof Error ? error.stack : error)
      : '  Set WINNOW_DEBUG=1 for the stack.',
  );
  process.exitCode = 1;
}
