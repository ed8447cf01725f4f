import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { PRIORITIES } from '../../model/priority.ts';
import { isRole, ROLE_TEXTS, ROLES, type RoleName } from '../../model/role.ts';
import { type DetachKey, detachKey } from './detach.ts';
import type { Terminal } from './terminal.ts';

/**
 * The command line: what there is and what it takes. The deeds are loaded only when one is called, so that
 * `winnow --help` costs little more than starting Node.
 */
export interface Actions {
  init(dir: string, options: { repo?: string; name?: string; branch?: string; json?: boolean }): Promise<number>;
  up(options: Homed & { roles?: RoleName[]; dryRun?: boolean; for?: number }): Promise<number>;
  demo(options: { keep?: boolean; live?: boolean; crew?: boolean; json?: boolean }): Promise<number>;
  status(options: Homed & { json?: boolean }): Promise<number>;
  tui(
    options: Homed & { theme?: 'light' | 'dark'; colours?: 'none' | '16' | '256'; ascii?: boolean; mouse?: boolean },
  ): Promise<number>;
  attach(
    session: string,
    options: Homed & { take?: boolean; message?: string; detachKey?: DetachKey },
  ): Promise<number>;
  cycle(session: string, options: Homed & { task?: string; json?: boolean }): Promise<number>;
  taskAdd(
    text: string[],
    options: Homed & { project?: string; session?: string; priority?: string; json?: boolean },
  ): Promise<number>;
  taskList(options: Homed & { all?: boolean; json?: boolean }): Promise<number>;
  taskCancel(id: string, options: Homed & { reason?: string; json?: boolean }): Promise<number>;
  taskRetry(id: string, options: Homed & { json?: boolean }): Promise<number>;
  taskImport(
    file: string,
    options: Homed & { project?: string; session?: string; priority?: string; json?: boolean },
  ): Promise<number>;
  queue(options: Homed & { all?: boolean; json?: boolean }): Promise<number>;
  show(branch: string, options: Homed & { json?: boolean }): Promise<number>;
  review(branches: string[], options: Homed & { json?: boolean }): Promise<number>;
  approve(branch: string, options: Homed & { reason?: string; json?: boolean }): Promise<number>;
  reject(branch: string, options: Homed & { reason: string; json?: boolean }): Promise<number>;
  comment(
    branch: string,
    text: string[],
    options: Homed & { file?: string; line?: number; json?: boolean },
  ): Promise<number>;
  train(project: string | undefined, options: Homed & { json?: boolean }): Promise<number>;
  revert(what: string, options: Homed & { reason?: string; project?: string; json?: boolean }): Promise<number>;
  standup(options: Homed & { short?: boolean; sessions?: string; json?: boolean }): Promise<number>;
  skillsList(options: Homed & { json?: boolean }): Promise<number>;
  skillsShow(name: string, options: Homed & { json?: boolean }): Promise<number>;
  skillsRetire(name: string, options: Homed & { reason?: string; json?: boolean }): Promise<number>;
  skillsRestore(name: string, options: Homed & { json?: boolean }): Promise<number>;
  skillsCheck(options: Homed & { json?: boolean }): Promise<number>;
  botSkillsList(options: Homed & { json?: boolean }): Promise<number>;
  botSkillsRemove(name: string, options: Homed & { reason?: string; json?: boolean }): Promise<number>;
  botSkillsTry(words: string[], options: Homed & { json?: boolean }): Promise<number>;
  upkeep(options: Homed & { json?: boolean }): Promise<number>;
  doctor(options: Homed & { session?: string; rulesOnly?: boolean; json?: boolean }): Promise<number>;
  promptsList(options: Homed & { all?: boolean; json?: boolean }): Promise<number>;
  promptsShow(id: string, options: Homed & { json?: boolean }): Promise<number>;
  promptsApply(id: string, options: Homed & { json?: boolean }): Promise<number>;
  promptsDismiss(id: string, options: Homed & { reason: string; json?: boolean }): Promise<number>;
  pause(session: string | undefined, options: Homed & { reason?: string }): Promise<number>;
  resume(session: string | undefined, options: Homed & { role?: RoleName[] }): Promise<number>;
  log(
    options: Homed & {
      type?: string[];
      session?: string;
      project?: string;
      cycle?: string;
      since?: string;
      search?: string[];
      limit?: number;
      follow?: boolean;
      json?: boolean;
    },
  ): Promise<number>;
  http(options: Homed): Promise<number>;
  bot(options: Homed): Promise<number>;
  botSetup(options: Homed & { json?: boolean }): Promise<number>;
  notifyList(options: Homed & { json?: boolean }): Promise<number>;
  notifyTest(options: Homed & { json?: boolean }): Promise<number>;
  service(
    manager: 'pm2' | 'systemd',
    options: Homed & { user?: boolean; each?: boolean; json?: boolean },
  ): Promise<number>;
  check(options: Homed & { json?: boolean }): Promise<number>;
  gc(options: Homed & { yes?: boolean; json?: boolean }): Promise<number>;
  configSchema(): Promise<number>;
  configCheck(options: Homed & { json?: boolean }): Promise<number>;
}

