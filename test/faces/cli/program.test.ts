import { describe, expect, it } from 'vitest';
import { type Actions, buildProgram, EXIT_USAGE, runProgram } from '../../../src/faces/cli/program.ts';
import { createPaper } from './paper.ts';

/** Runs a command line whose deeds only say what they were asked to do. */
const winnow = async (line: string | string[], width = 80) => {
  const called: unknown[] = [];
  const deed = (name: string) =>
    (async (...given: unknown[]) => {
      called.push([name, ...given]);
      return 0;
    }) as never;
  const names: (keyof Actions)[] = [
    'init',
    'up',
    'demo',
    'status',
    'tui',
    'cycle',
    'taskAdd',
    'taskList',
    'taskCancel',
    'taskRetry',
    'taskImport',
    'queue',
    'show',
    'review',
    'approve',
    'reject',
    'comment',
    'standup',
    'skillsList',
    'skillsShow',
    'skillsRetire',
    'skillsRestore',
    'skillsCheck',
    'doctor',
    'promptsList',
    'promptsShow',
    'promptsApply',
    'promptsDismiss',
    'pause',
    'resume',
    'log',
    'http',
    'service',
    'bot',
    'botSetup',
    'notifyList',
    'notifyTest',
    'check',
    'gc',
    'configSchema',
    'configCheck',
  ];
  const actions = Object.fromEntries(names.map((name) => [name, deed(name)])) as unknown as Actions;
  const paper = createPaper(width);
  const exits: number[] = [];
  const program = buildProgram('1.2.3', actions, (code) => void exits.push(code));
  const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const code = await runProgram(program, argv, paper);
  return { code, exits, called, out: paper.results.join('\n'), err: paper.notes.join('\n') };
};

const COMMANDS = [
  '',
  'init',
  'up',
  'cycle',
  'status',
  'tui',
  'log',
  'task',
  'task add',
  'task import',
  'task list',
  'task cancel',
  'task retry',
  'queue',
  'show',
  'review',
  'approve',
  'reject',
  'comment',
  'train',
  'revert',
  'standup',
  'doctor',
  'prompts',
  'prompts list',
  'prompts show',
  'prompts apply',
  'prompts dismiss',
  'skills',
  'skills list',
  'skills show',
  'skills retire',
  'skills restore',
  'skills check',
  'pause',
  'resume',
  'http',
  'bot',
  'bot run',
  'bot setup',
  'service',
  'service systemd',
  'service pm2',
  'notify',
  'notify list',
  'notify test',
  'check',
  'gc',
  'config',
  'config check',
  'config schema',
  'demo',
];

