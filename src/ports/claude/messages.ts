/**
 * What a run says, line by line, kept only as far as it decides: the last result, the usage of this run, what was
 * denied, the faults on the way. Everything unknown passes; a field of the wrong type is taken as absent.
 */
import { isAbsolute, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import type { Tokens } from '../../model/entry.ts';
import type { ResultFacts, RunFacts } from '../../policy/run-failure.ts';
import type { RunUsage } from './claude.ts';
import type { Rates } from './rates.ts';

/** A line of progress is for a screen. */
const PROGRESS_MAX_CHARS = 200;
/** Denials are a record for people; a run that is denied more often than this has shown its point. */
const DENIED_MAX = 100;
/** The results of tools can be of any size and say nothing that is needed here beyond small refusals. */
const USER_LINE_MAX_BYTES = 64 * 1024;
/** Messages of one turn whose usage is kept until a result sums them up; a longer turn is summed up too low. */
const OPEN_MESSAGES_MAX = 10_000;

export interface Reading {
  /** Takes one line of the transcript, without its end. */
  line(bytes: Buffer): void;
  facts(): Pick<RunFacts, 'result' | 'assistantError' | 'apiRetry' | 'rateLimit'>;
  usage(): RunUsage;
  conversation(): string | undefined;
  structured(): unknown;
  denied(): { tool: string; reason: string }[];
  /** A result has come. */
  answered(): boolean;
}

export const createReading = ({
  cwd,
  model,
  rates,
  onProgress,
}: {
  cwd: string;
  model: string;
  rates: Rates;
  onProgress: (line: string) => void;
}): Reading => {
  let result: ResultFacts | undefined;
  let structured: unknown;
  let conversation: string | undefined;
  let assistantError: string | undefined;
  let apiRetry: RunFacts['apiRetry'];
  let rateLimit: RunFacts['rateLimit'];
  const settled: RunUsage = { costUsd: 0, tokens: noTokens(), turns: 0 };
  /** Usage of the messages since the last result, by id: one message comes in several lines. */
  const open = new Map<string, { model: string; tokens: Tokens; chars: number }>();
  const reasons = new Map<string, string>();
  const denied: { tool: string; reason: string }[] = [];
  const counted = new Set<string>();

  const deny = (tool: string, reason: string) => {
    if (denied.length < DENIED_MAX) denied.push({ tool, reason });
  };

  const onAssistant = (message: AssistantMessage) => {
    const { id, content, usage } = message.message;
    assistantError = message.error;
    if (message.message.model !== '<synthetic>' && (open.has(id) || open.size < OPEN_MESSAGES_MAX)) {
      const chars = (open.get(id)?.chars ?? 0) + content.reduce((sum, block) => sum + JSON.stringify(block).length, 0);
      open.set(id, { model: message.message.model ?? model, tokens: tokensOf(usage, chars), chars });
    }
    for (const block of content) {
      const line = progressOf(block, cwd);
      if (line !== '') onProgress(line);
    }
  };

  const onResult = (message: ResultMessage) => {
    for (const [name, used] of Object.entries(message.model_usage_since_last_result ?? message.modelUsage ?? {})) {
      const tokens = {
        input: used.inputTokens,
        output: used.outputTokens,
        cacheRead: used.cacheReadInputTokens,
        cacheWrite: used.cacheCreationInputTokens,
      };
      settled.costUsd += used.costUSD;
      settled.tokens = plus(settled.tokens, tokens);
      rates.learn(name, tokens, used.costUSD);
    }
    settled.turns += message.num_turns;
    open.clear();
    structured = message.structured_output ?? undefined;
    for (const denial of message.permission_denials) {
      if (counted.has(denial.tool_use_id)) continue;
      counted.add(denial.tool_use_id);
      deny(denial.tool_name, reasons.get(denial.tool_use_id) ?? brief(JSON.stringify(denial.tool_input) ?? ''));
    }
    result = {
      subtype: message.subtype,
      isError: message.is_error,
      terminalReason: message.terminal_reason,
      apiErrorStatus: message.api_error_status,
      stopReason: message.stop_reason,
      text: message.result ?? message.errors.join('\n'),
      structured: structured !== undefined,
      startupFailure: message.startup_failure_reason,
    };
  };

  const onMessage = (message: Message) => {
    if ('session_id' in message && message.session_id !== undefined) conversation = message.session_id;
    switch (message.type) {
      case 'assistant':
        return onAssistant(message);
      case 'result':
        return onResult(message);
      case 'rate_limit_event': {
        const { status, resetsAt, rateLimitType } = message.rate_limit_info;
        const resetsAtMs = resetsAt === undefined ? undefined : resetsAt * 1000;
        rateLimit = { status, resetsAtMs, type: rateLimitType };
        if (status === 'rejected') onProgress('The usage limit is reached');
        return;
      }
      case 'user':
        for (const block of message.message.content) {
          const tool = /No such tool available: ([\w-]+)/.exec(JSON.stringify(block.content ?? ''))?.[1];
          if (block.is_error === true && tool !== undefined) deny(tool, 'not among the tools of this run');
        }
        return;
      case 'system':
        if (message.subtype === 'api_retry') {
          apiRetry = { status: message.error_status, error: message.error, delayMs: message.retry_delay_ms };
          const what = message.error_status ?? 'no answer';
          onProgress(`The API is asked again (${message.attempt}/${message.max_retries}, ${what})`);
        } else if (message.subtype === 'permission_denied' && reasons.size < DENIED_MAX) {
          reasons.set(message.tool_use_id, brief(message.message));
        }
    }
  };

  const usage = (): RunUsage => {
    const total: RunUsage = { ...settled, turns: settled.turns + open.size };
    for (const { model: name, tokens } of open.values()) {
      total.tokens = plus(total.tokens, tokens);
      total.costUsd += rates.estimate(name, tokens);
    }
    return total;
  };

  return {
    line: (bytes) => {
      if (bytes.length > USER_LINE_MAX_BYTES && bytes.subarray(0, USER_PREFIX.length).equals(USER_PREFIX)) return;
      const message = parseMessage(bytes.toString('utf8'));
      if (message) onMessage(message);
    },
    facts: () => ({ result, assistantError, apiRetry, rateLimit }),
    usage,
    conversation: () => conversation,
    structured: () => structured,
    denied: () => denied,
    answered: () => result !== undefined,
  };
};

const USER_PREFIX = Buffer.from('{"type":"user",');

// ---- the messages -------------------------------------------------------------------------------------------------

const optional = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);
const text = optional(z.string());
/** A figure that no run can have is taken as absent, so that no sum and no entry is spoilt by it. */
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER).catch(0);
const whole = z.int().min(0).catch(0);