export interface Homed {
  home?: string;
}

/** Used wrongly: the code that shells and most tools give it. */
export const EXIT_USAGE = 2;
/** Starting again mends nothing before a person has: EX_CONFIG of sysexits.h. PM2 and systemd are told to heed it. */
export const EXIT_STAYS_DOWN = 78;

export const buildProgram = (version: string, actions: Actions, exit: (code: number) => void): Command => {
  const home = new Option('--home <dir>', 'the home; default: WINNOW_HOME, else the nearest one above');
  const program = new Command('winnow')
    .description(
      'Runs a crew of Claude Code sessions on your repositories and keeps only the changes that provably improve them.',
    )
    .version(version, '-V, --version')
    .addOption(home)
    .showSuggestionAfterError()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (command) => (command.parent === null || HOMELESS.includes(command.name()) ? [] : [home]),
    })
    .addHelpText('after', HELP_AFTER);
  // Of the whole program: people, scripts and PM2 write it behind the command as often as before it.
  const homed = (options: object): Homed => ({ ...program.opts<Homed>(), ...options });
  const run = (work: Promise<number>) => work.then(exit);

  program
    .command('init')
    .argument('[dir]', 'where the home is made', '.')
    .option('--repo <path-or-url>', 'the repository to take care of; default: the one that holds the directory')
    .option('--name <name>', 'name of the project')
    .option('--branch <branch>', 'branch where winners land; default: the repository’s default branch')
    .option('--json', 'say what was written as JSON')
    .description('make a home: configuration, sessions, prompts; never overwrites')
    .action((dir: string, options) => run(actions.init(dir, options)));
  program
    .command('up')
    .option('--roles <names>', `only these, separated by commas, of ${ROLES.join(', ')}; default: all`, roleList)
    .option('--dry-run', 'say what would start now, and why the rest would not')
    .option('--for <duration>', 'stop by itself after a time such as 8h', duration)
    .description('run all sessions on schedule until stopped')
    .addHelpText('after', HELP_AFTER_UP)
    .action((options) => run(actions.up(homed(options))));
  program
    .command('cycle')
    .argument('<session>', 'name of the session')
    .option('--task <text>', 'what it is to do; default: what its focus finds')
    .option('--json', 'print the journal entry of the cycle, alone')
    .description('run one cycle of one session now')
    .addHelpText('after', HELP_AFTER_CYCLE)
    .action((session: string, options) => run(actions.cycle(session, homed(options))));
  program
    .command('attach')
    .argument('<session>', 'name of the session')
    .option('--take', 'stop its loop, go on with its conversation yourself, and give it back')
    .option('-m, --message <text>', 'with --take: what your change is called; default: by its files')
    .option('--detach-key <key>', 'with --take: what gives it back, such as ctrl-q; default: ctrl-]', detachKey)
    .description('follow the conversation of a session, or take the session over')
    .addHelpText('after', HELP_AFTER_ATTACH)
    .action((session: string, options) => run(actions.attach(session, homed(options))));
  program
    .command('status')
    .option('--json', 'the same for scripts')
    .description('the factory at a glance: who works on what, what waits, what it cost')
    .action((options) => run(actions.status(homed(options))));
  program
    .command('tui')
    .addOption(
      new Option('--theme <theme>', 'for which background; default: what the terminal says').choices(['light', 'dark']),
    )
    .addOption(
      new Option('--colours <count>', 'default: what TERM says; none where NO_COLOR is set').choices([
        'none',
        '16',
        '256',
      ]),
    )
    .option('--ascii', 'only signs of ASCII')
    .option('--no-mouse', 'leave the mouse to the terminal')
    .description('the dashboard: sessions live, review, tasks, journal, figures, and what needs you')
    .action((options) => run(actions.tui(homed(options))));
  program
    .command('log')
    .option('-t, --type <type...>', 'only these types of entry, such as ralph_cycle or alert')
    .option('-s, --session <name>', 'only this session')
    .option('-p, --project <name>', 'only this project')
    .option('-c, --cycle <id>', 'only this cycle')
    .option('--since <when>', 'only from then on: 2h, 3d, or a date')
    .option('--search <words...>', 'only what has all of these words, in the whole journal')
    .option('-n, --limit <count>', 'at most so many, the newest; default: 50, or all with --since or --json', count)
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .option('--json', 'the entries as they are, one JSON object a line')
    .description('read the journal: everything that happened')
    .addHelpText('after', HELP_AFTER_LOG)
    .action((options) => run(actions.log(homed(options))));

  const task = program.command('task').description('ask for work');
  const placed = (command: Command) =>
    command
      .option('-p, --project <name>', 'the project; needed when there are several')
      .option('-s, --session <name>', 'who is to do it; default: any session of the project')
      .addOption(new Option('--priority <priority>', 'how urgent').choices(PRIORITIES).default('normal'))
      .option('--json', 'print it as JSON');
  placed(task.command('add').argument('<text...>', 'what is to be done; - reads standard input'))
    .description('queue a task')
    .action((text: string[], options) => run(actions.taskAdd(text, homed(options))));
  placed(task.command('import').argument('<file>', 'JSON, or a Markdown list; - reads standard input'))
    .description('queue many tasks at once')
    .addHelpText('after', HELP_AFTER_IMPORT)
    .action((file: string, options) => run(actions.taskImport(file, homed(options))));
  task
    .command('list')
    .option('-a, --all', 'also what is done or cancelled')
    .option('--json', 'the same for scripts')
    .description('show the queue')
    .action((options) => run(actions.taskList(homed(options))));
  task
    .command('cancel')
    .argument('<id>', 'id of the task, or its last characters')
    .option('--reason <text>', 'why')
    .option('--json', 'print it as JSON')
    .description('take a task out of the queue')
    .action((id: string, options) => run(actions.taskCancel(id, homed(options))));
  task
    .command('retry')
    .argument('<id>', 'id of a failed or cancelled task, or its last characters')
    .option('--json', 'print it as JSON')
    .description('queue a failed task once more')
    .action((id: string, options) => run(actions.taskRetry(id, homed(options))));

  program
    .command('queue')
    .option('-a, --all', 'also what landed, was rejected, dropped or deleted')
    .option('--json', 'the same for scripts')
    .description('the branches that wait to land, what they wait for, and why')
    .action((options) => run(actions.queue(homed(options))));
  program
    .command('show')
    .argument('<branch>', BRANCH)
    .option('--json', 'the same for scripts')
    .description('everything about a branch: status, figures, findings, review, diff')
    .action((branch: string, options) => run(actions.show(branch, homed(options))));
  program
    .command('review')
    .argument('[branch...]', `${BRANCH}; default: all that wait`)
    .option('--json', 'print the journal entry of each review, one a line, alone')
    .description('let the reviewer judge what waits now; the running factory does it by itself')
    .addHelpText('after', HELP_AFTER_REVIEW)
    .action((branches: string[], options) => run(actions.review(branches, homed(options))));
  program
    .command('approve')
    .argument('<branch>', BRANCH)
    .option('-m, --reason <text>', 'why')
    .option('--json', 'print the journal entry')
    .description('let a branch land, whatever the reviewer said')
    .action((branch: string, options) => run(actions.approve(branch, homed(options))));
  program
    .command('reject')
    .argument('<branch>', BRANCH)
    .requiredOption('-m, --reason <text>', 'why')
    .option('--json', 'print the journal entry')
    .description('end a branch; its patch is kept in logs/patches/')
    .action((branch: string, options: { reason: string }) =>
      run(actions.reject(branch, { ...options, ...homed(options) })),
    );
  program
    .command('comment')
    .argument('<branch>', BRANCH)
    .argument('<text...>', 'the remark')
    .option('--file <path>', 'the file that it is about')
    .option('--line <number>', 'the line in it', count)
    .option('--json', 'print the journal entry')
    .description('remark on a branch; the reviewer reads it, and it decides nothing')
    .action((branch: string, text: string[], options) => run(actions.comment(branch, text, homed(options))));
  program
    .command('train')
    .argument('[project]', 'name of the project; default: all')
    .option('--json', 'what landed, what was dropped and what waits, one line a project')
    .description('land what is approved now; the running factory does it by itself')
    .action((project: string | undefined, options) => run(actions.train(project, homed(options))));
  program
    .command('revert')
    .argument('<what>', 'a commit of main, or a branch that landed, or the end of its name')
    .option('-m, --reason <text>', 'why')
    .option('-p, --project <name>', 'the project; needed when several have such a commit')
    .option('--json', 'print its end as JSON')
    .description('take back what landed; the revert is tested before main moves')
    .action((what: string, options) => run(actions.revert(what, homed(options))));

  const skills = program.command('skills').description('techniques that sessions are lent, and what they do');
  skills
    .command('list', { isDefault: true })
    .option('--json', 'the same for scripts')
    .description('every skill with its uses and its effect, and what is not lent and why')
    .addHelpText('after', HELP_AFTER_SKILLS)
    .action((options) => run(actions.skillsList(homed(options))));
  skills
    .command('show')
    .argument('<name>', 'name of the skill')
    .option('--json', 'the same for scripts')
    .description('one skill: what it says and what it does')
    .action((name: string, options) => run(actions.skillsShow(name, homed(options))));
  skills
    .command('retire')
    .argument('<name>', 'name of the skill')
    .option('-m, --reason <text>', 'why')
    .option('--json', 'print the journal entry')
    .description('put a skill aside, with its figures, in skills/.retired/')
    .action((name: string, options) => run(actions.skillsRetire(name, homed(options))));
  skills
    .command('restore')
    .argument('<name>', 'name of the skill')
    .option('--json', 'print the journal entry')
    .description('bring back what was put aside; it is measured anew')
    .action((name: string, options) => run(actions.skillsRestore(name, homed(options))));
  skills
    .command('check')
    .option('--json', 'the same for scripts')
    .description('read every skill, name what is refused, and put aside by rule what does not help')
    .action((options) => run(actions.skillsCheck(homed(options))));
  const bot = skills.command('bot').description('what the bot understands beside its rules');
  bot
    .command('list', { isDefault: true })
    .option('--json', 'the same for scripts')
    .description('every bot skill with its phrases and uses, and which files are none and why')
    .action((options) => run(actions.botSkillsList(homed(options))));
  bot
    .command('remove')
    .argument('<name>', 'name of the bot skill')
    .option('-m, --reason <text>', 'why')
    .option('--json', 'print the journal entry')
    .description('forget it; its file is put aside in skills/bot/.removed/')
    .action((name: string, options) => run(actions.botSkillsRemove(name, homed(options))));
  bot
    .command('try')
    .argument('<words...>', 'a sentence as somebody would write it to the bot')
    .option('--json', 'the same for scripts')
    .description('how rules and bot skills understand a sentence; nothing is done, and no model is asked')
    .action((words: string[], options) => run(actions.botSkillsTry(words, homed(options))));

  program
    .command('standup')
    .option('--short', 'only the last round and the chair')
    .option('--sessions <names>', 'only these, separated by commas; default: all that are not paused')
    .option('--json', 'print the journal entry of the meeting, alone')
    .description('let all sessions meet now and print the minutes; the running factory does it by itself')
    .addHelpText('after', HELP_AFTER_STANDUP)
    .action((options) => run(actions.standup(homed(options))));
  program
    .command('doctor')
    .option('-s, --session <name>', 'only this session; default: all')
    .option('--rules-only', 'classes and treatment by rule; no run is asked to explain')
    .option('--json', 'print the journal entry of the round, alone')
    .description('what is the matter with the sessions; the running factory asks by itself')
    .addHelpText('after', HELP_AFTER_DOCTOR)
    .action((options) => run(actions.doctor(homed(options))));

  program
    .command('upkeep')
    .option('--json', 'print the journal entry, alone')
    .description('let the bot learn now from what it did not understand; the running factory does it by itself')
    .action((options) => run(actions.upkeep(homed(options))));

  const prompts = program.command('prompts').description('proposed changes of what sessions are told');
  prompts
    .command('list', { isDefault: true })
    .option('-a, --all', 'also what was applied or dismissed')
    .option('--json', 'the same for scripts')
    .description('the proposals that wait for you')
    .action((options) => run(actions.promptsList(homed(options))));
  prompts
    .command('show')
    .argument('<id>', PROPOSAL)
    .option('--json', 'the same for scripts')
    .description('why it is proposed, and the diff against the file as it is now')
    .action((id: string, options) => run(actions.promptsShow(id, homed(options))));
  prompts
    .command('apply')
    .argument('<id>', PROPOSAL)
    .option('--json', 'print the journal entry')
    .description('change the file; refused when it no longer holds the text')
    .action((id: string, options) => run(actions.promptsApply(id, homed(options))));
  prompts
    .command('dismiss')
    .argument('<id>', PROPOSAL)
    .requiredOption('-m, --reason <text>', 'why')
    .option('--json', 'print the journal entry')
    .description('leave the file as it is; the same is not proposed again')
    .action((id: string, options: { reason: string }) =>
      run(actions.promptsDismiss(id, { ...options, ...homed(options) })),
    );
  program
    .command('pause')
    .argument('[session]', 'name of the session; default: all')
    .option('--reason <text>', 'why')
    .description('start no new cycles; what runs goes on to its end')
    .action((session: string | undefined, options) => run(actions.pause(session, homed(options))));
  program
    .command('resume')
    .argument('[session]', 'name of the session; default: all')
    .option('--role <names>', 'instead: roles that are parked after failures, separated by commas, or all', roleList)
    .description('let a session, or all, go on')
    .action((session: string | undefined, options) => run(actions.resume(session, homed(options))));
  program
    .command('http')
    .description('answer HTTP, in a process of its own; what is asked for waits when nothing runs')
    .action((options) => run(actions.http(homed(options))));
  const telegram = program.command('bot').description('listen to Telegram, and let people in');
  telegram
    .command('run', { isDefault: true })
    .description('listen to Telegram, in a process of its own; what is asked for waits when nothing runs')
    .action((options) => run(actions.bot(homed(options))));
  telegram
    .command('setup')
    .option('--json', 'the same for scripts')
    .description('who writes to the bot next, and the lines that let them in')
    .addHelpText('after', HELP_AFTER_BOT_SETUP)
    .action((options) => run(actions.botSetup(homed(options))));
  const notify = program.command('notify').description('what people are told, and whether it reaches them');
  notify
    .command('list', { isDefault: true })
    .option('--json', 'the same for scripts')
    .description('the matters that stand, and the messages that wait to go out')
    .action((options) => run(actions.notifyList(homed(options))));
  notify
    .command('test')
    .option('--json', 'the same for scripts')
    .description('send a test message to every channel, and print what each said')
    .addHelpText('after', HELP_AFTER_NOTIFY_TEST)
    .action((options) => run(actions.notifyTest(homed(options))));
  const service = program.command('service').description('what keeps it running for good; printed, never installed');
  const managed = (command: Command) =>
    command.option('--each', 'a process for each role; default: all in one').option('--json', 'the same for scripts');
  managed(service.command('systemd').option('--user', 'for your own systemd, without root'))
    .description('a unit file, and how to install it')
    .action((options) => run(actions.service('systemd', homed(options))));
  managed(service.command('pm2'))
    .description('the commands for PM2')
    .action((options) => run(actions.service('pm2', homed(options))));
  program
    .command('check')
    .option('--json', 'the same for scripts')
    .description('what is missing on this machine, and how to get it')
    .action((options) => run(actions.check(homed(options))));
  program
    .command('gc')
    .option('--yes', 'remove it; without this it is only shown')
    .option('--json', 'the same for scripts')
    .description('show what has had its time, or remove it; nothing that is running, open or unsaved goes')
    .addHelpText('after', HELP_AFTER_GC)
    .action((options) => run(actions.gc(homed(options))));

  const config = program.command('config').description('the configuration');
  config
    .command('check')
    .option('--json', 'the same for scripts')
    .description('read winnow.config.yaml, the sessions and the prompts, and name every mistake')
    .action((options) => run(actions.configCheck(homed(options))));
  config
    .command('schema')
    .description('print the JSON Schema of winnow.config.yaml, for editors')
    .action(() => run(actions.configSchema()));

  program
    .command('demo')
    .option('--keep', 'leave the home for inspection')
    .option('--crew', 'go on with a doctor’s round, a standup, and a cycle that works by both')
    .option('--live', 'with your own Claude Code login instead of the scripted model')
    .option('--json', 'print the table as JSON')
    .description('see the main job in a minute, on a small repository with planted faults; needs no key')
    .action((options) => run(actions.demo(options)));
  return program;
};

