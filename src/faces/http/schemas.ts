import { z } from 'zod';
import { ENTRY_SCHEMAS, type EntryType } from '../../model/entry.ts';
import { RequestArgs, RequestWhat } from '../../model/request.ts';
import { RoleName } from '../../model/role.ts';
import { Priority, TaskState } from '../../model/task.ts';

/** What goes over HTTP, in and out: by these requests are validated, and of these the OpenAPI description is made. */

const name = z.string().min(1).max(300);
const reason = z.string().min(1).max(2_000);

export const ErrorBody = z
  .object({ error: z.object({ kind: z.string(), message: z.string(), mend: z.string() }) })
  .describe('What went wrong, and what to do about it');

export const All = z.object({
  all: z.enum(['true', 'false']).optional().describe('true: also what is over'),
});

export const TaskBody = z.strictObject({
  text: z.string().min(1).max(20_000).describe('What is to be done'),
  project: name.optional().describe('Needed when there are several'),
  session: name.optional().describe('Who is to do it; default: any session of the project'),
  priority: Priority.optional(),
});

export const ReviewBody = z.strictObject({ branches: RequestArgs.shape.branches.describe('Default: all that wait') });
export const StandupBody = z.strictObject({
  sessions: RequestArgs.shape.sessions.describe('Default: all'),
  short: RequestArgs.shape.short.describe('true: the last round and the chair only'),
});
export const DoctorBody = z.strictObject({
  sessions: RequestArgs.shape.sessions.describe('Default: all'),
  rulesOnly: RequestArgs.shape.rulesOnly.describe('true: by rule alone, without runs'),
});
export const CycleBody = z.strictObject({ session: name });
export const SessionBody = z.strictObject({ session: name.optional().describe('Default: everything') });
export const ResumeBody = SessionBody.extend({
  roles: z.array(RoleName).min(1).optional().describe('Instead: roles that are parked after failures'),
});
export const PauseBody = SessionBody.extend({ reason: reason.optional() });
export const ReasonBody = z.strictObject({ reason: reason.optional() });
export const RejectBody = z.strictObject({ reason });
export const CommentBody = z.strictObject({
  text: z.string().min(1).max(4_000),
  file: z.string().min(1).max(1_000).optional(),
  line: z.number().int().positive().optional(),
});
export const RevertBody = z.strictObject({
  what: name.describe('A commit of main, or a branch that landed'),
  project: name.optional(),
  reason: reason.optional(),
});

export const Named = z.object({ name });
export const KeyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The same key within 24 hours is the same request: it is answered, and not done again'),
});

const TYPES = Object.keys(ENTRY_SCHEMAS) as [EntryType, ...EntryType[]];

/** `type` may stand several times, or once with commas. */
const EntryTypes = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => (Array.isArray(given) ? given : given.split(',')))
  .pipe(z.array(z.enum(TYPES)).max(TYPES.length));

export const EventsQuery = z.object({
  type: EntryTypes.optional(),
  session: name.optional(),
  project: name.optional(),
  after: z
    .string()
    .max(64)
    .optional()
    .describe('Id of the entry that was seen last, where Last-Event-ID cannot be sent'),
});
export const LogQuery = z.object({
  type: EntryTypes.optional(),
  session: name.optional(),
  project: name.optional(),
  cycle: name.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional().describe('At most so many, the newest; default: 50'),
});

/** The durable receipt of what was asked for. */
export const Asked = z.object({
  id: z.string().describe('Of the request or the task; ask for it again under `href`'),
  what: z.enum(['task', ...RequestWhat.options]),
  state: z.enum(['asked', 'waits', 'joined', 'settled']).describe('waits: nothing runs now that could carry it out'),
  note: z.string(),
  href: z.string(),
  repeated: z.boolean().describe('true: asked for before, under the same key'),
});
export type Asked = z.infer<typeof Asked>;

export const Done = z.object({ note: z.string() });

export const RequestView = z.looseObject({
  id: z.string(),
  what: RequestWhat,
  args: RequestArgs,
  by: z.object({ face: z.string(), name: z.string() }),
  at: z.string(),
  joined: z.array(z.looseObject({ at: z.string() })),
  taken: z.looseObject({ at: z.string(), times: z.number() }).optional(),
  settled: z.object({ done: z.boolean(), note: z.string(), at: z.string() }).optional(),
});

export const TaskView = z.looseObject({
  id: z.string(),
  text: z.string(),
  project: z.string(),
  session: z.string().optional(),
  priority: Priority,
  state: TaskState,
  reason: z.string(),
});

export const Branch = z.looseObject({
  branch: z.string(),
  commit: z.string(),
  project: z.string(),
  session: z.string(),
  title: z.string(),
  at: z.string(),
  status: z.looseObject({ state: z.string() }),
});

export const BranchShown = z.looseObject({
  branch: Branch,
  findings: z.array(z.unknown()),
  comments: z.array(z.unknown()),
});

const SessionShown = z.looseObject({
  name: z.string(),
  project: z.string(),
  state: z.enum(['working', 'taken', 'waiting', 'paused', 'parked']),
  doing: z.string(),
  costUsd: z.number(),
});

export const SessionDetailShown = SessionShown.extend({
  focus: z.string(),
  everyMs: z.number(),
  model: z.string(),
  recent: z.array(z.looseObject({ cycle: z.string(), outcome: z.string() })),
  branches: z.array(Branch),
  tasks: z.array(TaskView),
});

export const StatusShown = z.looseObject({
  home: z.string(),
  at: z.string(),
  processes: z.array(z.object({ pid: z.number(), since: z.string(), roles: z.array(z.string()) })),
  roles: z.array(z.looseObject({ role: RoleName, state: z.enum(['working', 'parked', 'missing']) })),
  projects: z.array(z.looseObject({ name: z.string(), branch: z.string() })),
  sessions: z.array(SessionShown),
  gates: z.array(z.looseObject({ gate: z.string(), reason: z.string() })),
  slots: z.array(z.looseObject({ name: z.string(), capacity: z.number() })),
  queue: z.array(z.looseObject({ branch: z.string(), state: z.string() })),
  tasks: z.object({ queued: z.number(), assigned: z.number(), failed: z.number() }),
  today: z.looseObject({ costUsd: z.number(), budgetUsd: z.number() }),
});

export const Crew = z.object({
  standup: z.looseObject({ at: z.string(), summary: z.string() }).optional(),
  doctor: z.looseObject({ at: z.string(), file: z.string() }).optional(),
  skills: z.array(z.looseObject({ name: z.string(), description: z.string() })),
  proposals: z.array(z.looseObject({ id: z.string(), at: z.string(), change: z.looseObject({ file: z.string() }) })),
});

export const EntryShown = z.looseObject({
  id: z.string(),
  ts: z.string(),
  type: z.string(),
  project: z.string().optional(),
  session: z.string().optional(),
  cycle: z.string().optional(),
  data: z.looseObject({}),
});

export const Health = z.object({
  live: z.literal(true),
  ready: z.boolean().describe('What is asked for now is carried out now'),
  factory: z.enum(['running', 'down']),
  journal: z.enum(['ok', 'failing']),
});
