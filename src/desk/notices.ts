import type { OutMessage } from '../model/message.ts';
import type { NoticeKind, Severity } from '../model/notice.ts';
import { dueMs, heldUntil, type Target, targetsOf } from '../policy/post.ts';
import type { Counter } from './counter.ts';

/** What people were told of that still stands, and what waits to be told. */
export interface NoticesView {
  notices: { notice: string; kind: NoticeKind; severity: Severity; text: string; mend: string; since: string }[];
  waiting: WaitingMessage[];
  /** Who is told. */
  targets: Target[];
}

export interface WaitingMessage extends Target {
  message: string;
  at: string;
  text: string;
  attempts: number;
  /** Until when and why it waits; empty: it goes as soon as somebody hands it over. */
  waits: string;
}

const SEVERITIES: readonly Severity[] = ['urgent', 'act', 'info'];

export const listNotices = ({ journal, config, clock }: Counter): NoticesView => {
  const state = journal.state();
  const now = clock.now();
  return {
    notices: Object.values(state.notices)
      .map(({ notice, kind, severity, text, mend, at }) => ({ notice, kind, severity, text, mend, since: at }))
      .sort(
        (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.since.localeCompare(b.since),
      ),
    waiting: Object.values(state.outbox)
      .sort((a, b) => a.at.localeCompare(b.at))
      .map((message) => {
        const { id, at, channel, to, text, attempts } = message;
        return {
          message: id,
          at,
          channel,
          to,
          text,
          attempts,
          waits: waitsText(message, heldUntil(message, config(), now), now),
        };
      }),
    targets: targetsOf(config()),
  };
};

const waitsText = (message: OutMessage, heldMs: number | undefined, now: number): string => {
  if (heldMs !== undefined) return `quiet hours until ${minuteOf(heldMs)}`;
  if (message.sending) return 'it may have arrived; nobody knows yet';
  const due = dueMs(message, now);
  if (due <= now) return message.reason ?? '';
  return `${message.reason ?? 'asked to wait'}; again at ${minuteOf(due)}`;
};

const minuteOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
