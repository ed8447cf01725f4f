import { z } from 'zod';
import { Asker, RequestArgs, RequestWhat } from './request.ts';
import { ROLES, RoleName } from './role.ts';
import { Priority } from './task.ts';

/** Everything that a person can ask for at the desk, through whichever face. */

/** What was typed may be anything; whether it names something is seen at the desk. */
const name = z.string().min(1).max(300);
const reason = z.string().min(1).max(2_000).optional();

const commands = [
  z.strictObject({
    command: z.literal('add-task'),
    text: z.string().min(1).max(20_000),
    project: name.optional(),
    session: name.optional(),
    priority: Priority.optional(),
  }),
  z.strictObject({ command: z.literal('cancel-task'), task: name, reason }),
  z.strictObject({ command: z.literal('retry-task'), task: name }),
  /** Without `session` the whole factory. */
  z.strictObject({ command: z.literal('pause'), session: name.optional(), reason }),
  /** `roles`: not sessions, but roles that are parked after failures. */
  z.strictObject({
    command: z.literal('resume'),
    session: name.optional(),
    roles: z.array(RoleName).min(1).max(ROLES.length).optional(),
  }),
  z.strictObject({ command: z.literal('approve'), branch: name, reason }),
  z.strictObject({ command: z.literal('reject'), branch: name, reason: reason.unwrap() }),
  z.strictObject({
    command: z.literal('comment'),
    branch: name,
    text: z.string().min(1).max(4_000),
    file: z.string().min(1).max(1_000).optional(),
    line: z.number().int().positive().optional(),
  }),
  z.strictObject({ command: z.literal('revert'), what: name, project: name.optional(), reason }),
  z.strictObject({ command: z.literal('apply-proposal'), proposal: name }),
  z.strictObject({ command: z.literal('dismiss-proposal'), proposal: name, reason: reason.unwrap() }),
  z.strictObject({ command: z.literal('retire-skill'), skill: name, reason }),
  z.strictObject({ command: z.literal('restore-skill'), skill: name }),
  z.strictObject({ command: z.literal('request'), what: RequestWhat, args: z.strictObject(RequestArgs.shape) }),
] as const;

export const Command = z.discriminatedUnion('command', commands);
export type Command = z.infer<typeof Command>;
export type CommandName = Command['command'];
export type CommandOf<K extends CommandName> = Extract<Command, { command: K }>;

/** What makes asking twice the same as asking once. */
export const Asking = z.object({ asker: Asker, key: z.string().min(1).max(255).optional() });
export type Asking = z.infer<typeof Asking>;