const PROPOSAL = 'id of the proposal, or its last characters';
const BRANCH = 'the branch, or an end of its name that only it has';

/** Commands that open no home. */
const HOMELESS: readonly string[] = ['init', 'demo', 'schema'];

/** Runs the program; the exit code, with every wrong use explained by one line. */
export const runProgram = async (program: Command, argv: string[], terminal: Terminal): Promise<number | undefined> => {
  for (const command of everyCommand(program)) {
    command.exitOverride();
    command.configureOutput({
      writeErr: (text) => terminal.note(text.trimEnd()),
      writeOut: (text) => terminal.out(text.trimEnd()),
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
    });
    command.showHelpAfterError(`(see ${pathOf(command)} --help)`);
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
};

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

/** `winnow task add` */
const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

const count = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 on.');
  return Number(text);
};

const duration = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text.trim());
  if (!match) throw new InvalidArgumentError('Expected a time such as 90s, 30m or 8h.');
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's' | 'm' | 'h' | 'd'];
  const ms = Math.round(Number(match[1]) * unit);
  if (ms < 1000 || ms > DURATION_MAX_MS) throw new InvalidArgumentError('Expected a time from 1s to 24d.');
  return ms;
};

/** The same may be named twice; the order makes no difference. */
const roleList = (text: string): RoleName[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0] === 'all') return [...ROLES];
  const unknown = names.find((name) => !isRole(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no role ${JSON.stringify(unknown)}; there are ${ROLES.join(', ')}.`);
  return ROLES.filter((role) => names.includes(role));
};

/** A timer of more than 2^31 milliseconds fires at once. */
const DURATION_MAX_MS = 24 * 86_400_000;

const HELP_AFTER = `
Begin with \`winnow demo\`. Then, in a repository of yours:
  winnow init      make a home
  winnow check     see what is missing
  winnow up        run the sessions

Exit codes:
  0 done, 1 failed, 2 used wrongly, 3 could not be evaluated, 130 interrupted

\`winnow completion bash|zsh|fish\` prints the completion for your shell.`;

const HELP_AFTER_UP = `
Roles:
${ROLES.map((role) => `  ${role.padEnd(10)} ${ROLE_TEXTS[role]}`).join('\n')}

Exit codes:
  0 stopped; 1 refused, as when another process has one of the roles; 2 used
  wrongly; 78 starting it again mends nothing: the home has mistakes, or every
  role is parked after failures (\`winnow resume --role NAME\`)`;

const HELP_AFTER_CYCLE = `
Exit codes:
  0 it came to its end, whatever the judgement; 1 failed; 3 the checks could not
  be evaluated; 130 interrupted`;

const HELP_AFTER_ATTACH = `
Without --take Ctrl-C leaves, and nothing changes. With --take what runs now goes
on to its end first; what you changed is judged like any other work.

Exit codes:
  0 judged, whatever the judgement, or nothing was changed; 1 failed; 2 used
  wrongly; 3 the checks could not be evaluated; 130 given up or interrupted`;

const HELP_AFTER_GC = `
How long things are kept stands under retention: in winnow.config.yaml. While
\`winnow up\` runs, the same is done by itself once a day.`;

const HELP_AFTER_DOCTOR = `
Exit codes:
  0 the round was held, whatever was found; 1 it could not be held now; 2 used
  wrongly; 130 interrupted`;

const HELP_AFTER_BOT_SETUP = `
Exit codes:
  0 somebody wrote; 1 the bot cannot be listened to; 2 used wrongly; 130
  interrupted before anybody wrote`;

const HELP_AFTER_NOTIFY_TEST = `
Exit codes:
  0 every channel took it; 1 one did not, or there is none; 2 used wrongly; 130
  interrupted`;

const HELP_AFTER_REVIEW = `
Exit codes:
  0 reviewed, whatever the decision, or nothing waited; 1 a branch could not be
  reviewed now; 2 used wrongly; 130 interrupted`;

const HELP_AFTER_STANDUP = `
Exit codes:
  0 it was held, whoever was absent; 1 it could not be held now, or nobody
  spoke; 2 used wrongly; 130 interrupted`;
const HELP_AFTER_SKILLS = `
WITH and WITHOUT are the shares of cycles that were kept: of those that had the
skill, and of those that it fitted and that went without it by lot. HELPS is the
probability that it helps. The rule stands in docs/skills.md.`;

const HELP_AFTER_LOG = `
Examples:
  winnow log -f                         what happened last, and what happens now
  winnow log -t ralph_cycle --since 1d  how the cycles of the last day ended
  winnow log -c 01KKN3V8ZC…             everything about one cycle
  winnow log --search parser test       what was ever said of a parser’s test
  winnow log --json -t agent_ran | jq -s 'map(.data.costUsd) | add'

A search takes words as they are meant (sorts, sorted and order are one) and the
parts of paths and names; it shows 50 unless --limit says more, and how many are
left out. What holds only figures, such as agent_ran, is searched with -t alone.`;

const HELP_AFTER_IMPORT = `
Markdown: every item of a list is a task, \`- [x]\` is done already, and (high) in
front of its text sets the priority. JSON: an array of texts, or of objects
{"text", "project", "session", "priority"} of which only the text is needed.`;
