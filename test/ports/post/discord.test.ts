import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutMessage } from '../../../src/model/message.ts';
import { createDiscord, discordBody, escapeMarkdown } from '../../../src/ports/post/discord.ts';
import { type End, openEnd, reset } from './end.ts';

const SECRET = 'tokenOfTheWebhook';
let end: End;
beforeEach(async () => {
  end = await openEnd(`/api/webhooks/123/${SECRET}`);
});
afterEach(() => end.close());

const message = (more: Partial<OutMessage> = {}): OutMessage => ({
  ...{ id: '0A', at: '2026-03-14T10:00:00.000Z', channel: 'discord', to: 'discord', text: 'All is well.' },
  ...{ buttons: [], about: { kind: 'digest', entry: 'x' }, silent: false, attempts: 0 },
  ...more,
});
const deliver = (url: string | undefined = end.url, signal = new AbortController().signal) =>
  createDiscord({ url: () => url }).deliver(message(), signal);

describe('Discord', () => {
  it('is asked to wait until it has stored the message, to mention nobody and to show no previews', async () => {
    expect(await deliver()).toEqual({ ok: true, value: { reference: '1' } });
    expect(end.calls[0]!.path).toBe(`/api/webhooks/123/${SECRET}?wait=true`);
    expect(end.calls[0]!.body).toEqual({ content: 'All is well.', allowed_mentions: { parse: [] }, flags: 4 });
    expect(end.calls[0]!.headers['content-type']).toBe('application/json');
  });

  it.each<[status: number, outcome: string]>([
    [400, 'never'],
    [401, 'never'],
    [403, 'never'],
    [404, 'never'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
    [302, 'never'],
  ])('that answers %i takes it %s', async (status, outcome) => {
    end.next.push({ status, headers: { location: 'https://example.com/elsewhere' } });
    const result = await deliver();
    expect(result).toMatchObject({
      ok: false,
      error: { outcome, reason: expect.stringContaining(String(status)) as string },
    });
    expect(end.calls).toHaveLength(1);
  });

  it.each<[what: string, headers: Record<string, string>, body: string, ms: number | undefined]>([
    ['in the body, in seconds', {}, '{"retry_after":0.3,"global":true}', 300],
    ['in the header', { 'retry-after': '7' }, 'error code: 1015', 7_000],
    ['not at all', {}, '', undefined],
    ['in nonsense', { 'retry-after': 'soon' }, '{"retry_after":"x"}', undefined],
  ])('may say how long to wait %s', async (_, headers, body, ms) => {
    end.next.push({ status: 429, headers, body });
    const result = await deliver();
    expect(result.ok ? undefined : result.error.retryAfterMs).toBe(ms);
  });

  it('whose connection breaks may have it, and that cannot be reached has not', async () => {
    end.next.push(reset);
    expect(await deliver()).toMatchObject({ ok: false, error: { outcome: 'unknown' } });
    await end.down();
    expect(await deliver()).toMatchObject({
      ok: false,
      error: { outcome: 'later', reason: 'Discord cannot be reached (ECONNREFUSED)' },
    });
  });

  it('that is slow is left when whoever posts stops', async () => {
    const stop = new AbortController();
    end.next.push(() => stop.abort());
    expect(await deliver(end.url, stop.signal)).toMatchObject({ ok: false, error: { outcome: 'unknown' } });
  });

  it('that sends without end is not read without end', async () => {
    end.next.push((response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 32))) {}
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await deliver()).toEqual({ ok: true, value: {} });
  });

  it.each([
    '',
    'nonsense',
    'ftp://example.com/x',
    'http://example.com/api/webhooks/1/s3cret',
    'https://me:s3cret@example.com/',
  ])('at the address %j is not asked, and the address not told', async (url) => {
    const result = await deliver(url);
    expect(result).toMatchObject({ ok: false, error: { outcome: 'never' } });
    expect(JSON.stringify(result)).not.toMatch(/example|s3cret|nonsense/);
  });

  it('is never named by its address, whatever goes wrong', async () => {
    const said: unknown[] = [];
    for (const reply of [404, 500, 302, reset]) {
      end.next.push(reply);
      said.push(await deliver());
    }
    await end.down();
    said.push(await deliver(), await deliver(`https://no-such-host.invalid/api/webhooks/1/${SECRET}`));
    expect(said.every((result) => !(result as { ok: boolean }).ok)).toBe(true);
    expect(JSON.stringify(said)).not.toMatch(new RegExp(`${SECRET}|127\\.0\\.0\\.1|invalid`));
  });
});

describe('a message for Discord', () => {
  it.each([
    ['**bold** _it_ ~x~ ||spoiler||', '\\*\\*bold\\*\\* \\_it\\_ \\~x\\~ \\|\\|spoiler\\|\\|'],
    ['# big > quote', '\\# big \\> quote'],
    ['[click](https://example.com) <@123> <#4>', '\\[click\\](https://example.com) \\<@123\\> \\<\\#4\\>'],
    ['run `winnow resume my_session` now', 'run `winnow resume my_session` now'],
    ['a lone ` and `code_x`', 'a lone ` and `code\\_x\\`'],
    ['back\\slash', 'back\\\\slash'],
  ])('shows %j as it is', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  it('goes on in an embed where it is too long, loses nothing that fits, and says when something did not', () => {
    const lines = Array.from({ length: 90 }, (_, n) => `line ${n} of a long report about something`).join('\n');
    const { content, embeds, flags } = discordBody({ text: lines, silent: true });
    expect(content.length).toBeLessThanOrEqual(2_000);
    expect(embeds![0]!.description.length).toBeLessThanOrEqual(4_096);
    expect(`${content}\n${embeds![0]!.description}`).toBe(lines);
    expect(flags).toBe(1 << 12);
    const longer = discordBody({ text: 'x'.repeat(20_000), silent: false });
    expect(longer.content).toHaveLength(2_000);
    expect(longer.embeds![0]!.description).toMatch(/x\n… the rest stands in the journal: `winnow log`$/);
  });

  it('is not cut between the halves of a character', () => {
    const { content } = discordBody({ text: `x${'😀'.repeat(2_000)}`, silent: false });
    expect(content).not.toMatch(/[\uD800-\uDBFF]$/);
  });
});