describe('help', () => {
  it('of winnow shows what there is and where to begin', async () => {
    const { code, out, err } = await winnow('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatchInlineSnapshot(`
      "Usage: winnow [options] [command]

      Runs a crew of Claude Code sessions on your repositories and keeps only the
      changes that provably improve them.

      Options:
        -V, --version                         output the version number
        --home <dir>                          the home; default: WINNOW_HOME, else the
                                              nearest one above
        -h, --help                            display help for command

      Commands:
        init [options] [dir]                  make a home: configuration, sessions,
                                              prompts; never overwrites
        up [options]                          run all sessions on schedule until
                                              stopped
        cycle [options] <session>             run one cycle of one session now
        attach [options] <session>            follow the conversation of a session, or
                                              take the session over
        status [options]                      the factory at a glance: who works on
                                              what, what waits, what it cost
        tui [options]                         the dashboard: sessions live, review,
                                              tasks, journal, figures, and what needs
                                              you
        log [options]                         read the journal: everything that
                                              happened
        task                                  ask for work
        queue [options]                       the branches that wait to land, what
                                              they wait for, and why
        show [options] <branch>               everything about a branch: status,
                                              figures, findings, review, diff
        review [options] [branch...]          let the reviewer judge what waits now;
                                              the running factory does it by itself
        approve [options] <branch>            let a branch land, whatever the reviewer
                                              said
        reject [options] <branch>             end a branch; its patch is kept in
                                              logs/patches/
        comment [options] <branch> <text...>  remark on a branch; the reviewer reads
                                              it, and it decides nothing
        train [options] [project]             land what is approved now; the running
                                              factory does it by itself
        revert [options] <what>               take back what landed; the revert is
                                              tested before main moves
        skills                                techniques that sessions are lent, and
                                              what they do
        standup [options]                     let all sessions meet now and print the
                                              minutes; the running factory does it by
                                              itself
        doctor [options]                      what is the matter with the sessions;
                                              the running factory asks by itself
        upkeep [options]                      let the bot learn now from what it did
                                              not understand; the running factory does
                                              it by itself
        prompts                               proposed changes of what sessions are
                                              told
        pause [options] [session]             start no new cycles; what runs goes on
                                              to its end
        resume [options] [session]            let a session, or all, go on
        http                                  answer HTTP, in a process of its own;
                                              what is asked for waits when nothing
                                              runs
        bot                                   listen to Telegram, and let people in
        notify                                what people are told, and whether it
                                              reaches them
        service                               what keeps it running for good; printed,
                                              never installed
        check [options]                       what is missing on this machine, and how
                                              to get it
        gc [options]                          show what has had its time, or remove
                                              it; nothing that is running, open or
                                              unsaved goes
        config                                the configuration
        demo [options]                        see the main job in a minute, on a small
                                              repository with planted faults; needs no
                                              key
        help [command]                        display help for command

      Begin with \`winnow demo\`. Then, in a repository of yours:
        winnow init      make a home
        winnow check     see what is missing
        winnow up        run the sessions

      Exit codes:
        0 done, 1 failed, 2 used wrongly, 3 could not be evaluated, 130 interrupted

      \`winnow completion bash|zsh|fish\` prints the completion for your shell."
    `);
  });

  it('of every command shows what it takes', async () => {
    const pages = [];
    for (const command of COMMANDS.slice(1)) pages.push((await winnow(`${command} --help`)).out);
    expect(pages.join(`\n${'-'.repeat(80)}\n`)).toMatchInlineSnapshot(`
      "Usage: winnow init [options] [dir]

      make a home: configuration, sessions, prompts; never overwrites

      Arguments:
        dir                   where the home is made (default: ".")

      Options:
        --repo <path-or-url>  the repository to take care of; default: the one that
                              holds the directory
        --name <name>         name of the project
        --branch <branch>     branch where winners land; default: the repository’s
                              default branch
        --json                say what was written as JSON
        -h, --help            display help for command
      --------------------------------------------------------------------------------
      Usage: winnow up [options]

      run all sessions on schedule until stopped

      Options:
        --roles <names>   only these, separated by commas, of scheduler, reviewer,
                          standup, doctor, bot, http; default: all
        --dry-run         say what would start now, and why the rest would not
        --for <duration>  stop by itself after a time such as 8h
        -h, --help        display help for command

      Global Options:
        --home <dir>      the home; default: WINNOW_HOME, else the nearest one above

      Roles:
        scheduler  starts cycles, closes what a crash left, tidies up once a day
        reviewer   reviews what waits, and lands what is approved
        standup    holds the meeting of all sessions
        doctor     looks at the sessions, and tends the skills
        bot        sends notices, and listens to chats
        http       answers HTTP

      Exit codes:
        0 stopped; 1 refused, as when another process has one of the roles; 2 used
        wrongly; 78 starting it again mends nothing: the home has mistakes, or every
        role is parked after failures (\`winnow resume --role NAME\`)
      --------------------------------------------------------------------------------
      Usage: winnow cycle [options] <session>

      run one cycle of one session now

      Arguments:
        session        name of the session

      Options:
        --task <text>  what it is to do; default: what its focus finds
        --json         print the journal entry of the cycle, alone
        -h, --help     display help for command

      Global Options:
        --home <dir>   the home; default: WINNOW_HOME, else the nearest one above

      Exit codes:
        0 it came to its end, whatever the judgement; 1 failed; 3 the checks could not
        be evaluated; 130 interrupted
      --------------------------------------------------------------------------------
      Usage: winnow status [options]

      the factory at a glance: who works on what, what waits, what it cost

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow tui [options]

      the dashboard: sessions live, review, tasks, journal, figures, and what needs
      you

      Options:
        --theme <theme>    for which background; default: what the terminal says
                           (choices: "light", "dark")
        --colours <count>  default: what TERM says; none where NO_COLOR is set
                           (choices: "none", "16", "256")
        --ascii            only signs of ASCII
        --no-mouse         leave the mouse to the terminal
        -h, --help         display help for command

      Global Options:
        --home <dir>       the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow log [options]

      read the journal: everything that happened

      Options:
        -t, --type <type...>  only these types of entry, such as ralph_cycle or alert
        -s, --session <name>  only this session
        -p, --project <name>  only this project
        -c, --cycle <id>      only this cycle
        --since <when>        only from then on: 2h, 3d, or a date
        --search <words...>   only what has all of these words, in the whole journal
        -n, --limit <count>   at most so many, the newest; default: 50, or all with
                              --since or --json
        -f, --follow          go on with what happens, until Ctrl-C
        --json                the entries as they are, one JSON object a line
        -h, --help            display help for command

      Global Options:
        --home <dir>          the home; default: WINNOW_HOME, else the nearest one
                              above

      Examples:
        winnow log -f                         what happened last, and what happens now
        winnow log -t ralph_cycle --since 1d  how the cycles of the last day ended
        winnow log -c 01KKN3V8ZC…             everything about one cycle
        winnow log --search parser test       what was ever said of a parser’s test
        winnow log --json -t agent_ran | jq -s 'map(.data.costUsd) | add'

      A search takes words as they are meant (sorts, sorted and order are one) and the
      parts of paths and names; it shows 50 unless --limit says more, and how many are
      left out. What holds only figures, such as agent_ran, is searched with -t alone.
      --------------------------------------------------------------------------------
      Usage: winnow task [options] [command]

      ask for work

      Options:
        -h, --help               display help for command

      Global Options:
        --home <dir>             the home; default: WINNOW_HOME, else the nearest one
                                 above

      Commands:
        add [options] <text...>  queue a task
        import [options] <file>  queue many tasks at once
        list [options]           show the queue
        cancel [options] <id>    take a task out of the queue
        retry [options] <id>     queue a failed task once more
        help [command]           display help for command
      --------------------------------------------------------------------------------
      Usage: winnow task add [options] <text...>

      queue a task

      Arguments:
        text                   what is to be done; - reads standard input

      Options:
        -p, --project <name>   the project; needed when there are several
        -s, --session <name>   who is to do it; default: any session of the project
        --priority <priority>  how urgent (choices: "urgent", "high", "normal", "low",
                               default: "normal")
        --json                 print it as JSON
        -h, --help             display help for command

      Global Options:
        --home <dir>           the home; default: WINNOW_HOME, else the nearest one
                               above
      --------------------------------------------------------------------------------
      Usage: winnow task import [options] <file>

      queue many tasks at once

      Arguments:
        file                   JSON, or a Markdown list; - reads standard input

      Options:
        -p, --project <name>   the project; needed when there are several
        -s, --session <name>   who is to do it; default: any session of the project
        --priority <priority>  how urgent (choices: "urgent", "high", "normal", "low",
                               default: "normal")
        --json                 print it as JSON
        -h, --help             display help for command

      Global Options:
        --home <dir>           the home; default: WINNOW_HOME, else the nearest one
                               above

      Markdown: every item of a list is a task, \`- [x]\` is done already, and (high) in
      front of its text sets the priority. JSON: an array of texts, or of objects
      {"text", "project", "session", "priority"} of which only the text is needed.
      --------------------------------------------------------------------------------
      Usage: winnow task list [options]

      show the queue

      Options:
        -a, --all     also what is done or cancelled
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow task cancel [options] <id>

      take a task out of the queue

      Arguments:
        id               id of the task, or its last characters

      Options:
        --reason <text>  why
        --json           print it as JSON
        -h, --help       display help for command

      Global Options:
        --home <dir>     the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow task retry [options] <id>

      queue a failed task once more

      Arguments:
        id            id of a failed or cancelled task, or its last characters

      Options:
        --json        print it as JSON
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow queue [options]

      the branches that wait to land, what they wait for, and why

      Options:
        -a, --all     also what landed, was rejected, dropped or deleted
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow show [options] <branch>

      everything about a branch: status, figures, findings, review, diff

      Arguments:
        branch        the branch, or an end of its name that only it has

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow review [options] [branch...]

      let the reviewer judge what waits now; the running factory does it by itself

      Arguments:
        branch        the branch, or an end of its name that only it has; default: all
                      that wait

      Options:
        --json        print the journal entry of each review, one a line, alone
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above

      Exit codes:
        0 reviewed, whatever the decision, or nothing waited; 1 a branch could not be
        reviewed now; 2 used wrongly; 130 interrupted
      --------------------------------------------------------------------------------
      Usage: winnow approve [options] <branch>

      let a branch land, whatever the reviewer said

      Arguments:
        branch               the branch, or an end of its name that only it has

      Options:
        -m, --reason <text>  why
        --json               print the journal entry
        -h, --help           display help for command

      Global Options:
        --home <dir>         the home; default: WINNOW_HOME, else the nearest one
                             above
      --------------------------------------------------------------------------------
      Usage: winnow reject [options] <branch>

      end a branch; its patch is kept in logs/patches/

      Arguments:
        branch               the branch, or an end of its name that only it has

      Options:
        -m, --reason <text>  why
        --json               print the journal entry
        -h, --help           display help for command

      Global Options:
        --home <dir>         the home; default: WINNOW_HOME, else the nearest one
                             above
      --------------------------------------------------------------------------------
      Usage: winnow comment [options] <branch> <text...>

      remark on a branch; the reviewer reads it, and it decides nothing

      Arguments:
        branch           the branch, or an end of its name that only it has
        text             the remark

      Options:
        --file <path>    the file that it is about
        --line <number>  the line in it
        --json           print the journal entry
        -h, --help       display help for command

      Global Options:
        --home <dir>     the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow train [options] [project]

      land what is approved now; the running factory does it by itself

      Arguments:
        project       name of the project; default: all

      Options:
        --json        what landed, what was dropped and what waits, one line a project
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow revert [options] <what>

      take back what landed; the revert is tested before main moves

      Arguments:
        what                  a commit of main, or a branch that landed, or the end of
                              its name

      Options:
        -m, --reason <text>   why
        -p, --project <name>  the project; needed when several have such a commit
        --json                print its end as JSON
        -h, --help            display help for command

      Global Options:
        --home <dir>          the home; default: WINNOW_HOME, else the nearest one
                              above
      --------------------------------------------------------------------------------
      Usage: winnow standup [options]

      let all sessions meet now and print the minutes; the running factory does it by
      itself

      Options:
        --short             only the last round and the chair
        --sessions <names>  only these, separated by commas; default: all that are not
                            paused
        --json              print the journal entry of the meeting, alone
        -h, --help          display help for command

      Global Options:
        --home <dir>        the home; default: WINNOW_HOME, else the nearest one above

      Exit codes:
        0 it was held, whoever was absent; 1 it could not be held now, or nobody
        spoke; 2 used wrongly; 130 interrupted
      --------------------------------------------------------------------------------
      Usage: winnow doctor [options]

      what is the matter with the sessions; the running factory asks by itself

      Options:
        -s, --session <name>  only this session; default: all
        --rules-only          classes and treatment by rule; no run is asked to
                              explain
        --json                print the journal entry of the round, alone
        -h, --help            display help for command

      Global Options:
        --home <dir>          the home; default: WINNOW_HOME, else the nearest one
                              above

      Exit codes:
        0 the round was held, whatever was found; 1 it could not be held now; 2 used
        wrongly; 130 interrupted
      --------------------------------------------------------------------------------
      Usage: winnow prompts [options] [command]

      proposed changes of what sessions are told

      Options:
        -h, --help              display help for command

      Global Options:
        --home <dir>            the home; default: WINNOW_HOME, else the nearest one
                                above

      Commands:
        list [options]          the proposals that wait for you
        show [options] <id>     why it is proposed, and the diff against the file as
                                it is now
        apply [options] <id>    change the file; refused when it no longer holds the
                                text
        dismiss [options] <id>  leave the file as it is; the same is not proposed
                                again
        help [command]          display help for command
      --------------------------------------------------------------------------------
      Usage: winnow prompts list [options]

      the proposals that wait for you

      Options:
        -a, --all     also what was applied or dismissed
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow prompts show [options] <id>

      why it is proposed, and the diff against the file as it is now

      Arguments:
        id            id of the proposal, or its last characters

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow prompts apply [options] <id>

      change the file; refused when it no longer holds the text

      Arguments:
        id            id of the proposal, or its last characters

      Options:
        --json        print the journal entry
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow prompts dismiss [options] <id>

      leave the file as it is; the same is not proposed again

      Arguments:
        id                   id of the proposal, or its last characters

      Options:
        -m, --reason <text>  why
        --json               print the journal entry
        -h, --help           display help for command

      Global Options:
        --home <dir>         the home; default: WINNOW_HOME, else the nearest one
                             above
      --------------------------------------------------------------------------------
      Usage: winnow skills [options] [command]

      techniques that sessions are lent, and what they do

      Options:
        -h, --help                display help for command

      Global Options:
        --home <dir>              the home; default: WINNOW_HOME, else the nearest one
                                  above

      Commands:
        list [options]            every skill with its uses and its effect, and what
                                  is not lent and why
        show [options] <name>     one skill: what it says and what it does
        retire [options] <name>   put a skill aside, with its figures, in
                                  skills/.retired/
        restore [options] <name>  bring back what was put aside; it is measured anew
        check [options]           read every skill, name what is refused, and put
                                  aside by rule what does not help
        bot                       what the bot understands beside its rules
        help [command]            display help for command
      --------------------------------------------------------------------------------
      Usage: winnow skills list [options]

      every skill with its uses and its effect, and what is not lent and why

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above

      WITH and WITHOUT are the shares of cycles that were kept: of those that had the
      skill, and of those that it fitted and that went without it by lot. HELPS is the
      probability that it helps. The rule stands in docs/skills.md.
      --------------------------------------------------------------------------------
      Usage: winnow skills show [options] <name>

      one skill: what it says and what it does

      Arguments:
        name          name of the skill

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow skills retire [options] <name>

      put a skill aside, with its figures, in skills/.retired/

      Arguments:
        name                 name of the skill

      Options:
        -m, --reason <text>  why
        --json               print the journal entry
        -h, --help           display help for command

      Global Options:
        --home <dir>         the home; default: WINNOW_HOME, else the nearest one
                             above
      --------------------------------------------------------------------------------
      Usage: winnow skills restore [options] <name>

      bring back what was put aside; it is measured anew

      Arguments:
        name          name of the skill

      Options:
        --json        print the journal entry
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow skills check [options]

      read every skill, name what is refused, and put aside by rule what does not help

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow pause [options] [session]

      start no new cycles; what runs goes on to its end

      Arguments:
        session          name of the session; default: all

      Options:
        --reason <text>  why
        -h, --help       display help for command

      Global Options:
        --home <dir>     the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow resume [options] [session]

      let a session, or all, go on

      Arguments:
        session         name of the session; default: all

      Options:
        --role <names>  instead: roles that are parked after failures, separated by
                        commas, or all
        -h, --help      display help for command

      Global Options:
        --home <dir>    the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow http [options]

      answer HTTP, in a process of its own; what is asked for waits when nothing runs

      Options:
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow bot [options] [command]

      listen to Telegram, and let people in

      Options:
        -h, --help       display help for command

      Global Options:
        --home <dir>     the home; default: WINNOW_HOME, else the nearest one above

      Commands:
        run              listen to Telegram, in a process of its own; what is asked
                         for waits when nothing runs
        setup [options]  who writes to the bot next, and the lines that let them in
        help [command]   display help for command
      --------------------------------------------------------------------------------
      Usage: winnow bot run [options]

      listen to Telegram, in a process of its own; what is asked for waits when
      nothing runs

      Options:
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow bot setup [options]

      who writes to the bot next, and the lines that let them in

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above

      Exit codes:
        0 somebody wrote; 1 the bot cannot be listened to; 2 used wrongly; 130
        interrupted before anybody wrote
      --------------------------------------------------------------------------------
      Usage: winnow service [options] [command]

      what keeps it running for good; printed, never installed

      Options:
        -h, --help         display help for command

      Global Options:
        --home <dir>       the home; default: WINNOW_HOME, else the nearest one above

      Commands:
        systemd [options]  a unit file, and how to install it
        pm2 [options]      the commands for PM2
        help [command]     display help for command
      --------------------------------------------------------------------------------
      Usage: winnow service systemd [options]

      a unit file, and how to install it

      Options:
        --user        for your own systemd, without root
        --each        a process for each role; default: all in one
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow service pm2 [options]

      the commands for PM2

      Options:
        --each        a process for each role; default: all in one
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow notify [options] [command]

      what people are told, and whether it reaches them

      Options:
        -h, --help      display help for command

      Global Options:
        --home <dir>    the home; default: WINNOW_HOME, else the nearest one above

      Commands:
        list [options]  the matters that stand, and the messages that wait to go out
        test [options]  send a test message to every channel, and print what each said
        help [command]  display help for command
      --------------------------------------------------------------------------------
      Usage: winnow notify list [options]

      the matters that stand, and the messages that wait to go out

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow notify test [options]

      send a test message to every channel, and print what each said

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above

      Exit codes:
        0 every channel took it; 1 one did not, or there is none; 2 used wrongly; 130
        interrupted
      --------------------------------------------------------------------------------
      Usage: winnow check [options]

      what is missing on this machine, and how to get it

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow gc [options]

      show what has had its time, or remove it; nothing that is running, open or
      unsaved goes

      Options:
        --yes         remove it; without this it is only shown
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above

      How long things are kept stands under retention: in winnow.config.yaml. While
      \`winnow up\` runs, the same is done by itself once a day.
      --------------------------------------------------------------------------------
      Usage: winnow config [options] [command]

      the configuration

      Options:
        -h, --help       display help for command

      Global Options:
        --home <dir>     the home; default: WINNOW_HOME, else the nearest one above

      Commands:
        check [options]  read winnow.config.yaml, the sessions and the prompts, and
                         name every mistake
        schema           print the JSON Schema of winnow.config.yaml, for editors
        help [command]   display help for command
      --------------------------------------------------------------------------------
      Usage: winnow config check [options]

      read winnow.config.yaml, the sessions and the prompts, and name every mistake

      Options:
        --json        the same for scripts
        -h, --help    display help for command

      Global Options:
        --home <dir>  the home; default: WINNOW_HOME, else the nearest one above
      --------------------------------------------------------------------------------
      Usage: winnow config schema [options]

      print the JSON Schema of winnow.config.yaml, for editors

      Options:
        -h, --help  display help for command
      --------------------------------------------------------------------------------
      Usage: winnow demo [options]

      see the main job in a minute, on a small repository with planted faults; needs
      no key

      Options:
        --keep      leave the home for inspection
        --crew      go on with a doctor’s round, a standup, and a cycle that works by
                    both
        --live      with your own Claude Code login instead of the scripted model
        --json      print the table as JSON
        -h, --help  display help for command"
    `);
  });

  it.each(COMMANDS)('of “winnow %s” fits 80 columns, ends well and goes to standard output', async (command) => {
    const { code, out, err } = await winnow(`${command} --help`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each(['', 'task', 'config'])(
    'is what a bare “winnow %s” gets, on standard error, as a wrong use',
    async (command) => {
      const { code, out, err, called } = await winnow(command);
      expect({ code, out, called }).toEqual({ code: EXIT_USAGE, out: '', called: [] });
      expect(err).toMatch(/^Usage: winnow/);
    },
  );

  it('prints the version', async () => {
    expect(await winnow('--version')).toMatchObject({ code: 0, out: '1.2.3' });
  });
});

describe('a wrong use', () => {
  it.each<[line: string, said: string]>([
    ['statu', "error: unknown command 'statu'\n(Did you mean status?)\n(see winnow --help)"],
    ['task lst', "error: unknown command 'lst'\n(Did you mean list?)\n(see winnow task --help)"],
    ['config chek', "error: unknown command 'chek'\n(Did you mean check?)\n(see winnow config --help)"],
    ['log --limi 3', "error: unknown option '--limi'\n(Did you mean --limit?)\n(see winnow log --help)"],
    ['cycle', "error: missing required argument 'session'\n(see winnow cycle --help)"],
    ['task add', "error: missing required argument 'text'\n(see winnow task add --help)"],
    [
      'status now',
      "error: too many arguments for 'status'. Expected 0 arguments but got 1.\n(see winnow status --help)",
    ],
    [
      'prompts shw',
      "error: too many arguments for 'list'. Expected 0 arguments but got 1.\n(see winnow prompts list --help)",
    ],
    [
      'prompts dismiss 000004',
      "error: required option '-m, --reason <text>' not specified\n(see winnow prompts dismiss --help)",
    ],
    ['log -s', "error: option '-s, --session <name>' argument missing\n(see winnow log --help)"],
    ...['0', '-3', '1.5', 'x', '1e3', '', '99999999999'].map((value): [string, string] => [
      `log --limit=${value}`,
      `error: option '-n, --limit <count>' argument '${value}' is invalid. Expected a whole number from 1 on.\n(see winnow log --help)`,
    ]),
    [
      'task add x --priority hihg',
      "error: option '--priority <priority>' argument 'hihg' is invalid. Allowed choices are urgent, high, normal, low.\n(see winnow task add --help)",
    ],
    [
      'up --for 8',
      "error: option '--for <duration>' argument '8' is invalid. Expected a time such as 90s, 30m or 8h.\n(see winnow up --help)",
    ],
    ...['0s', '30d', '0.0001s'].map((value): [string, string] => [
      `up --for ${value}`,
      `error: option '--for <duration>' argument '${value}' is invalid. Expected a time from 1s to 24d.\n(see winnow up --help)`,
    ]),
  ])('“winnow %s” is explained, does nothing and ends with 2', async (line, said) => {
    expect(await winnow(line)).toEqual({ code: EXIT_USAGE, exits: [], called: [], out: '', err: said });
  });
});

describe('a right use', () => {
  it.each<[line: string, called: unknown[]]>([
    ['init', ['init', '.', {}]],
    ['init there --repo ../x --branch next', ['init', 'there', { repo: '../x', branch: 'next' }]],
    ['up --dry-run', ['up', { dryRun: true }]],
    ['up --for 1.5h', ['up', { for: 5_400_000 }]],
    ['up --for 24d', ['up', { for: 2_073_600_000 }]],
    ['tui', ['tui', { mouse: true }]],
    [
      'tui --theme light --colours 16 --ascii --no-mouse',
      ['tui', { theme: 'light', colours: '16', ascii: true, mouse: false }],
    ],
    ['cycle alpha --json', ['cycle', 'alpha', { json: true }]],
    [
      'task add mend the clock -s alpha',
      ['taskAdd', ['mend', 'the', 'clock'], { session: 'alpha', priority: 'normal' }],
    ],
    ['task add - --priority urgent', ['taskAdd', ['-'], { priority: 'urgent' }]],
    ['task list --all', ['taskList', { all: true }]],
    ['log -t alert gate_closed -n 5 -f', ['log', { type: ['alert', 'gate_closed'], limit: 5, follow: true }]],
    ['pause', ['pause', undefined, {}]],
    ['pause alpha --reason lunch', ['pause', 'alpha', { reason: 'lunch' }]],
    ['--home /x status', ['status', { home: '/x' }]],
    ['status --home /x', ['status', { home: '/x' }]],
    ['task list --home /x', ['taskList', { home: '/x' }]],
    ['config check', ['configCheck', {}]],
    ['doctor', ['doctor', {}]],
    ['doctor --session alpha --rules-only --json', ['doctor', { session: 'alpha', rulesOnly: true, json: true }]],
    ['prompts', ['promptsList', {}]],
    ['prompts --all', ['promptsList', { all: true }]],
    ['prompts list --json', ['promptsList', { json: true }]],
    ['prompts show 000004', ['promptsShow', '000004', {}]],
    ['prompts apply 000004 --home /x', ['promptsApply', '000004', { home: '/x' }]],
    ['prompts dismiss 000004 -m no', ['promptsDismiss', '000004', { reason: 'no' }]],
  ])('“winnow %s” reaches its deed', async (line, called) => {
    expect(await winnow(line)).toEqual({ code: undefined, exits: [0], called: [called], out: '', err: '' });
  });

  it('takes a text that looks like an option after two dashes', async () => {
    const { called } = await winnow(['task', 'add', '--', '--json is ignored by status']);
    expect(called).toEqual([['taskAdd', ['--json is ignored by status'], { priority: 'normal' }]]);
  });
});
