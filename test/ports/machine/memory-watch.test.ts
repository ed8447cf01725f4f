import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryWatch, type MemoryWatch } from '../../../src/ports/machine/memory-watch.ts';
import { until } from '../../journal/workbench.ts';

const watches: MemoryWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

/** A watch that looks all the time at figures that are set by hand; and how often it looked at each. */
const open = (figures: Record<string, number>, fails: () => boolean = () => false) => {
  const looks: Record<string, number> = {};
  const watch = createMemoryWatch({
    everyMs: 1,
    bytesOf: async (prefixes) => {
      for (const prefix of prefixes) looks[prefix] = (looks[prefix] ?? 0) + 1;
      if (fails()) throw new Error('gone');
      return new Map(prefixes.map((prefix) => [prefix, figures[prefix] ?? 0]));
    },
  });
  watches.push(watch);
  /** Resolves when a look that began after the call is over. */
  const looked = async (prefix: string) => {
    const before = looks[prefix] ?? 0;
    await until(() => (looks[prefix] ?? 0) >= before + 2, `two looks at ${prefix}`);
  };
  return { watch, looks, looked };
};

describe('the memory watch', () => {
  it('remembers the most that was seen, not the last', async () => {
    const figures: Record<string, number> = { c1: 100 };
    const { watch, looked } = open(figures);
    const seen = watch.watch('c1');
    expect(seen.peakBytes()).toBe(0);
    await looked('c1');
    expect(seen.peakBytes()).toBe(100);
    figures.c1 = 900;
    await looked('c1');
    figures.c1 = 200;
    await looked('c1');
    expect(seen.peakBytes()).toBe(900);
  });

  it('keeps cycles apart', async () => {
    const { watch, looked } = open({ c1: 100, c2: 700 });
    const [first, second] = [watch.watch('c1'), watch.watch('c2')];
    await looked('c2');
    expect([first.peakBytes(), second.peakBytes()]).toEqual([100, 700]);
  });

  it('looks no more at a cycle that has ended, nor at anything after it was stopped', async () => {
    const { watch, looks, looked } = open({ c1: 100, c2: 100 });
    const first = watch.watch('c1');
    watch.watch('c2');
    await looked('c2');
    first.end();
    await looked('c2');
    const after = looks.c1;
    await looked('c2');
    expect(looks.c1).toBe(after);
    expect(first.peakBytes()).toBe(0);
    watch.stop();
    const stopped = looks.c2 ?? 0;
    const other = open({ c3: 1 });
    other.watch.watch('c3');
    for (let n = 0; n < 5; n += 1) await other.looked('c3');
    expect(looks.c2).toBeLessThanOrEqual(stopped + 1);
  });

  it('looks again after a look that failed', async () => {
    let isBroken = true;
    const { watch, looked } = open({ c1: 300 }, () => isBroken);
    const seen = watch.watch('c1');
    await looked('c1');
    expect(seen.peakBytes()).toBe(0);
    isBroken = false;
    await looked('c1');
    expect(seen.peakBytes()).toBe(300);
  });

  it('looks once for all cycles, and not at all while there is none', async () => {
    const asked: string[][] = [];
    const watch = createMemoryWatch({
      everyMs: 1,
      bytesOf: async (prefixes) => {
        asked.push([...prefixes]);
        return new Map();
      },
    });
    watches.push(watch);
    const many = Array.from({ length: 64 }, (_, n) => watch.watch(`c${n}`));
    await until(() => asked.length >= 2, 'two looks');
    expect(asked.every((prefixes) => prefixes.length === 64)).toBe(true);
    for (const { end } of many) end();
    const other = open({ c: 1 });
    other.watch.watch('c');
    const before = asked.length;
    for (let n = 0; n < 5; n += 1) await other.looked('c');
    expect(asked.length).toBeLessThanOrEqual(before + 1);
  });

  it('waits for a slow look to end before it begins another', async () => {
    let at = 0;
    let most = 0;
    let looks = 0;
    const watch = createMemoryWatch({
      everyMs: 1,
      bytesOf: async () => {
        at += 1;
        most = Math.max(most, at);
        await new Promise((resolve) => setTimeout(resolve, 5));
        at -= 1;
        looks += 1;
        return new Map();
      },
    });
    watches.push(watch);
    watch.watch('c1');
    await until(() => looks >= 5, 'five looks');
    expect(most).toBe(1);
  });
});
