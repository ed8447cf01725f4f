import { z } from 'zod';
import { ParserName } from './report.ts';
import { ByteSize, Duration, Percent } from './units.ts';
import { FINDING_KINDS } from './verdict.ts';

/** The whole of winnow.config.yaml. Every key has its description here: the JSON Schema is made from it. */

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, { message: 'a name of letters, digits, dots, dashes and underscores' });

export const CheckConfig = z.strictObject({
  name: name.describe('Short name, unique within the project'),
  run: z.string().min(1).describe('Shell command, run at the root of a clean checkout; node_modules/.bin is on PATH'),
  parse: ParserName.describe('How its output becomes a report'),
  slot: z.string().optional().describe('Name of the slot it takes; default: the name of the check when a slot has it'),
  timeout: Duration.prefault('10m').describe('After this the check is killed and says nothing'),
  report: z.string().optional().describe('File with the report, relative to the checkout; default: standard output'),
  rerun: z
    .string()
    .optional()
    .describe('Command for the second look at failed tests, with {files} for their files; default: the whole check'),
});
export type CheckConfig = z.infer<typeof CheckConfig>;

const findings = z
  .strictObject(
    Object.fromEntries(
      FINDING_KINDS.filter((kind) => kind !== 'protected-path').map((kind) => [
        kind,
        z.enum(['refuse', 'report']).optional(),
      ]),
    ) as Record<
      Exclude<(typeof FINDING_KINDS)[number], 'protected-path'>,
      z.ZodOptional<z.ZodEnum<{ refuse: 'refuse'; report: 'report' }>>
    >,
  )
  .prefault({});

export const ProjectConfig = z.strictObject({
  name: name.describe('Short name, unique within the home'),
  repo: z.string().min(1).describe('URL or path of the git repository; a path is relative to the home'),
  branch: z.string().min(1).prefault('main').describe('Where winners land'),
  install: z.string().optional().describe('Command that installs dependencies; run when a lockfile changes'),
  installTimeout: Duration.prefault('15m'),
  lockfiles: z
    .array(z.string())
    .optional()
    .describe('Files whose content decides whether dependencies are installed anew; default: the known lockfiles'),
  context: z.array(z.string()).prefault(['CLAUDE.md', 'README.md']).describe('Files a session reads first'),
  checks: z.array(CheckConfig).min(1).describe('What judges a change'),
  protect: z.array(z.string()).prefault([]).describe('Globs of paths that no session may touch'),
  findings: findings.describe('What a suspicious edit does: refuse the attempt, or report it to the reviewer'),
  env: z.record(z.string(), z.string()).prefault({}).describe('Environment of the checks, beside a short allow-list'),
  merge: z
    .strictObject({
      mode: z.enum(['push', 'pull-request']).prefault('push'),
      style: z.enum(['squash', 'merge', 'rebase']).prefault('squash'),
      maxDiffLines: z.number().int().positive().prefault(500),
    })
    .prefault({}),
});
export type ProjectConfig = z.infer<typeof ProjectConfig>;

export const AgentConfig = z.strictObject({
  command: z
    .string()
    .prefault('claude')
    .describe('Claude Code; when it is not on PATH the copy in node_modules is used'),
  model: z.string().prefault('sonnet'),
  env: z
    .record(z.string(), z.string())
    .prefault({})
    .describe('Variables for the agent; values may use {session} {role} {project} {cycle}, or be env:NAME'),
  timeout: Duration.prefault('30m').describe('Longest run'),
  silence: Duration.prefault('5m').describe('Longest time without a line from the run'),
  maxBudgetUsd: z.number().positive().prefault(1).describe('Dollars per run'),
  maxBudgetPerCycleUsd: z.number().positive().prefault(3),
  maxTurns: z.number().int().positive().prefault(80),
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

const cron = z.string().min(1);

export const Config = z.strictObject({
  projects: z.array(ProjectConfig).min(1),
  agent: AgentConfig.prefault({}),
  schedule: z
    .strictObject({
      tick: Duration.prefault('5m').describe('How often the scheduler looks even when nothing happened'),
      cycle: Duration.prefault('15m').describe('Time from one cycle of a session to its next'),
      review: cron.prefault('0 */2 * * *'),
      standup: cron.prefault('0 1-23/2 * * *'),
      doctor: cron.prefault('30 */3 * * *'),
      improve: cron.prefault('45 */6 * * *'),
    })
    .prefault({}),
  gates: z
    .strictObject({
      memory: Percent.prefault('85%').describe('No new cycle above this share of used memory'),
      disk: ByteSize.prefault('2GB').describe('No new cycle below this much free disk'),
      budgetPerDayUsd: z.number().positive().prefault(20),
      budgetPerSessionPerDayUsd: z.number().positive().optional(),
      budgetPerProjectPerDayUsd: z.number().positive().optional(),
      maxSessions: z.number().int().positive().prefault(8).describe('Cycles at the same time'),
    })
    .prefault({}),
  slots: z.record(name, z.number().int().positive()).prefault({ tsc: 2, test: 1 }),
  http: z
    .strictObject({
      host: z.string().prefault('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).prefault(7420),
      token: z.string().optional(),
    })
    .prefault({}),
  telegram: z
    .strictObject({ token: z.string().optional(), chats: z.array(z.union([z.number(), z.string()])).prefault([]) })
    .optional(),
});
export type Config = z.infer<typeof Config>;
