/**
 * What became of a run, and what follows from it. Claude Code says "success" for failures and ends with 0 without an
 * answer, so neither its word nor its exit code decides: the last result, what was seen before it and what was done
 * to the process decide together.
 */
import { type Backoff, backoffMs } from '../base/backoff.ts';
import { type Failure, type FailureKind, failure } from '../model/failure.ts';

/** Why the run was stopped from outside; 'result-hang': it had answered and did not end. */
export type StopReason = 'abort' | 'silence' | 'overtime' | 'flood' | 'result-hang';

/** The last `result` message, as far as it decides. */
export interface ResultFacts {
  subtype: string;
  isError: boolean;
  terminalReason: string | undefined;
  apiErrorStatus: number | undefined;
  stopReason: string | undefined;
  /** The answer, or the sentence about the error. */
  text: string;
  structured: boolean;
  /** Set when the program could not even start. */
  startupFailure: string | undefined;
}

export interface RunFacts {
  result: ResultFacts | undefined;
  /** `error` of the last message that Claude Code made itself, e.g. "authentication_failed". */
  assistantError: string | undefined;
  /** The last announced repetition of a request; its delay honours the service's retry-after. */
  apiRetry: { status: number | undefined; error: string; delayMs: number } | undefined;
  /** The last word about the subscription's limit. */
  rateLimit: { status: string; resetsAtMs: number | undefined; type: string } | undefined;
  schemaDemanded: boolean;
  exitCode: number | null;
  /** Number of the signal that ended the process. */
  signal: number | undefined;
  stopped: { reason: StopReason; afterMs: number } | undefined;
  stderrTail: string;
}

export type RunFailure = Failure & { resetsAtMs?: number; retryAfterMs?: number };
export type Judgement = { ok: true } | { ok: false; failure: RunFailure };

export const judgeRun = (facts: RunFacts): Judgement => {
  const { result, stopped } = facts;
  // A whole answer counts even when the process had to be stopped after it.
  if (result && !result.isError && !isAborted(result)) return judgeAnswer(facts, result);
  switch (stopped?.reason) {
    case 'abort':
      return no(facts, 'interrupted', 'The run was interrupted.');
    case 'silence':
      return no(facts, 'silent', `The run said nothing for ${seconds(stopped.afterMs)} and was stopped.`);
    case 'overtime':
      return no(facts, 'overtime', `The run was not done after ${seconds(stopped.afterMs)} and was stopped.`);
    case 'flood':
      return no(facts, 'crashed', `The run wrote more than any run has to say and was stopped.`);
    case 'result-hang':
    case undefined:
  }
  if (!result) return judgeMissing(facts);
  if (isAborted(result)) return no(facts, 'interrupted', 'The run was interrupted from outside.');
  const kind = errorKind(facts, result);
  if (kind === 'usage-limit') return usageLimit(facts);
  return no(facts, kind, oneLine(result.text) || `The run failed (${result.subtype}).`);
};

const judgeAnswer = (facts: RunFacts, result: ResultFacts): Judgement => {
  if (facts.schemaDemanded) {
    return result.structured ? { ok: true } : no(facts, 'no-answer', 'The run ended without the demanded answer.');
  }
  return result.text.trim() === '' ? no(facts, 'no-answer', 'The run ended with an empty answer.') : { ok: true };
};

const judgeMissing = (facts: RunFacts): Judgement => {
  const how = facts.signal ? `killed by signal ${facts.signal}` : `exit code ${facts.exitCode ?? 'unknown'}`;
  const said = oneLine(facts.stderrTail);
  return no(facts, 'crashed', `The run ended without a result (${how})${said === '' ? '.' : `: ${said}`}`);
};

const usageLimit = (facts: RunFacts): Judgement => {
  const { type = '', resetsAtMs } = facts.rateLimit ?? {};
  const until = resetsAtMs === undefined ? 'no time was given' : `until ${new Date(resetsAtMs).toISOString()}`;
  return no(facts, 'usage-limit', `The ${type.replaceAll('_', '-')} usage limit is reached (${until}).`);
};

