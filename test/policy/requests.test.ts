import { describe, expect, it } from 'vitest';
import { foldEntry, illegalEntry } from '../../src/journal/fold.ts';
import type { Entry } from '../../src/model/entry.ts';
import { emptyState, KEYS_MAX, OPEN_REQUESTS_MAX, SETTLED_REQUESTS_MAX, type State } from '../../src/model/state.ts';
import { nameOfWork, openRequests, sameRequest, useOfKey } from '../../src/policy/requests.ts';
import { exampleOf } from '../model/examples.ts';
import { at, NOW } from './situations.ts';

const requested = (n: number, more: { key?: string; joins?: string; offsetMs?: number } = {}): Entry => ({
  ...exampleOf('requested', { id: `E${n}`, ts: at(more.offsetMs ?? 0) }),
  data: {
    request: `R${String(n).padStart(6, '0')}`,
    what: 'review',
    args: { branches: [`b${n}`] },
    by: { face: 'http', name: 'ci' },
    ...(more.key ? { key: { id: more.key, command: 'c' } } : {}),
    ...(more.joins ? { joins: more.joins } : {}),
  },
});

const tell = (state: State, entry: Entry): string | undefined => {
  const why = illegalEntry(state, entry);
  if (why === undefined) foldEntry(state, entry);
  return why;
};

const DAY_MS = 24 * 3_600_000;

describe('a key', () => {
  it('stands for a day to the millisecond, and is free then', () => {
    const state = emptyState();
    expect(tell(state, requested(1, { key: 'k' }))).toBeUndefined();
    expect(tell(state, requested(2, { key: 'k', offsetMs: DAY_MS - 1 }))).toContain('its key was used');
    expect(useOfKey(state, 'k', NOW + DAY_MS - 1)).toMatchObject({ receipt: { request: 'R000001' } });
    expect(useOfKey(state, 'k', NOW + DAY_MS)).toBeUndefined();
    expect(tell(state, requested(3, { key: 'k', offsetMs: DAY_MS }))).toBeUndefined();
    expect(useOfKey(state, 'k', NOW + DAY_MS)).toMatchObject({ receipt: { request: 'R000003' } });
  });

  it('is forgotten within its day only when many more came, and what is kept has a limit', () => {
    const state = emptyState();
    tell(state, requested(0));
    const many = 3 * KEYS_MAX + 1;
    for (let n = 1; n <= many; n++) tell(state, requested(n, { key: `k${n}`, joins: 'R000000', offsetMs: n }));
    const { young, old } = state.keys;
    expect(Object.keys(young).length + Object.keys(old).length).toBeLessThanOrEqual(2 * KEYS_MAX);
    for (let n = many - KEYS_MAX + 1; n <= many; n++) expect(useOfKey(state, `k${n}`, NOW)).toBeDefined();
    expect(useOfKey(state, 'k1', NOW)).toBeUndefined();
    expect(state.requests.R000000?.joined.length).toBe(20);
  });
});

describe('requests', () => {
  it('are the same when they are of the same, in whatever order it was named', () => {
    const state = emptyState();
    tell(state, requested(7));
    expect(sameRequest(state, { what: 'review', args: { branches: ['b7'] } })?.id).toBe('R000007');
    expect(sameRequest(state, { what: 'review', args: {} })).toBeUndefined();
    const name = (sessions: string[]) => nameOfWork({ what: 'doctor', args: { sessions } });
    expect(name(['a', 'b'])).toBe(name(['b', 'a']));
    expect(name(['a', 'b'])).not.toBe(name(['a,b']));
    expect(nameOfWork({ what: 'standup', args: { short: false } })).toBe(nameOfWork({ what: 'standup', args: {} }));
  });

  it('that join one which was settled meanwhile stand for themselves', () => {
    const state = emptyState();
    tell(state, requested(1));
    tell(state, { ...exampleOf('request_settled'), data: { request: 'R000001', done: true, note: '' } });
    tell(state, requested(2, { joins: 'R000001' }));
    expect(openRequests(state).map(({ id }) => id)).toEqual(['R000002']);
  });

  it('have a limit, open and settled', () => {
    const state = emptyState();
    for (let n = 0; n < OPEN_REQUESTS_MAX; n++) expect(tell(state, requested(n))).toBeUndefined();
    expect(tell(state, requested(9_999))).toBe('too many requests are open');
    expect(tell(state, requested(9_999, { joins: 'R000000' }))).toBeUndefined();
    for (let n = 0; n < SETTLED_REQUESTS_MAX + 50; n++) {
      const request = `R${String(n).padStart(6, '0')}`;
      if (n >= OPEN_REQUESTS_MAX) tell(state, requested(n));
      tell(state, { ...exampleOf('request_settled', { ts: at(n) }), data: { request, done: true, note: '' } });
    }
    expect(Object.keys(state.requests)).toHaveLength(SETTLED_REQUESTS_MAX);
    expect(state.requests.R000000).toBeUndefined();
    expect(tell(state, { ...exampleOf('request_taken'), data: { request: 'R000249', pid: 1, start: '1' } })).toContain(
      'settled already',
    );
    expect(
      tell(state, { ...exampleOf('request_taken'), data: { request: '__proto__', pid: 1, start: '1' } }),
    ).toContain('unknown');
  });
});
