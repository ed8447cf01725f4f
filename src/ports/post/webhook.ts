import { createHmac } from 'node:crypto';
import { err, ok } from '../../base/result.ts';
import type { OutMessage } from '../../model/message.ts';
import type { Channel } from './channel.ts';
import { jsonOf, sendJson } from './send.ts';

/** Notices for programs: one matter a call, under an id that stays the same however often it is sent. */
export interface WebhookDeps {
  webhooks: () => readonly { name: string; url: string; secret?: string | undefined }[];
  /** Names the factory to a program that listens to several. */
  home: string;
  now: () => number;
}

export const createWebhooks = ({ webhooks, home, now }: WebhookDeps): Channel => ({
  name: 'webhook',
  deliver: async (message, signal) => {
    const hook = webhooks().find(({ name }) => name === message.to);
    if (!hook) return err({ outcome: 'never', reason: `no webhook ${message.to} is configured` });
    const body = JSON.stringify(webhookBody(message, home));
    const seconds = Math.floor(now() / 1000);
    const sent = await sendJson(
      {
        whom: `webhook ${hook.name}`,
        url: hook.url,
        body,
        headers: {
          'x-winnow-id': message.id,
          ...(hook.secret ? { 'x-winnow-signature': signature(hook.secret, seconds, body) } : {}),
        },
      },
      signal,
    );
    if (!sent.ok) return sent;
    const id = jsonOf(sent.value.text)?.id;
    return ok(typeof id === 'string' ? { reference: id.slice(0, REFERENCE_MAX_CHARS) } : {});
  },
});

const REFERENCE_MAX_CHARS = 100;

/** The moment is signed with the body: who heard one cannot send it again tomorrow. */
const signature = (secret: string, seconds: number, body: string): string =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;

export interface WebhookBody {
  /** The same for each repetition of this message. */
  id: string;
  /** When it was written, ISO 8601. */
  ts: string;
  /** Kind of the notice; `digest` for the day and the standup, `test`. */
  kind: string;
  severity: 'info' | 'act' | 'urgent';
  /** Of the matter; null where it is about none. */
  state: 'raised' | 'cleared' | null;
  text: string;
  mend: string;
  /** Names the matter: what is cleared is what was raised under the same name. */
  notice: string | null;
  home: string;
}

export const webhookBody = ({ id, at, text, about }: OutMessage, home: string): WebhookBody => {
  if (about.kind !== 'notice') {
    const kind = about.kind === 'digest' && about.entry === TEST_ENTRY ? 'test' : about.kind;
    return { id, ts: at, kind, severity: 'info', state: null, text, mend: '', notice: null, home };
  }
  const { notice, state, matter } = about;
  return {
    ...{ id, ts: at, kind: matter?.kind ?? notice.split(':')[0]!, severity: matter?.severity ?? 'info', state },
    // Over is over: what was urgent about it is not any more.
    ...(state === 'raised' && matter
      ? { text: matter.text, mend: matter.mend }
      : { text, mend: '', severity: 'info' as const }),
    ...{ notice, home },
  };
};

/** What a test message is about. */
export const TEST_ENTRY = 'test';
