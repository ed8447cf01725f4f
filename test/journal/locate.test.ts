import { afterEach, describe, expect, it } from 'vitest';
import { alert, createWorkbench, type Workbench } from './workbench.ts';

const benches: Workbench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});
const create = (): Workbench => {
  const bench = createWorkbench();
  benches.push(bench);
  return bench;
};

describe('where an entry stands', () => {
  it('is found for every entry, as the offset of its line', () => {
    const bench = create();
    const journal = bench.open();
    const ids = Array.from({ length: 50 }, (_, n) => journal.append(alert('x'.repeat(n * 300))).id);
    let offset = 0;
    for (const [n, line] of bench.lines().entries()) {
      expect(journal.locate(ids[n]!, 1024 ** 2)).toBe(offset);
      offset += Buffer.byteLength(line) + 1;
    }
  });

  it('is not where another entry names it', () => {
    const bench = create();
    const journal = bench.open();
    const { id } = journal.append(alert('first'));
    journal.append(alert(id));
    expect(journal.locate(id, 1024 ** 2)).toBe(0);
    expect(journal.locate('first', 1024 ** 2)).toBeUndefined();
    expect(journal.locate('', 1024 ** 2)).toBeUndefined();
  });

  it('is not looked for further back than is asked', () => {
    const bench = create();
    const journal = bench.open();
    const { id } = journal.append(alert('first'));
    for (let n = 0; n < 40; n++) journal.append(alert('x'.repeat(20_000)));
    expect(journal.locate(id, 300_000)).toBeUndefined();
    expect(journal.locate(id, 1024 ** 2)).toBe(0);
  });
});
