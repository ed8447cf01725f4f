import { z } from 'zod';
import { isPlainKey } from '../base/plain-key.ts';
import { ParserName } from './report.ts';
import {
  BranchName,
  ByteSize,
  ClockTime,
  CronExpression,
  Duration,
  Environment,
  Glob,
  HostName,
  InnerPath,
  KeptFor,
  Percent,
  RepoAddress,
  TimeZone,
} from './units.ts';
import { FINDING_KINDS } from './verdict.ts';

/** The whole of winnow.config.yaml. Every key has its description here: the JSON Schema is made from it. */

const NAME = { message: 'a name of at most 64 letters, digits, dots, dashes and underscores' };
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, NAME)
  .refine(isPlainKey, { message: 'another name: this one is reserved' });

/** A longer list is none that anybody keeps in mind. */
const HOSTS_MAX = 200;

export const CheckConfig = z.strictObject({
  name: name.describe('Short name, unique within the project'),
  run: z.string().min(1).describe('Shell command, run at the root of a clean checkout; node_modules/.bin is on PATH'),
  parse: ParserName.describe('How its output becomes a report'),
  slot: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the slot it takes; default: the name of the check when a slot has it'),
  timeout: Duration.prefault('10m').describe('After this the check is killed and says nothing'),
  report: InnerPath.optional().describe('File with the report, relative to the checkout; default: standard output'),
  rerun: z
    .string()
    .min(1)
    .optional()
    .describe('Command for the second look at failed tests, with {files} for their files; default: the whole check'),
});
export type CheckConfig = z.infer<typeof CheckConfig>;

const findings = z
  .strictObject(
    Object.fromEntries(
      FINDING_KINDS.filter((kind) => kind !== 'protected-path' && kind !== 'secret').map((kind) => [
        kind,
        z.enum(['refuse', 'report']).optional(),
      ]),
    ) as Record<
      Exclude<(typeof FINDING_KINDS)[number], 'protected-path' | 'secret'>,
      z.ZodOptional<z.ZodEnum<{ refuse: 'refuse'; report: 'report' }>>
    >,
  )
  .prefault({});

export const ProjectConfig = z.strictObject({
  name: name.describe('Short name, unique within the home'),
  repo: RepoAddress.describe('URL or path of the git repository; a path is relative to the home'),
  branch: BranchName.prefault('main').describe('Where winners land'),
  install: z
    .string()
    .min(1)
    .optional()
    .describe('Command that installs dependencies; run when a lockfile changes; absent: nothing is installed'),
  installTimeout: Duration.prefault('15m').describe('After this the installation is killed'),
  lockfiles: z
    .array(InnerPath)
    .optional()
    .describe('Files whose content decides whether dependencies are installed anew; default: the known lockfiles'),
  context: z.array(InnerPath).prefault(['CLAUDE.md', 'README.md']).describe('Files a session reads first'),
  checks: z.array(CheckConfig).min(1).describe('What judges a change'),
  protect: z.array(Glob).prefault([]).describe('Globs of paths that no session may touch'),
  findings: findings.describe('What a suspicious edit does: refuse the attempt, or report it to the reviewer'),
  env: Environment.prefault({}).describe('Environment of install and checks, beside a short allow-list'),
  network: z
    .enum(['open', 'none'])
    .prefault('none')
    .describe('What checks can reach behind the wall of bwrap; none: only themselves. Without that wall it is open'),
  hosts: z
    .array(HostName)
    .max(HOSTS_MAX)
    .prefault([])
    .describe(
      'What its installation reaches where `agent.network` is listed, beside the registries that its files name',
    ),
  merge: z
    .strictObject({
      mode: z
        .enum(['push', 'pull-request'])
        .prefault('push')
        .describe('push: winners move the branch; pull-request: they are proposed'),
      style: z
        .enum(['squash', 'merge', 'rebase'])
        .prefault('squash')
        .describe('How a winner becomes part of the branch'),
      maxDiffLines: z.number().int().positive().prefault(500).describe('A larger change needs a human'),
      batch: z
        .number()
        .int()
        .min(1)
        .max(64)
        .prefault(8)
        .describe('Approved branches that are tested together; the first that is bad is found by halving'),
      verify: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Command run after each landing, at the root of a checkout of it; if it fails the landing is reverted',
        ),
      verifyTimeout: Duration.prefault('10m').describe('After this the verification is killed and counts as failed'),
    })
    .prefault({})
    .describe('How winners land'),
});
export type ProjectConfig = z.infer<typeof ProjectConfig>;

/** Which wall stands around programs that Winnow does not trust. */
export const SandboxKind = z.enum(['none', 'bwrap', 'user']);
export type SandboxKind = z.infer<typeof SandboxKind>;