const Used = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
  costUSD: count,
});
/** The last second that a date can name. */
const RESETS_AT_MAX_S = 8_640_000_000_000;
const ModelUsage = optional(z.record(z.string(), Used));

const AssistantMessage = z.object({
  type: z.literal('assistant'),
  session_id: text,
  error: text,
  message: z.object({
    id: z.string().catch('unknown'),
    model: text,
    content: z.array(z.looseObject({ type: z.string() })).catch([]),
    usage: optional(
      z.object({
        input_tokens: count,
        output_tokens: count,
        cache_read_input_tokens: count,
        cache_creation_input_tokens: count,
      }),
    ),
  }),
});
type AssistantMessage = z.infer<typeof AssistantMessage>;

const ResultMessage = z.object({
  type: z.literal('result'),
  session_id: text,
  subtype: z.string().catch('unknown'),
  // What does not say that it is none is an error.
  is_error: z.boolean().catch(true),
  terminal_reason: text,
  api_error_status: optional(z.number()),
  stop_reason: text,
  result: text,
  errors: z.array(z.string()).catch([]),
  structured_output: z.unknown().optional(),
  startup_failure_reason: text,
  num_turns: whole,
  permission_denials: z
    .array(z.object({ tool_name: z.string(), tool_use_id: z.string().catch(''), tool_input: z.unknown().optional() }))
    .catch([]),
  modelUsage: ModelUsage,
  model_usage_since_last_result: ModelUsage,
});
type ResultMessage = z.infer<typeof ResultMessage>;

const Message = z.union([
  AssistantMessage,
  ResultMessage,
  z.object({
    type: z.literal('rate_limit_event'),
    rate_limit_info: z.object({
      status: z.string(),
      resetsAt: optional(z.number().min(0).max(RESETS_AT_MAX_S)),
      rateLimitType: z.string().catch('unknown'),
    }),
  }),
  z.object({
    type: z.literal('user'),
    message: z.object({
      content: z.array(z.looseObject({ is_error: optional(z.boolean()), content: z.unknown().optional() })).catch([]),
    }),
  }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('api_retry'),
    attempt: count,
    max_retries: count,
    retry_delay_ms: count,
    error_status: optional(z.number()),
    error: z.string().catch('unknown'),
  }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('permission_denied'),
    tool_use_id: z.string(),
    message: z.string().catch('denied'),
  }),
  z.object({ type: z.literal('system'), subtype: z.literal('init'), session_id: text }),
]);
type Message = z.infer<typeof Message>;

const parseMessage = (line: string): Message | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return Message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

// ---- figures and words --------------------------------------------------------------------------------------------

const noTokens = (): Tokens => ({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 });

const plus = (a: Tokens, b: Tokens): Tokens => ({
  input: a.input + b.input,
  output: a.output + b.output,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
});

/** A common estimate for English and code; the output of a message is not final in the lines that bring it. */
const CHARS_PER_TOKEN = 4;

const tokensOf = (usage: AssistantMessage['message']['usage'], chars: number): Tokens => ({
  input: usage?.input_tokens ?? 0,
  output: Math.max(usage?.output_tokens ?? 0, Math.ceil(chars / CHARS_PER_TOKEN)),
  cacheRead: usage?.cache_read_input_tokens ?? 0,
  cacheWrite: usage?.cache_creation_input_tokens ?? 0,
});

const progressOf = (block: Record<string, unknown>, cwd: string): string => {
  if (block.type === 'text') return brief(String(block.text ?? ''));
  if (block.type !== 'tool_use') return '';
  const input = (typeof block.input === 'object' && block.input !== null ? block.input : {}) as Record<string, unknown>;
  const path = input.file_path ?? input.notebook_path;
  const object =
    typeof path === 'string'
      ? shortPath(path, cwd)
      : (input.command ?? input.pattern ?? input.skill ?? input.description);
  return brief(`${block.name} ${typeof object === 'string' ? object : ''}`);
};

const shortPath = (path: string, cwd: string): string => {
  const short = isAbsolute(path) ? relative(cwd, path) : path;
  return short.startsWith('..') ? path : short;
};

/** The first line that says something, fit for a terminal: what an agent writes must not move anybody's cursor. */
const brief = (words: string): string => {
  const first =
    words
      .slice(0, 4096)
      .split('\n')
      .find((line) => line.trim() !== '') ?? '';
  const plain = stripVTControlCharacters(first)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return plain.length > PROGRESS_MAX_CHARS ? `${plain.slice(0, PROGRESS_MAX_CHARS - 1)}…` : plain;
};
