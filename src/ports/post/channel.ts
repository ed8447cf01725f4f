import type { Result } from '../../base/result.ts';
import type { ChannelName, OutMessage } from '../../model/message.ts';

/**
 * A way to people outside of a terminal. It hands over one message once and says what came of it: when to try again,
 * in which order and how often is decided by whoever calls.
 */
export interface Channel {
  name: ChannelName;
  /**
   * To the end that `message.to` names. Resolves soon after the signal aborts; no secret is in what it returns, and the
   * address of a webhook is one.
   */
  deliver(message: OutMessage, signal: AbortSignal): Promise<Result<Delivered, Undelivered>>;
}

export interface Delivered {
  /** What the other side calls it. */
  reference?: string;
}

export interface Undelivered {
  /** One sentence for a person, as in: Discord answers 500. */
  reason: string;
  /**
   * later: it was not taken, and may be another time.
   * never: the other side will not take it however often it is asked: no such chat, no such webhook, blocked.
   * unknown: the call ended after the message had gone out; it may have arrived.
   */
  outcome: 'later' | 'never' | 'unknown';
  /** What the other side asked to wait, in milliseconds; it counts for everything on this channel. */
  retryAfterMs?: number;
}