export const AgentConfig = z.strictObject({
  command: z
    .string()
    .min(1)
    .prefault('claude')
    .describe('Claude Code; when it is not on PATH the copy in node_modules is used'),
  model: z.string().min(1).prefault('sonnet').describe('Model of every run; a session may name its own'),
  env: Environment.prefault({}).describe(
    'Variables for the agent; values may use {session} {role} {project} {cycle}, or be env:NAME',
  ),
  timeout: Duration.prefault('30m').describe('Longest run'),
  silence: Duration.prefault('10m').describe('Longest time without a line from the run'),
  maxBudgetUsd: z.number().positive().prefault(1).describe('Dollars per run'),
  maxBudgetPerCycleUsd: z.number().positive().prefault(3).describe('Dollars per cycle, all its runs together'),
  maxTurns: z.number().int().positive().prefault(80).describe('Replies of the model per run'),
  sandbox: SandboxKind.prefault('none').describe(
    'Wall around runs, checks and installs: none; bwrap: bubblewrap; user: the unix user that `agent.user` names',
  ),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { message: 'the name of a unix user' })
    .prefault('winnow-agent')
    .describe('Unix user of runs, checks and installs when `sandbox` is user; Winnow itself runs as root then'),
  readable: z
    .array(z.string().regex(/^\//, { message: 'an absolute path' }))
    .max(50)
    .prefault([])
    .describe('Further files and directories that may be read behind the wall of bwrap, such as a tool chain'),
  network: z
    .enum(['open', 'listed'])
    .optional()
    .describe(
      'What sessions and installs reach behind the wall of bwrap; listed: what they need and `hosts`; default: listed with bwrap, else open',
    ),
  hosts: z
    .array(HostName)
    .max(HOSTS_MAX)
    .prefault([])
    .describe('What sessions reach where `network` is listed, beside the service of Claude Code'),
  iterations: z
    .number()
    .int()
    .min(1)
    .max(10)
    .prefault(3)
    .describe('Attempts of one conversation to turn worse into better'),
  retries: z.number().int().min(0).max(10).prefault(3).describe('Repetitions of a run that met a passing API fault'),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** What a token may do over HTTP. */
export const HttpScope = z.enum(['read', 'trigger', 'decide']);
export type HttpScope = z.infer<typeof HttpScope>;

export const Config = z.strictObject({
  projects: z.array(ProjectConfig).min(1).describe('The repositories under care'),
  agent: AgentConfig.prefault({}).describe('How Claude Code is run'),
  schedule: z
    .strictObject({
      tick: Duration.prefault('5m').describe('How often the scheduler looks even when nothing happened'),
      cycle: Duration.prefault('15m').describe('Time from one cycle of a session to its next'),
      review: CronExpression.prefault('0 */2 * * *').describe('Sweep of the review queue; cron, in UTC'),
      standup: CronExpression.prefault('0 1-23/2 * * *').describe('Meeting of all sessions; cron, in UTC'),
      doctor: CronExpression.prefault('30 */3 * * *').describe('Diagnosis of all sessions; cron, in UTC'),
      improve: CronExpression.prefault('45 */6 * * *').describe('Bot skills from unanswered messages; cron, in UTC'),
    })
    .prefault({})
    .describe('What happens when'),
  gates: z
    .strictObject({
      memory: Percent.prefault('85%').describe('No new cycle above this share of used memory'),
      disk: ByteSize.prefault('2GB').describe('No new cycle below this much free disk'),
      budgetPerDayUsd: z.number().positive().prefault(20).describe('Dollars per day (UTC), everything together'),
      budgetPerSessionPerDayUsd: z.number().positive().optional().describe('Dollars per day and session'),
      budgetPerProjectPerDayUsd: z.number().positive().optional().describe('Dollars per day and project'),
      maxSessions: z.number().int().positive().prefault(8).describe('Cycles at the same time'),
    })
    .prefault({})
    .describe('Conditions that hold back new work'),
  slots: z
    .record(name, z.number().int().positive())
    .prefault({ tsc: 2, test: 1 })
    .describe('How many of each kind of check may run at the same time, over all processes'),
  standup: z
    .strictObject({
      model: z.string().min(1).optional().describe('Model of the meeting; default: that of each session'),
      timeout: Duration.prefault('5m').describe('Longest time for one word of one session; who needs longer is absent'),
    })
    .prefault({})
    .describe('The meeting of all sessions'),
  doctor: z
    .strictObject({
      window: Duration.prefault('12h').describe('What happened before that says nothing about a session any more'),
      idleAfter: Duration.prefault('2h').describe(
        'So long due for a cycle, and nothing held it back, is idle: eight cycles of 15 minutes',
      ),
      stuckAfter: z
        .number()
        .int()
        .min(2)
        .max(50)
        .prefault(5)
        .describe(
          'So many cycles in a row without anything kept are stuck: at one kept in three, 13 % by chance alone',
        ),
      loopAfter: z
        .number()
        .int()
        .min(2)
        .max(50)
        .prefault(3)
        .describe('The same error so many times in a row is a loop: twice happens by accident'),
      parksPerDay: z
        .number()
        .int()
        .min(1)
        .max(100)
        .prefault(3)
        .describe('Parks of one session within a day after which a person is asked'),
      prompts: z
        .enum(['ask', 'apply'])
        .prefault('ask')
        .describe('ask: changes of prompts wait for a person; apply: they are applied at once'),
    })
    .prefault({})
    .describe('The diagnosis of all sessions'),
  skills: z
    .strictObject({
      perCycle: z.number().int().min(0).max(20).prefault(5).describe('Skills lent to a cycle, those that fit best'),
      size: ByteSize.prefault('8KB').describe('A longer SKILL.md is refused'),
      withhold: Percent.prefault('20%').describe(
        'Share of the cycles in which a fitting skill is withheld by lot, to see what it does',
      ),
      retireAfter: z
        .number()
        .int()
        .min(5)
        .max(10_000)
        .prefault(20)
        .describe('Cycles with a skill before its effect is judged'),
    })
    .prefault({})
    .describe('Distilled techniques'),
  retention: z
    .strictObject({
      transcripts: KeptFor.prefault('30d').describe('Transcripts of runs, and the conversations that can be resumed'),
      reports: KeptFor.prefault('90d').describe('Whole reports of checks and comparisons'),
      patches: KeptFor.prefault('forever').describe('Changes that did not land: often all that is left of them'),
      reviews: KeptFor.prefault('forever').describe('Reviews with their reasons'),
      branches: KeptFor.prefault('30d').describe(
        'Commits of closed branches in the mirror, for a second thought; their patches stay',
      ),
      checks: KeptFor.prefault('30d').describe('Results of checks, from their last use on'),
      workspaces: KeptFor.prefault('7d').describe('Workspaces, checkouts and agents’ homes, from their last use on'),
      homeSize: ByteSize.prefault('2GB').describe('An agent’s home that is larger is emptied between two cycles'),
      dependencies: KeptFor.prefault('14d').describe('Installed dependencies, from their last use on'),
      tmp: KeptFor.prefault('3d').describe('What runs and checks left in their temporary directories'),
      log: ByteSize.prefault('10MB').describe('Size at which logs/winnow.log is put aside and begun anew'),
      logFiles: z.number().int().min(1).max(100).prefault(5).describe('How many of those that were put aside are kept'),
    })
    .prefault({})
    .describe('How long things are kept; see `winnow gc`'),
  http: z
    .strictObject({
      host: z.string().min(1).prefault('127.0.0.1').describe('Address to listen on'),
      port: z.number().int().min(0).max(65_535).prefault(7420).describe('Port to listen on; 0: any free one'),
      token: z.string().min(1).optional().describe('Bearer token that may do everything, as env:NAME'),
      tokens: z
        .array(
          z.strictObject({
            name: name.describe('Who it is given to; the journal names it'),
            token: z.string().min(1).describe('The token itself, as env:NAME'),
            scopes: z
              .array(HttpScope)
              .min(1)
              .prefault(['read'])
              .describe('read: look; trigger: ask for work; decide: approve, reject, revert, pause'),
          }),
        )
        .max(100)
        .prefault([])
        .describe('Further tokens, each with a name and what it may do'),
      requestsPerMinute: z
        .number()
        .int()
        .positive()
        .prefault(600)
        .describe('Of one token, or of one address without token; more are refused'),
    })
    .prefault({})
    .describe('The HTTP interface'),
  telegram: z
    .strictObject({
      token: z.string().min(1).optional().describe('Token of the bot, as env:NAME'),
      chats: z
        .array(z.union([z.number(), z.string()]))
        .max(100)
        .prefault([])
        .describe('Ids of the chats that may speak to the bot; all others are ignored'),
      users: z
        .array(z.union([z.number(), z.string()]))
        .max(100)
        .optional()
        .describe('Ids of the users that may speak to it in those chats; default: everybody in them'),
      model: z
        .string()
        .min(1)
        .prefault('haiku')
        .describe('Model of the one call when neither rule nor skill understood'),
      budgetPerDayUsd: z.number().nonnegative().prefault(0.5).describe('Dollars per day for understanding messages'),
      apiRoot: z.url().prefault('https://api.telegram.org').describe('Bot API server; another one for a local server'),
    })
    .optional()
    .describe('The Telegram bot'),
  notify: z
    .strictObject({
      quiet: z
        .strictObject({
          from: ClockTime.describe('Start, such as 22:00'),
          to: ClockTime.describe('End, such as 07:30'),
          timezone: TimeZone.prefault('UTC').describe('Time zone by its IANA name, such as Europe/Berlin'),
        })
        .optional()
        .describe('Hours in which only what is urgent is sent; the rest comes afterwards, in one message'),
      digest: CronExpression.prefault('0 7 * * *').describe('Summary of the last day; cron, in UTC'),
      standup: z.boolean().prefault(true).describe('Send the summary of each standup'),
      discord: z.string().min(1).optional().describe('URL of a Discord webhook, as env:NAME'),
      webhooks: z
        .array(
          z.strictObject({
            name: name.describe('The journal names it'),
            url: z.string().min(1).describe('Where each notice is posted as JSON, as env:NAME or a URL'),
            secret: z
              .string()
              .min(1)
              .optional()
              .describe('Signs each body (HMAC-SHA256, header X-Winnow-Signature), as env:NAME'),
          }),
        )
        .max(20)
        .prefault([])
        .describe('Other services that are told'),
    })
    .prefault({})
    .describe('Who is told of what, and when'),
});
export type Config = z.infer<typeof Config>;
