/**
 * What the scripted model says: plain data that can be written by hand as JSON, or in code with functions in it.
 * A scenario is a list of steps; each request of the conversation is answered by the next one. Faults stand in front
 * of a step and are served first, so that what Claude Code does about them (retry, fall back, give up) is real.
 */
import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import { type Failure, failure } from '../model/failure.ts';

export const Usage = z.strictObject({
  input: z.number().int().nonnegative().optional(),
  output: z.number().int().nonnegative().optional(),
  cacheRead: z.number().int().nonnegative().optional(),
  cacheWrite: z.number().int().nonnegative().optional(),
});
export type Usage = z.infer<typeof Usage>;

/** One block of a reply; a bare string is text. */
export const Block = z.union(
  [
    z.string(),
    z.strictObject({ text: z.string() }),
    /** A tool call; a string as input is sent as it stands, so that it may be broken JSON. */
    z.strictObject({ tool: z.string().min(1), input: z.union([z.record(z.string(), z.unknown()), z.string()]) }),
    /** The answer to a demanded schema: a call of the tool StructuredOutput. */
    z.strictObject({ answer: z.unknown() }),
  ],
  { error: 'a block: "text", {"text"}, {"tool","input"} or {"answer"}' },
);
export type Block = z.infer<typeof Block>;

/** The limits of a subscription, as the service tells them in headers; `resetsAt` in seconds since the epoch. */
export const RateLimit = z.strictObject({
  status: z.enum(['allowed', 'allowed_warning', 'rejected']),
  resetsAt: z.number().int(),
  claim: z.enum(['five_hour', 'seven_day']).optional().describe('Default: five_hour'),
  utilization: z.number().optional().describe('Share of the window that is used, 0 to 1; default 1'),
});
export type RateLimit = z.infer<typeof RateLimit>;

const times = z
  .union([z.number().int().positive(), z.literal('always')])
  .optional()
  .describe('How often it is served before the step; default once');

const headers = z.record(z.string(), z.string());

/** What goes wrong in front of a step. */
export const Fault = z.union(
  [
    /** An HTTP error: the service's JSON error body, or `body` as it stands. */
    z.strictObject({
      http: z.number().int().min(400).max(599),
      type: z.string().optional(),
      message: z.string().optional(),
      headers: headers.optional(),
      body: z.string().optional(),
      contentType: z.string().optional(),
      times,
    }),
    /** A subscription's limit is reached: 429 with the unified headers. */
    z.strictObject({ limit: RateLimit, times }),
    /** The connection is reset before a byte of the answer. */
    z.strictObject({ reset: z.literal(true), times }),
    /** Silence until the client goes away: before the headers, after them, after message_start, amid the text. */
    z.strictObject({ stall: z.enum(['headers', 'body', 'start', 'mid']), times }),
    /** The stream ends amid the text: by a reset, or in good order. */
    z.strictObject({ cut: z.enum(['reset', 'end']), times }),
    /** An event amid the stream that is no JSON. */
    z.strictObject({ badJson: z.literal(true), times }),
    /** An `error` event inside a stream with status 200. */
    z.strictObject({ errorEvent: z.strictObject({ type: z.string(), message: z.string() }), times }),
    /** Status 200 and any body at all. */
    z.strictObject({ raw: z.string(), contentType: z.string().optional(), times }),
    /** Nothing but pings, until the client goes away. */
    z.strictObject({ pingsEveryMs: z.number().int().min(1), times }),
  ],
  {
    error:
      'a fault: one of {"http"}, {"limit"}, {"reset"}, {"stall"}, {"cut"}, {"badJson"}, {"errorEvent"}, {"raw"}, {"pingsEveryMs"}',
  },
);
export type Fault = z.infer<typeof Fault>;

const reply = {
  blocks: z.array(Block),
  usage: Usage.optional(),
  stopReason: z.string().optional().describe('Default: tool_use when a tool is called, else end_turn'),
  delayMs: z.number().nonnegative().optional().describe('Wait before the first byte'),
  hold: z.string().optional().describe('Name of a latch: the reply waits until it is released'),
  headers: headers.optional(),
  rateLimit: RateLimit.optional().describe('Told in the headers of a good answer, e.g. a warning'),
  omitStop: z.boolean().optional().describe('The stream ends without message_stop'),
};

