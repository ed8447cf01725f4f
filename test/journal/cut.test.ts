import { describe, expect, it } from 'vitest';
import { cutData } from '../../src/journal/cut.ts';
import { ENTRY_SCHEMAS, type EntryData, type EntryType } from '../../src/model/entry.ts';

const cut = <T extends EntryType>(type: T, data: EntryData<T>, maxBytes: number) =>
  cutData<T>(data, maxBytes, (value) => ENTRY_SCHEMAS[type].safeParse(value).success);

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('data that is too large for its line', () => {
  it('loses the end of its longest string first', () => {
    const data = { message: `begin ${'x'.repeat(10_000)}`, mend: 'm'.repeat(600) };
    const result = cut('alert', data, 2000);
    expect(bytes(result)).toBeLessThanOrEqual(2000);
    expect(result?.message).toMatch(/^begin x+…$/);
    expect(result?.mend).toBe(data.mend);
    expect(data.message.length).toBe(10_006);
  });

  it('is left alone when it fits', () => {
    expect(cut('alert', { message: 'a', mend: 'b' }, 100)).toEqual({ message: 'a', mend: 'b' });
  });

  it('keeps whole characters', () => {
    const result = cut('alert', { message: '🌾'.repeat(5000), mend: '' }, 1500);
    expect(result?.message).toMatch(/^(🌾)+…$/u);
  });

  it('loses the later elements of long lists, and keeps short strings as they are', () => {
    const problems = Array.from({ length: 5000 }, (_, index) => `problem ${index}`);
    const result = cut('config_rejected', { problems }, 4000);
    expect(result?.problems.length).toBeGreaterThan(50);
    expect(result?.problems).toEqual(problems.slice(0, result?.problems.length));
  });

  it('cuts the one huge element of a list and keeps the others', () => {
    const result = cut('config_rejected', { problems: ['x'.repeat(100_000), 'small'] }, 4000);
    expect(result?.problems).toHaveLength(2);
    expect(result?.problems[1]).toBe('small');
  });

  it('cuts a record of very many keys', () => {
    const figures = Object.fromEntries(Array.from({ length: 9000 }, (_, index) => [`figure-${index}`, index]));
    const result = cut('gate_closed', { gate: 'memory', reason: 'r', figures }, 4000);
    expect(bytes(result)).toBeLessThanOrEqual(4000);
    expect(result?.gate).toBe('memory');
    expect(result?.figures['figure-0']).toBe(0);
  });

  it('never leaves what its schema does not take', () => {
    const data: EntryData<'task_queued'> = { task: 't', text: 'x'.repeat(20_000), priority: 'low', origin: 'person' };
    expect(cut('task_queued', data, 60)).toBeUndefined();
    expect(cut('task_queued', data, 1000)?.text.length).toBeGreaterThan(0);
  });

  it('is cut in reasonable time when it is tens of megabytes', () => {
    const begin = performance.now();
    expect(bytes(cut('alert', { message: 'x'.repeat(20_000_000), mend: 'm' }, 60_000))).toBeLessThanOrEqual(60_000);
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});
