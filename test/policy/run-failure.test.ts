import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FailureKind, MENDS } from '../../src/model/failure.ts';
import {
  judgeRun,
  type PolicyContext,
  policyFor,
  type ResultFacts,
  type RunFacts,
} from '../../src/policy/run-failure.ts';

const good: ResultFacts = {
  subtype: 'success',
  isError: false,
  terminalReason: 'completed',
  apiErrorStatus: undefined,
  stopReason: 'end_turn',
  text: 'Done.',
  structured: false,
  startupFailure: undefined,
};
const facts = (over: Partial<RunFacts> = {}): RunFacts => ({
  result: good,
  assistantError: undefined,
  apiRetry: undefined,
  rateLimit: undefined,
  schemaDemanded: false,
  exitCode: 0,
  signal: undefined,
  stopped: undefined,
  stderrTail: '',
  ...over,
});
const apiError = (over: Partial<ResultFacts>, rest: Partial<RunFacts> = {}): RunFacts =>
  facts({
    exitCode: 1,
    result: {
      ...good,
      isError: true,
      terminalReason: 'api_error',
      text: 'API Error: …',
      stopReason: 'stop_sequence',
      ...over,
    },
    ...rest,
  });
const kindOf = (f: RunFacts) => {
  const judged = judgeRun(f);
  return judged.ok ? 'ok' : judged.failure.kind;
};