/** The first rule that knows the ending names it: what is said by field comes before what is said by text. */
const errorKind = (facts: RunFacts, result: ResultFacts): FailureKind => {
  const status = result.apiErrorStatus;
  // The limit is known from its event alone: the text is for people and changes with the version.
  if (facts.rateLimit?.status === 'rejected' && (status ?? 429) === 429) return 'usage-limit';
  if (result.stopReason === 'refusal') return 'refusal';
  return (
    BY_SUBTYPE[result.subtype] ??
    BY_TERMINAL_REASON[result.terminalReason ?? ''] ??
    (result.startupFailure === undefined ? undefined : startupKind(result.startupFailure)) ??
    // This one is said by text alone.
    (/^No conversation found\b/.test(result.text) ? 'conversation-lost' : undefined) ??
    BY_ASSISTANT_ERROR[facts.assistantError ?? ''] ??
    (status === undefined ? withoutStatus(facts, result) : byStatus(status)) ??
    'claude-unknown'
  );
};

const BY_SUBTYPE: Record<string, FailureKind> = {
  error_max_turns: 'max-turns',
  error_max_budget_usd: 'budget-run',
  error_max_structured_output_retries: 'no-answer',
};

const BY_TERMINAL_REASON: Record<string, FailureKind> = {
  prompt_too_long: 'prompt-too-long',
  blocking_limit: 'prompt-too-long',
  image_error: 'prompt-too-long',
  max_turns: 'max-turns',
  budget_exhausted: 'budget-run',
  structured_output_retry_exhausted: 'no-answer',
};

/** The words of `assistant.error` that say more than the status; "server_error" and "unknown" say less. */
const BY_ASSISTANT_ERROR: Record<string, FailureKind> = {
  authentication_failed: 'auth',
  oauth_org_not_allowed: 'auth',
  account_on_hold: 'auth',
  verification_required: 'auth',
  cloud_credential_error: 'auth',
  billing_error: 'billing',
  rate_limit: 'rate-limit',
  overloaded: 'overloaded',
  model_not_found: 'model-not-found',
  max_output_tokens: 'max-output',
};

const startupKind = (reason: string): FailureKind => (reason.includes('config') ? 'claude-config' : 'crashed');

const byStatus = (status: number): FailureKind | undefined => {
  if (status === 401 || status === 403) return 'auth';
  if (status === 402) return 'billing';
  if (status === 404) return 'model-not-found';
  if (status === 413) return 'prompt-too-long';
  if (status === 429) return 'rate-limit';
  if (status === 529) return 'overloaded';
  return status >= 500 ? 'server-error' : undefined;
};

/** No answer of the service at all, or one that cannot be read (a proxy's page, a torn stream). */
const withoutStatus = (facts: RunFacts, result: ResultFacts): FailureKind | undefined => {
  if (result.terminalReason !== 'api_error') return undefined;
  return facts.assistantError === 'server_error' ? 'connection' : 'server-error';
};

const isAborted = (result: ResultFacts): boolean => result.terminalReason?.startsWith('aborted') ?? false;

