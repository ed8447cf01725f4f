import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSlotTable, type SlotWant } from '../../../src/ports/machine/slot-table.ts';

const want = (id: number, more: Partial<SlotWant> = {}): SlotWant => ({
  owner: 1,
  id,
  name: 'tsc',
  capacity: 1,
  who: `w${id}`,
  pid: 1,
  atUs: id,
  sinceMs: 0,
  once: false,
  ...more,
});

const tableWithLog = () => {
  const log: string[] = [];
  const table = createSlotTable({
    grant: ({ id }) => log.push(`got ${id}`),
    refuse: ({ id }) => log.push(`no ${id}`),
  });
  return { table, log };
};

describe('the table of slots', () => {
  it('grants nothing before it is open, and then in the order of asking, after what is held', () => {
    const { table, log } = tableWithLog();
    table.want(want(3));
    table.want(want(2));
    table.decide();
    table.have(want(1, { owner: 2 }));
    table.want(want(4, { once: true }));
    expect(log).toEqual([]);
    table.open();
    table.decide();
    expect(log).toEqual(['no 4']);
    table.leave(2);
    table.decide();
    table.drop(1, 2);
    table.decide();
    expect(log).toEqual(['no 4', 'got 2', 'got 3']);
    expect(table.rows()).toMatchObject([{ name: 'tsc', held: [{ id: 3 }], waiting: [] }]);
    table.leave(1);
    table.decide();
    expect(table.rows()).toEqual([]);
  });

  it('puts what arrives together in order before it decides', () => {
    const { table, log } = tableWithLog();
    table.open();
    table.want(want(7));
    table.want(want(5));
    table.decide();
    expect(log).toEqual(['got 5']);
  });

  it('bears more held than the capacity allows, and then grants nothing until there is room', () => {
    const { table, log } = tableWithLog();
    table.open();
    for (const id of [1, 2, 3]) table.have(want(id));
    table.want(want(4));
    for (const id of [1, 2]) table.drop(1, id);
    table.decide();
    expect(log).toEqual([]);
    table.drop(1, 3);
    table.decide();
    expect(log).toEqual(['got 4']);
  });

  it('takes the capacity of the latest request, in whatever order they are told', () => {
    for (const order of [
      [want(1, { capacity: 1 }), want(2, { capacity: 3 })],
      [want(2, { capacity: 3 }), want(1, { capacity: 1 })],
    ]) {
      const { table } = tableWithLog();
      for (const each of order) table.have(each);
      expect(table.rows()).toMatchObject([{ capacity: 3 }]);
    }
  });

  it('never holds more than the capacity, and leaves nobody waiting while there is room, whatever happens', () => {
    const step = fc.record({
      act: fc.constantFrom('want', 'once', 'drop', 'leave', 'decide'),
      owner: fc.integer({ min: 1, max: 4 }),
      id: fc.integer({ min: 1, max: 12 }),
      name: fc.constantFrom('tsc', 'test'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (steps, capacity) => {
        const { table } = tableWithLog();
        table.open();
        let at = 0;
        for (const { act, owner, id, name } of steps) {
          at++;
          if (act === 'want' || act === 'once') {
            table.want(want(at * 100 + id, { owner, name, capacity, atUs: at, once: act === 'once' }));
          } else if (act === 'leave') table.leave(owner);
          else if (act === 'drop') {
            const row = table.rows(name)[0];
            const some = row && [...row.held, ...row.waiting][id % (row.held.length + row.waiting.length)];
            if (some) table.drop(some.owner, some.id);
          }
          table.decide();
          for (const row of table.rows()) {
            expect(row.held.length).toBeLessThanOrEqual(capacity);
            if (row.waiting.length > 0) expect(row.held.length).toBe(capacity);
            expect(row.waiting.every(({ once }) => !once)).toBe(true);
            const order = row.waiting.map(({ atUs }) => atUs);
            expect(order).toEqual([...order].sort((a, b) => a - b));
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
