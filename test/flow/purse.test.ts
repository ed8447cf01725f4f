import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPurse } from '../../src/flow/purse.ts';

const alpha = { session: 'alpha', project: 'api' };
const beta = { session: 'beta', project: 'api' };
const gamma = { session: 'gamma', project: 'web' };

describe('the purse', () => {
  it('sums what is promised, to everybody, to a session and to a project', () => {
    const purse = createPurse();
    purse.reserve(alpha, 1);
    purse.reserve(beta, 2);
    purse.reserve(gamma, 4);
    expect(purse.reserved(alpha)).toEqual({ total: 7, session: 1, project: 3 });
    expect(purse.reserved(gamma)).toEqual({ total: 7, session: 4, project: 4 });
    expect(purse.reserved({ session: 'alpha', project: 'web' })).toEqual({ total: 7, session: 1, project: 4 });
    expect(createPurse().reserved(alpha)).toEqual({ total: 0, session: 0, project: 0 });
  });

  it('takes each promise back once, however often it is released', () => {
    const purse = createPurse();
    const first = purse.reserve(alpha, 1);
    purse.reserve(alpha, 1);
    first.release();
    first.release();
    expect(purse.reserved(alpha)).toEqual({ total: 1, session: 1, project: 1 });
  });

  it('tells those who wait, in the order of asking, once for each promise that is taken back', async () => {
    const purse = createPurse();
    const promises = [purse.reserve(alpha, 1), purse.reserve(beta, 1)];
    const { signal } = new AbortController();
    const served: string[] = [];
    const serve = async (name: string): Promise<void> => {
      while (purse.reserved(alpha).total >= 2) await purse.freed(signal);
      purse.reserve(alpha, 1);
      served.push(name);
    };
    const all = ['first', 'second', 'third'].map(serve);
    promises[0]?.release();
    promises[0]?.release();
    await all[0];
    expect(served).toEqual(['first']);
    promises[1]?.release();
    await all[1];
    expect(served).toEqual(['first', 'second']);
  });

  it('lets nobody wait who has been told to stop', async () => {
    const purse = createPurse();
    purse.reserve(alpha, 1);
    const stopping = new AbortController();
    const waits = purse.freed(stopping.signal);
    stopping.abort();
    await waits;
    await purse.freed(stopping.signal);
    expect(purse.reserved(alpha).total).toBe(1);
  });

  it('is empty when everything was released, in whatever order', () => {
    const promises = fc.array(fc.tuple(fc.constantFrom(alpha, beta, gamma), fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(promises, fc.infiniteStream(fc.nat()), (list, order) => {
        const purse = createPurse();
        const open = list.map(([owner, usd]) => purse.reserve(owner, usd));
        expect(purse.reserved(alpha).total).toBe(list.reduce((sum, [, usd]) => sum + usd, 0));
        while (open.length > 0) open.splice(order.next().value % open.length, 1)[0]?.release();
        expect(purse.reserved(alpha)).toEqual({ total: 0, session: 0, project: 0 });
      }),
    );
  });
});