describe('judgeRun', () => {
  const rejected = { status: 'rejected', resetsAtMs: 1_800_000_000_000, type: 'five_hour' };
  const rows: [string, RunFacts, FailureKind | 'ok'][] = [
    ['an answer', facts(), 'ok'],
    [
      'an answer by schema',
      facts({ schemaDemanded: true, result: { ...good, structured: true, stopReason: 'tool_use' } }),
      'ok',
    ],
    ['an empty answer with exit code 0', facts({ result: { ...good, text: ' \n' } }), 'no-answer'],
    ['text where a schema was demanded, exit code 0', facts({ schemaDemanded: true }), 'no-answer'],
    ['an answer and exit code 1', facts({ exitCode: 1 }), 'ok'],
    [
      'an answer, then a hang',
      facts({ stopped: { reason: 'result-hang', afterMs: 9000 }, exitCode: null, signal: 9 }),
      'ok',
    ],
    ['an answer just before an abort', facts({ stopped: { reason: 'abort', afterMs: 1 }, exitCode: 143 }), 'ok'],
    ['an answer after a warning of the limit', facts({ rateLimit: { ...rejected, status: 'allowed_warning' } }), 'ok'],

    ['400', apiError({ apiErrorStatus: 400 }, { assistantError: 'unknown' }), 'claude-unknown'],
    ['400, prompt too long', apiError({ apiErrorStatus: 400, terminalReason: 'prompt_too_long' }), 'prompt-too-long'],
    ['too long before any request', apiError({ terminalReason: 'blocking_limit' }), 'prompt-too-long'],
    ['400, no credit', apiError({ apiErrorStatus: 400 }, { assistantError: 'billing_error' }), 'billing'],
    ['401', apiError({ apiErrorStatus: 401 }, { assistantError: 'authentication_failed' }), 'auth'],
    ['401 without a word', apiError({ apiErrorStatus: 401 }), 'auth'],
    ['402', apiError({ apiErrorStatus: 402 }, { assistantError: 'unknown' }), 'billing'],
    ['403', apiError({ apiErrorStatus: 403 }, { assistantError: 'authentication_failed' }), 'auth'],
    ['not logged in', apiError({}, { assistantError: 'authentication_failed' }), 'auth'],
    [
      'an organisation that is not allowed',
      apiError({ apiErrorStatus: 403 }, { assistantError: 'oauth_org_not_allowed' }),
      'auth',
    ],
    ['an account on hold', apiError({}, { assistantError: 'account_on_hold' }), 'auth'],
    ['verification required', apiError({}, { assistantError: 'verification_required' }), 'auth'],
    ['a cloud credential', apiError({}, { assistantError: 'cloud_credential_error' }), 'auth'],
    ['404', apiError({ apiErrorStatus: 404 }, { assistantError: 'model_not_found' }), 'model-not-found'],
    ['413', apiError({ apiErrorStatus: 413, terminalReason: 'image_error' }), 'prompt-too-long'],
    ['429', apiError({ apiErrorStatus: 429 }, { assistantError: 'rate_limit' }), 'rate-limit'],
    [
      '429 of a subscription',
      apiError({ apiErrorStatus: 429 }, { assistantError: 'rate_limit', rateLimit: rejected }),
      'usage-limit',
    ],
    ['500', apiError({ apiErrorStatus: 500 }, { assistantError: 'server_error' }), 'server-error'],
    ['502', apiError({ apiErrorStatus: 502 }, { assistantError: 'server_error' }), 'server-error'],
    ['529', apiError({ apiErrorStatus: 529 }, { assistantError: 'server_error' }), 'overloaded'],
    ['overloaded without a status', apiError({}, { assistantError: 'overloaded' }), 'overloaded'],
    ['a refused connection', apiError({}, { assistantError: 'server_error' }), 'connection'],
    ['a body that cannot be read', apiError({}, { assistantError: 'unknown' }), 'server-error'],
    ['a refusal', apiError({ stopReason: 'refusal' }, { assistantError: 'invalid_request' }), 'refusal'],
    ['the output limit', apiError({}, { assistantError: 'max_output_tokens' }), 'max-output'],
    ['an error of a kind unknown', apiError({ terminalReason: 'a_new_one' }), 'claude-unknown'],

    ['turns', apiError({ subtype: 'error_max_turns', terminalReason: 'max_turns' }), 'max-turns'],
    ['budget', apiError({ subtype: 'error_max_budget_usd', terminalReason: 'budget_exhausted' }), 'budget-run'],
    [
      'schema',
      apiError({ subtype: 'error_max_structured_output_retries', terminalReason: 'structured_output_retry_exhausted' }),
      'no-answer',
    ],
    [
      'an unknown conversation',
      apiError({
        subtype: 'error_during_execution',
        terminalReason: undefined,
        text: 'No conversation found with session ID: x',
      }),
      'conversation-lost',
    ],
    [
      'a damaged configuration',
      apiError({ subtype: 'error_during_execution', terminalReason: undefined, startupFailure: 'config_file_invalid' }),
      'claude-config',
    ],
    [
      'another failed start',
      apiError({ subtype: 'error_during_execution', terminalReason: undefined, startupFailure: 'bypass_as_root' }),
      'crashed',
    ],

    [
      'SIGINT amid a tool, exit code 0',
      apiError({ subtype: 'error_during_execution', terminalReason: 'aborted_tools' }, { exitCode: 0 }),
      'interrupted',
    ],
    [
      'SIGINT amid a stream',
      apiError({ subtype: 'error_during_execution', terminalReason: 'aborted_streaming' }, { exitCode: 0 }),
      'interrupted',
    ],
    ['SIGINT while waiting, no result, exit code 0', facts({ result: undefined }), 'crashed'],
    ['SIGTERM from outside', facts({ result: undefined, exitCode: 143 }), 'crashed'],
    ['SIGHUP', facts({ result: undefined, exitCode: 129 }), 'crashed'],
    ['SIGKILL', facts({ result: undefined, exitCode: null, signal: 9 }), 'crashed'],
    [
      'a usage error on standard error',
      facts({ result: undefined, exitCode: 1, stderrTail: 'error: unknown option' }),
      'crashed',
    ],
    ['our abort', facts({ result: undefined, exitCode: 0, stopped: { reason: 'abort', afterMs: 5 } }), 'interrupted'],
    [
      'our abort, with a result of it',
      apiError({ terminalReason: 'aborted_tools' }, { stopped: { reason: 'abort', afterMs: 5 } }),
      'interrupted',
    ],
    [
      'silence',
      apiError({ terminalReason: 'aborted_streaming' }, { stopped: { reason: 'silence', afterMs: 5 } }),
      'silent',
    ],
    ['overtime', facts({ result: undefined, stopped: { reason: 'overtime', afterMs: 5 }, signal: 9 }), 'overtime'],
  ];
  it.each(rows)('%s', (_, given, kind) => {
    expect(kindOf(given)).toBe(kind);
  });

  it('takes the time of the reset from the event and not from the text', () => {
    const judged = judgeRun(apiError({ apiErrorStatus: 429, text: 'resets 3:50pm' }, { rateLimit: rejected }));
    expect(judged).toMatchObject({ failure: { resetsAtMs: rejected.resetsAtMs } });
    expect(judged.ok ? '' : judged.failure.message).toContain('five-hour usage limit');
  });

  it('hands on how long the service asked to wait', () => {
    const apiRetry = { status: 429, error: 'rate_limit', delayMs: 9000 };
    expect(judgeRun(apiError({ apiErrorStatus: 429 }, { apiRetry }))).toMatchObject({
      failure: { retryAfterMs: 9000 },
    });
  });

  it('makes one short sentence of whatever is printed, and keeps the rest as detail', () => {
    const judged = judgeRun(apiError({ text: `line\n${'x'.repeat(5000)}` }, { stderrTail: 'warning' }));
    if (judged.ok) throw new Error('it failed');
    expect(judged.failure.message.length).toBeLessThanOrEqual(300);
    expect(judged.failure.message).not.toContain('\n');
    expect(judged.failure.detail).toBe('warning');
  });

  it('never takes an error for an answer, whatever the words', () => {
    const word = fc.option(fc.oneof(fc.string(), fc.constantFrom('completed', 'api_error', 'refusal')), {
      nil: undefined,
    });
    fc.assert(
      fc.property(word, word, word, fc.option(fc.integer(), { nil: undefined }), (a, b, c, status) => {
        const given = apiError({ subtype: a ?? 'success', terminalReason: b, stopReason: c, apiErrorStatus: status });
        expect(judgeRun(given).ok).toBe(false);
      }),
    );
  });
});