export const Reply = z.strictObject(reply);
export type Reply = z.infer<typeof Reply>;

const StepData = z.strictObject({
  ...reply,
  faults: z.array(Fault).optional(),
  /** What the tool results that come with the request should contain; a difference is noted in the log. */
  expect: z.strictObject({ toolResult: z.string().optional(), toolError: z.boolean().optional() }).optional(),
});

const after = z
  .enum(['fail', 'repeat-last', 'restart'])
  .optional()
  .describe('When all steps are served: an error (the default), the last step again, or from the first on');

const When = z.strictObject({
  tool: z
    .string()
    .optional()
    .describe('The request offers this tool; StructuredOutput means that a schema is demanded'),
  noTool: z.string().optional().describe('The request does not offer this tool'),
  prompt: z.string().optional().describe('The newest prompt contains this'),
  system: z.string().optional().describe('The system prompt contains this'),
});
type When = z.infer<typeof When>;

const TrackData = z.strictObject({ when: When.optional(), steps: z.array(StepData).min(1), after });

const ScenarioData = z
  .strictObject({
    steps: z.array(StepData).min(1).optional().describe('The steps, when one track is enough'),
    after,
    /** The first track whose condition holds answers; each keeps its own place. */
    tracks: z.array(TrackData).min(1).optional(),
    /** What subagents are answered; each has its own place. Default: one line of text. */
    subagent: z.strictObject({ steps: z.array(StepData).min(1), after }).optional(),
    /** The answer to a request to summarise the conversation. */
    summary: z.string().optional(),
  })
  .refine((s) => (s.steps === undefined) !== (s.tracks === undefined), {
    message: 'a scenario has either "steps" or "tracks"',
  });

/** A request as a step written in code sees it. */
export interface ModelRequest {
  key: string;
  /** Claude Code's id of the conversation. */
  conversation: string | undefined;
  model: string;
  system: string;
  /** Every prompt of the conversation that is still in it, oldest first, without Claude Code's own reminders. */
  prompts: string[];
  /** The newest of them. */
  prompt: string;
  /** Names of the tools that are offered. */
  tools: string[];
  /** A schema is demanded. */
  wantsAnswer: boolean;
  /** The results of the tool calls of the last reply. */
  toolResults: { id: string; text: string; isError: boolean }[];
  /** How many steps of this key were served before. */
  served: number;
  /** A place of the key's own, for scenarios that remember. */
  memory: Map<string, unknown>;
  /** The request's body as it came. */
  body: Record<string, unknown>;
}

export type StepData = z.infer<typeof StepData>;
type StepFunction = (request: ModelRequest) => Reply | Fault | Promise<Reply | Fault>;
export type Step = StepData | StepFunction;
type After = z.infer<typeof after>;

export interface Track {
  when?: When | ((request: ModelRequest) => boolean);
  steps: Step[];
  after?: After;
}

export interface Scenario {
  steps?: Step[];
  after?: After;
  tracks?: Track[];
  subagent?: { steps: Step[]; after?: After };
  summary?: string;
}

/** Reads a scenario from JSON text or from what JSON.parse made of it; every problem is named with its place. */
export const parseScenario = (source: unknown): Result<Scenario, Failure> => {
  let data = source;
  if (typeof source === 'string') {
    try {
      data = JSON.parse(source);
    } catch (error) {
      return err(failure('argument-invalid', `The scenario is no JSON: ${(error as Error).message}`));
    }
  }
  const parsed = ScenarioData.safeParse(data);
  if (parsed.success) return ok(parsed.data as Scenario);
  return err(failure('argument-invalid', `The scenario cannot be used.\n${z.prettifyError(parsed.error)}`));
};

export const tracksOf = (scenario: Scenario): Track[] =>
  scenario.tracks ?? [{ steps: scenario.steps ?? [], ...(scenario.after ? { after: scenario.after } : {}) }];

export const holds = (when: Track['when'], request: ModelRequest): boolean => {
  if (when === undefined) return true;
  if (typeof when === 'function') return when(request);
  return (
    (when.tool === undefined || request.tools.includes(when.tool)) &&
    (when.noTool === undefined || !request.tools.includes(when.noTool)) &&
    (when.prompt === undefined || request.prompt.includes(when.prompt)) &&
    (when.system === undefined || request.system.includes(when.system))
  );
};
