import { err, ok, type Result } from '../../base/result.ts';
import type { Undelivered } from './channel.ts';

/**
 * One POST of JSON to a place outside. Whatever goes wrong is said without the address: who knows that of a webhook may
 * write there.
 */
export interface Letter {
  /** Who answers, as a person knows it: Discord, webhook ops. */
  whom: string;
  url: string;
  body: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** At most ANSWER_MAX_BYTES of it. */
  text: string;
}

/** Longer than the slowest of the services takes; then it is not known whether it arrived. */
export const SEND_TIMEOUT_MS = 10_000;
/** What is read of an answer: those who send more want to fill somebody's memory. */
const ANSWER_MAX_BYTES = 64 * 1024;

/** Ends in 2xx or says why not. */
export const sendJson = async (letter: Letter, signal: AbortSignal): Promise<Result<Answer, Undelivered>> => {
  const { whom } = letter;
  const address = safeAddress(letter.url);
  if (!address)
    return err({ outcome: 'never', reason: `${whom} has an address that is not https (or http on this machine)` });
  const timeout = AbortSignal.timeout(SEND_TIMEOUT_MS);
  try {
    const response = await fetch(address, {
      method: 'POST',
      body: letter.body,
      headers: { 'content-type': 'application/json', 'user-agent': 'winnow', ...letter.headers },
      // A redirect would hand the body and its signature to whoever is named there.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    return judge(whom, { status: response.status, headers: response.headers, text: await readSome(response) });
  } catch (error) {
    if (timeout.aborted)
      return err({ outcome: 'unknown', reason: `${whom} did not answer in ${SEND_TIMEOUT_MS / 1000} s` });
    if (signal.aborted) return err({ outcome: 'unknown', reason: `stopped while ${whom} was awaited` });
    const code = codeOf(error);
    return err({
      outcome: NOT_SENT.has(code) || code.startsWith('CERT_') || code.startsWith('ERR_TLS') ? 'later' : 'unknown',
      reason: `${whom} cannot be reached (${code})`,
    });
  }
};

/** https, or http to this machine: a notice names branches and people, and its signature is worth stealing. */
const safeAddress = (text: string): URL | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  // fetch refuses an address with a password in it, and would name it.
  if (url.username !== '' || url.password !== '') return undefined;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback) ? url : undefined;
};

export const isSafeAddress = (text: string): boolean => safeAddress(text) !== undefined;

const judge = (whom: string, answer: Answer): Result<Answer, Undelivered> => {
  const { status } = answer;
  if (status >= 200 && status < 300) return ok(answer);
  const reason = `${whom} answers ${status}`;
  if (status >= 300 && status < 400) {
    return err({ outcome: 'never', reason: `${reason}, a redirect, which is not followed` });
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(answer);
    return err({ outcome: 'later', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
  return err({ outcome: 'never', reason });
};

/** Retry-After in seconds or as a date; Discord says it in the body, in seconds, and more exactly. */
const retryAfter = ({ headers, text }: Answer): number | undefined => {
  const inBody = numberIn(text, 'retry_after');
  if (inBody !== undefined) return Math.ceil(inBody * 1000);
  const header = headers.get('retry-after');
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? Math.ceil(ms) : undefined;
};

const numberIn = (text: string, key: string): number | undefined => {
  const value = jsonOf(text)?.[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
};

/** The object that an answer is, if it is one. */
export const jsonOf = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

const readSome = async (response: Response): Promise<string> => {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest of the answer.
  for await (const chunk of response.body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= ANSWER_MAX_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_MAX_BYTES).toString('utf8');
};

/** Nothing has left this machine when one of these ends the call. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EACCES',
  'EPERM',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Of the error behind it: its message may hold the address, its code does not. */
const codeOf = (error: unknown): string => {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code)) return code;
    // A name with several addresses that all refused.
    const [first] = at instanceof AggregateError ? (at.errors as unknown[]) : [];
    if (first !== undefined) return codeOf(first);
  }
  return 'no reason given';
};
