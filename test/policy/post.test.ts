import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutMessage } from '../../src/model/message.ts';
import { messageId, nextBatch, retryMs, targetsOf, targetText } from '../../src/policy/post.ts';
import { at, configOf, NOW } from './situations.ts';

const message = (id: string, more: Partial<OutMessage> = {}): OutMessage => ({
  ...{ id, at: at(0), channel: 'telegram', to: '7', text: `Text of ${id}.\nDo this.`, buttons: [] },
  ...{ about: { kind: 'digest', entry: id }, silent: true, attempts: 0 },
  ...more,
});
const sending = { at: at(0), pid: 1, start: '1' };
const idsOf = (messages: OutMessage[], now = NOW): string[] => {
  const next = nextBatch(messages, configOf(), now);
  return next.do === 'send' ? next.batch.map(({ id }) => id) : [];
};

describe('targets', () => {
  it('are each chat, Discord and each webhook, told of without an address', () => {
    const config = {
      ...configOf(),
      telegram: {
        token: 't',
        chats: [-100123, 'abc'],
        model: 'haiku',
        budgetPerDayUsd: 0,
        apiRoot: 'https://example.com',
      },
    };
    config.notify = { ...config.notify, discord: 'https://secret', webhooks: [{ name: 'ops', url: 'https://secret' }] };
    expect(targetsOf(config).map(targetText)).toEqual(['telegram -100123', 'telegram abc', 'discord', 'webhook ops']);
    expect(targetsOf({ ...config, telegram: { ...config.telegram, token: undefined } }).map(targetText)).toEqual([
      'discord',
      'webhook ops',
    ]);
  });

  it('have ids of their own for one matter, the same whoever makes them', () => {
    const ids = ['7', '8'].map((to) => messageId(['m', 'raised', 'h', ''], { channel: 'telegram', to }));
    expect(new Set(ids).size).toBe(2);
    expect(messageId(['m', 'raised', 'h', ''], { channel: 'telegram', to: '7' })).toBe(ids[0]);
  });
});

describe('what goes next', () => {
  it('is everything that waits, as one, with the first line of each where they are many', () => {
    const many = Array.from({ length: 60 }, (_, n) => message(`m${n}`, { text: `Line ${n}.\n${'x'.repeat(100)}` }));
    const next = nextBatch(many, configOf(), NOW);
    if (next.do !== 'send') throw new Error('nothing goes');
    expect(next.batch).toHaveLength(60);
    expect(next.message.text).toMatch(/^60 messages since 10:00 UTC:\n\n10:00 UTC Line 0\.\n/);
    expect(next.message.text).toMatch(/\nand 20 more\.\n\nWhat to do: `winnow notify list` and `winnow status`\.$/);
    expect(next.message.text.length).toBeLessThan(3_000);
  });

  it('is an answer before all that may wait, by itself', () => {
    const answer = message('answer', { at: at(1_000), about: { kind: 'answer', message: 'in' } });
    expect(idsOf([message('a'), message('b'), answer])).toEqual(['answer']);
    expect(idsOf([message('a', { notBefore: at(5_000) }), answer])).toEqual(['answer']);
  });

  it('is one matter for a program', () => {
    expect(idsOf([message('a', { channel: 'webhook' }), message('b', { channel: 'webhook' })])).toEqual(['a']);
  });

  it('is nothing behind a message that waits for its next attempt', () => {
    expect(nextBatch([message('a', { notBefore: at(5_000) }), message('b', { at: at(1) })], configOf(), NOW)).toEqual({
      do: 'wait',
      untilMs: NOW + 5_000,
    });
  });

  it('is not held up by another chat', () => {
    expect(idsOf([message('a', { notBefore: at(5_000) }), message('b', { to: '8' })])).toEqual(['b']);
  });

  it('may have arrived, and is then not mixed with what has not', () => {
    const next = nextBatch([message('a', { sending, attempts: 1 }), message('b')], configOf(), NOW + 60_000);
    expect(next).toMatchObject({ do: 'send', batch: [{ id: 'a' }] });
    expect(next.do === 'send' && next.message.text).toMatch(/^Text of a\.\nDo this\.\n\(This may be a repetition/);
  });

  it('does not wait for a moment that a clock which was set back has made to lie far ahead', () => {
    expect(idsOf([message('a', { notBefore: at(24 * 3_600_000) })])).toEqual(['a']);
  });

  it('loses nothing and keeps the order of each chat, whatever fails', () => {
    const attempt = fc.constantFrom<'takes' | 'later' | 'dies'>('takes', 'takes', 'later', 'dies');
    fc.assert(
      fc.property(
        fc.array(fc.record({ to: fc.constantFrom('7', '8'), comes: fc.nat(20) }), { minLength: 1, maxLength: 20 }),
        fc.array(attempt, { maxLength: 30 }),
        (given, ends) => {
          let waiting = given.map(({ to, comes }, n) => message(`m${n}`, { to, at: at(comes * 1_000) }));
          const taken: string[] = [];
          let now = NOW + 30_000;
          for (const end of [...ends, ...Array.from({ length: given.length * 3 }, () => 'takes' as const)]) {
            const next = nextBatch(waiting, configOf(), now);
            if (next.do === 'nothing') break;
            if (next.do === 'wait') {
              now = next.untilMs;
              continue;
            }
            const ids = new Set(next.batch.map(({ id }) => id));
            if (end === 'takes') {
              taken.push(...next.batch.map(({ id }) => id));
              waiting = waiting.filter(({ id }) => !ids.has(id));
              continue;
            }
            const failed =
              end === 'later'
                ? { notBefore: new Date(now + 5_000).toISOString() }
                : { sending: { ...sending, at: new Date(now).toISOString() } };
            waiting = waiting.map((one) => {
              if (!ids.has(one.id)) return one;
              const { sending: _, ...rest } = one;
              return { ...rest, attempts: one.attempts + 1, ...failed };
            });
          }
          expect(waiting).toEqual([]);
          expect([...taken].sort()).toEqual(given.map((_, n) => `m${n}`).sort());
          for (const to of ['7', '8']) {
            const order = taken.map((id) => given[Number(id.slice(1))]!).filter((one) => one.to === to);
            expect(order.map(({ comes }) => comes)).toEqual(order.map(({ comes }) => comes).sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('attempts', () => {
  it('are ever more seldom, up to ten minutes, and once an hour when it lasts', () => {
    expect([1, 2, 3, 8, 20, 21, 500].map((n) => retryMs(n, 1))).toEqual([
      5_000, 10_000, 20_000, 600_000, 600_000, 3_600_000, 3_600_000,
    ]);
    expect(retryMs(1, 0)).toBe(4_000);
  });
});