const no = (facts: RunFacts, kind: FailureKind, message: string): Judgement => {
  const resetsAtMs = kind === 'usage-limit' ? facts.rateLimit?.resetsAtMs : undefined;
  const retryAfterMs = kind === 'rate-limit' || kind === 'overloaded' ? facts.apiRetry?.delayMs : undefined;
  return {
    ok: false,
    failure: {
      ...failure(kind, message, facts.stderrTail === '' ? undefined : facts.stderrTail),
      ...(resetsAtMs === undefined ? {} : { resetsAtMs }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  };
};

/** A message is one sentence; what Claude Code prints may be a page. */
const MESSAGE_MAX_CHARS = 300;

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MESSAGE_MAX_CHARS ? `${line.slice(0, MESSAGE_MAX_CHARS - 1)}…` : line;
};

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

// ---- what follows -------------------------------------------------------------------------------------------------

export interface PolicyContext {
  /** 1 for the first failure of this run, one more with each repetition. */
  attempt: number;
  retriesMax: number;
  /** Milliseconds since the epoch. */
  now: number;
  resetsAtMs?: number | undefined;
  retryAfterMs?: number | undefined;
  /** In [0, 1). */
  random: number;
}

export type RunPolicy =
  /** The same run again; after `conversation-lost` in a new conversation. */
  | { do: 'retry'; delayMs: number }
  /** One account serves all sessions: none goes on before that time. */
  | { do: 'pause-all'; untilMs: number; reason: string }
  /** A human has to act before anything can succeed. */
  | { do: 'stop-all' }
  /** This session alone waits. */
  | { do: 'park'; untilMs: number }
  /** The attempt is lost; the next cycle begins anew. */
  | { do: 'give-up' };

/** From about 5 s to 2 min: Claude Code has already repeated the request itself within the first seconds. */
const RETRY: Backoff = { baseMs: 5_000, maxMs: 120_000, jitter: 0.5 };
/** A parked session looks again after 5 min, then ever more rarely, at least every 2 h. */
const PARK: Backoff = { baseMs: 300_000, maxMs: 7_200_000, jitter: 0.2 };
/** When the service names no time: long enough to be no storm, short enough that little of a night is lost. */
const PAUSE_DEFAULT_MS = 15 * 60_000;
/** Sessions must not come back in the same second; limits are also reported a little beyond their time. */
const PAUSE_SPREAD_MS = 60_000;
/** Nothing resets later than a weekly limit does: a time beyond it is a defect of somebody's clock. */
const PAUSE_MAX_MS = 8 * 24 * 3_600_000;
/** A wait longer than this is not spent inside a cycle, which holds a workspace and a claim. */
const RETRY_AFTER_MAX_MS = 120_000;

export const policyFor = (kind: FailureKind, context: PolicyContext): RunPolicy => {
  const { attempt, retriesMax, now, random } = context;
  const park = (): RunPolicy => ({ do: 'park', untilMs: now + backoffMs(attempt, PARK, random) });
  const left = attempt <= retriesMax;
  switch (kind) {
    case 'usage-limit':
      return pauseAll(context, context.resetsAtMs, 'the usage limit is reached');

    case 'rate-limit':
    case 'overloaded': {
      const asked = context.retryAfterMs ?? 0;
      if (asked > RETRY_AFTER_MAX_MS) return pauseAll(context, now + asked, `the service asks to wait (${kind})`);
      if (!left) return pauseAll(context, undefined, `the service keeps refusing (${kind})`);
      return { do: 'retry', delayMs: Math.max(asked, backoffMs(attempt, RETRY, random)) };
    }

    case 'server-error':
    case 'connection':
      return left ? { do: 'retry', delayMs: backoffMs(attempt, RETRY, random) } : park();

    case 'conversation-lost':
      return left ? { do: 'retry', delayMs: 0 } : { do: 'give-up' };

    case 'auth':
    case 'billing':
    case 'claude-missing':
      return { do: 'stop-all' };

    case 'crashed':
    case 'silent':
    case 'claude-config':
    case 'claude-unknown':
    case 'model-not-found':
    case 'disk-full':
    case 'wall-missing':
      return park();

    case 'prompt-too-long':
    case 'max-output':
    case 'refusal':
    case 'no-answer':
    case 'budget-run':
    case 'max-turns':
    case 'overtime':
    case 'interrupted':
      return { do: 'give-up' };

    // Not endings of a run: whoever met them knows what to do.
    case 'error-looping':
    case 'home-missing':
    case 'home-unusable':
    case 'config-invalid':
    case 'session-file-invalid':
    case 'prompt-invalid':
    case 'argument-invalid':
    case 'not-found':
    case 'key-reused':
    case 'bot-closed':
    case 'too-many':
    case 'already-running':
    case 'held-back':
    case 'taken':
    case 'no-terminal':
    case 'role-parked':
    case 'repo-missing':
    case 'repo-empty':
    case 'branch-missing':
    case 'repo-unreachable':
    case 'push-refused':
    case 'checkout-dirty':
    case 'commit-gone':
    case 'git-failed':
    case 'install-failed':
    case 'journal-write':
    case 'entry-illegal':
    case 'command-missing':
    case 'unauthorized':
    case 'forbidden':
    case 'too-large':
    case 'branch-moved':
    case 'address-taken':
    case 'defect':
      return { do: 'give-up' };
  }
};

const pauseAll = ({ now, random }: PolicyContext, at: number | undefined, why: string): RunPolicy => {
  const known = at !== undefined && Number.isFinite(at);
  // A time that has passed already says no more than none at all: the limit was reported just now.
  const wait = known && at > now ? Math.min(at - now, PAUSE_MAX_MS) : PAUSE_DEFAULT_MS;
  const reason = known && at > now ? why : `${why}, no time to wait for was given`;
  return { do: 'pause-all', untilMs: Math.round(now + wait + random * PAUSE_SPREAD_MS), reason };
};
