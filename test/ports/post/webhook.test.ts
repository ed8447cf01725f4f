import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutMessage } from '../../../src/model/message.ts';
import { createWebhooks } from '../../../src/ports/post/webhook.ts';
import { type End, openEnd } from './end.ts';

const NOW = Date.parse('2026-03-14T10:00:00.000Z');
const SECRET = 'a secret of the two of us';
let end: End;
beforeEach(async () => {
  end = await openEnd();
});
afterEach(() => end.close());

const message = (more: Partial<OutMessage> = {}): OutMessage => ({
  ...{ id: '0A', at: '2026-03-14T09:00:00.000Z', channel: 'webhook', to: 'ops', text: 'main of api is red.\nMend it.' },
  ...{ buttons: [], silent: false, attempts: 0 },
  about: {
    ...{ kind: 'notice', notice: 'main-red:api', state: 'raised' },
    matter: { kind: 'main-red', severity: 'act', text: 'main of api is red.', mend: 'Mend it.' },
  },
  ...more,
});
const deliver = (given = message(), secret: string | undefined = SECRET, url = end.url) =>
  createWebhooks({ webhooks: () => [{ name: 'ops', url, secret }], home: 'factory', now: () => NOW }).deliver(
    given,
    new AbortController().signal,
  );

describe('a webhook', () => {
  it('gets the matter in its parts', async () => {
    expect(await deliver()).toEqual({ ok: true, value: { reference: '1' } });
    expect(end.calls[0]!.body).toEqual({
      id: '0A',
      ts: '2026-03-14T09:00:00.000Z',
      kind: 'main-red',
      severity: 'act',
      state: 'raised',
      text: 'main of api is red.',
      mend: 'Mend it.',
      notice: 'main-red:api',
      home: 'factory',
    });
    expect(end.calls[0]!.headers['x-winnow-id']).toBe('0A');
  });

  it.each<[what: string, about: OutMessage['about'], body: object]>([
    [
      'that a matter is over',
      {
        kind: 'notice',
        notice: 'gate:disk',
        state: 'cleared',
        matter: { kind: 'gate', severity: 'urgent', text: 'x', mend: 'y' },
      },
      { kind: 'gate', severity: 'info', state: 'cleared', text: 'words', mend: '', notice: 'gate:disk' },
    ],
    [
      'the day',
      { kind: 'digest', entry: 'day:2026-03-14' },
      { kind: 'digest', severity: 'info', state: null, text: 'words', notice: null },
    ],
    [
      'a test',
      { kind: 'digest', entry: 'test' },
      { kind: 'test', severity: 'info', state: null, text: 'words', notice: null },
    ],
  ])('gets %s', async (_, about, body) => {
    await deliver(message({ about, text: 'words' }));
    expect(end.calls[0]!.body).toMatchObject(body);
  });

  it('can tell by the signature that the body and its moment are ours', async () => {
    await deliver();
    const { headers, text } = end.calls[0]!;
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-winnow-signature']))!;
    expect(Number(seconds)).toBe(NOW / 1000);
    expect(createHmac('sha256', SECRET).update(`${seconds}.${text}`).digest('hex')).toBe(hex);
    expect(
      createHmac('sha256', SECRET)
        .update(`${Number(seconds) + 1}.${text}`)
        .digest('hex'),
    ).not.toBe(hex);
  });

  it('can check it by the example of the documentation', async () => {
    await deliver();
    const { headers, text } = end.calls[0]!;
    const page = readFileSync(new URL('../../../docs/notices.md', import.meta.url), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(page)![1]!;
    const { isFromWinnow } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      isFromWinnow(signature: unknown, body: string, secret: string, nowSeconds?: number): boolean;
    };
    const signature = headers['x-winnow-signature'];
    expect(isFromWinnow(signature, text, SECRET, NOW / 1000 + 10)).toBe(true);
    expect(isFromWinnow(signature, text, SECRET, NOW / 1000 + 301)).toBe(false);
    expect(isFromWinnow(signature, `${text} `, SECRET, NOW / 1000)).toBe(false);
    expect(isFromWinnow(signature, text, 'another', NOW / 1000)).toBe(false);
    expect(isFromWinnow(undefined, text, SECRET, NOW / 1000)).toBe(false);
  });

  it('without a secret gets no signature', async () => {
    const plain = createWebhooks({ webhooks: () => [{ name: 'ops', url: end.url }], home: 'factory', now: () => NOW });
    await plain.deliver(message(), new AbortController().signal);
    expect(end.calls[0]!.headers).not.toHaveProperty('x-winnow-signature');
  });

  it('is not followed to where it points', async () => {
    const other = await openEnd();
    try {
      end.next.push({ status: 307, headers: { location: other.url } });
      expect(await deliver()).toMatchObject({ ok: false, error: { outcome: 'never' } });
      expect(other.calls).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('that is not configured, or not over https, is refused without its address', async () => {
    const results = [
      await deliver(message({ to: 'gone' })),
      await deliver(message(), SECRET, 'http://192.0.2.1/hook?key=s3cret'),
    ];
    expect(results).toMatchObject([
      { ok: false, error: { outcome: 'never', reason: 'no webhook gone is configured' } },
      {
        ok: false,
        error: {
          outcome: 'never',
          reason: expect.stringMatching(/^webhook ops has an address that is not https/) as string,
        },
      },
    ]);
    expect(JSON.stringify(results)).not.toMatch(/192\.0|s3cret/);
  });
});