describe('policyFor', () => {
  const now = 1_700_000_000_000;
  const at = (over: Partial<PolicyContext> = {}): PolicyContext => ({
    attempt: 1,
    retriesMax: 3,
    now,
    random: 0.5,
    ...over,
  });
  const doing = (kind: FailureKind, over: Partial<PolicyContext> = {}) => policyFor(kind, at(over)).do;

  it.each<[FailureKind, string, string]>([
    ['rate-limit', 'retry', 'pause-all'],
    ['overloaded', 'retry', 'pause-all'],
    ['server-error', 'retry', 'park'],
    ['connection', 'retry', 'park'],
    ['conversation-lost', 'retry', 'give-up'],
    ['usage-limit', 'pause-all', 'pause-all'],
    ['auth', 'stop-all', 'stop-all'],
    ['billing', 'stop-all', 'stop-all'],
    ['claude-missing', 'stop-all', 'stop-all'],
    ['crashed', 'park', 'park'],
    ['silent', 'park', 'park'],
    ['claude-config', 'park', 'park'],
    ['claude-unknown', 'park', 'park'],
    ['model-not-found', 'park', 'park'],
    ['disk-full', 'park', 'park'],
    ['prompt-too-long', 'give-up', 'give-up'],
    ['max-output', 'give-up', 'give-up'],
    ['refusal', 'give-up', 'give-up'],
    ['no-answer', 'give-up', 'give-up'],
    ['budget-run', 'give-up', 'give-up'],
    ['max-turns', 'give-up', 'give-up'],
    ['overtime', 'give-up', 'give-up'],
    ['interrupted', 'give-up', 'give-up'],
  ])('%s: %s at first, %s when the repetitions are used up', (kind, first, last) => {
    expect([doing(kind), doing(kind, { attempt: 4 })]).toEqual([first, last]);
  });

  it('knows a way for every kind of failure', () => {
    for (const kind of Object.keys(MENDS) as FailureKind[]) expect(doing(kind), kind).toBeDefined();
  });

  it('pauses until the limit resets, and a little longer, not all at the same moment', () => {
    const resetsAtMs = now + 3_600_000;
    const early = policyFor('usage-limit', at({ resetsAtMs, random: 0 }));
    const late = policyFor('usage-limit', at({ resetsAtMs, random: 0.99 }));
    expect(early).toMatchObject({ do: 'pause-all', untilMs: resetsAtMs });
    expect(late.do === 'pause-all' && late.untilMs > resetsAtMs).toBe(true);
  });

  it.each([undefined, Number.NaN, now - 1, 0])(
    'pauses for a default time when the reset is given as %s, and says so',
    (resetsAtMs) => {
      const policy = policyFor('usage-limit', at({ resetsAtMs, random: 0 }));
      expect(policy).toMatchObject({ do: 'pause-all', untilMs: now + 15 * 60_000 });
      expect(policy.do === 'pause-all' ? policy.reason : '').toContain('no time');
    },
  );

  it('never pauses beyond the longest limit there is', () => {
    const policy = policyFor('usage-limit', at({ resetsAtMs: now * 1000, random: 0 }));
    expect(policy.do === 'pause-all' && policy.untilMs <= now + 8 * 86_400_000).toBe(true);
  });

  it('waits at least as long as the service asks, and pauses all when that is long', () => {
    expect(policyFor('rate-limit', at({ retryAfterMs: 30_000 }))).toEqual({ do: 'retry', delayMs: 30_000 });
    expect(policyFor('rate-limit', at({ retryAfterMs: 600_000, random: 0 }))).toMatchObject({ untilMs: now + 600_000 });
  });

  it('lets a session wait ever longer, within bounds, whatever the count', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const policy = policyFor('crashed', at({ attempt, random }));
          expect(policy.do === 'park' && policy.untilMs > now && policy.untilMs <= now + 7_200_000).toBe(true);
          const retry = policyFor('connection', at({ attempt, random, retriesMax: 1e6 }));
          expect(retry.do === 'retry' && retry.delayMs > 0 && retry.delayMs <= 120_000).toBe(true);
        },
      ),
    );
  });
});
